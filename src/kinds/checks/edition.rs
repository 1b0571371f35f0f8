//! `edition`: the year of a table is that of its data, and not that of the book it was printed in. Held against a series whose years are
//! known: if shifting ours by a year or two makes many more values equal, the year is wrong by that much.
//!
//! Equal is within 0.5 %; a shift is reported if half of at least 20 pairs are equal under it, and twice as many as without.

use super::other::{self, Reference};
use super::rule::{self, By, Cell, Family, Finding, Rule, SHOWN, Subject};
use super::series::{self, Series};
use tables::columns::Table;

pub const FAMILY: Family = Family {
    name: "edition",
    parse: |spec, fields| {
        let column = spec.substitute(&fields.required_text("column")?);
        let with = other::reference(spec, fields, "edition", &column)?;
        let by = By::parse(spec, fields);
        Some(Box::new(Edition { column, with, by }))
    },
};

#[derive(Debug)]
struct Edition {
    column: String,
    with: Reference,
    by: By,
}

/// A shift, the pairs that it gives, and how many are equal.
type Tried = (i64, Vec<(usize, f64, i64)>, usize);

const SHIFTS: [i64; 5] = [0, -1, 1, -2, 2];
const TOLERANCE: f64 = 0.005;
const FEWEST_PAIRS: usize = 20;

impl Rule for Edition {
    fn columns(&self) -> Vec<String> {
        self.with.here(&self.column, &self.by.names())
    }

    fn other(&self) -> Option<(&str, Vec<String>)> {
        self.with.there(&self.by.names())
    }

    fn by(&self) -> Option<&By> {
        Some(&self.by)
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        let (unit, time) = self.by.of(subject.key)?;
        let of = |table: &Table, column: &str| -> Result<Series, String> {
            let (_, values) = rule::numbers(table, column)?;
            series::series(table, unit, time, &values)
        };
        let ours = of(subject.table, &self.column)?;
        let (theirs, shown) = match (&self.with, subject.other) {
            (Reference::Column(name), _) => (of(subject.table, name)?, format!("`{name}`")),
            (Reference::Table { table, column }, Some(other)) => {
                let theirs = of(other, column).map_err(|error| format!("{error} in `{table}`"))?;
                (theirs, format!("`{column}` of `{table}`"))
            }
            (Reference::Table { table, .. }, None) => return Err(format!("`{table}` was not given")),
        };
        // Shift, pairs that are equal (row, value, the year there), number of pairs.
        let mut tried: Vec<Tried> = Vec::new();
        for shift in SHIFTS {
            let (mut equal, mut pairs) = (Vec::new(), 0);
            for (unit, times) in &ours {
                let Some(others) = theirs.get(unit) else { continue };
                for (year, (row, value)) in times {
                    let there = year.saturating_add(shift);
                    let Some((_, other)) = others.get(&there) else { continue };
                    pairs += 1;
                    if (value - other).abs() <= TOLERANCE * value.abs().max(other.abs()) {
                        equal.push((*row, *value, there));
                    }
                }
            }
            tried.push((shift, equal, pairs));
        }
        if tried[0].2 == 0 {
            return Err(format!("`{}` and {shown} have no row in common", self.column));
        }
        let share =
            |(_, equal, pairs): &(i64, Vec<(usize, f64, i64)>, usize)| equal.len() as f64 / (*pairs).max(1) as f64;
        let here = share(&tried[0]);
        let mut best = &tried[0];
        for one in &tried[1..] {
            if one.2 >= FEWEST_PAIRS && share(one) > share(best) {
                best = one;
            }
        }
        if best.0 == 0 || share(best) < 0.5 || share(best) < 2.0 * here {
            return Ok(None);
        }
        let (shift, equal, pairs) = best;
        let message = format!(
            "`{}` of a `{time}` is that of {} in {shown} ({:.0} % of {pairs} values are equal, {:.0} % in the same year): \
             the year is that of the edition, not of the data",
            self.column,
            if *shift == -1 { "the year before".to_string() } else { format!("{shift:+} years") },
            100.0 * share(best),
            100.0 * here
        );
        let cells = equal.iter().take(SHOWN).map(|(row, value, there)| Cell {
            row: *row,
            column: self.column.clone(),
            remark: format!("{value} is the value of {there} there"),
        });
        Ok(Some(Finding { message, cells: cells.collect(), count: equal.len() }))
    }
}
