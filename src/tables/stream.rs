//! Tables written from rows that come piece by piece, in bounded memory. As long as the rows come by key they are written as they
//! come. Once they do not, those that were written are read back and all are sorted: in memory while they may be there, else
//! on disk. Several tables can be made of the same rows. What is written does not depend on the way it took.

use crate::columns::ColumnType;
use crate::error::TableError;
use crate::gather::{self, Gathered};
use crate::info::TableInfo;
use crate::session::{self, Settings};
use crate::write::{Rows, Target};
use crate::{arrow, read};
use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, DynComparator, Float64Array, Int64Array, RecordBatch, StringArray,
    make_comparator,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::channel::mpsc;
use futures::{SinkExt, StreamExt, TryStreamExt, stream};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that rows to be sorted, and what sorting needs, may take where nobody says how many.
const MEMORY: u64 = 1 << 30;

/// Rows that go to the sort at once: it needs room for a copy of them, which must fit into what it may take.
const SORTED_AT_ONCE: usize = 8_192;

/// Rows that follow each other, as columns of equal lengths.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    /// The number of rows; 65,536 is the number that is written without being copied.
    pub rows: usize,
    /// As many as the plan has, of the types it gives.
    pub columns: Vec<Packed>,
}

/// The values of a column in a piece; `None` is missing.
#[derive(Clone, Debug)]
pub enum Packed {
    /// True or false.
    Bool(Vec<Option<bool>>),
    /// Whole numbers.
    Int(Vec<Option<i64>>),
    /// Numbers.
    Float(Vec<Option<f64>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
    /// Texts.
    Text(Texts),
    /// This text in every row.
    Same(String),
}

/// Texts, one after the other.
#[derive(Clone, Debug)]
pub struct Texts {
    /// All of them.
    pub text: String,
    /// 0, then where each ends: one more than there are texts. Shorter than 2³¹.
    pub ends: Vec<i32>,
    /// Which are there; empty if all are.
    pub present: Vec<bool>,
}

/// What is made of the rows.
pub struct Plan<'a> {
    /// Names and types of the columns of every piece.
    pub columns: &'a [(String, ColumnType)],
    /// The columns that identify a row; all tables are sorted by them and have them.
    pub key: &'a [String],
    /// The file of each table and the places of its columns. Every column is in one of them.
    pub tables: &'a [(&'a Path, Vec<usize>)],
    /// Bytes that may be held before rows go to disk.
    pub memory: Option<u64>,
}

/// Writes the tables, with `next` giving piece after piece. On an error there is no file.
pub fn write<E: From<TableError>>(
    plan: &Plan,
    mut next: impl FnMut() -> Result<Option<Piece>, E>,
) -> Result<Vec<TableInfo>, E> {
    let schema = arrow::schema(plan.columns);
    let target = Target::several(plan.tables, plan.key, &schema)?;
    let mut arrays = Arrays { columns: plan.columns, schema: schema.clone(), same: BTreeMap::new() };
    write_batches(&target, &schema, plan.memory, || match next()? {
        Some(piece) => Ok(Some(arrays.batch(piece)?)),
        None => Ok(None),
    })
}

/// The same from batches of stored types.
pub(crate) fn write_batches<E: From<TableError>>(
    target: &Target,
    schema: &SchemaRef,
    memory: Option<u64>,
    mut next: impl FnMut() -> Result<Option<RecordBatch>, E>,
) -> Result<Vec<TableInfo>, E> {
    let prepared = gather::prepared_schema(schema, &target.key_columns);
    let failed = |error: ArrowError| TableError::Value { column: target.key.join(", "), cause: error.to_string() };
    let mut last: Option<RecordBatch> = None;
    let mut astray: Option<RecordBatch> = None;
    let in_order = || -> Result<Option<RecordBatch>, E> {
        // Asked again after the end, it still is the end.
        if astray.is_some() {
            return Ok(None);
        }
        let Some(batch) = next()? else { return Ok(None) };
        let batch = gather::prepared(&batch, &prepared).map_err(failed)?;
        if follows(last.as_ref(), &batch, &target.key_columns).map_err(failed)? {
            if batch.num_rows() > 0 {
                last = Some(batch.slice(batch.num_rows() - 1, 1));
            }
            return Ok(Some(batch));
        }
        astray = Some(batch);
        Ok(None)
    };
    let written = target.write_all(Rows::Sorted(Box::new(in_order)), || Ok(()))?;
    let Some(astray) = astray else { return Ok(written) };
    drop(last);
    let before = Before::take(target)?;
    let mut rows = before.rows(target, &prepared)?;
    let mut astray = Some(astray);
    let all = || -> Result<Option<RecordBatch>, E> {
        match rows.next() {
            Some(batch) => Ok(Some(batch?)),
            None => match astray.take() {
                Some(batch) => Ok(Some(batch)),
                None => next(),
            },
        }
    };
    sort(target, &prepared, memory.unwrap_or(MEMORY), all)
}

/// Whether the batch has no missing key, and each row a greater one than the row before.
fn follows(last: Option<&RecordBatch>, batch: &RecordBatch, key: &[usize]) -> Result<bool, ArrowError> {
    if key.is_empty() || batch.num_rows() == 0 {
        return Ok(true);
    }
    let columns: Vec<&ArrayRef> = key.iter().map(|place| batch.column(*place)).collect();
    if columns.iter().any(|column| column.null_count() > 0) {
        return Ok(false);
    }
    let options = SortOptions { descending: false, nulls_first: true };
    let compare = |comparators: &[DynComparator], one: usize, other: usize| {
        let all = comparators.iter().map(|compare| compare(one, other));
        all.into_iter().find(|order| order.is_ne()).is_some_and(|order| order.is_lt())
    };
    if let Some(last) = last {
        let pairs = key.iter().zip(&columns);
        let comparators = pairs.map(|(place, column)| make_comparator(last.column(*place), column, options));
        if !compare(&comparators.collect::<Result<Vec<_>, _>>()?, 0, 0) {
            return Ok(false);
        }
    }
    let comparators = columns.iter().map(|column| make_comparator(column, column, options));
    let comparators = comparators.collect::<Result<Vec<_>, _>>()?;
    Ok((1..batch.num_rows()).all(|row| compare(&comparators, row - 1, row)))
}

/// Sorts all rows by key and writes them.
fn sort<E: From<TableError>>(
    target: &Target,
    schema: &SchemaRef,
    memory: u64,
    mut next: impl FnMut() -> Result<Option<RecordBatch>, E>,
) -> Result<Vec<TableInfo>, E> {
    tracing::debug!("the rows do not come by key and are sorted");
    let failed = |error: DataFusionError| target.failed_to_write(&error.to_string());
    let settings = Settings { memory_limit: Some(memory), ..Settings::default() };
    let context = session::context(&settings).map_err(failed)?;
    let (mut rows, received) = mpsc::channel::<RecordBatch>(1);
    let received = RecordBatchStreamAdapter::new(schema.clone(), received.map(Ok));
    let plan = gather::once(schema, Box::pin(received)).map_err(failed)?;
    let key = target.key_columns.clone();
    // The rows are made on this thread; who takes them has others.
    let gathered = session::block_on(async {
        let task = tokio::spawn(async move {
            match gather::gather(plan, &key, context.task_ctx()).await? {
                Gathered::Sorted(rows) => begun(rows).await,
                whole => Ok(whole),
            }
        });
        'rows: loop {
            let batch = match next() {
                Ok(batch) => batch,
                Err(error) => {
                    task.abort();
                    return Err(error);
                }
            };
            let Some(batch) = batch else { break 'rows };
            for start in (0..batch.num_rows()).step_by(SORTED_AT_ONCE) {
                let slice = batch.slice(start, SORTED_AT_ONCE.min(batch.num_rows() - start));
                if rows.send(slice).await.is_err() {
                    // Nobody takes it when the task has failed, which it says below.
                    break 'rows;
                }
            }
        }
        drop(rows);
        match task.await {
            Ok(gathered) => gathered.map_err(|error| failed(error).into()),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(error) => Err(target.failed_to_write(&error.to_string()).into()),
        }
    });
    match gathered.map_err(failed)?? {
        Gathered::Whole(batches, _memory) => target.write_all(Rows::Whole(batches), || Ok(())),
        Gathered::Sorted(mut rows) => {
            let next = || Ok(session::block_on(rows.try_next()).and_then(|batch| batch).map_err(failed)?);
            target.write_all(Rows::Sorted(Box::new(next)), || Ok(()))
        }
    }
}

/// A sort takes its rows only when it is asked for one; by its first row it has taken all of them.
async fn begun(mut rows: SendableRecordBatchStream) -> datafusion::common::Result<Gathered> {
    let schema = rows.schema();
    let first = rows.try_next().await?;
    let all = stream::iter(first.map(Ok)).chain(rows);
    Ok(Gathered::Sorted(Box::pin(RecordBatchStreamAdapter::new(schema, all))))
}

/// What was written before a row came out of order; removed when it is dropped.
struct Before(Vec<PathBuf>);

impl Before {
    fn take(target: &Target) -> Result<Before, TableError> {
        let mut before = Before(Vec::new());
        for path in target.paths() {
            let mut name = path.file_name().unwrap_or_default().to_os_string();
            name.push(".before");
            let aside = path.with_file_name(name);
            let failed = |error: std::io::Error| TableError::Write { path: path.into(), cause: error.to_string() };
            fs::rename(path, &aside).map_err(failed)?;
            before.0.push(aside);
        }
        Ok(before)
    }

    /// Its rows with all columns: each from a table that has it.
    fn rows<'s>(
        &self,
        target: &Target,
        schema: &'s SchemaRef,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, TableError>> + use<'s>, TableError> {
        let readers = self.0.iter().map(|path| read::blocks(path));
        let mut readers = readers.collect::<Result<Vec<_>, _>>()?;
        let sources: Vec<(usize, usize)> =
            (0..schema.fields().len()).map(|place| target.source(place)).collect::<Option<_>>().ok_or_else(|| {
                TableError::Value { column: String::new(), cause: "it is in none of the tables".to_string() }
            })?;
        let mut next = move || -> Result<Option<RecordBatch>, TableError> {
            let mut batches = Vec::new();
            for reader in &mut readers {
                let Some(batch) = reader.next().transpose()? else { return Ok(None) };
                batches.push(arrow::canonical(&batch)?);
            }
            let arrays = sources.iter().map(|(table, place)| batches[*table].column(*place).clone()).collect();
            let rows = batches.first().map_or(0, RecordBatch::num_rows);
            arrow::with_rows(schema.clone(), arrays, rows).map(Some)
        };
        Ok(std::iter::from_fn(move || next().transpose()))
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        for path in &self.0 {
            // It is in a folder that is removed with all it has.
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes arrays of pieces.
struct Arrays<'a> {
    columns: &'a [(String, ColumnType)],
    schema: SchemaRef,
    /// Of columns that have one text in every row, the longest array so far.
    same: BTreeMap<usize, (String, ArrayRef)>,
}

impl Arrays<'_> {
    fn batch(&mut self, piece: Piece) -> Result<RecordBatch, TableError> {
        let Piece { rows, columns } = piece;
        if columns.len() != self.columns.len() {
            let cause = format!("{} columns where there should be {}", columns.len(), self.columns.len());
            return Err(TableError::Value { column: String::new(), cause });
        }
        let mut arrays = Vec::new();
        for (place, packed) in columns.into_iter().enumerate() {
            let array = self.array(place, packed, rows)?;
            let name = &self.columns[place].0;
            if array.len() != rows {
                return Err(TableError::Length { column: name.clone(), found: array.len(), expected: rows });
            }
            arrays.push(array);
        }
        arrow::with_rows(self.schema.clone(), arrays, rows)
    }

    fn array(&mut self, place: usize, packed: Packed, rows: usize) -> Result<ArrayRef, TableError> {
        let failed =
            |error: ArrowError| TableError::Value { column: self.columns[place].0.clone(), cause: error.to_string() };
        Ok(match packed {
            Packed::Bool(values) => Arc::new(BooleanArray::from(values)),
            Packed::Int(values) => Arc::new(Int64Array::from(values)),
            Packed::Float(values) => Arc::new(Float64Array::from(values)),
            Packed::Date(values) => Arc::new(Date32Array::from(values)),
            Packed::Text(Texts { text, ends, present }) => {
                let wrong =
                    |cause: &str| TableError::Value { column: self.columns[place].0.clone(), cause: cause.to_string() };
                let rises = ends.first() == Some(&0) && ends.is_sorted();
                if !rises || ends.last().and_then(|end| usize::try_from(*end).ok()) != Some(text.len()) {
                    return Err(wrong("the ends of its texts do not rise from 0 to the end of the last"));
                }
                let nulls = (!present.is_empty()).then(|| NullBuffer::from(present));
                let ends = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(StringArray::try_new(ends, text.into_bytes().into(), nulls).map_err(failed)?)
            }
            Packed::Same(text) => {
                let known = self.same.get(&place).filter(|(known, array)| *known == text && array.len() >= rows);
                match known {
                    Some((_, array)) => array.slice(0, rows),
                    None => {
                        let array: ArrayRef =
                            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text.as_str(), rows)));
                        self.same.insert(place, (text, array.clone()));
                        array
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
