//! log|I - ρW| for many ρ, from one decomposition. Knows no model.
//!
//! Where W is similar to a symmetric matrix: its eigenvalues once, by Householder's tridiagonal form and the implicit QL
//! method (Golub & Van Loan 2013, algorithms 8.3.1 and 8.3.3; Bowdler et al. 1968), then Σ log(1 - ρλ) (Ord 1975). Else
//! Householder's Hessenberg form once (algorithm 7.4.2), whose elimination takes n²/2 steps per ρ. Sums run in a fixed
//! order; nothing is chosen by the CPU.

use crate::solve::Matrix;
use crate::twofold::Twofold;

/// A decomposed W.
pub(crate) enum Determinant {
    /// Eigenvalues, smallest first.
    Symmetric(Vec<f64>),
    /// Upper Hessenberg form.
    General(Matrix),
}

impl Determinant {
    /// `symmetric` is a symmetric matrix with the eigenvalues of `dense`, where there is one.
    pub(crate) fn new(symmetric: Option<Matrix>, dense: impl FnOnce() -> Matrix) -> Determinant {
        match symmetric {
            Some(matrix) => Determinant::Symmetric(eigenvalues(matrix)),
            None => Determinant::General(hessenberg(dense())),
        }
    }

    /// Between which values of ρ the determinant is not 0: from 1/λ of the smallest eigenvalue to 1 where the
    /// eigenvalues are real, else between -1 and 1, as the spectral radius is 1.
    pub(crate) fn interval(&self) -> (f64, f64) {
        match self {
            Determinant::Symmetric(values) => (1.0 / values[0], 1.0 / values[values.len() - 1]),
            Determinant::General(_) => (-1.0, 1.0),
        }
    }

    /// log|I - ρW| and its derivative by ρ, which is -tr(W(I - ρW)⁻¹).
    pub(crate) fn log(&self, rho: f64) -> (f64, f64) {
        match self {
            Determinant::Symmetric(values) => {
                let add = |(log, slope): (Twofold, Twofold), value: &f64| {
                    let factor = 1.0 - rho * value;
                    (log.plus(core_math::log(factor)), slope.plus(-value / factor))
                };
                let (log, slope) = values.iter().fold(Default::default(), add);
                (log.value(), slope.value())
            }
            Determinant::General(hessenberg) => eliminated(hessenberg, rho),
        }
    }
}

/// The eigenvalues of a symmetric matrix, smallest first.
pub(crate) fn eigenvalues(matrix: Matrix) -> Vec<f64> {
    let (mut diagonal, mut off) = tridiagonal(matrix);
    let size = diagonal.len();
    for first in 0..size {
        // Each eigenvalue takes two or three steps.
        for _ in 0..200 {
            let is_small = |index: &usize| {
                off[*index].abs() <= f64::EPSILON * (diagonal[*index].abs() + diagonal[*index + 1].abs())
            };
            let last = (first..size - 1).find(is_small).unwrap_or(size - 1);
            if last == first {
                break;
            }
            step(&mut diagonal, &mut off, first, last);
        }
    }
    diagonal.sort_by(f64::total_cmp);
    diagonal
}

/// One implicit QL step with Wilkinson's shift on the rows from `first` to `last`.
fn step(diagonal: &mut [f64], off: &mut [f64], first: usize, last: usize) {
    let half = (diagonal[first + 1] - diagonal[first]) / (2.0 * off[first]);
    let root = (half * half + 1.0).sqrt();
    let mut bulge = diagonal[last] - diagonal[first] + off[first] / (half + root.copysign(half));
    let (mut sine, mut cosine, mut moved) = (1.0, 1.0, 0.0);
    for index in (first..last).rev() {
        let (far, near) = (sine * off[index], cosine * off[index]);
        let length = (far * far + bulge * bulge).sqrt();
        off[index + 1] = length;
        if length == 0.0 {
            // The matrix has fallen apart here, and the rest of the step belongs to the next one.
            diagonal[index + 1] -= moved;
            off[last] = 0.0;
            return;
        }
        (sine, cosine) = (far / length, bulge / length);
        let shifted = diagonal[index + 1] - moved;
        let turned = (diagonal[index] - shifted) * sine + 2.0 * cosine * near;
        moved = sine * turned;
        diagonal[index + 1] = shifted + moved;
        bulge = cosine * turned - near;
    }
    diagonal[first] -= moved;
    off[first] = bulge;
    off[last] = 0.0;
}

/// The diagonal and what is beside it of a tridiagonal matrix with the same eigenvalues. The second has a 0 at the end.
fn tridiagonal(mut matrix: Matrix) -> (Vec<f64>, Vec<f64>) {
    let size = matrix.len();
    let mut off = vec![0.0; size];
    for step in 0..size.saturating_sub(1) {
        let column: Vec<f64> = (step + 1..size).map(|row| matrix[row][step]).collect();
        let Some((vector, head)) = reflector(&column) else { continue };
        off[step] = head;
        // With p = Av and w = p - ½(p'v)v, the reflected A is A - vw' - wv', for v'v = 2.
        let mut image: Vec<f64> = matrix[step + 1..].iter().map(|row| plain_dot(&row[step + 1..], &vector)).collect();
        let share = 0.5 * plain_dot(&image, &vector);
        image.iter_mut().zip(&vector).for_each(|(image, vector)| *image -= share * vector);
        for (row, entries) in matrix[step + 1..].iter_mut().enumerate() {
            let (left, right) = (vector[row], image[row]);
            let others = entries[step + 1..].iter_mut().zip(vector.iter().zip(&image));
            others.for_each(|(entry, (vector, image))| *entry -= left * image + right * vector);
        }
    }
    ((0..size).map(|index| matrix[index][index]).collect(), off)
}

/// An upper Hessenberg matrix with the same eigenvalues.
fn hessenberg(mut matrix: Matrix) -> Matrix {
    let size = matrix.len();
    for step in 0..size.saturating_sub(2) {
        let column: Vec<f64> = (step + 1..size).map(|row| matrix[row][step]).collect();
        let Some((vector, _)) = reflector(&column) else { continue };
        let mut shares = vec![0.0; size];
        for (entries, entry) in matrix[step + 1..].iter().zip(&vector) {
            shares.iter_mut().zip(entries).for_each(|(share, value)| *share += entry * value);
        }
        for (entries, entry) in matrix[step + 1..].iter_mut().zip(&vector) {
            entries.iter_mut().zip(&shares).for_each(|(value, share)| *value -= entry * share);
        }
        for entries in &mut matrix {
            let share = plain_dot(&entries[step + 1..], &vector);
            entries[step + 1..].iter_mut().zip(&vector).for_each(|(value, entry)| *value -= share * entry);
        }
        matrix[step + 2..].iter_mut().for_each(|entries| entries[step] = 0.0);
    }
    matrix
}

/// The v of length √2 for which I - vv' turns `column` into one with a first entry only, and that entry. `None` where it
/// is 0.
fn reflector(column: &[f64]) -> Option<(Vec<f64>, f64)> {
    let largest = column.iter().fold(0.0_f64, |largest, entry| largest.max(entry.abs()));
    if largest == 0.0 {
        return None;
    }
    let mut vector: Vec<f64> = column.iter().map(|entry| entry / largest).collect();
    let length = plain_dot(&vector, &vector).sqrt();
    let head = -length.copysign(vector[0]);
    // (x - head e)'(x - head e) = 2 length (length + |x₀|).
    let scale = (length * (length + vector[0].abs())).sqrt();
    vector[0] -= head;
    vector.iter_mut().for_each(|entry| *entry /= scale);
    Some((vector, head * largest))
}

/// log|I - ρH| and its derivative, by elimination with the larger pivot of two rows and the same rules on derivatives.
fn eliminated(hessenberg: &Matrix, rho: f64) -> (f64, f64) {
    let size = hessenberg.len();
    let row = |index: usize| -> (Vec<f64>, Vec<f64>) {
        let slopes: Vec<f64> = hessenberg[index].iter().map(|entry| -entry).collect();
        let unit = |column: usize| f64::from(u8::from(column == index));
        (slopes.iter().enumerate().map(|(column, slope)| unit(column) + rho * slope).collect(), slopes)
    };
    let (mut log, mut slope) = (Twofold::default(), Twofold::default());
    let (mut values, mut slopes) = row(0);
    for step in 0..size {
        let below = (step + 1 < size).then(|| row(step + 1));
        let (pivot, other) = match below {
            Some(below) if below.0[step].abs() > values[step].abs() => (below, Some((values, slopes))),
            other => ((values, slopes), other),
        };
        log = log.plus(core_math::log(pivot.0[step].abs()));
        slope = slope.plus(pivot.1[step] / pivot.0[step]);
        let Some(mut other) = other else { break };
        let factor = other.0[step] / pivot.0[step];
        let factor_slope = (other.1[step] - factor * pivot.1[step]) / pivot.0[step];
        for column in step + 1..size {
            other.1[column] -= factor * pivot.1[column] + factor_slope * pivot.0[column];
            other.0[column] -= factor * pivot.0[column];
        }
        (values, slopes) = other;
    }
    (log.value(), slope.value())
}

/// In four sums side by side, whose terms depend on their positions only.
fn plain_dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (left_blocks, left_rest) = left.as_chunks::<4>();
    let (right_blocks, right_rest) = right.as_chunks::<4>();
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..4 {
            sums[lane] += left[lane] * right[lane];
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}
