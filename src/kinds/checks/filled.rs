//! `filled`: values that someone interpolated. Four values in a row on a straight line that is not flat are no measurement; the inner two
//! count. Whole numbers below 1000 are left out, they lie on lines by chance; so
//! is what counts up by one, such as a year. The share of such values among all must not exceed `share` (1 %).

use super::rule::{self, Cell, Family, Finding, Over, Rule, SHOWN, Subject};
use super::series;
use std::collections::BTreeSet;

pub const FAMILY: Family = Family {
    name: "filled",
    parse: |spec, fields| {
        let over = Over::parse(spec, fields, "filled")?;
        let share = rule::share(fields, "share", 0.01);
        Some(Box::new(Filled { over, share }))
    },
};

#[derive(Debug)]
struct Filled {
    over: Over,
    share: f64,
}

/// Differences are equal up to the rounding of the numbers they are between.
const EQUAL: f64 = 1e-9;

impl Rule for Filled {
    fn over(&self) -> Option<&Over> {
        Some(&self.over)
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        let (unit, time) = self.over.by.of(subject.key)?;
        let mut messages = Vec::new();
        let mut cells = Vec::new();
        let mut count = 0;
        for (name, values) in self.over.columns.of(subject.table, &[unit, time])? {
            let series = series::series(subject.table, unit, time, &values)?;
            let mut rows = BTreeSet::new();
            for times in series.values() {
                for first in times.keys() {
                    let four: Vec<(usize, f64)> =
                        (0..4).filter_map(|step| times.get(&first.checked_add(step)?).copied()).collect();
                    if let [a, b, c, d] = four.as_slice()
                        && on_a_line([a.1, b.1, c.1, d.1])
                    {
                        rows.extend([b.0, c.0]);
                    }
                }
            }
            let there = values.iter().flatten().count();
            if rows.len() as f64 <= self.share * there as f64 {
                continue;
            }
            let percent = 100.0 * rows.len() as f64 / there as f64;
            messages
                .push(format!("{} of {there} values of `{name}` ({percent:.1} %) lie on straight lines", rows.len()));
            count += rows.len();
            let remark = || "on the line between its neighbours".to_string();
            cells.extend(rows.iter().map(|row| Cell { row: *row, column: name.to_string(), remark: remark() }));
        }
        cells.truncate(SHOWN);
        let message = format!("{}: they were filled in", messages.join("; "));
        Ok((!messages.is_empty()).then_some(Finding { message, cells, count }))
    }
}

fn on_a_line(values: [f64; 4]) -> bool {
    let [a, b, c, d] = values;
    let size = values.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
    let near = |one: f64, two: f64| (one - two).abs() <= EQUAL * size;
    let small = values.iter().all(|value| value.fract() == 0.0) && size < 1000.0;
    // A calendar: the year of an edition, an age.
    let counts = values.iter().all(|value| value.fract() == 0.0) && (b - a).abs() == 1.0;
    !small && !counts && !near(a, b) && near(b - a, c - b) && near(c - b, d - c)
}
