//! Upper tails of the normal, chi-square and F distributions, for whole degrees of freedom. Knows no model.
//!
//! Sums of finitely many positive terms, so that small tails keep their digits: Abramowitz & Stegun (1964), 26.4.4 and
//! 26.4.5 for chi-square; for F the recurrence I(x; a, b + 1) = I(x; a, b) + xᵃ(1 - x)ᵇ / (b B(a, b)), 26.5.16, from
//! b = ½, which is Student's t, or from b = 1.

use crate::{student, twofold};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// P(|Z| > |statistic|) of a standard normal Z.
pub(crate) fn normal_two_sided(statistic: f64) -> f64 {
    // 1/√2 beyond the digits of its double.
    const REST: f64 = -4.833_646_656_726_457e-17;
    let statistic = statistic.abs();
    let scaled = statistic * FRAC_1_SQRT_2;
    if scaled.is_nan() || scaled > 30.0 {
        return if scaled.is_nan() { f64::NAN } else { 0.0 };
    }
    // What rounding took from `scaled` moves the tail by about 2 · scaled times its share.
    let rest = twofold::two_product(statistic, FRAC_1_SQRT_2).1 + statistic * REST;
    core_math::erfc(scaled) - 2.0 / PI.sqrt() * core_math::exp(-scaled * scaled) * rest
}

/// The value that |Z| exceeds with probability `tail`, which lies between 0 and 1.
pub(crate) fn normal_quantile(tail: f64) -> f64 {
    crossing(tail, normal_two_sided)
}

/// P(X > statistic) of a chi-square X with `freedom` degrees of freedom.
pub(crate) fn chi_square(statistic: f64, freedom: usize) -> f64 {
    if statistic.is_nan() || freedom == 0 {
        return f64::NAN;
    }
    if statistic <= 0.0 {
        return 1.0;
    }
    let half = statistic / 2.0;
    let fall = core_math::exp(-half);
    let (mut sum, mut term, mut index) = if freedom.is_multiple_of(2) {
        (fall, fall, 1.0)
    } else {
        (normal_two_sided(statistic.sqrt()), fall * (half / PI).sqrt() * 2.0, 1.5)
    };
    for step in 0..freedom.div_ceil(2) - 1 {
        if step > 0 || freedom.is_multiple_of(2) {
            term *= half / index;
            index += 1.0;
        }
        sum += term;
    }
    sum.min(1.0)
}

/// P(F > statistic) of an F with `numerator` and `denominator` degrees of freedom.
pub(crate) fn f(statistic: f64, numerator: usize, denominator: f64) -> f64 {
    if statistic.is_nan() || numerator == 0 || denominator.is_nan() || denominator <= 0.0 {
        return f64::NAN;
    }
    if statistic <= 0.0 {
        return 1.0;
    }
    let ratio = numerator as f64 * statistic / denominator;
    if ratio.is_infinite() {
        return 0.0;
    }
    let (a, rest) = (denominator / 2.0, ratio / (1.0 + ratio));
    let power = core_math::exp(-a * core_math::log1p(ratio));
    let (mut sum, mut term, mut b) = if numerator.is_multiple_of(2) {
        (power, power * rest * a, 1.0)
    } else {
        let t = (numerator as f64 * statistic).sqrt();
        (student::two_sided(t, denominator), 2.0 * power * (rest / PI).sqrt() * student::gamma_ratio(a), 0.5)
    };
    for _ in 0..numerator.div_ceil(2) - 1 {
        sum += term;
        term *= rest * (a + b) / (b + 1.0);
        b += 1.0;
    }
    sum.min(1.0)
}

/// Where a falling function of the positive numbers crosses `level`: the doubles are ordered like their bits.
fn crossing(level: f64, function: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0_u64, f64::MAX.to_bits());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if function(f64::from_bits(middle)) > level {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::from_bits(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    /// mpmath with 50 digits, by `tests/reference/staggered.py`.
    const NUMBERS: &str = include_str!("../../tests/reference/tails.csv");

    #[test]
    fn tails_are_right_to_the_last_digits() {
        let mut worst = 0.0_f64;
        for row in reference::rows(NUMBERS) {
            let number = |name: &str| -> f64 { row[name].parse().expect("a number") };
            let (statistic, expected) = (number("statistic"), number("tail"));
            let found = match row["distribution"].as_str() {
                "normal" => normal_two_sided(statistic),
                "chi_square" => chi_square(statistic, number("numerator") as usize),
                _ => f(statistic, number("numerator") as usize, number("denominator")),
            };
            let difference = (found / expected - 1.0).abs();
            // The exponent of a tail of e^-300 is right to the last digit, which is its thirteenth after the point.
            assert!(difference < 4e-16 * (20.0 + expected.ln().abs()), "{row:?}: {found}, {difference:e}");
            worst = worst.max(difference);
        }
        println!("largest relative difference: {worst:e}");
    }

    #[test]
    fn the_quantile_is_the_inverse() {
        // 1.959963984540054 and 0.6744897501960817 are those of R's qnorm.
        for (tail, expected) in [(0.05, 1.959963984540054), (0.5, 0.6744897501960817)] {
            assert!((normal_quantile(tail) - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn the_edges_are_defined() {
        assert_eq!(normal_two_sided(0.0), 1.0);
        assert_eq!(normal_two_sided(f64::INFINITY), 0.0);
        assert_eq!(chi_square(0.0, 3), 1.0);
        assert_eq!(f(0.0, 3, 5.0), 1.0);
        assert_eq!(f(f64::INFINITY, 2, 5.0), 0.0);
        assert!(chi_square(1.0, 0).is_nan() && f(1.0, 2, 0.0).is_nan() && normal_two_sided(f64::NAN).is_nan());
    }
}
