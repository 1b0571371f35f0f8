//! Restrictions on the violations δ of parallel trends, as unions of polyhedra Aδ ≤ d (Rambachan & Roth 2023, §2.4).
//!
//! δ has one entry per event time, without the reference time, where it is 0.

use super::{Kind, Restriction, Shape};
use crate::solve::Matrix;

/// {δ : Aδ ≤ d}.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Polyhedron {
    pub(super) rows: Matrix,
    pub(super) bounds: Vec<f64>,
}

/// The polyhedra whose union is the restriction, for `before` and `after` effects around the reference.
pub(super) fn polyhedra(restriction: Restriction, bound: f64, before: usize, after: usize) -> Vec<Polyhedron> {
    let times = before + after + 1;
    let step = |time: usize| contrast(times, &[(time, -1.0), (time + 1, 1.0)]);
    let bend = |time: usize| contrast(times, &[(time - 1, 1.0), (time, -2.0), (time + 1, 1.0)]);
    let mut union = match restriction.kind {
        Kind::Smoothness => {
            let rows = (1..times - 1).flat_map(|time| [bend(time), negative(&bend(time))]).collect::<Matrix>();
            vec![Polyhedron { bounds: vec![bound; rows.len()], rows }]
        }
        Kind::RelativeMagnitudes => {
            let steps: Matrix = (0..times - 1).map(step).collect();
            relative(&steps, before, bound)
        }
        Kind::RelativeSmoothness => {
            let bends: Matrix = (1..times - 1).map(bend).collect();
            relative(&bends, before - 1, bound)
        }
    };
    let shape: Matrix = match restriction.shape {
        None => Vec::new(),
        Some(Shape::Positive) => (before + 1..times).map(|time| contrast(times, &[(time, -1.0)])).collect(),
        Some(Shape::Negative) => (before + 1..times).map(|time| contrast(times, &[(time, 1.0)])).collect(),
        Some(Shape::Increasing) => (0..times - 1).map(|time| negative(&step(time))).collect(),
        Some(Shape::Decreasing) => (0..times - 1).map(step).collect(),
    };
    for polyhedron in &mut union {
        polyhedron.rows.extend(shape.iter().cloned());
        polyhedron.bounds.resize(polyhedron.rows.len(), 0.0);
        for row in &mut polyhedron.rows {
            row.remove(before);
        }
    }
    union
}

/// One polyhedron for each of the first `before` contrasts and each sign: this one is the largest of them, and the later
/// contrasts are at most `bound` times as large.
fn relative(contrasts: &Matrix, before: usize, bound: f64) -> Vec<Polyhedron> {
    let mut union = Vec::new();
    for largest in &contrasts[..before] {
        for largest in [largest.clone(), negative(largest)] {
            let mut rows = Matrix::new();
            for (index, contrast) in contrasts.iter().enumerate() {
                let factor = if index < before { 1.0 } else { bound };
                let less = |row: &[f64]| -> Vec<f64> {
                    row.iter().zip(&largest).map(|(entry, largest)| entry - factor * largest).collect()
                };
                let pair = [less(contrast), less(&negative(contrast))];
                // The largest is not larger than itself: a row of zeros.
                rows.extend(pair.into_iter().filter(|row| row.iter().any(|entry| *entry != 0.0)));
            }
            union.push(Polyhedron { bounds: vec![0.0; rows.len()], rows });
        }
    }
    union
}

fn contrast(times: usize, entries: &[(usize, f64)]) -> Vec<f64> {
    let mut row = vec![0.0; times];
    entries.iter().for_each(|(time, entry)| row[*time] = *entry);
    row
}

fn negative(row: &[f64]) -> Vec<f64> {
    row.iter().map(|entry| 0.0 - entry).collect()
}
