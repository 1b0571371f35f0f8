//! From which columns of its tables each column of a query's result is made: as a value, or only as a scale (what divides
//! it, what a condition looks at), and up to which value of a column the rows go that it takes ("year < 2012").
//! Read from the plan as it is written; nothing is run. Conditions that choose rows and pair them (`where`, `on`) say
//! how far, not what of: by them everything in a query would rest on everything.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, JoinType, Result, ScalarValue};
use datafusion::logical_expr::expr::{Between, BinaryExpr, Case};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, Operator};
use std::collections::{BTreeMap, BTreeSet};

/// What one column of a result is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// A table of the query.
    pub table: String,
    /// `None`: its rows are counted.
    pub column: Option<String>,
    /// It only divides the result, or decides which of several values it is.
    pub scale: bool,
    /// For a column by which rows were chosen, the greatest value that it can have in them.
    pub until: BTreeMap<String, i64>,
}

/// Origins by what they are, each once.
type Sources = BTreeMap<(String, Option<String>), Use>;
/// Greatest values by the name of a column.
type Bounds = BTreeMap<String, i64>;

#[derive(Clone, Debug, Default)]
struct Use {
    scale: bool,
    until: Bounds,
}

/// Of each column of the plan, in order. `tables` are those of the query: whatever else is scanned is made inside of it.
pub fn lineage(plan: &LogicalPlan, tables: &[String]) -> Result<Vec<Vec<Origin>>> {
    let columns = node(plan)?.into_iter().map(|sources| {
        let known = sources.into_iter().filter(|((table, _), _)| tables.contains(table));
        let origin = |((table, column), Use { scale, until }): ((String, Option<String>), Use)| Origin {
            table,
            column,
            scale,
            until,
        };
        known.map(origin).collect()
    });
    Ok(columns.collect())
}

fn node(plan: &LogicalPlan) -> Result<Vec<Sources>> {
    let width = plan.schema().fields().len();
    let columns = match plan {
        LogicalPlan::TableScan(scan) => {
            let table = scan.table_name.to_string();
            let fields = scan.projected_schema.fields().iter();
            let of = |name: &String| Sources::from([((table.clone(), Some(name.clone())), Use::default())]);
            fields.map(|field| of(field.name())).collect()
        }
        LogicalPlan::Projection(step) => expressions(&step.expr, &step.input, &node(&step.input)?)?,
        LogicalPlan::Filter(step) => {
            let bounds = bounds(&step.predicate);
            node(&step.input)?.into_iter().map(|sources| bounded(sources, &bounds)).collect()
        }
        LogicalPlan::Window(step) => {
            let mut columns = node(&step.input)?;
            let made = expressions(&step.window_expr, &step.input, &columns)?;
            columns.extend(made);
            columns
        }
        LogicalPlan::Aggregate(step) => {
            let groups = step.group_expr.iter().filter(|group| !matches!(group, Expr::GroupingSet(_)));
            let input = node(&step.input)?;
            let mut columns = expressions(groups, &step.input, &input)?;
            columns.extend(expressions(&step.aggr_expr, &step.input, &input)?);
            columns
        }
        LogicalPlan::Join(step) => match step.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => node(&step.left)?,
            JoinType::RightSemi | JoinType::RightAnti => node(&step.right)?,
            _ => [node(&step.left)?, node(&step.right)?].concat(),
        },
        LogicalPlan::Union(step) => {
            let mut columns = vec![Sources::new(); width];
            for input in &step.inputs {
                for (column, more) in columns.iter_mut().zip(node(input)?) {
                    merge(column, more);
                }
            }
            columns
        }
        LogicalPlan::Distinct(Distinct::On(step)) => expressions(&step.select_expr, &step.input, &node(&step.input)?)?,
        LogicalPlan::SubqueryAlias(step) => node(&step.input)?,
        LogicalPlan::Sort(step) => node(&step.input)?,
        LogicalPlan::Limit(step) => node(&step.input)?,
        LogicalPlan::Distinct(Distinct::All(input)) => node(input)?,
        _ => Vec::new(),
    };
    if columns.len() == width {
        return Ok(columns);
    }
    // A step that is not known here: each of its columns may be made of everything below.
    let mut all = Sources::new();
    for input in plan.inputs() {
        node(input)?.into_iter().for_each(|sources| merge(&mut all, sources));
    }
    Ok(vec![all; width])
}

/// What expressions over the columns of a step are made of.
fn expressions<'e>(
    all: impl IntoIterator<Item = &'e Expr>,
    input: &LogicalPlan,
    columns: &[Sources],
) -> Result<Vec<Sources>> {
    let around = Around { columns, schema: input.schema(), input };
    all.into_iter().map(|one| expression(one, &around)).collect()
}

/// What an expression sees.
struct Around<'a> {
    columns: &'a [Sources],
    schema: &'a DFSchema,
    input: &'a LogicalPlan,
}

fn expression(whole: &Expr, around: &Around) -> Result<Sources> {
    match whole {
        Expr::Column(column) => {
            let index = around.schema.index_of_column(column)?;
            Ok(around.columns.get(index).cloned().unwrap_or_default())
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Divide | Operator::Modulo, right }) => {
            let mut sources = expression(left, around)?;
            merge(&mut sources, scales(expression(right, around)?));
            Ok(sources)
        }
        Expr::Case(case) => choice(case, around),
        Expr::AggregateFunction(call) => {
            let mut sources = all(&call.params.args, around)?;
            if call.params.args.iter().all(is_count) {
                let counted = tables_below(around.input)?;
                sources.extend(counted.into_iter().map(|table| ((table, None), Use::default())));
            }
            filtered(sources, call.params.filter.as_deref(), around)
        }
        Expr::WindowFunction(call) => {
            let mut sources = all(&call.params.args, around)?;
            if sources.is_empty() {
                // `rank()` and its like: the order is all they look at.
                let keys: Vec<Expr> = call.params.order_by.iter().map(|key| key.expr.clone()).collect();
                sources = all(&keys, around)?;
            }
            filtered(sources, call.params.filter.as_deref(), around)
        }
        Expr::ScalarSubquery(inner) => below(&inner.subquery),
        Expr::Exists(inner) => Ok(scales(below(&inner.subquery.subquery)?)),
        Expr::InSubquery(inner) => {
            let mut sources = expression(&inner.expr, around)?;
            merge(&mut sources, scales(below(&inner.subquery.subquery)?));
            Ok(sources)
        }
        _ => {
            let mut sources = Sources::new();
            whole.apply_children(|part| {
                merge(&mut sources, expression(part, around)?);
                Ok::<_, DataFusionError>(TreeNodeRecursion::Continue)
            })?;
            Ok(sources)
        }
    }
}

/// The values that a `case` may give; what its conditions look at is a scale, unless the values are constants: then the
/// condition is all there is.
fn choice(case: &Case, around: &Around) -> Result<Sources> {
    let mut conditions = case.expr.as_deref().map_or(Ok(Sources::new()), |base| expression(base, around))?;
    let mut values = Sources::new();
    for (when, then) in &case.when_then_expr {
        merge(&mut conditions, expression(when, around)?);
        merge(&mut values, bounded(expression(then, around)?, &bounds(when)));
    }
    if let Some(otherwise) = &case.else_expr {
        merge(&mut values, expression(otherwise, around)?);
    }
    if values.is_empty() {
        return Ok(conditions);
    }
    // A condition on a column that is itself the value adds nothing: `case when x > 0 then ln(x) end`.
    for (origin, _) in conditions {
        values.entry(origin).or_insert(Use { scale: true, until: Bounds::new() });
    }
    // Rows that the condition shuts out count for nothing here, so what it looks at is bounded as they are.
    if let ([(when, _)], None) = (case.when_then_expr.as_slice(), &case.else_expr) {
        values = bounded(values, &bounds(when));
    }
    Ok(values)
}

fn all(parts: &[Expr], around: &Around) -> Result<Sources> {
    let mut sources = Sources::new();
    for part in parts {
        merge(&mut sources, expression(part, around)?);
    }
    Ok(sources)
}

fn filtered(mut sources: Sources, filter: Option<&Expr>, around: &Around) -> Result<Sources> {
    if let Some(filter) = filter {
        for (origin, _) in expression(filter, around)? {
            sources.entry(origin).or_insert(Use { scale: true, until: Bounds::new() });
        }
        sources = bounded(sources, &bounds(filter));
    }
    Ok(sources)
}

/// Whether the sum of it is a number of rows: `count(*)`, `sum(case when … then 1 end)`.
fn is_count(part: &Expr) -> bool {
    match part {
        Expr::Literal(..) => true,
        #[expect(deprecated)]
        Expr::Wildcard { .. } => true,
        Expr::Cast(cast) => is_count(&cast.expr),
        Expr::Case(case) => {
            case.when_then_expr.iter().all(|(_, then)| is_count(then)) && case.else_expr.as_deref().is_none_or(is_count)
        }
        _ => false,
    }
}

fn tables_below(plan: &LogicalPlan) -> Result<BTreeSet<String>> {
    let mut tables = BTreeSet::new();
    plan.apply(|step| {
        if let LogicalPlan::TableScan(scan) = step {
            tables.insert(scan.table_name.to_string());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(tables)
}

fn below(plan: &LogicalPlan) -> Result<Sources> {
    let mut sources = Sources::new();
    node(plan)?.into_iter().for_each(|column| merge(&mut sources, column));
    Ok(sources)
}

/// From either: a value where it is one in either, bounded where it is bounded in both.
fn merge(sources: &mut Sources, more: Sources) {
    for (origin, Use { scale, until }) in more {
        match sources.get_mut(&origin) {
            None => {
                sources.insert(origin, Use { scale, until });
            }
            Some(known) => {
                known.scale &= scale;
                known.until = either(&known.until, &until);
            }
        }
    }
}

fn scales(mut sources: Sources) -> Sources {
    sources.values_mut().for_each(|used| used.scale = true);
    sources
}

fn bounded(mut sources: Sources, bounds: &Bounds) -> Sources {
    for used in sources.values_mut() {
        used.until = both(&used.until, bounds);
    }
    sources
}

/// The bounds of rows for which both conditions hold.
fn both(one: &Bounds, other: &Bounds) -> Bounds {
    let mut bounds = one.clone();
    for (column, greatest) in other {
        let known = bounds.entry(column.clone()).or_insert(*greatest);
        *known = (*known).min(*greatest);
    }
    bounds
}

/// The bounds of rows for which one of the conditions holds.
fn either(one: &Bounds, other: &Bounds) -> Bounds {
    let shared = one.iter().filter_map(|(column, greatest)| {
        let more = other.get(column)?;
        Some((column.clone(), *greatest.max(more)))
    });
    shared.collect()
}

/// The greatest values that columns can have where the condition holds, as far as it says so in whole numbers.
fn bounds(condition: &Expr) -> Bounds {
    let of = |column: &Expr, greatest: Option<i64>| match (column, greatest) {
        (Expr::Column(column), Some(greatest)) => Bounds::from([(column.name.clone(), greatest)]),
        _ => Bounds::new(),
    };
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => both(&bounds(left), &bounds(right)),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => either(&bounds(left), &bounds(right)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Lt => of(left, whole(right).and_then(|value| value.checked_sub(1))),
            Operator::LtEq => of(left, whole(right)),
            Operator::Gt => of(right, whole(left).and_then(|value| value.checked_sub(1))),
            Operator::GtEq => of(right, whole(left)),
            Operator::Eq => both(&of(left, whole(right)), &of(right, whole(left))),
            _ => Bounds::new(),
        },
        Expr::Between(Between { expr, negated: false, low: _, high }) => of(expr, whole(high)),
        _ => Bounds::new(),
    }
}

fn whole(expression: &Expr) -> Option<i64> {
    match expression {
        Expr::Literal(ScalarValue::Int64(Some(value)), _) => Some(*value),
        Expr::Literal(ScalarValue::UInt64(Some(value)), _) => i64::try_from(*value).ok(),
        _ => None,
    }
}
