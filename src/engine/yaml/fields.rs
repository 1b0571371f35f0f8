//! Reads the keys of a map and collects every mistake with its place, so that a file is corrected in one go.
//! Knows no key by name: whoever asks for a key makes it known.

use crate::diagnostic::{self, Diagnostic, Place};
use crate::yaml::{Document, Entry, Node, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Mistakes found so far; shared by all readers of one study so that they are reported together.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Diagnostic>>);

/// Reads the keys of one map. Each key asked for counts as known; `finish` reports the others.
pub struct Fields<'a> {
    document: &'a Document,
    node: &'a Node,
    /// What the map describes, for messages: "stage `panel`".
    what: String,
    asked: RefCell<BTreeSet<String>>,
    problems: &'a Problems,
}

/// A value together with where it stands.
#[derive(Clone, Debug)]
pub struct Located<T> {
    pub value: T,
    pub place: Place,
}

impl Problems {
    pub fn push(&self, diagnostic: Diagnostic) {
        self.0.borrow_mut().push(diagnostic);
    }

    pub fn extend(&self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.0.borrow_mut().extend(diagnostics);
    }

    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All mistakes in the order of the file.
    pub fn into_sorted(self) -> Vec<Diagnostic> {
        let mut all = self.0.into_inner();
        all.sort_by_key(|problem| {
            problem.place.as_ref().map_or((String::new(), 0, 0), |place| (place.file.clone(), place.line, place.column))
        });
        all.dedup();
        all
    }
}

impl<'a> Fields<'a> {
    /// A reader of `node`; a node that is no map is reported and reads as an empty one.
    pub fn new(document: &'a Document, node: &'a Node, what: impl Into<String>, problems: &'a Problems) -> Fields<'a> {
        let fields = Fields { document, node, what: what.into(), asked: RefCell::new(BTreeSet::new()), problems };
        if !matches!(node.value, Value::Map(_)) {
            fields.complain(node, format!("{} must be a map of options, not {}", fields.what, node.value.describe()));
        }
        fields
    }

    pub fn document(&self) -> &'a Document {
        self.document
    }

    pub fn self_node(&self) -> &'a Node {
        self.node
    }

    pub fn problems(&self) -> &'a Problems {
        self.problems
    }

    pub fn what(&self) -> &str {
        &self.what
    }

    /// Marks `keys` as known although someone else reads them.
    pub fn allow(&self, keys: &[&str]) {
        self.asked.borrow_mut().extend(keys.iter().map(|key| key.to_string()));
    }

    pub fn entries(&self) -> &'a [Entry] {
        match &self.node.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The node of `key`, if given.
    pub fn node(&self, key: &str) -> Option<&'a Node> {
        self.asked.borrow_mut().insert(key.to_string());
        self.node.get(key)
    }

    pub fn required(&self, key: &str) -> Option<&'a Node> {
        let node = self.node(key);
        if node.is_none() {
            self.problems.push(
                Diagnostic::error(format!("{} needs `{key}:`", self.what)).at(self.document.place(self.node.span)),
            );
        }
        node
    }

    /// Any scalar, as the text it was written as.
    pub fn text(&self, key: &str) -> Option<Located<String>> {
        self.node(key).and_then(|node| self.as_text(node, key))
    }

    pub fn required_text(&self, key: &str) -> Option<Located<String>> {
        self.required(key).and_then(|node| self.as_text(node, key))
    }

    pub fn bool(&self, key: &str) -> Option<bool> {
        let node = self.node(key)?;
        match node.value {
            Value::Bool(value) => Some(value),
            _ => self.wrong(node, key, "true or false"),
        }
    }

    pub fn int(&self, key: &str) -> Option<i64> {
        let node = self.node(key)?;
        match node.value {
            Value::Int(value) => Some(value),
            _ => self.wrong(node, key, "a whole number"),
        }
    }

    pub fn float(&self, key: &str) -> Option<f64> {
        let node = self.node(key)?;
        match node.value {
            Value::Int(value) => Some(value as f64),
            Value::Float(value, _) => Some(value),
            _ => self.wrong(node, key, "a number"),
        }
    }

    /// A list of texts; a single text counts as a list of one.
    pub fn texts(&self, key: &str) -> Option<Vec<Located<String>>> {
        let node = self.node(key)?;
        match &node.value {
            Value::List(items) => Some(items.iter().filter_map(|item| self.as_text(item, key)).collect()),
            Value::Map(_) => self.wrong(node, key, "a text or a list of texts"),
            _ => self.as_text(node, key).map(|text| vec![text]),
        }
    }

    pub fn list(&self, key: &str) -> Option<&'a [Node]> {
        let node = self.node(key)?;
        match &node.value {
            Value::List(items) => Some(items),
            _ => self.wrong(node, key, "a list"),
        }
    }

    pub fn map(&self, key: &str) -> Option<&'a [Entry]> {
        let node = self.node(key)?;
        match &node.value {
            Value::Map(entries) => Some(entries),
            _ => self.wrong(node, key, "a map"),
        }
    }

    /// One of `choices`, by name.
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == text.value);
        if found.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.problems.push(
                Diagnostic::error(format!("`{key}` cannot be `{}`; it is one of {}", text.value, names.join(", ")))
                    .at(text.place)
                    .hint(diagnostic::did_you_mean(&text.value, names)),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// A reader of the map under `key`.
    pub fn fields(&self, key: &str, what: impl Into<String>) -> Option<Fields<'a>> {
        let node = self.node(key)?;
        Some(Fields::new(self.document, node, what, self.problems))
    }

    /// A reader of any node of the same document.
    pub fn at(&self, node: &'a Node, what: impl Into<String>) -> Fields<'a> {
        Fields::new(self.document, node, what, self.problems)
    }

    pub fn as_text(&self, node: &Node, key: &str) -> Option<Located<String>> {
        match node.value.scalar_text() {
            Some(value) => Some(Located { value, place: self.document.place(node.span) }),
            None => self.wrong(node, key, "a text"),
        }
    }

    /// Reports a mistake at `node`.
    pub fn complain(&self, node: &Node, message: impl Into<String>) {
        self.problems.push(Diagnostic::error(message).at(self.document.place(node.span)));
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        let asked = self.asked.into_inner();
        let entries = match &self.node.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        for entry in entries.iter().filter(|entry| !asked.contains(&entry.key)) {
            let known: Vec<&str> = asked.iter().map(String::as_str).collect();
            let near = diagnostic::did_you_mean(&entry.key, known.iter().copied());
            self.problems.push(
                Diagnostic::error(format!("unknown key `{}` in {}", entry.key, self.what))
                    .at(self.document.place(entry.key_span))
                    .hint(near.or_else(|| Some(format!("known keys: {}", known.join(", "))))),
            );
        }
    }

    fn wrong<T>(&self, node: &Node, key: &str, wanted: &str) -> Option<T> {
        self.complain(node, format!("`{key}` of {} must be {wanted}, not {}", self.what, node.value.describe()));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn problems_of(text: &str, read: impl Fn(Fields)) -> Vec<String> {
        let document = yaml::parse("study.yaml", text).expect("valid YAML in the test");
        let problems = Problems::default();
        read(Fields::new(&document, &document.root, "the test", &problems));
        problems
            .into_sorted()
            .into_iter()
            .map(|problem| {
                let place = problem.place.expect("every problem has a place");
                format!("{}:{} {} {}", place.line, place.column, problem.message, problem.hint.unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn all_mistakes_of_a_map_are_reported_with_their_places() {
        let found = problems_of("formula: [a]\nclustr: city\nshift: ten\n", |fields| {
            fields.text("formula");
            fields.text("cluster");
            fields.float("shift");
            fields.finish();
        });
        assert_eq!(
            found,
            [
                "1:10 `formula` of the test must be a text, not a list ",
                "2:1 unknown key `clustr` in the test did you mean `cluster`?",
                "3:8 `shift` of the test must be a number, not text ",
            ]
        );
    }
}
