//! The identity of a table is the digest of its values, not of its file.
//!
//! Every digest is BLAKE3-256. Numbers are little-endian. A text `T` is its length in bytes as u64, then its UTF-8 bytes,
//! so that no two sequences of texts have the same bytes. Each kind of digest starts with a text of its own, so that no
//! digest of one kind can be taken for one of another.
//!
//! **Column.** `T("restudy column 1")`; `T` of its type's name (`bool`, `int`, `float`, `text`, `date`); the number of rows
//! as u64; then for each row the byte 0 if the value is missing, or the byte 1 and the value:
//!
//! | type | value |
//! |---|---|
//! | `bool` | one byte, 0 or 1 |
//! | `int` | i64 |
//! | `float` | the 64 bits of the IEEE number, with −0.0 as 0.0 and every NaN as 0x7ff8000000000000 |
//! | `text` | `T` |
//! | `date` | days since 1970-01-01 as i32 |
//!
//! The column's name is not in: a renamed column keeps its digest.
//!
//! **Rows.** `T("restudy rows 1")`; the number of rows as u64; the number of key columns as u64; then for each key column,
//! in the order of the key, `T` of its name and the 32 bytes of its digest. It stands for which rows there are.
//!
//! **Table.** `T("restudy table 1")`; the number of key columns as u64; `T` of each key column's name; `T` of the rows
//! digest in hexadecimal; the number of columns as u64; then for each column, in the order of the file, `T` of its name,
//! `T` of its type's name and `T` of its digest in hexadecimal.
//!
//! Chunks, slices, dictionaries, string views and compression do not enter: they are ways to store a value, not values.

use crate::info::TableInfo;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type};

/// Values are collected to this many bytes before they are hashed.
const BUFFER: usize = 1 << 16;

/// Digest of one column, which must be of one of the five stored types: see `arrow::canonical`.
pub(crate) fn column(array: &dyn Array) -> blake3::Hash {
    let kind = match array.data_type() {
        DataType::Boolean => "bool",
        DataType::Int64 => "int",
        DataType::Float64 => "float",
        DataType::Date32 => "date",
        _ => "text",
    };
    let mut sink = Sink::new("restudy column 1");
    sink.text(kind);
    sink.number(array.len());
    match array.data_type() {
        DataType::Boolean => {
            for value in array.as_boolean() {
                sink.value(value.map(|value| [u8::from(value)]).as_ref().map(|bytes| bytes.as_slice()));
            }
        }
        DataType::Int64 => {
            for value in array.as_primitive::<Int64Type>() {
                sink.value(value.map(i64::to_le_bytes).as_ref().map(|bytes| bytes.as_slice()));
            }
        }
        DataType::Float64 => {
            for value in array.as_primitive::<Float64Type>() {
                sink.value(
                    value.map(|value| canonical_bits(value).to_le_bytes()).as_ref().map(|bytes| bytes.as_slice()),
                );
            }
        }
        DataType::Date32 => {
            for value in array.as_primitive::<Date32Type>() {
                sink.value(value.map(i32::to_le_bytes).as_ref().map(|bytes| bytes.as_slice()));
            }
        }
        _ => {
            for value in array.as_string::<i32>() {
                match value {
                    None => sink.value(None),
                    Some(text) => {
                        sink.bytes(&[1]);
                        sink.text(text);
                    }
                }
            }
        }
    }
    sink.finish()
}

/// Digest of the number of rows and the key columns.
pub(crate) fn rows(count: usize, key: &[(String, blake3::Hash)]) -> blake3::Hash {
    let mut sink = Sink::new("restudy rows 1");
    sink.number(count);
    sink.number(key.len());
    for (name, digest) in key {
        sink.text(name);
        sink.bytes(digest.as_bytes());
    }
    sink.finish()
}

/// Digest of a whole table, from what is known of it.
pub(crate) fn table(info: &TableInfo) -> blake3::Hash {
    // Destructured, so that a new field cannot be forgotten. The rest follows from what is in.
    let TableInfo { key, rows: _, rows_digest, columns } = info;
    let mut sink = Sink::new("restudy table 1");
    sink.number(key.len());
    for name in key {
        sink.text(name);
    }
    sink.text(rows_digest);
    sink.number(columns.len());
    for column in columns {
        sink.text(&column.name);
        sink.text(column.kind.name());
        sink.text(&column.digest);
    }
    sink.finish()
}

fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() {
        0x7ff8_0000_0000_0000
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

struct Sink {
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Sink {
    fn new(domain: &str) -> Sink {
        let mut sink = Sink { hasher: blake3::Hasher::new(), buffer: Vec::with_capacity(BUFFER + 64) };
        sink.text(domain);
        sink
    }

    fn number(&mut self, number: usize) {
        self.bytes(&(number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.bytes(text.as_bytes());
    }

    fn value(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.bytes(&[0]),
            Some(bytes) => {
                self.bytes(&[1]);
                self.bytes(bytes);
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }

    fn finish(mut self) -> blake3::Hash {
        self.hasher.update(&self.buffer);
        self.hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrow;
    use crate::columns::ColumnType;
    use crate::info::ColumnInfo;
    use datafusion::arrow::array::{
        ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray, StringViewArray,
    };
    use datafusion::arrow::compute;
    use datafusion::arrow::datatypes::Int8Type;
    use std::sync::Arc;

    #[test]
    fn equal_values_have_equal_digests_and_shifted_texts_do_not() {
        let floats = |values: Vec<f64>| column(&Float64Array::from(values));
        assert_eq!(floats(vec![0.0, f64::NAN]), floats(vec![-0.0, -f64::NAN]));
        assert_ne!(floats(vec![0.0]), floats(vec![f64::MIN_POSITIVE]));
        let texts = |values: Vec<Option<&str>>| column(&StringArray::from(values));
        assert_ne!(texts(vec![Some("ab"), Some("c")]), texts(vec![Some("a"), Some("bc")]));
        assert_ne!(texts(vec![None]), texts(vec![Some("")]));
        assert_ne!(texts(vec![None]), column(&Float64Array::from(vec![None])));
    }

    #[test]
    fn how_values_are_stored_does_not_enter() {
        let stored = |array: ArrayRef| {
            let batch = RecordBatch::try_from_iter([("x", array)]).expect("a batch");
            column(arrow::canonical(&batch).expect("a stored type").column(0))
        };
        let expected = column(&StringArray::from(vec![Some("北京"), None, Some("北京"), Some("a")]));
        let dictionary: DictionaryArray<Int8Type> =
            vec![Some("北京"), None, Some("北京"), Some("a")].into_iter().collect();
        let views = StringViewArray::from(vec![Some("北京"), None, Some("北京"), Some("a")]);
        let longer = StringArray::from(vec![Some("x"), Some("北京"), None, Some("北京"), Some("a"), None]);
        let (head, tail) = (longer.slice(1, 1), longer.slice(2, 3));
        let joined = compute::concat(&[&head, &tail]).expect("joined");
        for array in [Arc::new(dictionary) as ArrayRef, Arc::new(views), Arc::new(longer.slice(1, 4)), joined] {
            assert_eq!(stored(array), expected);
        }
    }

    #[test]
    fn more_values_than_the_buffer_holds_are_all_in() {
        let values: Vec<f64> = (0..20_000).map(f64::from).collect();
        let mut bytes = header("float", values.len());
        values.iter().for_each(|value| {
            bytes.push(1);
            bytes.extend(value.to_le_bytes());
        });
        assert!(bytes.len() > 2 * BUFFER);
        assert_eq!(column(&Float64Array::from(values)), blake3::hash(&bytes));
    }

    /// The definition in the head, byte by byte.
    #[test]
    fn the_digest_is_what_the_head_says() {
        let mut bytes = header("text", 2);
        bytes.push(0);
        bytes.push(1);
        bytes.extend(3u64.to_le_bytes());
        bytes.extend("市".as_bytes());
        assert_eq!(column(&StringArray::from(vec![None, Some("市")])), blake3::hash(&bytes));
    }

    #[test]
    fn a_table_is_known_by_key_rows_names_types_and_values() {
        let one =
            |name: &str, kind, digest: &str| ColumnInfo { name: name.into(), kind, digest: digest.into(), nulls: 0 };
        let info = |key: &str, rows_digest: &str, columns: Vec<ColumnInfo>| {
            TableInfo { key: vec![key.into()], rows: 1, rows_digest: rows_digest.into(), columns }.digest()
        };
        let all = [
            info("a", "r", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Int, "2")]),
            info("b", "r", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Int, "2")]),
            info("a", "s", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Int, "2")]),
            info("a", "r", vec![one("b", ColumnType::Int, "2"), one("a", ColumnType::Int, "1")]),
            info("a", "r", vec![one("a", ColumnType::Int, "1"), one("c", ColumnType::Int, "2")]),
            info("a", "r", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Float, "2")]),
            info("a", "r", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Int, "3")]),
            info("a", "r", vec![one("a", ColumnType::Int, "1")]),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(all[0].len(), 64);
    }

    fn header(kind: &str, rows: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for text in ["restudy column 1", kind] {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.extend((rows as u64).to_le_bytes());
        bytes
    }
}
