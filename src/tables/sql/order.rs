//! What depends on the order of rows is made to depend on values. The rows of a table have no order that a query could rely
//! on: several partitions are read at once. So where rows or values are taken by their place, the place must be stated, and
//! rows that the stated order leaves equal are told apart by all that the query has of them. If even that is equal, it
//! makes no difference which of them is taken.
//!
//! - `limit` needs `order by`, and its ties are broken by the columns that are sorted;
//! - `array_agg`, `string_agg`, `first_value`, `last_value`, `nth_value` as aggregates need `order by`, and ties are broken
//!   by what they collect;
//! - `distinct on` needs `order by`, and ties are broken by what it selects;
//! - windows that count rows need `order by`; their ties are broken when the query is run (see `ties`), because more columns
//!   in their `order by` would change which rows are peers.

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchemaRef, Result};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    Aggregate, Distinct, DistinctOn, Expr, Limit, LogicalPlan, Sort, SortExpr, WindowFrame, WindowFrameBound,
    WindowFrameUnits, WindowFunctionDefinition,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Aggregates that take values in an order.
const COLLECT: &[&str] = &["array_agg", "first_value", "last_value", "nth_value", "string_agg"];
/// Window functions that count rows, so that two rows of equal order differ.
const COUNT_ROWS: &[&str] = &["first_value", "lag", "last_value", "lead", "nth_value", "ntile", "row_number"];

/// What is wrong with a query that leaves something to chance: the word to look for, the message, the next step.
#[derive(Debug)]
pub struct Unordered {
    pub word: String,
    pub message: String,
    pub hint: String,
}

/// The same plan with orders that leave nothing open.
pub fn total(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Limit(Limit { skip, fetch, input }) => {
            let input = Arc::new(order_totally(Arc::unwrap_or_clone(input))?);
            Ok(Transformed::yes(LogicalPlan::Limit(Limit { skip, fetch, input })))
        }
        LogicalPlan::Aggregate(aggregate) => collect_totally(aggregate),
        LogicalPlan::Distinct(Distinct::On(on)) => select_totally(on),
        other => Ok(Transformed::no(other)),
    })
    .map(|transformed| transformed.data)
}

/// The first thing in a plan whose order is not stated at all.
pub fn unordered(plan: &LogicalPlan) -> Result<Option<Unordered>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        found = match node {
            LogicalPlan::Limit(limit) if !has_order(&limit.input) => Some(without_order(
                "limit",
                "`limit` without `order by` takes any rows",
                "state which: `order by …` in front of it",
            )),
            LogicalPlan::Distinct(Distinct::On(on)) if on.sort_expr.is_none() => Some(without_order(
                "distinct",
                "`distinct on` without `order by` takes any row of each group",
                "state which: `order by` the columns of `on`, then what decides",
            )),
            _ => None,
        };
        if found.is_none() {
            node.apply_expressions(|expression| {
                expression.apply(|part| {
                    found = unordered_part(part);
                    Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
                })
            })?;
        }
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

/// The names of window expressions of a plan whose result depends on the order of peers.
pub fn windows_with_ties(plan: &LogicalPlan) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Window(window) = node {
            for expression in &window.window_expr {
                if let Expr::WindowFunction(function) = expression.clone().unalias()
                    && counts_rows(&function)
                {
                    names.insert(expression.schema_name().to_string());
                    names.insert(expression.clone().unalias().schema_name().to_string());
                }
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(names)
}

fn without_order(word: &str, message: &str, hint: &str) -> Unordered {
    Unordered { word: word.to_string(), message: message.to_string(), hint: hint.to_string() }
}

fn unordered_part(part: &Expr) -> Option<Unordered> {
    match part {
        Expr::AggregateFunction(function) if function.func.name() == "any_value" => Some(without_order(
            "any_value",
            "`any_value` takes any value of the group",
            "take the one you mean: `min(x)`, or `first_value(x order by …)`",
        )),
        Expr::AggregateFunction(AggregateFunction { func, params })
            if COLLECT.contains(&func.name()) && params.order_by.is_empty() =>
        {
            let name = func.name();
            Some(without_order(
                name,
                &format!("`{name}` without `order by` takes values in any order"),
                &format!("state the order: `{name}(x order by …)`"),
            ))
        }
        Expr::WindowFunction(function) if counts_rows(function) && function.params.order_by.is_empty() => {
            let name = function.fun.name();
            Some(without_order(
                name,
                &format!("`{name}` counts rows, but its window has no `order by`"),
                &format!("state the order: `{name}(…) over (partition by … order by …)`"),
            ))
        }
        _ => None,
    }
}

/// Whether the order of peers matters to a window function.
fn counts_rows(function: &WindowFunction) -> bool {
    let name = function.fun.name();
    let frame = &function.params.window_frame;
    match &function.fun {
        _ if is_whole(frame) => COUNT_ROWS.contains(&name) || COLLECT.contains(&name),
        WindowFunctionDefinition::AggregateUDF(_) => frame.units == WindowFrameUnits::Rows || COLLECT.contains(&name),
        WindowFunctionDefinition::WindowUDF(_) => COUNT_ROWS.contains(&name),
    }
}

fn is_whole(frame: &WindowFrame) -> bool {
    let unbounded = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value) => value.is_null(),
        WindowFrameBound::CurrentRow => false,
    };
    unbounded(&frame.start_bound) && unbounded(&frame.end_bound)
}

/// Whether rows come out of a sort, or are one at most.
fn has_order(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Sort(_) => true,
        LogicalPlan::Projection(projection) => has_order(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => has_order(&alias.input),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        _ => false,
    }
}

/// The sort below a limit, by all its columns at last.
fn order_totally(plan: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Sort(Sort { mut expr, input, fetch }) => {
            append(&mut expr, columns(input.schema()));
            Ok(LogicalPlan::Sort(Sort { expr, input, fetch }))
        }
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => {
            let inputs = plan.inputs().into_iter().cloned().map(order_totally).collect::<Result<Vec<_>>>()?;
            plan.with_new_exprs(plan.expressions(), inputs)
        }
        other => Ok(other),
    }
}

/// All collecting aggregates of one order break ties alike, so that they take their values from one row.
fn collect_totally(aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
    let collecting = |expression: &Expr| match expression.clone().unalias() {
        Expr::AggregateFunction(function)
            if COLLECT.contains(&function.func.name())
                && !function.params.order_by.is_empty()
                && !function.params.distinct =>
        {
            Some(function)
        }
        _ => None,
    };
    let all: Vec<AggregateFunction> = aggregate.aggr_expr.iter().filter_map(collecting).collect();
    if all.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate)));
    }
    let plan = LogicalPlan::Aggregate(aggregate.clone());
    let names = NamePreserver::new(&plan);
    let expressions = aggregate.aggr_expr.iter().map(|expression| {
        if collecting(expression).is_none() {
            return Ok(expression.clone());
        }
        let name = names.save(expression);
        let ordered = expression.clone().transform_up(|part| match part {
            Expr::AggregateFunction(mut function) if !function.params.order_by.is_empty() => {
                let same = all.iter().filter(|other| other.params.order_by == function.params.order_by);
                let ties: Vec<Expr> = same.flat_map(|other| other.params.args.first().cloned()).collect();
                append(&mut function.params.order_by, ties);
                Ok(Transformed::yes(Expr::AggregateFunction(function)))
            }
            other => Ok(Transformed::no(other)),
        })?;
        Ok(name.restore(ordered.data))
    });
    let expressions = expressions.collect::<Result<Vec<_>>>()?;
    let aggregate = Aggregate::try_new(aggregate.input, aggregate.group_expr, expressions)?;
    Ok(Transformed::yes(LogicalPlan::Aggregate(aggregate)))
}

fn select_totally(mut on: DistinctOn) -> Result<Transformed<LogicalPlan>> {
    let Some(order) = &mut on.sort_expr else { return Ok(Transformed::no(LogicalPlan::Distinct(Distinct::On(on)))) };
    append(order, on.select_expr.iter().map(|expression| expression.clone().unalias()).collect());
    Ok(Transformed::yes(LogicalPlan::Distinct(Distinct::On(on))))
}

fn columns(schema: &DFSchemaRef) -> Vec<Expr> {
    schema.iter().map(|(relation, field)| Expr::Column(Column::from((relation, field.as_ref())))).collect()
}

/// Adds what is not there yet; constants decide nothing.
fn append(order: &mut Vec<SortExpr>, ties: Vec<Expr>) {
    for tie in ties {
        if !matches!(tie, Expr::Literal(..)) && order.iter().all(|known| known.expr != tie) {
            order.push(SortExpr::new(tie, true, true));
        }
    }
}

#[cfg(test)]
mod tests;
