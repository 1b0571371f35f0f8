//! Whether least squares leaves out a spatial lag or a spatial error: Lagrange multiplier tests (Anselin 1988) and their
//! versions that allow the other one (Anselin, Bera, Florax & Yoon 1996), for panels as in Elhorst (2010), equations 6–9,
//! on outcomes and regressors that are freed of effects.
//!
//! With e the residuals, σ² = e'e/nT, S = T tr(W'W + WW) and J = S + (WXb)'M(WXb)/σ²:
//! lag (e'Wy/σ²)²/J, error (e'We/σ²)²/S, robust lag (e'Wy/σ² - e'We/σ²)²/(J - S),
//! robust error (e'We/σ² - S/J e'Wy/σ²)²/(S(1 - S/J)).

use super::Test;
use super::error::SpatialError;
use super::panel::{Effects, Observations};
use super::regression::{self, Regression};
use super::weights::Weights;
use crate::{solve, twofold};

/// The four tests, each with one degree of freedom.
#[derive(Clone, Debug, PartialEq)]
pub struct LagrangeTests {
    pub lag: Test,
    pub error: Test,
    pub robust_lag: Test,
    pub robust_error: Test,
}

pub fn lagrange(
    weights: &Weights,
    observations: &Observations,
    effects: Effects,
) -> Result<LagrangeTests, SpatialError> {
    let regression = Regression::new(weights, observations, effects, false)?;
    let residuals = &regression.residuals;
    let rows = residuals.len() as f64;
    let variance = twofold::dot(residuals, residuals).value() / rows;
    let trace = regression.panel.n_periods as f64 * weights.trace();
    let lag = twofold::dot(residuals, &regression.outcome[1]).value() / variance;
    let error = twofold::dot(residuals, &regression.lag(residuals)).value() / variance;
    let fitted: Vec<f64> = regression.raw[0].iter().zip(residuals).map(|(value, residual)| value - residual).collect();
    let lagged = regression.lag(&fitted);
    let unexplained =
        regression::rest(&lagged, &regression.columns, &solve::least_squares(&regression.columns, &lagged).solution);
    let signal = twofold::dot(&unexplained, &unexplained).value() / variance;
    if signal <= f64::EPSILON * trace {
        return Err(SpatialError::SingularInformation);
    }
    let both = trace + signal;
    let test = |name, statistic: f64| Test::new(name, statistic, 1);
    let rest = error - trace / both * lag;
    Ok(LagrangeTests {
        lag: test("lag", lag * lag / both),
        error: test("error", error * error / trace),
        robust_lag: test("robust lag", (lag - error) * (lag - error) / signal),
        robust_error: test("robust error", rest * rest / (trace * (signal / both))),
    })
}
