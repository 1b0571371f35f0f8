//! `sums_to`: parts sum to the total that is printed beside them. Either columns of a row to another of its columns (`parts`), or the rows
//! of each group to the row of that group in a table of totals (`{table: …}`, `on` its key). Missing parts count as zero and are said.

use super::other;
use super::rule::{self, Cell, Columns, Family, Finding, Rule, SHOWN, Subject};
use engine::yaml::Value;
use std::collections::BTreeMap;

pub const FAMILY: Family = Family {
    name: "sums_to",
    parse: |spec, fields| {
        let tolerance = rule::factor(fields, "tolerance", 0.0, 0.01);
        let node = fields.node("sums_to")?;
        let to = if matches!(node.value, Value::Map(_)) {
            let parts = fields.at(node, "`sums_to`");
            let table = parts.required_text("table").map(|text| spec.substitute(&text));
            parts.finish();
            fields.required("on");
            let on = fields.texts("on")?.iter().map(|text| spec.substitute(text)).collect();
            fields.required("columns");
            let columns = Columns::parse(spec, fields, "columns")?;
            To::Rows { table: table?, on, columns }
        } else {
            fields.required("parts");
            let parts = fields.texts("parts")?.iter().map(|text| spec.substitute(text)).collect();
            To::Column { total: spec.substitute(&fields.text("sums_to")?), parts }
        };
        Some(Box::new(SumsTo { to, tolerance }))
    },
};

#[derive(Debug)]
struct SumsTo {
    to: To,
    tolerance: f64,
}

#[derive(Debug)]
enum To {
    Column { total: String, parts: Vec<String> },
    Rows { table: String, on: Vec<String>, columns: Columns },
}

impl Rule for SumsTo {
    fn columns(&self) -> Vec<String> {
        match &self.to {
            To::Column { total, parts } => [vec![total.clone()], parts.clone()].concat(),
            To::Rows { on, columns, .. } => [on.clone(), columns.names()].concat(),
        }
    }

    fn other(&self) -> Option<(&str, Vec<String>)> {
        match &self.to {
            To::Column { .. } => None,
            To::Rows { table, on, columns: Columns::Named(names) } => {
                Some((table, [on.clone(), names.clone()].concat()))
            }
            To::Rows { table, on, .. } => Some((table, on.clone())),
        }
    }

    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String> {
        match &self.to {
            To::Column { total, parts } => self.columns_to_column(subject, total, parts),
            To::Rows { table, on, columns } => self.rows_to_row(subject, table, on, columns),
        }
    }
}

impl SumsTo {
    fn off(&self, sum: f64, total: f64) -> bool {
        (sum - total).abs() > self.tolerance * total.abs()
    }

    fn columns_to_column(&self, subject: &Subject, total: &str, parts: &[String]) -> Result<Option<Finding>, String> {
        let (_, totals) = rule::numbers(subject.table, total)?;
        let parts = parts.iter().map(|part| rule::numbers(subject.table, part)).collect::<Result<Vec<_>, _>>()?;
        let mut cells = Vec::new();
        for (row, total_here) in totals.iter().enumerate() {
            let Some(total_here) = total_here else { continue };
            let there: Vec<f64> = parts.iter().filter_map(|(_, values)| values[row]).collect();
            let sum: f64 = there.iter().sum();
            if !there.is_empty() && self.off(sum, *total_here) {
                let missing = match parts.len() - there.len() {
                    0 => String::new(),
                    missing => format!(", {missing} missing"),
                };
                let remark = format!("{total_here}, the parts sum to {}{missing}", rule::rounded(sum));
                cells.push(Cell { row, column: total.to_string(), remark });
            }
        }
        let names: Vec<String> = parts.iter().map(|(name, _)| format!("`{name}`")).collect();
        Ok(Finding::of_cells(subject, &format!("not the sum of {}", names.join(", ")), cells))
    }

    fn rows_to_row(
        &self,
        subject: &Subject,
        table: &str,
        on: &[String],
        columns: &Columns,
    ) -> Result<Option<Finding>, String> {
        let totals = subject.other.ok_or_else(|| format!("`{table}` was not given"))?;
        let total_rows = other::rows_by(totals, on, table)?;
        let groups = on.iter().map(|name| rule::column(subject.table, name)).collect::<Result<Vec<_>, _>>()?;
        let apart: Vec<&str> = on.iter().chain(subject.key).map(String::as_str).collect();
        let (mut messages, mut cells, mut looked_at) = (Vec::new(), Vec::new(), 0);
        for (name, values) in columns.of(subject.table, &apart)? {
            let Some(printed) = totals.column(name).and_then(|column| crate::convert::numbers(&column.values)) else {
                continue;
            };
            // Group, to the rows that have a value.
            let mut members: BTreeMap<Vec<String>, Vec<(usize, f64)>> = BTreeMap::new();
            for (row, value) in values.iter().enumerate() {
                let group: Option<Vec<String>> = groups.iter().map(|column| column.values.text(row)).collect();
                if let Some((group, value)) = group.zip(*value) {
                    members.entry(group).or_default().push((row, value));
                }
            }
            for (group, mut members) in members {
                let Some(total) = total_rows.get(&group).and_then(|row| printed[*row]) else { continue };
                looked_at += 1;
                let sum: f64 = members.iter().map(|(_, value)| value).sum();
                if !self.off(sum, total) {
                    continue;
                }
                let group = group.join(", ");
                messages.push(format!(
                    "`{name}` of {group} sums to {}, printed is {} ({:.3} times)",
                    rule::rounded(sum),
                    rule::rounded(total),
                    sum / total
                ));
                members.sort_by(|one, two| two.1.total_cmp(&one.1).then(one.0.cmp(&two.0)));
                // The largest values: a slipped decimal point is among them.
                cells.extend(members.iter().take(3).map(|(row, value)| Cell {
                    row: *row,
                    column: name.to_string(),
                    remark: format!("{value}, among the largest of {group}"),
                }));
            }
        }
        if looked_at == 0 {
            return Err(format!("`{table}` has no total of these columns and groups"));
        }
        let count = cells.len();
        cells.truncate(SHOWN);
        let more = messages.len().saturating_sub(3);
        messages.truncate(3);
        if more > 0 {
            messages.push(format!("and {more} more"));
        }
        Ok((!messages.is_empty()).then(|| Finding { message: messages.join("; "), cells, count }))
    }
}
