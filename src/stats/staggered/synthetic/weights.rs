//! Weights of a simplex: of ‖Aw - b‖² + η‖w‖² over w ≥ 0 that add up to 1, the minimum. Knows no panel.
//!
//! For η > 0 it is unique and known by its conditions: with S the positive weights, (A_S'A_S + η)w_S = A_S'b + μ, and elsewhere
//! A'(Aw - b) ≥ μ. Sets S are exchanged until both hold (block principal pivoting: Kim & Park 2011, §3.2): all wrong ones at
//! once, or, when their number has not fallen for a while, the last one alone, which always ends (Murty 1974). The
//! answer is exact up to rounding, in twice the precision as η may be 10⁻¹² of the rest, and no step size or tolerance of an
//! iteration enters, unlike with the Frank-Wolfe steps of R's `synthdid`.

use crate::solve;
use crate::twofold::{self, Twofold};

/// A weight, or a condition, this much below 0, relative to the largest, is rounding.
const ROUNDING: f64 = 1e-13;

/// Without a penalty several weights may be best; this share of the mean square of a column picks the shortest.
const LEAST_PENALTY: f64 = 1e-14;

/// Exchanges of all wrong ones that may fail to make them fewer.
const PATIENCE: usize = 3;

/// `columns` are those of A, all as long as `outcome`; `penalty` is η. `None` if no set of weights is found, which
/// exact arithmetic excludes.
pub(super) fn simplex(columns: &[Vec<f64>], outcome: &[f64], penalty: f64) -> Option<Vec<f64>> {
    let n = columns.len();
    let squares: f64 = columns.iter().map(|column| twofold::dot(column, column).value()).sum();
    let least = LEAST_PENALTY * squares / n as f64;
    let penalty = if squares == 0.0 { 1.0 } else { penalty.max(least) };
    let mut is_free = vec![true; n];
    let (mut fewest, mut patience) = (usize::MAX, PATIENCE);
    for _ in 0..100 + 20 * n {
        let free: Vec<usize> = (0..n).filter(|index| is_free[*index]).collect();
        let (weights, level) = on_face(columns, outcome, &free, penalty)?;
        let wrong = wrong(columns, outcome, &is_free, &weights, level);
        let Some(last) = wrong.last() else {
            let weights: Vec<f64> = weights.iter().map(|weight| weight.max(0.0)).collect();
            let total = twofold::sum(weights.iter().copied()).value();
            return Some(weights.into_iter().map(|weight| weight / total).collect());
        };
        let exchanges_all = if wrong.len() < fewest {
            (fewest, patience) = (wrong.len(), PATIENCE);
            true
        } else {
            patience = patience.saturating_sub(1);
            patience > 0
        };
        let exchanged = if exchanges_all { &wrong[..] } else { std::slice::from_ref(last) };
        exchanged.iter().for_each(|index| is_free[*index] = !is_free[*index]);
    }
    None
}

/// Those whose sign is wrong: weights below 0, and others that would lower the sum of squares.
fn wrong(columns: &[Vec<f64>], outcome: &[f64], is_free: &[bool], weights: &[f64], level: f64) -> Vec<usize> {
    let largest = weights.iter().fold(0.0_f64, |largest, weight| largest.max(weight.abs()));
    let residuals: Vec<f64> = (0..outcome.len())
        .map(|row| {
            let fitted = columns.iter().zip(weights).filter(|(_, weight)| **weight != 0.0);
            let sum = fitted.fold(Twofold::from(-outcome[row]), |sum, (column, weight)| {
                let (product, rest) = twofold::two_product(column[row], *weight);
                sum.plus(product).plus(rest)
            });
            sum.value()
        })
        .collect();
    let size = twofold::dot(&residuals, &residuals).value().sqrt();
    let is_wrong = |index: &usize| {
        if is_free[*index] {
            return weights[*index] < -ROUNDING * largest;
        }
        let column = &columns[*index];
        let scale = size * twofold::dot(column, column).value().sqrt() + level.abs();
        twofold::dot(column, &residuals).value() - level < -ROUNDING * scale
    };
    (0..columns.len()).filter(is_wrong).collect()
}

/// The minimum with the `free` weights alone, of any sign, and its multiplier μ.
fn on_face(columns: &[Vec<f64>], outcome: &[f64], free: &[usize], penalty: f64) -> Option<(Vec<f64>, f64)> {
    let products: Vec<Twofold> = free.iter().map(|index| twofold::dot(&columns[*index], outcome)).collect();
    let ones = vec![Twofold::from(1.0); free.len()];
    let [of_products, of_ones] = ridge(columns, free, penalty, [products, ones])?;
    let sum = |values: &[Twofold]| values.iter().fold(Twofold::default(), |sum, value| sum + *value);
    let level = (Twofold::from(1.0) - sum(&of_products)) / sum(&of_ones);
    let mut weights = vec![0.0; columns.len()];
    for (index, (product, one)) in free.iter().zip(of_products.into_iter().zip(of_ones)) {
        weights[*index] = (product + level * one).value();
    }
    Some((weights, level.value()))
}

/// (A'A + η)⁻¹ of two right sides, from the smaller of A'A + η and AA' + η.
fn ridge(columns: &[Vec<f64>], free: &[usize], penalty: f64, right: [Vec<Twofold>; 2]) -> Option<[Vec<Twofold>; 2]> {
    let length = columns[0].len();
    if free.len() <= length {
        let lower =
            cholesky(free.len(), penalty, |row, column| twofold::dot(&columns[free[row]], &columns[free[column]]))?;
        return Some(right.map(|right| solve::backwards(&lower, &solve::forwards(&lower, &right))));
    }
    let rows: Vec<Vec<f64>> = (0..length).map(|row| free.iter().map(|index| columns[*index][row]).collect()).collect();
    let lower = cholesky(length, penalty, |row, column| twofold::dot(&rows[row], &rows[column]))?;
    Some(right.map(|right| {
        let through: Vec<Twofold> = rows.iter().map(|row| product(row, &right)).collect();
        let inner = solve::backwards(&lower, &solve::forwards(&lower, &through));
        let outer = free
            .iter()
            .zip(right)
            .map(|(index, right)| (right - product(&columns[*index], &inner)) / Twofold::from(penalty));
        outer.collect()
    }))
}

fn product(left: &[f64], right: &[Twofold]) -> Twofold {
    left.iter().zip(right).fold(Twofold::default(), |sum, (left, right)| sum + Twofold::from(*left) * *right)
}

/// The factor of a matrix plus `penalty`, by its lower entries.
fn cholesky(size: usize, penalty: f64, entry: impl Fn(usize, usize) -> Twofold) -> Option<Vec<Vec<Twofold>>> {
    let mut lower: Vec<Vec<Twofold>> = Vec::with_capacity(size);
    for index in 0..size {
        let right: Vec<Twofold> = (0..index).map(|column| entry(index, column)).collect();
        let mut row = solve::forwards(&lower, &right);
        let pivot = row.iter().fold(entry(index, index).plus(penalty), |left, entry| left - *entry * *entry);
        if pivot.value() <= 0.0 {
            return None;
        }
        row.push(pivot.sqrt());
        lower.push(row);
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The conditions of the minimum, computed anew.
    fn check(columns: &[Vec<f64>], outcome: &[f64], penalty: f64) {
        let weights = simplex(columns, outcome, penalty).expect("weights");
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-14);
        assert!(weights.iter().all(|weight| *weight >= 0.0));
        let fitted =
            |row: usize| columns.iter().zip(&weights).map(|(column, weight)| column[row] * weight).sum::<f64>();
        let slope = |index: usize| {
            let products = (0..outcome.len()).map(|row| columns[index][row] * (fitted(row) - outcome[row]));
            products.sum::<f64>() + penalty * weights[index]
        };
        let slopes: Vec<f64> = (0..columns.len()).map(slope).collect();
        let level = slopes.iter().copied().fold(f64::INFINITY, f64::min);
        for (slope, weight) in slopes.iter().zip(&weights) {
            assert!(*weight == 0.0 || slope - level < 1e-9 * (1.0 + level.abs()), "{weight}: {slope} {level}");
        }
    }

    #[test]
    fn the_conditions_of_the_minimum_hold() {
        let random = Random::new(7, 1);
        for (draw, (n, length, penalty)) in
            [(3, 5, 0.5), (40, 20, 0.3), (40, 20, 1e-9), (60, 8, 1e-10), (12, 60, 1e-11), (200, 15, 2.0)]
                .into_iter()
                .enumerate()
        {
            let number = |column: usize, row: usize| {
                random.uniform(draw as u64, (column * length + row) as u64) - 0.5 + 0.1 * column as f64 / n as f64
            };
            let columns: Vec<Vec<f64>> =
                (0..n).map(|column| (0..length).map(|row| number(column, row)).collect()).collect();
            let outcome: Vec<f64> = (0..length).map(|row| 0.6 * number(n, row)).collect();
            check(&columns, &outcome, penalty);
        }
    }

    #[test]
    fn small_cases_are_known() {
        // Without a penalty the nearest point of the segment from (0, 0) to (2, 0) to (1, 5).
        let weights = simplex(&[vec![0.0, 0.0], vec![2.0, 0.0]], &[0.5, 5.0], 0.0).expect("weights");
        assert!((weights[0] - 0.75).abs() < 1e-12, "{weights:?}");
        // Beyond the end, the end.
        assert_eq!(simplex(&[vec![0.0, 0.0], vec![2.0, 0.0]], &[9.0, 5.0], 0.1).expect("weights"), [0.0, 1.0]);
        // What does not differ is shared evenly.
        for columns in [vec![vec![1.0, 2.0]; 4], vec![vec![0.0, 0.0]; 4]] {
            let weights = simplex(&columns, &[0.0, 1.0], 0.0).expect("weights");
            assert!(weights.iter().all(|weight| (weight - 0.25).abs() < 1e-12), "{weights:?}");
        }
    }
}
