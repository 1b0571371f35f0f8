//! Poisson pseudo-maximum likelihood with any number of fixed effects.
//!
//! E[yᵢ | xᵢ] = exp(xᵢ'β + effects) for an outcome that is not negative and need not be whole (Santos Silva & Tenreyro 2006;
//! Correia, Guimarães & Zylkin 2020). Rows that are separated are left out, counted and named: levels of an effect without
//! a positive outcome, and rows that the regressors separate (`separation`). Statistics are normal, as in `fixest`.

use crate::design::{Design, DropReason};
use crate::error::StatsError;
use crate::estimator::{Estimator, Fit};
use crate::likelihood::{self, Family};
use crate::separation;

pub(super) struct Ppml;

impl Estimator for Ppml {
    fn name(&self) -> &'static str {
        "ppml"
    }

    fn version(&self) -> u32 {
        2
    }

    fn fit(&self, design: &Design) -> Result<Fit, StatsError> {
        if !design.endogenous.is_empty() {
            return Err(StatsError::NeedsInstruments { estimator: "ppml" });
        }
        if let Some(at) = design.outcome.iter().position(|value| *value < 0.0) {
            let (column, value) = (design.outcome_name.clone(), design.outcome[at]);
            return Err(StatsError::NegativeCount { column, value, row: design.row_of(at) + 1 });
        }
        if design.outcome.iter().all(|value| *value == 0.0) {
            return Err(StatsError::ConstantOutcome { column: design.outcome_name.clone(), value: 0.0 });
        }
        let mut left = design.clone();
        for find in [Find::Levels, Find::Regressors] {
            let separated = match find {
                Find::Levels => separation::levels_without_events(&left.effects, &left.outcome),
                Find::Regressors => separation::of_counts(&left)?,
            };
            if !separated.is_empty() {
                let is_in = |row: &usize| separated.binary_search(row).is_err();
                let rows: Vec<usize> = (0..left.n_obs()).filter(is_in).collect();
                left = left.subset(&rows, &DropReason::Separated);
            }
        }
        let separated = left.separated_rows();
        likelihood::fit(&left, Family::Poisson, separated)
    }
}

enum Find {
    Levels,
    Regressors,
}
