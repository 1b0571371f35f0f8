//! What a kind is given to parse: the options of one stage, the parameters, sources and files it may name.
//! Substitutes `${name}` where a kind asks for it. Knows no kind.

use crate::diagnostic::{self, Diagnostic, Place};
use crate::digest::{Digest, Hasher};
use crate::kind::StudyFacts;
use crate::record;
use crate::snapshot::Seen;
use crate::stamp::Stamp;
use crate::yaml::fields::{Fields, Located};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Where a study lives. Paths in a study are relative to its folder.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder of the pipeline file.
    pub root: PathBuf,
    /// The pipeline file, as shown.
    pub file: String,
    /// Stands in for the study's `data` folder (`--data`).
    pub data: Option<PathBuf>,
    /// Files that stand in for others, or beside them, by the path the study would know them by (`plan --with`).
    pub overlay: BTreeMap<String, PathBuf>,
    trace: Arc<Mutex<Trace>>,
}

/// What was looked at to read the study: its own files, and which data files its patterns match.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub files: Vec<Seen>,
    pub globs: Vec<(String, Vec<PathBuf>)>,
}

/// Raw files from outside, found by a glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    /// Sorted by shown path: as in the study, and where the file really is.
    pub files: Vec<(String, PathBuf)>,
    /// Whether it lies in the study's `data` folder, which `--data` replaces.
    pub in_data: bool,
    pub licence: Option<String>,
    pub citation: Option<String>,
}

/// One stage's options with everything they may refer to.
pub struct Spec<'a> {
    pub name: &'a str,
    pub fields: Fields<'a>,
    pub project: &'a Project,
    /// Parameters of the study and, in an instance, the values of its point.
    pub params: &'a BTreeMap<String, String>,
    pub sources: &'a BTreeMap<String, Source>,
    /// What a document says of the study. Whoever prints some of it has it in its key.
    pub facts: &'a StudyFacts,
    /// Parameters put in so far, for whoever explains why a stage changed.
    pub used: RefCell<BTreeSet<String>>,
    /// Sources asked for so far.
    pub read: RefCell<BTreeSet<String>>,
    /// Of the texts given out so far: files as they are, and texts with their parameters put in.
    pub code: RefCell<Hasher>,
}

/// A text file of the study.
#[derive(Clone, Debug)]
pub struct StudyFile {
    pub shown: String,
    pub text: String,
}

impl Project {
    pub fn new(root: PathBuf, file: String, data: Option<PathBuf>, overlay: BTreeMap<String, PathBuf>) -> Project {
        Project { root, file, data, overlay, trace: Arc::default() }
    }

    /// Reads a file that the study consists of.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let hashed_at = record::now_nanoseconds();
        let stamp = Stamp::of(&fs::metadata(path)?);
        let bytes = fs::read(path)?;
        let digest = Digest::of_bytes(&bytes);
        let seen = Seen { path: path.into(), stamp, digest, hashed_at };
        self.trace.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).files.push(seen);
        Ok(bytes)
    }

    /// The paths that a pattern matches, in order.
    pub fn matches(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let paths = matches(pattern)?;
        let mut trace = self.trace.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        trace.globs.push((pattern.to_string(), paths.clone()));
        Ok(paths)
    }

    pub fn trace(&self) -> Trace {
        self.trace.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Where the file that the study calls `shown` really is.
    pub fn path(&self, shown: &str) -> PathBuf {
        let shown = shown.trim_start_matches("./");
        match (&self.data, shown.strip_prefix("data/")) {
            (Some(data), Some(rest)) => data.join(rest),
            _ => self.root.join(shown),
        }
    }

    pub fn state(&self) -> PathBuf {
        self.root.join(".restudy")
    }

    pub fn out(&self) -> PathBuf {
        self.root.join("out")
    }
}

impl<'a> Spec<'a> {
    /// The text of an option with its parameters put in.
    pub fn substituted(&self, key: &str) -> Option<Located<String>> {
        let text = self.fields.text(key)?;
        Some(Located { value: self.substitute(&text), place: text.place })
    }

    /// `text` with its parameters put in; an unknown one is reported.
    pub fn substitute(&self, text: &Located<String>) -> String {
        let (value, unknown) = self.put_in(&text.value);
        for (_, name) in unknown {
            self.unknown_parameter(&name, text.place.clone());
        }
        value
    }

    /// A whole file with its parameters put in; an unknown one is reported where it stands in the file.
    pub fn substitute_file(&self, file: &StudyFile) -> String {
        let (value, unknown) = self.put_in(&file.text);
        for (offset, name) in unknown {
            let before = &file.text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
            let place = Place::in_text(&file.shown, &file.text, line, column, name.chars().count() + 3);
            self.unknown_parameter(&name, place);
        }
        value
    }

    fn put_in(&self, text: &str) -> (String, Vec<(usize, String)>) {
        let (value, used, unknown) = substitute(text, self.params);
        self.used.borrow_mut().extend(used);
        self.code.borrow_mut().text(&value);
        (value, unknown)
    }

    /// Reads the text file that an option names.
    pub fn file(&self, key: &str) -> Option<StudyFile> {
        let name = self.fields.required_text(key)?;
        self.open(&name)
    }

    /// Reads a text file of the study by its path there.
    pub fn open(&self, name: &Located<String>) -> Option<StudyFile> {
        let path = self.project.path(&name.value);
        match self.project.read(&path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => {
                    self.code.borrow_mut().text(&text);
                    Some(StudyFile { shown: name.value.clone(), text })
                }
                Err(_) => {
                    self.report(
                        Diagnostic::error(format!("`{}` is not UTF-8 text", name.value))
                            .hint("save it as UTF-8".to_string()),
                        &name.place,
                    );
                    None
                }
            },
            Err(error) => {
                let near = nearest_file(&path).map(|near| {
                    let folder = name.value.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
                    format!("did you mean `{folder}{near}`?")
                });
                self.report(
                    Diagnostic::error(format!("cannot read `{}`: {error}", name.value)).hint(near),
                    &name.place,
                );
                None
            }
        }
    }

    /// The source that an option names.
    pub fn source(&self, key: &str) -> Option<&'a Source> {
        let name = self.fields.required_text(key)?;
        let found = self.sources.get(&name.value);
        self.read.borrow_mut().extend(found.map(|source| source.name.clone()));
        if found.is_none() {
            let known: Vec<&str> = self.sources.keys().map(String::as_str).collect();
            let near = diagnostic::did_you_mean(&name.value, known.iter().copied());
            self.report(
                Diagnostic::error(format!("no source `{}` in this study", name.value))
                    .hint(near.or_else(|| Some(format!("sources: {}", known.join(", "))))),
                &name.place,
            );
        }
        found
    }

    /// The declared key of a table, which every table needs.
    pub fn key(&self) -> Vec<String> {
        self.fields.required("key");
        let names = self.fields.texts("key").unwrap_or_default();
        let mut key: Vec<String> = Vec::new();
        for name in names {
            if key.contains(&name.value) {
                self.report(Diagnostic::error(format!("`{}` is twice in the key", name.value)), &name.place);
            } else {
                key.push(name.value);
            }
        }
        key
    }

    fn report(&self, diagnostic: Diagnostic, place: &Place) {
        self.fields.problems().push(diagnostic.at(place.clone()));
    }

    fn unknown_parameter(&self, name: &str, place: Place) {
        let known: Vec<&str> = self.params.keys().map(String::as_str).collect();
        let near = diagnostic::did_you_mean(name, known.iter().copied());
        self.report(
            Diagnostic::error(format!("no parameter `{name}`"))
                .hint(near.or_else(|| Some(format!("parameters: {}", known.join(", "))))),
            &place,
        );
    }
}

/// The text, the names used, and the unknown names with their byte offsets.
type Substituted = (String, BTreeSet<String>, Vec<(usize, String)>);

/// Replaces `${name}` by its value; `$${` stands for `${` itself.
fn substitute(text: &str, params: &BTreeMap<String, String>) -> Substituted {
    let mut result = String::with_capacity(text.len());
    let mut used = BTreeSet::new();
    let mut unknown = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let offset = text.len() - rest.len() + start;
        if rest[..start].ends_with('$') {
            result.push_str(&rest[..start - 1]);
            result.push_str("${");
            rest = &rest[start + 2..];
            continue;
        }
        result.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('}') else {
            unknown.push((offset, rest[start + 2..].lines().next().unwrap_or("").to_string()));
            return (result, used, unknown);
        };
        let name = rest[start + 2..start + end].trim();
        match params.get(name) {
            Some(value) => {
                used.insert(name.to_string());
                result.push_str(value);
            }
            None => unknown.push((offset, name.to_string())),
        }
        rest = &rest[start + end + 1..];
    }
    result.push_str(rest);
    (result, used, unknown)
}

/// The paths that a pattern matches, in order.
pub(crate) fn matches(pattern: &str) -> Result<Vec<PathBuf>, String> {
    if !pattern.contains(['*', '?', '[']) {
        let path = PathBuf::from(pattern);
        return Ok(if path.exists() { vec![path] } else { Vec::new() });
    }
    let paths = glob::glob(pattern).map_err(|error| error.to_string())?;
    paths.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// The file in the same folder with the most similar name.
fn nearest_file(path: &Path) -> Option<String> {
    let wanted = path.file_name()?.to_str()?;
    let mut names: Vec<String> =
        fs::read_dir(path.parent()?).ok()?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    diagnostic::nearest(wanted, names.iter().map(String::as_str)).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_put_in_and_unknown_ones_found() {
        let params = BTreeMap::from([("rule".to_string(), "broad".to_string())]);
        let cases = [
            ("a ${rule} b", "a broad b", vec![]),
            ("$${rule} ${ rule }", "${rule} broad", vec![]),
            ("x ${rul}", "x ", vec![(2, "rul".to_string())]),
            ("${rule", "", vec![(0, "rule".to_string())]),
        ];
        for (text, value, unknown) in cases {
            let (found, _, missing) = substitute(text, &params);
            assert_eq!((found, missing), (value.to_string(), unknown), "{text}");
        }
    }
}
