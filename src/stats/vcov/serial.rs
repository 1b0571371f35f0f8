//! Correlation over time. Knows scores and periods; a gap is a gap: rows count as l periods apart if their periods are.

use super::{add, cluster_sums};
use crate::design::{Group, Series};
use crate::solve::Matrix;
use crate::twofold;

/// Σₗ wₗ (Γₗ + Γₗ') with Γₗ = Σᵢₜ sᵢₜ sᵢₜ₋ₗ' within units and wₗ = 1 - l/(L+1) (Newey & West 1987).
pub(super) fn newey_west(scores: &[Vec<f64>], series: &Series) -> Matrix {
    let mut by_unit: Vec<(u32, i64, usize)> = series
        .units
        .codes
        .iter()
        .zip(&series.periods.codes)
        .enumerate()
        .map(|(row, (unit, period))| (*unit, series.values[*period as usize], row))
        .collect();
    by_unit.sort_unstable();
    let before = |lag: i64| -> Vec<Option<usize>> {
        let mut before = vec![None; by_unit.len()];
        for (unit, period, row) in &by_unit {
            let wanted = (*unit, period - lag);
            if let Ok(found) = by_unit.binary_search_by(|(unit, period, _)| (*unit, *period).cmp(&wanted)) {
                before[*row] = Some(by_unit[found].2);
            }
        }
        before
    };
    bartlett(scores, series.lags, before)
}

/// The same with the sums over all units of one period as the scores (Driscoll & Kraay 1998).
pub(super) fn driscoll_kraay(scores: &[Vec<f64>], series: &Series) -> Matrix {
    let sums = cluster_sums(scores, &series.periods);
    let before =
        |lag: i64| series.values.iter().map(|value| series.values.binary_search(&(value - lag)).ok()).collect();
    bartlett(&sums, series.lags, before)
}

/// Within units, from one lag on: what Conley's variance adds for one place over time.
pub(super) fn lags_only(scores: &[Vec<f64>], series: &Series) -> Matrix {
    let mut meat = newey_west(scores, series);
    add(&mut meat, &super::outer_products(scores), -1.0);
    meat
}

/// `before` gives the position of each score's partner so many periods earlier.
fn bartlett(scores: &[Vec<f64>], lags: u32, before: impl Fn(i64) -> Vec<Option<usize>>) -> Matrix {
    let mut meat = super::outer_products(scores);
    for lag in 1..=lags {
        let weight = 1.0 - f64::from(lag) / f64::from(lags + 1);
        let before = before(i64::from(lag));
        if before.iter().all(Option::is_none) {
            continue;
        }
        let earlier: Vec<Vec<f64>> = scores
            .iter()
            .map(|scores| before.iter().map(|partner| partner.map_or(0.0, |partner| scores[partner])).collect())
            .collect();
        let gamma: Matrix =
            scores.iter().map(|left| earlier.iter().map(|right| twofold::dot(left, right).value()).collect()).collect();
        for (row, entries) in meat.iter_mut().enumerate() {
            for (column, entry) in entries.iter_mut().enumerate() {
                // Both orders of the sum, so that the result is symmetric to the last bit.
                *entry += weight * (gamma[row.max(column)][row.min(column)] + gamma[row.min(column)][row.max(column)]);
            }
        }
    }
    meat
}

/// Rows of one level, level by level.
pub(super) fn rows_of(group: &Group) -> Vec<Vec<usize>> {
    let mut rows = vec![Vec::new(); group.levels];
    for (row, code) in group.codes.iter().enumerate() {
        rows[*code as usize].push(row);
    }
    rows
}
