//! What the joins of a query matched and what they did not: rows on both sides, pairs, and rows without a partner. Each
//! join of the plan is run for itself, on demand; the query runs as it is.

use super::nulls::run;
use super::{
    Order, Query, RunOptions, Source, SqlError, check_tables, explain, files, ordered_plan, settings, syntax, wait,
};
use crate::arrow;
use crate::columns::{Table, Values};
use crate::session;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, DataFusionError, JoinType, NullEquality, Result};
use datafusion::functions_aggregate::expr_fn::{count, max, sum};
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, Filter, Join, JoinConstraint, LogicalPlan, LogicalPlanBuilder, SortExpr, lit};
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// One join of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches {
    /// Line and column of the table that is joined, both from 1.
    pub place: Option<(usize, usize)>,
    /// As the query says it.
    pub text: String,
    /// `inner`, `left`, `right`, `full`, `cross`, `semi`, `anti` or `in`.
    pub kind: &'static str,
    /// What is joined to.
    pub left: Side,
    /// What is joined.
    pub right: Side,
    /// Pairs of rows for which the condition holds.
    pub pairs: u64,
}

/// One side of a join.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    pub rows: u64,
    /// Rows without a partner, whether or not the join keeps them.
    pub unmatched: u64,
    /// Partners of the row that has most.
    pub most: u64,
    /// A few of the values without a partner, of the columns in the condition.
    pub sample: Vec<String>,
}

/// Counts the matches of every join of the query, in the order of the text, with up to `sample` unmatched keys per side.
/// A join inside a subquery that depends on the row around it has no count of its own and is left out.
pub fn joins(
    query: &Query,
    sources: &[Source],
    sample: usize,
    options: &RunOptions,
) -> std::result::Result<Vec<Matches>, SqlError> {
    check_tables(query, sources.iter().map(|source| &source.table))?;
    let failed = |error: DataFusionError| explain::explain(&error, &query.text);
    let context = session::context(&settings(sources, Order::Kept { limit: None }, options)).map_err(failed)?;
    let (own, files) = (query.clone(), files(query, sources));
    let work = async move {
        let plan = ordered_plan(&context, &own, &files).await?;
        let mut texts = syntax::joins(&own.statement);
        let mut matches: Vec<Matches> = Vec::new();
        let mut seen: Vec<LogicalPlan> = Vec::new();
        for join in found(&plan)? {
            // A `with` that is used twice is in the plan twice.
            let is_known = LogicalPlan::Join(join.node.clone());
            if seen.contains(&is_known) {
                continue;
            }
            seen.push(is_known);
            let text = texts.take(&join);
            matches.push(counted(&context, &join, text, sample).await?);
        }
        matches.sort_by_key(|one| one.place);
        Ok(matches)
    };
    wait(work, options).map_err(failed)?.ok_or(SqlError::Stopped)?.map_err(failed)
}

/// A join of the plan, or an `in` as the join that it means.
pub(super) struct Found {
    node: Join,
    is_in: bool,
}

impl Found {
    /// Where the columns of the condition stand.
    pub(super) fn places(&self) -> Vec<(usize, usize)> {
        let places = self.columns().into_iter().filter_map(|column| column.spans().first());
        places.map(|span| (span.start.line as usize, span.start.column as usize)).filter(|place| place.0 > 0).collect()
    }

    /// The name of what is joined.
    pub(super) fn right(&self) -> Option<String> {
        let mut names =
            self.node.right.schema().iter().map(|(qualifier, _)| qualifier.map(|name| name.table().to_string()));
        let first = names.next().flatten()?;
        names.all(|name| name.as_deref() == Some(&first)).then_some(first)
    }

    fn columns(&self) -> Vec<Column> {
        let pairs = self.node.on.iter().flat_map(|(left, right)| [left, right]);
        let mut columns = Vec::new();
        for expression in pairs.chain(&self.node.filter) {
            // The walk fails only where this closure does.
            let _ = expression.apply(|part| {
                if let Expr::Column(column) = part {
                    columns.push(column.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            });
        }
        columns
    }

    fn kind(&self) -> &'static str {
        match self.node.join_type {
            _ if self.is_in => "in",
            JoinType::Inner if self.node.on.is_empty() && self.node.filter.is_none() => "cross",
            JoinType::Inner => "inner",
            JoinType::Left => "left",
            JoinType::Right => "right",
            JoinType::Full => "full",
            JoinType::LeftAnti | JoinType::RightAnti => "anti",
            _ => "semi",
        }
    }
}

fn found(plan: &LogicalPlan) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::Join(join) if !is_correlated(&join.left)? && !is_correlated(&join.right)? => {
                found.push(Found { node: join.clone(), is_in: false });
            }
            LogicalPlan::Filter(filter) if !is_correlated(&filter.input)? => {
                filter.predicate.apply(|part| {
                    found.extend(in_subquery(filter, part)?);
                    Ok(TreeNodeRecursion::Continue)
                })?;
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// `x in (select y …)` as a join on `x = y`.
fn in_subquery(filter: &Filter, expression: &Expr) -> Result<Option<Found>> {
    let Expr::InSubquery(inner) = expression else { return Ok(None) };
    if !inner.subquery.outer_ref_columns.is_empty() || is_correlated(&inner.subquery.subquery)? {
        return Ok(None);
    }
    // Under a name of its own: both may read the same table.
    let right = LogicalPlanBuilder::from(inner.subquery.subquery.clone()).alias("__in")?.build()?;
    let Some((qualifier, field)) = right.schema().iter().next() else { return Ok(None) };
    let value = Expr::Column(Column::new(qualifier.cloned(), field.name()));
    let node = Join::try_new(
        filter.input.clone(),
        Arc::new(right),
        vec![((*inner.expr).clone(), value)],
        None,
        JoinType::Inner,
        JoinConstraint::On,
        NullEquality::NullEqualsNothing,
        false,
    )?;
    Ok(Some(Found { node, is_in: true }))
}

/// Whether the plan names columns of a row outside of it, so that it cannot be run alone.
fn is_correlated(plan: &LogicalPlan) -> Result<bool> {
    plan.exists(|node| {
        let mut names_outside = false;
        node.apply_expressions(|expression| {
            names_outside |= expression.exists(|part| Ok(matches!(part, Expr::OuterReferenceColumn(..))))?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(names_outside)
    })
}

async fn counted(
    context: &SessionContext,
    found: &Found,
    text: Option<syntax::JoinText>,
    sample: usize,
) -> Result<Matches> {
    let (left, right) = (numbered(&found.node.left, LEFT)?, numbered(&found.node.right, RIGHT)?);
    let inner = join(found, left, right, JoinType::Inner)?;
    let (left_matched, pairs, left_most) = matched(context, &inner, LEFT).await?;
    let (right_matched, _, right_most) = matched(context, &inner, RIGHT).await?;
    let left_rows = rows(context, &found.node.left).await?;
    let right_rows = rows(context, &found.node.right).await?;
    let mut left = Side { rows: left_rows, unmatched: left_rows - left_matched, most: left_most, sample: Vec::new() };
    let mut right =
        Side { rows: right_rows, unmatched: right_rows - right_matched, most: right_most, sample: Vec::new() };
    let (node_left, node_right) = (&found.node.left, &found.node.right);
    if sample > 0 && left.unmatched > 0 {
        let alone = join(found, node_left.as_ref().clone(), node_right.as_ref().clone(), JoinType::LeftAnti)?;
        left.sample = keys(context, found, alone, node_left.schema(), sample).await?;
    }
    if sample > 0 && right.unmatched > 0 {
        let alone = join(found, node_left.as_ref().clone(), node_right.as_ref().clone(), JoinType::RightAnti)?;
        right.sample = keys(context, found, alone, node_right.schema(), sample).await?;
    }
    let kind = found.kind();
    let (place, text) = match text {
        Some(text) => (text.place, text.text),
        None => (None, format!("{kind} join {}", found.right().unwrap_or_default()).trim_end().to_string()),
    };
    Ok(Matches { place, text, kind, left, right, pairs })
}

const LEFT: &str = "__left";
const RIGHT: &str = "__right";

/// The rows with a number each.
fn numbered(plan: &LogicalPlan, name: &str) -> Result<LogicalPlan> {
    LogicalPlanBuilder::from(plan.clone()).window([row_number().alias(name)])?.build()
}

fn join(found: &Found, left: LogicalPlan, right: LogicalPlan, kind: JoinType) -> Result<LogicalPlan> {
    let Join { on, filter, join_constraint, null_equality, .. } = &found.node;
    let (on, filter) = (on.clone(), filter.clone());
    let (left, right) = (Arc::new(left), Arc::new(right));
    Ok(LogicalPlan::Join(Join::try_new(left, right, on, filter, kind, *join_constraint, *null_equality, false)?))
}

/// Of the rows of one side that have partners: how many they are, how many pairs they are in, and the most partners.
async fn matched(context: &SessionContext, inner: &LogicalPlan, side: &str) -> Result<(u64, u64, u64)> {
    let number = || Expr::Column(Column::new_unqualified(side));
    let named = |name: &str| Expr::Column(Column::new_unqualified(name));
    let plan = LogicalPlanBuilder::from(inner.clone())
        .aggregate([number()], [count(lit(1_i64)).alias("__n")])?
        .aggregate(
            Vec::<Expr>::new(),
            [count(lit(1_i64)).alias("__rows"), sum(named("__n")).alias("__pairs"), max(named("__n")).alias("__most")],
        )?
        .build()?;
    let numbers = numbers(&run(context, plan).await?);
    let at = |index: usize| numbers.get(index).copied().unwrap_or(0);
    Ok((at(0), at(1), at(2)))
}

async fn rows(context: &SessionContext, plan: &LogicalPlan) -> Result<u64> {
    let plan = LogicalPlanBuilder::from(plan.clone())
        .aggregate(Vec::<Expr>::new(), [count(lit(1_i64)).alias("__rows")])?
        .build()?;
    Ok(numbers(&run(context, plan).await?).first().copied().unwrap_or(0))
}

/// The first row of whole numbers; null is none.
fn numbers(batch: &datafusion::arrow::array::RecordBatch) -> Vec<u64> {
    let table = arrow::to_table(batch).unwrap_or_default();
    let first = |values: &Values| match values {
        Values::Int(values) => values.first().copied().flatten().unwrap_or(0) as u64,
        _ => 0,
    };
    table.columns.iter().map(|column| first(&column.values)).collect()
}

/// The first different keys in a plan: the columns of the condition that are on this side.
async fn keys(
    context: &SessionContext,
    found: &Found,
    plan: LogicalPlan,
    side: &DFSchema,
    most: usize,
) -> Result<Vec<String>> {
    let mut columns: Vec<Column> = Vec::new();
    for column in found.columns().into_iter().filter(|column| side.has_column(column)) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    if columns.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let expressions: Vec<Expr> = columns.into_iter().map(Expr::Column).collect();
    let order: Vec<SortExpr> = expressions.iter().map(|column| column.clone().sort(true, false)).collect();
    let plan = LogicalPlanBuilder::from(plan).project(expressions)?.distinct()?.sort(order)?.limit(0, Some(most))?;
    let table = arrow::to_table(&run(context, plan.build()?).await?).unwrap_or_default();
    Ok((0..Table::rows(&table)).map(|row| key(&table, &names, row)).collect())
}

fn key(table: &Table, names: &[String], row: usize) -> String {
    let values = table.columns.iter().zip(names);
    let values = values.map(|(column, name)| {
        let text = column.values.text(row).map(|text| if text.is_empty() { "''".to_string() } else { text });
        format!("{name}={}", text.unwrap_or_else(|| "null".to_string()))
    });
    values.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Column;
    use crate::write;

    #[test]
    fn every_join_says_what_it_matched() {
        let folder = tempfile::tempdir().expect("a folder");
        let add = |name: &str, ids: &[Option<i64>], letters: &[&str]| {
            let letters = letters.iter().map(|letter| Some(letter.to_string())).collect();
            let place = Values::Int((0..ids.len() as i64).map(Some).collect());
            let columns = vec![("place", place), ("id", Values::Int(ids.to_vec())), ("letter", Values::Text(letters))];
            let columns = columns.into_iter().map(|(name, values)| Column { name: name.to_string(), values });
            let table = Table::new(columns.collect()).expect("a table");
            write::write(&folder.path().join(name), &table, &["place".to_string()]).expect("written");
        };
        add("a", &[Some(1), Some(2), Some(2), None], &["x", "y", "z", "x"]);
        add("b", &[Some(2), Some(2), Some(3)], &["x", "", "z"]);
        let shown = |text: &str| -> Vec<String> {
            let query = super::super::parse(text).expect(text);
            let paths = ["a", "b"].map(|name| (name.to_string(), folder.path().join(name)));
            let sources: Vec<Source> =
                paths.iter().map(|(table, path)| Source { table: table.clone(), path }).collect();
            let found =
                joins(&query, &sources, 2, &RunOptions::default()).unwrap_or_else(|error| panic!("{text}: {error}"));
            let side = |side: &Side| {
                let Side { rows, unmatched, most, sample } = side;
                format!("{rows}/{unmatched}/{most} [{}]", sample.join("; "))
            };
            let line = |one: &Matches| {
                let place = one.place.map_or(String::new(), |(line, column)| format!("{line}:{column} "));
                format!("{place}{} | {} | {} {} {}", one.text, one.kind, side(&one.left), side(&one.right), one.pairs)
            };
            found.iter().map(line).collect()
        };
        for (text, expected) in [
            (
                "select a.letter from a\njoin b on b.id = a.id",
                vec!["2:6 JOIN b ON b.id = a.id | inner | 4/2/2 [id=1; id=null] 3/1/2 [id=3] 4"],
            ),
            (
                "select a.id from a left join b as c using (letter)",
                vec!["1:30 LEFT JOIN b AS c USING(letter) | left | 4/1/1 [letter=y] 3/1/2 [letter=''] 3"],
            ),
            (
                "select 1 as one from a left join b on b.id = a.id and b.letter > a.letter",
                vec![
                    "1:34 LEFT JOIN b ON b.id = a.id AND b.letter > a.letter | left | \
                     4/4/0 [id=1, letter=x; id=2, letter=y] 3/3/0 [id=2, letter=''; id=2, letter=x] 0",
                ],
            ),
            ("select 1 as one from a, b", vec!["1:25 , b | cross | 4/0/3 [] 3/0/4 [] 12"]),
            (
                "with c as (select id from b where id in (select id from a))\nselect a.id from a left anti join c on c.id = a.id",
                vec![
                    "1:35 id IN (SELECT id FROM a) | in | 3/1/2 [id=3] 4/2/2 [id=1; id=null] 4",
                    "2:35 LEFT ANTI JOIN c ON c.id = a.id | anti | 4/2/2 [id=1; id=null] 2/0/2 [] 4",
                ],
            ),
            (
                "with c as (select a.id from a join b on a.id = b.id) select 1 as one from c as p cross join c as q",
                vec![
                    "1:36 JOIN b ON a.id = b.id | inner | 4/2/2 [id=1; id=null] 3/1/2 [id=3] 4",
                    "1:93 CROSS JOIN c AS q | cross | 4/0/4 [] 4/0/4 [] 16",
                ],
            ),
            ("select (select max(b.id) from b where b.id = a.id) as m from a", vec![]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
