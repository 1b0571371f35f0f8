//! `hp_filter`: the trend of a series by Hodrick & Prescott (1997).
//!
//! τ minimises Σ(yₜ - τₜ)² + λ Σ(τₜ₊₁ - 2τₜ + τₜ₋₁)², so (I + λK'K)τ = y with K the second differences. By the identity of
//! Woodbury τ = y - K'z where (I/λ + KK')z = Ky: that system has five bands, stays solvable for any λ, and changes
//! less than y does, so that large values cost no digits. METHODS 1.4.

use super::call::{Call, Constants, Kind, Parameter};
use super::partition::{self, Computation, PartitionFunction};
use super::periods;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::common::Result;
use datafusion::prelude::SessionContext;

static HP_FILTER: PartitionFunction = PartitionFunction {
    call: Call {
        name: "hp_filter",
        parameters: &[
            Parameter { name: "y", kind: Kind::Number },
            Parameter { name: "year", kind: Kind::Period },
            Parameter { name: "lambda", kind: Kind::ConstantNumber },
        ],
        required: 3,
    },
    prepare,
};

/// A line through fewer points is no trend.
const FEWEST: usize = 5;

pub fn register(context: &SessionContext) {
    partition::register(context, &HP_FILTER);
}

fn prepare(constants: &Constants) -> Result<Computation> {
    let lambda = constants.number("lambda")?.unwrap_or(f64::NAN);
    if !(lambda >= 0.0 && lambda.is_finite()) {
        return Err(constants.wrong("lambda", lambda, "a number from 0 on (6.25 and 100 are usual for years)"));
    }
    Ok(Box::new(move |values| {
        let moments = periods::sorted(&HP_FILTER.call, &values[1])?;
        let series = values[0].as_primitive::<Float64Type>();
        let known: Vec<_> = moments.into_iter().filter(|moment| series.is_valid(moment.row)).collect();
        let unbroken = known.windows(2).all(|pair| pair[0].period.checked_add(1) == Some(pair[1].period));
        if known.len() < FEWEST || !unbroken {
            return Ok(partition::scattered(series.len(), std::iter::empty()));
        }
        let y: Vec<f64> = known.iter().map(|moment| series.value(moment.row)).collect();
        let rows = known.iter().map(|moment| moment.row);
        Ok(partition::scattered(series.len(), rows.zip(trend(&y, lambda))))
    }))
}

/// The trend of at least three numbers.
fn trend(y: &[f64], lambda: f64) -> Vec<f64> {
    let inverse = 1.0 / lambda;
    if inverse.is_infinite() {
        return y.to_vec();
    }
    let second_differences = y.windows(3).map(|three| (three[2] - three[1]) - (three[1] - three[0])).collect();
    let z = solve(6.0 + inverse, second_differences);
    let at = |index: Option<usize>| index.and_then(|index| z.get(index)).copied().unwrap_or(0.0);
    // Row t of K'z: the three second differences in which yₜ stands.
    let cycle = |t: usize| at(t.checked_sub(2)) - 2.0 * at(t.checked_sub(1)) + at(Some(t));
    y.iter().enumerate().map(|(t, value)| value - cycle(t)).collect()
}

/// Solves the symmetric system whose rows are 1, -4, `diagonal`, -4, 1 as LDL'.
fn solve(diagonal: f64, mut right: Vec<f64>) -> Vec<f64> {
    let rows = right.len();
    // D, and the first and the second band of L below each diagonal element.
    let (mut d, mut near, mut far) = (vec![0.0; rows], vec![0.0; rows], vec![0.0; rows]);
    for row in 0..rows {
        let (mut pivot, mut below) = (diagonal, -4.0);
        if row >= 1 {
            pivot -= near[row - 1] * near[row - 1] * d[row - 1];
            below -= near[row - 1] * far[row - 1] * d[row - 1];
        }
        if row >= 2 {
            pivot -= far[row - 2] * far[row - 2] * d[row - 2];
        }
        (d[row], near[row], far[row]) = (pivot, below / pivot, 1.0 / pivot);
    }
    for row in 1..rows {
        right[row] -= near[row - 1] * right[row - 1];
        if row >= 2 {
            right[row] -= far[row - 2] * right[row - 2];
        }
    }
    for row in (0..rows).rev() {
        right[row] /= d[row];
        if row + 1 < rows {
            right[row] -= near[row] * right[row + 1];
        }
        if row + 2 < rows {
            right[row] -= far[row] * right[row + 2];
        }
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: the full system (I + λK'K)τ = y, solved in rational numbers and rounded once.
    #[test]
    fn neither_a_large_lambda_nor_large_values_cost_digits() {
        let y = [1.0, 2.0, 2.5, 4.0, 3.5, 5.0, 6.5, 6.0, 7.5, 8.0];
        for (shift, lambda, expected) in [
            (0.0, 6.25, [1.0782058990188046, 1.8794814825737565, 8.054018916394078]),
            (0.0, 1e12, [1.1090909090901637, 1.8848484848482205, 8.090909090908276]),
            (1e9, 1600.0, [1000000001.1086307, 1000000001.8846856, 1000000008.0904057]),
            (0.0, 1e-320, [1.0, 2.0, 8.0]),
            (0.0, 0.0, [1.0, 2.0, 8.0]),
        ] {
            let trend = trend(&y.map(|y| y + shift), lambda);
            for (found, expected) in [trend[0], trend[1], trend[9]].into_iter().zip(expected) {
                assert!((found - expected).abs() <= 4.0 * f64::EPSILON * expected, "{lambda}: {found} {expected}");
            }
        }
    }
}
