//! `quantile_stata` and `quantile_type7`: the value below which a share p of the numbers lies, by two rules.
//!
//! | rule | with x₁ ≤ … ≤ xₙ | |
//! |---|---|---|
//! | Stata | h = np; (xₕ + xₕ₊₁)/2 if h is whole, otherwise the next x above h | `summarize, detail`, `_pctile` |
//! | type 7 | h = (n - 1)p + 1; xₕ, on the line between its neighbours if h is not whole | Hyndman & Fan (1996); R, NumPy, Excel |
//!
//! p is taken to 15 decimal places, so that 100 × 0.07 is 7: as a float it is a little more. METHODS 9.13.

use super::call::{Call, Constants, Kind, Parameter};
use super::group::{self, GroupFunction};
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

static QUANTILE_STATA: GroupFunction = GroupFunction {
    call: Call { name: "quantile_stata", parameters: PARAMETERS, required: 2 },
    prepare: |constants| {
        let p = share(constants, "p")?;
        Ok(Box::new(move |sorted| Ok(quantile(sorted, p, Rule::Stata))))
    },
};

static QUANTILE_TYPE7: GroupFunction = GroupFunction {
    call: Call { name: "quantile_type7", parameters: PARAMETERS, required: 2 },
    prepare: |constants| {
        let p = share(constants, "p")?;
        Ok(Box::new(move |sorted| Ok(quantile(sorted, p, Rule::Type7))))
    },
};

const PARAMETERS: &[Parameter] =
    &[Parameter { name: "x", kind: Kind::Number }, Parameter { name: "p", kind: Kind::ConstantNumber }];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    Stata,
    Type7,
}

/// A share from 0 to 1 in units of 10⁻¹⁵.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(u64);

const WHOLE: u64 = 1_000_000_000_000_000;

pub fn register(context: &SessionContext) {
    group::register(context, &QUANTILE_STATA);
    group::register(context, &QUANTILE_TYPE7);
}

impl Share {
    /// `None` outside of 0 to 1.
    pub fn new(share: f64) -> Option<Share> {
        (0.0..=1.0).contains(&share).then(|| Share((share * WHOLE as f64).round() as u64))
    }

    /// What is left to 1.
    pub fn rest(self) -> Share {
        Share(WHOLE - self.0)
    }

    /// This share of a number: its whole part, and what is left in units of 10⁻¹⁵.
    fn of(self, count: usize) -> (usize, u64) {
        let product = count as u128 * u128::from(self.0);
        let (whole, rest) = (product / u128::from(WHOLE), product % u128::from(WHOLE));
        (whole as usize, rest as u64)
    }
}

/// The quantile of numbers sorted by `group::sort`: missing if there are none, NaN if one is.
pub fn quantile(sorted: &[f64], p: Share, rule: Rule) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    if sorted.iter().any(|value| value.is_nan()) {
        return Some(f64::NAN);
    }
    Some(match rule {
        Rule::Stata => match p.of(sorted.len()) {
            (0, 0) => sorted[0],
            (whole, 0) if whole <= last => middle(sorted[whole - 1], sorted[whole]),
            (whole, _) => sorted[whole.min(last)],
        },
        Rule::Type7 => {
            let (whole, rest) = p.of(last);
            if rest == 0 {
                sorted[whole]
            } else {
                between(sorted[whole], sorted[whole + 1], rest as f64 / WHOLE as f64)
            }
        }
    })
}

fn share(constants: &Constants, parameter: &str) -> Result<Share> {
    let p = constants.number(parameter)?.unwrap_or(f64::NAN);
    Share::new(p).ok_or_else(|| constants.wrong(parameter, p, "a share from 0 to 1"))
}

fn middle(low: f64, high: f64) -> f64 {
    let sum = low + high;
    if sum.is_finite() { sum / 2.0 } else { low / 2.0 + high / 2.0 }
}

fn between(low: f64, high: f64, weight: f64) -> f64 {
    let distance = high - low;
    if low == high {
        low
    } else if distance.is_finite() {
        low + weight * distance
    } else {
        (1.0 - weight) * low + weight * high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(sorted: &[f64], p: f64) -> (Option<f64>, Option<f64>) {
        let share = Share::new(p).expect("a share");
        (quantile(sorted, share, Rule::Stata), quantile(sorted, share, Rule::Type7))
    }

    #[test]
    fn a_share_is_what_is_written() {
        let numbers: Vec<f64> = (1..=100).map(f64::from).collect();
        // As floats, 100 × 0.07 and 100 × 0.57 are a little more and a little less than whole.
        for percent in 1..100 {
            let p = f64::from(percent) / 100.0;
            assert_eq!(both(&numbers, p).0, Some(f64::from(percent) + 0.5), "{p}");
        }
        assert_eq!((Share::new(-0.01), Share::new(1.01), Share::new(f64::NAN)), (None, None, None));
    }

    #[test]
    fn ends_infinities_and_the_largest_floats_are_defined() {
        let some = |value: f64| (Some(value), Some(value));
        assert_eq!(both(&[], 0.5), (None, None));
        assert_eq!((both(&[3.0], 0.0), both(&[3.0], 0.4), both(&[3.0], 1.0)), (some(3.0), some(3.0), some(3.0)));
        assert_eq!((both(&[1.0, 2.0], 0.0), both(&[1.0, 2.0], 1.0)), (some(1.0), some(2.0)));
        assert_eq!(both(&[f64::MAX, f64::MAX], 0.5), some(f64::MAX));
        assert_eq!(both(&[-f64::MAX, f64::MAX], 0.5), some(0.0));
        assert_eq!(both(&[1.0, f64::INFINITY], 0.5), some(f64::INFINITY));
        assert_eq!(both(&[f64::INFINITY, f64::INFINITY], 0.5), some(f64::INFINITY));
        assert!(both(&[f64::NEG_INFINITY, f64::INFINITY], 0.5).1.is_some_and(f64::is_nan));
        assert!(both(&[1.0, 2.0, f64::NAN], 0.0).0.is_some_and(f64::is_nan));
    }
}
