//! Two-stage least squares with any number of fixed effects.
//!
//! yᵢ = xᵢ'β + wᵢ'γ + effects + εᵢ with instruments zᵢ for xᵢ. All columns are freed of the effects; the fitted values x̂ of x on
//! w and z replace x, residuals and R² are those with x itself (Angrist & Pischke 2009, §4.1). The variance is the
//! sandwich around (ŵ'ŵ)⁻¹ with ŵ = (w, x̂). What is known of the instruments is in [`Fit::instruments`].

use crate::design::Design;
use crate::error::StatsError;
use crate::estimator::{Estimator, Fit};
use crate::instruments::{self, Stages};
use crate::linear::{self, Found};
use crate::solve;
use crate::vcov::{self, Linear, Means};
use crate::within::{self, Regression};

pub(super) struct Iv;

impl Estimator for Iv {
    fn name(&self) -> &'static str {
        "iv"
    }

    fn version(&self) -> u32 {
        2
    }

    fn fit(&self, design: &Design) -> Result<Fit, StatsError> {
        if design.endogenous.is_empty() {
            return Err(StatsError::NoInstruments);
        }
        let absorber = within::absorber(design);
        let lists = [design.regressors.as_slice(), &design.endogenous, &design.instruments];
        let (outcome, [exogenous, endogenous, instruments]) = within::regressions(design, &absorber, lists)?;
        if endogenous.columns.is_empty() {
            return Err(StatsError::NoRegressors { dropped: endogenous.dropped_terms });
        }
        let iterations = exogenous.iterations;
        let (mut first, n_given) = joined(exogenous, instruments);
        let first_solved = solve::least_squares(&first.columns, &endogenous.columns[0]);
        let n_exogenous = n_given - first_solved.dropped.iter().filter(|(position, _)| *position < n_given).count();
        first.keep(&first_solved);
        let n_instruments = first.columns.len() - n_exogenous;
        if n_instruments < endogenous.columns.len() {
            let reasons = first.dropped_terms.iter().chain(&endogenous.dropped_terms).cloned().collect();
            return Err(StatsError::TooFewInstruments {
                instruments: n_instruments,
                endogenous: endogenous.columns.len(),
                dropped: reasons,
            });
        }
        let fitted: Vec<Vec<f64>> = endogenous
            .columns
            .iter()
            .map(|column| combined(&first.columns, &solve::least_squares(&first.columns, column).solution))
            .collect();

        // The second stage: exogenous regressors, then fitted values under the names of the endogenous ones.
        let mut second = Regression {
            terms: first.terms[..n_exogenous].to_vec(),
            columns: first.columns[..n_exogenous].to_vec(),
            units: first.units[..n_exogenous].to_vec(),
            places: first.places[..n_exogenous].to_vec(),
            dropped_terms: first.dropped_terms.iter().chain(&endogenous.dropped_terms).cloned().collect(),
            iterations,
        };
        second.terms.extend(endogenous.terms.iter().cloned());
        second.columns.extend(fitted.iter().cloned());
        second.units.extend(endogenous.units.iter().copied());
        second.places.extend(fitted.iter().map(|_| None));
        let solved = solve::least_squares(&second.columns, &outcome.values);
        let lost = |position: usize| solved.dropped.iter().any(|(dropped, _)| *dropped == position);
        let kept: Vec<usize> = (0..endogenous.columns.len()).filter(|index| !lost(n_exogenous + index)).collect();
        second.keep(&solved);
        let actual: Vec<Vec<f64>> = first.columns[..n_exogenous]
            .iter()
            .chain(kept.iter().map(|index| &endogenous.columns[*index]))
            .cloned()
            .collect();
        let absorbed = vcov::absorbed(design);
        if design.n_obs() <= first.terms.len() + absorbed {
            let parameters = first.terms.len() + absorbed;
            return Err(StatsError::NoFreedom { observations: design.n_obs(), parameters });
        }
        let explained = combined(&actual, &solved.solution);
        let residuals: Vec<f64> = outcome.values.iter().zip(&explained).map(|(value, fit)| value - fit).collect();
        let (terms, units) = (second.terms, second.units);
        let linear = Linear {
            bread: &solved.inverse,
            columns: second.columns,
            residuals: &residuals,
            means: Means::Instruments,
        };
        let variance = vcov::variance(design, linear)?;
        let stages = Stages {
            design,
            outcome: &outcome,
            exogenous: &first.columns[..n_exogenous],
            instruments: &first.columns[n_exogenous..],
            instrument_terms: &first.terms[n_exogenous..],
            instrument_units: &first.units[n_exogenous..],
            endogenous: kept.iter().map(|index| endogenous.columns[*index].as_slice()).collect(),
            endogenous_terms: kept.iter().map(|index| endogenous.terms[*index].as_str()).collect(),
            endogenous_units: kept.iter().map(|index| endogenous.units[*index]).collect(),
            residuals: &residuals,
            estimates: &solved.solution[n_exogenous..],
        };
        let instruments = instruments::diagnostics(&stages)?;

        let found = Found {
            terms,
            dropped_terms: second.dropped_terms,
            units: &units,
            solved: &solved,
            variance,
            outcome: &outcome,
            residuals,
            iterations,
            instruments: Some(instruments),
        };
        Ok(linear::fit(design, found))
    }
}

/// Both lists as one, and how many columns are of the first.
fn joined(mut first: Regression, second: Regression) -> (Regression, usize) {
    let count = first.columns.len();
    first.terms.extend(second.terms);
    first.columns.extend(second.columns);
    first.units.extend(second.units);
    first.places.extend(second.places);
    first.dropped_terms.extend(second.dropped_terms);
    (first, count)
}

/// Σ columns · coefficients.
fn combined(columns: &[Vec<f64>], coefficients: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; columns.first().map_or(0, Vec::len)];
    for (column, coefficient) in columns.iter().zip(coefficients) {
        sum.iter_mut().zip(column).for_each(|(sum, value)| *sum += coefficient * value);
    }
    sum
}
