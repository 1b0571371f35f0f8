//! The expected information of a spatial model, and what its matrix G = W(I - ρW)⁻¹ sums to.

use super::concentrated::Counted;
use super::error::SpatialError;
use super::weights::Weights;
use crate::solve::{self, Matrix};
use crate::twofold;

/// What the matrix G = W(I - ρW)⁻¹ says at the estimate.
pub(crate) struct Information {
    matrix: Matrix,
    /// tr(G), tr(GG) + tr(G'G), on the rows that count.
    trace: f64,
    traces_of_squares: f64,
    /// tr(G)/n, tr(GG)/n, 1'G1/n, 1'GG1/n.
    pub(crate) mean_trace: f64,
    pub(crate) mean_trace_of_square: f64,
    pub(crate) mean_sum: f64,
    pub(crate) mean_sum_of_square: f64,
}

impl Information {
    pub(crate) fn new(weights: &Weights, rho: f64, counted: &Counted) -> Result<Information, SpatialError> {
        let size = weights.n_units();
        let mut system = weights.dense();
        for (unit, row) in system.iter_mut().enumerate() {
            row.iter_mut().for_each(|entry| *entry *= -rho);
            row[unit] += 1.0;
        }
        let inverse = solve::inverse(&system).ok_or(SpatialError::SingularInformation)?;
        let row = |unit: usize| {
            let mut row = vec![0.0; size];
            for (other, weight) in weights.neighbours(unit) {
                row.iter_mut().zip(&inverse[*other]).for_each(|(sum, entry)| *sum += weight * entry);
            }
            row
        };
        let matrix: Matrix = (0..size).map(row).collect();
        let columns: Matrix = (0..size).map(|column| matrix.iter().map(|row| row[column]).collect()).collect();
        let n = size as f64;
        let trace = twofold::sum((0..size).map(|unit| matrix[unit][unit])).value();
        let products = |left: &Matrix, right: &Matrix| {
            twofold::sum(left.iter().zip(right).map(|(left, right)| twofold::dot(left, right).value())).value()
        };
        let (square, cross) = (products(&matrix, &columns), products(&matrix, &matrix));
        let sums = |matrix: &Matrix| -> Vec<f64> {
            matrix.iter().map(|row| twofold::sum(row.iter().copied()).value()).collect()
        };
        let (of_rows, of_columns) = (sums(&matrix), sums(&columns));
        let mean_of_products = twofold::dot(&of_columns, &of_columns).value() / n;
        // The trace over what is left when the mean over units is taken out: G1 = 1/(1 - ρ).
        let ones = 1.0 / (1.0 - rho);
        let (counted_trace, counted_squares) = match counted.less_one {
            false => (trace, square + cross),
            true => (trace - ones, square - ones * ones + cross - mean_of_products),
        };
        Ok(Information {
            trace: counted_trace,
            traces_of_squares: counted_squares,
            mean_trace: trace / n,
            mean_trace_of_square: square / n,
            mean_sum: twofold::mean(&of_rows),
            mean_sum_of_square: twofold::dot(&of_columns, &of_rows).value() / n,
            matrix,
        })
    }

    /// G x in each period.
    pub(crate) fn times(&self, values: &[f64]) -> Vec<f64> {
        let period =
            |values: &[f64]| -> Vec<f64> { self.matrix.iter().map(|row| twofold::dot(row, values).value()).collect() };
        values.chunks(self.matrix.len()).flat_map(period).collect()
    }

    /// The variance of the coefficients and ρ: β, ρ and σ² have the information
    /// X'X/σ², X'g/σ², 0; K (tr GG + tr G'G) + g'g/σ², K tr G/σ²; N/2σ⁴ with g = G(Xβ + effects) in lag models, 0 in error
    /// models (Anselin 1988, §6.2 and §8.1; Elhorst 2003).
    pub(crate) fn inverse(
        &self,
        columns: &[Vec<f64>],
        through: Option<&[f64]>,
        sigma2: f64,
        counted: &Counted,
    ) -> Option<Matrix> {
        let size = columns.len() + 2;
        let mut information = vec![vec![0.0; size]; size];
        let mut set = |row: usize, column: usize, value: f64| {
            information[row][column] = value;
            information[column][row] = value;
        };
        let (rho, variance) = (size - 2, size - 1);
        for (row, left) in columns.iter().enumerate() {
            for (column, right) in columns.iter().enumerate().take(row + 1) {
                set(row, column, twofold::dot(left, right).value() / sigma2);
            }
            set(row, rho, through.map_or(0.0, |through| twofold::dot(left, through).value() / sigma2));
        }
        let signal = through.map_or(0.0, |through| twofold::dot(through, through).value() / sigma2);
        set(rho, rho, counted.periods * self.traces_of_squares + signal);
        set(rho, variance, counted.periods * self.trace / sigma2);
        set(variance, variance, counted.rows / (2.0 * sigma2 * sigma2));
        let inverse = scaled_inverse(&information)?;
        Some(inverse[..size - 1].iter().map(|row| row[..size - 1].to_vec()).collect())
    }
}

/// Of a matrix with a positive diagonal, in units in which that is 1; symmetric to the last bit.
pub(crate) fn scaled_inverse(matrix: &Matrix) -> Option<Matrix> {
    let size = matrix.len();
    let roots: Vec<f64> = (0..size).map(|index| matrix[index][index].sqrt()).collect();
    if roots.iter().any(|root| !root.is_finite() || *root <= 0.0) {
        return None;
    }
    let scaled: Matrix = (0..size)
        .map(|row| (0..size).map(|column| matrix[row][column] / roots[row] / roots[column]).collect())
        .collect();
    let inverse = solve::inverse(&scaled)?;
    let entry =
        |row: usize, column: usize| 0.5 * (inverse[row][column] + inverse[column][row]) / (roots[row] * roots[column]);
    let inverse: Matrix = (0..size).map(|row| (0..size).map(|column| entry(row, column)).collect()).collect();
    (0..size).all(|index| inverse[index][index] > 0.0).then_some(inverse)
}
