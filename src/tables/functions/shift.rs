//! `lag_by` and `lead_by`: the value of an earlier or a later period, not of the previous or the next row. Where a
//! period has no row the value is missing, which `lag` would not notice.
//!
//! Source: Stata's time-series operators `L.` and `F.` (Time-series reference manual, `tsset`).

use super::call::{Call, Constants, Kind, Parameter};
use super::partition::{self, Computation, PartitionFunction};
use super::periods;
use datafusion::arrow::array::UInt64Array;
use datafusion::arrow::compute;
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

static LAG_BY: PartitionFunction = PartitionFunction {
    call: Call { name: "lag_by", parameters: PARAMETERS, required: 2 },
    prepare: |constants| shift(&LAG_BY.call, constants, i64::checked_sub),
};

static LEAD_BY: PartitionFunction = PartitionFunction {
    call: Call { name: "lead_by", parameters: PARAMETERS, required: 2 },
    prepare: |constants| shift(&LEAD_BY.call, constants, i64::checked_add),
};

const PARAMETERS: &[Parameter] = &[
    Parameter { name: "x", kind: Kind::Any },
    Parameter { name: "year", kind: Kind::Period },
    Parameter { name: "n", kind: Kind::ConstantWhole },
];

pub fn register(context: &SessionContext) {
    partition::register(context, &LAG_BY);
    partition::register(context, &LEAD_BY);
}

fn shift(call: &'static Call, constants: &Constants, step: fn(i64, i64) -> Option<i64>) -> Result<Computation> {
    let n = constants.whole("n")?.unwrap_or(1);
    if n < 0 {
        return Err(constants.wrong("n", n, "zero or more periods"));
    }
    Ok(Box::new(move |values| {
        let moments = periods::sorted(call, &values[1])?;
        let mut from = vec![None; values[0].len()];
        for moment in &moments {
            let wanted = step(moment.period, n);
            let place = wanted.and_then(|wanted| moments.binary_search_by_key(&wanted, |moment| moment.period).ok());
            from[moment.row] = place.map(|place| moments[place].row as u64);
        }
        Ok(compute::take(&values[0], &UInt64Array::from(from), None)?)
    }))
}
