//! Correlation over space (Conley 1999). Knows scores and places.
//!
//! M = Σᵢⱼ K(dᵢⱼ) sᵢ sⱼ' over all pairs of rows whose places are at most the cutoff apart, along the great circle of a
//! sphere with the mean radius of the Earth. Rows of one place share all their distances, so that their scores are added
//! up first: the work grows with the square of the places, not of the rows.

use super::{add, cluster_sums, serial};
use crate::design::{Group, Kernel, Places};
use crate::solve::Matrix;
use crate::twofold::{self, Twofold};

/// Mean radius of the Earth in kilometres (IUGG), as most programs round it.
const RADIUS: f64 = 6371.0;

pub(super) fn conley(scores: &[Vec<f64>], places: &Places) -> Matrix {
    let near = neighbours(places);
    let Some(series) = &places.series else {
        return between(&cluster_sums(scores, &places.group), &near);
    };
    // Within each period; then within each unit over time.
    let mut meat = serial::lags_only(scores, series);
    for rows in serial::rows_of(&series.periods) {
        let codes = rows.iter().map(|row| places.group.codes[*row]).collect();
        let group = Group { name: String::new(), codes, levels: places.group.levels };
        let of_period: Vec<Vec<f64>> =
            scores.iter().map(|scores| rows.iter().map(|row| scores[*row]).collect()).collect();
        add(&mut meat, &between(&cluster_sums(&of_period, &group), &near), 1.0);
    }
    meat
}

/// Places within the cutoff of each place, itself among them, and how much they count.
fn neighbours(places: &Places) -> Vec<Vec<(usize, f64)>> {
    let radians = |degrees: f64| degrees * (std::f64::consts::PI / 180.0);
    let points: Vec<(f64, f64, f64)> = places
        .degrees
        .iter()
        .map(|(latitude, longitude)| (radians(*latitude), radians(*longitude), core_math::cos(radians(*latitude))))
        .collect();
    // Places are in the order of their latitudes, and no two are nearer than their latitudes are.
    let reach = places.cutoff / RADIUS * (1.0 + 1e-12);
    let mut near: Vec<Vec<(usize, f64)>> = (0..points.len()).map(|place| vec![(place, 1.0)]).collect();
    for (first, (latitude, longitude, cosine)) in points.iter().enumerate() {
        for (second, (other_latitude, other_longitude, other_cosine)) in points.iter().enumerate().skip(first + 1) {
            if other_latitude - latitude > reach {
                break;
            }
            let (up, across) = ((other_latitude - latitude) / 2.0, (other_longitude - longitude) / 2.0);
            let (up, across) = (core_math::sin(up), core_math::sin(across));
            let chord = (up * up + cosine * other_cosine * across * across).sqrt().min(1.0);
            let distance = 2.0 * RADIUS * core_math::asin(chord);
            if distance <= places.cutoff {
                let weight = match places.kernel {
                    Kernel::Uniform => 1.0,
                    Kernel::Bartlett => 1.0 - distance / places.cutoff,
                };
                near[first].push((second, weight));
                near[second].push((first, weight));
            }
        }
    }
    near
}

/// Σₐ Sₐ (Σ_b K(a, b) S_b)'.
fn between(sums: &[Vec<f64>], near: &[Vec<(usize, f64)>]) -> Matrix {
    let around: Vec<Vec<f64>> = sums
        .iter()
        .map(|sums| {
            let around = |near: &Vec<(usize, f64)>| {
                near.iter().fold(Twofold::default(), |sum, (place, weight)| sum.plus(weight * sums[*place])).value()
            };
            near.iter().map(around).collect()
        })
        .collect();
    let product = |left: usize, right: usize| twofold::dot(&sums[left], &around[right]).value();
    let size = sums.len();
    // The exact sums are symmetric; this mean is, to the last bit.
    let mean = |row: usize, column: usize| {
        0.5 * (product(row.max(column), row.min(column)) + product(row.min(column), row.max(column)))
    };
    (0..size).map(|row| (0..size).map(|column| mean(row, column)).collect()).collect()
}
