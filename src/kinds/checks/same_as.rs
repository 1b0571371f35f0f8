//! `same_as`: a column holds the same numbers as another, here or in another table, as two vintages of one series should not.
//! Of the rows that both have, the share given (all) must be equal within the tolerance (relative, 0.1 %). What differs by one power of
//! ten everywhere is said to be another unit.

use super::other::{self, Reference};
use super::rule::{self, Cell, Family, Finding, Rule, SHOWN, Subject};
use super::unit_break;

pub const FAMILY: Family = Family {
    name: "same_as",
    parse: |spec, fields| {
        let column = spec.substitute(&fields.required_text("column")?);
        let with = other::reference(spec, fields, "same_as", &column)?;
        let on: Vec<String> = fields.texts("on").unwrap_or_default().iter().map(|text| spec.substitute(text)).collect();
        if !on.is_empty() && matches!(with, Reference::Column(_)) {
            fields.complain(
                fields.self_node(),
                "`on` joins another table; within one table rows are compared as they stand",
            );
        }
        let factor = rule::factor(fields, "factor", 0.0, 1.0);
        let share = rule::share(fields, "share", 1.0);
        let tolerance = rule::factor(fields, "tolerance", 0.0, 0.001);
        Some(Box::new(SameAs { column, with, on, factor, share, tolerance }))
    },
};

#[derive(Debug)]
struct SameAs {
    column: String,
    with: Reference,
    /// Columns that both tables have; empty: the key.
    on: Vec<String>,
    /// What theirs is multiplied by.
    factor: f64,
    share: f64,
    tolerance: f64,
}

impl Rule for SameAs {
    fn columns(&self) -> Vec<String> {
        self.with.here(&self.column, &self.on)
    }

    fn other(&self) -> Option<(&str, Vec<String>)> {
        self.with.there(&self.on)
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        let (_, ours) = rule::numbers(subject.table, &self.column)?;
        // Row and both values, where both are there.
        let mut pairs: Vec<(usize, f64, f64)> = Vec::new();
        let shown = match (&self.with, subject.other) {
            (Reference::Column(name), _) => {
                let (_, theirs) = rule::numbers(subject.table, name)?;
                let both = ours.iter().zip(&theirs).enumerate();
                pairs.extend(
                    both.filter_map(|(row, (one, two))| Some((row, (*one)?, rule::rounded((*two)? * self.factor)))),
                );
                format!("`{name}`")
            }
            (Reference::Table { table, column }, Some(other)) => {
                let on: &[String] = if self.on.is_empty() { subject.key } else { &self.on };
                let (_, theirs) = rule::numbers(other, column).map_err(|error| format!("{error} in `{table}`"))?;
                let mine = other::rows_by(subject.table, on, "this table")?;
                let yours = other::rows_by(other, on, table)?;
                for (key, row) in &mine {
                    if let Some((one, two)) = ours[*row].zip(yours.get(key).and_then(|row| theirs[*row])) {
                        pairs.push((*row, one, rule::rounded(two * self.factor)));
                    }
                }
                pairs.sort_by_key(|(row, ..)| *row);
                format!("`{column}` of `{table}`")
            }
            (Reference::Table { table, .. }, None) => return Err(format!("`{table}` was not given")),
        };
        if pairs.is_empty() {
            return Err(format!("`{}` and {shown} have no row in common", self.column));
        }
        let equal = |one: f64, two: f64| (one - two).abs() <= self.tolerance * one.abs().max(two.abs());
        let mut different: Vec<(usize, f64, f64)> =
            pairs.iter().copied().filter(|(_, one, two)| !equal(*one, *two)).collect();
        let same = pairs.len() - different.len();
        if same as f64 >= self.share * pairs.len() as f64 {
            return Ok(None);
        }
        let power = |(_, one, two): &(usize, f64, f64)| {
            (*one > 0.0 && *two > 0.0).then(|| unit_break::power_of_ten(core_math::log(one / two))).flatten()
        };
        let unit = power(&different[0]).filter(|first| different.iter().all(|one| power(one) == Some(*first)));
        let far = |(_, one, two): &(usize, f64, f64)| (one - two).abs() / one.abs().max(two.abs());
        different.sort_by(|one, two| far(two).total_cmp(&far(one)).then(one.0.cmp(&two.0)));
        let named: Vec<String> = different
            .iter()
            .take(2)
            .map(|(row, one, two)| format!("{} {one} against {two}", subject.table.row_text(subject.key, *row)))
            .collect();
        let more = if different.len() > 2 { ", …" } else { "" };
        let percent = 100.0 * same as f64 / pairs.len() as f64;
        let mut message = format!(
            "`{}` equals {shown} in {same} of {} rows ({percent:.1} %): {}{more}",
            self.column,
            pairs.len(),
            named.join(", ")
        );
        if let Some(power) = unit {
            message.push_str(&format!("; all differ by 10^{power}: another unit"));
        }
        let count = different.len();
        let cells = different.iter().take(SHOWN).map(|(row, one, two)| Cell {
            row: *row,
            column: self.column.clone(),
            remark: format!("{one}, there {two}"),
        });
        Ok(Some(Finding { message, cells: cells.collect(), count }))
    }
}
