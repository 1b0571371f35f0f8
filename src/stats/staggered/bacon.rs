//! The two-way estimate as a weighted average of comparisons of two cohorts (Goodman-Bacon 2021, theorem 1).
//!
//! In a balanced panel without covariates the coefficient of treatment in yᵢₜ = βDᵢₜ + μᵢ + λₜ + εᵢₜ is Σ wβ over pairs. With n the
//! units of a cohort, n_ab = n_a/(n_a + n_b), and D̄ the share of periods in which a cohort is treated, earlier k, later l,
//! never treated U, the weights, before they are divided by their sum, are
//!
//! | comparison | periods | weight |
//! |---|---|---|
//! | k with U | all | (n_k + n_U)² n_kU(1 - n_kU) D̄_k(1 - D̄_k) |
//! | k with l | before l | ((n_k + n_l)(1 - D̄_l))² n_kl(1 - n_kl) (D̄_k - D̄_l)/(1 - D̄_l) · (1 - D̄_k)/(1 - D̄_l) |
//! | l with k | from k on | ((n_k + n_l)D̄_k)² n_kl(1 - n_kl) D̄_l/D̄_k · (D̄_k - D̄_l)/D̄_k |
//!
//! The last compares with units that are treated already: where effects change with time, it is wrong, and it may be most
//! of the estimate.

use crate::error::StatsError;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::twofold::{self, Twofold};
use std::ops::Range;

/// The decomposition.
#[derive(Clone, Debug, PartialEq)]
pub struct Bacon {
    pub comparisons: Vec<Comparison>,
    /// Per kind that occurs, the sum of weights and the weighted average.
    pub kinds: Vec<(Kind, f64, f64)>,
    /// The sum of weight times estimate, which is the two-way estimate.
    pub two_way: f64,
}

/// A cohort compared with another.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub kind: Kind,
    /// The first treated period of the cohort whose treatment is looked at.
    pub treated: f64,
    /// That of the cohort it is compared with; `None` for the never treated.
    pub comparison: Option<f64>,
    pub weight: f64,
    pub estimate: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    TreatedWithNever,
    EarlierWithLater,
    LaterWithEarlier,
    /// With units treated in all periods.
    LaterWithAlways,
}

/// A cohort, or the never treated.
struct Side {
    first: Option<f64>,
    /// The first treated period; the number of periods for the never treated.
    index: usize,
    n_units: f64,
    /// The mean outcome in each period.
    means: Vec<f64>,
}

pub fn bacon(panel: &Panel) -> Result<Bacon, StatsError> {
    if !panel.covariates.is_empty() {
        let covariates = panel.covariates.iter().map(|covariate| covariate.term.clone()).collect();
        return Err(StaggeredError::Covariates { covariates }.into());
    }
    if let Some(column) = &panel.weights_name {
        return Err(StaggeredError::Weights { column: column.clone() }.into());
    }
    panel.require_balance()?;
    let sides = sides(panel);
    let n_periods = panel.periods.len();
    let mut comparisons = Vec::new();
    let share = |side: &Side| (n_periods - side.index) as f64 / n_periods as f64;
    for (position, early) in sides.iter().enumerate() {
        for late in &sides[position + 1..] {
            let n_units = early.n_units + late.n_units;
            let (of_early, early_share, late_share) = (early.n_units / n_units, share(early), share(late));
            let split = of_early * (1.0 - of_early);
            let mut push = |kind, treated: &Side, comparison: &Side, weight, periods: Range<usize>| {
                let estimate = two_by_two(treated, comparison, periods);
                let first = treated.first.expect("the never treated are never looked at");
                comparisons.push(Comparison { kind, treated: first, comparison: comparison.first, weight, estimate });
            };
            if late.first.is_none() {
                if early.index > 0 {
                    let weight = n_units * n_units * split * early_share * (1.0 - early_share);
                    push(Kind::TreatedWithNever, early, late, weight, 0..n_periods);
                }
                continue;
            }
            // A cohort treated in the first period has no period before it.
            if early.index > 0 && late.index > early.index {
                let before = 1.0 - late_share;
                let spread = (early_share - late_share) / before * ((1.0 - early_share) / before);
                let weight = (n_units * before) * (n_units * before) * split * spread;
                push(Kind::EarlierWithLater, early, late, weight, 0..late.index);
            }
            if late.index > early.index {
                let spread = late_share / early_share * ((early_share - late_share) / early_share);
                let weight = (n_units * early_share) * (n_units * early_share) * split * spread;
                let kind = if early.index == 0 { Kind::LaterWithAlways } else { Kind::LaterWithEarlier };
                push(kind, late, early, weight, early.index..n_periods);
            }
        }
    }
    if comparisons.is_empty() {
        let reasons = vec!["all units are treated from the same period on".to_string()];
        return Err(StaggeredError::NoComparison { reasons }.into());
    }
    let total = twofold::sum(comparisons.iter().map(|comparison| comparison.weight)).value();
    comparisons.iter_mut().for_each(|comparison| comparison.weight /= total);
    comparisons.sort_by(|left, right| {
        let order = left.kind.cmp(&right.kind).then(left.treated.total_cmp(&right.treated));
        order.then(left.comparison.unwrap_or_default().total_cmp(&right.comparison.unwrap_or_default()))
    });
    let sum = |comparisons: &[Comparison]| {
        let weights: Vec<f64> = comparisons.iter().map(|comparison| comparison.weight).collect();
        let estimates: Vec<f64> = comparisons.iter().map(|comparison| comparison.estimate).collect();
        (twofold::sum(weights.iter().copied()).value(), twofold::dot(&weights, &estimates).value())
    };
    let kinds = comparisons
        .chunk_by(|left, right| left.kind == right.kind)
        .map(|comparisons| {
            let (weight, product) = sum(comparisons);
            (comparisons[0].kind, weight, product / weight)
        })
        .collect();
    let (_, two_way) = sum(&comparisons);
    Ok(Bacon { comparisons, kinds, two_way })
}

/// Cohorts by first period, then the never treated.
fn sides(panel: &Panel) -> Vec<Side> {
    let n_periods = panel.periods.len();
    let means = |cohort: Option<u32>| {
        let mut sums = vec![Twofold::default(); n_periods];
        let mut n_units = 0.0;
        for unit in panel.units.iter().filter(|unit| unit.cohort == cohort) {
            n_units += 1.0;
            unit.rows.clone().zip(&mut sums).for_each(|(row, sum)| *sum = sum.plus(panel.outcome[row]));
        }
        (n_units, sums.into_iter().map(|sum| (sum / Twofold::from(n_units)).value()).collect())
    };
    let mut sides = Vec::new();
    for (cohort, position) in panel.cohorts.iter().zip(0..) {
        let (n_units, means) = means(Some(position));
        sides.push(Side { first: Some(cohort.first), index: cohort.index, n_units, means });
    }
    if panel.n_never_treated() > 0 {
        let (n_units, means) = means(None);
        sides.push(Side { first: None, index: n_periods, n_units, means });
    }
    sides
}

/// The two-way estimate in `periods`, in some of which `treated` becomes treated while the other stays as it is.
fn two_by_two(treated: &Side, comparison: &Side, periods: Range<usize>) -> f64 {
    let change = |side: &Side| {
        twofold::mean(&side.means[treated.index..periods.end])
            - twofold::mean(&side.means[periods.start..treated.index])
    };
    change(treated) - change(comparison)
}
