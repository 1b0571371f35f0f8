//! Rows of a balanced panel in the order of the weights, freed of effects. Knows no likelihood.

use super::error::SpatialError;
use super::weights::Weights;
use crate::twofold;
use std::collections::BTreeMap;

/// Rows of a panel, in any order. A cross-section has one period.
#[derive(Clone, Copy, Debug)]
pub struct Observations<'a> {
    pub outcome_name: &'a str,
    /// One per row, as everything here.
    pub outcome: &'a [f64],
    /// Terms with their values.
    pub regressors: &'a [(String, Vec<f64>)],
    /// Names as in the weights.
    pub units: &'a [String],
    pub periods: &'a [f64],
}

/// What is taken out of the outcome and of the regressors. Without effects there is an intercept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effects {
    None,
    Unit,
    Period,
    TwoWay,
}

impl Effects {
    pub(crate) fn of_units(self) -> bool {
        matches!(self, Effects::Unit | Effects::TwoWay)
    }

    pub(crate) fn of_periods(self) -> bool {
        matches!(self, Effects::Period | Effects::TwoWay)
    }
}

/// Where the rows of a balanced panel are: all units of the first period in the order of the weights, then of the next.
pub(crate) struct Panel<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) n_periods: usize,
    /// The row of the data at each position.
    rows: Vec<usize>,
}

/// The lag W x of `values` among the rows of each period, in the order of the rows: neighbours' regressors, or the share of
/// them that is treated. Every unit of the weights needs a row in each period.
pub fn lag(weights: &Weights, units: &[String], periods: &[f64], values: &[f64]) -> Result<Vec<f64>, SpatialError> {
    let panel = Panel::new(weights, units, periods)?;
    let lagged = panel.lag(&panel.column("x", values)?);
    Ok(panel.in_rows(&lagged))
}

impl<'a> Panel<'a> {
    pub(crate) fn new(weights: &'a Weights, units: &[String], periods: &[f64]) -> Result<Panel<'a>, SpatialError> {
        check_length("unit", units.len(), periods.len())?;
        check_finite("period", periods)?;
        let positions: BTreeMap<&String, usize> =
            weights.units.iter().enumerate().map(|(position, unit)| (unit, position)).collect();
        let mut times = periods.to_vec();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let n_units = weights.n_units();
        let mut places: Vec<Option<usize>> = vec![None; n_units * times.len()];
        for (row, (unit, period)) in units.iter().zip(periods).enumerate() {
            let Some(position) = positions.get(unit) else {
                return Err(SpatialError::NoWeights { unit: unit.clone() });
            };
            let time = times.partition_point(|time| time < period);
            if places[time * n_units + position].replace(row).is_some() {
                return Err(SpatialError::Duplicate { unit: unit.clone(), period: *period });
            }
        }
        let count = places.iter().filter(|place| place.is_none()).count();
        match places.iter().position(|place| place.is_none()) {
            Some(first) => {
                let (unit, period) = (weights.units[first % n_units].clone(), times[first / n_units]);
                Err(SpatialError::Unbalanced { unit, period, count })
            }
            None if places.is_empty() => Err(SpatialError::NoFreedom { observations: 0, parameters: 1 }),
            None => Ok(Panel { weights, n_periods: times.len(), rows: places.into_iter().flatten().collect() }),
        }
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.rows.len()
    }

    /// A column of the data in the order of the panel.
    pub(crate) fn column(&self, name: &str, values: &[f64]) -> Result<Vec<f64>, SpatialError> {
        check_length(name, values.len(), self.rows.len())?;
        check_finite(name, values)?;
        Ok(self.rows.iter().map(|row| values[*row]).collect())
    }

    /// Values of the panel in the order of the data.
    pub(crate) fn in_rows(&self, values: &[f64]) -> Vec<f64> {
        let mut ordered = vec![0.0; values.len()];
        self.rows.iter().zip(values).for_each(|(row, value)| ordered[*row] = *value);
        ordered
    }

    /// Neighbours' values in each period.
    pub(crate) fn lag(&self, values: &[f64]) -> Vec<f64> {
        values.chunks(self.weights.n_units()).flat_map(|period| self.weights.lag(period)).collect()
    }

    /// Values less the means of units, periods or both.
    pub(crate) fn within(&self, values: &[f64], effects: Effects) -> Vec<f64> {
        let n_units = self.weights.n_units();
        let mut values = values.to_vec();
        if effects.of_units() {
            for unit in 0..n_units {
                let of_unit: Vec<f64> = values.iter().skip(unit).step_by(n_units).copied().collect();
                let mean = twofold::mean(&of_unit);
                values.iter_mut().skip(unit).step_by(n_units).for_each(|value| *value -= mean);
            }
        }
        if effects.of_periods() {
            for period in values.chunks_mut(n_units) {
                let mean = twofold::mean(period);
                period.iter_mut().for_each(|value| *value -= mean);
            }
        }
        values
    }
}

fn check_length(column: &str, found: usize, rows: usize) -> Result<(), SpatialError> {
    if found == rows { Ok(()) } else { Err(SpatialError::ColumnLength { column: column.to_string(), found, rows }) }
}

fn check_finite(column: &str, values: &[f64]) -> Result<(), SpatialError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(row) => Err(SpatialError::NotFinite { column: column.to_string(), value: values[row], row }),
    }
}
