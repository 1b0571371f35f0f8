//! Numbers of twice the precision: an unevaluated sum of two doubles, about 32 decimal digits.
//!
//! Every sum over rows goes through here. A plain sum of a million terms loses six digits and changes with the order of
//! the rows; this one is right to the last bit of the double it is rounded to, so that the order does not show.
//! Dekker (1971) for the product, Knuth for the sum, Ogita, Rump & Oishi (2005) for the dot product. No fused
//! multiply-add: where the CPU lacks it, a call per product would cost more than Dekker's splitting.

use crate::threads;
use std::ops::{Add, Div, Mul, Sub};

/// `high + low`, where `low` is at most half a unit in the last place of `high`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Twofold {
    high: f64,
    low: f64,
}

impl Twofold {
    /// The nearest double.
    pub(crate) fn value(self) -> f64 {
        self.high + self.low
    }

    pub(crate) fn sqrt(self) -> Twofold {
        if self.high <= 0.0 {
            return Twofold::default();
        }
        // One step of Newton from the double root doubles its digits.
        let root = self.high.sqrt();
        let (square, rest) = two_product(root, root);
        let remainder = (self - Twofold { high: square, low: rest }).value();
        renormalised(root, remainder / (2.0 * root))
    }

    /// The exact sum of this and one more term, rounded to twice the precision.
    pub(crate) fn plus(self, term: f64) -> Twofold {
        let (high, rest) = two_sum(self.high, term);
        renormalised(high, self.low + rest)
    }
}

impl From<f64> for Twofold {
    fn from(value: f64) -> Twofold {
        Twofold { high: value, low: 0.0 }
    }
}

impl Add for Twofold {
    type Output = Twofold;

    fn add(self, other: Twofold) -> Twofold {
        let (high, rest) = two_sum(self.high, other.high);
        let (low, rest_of_low) = two_sum(self.low, other.low);
        let first = renormalised(high, rest + low);
        renormalised(first.high, first.low + rest_of_low)
    }
}

impl Sub for Twofold {
    type Output = Twofold;

    fn sub(self, other: Twofold) -> Twofold {
        self + Twofold { high: -other.high, low: -other.low }
    }
}

impl Mul for Twofold {
    type Output = Twofold;

    fn mul(self, other: Twofold) -> Twofold {
        let (high, rest) = two_product(self.high, other.high);
        renormalised(high, rest + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Twofold {
    type Output = Twofold;

    #[inline]
    fn div(self, other: Twofold) -> Twofold {
        if other.low == 0.0 {
            // By a double, such as a number of rows: one correction is enough.
            let first = self.high / other.high;
            let (product, rest_of_product) = two_product(first, other.high);
            let rest = ((self.high - product) - rest_of_product) + self.low;
            return renormalised(first, rest / other.high);
        }
        let first = self.high / other.high;
        let after_first = self - other * Twofold::from(first);
        let second = after_first.high / other.high;
        let after_second = after_first - other * Twofold::from(second);
        renormalised(first, second).plus(after_second.high / other.high)
    }
}

/// The sum of `values`.
pub(crate) fn sum(values: impl IntoIterator<Item = f64>) -> Twofold {
    values.into_iter().fold(Twofold::default(), Twofold::plus)
}

/// The sum of a slice, which need not wait for each of its additions.
pub(crate) fn total(values: &[f64]) -> Twofold {
    let mut lanes = [Twofold::default(); 4];
    let (blocks, rest) = values.as_chunks::<4>();
    for block in blocks {
        for lane in 0..4 {
            lanes[lane] = collected(lanes[lane], block[lane]);
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        lanes[lane] = collected(lanes[lane], *value);
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// The sums of `values` by their codes, each below `count`.
pub(crate) fn sums_by(codes: &[u32], values: impl Iterator<Item = f64>, count: usize) -> Vec<Twofold> {
    let mut sums = vec![Twofold::default(); count];
    // Rows of one unit mostly stand together: their sum stays at hand until the next unit comes.
    let mut at = 0;
    let mut sum = Twofold::default();
    for (code, value) in codes.iter().zip(values) {
        if *code != at {
            sums[at as usize] = sum;
            at = *code;
            sum = sums[at as usize];
        }
        sum = collected(sum, value);
    }
    if let Some(last) = sums.get_mut(at as usize) {
        *last = sum;
    }
    sums.into_iter().map(|sum| Twofold::default() + sum).collect()
}

/// The arithmetic mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { (total(values) / Twofold::from(values.len() as f64)).value() }
}

/// Σ w x / Σ w.
pub(crate) fn weighted_mean(values: &[f64], weights: &[f64]) -> f64 {
    (dot(weights, values) / total(weights)).value()
}

/// The inner product of two slices of one length.
pub(crate) fn dot(left: &[f64], right: &[f64]) -> Twofold {
    debug_assert_eq!(left.len(), right.len());
    // Four sums side by side, because one sum alone waits for its own last addition. Which term goes into which sum
    // depends on its position only, so the result does too.
    let mut lanes = [Twofold::default(); 4];
    let (left_blocks, left_rest) = left.as_chunks::<4>();
    let (right_blocks, right_rest) = right.as_chunks::<4>();
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        for lane in 0..4 {
            lanes[lane] = plus_product(lanes[lane], left[lane], right[lane]);
        }
    }
    for (lane, (left, right)) in left_rest.iter().zip(right_rest).enumerate() {
        lanes[lane] = plus_product(lanes[lane], *left, *right);
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
}

/// Rows of which [`dots`] takes the halves at a time, a multiple of the lanes of [`dot`].
const HALVED: usize = 256;

/// The inner products of each of several slices of one length with those before it and with itself: the lower half, row by
/// row. Each is that of [`dot`] to the last bit; the values are split into halves once for all products, and some products
/// are made on another thread where that is worth it.
pub(crate) fn dots(slices: &[&[f64]]) -> Vec<Vec<Twofold>> {
    let length = slices.first().map_or(0, |slice| slice.len());
    let pairs: Vec<(usize, usize)> =
        (0..slices.len()).flat_map(|later| (0..=later).map(move |earlier| (earlier, later))).collect();
    let shares = threads::count(pairs.len(), length * slices.len());
    let parts: Vec<&[(usize, usize)]> = pairs.chunks(pairs.len().div_ceil(shares).max(1)).collect();
    let mut found = threads::each(parts, length * slices.len(), |pairs| dots_of(slices, pairs)).into_iter().flatten();
    (1..=slices.len()).map(|width| found.by_ref().take(width).collect()).collect()
}

fn dots_of(slices: &[&[f64]], pairs: &[(usize, usize)]) -> Vec<Twofold> {
    let length = slices.first().map_or(0, |slice| slice.len());
    let wanted: Vec<bool> = (0..slices.len())
        .map(|slice| pairs.iter().any(|(earlier, later)| *earlier == slice || *later == slice))
        .collect();
    let mut halves = vec![[[0.0; HALVED]; 2]; slices.len()];
    let mut sums = vec![([0.0; 4], [0.0; 4]); pairs.len()];
    for start in (0..length).step_by(HALVED) {
        let rows = start..length.min(start + HALVED);
        for ((slice, halves), _) in slices.iter().zip(&mut halves).zip(&wanted).filter(|(_, wanted)| **wanted) {
            let [highs, lows] = halves;
            for ((value, high), low) in slice[rows.clone()].iter().zip(highs).zip(lows) {
                (*high, *low) = split(*value);
            }
        }
        for ((earlier, later), sums) in pairs.iter().zip(&mut sums) {
            let part = |slice: usize| (&slices[slice][rows.clone()], &halves[slice]);
            add_products(part(*earlier), part(*later), sums);
        }
    }
    let lane = |(highs, lows): &([f64; 4], [f64; 4]), lane: usize| Twofold { high: highs[lane], low: lows[lane] };
    sums.iter().map(|sums| (lane(sums, 0) + lane(sums, 1)) + (lane(sums, 2) + lane(sums, 3))).collect()
}

/// A part of a slice and the halves of its values.
type Part<'a> = (&'a [f64], &'a [[f64; HALVED]; 2]);

/// What [`dot`] does, lane by lane.
fn add_products(left: Part, right: Part, (highs, lows): &mut ([f64; 4], [f64; 4])) {
    let mut add = |lane: usize, [left, left_high, left_low]: [f64; 3], [right, right_high, right_low]: [f64; 3]| {
        let product = left * right;
        let rest_of_product =
            ((left_high * right_high - product) + left_high * right_low + left_low * right_high) + left_low * right_low;
        let (high, rest) = two_sum(highs[lane], product);
        highs[lane] = high;
        lows[lane] += rest + rest_of_product;
    };
    let blocks = left.0.len() / 4;
    for block in 0..blocks {
        let [of_left, of_right] = [left, right].map(|(values, [highs, lows])| {
            let rows = block * 4..block * 4 + 4;
            [&values[rows.clone()], &highs[rows.clone()], &lows[rows]]
        });
        for lane in 0..4 {
            add(lane, of_left.map(|part| part[lane]), of_right.map(|part| part[lane]));
        }
    }
    for row in blocks * 4..left.0.len() {
        let at = |(values, [highs, lows]): Part| [values[row], highs[row], lows[row]];
        add(row - blocks * 4, at(left), at(right));
    }
}

/// The squared length of a slice, for tolerances: in blocks that are added up plainly, right to some 10⁻¹⁵ of itself.
pub(crate) fn square(values: &[f64]) -> f64 {
    sum(values.chunks(PLAIN).map(|block| plain_dot(block, block))).value()
}

/// Terms whose products [`products`] adds up plainly.
const PLAIN: usize = 256;

/// The inner products of each of several slices of one length with those before it and with itself: the lower half, row
/// by row. For positive sums and what is compared with them, such as variances: few terms are added up plainly, in an
/// order that depends on their positions only, and only these sums are added in twice the precision. The error is some
/// 10⁻¹⁵ of the lengths of the two, at a tenth of the cost of [`dot`].
pub(crate) fn products(columns: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let length = columns.first().map_or(0, Vec::len);
    let mut sums: Vec<Vec<Twofold>> = (1..=columns.len()).map(|width| vec![Twofold::default(); width]).collect();
    for start in (0..length).step_by(PLAIN) {
        let terms = start..length.min(start + PLAIN);
        for (index, sums) in sums.iter_mut().enumerate() {
            let left = &columns[index][terms.clone()];
            for (sum, right) in sums.iter_mut().zip(columns) {
                *sum = sum.plus(plain_dot(left, &right[terms.clone()]));
            }
        }
    }
    sums.into_iter().map(|sums| sums.into_iter().map(Twofold::value).collect()).collect()
}

fn plain_dot(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (left_blocks, left_rest) = left.as_chunks::<8>();
    let (right_blocks, right_rest) = right.as_chunks::<8>();
    for (left, right) in left_blocks.iter().zip(right_blocks) {
        (0..8).for_each(|lane| lanes[lane] += left[lane] * right[lane]);
    }
    for (lane, (left, right)) in left_rest.iter().zip(right_rest).enumerate() {
        lanes[lane] += left * right;
    }
    let half: [f64; 4] = std::array::from_fn(|lane| lanes[lane] + lanes[lane + 4]);
    (half[0] + half[2]) + (half[1] + half[3])
}

fn plus_product(sum: Twofold, left: f64, right: f64) -> Twofold {
    let (product, rest_of_product) = two_product(left, right);
    let (high, rest) = two_sum(sum.high, product);
    // Not renormalised: `dot` adds the lanes up properly, and until then `low` only collects.
    Twofold { high, low: sum.low + (rest + rest_of_product) }
}

fn collected(sum: Twofold, term: f64) -> Twofold {
    let (high, rest) = two_sum(sum.high, term);
    // Not renormalised, as above.
    Twofold { high, low: sum.low + rest }
}

/// `left + right` as its rounded value and what rounding took away.
fn two_sum(left: f64, right: f64) -> (f64, f64) {
    let sum = left + right;
    let right_part = sum - left;
    (sum, (left - (sum - right_part)) + (right - right_part))
}

/// `left * right` as its rounded value and what rounding took away.
pub(crate) fn two_product(left: f64, right: f64) -> (f64, f64) {
    let product = left * right;
    let (left_high, left_low) = split(left);
    let (right_high, right_low) = split(right);
    let rest =
        ((left_high * right_high - product) + left_high * right_low + left_low * right_high) + left_low * right_low;
    (product, rest)
}

/// The leading and the trailing 26 bits of a double.
fn split(value: f64) -> (f64, f64) {
    let scaled = 134_217_729.0 * value;
    let high = scaled - (scaled - value);
    (high, value - high)
}

fn renormalised(high: f64, low: f64) -> Twofold {
    let sum = high + low;
    Twofold { high: sum, low: low - (sum - high) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_keeps_what_a_plain_sum_loses() {
        for (terms, expected) in [
            (vec![1e16, 1.0, -1e16], 1.0),
            (vec![1.0, 1e100, 1.0, -1e100], 2.0),
            (vec![0.1; 10], 1.0),
            (vec![3.0, 1e-20, -3.0], 1e-20),
            (vec![], 0.0),
        ] {
            assert_eq!(sum(terms.iter().copied()).value(), expected, "{terms:?}");
        }
    }

    #[test]
    fn the_order_of_terms_does_not_show() {
        let forwards: Vec<f64> = (1..10_000).map(|term| 1.0 / f64::from(term * term) - 1e-4).collect();
        let backwards: Vec<f64> = forwards.iter().rev().copied().collect();
        let plain = |values: &[f64]| values.iter().sum::<f64>();
        assert_ne!(plain(&forwards), plain(&backwards));
        assert_eq!(sum(forwards.iter().copied()).value(), sum(backwards.iter().copied()).value());
        assert_eq!(dot(&forwards, &forwards).value(), dot(&backwards, &backwards).value());
    }

    #[test]
    fn sums_side_by_side_and_by_code_are_those_one_by_one() {
        for length in [0, 1, 2, 3, 4, 5, 1001_u32] {
            let values: Vec<f64> = (0..length)
                .map(|term| (f64::from(term * 7919 % 1013) - 506.3) * 2_f64.powi(term as i32 % 40))
                .collect();
            assert_eq!(total(&values).value(), sum(values.iter().copied()).value(), "{length}");
            // Codes that stand together, and codes that never do.
            for codes in
                [(0..length).map(|row| row / 9).collect(), (0..length).map(|row| row % 5).collect::<Vec<u32>>()]
            {
                let count = codes.iter().max().map_or(0, |code| *code as usize + 1);
                let found = sums_by(&codes, values.iter().copied(), count);
                for (code, found) in found.iter().enumerate() {
                    let own = codes.iter().zip(&values).filter(|(other, _)| **other as usize == code);
                    assert_eq!(found.value(), sum(own.map(|(_, value)| *value)).value(), "{code} of {length}");
                }
            }
        }
    }

    #[test]
    fn products_of_many_are_those_of_two() {
        let value = |column: u32, row: u32| f64::from((row * 7919 + column * 104_729) % 1013) / 1013.0 - 0.4;
        for length in [0, 1, 7, 256, 1003] {
            let columns: Vec<Vec<f64>> =
                (0..5).map(|column| (0..length).map(|row| value(column, row)).collect()).collect();
            for (left, products) in products(&columns).iter().enumerate() {
                assert_eq!(products.len(), left + 1);
                for (right, found) in products.iter().enumerate() {
                    let expected = dot(&columns[left], &columns[right]).value();
                    let lengths = dot(&columns[left], &columns[left]) * dot(&columns[right], &columns[right]);
                    // 256 terms in 8 lanes lose at most 32 halves of a last bit of their sizes.
                    let bound = 32.0 * f64::EPSILON * lengths.sqrt().value();
                    assert!((found - expected).abs() <= bound, "{length}: {found} is not {expected}");
                }
            }
        }
    }

    #[test]
    fn products_at_once_are_those_one_by_one() {
        let value = |column: u32, row: u32| (f64::from((row * 7919 + column * 104_729) % 1013) / 1013.0 - 0.4) / 3.0;
        // The longest is worth a second thread.
        for length in [0, 1, 6, 255, 256, 1003, 100_003] {
            let columns: Vec<Vec<f64>> =
                (0..3).map(|column| (0..length).map(|row| value(column, row)).collect()).collect();
            let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
            for (later, products) in dots(&slices).iter().enumerate() {
                let expected: Vec<Twofold> =
                    (0..=later).map(|earlier| dot(&columns[earlier], &columns[later])).collect();
                assert_eq!(*products, expected, "{length}");
                let length = dot(&columns[later], &columns[later]).value();
                assert!((square(&columns[later]) - length).abs() <= 1e-15 * length);
            }
        }
        assert!(dots(&[]).is_empty());
    }

    #[test]
    fn a_quotient_by_a_double_is_that_by_a_sum() {
        let value = Twofold::from(1.0) / (Twofold::from(7.0) + Twofold::from(1e-20));
        for divisor in [3.0, 10.0, 0.1, -1e5] {
            let back = (value / Twofold::from(divisor)) * Twofold::from(divisor) - value;
            assert!(back.value().abs() < 1e-31, "{divisor}: {back:?}");
        }
    }

    #[test]
    fn arithmetic_has_thirty_digits() {
        let third = Twofold::from(1.0) / Twofold::from(3.0);
        let back = third * Twofold::from(3.0) - Twofold::from(1.0);
        assert!(back.value().abs() < 1e-31, "{back:?}");
        let root = Twofold::from(2.0).sqrt();
        let back = root * root - Twofold::from(2.0);
        assert!(back.value().abs() < 1e-31, "{back:?}");
        assert_eq!(Twofold::from(-1.0).sqrt().value(), 0.0);
    }
}
