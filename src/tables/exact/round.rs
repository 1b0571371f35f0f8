//! Exact values, and the nearest float of a quotient or a root of them. Ties go to the even neighbour, and what is too large
//! is infinite, as IEEE 754 has it.

use num_bigint::{BigInt, BigUint, Sign};

/// Bits of a quotient that are enough to round it: those of a float, one to round by, and some to spare.
const ENOUGH: u64 = 66;
/// The weight of the lowest bit of the smallest float.
const LOWEST: i64 = -1074;
/// The weight of the highest bit of the largest float.
const HIGHEST: i64 = 1023;

/// `digits` times 2 to the `exponent`.
#[derive(Clone, Debug, PartialEq)]
pub struct Exact {
    pub digits: BigInt,
    pub exponent: i32,
}

impl Exact {
    /// A finite float as it is.
    pub fn of(value: f64) -> Exact {
        let (negative, digits, exponent) = super::sum::parts(value);
        let digits = BigInt::from(digits);
        Exact { digits: if negative { -digits } else { digits }, exponent }
    }

    pub fn times(&self, other: &Exact) -> Exact {
        Exact { digits: &self.digits * &other.digits, exponent: self.exponent + other.exponent }
    }

    pub fn scaled(&self, factor: u64) -> Exact {
        Exact { digits: &self.digits * factor, exponent: self.exponent }
    }

    pub fn minus(&self, other: &Exact) -> Exact {
        let exponent = self.exponent.min(other.exponent);
        let at = |value: &Exact| &value.digits << ((value.exponent - exponent) as u32);
        Exact { digits: at(self) - at(other), exponent }
    }

    pub fn is_zero(&self) -> bool {
        self.digits.sign() == Sign::NoSign
    }

    /// The nearest float.
    #[cfg(test)]
    pub fn to_float(&self) -> f64 {
        let (sign, magnitude) = (self.digits.sign(), self.digits.magnitude());
        signed(sign, nearest(magnitude, i64::from(self.exponent), false))
    }
}

/// The float nearest to `numerator / denominator`; `None` where the denominator is zero.
pub fn ratio(numerator: &Exact, denominator: &Exact) -> Option<f64> {
    if denominator.is_zero() {
        return None;
    }
    let sign = numerator.digits.sign() * denominator.digits.sign();
    let (quotient, exponent, rest) = quotient(numerator, denominator, ENOUGH);
    Some(signed(sign, nearest(&quotient, exponent, rest)))
}

/// The float nearest to the root of `numerator / denominator`, which must not be negative; `None` where the denominator is
/// zero.
pub fn root(numerator: &Exact, denominator: &Exact) -> Option<f64> {
    if denominator.is_zero() {
        return None;
    }
    // The root has half the bits of what it is taken of, whose exponent must be even.
    let (mut quotient, mut exponent, rest) = quotient(numerator, denominator, 2 * ENOUGH);
    if exponent.rem_euclid(2) == 1 {
        quotient <<= 1u32;
        exponent -= 1;
    }
    let root = quotient.sqrt();
    let rest = rest || &root * &root != quotient;
    Some(nearest(&root, exponent / 2, rest))
}

/// The float nearest to `magnitude / divisor` times 2 to the `exponent`. Of a group's sum and the number of its terms, so
/// it is worth its own way without large numbers.
pub fn small_ratio(magnitude: u128, divisor: u64, exponent: i32) -> f64 {
    if magnitude == 0 {
        return 0.0;
    }
    let shift = magnitude.leading_zeros();
    let shifted = magnitude << shift;
    let divisor = u128::from(divisor);
    nearest_small(shifted / divisor, i64::from(exponent) - i64::from(shift), !shifted.is_multiple_of(divisor))
}

/// Magnitude and exponent of a quotient with at least `bits` bits, and whether something is left over.
fn quotient(numerator: &Exact, denominator: &Exact, bits: u64) -> (BigUint, i64, bool) {
    let (above, below) = (numerator.digits.magnitude(), denominator.digits.magnitude());
    let shift = (below.bits() + bits).saturating_sub(above.bits());
    let shifted = above << shift;
    let quotient = &shifted / below;
    let rest = &quotient * below != shifted;
    let exponent = i64::from(numerator.exponent) - i64::from(denominator.exponent) - shift as i64;
    (quotient, exponent, rest)
}

fn signed(sign: Sign, magnitude: f64) -> f64 {
    if sign == Sign::Minus { -magnitude } else { magnitude }
}

/// The float nearest to `digits` times 2 to the `exponent`, and a bit more than that if there is a `rest`.
fn nearest(digits: &BigUint, exponent: i64, rest: bool) -> f64 {
    let excess = digits.bits().saturating_sub(128);
    let kept = digits >> excess;
    let rest = rest || digits.trailing_zeros().is_some_and(|zeros| zeros < excess);
    let small = kept.to_u64_digits().into_iter().rev().fold(0u128, |number, limb| number << 64 | u128::from(limb));
    nearest_small(small, exponent + excess as i64, rest)
}

/// The same. With a `rest`, `digits` must have at least 55 bits, else the rest could be as large as half a unit.
fn nearest_small(digits: u128, exponent: i64, rest: bool) -> f64 {
    if digits == 0 {
        return 0.0;
    }
    let highest = exponent + i64::from(127 - digits.leading_zeros());
    if highest > HIGHEST {
        return f64::INFINITY;
    }
    // Of the result; a small one has fewer bits.
    let lowest = (highest - 52).max(LOWEST);
    let dropped = lowest - exponent;
    let rounded = if dropped <= 0 {
        digits << -dropped
    } else if dropped > 128 {
        0
    } else {
        let kept = digits.checked_shr(dropped as u32).unwrap_or(0);
        let half = 1u128 << (dropped - 1);
        let tail = digits & (half | (half - 1));
        let up = tail > half || (tail == half && (rest || kept & 1 == 1));
        kept + u128::from(up)
    };
    // At most 2 to the 53, and a whole multiple of the power: both steps are exact, or overflow as they should.
    rounded as f64 * power_of_two(lowest)
}

fn power_of_two(exponent: i64) -> f64 {
    if exponent >= -1022 {
        f64::from_bits(((exponent + 1023) as u64) << 52)
    } else {
        f64::from_bits(1u64 << (exponent - LOWEST))
    }
}
