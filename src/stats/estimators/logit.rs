//! Logistic regression of an outcome that is 0 or 1, as for propensity scores.
//!
//! P(yᵢ = 1 | xᵢ) = 1/(1 + exp(-xᵢ'β)) by maximum likelihood. Without fixed effects, whose number grows with the sample and
//! biases β (Neyman & Scott 1948): dummies of few levels can be regressors. Data that the regressors separate have no
//! maximum, which is an error with the number of rows. Statistics are normal; the variance `iid` is the inverse Hessian,
//! times (n-1)/(n-K) unless `small_sample` is none.

use crate::design::Design;
use crate::error::StatsError;
use crate::estimator::{Estimator, Fit};
use crate::likelihood::{self, Family};
use crate::separation;

pub(super) struct Logit;

impl Estimator for Logit {
    fn name(&self) -> &'static str {
        "logit"
    }

    fn version(&self) -> u32 {
        2
    }

    fn fit(&self, design: &Design) -> Result<Fit, StatsError> {
        if !design.endogenous.is_empty() {
            return Err(StatsError::NeedsInstruments { estimator: "logit" });
        }
        if let Some(effect) = design.absorbed_names().into_iter().next() {
            return Err(StatsError::NoEffects { estimator: "logit", effect });
        }
        if let Some(at) = design.outcome.iter().position(|value| *value != 0.0 && *value != 1.0) {
            let (column, value) = (design.outcome_name.clone(), design.outcome[at]);
            return Err(StatsError::NotBinary { column, value, row: design.row_of(at) + 1 });
        }
        if design.outcome.iter().all(|value| *value == design.outcome[0]) {
            let (column, value) = (design.outcome_name.clone(), design.outcome[0]);
            return Err(StatsError::ConstantOutcome { column, value });
        }
        let separated = separation::of_choices(design)?;
        if let Some(first) = separated.first() {
            let row = design.row_of(*first) + 1;
            return Err(StatsError::Separated { column: design.outcome_name.clone(), count: separated.len(), row });
        }
        likelihood::fit(design, Family::Logit, Vec::new())
    }
}
