//! Why a table cannot be written or read, with the rows that are at fault.

use crate::columns::Table;
use std::path::PathBuf;

/// What is wrong with a table or its file.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The system refused to write.
    #[error("cannot write `{}`: {cause}", path.display())]
    Write { path: PathBuf, cause: String },
    /// The file is missing, or is no Parquet file.
    #[error("cannot read `{}`: {cause}", path.display())]
    Read { path: PathBuf, cause: String },
    /// A key or a selection names a column that is not there.
    #[error("no column `{column}`; there are [{}]", known.join(", "))]
    UnknownColumn { column: String, known: Vec<String> },
    /// Two columns would have one name.
    #[error("two columns are called `{column}`")]
    DoubleColumn { column: String },
    /// The columns have different numbers of rows.
    #[error("column `{column}` has {found} rows where the others have {expected}")]
    Length { column: String, found: usize, expected: usize },
    /// A row cannot be told from others, because part of its key is missing.
    #[error("the key column `{column}` is null in {}", counted(*count, "row"))]
    NullKey { column: String, count: u64, rows: Table },
    /// Rows share a key. `keys` are the first of them, with the number of rows of each.
    #[error("the key [{}] is not unique: {}", key.join(", "), repeated(*count, keys))]
    DuplicateKey { key: Vec<String>, count: u64, keys: Vec<(String, u64)>, rows: Table },
    /// A computation left NaN or infinity. `keys` are those of the first rows.
    #[error(
        "column `{column}` is not finite (NaN or infinity) in {}{}",
        counted(*count, "row"),
        listed(*count, keys)
    )]
    NotFinite { column: String, count: u64, keys: Vec<String>, rows: Table },
    /// The column's type is none of ours.
    #[error("column `{column}` is {found}, which is none of bool, int, float, text, date")]
    Type { column: String, found: String },
    /// Times that are not midnight would lose something as dates.
    #[error("column `{column}` has a time of day in {}, the first {first}, and a date has none", counted(*count, "row"))]
    TimeOfDay { column: String, count: u64, first: String },
    /// Parts of one table disagree.
    #[error("column `{column}` is {first} in {first_part} and {second} in {second_part}")]
    Conflict { column: String, first: String, first_part: String, second: String, second_part: String },
    /// A value does not fit into the stored type.
    #[error("column `{column}` has a value that does not fit: {cause}")]
    Value { column: String, cause: String },
    /// A rule asks for numbers or years of a column that has none.
    #[error("column `{column}` is {found}, and {wanted} is needed here")]
    WrongType { column: String, found: String, wanted: String },
    /// A rule over units and times meets more than one row for a pair of them.
    #[error("[{}] does not identify a row: {}", columns.join(", "), repeated(*count, keys))]
    NotIdentified { columns: Vec<String>, count: u64, keys: Vec<(String, u64)> },
}

impl TableError {
    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            TableError::NullKey { column, .. } => {
                Some(format!("leave these rows out (`where {column} is not null`) or choose another key"))
            }
            TableError::DuplicateKey { .. } => Some("a join multiplied the rows, or the key is too short".to_string()),
            TableError::NotFinite { .. } => {
                Some("divide by `nullif(denominator, 0)`, so that the value is missing instead".to_string())
            }
            TableError::Type { column, found } if found == "null" => {
                Some(format!("say what it is: `cast({column} as double)`"))
            }
            TableError::Type { column, .. } => Some(format!("convert it: `cast({column} as text)`, for example")),
            TableError::TimeOfDay { column, .. } => Some(format!(
                "cut the time off with `cast({column} as date)`, or keep it with `cast({column} as text)`"
            )),
            TableError::Value { column, .. } => Some(format!("convert it: `cast({column} as double)`, for example")),
            _ => None,
        }
    }

    /// A few of the offending rows.
    pub fn rows(&self) -> Option<&Table> {
        match self {
            TableError::NullKey { rows, .. }
            | TableError::DuplicateKey { rows, .. }
            | TableError::NotFinite { rows, .. } => Some(rows),
            _ => None,
        }
    }

    /// The column that is at fault, if it is one.
    pub(crate) fn column(&self) -> Option<&str> {
        match self {
            TableError::UnknownColumn { column, .. }
            | TableError::DoubleColumn { column }
            | TableError::NullKey { column, .. }
            | TableError::NotFinite { column, .. }
            | TableError::Type { column, .. }
            | TableError::TimeOfDay { column, .. }
            | TableError::Value { column, .. } => Some(column),
            TableError::DuplicateKey { key, .. } => key.first().map(String::as_str),
            _ => None,
        }
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `: (a, 1), (b, 2), …`; nothing if there is nothing to list.
pub(crate) fn listed(count: u64, keys: &[String]) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let more = if count > keys.len() as u64 { ", …" } else { "" };
    format!(": {}{more}", keys.join(", "))
}

fn repeated(count: u64, keys: &[(String, u64)]) -> String {
    let keys: Vec<String> = keys.iter().map(|(key, rows)| format!("{key} has {rows} rows")).collect();
    format!("{} repeated{}", counted(count, "value"), listed(count, &keys))
}
