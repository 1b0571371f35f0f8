//! Queries over tables: parsed, planned for what they read, run into a canonical table.
//! A query has no side effect and no volatile function, so the same query over the same values gives the same table.

mod explain;
mod syntax;

use crate::arrow;
use crate::columns::{ColumnType, Table};
use crate::concat;
use crate::error::TableError;
use crate::gather::{self, Gathered};
use crate::info::TableInfo;
use crate::session;
use crate::write::{Rows, Target};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use datafusion::physical_plan::{self, ExecutionPlan};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use futures::TryStreamExt;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Enters the key of every query: another engine or other functions may give other results.
pub const ENGINE: &str = "datafusion 55.2, functions 1, unions in order";

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

/// Plans the query over tables of these columns: nothing is run.
pub fn plan(query: &Query, schemas: &[Schema]) -> Result<Plan, SqlError> {
    check_tables(query, schemas.iter().map(|schema| &schema.table))?;
    let failed = |error: DataFusionError| explain::explain(&error, &query.text);
    let context = session::context(None).map_err(failed)?;
    for schema in schemas.iter().filter(|schema| query.tables.contains(&schema.table)) {
        session::register_schema(&context, &schema.table, &schema.columns).map_err(failed)?;
    }
    let plan = session::block_on(logical_plan(&context, query)).and_then(|plan| plan).map_err(failed)?;
    let mut columns = Vec::new();
    for field in plan.schema().fields() {
        let kind = arrow::column_type(field.name(), field.data_type()).map_err(|error| located(error, query))?;
        columns.push((field.name().clone(), kind));
    }
    let optimised = context.state().optimize(&plan).map_err(failed)?;
    let mut reads: BTreeMap<String, Vec<String>> =
        query.tables.iter().map(|table| (table.clone(), Vec::new())).collect();
    for (table, columns) in scans(&optimised).map_err(failed)? {
        let read = reads.entry(table).or_default();
        read.extend(columns);
        read.sort();
        read.dedup();
    }
    Ok(Plan { reads, columns })
}

/// Runs the query and writes its result, sorted by `key`, to `out`.
pub fn run(
    query: &Query,
    sources: &[Source],
    key: &[String],
    out: &Path,
    options: &RunOptions,
) -> Result<TableInfo, SqlError> {
    let (context, files) = prepare(query, sources, options)?;
    let go_on = || if options.stop.is_some_and(|stop| stop()) { Err(SqlError::Stopped) } else { Ok(()) };
    let plan = wait(table_plan(context.clone(), query.clone(), files, key.is_empty()), query, options)?;
    let target = Target::new(out, key, &plan.schema()).map_err(|error| located(error, query))?;
    let places = target.key_columns.clone();
    let gathered = wait(async move { gather::gather(plan, &places, context.task_ctx()).await }, query, options)?;
    let written = match gathered {
        Gathered::Whole(batches, _memory) => target.write(Rows::Whole(batches), go_on),
        Gathered::Sorted(rows) => {
            let mut rows = Some(rows);
            let next = || {
                let Some(mut stream) = rows.take() else { return Ok(None) };
                let (batch, stream) = wait(async move { Ok((stream.try_next().await?, stream)) }, query, options)?;
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
    let batch = collect(query, sources, limit, &RunOptions::default())?;
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

/// The columns that a condition reads; `None` if that cannot be told from its text.
pub(crate) fn condition_columns(predicate: &str) -> Option<Vec<String>> {
    syntax::condition_columns(predicate)
}

fn collect(
    query: &Query,
    sources: &[Source],
    limit: Option<usize>,
    options: &RunOptions,
) -> Result<RecordBatch, SqlError> {
    let (context, files) = prepare(query, sources, options)?;
    let (schema, batches) = wait(execute(context, query.clone(), files, limit), query, options)?;
    compute::concat_batches(&schema, &batches).map_err(|error| explain::explain(&error.into(), &query.text))
}

type Files = Vec<(String, PathBuf)>;

/// A context, and the files that the query reads.
fn prepare(query: &Query, sources: &[Source], options: &RunOptions) -> Result<(SessionContext, Files), SqlError> {
    check_tables(query, sources.iter().map(|source| &source.table))?;
    let context = session::context(options.memory_limit).map_err(|error| explain::explain(&error, &query.text))?;
    let files = sources.iter().filter(|source| query.tables.contains(&source.table));
    Ok((context, files.map(|source| (source.table.clone(), source.path.to_path_buf())).collect()))
}

/// What comes of a query's work, unless it is asked to stop.
fn wait<T: Send + 'static>(
    work: impl Future<Output = Result<T, DataFusionError>> + Send + 'static,
    query: &Query,
    options: &RunOptions,
) -> Result<T, SqlError> {
    let failed = |error: DataFusionError| explain::explain(&error, &query.text);
    let ended = match options.stop {
        None => session::block_on(work).map_err(failed)?,
        Some(stop) => session::block_on_until(work, stop).map_err(failed)?.ok_or(SqlError::Stopped)?,
    };
    ended.map_err(failed)
}

/// The plan of a table. With `in_order` its rows come in the order that the query gives them; without, they will be sorted by
/// key, so that an order of the query costs nothing, and a query that looks at one row at a time may read in parallel.
async fn table_plan(
    context: SessionContext,
    query: Query,
    files: Files,
    in_order: bool,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    for (table, path) in &files {
        session::register_file(&context, table, path).await?;
    }
    let mut plan = logical_plan(&context, &query).await?;
    if !in_order {
        while let LogicalPlan::Sort(sort) = &plan
            && sort.fetch.is_none()
        {
            plan = sort.input.as_ref().clone();
        }
        if row_by_row(&plan)? {
            session::read_in_parallel(&context);
        }
    }
    let plan = context.execute_logical_plan(plan).await?.create_physical_plan().await?;
    if in_order { concat::in_order(plan) } else { concat::within_order(plan) }
}

/// Whether each row of the result is made of one row of a table, so that it does not matter where others are read.
fn row_by_row(plan: &LogicalPlan) -> Result<bool, DataFusionError> {
    let mut simple = true;
    plan.apply_with_subqueries(|node| {
        simple &= matches!(
            node,
            LogicalPlan::Projection(_)
                | LogicalPlan::Filter(_)
                | LogicalPlan::SubqueryAlias(_)
                | LogicalPlan::TableScan(_)
        );
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(simple)
}

async fn execute(
    context: SessionContext,
    query: Query,
    files: Files,
    limit: Option<usize>,
) -> Result<(SchemaRef, Vec<RecordBatch>), DataFusionError> {
    for (table, path) in &files {
        session::register_file(&context, table, path).await?;
    }
    let plan = logical_plan(&context, &query).await?;
    let mut frame = context.execute_logical_plan(plan).await?;
    if limit.is_some() {
        frame = frame.limit(0, limit)?;
    }
    let task = frame.task_ctx();
    let physical = concat::in_order(frame.create_physical_plan().await?)?;
    let schema = physical.schema();
    let batches = physical_plan::collect(physical, task.into()).await?;
    Ok((schema, batches))
}

/// The plan as written. Functions whose value depends on more than their arguments were refused by name when the query
/// was parsed; here they are refused by what they are. Later it would be too late: the optimiser replaces `now()` by today.
async fn logical_plan(context: &SessionContext, query: &Query) -> Result<LogicalPlan, DataFusionError> {
    let plan = context.state().statement_to_plan(query.statement.clone()).await?;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| match part {
                Expr::ScalarFunction(function) if function.func.signature().volatility != Volatility::Immutable => {
                    Err(DataFusionError::Plan(format!(
                        "'{}' gives another value each time it is asked",
                        function.func.name()
                    )))
                }
                _ => Ok(TreeNodeRecursion::Continue),
            })
        })
    })?;
    Ok(plan)
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
