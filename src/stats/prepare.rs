//! Columns as the solver wants them, and results back in the user's units. Knows no fixed effects and no inference.
//!
//! A column is centred where the model holds a constant, so that years and large numbers do not cost digits; scaled by a
//! power of two, which rounds nothing; and multiplied by the roots of the weights, which turns weighted least squares
//! into plain ones.

use crate::design::Design;
use crate::solve::{self, Matrix};
use crate::twofold;

/// A column whose values differ by less than this share of their size is a constant with rounding errors.
const CONSTANT: f64 = 1e-13;

/// A column as the solver sees it: `values * scale + centre` is what the user has.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) values: Vec<f64>,
    pub(crate) units: Units,
}

#[derive(Clone, Copy)]
pub(crate) struct Units {
    pub(crate) centre: f64,
    /// A power of two, so that scaling rounds nothing and no product overflows.
    pub(crate) scale: f64,
}

impl Prepared {
    pub(crate) fn new(design: &Design, values: &[f64]) -> Prepared {
        let centre = match &design.weights {
            _ if !centred(design) => 0.0,
            None => twofold::mean(values),
            Some(weights) => twofold::weighted_mean(values, weights),
        };
        let mut values: Vec<f64> = values.iter().map(|value| value - centre).collect();
        let scale = power_of_two(largest(&values));
        values.iter_mut().for_each(|value| *value /= scale);
        Prepared { values, units: Units { centre, scale } }
    }

    /// The constant, before its weights.
    pub(crate) fn ones(design: &Design) -> Prepared {
        Prepared { values: vec![1.0; design.n_obs()], units: Units { centre: 0.0, scale: 1.0 } }
    }

    /// Adds nothing to a constant.
    pub(crate) fn is_constant(&self) -> bool {
        largest(&self.values) * self.units.scale <= CONSTANT * self.units.centre.abs()
    }

    /// Σ w (y - ȳ)² in the column's own units, before its weights.
    pub(crate) fn total_sum_of_squares(&self, design: &Design) -> f64 {
        let mean = match &design.weights {
            None => twofold::mean(&self.values),
            Some(weights) => twofold::weighted_mean(&self.values, weights),
        };
        let mut deviations = Prepared { values: self.values.iter().map(|value| value - mean).collect(), ..*self };
        deviations.weight(roots(design).as_deref());
        twofold::dot(&deviations.values, &deviations.values).value()
    }

    pub(crate) fn weight(&mut self, roots: Option<&[f64]>) {
        if let Some(roots) = roots {
            self.values.iter_mut().zip(roots).for_each(|(value, root)| *value *= root);
        }
    }
}

/// Whether a constant is in the model, by itself or in the fixed effects.
pub(crate) fn centred(design: &Design) -> bool {
    design.intercept || !design.effects.is_empty()
}

/// The square roots of the weights.
pub(crate) fn roots(design: &Design) -> Option<Vec<f64>> {
    design.weights.as_ref().map(|weights| weights.iter().map(|weight| weight.sqrt()).collect())
}

/// Coefficients in the user's units; an intercept, which comes first, is moved from the mean of the regressors to their 0.
pub(crate) fn coefficients_in_units(solution: &[f64], columns: &[Units], outcome: Units, intercept: bool) -> Vec<f64> {
    let mut coefficients: Vec<f64> =
        solution.iter().zip(columns).map(|(value, column)| value * (outcome.scale / column.scale)).collect();
    if intercept {
        let centres: Vec<f64> = columns.iter().map(|column| -column.centre).collect();
        coefficients[0] = twofold::dot(&centres, &coefficients).plus(outcome.centre).plus(coefficients[0]).value();
    }
    coefficients
}

/// The variance of [`coefficients_in_units`].
pub(crate) fn variance_in_units(mut variance: Matrix, columns: &[Units], outcome: Units, intercept: bool) -> Matrix {
    for (row, left) in variance.iter_mut().zip(columns) {
        for (value, right) in row.iter_mut().zip(columns) {
            *value *= (outcome.scale / left.scale) * (outcome.scale / right.scale);
        }
    }
    if !intercept {
        return variance;
    }
    let size = columns.len();
    let mut moved: Matrix =
        (0..size).map(|row| (0..size).map(|column| f64::from(u8::from(row == column))).collect()).collect();
    moved[0].iter_mut().zip(columns).skip(1).for_each(|(entry, column)| *entry = -column.centre);
    solve::sandwich(&moved, &variance)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The power of two at or just below `value`; 1 for 0.
fn power_of_two(value: f64) -> f64 {
    const EXPONENT: u64 = 0x7ff << 52;
    match f64::from_bits(value.to_bits() & EXPONENT) {
        power if power >= f64::MIN_POSITIVE => power,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_powers_of_two() {
        for (value, expected) in
            [(1.0, 1.0), (1.9, 1.0), (1e300, 2_f64.powi(996)), (0.3, 0.25), (0.0, 1.0), (1e-310, 1.0)]
        {
            assert_eq!(power_of_two(value), expected, "{value}");
        }
    }
}
