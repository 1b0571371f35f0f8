//! Which rows a model uses, and for each other row the first reason why not. Knows no group codes and no terms.

use super::evaluate::Evaluated;
use super::groups::{Grouping, Known};
use super::{ColumnData, Data};
use crate::error::StatsError;
use crate::formula::{Expression, Formula, Function, Variable};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Whether a row is in the sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleFlag {
    Used,
    Dropped(DropReason),
}

/// Why a row is not in the sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// [`Data::keep`] says so.
    NotKept,
    /// The row lacks a value; the first column in the order of the formula, then clusters and weights.
    Missing { column: String },
    /// The logarithm of 0 or less.
    Logarithm { column: String },
    /// Another expression without a value: a root of a negative number, a quotient by 0, the lag of a first period.
    Undefined { expression: String },
    /// A weight of 0.
    Weight { column: String },
    /// The regressors or effects tell that the outcome is 0, so that a likelihood has no maximum with the row.
    Separated,
    /// Alone in a level of this fixed effect, perhaps after others were left out.
    Singleton { effect: String },
    /// Of the group that a model is not fitted to.
    OtherGroup,
    /// In or after the first period in which any unit is treated; for placebos in time.
    Treated,
}

/// One flag per row in little memory: most rows are used, and the others share a few reasons.
#[derive(Clone, Debug)]
pub(super) struct Flags {
    rows: usize,
    /// 0 where the row is used, otherwise one more than the position of its reason; empty while all are used.
    codes: Vec<u32>,
    reasons: Vec<DropReason>,
    /// One by one, from when they are asked for.
    shown: OnceLock<Vec<SampleFlag>>,
}

impl Flags {
    fn new(rows: usize) -> Flags {
        Flags { rows, codes: Vec::new(), reasons: Vec::new(), shown: OnceLock::new() }
    }

    pub(super) fn drop_row(&mut self, row: usize, reason: &DropReason) {
        let known = self.reasons.iter().position(|known| known == reason);
        let position = known.unwrap_or_else(|| {
            self.reasons.push(reason.clone());
            self.reasons.len() - 1
        });
        self.codes.resize(self.rows, 0);
        self.codes[row] = position as u32 + 1;
        self.shown = OnceLock::new();
    }

    /// Drops the rows that are still in and whose value `is_bad`.
    fn mark<Value>(&mut self, values: &[Value], is_bad: impl Fn(&Value) -> bool, reason: &DropReason) {
        for (row, value) in values.iter().enumerate() {
            if is_bad(value) && self.codes.get(row).is_none_or(|code| *code == 0) {
                self.drop_row(row, reason);
            }
        }
    }

    /// Positions of the rows in the sample.
    pub(super) fn used(&self) -> Vec<usize> {
        if self.codes.is_empty() {
            return (0..self.rows).collect();
        }
        let mut used = Vec::with_capacity(self.codes.iter().filter(|code| **code == 0).count());
        used.extend((0..self.rows).filter(|row| self.codes[*row] == 0));
        used
    }

    /// The other rows, in their order.
    pub(super) fn dropped(&self) -> impl Iterator<Item = (usize, &DropReason)> {
        let dropped = self.codes.iter().enumerate().filter(|(_, code)| **code > 0);
        dropped.map(move |(row, code)| (row, &self.reasons[*code as usize - 1]))
    }

    /// One per row.
    pub(super) fn shown(&self) -> &[SampleFlag] {
        self.shown.get_or_init(|| {
            let mut flags = vec![SampleFlag::Used; self.rows];
            self.dropped().for_each(|(row, reason)| flags[row] = SampleFlag::Dropped(reason.clone()));
            flags
        })
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            DropReason::NotKept => formatter.write_str("not kept"),
            DropReason::Missing { column } => write!(formatter, "missing `{column}`"),
            DropReason::Logarithm { column } => write!(formatter, "log of a value of `{column}` that is not positive"),
            DropReason::Undefined { expression } => write!(formatter, "no value of `{expression}`"),
            DropReason::Weight { column } => write!(formatter, "weight `{column}` is 0"),
            DropReason::Separated => formatter.write_str("separated"),
            DropReason::OtherGroup => formatter.write_str("of the other group"),
            DropReason::Treated => formatter.write_str("from the first treatment on"),
            DropReason::Singleton { effect } => write!(formatter, "singleton in `{effect}`"),
        }
    }
}

/// The columns of a formula in the order of its text, each once per mention.
pub(super) fn columns(formula: &Formula) -> Vec<String> {
    let effects = formula.effects.iter().flat_map(|effect| effect.all_columns());
    formula.variables().flat_map(Variable::columns).chain(effects).map(str::to_string).collect()
}

/// Those among them that a row must have itself: a lag needs the value of another row.
pub(super) fn own_columns(formula: &Formula) -> Vec<String> {
    let effects = formula.effects.iter().flat_map(|effect| {
        let slopes = effect.slopes.iter().flat_map(Expression::own_columns);
        effect.columns.iter().map(String::as_str).chain(slopes)
    });
    formula.variables().flat_map(Variable::own_columns).chain(effects).map(str::to_string).collect()
}

/// Every column is there, has one value per row, and holds no infinity and no NaN.
pub(super) fn check(data: &Data, names: &[String]) -> Result<(), StatsError> {
    if let Some(keep) = data.keep.as_ref().filter(|keep| keep.len() != data.rows) {
        return Err(StatsError::ColumnLength { column: "keep".to_string(), found: keep.len(), rows: data.rows });
    }
    for name in names {
        let Some(column) = data.columns.get(name) else {
            let known = data.columns.keys().cloned().collect();
            return Err(StatsError::UnknownColumn { column: name.clone(), known });
        };
        let found = match column {
            ColumnData::Text(values) => values.len(),
            ColumnData::Float(values) => values.len(),
        };
        if found != data.rows {
            return Err(StatsError::ColumnLength { column: name.clone(), found, rows: data.rows });
        }
        if let ColumnData::Float(values) = column {
            // A row that another column leaves out counts too: the value is wrong wherever it stands.
            if let Some((value, row, count)) = offending(data, values, |value| !value.is_finite()) {
                return Err(StatsError::NotFinite { column: name.clone(), value, row, count });
            }
        }
    }
    Ok(())
}

/// One flag per row; singletons are found later, among the rows that are left here. `names`, the columns that a row must
/// have, passed [`check`].
pub(super) fn flags(
    formula: &Formula,
    data: &Data,
    evaluated: &Evaluated,
    names: &[String],
    weights: Option<&str>,
) -> Result<Flags, StatsError> {
    let mut flags = Flags::new(data.rows);
    if let Some(keep) = &data.keep {
        flags.mark(keep, |keep| !keep, &DropReason::NotKept);
    }
    for name in names {
        let reason = DropReason::Missing { column: name.clone() };
        match &data.columns[name] {
            ColumnData::Text(values) => flags.mark(values, Option::is_none, &reason),
            ColumnData::Float(values) => flags.mark(values, Option::is_none, &reason),
        }
    }
    let of_terms = formula.variables().filter_map(Variable::expression);
    for expression in of_terms.chain(formula.effects.iter().flat_map(|effect| &effect.slopes)) {
        let reason = match expression {
            Expression::Call(Function::Log, of) => match of.as_ref() {
                Expression::Column(column) => DropReason::Logarithm { column: column.clone() },
                _ => DropReason::Undefined { expression: expression.to_string() },
            },
            _ => DropReason::Undefined { expression: expression.to_string() },
        };
        flags.mark(evaluated.of(expression), |value| !value.is_finite(), &reason);
    }
    if let Some(column) = weights
        && let ColumnData::Float(values) = &data.columns[column]
    {
        if let Some((value, row, count)) = offending(data, values, |value| value < 0.0) {
            return Err(StatsError::NegativeWeight { column: column.to_string(), value, row, count });
        }
        flags.mark(values, |value| *value == Some(0.0), &DropReason::Weight { column: column.to_string() });
    }
    Ok(flags)
}

/// Rows that are alone in a level of an effect, repeated among the rows that are left until there are none: leaving a
/// row out may leave another alone. As `reghdfe` does (Correia 2015).
pub(super) fn singletons(formula: &Formula, data: &Data, rows: &[usize], known: &mut Known) -> Vec<(usize, String)> {
    let effects: Vec<(String, Arc<Grouping>)> = formula
        .effects
        .iter()
        .filter(|effect| effect.means)
        .map(|effect| (effect.group_name(), known.of(data, &effect.columns, rows)))
        .collect();
    let has_single = |grouping: &Grouping| {
        let mut counts = vec![0_u32; grouping.labels.len()];
        grouping.codes.iter().for_each(|code| counts[*code as usize] += 1);
        counts.contains(&1)
    };
    if !effects.iter().any(|(_, grouping)| has_single(grouping)) {
        return Vec::new();
    }
    let mut left: Vec<usize> = (0..rows.len()).collect();
    let mut alone = Vec::new();
    loop {
        let before = left.len();
        for (name, grouping) in &effects {
            let mut counts = vec![0_u32; grouping.labels.len()];
            left.iter().for_each(|position| counts[grouping.codes[*position] as usize] += 1);
            left.retain(|position| {
                let single = counts[grouping.codes[*position] as usize] == 1;
                if single {
                    alone.push((rows[*position], name.clone()));
                }
                !single
            });
        }
        if left.len() == before {
            return alone;
        }
    }
}

/// How many rows each reason leaves out.
pub(super) fn reasons(flags: &Flags) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    flags.dropped().for_each(|(_, reason)| *counts.entry(reason.to_string()).or_default() += 1);
    counts.into_iter().collect()
}

/// First value that `is_bad` in a row that is kept, its 1-based row, and how many there are.
fn offending(data: &Data, values: &[Option<f64>], is_bad: impl Fn(f64) -> bool) -> Option<(f64, usize, usize)> {
    let is_kept = |row: usize| data.keep.as_ref().is_none_or(|keep| keep[row]);
    let mut bad = values
        .iter()
        .enumerate()
        .filter_map(|(row, value)| Some((row, value.filter(|value| is_bad(*value) && is_kept(row))?)));
    let (row, value) = bad.next()?;
    Some((value, row + 1, 1 + bad.count()))
}
