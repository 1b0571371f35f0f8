//! DataFusion contexts and the runtime they run on. Everything that async needs is in here; callers block.

use crate::aggregates;
use crate::arrow;
use crate::columns::ColumnType;
use crate::functions;
use crate::parallel;
use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use datafusion::common::{DataFusionError, TableReference};
use datafusion::datasource::MemTable;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How often a running query is asked whether it should go on.
const PAUSE: Duration = Duration::from_millis(50);

/// The runtime all calls share. Calls come from several threads; each blocks on its own future.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, DataFusionError> {
    static RUNTIME: OnceLock<std::io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME
        .get_or_init(|| Builder::new_multi_thread().worker_threads(parallel::processors().max(2)).enable_all().build());
    match runtime {
        Ok(runtime) => Ok(runtime.block_on(future)),
        Err(error) => Err(DataFusionError::Execution(format!("no threads for queries: {error}"))),
    }
}

/// The same, but gives up when `stop` says so. `None` if it gave up; the query then ends where it next gives way, which an
/// operator that makes many rows out of few does late.
pub fn block_on_until<T: Send + 'static>(
    future: impl Future<Output = Result<T, DataFusionError>> + Send + 'static,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Result<T, DataFusionError>>, DataFusionError> {
    block_on(async {
        let mut task = tokio::spawn(future);
        loop {
            match tokio::time::timeout(PAUSE, &mut task).await {
                Ok(Ok(output)) => return Some(output),
                // A panic of the query is one of ours: see who catches it.
                Ok(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                Ok(Err(error)) => return Some(Err(DataFusionError::Execution(error.to_string()))),
                Err(_) if stop() => {
                    task.abort();
                    return None;
                }
                Err(_) => {}
            }
        }
    })
}

/// How queries are run. Nothing in it changes a result.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes that sorts, joins and groups may hold before they spill to disk.
    pub memory_limit: Option<u64>,
    /// Pieces into which data are split, to be worked on at once.
    pub partitions: usize,
    /// Joins that sort both sides and can spill, in place of those that hold one side in memory.
    pub sorted_joins: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { memory_limit: None, partitions: 1, sorted_joins: false }
    }
}

/// A context with our functions and aggregates.
pub fn context(settings: &Settings) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_target_partitions(settings.partitions)
        .with_batch_size(8192)
        .with_information_schema(false)
        .with_collect_statistics(false);
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    // Planning sees texts as our schemas have them; the files must not show another type when the query is run.
    options.execution.parquet.schema_force_view_types = false;
    options.optimizer.prefer_hash_join = !settings.sorted_joins;
    let mut runtime = RuntimeEnvBuilder::new();
    if let Some(bytes) = settings.memory_limit {
        // Each sort of each partition sets this much aside for merging; the default of 10 MB would be all there is.
        let share = bytes as usize / (8 * settings.partitions);
        options.execution.sort_spill_reservation_bytes = options.execution.sort_spill_reservation_bytes.min(share);
        runtime = runtime.with_memory_limit(bytes as usize, 1.0);
    }
    let context = SessionContext::new_with_config_rt(config, runtime.build_arc()?);
    functions::register(&context);
    aggregates::register(&context);
    Ok(context)
}

/// Makes a table of this file; `a.b` becomes table `b` of schema `a`.
pub async fn register_file(context: &SessionContext, name: &str, path: &Path) -> Result<(), DataFusionError> {
    let reference = reference(context, name)?;
    // Files of the store have no extension.
    let options = ParquetReadOptions::default().file_extension("");
    context.register_parquet(reference, file_url(path)?, options).await
}

/// Makes an empty table of these columns, enough to plan with.
pub fn register_schema(
    context: &SessionContext,
    name: &str,
    columns: &[(String, ColumnType)],
) -> Result<(), DataFusionError> {
    let table = MemTable::try_new(arrow::schema(columns), vec![vec![]])?;
    context.register_table(reference(context, name)?, Arc::new(table))?;
    Ok(())
}

/// As a URL, because DataFusion takes a bare path with `*`, `?` or `[` in it for a pattern.
fn file_url(path: &Path) -> Result<String, DataFusionError> {
    let absolute = std::path::absolute(path)?;
    let text =
        absolute.to_str().ok_or_else(|| DataFusionError::Execution(format!("`{}` is not UTF-8", path.display())))?;
    let mut url = String::from(if text.starts_with('/') { "file://" } else { "file:///" });
    for byte in text.replace(std::path::MAIN_SEPARATOR, "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(url)
}

fn reference(context: &SessionContext, name: &str) -> Result<TableReference, DataFusionError> {
    let Some((schema, table)) = name.split_once('.') else { return Ok(TableReference::bare(name.to_string())) };
    let catalog = context
        .catalog("datafusion")
        .ok_or_else(|| DataFusionError::Internal("the default catalog is missing".to_string()))?;
    if catalog.schema(schema).is_none() {
        let provider: Arc<dyn SchemaProvider> = Arc::new(MemorySchemaProvider::new());
        catalog.register_schema(schema, provider)?;
    }
    Ok(TableReference::partial(schema.to_string(), table.to_string()))
}
