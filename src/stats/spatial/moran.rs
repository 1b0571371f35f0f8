//! Moran's I: whether values are like those of their neighbours, over all units and at each (Moran 1950; Cliff & Ord 1981;
//! Anselin 1995).
//!
//! I = n/S₀ · Σᵢⱼ wᵢⱼ zᵢ zⱼ / Σ z² with z = x - x̄. Its expectation is -1/(n - 1); its variance is known if x is normal, and if
//! the values at hand could as well be at any unit (randomisation), where it depends on their kurtosis. The p-values
//! count both directions.

use super::error::SpatialError;
use super::weights::Weights;
use crate::random::Random;
use crate::tails;
use crate::twofold::{self, Twofold};

/// Values that are exchanged between units at random.
#[derive(Clone, Copy, Debug)]
pub struct Permutations {
    pub draws: u32,
    pub random: Random,
}

/// Whether the values of all units are like their neighbours'.
#[derive(Clone, Debug, PartialEq)]
pub struct Moran {
    pub statistic: f64,
    pub expected: f64,
    pub normal: MoranTest,
    /// `None` with three units, where the variance is not defined.
    pub randomised: Option<MoranTest>,
    /// (1 + draws as far from the expectation or farther) / (draws + 1), where draws were asked for.
    pub permuted_p_value: Option<f64>,
}

/// A statistic less its expectation over its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoranTest {
    pub variance: f64,
    pub z: f64,
    /// Two-sided, of the normal distribution.
    pub p_value: f64,
}

/// One unit of a Moran scatter.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalMoran {
    /// Standardised by the mean and the standard deviation with n below the line.
    pub value: f64,
    /// Σⱼ wᵢⱼ zⱼ.
    pub lag: f64,
    /// Iᵢ = zᵢ Σⱼ wᵢⱼ zⱼ. Their sum is S₀ I.
    pub statistic: f64,
    pub quadrant: Quadrant,
    /// As that of `Moran`, with the unit's own value where it is (conditional).
    pub permuted_p_value: Option<f64>,
}

/// A unit and its neighbours against the mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quadrant {
    HighHigh,
    LowHigh,
    LowLow,
    HighLow,
}

/// Draws that differ by rounding only count as equal.
const TIE: f64 = 1e-12;

/// `values` has one number per unit of `weights`, in their order; `name` is theirs, for errors.
pub fn moran(
    weights: &Weights,
    name: &str,
    values: &[f64],
    permutations: Option<&Permutations>,
) -> Result<Moran, SpatialError> {
    let deviations = deviations(weights, name, values)?;
    let n = weights.n_units() as f64;
    let squares = twofold::dot(&deviations, &deviations).value();
    let total = total_weight(weights);
    let scale = n / total / squares;
    let statistic = scale * twofold::dot(&deviations, &weights.lag(&deviations)).value();
    let expected = -1.0 / (n - 1.0);
    let [normal, randomised] = variances(weights, &deviations, squares, total);
    let test = |variance: f64| {
        let z = (statistic - expected) / variance.sqrt();
        MoranTest { variance, z, p_value: tails::normal_two_sided(z) }
    };
    let permuted_p_value = permutations.map(|permutations| {
        let distance = (statistic - expected).abs();
        let is_as_far = |draw: &u32| {
            let order = permutations.random.permutation(u64::from(*draw), deviations.len());
            let drawn: Vec<f64> = order.into_iter().map(|unit| deviations[unit]).collect();
            let product: f64 =
                (0..drawn.len()).map(|unit| drawn[unit] * plain_lag(weights, unit, |other| drawn[other])).sum();
            (scale * product - expected).abs() >= distance * (1.0 - TIE)
        };
        (1.0 + (0..permutations.draws).filter(is_as_far).count() as f64) / (f64::from(permutations.draws) + 1.0)
    });
    Ok(Moran {
        statistic,
        expected,
        normal: test(normal),
        randomised: (n > 3.0).then(|| test(randomised)),
        permuted_p_value,
    })
}

/// One result per unit, in the order of `weights`.
pub fn local_moran(
    weights: &Weights,
    name: &str,
    values: &[f64],
    permutations: Option<&Permutations>,
) -> Result<Vec<LocalMoran>, SpatialError> {
    let deviations = deviations(weights, name, values)?;
    let n = deviations.len();
    let deviation = (twofold::dot(&deviations, &deviations).value() / n as f64).sqrt();
    let scores: Vec<f64> = deviations.iter().map(|value| value / deviation).collect();
    let lags = weights.lag(&scores);
    let mut as_far = vec![0_u32; n];
    if let Some(permutations) = permutations {
        for draw in 0..permutations.draws {
            let order = permutations.random.permutation(u64::from(draw), n - 1);
            for (unit, count) in as_far.iter_mut().enumerate() {
                // Positions skip the unit itself; the other values have the mean -zᵢ/(n - 1).
                let at = |place: usize| place + usize::from(place >= unit);
                let drawn = |other: usize| scores[at(order[other - usize::from(other > unit)])];
                let weight: f64 = weights.neighbours(unit).iter().map(|(_, weight)| weight).sum();
                let expected = -weight * scores[unit] / (n as f64 - 1.0);
                let distance = (lags[unit] - expected).abs();
                let found = (plain_lag(weights, unit, drawn) - expected).abs();
                *count += u32::from(found >= distance * (1.0 - TIE));
            }
        }
    }
    let local = |unit: usize| LocalMoran {
        value: scores[unit],
        lag: lags[unit],
        statistic: scores[unit] * lags[unit],
        quadrant: match (scores[unit] > 0.0, lags[unit] > 0.0) {
            (true, true) => Quadrant::HighHigh,
            (false, true) => Quadrant::LowHigh,
            (false, false) => Quadrant::LowLow,
            (true, false) => Quadrant::HighLow,
        },
        permuted_p_value: permutations
            .map(|permutations| (1.0 + f64::from(as_far[unit])) / (f64::from(permutations.draws) + 1.0)),
    };
    Ok((0..n).map(local).collect())
}

fn plain_lag(weights: &Weights, unit: usize, value: impl Fn(usize) -> f64) -> f64 {
    weights.neighbours(unit).iter().map(|(other, weight)| weight * value(*other)).sum()
}

fn deviations(weights: &Weights, name: &str, values: &[f64]) -> Result<Vec<f64>, SpatialError> {
    let units = weights.n_units();
    if values.len() != units {
        return Err(SpatialError::ColumnLength { column: name.to_string(), found: values.len(), rows: units });
    }
    if let Some(row) = values.iter().position(|value| !value.is_finite()) {
        return Err(SpatialError::NotFinite { column: name.to_string(), value: values[row], row });
    }
    if values.iter().all(|value| *value == values[0]) {
        return Err(SpatialError::Constant { what: name.to_string(), value: values[0] });
    }
    let mean = twofold::mean(values);
    Ok(values.iter().map(|value| value - mean).collect())
}

fn total_weight(weights: &Weights) -> f64 {
    let all = (0..weights.n_units()).flat_map(|unit| weights.neighbours(unit).iter().map(|(_, weight)| *weight));
    twofold::sum(all).value()
}

/// Under normality and under randomisation (Cliff & Ord 1981, equations 1.44 and 1.45).
fn variances(weights: &Weights, deviations: &[f64], squares: f64, total: f64) -> [f64; 2] {
    let n = deviations.len() as f64;
    let mut columns = vec![Twofold::default(); deviations.len()];
    let mut rows = Vec::with_capacity(deviations.len());
    for unit in 0..deviations.len() {
        let mut sum = Twofold::default();
        for (other, weight) in weights.neighbours(unit) {
            sum = sum.plus(*weight);
            columns[*other] = columns[*other].plus(*weight);
        }
        rows.push(sum);
    }
    // S₁ = ½ Σ (wᵢⱼ + wⱼᵢ)², S₂ = Σ (wᵢ. + w.ᵢ)².
    let first = weights.trace();
    let both: Vec<f64> = rows.iter().zip(&columns).map(|(row, column)| (*row + *column).value()).collect();
    let second = twofold::dot(&both, &both).value();
    let expected_square = 1.0 / (n - 1.0) / (n - 1.0);
    let total_square = total * total;
    let normal = (n * n * first - n * second + 3.0 * total_square) / ((n * n - 1.0) * total_square) - expected_square;
    let fourth = twofold::sum(deviations.iter().map(|value| value * value * value * value)).value();
    let kurtosis = n * fourth / (squares * squares);
    let mean_square = (n * ((n * n - 3.0 * n + 3.0) * first - n * second + 3.0 * total_square)
        - kurtosis * ((n * n - n) * first - 2.0 * n * second + 6.0 * total_square))
        / ((n - 1.0) * (n - 2.0) * (n - 3.0) * total_square);
    [normal, mean_square - expected_square]
}
