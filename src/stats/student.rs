//! Student's t distribution. Knows no model.
//!
//! Written here because the platform's `ln` and `exp`, which `statrs` would call, differ in the last bit from machine to
//! machine, and because the usual continued fraction of the incomplete beta function loses a digit for each factor of
//! ten in the degrees of freedom: half of a million-row model's p-value would be noise. Instead:
//!
//! - |t| ≤ 1: one less P(|T| < |t|), by the power series DLMF 8.17.8, whose terms are all positive;
//! - |t| > 1: the density at t times ∫ f(t + u)/f(t) du, by the double-exponential rule of Takahasi & Mori (1974), whose
//!   terms are all positive too. Γ(a + ½)/Γ(a) is computed as a ratio, DLMF 5.11.13.

use std::f64::consts::{FRAC_PI_2, PI};
use std::sync::LazyLock;

/// P(|T| > |statistic|) with `freedom` degrees of freedom, which must be positive.
pub(crate) fn two_sided(statistic: f64, freedom: f64) -> f64 {
    let statistic = statistic.abs();
    if statistic.is_nan() || freedom.is_nan() || freedom <= 0.0 {
        f64::NAN
    } else if statistic <= 1.0 {
        1.0 - inside(statistic, freedom)
    } else if (statistic * statistic).is_infinite() {
        0.0
    } else {
        outside(statistic, freedom)
    }
}

/// The value that |T| exceeds with probability `tail`, which lies between 0 and 1.
pub(crate) fn two_sided_quantile(tail: f64, freedom: f64) -> f64 {
    // The positive doubles are ordered like their bits, so halving the bits finds the crossing in 63 steps, whatever
    // its size, and always the same one.
    let (mut low, mut high) = (0_u64, f64::MAX.to_bits());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if two_sided(f64::from_bits(middle), freedom) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::from_bits(high)
}

/// P(|T| < t) for t of at most 1.
fn inside(t: f64, freedom: f64) -> f64 {
    let share = t * t / (freedom + t * t);
    let (mut term, mut sum, mut index) = (1.0, 0.0, 0.0);
    while term > sum * (0.1 * f64::EPSILON) {
        sum += term;
        // Smaller than the one before by a factor of at least 2: `share` is at most 1/(ν + 1).
        term *= (freedom / 2.0 + index + 0.5) / (index + 1.5) * share;
        index += 1.0;
    }
    2.0 * density(t, freedom) * t * sum
}

// Finer steps or wider ends change nothing in the last digit, for any ν and t.
const STEP: f64 = 1.0 / 16.0;
const ENDS: i32 = 72;

/// exp(π/2 sinh x) and cosh x at the nodes of the rule: a quantile would compute them 63 times over.
static NODES: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let nodes = (-ENDS..=ENDS).map(|node| f64::from(node) * STEP);
    nodes.map(|node| (core_math::exp(FRAC_PI_2 * core_math::sinh(node)), core_math::cosh(node))).collect()
});

/// P(|T| > t) for t above 1.
fn outside(t: f64, freedom: f64) -> f64 {
    // Over this distance the density falls by a factor of e, if it goes on as it begins.
    let scale = (freedom + t * t) / ((freedom + 1.0) * t);
    let mut sum = 0.0;
    for (reach, slope) in NODES.iter() {
        let distance = scale * reach;
        // ln f(t + u) - ln f(t), without their difference.
        let fall = (freedom + 1.0) / 2.0 * core_math::log1p(distance * ((2.0 * t + distance) / (freedom + t * t)));
        sum += core_math::exp(-fall) * distance * slope;
    }
    2.0 * density(t, freedom) * sum * STEP * FRAC_PI_2
}

/// Γ((ν + 1)/2) / (Γ(ν/2) √(νπ)) · (1 + t²/ν)^(-(ν + 1)/2).
fn density(t: f64, freedom: f64) -> f64 {
    let power = core_math::exp(-(freedom + 1.0) / 2.0 * core_math::log1p(t * t / freedom));
    gamma_ratio(freedom / 2.0) / (freedom * PI).sqrt() * power
}

/// Γ(a + ½) / Γ(a).
pub(crate) fn gamma_ratio(a: f64) -> f64 {
    // Γ(a + ½)/Γ(a) = Γ(a + 3/2)/Γ(a + 1) · a/(a + ½) until the series is exact to the last digit.
    let (mut shifted, mut factor) = (a, 1.0);
    while shifted < 40.0 {
        factor *= shifted / (shifted + 0.5);
        shifted += 1.0;
    }
    const SERIES: [f64; 8] = [
        1.0,
        -1.0 / 8.0,
        1.0 / 128.0,
        5.0 / 1024.0,
        -21.0 / 32_768.0,
        -399.0 / 262_144.0,
        869.0 / 4_194_304.0,
        39_325.0 / 33_554_432.0,
    ];
    factor * shifted.sqrt() * SERIES.iter().rev().fold(0.0, |sum, coefficient| sum / shifted + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference;

    const NUMBERS: &str = include_str!("../../tests/reference/student.csv");

    #[test]
    fn tails_are_right_to_the_last_digits() {
        let mut worst = 0.0_f64;
        for row in reference::rows(NUMBERS) {
            let number = |name: &str| -> f64 { row[name].parse().expect("a number") };
            let (found, expected) = (two_sided(number("statistic"), number("freedom")), number("p_value"));
            let difference = (found / expected - 1.0).abs();
            // The exponent of a tail of e^-700 is right to the last digit, which is its thirteenth after the point.
            assert!(difference < 2e-16 * (20.0 + expected.ln().abs()), "{row:?}: {found}, {difference:e}");
            worst = worst.max(difference);
        }
        println!("largest relative difference: {worst:e}");
    }

    #[test]
    fn the_quantile_is_the_inverse() {
        // SciPy's t.ppf(0.975, ν), which is good to 10 digits.
        for (freedom, expected) in
            [(1.0, 12.706204736174694), (9.0, 2.262157162798205), (49.0, 2.0095752371292392), (1e8, 1.9599640082627663)]
        {
            let found = two_sided_quantile(0.05, freedom);
            assert!((found / expected - 1.0).abs() < 1e-10, "{freedom}: {found}");
            assert!((two_sided(found, freedom) - 0.05).abs() < 1e-16, "{freedom}: {found}");
        }
    }

    #[test]
    fn the_edges_are_defined() {
        assert_eq!(two_sided(0.0, 5.0), 1.0);
        assert_eq!(two_sided(f64::INFINITY, 5.0), 0.0);
        assert_eq!(two_sided(1e200, 5.0), 0.0);
        assert_eq!(two_sided(-2.0, 5.0), two_sided(2.0, 5.0));
        assert!(two_sided(1.0, 0.0).is_nan());
        assert!(two_sided(f64::NAN, 5.0).is_nan());
        // Both computations meet at 1.
        assert!((two_sided(1.0, 7.0) / two_sided(1.0 + f64::EPSILON, 7.0) - 1.0).abs() < 4e-15);
    }
}
