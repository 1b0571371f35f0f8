//! Reads a table's Parquet file.

use crate::arrow;
use crate::columns::Table;
use crate::digest::BLOCK;
use crate::error::TableError;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatchReader;
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;

/// All rows; with `columns`, only those, in that order.
pub fn read(path: &Path, columns: Option<&[String]>) -> Result<Table, TableError> {
    let table = arrow::to_table(&batch(path, columns)?)?;
    let Some(wanted) = columns else { return Ok(table) };
    Table::new(wanted.iter().filter_map(|name| table.column(name).cloned()).collect())
}

/// The names of the columns, without reading the rows.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, TableError> {
    let builder = open(path)?;
    Ok(builder.schema().fields().iter().map(|field| field.name().clone()).collect())
}

/// All rows as one batch, as they are in the file; with `columns`, those in the order of the file.
pub(crate) fn batch(path: &Path, columns: Option<&[String]>) -> Result<RecordBatch, TableError> {
    let failed = |cause: String| TableError::Read { path: path.into(), cause };
    let mut builder = open(path)?;
    if let Some(wanted) = columns {
        let known: Vec<String> = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut indices = Vec::new();
        for name in wanted {
            match known.iter().position(|known| known == name) {
                Some(index) => indices.push(index),
                None => return Err(TableError::UnknownColumn { column: name.clone(), known }),
            }
        }
        // By index: by name, Parquet would take `a` to mean `a.b` as well.
        let mask = ProjectionMask::roots(builder.parquet_schema(), indices);
        builder = builder.with_projection(mask);
    }
    let reader = builder.build().map_err(|error| failed(error.to_string()))?;
    let schema = reader.schema();
    let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|error| failed(error.to_string()))?;
    compute::concat_batches(&schema, &batches).map_err(|error| failed(error.to_string()))
}

/// Names and types of the columns, as they are in the file.
pub(crate) fn schema(path: &Path) -> Result<SchemaRef, TableError> {
    Ok(open(path)?.schema().clone())
}

/// All rows, a block at a time, as they are in the file.
pub(crate) fn blocks(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch, TableError>> + use<>, TableError> {
    let builder = open(path)?.with_batch_size(BLOCK);
    let path = path.to_path_buf();
    let failed = move |cause: String| TableError::Read { path: path.clone(), cause };
    let reader = builder.build().map_err(|error| failed(error.to_string()))?;
    Ok(reader.map(move |batch| batch.map_err(|error| failed(error.to_string()))))
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, TableError> {
    let failed = |cause: String| TableError::Read { path: path.into(), cause };
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Column, Values};
    use crate::write;

    #[test]
    fn every_type_comes_back_with_its_nulls() {
        let column = |name: &str, values: Values| Column { name: name.to_string(), values };
        let table = Table::new(vec![
            column("城市", Values::Text(vec![Some("a".into()), Some("b".into())])),
            column("a", Values::Bool(vec![Some(true), None])),
            column("a.b", Values::Int(vec![None, Some(i64::MIN)])),
            column("x", Values::Float(vec![Some(0.1), None])),
            column("day", Values::Date(vec![Some(-1), None])),
            column("note", Values::Text(vec![Some(String::new()), None])),
        ])
        .expect("a table");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        write::write(&path, &table, &["城市".to_string()]).expect("written");
        assert_eq!(read(&path, None).expect("read"), table);

        let some = read(&path, Some(&["x".to_string(), "a".to_string()])).expect("read");
        let names: Vec<&str> = some.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["x", "a"]);
        let unknown = read(&path, Some(&["y".to_string()])).expect_err("no such column");
        assert_eq!(unknown.to_string(), "no column `y`; there are [城市, a, a.b, x, day, note]");
        let absent = read(&folder.path().join("absent"), None).expect_err("no such file");
        assert!(matches!(absent, TableError::Read { .. }));
    }
}
