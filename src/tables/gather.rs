//! The rows of a query, gathered to be written by key: in memory while they may be there, else through a sort that spills to
//! disk. Knows no file.

use crate::arrow;
use crate::order;
use datafusion::arrow::array::{Array, AsArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, SendableRecordBatchStream};
use futures::{StreamExt, TryStreamExt, future, stream};
use std::fmt;
use std::sync::{Arc, Mutex};

/// Rows that are to be written by key, prepared: see `prepared`.
pub(crate) enum Gathered {
    /// All rows, in the order of the partitions, and the memory they hold.
    Whole(Vec<RecordBatch>, Arc<MemoryReservation>),
    /// By key.
    Sorted(SendableRecordBatchStream),
}

/// What one partition gave.
struct Part {
    /// With the memory each of them holds.
    batches: Vec<(RecordBatch, usize)>,
    /// What is left of it when the memory is used up.
    rest: Option<SendableRecordBatchStream>,
}

/// A stream as the input of a plan, which can be run once.
struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

/// Runs the plan, all partitions at once. `key` are the places of the key's columns.
pub(crate) async fn gather(plan: Arc<dyn ExecutionPlan>, key: &[usize], context: Arc<TaskContext>) -> Result<Gathered> {
    let schema = prepared_schema(&plan.schema(), key);
    let memory = Arc::new(MemoryConsumer::new("rows by key").with_can_spill(true).register(context.memory_pool()));
    // A sort that takes over needs room of its own while it takes the rows, one batch after the other.
    let most = match context.memory_pool().memory_limit() {
        MemoryLimit::Finite(bytes) => bytes / 2,
        MemoryLimit::Infinite | MemoryLimit::Unknown => usize::MAX,
    };
    let mut tasks = Vec::new();
    for partition in 0..plan.output_partitioning().partition_count() {
        let rows = plan.execute(partition, context.clone())?;
        let wanted = schema.clone();
        let rows = rows.map(move |batch| Ok(prepared(&batch?, &wanted)?));
        let rows = Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows));
        tasks.push(SpawnedTask::spawn(part(rows, memory.clone(), most)));
    }
    // The first error in the order of the partitions, not in time: it is then the same on any number of processors.
    let mut parts = Vec::new();
    for ended in future::join_all(tasks).await {
        parts.push(ended.map_err(|error| DataFusionError::Execution(error.to_string()))??);
    }
    if parts.iter().all(|part| part.rest.is_none()) {
        let batches = parts.into_iter().flat_map(|part| part.batches).map(|(batch, _)| batch).collect();
        return Ok(Gathered::Whole(batches, memory));
    }
    tracing::debug!("the rows do not fit into the memory and are sorted on disk");
    Ok(Gathered::Sorted(sorted(parts, schema, key, memory, context)?))
}

/// Types in which `order` can compare, and which keep equal keys side by side: key columns of floats, of decimals (which
/// become floats) and of texts are as they will be stored. Dictionaries are unpacked.
pub(crate) fn prepared_schema(schema: &Schema, key: &[usize]) -> SchemaRef {
    let fields = schema.fields().iter().enumerate().map(|(index, field)| {
        let plain = match field.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            other => other,
        };
        let wanted = match plain {
            number if key.contains(&index) && (number.is_floating() || number.is_decimal()) => &DataType::Float64,
            DataType::LargeUtf8 | DataType::Utf8View if key.contains(&index) => &DataType::Utf8,
            other => other,
        };
        Field::new(field.name(), wanted.clone(), true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The batch with these types. Floats lose their negative zeros, which are equal to 0 and would not lie beside it.
pub(crate) fn prepared(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let options = compute::CastOptions { safe: false, ..Default::default() };
    let arrays = schema.fields().iter().zip(batch.columns()).map(|(field, array)| match field.data_type() {
        DataType::Float64 => arrow::floats(array),
        same if same == array.data_type() => Ok(array.clone()),
        other => compute::cast_with_options(array, other, &options),
    });
    let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
    let rows = datafusion::arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), arrays, &rows)
}

/// Takes rows until all are there, or until they would hold more than `most` bytes.
async fn part(mut rows: SendableRecordBatchStream, memory: Arc<MemoryReservation>, most: usize) -> Result<Part> {
    let mut batches = Vec::new();
    while let Some(batch) = rows.try_next().await? {
        let size = size(&batch)?;
        if memory.size().saturating_add(size) > most || memory.try_grow(size).is_err() {
            let schema = rows.schema();
            let rest = stream::once(async { Ok(batch) }).chain(rows);
            return Ok(Part { batches, rest: Some(Box::pin(RecordBatchStreamAdapter::new(schema, rest))) });
        }
        batches.push((batch, size));
    }
    Ok(Part { batches, rest: None })
}

/// With what is needed to sort it. Of a batch that is a part of a larger one, only that part: the others come too.
fn size(batch: &RecordBatch) -> Result<usize> {
    let mut bytes = batch.num_rows() * order::BYTES_PER_ROW;
    for array in batch.columns() {
        bytes += array.to_data().get_slice_memory_size()?;
        bytes += array.as_string_view_opt().map_or(0, |views| views.total_buffer_bytes_used());
    }
    Ok(bytes)
}

/// What was gathered gives its memory back row by row, as the sort asks for it.
fn sorted(
    parts: Vec<Part>,
    schema: SchemaRef,
    key: &[usize],
    memory: Arc<MemoryReservation>,
    context: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let rows = parts.into_iter().map(move |part| {
        let memory = memory.clone();
        let gathered = stream::iter(part.batches).map(move |(batch, size)| {
            memory.shrink(size);
            Ok(batch)
        });
        gathered.chain(stream::iter(part.rest).flatten())
    });
    let rows = stream::iter(rows).flatten().map(|batch| Ok(on_its_own(batch?)?));
    let rows = Box::pin(RecordBatchStreamAdapter::new(schema.clone(), rows));
    let input = once(&schema, rows)?;
    let by_key = key.iter().map(|&index| {
        PhysicalSortExpr::new_default(Arc::new(Column::new(schema.field(index).name(), index))).asc().nulls_first()
    });
    match LexOrdering::new(by_key) {
        Some(by_key) => SortExec::new(by_key, input).execute(0, context),
        None => input.execute(0, context),
    }
}

/// A plan that gives these rows when it is run, which it can be once.
pub(crate) fn once(schema: &SchemaRef, rows: SendableRecordBatchStream) -> Result<Arc<dyn ExecutionPlan>> {
    let once = Arc::new(Once { schema: schema.clone(), rows: Mutex::new(Some(rows)) });
    Ok(Arc::new(StreamingTableExec::try_new(schema.clone(), vec![once], None, [], false, None)?))
}

/// A copy of a batch that is a small part of a larger one: the sort counts the memory of the larger one for each part.
fn on_its_own(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let used = batch.columns().iter().map(|array| array.to_data().get_slice_memory_size()).sum::<Result<usize, _>>()?;
    if batch.get_array_memory_size() < 4 * used {
        return Ok(batch);
    }
    compute::take_record_batch(&batch, &UInt64Array::from_iter_values(0..batch.num_rows() as u64))
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Once")
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let rows = self.rows.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        rows.unwrap_or_else(|| {
            let again = DataFusionError::Internal("rows that can be read once were read again".to_string());
            Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream::once(async { Err(again) })))
        })
    }
}
