//! Rows in time and space, as variances need them. Knows no scores.

use super::groups::Grouping;
use super::{Conley, Data, Options, Places, Series, Vcov, evaluate, expand};
use crate::error::StatsError;
use crate::formula::Level;
use std::collections::BTreeMap;

/// The columns that a row must have for the variance; an error where they are not named.
pub(super) fn columns(options: &Options) -> Result<Vec<String>, StatsError> {
    let panel = |vcov: &'static str| {
        let panel = options.panel.as_ref().ok_or(StatsError::NoPanelForVcov { vcov })?;
        Ok(vec![panel.unit.clone(), panel.time.clone()])
    };
    match &options.vcov {
        Vcov::NeweyWest { .. } => panel("newey_west"),
        Vcov::DriscollKraay { .. } => panel("driscoll_kraay"),
        Vcov::Conley(conley) => {
            let mut columns = vec![conley.latitude.clone(), conley.longitude.clone()];
            if conley.lags.is_some() {
                columns.extend(panel("conley")?);
            }
            Ok(columns)
        }
        _ => Ok(Vec::new()),
    }
}

/// The rows by unit and period; one row of each pair.
pub(super) fn series(data: &Data, options: &Options, lags: Option<u32>, rows: &[usize]) -> Result<Series, StatsError> {
    let panel = options.panel.as_ref().expect("`columns` asks for it");
    let whole = evaluate::periods(data, &panel.time)?;
    let grouping = Grouping::of(&data.columns[&panel.time], rows);
    let value = |label: &Level| match label {
        Level::Number(number) => *number as i64,
        Level::Text(_) => unreachable!("`periods` refuses texts"),
    };
    let values: Vec<i64> = grouping.labels.iter().map(value).collect();
    let periods = grouping.into_group(panel.time.clone());
    let units = Grouping::combined(data, std::slice::from_ref(&panel.unit), rows).into_group(panel.unit.clone());
    let mut seen: BTreeMap<(u32, i64), usize> = BTreeMap::new();
    for (unit, row) in units.codes.iter().zip(rows) {
        let period = whole[*row].expect("a row of the sample has a period");
        if let Some(first) = seen.insert((*unit, period), *row) {
            return Err(StatsError::RowsOfOnePeriod { unit: panel.unit.clone(), period, rows: [first + 1, row + 1] });
        }
    }
    let default = || core_math::pow(values.len() as f64, 0.25).floor() as u32;
    Ok(Series { units, periods, lags: lags.unwrap_or_else(default), values })
}

/// The rows by place.
pub(super) fn places(data: &Data, options: &Options, conley: &Conley, rows: &[usize]) -> Result<Places, StatsError> {
    if !(conley.cutoff > 0.0 && conley.cutoff.is_finite()) {
        return Err(StatsError::Cutoff { cutoff: conley.cutoff });
    }
    let degrees = |column: &String, role: &'static str, low: f64, high: f64| {
        let values = expand::numbers(data, column, role, rows)?;
        match values.iter().position(|value| !(low..=high).contains(value)) {
            Some(at) => Err(StatsError::Degrees { column: column.clone(), value: values[at], row: rows[at] + 1, role }),
            None => Ok(values),
        }
    };
    let latitudes = degrees(&conley.latitude, "latitude", -90.0, 90.0)?;
    let longitudes = degrees(&conley.longitude, "longitude", -180.0, 360.0)?;
    let columns = [conley.latitude.clone(), conley.longitude.clone()];
    let group = Grouping::combined(data, &columns, rows).into_group(columns.join("^"));
    let mut of_place = vec![(0.0, 0.0); group.levels];
    for ((code, latitude), longitude) in group.codes.iter().zip(&latitudes).zip(&longitudes) {
        of_place[*code as usize] = (*latitude, *longitude);
    }
    let series = match conley.lags {
        Some(lags) => Some(series(data, options, Some(lags), rows)?),
        None => None,
    };
    let kernel = format!("{:?}", conley.kernel).to_lowercase();
    let over_time = conley.lags.map(|lags| format!(", {lags} lags")).unwrap_or_default();
    Ok(Places {
        group,
        degrees: of_place,
        cutoff: conley.cutoff,
        kernel: conley.kernel,
        series,
        label: format!("conley({} km, {kernel}{over_time})", conley.cutoff),
    })
}
