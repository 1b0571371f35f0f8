//! House rules that a compiler does not check: heads, the map, the lists called `ALL`, and a study that stays data.

use crate::support::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_file_has_a_head() {
    for path in rust_files() {
        let text = fs::read_to_string(&path).expect("a source file");
        assert!(text.starts_with("//! "), "{} does not say what it does", path.display());
    }
}

#[test]
fn no_file_outgrows_its_reader() {
    for path in rust_files() {
        let lines = fs::read_to_string(&path).expect("a source file").lines().count();
        assert!(lines <= 800, "{} has {lines} lines: is it two things?", path.display());
    }
}

#[test]
fn the_map_names_every_folder_and_module() {
    let map = fs::read_to_string(root().join("src/README.md")).expect("the map");
    for path in rust_files() {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a UTF-8 name");
        let folder =
            path.parent().and_then(|parent| parent.file_name()).and_then(|name| name.to_str()).expect("a folder");
        let wanted = if matches!(name, "lib" | "mod") { folder } else { name };
        assert!(map.contains(&format!("`{wanted}")), "src/README.md does not name `{wanted}` ({})", path.display());
    }
}

#[test]
fn kinds_estimators_and_measures_are_listed_in_order() {
    for (list, folder, exempt) in [
        (
            "src/kinds/lib.rs",
            "src/kinds",
            &[
                "lib",
                "convert",
                "checks",
                "matrix",
                "layout",
                "exhibits",
                "regression",
                "descriptive",
                "missing",
                "schema",
                "origin",
                "profile",
            ][..],
        ),
        ("src/stats/estimators/mod.rs", "src/stats/estimators", &["mod"][..]),
    ] {
        let text = fs::read_to_string(root().join(list)).expect(list);
        let listed = text.split("ALL:").nth(1).and_then(|rest| rest.split(';').next()).expect("a list called ALL");
        let positions: Vec<usize> = file_stems(folder)
            .iter()
            .filter(|stem| !exempt.contains(&stem.as_str()))
            .map(|stem| {
                listed
                    .find(&format!("{stem}::"))
                    .unwrap_or_else(|| panic!("{folder}/{stem}.rs is not in ALL of {list}"))
            })
            .collect();
        assert!(positions.is_sorted(), "ALL of {list} is not alphabetical");
    }
}

/// A second study must need only its own pipeline, stages and data.
#[test]
fn nothing_of_the_study_is_in_the_sources() {
    let pipeline = fs::read_to_string(root().join("pipeline.yaml")).expect("the study");
    let value: serde_yaml::Value = serde_yaml::from_str(&pipeline).expect("valid YAML");
    let mut words: BTreeSet<String> = BTreeSet::new();
    for section in ["sources", "stages", "params"] {
        let keys = value.get(section).and_then(|section| section.as_mapping()).expect("a map");
        words.extend(keys.keys().filter_map(|key| key.as_str()).map(str::to_string));
    }
    // Words of the tool's own grammar that a study may also choose as names.
    for common in ["baseline", "panel", "exhibits", "names", "cities", "dictionary", "unmatched"] {
        words.remove(common);
    }
    for path in rust_files() {
        let text = fs::read_to_string(&path).expect("a source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for word in &words {
            assert!(!code.contains(&format!("\"{word}\"")), "{} holds the study's `{word}`", path.display());
        }
    }
}

fn file_stems(folder: &str) -> Vec<String> {
    let mut stems: Vec<String> = fs::read_dir(root().join(folder))
        .expect(folder)
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()))
        .collect();
    stems.sort();
    stems
}

fn rust_files() -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join("src"), &mut files);
    files.sort();
    files
}
