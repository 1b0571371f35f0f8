//! `zscore`: how many standard deviations a value is from the mean of its partition, z = (x - x̄)/s with
//! s² = Σ(x - x̄)²/(n - 1).

use super::call::{Call, Kind, Parameter};
use super::group;
use super::partition::{self, PartitionFunction};
use super::sums;
use datafusion::prelude::SessionContext;

static ZSCORE: PartitionFunction = PartitionFunction {
    call: Call { name: "zscore", parameters: &[Parameter { name: "x", kind: Kind::Number }], required: 1 },
    prepare: |_constants| {
        Ok(Box::new(|values| {
            let numbers = partition::numbers(&values[0]);
            let mut sorted: Vec<f64> = numbers.iter().map(|(_, value)| *value).collect();
            group::sort(&mut sorted);
            let score = scorer(&sorted);
            let scores = numbers.iter().filter_map(|(row, value)| Some((*row, score(*value)?)));
            Ok(partition::scattered(values[0].len(), scores))
        }))
    },
};

pub fn register(context: &SessionContext) {
    partition::register(context, &ZSCORE);
}

/// What scores one value: missing where all values are the same, NaN where one is not finite.
fn scorer(sorted: &[f64]) -> impl Fn(f64) -> Option<f64> {
    let finite = sorted.iter().all(|value| value.is_finite());
    // Asked of the values: rounding would give them a tiny deviation.
    let differ = sorted.len() >= 2 && sorted.first() != sorted.last();
    let mean = sums::sum(sorted.iter().copied()).over(sorted.len());
    let squares = sums::sum(sorted.iter().map(|value| {
        let distance = mean.distance_to(*value);
        distance * distance
    }));
    let deviation = (squares.high / (sorted.len() as f64 - 1.0)).sqrt();
    move |value| match (finite, differ) {
        (false, _) => Some(f64::NAN),
        (true, false) => None,
        (true, true) => Some(mean.distance_to(value) / deviation),
    }
}
