//! Spatial panel models by maximum likelihood: lag (SAR), error (SEM) and Durbin (SDM).
//!
//! Lag: y = ρWy + Xβ + effects + ε; Durbin adds WXθ; error: y = Xβ + effects + u with u = λWu + ε. With N rows and K
//! periods that count, the concentrated likelihood -N/2 (log 2π + 1 + log σ²(ρ)) + K log|I - ρW| has one argument
//! (Ord 1975; Elhorst 2003). Its maximum: the best of 64 values between the ends where the determinant is 0, then halving
//! between that one's neighbours where the derivative changes sign, until the ends are 4·10⁻¹⁶ apart or next to each other.
//!
//! Effects are taken out by means. `Correction::Direct` takes N = nT and K = T for what is left, which understates σ² by
//! (T - 1)/T with unit effects and biases ρ with period effects. `Correction::LeeYu` is the likelihood of the transformed
//! rows (Lee & Yu 2010): N = n(T - 1) and K = T - 1 with unit effects; with period effects n - 1 in place of n and the
//! determinant over 1 - ρ, which needs weights that sum to 1. Variances are the inverse of the expected information.

use super::concentrated::{self, Counted, Squares};
use super::determinant::Determinant;
use super::error::SpatialError;
use super::impacts::{self, Impact, Places};
use super::information::{self, Information};
use super::panel::{Effects, Observations};
use super::regression::{self, LAGGED, Regression};
use super::weights::Weights;
use super::{Simulation, Test};
use crate::estimator::Coefficient;
use crate::solve::{self, Matrix};
use crate::{inference, twofold, within};
use std::f64::consts::PI;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    Lag,
    Error,
    Durbin,
}

/// What the likelihood says of degrees of freedom that effects take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    Direct,
    LeeYu,
}

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub model: Model,
    pub effects: Effects,
    pub correction: Correction,
    /// Of the intervals.
    pub level: f64,
    /// For standard errors of impacts beside those of the delta method.
    pub simulation: Option<Simulation>,
}

#[derive(Clone, Debug)]
pub struct SpatialFit {
    /// The regressors, their lags as `W:x`, then `rho` or `lambda`; z statistics.
    pub coefficients: Vec<Coefficient>,
    /// Of `coefficients`, in their order.
    pub vcov: Matrix,
    pub sigma2: f64,
    /// One per regressor; for the error model none, as its coefficients are the effects.
    pub impacts: Vec<Impact>,
    pub dropped_terms: Vec<(String, String)>,
    /// In the order of the rows.
    pub residuals: Vec<f64>,
    pub n_obs: usize,
    pub n_units: usize,
    pub n_periods: usize,
    pub log_likelihood: f64,
    /// The coefficients and σ², without effects.
    pub parameters: usize,
    pub aic: f64,
    /// With the logarithm of the rows that count, N.
    pub bic: f64,
    /// The squared correlation of outcome and prediction, both freed of effects; neighbours' outcomes predict in the first
    /// and not in the second. The same for the error model.
    pub pseudo_r2: f64,
    pub pseudo_r2_reduced: f64,
    /// Of the spatial coefficient.
    pub interval: (f64, f64),
}

/// The Durbin model, the two it contains, and whether it can be reduced to them.
#[derive(Clone, Debug)]
pub struct Comparison {
    pub durbin: SpatialFit,
    pub lag: SpatialFit,
    pub error: SpatialFit,
    /// Likelihood ratio and Wald, for the lag (θ = 0), then for the error model (θ + ρβ = 0).
    pub tests: Vec<Test>,
}

pub fn fit(weights: &Weights, observations: &Observations, options: &Options) -> Result<SpatialFit, SpatialError> {
    let determinant = decomposed(weights);
    fitted(weights, &determinant, observations, options)
}

/// Fits all three models with the other `options`.
pub fn compare(weights: &Weights, observations: &Observations, options: &Options) -> Result<Comparison, SpatialError> {
    let determinant = decomposed(weights);
    let of = |model| fitted(weights, &determinant, observations, &Options { model, ..*options });
    let (durbin, lag, error) = (of(Model::Durbin)?, of(Model::Lag)?, of(Model::Error)?);
    let place = |term: &str| durbin.coefficients.iter().position(|coefficient| coefficient.term == term);
    let estimate = |place: usize| durbin.coefficients[place].estimate;
    let rho = durbin.coefficients.len() - 1;
    let (mut thetas, mut gradients) = (Vec::new(), [Vec::new(), Vec::new()]);
    let mut values = [Vec::new(), Vec::new()];
    for (term, _) in observations.regressors {
        let Some(lagged) = place(&format!("{LAGGED}{term}")) else { continue };
        let mut gradient = vec![0.0; rho + 1];
        gradient[lagged] = 1.0;
        values[0].push(estimate(lagged));
        gradients[0].push(gradient.clone());
        let own = place(term);
        own.into_iter().for_each(|own| gradient[own] = estimate(rho));
        gradient[rho] = own.map_or(0.0, estimate);
        values[1].push(estimate(lagged) + estimate(rho) * gradient[rho]);
        gradients[1].push(gradient);
        thetas.push(lagged);
    }
    if thetas.is_empty() {
        let reasons = durbin.dropped_terms.iter().map(|(term, reason)| format!("{term}: {reason}")).collect();
        return Err(SpatialError::NoRegressors { reasons });
    }
    let mut tests = Vec::new();
    for (index, (smaller, names)) in
        [(&lag, ["likelihood ratio, lag", "wald, lag"]), (&error, ["likelihood ratio, error", "wald, error"])]
            .into_iter()
            .enumerate()
    {
        let ratio = 2.0 * (durbin.log_likelihood - smaller.log_likelihood);
        tests.push(Test::new(names[0], ratio, thetas.len()));
        let variance = solve::rectangular_sandwich(&gradients[index], &durbin.vcov);
        let inverse = information::scaled_inverse(&variance).ok_or(SpatialError::SingularInformation)?;
        let product = |row: &Vec<f64>| twofold::dot(row, &values[index]).value();
        let wald = twofold::dot(&inverse.iter().map(product).collect::<Vec<_>>(), &values[index]).value();
        tests.push(Test::new(names[1], wald, thetas.len()));
    }
    Ok(Comparison { durbin, lag, error, tests })
}

fn decomposed(weights: &Weights) -> Determinant {
    Determinant::new(weights.similar_symmetric(), || weights.dense())
}

fn fitted(
    weights: &Weights,
    determinant: &Determinant,
    observations: &Observations,
    options: &Options,
) -> Result<SpatialFit, SpatialError> {
    if !(options.level > 0.0 && options.level < 1.0) {
        let reason = "a level is between 0 and 1";
        return Err(SpatialError::Option { option: "level", value: options.level.to_string(), reason });
    }
    if let Some(simulation) = options.simulation.filter(|simulation| simulation.draws < 2) {
        let reason = "a standard deviation needs two draws";
        return Err(SpatialError::Option { option: "draws", value: simulation.draws.to_string(), reason });
    }
    if options.effects.of_periods() && !weights.is_row_standardised() {
        if options.correction == Correction::LeeYu {
            return Err(SpatialError::NeedsRowStandardised { what: "the transformation for period effects" });
        }
        if options.model == Model::Error {
            return Err(SpatialError::NeedsRowStandardised { what: "an error model with period effects" });
        }
    }
    let is_error = options.model == Model::Error;
    let regression = Regression::new(weights, observations, options.effects, options.model == Model::Durbin)?;
    let counted = Counted::new(&regression, options.correction);
    let parameters = regression.terms.len() + 2;
    if counted.rows <= parameters as f64 {
        return Err(SpatialError::NoFreedom { observations: counted.rows as usize, parameters });
    }
    let interval = determinant.interval();
    let squares = if is_error { Squares::of_error(&regression) } else { Squares::of_lag(&regression) };
    let likelihood = |rho: f64| {
        let (squares, squares_slope) = squares.at(rho);
        let (log, slope) = counted.log(determinant, rho);
        let half = counted.rows / 2.0;
        (log - half * core_math::log(squares / counted.rows), slope - half * squares_slope / squares)
    };
    let rho = concentrated::maximum(interval, likelihood)?;
    let filtered =
        |[own, lag]: [&[f64]; 2]| -> Vec<f64> { own.iter().zip(lag).map(|(own, lag)| own - rho * lag).collect() };
    let outcome = filtered([&regression.outcome[0], &regression.outcome[1]]);
    let lagged = |column: &Vec<f64>| filtered([column, &regression.lag(column)]);
    let columns = if is_error { regression.columns.iter().map(lagged).collect() } else { regression.columns.clone() };
    let solution = solve::least_squares(&columns, &outcome).solution;
    if solution.len() < columns.len() {
        return Err(SpatialError::SingularInformation);
    }
    let residuals = regression::rest(&outcome, &columns, &solution);
    let sigma2 = twofold::dot(&residuals, &residuals).value() / counted.rows;
    let log_likelihood = likelihood(rho).0 - counted.rows / 2.0 * (core_math::log(2.0 * PI) + 1.0);
    // The part of the outcome that the regressors and effects are behind, without neighbours; G times it.
    let signal: Vec<f64> =
        filtered([&regression.raw[0], &regression.raw[1]]).iter().zip(&residuals).map(|(y, e)| y - e).collect();
    let information = Information::new(weights, rho, &counted)?;
    let through = (!is_error).then(|| regression.panel.within(&information.times(&signal), regression.effects));
    let variance =
        information.inverse(&columns, through.as_deref(), sigma2, &counted).ok_or(SpatialError::SingularInformation)?;
    let mut estimates = solution;
    estimates.push(rho);
    let mut terms = regression.terms.clone();
    terms.push(if is_error { "lambda" } else { "rho" }.to_string());
    let places = if is_error { Vec::new() } else { places(&regression.terms, observations) };
    let impacts = impacts::impacts(
        weights,
        determinant,
        &information,
        &places,
        (&estimates, &variance),
        options.level,
        options.simulation.as_ref(),
    );
    let own = &regression.outcome[0];
    let minus = |rest: &[f64]| -> Vec<f64> { own.iter().zip(rest).map(|(value, rest)| value - rest).collect() };
    let (structural, reduced) = match &through {
        None => {
            let fit = minus(&regression::rest(own, &regression.columns, &estimates));
            (fit.clone(), fit)
        }
        Some(through) => {
            let signal = regression.panel.within(&signal, regression.effects);
            (minus(&residuals), signal.iter().zip(through).map(|(signal, through)| signal + rho * through).collect())
        }
    };
    Ok(SpatialFit {
        coefficients: inference::coefficients(terms, &estimates, &variance, f64::INFINITY, options.level),
        vcov: variance,
        sigma2,
        impacts,
        residuals: regression.panel.in_rows(&residuals),
        n_obs: own.len(),
        n_units: weights.n_units(),
        n_periods: regression.panel.n_periods,
        log_likelihood,
        parameters,
        aic: 2.0 * parameters as f64 - 2.0 * log_likelihood,
        bic: parameters as f64 * core_math::log(counted.rows) - 2.0 * log_likelihood,
        pseudo_r2: squared_correlation(own, &structural),
        pseudo_r2_reduced: squared_correlation(own, &reduced),
        interval,
        dropped_terms: regression.dropped_terms,
    })
}

fn places(terms: &[String], observations: &Observations) -> Vec<Places> {
    let position = |name: &str| terms.iter().position(|term| term == name);
    let names = observations.regressors.iter().map(|(term, _)| term);
    let place = |term: &String| {
        let (own, lagged) = (position(term), position(&format!("{LAGGED}{term}")));
        (own.is_some() || lagged.is_some()).then(|| Places { term: term.clone(), own, lagged })
    };
    names.filter(|term| *term != within::INTERCEPT).filter_map(place).collect()
}

fn squared_correlation(left: &[f64], right: &[f64]) -> f64 {
    let centred = |values: &[f64]| -> Vec<f64> {
        let mean = twofold::mean(values);
        values.iter().map(|value| value - mean).collect()
    };
    let (left, right) = (centred(left), centred(right));
    let product = |left: &[f64], right: &[f64]| twofold::dot(left, right).value();
    let both = product(&left, &right);
    both * both / (product(&left, &left) * product(&right, &right))
}
