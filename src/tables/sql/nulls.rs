//! Why values of a query's result are missing, worked out from its plan, on demand: the query runs as it is.
//!
//! Every node of the plan is given a column of reasons for each column that it has: null where there is a value, else a
//! code. Reasons are made where a value gets lost (`reasons`), and go up beside the values through joins, filters, unions
//! and windows, so that each row has its own. Where an input of the query is missing and is itself the result of a
//! query, that one is explained first, and its rows are read with their reasons.

use super::reasons::{self, ABOUT, MISSING_INPUT, NO_VALUES, OF, Scope, UNMATCHED};
use super::{Order, Query, Source, SqlError, check_tables, explain, operators, ordered_plan};
use crate::arrow;
use crate::columns::{Table, Values};
use crate::missing::{NOT_DEFINED, OTHER, Reason};
use crate::session::{self, Settings};
use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DataFusionError, JoinType, Result, ScalarValue};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::functions::core::expr_fn::nullif;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment, WindowFunction};
use datafusion::logical_expr::{
    Aggregate, Distinct, DistinctOn, Expr, Join, LogicalPlan, LogicalPlanBuilder, Projection, SubqueryAlias, TableScan,
    Union, Window, WindowFunctionDefinition, lit,
};
use datafusion::physical_plan;
use datafusion::prelude::SessionContext;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// How a table was made, if by a query.
pub struct Origin {
    /// The query.
    pub query: Query,
    /// The tables it names, with their files.
    pub sources: Vec<(String, PathBuf)>,
}

/// The rows of a query's result, in any order, with the reasons of what is missing in them.
pub struct Explained {
    /// The values, as they would be stored.
    pub rows: Table,
    /// Of each column, row by row.
    pub reasons: Vec<Vec<Option<Reason>>>,
}

/// Tables between a missing value and the query that lost it. A study is rarely deeper.
const DEEPEST: usize = 12;

/// Between a reason and the column in which a value got lost, if that is not the query's own.
const IN: char = '\u{1e}';

/// Explains the result of a query over these files. `origin` tells how one of them was made.
pub fn nulls(
    query: &Query,
    sources: &[Source],
    origin: &dyn Fn(&str) -> Option<Origin>,
) -> std::result::Result<Explained, SqlError> {
    check_tables(query, sources.iter().map(|source| &source.table))?;
    let files = sources.iter().map(|source| (source.table.clone(), source.path.to_path_buf())).collect();
    let mut tracer = Tracer { origin, traced: BTreeMap::new() };
    let own = tracer.explain(&Origin { query: query.clone(), sources: files }, 0)?;
    let mut rows = arrow::to_table(&own.batch)?;
    let texts = rows.columns.split_off(own.names.len());
    for (column, name) in rows.columns.iter_mut().zip(own.names) {
        column.name = name;
    }
    let reasons = texts.into_iter().map(|column| match column.values {
        Values::Text(texts) => texts.into_iter().map(|text| text.map(|text| decoded(&text))).collect(),
        other => vec![None; other.len()],
    });
    Ok(Explained { rows, reasons: reasons.collect() })
}

/// A result with its reasons.
struct Traced {
    names: Vec<String>,
    /// The columns, then the reasons of each, as texts; by number, because names may be twice.
    batch: RecordBatch,
}

/// Explains tables that queries made, each once.
struct Tracer<'a> {
    origin: &'a dyn Fn(&str) -> Option<Origin>,
    /// By table; `None` where nothing more is known than that a value is missing.
    traced: BTreeMap<String, Option<Traced>>,
}

impl Tracer<'_> {
    fn explain(&mut self, own: &Origin, depth: usize) -> std::result::Result<Traced, SqlError> {
        let rows = self.run(own)?;
        let mut is_known = false;
        for table in lacking(&rows).into_iter().filter(|_| depth < DEEPEST) {
            if !self.traced.contains_key(&table) {
                let found = match (self.origin)(&table) {
                    Some(origin) => Some(located(self.explain(&origin, depth + 1)?, &table)),
                    None => None,
                };
                self.traced.insert(table.clone(), found);
            }
            is_known |= self.traced.get(&table).is_some_and(Option::is_some);
        }
        if is_known { self.run(own) } else { Ok(rows) }
    }

    fn run(&self, own: &Origin) -> std::result::Result<Traced, SqlError> {
        let failed = |error: DataFusionError| explain::explain(&error, &own.query.text);
        let context = session::context(&Settings::default()).map_err(failed)?;
        let found = session::block_on(async {
            let plan = ordered_plan(&context, &own.query, &own.sources).await?;
            let names: Vec<String> = plan.schema().fields().iter().map(|field| field.name().clone()).collect();
            let plan = Writer { traced: &self.traced, names: 0 }.explained(&plan)?;
            Ok((names, run(&context, plan).await?))
        });
        let (names, batch) = found.and_then(|found| found).map_err(failed)?;
        let given = batch.schema();
        let fields = given.fields().iter().enumerate();
        let fields = fields.map(|(index, field)| Field::new(format!("c{index}"), field.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let batch = arrow::with_rows(schema, batch.columns().to_vec(), batch.num_rows())?;
        Ok(Traced { names, batch: arrow::canonical(&batch)? })
    }
}

/// Runs a plan that was derived from that of a query, as the query itself is run.
pub(super) async fn run(context: &SessionContext, plan: LogicalPlan) -> Result<RecordBatch> {
    let physical = operators(context, &plan, Order::Kept { limit: None }).await?;
    let schema = physical.schema();
    let batches = physical_plan::collect(physical, context.task_ctx()).await?;
    Ok(compute::concat_batches(&schema, &batches)?)
}

/// The inputs in which something is missing.
fn lacking(rows: &Traced) -> BTreeSet<String> {
    let mut tables: BTreeSet<String> = BTreeSet::new();
    for column in &rows.batch.columns()[rows.names.len()..] {
        for text in column.as_string::<i32>().iter().flatten() {
            let table = text.strip_prefix(MISSING_INPUT).and_then(|rest| rest.split_once(OF)).map(|(_, table)| table);
            if let Some(table) = table.filter(|table| !tables.contains(*table)) {
                tables.insert(table.to_string());
            }
        }
    }
    tables
}

/// The rows of a table for those who read it: what got lost in it got lost there.
fn located(rows: Traced, table: &str) -> Traced {
    let Traced { names, batch } = rows;
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    for (name, column) in names.iter().zip(&mut columns[names.len()..]) {
        let texts = column.as_string::<i32>().iter().map(|text| {
            let text = text?;
            let is_located = text.contains(OF) || text.contains(IN);
            Some(if is_located { text.to_string() } else { format!("{text}{IN}{name} of {table}") })
        });
        *column = Arc::new(texts.collect::<StringArray>());
    }
    let batch = RecordBatch::try_new(batch.schema(), columns).unwrap_or(batch);
    Traced { names, batch }
}

fn decoded(text: &str) -> Reason {
    let (text, place) = text.split_once(IN).map_or((text, None), |(text, place)| (text, Some(place)));
    let (code, about) = text.split_once(ABOUT).map_or((text, None), |(code, about)| (code, Some(about)));
    let about = about.map(|about| about.replace(OF, " of "));
    let from = match (about, place) {
        (Some(about), Some(place)) => Some(format!("{about} ({place})")),
        (about, place) => about.or(place.map(str::to_string)),
    };
    Reason { code: code.to_string(), from }
}

/// Writes plans with reasons. In all of them a reason stands for each column, in the same order, behind the columns.
struct Writer<'a> {
    traced: &'a BTreeMap<String, Option<Traced>>,
    /// Given out so far.
    names: usize,
}

impl Writer<'_> {
    fn explained(&mut self, plan: &LogicalPlan) -> Result<LogicalPlan> {
        match plan {
            _ if plan.schema().fields().is_empty() => Ok(plan.clone()),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::TableScan(scan) => self.scan(plan, scan),
            LogicalPlan::Filter(_) | LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::Repartition(_) => {
                let input = self.explained(plan.inputs()[0])?;
                plan.with_new_exprs(plan.expressions(), vec![input])
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let input = Arc::new(self.explained(&alias.input)?);
                Ok(LogicalPlan::SubqueryAlias(SubqueryAlias::try_new(input, alias.alias.clone())?))
            }
            LogicalPlan::Aggregate(aggregate) => self.aggregate(plan, aggregate),
            LogicalPlan::Window(window) => self.window(window),
            LogicalPlan::Join(join) => self.join(plan, join),
            LogicalPlan::Union(union) => {
                let inputs = union.inputs.iter().map(|input| Ok(Arc::new(self.explained(input)?)));
                let union = Union::try_new_with_loose_types(inputs.collect::<Result<Vec<_>>>()?)?;
                Ok(LogicalPlan::Union(union))
            }
            LogicalPlan::Distinct(Distinct::All(input)) => self.distinct(input),
            LogicalPlan::Distinct(Distinct::On(on)) => self.distinct_on(on),
            LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => self.unknown(plan, NOT_DEFINED),
            _ => self.unknown(plan, OTHER),
        }
    }

    /// The same code for all that is missing in a plan that is not looked into.
    fn unknown(&mut self, plan: &LogicalPlan, code: &str) -> Result<LogicalPlan> {
        let values = columns(plan);
        let reasons = values.iter().map(|value| reasons::first(value, Vec::new(), code)).collect();
        self.beside(plan.clone(), values, reasons)
    }

    /// `values` and behind them `reasons`, under names of their own.
    fn beside(&mut self, input: LogicalPlan, values: Vec<Expr>, reasons: Vec<Expr>) -> Result<LogicalPlan> {
        let reasons = reasons.into_iter().map(|reason| self.named(reason)).collect::<Vec<_>>();
        let all = values.into_iter().chain(reasons).collect();
        Ok(LogicalPlan::Projection(Projection::try_new(all, Arc::new(input))?))
    }

    fn named(&mut self, expression: Expr) -> Expr {
        self.names += 1;
        expression.alias(format!("__why{}", self.names))
    }

    /// Reasons only where a value is missing, and `code` where it is and nothing says why. `plan` holds both.
    fn only_where_null(&mut self, plan: LogicalPlan, codes: &[&str]) -> Result<LogicalPlan> {
        let mut values = columns(&plan);
        let given = values.split_off(codes.len());
        let reasons = values.iter().zip(given).zip(codes);
        let reasons = reasons.map(|((value, reason), code)| reasons::first(value, vec![reason], code)).collect();
        self.beside(plan, values, reasons)
    }

    fn projection(&mut self, projection: &Projection) -> Result<LogicalPlan> {
        let input = self.explained(&projection.input)?;
        let given = reason_columns(&input);
        let scope = Scope { schema: projection.input.schema(), reasons: &given };
        let (mut reasons, mut codes) = (Vec::new(), Vec::new());
        for value in &projection.expr {
            // A subquery is run once, for the value; its reason is then seen from that.
            let has_subquery =
                value.exists(|part| Ok(matches!(part, Expr::ScalarSubquery(_) | Expr::InSubquery(_))))?;
            reasons.push(if has_subquery { none() } else { scope.why(value).unwrap_or_else(none) });
            codes.push(if has_subquery { NO_VALUES } else { OTHER });
        }
        let plan = self.beside(input, projection.expr.clone(), reasons)?;
        self.only_where_null(plan, &codes)
    }

    fn scan(&mut self, plan: &LogicalPlan, scan: &TableScan) -> Result<LogicalPlan> {
        let table = scan.table_name.to_string();
        let values = columns(plan);
        let fields = plan.schema().fields();
        if let Some(Some(traced)) = self.traced.get(&table)
            && traced.names.iter().eq(fields.iter().map(|field| field.name()))
        {
            let rows = MemTable::try_new(traced.batch.schema(), vec![vec![traced.batch.clone()]])?;
            let rows = LogicalPlanBuilder::scan("traced", provider_as_source(Arc::new(rows)), None)?.build()?;
            let mut own = columns(&rows);
            let reasons = own.split_off(traced.names.len());
            let own = own.into_iter().zip(&traced.names);
            let own = own.map(|(value, name)| value.alias_qualified(Some(scan.table_name.clone()), name)).collect();
            return self.beside(rows, own, reasons);
        }
        let reasons = values.iter().zip(fields).map(|(value, field)| {
            let about = format!("{}{OF}{table}", field.name());
            reasons::where_null(value, reasons::reason(MISSING_INPUT, Some(&about)))
        });
        let reasons = reasons.collect();
        self.beside(plan.clone(), values, reasons)
    }

    fn aggregate(&mut self, plan: &LogicalPlan, aggregate: &Aggregate) -> Result<LogicalPlan> {
        if aggregate.group_expr.iter().any(|group| matches!(group, Expr::GroupingSet(_))) {
            return self.unknown(plan, OTHER);
        }
        let input = self.explained(&aggregate.input)?;
        let given = reason_columns(&input);
        let scope = Scope { schema: aggregate.input.schema(), reasons: &given };
        let mut all = aggregate.aggr_expr.clone();
        let count = aggregate.group_expr.len() + all.len();
        // Of each column, where its reasons stand: one of a group's column, the least and the greatest of an aggregate's.
        let mut places: Vec<Vec<usize>> = Vec::new();
        let mut take = |made: Vec<Expr>, writer: &mut Self| {
            let first = aggregate.group_expr.len() + all.len();
            places.push((first..first + made.len()).collect());
            all.extend(made.into_iter().map(|expression| writer.named(expression)));
        };
        for group in &aggregate.group_expr {
            take(scope.why(group).into_iter().map(min).collect(), self);
        }
        for expression in &aggregate.aggr_expr {
            let reason = match unaliased(expression) {
                Expr::AggregateFunction(AggregateFunction { func, params }) if func.name() != "count" => {
                    of_values(&scope, &params.args, params.filter.as_deref())
                }
                _ => None,
            };
            take(reason.into_iter().flat_map(|reason| [min(reason.clone()), max(reason)]).collect(), self);
        }
        let plan = LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), aggregate.group_expr.clone(), all)?);
        let mut values = columns(&plan);
        let reasons = places.iter().map(|places| match places.as_slice() {
            [one] => values[*one].clone(),
            [least, greatest] => the_only(&values[*least], &values[*greatest]),
            _ => none(),
        });
        let reasons = reasons.collect();
        values.truncate(count);
        let plan = self.beside(plan, values, reasons)?;
        let codes: Vec<&str> =
            (0..count).map(|index| if index < aggregate.group_expr.len() { OTHER } else { NO_VALUES }).collect();
        self.only_where_null(plan, &codes)
    }

    fn window(&mut self, window: &Window) -> Result<LogicalPlan> {
        let input = self.explained(&window.input)?;
        let given = reason_columns(&input);
        let scope = Scope { schema: window.input.schema(), reasons: &given };
        let before = window.input.schema().fields().len();
        let mut all = window.window_expr.clone();
        let mut found: Vec<(Vec<usize>, Option<WindowReason>)> = Vec::new();
        for expression in &window.window_expr {
            let Expr::WindowFunction(call) = unaliased(expression) else {
                found.push((Vec::new(), None));
                continue;
            };
            let (made, how) = window_reasons(&scope, call);
            let first = 2 * before + all.len();
            found.push(((first..first + made.len()).collect(), how));
            for expression in made {
                all.push(self.named(expression));
            }
        }
        let plan = LogicalPlan::Window(Window::try_new(all, Arc::new(input))?);
        let fields = columns(&plan);
        let behind = 2 * before..2 * before + window.window_expr.len();
        let values: Vec<Expr> = fields[..before].iter().chain(&fields[behind]).cloned().collect();
        let mut reasons: Vec<Expr> = fields[before..2 * before].to_vec();
        let mut codes = vec![OTHER; before];
        for (places, how) in found {
            let at = |place: usize| fields[places[place]].clone();
            codes.push(NO_VALUES);
            reasons.push(match how {
                None => none(),
                Some(WindowReason::OfValues) => the_only(&at(0), &at(1)),
                Some(WindowReason::OfRow) => at(0),
                Some(WindowReason::Own(reason)) => reason,
                Some(WindowReason::Shifted(outside)) => reasons::choose(vec![(at(0).is_null(), outside)], Some(at(1))),
            });
        }
        let plan = self.beside(plan, values, reasons)?;
        self.only_where_null(plan, &codes)
    }

    fn join(&mut self, plan: &LogicalPlan, join: &Join) -> Result<LogicalPlan> {
        let (keeps_left, keeps_right) = match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => (true, true),
            JoinType::LeftSemi | JoinType::LeftAnti => (true, false),
            JoinType::RightSemi | JoinType::RightAnti => (false, true),
            _ => return self.unknown(plan, OTHER),
        };
        let may_lack_left = matches!(join.join_type, JoinType::Right | JoinType::Full);
        let may_lack_right = matches!(join.join_type, JoinType::Left | JoinType::Full);
        let left = self.side(&join.left, keeps_left, may_lack_left)?;
        let right = self.side(&join.right, keeps_right, may_lack_right)?;
        let joined = Join::try_new(
            Arc::new(left),
            Arc::new(right),
            join.on.clone(),
            join.filter.clone(),
            join.join_type,
            join.join_constraint,
            join.null_equality,
            join.null_aware,
        )?;
        let plan = LogicalPlan::Join(joined);
        let fields = columns(&plan);
        let (mut values, mut reasons) = (Vec::new(), Vec::new());
        let mut rest = fields.as_slice();
        for (side, keeps, lacks) in
            [(&join.left, keeps_left, may_lack_left), (&join.right, keeps_right, may_lack_right)]
        {
            if !keeps {
                continue;
            }
            let count = side.schema().fields().len();
            values.extend_from_slice(&rest[..count]);
            for (index, reason) in rest[count..2 * count].iter().enumerate() {
                let (qualifier, _) = side.schema().qualified_field(index);
                let about = qualifier.map(ToString::to_string);
                let unmatched = reasons::reason(UNMATCHED, about.as_deref());
                reasons.push(match lacks {
                    true => reasons::choose(vec![(rest[2 * count].clone().is_null(), unmatched)], Some(reason.clone())),
                    false => reason.clone(),
                });
            }
            rest = &rest[2 * count + usize::from(lacks)..];
        }
        let codes = vec![OTHER; values.len()];
        let plan = self.beside(plan, values, reasons)?;
        self.only_where_null(plan, &codes)
    }

    /// One side of a join; if the join may lack its rows, with a mark behind the reasons that is null where it does.
    fn side(&mut self, plan: &LogicalPlan, keeps: bool, may_lack: bool) -> Result<LogicalPlan> {
        if !keeps {
            return Ok(plan.clone());
        }
        let plan = self.explained(plan)?;
        if !may_lack {
            return Ok(plan);
        }
        let values = columns(&plan);
        self.beside(plan, values, vec![lit(true)])
    }

    /// Rows that are equal but lack values for different reasons are one row still, with the first of the reasons.
    fn distinct(&mut self, input: &LogicalPlan) -> Result<LogicalPlan> {
        let input = self.explained(input)?;
        let mut values = columns(&input);
        let given = values.split_off(values.len() / 2);
        let reasons = given.into_iter().map(|reason| self.named(min(reason))).collect();
        Ok(LogicalPlan::Aggregate(Aggregate::try_new(Arc::new(input), values, reasons)?))
    }

    fn distinct_on(&mut self, on: &DistinctOn) -> Result<LogicalPlan> {
        let input = self.explained(&on.input)?;
        let given = reason_columns(&input);
        let scope = Scope { schema: on.input.schema(), reasons: &given };
        let codes = vec![OTHER; on.select_expr.len()];
        let reasons = on.select_expr.iter().map(|value| self.named(scope.why(value).unwrap_or_else(none)));
        let selected = on.select_expr.iter().cloned().chain(reasons.collect::<Vec<_>>()).collect();
        let made = DistinctOn::try_new(on.on_expr.clone(), selected, on.sort_expr.clone(), Arc::new(input))?;
        self.only_where_null(LogicalPlan::Distinct(Distinct::On(made)), &codes)
    }
}

/// How the reason of a window function follows from those that were put beside it.
enum WindowReason {
    /// The least and the greatest of the rows of the frame.
    OfValues,
    /// That of the row that it takes its value from.
    OfRow,
    /// That of the row itself.
    Own(Expr),
    /// A mark that is null where there is no such row, and the reason of that row; without a row, this one.
    Shifted(Expr),
}

/// What to compute over the same window to know why the function gives no value.
fn window_reasons(scope: &Scope, call: &WindowFunction) -> (Vec<Expr>, Option<WindowReason>) {
    let WindowFunction { fun, params } = call;
    let over = |fun: WindowFunctionDefinition, args: Vec<Expr>| {
        let mut params = params.clone();
        (params.args, params.filter, params.distinct) = (args, None, false);
        Expr::WindowFunction(Box::new(WindowFunction { fun, params }))
    };
    match (fun, fun.name()) {
        (WindowFunctionDefinition::AggregateUDF(_), "count") => (Vec::new(), None),
        (WindowFunctionDefinition::AggregateUDF(_), _) => {
            let Some(reason) = of_values(scope, &params.args, params.filter.as_deref()) else {
                return (Vec::new(), None);
            };
            let least = over(WindowFunctionDefinition::AggregateUDF(min_udaf()), vec![reason.clone()]);
            let greatest = over(WindowFunctionDefinition::AggregateUDF(max_udaf()), vec![reason]);
            (vec![least, greatest], Some(WindowReason::OfValues))
        }
        (_, name @ ("lag" | "lead")) => {
            let code = if name == "lag" { reasons::BEFORE_SERIES_START } else { reasons::AFTER_SERIES_END };
            let [value, rest @ ..] = params.args.as_slice() else { return (Vec::new(), None) };
            let about = reasons::name(value);
            let outside = match rest {
                [_, default, ..] => scope.why(default).unwrap_or_else(none),
                _ => reasons::reason(code, about.as_deref()),
            };
            let offset = rest.iter().take(1).cloned();
            let shifted = |value: Expr| over(fun.clone(), [value].into_iter().chain(offset.clone()).collect());
            // Where missing values are passed over, there is no row with a value.
            let inner = match params.null_treatment {
                Some(NullTreatment::IgnoreNulls) => None,
                _ => scope.why(value),
            };
            let passed_over = if inner.is_none() { outside.clone() } else { none() };
            let marks = vec![shifted(lit(1_i64)), shifted(inner.unwrap_or(passed_over))];
            (marks, Some(WindowReason::Shifted(outside)))
        }
        (_, name @ ("lag_by" | "lead_by")) => {
            let code = if name == "lag_by" { reasons::BEFORE_SERIES_START } else { reasons::AFTER_SERIES_END };
            let [value, period, rest @ ..] = params.args.as_slice() else { return (Vec::new(), None) };
            let about = reasons::name(value);
            let no_row = reasons::reason(code, about.as_deref());
            let outside = reasons::any(scope.why(period).into_iter().chain([no_row]).collect());
            let shifted = |value: Expr| {
                let args = [value, period.clone()].into_iter().chain(rest.iter().cloned());
                over(fun.clone(), args.collect())
            };
            let marks = vec![shifted(lit(1_i64)), shifted(scope.why(value).unwrap_or_else(none))];
            (marks, Some(WindowReason::Shifted(outside)))
        }
        (_, "first_value" | "last_value" | "nth_value") => {
            let reason = params.args.first().and_then(|value| scope.why(value));
            let Some(reason) = reason else { return (Vec::new(), None) };
            let args = [reason].into_iter().chain(params.args.iter().skip(1).cloned()).collect();
            (vec![over(fun.clone(), args)], Some(WindowReason::OfRow))
        }
        // Functions that give each row a value of its own, such as `winsorize`: what the row lacks, it lacks there too.
        _ => {
            let reasons: Vec<Expr> = params.args.iter().filter_map(|argument| scope.why(argument)).collect();
            let own = (!reasons.is_empty()).then(|| WindowReason::Own(reasons::any(reasons)));
            (Vec::new(), own)
        }
    }
}

/// The reason of one value of an aggregate. What a `case` leaves out on purpose is none: `max(case when a then x end)`
/// lacks a value for the reason that `x` does where `a` holds.
fn of_values(scope: &Scope, arguments: &[Expr], filter: Option<&Expr>) -> Option<Expr> {
    let reasons: Vec<Expr> = arguments.iter().filter_map(|argument| scope.why(argument)).collect();
    if reasons.is_empty() {
        return None;
    }
    let reason = nullif(reasons::any(reasons), reasons::reason(reasons::CASE_WITHOUT_ELSE, None));
    Some(match filter {
        Some(filter) => reasons::choose(vec![(filter.clone(), reason)], None),
        None => reason,
    })
}

/// The reason that all of them have.
fn the_only(least: &Expr, greatest: &Expr) -> Expr {
    reasons::choose(vec![(least.clone().eq(greatest.clone()), least.clone())], None)
}

fn unaliased(expression: &Expr) -> &Expr {
    match expression {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

fn columns(plan: &LogicalPlan) -> Vec<Expr> {
    let fields = plan.schema().iter();
    fields.map(|(qualifier, field)| Expr::Column(Column::new(qualifier.cloned(), field.name()))).collect()
}

/// The reasons in an explained plan.
fn reason_columns(plan: &LogicalPlan) -> Vec<Expr> {
    let mut all = columns(plan);
    all.split_off(all.len() / 2)
}

fn none() -> Expr {
    Expr::Literal(ScalarValue::Utf8(None), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Column;
    use crate::write;
    use tempfile::TempDir;

    struct Study(TempDir);

    impl Study {
        fn new() -> Study {
            let study = Study(tempfile::tempdir().expect("a folder"));
            let texts = |values: &[&str]| Values::Text(values.iter().map(|text| Some(text.to_string())).collect());
            let cities = texts(&["a", "a", "b", "b"]);
            study.add(
                "t",
                &["city", "year"],
                vec![
                    ("city", cities),
                    ("year", Values::Int(vec![Some(1), Some(2), Some(1), Some(2)])),
                    ("x", Values::Float(vec![Some(1.0), None, Some(-4.0), Some(9.0)])),
                    ("y", Values::Float(vec![Some(0.0), Some(2.0), None, Some(3.0)])),
                ],
            );
            study.add("u", &["city"], vec![("city", texts(&["a", "c"])), ("w", Values::Float(vec![Some(5.0), None]))]);
            study
        }

        fn add(&self, name: &str, key: &[&str], columns: Vec<(&str, Values)>) {
            let columns = columns.into_iter().map(|(name, values)| Column { name: name.to_string(), values });
            let table = Table::new(columns.collect()).expect("a table");
            let key: Vec<String> = key.iter().map(|name| name.to_string()).collect();
            write::write(&self.0.path().join(name), &table, &key).expect("written");
        }

        /// `column: CODE about n`, one line each; checks that exactly what is missing has a reason.
        fn why(&self, text: &str, origin: &dyn Fn(&str) -> Option<Origin>) -> String {
            let query = super::super::parse(text).expect(text);
            let paths: Vec<PathBuf> = query.tables().iter().map(|table| self.0.path().join(table)).collect();
            let sources = query.tables().iter().zip(&paths);
            let sources: Vec<Source> =
                sources.map(|(table, path)| Source { table: table.clone(), path: path.as_path() }).collect();
            let found = nulls(&query, &sources, origin).unwrap_or_else(|error| panic!("{text}: {error}"));
            let plain = super::super::query(&query, &sources, None).expect(text);
            let mut lines = Vec::new();
            for ((column, reasons), as_run) in found.rows.columns.iter().zip(&found.reasons).zip(&plain.columns) {
                let mut counts: BTreeMap<String, usize> = BTreeMap::new();
                let missing = |values: &Values| (0..values.len()).filter(|row| values.is_null(*row)).count();
                assert_eq!(missing(&column.values), missing(&as_run.values), "{text}");
                for (row, reason) in reasons.iter().enumerate() {
                    assert_eq!(column.values.is_null(row), reason.is_some(), "{text}, row {row}: {reason:?}");
                    if let Some(reason) = reason {
                        let about = reason.from.as_ref().map_or(String::new(), |from| format!(" {from}"));
                        *counts.entry(format!("{}{about}", reason.code)).or_default() += 1;
                    }
                }
                lines.extend(counts.into_iter().map(|(reason, count)| format!("{}: {reason} {count}", column.name)));
            }
            lines.join("; ")
        }
    }

    #[test]
    fn every_lost_value_has_the_reason_of_its_row() {
        let study = Study::new();
        for (text, expected) in [
            ("select city, year from t", ""),
            ("select x as v from t", "v: MISSING_INPUT x of t 1"),
            (
                "select x / nullif(y, 0) as r from t",
                "r: MISSING_INPUT x of t 1; r: MISSING_INPUT y of t 1; r: ZERO_DENOM t.y 1",
            ),
            (
                "select 1 / nullif(abs(cast(y as double)), 0.0) as r from t",
                "r: MISSING_INPUT y of t 1; r: ZERO_DENOM t.y 1",
            ),
            ("select 1 / (2 * nullif(y, 0)) as r from t", "r: MISSING_INPUT y of t 1; r: ZERO_DENOM t.y 1"),
            ("select nullif(y, 0) / 2 as r from t", "r: MISSING_INPUT y of t 1; r: NULLIF t.y 1"),
            ("select 1 / nullif(y, 3) as r from t where y > 0", "r: NULLIF t.y 1"),
            ("select ln(x) as l from t", "l: LOG_NONPOS t.x 1; l: MISSING_INPUT x of t 1"),
            ("select log(2, x + y) as l from t", "l: MISSING_INPUT x of t 1; l: MISSING_INPUT y of t 1"),
            ("select sqrt(x) as s, power(y, 2) as p from t where x > 0 or x is null", "s: MISSING_INPUT x of t 1"),
            ("select coalesce(x, y) as c, coalesce(x, 0) as d from t", ""),
            ("select coalesce(nullif(x, 9), y) as c from t where year = 1 or x = 9", ""),
            ("select coalesce(nullif(x, -4), y) as c from t", "c: MISSING_INPUT y of t 1"),
            ("select case when x > 0 then x end as c from t", "c: CASE_WITHOUT_ELSE 1; c: MISSING_INPUT x of t 1"),
            ("select case when x > 0 then x else null end as c from t", "c: NOT_DEFINED 2"),
            ("select case when x is not null then x end as c from t", "c: MISSING_INPUT x of t 1"),
            (
                "select case when not (x is null) and y > 2 then 1 end as c from t",
                "c: CASE_WITHOUT_ELSE 1; c: MISSING_INPUT x of t 1; c: MISSING_INPUT y of t 1",
            ),
            (
                "select case city when 'a' then x when 'b' then y end as c from t",
                "c: MISSING_INPUT x of t 1; c: MISSING_INPUT y of t 1",
            ),
            ("select x > 0 and y > 100 as c from t", ""),
            ("select x > -9 and y > 0 as c from t", "c: MISSING_INPUT x of t 1; c: MISSING_INPUT y of t 1"),
            (
                "select x between 0 and 5 as c, y in (2, 3) as d from t",
                "c: MISSING_INPUT x of t 1; d: MISSING_INPUT y of t 1",
            ),
            ("select upper(nullif(city, 'a')) as c from t", "c: NULLIF t.city 2"),
            ("select city || null as c from t", "c: NOT_DEFINED 4"),
            ("select * from (values (1, cast(null as double))) as v(a, b)", "b: NOT_DEFINED 1"),
            ("select 1 as a", ""),
        ] {
            assert_eq!(study.why(text, &|_| None), expected, "{text}");
        }
    }

    #[test]
    fn reasons_go_up_through_joins_windows_groups_and_unions() {
        let study = Study::new();
        for (text, expected) in [
            ("select t.city, w from t left join u on u.city = t.city", "w: UNMATCHED u 2"),
            ("select t.city, w from u right join t using (city)", "w: UNMATCHED u 2"),
            (
                "select t.year, u.w from t full join u on u.city = t.city",
                "year: UNMATCHED t 1; w: MISSING_INPUT w of u 1; w: UNMATCHED u 2",
            ),
            ("select x, w from t join u on u.city = t.city", "x: MISSING_INPUT x of t 1"),
            ("select x, w from t cross join u where w is null", "x: MISSING_INPUT x of t 1; w: MISSING_INPUT w of u 4"),
            ("select x from t left semi join u on u.city = t.city", "x: MISSING_INPUT x of t 1"),
            ("select y from t left anti join u on u.city = t.city", "y: MISSING_INPUT y of t 1"),
            ("select x from t where city in (select city from u)", "x: MISSING_INPUT x of t 1"),
            ("select lag(x) over (partition by city order by year) as l from t", "l: BEFORE_SERIES_START t.x 2"),
            (
                "select lead(x) over (partition by city order by year) as l from t",
                "l: AFTER_SERIES_END t.x 2; l: MISSING_INPUT x of t 1",
            ),
            ("select lag(x, 1, 0.0) over (order by year, city) as l from t", "l: MISSING_INPUT x of t 1"),
            ("select first_value(y) over (partition by city order by year) as f from t", "f: MISSING_INPUT y of t 2"),
            ("select sum(y) over (partition by city order by year) as s from t", "s: MISSING_INPUT y of t 1"),
            ("select row_number() over (order by x) as n from t", ""),
            (
                "select lag_by(x, year) over (partition by city) as l, lead_by(x, year, 1) over (partition by city) as m from t",
                "l: BEFORE_SERIES_START t.x 2; m: AFTER_SERIES_END t.x 2; m: MISSING_INPUT x of t 1",
            ),
            (
                "select lag_by(x, nullif(year, 2)) over (partition by city) as l from t",
                "l: BEFORE_SERIES_START t.x 2; l: NULLIF t.year 2",
            ),
            (
                "select winsorize(x, 0.1) over () as w, zscore(y) over () as z from t",
                "w: MISSING_INPUT x of t 1; z: MISSING_INPUT y of t 1",
            ),
            ("select case when year = 1 then x else missing('BASE_NEAR_ZERO') end as c from t", "c: BASE_NEAR_ZERO 2"),
            ("select city, sum(x) as s from t group by city", ""),
            ("select sum(x) as s from t where city = 'z'", "s: NO_VALUES 1"),
            ("select city, max(case when year = 1 then y end) as m from t group by city", "m: MISSING_INPUT y of t 1"),
            ("select city, max(case when year = 9 then y end) as m from t group by city", "m: NO_VALUES 2"),
            ("select sum(z) as s from (select x / nullif(y, 0) as z from t where city = 'a') as q", "s: NO_VALUES 1"),
            ("select avg(y) filter (where year = 1) as m from t where city = 'b'", "m: MISSING_INPUT y of t 1"),
            ("select x, count(*) as n from t group by x", "x: MISSING_INPUT x of t 1"),
            ("select city from t group by city having max(x) > 5", ""),
            ("select x as v from t union all select y from t", "v: MISSING_INPUT x of t 1; v: MISSING_INPUT y of t 1"),
            ("select x as v from t union select nullif(y, y) from t", "v: MISSING_INPUT x of t 1"),
            ("select distinct nullif(x, x) as v from t", "v: MISSING_INPUT x of t 1"),
            ("select distinct on (city) city, y from t order by city, year", "y: MISSING_INPUT y of t 1"),
            (
                "with a as (select city, ln(x) as l from t), b as (select city, max(l) as m from a group by city)
                 select u.city, m + 1 as m from u left join b on b.city = u.city order by m limit 5",
                "m: UNMATCHED b 1",
            ),
            (
                "with a as (select city, year, 1 / nullif(y, 0) as r from t)
                 select p.r, q.r as s from a as p left join a as q on q.city = p.city and q.year = p.year + 1",
                "r: MISSING_INPUT y of t 1; r: ZERO_DENOM t.y 1; s: UNMATCHED q 2",
            ),
            ("select t.city, (select max(w) from u where u.city = t.city) as m from t", "m: NO_VALUES 2"),
        ] {
            assert_eq!(study.why(text, &|_| None), expected, "{text}");
        }
    }

    #[test]
    fn what_an_input_lacks_is_followed_to_where_it_got_lost() {
        let study = Study::new();
        let numbers = |values: &[Option<f64>]| Values::Float(values.to_vec());
        let texts = |values: &[&str]| Values::Text(values.iter().map(|text| Some(text.to_string())).collect());
        study.add(
            "s",
            &["city", "year"],
            vec![
                ("city", texts(&["a", "a", "b", "b"])),
                ("year", Values::Int(vec![Some(1), Some(2), Some(1), Some(2)])),
                ("l", numbers(&[Some(0.0), None, None, Some(9.0_f64.ln())])),
            ],
        );
        study.add("v", &["city"], vec![("city", texts(&["a", "b"])), ("l", numbers(&[Some(0.0), None]))]);
        let origin = |table: &str| {
            let (text, sources) = match table {
                "s" => ("select city, year, ln(x) as l from t", vec!["t"]),
                "v" => ("select city, max(case when year = 1 then l end) as l from s group by city", vec!["s"]),
                _ => return None,
            };
            let sources = sources.into_iter().map(|name| (name.to_string(), study.0.path().join(name)));
            Some(Origin { query: super::super::parse(text).expect(text), sources: sources.collect() })
        };
        assert_eq!(study.why("select l from s", &|_| None), "l: MISSING_INPUT l of s 2");
        assert_eq!(study.why("select l from s", &origin), "l: LOG_NONPOS t.x (l of s) 1; l: MISSING_INPUT x of t 1");
        assert_eq!(
            study.why("select l + 1 as m, u.w from v left join u on u.city = v.city", &origin),
            "m: LOG_NONPOS t.x (l of s) 1; w: UNMATCHED u 1"
        );
    }
}
