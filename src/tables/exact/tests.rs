//! Sums against whole numbers of any size, with their own way to tell the nearest float.

use super::*;
use num_bigint::BigInt;
use std::cmp::Ordering;

/// Numbers that look random and are the same each time (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A finite float; `spread` is the range of exponents around 1.
    fn float(&mut self, spread: u64) -> f64 {
        let exponent = (1023 - spread / 2 + self.below(spread.max(1))).min(2046);
        f64::from_bits(self.below(2) << 63 | exponent << 52 | self.next() >> 12)
    }
}

/// The float times 2 to the 2148, which makes a whole number of any float and of any product of two.
fn whole(value: f64) -> BigInt {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as u32;
    let digits = bits & ((1 << 52) - 1) | if exponent == 0 { 0 } else { 1 << 52 };
    let magnitude = BigInt::from(digits) << (exponent.max(1) - 1 + 1074);
    if bits >> 63 == 1 { -magnitude } else { magnitude }
}

/// Whether `found` is the float nearest to `numerator / denominator` times 2 to the −2148.
fn is_nearest(found: f64, numerator: &BigInt, denominator: &BigInt) -> bool {
    if found.is_infinite() {
        // Half a unit above the largest float and beyond.
        let limit = whole(f64::MAX) + (BigInt::from(1) << (970 + 2148u32));
        return numerator.magnitude() >= (limit * denominator).magnitude();
    }
    let distance = |float: f64| (whole(float) * denominator - numerator).magnitude().clone();
    let mine = distance(found);
    [found.next_up(), found.next_down()].into_iter().filter(|other| other.is_finite()).all(|other| {
        match mine.cmp(&distance(other)) {
            Ordering::Less => true,
            Ordering::Equal => found.to_bits() & 1 == 0,
            Ordering::Greater => false,
        }
    })
}

fn sum_of(values: &[f64]) -> Sum {
    let mut sum = Sum::default();
    values.iter().for_each(|value| sum.add(*value));
    sum
}

fn float(total: Total) -> f64 {
    match total {
        Total::Finite(exact) => exact.to_float(),
        Total::Special(value) => value,
    }
}

#[test]
fn known_sums() {
    let tiny = f64::from_bits(1);
    for (values, expected) in [
        (vec![], 0.0),
        (vec![0.1; 10], 1.0),
        (vec![1e308, 1.0, -1e308], 1.0),
        (vec![1e308, 1e308, -1e308], 1e308),
        (vec![1e308, 1e308], f64::INFINITY),
        (vec![1e16, 1.0, 1.0], 1e16 + 2.0),
        (vec![1.0, 1e100, 1.0, -1e100], 2.0),
        (vec![tiny, tiny, -1.0, 1.0], 2.0 * tiny),
        (vec![f64::MIN_POSITIVE, -tiny], f64::MIN_POSITIVE - tiny),
        (vec![f64::MAX, tiny, -f64::MAX], tiny),
        (vec![-0.0], 0.0),
        (vec![f64::INFINITY, 1.0], f64::INFINITY),
        (vec![f64::NEG_INFINITY, 1e308, 1e308], f64::NEG_INFINITY),
    ] {
        assert_eq!(float(sum_of(&values).total()).to_bits(), f64::to_bits(expected), "{values:?}");
        assert_eq!(sum_of(&values).divided(1).to_bits(), f64::to_bits(expected), "{values:?}");
    }
    assert!(sum_of(&[f64::INFINITY, f64::NEG_INFINITY]).divided(1).is_nan());
    assert!(sum_of(&[f64::NAN, 1.0]).divided(1).is_nan());
}

#[test]
fn sums_are_the_nearest_floats_in_any_order_and_grouping() {
    let mut numbers = Numbers(20_070_101);
    for spread in [1, 8, 60, 130, 400, 2040] {
        for case in 0..150 {
            let mut values: Vec<f64> = (0..1 + numbers.below(40)).map(|_| numbers.float(spread)).collect();
            if case % 3 == 0 {
                // Most of it cancels.
                let all = values.clone();
                values.extend(all.iter().skip(1).map(|value| -value));
            }
            let exact: BigInt = values.iter().map(|value| whole(*value)).sum();
            let found = sum_of(&values).divided(1);
            assert!(is_nearest(found, &exact, &BigInt::from(1)), "{values:?}: {found:e}");
            let mean = sum_of(&values).divided(values.len() as u64);
            assert!(is_nearest(mean, &exact, &BigInt::from(values.len())), "{values:?}: {mean:e}");

            let mut shuffled = values.clone();
            for index in (1..shuffled.len()).rev() {
                shuffled.swap(index, numbers.below(index as u64 + 1) as usize);
            }
            let mut parts = vec![Sum::default(); 1 + numbers.below(7) as usize];
            for value in &shuffled {
                let part = numbers.below(parts.len() as u64) as usize;
                parts[part].add(*value);
            }
            let mut merged = Sum::default();
            for part in &parts {
                let mut bytes = Vec::new();
                part.write(&mut bytes);
                let mut rest = bytes.as_slice();
                merged.merge(&Sum::read(&mut rest).expect("its own bytes"));
                assert!(rest.is_empty());
                assert!(Sum::read(&mut &bytes[..bytes.len() - 1]).is_none());
            }
            assert_eq!(merged.divided(1).to_bits(), found.to_bits(), "{values:?}");
            // Terms that are taken out leave nothing behind.
            for value in &shuffled[1..] {
                merged.subtract(*value);
            }
            assert_eq!(merged.divided(1), shuffled[0]);
        }
    }
}

#[test]
fn products_are_the_nearest_floats_in_any_order_and_grouping() {
    let mut numbers = Numbers(20_201_231);
    for spread in [1, 30, 100, 300, 2040] {
        for _ in 0..150 {
            let pairs: Vec<(f64, f64)> =
                (0..1 + numbers.below(30)).map(|_| (numbers.float(spread), numbers.float(spread))).collect();
            let mut sum = Products::default();
            let mut parts = vec![Products::default(); 1 + numbers.below(5) as usize];
            for (x, y) in &pairs {
                sum.add(*x, *y);
                let part = numbers.below(parts.len() as u64) as usize;
                parts[part].add(*x, *y);
            }
            let found = float(sum.total());
            // Twice the exponent: both factors carry 2 to the 2148.
            let exact: BigInt = pairs.iter().map(|(x, y)| whole(*x) * whole(*y)).sum();
            assert!(is_nearest(found, &exact, &(BigInt::from(1) << 2148u32)), "{pairs:?}: {found:e}");
            let mut merged = Products::default();
            for part in &parts {
                let mut bytes = Vec::new();
                part.write(&mut bytes);
                merged.merge(&Products::read(&mut bytes.as_slice()).expect("its own bytes"));
            }
            assert_eq!(float(merged.total()).to_bits(), found.to_bits(), "{pairs:?}");
            for (x, y) in &pairs[1..] {
                merged.subtract(*x, *y);
            }
            let mut one = Products::default();
            one.add(pairs[0].0, pairs[0].1);
            assert_eq!(float(merged.total()).to_bits(), float(one.total()).to_bits());
        }
    }
}

#[test]
fn quotients_and_roots_are_the_nearest_floats() {
    let mut numbers = Numbers(42);
    for case in 0..4000 {
        let bits = 1 + numbers.below(200);
        let mut digits = || -> BigInt {
            let limbs: Vec<u32> = (0..bits.div_ceil(32)).map(|_| numbers.next() as u32).collect();
            BigInt::from_slice(num_bigint::Sign::Plus, &limbs) + 1u32
        };
        let (above, below) = (digits(), digits());
        let exponent = match case % 4 {
            0 => 0,
            1 => -1070 + numbers.below(80) as i32,
            2 => 900 + numbers.below(130) as i32,
            _ => numbers.below(200) as i32 - 100,
        };
        let numerator = Exact { digits: above.clone(), exponent };
        let denominator = Exact { digits: below.clone(), exponent: 0 };
        let found = ratio(&numerator, &denominator).expect("not zero");
        assert!(is_nearest(found, &(&above << (2148 + exponent) as u32), &below), "{above}/{below} {exponent}");
        let root = root(&numerator, &denominator).expect("not zero");
        // Compared as squares: the root lies between the midpoints to its neighbours.
        let middle = |other: f64| whole(root) + whole(other);
        let exact = &above << (2 * 2149 + exponent) as u32;
        let square = |middle: BigInt| &middle * &middle * &below;
        assert!(square(middle(root.next_up())) >= exact, "{above}/{below} {exponent}");
        assert!(square(middle(root.next_down())) <= exact, "{above}/{below} {exponent}");
    }
    let zero = Exact { digits: BigInt::from(0), exponent: 5 };
    let one = Exact { digits: BigInt::from(-1), exponent: 0 };
    assert_eq!(ratio(&one, &zero), None);
    assert_eq!(root(&zero, &zero), None);
    assert_eq!(root(&zero, &one), Some(0.0));
    assert_eq!(ratio(&one, &Exact { digits: BigInt::from(3), exponent: 0 }), Some(-1.0 / 3.0));
}

#[test]
fn a_state_is_small_unless_its_terms_are_of_very_different_size() {
    assert!(size_of::<Sum>() <= 48 && size_of::<Products>() <= 64);
    let alike: Vec<f64> = (0..100_000).map(|index| 0.1 + f64::from(index)).collect();
    assert_eq!(sum_of(&alike).size(), 0);
    let unlike = sum_of(&[1e-300, 1e300, 5e-324, -1e300]);
    assert!((1..700).contains(&unlike.size()), "{}", unlike.size());
    assert_eq!(unlike.divided(1), 1e-300);
}
