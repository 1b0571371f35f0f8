//! The effect on one cohort in one period of a balanced panel, with its influence function: Sant'Anna & Zhao (2020), as in
//! R's `DRDID` (`reg_did_panel`, `std_ipw_did_panel`, `drdid_panel`).
//!
//! With Δ the outcome's change since the base period, D = 1 in the cohort, w the unit's weight, x the constant and the
//! covariates, β the least squares of Δ on x in the comparison, p the propensity score:
//!
//! | adjustment | effect |
//! |---|---|
//! | regression | Σ wD(Δ - x'β) / Σ wD |
//! | weighting | Σ wDΔ / Σ wD - Σ vΔ / Σ v, v = w(1-D)p/(1-p) |
//! | both | Σ wD(Δ - x'β) / Σ wD - Σ v(Δ - x'β) / Σ v |
//!
//! Weights are those of the base period.

use super::propensity::{self, Propensity};
use super::{Adjustment, Options, Task};
use crate::staggered::panel::Panel;
use crate::staggered::regression::Factor;
use crate::twofold::{self, Twofold};

/// The covariates of a panel, each less its mean: that changes no prediction and keeps digits.
pub(super) struct Covariates {
    columns: Vec<Vec<f64>>,
    pub(super) terms: Vec<String>,
    constant: bool,
}

/// What the cells of one comparison and base share.
struct Nuisance {
    /// Positions of the units that take part.
    units: Vec<usize>,
    treated: Vec<bool>,
    /// w of the treated, 0 elsewhere; and of the comparison.
    treated_weights: Vec<f64>,
    comparison_weights: Vec<f64>,
    /// The constant and the covariates.
    columns: Vec<Vec<f64>>,
    regression: Option<Factor>,
    propensity: Option<Propensity>,
}

/// Estimate, how much each cluster moves it, numbers of treated units and of the comparison; or why there is none.
pub(super) type Found = Result<(f64, Vec<f64>, [usize; 2]), String>;

impl Covariates {
    pub(super) fn new(panel: &Panel) -> Covariates {
        let centred = |values: &Vec<f64>| {
            let mean = twofold::mean(values);
            values.iter().map(|value| value - mean).collect()
        };
        let is_constant = |values: &[f64]| {
            panel
                .units
                .iter()
                .all(|unit| values[unit.rows.clone()].iter().all(|value| *value == values[unit.rows.start]))
        };
        Covariates {
            columns: panel.covariates.iter().map(|covariate| centred(&covariate.values)).collect(),
            terms: panel.covariates.iter().map(|covariate| covariate.term.clone()).collect(),
            constant: panel.covariates.iter().all(|covariate| is_constant(&covariate.values))
                && panel.weights.as_deref().is_none_or(is_constant),
        }
    }

    /// Whether covariates and weights are constant within units.
    pub(super) fn are_constant(&self) -> bool {
        self.constant
    }

    /// The constant and the covariates in some rows.
    pub(super) fn in_rows(&self, rows: &[usize]) -> Vec<Vec<f64>> {
        let constant = vec![1.0; rows.len()];
        let of = |column: &Vec<f64>| rows.iter().map(|row| column[*row]).collect();
        std::iter::once(constant).chain(self.columns.iter().map(of)).collect()
    }
}

/// The answers of cells that share a comparison and, where covariates change, a base.
pub(super) fn answers(
    panel: &Panel,
    covariates: &Covariates,
    options: &Options,
    tasks: Vec<Task>,
) -> Vec<(Task, Found)> {
    let nuisance = nuisance(panel, covariates, options, &tasks[0]);
    tasks
        .into_iter()
        .map(|task| {
            let found = match &nuisance {
                Ok(nuisance) => Ok(answer(panel, nuisance, &task)),
                Err(reason) => Err(reason.clone()),
            };
            (task, found)
        })
        .collect()
}

fn nuisance(panel: &Panel, covariates: &Covariates, options: &Options, task: &Task) -> Result<Nuisance, String> {
    let sides = panel.units.iter().enumerate().filter_map(|(index, unit)| Some((index, super::side(unit, task)?)));
    let (units, treated): (Vec<usize>, Vec<bool>) = sides.unzip();
    if !treated.contains(&false) {
        return Err("no unit to compare with".to_string());
    }
    let rows: Vec<usize> = units.iter().map(|unit| panel.units[*unit].rows.start + task.base).collect();
    let weight_of = |side: bool| -> Vec<f64> {
        let pairs = rows.iter().zip(&treated);
        pairs.map(|(row, treated)| if *treated == side { panel.weight(*row) } else { 0.0 }).collect()
    };
    let (treated_weights, comparison_weights) = (weight_of(true), weight_of(false));
    let mut columns = covariates.in_rows(&rows);
    let all: Vec<f64> = rows.iter().map(|row| panel.weight(*row)).collect();
    spanned_out(&mut columns, &all, &comparison_weights, &covariates.terms, options.adjustment)?;
    let with_covariates = columns.len() > 1;
    let regression = match options.adjustment {
        Adjustment::Weighting if with_covariates => None,
        _ => Some(propensity::normal_equations(&columns, &comparison_weights)),
    };
    let propensity = match options.adjustment {
        Adjustment::Weighting | Adjustment::DoublyRobust if with_covariates => {
            Some(propensity::logit(&columns, &treated, &all, &comparison_weights)?)
        }
        _ => None,
    };
    Ok(Nuisance { units, treated, treated_weights, comparison_weights, columns, regression, propensity })
}

/// Removes columns that earlier ones span in all rows. A column that is spanned only in the comparison has no effect
/// that the comparison could tell.
pub(super) fn spanned_out(
    columns: &mut Vec<Vec<f64>>,
    all: &[f64],
    comparison: &[f64],
    terms: &[String],
    adjustment: Adjustment,
) -> Result<(), String> {
    if columns.len() == 1 {
        return Ok(());
    }
    let kept = propensity::normal_equations(columns, all).kept().to_vec();
    if adjustment != Adjustment::Weighting {
        let among = propensity::normal_equations(columns, comparison).kept().to_vec();
        if let Some(lost) = kept.iter().find(|column| !among.contains(column)) {
            return Err(format!("`{}` does not vary by itself in the comparison", terms[lost - 1]));
        }
    }
    let mut position = 0;
    columns.retain(|_| {
        position += 1;
        kept.contains(&(position - 1))
    });
    Ok(())
}

fn answer(panel: &Panel, nuisance: &Nuisance, task: &Task) -> (f64, Vec<f64>, [usize; 2]) {
    let Nuisance { units, treated, treated_weights, comparison_weights, columns, .. } = nuisance;
    let changes: Vec<f64> = units
        .iter()
        .map(|unit| {
            let start = panel.units[*unit].rows.start;
            panel.outcome[start + task.period] - panel.outcome[start + task.base]
        })
        .collect();
    let treated_mass = twofold::sum(treated_weights.iter().copied()).value();

    // What is left of the change when its prediction from the comparison is taken out.
    let rest: Vec<f64> = match &nuisance.regression {
        Some(factor) => {
            let weighted: Vec<f64> =
                changes.iter().zip(comparison_weights).map(|(change, weight)| change * weight).collect();
            let coefficients = factor.solve(&propensity::weighted_sums(columns, &weighted));
            let fitted = propensity::fitted(columns, &coefficients);
            changes.iter().zip(&fitted).map(|(change, fitted)| change - fitted).collect()
        }
        None => changes,
    };
    let treated_mean = propensity::mean(&rest, treated_weights);
    let mut influence: Vec<f64> =
        rest.iter().zip(treated_weights).map(|(rest, weight)| weight * (rest - treated_mean) / treated_mass).collect();
    // Σ over treated of x, per unit of mass, less the same of the weighted comparison: how β enters.
    let mut means: Vec<Twofold> = propensity::weighted_sums(columns, treated_weights)
        .into_iter()
        .map(|sum| sum / Twofold::from(treated_mass))
        .collect();
    let mut estimate = treated_mean;

    if let Some(Propensity { scores, hessian }) = &nuisance.propensity {
        let odds: Vec<f64> = comparison_weights
            .iter()
            .zip(scores)
            .map(|(weight, score)| if *score < propensity::TRIMMED_FROM { weight * score / (1.0 - score) } else { 0.0 })
            .collect();
        let mass = twofold::sum(odds.iter().copied()).value();
        let mean = propensity::mean(&rest, &odds);
        estimate -= mean;
        let spread: Vec<f64> = rest.iter().zip(&odds).map(|(rest, odds)| odds * (rest - mean) / mass).collect();
        let loads = hessian.solve(&propensity::weighted_sums(columns, &spread));
        let of_score = propensity::fitted(columns, &loads);
        for (index, influence) in influence.iter_mut().enumerate() {
            let weight = treated_weights[index] + comparison_weights[index];
            let surprise = f64::from(u8::from(treated[index])) - scores[index];
            *influence -= spread[index] + weight * surprise * of_score[index];
        }
        let sums = propensity::weighted_sums(columns, &odds);
        means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = *mean - sum / Twofold::from(mass));
    }
    if let Some(factor) = &nuisance.regression {
        let of_beta = propensity::fitted(columns, &factor.solve(&means));
        for (index, influence) in influence.iter_mut().enumerate() {
            *influence -= comparison_weights[index] * rest[index] * of_beta[index];
        }
    }
    let n_treated = treated.iter().filter(|treated| **treated).count();
    let mut by_cluster = vec![0.0; panel.n_clusters];
    for (unit, influence) in units.iter().zip(influence) {
        by_cluster[panel.units[*unit].cluster as usize] += influence;
    }
    (estimate, by_cluster, [n_treated, treated.len() - n_treated])
}
