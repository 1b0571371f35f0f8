//! A break of coverage: one year into which the values of most units jump, as when an office starts to count otherwise.
//!
//! For each year and the one before it: the median over units of value divided by value of the year before, where both
//! are positive and at least ten units have both. The logarithm of this median is compared with the median of the
//! logarithms of all *other* pairs of years; a distance of more than ln(factor) is a break. A common trend is thus no
//! break, nor is a jump of few units. With one pair of years there is nothing to compare, and no finding.

use super::Finding;
use crate::columns::Column;
use crate::error::TableError;
use std::collections::BTreeMap;

/// Fewer units than this say nothing about a year.
const FEWEST_UNITS: usize = 10;
/// Pairs named in an error.
const NAMED: usize = 5;

/// The breaks of `values`, one row each; `time` is the name of the column of years and its values.
pub fn find(
    name: &str,
    values: &[Option<f64>],
    unit: &Column,
    time: (&str, &[Option<i64>]),
    factor: f64,
) -> Result<Option<Finding>, TableError> {
    let (time_name, years) = time;
    let mut series: BTreeMap<String, BTreeMap<i64, Option<f64>>> = BTreeMap::new();
    let mut repeated: BTreeMap<(String, i64), u64> = BTreeMap::new();
    for (row, value) in values.iter().enumerate() {
        if let (Some(unit), Some(year)) = (unit.values.text(row), years[row])
            && series.entry(unit.clone()).or_default().insert(year, *value).is_some()
        {
            // The first row of the pair was not counted yet.
            *repeated.entry((unit, year)).or_insert(1) += 1;
        }
    }
    if !repeated.is_empty() {
        let keys = repeated.iter().take(NAMED).map(|((unit, year), rows)| (format!("({unit}, {year})"), *rows));
        return Err(TableError::NotIdentified {
            columns: vec![unit.name.clone(), time_name.to_string()],
            count: repeated.len() as u64,
            keys: keys.collect(),
        });
    }
    let mut ratios: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for series in series.values() {
        for (year, value) in series {
            let before = year.checked_sub(1).and_then(|before| series.get(&before));
            if let (Some(value), Some(Some(before))) = (value, before)
                && *value > 0.0
                && *before > 0.0
            {
                ratios.entry(*year).or_default().push(value / before);
            }
        }
    }
    // Year, median ratio, its logarithm, number of units.
    let medians: Vec<(i64, f64, f64, usize)> = ratios
        .into_iter()
        .filter(|(_, ratios)| ratios.len() >= FEWEST_UNITS)
        .map(|(year, mut ratios)| {
            let ratio = median(&mut ratios);
            (year, ratio, core_math::log(ratio), ratios.len())
        })
        .collect();
    let mut messages = Vec::new();
    for (year, ratio, logarithm, units) in &medians {
        let mut others: Vec<f64> =
            medians.iter().filter(|(other, ..)| other != year).map(|(_, _, logarithm, _)| *logarithm).collect();
        if others.is_empty() {
            continue;
        }
        let usual = median(&mut others);
        if (logarithm - usual).abs() > core_math::log(factor) {
            messages.push(format!(
                "{}→{year}: median ratio {ratio:.2} against {:.2} in other years ({units} units)",
                year - 1,
                core_math::exp(usual)
            ));
        }
    }
    Ok((!messages.is_empty()).then(|| Finding {
        rule: format!("{name}: no break by more than {factor}"),
        count: messages.len() as u64,
        message: format!("`{name}` breaks at {}", messages.join("; ")),
        rows: None,
    }))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Values;

    /// Cities that grow by a fifth each year, except for those that `growth` has otherwise, from 2007 to `last`.
    fn found(cities: i64, last: i64, growth: impl Fn(i64, i64) -> Option<f64>) -> Option<String> {
        let (mut values, mut units, mut years) = (Vec::new(), Vec::new(), Vec::new());
        for city in 0..cities {
            let mut value = 100.0 + city as f64;
            for year in 2007..=last {
                value *= growth(city, year).unwrap_or(1.2);
                values.push(Some(value));
                units.push(Some(format!("c{city}")));
                years.push(Some(year));
            }
        }
        let unit = Column { name: "city".to_string(), values: Values::Text(units) };
        let finding = find("patents", &values, &unit, ("year", &years), 1.3).expect("identified");
        finding.map(|finding| format!("{} {}", finding.count, finding.message))
    }

    #[test]
    fn a_coverage_break_is_found_in_its_year_and_nowhere_else() {
        assert_eq!(found(12, 2016, |_, _| None), None);
        assert_eq!(
            found(12, 2016, |_, year| (year == 2012).then_some(1.8)).as_deref(),
            Some("1 `patents` breaks at 2011→2012: median ratio 1.80 against 1.20 in other years (12 units)")
        );
        assert_eq!(
            found(12, 2016, |_, year| (year == 2010 || year == 2014).then_some(0.5)).as_deref(),
            Some(
                "2 `patents` breaks at 2009→2010: median ratio 0.50 against 1.20 in other years (12 units); \
                 2013→2014: median ratio 0.50 against 1.20 in other years (12 units)"
            )
        );
    }

    #[test]
    fn few_units_small_jumps_and_single_pairs_are_no_break() {
        let jump = |_: i64, year: i64| (year == 2012).then_some(1.8);
        assert_eq!(found(9, 2016, jump), None, "fewer than ten units");
        assert_eq!(
            found(12, 2016, |city, year| jump(city, year).filter(|_| city < 5)),
            None,
            "less than half of the units"
        );
        assert_eq!(found(12, 2016, |_, year| (year == 2012).then_some(1.2 * 1.29)), None, "less than the factor");
        assert!(found(12, 2016, |_, year| (year == 2012).then_some(1.2 * 1.31)).is_some(), "more than the factor");
        assert_eq!(found(12, 2008, |_, _| None), None, "one pair");
        assert_eq!(found(12, 2016, |city, year| jump(city, year).map(|_| 0.0)), None, "zeros have no ratio");
    }
}
