//! Columns as plain vectors, the form in which data cross the border of this crate. Knows no file.

use crate::error::TableError;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The values of a column; `None` is missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// True or false.
    Bool(Vec<Option<bool>>),
    /// Whole numbers.
    Int(Vec<Option<i64>>),
    /// Numbers; a stored one is always finite.
    Float(Vec<Option<f64>>),
    /// Texts; the empty text is not missing.
    Text(Vec<Option<String>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
}

/// A name and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Unique in its table.
    pub name: String,
    /// One per row.
    pub values: Values,
}

/// Columns of equal length with different names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In the order in which they are written and shown.
    pub columns: Vec<Column>,
}

/// The five types a stored column can have.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `bool`
    Bool,
    /// `int`, 64 bits with sign
    Int,
    /// `float`, 64 bits
    Float,
    /// `text`, UTF-8
    Text,
    /// `date`, a day without a time
    Date,
}

/// A word that names none of the five types.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no column type `{0}`; there are bool, int, float, text, date")]
pub struct UnknownType(String);

impl Values {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Bool(values) => values.len(),
            Values::Int(values) => values.len(),
            Values::Float(values) => values.len(),
            Values::Text(values) => values.len(),
            Values::Date(values) => values.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type that these values are stored as.
    pub fn kind(&self) -> ColumnType {
        match self {
            Values::Bool(_) => ColumnType::Bool,
            Values::Int(_) => ColumnType::Int,
            Values::Float(_) => ColumnType::Float,
            Values::Text(_) => ColumnType::Text,
            Values::Date(_) => ColumnType::Date,
        }
    }

    /// Whether the value of this row is missing.
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Values::Bool(values) => values[row].is_none(),
            Values::Int(values) => values[row].is_none(),
            Values::Float(values) => values[row].is_none(),
            Values::Text(values) => values[row].is_none(),
            Values::Date(values) => values[row].is_none(),
        }
    }

    /// One value as text: floats in their shortest exact form, dates as `2012-01-31`; `None` if missing.
    pub fn text(&self, row: usize) -> Option<String> {
        match self {
            Values::Bool(values) => values[row].map(|value| value.to_string()),
            Values::Int(values) => values[row].map(|value| value.to_string()),
            Values::Float(values) => values[row].map(float_text),
            Values::Text(values) => values[row].clone(),
            Values::Date(values) => values[row].map(date_text),
        }
    }
}

impl Table {
    /// Checks that the columns have equal lengths and different names.
    pub fn new(columns: Vec<Column>) -> Result<Table, TableError> {
        let table = Table { columns };
        table.check()?;
        Ok(table)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// These columns of one row as `(a, 2012)`; names without a column are left out, a missing value is `null`.
    pub fn row_text(&self, columns: &[String], row: usize) -> String {
        let values = columns.iter().filter_map(|name| self.column(name));
        let values = values.map(|column| column.values.text(row).unwrap_or_else(|| "null".to_string()));
        format!("({})", values.collect::<Vec<_>>().join(", "))
    }

    /// What `new` promises; the fields are public, so it is asked again where a table enters this crate.
    pub(crate) fn check(&self) -> Result<(), TableError> {
        let mut seen = BTreeSet::new();
        for Column { name, values } in &self.columns {
            if !seen.insert(name) {
                return Err(TableError::DoubleColumn { column: name.clone() });
            }
            if values.len() != self.rows() {
                return Err(TableError::Length { column: name.clone(), found: values.len(), expected: self.rows() });
            }
        }
        Ok(())
    }
}

impl ColumnType {
    /// The word for it: `bool`, `int`, `float`, `text` or `date`.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Bool => "bool",
            ColumnType::Int => "int",
            ColumnType::Float => "float",
            ColumnType::Text => "text",
            ColumnType::Date => "date",
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ColumnType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<ColumnType, UnknownType> {
        match text {
            "bool" => Ok(ColumnType::Bool),
            "int" => Ok(ColumnType::Int),
            "float" => Ok(ColumnType::Float),
            "text" => Ok(ColumnType::Text),
            "date" => Ok(ColumnType::Date),
            other => Err(UnknownType(other.to_string())),
        }
    }
}

/// The fewest digits that give the same float back; with an exponent where zeros would only fill the line.
pub fn float_text(value: f64) -> String {
    let size = value.abs();
    if value.is_finite() && value != 0.0 && !(1e-5..1e16).contains(&size) {
        return format!("{value:e}");
    }
    value.to_string()
}

/// The day as `YYYY-MM-DD` in the proleptic Gregorian calendar (Hinnant, days_from_civil reversed).
pub fn date_text(days: i32) -> String {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, text) in [(0, "1970-01-01"), (-1, "1969-12-31"), (15_370, "2012-01-31"), (11_016, "2000-02-29")] {
            assert_eq!(date_text(days), text);
        }
    }

    #[test]
    fn floats_are_short_and_come_back_exactly() {
        for (value, text) in [
            (0.1, "0.1"),
            (1.0e9, "1000000000"),
            (1.0e300, "1e300"),
            (-2.5e-9, "-2.5e-9"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            assert_eq!(float_text(value), text);
            assert_eq!(text.parse::<f64>(), Ok(value));
        }
    }

    #[test]
    fn types_are_known_by_their_names() {
        for kind in [ColumnType::Bool, ColumnType::Int, ColumnType::Float, ColumnType::Text, ColumnType::Date] {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert_eq!("real".parse::<ColumnType>(), Err(UnknownType("real".to_string())));
    }

    #[test]
    fn a_table_has_equal_lengths_and_different_names() {
        let column =
            |name: &str, rows: usize| Column { name: name.to_string(), values: Values::Int(vec![Some(1); rows]) };
        for (columns, expected) in [
            (vec![column("a", 2), column("b", 2)], Ok(2)),
            (vec![], Ok(0)),
            (vec![column("a", 2), column("a", 2)], Err("two columns are called `a`")),
            (vec![column("a", 2), column("b", 1)], Err("column `b` has 1 rows where the others have 2")),
        ] {
            let found = Table::new(columns).map(|table| table.rows()).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_string));
        }
    }
}
