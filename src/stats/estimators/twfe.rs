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

use crate::design::Design;
use crate::error::StatsError;
use crate::estimator::{Estimator, Fit};
use crate::linear::{self, Found};
use crate::shared::Shared;
use crate::solve::{self, Solved};
use crate::vcov::{self, Linear, Means};
use crate::within::{self, Outcome, Regression};

pub(super) struct Twfe;

impl Estimator for Twfe {
    fn name(&self) -> &'static str {
        "twfe"
    }

    fn version(&self) -> u32 {
        3
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
fn finished(
    design: &Design,
    mut outcome: Outcome,
    mut regression: Regression,
    solved: &Solved,
) -> Result<Fit, StatsError> {
    regression.keep(solved);
    let Regression { terms, columns, units, dropped_terms, iterations, .. } = regression;
    if terms.len() == usize::from(design.intercept) && !dropped_terms.is_empty() {
        return Err(StatsError::NoRegressors { dropped: dropped_terms });
    }
    let parameters = terms.len() + vcov::absorbed(design);
    if design.n_obs() <= parameters {
        return Err(StatsError::NoFreedom { observations: design.n_obs(), parameters });
    }
    let mut residuals = std::mem::take(&mut outcome.values);
    for (column, coefficient) in columns.iter().zip(&solved.solution) {
        residuals.iter_mut().zip(column).for_each(|(residual, value)| *residual -= coefficient * value);
    }
    let linear = Linear { bread: &solved.inverse, columns, residuals: &residuals, means: Means::LeastSquares };
    let variance = vcov::variance(design, linear)?;
    let outcome = &outcome;
    let instruments = None;
    let units = &units;
    Ok(linear::fit(
        design,
        Found { terms, dropped_terms, units, solved, variance, outcome, residuals, iterations, instruments },
    ))
}

#[cfg(test)]
mod tests;
