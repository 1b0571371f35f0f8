//! The power of a test and the smallest effect it would find, from a standard error.
//!
//! The smallest effect that is found with probability κ at the level α is (t₁₋α/₂ + t_κ) times the standard error, both
//! quantiles with the degrees of freedom of the test (Bloom 1995; for panels Burlig, Preonas & Woerman 2020, equation 1). A
//! clustered standard error of the model itself already holds the serial correlation. As effects of one size move the
//! coefficient by just that and no residual, the estimates of drawn treatments plus the effect are the estimates of a
//! simulated study with the effect (Black, Hollingsworth, Nunes & Simon 2022): power without an assumed distribution.

use crate::resampling::error::ResamplingError;
use crate::resampling::placebo::Placebo;
use crate::{student, tails};

/// The test of a coefficient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    pub std_error: f64,
    /// Of t; infinite for the normal distribution.
    pub df_t: f64,
    /// Two-sided, such as 0.05.
    pub alpha: f64,
}

/// The smallest effect, in the units of the coefficient, that is found with this probability, such as 0.8.
pub fn minimum_detectable_effect(test: &Test, power: f64) -> Result<f64, ResamplingError> {
    check(test)?;
    if !(power > test.alpha && power < 1.0) {
        let reason = "between the level of the test and 1";
        return Err(ResamplingError::Option { option: "power", value: power.to_string(), reason });
    }
    let found = match power {
        0.5 => 0.0,
        power if power > 0.5 => quantile(2.0 * (1.0 - power), test.df_t),
        power => -quantile(2.0 * power, test.df_t),
    };
    Ok((quantile(test.alpha, test.df_t) + found) * test.std_error)
}

/// The probability that an effect is found.
pub fn power(test: &Test, effect: f64) -> Result<f64, ResamplingError> {
    check(test)?;
    if !effect.is_finite() {
        let reason = "a finite number";
        return Err(ResamplingError::Option { option: "effect", value: effect.to_string(), reason });
    }
    let (critical, distance) = (quantile(test.alpha, test.df_t), effect.abs() / test.std_error);
    Ok(above(critical - distance, test.df_t) + above(critical + distance, test.df_t))
}

/// The standard error with another number of clusters like these: it falls with the root of their number.
pub fn with_clusters(std_error: f64, clusters: usize, planned: usize) -> Result<f64, ResamplingError> {
    for (option, value) in [("clusters", clusters), ("planned", planned)] {
        if value < 2 {
            return Err(ResamplingError::Option { option, value: value.to_string(), reason: "at least two" });
        }
    }
    Ok(std_error * (clusters as f64 / planned as f64).sqrt())
}

/// The share of drawn treatments whose effect would be found at the level `alpha`, by clustered t tests.
///
/// The outcome should hold no effect of its own: draw from the years before the treatment.
pub fn simulated_power(placebo: &Placebo, effect: f64, df_t: f64, alpha: f64) -> Result<f64, ResamplingError> {
    check(&Test { std_error: 1.0, df_t, alpha })?;
    let critical = quantile(alpha, df_t);
    let statistics =
        placebo.draws.iter().flatten().filter_map(|drawn| Some((drawn.estimate + effect) / drawn.std_error?));
    let (mut found, mut all) = (0_usize, 0_usize);
    for statistic in statistics {
        all += 1;
        found += usize::from(statistic.abs() > critical);
    }
    if all == 0 {
        return Err(ResamplingError::Undefined { undefined: placebo.draws.len(), draws: placebo.draws.len() });
    }
    Ok(found as f64 / all as f64)
}

fn check(test: &Test) -> Result<(), ResamplingError> {
    let options = [
        ("std_error", test.std_error, test.std_error > 0.0 && test.std_error.is_finite(), "a positive number"),
        ("df_t", test.df_t, test.df_t > 0.0, "a positive number"),
        ("alpha", test.alpha, test.alpha > 0.0 && test.alpha < 1.0, "between 0 and 1"),
    ];
    match options.into_iter().find(|(_, _, is_right, _)| !is_right) {
        Some((option, value, _, reason)) => Err(ResamplingError::Option { option, value: value.to_string(), reason }),
        None => Ok(()),
    }
}

/// What |T| exceeds with probability `tail`.
fn quantile(tail: f64, df_t: f64) -> f64 {
    if df_t.is_infinite() { tails::normal_quantile(tail) } else { student::two_sided_quantile(tail, df_t) }
}

/// P(T > value).
fn above(value: f64, df_t: f64) -> f64 {
    let two_sided = if df_t.is_infinite() { tails::normal_two_sided(value) } else { student::two_sided(value, df_t) };
    if value >= 0.0 { two_sided / 2.0 } else { 1.0 - two_sided / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resampling::placebo::Drawn;

    const LARGE: Test = Test { std_error: 1.0, df_t: f64::INFINITY, alpha: 0.05 };

    /// Bloom (1995): 2.80 standard errors for a power of 80 % at 5 %, and 2.49 at one-sided 5 %, which is two-sided 10 %.
    #[test]
    fn the_multiples_of_bloom_are_met() {
        for (alpha, power, expected) in [
            (0.05, 0.8, 1.959_963_984_540_054 + 0.841_621_233_572_914_2),
            (0.10, 0.8, 1.644_853_626_951_472_7 + 0.841_621_233_572_914_2),
            (0.05, 0.5, 1.959_963_984_540_054),
            (0.05, 0.2, 1.959_963_984_540_054 - 0.841_621_233_572_914_2),
        ] {
            let found = minimum_detectable_effect(&Test { alpha, ..LARGE }, power).expect("an effect");
            assert!((found - expected).abs() < 1e-14, "{found} {expected}");
        }
        // SciPy: t.ppf(0.975, 20) + t.ppf(0.8, 20), twice the error.
        let few = Test { std_error: 2.0, df_t: 20.0, alpha: 0.05 };
        let found = minimum_detectable_effect(&few, 0.8).expect("an effect");
        assert!((found - 2.0 * (2.085_963_447_265_837 + 0.859_964_440_7)).abs() < 1e-8, "{found}");
    }

    #[test]
    fn the_smallest_effect_has_the_power_asked_for() {
        for df_t in [5.0, 30.0, f64::INFINITY] {
            let test = Test { df_t, ..LARGE };
            let effect = minimum_detectable_effect(&test, 0.8).expect("an effect");
            let other_tail = above(quantile(0.05, df_t) + effect, df_t);
            let found = power(&test, effect).expect("a power");
            assert!((found - 0.8 - other_tail).abs() < 1e-12, "{found}");
            assert_eq!(found, power(&test, -effect).expect("a power"));
            // Without an effect it is the level.
            assert!((power(&test, 0.0).expect("a power") - 0.05).abs() < 1e-12);
        }
    }

    #[test]
    fn four_times_the_clusters_halve_the_error() {
        assert_eq!(with_clusters(0.3, 25, 100), Ok(0.15));
        assert!(with_clusters(0.3, 1, 100).is_err());
    }

    #[test]
    fn simulated_power_counts_draws_moved_by_the_effect() {
        let drawn = |estimate: f64| Some(Drawn { estimate, std_error: Some(0.5) });
        let placebo = Placebo {
            term: "d".to_string(),
            estimate: 0.0,
            statistic: None,
            draws: vec![drawn(0.0), drawn(0.3), drawn(-0.3), None],
            n_undefined: 1,
            n_beyond: 0,
            p_value: 1.0,
            p_value_of_statistic: None,
            warnings: Vec::new(),
        };
        let found = |effect: f64| simulated_power(&placebo, effect, f64::INFINITY, 0.05).expect("a power");
        // Found above 0.98.
        assert_eq!((found(0.0), found(0.7), found(1.0), found(2.0)), (0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0));
    }

    #[test]
    fn tests_that_are_none_say_why() {
        for (test, power, message) in [
            (Test { std_error: 0.0, ..LARGE }, 0.8, "the option `std_error` is 0: a positive number"),
            (Test { alpha: 1.0, ..LARGE }, 0.8, "the option `alpha` is 1: between 0 and 1"),
            (LARGE, 0.01, "the option `power` is 0.01: between the level of the test and 1"),
        ] {
            assert_eq!(minimum_detectable_effect(&test, power).expect_err("an error").to_string(), message);
        }
    }
}
