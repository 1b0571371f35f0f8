//! `total_row`: a unit whose value is the sum of all others, in most of its years: a total that stands among the units.
//! A year counts if it has five units besides; the sum may be 5 % off, because some units are missing.

use super::rule::{self, Cell, Family, Finding, Over, Rule, SHOWN, Subject};
use super::series;
use std::collections::BTreeMap;

pub const FAMILY: Family = Family {
    name: "total_row",
    parse: |spec, fields| {
        let over = Over::parse(spec, fields, "total_row")?;
        Some(Box::new(TotalRow { over }))
    },
};

#[derive(Debug)]
struct TotalRow {
    over: Over,
}

const FEWEST_UNITS: usize = 5;
const TOLERANCE: f64 = 0.05;

impl Rule for TotalRow {
    fn over(&self) -> Option<&Over> {
        Some(&self.over)
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        let (unit, time) = self.over.by.of(subject.key)?;
        // Unit, to the columns in which it is a total, and one cell of each.
        let mut totals: BTreeMap<String, Vec<Cell>> = BTreeMap::new();
        for (name, values) in self.over.columns.of(subject.table, &[unit, time])? {
            let series = series::series(subject.table, unit, time, &values)?;
            let mut years: BTreeMap<i64, Vec<(&str, usize, f64)>> = BTreeMap::new();
            for (unit, times) in &series {
                for (time, (row, value)) in times {
                    years.entry(*time).or_default().push((unit, *row, *value));
                }
            }
            let mut found: BTreeMap<&str, Vec<(usize, f64, f64)>> = BTreeMap::new();
            for values in years.values().filter(|values| values.len() > FEWEST_UNITS) {
                let all: f64 = values.iter().map(|(.., value)| value).sum();
                let Some((unit, row, most)) = values.iter().max_by(|one, two| one.2.total_cmp(&two.2)) else {
                    continue;
                };
                let others = all - most;
                if others > 0.0 && (most - others).abs() <= TOLERANCE * others {
                    found.entry(*unit).or_default().push((*row, *most, others));
                }
            }
            for (unit, found) in found {
                let stands = |values: &&Vec<(&str, usize, f64)>| {
                    values.len() > FEWEST_UNITS && values.iter().any(|one| one.0 == unit)
                };
                if 2 * found.len() <= years.values().filter(stands).count() {
                    continue;
                }
                let (row, most, others) = found[0];
                let remark = format!("{most}; the other units sum to {}", rule::rounded(others));
                let cell = Cell { row, column: name.to_string(), remark };
                totals.entry(unit.to_string()).or_default().push(cell);
            }
        }
        let messages: Vec<String> = totals
            .iter()
            .map(|(unit, cells)| {
                let names: Vec<String> = cells.iter().take(3).map(|cell| format!("`{}`", cell.column)).collect();
                let more =
                    if cells.len() > 3 { format!(" and {} more columns", cells.len() - 3) } else { String::new() };
                format!("`{unit}` is the sum of all others in {}{more}", names.join(", "))
            })
            .collect();
        let mut cells: Vec<Cell> = totals.into_values().flatten().collect();
        let count = cells.len();
        cells.truncate(SHOWN);
        let message = format!("{}: a total stands among the units", messages.join("; "));
        Ok((!messages.is_empty()).then_some(Finding { message, cells, count }))
    }
}
