//! The concentrated likelihood of a spatial coefficient: its parts, and where it is largest.

use super::determinant::Determinant;
use super::error::SpatialError;
use super::model::Correction;
use super::regression::{self, Regression};
use crate::solve::{self, Factor, Matrix};
use crate::twofold;

/// The rows and periods that count, and whether the determinant is over 1 - ρ.
pub(crate) struct Counted {
    pub(crate) rows: f64,
    pub(crate) periods: f64,
    pub(crate) less_one: bool,
}

impl Counted {
    pub(crate) fn new(regression: &Regression, correction: Correction) -> Counted {
        let (units, periods) = (regression.panel.weights.n_units() as f64, regression.panel.n_periods as f64);
        let less = |has: bool| f64::from(u8::from(has && correction == Correction::LeeYu));
        let periods = periods - less(regression.effects.of_units());
        let less_one = less(regression.effects.of_periods());
        Counted { rows: (units - less_one) * periods, periods, less_one: less_one > 0.0 }
    }

    /// The log-determinant and its derivative.
    pub(crate) fn log(&self, determinant: &Determinant, rho: f64) -> (f64, f64) {
        let (log, slope) = determinant.log(rho);
        match self.less_one {
            false => (self.periods * log, self.periods * slope),
            true => {
                let rest = 1.0 - rho;
                (self.periods * (log - core_math::log(rest)), self.periods * (slope + 1.0 / rest))
            }
        }
    }
}

/// Σ e² as a function of the spatial coefficient, the others being the best for it.
pub(crate) enum Squares {
    /// Of lag models: residuals of the outcome and of its lag on the regressors, and their products.
    Lag([f64; 3]),
    /// Of error models: products of regressors and residuals, without, once and twice the lag.
    Error([Matrix; 3]),
}

impl Squares {
    pub(crate) fn of_lag(regression: &Regression) -> Squares {
        let lag = &regression.outcome[1];
        let solution = solve::least_squares(&regression.columns, lag).solution;
        let [own, lag] = [&regression.residuals, &regression::rest(lag, &regression.columns, &solution)];
        Squares::Lag([(own, own), (own, lag), (lag, lag)].map(|(left, right)| twofold::dot(left, right).value()))
    }

    pub(crate) fn of_error(regression: &Regression) -> Squares {
        let own: Vec<&Vec<f64>> = regression.columns.iter().chain([&regression.residuals]).collect();
        let lags: Vec<Vec<f64>> = own.iter().map(|column| regression.lag(column)).collect();
        let size = own.len();
        let products = |product: &dyn Fn(usize, usize) -> f64| -> Matrix {
            (0..size).map(|row| (0..size).map(|column| product(row.max(column), row.min(column))).collect()).collect()
        };
        Squares::Error([
            products(&|row, column| twofold::dot(own[row], own[column]).value()),
            products(&|row, column| {
                (twofold::dot(own[row], &lags[column]) + twofold::dot(&lags[row], own[column])).value()
            }),
            products(&|row, column| twofold::dot(&lags[row], &lags[column]).value()),
        ])
    }

    /// And the derivative, for which the other coefficients may be held (they are the best).
    pub(crate) fn at(&self, rho: f64) -> (f64, f64) {
        match self {
            Squares::Lag([own, both, lag]) => (own - 2.0 * rho * both + rho * rho * lag, 2.0 * (rho * lag - both)),
            Squares::Error([own, both, lag]) => {
                let size = own.len();
                let entry = |row: usize, column: usize| {
                    own[row][column] - rho * both[row][column] + rho * rho * lag[row][column]
                };
                let matrix: Matrix =
                    (0..size - 1).map(|row| (0..size - 1).map(|column| entry(row, column)).collect()).collect();
                let scale: Vec<f64> = (0..size - 1).map(|index| entry(index, index)).collect();
                let right: Vec<f64> = (0..size - 1).map(|row| entry(row, size - 1)).collect();
                let mut direction: Vec<f64> =
                    Factor::new(&matrix, &scale).solve(&right).into_iter().map(|coefficient| -coefficient).collect();
                direction.push(1.0);
                let form = |entry: &dyn Fn(usize, usize) -> f64| {
                    let of_row = |row: usize| -> f64 {
                        let entries: Vec<f64> = (0..size).map(|column| entry(row, column)).collect();
                        direction[row] * twofold::dot(&entries, &direction).value()
                    };
                    twofold::sum((0..size).map(of_row)).value()
                };
                let slope = |row: usize, column: usize| 2.0 * rho * lag[row][column] - both[row][column];
                (form(&entry), form(&slope))
            }
        }
    }
}

/// Where a likelihood, given with its derivative, is largest.
pub(crate) fn maximum((low, high): (f64, f64), likelihood: impl Fn(f64) -> (f64, f64)) -> Result<f64, SpatialError> {
    const VALUES: usize = 64;
    let at = |index: usize| low + (high - low) * (index as f64 / VALUES as f64);
    let value = |index: &usize| likelihood(at(*index)).0;
    // Of equal values the first.
    let best = (1..VALUES).rev().max_by(|left, right| value(left).total_cmp(&value(right))).expect("there are many");
    let (mut left, mut right) = (at(best - 1), at(best + 1));
    let limits = (low, high);
    while right - left > 4e-16 {
        let middle = left + (right - left) / 2.0;
        if middle <= left || middle >= right {
            break;
        }
        if likelihood(middle).1 > 0.0 {
            left = middle;
        } else {
            right = middle;
        }
    }
    for limit in [limits.0, limits.1] {
        if (left - limit).abs() < 1e-9 {
            return Err(SpatialError::NoMaximum { limit });
        }
    }
    Ok(left)
}
