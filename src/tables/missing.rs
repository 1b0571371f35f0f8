//! How many values of a stored table are missing, by column, by the value of another column, and by reason.
//! Knows no query: reasons come from whoever knows how the table was made.

use crate::columns::{Column, Table, Values};
use crate::error::TableError;
use crate::read;
use std::collections::BTreeMap;
use std::path::Path;

/// Missing on purpose: there is nothing that could stand there.
pub const NOT_DEFINED: &str = "NOT_DEFINED";
/// Nobody knows why.
pub const OTHER: &str = "OTHER";

/// Why a value is missing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    /// `MISSING_INPUT`, `ZERO_DENOM` and so on.
    pub code: String,
    /// What it is about: the column and table that lacks the value, the denominator, the table without a row.
    pub from: Option<String>,
}

/// Missing values that have a column, a reason, and a value of the column they are counted by in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The column.
    pub column: String,
    /// Of the column by which they are counted; `None` if that is missing or there is none.
    pub by: Option<String>,
    pub reason: Reason,
    pub rows: u64,
}

/// Reasons of rows in any order: of each column, row by row, and the rows' values of the column to count by.
pub struct Reasons<'a> {
    pub columns: Vec<(&'a str, &'a [Option<Reason>])>,
    pub by: Option<&'a Values>,
}

/// Counts what is missing in the table of this file. What `reasons` do not account for has the reason `rest`; where they
/// account for more than is missing, they are about other rows, and nothing is taken from them.
pub fn counts(path: &Path, by: Option<&str>, reasons: &Reasons, rest: &Reason) -> Result<Vec<Count>, TableError> {
    let table = read::read(path, None)?;
    let by = match by {
        Some(name) => Some(&known(&table, name)?.values),
        None => None,
    };
    let mut counts = Vec::new();
    for column in &table.columns {
        let mut missing: BTreeMap<Option<String>, u64> = BTreeMap::new();
        for row in (0..table.rows()).filter(|row| column.values.is_null(*row)) {
            *missing.entry(by.and_then(|by| by.text(row))).or_default() += 1;
        }
        let mut found = found(&column.name, reasons);
        let mut values: Vec<Option<String>> = missing.keys().cloned().collect();
        sort(&mut values);
        for by in values {
            let total = missing[&by];
            let mut given = found.remove(&by).unwrap_or_default();
            if given.values().sum::<u64>() > total {
                given.clear();
            }
            let left = total - given.values().sum::<u64>();
            if left > 0 {
                *given.entry(rest.clone()).or_default() += left;
            }
            counts.extend(given.into_iter().map(|(reason, rows)| Count {
                column: column.name.clone(),
                by: by.clone(),
                reason,
                rows,
            }));
        }
    }
    Ok(counts)
}

/// Counts as a table, one line each: column, code, what it is about, the value counted by, rows, and their share of all.
pub fn long(counts: &[Count], by: Option<&str>, rows: u64) -> Table {
    let text = |name: &str, value: &dyn Fn(&Count) -> Option<String>| Column {
        name: name.to_string(),
        values: Values::Text(counts.iter().map(value).collect()),
    };
    let mut columns = vec![
        text("column", &|count| Some(count.column.clone())),
        text("code", &|count| Some(count.reason.code.clone())),
        text("from", &|count| count.reason.from.clone()),
    ];
    if let Some(by) = by {
        columns.push(text(by, &|count| count.by.clone()));
    }
    columns.push(Column {
        name: "n".to_string(),
        values: Values::Int(counts.iter().map(|count| Some(count.rows as i64)).collect()),
    });
    columns.push(Column {
        name: "share".to_string(),
        values: Values::Float(counts.iter().map(|count| Some(count.rows as f64 / rows.max(1) as f64)).collect()),
    });
    Table { columns }
}

/// Counts as a table for people: one line for each column and reason, one column for each value counted by, nothing where
/// nothing is missing. Without them if there are more values than `most`.
pub fn wide(counts: &[Count], rows: u64, most: usize) -> Table {
    let mut values: Vec<Option<String>> = Vec::new();
    let mut lines: Vec<(&str, &Reason)> = Vec::new();
    for count in counts {
        if !values.contains(&count.by) {
            values.push(count.by.clone());
        }
        if !lines.contains(&(count.column.as_str(), &count.reason)) {
            lines.push((&count.column, &count.reason));
        }
    }
    sort(&mut values);
    let of = |line: &(&str, &Reason), by: Option<&Option<String>>| -> Option<u64> {
        let is_in =
            |count: &&Count| count.column == line.0 && count.reason == *line.1 && by.is_none_or(|by| *by == count.by);
        let mut found = counts.iter().filter(is_in).map(|count| count.rows).peekable();
        found.peek().is_some().then(|| found.sum())
    };
    let totals: Vec<u64> = lines.iter().map(|line| of(line, None).unwrap_or(0)).collect();
    let text =
        |name: &str, values: Vec<Option<String>>| Column { name: name.to_string(), values: Values::Text(values) };
    let mut columns = vec![
        text("column", lines.iter().map(|(column, _)| Some(column.to_string())).collect()),
        text("code", lines.iter().map(|(_, reason)| Some(reason.code.clone())).collect()),
        text("from", lines.iter().map(|(_, reason)| Some(reason.from.clone().unwrap_or_default())).collect()),
        Column { name: "total".to_string(), values: Values::Int(totals.iter().map(|n| Some(*n as i64)).collect()) },
        Column {
            name: "share".to_string(),
            values: Values::Float(totals.iter().map(|n| Some(rounded(*n as f64 / rows.max(1) as f64))).collect()),
        },
    ];
    if values.len() <= most && values != [None] {
        for value in &values {
            let name = value.as_deref().unwrap_or("null");
            // A text, so that there can be nothing where nothing is missing; it stands on the right as a number does.
            let cells = lines.iter().map(|line| of(line, Some(value)).map_or(String::new(), |n| n.to_string()));
            columns.push(text(name, cells.map(|cell| Some(format!("{cell:>width$}", width = name.len()))).collect()));
        }
    }
    Table { columns }
}

/// To four places.
fn rounded(share: f64) -> f64 {
    (share * 1e4).round() / 1e4
}

/// Numbers by their size, then texts.
fn sort(values: &mut [Option<String>]) {
    let number = |value: &Option<String>| value.as_ref().and_then(|text| text.parse::<f64>().ok());
    values.sort_by(|a, b| match (number(a), number(b)) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.cmp(b),
    });
}

/// Of one column, by the value counted by, how often each reason is given.
fn found(column: &str, reasons: &Reasons) -> BTreeMap<Option<String>, BTreeMap<Reason, u64>> {
    let mut found: BTreeMap<Option<String>, BTreeMap<Reason, u64>> = BTreeMap::new();
    for (_, given) in reasons.columns.iter().filter(|(name, _)| *name == column) {
        for (row, reason) in given.iter().enumerate() {
            if let Some(reason) = reason {
                let by = reasons.by.and_then(|by| by.text(row));
                *found.entry(by).or_default().entry(reason.clone()).or_default() += 1;
            }
        }
    }
    found
}

fn known<'t>(table: &'t Table, name: &str) -> Result<&'t Column, TableError> {
    table.column(name).ok_or_else(|| TableError::UnknownColumn {
        column: name.to_string(),
        known: table.columns.iter().map(|column| column.name.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{render, write};

    #[test]
    fn what_reasons_do_not_account_for_is_counted_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        let column = |name: &str, values: Values| Column { name: name.to_string(), values };
        let table = Table::new(vec![
            column("id", Values::Int((1..=4).map(Some).collect())),
            column("year", Values::Int(vec![Some(9), Some(10), Some(10), None])),
            column("x", Values::Float(vec![None, None, None, Some(1.0)])),
        ]);
        write::write(&path, &table.expect("a table"), &["id".to_string()]).expect("written");
        let reason = |code: &str| Reason { code: code.to_string(), from: Some("y of s".to_string()) };
        let years = Values::Int(vec![Some(9), Some(10), Some(9)]);
        let counted = |given: &[Option<Reason>]| {
            let reasons = Reasons { columns: vec![("x", given)], by: Some(&years) };
            let other = Reason { code: OTHER.to_string(), from: None };
            counts(&path, Some("year"), &reasons, &other).expect("read")
        };
        let exact = counted(&[None, Some(reason("A")), None]);
        let lines = render::csv(&long(&exact, Some("year"), 4));
        let expected = "column,code,from,year,n,share\nyear,OTHER,,,1,0.25\nx,OTHER,,9,1,0.25\nx,A,y of s,10,1,0.25\nx,OTHER,,10,1,0.25";
        assert_eq!(lines, expected);
        // Of year 9 there is one missing value and not two: these reasons are of other rows.
        let wrong = counted(&[Some(reason("A")), Some(reason("A")), Some(reason("B"))]);
        let shown = render::csv(&wide(&wrong, 4, 9));
        let expected = "column,code,from,total,share,9,10,null\nyear,OTHER,\"\",1,0.25, ,  ,   1\nx,OTHER,\"\",2,0.5,1, 1,    \nx,A,y of s,1,0.25, , 1,    ";
        assert_eq!(shown, expected);
        assert_eq!(render::csv(&wide(&wrong, 4, 1)).lines().next(), Some("column,code,from,total,share"));
        assert!(counts(&path, Some("z"), &Reasons { columns: Vec::new(), by: None }, &reason("A")).is_err());
    }
}
