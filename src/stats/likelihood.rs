//! Maximum likelihood by iteratively reweighted least squares, with fixed effects absorbed in every step. Knows families,
//! no formula.
//!
//! With μ = g⁻¹(η), the step regresses η + (y - μ) dη/dμ on the regressors and effects with weights (dμ/dη)²/Var(μ); the
//! residuals of the step give the new η, so that the effects themselves are never computed (Correia, Guimarães & Zylkin
//! 2020; Guimarães & Portugal 2010; Stammann 2018). A step that makes the deviance larger is halved.

use crate::demean::{self, Absorber};
use crate::describe;
use crate::design::Design;
use crate::error::StatsError;
use crate::estimator::Fit;
use crate::inference;
use crate::prepare::{self, Prepared};
use crate::solve;
use crate::twofold;
use crate::vcov::{self, Linear, Means};
use crate::within;

/// What a model by maximum likelihood says of its fit.
#[derive(Clone, Debug)]
pub struct Likelihood {
    pub log_likelihood: f64,
    /// Of the model with a constant alone.
    pub null_log_likelihood: f64,
    /// One less their ratio (McFadden 1974).
    pub pseudo_r2: f64,
    pub deviance: f64,
    /// Steps of reweighting.
    pub steps: u32,
    /// One per row of the sample, in the order of the data: the expected outcome.
    pub fitted: Vec<f64>,
    /// Rows of the data that were left out because they are separated.
    pub separated: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// A count or another number that is not negative, with a logarithmic link.
    Poisson,
    /// 0 or 1, with a logistic link.
    Logit,
}

/// The deviance has settled when a step changes it by less than this share.
const SETTLED: f64 = 1e-13;

const STEPS: u32 = 200;

/// Fits the sample of `design`, from which separated rows are gone; `separated` are those rows of the data.
pub(crate) fn fit(design: &Design, family: Family, separated: Vec<usize>) -> Result<Fit, StatsError> {
    let outcome = &design.outcome;
    let given = |row: usize| design.weights.as_ref().map_or(1.0, |weights| weights[row]);
    let mean = match &design.weights {
        None => twofold::mean(outcome),
        Some(weights) => twofold::weighted_mean(outcome, weights),
    };
    let mut eta: Vec<f64> = outcome.iter().map(|value| family.link(0.5 * (value + mean))).collect();
    let mut deviance = family.deviance(outcome, &eta, &given);
    let mut steps = 0;
    let mut settled = 0;
    let mut slowest = 0;
    let mut working = design.clone();
    let mut last;
    loop {
        steps += 1;
        let step = Step::new(design, &mut working, family, &eta)?;
        slowest = slowest.max(step.iterations);
        // The first step leaves a point that no coefficients give, so that it is taken whole.
        let (mut share, mut next);
        let mut next_deviance;
        (share, next) = (1.0, step.eta.clone());
        next_deviance = family.deviance(outcome, &next, &given);
        // A deviance that is not a number is worse than any.
        let is_worse = |next: f64| next.is_nan() || next > deviance * (1.0 + SETTLED) + SETTLED;
        while steps > 1 && is_worse(next_deviance) && share > 1e-8 {
            share *= 0.5;
            next = eta.iter().zip(&step.eta).map(|(old, new)| old + share * (new - old)).collect();
            next_deviance = family.deviance(outcome, &next, &given);
        }
        let change = (next_deviance - deviance).abs() / (0.1 + deviance.abs());
        eta = next;
        deviance = next_deviance;
        last = step;
        // Twice: the step after the last change of the deviance, which is quadratic in it, has all digits.
        settled = if change < SETTLED { settled + 1 } else { 0 };
        if settled >= 2 {
            break;
        }
        if steps >= STEPS || !deviance.is_finite() {
            return Err(StatsError::NoMaximum { steps });
        }
    }
    finish(design, family, last, &eta, Ending { deviance, steps, iterations: slowest, mean, separated })
}

struct Ending {
    deviance: f64,
    steps: u32,
    iterations: u32,
    mean: f64,
    separated: Vec<usize>,
}

/// One weighted regression.
struct Step {
    terms: Vec<String>,
    units: Vec<prepare::Units>,
    columns: Vec<Vec<f64>>,
    solved: solve::Solved,
    dropped_terms: Vec<(String, String)>,
    /// Weighted.
    residuals: Vec<f64>,
    /// The linear predictor that the step arrives at.
    eta: Vec<f64>,
    iterations: u32,
    outcome_units: prepare::Units,
}

impl Step {
    /// `working` is the design with another outcome and other weights, which this overwrites.
    fn new(design: &Design, working: &mut Design, family: Family, eta: &[f64]) -> Result<Step, StatsError> {
        let given = |row: usize| design.weights.as_ref().map_or(1.0, |weights| weights[row]);
        let mut weights = Vec::with_capacity(eta.len());
        for (row, eta) in eta.iter().enumerate() {
            let (mean, slope) = family.mean_and_slope(*eta);
            weights.push(given(row) * slope);
            working.outcome[row] = eta + (design.outcome[row] - mean) / slope;
        }
        working.weights = Some(weights);
        let absorber = Absorber::new(&design.effects, &design.slopes, working.weights.as_deref(), demean::LIMIT);
        let (outcome, [mut regression]) = within::regressions(working, &absorber, [&design.regressors])?;
        let solved = solve::least_squares(&regression.columns, &outcome.values);
        regression.keep(&solved);
        let mut residuals = outcome.values;
        for (column, coefficient) in regression.columns.iter().zip(&solved.solution) {
            residuals.iter_mut().zip(column).for_each(|(residual, value)| *residual -= coefficient * value);
        }
        let roots = prepare::roots(working).expect("the weights are those of the step");
        let arrived = residuals.iter().zip(&roots).zip(&working.outcome);
        let eta = arrived.map(|((residual, root), value)| value - residual / root * outcome.units.scale).collect();
        Ok(Step {
            terms: regression.terms,
            units: regression.units,
            columns: regression.columns,
            solved,
            dropped_terms: regression.dropped_terms,
            residuals,
            eta,
            iterations: regression.iterations,
            outcome_units: outcome.units,
        })
    }
}

fn finish(design: &Design, family: Family, step: Step, eta: &[f64], ending: Ending) -> Result<Fit, StatsError> {
    let absorbed = vcov::absorbed(design);
    let parameters = step.terms.len() + absorbed;
    if design.n_obs() <= parameters {
        return Err(StatsError::NoFreedom { observations: design.n_obs(), parameters });
    }
    if step.terms.len() == usize::from(design.intercept) && !step.dropped_terms.is_empty() {
        return Err(StatsError::NoRegressors { dropped: step.dropped_terms });
    }
    // The working residual times its weight is y - μ, in the units in which the outcome was scaled.
    let scale = step.outcome_units.scale;
    let residuals: Vec<f64> = step.residuals.iter().map(|residual| residual * scale).collect();
    let linear =
        Linear { bread: &step.solved.inverse, columns: step.columns, residuals: &residuals, means: Means::Likelihood };
    let variance = vcov::variance(design, linear)?;
    let note = variance.note(&step.terms);
    let unscaled = prepare::Units { scale: 1.0, ..step.outcome_units };
    let matrix = prepare::variance_in_units(variance.matrix, &step.units, unscaled, design.intercept);
    let (matrix, repaired) = vcov::repaired(matrix);
    let estimates =
        prepare::coefficients_in_units(&step.solved.solution, &step.units, step.outcome_units, design.intercept);
    let given = |row: usize| design.weights.as_ref().map_or(1.0, |weights| weights[row]);
    let log_likelihood = family.log_likelihood(&design.outcome, eta, &given);
    let null: Vec<f64> = vec![family.link(ending.mean); eta.len()];
    let null_log_likelihood = family.log_likelihood(&design.outcome, &null, &given);
    let pseudo_r2 = 1.0 - log_likelihood / null_log_likelihood;
    let fitted: Vec<f64> = eta.iter().map(|eta| family.mean_and_slope(*eta).0).collect();
    let residuals: Vec<f64> = design.outcome.iter().zip(&fitted).map(|(value, fitted)| value - fitted).collect();
    let n_obs = design.n_obs() as f64;
    let squares = twofold::dot(&residuals, &residuals).value();
    let total = Prepared::new(design, &design.outcome);
    let r2 = 1.0 - squares / (total.total_sum_of_squares(design) * total.units.scale * total.units.scale);
    Ok(Fit {
        coefficients: inference::coefficients(step.terms, &estimates, &matrix, f64::INFINITY, design.level),
        dropped_terms: step.dropped_terms,
        vcov: matrix,
        vcov_label: variance.label + repaired + &note,
        residuals,
        n_obs: design.n_obs(),
        n_clusters: variance.n_clusters,
        n_singletons: design.n_singletons,
        df_residual: n_obs - parameters as f64,
        df_t: f64::INFINITY,
        r2,
        adj_r2: f64::NAN,
        r2_within: None,
        adj_r2_within: None,
        rmse: (squares / n_obs).sqrt(),
        outcome_mean: twofold::mean(&design.outcome),
        outcome_sd: describe::standard_deviation(&design.outcome),
        iterations: ending.iterations,
        condition: solve::condition(&step.solved, usize::from(design.intercept)),
        instruments: None,
        likelihood: Some(Likelihood {
            log_likelihood,
            null_log_likelihood,
            pseudo_r2,
            deviance: ending.deviance,
            steps: ending.steps,
            fitted,
            separated: ending.separated,
        }),
    })
}

impl Family {
    fn link(self, mean: f64) -> f64 {
        match self {
            Family::Poisson => core_math::log(mean),
            Family::Logit => core_math::log(mean / (1.0 - mean)),
        }
    }

    /// μ and dμ/dη; for a canonical link the second is the variance too.
    fn mean_and_slope(self, eta: f64) -> (f64, f64) {
        match self {
            Family::Poisson => {
                let mean = core_math::exp(eta.clamp(-600.0, 600.0));
                (mean, mean)
            }
            Family::Logit => {
                let fall = core_math::exp(-eta.abs().min(600.0));
                let (small, large) = (fall / (1.0 + fall), 1.0 / (1.0 + fall));
                (if eta > 0.0 { large } else { small }, small * large)
            }
        }
    }

    /// Σ w log f(y).
    fn log_likelihood(self, outcome: &[f64], eta: &[f64], weight: &impl Fn(usize) -> f64) -> f64 {
        let of_row = |(row, (value, eta)): (usize, (&f64, &f64))| {
            weight(row)
                * match self {
                    Family::Poisson => value * eta - self.mean_and_slope(*eta).0 - core_math::lgamma(value + 1.0),
                    // log(1 + e^η) without overflow.
                    Family::Logit => value * eta - eta.max(0.0) - core_math::log1p(core_math::exp(-eta.abs())),
                }
        };
        twofold::sum(outcome.iter().zip(eta).enumerate().map(of_row)).value()
    }

    /// Twice the distance of the log likelihood from that of a model that fits every row.
    fn deviance(self, outcome: &[f64], eta: &[f64], weight: &impl Fn(usize) -> f64) -> f64 {
        match self {
            Family::Logit => -2.0 * self.log_likelihood(outcome, eta, weight),
            Family::Poisson => {
                let of_row = |(row, (value, eta)): (usize, (&f64, &f64))| {
                    let mean = self.mean_and_slope(*eta).0;
                    let ratio = if *value > 0.0 { value * (core_math::log(*value) - eta) } else { 0.0 };
                    weight(row) * (ratio - (value - mean))
                };
                2.0 * twofold::sum(outcome.iter().zip(eta).enumerate().map(of_row)).value()
            }
        }
    }
}
