//! One JSON object per line. A key that a line lacks is missing there; a key that no line has is an error.
//! The only file that names serde_json.

use std::{
    borrow::Cow,
    io::{BufRead, BufReader},
};

use serde_json::{Map, Value};

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Binding, Ground},
    cell::Cell,
    encoding,
    error::ReadError,
    extract::Extract,
    layout::{ColumnSource, Compiled},
    source::Source,
};

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
            .map(|key| match key.as_ref().and_then(|key| object.get_key_value(key)) {
                Some((key, value)) => cell(source, line, key, value),
                None => Ok(Cell::Empty),
            })
            .collect::<Result<Vec<Cell>, ReadError>>()?;
        assembler.row(u32::try_from(line).unwrap_or(u32::MAX), &cells, || {
            object.values().find_map(Value::as_str).unwrap_or_default().to_string()
        });
        Ok(())
    })?;
    assembler.finish(Some(encoding::label(encoding)))
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
            *present |= object.contains_key(name);
        }
        if others.is_empty() {
            others = object.keys().filter(|key| !wanted.contains(key)).cloned().collect();
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
    mut take: impl FnMut(u64, &Map<String, Value>) -> Result<(), ReadError>,
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
        let wrong =
            |column: usize, cause: String| ReadError::Json { file: source.file.clone(), line: number, column, cause };
        match serde_json::from_str(&line) {
            Ok(Value::Object(object)) => take(number, &object)?,
            Ok(other) => return Err(wrong(1, format!("the line is {}", kind(&other)))),
            Err(error) => return Err(wrong(error.column(), message(&error))),
        }
    }
}

fn cell<'v>(source: &Source, line: u64, field: &str, value: &'v Value) -> Result<Cell<'v>, ReadError> {
    Ok(match value {
        Value::Null => Cell::Empty,
        Value::Bool(value) => Cell::Bool(*value),
        Value::String(text) => Cell::Text(Cow::Borrowed(text)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Cell::Integer(value),
            (None, Some(value)) => Cell::Number(value),
            (None, None) => Cell::Text(Cow::Owned(number.to_string())),
        },
        Value::Array(_) | Value::Object(_) => {
            return Err(ReadError::Nested {
                file: source.file.clone(),
                line,
                field: field.to_string(),
                found: kind(value),
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
