//! The arrows of `src/README.md`, compared with every `Cargo.toml`: leaves do not know each other, arrows point down.

use crate::support::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Member to the members it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("documents", &[]),
    ("engine", &[]),
    ("kinds", &["documents", "engine", "readers", "stats", "tables"]),
    ("readers", &[]),
    ("stats", &[]),
    ("tables", &[]),
];

/// Crate to the one member that may use it.
const OWNERS: &[(&str, &str)] = &[
    ("arrow", "tables"),
    ("calamine", "readers"),
    ("csv", "readers"),
    ("datafusion", "tables"),
    ("dta", "readers"),
    ("parquet", "tables"),
    ("rusqlite", "engine"),
    ("saphyr-parser", "engine"),
    ("tokio", "tables"),
];

#[test]
fn members_use_only_what_the_layers_allow() {
    let members = dependencies();
    let names: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    for (name, allowed) in ARROWS {
        let used: BTreeSet<&str> =
            members[*name].iter().map(String::as_str).filter(|used| names.contains(used)).collect();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert!(used.is_subset(&allowed), "{name} uses {used:?}, allowed are {allowed:?}");
    }
}

#[test]
fn each_technology_has_one_owner() {
    for (member, used) in dependencies() {
        for (technology, owner) in OWNERS {
            assert!(
                !used.contains(*technology) || member == *owner,
                "`{technology}` belongs to `{owner}`, but `{member}` uses it"
            );
        }
    }
}

#[test]
fn versions_stand_only_in_the_workspace() {
    for (member, text) in manifests() {
        let (_, dependencies) = text.split_once("[dependencies]").unwrap_or(("", ""));
        for line in dependencies.lines().filter(|line| line.contains('=')) {
            let allowed = line.contains("workspace = true");
            assert!(allowed || line.starts_with("default-run"), "{member}: `{line}` should be `workspace = true`");
        }
    }
}

/// Normal dependencies of each member.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    manifests()
        .into_iter()
        .map(|(member, text)| {
            let section = text.split("[dependencies]").nth(1).unwrap_or("").split("\n[").next().unwrap_or("");
            let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
            (member, names.filter(|name| !name.is_empty()).map(str::to_string).collect())
        })
        .collect()
}

fn manifests() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root().join("src")).expect("src is there").flatten() {
        if let Ok(text) = fs::read_to_string(entry.path().join("Cargo.toml")) {
            found.insert(entry.file_name().to_string_lossy().into_owned(), text);
        }
    }
    found
}
