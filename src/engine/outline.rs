//! Where each stage and source stands in `pipeline.yaml`, so that a few of them can be read without the others: in a study
//! of ten thousand stages, reading all of it for one changed data file would take most of the time.

use crate::record::TableRecord;
use crate::yaml::{Document, Entry, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The entries of `stages:` and `sources:` with their lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    pub stages: Vec<Section>,
    pub sources: Vec<Section>,
    /// The line of the key `sources`, from 1.
    sources_line: Option<usize>,
}

/// One entry, from its first line to before `end`, both from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub name: String,
    first: usize,
    end: usize,
}

/// What to read of a study: some stages, the sources they need, and the tables of the others.
pub struct Excerpt {
    pub outline: Outline,
    pub stages: BTreeSet<String>,
    pub sources: BTreeSet<String>,
    pub tables: BTreeMap<String, TableRecord>,
}

impl Outline {
    /// `None` where entries share lines, or where one may refer to another by an anchor.
    pub fn of(document: &Document) -> Option<Outline> {
        let Value::Map(root) = &document.root.value else { return None };
        if document.text.lines().any(|line| line.contains('&') || line.contains(": *") || line.contains("<<:")) {
            return None;
        }
        let lines: Vec<&str> = document.text.lines().collect();
        let leads = |entry: &Entry| {
            lines
                .get(entry.key_span.line - 1)
                .is_some_and(|line| line.chars().take_while(|c| *c == ' ').count() + 1 == entry.key_span.column)
        };
        let mut outline = Outline::default();
        for (index, entry) in root.iter().enumerate() {
            let end = root.get(index + 1).map_or(lines.len() + 1, |next| next.key_span.line);
            if !leads(entry) || end <= entry.key_span.line {
                return None;
            }
            let sections = match entry.key.as_str() {
                "stages" => &mut outline.stages,
                "sources" => &mut outline.sources,
                _ => continue,
            };
            let Value::Map(children) = &entry.node.value else { return None };
            for (index, child) in children.iter().enumerate() {
                let end = children.get(index + 1).map_or(end, |next| next.key_span.line);
                let first = child.key_span.line;
                if !leads(child) || first <= entry.key_span.line || end <= first {
                    return None;
                }
                sections.push(Section { name: child.key.clone(), first, end });
            }
            if entry.key == "sources" {
                outline.sources_line = Some(entry.key_span.line);
            }
        }
        Some(outline)
    }

    /// The text without the stages and sources that the excerpt does not have; what stays is on the lines it was on.
    pub fn reduced(&self, text: &str, excerpt: &Excerpt) -> String {
        let mut keep = vec![true; text.lines().count() + 2];
        let mut blank = |sections: &[Section], kept: &BTreeSet<String>| {
            for section in sections.iter().filter(|section| !kept.contains(&section.name)) {
                keep[section.first..section.end].fill(false);
            }
        };
        blank(&self.stages, &excerpt.stages);
        blank(&self.sources, &excerpt.sources);
        if let Some(line) = self.sources_line.filter(|_| excerpt.sources.is_empty()) {
            keep[line] = false;
        }
        let mut reduced = String::with_capacity(text.len() / 8);
        for (line, keep) in text.lines().zip(&keep[1..]) {
            if *keep {
                reduced.push_str(line);
            }
            reduced.push('\n');
        }
        reduced
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn outline(text: &str) -> Option<Outline> {
        Outline::of(&yaml::parse("x", text).expect("valid YAML"))
    }

    #[test]
    fn an_excerpt_keeps_its_lines() {
        let text = "restudy: 1\nsources:\n  a: {path: a}\n  b:\n    path: b\n# remark\nstages:\n  x: {kind: k}\n\n  y:\n    kind: k\n  z: {kind: k}\nparams: {}\n";
        let outline = outline(text).expect("written line by line");
        let set = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let excerpt = |stages: &[&str], sources: &[&str]| {
            let excerpt = Excerpt {
                outline: outline.clone(),
                stages: set(stages),
                sources: set(sources),
                tables: BTreeMap::new(),
            };
            outline.reduced(text, &excerpt)
        };
        assert_eq!(
            excerpt(&["y"], &["b"]),
            "restudy: 1\nsources:\n\n  b:\n    path: b\n# remark\nstages:\n\n\n  y:\n    kind: k\n\nparams: {}\n"
        );
        assert_eq!(excerpt(&["x"], &[]), "restudy: 1\n\n\n\n\n\nstages:\n  x: {kind: k}\n\n\n\n\nparams: {}\n");
        assert_eq!(excerpt(&["x", "y", "z"], &["a", "b"]), text);
    }

    #[test]
    fn a_study_whose_entries_share_lines_or_anchors_has_no_outline() {
        for text in [
            "stages: {a: {kind: k}, b: {kind: k}}\n",
            "stages:\n  a: &a {kind: k}\n  b: *a\n",
            "{stages: {a: {kind: k}}}\n",
        ] {
            assert_eq!(outline(text), None, "{text}");
        }
    }
}
