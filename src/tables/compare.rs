//! How two versions of a table differ, by key. Knows no store.

use crate::columns::{Table, Values, date_text, float_text};
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
    use crate::columns::Column;
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
    }
}
