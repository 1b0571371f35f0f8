//! One JSON object per line. A key that a line lacks is missing there; a key that no line has is an error, and so is one that
//! a line has twice. Numbers keep the digits they are written with. The only file that names serde_json.

use std::{
    borrow::Cow,
    io::{BufRead, BufReader},
};

use serde_json::{Deserializer, Value};

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Binding, Ground},
    cell::Cell,
    encoding,
    error::{ReadError, shortened},
    extract::Extract,
    layout::{ColumnSource, Compiled},
    source::Source,
};

/// The object of one line, in the order of its keys.
struct Object<'l> {
    members: Vec<Member<'l>>,
}

struct Member<'l> {
    key: String,
    value: Value,
    /// The value as it stands in the line: serde_json makes numbers of numbers, and 1.10 would be 1.1.
    text: &'l str,
}

pub(crate) fn read(source: &Source, compiled: &Compiled) -> Result<Extract, ReadError> {
    let encoding = encoding::decide(source, compiled)?;
    let wanted: Vec<String> = wanted_fields(compiled);
    let fields = present_fields(source, encoding, &wanted)?;
    let label = |index: usize| fields.get(index).cloned().unwrap_or_default();
    let ground = Ground { source, sheet: "", header: None, fields: Some(&fields), width: None, label: &label };
    let bindings = bind::bind(compiled, &ground)?;
    let keys: Vec<Option<String>> = bindings
        .iter()
        .map(|binding| match binding {
            Binding::Cell { label, .. } => Some(label.clone()),
            _ => None,
        })
        .collect();
    let mut assembler = Assembler::new(compiled, source, Places::Keys)?;
    assembler.start_sheet("", bindings, false);
    each_object(source, encoding, |line, object| {
        let cells = keys
            .iter()
            .map(|key| match key.as_ref().and_then(|key| object.get(key)) {
                Some(member) => cell(source, line, member),
                None => Ok(Cell::Empty),
            })
            .collect::<Result<Vec<Cell>, ReadError>>()?;
        assembler.row(u32::try_from(line).unwrap_or(u32::MAX), &cells, || {
            object.members.iter().find_map(|member| member.value.as_str()).unwrap_or_default().to_string()
        });
        Ok(())
    })?;
    assembler.finish(Some(encoding::label(encoding)))
}

/// Every key that some line has, in the order in which they first stand.
pub(crate) fn keys(source: &Source, encoding: &'static encoding_rs::Encoding) -> Result<Vec<String>, ReadError> {
    let mut keys: Vec<String> = Vec::new();
    each_object(source, encoding, |_, object| {
        for member in &object.members {
            if !keys.contains(&member.key) {
                keys.push(member.key.clone());
            }
        }
        Ok(())
    })?;
    Ok(keys)
}

fn wanted_fields(compiled: &Compiled) -> Vec<String> {
    compiled
        .layout
        .columns
        .iter()
        .filter_map(|rule| match &rule.source {
            ColumnSource::Field(name) => Some(name.clone()),
            _ => None,
        })
        .collect()
}

/// The wanted fields that some line has, then the others of the first line for suggestions. A field may first appear in the
/// last line, so the file is read once for this before it is read for its values.
fn present_fields(
    source: &Source,
    encoding: &'static encoding_rs::Encoding,
    wanted: &[String],
) -> Result<Vec<String>, ReadError> {
    let mut present = vec![false; wanted.len()];
    let mut others: Vec<String> = Vec::new();
    each_object(source, encoding, |_, object| {
        for (present, name) in present.iter_mut().zip(wanted) {
            *present |= object.get(name).is_some();
        }
        if others.is_empty() {
            let keys = object.members.iter().map(|member| &member.key);
            others = keys.filter(|key| !wanted.contains(key)).cloned().collect();
        }
        Ok(())
    })?;
    let mut fields: Vec<String> =
        wanted.iter().zip(present).filter(|(_, present)| *present).map(|(name, _)| name.clone()).collect();
    fields.append(&mut others);
    Ok(fields)
}

fn each_object(
    source: &Source,
    encoding: &'static encoding_rs::Encoding,
    mut take: impl FnMut(u64, &Object) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let mut text = BufReader::new(encoding::reader(source, encoding)?);
    let mut line = String::new();
    let mut number = 0;
    loop {
        line.clear();
        number += 1;
        if text.read_line(&mut line).map_err(|error| source.open_error(error))? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            continue;
        }
        let Some(object) = Object::split(&line) else {
            return Err(not_an_object(source, number, &line));
        };
        if let Some(key) = object.repeated_key() {
            return Err(ReadError::RepeatedKey { file: source.file.clone(), line: number, key: shortened(key) });
        }
        take(number, &object)?;
    }
}

impl<'l> Object<'l> {
    /// `None` if the line is not one object and nothing else.
    fn split(line: &'l str) -> Option<Object<'l>> {
        let mut members = Vec::new();
        let mut rest = skip_blanks(skip_blanks(line).strip_prefix('{')?);
        if !rest.starts_with('}') {
            loop {
                let (key, _, after) = next_value(rest)?;
                let (value, text, after) = next_value(skip_blanks(after).strip_prefix(':')?)?;
                let Value::String(key) = key else { return None };
                members.push(Member { key, value, text });
                rest = skip_blanks(after);
                match rest.strip_prefix(',') {
                    Some(after) => rest = after,
                    None => break,
                }
            }
        }
        skip_blanks(rest.strip_prefix('}')?).is_empty().then_some(Object { members })
    }

    fn get(&self, key: &str) -> Option<&Member<'l>> {
        self.members.iter().find(|member| member.key == key)
    }

    fn repeated_key(&self) -> Option<&str> {
        let mut keys: Vec<&str> = self.members.iter().map(|member| member.key.as_str()).collect();
        keys.sort_unstable();
        keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

/// The value that `text` begins with, the part of `text` it is read from, and what follows.
fn next_value(text: &str) -> Option<(Value, &str, &str)> {
    let text = skip_blanks(text);
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let (text, rest) = text.split_at(values.byte_offset());
    Some((value, text, rest))
}

/// The blanks of JSON, which are fewer than those of Unicode.
fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n'])
}

/// Why a line could not be split, in the words of serde_json, which reads it once more.
fn not_an_object(source: &Source, line: u64, text: &str) -> ReadError {
    let (column, cause) = match serde_json::from_str::<Value>(text) {
        Ok(other) => (1, format!("the line is {}", kind(&other))),
        Err(error) => (error.column(), message(&error)),
    };
    ReadError::Json { file: source.file.clone(), line, column, cause }
}

fn cell<'v>(source: &Source, line: u64, member: &'v Member) -> Result<Cell<'v>, ReadError> {
    Ok(match &member.value {
        Value::Null => Cell::Empty,
        Value::Bool(value) => Cell::Bool(*value),
        Value::String(text) => Cell::Text(Cow::Borrowed(text)),
        Value::Number(_) => Cell::Digits(Cow::Borrowed(member.text)),
        Value::Array(_) | Value::Object(_) => {
            return Err(ReadError::Nested {
                file: source.file.clone(),
                line,
                field: member.key.clone(),
                found: kind(&member.value),
            });
        }
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The cause without serde's own place, which counts lines within the line.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_string()
}

#[cfg(test)]
mod tests {
    use crate::{
        extract::Values,
        layout::{Format, ValueKind, sample},
    };
    use expect_test::{Expect, expect};

    fn values(text: &str, kind: ValueKind) -> Values {
        let layout = sample::layout(Format::Jsonl, vec![sample::field("n", kind)]);
        let extract = sample::read("numbers.jsonl", text.as_bytes(), &layout).unwrap();
        assert_eq!(extract.issues, [], "a number is no number stored as text");
        extract.columns[0].values.clone()
    }

    fn check(text: &str, expected: Expect) {
        let layout = sample::layout(Format::Jsonl, vec![sample::field("n", ValueKind::Int)]);
        expected.assert_eq(&sample::told(&sample::read("a.jsonl", text.as_bytes(), &layout).unwrap_err()));
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (number, text) in [
            ("12345678901234567890", "12345678901234567890"),
            ("1.10", "1.10"),
            ("-0.0", "-0.0"),
            ("1E+2", "1E+2"),
            (" 7 ", "7"),
        ] {
            let line = format!("{{\"m\": [1, {{\"n\": \"}}\"}}], \"n\":{number}}}\n");
            assert_eq!(values(&line, ValueKind::Text), Values::Text(vec![Some(text.into())]));
        }
        let int = |number: &str| values(&format!("{{\"n\": {number}}}"), ValueKind::Int);
        assert_eq!(int("9007199254740993"), Values::Int(vec![Some(9_007_199_254_740_993)]));
        assert_eq!(int("-9223372036854775808"), Values::Int(vec![Some(i64::MIN)]));
        assert_eq!(int("2.50e1"), Values::Int(vec![Some(25)]));
        let float = |number: &str| values(&format!("{{\"n\": {number}}}"), ValueKind::Float);
        assert_eq!(float("9007199254740993"), Values::Float(vec![Some(9_007_199_254_740_992.0)]));
        assert_eq!(float("1.10"), Values::Float(vec![Some(1.1)]));
        assert_eq!(values("{\"n\": 1.0}\n{\"n\": 0}", ValueKind::Bool), Values::Bool(vec![Some(true), Some(false)]));
    }

    #[test]
    fn a_number_that_lost_its_last_digit_is_no_whole_number() {
        check(
            "{\"n\": 9007199254740993.0}\n",
            expect![[r#"
            a value of column `n` is not a whole number: line 1, field `n` `9007199254740993.0`
            --> a.jsonl, line 1, field `n`
            hint: if `9007199254740993.0` means missing, add it to `missing:` of the layout; if the row is no data, skip it by `n`; otherwise read the column as text"#]],
        );
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error() {
        check(
            "{\"n\": 1}\n{\"n\": 2, \"a\": {\"n\": 3}, \"\\u006e\": 2}\n",
            expect![[r#"
            `a.jsonl`, line 2: the key `n` stands twice
            --> a.jsonl, line 2
            hint: JSON does not say which of two values counts: keep one `n`"#]],
        );
    }

    #[test]
    fn a_line_that_is_no_object_is_an_error_with_its_place() {
        for (line, expected) in [
            (
                "{\"n\": 1,}",
                expect![[r#"
                `a.jsonl`, line 2, column 9: not a JSON object: trailing comma
                --> a.jsonl, line 2, column 9
                hint: look at the line in an editor"#]],
            ),
            (
                "{\"n\": 1} x",
                expect![[r#"
                `a.jsonl`, line 2, column 10: not a JSON object: trailing characters
                --> a.jsonl, line 2, column 10
                hint: look at the line in an editor"#]],
            ),
            (
                "{\"n\": 01}",
                expect![[r#"
                `a.jsonl`, line 2, column 8: not a JSON object: invalid number
                --> a.jsonl, line 2, column 8
                hint: look at the line in an editor"#]],
            ),
            (
                "{\"n\": \"a",
                expect![[r#"
                `a.jsonl`, line 2, column 0: not a JSON object: control character (\u0000-\u001F) found while parsing a string
                --> a.jsonl, line 2, column 0
                hint: look at the line in an editor"#]],
            ),
            (
                "{\"n\" 1}",
                expect![[r#"
                `a.jsonl`, line 2, column 6: not a JSON object: expected `:`
                --> a.jsonl, line 2, column 6
                hint: look at the line in an editor"#]],
            ),
            (
                "[1]",
                expect![[r#"
                `a.jsonl`, line 2, column 1: not a JSON object: the line is a list
                --> a.jsonl, line 2, column 1
                hint: look at the line in an editor"#]],
            ),
        ] {
            check(&format!("{{\"n\": 1}}\n{line}\n"), expected);
        }
    }
}
