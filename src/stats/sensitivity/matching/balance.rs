//! Whether matched rows are alike: covariates of treated and untreated rows before and after (Rosenbaum & Rubin 1985).
//!
//! The standardised bias is 100 (x̄₁ - x̄₀)/√((s₁² + s₀²)/2), with the variances before matching in both, so that it changes with
//! the means only. The t test is of the weighted regression of the covariate on the treatment, with weights that sum to
//! the number of rows above 0 and n - 2 degrees of freedom: before matching it is the test for equal variances.

use crate::error::StatsError;
use crate::sensitivity::error::SensitivityError;
use crate::{student, twofold};

/// One covariate, with a value per row.
#[derive(Clone, Copy, Debug)]
pub struct Covariate<'a> {
    pub name: &'a str,
    pub values: &'a [f64],
}

/// One line of a balance table.
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    pub covariate: String,
    pub before: Group,
    pub after: Group,
    /// In per cent of the absolute bias before; NaN where that is 0.
    pub bias_reduction: f64,
}

/// Treated against untreated rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    pub treated_mean: f64,
    pub untreated_mean: f64,
    /// In per cent of a standard deviation; 0 where the covariate does not vary and the means are equal.
    pub bias: f64,
    pub t: f64,
    pub p_value: f64,
    /// Of the treated rows over that of the untreated; NaN where one of them is 0 or has one row.
    pub variance_ratio: f64,
}

/// One line per covariate; `weights` are those of the matching.
pub fn balance(treated: &[bool], weights: &[f64], covariates: &[Covariate]) -> Result<Vec<Balance>, StatsError> {
    both_groups(treated)?;
    if weights.len() != treated.len() {
        return Err(SensitivityError::Rows { what: "weights", found: weights.len(), rows: treated.len() }.into());
    }
    if let Some(position) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
        let (what, value) = ("weight", weights[position]);
        return Err(SensitivityError::NotFinite { what, position: position + 1, value }.into());
    }
    let kept: Vec<bool> = treated.iter().zip(weights).filter(|(_, weight)| **weight > 0.0).map(|(is, _)| *is).collect();
    both_groups(&kept)?;
    let ones = vec![1.0; treated.len()];
    let mut lines = Vec::with_capacity(covariates.len());
    for covariate in covariates {
        if covariate.values.len() != treated.len() {
            let found = covariate.values.len();
            return Err(SensitivityError::Rows { what: "values of a covariate", found, rows: treated.len() }.into());
        }
        if let Some(row) = covariate.values.iter().position(|value| !value.is_finite()) {
            let (column, value) = (covariate.name.to_string(), covariate.values[row]);
            return Err(StatsError::NotFinite { column, value, row: row + 1, count: 1 });
        }
        let [first, second] = moments(treated, &ones, covariate.values);
        let spread = (0.5 * (first.variance.max(0.0) + second.variance.max(0.0))).sqrt();
        let before = group(&[first, second], spread);
        let after = group(&moments(treated, weights, covariate.values), spread);
        let bias_reduction = 100.0 * (1.0 - after.bias.abs() / before.bias.abs());
        let bias_reduction = if before.bias == 0.0 { f64::NAN } else { bias_reduction };
        lines.push(Balance { covariate: covariate.name.to_string(), before, after, bias_reduction });
    }
    Ok(lines)
}

pub(super) fn both_groups(treated: &[bool]) -> Result<(), SensitivityError> {
    for (group, wanted) in [("treated", true), ("untreated", false)] {
        if !treated.contains(&wanted) {
            return Err(SensitivityError::NoGroup { group });
        }
    }
    Ok(())
}

/// Of the rows of one group.
#[derive(Clone, Copy)]
struct Moments {
    rows: f64,
    total: f64,
    mean: f64,
    /// Σ w (x - x̄)².
    squares: f64,
    /// Over n - 1; 0 of one row.
    variance: f64,
}

/// The treated rows first.
fn moments(treated: &[bool], weights: &[f64], values: &[f64]) -> [Moments; 2] {
    [true, false].map(|wanted| {
        let rows: Vec<usize> =
            (0..treated.len()).filter(|row| treated[*row] == wanted && weights[*row] > 0.0).collect();
        let weights: Vec<f64> = rows.iter().map(|row| weights[*row]).collect();
        let values: Vec<f64> = rows.iter().map(|row| values[*row]).collect();
        let mean = twofold::weighted_mean(&values, &weights);
        let squares = twofold::sum(values.iter().zip(&weights).map(|(x, w)| w * (x - mean) * (x - mean))).value();
        let (rows, total) = (rows.len() as f64, twofold::sum(weights).value());
        let variance = if rows > 1.0 { squares / total * rows / (rows - 1.0) } else { 0.0 };
        Moments { rows, total, mean, squares, variance }
    })
}

fn group([treated, untreated]: &[Moments; 2], spread: f64) -> Group {
    let difference = treated.mean - untreated.mean;
    let rows = treated.rows + untreated.rows;
    // Weights that sum to the number of rows.
    let scale = rows / (treated.total + untreated.total);
    let variance = scale * (treated.squares + untreated.squares) / (rows - 2.0);
    let std_error = (variance * (1.0 / (scale * treated.total) + 1.0 / (scale * untreated.total))).sqrt();
    let is_equal = difference == 0.0;
    let t = if is_equal { 0.0 } else { difference / std_error };
    let has_spread = treated.variance > 0.0 && untreated.variance > 0.0;
    Group {
        treated_mean: treated.mean,
        untreated_mean: untreated.mean,
        bias: if is_equal { 0.0 } else { 100.0 * difference / spread },
        t,
        p_value: if is_equal { 1.0 } else { student::two_sided(t, rows - 2.0) },
        variance_ratio: if has_spread { treated.variance / untreated.variance } else { f64::NAN },
    }
}
