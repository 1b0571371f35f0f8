//! The results of a linear regression, put together: what least squares and instruments report alike. Knows no way to
//! estimate.

use crate::describe;
use crate::design::Design;
use crate::estimator::Fit;
use crate::inference;
use crate::instruments::Instruments;
use crate::prepare::{self, Units};
use crate::solve::{self, Solved};
use crate::twofold;
use crate::vcov::{self, Variance};
use crate::within::Outcome;

/// What an estimator has found, in the units of its columns.
pub(crate) struct Found<'a> {
    pub(crate) terms: Vec<String>,
    pub(crate) dropped_terms: Vec<(String, String)>,
    /// Of the columns.
    pub(crate) units: &'a [Units],
    pub(crate) solved: &'a Solved,
    pub(crate) variance: Variance,
    /// Of the outcome, whose values are not asked for.
    pub(crate) outcome: &'a Outcome,
    /// With the roots of the weights in them.
    pub(crate) residuals: Vec<f64>,
    pub(crate) iterations: u32,
    pub(crate) instruments: Option<Instruments>,
}

/// The fit in the user's units.
pub(crate) fn fit(design: &Design, found: Found) -> Fit {
    let Found { terms, dropped_terms, units, solved, variance, outcome, mut residuals, iterations, instruments } =
        found;
    let note = variance.note(&terms);
    let matrix = prepare::variance_in_units(variance.matrix, units, outcome.units, design.intercept);
    let (matrix, repaired) = vcov::repaired(matrix);
    let estimates = prepare::coefficients_in_units(&solved.solution, units, outcome.units, design.intercept);
    let unexplained = twofold::dot(&residuals, &residuals).value();
    if let Some(roots) = prepare::roots(design) {
        residuals.iter_mut().zip(roots).for_each(|(residual, root)| *residual /= root);
    }
    residuals.iter_mut().for_each(|residual| *residual *= outcome.units.scale);
    let absorbed = vcov::absorbed(design);
    let r2 = 1.0 - unexplained / outcome.total;
    let r2_within = design.has_effects().then_some(1.0 - unexplained / outcome.total_within);
    let (n_obs, parameters) = (design.n_obs() as f64, (terms.len() + absorbed) as f64);
    let absorbed = absorbed as f64;
    Fit {
        coefficients: inference::coefficients(terms, &estimates, &matrix, variance.df_t, design.level),
        dropped_terms,
        vcov: matrix,
        vcov_label: variance.label + repaired + &note,
        residuals,
        n_obs: design.n_obs(),
        n_clusters: variance.n_clusters,
        n_singletons: design.n_singletons,
        df_residual: n_obs - parameters,
        df_t: variance.df_t,
        r2,
        adj_r2: 1.0 - (1.0 - r2) * (n_obs - 1.0) / (n_obs - parameters),
        r2_within,
        adj_r2_within: r2_within.map(|r2| 1.0 - (1.0 - r2) * (n_obs - absorbed) / (n_obs - parameters)),
        rmse: (unexplained / n_obs).sqrt() * outcome.units.scale,
        outcome_mean: twofold::mean(&design.outcome),
        outcome_sd: describe::standard_deviation(&design.outcome),
        iterations,
        condition: solve::condition(solved, usize::from(design.intercept)),
        instruments,
        likelihood: None,
    }
}
