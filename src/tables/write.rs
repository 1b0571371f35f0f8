//! Canonical tables on disk: rows in key order, no null and no repeated key, no NaN, five types, a digest per column.
//! Rows pass in blocks; nothing here holds the table once more. The file's bytes depend on the values alone.

use crate::arrow;
use crate::block::{Block, Cutter};
use crate::columns::{ColumnType, Table};
use crate::digest::{self, BLOCK};
use crate::encode::Writer;
use crate::error::TableError;
use crate::gather;
use crate::info::TableInfo;
use crate::keys::KeyCheck;
use crate::order;
use crate::parallel;
use crate::read;
use crate::stream;
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, StringArray, new_null_array};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use std::fs;
use std::mem::take;
use std::path::Path;
use std::sync::Arc;

/// A table to put below others, with text columns to put in front of it.
pub struct Part<'a> {
    /// The part's file.
    pub path: &'a Path,
    /// Names and values, the same in all rows of the part.
    pub prefix: Vec<(String, String)>,
}

/// Writes the canonical form of `table`, sorted by `key`. An empty key keeps the rows as they are.
pub fn write(path: &Path, table: &Table, key: &[String]) -> Result<TableInfo, TableError> {
    let batch = arrow::from_table(table)?;
    let target = Target::new(path, key, &batch.schema())?;
    target.write(Rows::Whole(vec![batch]), || Ok(()))
}

/// Writes the rows of all parts as one table. A column that a part does not have is null there; with `prefix_first` the
/// prefix columns come first, else last.
pub fn concat(parts: &[Part], prefix_first: bool, key: &[String], out: &Path) -> Result<TableInfo, TableError> {
    // Name, type, and the part that has it first.
    let mut columns: Vec<(String, DataType, &Part)> = Vec::new();
    for part in parts {
        let empty = RecordBatch::new_empty(read::schema(part.path)?);
        let empty = with_prefix(&arrow::canonical(&empty)?, &part.prefix, prefix_first)?;
        for field in empty.schema().fields() {
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
    }
    let fields: Vec<Field> =
        columns.iter().map(|(name, data_type, _)| Field::new(name, data_type.clone(), true)).collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let target = Target::new(out, key, &schema)?;
    let mut rest = parts.iter();
    let mut open: Option<(&Part, _)> = None;
    let infos = stream::write_batches(&target, &schema, None, || -> Result<_, TableError> {
        loop {
            if let Some((part, blocks)) = &mut open
                && let Some(batch) = Iterator::next(blocks)
            {
                let batch = with_prefix(&arrow::canonical(&batch?)?, &part.prefix, prefix_first)?;
                let arrays = columns.iter().map(|(name, data_type, _)| match batch.column_by_name(name) {
                    Some(array) => array.clone(),
                    None => new_null_array(data_type, batch.num_rows()),
                });
                return arrow::with_rows(schema.clone(), arrays.collect(), batch.num_rows()).map(Some);
            }
            let Some(part) = rest.next() else { return Ok(None) };
            open = Some((part, read::blocks(part.path)?));
        }
    })?;
    Ok(only(infos))
}

/// Tables that are to be written, of the same rows.
pub(crate) struct Target<'a> {
    pub key: &'a [String],
    /// The places of the key's columns in the rows.
    pub key_columns: Vec<usize>,
    outputs: Vec<Output<'a>>,
    threads: usize,
}

/// One of the tables.
struct Output<'a> {
    path: &'a Path,
    columns: Vec<(String, ColumnType)>,
    /// Where these columns are in the rows.
    places: Vec<usize>,
}

/// A batch that is sorted has at most so many rows, and its texts so many bytes, whose places are 32 bits.
const MOST_ROWS: usize = 1 << 20;
const MOST_BYTES: usize = 1 << 30;

fn text_bytes(array: &ArrayRef) -> usize {
    match array.data_type().is_primitive() {
        true => 0,
        false => array.to_data().get_slice_memory_size().unwrap_or(array.get_array_memory_size()),
    }
}

/// Batches that follow each other, and what is made of them.
struct Group {
    batches: Vec<RecordBatch>,
    made: Result<Vec<RecordBatch>, ArrowError>,
}

impl Group {
    fn make(&mut self, schema: &SchemaRef, size: usize) {
        self.made = Group::joined(take(&mut self.batches), schema, size);
    }

    /// Several batches as one, one batch as several of `size` rows at most.
    fn joined(batches: Vec<RecordBatch>, schema: &SchemaRef, size: usize) -> Result<Vec<RecordBatch>, ArrowError> {
        let prepared = batches.iter().map(|batch| gather::prepared(batch, schema)).collect::<Result<Vec<_>, _>>()?;
        drop(batches);
        match &prepared[..] {
            [batch] => {
                let starts = (0..batch.num_rows()).step_by(size);
                Ok(starts.map(|start| batch.slice(start, size.min(batch.num_rows() - start))).collect())
            }
            batches => Ok(vec![compute::concat_batches(schema, batches)?]),
        }
    }
}

/// Where its rows come from.
pub(crate) enum Rows<'a, E> {
    /// In any order.
    Whole(Vec<RecordBatch>),
    /// By key, prepared as in `gather`. `None` is the end.
    Sorted(Box<dyn FnMut() -> Result<Option<RecordBatch>, E> + 'a>),
}

impl<'a> Target<'a> {
    /// A table at `path` of the columns that `schema` will be stored as.
    pub fn new(path: &'a Path, key: &'a [String], schema: &Schema) -> Result<Target<'a>, TableError> {
        Target::of(vec![(path, (0..schema.fields().len()).collect())], key, schema)
    }

    /// Tables of these columns of the rows, by their places; each has the key.
    pub fn several(
        tables: &[(&'a Path, Vec<usize>)],
        key: &'a [String],
        schema: &Schema,
    ) -> Result<Target<'a>, TableError> {
        Target::of(tables.to_vec(), key, schema)
    }

    fn of(tables: Vec<(&'a Path, Vec<usize>)>, key: &'a [String], schema: &Schema) -> Result<Target<'a>, TableError> {
        let columns = arrow::columns(schema)?;
        let place = |name: &String| {
            columns.iter().position(|(column, _)| column == name).ok_or_else(|| TableError::UnknownColumn {
                column: name.clone(),
                known: columns.iter().map(|(column, _)| column.clone()).collect(),
            })
        };
        let key_columns = key.iter().map(place).collect::<Result<_, _>>()?;
        let outputs = tables.into_iter().map(|(path, places)| Output {
            path,
            columns: places.iter().map(|place| columns[*place].clone()).collect(),
            places,
        });
        Ok(Target { key, key_columns, outputs: outputs.collect(), threads: parallel::processors() })
    }

    /// The files.
    pub fn paths(&self) -> impl Iterator<Item = &'a Path> {
        self.outputs.iter().map(|output| output.path)
    }

    /// A table that has this column of the rows, and where.
    pub fn source(&self, place: usize) -> Option<(usize, usize)> {
        let found = |output: &Output| output.places.iter().position(|other| *other == place);
        self.outputs.iter().enumerate().find_map(|(table, output)| Some((table, found(output)?)))
    }

    pub fn failed_to_write(&self, cause: &str) -> TableError {
        let path = self.paths().next().unwrap_or(Path::new(""));
        TableError::Write { path: path.into(), cause: cause.to_string() }
    }

    /// The same for one table.
    pub fn write<E: From<TableError>>(&self, rows: Rows<E>, go_on: impl Fn() -> Result<(), E>) -> Result<TableInfo, E> {
        self.write_all(rows, go_on).map(only)
    }

    /// Checks, sorts, digests and writes. On an error there is no file. `go_on` is asked between blocks.
    pub fn write_all<E: From<TableError>>(
        &self,
        rows: Rows<E>,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<Vec<TableInfo>, E> {
        let mut keys = KeyCheck::new(self.key, &self.key_columns);
        let mut cutter = Cutter::default();
        match rows {
            Rows::Sorted(mut next_batch) => self.write_blocks(keys, |keys| {
                go_on()?;
                loop {
                    if let Some(block) = cutter.cut() {
                        return with_repeats(block, keys).map(Some);
                    }
                    let Some(batch) = next_batch()? else { break };
                    keys.batch(&batch)?;
                    cutter.add(batch);
                }
                cutter.rest().map(|block| with_repeats(block, keys)).transpose()
            }),
            Rows::Whole(batches) => {
                let batches = self.prepared(batches).map_err(|error| self.failed(error))?;
                batches.iter().try_for_each(|batch| keys.batch(batch))?;
                // Without an order: a null has none.
                if keys.has_nulls() {
                    keys.verdict()?;
                }
                let ordered = match self.key {
                    [] => None,
                    _ => {
                        order::by_key(&batches, &self.key_columns, self.threads).map_err(|error| self.failed(error))?
                    }
                };
                match ordered {
                    Some(mut order) => self.write_blocks(keys, |_| go_on().map(|()| order.block())),
                    None => {
                        batches.iter().for_each(|batch| cutter.add(batch.clone()));
                        drop(batches);
                        self.write_blocks(keys, |keys| {
                            go_on()?;
                            let block = cutter.cut().or_else(|| cutter.rest());
                            block.map(|block| with_repeats(block, keys)).transpose()
                        })
                    }
                }
            }
        }
    }

    fn write_blocks<E: From<TableError>>(
        &self,
        mut keys: KeyCheck,
        mut next: impl FnMut(&mut KeyCheck) -> Result<Option<Block>, E>,
    ) -> Result<Vec<TableInfo>, E> {
        let mut block = next(&mut keys)?;
        let (mut writers, mut unfinished) = (Vec::new(), Vec::new());
        for output in &self.outputs {
            let writer = Writer::create(output.path, &output.columns, &output.places, self.threads);
            writers.push((output, writer.map_err(|cause| output.failed(cause))?));
            unfinished.push(Unfinished(output.path));
        }
        let mut rows = 0;
        while let Some(current) = block {
            keys.block(&current)?;
            rows += current.len();
            block = None;
            let mut last = Some(&mut next);
            for (output, writer) in writers.iter_mut().rev() {
                // The next block is made while the first of the tables is worked on.
                let meanwhile = || last.take().map_or(Ok(None), |next| next(&mut keys));
                let more = writer.add(&current, meanwhile).map_err(|cause| output.failed(cause))??;
                block = block.or(more);
            }
        }
        keys.verdict()?;
        for (_, writer) in &mut writers {
            writer.check(self.key)?;
        }
        let mut infos = Vec::new();
        for (output, writer) in writers {
            let columns = writer.finish().map_err(|cause| output.failed(cause))?;
            let named = |name: &String| columns.iter().find(|(column, _)| column.name == *name);
            let key_digests: Vec<_> =
                self.key.iter().filter_map(named).map(|(column, digest)| (column.name.clone(), *digest)).collect();
            infos.push(TableInfo {
                key: self.key.to_vec(),
                rows: rows as u64,
                rows_digest: digest::rows(rows, &key_digests).to_hex().to_string(),
                columns: columns.into_iter().map(|(column, _)| column).collect(),
            });
        }
        unfinished.into_iter().for_each(std::mem::forget);
        Ok(infos)
    }

    /// Batches in the types that can be sorted: not so large that one thread has them all, and not so small that looking for a
    /// row's batch takes longer than the row.
    fn prepared(&self, batches: Vec<RecordBatch>) -> Result<Arc<Vec<RecordBatch>>, ArrowError> {
        let Some(schema) = batches.first().map(|batch| gather::prepared_schema(&batch.schema(), &self.key_columns))
        else {
            return Ok(Arc::default());
        };
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let size = (rows / (8 * self.threads.max(1))).clamp(BLOCK, MOST_ROWS);
        let mut groups: Vec<Group> = Vec::new();
        let (mut rows, mut bytes) = (size, 0);
        for batch in batches.into_iter().filter(|batch| batch.num_rows() > 0) {
            let more: usize = batch.columns().iter().map(text_bytes).sum();
            if rows + batch.num_rows() > size || bytes + more > MOST_BYTES {
                groups.push(Group { batches: Vec::new(), made: Ok(Vec::new()) });
                (rows, bytes) = (0, 0);
            }
            (rows, bytes) = (rows + batch.num_rows(), bytes + more);
            groups.last_mut().expect("one was begun").batches.push(batch);
        }
        parallel::each(&mut groups, self.threads, |group| group.make(&schema, size), || ());
        let made = groups.into_iter().map(|group| group.made).collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(made.into_iter().flatten().collect()))
    }

    fn failed(&self, error: ArrowError) -> TableError {
        TableError::Value { column: self.key.join(", "), cause: error.to_string() }
    }
}

impl Output<'_> {
    fn failed(&self, cause: String) -> TableError {
        TableError::Write { path: self.path.into(), cause }
    }
}

fn only(mut infos: Vec<TableInfo>) -> TableInfo {
    infos.pop().expect("one table was written")
}

fn with_repeats<E: From<TableError>>(mut block: Block, keys: &KeyCheck) -> Result<Block, E> {
    block.repeats = keys.repeats(&block)?;
    Ok(block)
}

/// A file that is removed unless it is finished.
struct Unfinished<'a>(&'a Path);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // Nothing depends on it: whoever writes there next replaces it.
        let _ = fs::remove_file(self.0);
    }
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
mod tests;
