//! Studies in temporary folders, and the real binary run on them. Knows no study.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A study in a folder of its own.
pub struct Study {
    folder: TempDir,
}

/// How a command ended.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Study {
    pub fn new(files: &[(&str, &[u8])]) -> Study {
        let study = Study { folder: tempfile::tempdir().expect("a temporary folder") };
        for (name, bytes) in files {
            study.write(name, bytes);
        }
        study
    }

    /// A copy of the folders and files below `from`.
    pub fn copy(from: &Path, names: &[&str]) -> Study {
        let study = Study::new(&[]);
        for name in names {
            copy(&from.join(name), &study.path(name));
        }
        study
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Replaces a text that must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{name}` has no `{from}`");
        self.write(name, text.replace(from, to));
    }

    /// Runs `restudy` in the study's folder.
    pub fn restudy(&self, arguments: &[&str]) -> Done {
        self.restudy_with(arguments, &[])
    }

    /// The same with environment variables.
    pub fn restudy_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Done {
        let output = Command::new(env!("CARGO_BIN_EXE_restudy"))
            .args(arguments)
            .envs(environment.iter().copied())
            .env_remove("RESTUDY_LOG")
            .current_dir(self.folder.path())
            .output()
            .expect("the binary starts");
        Done {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// `restudy run --json`, which must succeed.
    pub fn run(&self, arguments: &[&str]) -> serde_json::Value {
        let done = self.restudy(&[&["run", "--json"], arguments].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
        serde_json::from_str(&done.stdout).expect("JSON")
    }

    /// Every file below a folder with its bytes; empty if there is no folder.
    pub fn snapshot(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        files_below(&self.path(name), &mut found);
        found
    }

    /// Table name to digest of its values.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let done = self.restudy(&["status", "--json"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let status: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
        let stages = status["stages"].as_array().expect("stages");
        let tables = stages.iter().flat_map(|stage| stage["tables"].as_array().expect("tables"));
        let text = |value: &serde_json::Value| value.as_str().expect("text").to_string();
        tables.map(|table| (text(&table["name"]), text(&table["digest"]))).collect()
    }
}

/// The names in a list of a summary, such as `ran`.
pub fn names(summary: &serde_json::Value, list: &str) -> Vec<String> {
    let items = summary[list].as_array().unwrap_or_else(|| panic!("no list `{list}` in {summary}"));
    items.iter().map(|item| item.as_str().expect("a name").to_string()).collect()
}

/// The workbook with one text of its first sheet's XML replaced.
pub fn edit_workbook(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    change_workbook(bytes, |sheet| {
        assert!(sheet.contains(from), "the sheet has no `{from}`");
        sheet.replacen(from, to, 1)
    })
}

/// The workbook with the XML of its first sheet changed.
pub fn change_workbook(bytes: &[u8], change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let mut change = Some(change);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a workbook");
    let mut written = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("an entry");
        let name = entry.name().expect("a UTF-8 name").to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("read");
        if name == "xl/worksheets/sheet1.xml"
            && let Some(change) = change.take()
        {
            content = change(std::str::from_utf8(&content).expect("XML")).into_bytes();
        }
        written.start_file(name, zip::write::SimpleFileOptions::default()).expect("started");
        written.write_all(&content).expect("written");
    }
    written.finish().expect("finished").into_inner()
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("made");
        for entry in fs::read_dir(from).expect("a folder").flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().expect("a folder")).expect("made");
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
}

fn files_below(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.insert(path.clone(), fs::read(&path).expect("a file"));
        }
    }
}

/// A Python that has these modules: the one that `RESTUDY_PYTHON` names, which then must have them, or `python3`. Without one the test
/// `test` is skipped, and says so.
pub fn python(test: &str, modules: &[&str]) -> Option<PathBuf> {
    let can = |python: &Path| {
        let import = format!("import {}", modules.join(", "));
        let done = Command::new(python).args(["-c", &import]).stderr(Stdio::null()).status();
        done.is_ok_and(|status| status.success())
    };
    if let Some(python) = std::env::var_os("RESTUDY_PYTHON") {
        let python = PathBuf::from(python);
        assert!(can(&python), "RESTUDY_PYTHON={} cannot import {}", python.display(), modules.join(" and "));
        return Some(python);
    }
    let python = PathBuf::from("python3");
    if can(&python) {
        return Some(python);
    }
    // Not `eprintln!`, which a passing test does not show.
    let _ = writeln!(std::io::stderr(), "{test}: skipped, because `python3` cannot import {}", modules.join(" and "));
    None
}
