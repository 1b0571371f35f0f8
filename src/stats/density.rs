//! The density of draws, for the figure of a placebo. Knows no model.
//!
//! A normal kernel with the bandwidth 0.9 min(sd, IQR/1.34) n^(-1/5) (Silverman 1986, equation 3.31; `nrd0` in R), where the
//! quartiles are those of type 7. Sums are made exactly, without the binning of R's `density`.

use crate::describe;
use crate::resampling::error::ResamplingError;
use crate::twofold;
use std::f64::consts::PI;

/// A density at the points of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Density {
    pub bandwidth: f64,
    /// Ascending, in equal steps, three bandwidths beyond the smallest and the largest value, as in R.
    pub points: Vec<f64>,
    pub densities: Vec<f64>,
}

/// The bandwidth of Silverman's rule. Where half of the values are equal, the standard deviation alone counts.
pub fn bandwidth(values: &[f64]) -> Result<f64, ResamplingError> {
    check(values)?;
    let present: Vec<Option<f64>> = values.iter().copied().map(Some).collect();
    let summary = describe::summary(&present);
    let range = (summary.p75 - summary.p25) / 1.34;
    let spread = if range > 0.0 { summary.sd.min(range) } else { summary.sd };
    Ok(0.9 * spread * core_math::pow(values.len() as f64, -0.2))
}

/// Σ φ((point - value) / bandwidth) / (n bandwidth).
pub fn at(values: &[f64], bandwidth: f64, point: f64) -> f64 {
    let kernel = |value: &f64| {
        let distance = (point - value) / bandwidth;
        core_math::exp(-0.5 * distance * distance)
    };
    twofold::sum(values.iter().map(kernel)).value() / (values.len() as f64 * bandwidth * (2.0 * PI).sqrt())
}

/// The density at `points` points, at least two.
pub fn density(values: &[f64], points: usize) -> Result<Density, ResamplingError> {
    let bandwidth = bandwidth(values)?;
    if points < 2 {
        let reason = "at least two points";
        return Err(ResamplingError::Option { option: "points", value: points.to_string(), reason });
    }
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min) - 3.0 * bandwidth;
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) + 3.0 * bandwidth;
    let step = (largest - smallest) / (points - 1) as f64;
    let points: Vec<f64> = (0..points).map(|point| smallest + step * point as f64).collect();
    let densities = points.iter().map(|point| at(values, bandwidth, *point)).collect();
    Ok(Density { bandwidth, points, densities })
}

fn check(values: &[f64]) -> Result<(), ResamplingError> {
    let reason = match values {
        [] | [_] => "a density needs two values",
        _ if values.iter().any(|value| !value.is_finite()) => "a density needs finite values",
        [first, rest @ ..] if rest.iter().all(|value| value == first) => "all values are equal",
        _ => return Ok(()),
    };
    Err(ResamplingError::NoDensity { values: values.len(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: [f64; 10] = [0.12, -0.05, 0.03, 0.2, -0.15, 0.08, -0.02, 0.01, 0.05, -0.1];

    /// The bandwidth and the density at 0 were computed from the formulas with NumPy.
    #[test]
    fn ten_draws_have_this_density() {
        let found = bandwidth(&DRAWS).expect("a bandwidth");
        assert!((found - 0.048_734_391_9).abs() < 1e-10, "{found}");
        let centre = at(&DRAWS, found, 0.0);
        assert!((centre - 3.557_941_864).abs() < 1e-9, "{centre}");
    }

    #[test]
    fn a_density_integrates_to_one() {
        let density = density(&DRAWS, 512).expect("a density");
        let step = density.points[1] - density.points[0];
        let area = twofold::sum(density.densities.iter().copied()).value() * step;
        // What lies beyond three bandwidths of the ends.
        assert!((area - 1.0).abs() < 1e-3, "{area}");
        assert!(density.points.is_sorted());
        assert_eq!(density.points.len(), 512);
    }

    #[test]
    fn half_equal_values_keep_a_bandwidth() {
        let values = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let sd = (1.0_f64 / 6.0).sqrt();
        assert!((bandwidth(&values).expect("a bandwidth") - 0.9 * sd * 6.0_f64.powf(-0.2)).abs() < 1e-15);
    }

    #[test]
    fn what_has_no_density_says_why() {
        for (values, message) in [
            (vec![], "no density of 0 values: a density needs two values"),
            (vec![1.0, 1.0], "no density of 2 values: all values are equal"),
            (vec![1.0, f64::NAN], "no density of 2 values: a density needs finite values"),
        ] {
            assert_eq!(density(&values, 10).expect_err("none").to_string(), message);
        }
        assert!(density(&DRAWS, 1).is_err());
    }
}
