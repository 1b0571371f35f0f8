//! The coefficient of one regressor as a regression of one column on one column: the fixed effects, the weights and the
//! other regressors are taken out of both. Knows no variance.

use crate::demean::Absorber;
use crate::design::{CheckedVcov, Design, Group};
use crate::error::StatsError;
use crate::resampling::error::ResamplingError;
use crate::solve;
use crate::twofold;
use crate::vcov;
use crate::within;

/// What is left of a design for the question about one term.
pub(super) struct Partial {
    /// Freed of the effects and of the other regressors, weighted.
    pub(super) outcome: Vec<f64>,
    pub(super) regressor: Vec<f64>,
    /// All regressors that were kept, freed of the effects and weighted.
    pub(super) columns: Vec<Vec<f64>>,
    /// Which of them the regressor is.
    pub(super) position: usize,
    /// Σ regressor².
    pub(super) square: f64,
    /// The coefficient of `outcome` on `regressor`.
    pub(super) slope: f64,
    /// Coefficients in the user's units are this many times those of the columns.
    pub(super) unit: f64,
}

impl Partial {
    pub(super) fn new(design: &Design, absorber: &Absorber, term: &str) -> Result<Partial, StatsError> {
        if !design.endogenous.is_empty() {
            return Err(StatsError::NeedsInstruments { estimator: "twfe" });
        }
        let (outcome, [mut regression]) = within::regressions(design, absorber, [&design.regressors])?;
        let solved = solve::least_squares(&regression.columns, &outcome.values);
        regression.keep(&solved);
        let position = position(&regression.terms, &regression.dropped_terms, term)?;
        let parameters = regression.terms.len() + vcov::absorbed(design);
        if design.n_obs() <= parameters {
            return Err(StatsError::NoFreedom { observations: design.n_obs(), parameters });
        }
        let mut others = regression.columns.clone();
        let column = others.remove(position);
        let regressor = residual(&others, &column);
        let square = twofold::dot(&regressor, &regressor).value();
        Ok(Partial {
            outcome: residual(&others, &outcome.values),
            regressor,
            columns: regression.columns,
            position,
            square,
            slope: solved.solution[position],
            unit: outcome.units.scale / regression.units[position].scale,
        })
    }

    /// What the regressor does not explain either.
    pub(super) fn residuals(&self) -> Vec<f64> {
        let pairs = self.outcome.iter().zip(&self.regressor);
        pairs.map(|(outcome, regressor)| outcome - self.slope * regressor).collect()
    }
}

/// `target` less its least-squares fit on `columns`, which are not collinear.
pub(super) fn residual(columns: &[Vec<f64>], target: &[f64]) -> Vec<f64> {
    let solved = solve::least_squares(columns, target);
    let mut residual = target.to_vec();
    for (column, coefficient) in columns.iter().zip(&solved.solution) {
        residual.iter_mut().zip(column).for_each(|(residual, value)| *residual -= coefficient * value);
    }
    residual
}

/// Where a term is among those that were kept, or why it is not.
pub(super) fn position(terms: &[String], dropped: &[(String, String)], term: &str) -> Result<usize, ResamplingError> {
    if term != within::INTERCEPT
        && let Some(position) = terms.iter().position(|other| other == term)
    {
        return Ok(position);
    }
    if let Some((term, reason)) = dropped.iter().find(|(other, _)| other == term) {
        return Err(ResamplingError::DroppedTerm { term: term.clone(), reason: reason.clone() });
    }
    let known = terms.iter().filter(|other| *other != within::INTERCEPT).cloned().collect();
    Err(ResamplingError::UnknownTerm { term: term.to_string(), known })
}

/// The column to cluster by.
pub(super) fn cluster<'a>(design: &'a Design, what: &'static str) -> Result<&'a Group, ResamplingError> {
    let vcov = match &design.vcov {
        CheckedVcov::OneWay(cluster) | CheckedVcov::Cr2(cluster) | CheckedVcov::Cr3(cluster) => return Ok(cluster),
        CheckedVcov::TwoWay(_) => "two-way cluster",
        CheckedVcov::Iid => "iid",
        CheckedVcov::Hetero => "hetero",
        CheckedVcov::Hc2 => "hc2",
        CheckedVcov::Hc3 => "hc3",
        CheckedVcov::NeweyWest(_) => "newey_west",
        CheckedVcov::DriscollKraay(_) => "driscoll_kraay",
        CheckedVcov::Conley(_) => "conley",
    };
    Err(ResamplingError::NotClustered { what, vcov: vcov.to_string() })
}
