//! The sums: of floats, and of products of two floats.

use super::Total;
use super::round::{self, Exact};
use super::wide::{self, Wide};
use num_bigint::BigInt;

/// No term yet that would say where the window lies. Further below all floats than a term can be moved.
const UNSET: i32 = -4096;
/// Bits left free below the lowest bit of the first term.
const BELOW: i32 = 32;
/// A term of 53 bits moved by this many is below 2 to the 126, so that a few of them fit beside each other.
const SUM_SHIFT: i32 = 73;
/// The same for products: 106 bits in a window of 256.
const PRODUCT_BELOW: i32 = 64;
const PRODUCT_SHIFT: i32 = 148;

/// Exact sum of floats.
#[derive(Clone, Debug)]
pub struct Sum {
    /// Times 2 to the `base`; what did not fit is in `wide`.
    window: i128,
    base: i32,
    wide: Option<Box<Wide>>,
}

/// Exact sum of products of two floats.
#[derive(Clone, Debug)]
pub struct Products {
    /// 256 bits in two's complement, times 2 to the `base`.
    low: u128,
    high: i128,
    base: i32,
    wide: Option<Box<Wide>>,
}

impl Default for Sum {
    fn default() -> Sum {
        Sum { window: 0, base: UNSET, wide: None }
    }
}

impl Default for Products {
    fn default() -> Products {
        Products { low: 0, high: 0, base: UNSET, wide: None }
    }
}

/// Sign, whole number of at most 53 bits, and exponent of a finite float.
#[inline]
pub fn parts(value: f64) -> (bool, u64, i32) {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let digits = if exponent == 0 { fraction } else { fraction | 1 << 52 };
    (bits >> 63 == 1, digits, exponent.max(1) - 1075)
}

impl Sum {
    #[inline]
    pub fn add(&mut self, value: f64) {
        let (negative, digits, exponent) = parts(value);
        let shift = exponent - self.base;
        if (0..=SUM_SHIFT).contains(&shift) && value.is_finite() {
            let term = i128::from(digits) << shift;
            if let Some(sum) = self.window.checked_add(if negative { -term } else { term }) {
                self.window = sum;
                return;
            }
        }
        self.add_elsewhere(value);
    }

    /// Takes a term out again.
    pub fn subtract(&mut self, value: f64) {
        match value.is_finite() {
            true => self.add(-value),
            false => self.wide().specials.subtract(value),
        }
    }

    pub fn merge(&mut self, other: &Sum) {
        if let Some(wide) = &other.wide {
            self.wide().merge(wide);
        }
        if other.base == UNSET {
            return;
        }
        if self.base == UNSET {
            (self.window, self.base) = (other.window, other.base);
            return;
        }
        let distance = other.base - self.base;
        let moved = match distance {
            0.. => shifted(other.window, distance),
            // What lies below this window may be zeros; else this window may have room to move down.
            _ if other.window.trailing_zeros() as i32 >= -distance => Some(other.window >> (-distance).min(127)),
            _ => shifted(self.window, -distance).map(|window| {
                (self.window, self.base) = (window, other.base);
                other.window
            }),
        };
        match moved.and_then(|moved| self.window.checked_add(moved)) {
            Some(sum) => self.window = sum,
            None => self.wide().add(other.window.unsigned_abs(), other.base, other.window < 0),
        }
    }

    pub fn total(&self) -> Total {
        let window = Exact { digits: BigInt::from(self.window), exponent: self.base };
        total(window, self.wide.as_deref())
    }

    /// The nearest float of the sum divided by `divisor`, which is not 0.
    pub fn divided(&self, divisor: u64) -> f64 {
        if self.wide.is_none() {
            let magnitude = round::small_ratio(self.window.unsigned_abs(), divisor, self.base);
            return if self.window < 0 { -magnitude } else { magnitude };
        }
        match self.total() {
            Total::Special(value) => value,
            Total::Finite(value) => {
                let divisor = Exact { digits: BigInt::from(divisor), exponent: 0 };
                round::ratio(&value, &divisor).unwrap_or(f64::NAN)
            }
        }
    }

    /// Bytes on the heap.
    pub fn size(&self) -> usize {
        self.wide.as_ref().map_or(0, |wide| wide.size())
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.window.to_le_bytes());
        write_rest(out, self.base, self.wide.as_deref());
    }

    /// `None` where the bytes are not those of a sum.
    pub fn read(bytes: &mut &[u8]) -> Option<Sum> {
        let window = i128::from_le_bytes(wide::take(bytes)?);
        let (base, wide) = read_rest(bytes)?;
        Some(Sum { window, base, wide })
    }

    #[cold]
    fn add_elsewhere(&mut self, value: f64) {
        if !value.is_finite() {
            return self.wide().specials.add(value);
        }
        let (negative, digits, exponent) = parts(value);
        if digits == 0 {
            return;
        }
        if self.base == UNSET {
            self.base = exponent - BELOW;
            return self.add(value);
        }
        let shift = exponent - self.base;
        // Whole numbers end in zeros, which may be all that lies below the window.
        if shift < 0 && digits.trailing_zeros() as i32 >= -shift {
            let term = i128::from(digits >> -shift);
            if let Some(sum) = self.window.checked_add(if negative { -term } else { term }) {
                self.window = sum;
                return;
            }
        }
        self.wide().add(u128::from(digits), exponent, negative);
    }

    fn wide(&mut self) -> &mut Wide {
        self.wide.get_or_insert_default()
    }
}

impl Products {
    #[inline]
    pub fn add(&mut self, x: f64, y: f64) {
        self.change(x, y, false);
    }

    /// Takes a product out again.
    pub fn subtract(&mut self, x: f64, y: f64) {
        self.change(x, y, true);
    }

    #[inline]
    fn change(&mut self, x: f64, y: f64, out: bool) {
        if !x.is_finite() || !y.is_finite() {
            // The product of an infinity and a number, or NaN, as IEEE 754 has it.
            let specials = &mut self.wide().specials;
            return if out { specials.subtract(x * y) } else { specials.add(x * y) };
        }
        let (x_negative, x_digits, x_exponent) = parts(x);
        let (y_negative, y_digits, y_exponent) = parts(y);
        let digits = u128::from(x_digits) * u128::from(y_digits);
        let exponent = x_exponent + y_exponent;
        let negative = (x_negative != y_negative) != out;
        if digits == 0 {
            return;
        }
        if self.base == UNSET {
            self.base = exponent - PRODUCT_BELOW;
        }
        let shift = exponent - self.base;
        if !(0..=PRODUCT_SHIFT).contains(&shift) || !self.add_window(shifted_pair(digits, shift as u32), negative) {
            self.wide().add(digits, exponent, negative);
        }
    }

    pub fn merge(&mut self, other: &Products) {
        if let Some(wide) = &other.wide {
            self.wide().merge(wide);
        }
        if other.base == UNSET {
            return;
        }
        if self.base == UNSET {
            (self.low, self.high, self.base) = (other.low, other.high, other.base);
            return;
        }
        let negative = other.high < 0;
        let (low, high) = magnitude(other.low, other.high);
        let distance = other.base - self.base;
        let moved = match distance {
            0.. => moved_up(low, high, distance as u32),
            _ => moved_down(low, high, distance.unsigned_abs()),
        };
        if moved.is_some_and(|moved| self.add_window(moved, negative)) {
            return;
        }
        self.wide().add(low, other.base, negative);
        self.wide().add(high, other.base + 128, negative);
    }

    pub fn total(&self) -> Total {
        let digits = (BigInt::from(self.high) << 128u32) + BigInt::from(self.low);
        total(Exact { digits, exponent: self.base }, self.wide.as_deref())
    }

    /// Bytes on the heap.
    pub fn size(&self) -> usize {
        self.wide.as_ref().map_or(0, |wide| wide.size())
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.low.to_le_bytes());
        out.extend(self.high.to_le_bytes());
        write_rest(out, self.base, self.wide.as_deref());
    }

    /// `None` where the bytes are not those of a sum.
    pub fn read(bytes: &mut &[u8]) -> Option<Products> {
        let low = u128::from_le_bytes(wide::take(bytes)?);
        let high = i128::from_le_bytes(wide::take(bytes)?);
        let (base, wide) = read_rest(bytes)?;
        Some(Products { low, high, base, wide })
    }

    /// Adds to the window or takes from it; false, and nothing done, if it would overflow.
    #[inline]
    fn add_window(&mut self, (low, high): (u128, i128), negative: bool) -> bool {
        let (sum, carry) = if negative { self.low.overflowing_sub(low) } else { self.low.overflowing_add(low) };
        let carry = i128::from(carry);
        let above = match negative {
            true => self.high.checked_sub(high).and_then(|above| above.checked_sub(carry)),
            false => self.high.checked_add(high).and_then(|above| above.checked_add(carry)),
        };
        let Some(above) = above else { return false };
        (self.low, self.high) = (sum, above);
        true
    }

    fn wide(&mut self) -> &mut Wide {
        self.wide.get_or_insert_default()
    }
}

fn shifted(window: i128, distance: i32) -> Option<i128> {
    let moved = window.checked_shl(distance as u32)?;
    (moved >> distance == window).then_some(moved)
}

fn shifted_pair(digits: u128, shift: u32) -> (u128, i128) {
    match shift {
        0 => (digits, 0),
        1..128 => (digits << shift, (digits >> (128 - shift)) as i128),
        _ => (0, (digits << (shift - 128)) as i128),
    }
}

/// Of a number of 256 bits in two's complement.
fn magnitude(low: u128, high: i128) -> (u128, u128) {
    if high >= 0 {
        return (low, high as u128);
    }
    let (low, carry) = (!low).overflowing_add(1);
    (low, (!high as u128).wrapping_add(u128::from(carry)))
}

/// The magnitude times 2 to the `distance`, if it stays below 2 to the 255.
fn moved_up(low: u128, high: u128, distance: u32) -> Option<(u128, i128)> {
    let free = if high == 0 { 128 + low.leading_zeros() } else { high.leading_zeros() };
    if distance >= free {
        return None;
    }
    match distance {
        0 => Some((low, high as i128)),
        1..128 => Some((low << distance, (high << distance | low >> (128 - distance)) as i128)),
        _ => Some((0, (low << (distance - 128)) as i128)),
    }
}

/// The magnitude divided by 2 to the `distance`, if nothing but zeros is lost.
fn moved_down(low: u128, high: u128, distance: u32) -> Option<(u128, i128)> {
    let zeros = if low == 0 { 128 + high.trailing_zeros() } else { low.trailing_zeros() };
    if distance > zeros || distance >= 256 {
        return None;
    }
    match distance {
        0 => Some((low, high as i128)),
        1..128 => Some((low >> distance | high << (128 - distance), (high >> distance) as i128)),
        _ => Some((high >> (distance - 128), 0)),
    }
}

fn total(window: Exact, wide: Option<&Wide>) -> Total {
    let Some(wide) = wide else { return Total::Finite(window) };
    if let Some(value) = wide.specials.total() {
        return Total::Special(value);
    }
    let (digits, exponent) = wide.value();
    let negated = Exact { digits: -digits, exponent };
    Total::Finite(window.minus(&negated))
}

fn write_rest(out: &mut Vec<u8>, base: i32, wide: Option<&Wide>) {
    out.extend(base.to_le_bytes());
    out.push(u8::from(wide.is_some()));
    if let Some(wide) = wide {
        wide.write(out);
    }
}

fn read_rest(bytes: &mut &[u8]) -> Option<(i32, Option<Box<Wide>>)> {
    let base = i32::from_le_bytes(wide::take(bytes)?);
    match wide::take(bytes)? {
        [0] => Some((base, None)),
        _ => Some((base, Some(Box::new(Wide::read(bytes)?)))),
    }
}
