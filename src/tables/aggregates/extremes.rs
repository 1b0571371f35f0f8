//! The smallest and the largest of floats. A NaN among them makes the result NaN: it is an accident that must be seen, and
//! where in the order it stands must not decide whether it is.

use super::family::{self, Family, State};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::common::Result;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The extremes of a group, both, and whether there was a NaN.
#[derive(Clone, Debug, Default)]
pub struct Extremes(Option<(f64, f64)>);

/// All values in the frame of a window, with how often each is in it.
#[derive(Clone, Debug, Default)]
pub struct Frame(BTreeMap<u64, u64>);

pub fn min() -> Arc<dyn Family> {
    family::with_sliding(least, least_of_frame)
}

pub fn max() -> Arc<dyn Family> {
    family::with_sliding(most, most_of_frame)
}

fn least(extremes: &Extremes) -> Result<Option<f64>> {
    Ok(extremes.0.map(|(least, _)| least))
}

fn most(extremes: &Extremes) -> Result<Option<f64>> {
    Ok(extremes.0.map(|(_, most)| most))
}

fn least_of_frame(frame: &Frame) -> Result<Option<f64>> {
    Ok(frame.end(|values| values.first_key_value()))
}

fn most_of_frame(frame: &Frame) -> Result<Option<f64>> {
    Ok(frame.end(|values| values.last_key_value()))
}

impl Frame {
    fn end(&self, end: impl Fn(&BTreeMap<u64, u64>) -> Option<(&u64, &u64)>) -> Option<f64> {
        if self.0.contains_key(&ordered(f64::NAN)) {
            return Some(f64::NAN);
        }
        end(&self.0).map(|(key, _)| value(*key))
    }
}

impl State<1> for Extremes {
    type Term = Float64Type;

    #[inline]
    fn add(&mut self, [value]: [f64; 1]) {
        let (least, most) = self.0.unwrap_or((value, value));
        // NaN wins each comparison that it is part of.
        let least = if value < least || value.is_nan() { value } else { least };
        let most = if value > most || value.is_nan() { value } else { most };
        self.0 = Some((least, most));
    }

    fn subtract(&mut self, _row: [f64; 1]) {
        unreachable!("windows that move have a state of their own");
    }

    fn merge(&mut self, other: &Extremes) {
        if let Some((least, most)) = other.0 {
            self.add([least]);
            self.add([most]);
        }
    }

    fn size(&self) -> usize {
        0
    }

    fn write(&self, out: &mut Vec<u8>) {
        if let Some((least, most)) = self.0 {
            out.extend(least.to_le_bytes());
            out.extend(most.to_le_bytes());
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Extremes> {
        let Some((least, rest)) = bytes.split_first_chunk() else { return Some(Extremes(None)) };
        let (most, rest) = rest.split_first_chunk()?;
        *bytes = rest;
        Some(Extremes(Some((f64::from_le_bytes(*least), f64::from_le_bytes(*most)))))
    }
}

impl State<1> for Frame {
    type Term = Float64Type;

    fn add(&mut self, [value]: [f64; 1]) {
        *self.0.entry(ordered(value)).or_default() += 1;
    }

    fn subtract(&mut self, [value]: [f64; 1]) {
        if let Some(count) = self.0.get_mut(&ordered(value)) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&ordered(value));
            }
        }
    }

    fn merge(&mut self, other: &Frame) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    fn size(&self) -> usize {
        2 * self.0.len() * size_of::<(u64, u64)>()
    }

    fn write(&self, out: &mut Vec<u8>) {
        for number in self.0.iter().flat_map(|(key, count)| [key, count]) {
            out.extend(number.to_le_bytes());
        }
    }

    fn read(bytes: &mut &[u8]) -> Option<Frame> {
        let (pairs, rest) = bytes.as_chunks::<16>();
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).ok();
        let pairs = pairs.iter().map(|pair| Some((number(&pair[..8])?, number(&pair[8..])?))).collect::<Option<_>>()?;
        *bytes = rest;
        Some(Frame(pairs))
    }
}

/// Whole numbers in the order of the floats; all NaN are one, above everything.
fn ordered(value: f64) -> u64 {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn value(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}
