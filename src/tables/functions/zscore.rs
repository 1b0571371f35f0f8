//! `zscore`: how many standard deviations a value is from the mean of its partition, z = (x - x̄)/s with
//! s² = Σ(x - x̄)²/(n - 1). Distance and deviation are the nearest floats of the exact ones.

use super::call::{Call, Kind, Parameter};
use super::partition::{self, PartitionFunction};
use crate::aggregates::{self, Squares};
use crate::exact::{self, Exact, Sum, Total};
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

static ZSCORE: PartitionFunction = PartitionFunction {
    call: Call { name: "zscore", parameters: &[Parameter { name: "x", kind: Kind::Number }], required: 1 },
    prepare: |_constants| {
        Ok(Box::new(|values| {
            let numbers = partition::numbers(&values[0]);
            let scores = scores(&numbers)?;
            Ok(partition::scattered(values[0].len(), scores.into_iter()))
        }))
    },
};

pub fn register(context: &SessionContext) {
    partition::register(context, &ZSCORE);
}

/// Of each row that has a score: none has where all values are the same, and it is NaN where one is not finite.
fn scores(numbers: &[(usize, f64)]) -> Result<Vec<(usize, f64)>> {
    let (mut sum, mut squares) = (Sum::default(), Squares::default());
    for (_, value) in numbers {
        sum.add(*value);
        squares.include(*value);
    }
    let deviation = aggregates::stddev_samp(&squares)?.unwrap_or(0.0);
    let Total::Finite(sum) = sum.total() else {
        return Ok(numbers.iter().map(|(row, _)| (*row, f64::NAN)).collect());
    };
    if deviation == 0.0 {
        return Ok(Vec::new());
    }
    let count = numbers.len() as u64;
    let scored = numbers.iter().filter_map(|(row, value)| {
        // n·x - Σx over n.
        let distance = exact::ratio(&Exact::of(*value).scaled(count).minus(&sum), &Exact::of(1.0).scaled(count))?;
        Some((*row, distance / deviation))
    });
    Ok(scored.collect())
}
