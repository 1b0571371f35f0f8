//! `coverage`: a year into which most units jump, as when an office starts to count otherwise. No year is given.
//!
//! Of each pair of years, the median over units of the logarithm of growth, held against the same of all other pairs. It is a break if
//! three things hold: it lies further off than the factor (1.2 unless given); further than three robust standard deviations of the other
//! years (1.4826 times their median absolute deviation, Hampel 1974; at least 0.02); and three quarters of the units lie on its side of the
//! usual growth. Years with less than half the usual units are left out: who is in them is another change. A common trend, a boom of some units and a slow change are thus no break. Powers of ten are left to `unit_break`.

use super::rule::{self, Cell, Family, Finding, Over, Rule, SHOWN, Subject};
use super::series::{self, Growth, median};

pub const FAMILY: Family = Family {
    name: "coverage",
    parse: |spec, fields| {
        let over = Over::parse(spec, fields, "coverage")?;
        let factor = rule::factor(fields, "factor", 1.0, 1.2);
        Some(Box::new(Coverage { over, factor }))
    },
};

#[derive(Debug)]
struct Coverage {
    over: Over,
    factor: f64,
}

/// With fewer other pairs of years there is no telling what is usual.
const FEWEST_OTHERS: usize = 4;
/// Robust standard deviations beyond which a year is not like the others.
const DEVIATIONS: f64 = 3.0;
/// The least that counts as a standard deviation: quiet series would make a break of every ripple.
const LEAST_DEVIATION: f64 = 0.02;

impl Rule for Coverage {
    fn over(&self) -> Option<&Over> {
        Some(&self.over)
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        let (unit, time) = self.over.by.of(subject.key)?;
        let mut messages = Vec::new();
        let mut cells: Vec<(f64, Cell)> = Vec::new();
        for (name, values) in self.over.columns.of(subject.table, &[unit, time])? {
            let growth = series::growth(&series::series(subject.table, unit, time, &values)?);
            for (growth, usual) in breaks(&growth, self.factor) {
                let (here, there) = (core_math::exp(growth.quantile(0.5)), core_math::exp(usual));
                messages.push(format!(
                    "`{name}` breaks at {}→{}: median ratio {here:.2} against {there:.2} in other years ({} units)",
                    growth.time - 1,
                    growth.time,
                    growth.units.len()
                ));
                cells.extend(growth.units.iter().map(|(row, one)| {
                    let remark = format!("{:.2} times the value of {}", core_math::exp(*one), growth.time - 1);
                    ((one - usual).abs(), Cell { row: *row, column: name.to_string(), remark })
                }));
            }
        }
        // The units that jump furthest first; of equals the first row.
        cells.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.row.cmp(&two.1.row)));
        let count = cells.len();
        let cells = cells.into_iter().take(SHOWN).map(|(_, cell)| cell).collect();
        Ok((!messages.is_empty()).then(|| Finding { message: messages.join("; "), cells, count }))
    }
}

/// The years that break, each with the usual growth of the others.
fn breaks(growth: &[Growth], factor: f64) -> Vec<(&Growth, f64)> {
    let mut found = Vec::new();
    for one in growth {
        let others: Vec<f64> =
            growth.iter().filter(|other| other.time != one.time).map(|other| other.quantile(0.5)).collect();
        let counts = growth.iter().map(|other| other.units.len() as f64).collect();
        if others.len() < FEWEST_OTHERS || (one.units.len() as f64) < 0.5 * median(counts) {
            continue;
        }
        let usual = median(others.clone());
        let spread = 1.4826 * median(others.iter().map(|other| (other - usual).abs()).collect());
        let off = one.quantile(0.5) - usual;
        // Three quarters of the units jump, and not by a hair: half of them is a boom.
        let slowest = if off > 0.0 { one.quantile(0.25) - usual } else { usual - one.quantile(0.75) };
        let side = slowest > 0.25 * off.abs();
        if off.abs() > core_math::log(factor)
            && off.abs() > DEVIATIONS * spread.max(LEAST_DEVIATION)
            && side
            && super::unit_break::power_of_ten(off).is_none()
        {
            found.push((one, usual));
        }
    }
    found
}
