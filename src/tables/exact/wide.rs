//! A whole number of any size times a power of two, added to in place, and counts of terms that are no numbers.

use num_bigint::BigInt;

/// Bits of a limb.
const LIMB: i32 = 64;

/// The value is `limbs`, the lowest first, in two's complement, times 2 to the `64 * first`.
#[derive(Clone, Debug, Default)]
pub struct Wide {
    first: i32,
    /// Empty, or the highest limb repeats the sign and nothing else after `prepare`.
    limbs: Vec<u64>,
    pub specials: Specials,
}

/// How many terms were not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Specials {
    pub nan: u64,
    pub positive: u64,
    pub negative: u64,
}

impl Specials {
    pub fn add(&mut self, value: f64) {
        *self.count(value) = self.count(value).wrapping_add(1);
    }

    pub fn subtract(&mut self, value: f64) {
        *self.count(value) = self.count(value).wrapping_sub(1);
    }

    fn count(&mut self, value: f64) -> &mut u64 {
        match value {
            value if value.is_nan() => &mut self.nan,
            value if value > 0.0 => &mut self.positive,
            _ => &mut self.negative,
        }
    }

    fn merge(&mut self, other: Specials) {
        self.nan += other.nan;
        self.positive += other.positive;
        self.negative += other.negative;
    }

    /// As IEEE 754 adds them: infinities of both signs are NaN.
    pub fn total(self) -> Option<f64> {
        match (self.nan, self.positive, self.negative) {
            (0, 0, 0) => None,
            (0, _, 0) => Some(f64::INFINITY),
            (0, 0, _) => Some(f64::NEG_INFINITY),
            _ => Some(f64::NAN),
        }
    }
}

impl Wide {
    /// Adds `magnitude` times 2 to the `exponent`, or takes it away.
    pub fn add(&mut self, magnitude: u128, exponent: i32, negative: bool) {
        if magnitude == 0 {
            return;
        }
        let limb = exponent.div_euclid(LIMB);
        let shift = exponent.rem_euclid(LIMB) as u32;
        let (low, high) = (magnitude as u64, (magnitude >> 64) as u64);
        let over = |limb: u64| if shift == 0 { 0 } else { limb >> (64 - shift) };
        self.add_limbs(limb, [low << shift, (high << shift) | over(low), over(high)], negative);
    }

    pub fn merge(&mut self, other: &Wide) {
        self.specials.merge(other.specials);
        let Some(&top) = other.limbs.last() else { return };
        let negative = top >> 63 == 1;
        // The magnitude of a negative number is the complement plus one.
        let mut carry = negative;
        for (index, &limb) in other.limbs.iter().enumerate() {
            let limb = if negative { !limb } else { limb };
            let (limb, over) = limb.overflowing_add(u64::from(carry));
            carry = over;
            if limb != 0 {
                self.add_limbs(other.first + index as i32, [limb, 0, 0], negative);
            }
        }
    }

    /// The whole number, to be multiplied with 2 to the `exponent` that comes with it.
    pub fn value(&self) -> (BigInt, i32) {
        let mut bytes = Vec::with_capacity(8 * self.limbs.len());
        for limb in &self.limbs {
            bytes.extend(limb.to_le_bytes());
        }
        (BigInt::from_signed_bytes_le(&bytes), LIMB * self.first)
    }

    /// Bytes on the heap.
    pub fn size(&self) -> usize {
        size_of::<Wide>() + 8 * self.limbs.capacity()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let Wide { first, limbs, specials: Specials { nan, positive, negative } } = self;
        out.extend(first.to_le_bytes());
        out.extend((limbs.len() as u32).to_le_bytes());
        for number in limbs.iter().chain([nan, positive, negative]) {
            out.extend(number.to_le_bytes());
        }
    }

    /// `None` where the bytes end too early.
    pub fn read(bytes: &mut &[u8]) -> Option<Wide> {
        let first = i32::from_le_bytes(take(bytes)?);
        let length = u32::from_le_bytes(take(bytes)?);
        let mut number = || take(bytes).map(u64::from_le_bytes);
        let limbs = (0..length).map(|_| number()).collect::<Option<Vec<u64>>>()?;
        let specials = Specials { nan: number()?, positive: number()?, negative: number()? };
        Some(Wide { first, limbs, specials })
    }

    fn add_limbs(&mut self, at: i32, limbs: [u64; 3], negative: bool) {
        self.prepare(at, at + limbs.len() as i32);
        let start = (at - self.first) as usize;
        let mut carry = false;
        for (index, held) in self.limbs[start..].iter_mut().enumerate() {
            let limb = limbs.get(index).copied().unwrap_or(0);
            if index >= limbs.len() && !carry {
                break;
            }
            let (sum, over) = if negative { held.overflowing_sub(limb) } else { held.overflowing_add(limb) };
            let (sum, again) = match negative {
                true => sum.overflowing_sub(u64::from(carry)),
                false => sum.overflowing_add(u64::from(carry)),
            };
            *held = sum;
            carry = over || again;
        }
    }

    /// Makes room for limbs from `from` to before `to`, and above them for a limb that holds nothing but the sign: one
    /// addition cannot overflow it.
    fn prepare(&mut self, from: i32, to: i32) {
        if self.limbs.is_empty() {
            self.first = from;
        }
        if from < self.first {
            self.limbs.splice(0..0, std::iter::repeat_n(0, (self.first - from) as usize));
            self.first = from;
        }
        loop {
            let top = self.limbs.last().copied().unwrap_or(0);
            let sign = if top >> 63 == 1 { u64::MAX } else { 0 };
            if self.first + self.limbs.len() as i32 > to && top == sign {
                break;
            }
            self.limbs.push(sign);
        }
    }
}

/// The next bytes of a state.
pub fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = bytes.split_first_chunk::<N>()?;
    *bytes = tail;
    Some(*head)
}
