//! Expressions as columns of numbers, one value per row of the data, NaN where there is none.
//! A lag is the value of the same unit in the row whose period is so many earlier: the order of the rows does not
//! matter, and a period that is absent has no value.

use super::{ColumnData, Data, Panel};
use crate::error::StatsError;
use crate::formula::{Comparison, Expression, Formula, Function, Operator};

/// The values of every expression of a formula.
pub(super) struct Evaluated {
    values: Vec<(Expression, Vec<f64>)>,
}

impl Evaluated {
    /// The columns passed `sample::check`.
    pub(super) fn new(formula: &Formula, data: &Data, panel: Option<&Panel>) -> Result<Evaluated, StatsError> {
        let of_terms = formula.variables().filter_map(|variable| variable.expression());
        let of_slopes = formula.effects.iter().flat_map(|effect| &effect.slopes);
        let expressions: Vec<&Expression> = of_terms.chain(of_slopes).collect();
        let neighbours = match (expressions.iter().find(|expression| expression.looks_around()), panel) {
            (None, _) => None,
            (Some(expression), None) => return Err(StatsError::NoPanel { expression: expression.to_string() }),
            (Some(_), Some(panel)) => Some(Neighbours::new(data, panel)?),
        };
        let mut values: Vec<(Expression, Vec<f64>)> = Vec::new();
        for expression in expressions {
            if !values.iter().any(|(known, _)| known == expression) {
                let found = evaluate(expression, data, neighbours.as_ref())?;
                values.push((expression.clone(), found));
            }
        }
        Ok(Evaluated { values })
    }

    /// One per row of the data.
    pub(super) fn of(&self, expression: &Expression) -> &[f64] {
        let found = self.values.iter().find(|(known, _)| known == expression);
        &found.expect("every expression of the formula is evaluated").1
    }
}

/// Rows by unit and period.
pub(super) struct Neighbours {
    /// Unit, period and row, in order.
    ordered: Vec<(u32, i64, usize)>,
    /// Unit and period of each row that has both.
    of_row: Vec<Option<(u32, i64)>>,
}

impl Neighbours {
    pub(super) fn new(data: &Data, panel: &Panel) -> Result<Neighbours, StatsError> {
        let periods = periods(data, &panel.time)?;
        let all: Vec<usize> = (0..data.rows).collect();
        let units = super::groups::Grouping::of(&data.columns[&panel.unit], &all).codes;
        let missing = |row: usize| match &data.columns[&panel.unit] {
            ColumnData::Text(values) => values[row].is_none(),
            ColumnData::Float(values) => values[row].is_none(),
        };
        let of_row: Vec<Option<(u32, i64)>> = all
            .iter()
            .map(|row| periods[*row].filter(|_| !missing(*row)).map(|period| (units[*row], period)))
            .collect();
        let mut ordered: Vec<(u32, i64, usize)> =
            of_row.iter().enumerate().filter_map(|(row, key)| key.map(|(unit, period)| (unit, period, row))).collect();
        ordered.sort_unstable();
        if let Some(pair) = ordered.windows(2).find(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
            return Err(StatsError::SamePeriod {
                unit: panel.unit.clone(),
                time: panel.time.clone(),
                period: pair[0].1,
                rows: [pair[0].2 + 1, pair[1].2 + 1],
            });
        }
        Ok(Neighbours { ordered, of_row })
    }

    /// The row of the same unit `periods` before.
    fn before(&self, row: usize, periods: i64) -> Option<usize> {
        let (unit, period) = self.of_row[row]?;
        let wanted = (unit, period.checked_sub(periods)?);
        let found = self.ordered.binary_search_by(|(unit, period, _)| (*unit, *period).cmp(&wanted)).ok()?;
        Some(self.ordered[found].2)
    }
}

/// A column of periods: whole numbers.
pub(super) fn periods(data: &Data, column: &str) -> Result<Vec<Option<i64>>, StatsError> {
    let ColumnData::Float(values) = &data.columns[column] else {
        return Err(StatsError::NotNumber { column: column.to_string(), role: "a period" });
    };
    let whole = |(row, value): (usize, &Option<f64>)| match value {
        None => Ok(None),
        Some(value) if value.fract() == 0.0 && value.abs() < 1e15 => Ok(Some(*value as i64)),
        Some(value) => Err(StatsError::NotWhole { column: column.to_string(), value: *value, row: row + 1 }),
    };
    values.iter().enumerate().map(whole).collect()
}

fn evaluate(expression: &Expression, data: &Data, neighbours: Option<&Neighbours>) -> Result<Vec<f64>, StatsError> {
    let again = |of: &Expression| evaluate(of, data, neighbours);
    let shifted = |values: &[f64], periods: i64| -> Vec<f64> {
        let neighbours = neighbours.expect("made for every formula that looks around");
        let value = |row: usize| neighbours.before(row, periods).map_or(f64::NAN, |before| values[before]);
        (0..data.rows).map(value).collect()
    };
    Ok(match expression {
        Expression::Column(column) => match &data.columns[column] {
            ColumnData::Text(_) => {
                return Err(StatsError::NotNumber { column: column.clone(), role: "part of an expression" });
            }
            ColumnData::Float(values) => values.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
        },
        Expression::Number(number) => vec![*number; data.rows],
        Expression::Negative(of) => again(of)?.into_iter().map(|value| -value).collect(),
        Expression::Call(function, of) => again(of)?.into_iter().map(|value| call(*function, value)).collect(),
        Expression::Binary(operator, left, right) => {
            let pairs = again(left)?.into_iter().zip(again(right)?);
            pairs.map(|(left, right)| operate(*operator, left, right)).collect()
        }
        Expression::Compare(comparison, left, right) => {
            let pairs = again(left)?.into_iter().zip(again(right)?);
            pairs.map(|(left, right)| compare(*comparison, left, right)).collect()
        }
        Expression::IsText { column, text, equal } => {
            let is = |found: Option<bool>| found.map_or(f64::NAN, |found| f64::from(u8::from(found == *equal)));
            match &data.columns[column] {
                ColumnData::Text(values) => {
                    values.iter().map(|value| is(value.as_ref().map(|value| value == text))).collect()
                }
                ColumnData::Float(values) => {
                    values.iter().map(|value| is(value.map(|value| value.to_string() == *text))).collect()
                }
            }
        }
        Expression::Lag { of, periods } => shifted(&again(of)?, *periods),
        Expression::Difference { of, periods } => {
            let values = again(of)?;
            let before = shifted(&values, *periods);
            values.iter().zip(before).map(|(value, before)| value - before).collect()
        }
    })
}

fn call(function: Function, value: f64) -> f64 {
    match function {
        Function::Abs => value.abs(),
        Function::Asinh => core_math::asinh(value),
        Function::Exp => core_math::exp(value),
        Function::Log => core_math::log(value),
        Function::Log10 => core_math::log10(value),
        Function::Log1p => core_math::log1p(value),
        Function::Log2 => core_math::log2(value),
        Function::Sqrt => value.sqrt(),
    }
}

fn operate(operator: Operator, left: f64, right: f64) -> f64 {
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
        Operator::Power => core_math::pow(left, right),
    }
}

/// NaN, a missing value, compares with nothing.
fn compare(comparison: Comparison, left: f64, right: f64) -> f64 {
    if left.is_nan() || right.is_nan() {
        return f64::NAN;
    }
    let holds = match comparison {
        Comparison::Less => left < right,
        Comparison::LessOrEqual => left <= right,
        Comparison::Greater => left > right,
        Comparison::GreaterOrEqual => left >= right,
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
    };
    f64::from(u8::from(holds))
}
