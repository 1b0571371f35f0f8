//! The probability of being treated given covariates, by a logit. Knows no panel.
//!
//! Newton's method for the weighted likelihood. The score is summed in twice the precision, so that the solution is right
//! to the last digits whatever the rounding of the steps.

use crate::staggered::regression::{self, Factor};
use crate::twofold::{self, Twofold};

/// Comparison units that are treated with this probability or more get no weight, as in R's `DRDID`.
pub(super) const TRIMMED_FROM: f64 = 0.995;

/// A probability from here on means that the covariates tell treated from untreated: no overlap. As in R's `did`.
const NO_OVERLAP: f64 = 0.999;

const STEPS: usize = 50;

pub(super) struct Propensity {
    /// One per row.
    pub(super) scores: Vec<f64>,
    /// Of Σ w p(1 - p) x x'.
    pub(super) hessian: Factor,
}

/// `columns` hold the constant and the covariates; `comparison` the weights of the comparison, 0 for the treated.
pub(super) fn logit(
    columns: &[Vec<f64>],
    treated: &[bool],
    weights: &[f64],
    comparison: &[f64],
) -> Result<Propensity, String> {
    let n_rows = treated.len();
    let mut linear = vec![0.0; n_rows];
    let mut last_change = f64::INFINITY;
    for _ in 0..STEPS {
        let scores: Vec<f64> = linear.iter().map(|linear| 1.0 / (1.0 + core_math::exp(-linear))).collect();
        let spread: Vec<f64> =
            scores.iter().zip(weights).map(|(score, weight)| weight * score * (1.0 - score)).collect();
        let hessian = normal_equations(columns, &spread);
        if last_change < 1e-8 {
            // The change after this one would be its square, below all digits.
            let is_used = |(score, weight): (&f64, &f64)| *score < TRIMMED_FROM && *weight > 0.0;
            if scores.iter().any(|score| *score >= NO_OVERLAP) || !scores.iter().zip(comparison).any(is_used) {
                break;
            }
            return Ok(Propensity { scores, hessian });
        }
        let rest: Vec<f64> =
            (0..n_rows).map(|row| weights[row] * (f64::from(u8::from(treated[row])) - scores[row])).collect();
        let gradient: Vec<Twofold> = columns.iter().map(|column| twofold::dot(column, &rest)).collect();
        let step = hessian.solve(&gradient);
        last_change = 0.0;
        for (row, linear) in linear.iter_mut().enumerate() {
            let change: f64 = columns.iter().zip(&step).map(|(column, step)| column[row] * step).sum();
            *linear += change;
            last_change = last_change.max(change.abs());
        }
        if !last_change.is_finite() || linear.iter().any(|linear| linear.abs() > 500.0) {
            break;
        }
    }
    Err("the covariates tell treated units from the comparison: no overlap".to_string())
}

/// Σ w x x', factored; `weights` may hold zeros.
pub(super) fn normal_equations(columns: &[Vec<f64>], weights: &[f64]) -> Factor {
    let weighted: Vec<Vec<f64>> = columns
        .iter()
        .map(|column| column.iter().zip(weights).map(|(value, weight)| value * weight).collect())
        .collect();
    let gram: Vec<Vec<Twofold>> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| weighted[..=index].iter().map(|other| twofold::dot(column, other)).collect())
        .collect();
    let squares: Vec<Twofold> = gram.iter().map(|row| row[row.len() - 1]).collect();
    Factor::new(&gram, &squares)
}

/// Σ w x, one per column.
pub(super) fn weighted_sums(columns: &[Vec<f64>], weights: &[f64]) -> Vec<Twofold> {
    columns.iter().map(|column| twofold::dot(column, weights)).collect()
}

/// x'b of each row.
pub(super) fn fitted(columns: &[Vec<f64>], coefficients: &[f64]) -> Vec<f64> {
    let mut fitted = vec![0.0; columns[0].len()];
    for (column, coefficient) in columns.iter().zip(coefficients) {
        fitted.iter_mut().zip(column).for_each(|(sum, value)| *sum += coefficient * value);
    }
    fitted
}

/// Σ w y / Σ w.
pub(super) fn mean(values: &[f64], weights: &[f64]) -> f64 {
    let sum = values
        .iter()
        .zip(weights)
        .fold(Twofold::default(), |sum, (value, weight)| sum + regression::product(*value, *weight));
    (sum / twofold::sum(weights.iter().copied())).value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_solve_the_likelihood_equations() {
        let x: Vec<f64> = (0..40).map(|row| f64::from(row * row % 17) / 4.0).collect();
        let treated: Vec<bool> = (0..40).map(|row| row % 3 == 0 || row % 7 == 1).collect();
        let weights: Vec<f64> = (0..40).map(|row| 1.0 + f64::from(row % 4)).collect();
        let columns = [vec![1.0; 40], x];
        let found = logit(&columns, &treated, &weights, &weights).expect("it overlaps");
        for column in &columns {
            let score: f64 = (0..40)
                .map(|row| weights[row] * (f64::from(u8::from(treated[row])) - found.scores[row]) * column[row])
                .sum();
            assert!(score.abs() < 1e-12, "{score}");
        }
    }

    #[test]
    fn covariates_that_separate_are_told() {
        let x: Vec<f64> = (0..20).map(f64::from).collect();
        let treated: Vec<bool> = (0..20).map(|row| row >= 12).collect();
        assert!(logit(&[vec![1.0; 20], x], &treated, &[1.0; 20], &[1.0; 20]).is_err());
    }
}
