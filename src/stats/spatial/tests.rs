//! Against other programs (`tests/reference/spatial.py`), definitions and cases that can be done by hand.

mod moran;
mod programs;
mod properties;
mod weights;

use crate::random::Random;
use crate::spatial::error::SpatialError;
use crate::spatial::weights::{Proximity, Standardisation, Weights};

fn names(count: usize) -> Vec<String> {
    (0..count).map(|unit| format!("u{unit:03}")).collect()
}

/// Places in a square of ten degrees, a seeded draw.
fn places(count: usize) -> Vec<(f64, f64)> {
    let random = Random::new(5, 1);
    (0..count as u64)
        .map(|unit| (30.0 + 10.0 * random.uniform(0, unit), 110.0 + 10.0 * random.uniform(1, unit)))
        .collect()
}

fn weights(count: usize, proximity: &Proximity, standardisation: Standardisation) -> Result<Weights, SpatialError> {
    Weights::new(&names(count), proximity, standardisation)
}

/// A line of units, each the neighbour of the next.
fn line(count: usize) -> Weights {
    let pairs: Vec<(usize, usize)> = (1..count).map(|unit| (unit - 1, unit)).collect();
    weights(count, &Proximity::Contiguity { pairs: &pairs }, Standardisation::Row).expect("a line")
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let difference = (found - expected).abs();
    assert!(difference <= tolerance * expected.abs().max(1.0), "{found} is not {expected} ({difference:e})");
}
