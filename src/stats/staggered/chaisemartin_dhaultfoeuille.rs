//! Effects of switching into treatment by the time since the switch (de Chaisemartin & D'Haultfœuille 2024).
//!
//! Units of cohort g switch in period g, after the base g - 1. DID_gl = E[Y_g₋₁₊ₗ - Y_g₋₁ | cohort g] less the same of units
//! that have not switched by g - 1 + l; effect l is the average over cohorts by their units, and has event time l - 1.
//! Placebo l is E[Y_g₋₁₋ₗ - Y_g₋₁ | cohort g] less the same of the comparison of effect l, so that there are no more
//! placebos than effects, and has event time -1 - l. The average effect is that over all switchers and effects. Where a
//! treatment ends again, `Treatment::FirstPeriod` with the first switch gives the effect of the path since then, compared
//! with never having switched; the average effect is then one per period since the switch.
//!
//! With covariates, outcomes are Y - X'θ, θ being that of first differences of untreated rows on those of the covariates
//! with effects of periods (supplement, §1.2); the variance counts θ.
//!
//! The cohorts' sizes count as known. A unit moves a mean by its deviation from it, times √(n/(n - 1)) for n units; a
//! cohort of one unit shows no deviation of its own, and it is said. Sums over clusters are squared, and inference is normal.

use crate::error::StatsError;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::regression::{Regression, Rows};
use crate::staggered::{self, Estimates, Place, Point};
use crate::twofold::{self, Twofold};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitcherOptions {
    /// The number of effects: periods from the switch on. At least 1.
    pub effects: usize,
    /// The number of placebos: not more than effects.
    pub placebos: usize,
}

/// A cohort compared with units that have not switched `until` a period.
struct Cell {
    cohort: usize,
    base: usize,
    period: usize,
    until: usize,
}

/// How covariates enter.
struct Adjustment {
    coefficients: Vec<f64>,
    /// Of each coefficient that was kept: how much each cluster moves it.
    influence: Vec<Option<Vec<f64>>>,
    /// By covariate that was dropped: its values less their prediction by earlier ones.
    unpredicted: Vec<Option<Vec<f64>>>,
}

/// The average effect, then placebos and effects by event time; the tests that placebos, and effects, are 0.
pub fn chaisemartin_dhaultfoeuille(panel: Panel, options: &SwitcherOptions) -> Result<Estimates, StatsError> {
    let wrong = |option, value: usize, reason| StaggeredError::Option { option, value: value.to_string(), reason };
    if options.effects == 0 {
        return Err(wrong("effects", 0, "there should be 1 or more").into());
    }
    if options.placebos > options.effects {
        return Err(wrong("placebos", options.placebos, "it should not be more than `effects`").into());
    }
    let panel = panel.without_always_treated()?;
    let adjustment = adjustment(&panel);
    let outcome = adjustment.outcome(&panel);

    let (mut points, mut influence, mut masses) = (Vec::new(), Vec::new(), Vec::new());
    let mut dropped_terms = panel.dropped_terms.clone();
    let placebos = (1..=options.placebos).rev().map(|step| (step, false));
    for (step, is_effect) in placebos.chain((1..=options.effects).map(|step| (step, true))) {
        let event_time = if is_effect { step as f64 - 1.0 } else { -1.0 - step as f64 };
        let place = Place::EventTime(event_time);
        let cells = cells(&panel, step, is_effect);
        let Some((estimate, mut moved, mass, n_treated)) = average(&panel, &cells, &outcome) else {
            let reason = "no cohort has a comparison that has not switched by then".to_string();
            dropped_terms.push((place.to_string(), reason));
            continue;
        };
        adjustment.enter(&panel, &cells, &mut moved)?;
        points.push(Point { place, estimate, n_treated });
        masses.push(if is_effect { mass } else { 0.0 });
        influence.push(moved);
    }
    let total: f64 = masses.iter().sum();
    if total == 0.0 {
        let reasons = dropped_terms.iter().map(|(term, reason)| format!("`{term}`: {reason}")).collect();
        return Err(StaggeredError::NoComparison { reasons }.into());
    }
    let shares: Vec<f64> = masses.iter().map(|mass| mass / total).collect();
    let estimates: Vec<f64> = points.iter().map(|point| point.estimate).collect();
    let overall = (0..panel.n_clusters).map(|cluster| {
        let of_cluster: Vec<f64> = influence.iter().map(|moved: &Vec<f64>| moved[cluster]).collect();
        twofold::dot(&shares, &of_cluster).value()
    });
    influence.insert(0, overall.collect());
    let is_after = |point: &&Point| !staggered::is_lead(point.place);
    let n_treated = points.iter().filter(is_after).map(|point| point.n_treated).sum();
    let estimate = twofold::dot(&shares, &estimates).value();
    points.insert(0, Point { place: Place::Overall, estimate, n_treated });

    let (effects, vcov) = staggered::effects(&points, &influence, 1.0, None, panel.level);
    for (covariate, _) in panel.covariates.iter().zip(&adjustment.influence).filter(|(_, kept)| kept.is_none()) {
        let reason = "its changes are collinear with periods or earlier covariates".to_string();
        dropped_terms.push((covariate.term.clone(), reason));
    }
    let mut warnings = warnings(&panel);
    warnings.extend(staggered::without_variance(&effects));
    let mut estimates = Estimates {
        effects,
        vcov,
        vcov_label: format!("cluster({}), deviations of cohorts", panel.cluster_name),
        df_t: None,
        influence,
        bootstrap: None,
        tests: Vec::new(),
        n_obs: panel.n_obs(),
        n_units: panel.n_units(),
        n_clusters: panel.n_clusters,
        dropped_rows: panel.dropped_rows.clone(),
        dropped_terms,
        warnings,
    };
    staggered::test_leads(&mut estimates);
    let after: Vec<usize> = (1..points.len()).filter(|index| !staggered::is_lead(points[*index].place)).collect();
    match staggered::joint_test("effects of the treatment", &estimates.effects, &estimates.vcov, &after, None) {
        Ok(test) => estimates.tests.push(test),
        Err(warning) => estimates.warnings.push(warning),
    }
    Ok(estimates)
}

fn warnings(panel: &Panel) -> Vec<String> {
    let mut warnings = staggered::warnings(panel);
    let alone: Vec<String> =
        panel.cohorts.iter().filter(|cohort| cohort.n_units == 1).map(|cohort| cohort.first.to_string()).collect();
    if !alone.is_empty() {
        warnings.push(format!("cohorts of one unit, whose variance is not seen: {}", alone.join(", ")));
    }
    warnings
}

fn cells(panel: &Panel, step: usize, is_effect: bool) -> Vec<Cell> {
    let cell = |(cohort, index): (usize, usize)| {
        let base = index - 1;
        let until = base + step;
        let period = if is_effect { until } else { base.checked_sub(step)? };
        (until < panel.periods.len()).then_some(Cell { cohort, base, period, until })
    };
    panel.cohorts.iter().map(|cohort| cohort.index).enumerate().filter_map(cell).collect()
}

/// The average over cells with how much each cluster moves it, the mass of the switchers, and their number.
fn average(panel: &Panel, cells: &[Cell], values: &[f64]) -> Option<(f64, Vec<f64>, f64, usize)> {
    let found: Vec<Difference> = cells.iter().filter_map(|cell| difference(panel, cell, values)).collect();
    let total: f64 = found.iter().map(|difference| difference.mass).sum();
    if found.is_empty() {
        return None;
    }
    let mut influence = vec![Twofold::default(); panel.n_clusters];
    let mut estimate = Twofold::default();
    for difference in &found {
        let share = difference.mass / total;
        estimate = estimate.plus(share * difference.estimate);
        for (cluster, moved) in &difference.influence {
            let sum = &mut influence[*cluster as usize];
            *sum = sum.plus(share * moved);
        }
    }
    let influence = influence.into_iter().map(Twofold::value).collect();
    Some((estimate.value(), influence, total, found.iter().map(|difference| difference.n_treated).sum()))
}

/// What a cell says.
struct Difference {
    estimate: f64,
    mass: f64,
    n_treated: usize,
    /// By unit: its cluster, and how much it moves the difference.
    influence: Vec<(u32, f64)>,
}

fn difference(panel: &Panel, cell: &Cell, values: &[f64]) -> Option<Difference> {
    let mut sides = [Vec::new(), Vec::new()];
    for unit in &panel.units {
        let side = match unit.cohort.map(|cohort| cohort as usize) {
            Some(cohort) if cohort == cell.cohort => 0,
            Some(cohort) if panel.cohorts[cohort].index <= cell.until => continue,
            _ => 1,
        };
        if let Some((row, base)) = panel.row(unit, cell.period).zip(panel.row(unit, cell.base)) {
            sides[side].push((unit.cluster, values[row] - values[base], panel.weight(row)));
        }
    }
    if sides.iter().any(Vec::is_empty) {
        return None;
    }
    let mut influence = Vec::new();
    let mut means = [0.0; 2];
    let mut masses = [0.0; 2];
    for (position, side) in sides.iter().enumerate() {
        let weights: Vec<f64> = side.iter().map(|(_, _, weight)| *weight).collect();
        let changes: Vec<f64> = side.iter().map(|(_, change, _)| *change).collect();
        let mass = twofold::sum(weights.iter().copied()).value();
        let mean = twofold::weighted_mean(&changes, &weights);
        let n_units = side.len() as f64;
        let sign = if position == 0 { 1.0 } else { -1.0 };
        let freedom = if side.len() > 1 { (n_units / (n_units - 1.0)).sqrt() } else { 0.0 };
        influence.extend(
            side.iter().map(|(cluster, change, weight)| (*cluster, sign * freedom * weight / mass * (change - mean))),
        );
        means[position] = mean;
        masses[position] = mass;
    }
    Some(Difference { estimate: means[0] - means[1], mass: masses[0], n_treated: sides[0].len(), influence })
}

/// First differences of untreated rows on those of covariates.
fn adjustment(panel: &Panel) -> Adjustment {
    let width = panel.covariates.len();
    if width == 0 {
        return Adjustment { coefficients: Vec::new(), influence: Vec::new(), unpredicted: Vec::new() };
    }
    let (rows, clusters) = first_differences(panel, &panel.outcome, width);
    let fit = rows.solve();
    let influence = |column: usize| {
        let mut target = vec![0.0; width];
        target[column] = 1.0;
        let moved = || fit.influence_of_rows(&rows, &target, &clusters, panel.n_clusters);
        fit.factor.is_kept(column).then(moved)
    };
    let unpredicted = |column: usize| {
        let values = &panel.covariates[column].values;
        let rest = || {
            let (rows, _) = first_differences(panel, values, column);
            less(panel, values, &rows.solve())
        };
        (!fit.factor.is_kept(column)).then(rest)
    };
    Adjustment {
        influence: (0..width).map(influence).collect(),
        unpredicted: (0..width).map(unpredicted).collect(),
        coefficients: fit.solution,
    }
}

/// By period, changes of `values` and of the first `width` covariates, in untreated rows; and the cluster of each.
fn first_differences(panel: &Panel, values: &[f64], width: usize) -> (Rows, Vec<u32>) {
    let mut rows = Rows::new(width);
    let mut clusters = Vec::new();
    for period in 1..panel.periods.len() {
        let before = rows.len();
        for unit in &panel.units {
            let Some((row, base)) = panel.row(unit, period).zip(panel.row(unit, period - 1)) else { continue };
            if panel.treated(row) {
                continue;
            }
            let changes = panel.covariates[..width].iter().zip(0..);
            let entries: Vec<(u32, f64)> =
                changes.map(|(covariate, column)| (column, covariate.values[row] - covariate.values[base])).collect();
            rows.push(values[row] - values[base], panel.weight(row), &entries);
            clusters.push(unit.cluster);
        }
        if rows.len() > before {
            rows.end_block();
        }
    }
    (rows, clusters)
}

/// `values` less what the coefficients make of the covariates.
fn less(panel: &Panel, values: &[f64], fit: &Regression) -> Vec<f64> {
    let prediction = |row: usize| -> f64 {
        let covariates = panel.covariates.iter().zip(&fit.solution);
        covariates.map(|(covariate, coefficient)| coefficient * covariate.values[row]).sum()
    };
    (0..panel.n_obs()).map(|row| values[row] - prediction(row)).collect()
}

impl Adjustment {
    fn outcome(&self, panel: &Panel) -> Vec<f64> {
        let prediction = |row: usize| -> f64 {
            let covariates = panel.covariates.iter().zip(&self.coefficients);
            covariates.map(|(covariate, coefficient)| coefficient * covariate.values[row]).sum()
        };
        (0..panel.n_obs()).map(|row| panel.outcome[row] - prediction(row)).collect()
    }

    /// Adds what the clusters move through the coefficients: an effect falls by the effect on the covariate.
    fn enter(&self, panel: &Panel, cells: &[Cell], moved: &mut [f64]) -> Result<(), StatsError> {
        for (index, covariate) in panel.covariates.iter().enumerate() {
            let on_values = |values: &[f64]| average(panel, cells, values).map_or(0.0, |(estimate, ..)| estimate);
            if let Some(rest) = &self.unpredicted[index] {
                let size = covariate.values.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
                if on_values(rest).abs() > 1e-8 * size {
                    return Err(StaggeredError::UnidentifiedCovariate { covariate: covariate.term.clone() }.into());
                }
            }
            if let Some(influence) = &self.influence[index] {
                let on_covariate = on_values(&covariate.values);
                moved.iter_mut().zip(influence).for_each(|(moved, influence)| *moved -= on_covariate * influence);
            }
        }
        Ok(())
    }
}
