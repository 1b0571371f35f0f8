//! `unit_break`: a series that jumps by a power of ten from one year to the next for most units: its unit changed.
//!
//! The median over units of the logarithm of growth, less that of the other pairs of years, must lie within a factor of 1.5 of a power of
//! ten that is not one, and three quarters of the units at least half the way. A jump that only half of the units make is no change of
//! unit; `spike` finds single cells.

use super::rule::{Cell, Family, Finding, Over, Rule, SHOWN, Subject};
use super::series::{self, median};

pub const FAMILY: Family = Family {
    name: "unit_break",
    parse: |spec, fields| {
        let over = Over::parse(spec, fields, "unit_break")?;
        Some(Box::new(UnitBreak { over }))
    },
};

#[derive(Debug)]
struct UnitBreak {
    over: Over,
}

/// How far off a power of ten a jump may be, as a factor: what the units grew beside.
const NEAR: f64 = 1.5;

/// The exponent of the power of ten that this logarithm (natural) is near, if it is not zero.
pub fn power_of_ten(logarithm: f64) -> Option<i32> {
    let ten = core_math::log(10.0);
    let power = (logarithm / ten).round();
    (power != 0.0 && (logarithm - power * ten).abs() < core_math::log(NEAR)).then_some(power as i32)
}

impl Rule for UnitBreak {
    fn over(&self) -> Option<&Over> {
        Some(&self.over)
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        let (unit, time) = self.over.by.of(subject.key)?;
        let mut messages = Vec::new();
        let mut cells = Vec::new();
        for (name, values) in self.over.columns.of(subject.table, &[unit, time])? {
            let growth = series::growth(&series::series(subject.table, unit, time, &values)?);
            for one in &growth {
                let others = growth.iter().filter(|other| other.time != one.time).map(|other| other.quantile(0.5));
                let others: Vec<f64> = others.collect();
                let usual = if others.is_empty() { 0.0 } else { median(others) };
                let Some(power) = power_of_ten(one.quantile(0.5) - usual) else { continue };
                let half = 0.5 * f64::from(power) * core_math::log(10.0);
                let most = if power > 0 { one.quantile(0.25) > half } else { one.quantile(0.75) < half };
                if !most {
                    continue;
                }
                let jump = core_math::exp(f64::from(power.abs()) * core_math::log(10.0)).round();
                let direction = if power > 0 { "larger" } else { "smaller" };
                messages.push(format!(
                    "`{name}` is {jump} times {direction} from {} on ({} units): its unit changes between {} and {}",
                    one.time,
                    one.units.len(),
                    one.time - 1,
                    one.time
                ));
                cells.extend(one.units.iter().map(|(row, growth)| Cell {
                    row: *row,
                    column: name.to_string(),
                    remark: format!("{:.3} times the value of {}", core_math::exp(*growth), one.time - 1),
                }));
            }
        }
        let count = cells.len();
        cells.truncate(SHOWN);
        Ok((!messages.is_empty()).then(|| Finding { message: messages.join("; "), cells, count }))
    }
}
