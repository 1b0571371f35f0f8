//! Terms as columns of numbers over the rows of the sample. Knows no missing values: `sample` left them out.

use super::groups::Grouping;
use super::{ColumnData, Data, Regressor};
use crate::error::StatsError;
use crate::formula::{Formula, Level, Term, Variable};

pub(super) struct Expanded {
    pub(super) outcome: Vec<f64>,
    pub(super) regressors: Vec<Regressor>,
    /// Factor and reference level.
    pub(super) references: Vec<(String, String)>,
    /// Terms that make no column, and why.
    pub(super) dropped: Vec<(String, String)>,
}

pub(super) fn expand(formula: &Formula, data: &Data, rows: &[usize]) -> Result<Expanded, StatsError> {
    let outcome = match &formula.outcome {
        Variable::Log(column) => logarithms(data, column, rows)?,
        other => numbers(data, other.column(), "the outcome", rows)?,
    };
    let mut expanded = Expanded { outcome, regressors: Vec::new(), references: Vec::new(), dropped: Vec::new() };
    for term in &formula.terms {
        let mut product: Option<Vec<Regressor>> = None;
        for variable in &term.variables {
            let columns = match variable {
                Variable::Log(column) => {
                    vec![Regressor { term: variable.to_string(), values: logarithms(data, column, rows)? }]
                }
                Variable::Column(column) if matches!(data.columns[column], ColumnData::Float(_)) => {
                    vec![Regressor { term: column.clone(), values: numbers(data, column, "a regressor", rows)? }]
                }
                Variable::Column(column) => {
                    let all_levels = !holds_without(formula, term, variable);
                    dummies(data, column, None, all_levels, rows, &mut expanded.references)?
                }
                Variable::Factor { column, reference } => {
                    let all_levels = reference.is_none() && !holds_without(formula, term, variable);
                    dummies(data, column, reference.as_ref(), all_levels, rows, &mut expanded.references)?
                }
            };
            product = Some(match product {
                None => columns,
                Some(left) => multiply(&left, &columns),
            });
        }
        let product = product.unwrap_or_default();
        if product.is_empty() {
            expanded.dropped.push((term.to_string(), "its factor has the reference level only".to_string()));
        }
        expanded.regressors.extend(product);
    }
    Ok(expanded)
}

/// The values of a column of numbers.
pub(super) fn numbers(data: &Data, column: &str, role: &'static str, rows: &[usize]) -> Result<Vec<f64>, StatsError> {
    match &data.columns[column] {
        ColumnData::Text(_) => Err(StatsError::NotNumber { column: column.to_string(), role }),
        ColumnData::Float(values) => Ok(rows.iter().map(|row| values[*row].unwrap_or_default()).collect()),
    }
}

fn logarithms(data: &Data, column: &str, rows: &[usize]) -> Result<Vec<f64>, StatsError> {
    Ok(numbers(data, column, "a logarithm", rows)?.into_iter().map(core_math::log).collect())
}

/// Whether the model holds `term` without `variable`; without its only variable that is the intercept, for which fixed
/// effects stand too. Then the levels of `variable` add up to something that is in the model already, and one of them
/// must be the reference (Chambers & Hastie 1992, §2.4.1, the rule of R).
fn holds_without(formula: &Formula, term: &Term, variable: &Variable) -> bool {
    let variables = term.variables.iter().filter(|other| *other != variable).cloned().collect();
    let rest = Term { variables };
    if rest.variables.is_empty() {
        return formula.intercept || !formula.effects.is_empty();
    }
    formula.terms.iter().any(|term| term.same(&rest))
}

fn dummies(
    data: &Data,
    column: &str,
    reference: Option<&Level>,
    all_levels: bool,
    rows: &[usize],
    references: &mut Vec<(String, String)>,
) -> Result<Vec<Regressor>, StatsError> {
    let grouping = Grouping::of(&data.columns[column], rows);
    let left_out = match reference {
        Some(wanted) => {
            let found = grouping.labels.iter().position(|label| same_level(label, wanted));
            Some(found.ok_or_else(|| StatsError::UnknownLevel {
                column: column.to_string(),
                level: wanted.to_string(),
                known: grouping.labels.iter().map(Level::to_string).collect(),
            })?)
        }
        None if all_levels => None,
        None => Some(0),
    };
    if let Some(level) = left_out {
        let reference = (column.to_string(), grouping.labels[level].to_string());
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    let dummy = |level: usize| Regressor {
        term: format!("{column}::{}", grouping.labels[level]),
        values: grouping.codes.iter().map(|code| f64::from(u8::from(*code as usize == level))).collect(),
    };
    Ok((0..grouping.labels.len()).filter(|level| Some(*level) != left_out).map(dummy).collect())
}

/// A number may be written as a text and the other way round: `ref = "2003"`.
fn same_level(label: &Level, wanted: &Level) -> bool {
    label == wanted || label.to_string() == wanted.to_string()
}

fn multiply(left: &[Regressor], right: &[Regressor]) -> Vec<Regressor> {
    let mut products = Vec::with_capacity(left.len() * right.len());
    for left in left {
        for right in right {
            products.push(Regressor {
                term: format!("{}:{}", left.term, right.term),
                values: left.values.iter().zip(&right.values).map(|(left, right)| left * right).collect(),
            });
        }
    }
    products
}
