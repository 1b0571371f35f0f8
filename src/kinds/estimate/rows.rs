//! Rows of a table under a fixed list of columns. Knows no model.

use tables::columns::{Column, Table, Values};

/// Names and types of columns.
pub type Columns = &'static [(&'static str, &'static str)];

/// A value of a row.
#[derive(Clone, Debug)]
pub enum Cell {
    Int(Option<i64>),
    Float(Option<f64>),
    Text(Option<String>),
}

/// Rows so far.
pub struct Rows {
    columns: Columns,
    rows: Vec<Vec<Cell>>,
}

impl Rows {
    pub fn new(columns: Columns) -> Rows {
        Rows { columns, rows: Vec::new() }
    }

    /// A row with one value per column, each of its type.
    pub fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// The table; numbers that are not finite are missing in it.
    pub fn table(self) -> Table {
        let mut columns: Vec<Column> = self
            .columns
            .iter()
            .map(|(name, kind)| Column {
                name: name.to_string(),
                values: match *kind {
                    "int" => Values::Int(Vec::new()),
                    "float" => Values::Float(Vec::new()),
                    _ => Values::Text(Vec::new()),
                },
            })
            .collect();
        for row in self.rows {
            for (column, cell) in columns.iter_mut().zip(row) {
                match (&mut column.values, cell) {
                    (Values::Int(values), Cell::Int(value)) => values.push(value),
                    (Values::Float(values), Cell::Float(value)) => values.push(value.filter(|value| value.is_finite())),
                    (Values::Text(values), Cell::Text(value)) => values.push(value),
                    _ => unreachable!("a cell has the type of its column `{}`", column.name),
                }
            }
        }
        Table { columns }
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Cell {
        Cell::Int(Some(value as i64))
    }
}

impl From<Option<usize>> for Cell {
    fn from(value: Option<usize>) -> Cell {
        Cell::Int(value.map(|value| value as i64))
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Cell {
        Cell::Float(Some(value))
    }
}

impl From<Option<f64>> for Cell {
    fn from(value: Option<f64>) -> Cell {
        Cell::Float(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Cell {
        Cell::Text(Some(value.to_string()))
    }
}

impl From<Option<&str>> for Cell {
    fn from(value: Option<&str>) -> Cell {
        Cell::Text(value.map(str::to_string))
    }
}
