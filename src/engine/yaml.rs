//! YAML files with the position of every key and value. `fields` reads them and collects all mistakes of a file.
//! The only owner of the YAML crates. Knows no stage and no key of `pipeline.yaml`.

mod build;
pub mod fields;

use crate::diagnostic::{Diagnostic, Place};

/// A parsed file: its text, for quoting, and its tree.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path as shown to the user.
    pub file: String,
    pub text: String,
    /// Where each line starts, in bytes.
    lines: Vec<usize>,
    pub root: Node,
    /// Keys given twice; the first one counts.
    pub duplicates: Vec<Diagnostic>,
}

/// One value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub value: Value,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// The number and the text it was written as: `0.10` must reach a formula as `0.10`.
    Float(f64, String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub node: Node,
}

/// Start of a value and the characters it spans on its first line; both from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

/// Parses `text`; `file` is the path to show. One document per file.
pub fn parse(file: &str, text: &str) -> Result<Document, Diagnostic> {
    let stripped = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (root, duplicates) = build::tree(file, stripped)?;
    let lines = std::iter::once(0).chain(stripped.match_indices('\n').map(|(at, _)| at + 1)).collect();
    Ok(Document { file: file.to_string(), text: stripped.to_string(), lines, root, duplicates })
}

/// Reads one scalar the way a plain scalar in a file is read (for `--set name=value`).
pub fn scalar(text: &str) -> Value {
    // Most words are just words; asking the parser about each of them is what costs.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '/' || c == '.' || c == '-';
    if text.starts_with(|c: char| c.is_ascii_lowercase() && !"tfny".contains(c)) && text.chars().all(plain) {
        return Value::Text(text.to_string());
    }
    match serde_yaml::from_str::<serde_yaml::Value>(text) {
        Ok(serde_yaml::Value::Null) => Value::Null,
        Ok(serde_yaml::Value::Bool(value)) => Value::Bool(value),
        Ok(serde_yaml::Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Value::Int(value),
            (None, Some(value)) => Value::Float(value, text.to_string()),
            (None, None) => Value::Text(text.to_string()),
        },
        _ => Value::Text(text.to_string()),
    }
}

impl Document {
    pub fn place(&self, span: Span) -> Place {
        // Only the line at hand: in a file of many stages, counting lines from the top for each would take most of the time.
        let start = self.lines.get(span.line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let place = Place::in_text(&self.file, &self.text[start..], 1, span.column, span.length);
        Place { line: span.line, ..place }
    }
}

impl Value {
    /// What the value is, in words for a message.
    pub fn describe(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) => "a whole number",
            Value::Float(..) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The text of a scalar as it was written; `None` for lists and maps.
    pub fn scalar_text(&self) -> Option<String> {
        match self {
            Value::Null => Some(String::new()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::Float(_, text) | Value::Text(text) => Some(text.clone()),
            Value::List(_) | Value::Map(_) => None,
        }
    }
}

impl Node {
    /// The entry `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_text_they_were_written_as() {
        let document = parse("x", "a: 0.10\nb: '007'\nc: 007\n").expect("valid");
        let texts: Vec<_> =
            ["a", "b"].iter().map(|key| document.root.get(key).and_then(|node| node.value.scalar_text())).collect();
        assert_eq!(texts, [Some("0.10".to_string()), Some("007".to_string())]);
    }

    #[test]
    fn bad_yaml_has_a_place() {
        for (text, line) in [("a: [1, 2\n", 2), ("a: *x\n", 1), ("", 1)] {
            let error = parse("x.yaml", text).expect_err(text);
            assert_eq!(error.place.map(|place| place.line), Some(line), "{text:?}: {}", error.message);
        }
    }
}
