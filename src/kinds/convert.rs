//! Types of one leaf into those of another. Knows no option and no stage.

use engine::diagnostic::{Diagnostic, Place, nearest};
use engine::digest::Digest;
use engine::kind::{OutputTable, Schemas, StageError, TableSchema};
use engine::record::ColumnRecord;
use readers::columnar::Decoder;
use readers::extract::{self, RawColumn};
use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use tables::columns::{Column, ColumnType, Table, Values};
use tables::error::TableError;
use tables::info::TableInfo;
use tables::sql::{Schema, SqlError};

/// A table just written, as the engine wants it.
pub fn output(name: &str, path: PathBuf, info: TableInfo) -> Result<OutputTable, StageError> {
    let digest = |hex: &str| {
        Digest::from_hex(hex).ok_or_else(|| {
            StageError::from(Diagnostic::error(format!("table `{name}` was given the malformed digest `{hex}`")))
        })
    };
    let mut columns = Vec::new();
    for column in &info.columns {
        columns.push(ColumnRecord {
            name: column.name.clone(),
            kind: column.kind.name().to_string(),
            digest: digest(&column.digest)?,
            nulls: column.nulls,
        });
    }
    Ok(OutputTable {
        name: name.to_string(),
        path,
        digest: digest(&info.digest())?,
        rows_digest: digest(&info.rows_digest)?,
        key: info.key,
        rows: info.rows,
        columns,
    })
}

/// Parquet files of anyone, for the readers, who have no decoder of their own.
pub struct ParquetColumns;

impl Decoder for ParquetColumns {
    fn names(&self, path: &Path) -> Result<Vec<String>, String> {
        // No column goes by this name; what comes back says which there are.
        match tables::read::read(path, Some(&["\0".to_string()])) {
            Err(TableError::UnknownColumn { known, .. }) => Ok(known),
            Err(error) => Err(cause(error)),
            Ok(_) => Err("its columns have no names".into()),
        }
    }

    fn columns(&self, path: &Path, names: &[String]) -> Result<Vec<RawColumn>, String> {
        let table = tables::read::read(path, Some(names)).map_err(cause)?;
        let raw = |column: Column| RawColumn {
            name: column.name,
            values: match column.values {
                Values::Bool(values) => extract::Values::Bool(values),
                Values::Int(values) => extract::Values::Int(values),
                Values::Float(values) => extract::Values::Float(values),
                Values::Text(values) => extract::Values::Text(values),
                Values::Date(values) => extract::Values::Date(values),
            },
        };
        Ok(table.columns.into_iter().map(raw).collect())
    }
}

/// Without the path, which is one of ours if the file came out of an archive.
fn cause(error: TableError) -> String {
    match error {
        TableError::Read { cause, .. } => cause,
        other => other.to_string(),
    }
}

/// The tables of `names` as the SQL planner wants them.
pub fn schemas(names: &[String], known: &Schemas) -> Vec<Schema> {
    names
        .iter()
        .filter_map(|name| {
            let columns = known.get(name)?.columns.iter();
            let columns = columns.filter_map(|(column, kind)| Some((column.clone(), kind.parse::<ColumnType>().ok()?)));
            Some(Schema { table: name.clone(), columns: columns.collect() })
        })
        .collect()
}

/// Column names and types as the engine keeps them.
pub fn schema(key: &[String], columns: &[(String, ColumnType)]) -> TableSchema {
    TableSchema {
        key: key.to_vec(),
        columns: columns.iter().map(|(name, kind)| (name.clone(), kind.name().to_string())).collect(),
    }
}

/// A failure of SQL as a diagnostic, pointing into `text` where the failure has a place.
pub fn sql_error(error: &SqlError, file: &str, text: &str) -> Diagnostic {
    let place =
        error.place().map(|(line, column)| Place::in_text(file, text, line, column, word_length(text, line, column)));
    let mut diagnostic = Diagnostic::error(error.to_string()).hint(error.hint());
    if place.is_none() {
        diagnostic = diagnostic.located(Some(file.to_string()));
    }
    if let Some(rows) = error.rows() {
        diagnostic = diagnostic.note(tables::render::text(rows, Some(100)));
    }
    diagnostic.at(place)
}

/// A complaint about a column that a table does not have; `None` if it has it.
pub fn missing_column(schema: &TableSchema, table: &str, column: &str) -> Option<Diagnostic> {
    if schema.has(column) {
        return None;
    }
    let names: Vec<&str> = schema.names().collect();
    let hint = match nearest(column, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has: {}", names.join(", ")),
    };
    Some(Diagnostic::error(format!("no column `{column}` in `{table}`")).hint(hint))
}

/// A column's numbers; whole numbers and truth values count as numbers.
pub fn numbers(values: &Values) -> Option<Vec<Option<f64>>> {
    match values {
        Values::Float(values) => Some(values.clone()),
        Values::Int(values) => Some(values.iter().map(|value| value.map(|value| value as f64)).collect()),
        Values::Bool(values) => {
            Some(values.iter().map(|value| value.map(|value| f64::from(u8::from(value)))).collect())
        }
        Values::Text(_) | Values::Date(_) => None,
    }
}

/// The value in words, for messages and labels.
pub fn cell_text(values: &Values, row: usize) -> String {
    let table = Table { columns: vec![Column { name: String::new(), values: take(values, row) }] };
    tables::render::csv(&table).lines().nth(1).unwrap_or("").trim_matches('"').to_string()
}

/// The different values of a column.
pub struct Groups {
    /// In the order of the values: numbers by size, texts by character.
    pub labels: Vec<String>,
    /// Which of them each row has; `None` where it is missing.
    pub codes: Vec<Option<usize>>,
}

pub fn groups(values: &Values) -> Groups {
    fn of<T>(values: &[Option<T>], order: impl Fn(&T, &T) -> Ordering, label: impl Fn(&T) -> String) -> Groups {
        let mut known: Vec<&T> = values.iter().flatten().collect();
        known.sort_by(|one, other| order(one, other));
        known.dedup_by(|one, other| order(one, other).is_eq());
        let code = |value: &T| known.binary_search_by(|one| order(one, value)).ok();
        Groups {
            codes: values.iter().map(|value| value.as_ref().and_then(code)).collect(),
            labels: known.iter().map(|value| label(value)).collect(),
        }
    }
    match values {
        Values::Bool(values) => of(values, Ord::cmp, bool::to_string),
        Values::Int(values) => of(values, Ord::cmp, i64::to_string),
        Values::Float(values) => of(values, f64::total_cmp, f64::to_string),
        Values::Text(values) => of(values, Ord::cmp, String::clone),
        Values::Date(values) => of(values, Ord::cmp, |days| tables::columns::date_text(*days)),
    }
}

fn take(values: &Values, row: usize) -> Values {
    match values {
        Values::Bool(values) => Values::Bool(vec![values[row]]),
        Values::Int(values) => Values::Int(vec![values[row]]),
        Values::Float(values) => Values::Float(vec![values[row]]),
        Values::Text(values) => Values::Text(vec![values[row].clone()]),
        Values::Date(values) => Values::Date(vec![values[row]]),
    }
}

fn word_length(text: &str, line: usize, column: usize) -> usize {
    let rest = text.lines().nth(line.saturating_sub(1)).unwrap_or("").chars().skip(column.saturating_sub(1));
    rest.take_while(|c| c.is_alphanumeric() || "_.".contains(*c)).count().max(1)
}
