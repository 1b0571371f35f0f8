//! Columns freed of effects of units and periods where rows are missing or weighted: exactly, with the work of few passes
//! over the rows. Knows rows by unit and period, no model.
//!
//! The coefficient of a unit is the mean of its rows less that of their periods' coefficients. What is left is one equation
//! per period, S b = r with S = Σ w t t' - Σ over units (Σ w t)(Σ w t)'/Σ w and t the dummies of periods. S does not depend on
//! the column and is inverted once, in twice the precision; r is one pass over the rows.

use crate::design::Group;
use crate::staggered::regression::Factor;
use crate::twofold::Twofold;

/// More periods than this are left to iterations.
pub(super) const PERIODS: usize = 128;

/// What the effects may still explain of a column, as a share of its length: rounding, and the condition of S.
const TOLERANCE: f64 = 1e-12;

pub(super) struct TwoWay<'a> {
    units: &'a Group,
    times: &'a Group,
    weights: Option<&'a [f64]>,
    /// The total weight of each.
    of_units: Vec<f64>,
    of_times: Vec<f64>,
    /// S⁻¹, periods by periods, where a period that is spanned by others has zeros.
    inverse: Vec<f64>,
}

impl<'a> TwoWay<'a> {
    pub(super) fn new(units: &'a Group, times: &'a Group, weights: Option<&'a [f64]>) -> TwoWay<'a> {
        let periods = times.levels;
        let mut cells = vec![0.0; units.levels * periods];
        for row in 0..units.codes.len() {
            let weight = weights.map_or(1.0, |weights| weights[row]);
            cells[units.codes[row] as usize * periods + times.codes[row] as usize] += weight;
        }
        let mut of_times = vec![Twofold::default(); periods];
        let mut system: Vec<Vec<Twofold>> = (1..=periods).map(|width| vec![Twofold::default(); width]).collect();
        let mut of_units = Vec::with_capacity(units.levels);
        for cells in cells.chunks_exact(periods) {
            let mass = cells.iter().fold(Twofold::default(), |mass, cell| mass.plus(*cell));
            of_units.push(mass.value());
            for (period, cell) in cells.iter().enumerate().filter(|(_, cell)| **cell != 0.0) {
                of_times[period] = of_times[period].plus(*cell);
                let share = Twofold::from(*cell) / mass;
                for (entry, other) in system[period].iter_mut().zip(cells).filter(|(_, other)| **other != 0.0) {
                    *entry = *entry - share * Twofold::from(*other);
                }
            }
        }
        for (period, row) in system.iter_mut().enumerate() {
            row[period] = row[period] + of_times[period];
        }
        let factor = Factor::new(&system, &of_times);
        let column = |period: usize| {
            let unit = |other: usize| Twofold::from(f64::from(u8::from(other == period)));
            factor.solve(&(0..periods).map(unit).collect::<Vec<_>>())
        };
        TwoWay {
            units,
            times,
            weights,
            of_units,
            of_times: of_times.into_iter().map(Twofold::value).collect(),
            inverse: (0..periods).flat_map(column).collect(),
        }
    }

    /// Replaces `values` by what the effects do not explain; whether that is as exact as it must be.
    pub(super) fn free(&self, values: &mut [f64]) -> bool {
        match self.weights {
            None => self.free_weighted(values, |_| 1.0),
            Some(weights) => self.free_weighted(values, |row| weights[row]),
        }
    }

    fn free_weighted(&self, values: &mut [f64], weight: impl Fn(usize) -> f64) -> bool {
        let periods = self.times.levels;
        let codes =
            || self.units.codes.iter().zip(&self.times.codes).map(|(unit, time)| (*unit as usize, *time as usize));
        let mut square = 0.0;
        let mut means = vec![0.0; self.units.levels];
        for (row, ((unit, _), value)) in codes().zip(values.iter()).enumerate() {
            let weighted = weight(row) * value;
            means[unit] += weighted;
            square += weighted * value;
        }
        means.iter_mut().zip(&self.of_units).for_each(|(mean, mass)| *mean /= mass);
        let mut right = vec![0.0; periods];
        for (row, ((unit, time), value)) in codes().zip(values.iter()).enumerate() {
            right[time] += weight(row) * (value - means[unit]);
        }
        let inner = |row: &[f64]| -> f64 { row.iter().zip(&right).map(|(entry, right)| entry * right).sum() };
        let of_times: Vec<f64> = self.inverse.chunks_exact(periods).map(inner).collect();
        let mut of_units = vec![0.0; self.units.levels];
        for (row, (unit, time)) in codes().enumerate() {
            of_units[unit] += weight(row) * of_times[time];
        }
        for ((of_unit, mean), mass) in of_units.iter_mut().zip(&means).zip(&self.of_units) {
            *of_unit = mean - *of_unit / mass;
        }
        // What is left in each unit and each period tells how exact this is.
        let mut left_in_units = vec![0.0; self.units.levels];
        let mut left_in_times = vec![0.0; periods];
        for (row, ((unit, time), value)) in codes().zip(values.iter_mut()).enumerate() {
            *value -= of_units[unit] + of_times[time];
            let weighted = weight(row) * *value;
            left_in_units[unit] += weighted;
            left_in_times[time] += weighted;
        }
        let squares = |left: &[f64], masses: &[f64]| -> f64 {
            left.iter().zip(masses).map(|(left, mass)| left * left / mass).sum()
        };
        let left = squares(&left_in_units, &self.of_units) + squares(&left_in_times, &self.of_times);
        left <= TOLERANCE * TOLERANCE * square
    }
}
