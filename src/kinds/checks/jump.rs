//! `jump`: growth from one year to the next beyond a factor, up or down. `spike`: a value beyond the factor from both its neighbours in
//! time, on the same side: a misprint or a slipped decimal point, where a jump that lasts may be a boundary or a unit.

use super::rule::{self, Cell, Family, Finding, Over, Rule, Subject};
use super::{series, unit_break};

pub const JUMP: Family = Family {
    name: "jump",
    parse: |spec, fields| {
        let over = Over::parse(spec, fields, "jump")?;
        let factor = rule::factor(fields, "factor", 1.0, 3.0);
        Some(Box::new(Jump { over, factor, alone: false }))
    },
};

pub const SPIKE: Family = Family {
    name: "spike",
    parse: |spec, fields| {
        let over = Over::parse(spec, fields, "spike")?;
        let factor = rule::factor(fields, "factor", 1.0, 3.0);
        Some(Box::new(Jump { over, factor, alone: true }))
    },
};

#[derive(Debug)]
struct Jump {
    over: Over,
    factor: f64,
    /// Only values that the next year does not follow.
    alone: bool,
}

impl Rule for Jump {
    fn over(&self) -> Option<&Over> {
        Some(&self.over)
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        let (unit, time) = self.over.by.of(subject.key)?;
        let bound = core_math::log(self.factor);
        let mut found: Vec<(f64, Cell)> = Vec::new();
        for (name, values) in self.over.columns.of(subject.table, &[unit, time])? {
            for times in series::series(subject.table, unit, time, &values)?.values() {
                for (year, (row, value)) in times {
                    let ratio = |other: i64| -> Option<f64> {
                        let (_, other) = times.get(&other)?;
                        (*value > 0.0 && *other > 0.0).then(|| core_math::log(value / other))
                    };
                    let (before, after) = (year.checked_sub(1).and_then(ratio), year.checked_add(1).and_then(ratio));
                    let Some(before) = before.filter(|before| before.abs() > bound) else { continue };
                    let returns = after.is_some_and(|after| after.abs() > bound && (after > 0.0) == (before > 0.0));
                    if self.alone && !returns {
                        continue;
                    }
                    let mut remark =
                        format!("{value} is {:.3} times the value of {}", core_math::exp(before), year - 1);
                    if let Some(after) = after.filter(|_| self.alone) {
                        remark.push_str(&format!(" and {:.3} times that of {}", core_math::exp(after), year + 1));
                        if unit_break::power_of_ten(before)
                            .is_some_and(|power| Some(power) == unit_break::power_of_ten(after))
                        {
                            remark.push_str(": a slipped decimal point?");
                        }
                    }
                    found.push((before.abs(), Cell { row: *row, column: name.to_string(), remark }));
                }
            }
        }
        found.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.row.cmp(&two.1.row)));
        let cells = found.into_iter().map(|(_, cell)| cell).collect();
        let what = match self.alone {
            true => format!("more than {} times off both neighbours in time", self.factor),
            false => format!("more than {} times off the year before", self.factor),
        };
        Ok(Finding::of_cells(subject, &what, cells))
    }
}
