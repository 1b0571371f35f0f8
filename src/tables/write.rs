//! Canonical tables on disk: rows in key order, no null and no repeated key, no NaN, five types, a digest per column.

use crate::arrow;
use crate::columns::Table;
use crate::digest;
use crate::error::TableError;
use crate::info::{ColumnInfo, TableInfo};
use crate::read;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, new_null_array};
use datafusion::arrow::compute::{self, SortColumn, SortOptions};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Schema};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows shown with an error.
const SHOWN: usize = 5;

/// A table to put below others, with text columns to put in front of it.
pub struct Part<'a> {
    /// The part's file.
    pub path: &'a Path,
    /// Names and values, the same in all rows of the part.
    pub prefix: Vec<(String, String)>,
}

/// Writes the canonical form of `table`, sorted by `key`. An empty key keeps the rows as they are.
pub fn write(path: &Path, table: &Table, key: &[String]) -> Result<TableInfo, TableError> {
    write_batch(path, &arrow::from_table(table)?, key)
}

/// Writes the rows of all parts as one table. A column that a part does not have is null there; with `prefix_first` the
/// prefix columns come first, else last.
pub fn concat(parts: &[Part], prefix_first: bool, key: &[String], out: &Path) -> Result<TableInfo, TableError> {
    let mut batches = Vec::new();
    // Name, type, and the part that has it first.
    let mut columns: Vec<(String, DataType, &Part)> = Vec::new();
    for part in parts {
        let batch = arrow::canonical(&read::batch(part.path, None)?)?;
        let batch = with_prefix(&batch, &part.prefix, prefix_first)?;
        for field in batch.schema().fields() {
            match columns.iter().find(|(name, ..)| name == field.name()) {
                None => columns.push((field.name().clone(), field.data_type().clone(), part)),
                Some((_, known, _)) if known == field.data_type() => {}
                Some((name, known, first)) => {
                    return Err(TableError::Conflict {
                        column: name.clone(),
                        first: arrow::column_type(name, known)?.to_string(),
                        first_part: part_name(first),
                        second: arrow::column_type(name, field.data_type())?.to_string(),
                        second_part: part_name(part),
                    });
                }
            }
        }
        batches.push(batch);
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, data_type, _)| Field::new(name, data_type.clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut aligned = Vec::new();
    for batch in &batches {
        let arrays = columns.iter().map(|(name, data_type, _)| match batch.column_by_name(name) {
            Some(array) => array.clone(),
            None => new_null_array(data_type, batch.num_rows()),
        });
        aligned.push(arrow::with_rows(schema.clone(), arrays.collect(), batch.num_rows())?);
    }
    let joined = compute::concat_batches(&schema, &aligned)
        .map_err(|error| TableError::Write { path: out.into(), cause: error.to_string() })?;
    write_batch(out, &joined, key)
}

/// Checks, sorts, digests and writes.
pub(crate) fn write_batch(path: &Path, batch: &RecordBatch, key: &[String]) -> Result<TableInfo, TableError> {
    let batch = arrow::canonical(batch)?;
    let key_columns: Vec<ArrayRef> = key.iter().map(|name| column(&batch, name).cloned()).collect::<Result<_, _>>()?;
    for (name, array) in key.iter().zip(&key_columns) {
        if array.null_count() > 0 {
            let rows: Vec<usize> = (0..array.len()).filter(|row| array.is_null(*row)).take(SHOWN).collect();
            let rows = arrow::sample(&batch, key, &rows)?;
            return Err(TableError::NullKey { column: name.clone(), count: array.null_count() as u64, rows });
        }
    }
    let batch = sorted(&batch, &key_columns).map_err(|cause| TableError::Write { path: path.into(), cause })?;
    unique(&batch, key)?;
    finite(&batch, key)?;
    let mut columns = Vec::new();
    let mut key_digests = Vec::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let digest = digest::column(array);
        if key.contains(field.name()) {
            key_digests.push((field.name().clone(), digest));
        }
        columns.push(ColumnInfo {
            name: field.name().clone(),
            kind: arrow::column_type(field.name(), array.data_type())?,
            digest: digest.to_hex().to_string(),
            nulls: array.null_count() as u64,
        });
    }
    key_digests.sort_by_key(|(name, _)| key.iter().position(|column| column == name));
    let rows_digest = digest::rows(batch.num_rows(), &key_digests).to_hex().to_string();
    parquet(path, &batch).map_err(|cause| TableError::Write { path: path.into(), cause })?;
    Ok(TableInfo { key: key.to_vec(), rows: batch.num_rows() as u64, rows_digest, columns })
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef, TableError> {
    batch.column_by_name(name).ok_or_else(|| TableError::UnknownColumn {
        column: name.to_string(),
        known: batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
    })
}

/// Rows in key order. Keys are unique, so the order is total and no row's place is left to chance.
fn sorted(batch: &RecordBatch, key: &[ArrayRef]) -> Result<RecordBatch, String> {
    if key.is_empty() || batch.num_rows() == 0 {
        return Ok(batch.clone());
    }
    let options = Some(SortOptions { descending: false, nulls_first: true });
    let columns: Vec<SortColumn> = key.iter().map(|values| SortColumn { values: values.clone(), options }).collect();
    let order = compute::lexsort_to_indices(&columns, None).map_err(|error| error.to_string())?;
    compute::take_record_batch(batch, &order).map_err(|error| error.to_string())
}

fn unique(batch: &RecordBatch, key: &[String]) -> Result<(), TableError> {
    if key.is_empty() {
        return Ok(());
    }
    let columns: Vec<ArrayRef> = key.iter().map(|name| column(batch, name).cloned()).collect::<Result<_, _>>()?;
    let ranges = compute::partition(&columns)
        .map_err(|error| TableError::Value { column: key.join(", "), cause: error.to_string() })?
        .ranges();
    let repeated: Vec<_> = ranges.into_iter().filter(|range| range.len() > 1).collect();
    if repeated.is_empty() {
        return Ok(());
    }
    let firsts: Vec<usize> = repeated.iter().map(|range| range.start).take(SHOWN).collect();
    let keys = arrow::sample(batch, key, &firsts)?;
    let keys = (0..firsts.len()).map(|row| (keys.row_text(key, row), repeated[row].len() as u64)).collect();
    let rows: Vec<usize> = repeated.iter().cloned().flatten().take(SHOWN).collect();
    let rows = arrow::sample(batch, key, &rows)?;
    Err(TableError::DuplicateKey { key: key.to_vec(), count: repeated.len() as u64, keys, rows })
}

/// NaN and infinity are accidents of a division, never a measurement; missing is null.
fn finite(batch: &RecordBatch, key: &[String]) -> Result<(), TableError> {
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        if *array.data_type() != DataType::Float64 {
            continue;
        }
        let values = array.as_primitive::<Float64Type>();
        let bad: Vec<usize> =
            (0..values.len()).filter(|row| values.is_valid(*row) && !values.value(*row).is_finite()).collect();
        if !bad.is_empty() {
            let first = &bad[..bad.len().min(SHOWN)];
            let shown: Vec<String> = key.iter().cloned().chain([field.name().clone()]).collect();
            let mut rows = arrow::sample(batch, &shown, first)?;
            rows.columns.retain(|column| shown.contains(&column.name));
            let listed = if key.is_empty() { 0 } else { first.len() };
            let keys = (0..listed).map(|row| rows.row_text(key, row)).collect();
            return Err(TableError::NotFinite { column: field.name().clone(), count: bad.len() as u64, keys, rows });
        }
    }
    Ok(())
}

fn parquet(path: &Path, batch: &RecordBatch) -> Result<(), String> {
    // The default `created_by` names a version of the library, which would change the bytes of an unchanged table.
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(|error| error.to_string())?))
        .set_created_by("restudy".to_string())
        .build();
    let file = File::create(path).map_err(|error| error.to_string())?;
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).map_err(|error| error.to_string())?;
    writer.write(batch).map_err(|error| error.to_string())?;
    writer.close().map_err(|error| error.to_string())?;
    Ok(())
}

fn with_prefix(batch: &RecordBatch, prefix: &[(String, String)], first: bool) -> Result<RecordBatch, TableError> {
    let rows = batch.num_rows();
    let mut fields: Vec<Field> = batch.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut arrays: Vec<ArrayRef> = batch.columns().to_vec();
    for (index, (name, value)) in prefix.iter().enumerate() {
        // Else one of the two would be lost: columns are looked up by name.
        if fields.iter().any(|field| field.name() == name) {
            return Err(TableError::DoubleColumn { column: name.clone() });
        }
        let at = if first { index } else { fields.len() };
        fields.insert(at, Field::new(name, DataType::Utf8, true));
        arrays.insert(at, Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, rows))));
    }
    arrow::with_rows(Arc::new(Schema::new(fields)), arrays, rows)
}

/// What the user knows a part by: its prefix, else its file.
fn part_name(part: &Part) -> String {
    if part.prefix.is_empty() {
        return format!("`{}`", part.path.display());
    }
    let prefix: Vec<String> = part.prefix.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("`{}`", prefix.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Column, Values};
    use std::fs;

    fn table(columns: Vec<(&str, Values)>) -> Table {
        let columns = columns.into_iter().map(|(name, values)| Column { name: name.to_string(), values });
        Table::new(columns.collect()).expect("a table")
    }

    fn texts(values: &[&str]) -> Values {
        Values::Text(values.iter().map(|value| Some(value.to_string())).collect())
    }

    fn ints(values: &[i64]) -> Values {
        Values::Int(values.iter().copied().map(Some).collect())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn the_order_of_rows_given_does_not_matter() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, second) = (folder.path().join("1"), folder.path().join("2"));
        let key = names(&["city", "year"]);
        let floats = |values: &[f64]| Values::Float(values.iter().copied().map(Some).collect());
        let one = write(
            &first,
            &table(vec![
                ("city", texts(&["b", "a", "a"])),
                ("year", ints(&[1, 2, 1])),
                ("x", floats(&[0.0, 2.0, 3.0])),
            ]),
            &key,
        );
        let other = write(
            &second,
            &table(vec![
                ("city", texts(&["a", "b", "a"])),
                ("year", ints(&[1, 1, 2])),
                ("x", floats(&[3.0, -0.0, 2.0])),
            ]),
            &key,
        );
        assert_eq!(one.expect("written"), other.expect("written"));
        assert_eq!(fs::read(&first).expect("bytes"), fs::read(&second).expect("bytes"));
        let rows = read::read(&first, None).expect("read");
        assert_eq!(rows.columns[2].values, floats(&[3.0, 2.0, 0.0]));
    }

    #[test]
    fn the_rows_digest_follows_the_key_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let digest = |ids: &[i64], values: &[i64], key: &str| {
            let table = table(vec![("id", ints(ids)), ("x", ints(values))]);
            write(&folder.path().join("t"), &table, &names(&[key])).expect("written").rows_digest
        };
        let base = digest(&[1, 2], &[5, 6], "id");
        assert_eq!(digest(&[1, 2], &[7, 8], "id"), base);
        assert_ne!(digest(&[1, 3], &[5, 6], "id"), base);
        assert_ne!(digest(&[5, 6], &[1, 2], "x"), base);
    }

    #[test]
    fn rows_that_cannot_be_kept_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let city = || texts(&["a", "a", "b", "c", "c", "c"]);
        for (columns, key, expected, rows) in [
            (
                vec![("x", ints(&[1, 2, 3, 4, 5, 6])), ("city", city())],
                names(&["city"]),
                "the key [city] is not unique: 2 values repeated: (a) has 2 rows, (c) has 3 rows",
                5,
            ),
            (
                vec![("city", city()), ("year", Values::Int(vec![Some(1), Some(2), None, Some(1), Some(2), None]))],
                names(&["city", "year"]),
                "the key column `year` is null in 2 rows",
                2,
            ),
            (
                vec![
                    ("id", ints(&[1, 2, 3])),
                    ("x", Values::Float(vec![Some(f64::NAN), None, Some(f64::NEG_INFINITY)])),
                ],
                names(&["id"]),
                "column `x` is not finite (NaN or infinity) in 2 rows: (1), (3)",
                2,
            ),
            (vec![("id", ints(&[1]))], names(&["city"]), "no column `city`; there are [id]", 0),
        ] {
            let error = write(&folder.path().join("t"), &table(columns), &key).expect_err(expected);
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.rows().map_or(0, Table::rows), rows, "{expected}");
            assert!(error.rows().is_none_or(|rows| rows.columns[0].name == key[0]), "the key comes first");
        }
        assert!(!folder.path().join("t").exists());
    }

    #[test]
    fn parts_are_put_below_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let (first, second, out) = (folder.path().join("1"), folder.path().join("2"), folder.path().join("out"));
        let key = names(&["term"]);
        write(&first, &table(vec![("term", texts(&["x"])), ("b", ints(&[1]))]), &key).expect("written");
        write(&second, &table(vec![("term", texts(&["x"])), ("note", texts(&["n"]))]), &key).expect("written");
        let prefix = |value: &str| vec![("outcome".to_string(), value.to_string())];
        let parts = [Part { path: &first, prefix: prefix("q") }, Part { path: &second, prefix: prefix("p") }];
        let info = concat(&parts, true, &names(&["outcome", "term"]), &out).expect("written");
        assert_eq!(info.rows, 2);
        let expected = table(vec![
            ("outcome", texts(&["p", "q"])),
            ("term", texts(&["x", "x"])),
            ("b", Values::Int(vec![None, Some(1)])),
            ("note", Values::Text(vec![Some("n".to_string()), None])),
        ]);
        assert_eq!(read::read(&out, None).expect("read"), expected);

        let last = concat(&parts, false, &names(&["outcome"]), &out).expect("written");
        let order: Vec<&str> = last.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(order, ["term", "b", "outcome", "note"]);

        let clash = [Part { path: &first, prefix: vec![("b".to_string(), "z".to_string())] }];
        let error = concat(&clash, true, &key, &out).expect_err("two columns of one name");
        assert_eq!(error.to_string(), "two columns are called `b`");

        write(&second, &table(vec![("term", texts(&["x"])), ("b", texts(&["1"]))]), &key).expect("written");
        let error = concat(&parts, true, &key, &out).expect_err("two types");
        assert_eq!(error.to_string(), "column `b` is int in `outcome=q` and text in `outcome=p`");
    }
}
