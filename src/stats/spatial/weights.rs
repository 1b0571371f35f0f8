//! Weights between units: who is whose neighbour, and how much. Knows no model.
//!
//! wᵢⱼ = sᵢ bᵢⱼ with the base b of a rule (distance, neighbourhood, economic nearness) and the factors s of a
//! standardisation. The diagonal is 0, every unit has a neighbour, and the spectral radius is 1. Rows without symmetry,
//! as those of nearest neighbours, are allowed; a symmetric base is known to be one, since it makes W similar to the
//! symmetric s^½ b s^½.

use super::error::SpatialError;
use crate::solve::Matrix;
use crate::spatial::determinant;
use crate::twofold::{self, Twofold};
use std::collections::BTreeMap;
use std::f64::consts::PI;

/// Mean radius of the Earth in kilometres (IUGG), as in the distances of the study's queries.
const RADIUS: f64 = 6371.0088;

/// Neighbours of one unit, in the order of units, with their weights.
type Row = Vec<(usize, f64)>;

/// How near units are to each other.
#[derive(Clone, Copy, Debug)]
pub enum Proximity<'a> {
    /// d^-power in kilometres; 0 beyond the cutoff. Places are latitude and longitude in degrees, one per unit.
    InverseDistance { places: &'a [(f64, f64)], power: u32, cutoff: Option<f64> },
    /// 1 for the `count` nearest; of places equally far, those earlier in the list of units.
    Nearest { places: &'a [(f64, f64)], count: usize },
    /// 1 up to the cutoff in kilometres.
    Band { places: &'a [(f64, f64)], cutoff: f64 },
    /// 1 for pairs of positions in the list of units, in both directions; a pair may be given in both.
    Contiguity { pairs: &'a [(usize, usize)] },
    /// |zᵢ - zⱼ|⁻¹, one z per unit.
    Economic { values: &'a [f64] },
    /// Weights given one by one: of the first unit's row, for the second unit.
    Given { entries: &'a [(usize, usize, f64)] },
}

/// What makes weights comparable between units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standardisation {
    /// Each row sums to 1: a lag is the average of the neighbours.
    Row,
    /// All weights are divided by the spectral radius, so that distances keep their meaning between rows.
    Spectral,
}

/// Standardised weights.
#[derive(Clone, Debug)]
pub struct Weights {
    pub units: Vec<String>,
    pub standardisation: Standardisation,
    rows: Vec<Row>,
    base: Vec<Row>,
    factors: Vec<f64>,
    symmetric: bool,
}

impl Weights {
    /// `units` are their names, in the order of the places, values or positions of `proximity`.
    pub fn new(
        units: &[String],
        proximity: &Proximity,
        standardisation: Standardisation,
    ) -> Result<Weights, SpatialError> {
        if units.len() < 3 {
            return Err(SpatialError::FewUnits { count: units.len() });
        }
        let mut names: Vec<&String> = units.iter().collect();
        names.sort();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(SpatialError::SameUnit { unit: pair[0].clone() });
        }
        let base = base(units, proximity)?;
        let islands: Vec<usize> = (0..units.len()).filter(|unit| base[*unit].is_empty()).collect();
        if let Some(first) = islands.first() {
            return Err(SpatialError::Island { unit: units[*first].clone(), count: islands.len() });
        }
        let symmetric = is_symmetric(&base);
        let sums: Vec<f64> =
            base.iter().map(|row| twofold::sum(row.iter().map(|(_, weight)| *weight)).value()).collect();
        let factors: Vec<f64> = match standardisation {
            Standardisation::Row => sums.iter().map(|sum| 1.0 / sum).collect(),
            Standardisation::Spectral => {
                let radius = if sums.iter().all(|sum| *sum == sums[0]) {
                    // The vector of ones belongs to it (Perron & Frobenius).
                    sums[0]
                } else if symmetric {
                    let values = determinant::eigenvalues(dense(&base));
                    values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()))
                } else {
                    let reason = "weights that are not symmetric are standardised by row";
                    return Err(SpatialError::Option { option: "standardise", value: "spectral".into(), reason });
                };
                vec![1.0 / radius; units.len()]
            }
        };
        let scaled = |(row, factor): (&Row, &f64)| row.iter().map(|(unit, weight)| (*unit, weight * factor)).collect();
        let rows: Vec<Row> = base.iter().zip(&factors).map(scaled).collect();
        Ok(Weights { units: units.to_vec(), standardisation, rows, base, factors, symmetric })
    }

    pub fn n_units(&self) -> usize {
        self.units.len()
    }

    /// Neighbours of `unit` with their weights, in the order of units.
    pub fn neighbours(&self, unit: usize) -> &[(usize, f64)] {
        &self.rows[unit]
    }

    /// W x for one value per unit.
    pub fn lag(&self, values: &[f64]) -> Vec<f64> {
        let product = |row: &Row| {
            let terms = row.iter().map(|(unit, weight)| Twofold::from(*weight) * Twofold::from(values[*unit]));
            terms.fold(Twofold::default(), |sum, term| sum + term).value()
        };
        self.rows.iter().map(product).collect()
    }

    pub(crate) fn is_row_standardised(&self) -> bool {
        self.standardisation == Standardisation::Row
    }

    pub(crate) fn dense(&self) -> Matrix {
        dense(&self.rows)
    }

    /// The symmetric matrix with the same eigenvalues, where there is one.
    pub(crate) fn similar_symmetric(&self) -> Option<Matrix> {
        let roots: Vec<f64> = self.factors.iter().map(|factor| factor.sqrt()).collect();
        let scaled = |(unit, row): (usize, &Row)| {
            row.iter().map(|(other, weight)| (*other, weight * (roots[unit] * roots[*other]))).collect()
        };
        self.symmetric.then(|| dense(&self.base.iter().enumerate().map(scaled).collect::<Vec<Row>>()))
    }

    /// tr(W'W + WW).
    pub(crate) fn trace(&self) -> f64 {
        let dense = self.dense();
        let terms = self.rows.iter().enumerate().flat_map(|(unit, row)| {
            let dense = &dense;
            row.iter().map(move |(other, weight)| weight * (weight + dense[*other][unit]))
        });
        twofold::sum(terms).value()
    }
}

/// Kilometres along the great circle between two places in degrees, by the haversine.
pub fn great_circle(first: (f64, f64), second: (f64, f64)) -> f64 {
    let radians = |degrees: f64| degrees * (PI / 180.0);
    let half = |from: f64, to: f64| core_math::sin((radians(to) - radians(from)) / 2.0);
    let (up, across) = (half(first.0, second.0), half(first.1, second.1));
    let cosines = core_math::cos(radians(first.0)) * core_math::cos(radians(second.0));
    2.0 * RADIUS * core_math::asin((up * up + cosines * across * across).sqrt().min(1.0))
}

fn base(units: &[String], proximity: &Proximity) -> Result<Vec<Row>, SpatialError> {
    match proximity {
        Proximity::InverseDistance { places, power, cutoff } => {
            if *power == 0 {
                return Err(option("power", power, "distances are raised to 1, 2 or more"));
            }
            if let Some(cutoff) = cutoff {
                check_cutoff(*cutoff)?;
            }
            let distances = distances(units, places)?;
            check_distances(units, "place", &distances)?;
            Ok(symmetric(units.len(), |first, second| {
                let distance = distances[first][second];
                let is_near = cutoff.is_none_or(|cutoff| distance <= cutoff);
                if is_near { (0..*power).fold(1.0, |inverse, _| inverse / distance) } else { 0.0 }
            }))
        }
        Proximity::Band { places, cutoff } => {
            check_cutoff(*cutoff)?;
            let distances = distances(units, places)?;
            Ok(symmetric(units.len(), |first, second| f64::from(u8::from(distances[first][second] <= *cutoff))))
        }
        Proximity::Nearest { places, count } => {
            if *count == 0 || *count >= units.len() {
                return Err(option(
                    "nearest",
                    count,
                    "there are as many neighbours as other units at most, and one at least",
                ));
            }
            let distances = distances(units, places)?;
            let nearest = |(unit, distances): (usize, &Vec<f64>)| {
                let mut others: Vec<usize> = (0..units.len()).filter(|other| *other != unit).collect();
                others.sort_by(|left, right| distances[*left].total_cmp(&distances[*right]).then(left.cmp(right)));
                others.truncate(*count);
                others.sort_unstable();
                others.into_iter().map(|other| (other, 1.0)).collect()
            };
            Ok(distances.iter().enumerate().map(nearest).collect())
        }
        Proximity::Contiguity { pairs } => {
            let both = pairs.iter().flat_map(|(first, second)| [(*first, *second, 1.0), (*second, *first, 1.0)]);
            given(units, both)
        }
        Proximity::Given { entries } => given(units, entries.iter().copied()),
        Proximity::Economic { values } => {
            check_length("values", values.len(), units.len())?;
            if let Some(unit) = values.iter().position(|value| !value.is_finite()) {
                return Err(SpatialError::Value { what: "value", unit: units[unit].clone(), value: values[unit] });
            }
            let distances: Matrix =
                values.iter().map(|one| values.iter().map(|other| (one - other).abs()).collect()).collect();
            check_distances(units, "value", &distances)?;
            Ok(symmetric(units.len(), |first, second| 1.0 / distances[first][second]))
        }
    }
}

fn option(option: &'static str, value: impl ToString, reason: &'static str) -> SpatialError {
    SpatialError::Option { option, value: value.to_string(), reason }
}

fn check_cutoff(cutoff: f64) -> Result<(), SpatialError> {
    match cutoff.is_finite() && cutoff > 0.0 {
        true => Ok(()),
        false => Err(option("cutoff", cutoff, "it is a positive number of kilometres")),
    }
}

fn check_length(what: &'static str, found: usize, units: usize) -> Result<(), SpatialError> {
    if found == units { Ok(()) } else { Err(SpatialError::Length { what, found, units }) }
}

/// Kilometres between all pairs, equal to the last bit in both directions.
fn distances(units: &[String], places: &[(f64, f64)]) -> Result<Matrix, SpatialError> {
    check_length("places", places.len(), units.len())?;
    for (unit, (latitude, longitude)) in units.iter().zip(places) {
        for (what, value, range) in [("latitude", *latitude, -90.0..=90.0), ("longitude", *longitude, -180.0..=360.0)] {
            if !range.contains(&value) {
                return Err(SpatialError::Value { what, unit: unit.clone(), value });
            }
        }
    }
    let mut distances = vec![vec![0.0; units.len()]; units.len()];
    for first in 0..units.len() {
        for second in first + 1..units.len() {
            let distance = great_circle(places[first], places[second]);
            distances[first][second] = distance;
            distances[second][first] = distance;
        }
    }
    Ok(distances)
}

/// An inverse needs a distance that is not 0, nor so small that its inverse is infinite.
fn check_distances(units: &[String], what: &'static str, distances: &Matrix) -> Result<(), SpatialError> {
    let pairs = (0..units.len()).flat_map(|first| (first + 1..units.len()).map(move |second| (first, second)));
    let mut equal = pairs.filter(|(first, second)| distances[*first][*second] < 1e-100);
    match equal.next() {
        None => Ok(()),
        Some((first, second)) => {
            let (first, second) = (units[first].clone(), units[second].clone());
            Err(SpatialError::NoDistance { what, first, second, count: 1 + equal.count() })
        }
    }
}

/// Rows of the weights of all pairs that are not 0.
fn symmetric(size: usize, weight: impl Fn(usize, usize) -> f64) -> Vec<Row> {
    let row = |unit: usize| {
        let others = (0..size).filter(|other| *other != unit);
        others.map(|other| (other, weight(unit, other))).filter(|(_, weight)| *weight > 0.0).collect()
    };
    (0..size).map(row).collect()
}

/// An entry that is given again replaces the earlier one; a unit is no neighbour of itself.
fn given(units: &[String], entries: impl Iterator<Item = (usize, usize, f64)>) -> Result<Vec<Row>, SpatialError> {
    let mut rows: Vec<BTreeMap<usize, f64>> = vec![BTreeMap::new(); units.len()];
    for (first, second, value) in entries {
        if first.max(second) >= units.len() {
            return Err(SpatialError::Pair { first, second, units: units.len() });
        }
        if !value.is_finite() || value < 0.0 || (first == second && value > 0.0) {
            let (first, second) = (units[first].clone(), units[second].clone());
            return Err(SpatialError::Weight { first, second, value });
        }
        rows[first].insert(second, value);
    }
    Ok(rows.into_iter().map(|row| row.into_iter().filter(|(_, value)| *value > 0.0).collect()).collect())
}

fn is_symmetric(rows: &[Row]) -> bool {
    let back = |unit: usize, other: usize| {
        rows[other].binary_search_by_key(&unit, |(unit, _)| *unit).ok().map(|place| rows[other][place].1)
    };
    rows.iter().enumerate().all(|(unit, row)| row.iter().all(|(other, weight)| back(unit, *other) == Some(*weight)))
}

fn dense(rows: &[Row]) -> Matrix {
    let row = |row: &Row| {
        let mut entries = vec![0.0; rows.len()];
        row.iter().for_each(|(unit, weight)| entries[*unit] = *weight);
        entries
    };
    rows.iter().map(row).collect()
}
