//! Eigenvalues and eigenvectors of small symmetric matrices by Jacobi's rotations: slow for large matrices, accurate to
//! the last digits for small ones, and the same sequence of operations on every machine.
//! Golub & Van Loan (2013), algorithm 8.5.3, with the entries taken row by row.

use crate::solve::Matrix;

pub(crate) struct Eigen {
    /// Largest first.
    pub(crate) values: Vec<f64>,
    /// One per value, of length 1.
    pub(crate) vectors: Vec<Vec<f64>>,
}

/// Jacobi converges quadratically; more than ten sweeps have never been seen to be needed.
const SWEEPS: usize = 60;

/// Decomposes `matrix`, of which the upper half is read.
pub(crate) fn symmetric(matrix: &Matrix) -> Eigen {
    let size = matrix.len();
    let mut work = matrix.clone();
    let mut vectors: Matrix =
        (0..size).map(|row| (0..size).map(|column| f64::from(u8::from(row == column))).collect()).collect();
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for row in 0..size {
            for column in row + 1..size {
                let (entry, scale) = (work[row][column], (work[row][row] * work[column][column]).abs().sqrt());
                if entry == 0.0 || entry.abs() <= f64::EPSILON * 0.01 * scale {
                    continue;
                }
                rotated = true;
                rotate(&mut work, &mut vectors, row, column);
            }
        }
        if !rotated {
            break;
        }
    }
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|left, right| work[*right][*right].total_cmp(&work[*left][*left]).then(left.cmp(right)));
    Eigen {
        values: order.iter().map(|index| work[*index][*index]).collect(),
        vectors: order.iter().map(|index| vectors.iter().map(|row| row[*index]).collect()).collect(),
    }
}

/// Makes the entry at `row`, `column` zero.
fn rotate(work: &mut Matrix, vectors: &mut Matrix, row: usize, column: usize) {
    let half_ratio = (work[column][column] - work[row][row]) / (2.0 * work[row][column]);
    let tangent = if half_ratio.is_finite() && half_ratio.abs() < 1e150 {
        half_ratio.signum() / (half_ratio.abs() + (half_ratio * half_ratio + 1.0).sqrt())
    } else {
        0.5 / half_ratio
    };
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    let change = tangent * work[row][column];
    work[row][row] -= change;
    work[column][column] += change;
    work[row][column] = 0.0;
    for other in (0..work.len()).filter(|other| *other != row && *other != column) {
        let (first, second) = (pair(other, row), pair(other, column));
        let (left, right) = (work[first.0][first.1], work[second.0][second.1]);
        work[first.0][first.1] = cosine * left - sine * right;
        work[second.0][second.1] = sine * left + cosine * right;
    }
    for entries in vectors {
        let (left, right) = (entries[row], entries[column]);
        entries[row] = cosine * left - sine * right;
        entries[column] = sine * left + cosine * right;
    }
}

/// Only the upper half is kept up to date.
fn pair(left: usize, right: usize) -> (usize, usize) {
    (left.min(right), left.max(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_vectors_belong_together() {
        for matrix in [
            vec![vec![2.0, 1.0], vec![1.0, 2.0]],
            vec![vec![4.0, 1.0, -2.0], vec![1.0, 2.0, 0.0], vec![-2.0, 0.0, 3.0]],
            vec![vec![1.0, 0.5, 0.5], vec![0.5, 1.0, 0.5], vec![0.5, 0.5, 1.0]],
            vec![vec![1.0, 1.0], vec![1.0, 1.0]],
            vec![vec![0.0, 0.0], vec![0.0, 0.0]],
            vec![vec![1e-30, 1e-16], vec![1e-16, 1.0]],
        ] {
            let eigen = symmetric(&matrix);
            assert!(eigen.values.windows(2).all(|pair| pair[0] >= pair[1]), "{:?}", eigen.values);
            for (value, vector) in eigen.values.iter().zip(&eigen.vectors) {
                for (row, entry) in matrix.iter().zip(vector) {
                    let product: f64 = row.iter().zip(vector).map(|(left, right)| left * right).sum();
                    assert!((product - value * entry).abs() < 4e-15, "{matrix:?}: {value} {vector:?}");
                }
            }
        }
        assert_eq!(symmetric(&vec![vec![2.0, 1.0], vec![1.0, 2.0]]).values, [3.0, 1.0]);
    }
}
