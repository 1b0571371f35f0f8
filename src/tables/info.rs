//! What is known of a written table: key, rows, and a digest of each column's values.

use crate::columns::ColumnType;
use crate::digest;

/// A column as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// The column's name.
    pub name: String,
    /// The column's type.
    pub kind: ColumnType,
    /// 64 hexadecimal digits; see `digest`.
    pub digest: String,
    /// The number of missing values.
    pub nulls: u64,
}

/// A table as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// The columns that identify a row and by which rows are sorted.
    pub key: Vec<String>,
    /// The number of rows.
    pub rows: u64,
    /// Over the number of rows and the key columns in order.
    pub rows_digest: String,
    /// In the order of the file.
    pub columns: Vec<ColumnInfo>,
}

impl TableInfo {
    /// Digest of the whole table; see `digest`.
    pub fn digest(&self) -> String {
        digest::table(self).to_hex().to_string()
    }
}
