//! The outcome, its lag and the regressors of a spatial model, freed of effects, and what least squares says of them.

use super::error::SpatialError;
use super::panel::{Effects, Observations, Panel};
use super::weights::Weights;
use crate::{solve, twofold, within};

/// The prefix of a lagged term.
pub(crate) const LAGGED: &str = "W:";

pub(crate) struct Regression<'a> {
    pub(crate) panel: Panel<'a>,
    pub(crate) effects: Effects,
    /// As in the data, and its lag.
    pub(crate) raw: [Vec<f64>; 2],
    /// Freed of effects, and its lag.
    pub(crate) outcome: [Vec<f64>; 2],
    pub(crate) terms: Vec<String>,
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) dropped_terms: Vec<(String, String)>,
    /// Of the outcome on the regressors.
    pub(crate) residuals: Vec<f64>,
}

impl<'a> Regression<'a> {
    /// `lagged` adds the lag of every regressor.
    pub(crate) fn new(
        weights: &'a Weights,
        observations: &Observations,
        effects: Effects,
        lagged: bool,
    ) -> Result<Regression<'a>, SpatialError> {
        let panel = Panel::new(weights, observations.units, observations.periods)?;
        if effects.of_units() && panel.n_periods < 2 {
            return Err(SpatialError::OnePeriod);
        }
        let name = observations.outcome_name.to_string();
        let own = panel.column(&name, observations.outcome)?;
        let lag = panel.lag(&own);
        let raw = [own, lag];
        let outcome = raw.each_ref().map(|values| panel.within(values, effects));
        if is_gone(&outcome[0], &raw[0]) {
            return Err(match effects {
                Effects::None => SpatialError::Constant { what: name, value: raw[0][0] },
                _ => SpatialError::AbsorbedOutcome { outcome: name },
            });
        }
        let mut candidates = Vec::new();
        if effects == Effects::None {
            candidates.push((within::INTERCEPT.to_string(), vec![1.0; panel.n_rows()]));
        }
        for (term, values) in observations.regressors {
            candidates.push((term.clone(), panel.column(term, values)?));
        }
        if lagged {
            let own = candidates.iter().skip(usize::from(effects == Effects::None));
            let lags: Vec<(String, Vec<f64>)> =
                own.map(|(term, values)| (format!("{LAGGED}{term}"), panel.lag(values))).collect();
            candidates.extend(lags);
        }
        let (mut terms, mut columns, mut dropped_terms) = (Vec::new(), Vec::new(), Vec::new());
        for (term, values) in candidates {
            let column = panel.within(&values, effects);
            if effects != Effects::None && is_gone(&column, &values) {
                dropped_terms.push((term, "collinear with the effects".to_string()));
            } else {
                terms.push(term);
                columns.push(column);
            }
        }
        let solved = solve::least_squares(&columns, &outcome[0]);
        for (position, spanned_by) in solved.dropped.iter().rev() {
            let names: Vec<String> = spanned_by.iter().map(|other| format!("`{}`", terms[*other])).collect();
            let reason =
                if names.is_empty() { "always 0".into() } else { format!("collinear with {}", names.join(", ")) };
            dropped_terms.push((terms[*position].clone(), reason));
        }
        for (position, _) in solved.dropped.iter().rev() {
            terms.remove(*position);
            columns.remove(*position);
        }
        if terms.iter().all(|term| term == within::INTERCEPT) {
            let reasons = dropped_terms.iter().map(|(term, reason)| format!("{term}: {reason}")).collect();
            return Err(SpatialError::NoRegressors { reasons });
        }
        let residuals = rest(&outcome[0], &columns, &solved.solution);
        let squares = |values: &[f64]| twofold::dot(values, values).value();
        if squares(&residuals) <= solve::COLLINEAR * solve::COLLINEAR * squares(&outcome[0]) {
            return Err(SpatialError::PerfectFit { outcome: name });
        }
        Ok(Regression { panel, effects, raw, outcome, terms, columns, dropped_terms, residuals })
    }

    /// The lag of values of the panel, freed of effects.
    pub(crate) fn lag(&self, values: &[f64]) -> Vec<f64> {
        self.panel.within(&self.panel.lag(values), self.effects)
    }
}

/// Values less the columns times their coefficients.
pub(crate) fn rest(values: &[f64], columns: &[Vec<f64>], coefficients: &[f64]) -> Vec<f64> {
    let mut rest = values.to_vec();
    for (column, coefficient) in columns.iter().zip(coefficients) {
        rest.iter_mut().zip(column).for_each(|(rest, value)| *rest -= coefficient * value);
    }
    rest
}

/// Whether effects, or its mean, leave nothing of a column.
fn is_gone(within: &[f64], values: &[f64]) -> bool {
    let squares = |values: &[f64]| twofold::dot(values, values).value();
    let mean = twofold::mean(values);
    let centred: Vec<f64> = values.iter().map(|value| value - mean).collect();
    // A column that is constant up to rounding is gone too.
    squares(within) <= solve::COLLINEAR * solve::COLLINEAR * squares(&centred)
        || squares(&centred) <= 1e-28 * squares(values)
}
