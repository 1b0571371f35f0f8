//! Probabilities of a standard normal Z that is shifted and folded, or kept between two bounds. Knows no model.

use std::f64::consts::FRAC_1_SQRT_2;

/// The value that |Z + shift| exceeds with probability `tail`.
pub(super) fn folded_quantile(tail: f64, shift: f64) -> f64 {
    let shift = shift.abs();
    // Doubles of one sign are ordered like their bits.
    let (mut low, mut high) = (0_u64, f64::MAX.to_bits());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let value = f64::from_bits(middle);
        if upper(value - shift) + upper(value + shift) > tail { low = middle } else { high = middle }
    }
    f64::from_bits(high)
}

/// P(Z > value | low < Z < high), for `low` ≤ `value` ≤ `high`.
pub(super) fn upper_between(value: f64, low: f64, high: f64) -> f64 {
    if value >= high {
        return 0.0;
    }
    if low < FAR {
        return (upper(value) - upper(high)) / (upper(low) - upper(high));
    }
    // Far out all three tails may be below the smallest double; their ratios are not.
    let relative = |point: f64| match point.is_infinite() {
        true => 0.0,
        false => core_math::exp(0.5 * (low - point) * (low + point)) * mills(point),
    };
    (relative(value) - relative(high)) / (relative(low) - relative(high))
}

const FAR: f64 = 6.0;

/// P(Z > value).
fn upper(value: f64) -> f64 {
    0.5 * core_math::erfc((value * FRAC_1_SQRT_2).clamp(-30.0, 30.0))
}

/// The tail of Z over its density, by Laplace's continued fraction, whose 60 terms give all digits from [`FAR`] on.
fn mills(value: f64) -> f64 {
    let fraction = (1..=60).rev().fold(value, |rest, term| value + f64::from(term) / rest);
    1.0 / fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_quantiles_are_those_of_the_definition() {
        // R: uniroot(function(c) pnorm(c - t) - pnorm(-c - t) - 0.95, ...) has 1.9600 at 0 and t + 1.6449 far out.
        assert!((folded_quantile(0.05, 0.0) - 1.959_963_984_540_054).abs() < 1e-14);
        assert!((folded_quantile(0.05, 7.0) - 8.644_853_626_951_472).abs() < 1e-13);
        for shift in [0.1, 0.5, 1.0, 2.0] {
            let quantile = folded_quantile(0.05, shift);
            let inside = upper(-shift - quantile) - upper(quantile - shift);
            assert!((inside - 0.95).abs() < 1e-15);
        }
    }

    #[test]
    fn tails_between_bounds_meet_where_the_formula_changes() {
        let direct = |value: f64, low: f64, high: f64| (upper(value) - upper(high)) / (upper(low) - upper(high));
        for (value, low, high) in [(6.5, 6.1, 7.0), (8.0, 7.5, f64::INFINITY), (20.0, 19.9, 20.4)] {
            let (found, expected) = (upper_between(value, low, high), direct(value, low, high));
            assert!((found / expected - 1.0).abs() < 1e-12, "{found}, {expected}");
        }
        // 1/x dominates: P(Z > 50 + u/50 | Z > 50) is close to exp(-u).
        let share = upper_between(50.0 + 1.0 / 50.0, 50.0, f64::INFINITY);
        assert!((share - (-1.0_f64).exp()).abs() < 1e-3, "{share}");
        assert_eq!(upper_between(1.0, f64::NEG_INFINITY, f64::INFINITY), upper(1.0));
        assert_eq!(upper_between(2.0, 0.0, 2.0), 0.0);
        assert_eq!(upper_between(2.0, 2.0, 3.0), 1.0);
    }
}
