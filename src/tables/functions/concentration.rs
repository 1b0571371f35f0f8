//! `entropy` and `herfindahl`: how evenly a total is spread over the rows of a group.
//!
//! With the shares sᵢ = wᵢ/Σw: H = -Σ sᵢ log sᵢ (Shannon 1948), where 0 log 0 is 0, and HHI = Σ sᵢ². Both are missing where
//! there is no weight or all are zero. METHODS 1.5.

use super::call::{Call, Constants, Kind, Parameter};
use super::group::{self, GroupFunction};
use crate::exact::{self, Products, Sum, Total};
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

static ENTROPY: GroupFunction = GroupFunction {
    call: Call {
        name: "entropy",
        parameters: &[WEIGHT, Parameter { name: "base", kind: Kind::ConstantNumber }],
        required: 1,
    },
    prepare: |constants| {
        let logarithm = logarithm(constants)?;
        Ok(Box::new(move |weights| {
            // A zero weight has no logarithm and no part in the sum.
            let term = |share: f64| if share == 0.0 { 0.0 } else { -share * logarithm(share) };
            Ok(shares(weights, &ENTROPY.call)?.map(|shares| sum(shares.into_iter().map(term)).divided(1)))
        }))
    },
};

static HERFINDAHL: GroupFunction = GroupFunction {
    call: Call { name: "herfindahl", parameters: &[WEIGHT], required: 1 },
    prepare: |_constants| {
        Ok(Box::new(|weights| {
            check(weights, &HERFINDAHL.call)?;
            let mut squares = Products::default();
            weights.iter().for_each(|weight| squares.add(*weight, *weight));
            // Σw² / (Σw)², rounded once.
            Ok(match (sum(weights.iter().copied()).total(), squares.total()) {
                (Total::Finite(sum), Total::Finite(squares)) => exact::ratio(&squares, &sum.times(&sum)),
                _ => Some(f64::NAN),
            })
        }))
    },
};

const WEIGHT: Parameter = Parameter { name: "w", kind: Kind::Number };

pub fn register(context: &SessionContext) {
    group::register(context, &ENTROPY);
    group::register(context, &HERFINDAHL);
}

fn logarithm(constants: &Constants) -> Result<Box<dyn Fn(f64) -> f64 + Send + Sync>> {
    Ok(match constants.number("base")? {
        None => Box::new(core_math::log),
        // These have functions of their own, rounded once.
        Some(2.0) => Box::new(core_math::log2),
        Some(10.0) => Box::new(core_math::log10),
        Some(base) if base > 1.0 && base.is_finite() => {
            let unit = core_math::log(base);
            Box::new(move |share| core_math::log(share) / unit)
        }
        Some(base) => return Err(constants.wrong("base", base, "more than 1")),
    })
}

fn sum(values: impl Iterator<Item = f64>) -> Sum {
    let mut sum = Sum::default();
    values.for_each(|value| sum.add(value));
    sum
}

/// The shares of sorted weights; `None` if there is nothing to share.
fn shares(weights: &[f64], call: &Call) -> Result<Option<Vec<f64>>> {
    check(weights, call)?;
    let Some(largest) = weights.last().filter(|largest| **largest != 0.0) else { return Ok(None) };
    // Shares are the same in any unit; in this one a sum of the largest floats is finite.
    let parts: Vec<f64> = weights.iter().map(|weight| weight / largest).collect();
    let total = sum(parts.iter().copied()).divided(1);
    Ok(Some(parts.into_iter().map(|part| part / total).collect()))
}

/// Refuses weights below zero; these are sorted.
fn check(weights: &[f64], call: &Call) -> Result<()> {
    if let Some(weight) = weights.first().filter(|weight| **weight < 0.0) {
        let message = format!("`{}` was given the weight {weight}; a weight is zero or more", call.name);
        let hint = "leave such rows out with `where`, or look where they come from".to_string();
        return Err(call.misuse(message, Some(hint)));
    }
    Ok(())
}
