//! One JSON object per line. A key that a line lacks is missing there; a key that no line has is an error, and so is one that
//! a line has twice. Numbers keep the digits they are written with. The only file that names serde_json.

use std::{borrow::Cow, ops::ControlFlow};

use encoding_rs::Encoding;
use serde_json::{Deserializer, Value};

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Binding, Ground},
    cell::Cell,
    decoded::Decoded,
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
    key: Cow<'l, str>,
    value: Held<'l>,
    /// The value as it stands in the line: a number of serde_json would lose digits, and 1.10 would be 1.1.
    text: &'l str,
}

enum Held<'l> {
    Null,
    Bool(bool),
    Number,
    Text(Cow<'l, str>),
    /// A list or an object, by its name in messages.
    Nested(&'static str),
}

pub(crate) fn read(source: &Source, compiled: &Compiled) -> Result<Extract, ReadError> {
    let encoding = encoding::expect(source, compiled)?;
    encoding::checked(source, compiled, read_as(source, compiled, encoding))
}

fn read_as(source: &Source, compiled: &Compiled, encoding: &'static Encoding) -> Result<Extract, ReadError> {
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
            let text = |member: &Member| match &member.value {
                Held::Text(text) => Some(text.to_string()),
                _ => None,
            };
            object.members.iter().find_map(text).unwrap_or_default()
        });
        Ok(if assembler.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    assembler.finish(Some(encoding::label(encoding)))
}

/// Every key that some line has, in the order in which they first stand.
pub(crate) fn keys(source: &Source, encoding: &'static encoding_rs::Encoding) -> Result<Vec<String>, ReadError> {
    let mut keys: Vec<String> = Vec::new();
    each_object(source, encoding, |_, object| {
        for member in &object.members {
            if !keys.iter().any(|key| *key == member.key) {
                keys.push(member.key.to_string());
            }
        }
        Ok(ControlFlow::Continue(()))
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
/// last line, so the file is read for this until all were seen.
fn present_fields(source: &Source, encoding: &'static Encoding, wanted: &[String]) -> Result<Vec<String>, ReadError> {
    let mut present = vec![false; wanted.len()];
    let mut others: Option<Vec<String>> = None;
    each_object(source, encoding, |_, object| {
        for (present, name) in present.iter_mut().zip(wanted) {
            *present |= object.get(name).is_some();
        }
        others.get_or_insert_with(|| {
            let keys = object.members.iter().map(|member| member.key.to_string());
            keys.filter(|key| !wanted.contains(key)).collect()
        });
        Ok(if present.contains(&false) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    let mut fields: Vec<String> =
        wanted.iter().zip(present).filter(|(_, present)| *present).map(|(name, _)| name.clone()).collect();
    fields.append(&mut others.unwrap_or_default());
    Ok(fields)
}

fn each_object(
    source: &Source,
    encoding: &'static Encoding,
    mut take: impl FnMut(u64, &Object) -> Result<ControlFlow<()>, ReadError>,
) -> Result<(), ReadError> {
    let mut text = Decoded::open(source, encoding)?;
    // Where the line begins in the window, and up to where its end was looked for.
    let (mut start, mut looked) = (0, 0);
    let mut number = 0;
    loop {
        let end = match memchr::memchr(b'\n', &text.window.as_bytes()[looked..]) {
            Some(found) => looked + found + 1,
            None if !text.has_ended() => {
                looked = text.window.len() - start;
                text.more(std::mem::take(&mut start))?;
                continue;
            }
            None if start == text.window.len() => return Ok(()),
            None => text.window.len(),
        };
        let line = &text.window[start..end];
        (start, looked) = (end, end);
        number += 1;
        if line.trim().is_empty() {
            continue;
        }
        let Some(object) = Object::split(line) else {
            return Err(not_an_object(source, number, line));
        };
        if let Some(key) = object.repeated_key() {
            return Err(ReadError::RepeatedKey { file: source.file.clone(), line: number, key: shortened(key) });
        }
        if take(number, &object)?.is_break() {
            return Ok(());
        }
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
                let Held::Text(key) = key else { return None };
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
        // Compared pair by pair as long as there are few.
        if self.members.len() <= 32 {
            let mut pairs = self.members.iter().enumerate();
            let repeated = pairs.find(|(place, one)| self.members[..*place].iter().any(|other| other.key == one.key));
            return repeated.map(|(_, member)| member.key.as_ref());
        }
        let mut keys: Vec<&str> = self.members.iter().map(|member| member.key.as_ref()).collect();
        keys.sort_unstable();
        keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
    }
}

/// The value that `text` begins with, the part of `text` it is read from, and what follows.
fn next_value(text: &str) -> Option<(Held<'_>, &str, &str)> {
    let text = skip_blanks(text);
    let (value, length) = match simple(text) {
        Some(found) => found,
        None => {
            let mut values = Deserializer::from_str(text).into_iter::<Value>();
            let value = match values.next()?.ok()? {
                Value::Null => Held::Null,
                Value::Bool(value) => Held::Bool(value),
                Value::Number(_) => Held::Number,
                Value::String(text) => Held::Text(Cow::Owned(text)),
                nested @ (Value::Array(_) | Value::Object(_)) => Held::Nested(kind(&nested)),
            };
            (value, values.byte_offset())
        }
    };
    let (text, rest) = text.split_at(length);
    Some((value, text, rest))
}

/// A value that needs no more than to be looked at, and its length: a text without escapes, a number without exponent, a word.
/// `None` is no verdict: serde_json has it.
fn simple(text: &str) -> Option<(Held<'_>, usize)> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'"' => {
            let end = 1 + memchr::memchr2(b'"', b'\\', &bytes[1..])?;
            let has_control = bytes[1..end].iter().fold(false, |found, byte| found | (*byte < b' '));
            (bytes[end] == b'"' && !has_control).then(|| (Held::Text(Cow::Borrowed(&text[1..end])), end + 1))
        }
        b'-' | b'0'..=b'9' => {
            // Longer ones may be out of range.
            const LONGEST: usize = 40;
            let digits = |from: usize| {
                from + bytes[from..].iter().take(LONGEST).take_while(|byte| byte.is_ascii_digit()).count()
            };
            let start = usize::from(bytes[0] == b'-');
            let whole = digits(start);
            let is_whole = whole > start && (bytes[start] != b'0' || whole == start + 1);
            let end = match bytes.get(whole) {
                Some(b'.') => digits(whole + 1),
                _ => whole,
            };
            let has_fraction = end == whole || end > whole + 1;
            let ends = matches!(bytes.get(end), Some(b',' | b'}' | b' '));
            (is_whole && has_fraction && ends && end <= LONGEST).then_some((Held::Number, end))
        }
        _ => [("null", Held::Null), ("true", Held::Bool(true)), ("false", Held::Bool(false))]
            .into_iter()
            .find(|(word, _)| text.strip_prefix(word).is_some_and(|rest| rest.starts_with([',', '}', ' '])))
            .map(|(word, value)| (value, word.len())),
    }
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
        Held::Null => Cell::Empty,
        Held::Bool(value) => Cell::Bool(*value),
        Held::Text(text) => Cell::Text(Cow::Borrowed(text)),
        Held::Number => Cell::Digits(Cow::Borrowed(member.text)),
        Held::Nested(found) => {
            return Err(ReadError::Nested { file: source.file.clone(), line, field: member.key.to_string(), found });
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

    /// All texts of up to six of these: whatever the short way takes, serde_json takes in the same way.
    #[test]
    fn simple_values_are_those_of_serde_json() {
        const LETTERS: [&str; 12] = ["\"", "\\", "n", "市", "-", "0", "1", ".", "e", " ", "\n", "true"];
        let mut taken = 0;
        for length in 0..=5_u32 {
            for code in 0..LETTERS.len().pow(length) {
                let text: String = (0..length).map(|place| LETTERS[code / LETTERS.len().pow(place) % 12]).collect();
                let line = format!("{text},");
                let Some((held, end)) = super::simple(&line) else { continue };
                let mut values = serde_json::Deserializer::from_str(&line).into_iter::<serde_json::Value>();
                let value = values.next().unwrap().unwrap_or_else(|error| panic!("{line:?}: {error}"));
                assert_eq!(values.byte_offset(), end, "{line:?}");
                let same = match held {
                    super::Held::Text(text) => value.as_str() == Some(&*text),
                    super::Held::Number => value.is_number(),
                    super::Held::Bool(one) => value.as_bool() == Some(one),
                    super::Held::Null => value.is_null(),
                    super::Held::Nested(_) => false,
                };
                assert!(same, "{line:?} {value}");
                taken += 1;
            }
        }
        assert!(taken > 1000, "{taken} values");
    }

    #[test]
    fn a_field_that_only_the_last_line_has_is_found_across_windows() {
        let mut text = "{\"m\": \"市\\n\"}\n".repeat(100_000);
        text.push_str("{\"n\": 7}");
        let Values::Int(found) = values(&text, ValueKind::Int) else { panic!("whole numbers") };
        assert_eq!(found, [Some(7)]);
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
