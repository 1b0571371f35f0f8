//! Two-stage difference-in-differences (Gardner 2022): untreated rows give units, periods and covariates; what these leave of
//! all rows is regressed on the treatment, or on event times.
//!
//! The variance counts the first stage (Newey & McFadden 1994, theorem 6.1; as in R's `did2s`): with X₂ the second-stage
//! columns and u₂ its residuals, X₁ the first-stage columns, X₁₀ those of untreated rows and u₁ their residuals, a cluster
//! moves the estimates by (X₂'X₂)⁻¹ [X₂'u₂ - X₂'X₁(X₁₀'X₁₀)⁻¹ X₁₀'u₁]. No small-sample factor; inference is normal. The estimate of the
//! single effect is that of imputation. Of event times, the last one before the treatment is the reference.

use crate::error::StatsError;
use crate::staggered::panel::Panel;
use crate::staggered::untreated::{Target, Untreated};
use crate::staggered::{self, Estimates, Place, Point};
use crate::twofold::{self, Twofold};
use std::collections::BTreeMap;

/// What comes out.
#[derive(Clone, Debug)]
pub struct TwoStage {
    /// The single effect of the treatment.
    pub overall: Estimates,
    /// One effect per event time, and the test that those before the treatment are 0.
    pub dynamic: Estimates,
}

pub fn two_stage(panel: Panel) -> Result<TwoStage, StatsError> {
    let untreated = Untreated::new(panel)?;
    let panel = &untreated.panel;
    let treated: Vec<usize> = (0..panel.n_obs()).filter(|row| panel.treated(*row)).collect();
    let mut by_time: BTreeMap<u64, (f64, Vec<usize>)> = BTreeMap::new();
    for row in 0..panel.n_obs() {
        if let Some(time) = panel.event_time(row) {
            by_time.entry(staggered::ordered(time)).or_insert((time, Vec::new())).1.push(row);
        }
    }
    let reference = by_time.values().map(|(time, _)| *time).rfind(|time| *time < 0.0);
    let sets: Vec<(Place, Vec<usize>)> = by_time
        .into_values()
        .filter(|(time, _)| Some(*time) != reference)
        .map(|(time, rows)| (Place::EventTime(time), rows))
        .collect();
    let overall = second_stage(&untreated, &[(Place::Overall, treated)]);
    let mut dynamic = second_stage(&untreated, &sets);
    staggered::test_leads(&mut dynamic);
    Ok(TwoStage { overall, dynamic })
}

/// The regression on dummies of disjoint sets of rows, of which each coefficient is the mean of what is left there.
fn second_stage(untreated: &Untreated, sets: &[(Place, Vec<usize>)]) -> Estimates {
    let panel = &untreated.panel;
    let targets: Vec<Target> = sets
        .iter()
        .map(|(_, rows)| {
            let total = twofold::sum(rows.iter().map(|row| panel.weight(*row)));
            let share = |row: &usize| (Twofold::from(panel.weight(*row)) / total).value();
            Target { rows, numbers: rows.iter().map(share).collect() }
        })
        .collect();
    let mut points = Vec::with_capacity(sets.len());
    let mut influence = untreated.influence(&targets);
    for (((place, rows), Target { numbers, .. }), of_clusters) in sets.iter().zip(&targets).zip(&mut influence) {
        let effects: Vec<f64> = rows.iter().map(|row| untreated.rest[*row]).collect();
        let estimate = twofold::dot(numbers, &effects).value();
        for ((row, weight), effect) in rows.iter().zip(numbers).zip(&effects) {
            let cluster = panel.units[panel.unit[*row] as usize].cluster as usize;
            of_clusters[cluster] += weight * (effect - estimate);
        }
        points.push(Point { place: *place, estimate, n_treated: rows.len() });
    }
    let (effects, vcov) = staggered::effects(&points, &influence, 1.0, None, panel.level);
    let without_variance = staggered::without_variance(&effects);
    Estimates {
        effects,
        vcov,
        vcov_label: format!("cluster({}), two-stage", panel.cluster_name),
        df_t: None,
        influence,
        bootstrap: None,
        tests: Vec::new(),
        n_obs: panel.n_obs(),
        n_units: panel.n_units(),
        n_clusters: panel.n_clusters,
        dropped_rows: panel.dropped_rows.clone(),
        dropped_terms: untreated.dropped_terms(),
        warnings: staggered::warnings(panel).into_iter().chain(without_variance).collect(),
    }
}
