//! Effects as outcomes less what untreated rows predict, averaged (Borusyak, Jaravel & Spiess 2024).
//!
//! yᵢₜ = μᵢ + λₜ + xᵢₜ'c + εᵢₜ is fitted to untreated rows; τᵢₜ = yᵢₜ - μᵢ - λₜ - xᵢₜ'c in treated ones; an effect is Σ w τ. Written as
//! Σ v y, its variance is Σ over clusters of (Σ v ε)², where v = w in treated rows and -z(Z'Z)⁻¹ Σ w z in untreated ones, ε
//! the residual of an untreated row, and τᵢₜ less the average Σ v²τ / Σ v² of its cohort and period in a treated one
//! (theorem 3, equations 7 and 10, without leaving out the own unit). With one unit in a cohort that is 0: the variance
//! of its effects is not seen, and it is said. Weighted rows count by their weights in the fit and in the averages.
//!
//! The test before the treatment fits effects of the last periods before it to untreated rows (§4.4), with the clustered
//! variance and small-sample factor of least squares.

use crate::error::StatsError;
use crate::staggered::panel::{Panel, Unit};
use crate::staggered::two_way;
use crate::staggered::untreated::{Target, Untreated};
use crate::staggered::{self, Estimates, Place, Point};
use crate::twofold::{self, Twofold};
use std::collections::BTreeMap;

/// What comes out.
#[derive(Clone, Debug)]
pub struct Imputation {
    /// The average over all treated rows, then one per event time.
    pub estimates: Estimates,
    /// One per cohort.
    pub cohorts: Estimates,
    /// Effects of the last periods before the treatment, and the test that they are 0, where it was asked for.
    pub leads: Option<Estimates>,
}

/// `leads` is the number of periods before the treatment to test.
pub fn imputation(panel: Panel, leads: usize) -> Result<Imputation, StatsError> {
    let untreated = Untreated::new(panel)?;
    let panel = &untreated.panel;
    let treated: Vec<usize> = (0..panel.n_obs()).filter(|row| panel.treated(*row)).collect();
    let mut by_time: BTreeMap<u64, (f64, Vec<usize>)> = BTreeMap::new();
    let mut by_cohort: BTreeMap<u64, (f64, Vec<usize>)> = BTreeMap::new();
    for row in &treated {
        let time = panel.event_time(*row).expect("a treated row has a cohort");
        by_time.entry(staggered::ordered(time)).or_insert((time, Vec::new())).1.push(*row);
        let first = panel.cohort_of(*row).expect("a treated row has a cohort").first;
        by_cohort.entry(staggered::ordered(first)).or_insert((first, Vec::new())).1.push(*row);
    }
    let mut sets = vec![(Place::Overall, treated)];
    sets.extend(by_time.into_values().map(|(time, rows)| (Place::EventTime(time), rows)));
    let estimates = averages(&untreated, &sets);
    let sets: Vec<(Place, Vec<usize>)> =
        by_cohort.into_values().map(|(first, rows)| (Place::Cohort(first), rows)).collect();
    let cohorts = averages(&untreated, &sets);
    let leads = if leads == 0 { None } else { Some(before_treatment(panel, leads)?) };
    Ok(Imputation { estimates, cohorts, leads })
}

/// The weighted averages of effects over sets of treated rows.
fn averages(untreated: &Untreated, sets: &[(Place, Vec<usize>)]) -> Estimates {
    let panel = &untreated.panel;
    let targets: Vec<Target> = sets
        .iter()
        .map(|(_, rows)| {
            let total = twofold::sum(rows.iter().map(|row| panel.weight(*row))).value();
            Target { rows, numbers: rows.iter().map(|row| panel.weight(*row) / total).collect() }
        })
        .collect();
    let mut points = Vec::with_capacity(sets.len());
    let mut influence = untreated.influence(&targets);
    for (((place, rows), Target { numbers, .. }), of_clusters) in sets.iter().zip(&targets).zip(&mut influence) {
        let effects: Vec<f64> = rows.iter().map(|row| untreated.rest[*row]).collect();
        add_surprises(panel, rows, numbers, &effects, of_clusters);
        points.push(Point { place: *place, estimate: twofold::dot(numbers, &effects).value(), n_treated: rows.len() });
    }
    let (effects, vcov) = staggered::effects(&points, &influence, 1.0, None, panel.level);
    let mut warnings = staggered::warnings(panel);
    warnings.extend(staggered::without_variance(&effects));
    let alone: Vec<String> =
        panel.cohorts.iter().filter(|cohort| cohort.n_units == 1).map(|cohort| cohort.first.to_string()).collect();
    if !alone.is_empty() {
        warnings.push(format!("cohorts of one unit, whose variance is not seen: {}", alone.join(", ")));
    }
    Estimates {
        effects,
        vcov,
        vcov_label: format!("cluster({}), imputation", panel.cluster_name),
        df_t: None,
        influence,
        bootstrap: None,
        tests: Vec::new(),
        n_obs: panel.n_obs(),
        n_units: panel.n_units(),
        n_clusters: panel.n_clusters,
        dropped_rows: panel.dropped_rows.clone(),
        dropped_terms: untreated.dropped_terms(),
        warnings,
    }
}

/// Adds to each cluster its effects, each times its weight, less the average of their cohort and period, in which a row
/// counts by its squared weight.
fn add_surprises(panel: &Panel, rows: &[usize], weights: &[f64], effects: &[f64], of_clusters: &mut [f64]) {
    let cell = |row: usize, unit: &Unit| {
        let cohort = unit.cohort.expect("a treated row has a cohort");
        cohort as usize * panel.periods.len() + panel.period[row] as usize
    };
    let unit = |row: usize| &panel.units[panel.unit[row] as usize];
    let mut sums = vec![(Twofold::default(), Twofold::default()); panel.cohorts.len() * panel.periods.len()];
    for ((row, weight), effect) in rows.iter().zip(weights).zip(effects) {
        let (square, product) = &mut sums[cell(*row, unit(*row))];
        *square = square.plus(weight * weight);
        *product = product.plus(weight * weight * effect);
    }
    // Cells without a row are not asked for.
    let means: Vec<f64> = sums.into_iter().map(|(square, product)| (product / square).value()).collect();
    for ((row, weight), effect) in rows.iter().zip(weights).zip(effects) {
        let unit = unit(*row);
        of_clusters[unit.cluster as usize] += weight * (effect - means[cell(*row, unit)]);
    }
}

/// Effects of the last `count` event times before the treatment in untreated rows.
fn before_treatment(panel: &Panel, count: usize) -> Result<Estimates, StatsError> {
    let mut times: BTreeMap<u64, (f64, usize)> = BTreeMap::new();
    for row in (0..panel.n_obs()).filter(|row| !panel.treated(*row)) {
        if let Some(time) = panel.event_time(row) {
            times.entry(staggered::ordered(time)).or_insert((time, 0)).1 += 1;
        }
    }
    let mut leads: Vec<(f64, usize)> = times.into_values().rev().take(count).collect();
    leads.reverse();
    let fit = two_way::fit_rows(
        panel,
        |row| !panel.treated(row),
        leads.len(),
        |row, entries| {
            let time = panel.event_time(row);
            entries.extend(leads.iter().position(|(lead, _)| Some(*lead) == time).map(|column| (column as u32, 1.0)));
        },
    );
    let kept = leads.iter().enumerate().filter(|(column, _)| fit.is_kept(*column));
    let target = |(column, (time, rows)): (usize, &(f64, usize))| two_way::Target {
        place: Place::EventTime(*time),
        columns: vec![(column, 1.0)],
        n_treated: *rows,
    };
    let mut estimates = fit.estimates(&kept.map(target).collect::<Vec<_>>())?;
    for (_, (time, _)) in leads.iter().enumerate().filter(|(column, _)| !fit.is_kept(*column)) {
        let reason = "collinear with units, periods and later leads".to_string();
        estimates.dropped_terms.push((Place::EventTime(*time).to_string(), reason));
    }
    staggered::test_leads(&mut estimates);
    Ok(estimates)
}
