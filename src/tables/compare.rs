//! How two versions of a table differ, by key. Knows no store.

use crate::columns::{Column, Table, Values, date_text, float_text};
use crate::error::TableError;
use crate::read;
use std::collections::BTreeMap;
use std::path::Path;

/// Rows of which `column` (or, without one, the key) is not what it was, counted over the rows of both versions, and the
/// rows there are now. Values compare as their digests do: NaN equals NaN, −0 equals 0.
pub fn changed_rows(old: &Path, new: &Path, key: &[String], column: Option<&str>) -> Result<(u64, u64), TableError> {
    let (before, _) = cells(old, key, column)?;
    let (after, rows) = cells(new, key, column)?;
    let gone = before.keys().filter(|key| !after.contains_key(*key)).count();
    let other = after.iter().filter(|(key, value)| before.get(*key) != Some(value)).count();
    Ok(((gone + other) as u64, rows))
}

/// The first cells, at most `most`, in which two versions of a table differ: the key, the column, and both values as text.
/// Rows are matched by the key, or by their place where there is none. With the number of rows that differ.
pub fn first_differences(
    old: &Path,
    new: &Path,
    key: &[String],
    columns: &[String],
    most: usize,
) -> Result<(u64, Table), TableError> {
    let (before, after) = (Version::read(old, key, columns)?, Version::read(new, key, columns)?);
    let mut rows: Vec<(Option<usize>, Option<usize>)> = Vec::new();
    for (row, id) in before.ids.iter().enumerate() {
        rows.push((Some(row), after.row_of.get(id).copied()));
    }
    let fresh = after.ids.iter().enumerate().filter(|(_, id)| !before.row_of.contains_key(*id));
    rows.extend(fresh.map(|(row, _)| (None, Some(row))));
    let mut count = 0;
    let mut found: Vec<[String; 4]> = Vec::new();
    for (then, now) in rows {
        let differing: Vec<[String; 4]> = columns
            .iter()
            .filter_map(|column| {
                let (old, new) = (before.cell(column, then), after.cell(column, now));
                let version = if then.is_some() { &before } else { &after };
                let id = version.key_text(then.or(now).unwrap_or_default());
                (old != new).then(|| [id, column.clone(), old, new])
            })
            .collect();
        count += u64::from(!differing.is_empty());
        found.extend(differing.into_iter().take(most - found.len()));
    }
    let id = if key.is_empty() { "row".to_string() } else { key.join(", ") };
    let names = [id.as_str(), "column", "recorded", "now"];
    let columns = names.iter().enumerate().map(|(index, name)| Column {
        name: name.to_string(),
        values: Values::Text(found.iter().map(|cells| Some(cells[index].clone())).collect()),
    });
    Ok((count, Table { columns: columns.collect() }))
}

/// One of two versions, as texts.
struct Version {
    columns: BTreeMap<String, Vec<Option<String>>>,
    ids: Vec<Vec<Option<String>>>,
    row_of: BTreeMap<Vec<Option<String>>, usize>,
}

impl Version {
    /// Reads those of the columns that this version has.
    fn read(path: &Path, key: &[String], columns: &[String]) -> Result<Version, TableError> {
        let there = read::names(path)?;
        let mut names: Vec<String> = Vec::new();
        for name in key.iter().chain(columns).filter(|name| there.contains(name)) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let table = read::read(path, Some(&names))?;
        let rows = table.rows();
        let columns: BTreeMap<String, Vec<Option<String>>> =
            table.columns.into_iter().map(|column| (column.name, texts(&column.values))).collect();
        let id = |row: usize| match key {
            [] => vec![Some(row.to_string())],
            key => key.iter().map(|name| columns.get(name).and_then(|column| column[row].clone())).collect(),
        };
        let ids: Vec<Vec<Option<String>>> = (0..rows).map(id).collect();
        let row_of = ids.iter().cloned().enumerate().map(|(row, id)| (id, row)).collect();
        Ok(Version { columns, ids, row_of })
    }

    fn cell(&self, column: &str, row: Option<usize>) -> String {
        match (self.columns.get(column), row) {
            (None, _) => "no such column".to_string(),
            (_, None) => "no such row".to_string(),
            (Some(values), Some(row)) => values[row].clone().unwrap_or_else(|| "null".to_string()),
        }
    }

    fn key_text(&self, row: usize) -> String {
        let parts = self.ids[row].iter().map(|part| part.as_deref().unwrap_or("null"));
        parts.collect::<Vec<_>>().join(", ")
    }
}

type Cells = BTreeMap<Vec<Option<String>>, Option<String>>;

fn cells(path: &Path, key: &[String], column: Option<&str>) -> Result<(Cells, u64), TableError> {
    let mut names: Vec<String> = key.to_vec();
    names.extend(column.filter(|column| !key.iter().any(|name| name == column)).map(str::to_string));
    let table = read::read(path, Some(&names))?;
    let texts: Vec<Vec<Option<String>>> = table.columns.iter().map(|column| texts(&column.values)).collect();
    let at = |name: &str| table.columns.iter().position(|column| column.name == name);
    let value = column.and_then(at);
    let keys: Vec<usize> = key.iter().filter_map(|name| at(name)).collect();
    let rows = Table::rows(&table);
    let cells = (0..rows)
        .map(|row| {
            let key = keys.iter().map(|&column| texts[column][row].clone()).collect();
            (key, value.and_then(|column| texts[column][row].clone()))
        })
        .collect();
    Ok((cells, rows as u64))
}

fn texts(values: &Values) -> Vec<Option<String>> {
    match values {
        Values::Bool(values) => values.iter().map(|value| value.map(|value| value.to_string())).collect(),
        Values::Int(values) => values.iter().map(|value| value.map(|value| value.to_string())).collect(),
        // Adding zero turns −0 into 0.
        Values::Float(values) => values.iter().map(|value| value.map(|value| float_text(value + 0.0))).collect(),
        Values::Text(values) => values.clone(),
        Values::Date(values) => values.iter().map(|value| value.map(date_text)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render;
    use crate::write;

    #[test]
    fn changed_new_and_lost_rows_are_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = vec!["year".to_string()];
        let table = |name: &str, rows: &[(i64, Option<f64>)]| {
            let path = folder.path().join(name);
            let column = |name: &str, values: Values| Column { name: name.to_string(), values };
            let table = Table::new(vec![
                column("year", Values::Int(rows.iter().map(|(year, _)| Some(*year)).collect())),
                column("gdp", Values::Float(rows.iter().map(|(_, gdp)| *gdp).collect())),
            ]);
            write::write(&path, &table.expect("a table"), &key).expect("written");
            path
        };
        let old = table("old", &[(2007, Some(1.0)), (2008, None), (2009, Some(0.0)), (2010, Some(4.0))]);
        let new = table("new", &[(2007, Some(1.0)), (2008, Some(2.0)), (2009, Some(-0.0)), (2011, Some(4.0))]);
        assert_eq!(changed_rows(&old, &new, &key, Some("gdp")).expect("read"), (3, 4));
        assert_eq!(changed_rows(&old, &new, &key, None).expect("read"), (2, 4));
        assert_eq!(changed_rows(&new, &new, &key, Some("gdp")).expect("read"), (0, 4));

        let columns = ["gdp".to_string(), "year".to_string(), "gone".to_string()];
        let shown = |key: &[String], columns: &[String], most: usize| {
            let (count, cells) = first_differences(&old, &new, key, columns, most).expect("read");
            format!("{count}\n{}", render::csv(&cells))
        };
        let expected = "3\nyear,column,recorded,now\n2008,gdp,null,2\n2010,gdp,4,no such row\n2011,gdp,no such row,4";
        assert_eq!(shown(&key, &columns[..1], 5), expected);
        let expected = "3\nyear,column,recorded,now\n2008,gdp,null,2\n2010,gdp,4,no such row";
        assert_eq!(shown(&key, &columns, 2), expected);
        assert_eq!(shown(&[], &columns[1..2], 5), "1\nrow,column,recorded,now\n3,year,2010,2011");
        assert_eq!(shown(&key, &columns[2..], 5), "0\nyear,column,recorded,now");
    }
}
