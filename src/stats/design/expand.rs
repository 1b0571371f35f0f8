//! Terms as columns of numbers over the rows of the sample. Knows no missing values: `sample` left them out.

use super::evaluate::Evaluated;
use super::groups::Grouping;
use super::{ColumnData, Data, Regressor, Slopes};
use crate::error::StatsError;
use crate::formula::{Expression, Formula, Level, Term, Variable};
use crate::twofold;

pub(super) struct Expanded {
    pub(super) outcome: Vec<f64>,
    pub(super) regressors: Vec<Regressor>,
    pub(super) endogenous: Vec<Regressor>,
    pub(super) instruments: Vec<Regressor>,
    /// Factor and reference level.
    pub(super) references: Vec<(String, String)>,
    /// Terms that make no column, and why.
    pub(super) dropped: Vec<(String, String)>,
}

/// A norm below this share of the one before is rounding: the values are too few for the degree.
const POLYNOMIAL: f64 = 1e-20;

pub(super) fn expand(
    formula: &Formula,
    data: &Data,
    evaluated: &Evaluated,
    rows: &[usize],
) -> Result<Expanded, StatsError> {
    let outcome = match &formula.outcome {
        Variable::Expression(expression) => taken(evaluated.of(expression), rows),
        Variable::Column(column) => numbers(data, column, "the outcome", rows)?,
        Variable::Factor { .. } | Variable::Polynomial { .. } => unreachable!("the grammar has no such outcome"),
    };
    let (mut references, mut dropped) = (Vec::new(), Vec::new());
    let mut columns = |terms: &[Term]| -> Result<Vec<Regressor>, StatsError> {
        let mut regressors = Vec::new();
        for term in terms {
            let product = product(formula, term, data, evaluated, rows, &mut references)?;
            if product.is_empty() {
                dropped.push((term.to_string(), "its factor has the reference level only".to_string()));
            }
            regressors.extend(product);
        }
        Ok(regressors)
    };
    let regressors = columns(&formula.terms)?;
    let endogenous = columns(&formula.endogenous)?;
    let instruments = columns(&formula.instruments)?;
    Ok(Expanded { outcome, regressors, endogenous, instruments, references, dropped })
}

/// The columns of one term.
fn product(
    formula: &Formula,
    term: &Term,
    data: &Data,
    evaluated: &Evaluated,
    rows: &[usize],
    references: &mut Vec<(String, String)>,
) -> Result<Vec<Regressor>, StatsError> {
    let mut product: Option<Vec<Regressor>> = None;
    for variable in &term.variables {
        let columns = match variable {
            Variable::Expression(expression) => {
                vec![Regressor { term: variable.to_string(), values: taken(evaluated.of(expression), rows) }]
            }
            Variable::Polynomial { of, degree, power } => {
                let values = orthogonal(&taken(evaluated.of(of), rows), *power)
                    .ok_or_else(|| StatsError::FewValues { expression: of.to_string(), degree: *degree })?;
                vec![Regressor { term: variable.to_string(), values }]
            }
            Variable::Column(column) if matches!(data.columns[column], ColumnData::Float(_)) => {
                vec![Regressor { term: column.clone(), values: numbers(data, column, "a regressor", rows)? }]
            }
            Variable::Column(column) => {
                let all_levels = !holds_without(formula, term, variable);
                dummies(data, column, &[], all_levels, rows, references)?
            }
            Variable::Factor { column, references: wanted } => {
                let all_levels = wanted.is_empty() && !holds_without(formula, term, variable);
                dummies(data, column, wanted, all_levels, rows, references)?
            }
        };
        product = Some(match product {
            None => columns,
            Some(left) => multiply(&left, &columns),
        });
    }
    Ok(product.unwrap_or_default())
}

/// The slopes that are absorbed, one set per effect that has some.
pub(super) fn slopes(
    formula: &Formula,
    data: &Data,
    evaluated: &Evaluated,
    rows: &[usize],
) -> Result<Vec<Slopes>, StatsError> {
    let with_slopes = formula.effects.iter().filter(|effect| !effect.slopes.is_empty());
    with_slopes
        .map(|effect| {
            let variables = effect.slopes.iter().map(|slope| match slope {
                Expression::Column(column) => numbers(data, column, "a slope", rows),
                expression => Ok(taken(evaluated.of(expression), rows)),
            });
            Ok(Slopes {
                group: Grouping::combined(data, &effect.columns, rows).into_group(effect.group_name()),
                name: effect.to_string(),
                means: effect.means,
                variables: variables.collect::<Result<_, StatsError>>()?,
            })
        })
        .collect()
}

/// The values of a column of numbers.
pub(super) fn numbers(data: &Data, column: &str, role: &'static str, rows: &[usize]) -> Result<Vec<f64>, StatsError> {
    match &data.columns[column] {
        ColumnData::Text(_) => Err(StatsError::NotNumber { column: column.to_string(), role }),
        ColumnData::Float(values) => Ok(rows.iter().map(|row| values[*row].unwrap_or_default()).collect()),
    }
}

fn taken(values: &[f64], rows: &[usize]) -> Vec<f64> {
    rows.iter().map(|row| values[*row]).collect()
}

/// The polynomial of degree `power` that is orthogonal to all of lower degree over these rows, of length 1 and with a
/// positive leading coefficient, as R's `poly`: by the recurrence of three terms (Kennedy & Gentle 1980, §8.3).
/// `None` where the values are too few.
fn orthogonal(values: &[f64], power: u32) -> Option<Vec<f64>> {
    let centre = twofold::mean(values);
    let x: Vec<f64> = values.iter().map(|value| value - centre).collect();
    let (mut before, mut current) = (vec![0.0; x.len()], vec![1.0; x.len()]);
    let mut square_before = 1.0;
    let mut square = x.len() as f64;
    let size = twofold::dot(&x, &x).value() / square;
    for _ in 0..power {
        let weighted: Vec<f64> = x.iter().zip(&current).map(|(x, value)| x * value).collect();
        let shift = twofold::dot(&weighted, &current).value() / square;
        let ratio =
            if square_before == 1.0 && before.iter().all(|value| *value == 0.0) { 0.0 } else { square / square_before };
        let next: Vec<f64> =
            weighted.iter().zip(&current).zip(&before).map(|((xp, p), q)| xp - shift * p - ratio * q).collect();
        let next_square = twofold::dot(&next, &next).value();
        if next_square.is_nan() || next_square <= POLYNOMIAL * square * size {
            return None;
        }
        (before, current) = (current, next);
        (square_before, square) = (square, next_square);
    }
    let length = square.sqrt();
    Some(current.into_iter().map(|value| value / length).collect())
}

/// Whether the model holds `term` without `variable`; without its only variable that is the intercept, for which fixed
/// effects stand too. Then the levels of `variable` add up to something that is in the model already, and one of them
/// must be the reference (Chambers & Hastie 1992, §2.4.1, the rule of R).
fn holds_without(formula: &Formula, term: &Term, variable: &Variable) -> bool {
    let variables = term.variables.iter().filter(|other| *other != variable).cloned().collect();
    let rest = Term { variables };
    if rest.variables.is_empty() {
        return formula.intercept || formula.effects.iter().any(|effect| effect.means);
    }
    formula.terms.iter().any(|term| term.same(&rest))
}

fn dummies(
    data: &Data,
    column: &str,
    wanted: &[Level],
    all_levels: bool,
    rows: &[usize],
    references: &mut Vec<(String, String)>,
) -> Result<Vec<Regressor>, StatsError> {
    let grouping = Grouping::of(&data.columns[column], rows);
    let position = |wanted: &Level| {
        let found = grouping.labels.iter().position(|label| same_level(label, wanted));
        found.ok_or_else(|| StatsError::UnknownLevel {
            column: column.to_string(),
            level: wanted.to_string(),
            known: grouping.labels.iter().map(Level::to_string).collect(),
        })
    };
    let left_out: Vec<usize> = match wanted {
        [] if all_levels => Vec::new(),
        [] => vec![0],
        wanted => wanted.iter().map(position).collect::<Result<_, _>>()?,
    };
    for level in &left_out {
        let reference = (column.to_string(), grouping.labels[*level].to_string());
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    let dummy = |level: usize| Regressor {
        term: format!("{column}::{}", grouping.labels[level]),
        values: grouping.codes.iter().map(|code| f64::from(u8::from(*code as usize == level))).collect(),
    };
    Ok((0..grouping.labels.len()).filter(|level| !left_out.contains(level)).map(dummy).collect())
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
