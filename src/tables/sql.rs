//! Queries over tables: parsed, planned for what they read, run into a canonical table.
//! A query has no side effect and no volatile function, so the same query over the same values gives the same table.

mod calls;
mod explain;
mod fingerprint;
pub mod joins;
pub mod lineage;
pub mod nulls;
mod order;
mod reasons;
mod syntax;

use crate::arrow;
use crate::columns::{ColumnType, Table, Values};
use crate::concat;
use crate::error::TableError;
use crate::functions;
use crate::gather::{self, Gathered};
use crate::info::TableInfo;
use crate::parallel;
use crate::session::{self, Settings};
use crate::ties;
use crate::write::{Rows, Target};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, Volatility, WindowFunctionDefinition};
use datafusion::physical_plan::{self, ExecutionPlan};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Enters the key of every query: another engine or other functions may give other results.
pub const ENGINE: &str = "datafusion 55.2, functions 3, exact aggregates 1";

/// Bytes of input files from which on a query is worked on in several pieces.
const WORTH_SPLITTING: u64 = 8 << 20;

/// One parsed `select`.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    statement: Statement,
    canonical: String,
    tables: Vec<String>,
    /// Of each table, where it stands first.
    table_places: Vec<Option<(usize, usize)>>,
}

/// A table's columns, for planning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The name that queries use.
    pub table: String,
    /// Names and types in the order of the file.
    pub columns: Vec<(String, ColumnType)>,
}

/// What a query reads and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Per table the sorted columns that the optimised plan reads; empty for `count(*)`.
    pub reads: BTreeMap<String, Vec<String>>,
    /// Names and types of the result.
    pub columns: Vec<(String, ColumnType)>,
    /// What the query does: the same text, the same result over the same tables.
    pub fingerprint: String,
    /// Of each column of the result, what it is made of; empty if that is not known. Not for keys: it says nothing that is not
    /// in the query.
    pub lineage: Vec<Vec<lineage::Origin>>,
}

/// A table's file under the name the query uses.
pub struct Source<'a> {
    /// The name that the query uses.
    pub table: String,
    /// The file.
    pub path: &'a Path,
}

/// How a query is run; nothing in it changes the result.
#[derive(Clone, Copy, Default)]
pub struct RunOptions<'a> {
    /// Bytes that sorts, joins and groups may hold before they spill to disk.
    pub memory_limit: Option<u64>,
    /// Pieces into which data are split, to be worked on at once; by itself, one per processor where data are large.
    pub partitions: Option<usize>,
    /// Asked now and then; the query ends with `SqlError::Stopped` once it is true.
    pub stop: Option<&'a dyn Fn() -> bool>,
}

/// Why a query is wrong or failed.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The text is not one query.
    #[error("{message}")]
    Syntax { message: String, place: Option<(usize, usize)> },
    /// The query asks for the time or for chance.
    #[error("`{function}` gives another value each time it is asked")]
    Volatile { function: String, place: Option<(usize, usize)> },
    /// The query names a table that it was not given.
    #[error("no table `{table}`")]
    UnknownTable { table: String, known: Vec<String>, place: Option<(usize, usize)> },
    /// The query names a column that is not to be seen there.
    #[error("no column `{column}`")]
    UnknownColumn { column: String, known: Vec<String>, place: Option<(usize, usize)> },
    /// The query calls a function that does not exist.
    #[error("no function `{function}`")]
    UnknownFunction { function: String, near: Option<String>, place: Option<(usize, usize)> },
    /// The query is wrong in another way, or failed on the data.
    #[error("{message}")]
    Query { message: String, place: Option<(usize, usize)>, hint: Option<String> },
    /// The query was asked to stop.
    #[error("the query was stopped")]
    Stopped,
    /// The result is no canonical table, or a file is none.
    #[error("{error}")]
    Table { error: TableError, place: Option<(usize, usize)> },
}

impl From<TableError> for SqlError {
    fn from(error: TableError) -> SqlError {
        SqlError::Table { error, place: None }
    }
}

impl SqlError {
    /// Line and column in the query, both from 1.
    pub fn place(&self) -> Option<(usize, usize)> {
        match self {
            SqlError::Syntax { place, .. }
            | SqlError::Volatile { place, .. }
            | SqlError::UnknownTable { place, .. }
            | SqlError::UnknownColumn { place, .. }
            | SqlError::UnknownFunction { place, .. }
            | SqlError::Query { place, .. }
            | SqlError::Table { place, .. } => *place,
            SqlError::Stopped => None,
        }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            SqlError::Syntax { .. } | SqlError::Stopped => None,
            SqlError::Volatile { .. } => Some("give the value as a parameter of the study, `${name}`".to_string()),
            SqlError::UnknownTable { table, known, .. } => {
                did_you_mean(explain::nearest(table, known), "tables", known)
            }
            SqlError::UnknownColumn { column, known, .. } => {
                did_you_mean(explain::nearest(column, known), "columns", known)
            }
            SqlError::UnknownFunction { near, .. } => did_you_mean(near.clone(), "functions", &[]),
            SqlError::Query { hint, .. } => hint.clone(),
            SqlError::Table { error, .. } => error.hint(),
        }
    }

    /// A few of the offending rows.
    pub fn rows(&self) -> Option<&Table> {
        match self {
            SqlError::Table { error, .. } => error.rows(),
            _ => None,
        }
    }

    /// The same error in a text whose first `lines` lines the user did not write.
    fn below(mut self, lines: usize) -> SqlError {
        match &mut self {
            SqlError::Syntax { place, .. }
            | SqlError::Volatile { place, .. }
            | SqlError::UnknownTable { place, .. }
            | SqlError::UnknownColumn { place, .. }
            | SqlError::UnknownFunction { place, .. }
            | SqlError::Query { place, .. }
            | SqlError::Table { place, .. } => {
                *place = place.and_then(|(line, column)| Some((line.checked_sub(lines)?, column)));
                *place = place.filter(|(line, _)| *line > 0);
            }
            SqlError::Stopped => {}
        }
        self
    }
}

/// Parses exactly one `select`, `with … select` or `values`.
pub fn parse(text: &str) -> Result<Query, SqlError> {
    syntax::parse(text)
}

impl Query {
    /// The query printed from its syntax tree: formatting, comments and the case of keywords are gone.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The tables it names, sorted, without its own CTEs.
    pub fn tables(&self) -> &[String] {
        &self.tables
    }

    /// Line and column, from 1, where a table's name stands first.
    pub fn table_place(&self, table: &str) -> Option<(usize, usize)> {
        let index = self.tables.iter().position(|name| name == table)?;
        self.table_places[index]
    }
}

/// Plans the query over tables of these columns: nothing is run. What would be left to the order of rows is an error.
pub fn plan(query: &Query, schemas: &[Schema]) -> Result<Plan, SqlError> {
    planned(query, schemas, |plan| {
        let unordered = order::unordered(plan).map_err(|error| explain::explain(&error, &query.text))?;
        let Some(unordered) = unordered else { return Ok(()) };
        let place = syntax::find_name(&query.text, &unordered.word);
        Err(SqlError::Query { message: unordered.message, place, hint: Some(unordered.hint) })
    })
}

fn planned(
    query: &Query,
    schemas: &[Schema],
    check: impl FnOnce(&LogicalPlan) -> Result<(), SqlError>,
) -> Result<Plan, SqlError> {
    check_tables(query, schemas.iter().map(|schema| &schema.table))?;
    let failed = |error: DataFusionError| explain::explain(&error, &query.text);
    let context = session::context(&Settings::default()).map_err(failed)?;
    for schema in schemas.iter().filter(|schema| query.tables.contains(&schema.table)) {
        session::register_schema(&context, &schema.table, &schema.columns).map_err(failed)?;
    }
    let plan = session::block_on(logical_plan(&context, query)).and_then(|plan| plan).map_err(failed)?;
    check(&plan)?;
    let lineage = lineage::lineage(&plan, &query.tables).unwrap_or_else(|error| {
        tracing::debug!("what a query's columns are made of is not known: {error}");
        Vec::new()
    });
    let plan = order::total(plan).map_err(failed)?;
    let optimised = context.state().optimize(&plan).map_err(failed)?;
    check_constants(&optimised).map_err(failed)?;
    // Of the plan as written the types are not yet those of the result: branches of a union only meet in one later.
    let mut columns = Vec::new();
    for field in optimised.schema().fields() {
        let kind = arrow::column_type(field.name(), field.data_type()).map_err(|error| located(error, query))?;
        columns.push((field.name().clone(), kind));
    }
    let mut reads: BTreeMap<String, Vec<String>> =
        query.tables.iter().map(|table| (table.clone(), Vec::new())).collect();
    for (table, columns) in scans(&optimised).map_err(failed)? {
        let read = reads.entry(table).or_default();
        read.extend(columns);
        read.sort();
        read.dedup();
    }
    let fingerprint = fingerprint::encode(&optimised).unwrap_or_else(|unknown| {
        tracing::debug!("a query is known by its text: {unknown}");
        as_written(query, schemas, &reads, optimised.schema())
    });
    Ok(Plan { reads, columns, fingerprint, lineage })
}

/// Runs the query and writes its result, sorted by `key`, to `out`.
pub fn run(
    query: &Query,
    sources: &[Source],
    key: &[String],
    out: &Path,
    options: &RunOptions,
) -> Result<TableInfo, SqlError> {
    check_tables(query, sources.iter().map(|source| &source.table))?;
    let failed = |error: DataFusionError| explain::explain(&error, &query.text);
    let go_on = || if options.stop.is_some_and(|stop| stop()) { Err(SqlError::Stopped) } else { Ok(()) };
    let order = if key.is_empty() { Order::Kept { limit: None } } else { Order::Any };
    let mut settings = settings(sources, order, options);
    let (target, gathered) = loop {
        let context = session::context(&settings).map_err(failed)?;
        let plan = physical(context.clone(), query.clone(), files(query, sources), order);
        let plan = wait(plan, options).map_err(failed)?.ok_or(SqlError::Stopped)?.map_err(failed)?;
        let target = Target::new(out, key, &plan.schema()).map_err(|error| located(error, query))?;
        let places = target.key_columns.clone();
        let gathered = wait(async move { gather::gather(plan, &places, context.task_ctx()).await }, options);
        match gathered.map_err(failed)?.ok_or(SqlError::Stopped)? {
            Ok(gathered) => break (target, gathered),
            // A join by hashing holds one side in memory; one by sorting is slower, but can go to disk.
            Err(error) if !settings.sorted_joins && is_out_of_memory(&error) => settings.sorted_joins = true,
            Err(error) => return Err(failed(error)),
        }
    };
    let written = match gathered {
        Gathered::Whole(batches, _memory) => target.write(Rows::Whole(batches), go_on),
        Gathered::Sorted(rows) => {
            let mut rows = Some(rows);
            let next = || {
                let Some(mut stream) = rows.take() else { return Ok(None) };
                let read = wait(async move { Ok((stream.try_next().await?, stream)) }, options);
                let (batch, stream) = read.map_err(failed)?.ok_or(SqlError::Stopped)?.map_err(failed)?;
                rows = batch.is_some().then_some(stream);
                Ok(batch)
            };
            target.write(Rows::Sorted(Box::new(next)), go_on)
        }
    };
    written.map_err(|error| match error {
        SqlError::Table { error, place: None } => located(error, query),
        other => other,
    })
}

/// Runs the query and gives its rows in the order it asks for.
pub fn query(query: &Query, sources: &[Source], limit: Option<usize>) -> Result<Table, SqlError> {
    let batch = collect(query, sources, limit)?;
    arrow::to_table(&batch).map_err(|error| located(error, query))
}

/// Rows of one file, in the file's order. Places in errors are places in the predicate.
pub fn filter(
    path: &Path,
    predicate: Option<&str>,
    columns: Option<&[String]>,
    limit: Option<usize>,
) -> Result<Table, SqlError> {
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let columns = match columns {
        Some(names) => names.iter().map(quoted).collect::<Vec<_>>().join(", "),
        None => "*".to_string(),
    };
    // The predicate has lines of its own: it may end with a comment, and its places are then easy to tell.
    let mut text = format!("select {columns} from rows");
    let head = text.lines().count();
    if let Some(predicate) = predicate {
        syntax::check_condition(predicate)?;
        text.push_str(&format!(" where (\n{predicate}\n)"));
    }
    let rows = parse(&text).and_then(|text| query(&text, &[Source { table: "rows".to_string(), path }], limit));
    rows.map_err(|error| error.below(head))
}

/// The number of rows of one file for which the condition holds. Places in errors are places in the condition.
pub fn count(path: &Path, predicate: &str) -> Result<u64, SqlError> {
    syntax::check_condition(predicate)?;
    let text = format!("select count(*) as n from rows where (\n{predicate}\n)");
    let rows = parse(&text).and_then(|text| query(&text, &[Source { table: "rows".to_string(), path }], None));
    match rows.map_err(|error| error.below(1))?.columns.first().map(|column| &column.values) {
        Some(Values::Int(values)) => Ok(values.first().copied().flatten().unwrap_or(0) as u64),
        _ => Ok(0),
    }
}

/// The columns that a condition reads; `None` if that cannot be told from its text.
pub(crate) fn condition_columns(predicate: &str) -> Option<Vec<String>> {
    syntax::condition_columns(predicate)
}

/// The order in which rows come.
#[derive(Clone, Copy)]
enum Order {
    /// They are sorted afterwards.
    Any,
    /// As the query asks for, else as they stand in the files.
    Kept { limit: Option<usize> },
}

type Files = Vec<(String, PathBuf)>;

fn collect(query: &Query, sources: &[Source], limit: Option<usize>) -> Result<RecordBatch, SqlError> {
    check_tables(query, sources.iter().map(|source| &source.table))?;
    let failed = |error: DataFusionError| explain::explain(&error, &query.text);
    let (order, options) = (Order::Kept { limit }, RunOptions::default());
    let context = session::context(&settings(sources, order, &options)).map_err(failed)?;
    let files = files(query, sources);
    let query = query.clone();
    let rows = async move {
        let plan = physical(context.clone(), query, files, order).await?;
        Ok((plan.schema(), physical_plan::collect(plan, context.task_ctx()).await?))
    };
    let (schema, batches) = session::block_on(rows).and_then(|rows| rows).map_err(failed)?;
    compute::concat_batches(&schema, &batches).map_err(|error| failed(error.into()))
}

/// The files that the query reads.
fn files(query: &Query, sources: &[Source]) -> Files {
    let files = sources.iter().filter(|source| query.tables.contains(&source.table));
    files.map(|source| (source.table.clone(), source.path.to_path_buf())).collect()
}

/// Several partitions where the order of rows does not matter: one per processor, but small data are done before they are
/// split.
fn settings(sources: &[Source], order: Order, options: &RunOptions) -> Settings {
    let size = |source: &Source| source.path.metadata().map_or(0, |metadata| metadata.len());
    let partitions = match (order, options.partitions) {
        (Order::Kept { .. }, _) => 1,
        (Order::Any, Some(partitions)) => partitions.max(1),
        (Order::Any, None) if sources.iter().map(size).sum::<u64>() < WORTH_SPLITTING => 1,
        (Order::Any, None) => parallel::processors(),
    };
    Settings { memory_limit: options.memory_limit, partitions, sorted_joins: false }
}

/// What comes of a query's work; `None` if it was asked to stop.
fn wait<T: Send + 'static>(
    work: impl Future<Output = Result<T, DataFusionError>> + Send + 'static,
    options: &RunOptions,
) -> Result<Option<Result<T, DataFusionError>>, DataFusionError> {
    match options.stop {
        None => session::block_on(work).map(Some),
        Some(stop) => session::block_on_until(work, stop),
    }
}

fn is_out_of_memory(error: &DataFusionError) -> bool {
    matches!(error.find_root(), DataFusionError::ResourcesExhausted(_))
}

/// The query as operators over these files.
async fn physical(
    context: SessionContext,
    query: Query,
    files: Files,
    order: Order,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let mut plan = ordered_plan(&context, &query, &files).await?;
    match order {
        // Rows are sorted by key afterwards, so an order that decides nothing costs nothing.
        Order::Any => {
            while let LogicalPlan::Sort(sort) = &plan
                && sort.fetch.is_none()
            {
                plan = sort.input.as_ref().clone();
            }
        }
        Order::Kept { limit: Some(rows) } => plan = LogicalPlanBuilder::from(plan).limit(0, Some(rows))?.build()?,
        Order::Kept { limit: None } => {}
    }
    operators(&context, &plan, order).await
}

/// The query over these files, as it is written, but with orders that leave nothing open.
async fn ordered_plan(
    context: &SessionContext,
    query: &Query,
    files: &[(String, PathBuf)],
) -> Result<LogicalPlan, DataFusionError> {
    for (table, path) in files {
        session::register_file(context, table, path).await?;
    }
    order::total(logical_plan(context, query).await?)
}

/// The plan as operators, whose windows leave nothing open either.
async fn operators(
    context: &SessionContext,
    plan: &LogicalPlan,
    order: Order,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let mut state = context.state();
    if let Order::Kept { .. } = order {
        // With these filters each partition of a join waits until all have begun, and those of a union begin one after another.
        state.config_mut().options_mut().optimizer.enable_join_dynamic_filter_pushdown = false;
    }
    let plan = state.optimize(plan)?;
    let physical = state.query_planner().create_physical_plan(&plan, &state).await?;
    let physical = ties::broken(physical, &order::windows_with_ties(&plan)?)?;
    match order {
        Order::Any => Ok(physical),
        Order::Kept { .. } => concat::in_order(physical),
    }
}

/// The plan as written. Functions whose value depends on more than their arguments were refused by name when the query
/// was parsed; here they are refused by what they are. Later it would be too late: the optimiser replaces `now()` by today.
async fn logical_plan(context: &SessionContext, query: &Query) -> Result<LogicalPlan, DataFusionError> {
    let plan = context.state().statement_to_plan(query.statement.clone()).await?;
    plan.apply_with_subqueries(|node| node.apply_expressions(|expression| expression.apply(refuse)))?;
    Ok(plan)
}

fn refuse(expression: &Expr) -> Result<TreeNodeRecursion, DataFusionError> {
    functions::check_clauses(expression)?;
    let (signature, name, aliases) = match expression {
        Expr::ScalarFunction(call) => (call.func.signature(), call.func.name(), call.func.aliases()),
        Expr::AggregateFunction(call) => (call.func.signature(), call.func.name(), call.func.aliases()),
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(function) => {
                (function.signature(), function.name(), function.aliases())
            }
            WindowFunctionDefinition::WindowUDF(function) => {
                (function.signature(), function.name(), function.aliases())
            }
        },
        _ => return Ok(TreeNodeRecursion::Continue),
    };
    if signature.volatility == Volatility::Immutable {
        return Ok(TreeNodeRecursion::Continue);
    }
    let names: Vec<&str> = std::iter::once(name).chain(aliases.iter().map(String::as_str)).collect();
    Err(DataFusionError::Plan(format!("{}{}", explain::VOLATILE, names.join(" "))))
}

/// What stands for the plan of a query that cannot be encoded. The columns are in, in their order: `*` may stand for them.
fn as_written(query: &Query, schemas: &[Schema], reads: &BTreeMap<String, Vec<String>>, result: &DFSchema) -> String {
    let mut columns = Vec::new();
    for schema in schemas {
        let Some(reads) = reads.get(&schema.table) else { continue };
        let read = schema.columns.iter().filter(|(column, _)| reads.contains(column));
        columns.extend(read.map(|(column, kind)| format!("read {}.{column} {kind}", schema.table)));
    }
    columns.extend(result.fields().iter().map(|field| format!("column {} {}", field.name(), field.data_type())));
    fingerprint::as_written(query.canonical(), columns.into_iter())
}

/// Constants of our functions that cannot be worked with are refused now, not on the first rows.
fn check_constants(plan: &LogicalPlan) -> Result<(), DataFusionError> {
    let check = |node: &LogicalPlan| {
        node.apply_expressions(|expression| {
            expression.apply(|part| functions::check_constants(part).map(|()| TreeNodeRecursion::Continue))
        })
    };
    plan.apply_with_subqueries(check).map(|_| ())
}

/// Tables scanned, with the columns taken from them, subqueries included.
fn scans(plan: &LogicalPlan) -> Result<Vec<(String, Vec<String>)>, DataFusionError> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let mut columns: Vec<String> =
                scan.projected_schema.fields().iter().map(|field| field.name().clone()).collect();
            for filter in &scan.filters {
                columns.extend(filter.column_refs().into_iter().map(|column| column.name.clone()));
            }
            found.push((scan.table_name.to_string(), columns));
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

fn check_tables<'a>(query: &Query, known: impl Iterator<Item = &'a String>) -> Result<(), SqlError> {
    let known: Vec<String> = known.cloned().collect();
    match query.tables.iter().find(|table| !known.contains(table)) {
        None => Ok(()),
        Some(table) => Err(SqlError::UnknownTable { table: table.clone(), known, place: query.table_place(table) }),
    }
}

/// The error with the place of its column, if the query names it.
fn located(error: TableError, query: &Query) -> SqlError {
    let place = error.column().and_then(|column| syntax::find_name(&query.text, column));
    SqlError::Table { error, place }
}

fn did_you_mean(near: Option<String>, what: &str, known: &[String]) -> Option<String> {
    match near {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => (!known.is_empty()).then(|| format!("{what} here: {}", known.join(", "))),
    }
}

#[cfg(test)]
mod tests;
