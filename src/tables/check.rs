//! Rules that a table must keep. A broken rule is a finding with counts and rows, not an error; an error is a rule that
//! cannot be asked of this table.

mod breaks;

use crate::columns::{Column, ColumnType, Table, Values};
use crate::error::{TableError, counted, listed};
use crate::read;
use crate::sql::{self, SqlError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// At least this share of the rows has a value.
    NotNull { column: String, share: f64 },
    /// Values lie within the bounds, which are allowed themselves; nulls are not looked at.
    Range { column: String, min: Option<f64>, max: Option<f64> },
    /// No row satisfies this SQL condition.
    None { predicate: String },
    /// Every unit has every time that some unit has.
    Balanced { unit: String, time: String },
    /// No year into which the typical unit's value jumps by more than the factor, compared with other years: see `breaks`.
    Break { column: String, unit: String, time: String, factor: f64 },
    /// Values, as text, are among these; nulls are not looked at.
    OneOf { column: String, values: Vec<String> },
    /// The number of rows lies within the bounds, which are allowed themselves.
    Rows { min: Option<u64>, max: Option<u64> },
    /// No two rows agree in all of these columns.
    Unique { columns: Vec<String> },
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule in a few words.
    pub rule: String,
    /// What was found, with counts, and the keys of the first rows.
    pub message: String,
    /// Some of the rows: at most 20.
    pub rows: Option<Table>,
    /// How often the rule is broken: rows, pairs of unit and time, or years.
    pub count: u64,
}

/// Rows kept with a finding.
const SHOWN: usize = 20;
/// Rows named in its message.
const NAMED: usize = 5;

/// Checks one rule over the table in a file.
pub fn check(path: &Path, key: &[String], rule: &Rule) -> Result<Option<Finding>, SqlError> {
    if let Rule::None { predicate } = rule {
        let rows = sql::filter(path, Some(predicate), None, None)?;
        let all: Vec<usize> = (0..rows.rows()).collect();
        return Ok(finding(&rows, key, &[], &all, format!("none: {predicate}"), |count| {
            format!("`{predicate}` holds in {}", counted(count, "row"))
        }));
    }
    let names = read::names(path)?;
    // The rule's columns must be there; the key only serves to name rows. Without any column there would be no rows to count.
    let mut wanted = rule_columns(rule).unwrap_or_default();
    wanted.extend(key.iter().filter(|name| names.contains(name)).cloned());
    wanted.extend(names.first().filter(|_| wanted.is_empty()).cloned());
    wanted.sort();
    wanted.dedup();
    let table = read::read(path, Some(&wanted))?;
    let column = |name: &String| -> Result<&Column, TableError> {
        table.column(name).ok_or_else(|| TableError::UnknownColumn { column: name.clone(), known: names.clone() })
    };
    let rows = 0..table.rows();
    let total = rows.len() as u64;
    let found = match rule {
        Rule::NotNull { column: name, share } => {
            let values = &column(name)?.values;
            let nulls: Vec<usize> = rows.filter(|row| values.is_null(*row)).collect();
            let missing = nulls.len() as f64 / total.max(1) as f64;
            let present = (total - nulls.len() as u64) as f64 / total.max(1) as f64;
            if total == 0 || present >= *share {
                return Ok(None);
            }
            finding(&table, key, &[name], &nulls, format!("{name}: not null in {share}"), |count| {
                format!("`{name}` is null in {count} of {}, {:.1} %", counted(total, "row"), 100.0 * missing)
            })
        }
        Rule::Range { column: name, min, max } => {
            let values = numbers(column(name)?)?;
            let outside =
                |value: f64| min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max) || value.is_nan();
            let bad: Vec<usize> = rows.filter(|row| values[*row].is_some_and(outside)).collect();
            let bounds = bounds(min.map(|min| min.to_string()), max.map(|max| max.to_string()));
            finding(&table, key, &[name], &bad, format!("{name}: {bounds}"), |count| {
                format!("`{name}` is not {bounds} in {count} of {}", counted(total, "row"))
            })
        }
        Rule::OneOf { column: name, values: allowed } => {
            let values = &column(name)?.values;
            let foreign = |row: &usize| values.text(*row).filter(|text| !allowed.contains(text));
            let bad: Vec<usize> = rows.filter(|row| foreign(row).is_some()).collect();
            let others: BTreeSet<String> = bad.iter().filter_map(foreign).collect();
            let first: Vec<String> = others.iter().take(NAMED).map(|text| format!("`{text}`")).collect();
            finding(&table, key, &[name], &bad, format!("{name}: one of {}", allowed.join(", ")), |count| {
                let values = counted(others.len() as u64, "other value");
                let values = format!("{values}{}", listed(others.len() as u64, &first));
                format!("`{name}` is none of {} in {} with {values}; rows", allowed.join(", "), counted(count, "row"))
            })
        }
        Rule::Rows { min, max } => {
            let wrong = min.is_some_and(|min| total < min) || max.is_some_and(|max| total > max);
            let bounds = bounds(min.map(|min| min.to_string()), max.map(|max| max.to_string()));
            wrong.then(|| Finding {
                rule: format!("rows: {bounds}"),
                message: format!("there are {}, not {bounds}", counted(total, "row")),
                rows: None,
                count: total,
            })
        }
        Rule::Unique { columns } => {
            let chosen: Vec<&Column> = columns.iter().map(column).collect::<Result<_, _>>()?;
            let mut groups: BTreeMap<Vec<Option<String>>, Vec<usize>> = BTreeMap::new();
            for row in rows {
                groups.entry(chosen.iter().map(|one| one.values.text(row)).collect()).or_default().push(row);
            }
            // Rows that agree stand together, so that they can be compared.
            let bad: Vec<usize> = groups.into_values().filter(|rows| rows.len() > 1).flatten().collect();
            let names: Vec<&String> = columns.iter().collect();
            finding(&table, key, &names, &bad, format!("unique: {}", columns.join(", ")), |count| {
                format!("{} not unique in [{}]", counted_are(count, "row"), columns.join(", "))
            })
        }
        Rule::Balanced { unit, time } => balanced(&table, column(unit)?, column(time)?),
        Rule::Break { column: name, unit, time, factor } => {
            let years = match &column(time)?.values {
                Values::Int(years) => years,
                _ => return Err(wrong_type(column(time)?, "a year of type int").into()),
            };
            breaks::find(name, &numbers(column(name)?)?, column(unit)?, (time, years), *factor)?
        }
        Rule::None { .. } => None,
    };
    Ok(found)
}

/// The columns that a rule reads, sorted; `None` if that cannot be told, as of a condition with a subquery.
pub fn rule_columns(rule: &Rule) -> Option<Vec<String>> {
    let mut columns = match rule {
        Rule::NotNull { column, .. } | Rule::Range { column, .. } | Rule::OneOf { column, .. } => vec![column.clone()],
        Rule::None { predicate } => return sql::condition_columns(predicate),
        Rule::Balanced { unit, time } => vec![unit.clone(), time.clone()],
        Rule::Break { column, unit, time, .. } => vec![column.clone(), unit.clone(), time.clone()],
        Rule::Rows { .. } => Vec::new(),
        Rule::Unique { columns } => columns.clone(),
    };
    columns.sort();
    columns.dedup();
    Some(columns)
}

/// A finding over these rows, if there are any: with the key and the columns of the rule, or all columns if it has none.
fn finding(
    table: &Table,
    key: &[String],
    columns: &[&String],
    rows: &[usize],
    rule: String,
    message: impl Fn(u64) -> String,
) -> Option<Finding> {
    if rows.is_empty() {
        return None;
    }
    let count = rows.len() as u64;
    let shown = &rows[..rows.len().min(SHOWN)];
    let mut chosen: Vec<&Column> = key.iter().filter_map(|name| table.column(name)).collect();
    let others = table.columns.iter().filter(|column| !key.contains(&column.name));
    chosen.extend(others.filter(|column| columns.is_empty() || columns.contains(&&column.name)));
    let sample = Table {
        columns: chosen
            .into_iter()
            .map(|column| Column { name: column.name.clone(), values: pick(&column.values, shown) })
            .collect(),
    };
    let named = if key.iter().all(|name| sample.column(name).is_none()) { 0 } else { NAMED.min(shown.len()) };
    let named: Vec<String> = (0..named).map(|row| sample.row_text(key, row)).collect();
    Some(Finding { rule, message: format!("{}{}", message(count), listed(count, &named)), rows: Some(sample), count })
}

fn balanced(table: &Table, unit: &Column, time: &Column) -> Option<Finding> {
    // By first row, so that the table's own order is kept: text order would put 10 before 9.
    let mut units: BTreeMap<String, (usize, BTreeSet<String>)> = BTreeMap::new();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for row in 0..table.rows() {
        if let (Some(unit), Some(text)) = (unit.values.text(row), time.values.text(row)) {
            units.entry(unit).or_insert_with(|| (row, BTreeSet::new())).1.insert(text.clone());
            times.entry(text).or_insert(row);
        }
    }
    let mut missing: Vec<(usize, usize)> = Vec::new();
    for (row, present) in units.values() {
        missing.extend(times.iter().filter(|(time, _)| !present.contains(*time)).map(|(_, time)| (*row, *time)));
    }
    if missing.is_empty() {
        return None;
    }
    missing.sort_unstable();
    let shown = &missing[..missing.len().min(SHOWN)];
    let rows: (Vec<usize>, Vec<usize>) = shown.iter().copied().unzip();
    let sample = Table {
        columns: vec![
            Column { name: unit.name.clone(), values: pick(&unit.values, &rows.0) },
            Column { name: time.name.clone(), values: pick(&time.values, &rows.1) },
        ],
    };
    let pair = [unit.name.clone(), time.name.clone()];
    let named: Vec<String> = (0..shown.len().min(NAMED)).map(|row| sample.row_text(&pair, row)).collect();
    let count = missing.len() as u64;
    Some(Finding {
        rule: format!("balanced: {}, {}", unit.name, time.name),
        message: format!(
            "{count} of {} pairs of `{}` and `{}` are missing{}",
            units.len() * times.len(),
            unit.name,
            time.name,
            listed(count, &named)
        ),
        rows: Some(sample),
        count,
    })
}

/// The column as numbers; an error if it has none, because a rule that looks at nothing would always be kept.
fn numbers(column: &Column) -> Result<Vec<Option<f64>>, TableError> {
    match &column.values {
        Values::Float(values) => Ok(values.clone()),
        Values::Int(values) => Ok(values.iter().map(|value| value.map(|value| value as f64)).collect()),
        Values::Bool(values) => Ok(values.iter().map(|value| value.map(|value| f64::from(u8::from(value)))).collect()),
        Values::Text(_) | Values::Date(_) => Err(wrong_type(column, "a number")),
    }
}

fn wrong_type(column: &Column, wanted: &str) -> TableError {
    let kind: ColumnType = column.values.kind();
    TableError::WrongType { column: column.name.clone(), found: kind.to_string(), wanted: wanted.to_string() }
}

fn bounds(min: Option<String>, max: Option<String>) -> String {
    match (min, max) {
        (Some(min), Some(max)) if min == max => min,
        (Some(min), Some(max)) => format!("between {min} and {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any".to_string(),
    }
}

fn counted_are(count: u64, noun: &str) -> String {
    format!("{} {}", counted(count, noun), if count == 1 { "is" } else { "are" })
}

fn pick(values: &Values, rows: &[usize]) -> Values {
    match values {
        Values::Bool(values) => Values::Bool(rows.iter().map(|row| values[*row]).collect()),
        Values::Int(values) => Values::Int(rows.iter().map(|row| values[*row]).collect()),
        Values::Float(values) => Values::Float(rows.iter().map(|row| values[*row]).collect()),
        Values::Text(values) => Values::Text(rows.iter().map(|row| values[*row].clone()).collect()),
        Values::Date(values) => Values::Date(rows.iter().map(|row| values[*row]).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    /// Three cities over 2009 to 2011, without (c, 2010): x is 1 to 8 with a gap, kind is a word.
    fn checked(rule: Rule) -> Result<Option<Finding>, SqlError> {
        let rows =
            [("a", 2009), ("a", 2010), ("a", 2011), ("b", 2009), ("b", 2010), ("b", 2011), ("c", 2009), ("c", 2011)];
        let texts = |values: Vec<&str>| Values::Text(values.into_iter().map(|text| Some(text.to_string())).collect());
        let column = |name: &str, values: Values| Column { name: name.to_string(), values };
        let x = (1..=8).map(|value| (value != 4).then_some(f64::from(value))).collect();
        let table = Table::new(vec![
            column("x", Values::Float(x)),
            column("city", texts(rows.iter().map(|(city, _)| *city).collect())),
            column("year", Values::Int(rows.iter().map(|(_, year)| Some(*year)).collect())),
            column("kind", texts(vec!["发明", "发明", "外观", "发明", "其他", "发明", "未知", "其他"])),
        ]);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t");
        write::write(&path, &table.expect("a table"), &names(&["city", "year"])).expect("written");
        check(&path, &names(&["city", "year"]), &rule)
    }

    #[test]
    fn rules_are_kept_or_broken() {
        let column = |name: &str| name.to_string();
        for (rule, expected) in [
            (Rule::NotNull { column: column("x"), share: 0.875 }, None),
            (
                Rule::NotNull { column: column("x"), share: 0.9 },
                Some("1 [x: not null in 0.9] `x` is null in 1 of 8 rows, 12.5 %: (b, 2009)"),
            ),
            (Rule::Range { column: column("x"), min: Some(1.0), max: Some(8.0) }, None),
            (
                Rule::Range { column: column("x"), min: Some(2.0), max: None },
                Some("1 [x: at least 2] `x` is not at least 2 in 1 of 8 rows: (a, 2009)"),
            ),
            (
                Rule::Range { column: column("year"), min: None, max: Some(2008.0) },
                Some(
                    "8 [year: at most 2008] `year` is not at most 2008 in 8 of 8 rows: \
                     (a, 2009), (a, 2010), (a, 2011), (b, 2009), (b, 2010), …",
                ),
            ),
            (Rule::None { predicate: "x < 1".to_string() }, None),
            (
                Rule::None { predicate: "x > 6 -- large".to_string() },
                Some("2 [none: x > 6 -- large] `x > 6 -- large` holds in 2 rows: (c, 2009), (c, 2011)"),
            ),
            (Rule::OneOf { column: column("kind"), values: names(&["发明", "外观", "其他", "未知"]) }, None),
            (
                Rule::OneOf { column: column("kind"), values: names(&["发明", "外观"]) },
                Some(
                    "3 [kind: one of 发明, 外观] `kind` is none of 发明, 外观 in 3 rows with 2 other values: `其他`, `未知`; \
                     rows: (b, 2010), (c, 2009), (c, 2011)",
                ),
            ),
            (Rule::OneOf { column: column("year"), values: names(&["2009", "2010", "2011"]) }, None),
            (Rule::Rows { min: Some(8), max: Some(8) }, None),
            (Rule::Rows { min: Some(9), max: None }, Some("8 [rows: at least 9] there are 8 rows, not at least 9")),
            (Rule::Rows { min: None, max: Some(7) }, Some("8 [rows: at most 7] there are 8 rows, not at most 7")),
            (Rule::Unique { columns: names(&["city", "year"]) }, None),
            (
                Rule::Unique { columns: names(&["city", "kind"]) },
                Some(
                    "4 [unique: city, kind] 4 rows are not unique in [city, kind]: \
                     (a, 2009), (a, 2010), (b, 2009), (b, 2011)",
                ),
            ),
            (
                Rule::Balanced { unit: column("city"), time: column("year") },
                Some("1 [balanced: city, year] 1 of 9 pairs of `city` and `year` are missing: (c, 2010)"),
            ),
        ] {
            let found = checked(rule.clone()).unwrap_or_else(|error| panic!("{rule:?}: {error}"));
            let found = found.map(|found| format!("{} [{}] {}", found.count, found.rule, found.message));
            assert_eq!(found.as_deref(), expected, "{rule:?}");
        }
    }

    #[test]
    fn the_sample_has_the_key_and_what_the_rule_is_about() {
        let found = checked(Rule::Range { column: "x".to_string(), min: None, max: Some(2.0) }).expect("asked");
        let rows = found.and_then(|found| found.rows).expect("rows");
        let columns: Vec<&str> = rows.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((columns, rows.rows()), (vec!["city", "year", "x"], 5));
    }

    #[test]
    fn a_rule_that_cannot_be_asked_is_an_error() {
        let column = |name: &str| name.to_string();
        for (rule, expected) in [
            (Rule::NotNull { column: column("z"), share: 1.0 }, "no column `z`; there are [x, city, year, kind]"),
            (
                Rule::Range { column: column("kind"), min: None, max: None },
                "column `kind` is text, and a number is needed here",
            ),
            (
                Rule::Break { column: column("x"), unit: column("city"), time: column("kind"), factor: 1.3 },
                "column `kind` is text, and a year of type int is needed here",
            ),
            (
                Rule::Break { column: column("x"), unit: column("kind"), time: column("year"), factor: 1.3 },
                "[kind, year] does not identify a row: 1 value repeated: (发明, 2009) has 2 rows",
            ),
            (Rule::None { predicate: "xx > 1".to_string() }, "no column `xx`"),
        ] {
            assert_eq!(checked(rule).expect_err(expected).to_string(), expected);
        }
    }

    #[test]
    fn a_rule_says_what_it_reads() {
        let column = |name: &str| name.to_string();
        for (rule, expected) in [
            (
                Rule::Break { column: column("x"), unit: column("city"), time: column("year"), factor: 1.3 },
                Some("city x year"),
            ),
            (Rule::Unique { columns: names(&["b", "a", "b"]) }, Some("a b")),
            (Rule::Rows { min: None, max: None }, Some("")),
            (Rule::None { predicate: "a > B + 1".to_string() }, Some("a b")),
            (Rule::None { predicate: "a in (select x from t)".to_string() }, None),
        ] {
            let columns = rule_columns(&rule).map(|columns| columns.join(" "));
            let expected = expected.map(|columns| {
                let mut columns: Vec<&str> = columns.split(' ').collect();
                columns.sort();
                columns.join(" ")
            });
            assert_eq!(columns, expected, "{rule:?}");
        }
    }
}
