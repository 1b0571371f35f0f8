//! Columns on their way into a Parquet file: stored types, the check for numbers that are none, digest and encoding, block by
//! block. Columns do not know each other, so they are worked on side by side. What a file holds depends on the values alone.

use crate::arrow;
use crate::block::Block;
use crate::columns::ColumnType;
use crate::digest::{BLOCK, ColumnDigest};
use crate::error::TableError;
use crate::info::ColumnInfo;
use crate::keys::SHOWN;
use crate::parallel;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_array};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{Field, Float64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::file::writer::SerializedFileWriter;
use std::cmp::Reverse;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

/// A column of a row group, encoded, or why it could not be.
type Chunk = Result<ArrowColumnChunk, ParquetError>;

/// A row group ends after so many rows, the number that most Parquet writers choose: large enough for dictionaries to pay
/// and small enough that one fits into memory and several can be read at once.
const GROUP_ROWS: usize = 16 * BLOCK;

/// It ends before that once its values take so many bytes, so that long texts do not fill the memory.
const GROUP_BYTES: usize = 256 << 20;

/// Fewer values than this are not worth a thread.
const FEW: usize = 200_000;

/// One column of the table that is written.
struct Column {
    field: Field,
    kind: ColumnType,
    /// Its place in the rows.
    place: usize,
    /// Its place in the file.
    index: usize,
    digest: ColumnDigest,
    nulls: u64,
    writer: Option<ArrowColumnWriter>,
    /// How long the last block took, so that the slowest column is begun first.
    took: Duration,
    /// Plain bytes in this row group.
    bytes: usize,
    /// Why a value cannot be stored: of the first block that has one, with what later blocks add.
    fault: Option<TableError>,
    not_finite: NotFinite,
    broken: Option<String>,
}

/// The rows in which a float is NaN or infinite.
#[derive(Default)]
struct NotFinite {
    count: u64,
    first: Vec<RecordBatch>,
}

/// A Parquet file and the columns that go into it.
pub(crate) struct Writer {
    file: SerializedFileWriter<File>,
    factory: ArrowRowGroupWriterFactory,
    columns: Vec<Column>,
    threads: usize,
    /// Row groups begun, and rows in the last of them.
    groups: usize,
    rows: usize,
    /// An encoded row group that is not in the file yet.
    finished: Vec<ArrowColumnChunk>,
}

impl Writer {
    /// Columns of these names and types, which are in the rows at these places.
    pub fn create(
        path: &Path,
        columns: &[(String, ColumnType)],
        places: &[usize],
        threads: usize,
    ) -> Result<Writer, String> {
        let schema = arrow::schema(columns);
        // The default `created_by` names a version of the library, which would change the bytes of an unchanged table.
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(|error| error.to_string())?))
            .set_created_by("restudy".to_string())
            .build();
        // The stored types are those of Parquet: the Arrow schema beside them would say nothing new.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let file = File::create(path).map_err(|error| error.to_string())?;
        let writer = ArrowWriter::try_new_with_options(file, schema.clone(), options);
        let (file, factory) =
            writer.and_then(ArrowWriter::into_serialized_writer).map_err(|error| error.to_string())?;
        let columns = schema.fields().iter().zip(columns).enumerate().map(|(index, (field, (_, kind)))| Column {
            field: field.as_ref().clone(),
            kind: *kind,
            place: places[index],
            index,
            digest: ColumnDigest::new(*kind),
            nulls: 0,
            writer: None,
            took: Duration::ZERO,
            bytes: 0,
            fault: None,
            not_finite: NotFinite::default(),
            broken: None,
        });
        let mut columns: Vec<Column> = columns.collect();
        // Texts take longest, and who begins late ends late.
        columns.sort_by_key(|column| column.kind != ColumnType::Text);
        Ok(Writer { file, factory, columns, threads, groups: 0, rows: 0, finished: Vec::new() })
    }

    /// Adds a block; meanwhile gets the next one ready.
    pub fn add<R>(&mut self, block: &Block, next: impl FnOnce() -> R) -> Result<R, String> {
        if self.rows == 0 {
            let writers = self.factory.create_column_writers(self.groups).map_err(|error| error.to_string())?;
            let mut writers: Vec<Option<ArrowColumnWriter>> = writers.into_iter().map(Some).collect();
            for column in &mut self.columns {
                column.writer = writers[column.index].take();
                column.bytes = 0;
            }
            self.groups += 1;
        }
        let threads = if block.len() * self.columns.len() < FEW { 1 } else { self.threads };
        self.columns.sort_by_key(|column| Reverse(column.took));
        let (file, finished) = (&mut self.file, std::mem::take(&mut self.finished));
        let meanwhile = || (append(file, finished), next());
        let (appended, next) = parallel::each(&mut self.columns, threads, |column| column.add(block), meanwhile);
        appended.map_err(|error| error.to_string())?;
        self.rows += block.len();
        let bytes: usize = self.columns.iter().map(|column| column.bytes).sum();
        if self.rows >= GROUP_ROWS || bytes >= GROUP_BYTES {
            self.end_group(threads)?;
        }
        Ok(next)
    }

    /// All values could be stored, or why not. `key` names the rows.
    pub fn check(&mut self, key: &[String]) -> Result<(), TableError> {
        self.columns.sort_by_key(|column| column.index);
        for column in &mut self.columns {
            column.fault.take().map_or(Ok(()), Err)?;
        }
        self.columns.iter().try_for_each(|column| column.not_finite.check(column.field.name(), key))
    }

    /// Ends the file.
    pub fn finish(mut self) -> Result<Vec<(ColumnInfo, blake3::Hash)>, String> {
        if self.rows > 0 {
            self.end_group(self.threads)?;
        }
        append(&mut self.file, self.finished).map_err(|error| error.to_string())?;
        self.file.close().map_err(|error| error.to_string())?;
        self.columns.sort_by_key(|column| column.index);
        let digested = self.columns.into_iter().map(|column| {
            let Column { field, kind, nulls, digest, .. } = column;
            let digest = digest.finish();
            (ColumnInfo { name: field.name().clone(), kind, digest: digest.to_hex().to_string(), nulls }, digest)
        });
        Ok(digested.collect())
    }

    fn end_group(&mut self, threads: usize) -> Result<(), String> {
        let mut ends: Vec<(usize, Option<ArrowColumnWriter>, Option<Chunk>)> =
            self.columns.iter_mut().map(|column| (column.index, column.writer.take(), None)).collect();
        let close = |(_, writer, chunk): &mut (_, Option<ArrowColumnWriter>, _)| {
            *chunk = writer.take().map(ArrowColumnWriter::close);
        };
        parallel::each(&mut ends, threads, close, || ());
        ends.sort_by_key(|(index, ..)| *index);
        // A column whose values cannot be stored has no chunk; then the file is not kept.
        let chunks: Result<Vec<_>, _> = ends.into_iter().filter_map(|(_, _, chunk)| chunk).collect();
        self.finished = chunks.map_err(|error| error.to_string())?;
        self.rows = 0;
        match self.columns.iter_mut().find_map(|column| column.broken.take()) {
            Some(cause) => Err(cause),
            None => Ok(()),
        }
    }
}

impl Column {
    fn add(&mut self, block: &Block) {
        let start = Instant::now();
        self.add_values(block);
        self.took = start.elapsed();
    }

    fn add_values(&mut self, block: &Block) {
        match self.stored(block) {
            Ok(array) if self.fault.is_none() => {
                if let Err(error) = self.encode(&array) {
                    self.broken.get_or_insert(error.to_string());
                }
            }
            Ok(_) => {}
            Err(error) => {
                self.writer = None;
                self.fault = Some(match self.fault.take() {
                    None => error,
                    Some(first) => both(first, error),
                });
            }
        }
    }

    fn stored(&mut self, block: &Block) -> Result<ArrayRef, TableError> {
        let name = self.field.name();
        let failed = |error: ArrowError| TableError::Value { column: name.clone(), cause: error.to_string() };
        let array = arrow::stored(name, &block.column(self.place).map_err(failed)?)?;
        if self.kind == ColumnType::Float {
            self.not_finite.add(&array, block).map_err(failed)?;
        }
        Ok(without_idle_nulls(array))
    }

    fn encode(&mut self, array: &ArrayRef) -> Result<(), ParquetError> {
        self.nulls += array.null_count() as u64;
        self.digest.add(array);
        self.bytes += match self.kind {
            ColumnType::Text => {
                let ends = array.as_string::<i32>().value_offsets();
                array.len() * size_of::<u32>() + (ends[array.len()] - ends[0]) as usize
            }
            _ => array.len() * size_of::<u64>(),
        };
        if let Some(writer) = &mut self.writer {
            for leaf in compute_leaves(&self.field, array)? {
                writer.write(&leaf)?;
            }
        }
        Ok(())
    }
}

impl NotFinite {
    fn add(&mut self, array: &ArrayRef, block: &Block) -> Result<(), ArrowError> {
        let values = array.as_primitive::<Float64Type>();
        // Without a branch per value, so that several are looked at at once; what missing values hold is looked at below.
        if values.values().iter().fold(true, |finite, value| finite & value.is_finite()) {
            return Ok(());
        }
        let is_bad = |row: &usize| values.is_valid(*row) && !values.value(*row).is_finite();
        let bad: Vec<usize> = (0..values.len()).filter(is_bad).collect();
        self.count += bad.len() as u64;
        let known: usize = self.first.iter().map(RecordBatch::num_rows).sum();
        if known < SHOWN && !bad.is_empty() {
            self.first.push(block.take(&bad[..bad.len().min(SHOWN - known)])?);
        }
        Ok(())
    }

    /// NaN and infinity are accidents of a division, never a measurement; missing is null.
    fn check(&self, name: &str, key: &[String]) -> Result<(), TableError> {
        let Some(first) = self.first.first() else { return Ok(()) };
        let failed = |error: ArrowError| TableError::Value { column: name.to_string(), cause: error.to_string() };
        let shown: Vec<String> = key.iter().cloned().chain([name.to_string()]).collect();
        let kept: Vec<usize> = shown.iter().filter_map(|name| first.schema().index_of(name).ok()).collect();
        let rows = compute::concat_batches(&first.schema(), &self.first).and_then(|rows| {
            let mut kept = kept.clone();
            kept.sort_unstable();
            kept.dedup();
            rows.project(&kept)
        });
        let rows = rows.map_err(failed)?;
        let rows = arrow::sample(&rows, &shown, &(0..rows.num_rows()).collect::<Vec<_>>())?;
        let listed = if key.is_empty() { 0 } else { rows.rows() };
        let keys = (0..listed).map(|row| rows.row_text(key, row)).collect();
        Err(TableError::NotFinite { column: name.to_string(), count: self.count, keys, rows })
    }
}

/// Puts an encoded row group into the file.
fn append(file: &mut SerializedFileWriter<File>, chunks: Vec<ArrowColumnChunk>) -> Result<(), ParquetError> {
    if chunks.is_empty() {
        return Ok(());
    }
    let mut group = file.next_row_group()?;
    for chunk in chunks {
        chunk.append_to_row_group(&mut group)?;
    }
    group.close().map(|_| ())
}

/// The fault of a column of which two blocks have one.
fn both(first: TableError, other: TableError) -> TableError {
    match (first, other) {
        (TableError::TimeOfDay { column, count, first }, TableError::TimeOfDay { count: more, .. }) => {
            TableError::TimeOfDay { column, count: count + more, first }
        }
        (first, _) => first,
    }
}

/// Without the bitmap of missing values where none is missing: with it Parquet's pages may come out different.
fn without_idle_nulls(array: ArrayRef) -> ArrayRef {
    if array.nulls().is_none_or(|nulls| nulls.null_count() > 0) {
        return array;
    }
    match array.to_data().into_builder().nulls(None).build() {
        Ok(data) => make_array(data),
        Err(_) => array,
    }
}
