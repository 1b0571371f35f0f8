//! `winsorize`: values beyond the quantiles p and 1 - p of their partition become these quantiles.
//!
//! The rule for quantiles is Stata's, as in `winsor2`, or type 7, as in R: see `quantile`. METHODS 9.13.

use super::call::{Call, Constants, Kind, Parameter};
use super::group;
use super::partition::{self, Computation, PartitionFunction};
use super::quantile::{self, Rule, Share};
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

static WINSORIZE: PartitionFunction = PartitionFunction {
    call: Call {
        name: "winsorize",
        parameters: &[
            Parameter { name: "x", kind: Kind::Number },
            Parameter { name: "p", kind: Kind::ConstantNumber },
            Parameter { name: "rule", kind: Kind::ConstantText },
        ],
        required: 2,
    },
    prepare,
};

pub fn register(context: &SessionContext) {
    partition::register(context, &WINSORIZE);
}

fn prepare(constants: &Constants) -> Result<Computation> {
    let p = constants.number("p")?.unwrap_or(f64::NAN);
    let share = Share::new(p).filter(|_| p < 0.5);
    let share = share.ok_or_else(|| constants.wrong("p", p, "the share of one tail, from 0 to less than 0.5"))?;
    let rule = match constants.text("rule")?.as_deref() {
        None | Some("stata") => Rule::Stata,
        Some("type7") => Rule::Type7,
        Some(other) => return Err(constants.wrong("rule", format!("'{other}'"), "'stata' or 'type7'")),
    };
    Ok(Box::new(move |values| {
        let numbers = partition::numbers(&values[0]);
        let mut sorted: Vec<f64> = numbers.iter().map(|(_, value)| *value).collect();
        group::sort(&mut sorted);
        let low = quantile::quantile(&sorted, share, rule).unwrap_or_default();
        let high = quantile::quantile(&sorted, share.rest(), rule).unwrap_or_default();
        // NaN as a bound is NaN in every row: it must not be hidden.
        let bounded = |value: f64| match () {
            () if low.is_nan() || high.is_nan() => f64::NAN,
            () if value < low => low,
            () if value > high => high,
            () => value,
        };
        Ok(partition::scattered(values[0].len(), numbers.iter().map(|(row, value)| (*row, bounded(*value)))))
    }))
}
