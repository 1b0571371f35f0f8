//! Series of one column by unit and time, and the growth from each time to the next, for the rules that look at them.

use super::rule;
use std::collections::BTreeMap;
use tables::columns::{Table, Values};

/// Fewer units than this say nothing about a year.
pub const FEWEST_UNITS: usize = 10;

/// Unit, then time, then row and value.
pub type Series = BTreeMap<String, BTreeMap<i64, (usize, f64)>>;

/// Growth into one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    pub time: i64,
    /// Row of the later value, logarithm of value over the value before.
    pub units: Vec<(usize, f64)>,
}

/// The series of some values. Missing values leave a gap; a pair of unit and time that stands twice is an error.
pub fn series(table: &Table, unit: &str, time: &str, values: &[Option<f64>]) -> Result<Series, String> {
    let units = &rule::column(table, unit)?.values;
    let Values::Int(times) = &rule::column(table, time)?.values else {
        return Err(format!("column `{time}` is not a year of type int"));
    };
    let mut series = Series::new();
    for (row, value) in values.iter().enumerate() {
        if let (Some(value), Some(name), Some(year)) = (value, units.text(row), times[row])
            && series.entry(name.clone()).or_default().insert(year, (row, *value)).is_some()
        {
            return Err(format!("({name}, {year}) stands twice: [{unit}, {time}] do not tell the rows apart"));
        }
    }
    Ok(series)
}

/// Growth by time, of values above zero, in order of time; only times into which enough units grow.
pub fn growth(series: &Series) -> Vec<Growth> {
    let mut found: BTreeMap<i64, Vec<(usize, f64)>> = BTreeMap::new();
    for times in series.values() {
        for (time, (row, value)) in times {
            let before = time.checked_sub(1).and_then(|before| times.get(&before));
            if let Some((_, before)) = before
                && *value > 0.0
                && *before > 0.0
            {
                found.entry(*time).or_default().push((*row, core_math::log(value / before)));
            }
        }
    }
    found
        .into_iter()
        .filter(|(_, units)| units.len() >= FEWEST_UNITS)
        .map(|(time, units)| Growth { time, units })
        .collect()
}

impl Growth {
    /// A quantile of the logarithms (type 7 of Hyndman and Fan 1996).
    pub fn quantile(&self, share: f64) -> f64 {
        quantile(self.units.iter().map(|(_, growth)| *growth).collect(), share)
    }
}

/// A quantile of some numbers, of which there must be one.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = share * (values.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(values.len() - 1);
    values[below] + (place - below as f64) * (values[above] - values[below])
}

pub fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}
