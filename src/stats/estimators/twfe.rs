//! Least squares with any number of fixed effects, the two-way one of difference-in-differences among them.
//!
//! yᵢ = xᵢ'β + α₁[g₁(i)] + … + αₖ[gₖ(i)] + εᵢ, weighted or not. By the theorem of Frisch, Waugh and Lovell β is the
//! least-squares solution of the outcome on the regressors, each freed of the effects. Without effects and with an
//! intercept the columns are centred, which is the same with one effect of one level, and the intercept is put back.
//!
//! Weights: a row counts as much as its weight, so that the transformed columns are multiplied by its root; numbers of
//! rows stay numbers of rows. Collinear regressors: a later column goes, with the reason. R² and its kin are those of
//! `fixest`: SSR against the outcome's weighted variance, within R² against the outcome freed of the effects, adjusted
//! by all parameters. Variances: `vcov`.

use crate::describe;
use crate::design::Design;
use crate::error::StatsError;
use crate::estimator::{Estimator, Fit};
use crate::inference;
use crate::prepare;
use crate::shared::Shared;
use crate::solve::{self, Solved};
use crate::twofold;
use crate::vcov::{self, Linear, Means};
use crate::within::{self, Outcome, Regression};

pub(super) struct Twfe;

impl Estimator for Twfe {
    fn name(&self) -> &'static str {
        "twfe"
    }

    fn version(&self) -> u32 {
        2
    }

    fn fit(&self, design: &Design) -> Result<Fit, StatsError> {
        check(design)?;
        let (outcome, [regression]) = within::regressions(design, &within::absorber(design), [&design.regressors])?;
        let solved = solve::least_squares(&regression.columns, &outcome.values);
        finished(design, outcome, regression, &solved)
    }

    fn fit_among(&self, design: &Design, shared: &mut Shared) -> Result<Fit, StatsError> {
        check(design)?;
        let Some(space) = shared.space(design) else { return self.fit(design) };
        let (outcome, [regression]) = within::regressions(design, space, [&design.regressors])?;
        let solved = space.least_squares(&regression, &outcome);
        finished(design, outcome, regression, &solved)
    }
}

fn check(design: &Design) -> Result<(), StatsError> {
    match design.endogenous.is_empty() {
        true => Ok(()),
        false => Err(StatsError::NeedsInstruments { estimator: "twfe" }),
    }
}

/// The fit of a solved regression.
fn finished(design: &Design, outcome: Outcome, mut regression: Regression, solved: &Solved) -> Result<Fit, StatsError> {
    let has_effects = design.has_effects();
    regression.keep(solved);
    let (terms, units) = (regression.terms, regression.units);
    if terms.len() == usize::from(design.intercept) && !regression.dropped_terms.is_empty() {
        return Err(StatsError::NoRegressors { dropped: regression.dropped_terms });
    }
    let absorbed = vcov::absorbed(design);
    let parameters = terms.len() + absorbed;
    if design.n_obs() <= parameters {
        return Err(StatsError::NoFreedom { observations: design.n_obs(), parameters });
    }

    let mut residuals = outcome.values;
    for (column, coefficient) in regression.columns.iter().zip(&solved.solution) {
        residuals.iter_mut().zip(column).for_each(|(residual, value)| *residual -= coefficient * value);
    }
    let unexplained = twofold::dot(&residuals, &residuals).value();
    let linear = Linear {
        bread: &solved.inverse,
        columns: regression.columns,
        residuals: &residuals,
        means: Means::LeastSquares,
    };
    let variance = vcov::variance(design, linear)?;
    let matrix = prepare::variance_in_units(variance.matrix, &units, outcome.units, design.intercept);
    let (matrix, repaired) = vcov::repaired(matrix);
    let estimates = prepare::coefficients_in_units(&solved.solution, &units, outcome.units, design.intercept);

    if let Some(roots) = prepare::roots(design) {
        residuals.iter_mut().zip(roots).for_each(|(residual, root)| *residual /= root);
    }
    residuals.iter_mut().for_each(|residual| *residual *= outcome.units.scale);
    let r2 = 1.0 - unexplained / outcome.total;
    let r2_within = has_effects.then_some(1.0 - unexplained / outcome.total_within);
    let (n_obs, absorbed, parameters) = (design.n_obs() as f64, absorbed as f64, parameters as f64);
    Ok(Fit {
        coefficients: inference::coefficients(terms, &estimates, &matrix, variance.df_t, design.level),
        dropped_terms: regression.dropped_terms,
        vcov: matrix,
        vcov_label: variance.label + repaired,
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
        iterations: regression.iterations,
        condition: solve::condition(solved, usize::from(design.intercept)),
        instruments: None,
        likelihood: None,
    })
}

#[cfg(test)]
mod tests;
