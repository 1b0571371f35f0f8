//! Normal equations in twice the precision: Cholesky in the given order of columns, dropping what adds nothing.
//! Knows no model: columns have positions only.
//!
//! Squaring the condition number, the known weakness of normal equations, costs nothing here: the products are right to
//! 32 digits, so 16 are left at a condition number of 10⁸. The order is the user's, not that of a pivot search: of two
//! collinear columns the later one goes, as in `fixest`, and a new column at the end never removes an older one.

use crate::eigen;
use crate::twofold::{self, Twofold};

/// Rows of a square matrix.
pub(crate) type Matrix = Vec<Vec<f64>>;

/// A column is dropped when this share or less of its length is left outside the span of the earlier ones. Far above
/// the rounding of demeaned doubles (10⁻¹⁴), far below what differs for a reason.
pub(crate) const COLLINEAR: f64 = 1e-9;

/// What the normal equations of a set of columns give.
pub(crate) struct Solved {
    /// Position of each column that was dropped, and of the kept ones that span it.
    pub(crate) dropped: Vec<(usize, Vec<usize>)>,
    /// One per kept column.
    pub(crate) solution: Vec<f64>,
    /// (X'X)⁻¹ of the kept columns.
    pub(crate) inverse: Matrix,
    /// X'X of the kept columns.
    pub(crate) gram: Matrix,
}

/// Least squares of `outcome` on `columns`.
pub(crate) fn least_squares(columns: &[Vec<f64>], outcome: &[f64]) -> Solved {
    let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).chain([outcome]).collect();
    let products = twofold::dots(&slices);
    normal_equations(columns.len(), |left, right| products[right][left], |column| products[columns.len()][column])
}

/// The same from the products of an earlier and a later of `count` columns, or of one with itself, and of each with the
/// outcome.
pub(crate) fn normal_equations(
    count: usize,
    product: impl Fn(usize, usize) -> Twofold,
    with_outcome: impl Fn(usize) -> Twofold,
) -> Solved {
    let mut lower: Vec<Vec<Twofold>> = Vec::new();
    let mut gram: Vec<Vec<Twofold>> = Vec::new();
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for position in 0..count {
        let mut products: Vec<Twofold> = kept.iter().map(|other: &usize| product(*other, position)).collect();
        let square = product(position, position);
        let mut row = forwards(&lower, &products);
        let left = row.iter().fold(square, |left, entry| left - *entry * *entry);
        if left.value() <= COLLINEAR * COLLINEAR * square.value() {
            let relation = backwards(&lower, &row);
            let length = square.value().sqrt();
            let spans = |(index, share): (usize, &Twofold)| {
                (share.value().abs() * gram[index][index].value().sqrt() > 1e-6 * length).then_some(kept[index])
            };
            dropped.push((position, relation.iter().enumerate().filter_map(spans).collect()));
            continue;
        }
        row.push(left.sqrt());
        products.push(square);
        lower.push(row);
        gram.push(products);
        kept.push(position);
    }
    let right: Vec<Twofold> = kept.iter().map(|position| with_outcome(*position)).collect();
    let solution = backwards(&lower, &forwards(&lower, &right)).into_iter().map(Twofold::value).collect();
    let size = kept.len();
    let inverse = (0..size)
        .map(|unit| {
            let unit: Vec<Twofold> = (0..size).map(|index| Twofold::from(f64::from(u8::from(index == unit)))).collect();
            backwards(&lower, &forwards(&lower, &unit)).into_iter().map(Twofold::value).collect()
        })
        .collect();
    let symmetric = |row: usize, column: usize| gram[row.max(column)][row.min(column)].value();
    let gram = (0..size).map(|row| (0..size).map(|column| symmetric(row, column)).collect()).collect();
    Solved { dropped, solution, inverse, gram }
}

/// L⁻¹ right.
pub(crate) fn forwards(lower: &[Vec<Twofold>], right: &[Twofold]) -> Vec<Twofold> {
    let mut solution: Vec<Twofold> = Vec::with_capacity(right.len());
    for (row, right) in lower.iter().zip(right) {
        let rest = row.iter().zip(&solution).fold(*right, |rest, (entry, known)| rest - *entry * *known);
        solution.push(rest / row[solution.len()]);
    }
    solution
}

/// L'⁻¹ right.
pub(crate) fn backwards(lower: &[Vec<Twofold>], right: &[Twofold]) -> Vec<Twofold> {
    let mut solution = right.to_vec();
    for row in (0..solution.len()).rev() {
        let later =
            (row + 1..solution.len()).fold(solution[row], |rest, later| rest - lower[later][row] * solution[later]);
        solution[row] = later / lower[row][row];
    }
    solution
}

/// √(λmax(G) λmax(G⁻¹)) of the products of columns of length 1, from column `first` on. The second from the inverse, which
/// has all its digits, instead of the smallest eigenvalue of the first, which has none left at 10⁸.
pub(crate) fn condition(solved: &Solved, first: usize) -> f64 {
    let lengths: Vec<f64> = solved.gram.iter().enumerate().map(|(index, row)| row[index].sqrt()).collect();
    let largest = |matrix: &Matrix, scale: &dyn Fn(usize) -> f64| {
        let part: Matrix = (first..lengths.len())
            .map(|row| (first..lengths.len()).map(|column| matrix[row][column] * scale(row) * scale(column)).collect())
            .collect();
        eigen::symmetric(&part).values.first().copied().unwrap_or(1.0)
    };
    (largest(&solved.gram, &|index| 1.0 / lengths[index]) * largest(&solved.inverse, &|index| lengths[index])).sqrt()
}

/// The Cholesky factor of a small symmetric matrix; a column that adds nothing is passed over, as if it were not there.
pub(crate) struct Factor {
    /// Rows of the lower half; `None` for a column that is passed over.
    rows: Vec<Option<Vec<f64>>>,
}

/// A pivot below this share of the column's own square is rounding.
const PIVOT: f64 = 1e-12;

impl Factor {
    /// `scale` has the squares that pivots are compared with.
    pub(crate) fn new(matrix: &Matrix, scale: &[f64]) -> Factor {
        let mut rows: Vec<Option<Vec<f64>>> = Vec::with_capacity(matrix.len());
        for (index, entries) in matrix.iter().enumerate() {
            let mut row = vec![0.0; index + 1];
            for column in 0..index {
                if let Some(other) = &rows[column] {
                    let known = twofold::dot(&row[..column], &other[..column]).value();
                    row[column] = (entries[column] - known) / other[column];
                }
            }
            let pivot = entries[index] - twofold::dot(&row[..index], &row[..index]).value();
            rows.push((pivot > PIVOT * scale[index]).then(|| {
                row[index] = pivot.sqrt();
                row
            }));
        }
        Factor { rows }
    }

    pub(crate) fn keeps(&self, column: usize) -> bool {
        self.rows[column].is_some()
    }

    /// R⁻¹ right; 0 where a column is passed over.
    pub(crate) fn forwards(&self, right: &[f64]) -> Vec<f64> {
        let mut solution: Vec<f64> = Vec::with_capacity(right.len());
        for (index, row) in self.rows.iter().enumerate() {
            solution.push(match row {
                None => 0.0,
                Some(row) => (right[index] - twofold::dot(&row[..index], &solution).value()) / row[index],
            });
        }
        solution
    }

    /// R right.
    pub(crate) fn times(&self, right: &[f64]) -> Vec<f64> {
        let product = |(index, row): (usize, &Option<Vec<f64>>)| match row {
            None => 0.0,
            Some(row) => twofold::dot(row, &right[..=index]).value(),
        };
        self.rows.iter().enumerate().map(product).collect()
    }

    /// (RR')⁻¹ right.
    pub(crate) fn solve(&self, right: &[f64]) -> Vec<f64> {
        self.backwards(&self.forwards(right))
    }

    /// R'⁻¹ right.
    pub(crate) fn backwards(&self, right: &[f64]) -> Vec<f64> {
        let mut solution = right.to_vec();
        for index in (0..solution.len()).rev() {
            let Some(row) = &self.rows[index] else { continue };
            solution[index] /= row[index];
            let value = solution[index];
            solution[..index].iter_mut().zip(row).for_each(|(earlier, entry)| *earlier -= entry * value);
        }
        solution
    }
}

/// left · middle · left' for small matrices.
pub(crate) fn sandwich(left: &Matrix, middle: &Matrix) -> Matrix {
    let size = left.len();
    let half: Matrix = (0..size)
        .map(|row| {
            (0..size)
                .map(|column| {
                    let middle: Vec<f64> = middle.iter().map(|row| row[column]).collect();
                    twofold::dot(&left[row], &middle).value()
                })
                .collect()
        })
        .collect();
    // The result is symmetric; computing one half keeps it so to the last bit.
    let product = |row: usize, column: usize| twofold::dot(&half[row.max(column)], &left[row.min(column)]).value();
    (0..size).map(|row| (0..size).map(|column| product(row, column)).collect()).collect()
}

/// left · middle · left' with a left side that need not be square.
pub(crate) fn rectangular_sandwich(left: &Matrix, middle: &Matrix) -> Matrix {
    let half: Matrix =
        left.iter().map(|row| middle.iter().map(|column| twofold::dot(row, column).value()).collect()).collect();
    let product = |row: usize, column: usize| twofold::dot(&half[row.max(column)], &left[row.min(column)]).value();
    (0..left.len()).map(|row| (0..left.len()).map(|column| product(row, column)).collect()).collect()
}

/// The inverse of a small square matrix, by elimination with the largest pivots; `None` where it is singular.
pub(crate) fn inverse(matrix: &Matrix) -> Option<Matrix> {
    let size = matrix.len();
    let mut work: Matrix = matrix
        .iter()
        .enumerate()
        .map(|(row, entries)| {
            entries.iter().copied().chain((0..size).map(|column| f64::from(u8::from(row == column)))).collect()
        })
        .collect();
    for step in 0..size {
        let pivot = (step..size).max_by(|left, right| work[*left][step].abs().total_cmp(&work[*right][step].abs()))?;
        work.swap(step, pivot);
        if work[step][step].abs()
            <= f64::EPSILON * matrix.iter().flatten().fold(0.0, |largest, entry| entry.abs().max(largest))
        {
            return None;
        }
        let pivot_row: Vec<f64> = work[step].iter().map(|entry| entry / work[step][step]).collect();
        for (row, entries) in work.iter_mut().enumerate() {
            let factor = entries[step];
            if row != step {
                entries.iter_mut().zip(&pivot_row).for_each(|(entry, pivot)| *entry -= factor * pivot);
            }
        }
        work[step] = pivot_row;
    }
    Some(work.into_iter().map(|row| row[size..].to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hilbert_matrix_is_solved_to_the_last_digits() {
        // Its condition number is 1.7e7; the solution of H x = H 1 is 1 exactly.
        let hilbert: Vec<Vec<f64>> =
            (0..6).map(|column| (0..6).map(|row| 27720.0 / f64::from(row + column + 1)).collect()).collect();
        let outcome: Vec<f64> = (0..6).map(|row| hilbert.iter().map(|column| column[row]).sum()).collect();
        let solved = least_squares(&hilbert, &outcome);
        for value in &solved.solution {
            assert!((value - 1.0).abs() < 1e-15, "{:?}", solved.solution);
        }
    }

    #[test]
    fn the_later_of_collinear_columns_goes_and_says_with_what() {
        let first = vec![1.0, 2.0, 3.0, 5.0];
        let second = vec![1.0, 0.0, 1.0, 7.0];
        let other = vec![0.0, 1.0, 0.0, 0.3];
        let sum: Vec<f64> = first.iter().zip(&second).map(|(first, second)| 0.1 * first + 3.0 * second).collect();
        let solved = least_squares(&[first, other, second, sum], &[1.0, 0.0, 0.0, 0.0]);
        assert_eq!(solved.solution.len(), 3);
        assert_eq!(solved.dropped, [(3, vec![0, 2])]);
    }

    #[test]
    fn a_column_of_zeros_adds_nothing() {
        let solved = least_squares(&[vec![0.0, 0.0], vec![1.0, 2.0]], &[1.0, 2.0]);
        assert_eq!((solved.dropped, solved.solution), (vec![(0, vec![])], vec![1.0]));
    }

    #[test]
    fn a_sandwich_is_symmetric() {
        let bread = vec![vec![2.0, 0.1], vec![0.1, 3.0]];
        let meat = vec![vec![1.0, 0.7], vec![0.7, 0.2]];
        let product = sandwich(&bread, &meat);
        assert_eq!(product[0][1], product[1][0]);
        assert!((product[0][0] - (4.0 + 2.0 * 0.2 * 0.7 + 0.01 * 0.2)).abs() < 1e-15);
    }
}
