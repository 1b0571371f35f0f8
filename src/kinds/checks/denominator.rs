//! `denominator`: what something is divided by changes its meaning, as from registered to resident persons.
//!
//! Such a change moves units both ways, so that sums and medians may stay. What shows is its size: the median over units of the absolute
//! logarithm of growth is more than 3 % in that year, and more than five times its median of the other years. The denominator is a column, or
//! what a ratio implies: `{of: gdp, ratio: gdp_per_head}` is gdp over gdp_per_head. For stocks that move slowly.

use super::rule::{self, By, Cell, Family, Finding, Rule, SHOWN, Subject};
use super::series::{self, Growth, median};
use engine::yaml::Value;

pub const FAMILY: Family = Family {
    name: "denominator",
    parse: |spec, fields| {
        let node = fields.node("denominator")?;
        let denominator = if matches!(node.value, Value::Map(_)) {
            let parts = fields.at(node, "`denominator`");
            let (of, ratio) = (parts.required_text("of"), parts.required_text("ratio"));
            parts.finish();
            Denominator::Implied { of: spec.substitute(&of?), ratio: spec.substitute(&ratio?) }
        } else {
            Denominator::Column(spec.substitute(&fields.text("denominator")?))
        };
        let factor = rule::factor(fields, "factor", 1.0, 5.0);
        Some(Box::new(Switch { denominator, by: By::parse(spec, fields), factor }))
    },
};

#[derive(Debug)]
struct Switch {
    denominator: Denominator,
    by: By,
    factor: f64,
}

#[derive(Debug)]
enum Denominator {
    Column(String),
    Implied { of: String, ratio: String },
}

/// A change below this is within what is revised and rounded.
const LEAST: f64 = 0.03;
/// With fewer other pairs of years there is no telling what is usual.
const FEWEST_OTHERS: usize = 2;

impl Rule for Switch {
    fn columns(&self) -> Vec<String> {
        let mut names = self.by.names();
        match &self.denominator {
            Denominator::Column(name) => names.push(name.clone()),
            Denominator::Implied { of, ratio } => names.extend([of.clone(), ratio.clone()]),
        }
        names
    }

    fn by(&self) -> Option<&By> {
        Some(&self.by)
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        let (unit, time) = self.by.of(subject.key)?;
        let (what, column, values) = match &self.denominator {
            Denominator::Column(name) => {
                let (_, values) = rule::numbers(subject.table, name)?;
                (format!("`{name}`"), name, values)
            }
            Denominator::Implied { of, ratio } => {
                let (_, above) = rule::numbers(subject.table, of)?;
                let (_, ratios) = rule::numbers(subject.table, ratio)?;
                let pairs = above.iter().zip(&ratios);
                let values = pairs.map(|(of, ratio)| Some(of.as_ref()? / ratio.filter(|ratio| *ratio != 0.0)?));
                (format!("what `{ratio}` divides `{of}` by"), ratio, values.collect())
            }
        };
        let growth = series::growth(&series::series(subject.table, unit, time, &values)?);
        let moves = |one: &Growth| median(one.units.iter().map(|(_, growth)| growth.abs()).collect());
        let mut messages = Vec::new();
        let mut cells: Vec<(f64, Cell)> = Vec::new();
        for one in &growth {
            let others: Vec<f64> = growth.iter().filter(|other| other.time != one.time).map(moves).collect();
            if others.len() < FEWEST_OTHERS {
                continue;
            }
            let (here, usual) = (moves(one), median(others));
            if here <= LEAST || here <= self.factor * usual {
                continue;
            }
            messages.push(format!(
                "{what} moves by {:.1} % in {} at the median of {} units, against {:.1} % in other years: its definition changes",
                100.0 * here,
                one.time,
                one.units.len(),
                100.0 * usual
            ));
            cells.extend(one.units.iter().filter(|(_, growth)| growth.abs() > LEAST).map(|(row, growth)| {
                let remark = format!("{:.2} times that of {}", core_math::exp(*growth), one.time - 1);
                (growth.abs(), Cell { row: *row, column: column.clone(), remark })
            }));
        }
        cells.sort_by(|one, two| two.0.total_cmp(&one.0).then(one.1.row.cmp(&two.1.row)));
        let count = cells.len();
        let cells = cells.into_iter().take(SHOWN).map(|(_, cell)| cell).collect();
        Ok((!messages.is_empty()).then(|| Finding { message: messages.join("; "), cells, count }))
    }
}
