//! Columns that somebody else has decoded, through the layout. Knows no file format.

use std::{borrow::Cow, path::Path};

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Binding, Ground},
    cell::Cell,
    error::ReadError,
    extract::{Extract, RawColumn, Values},
    layout::Compiled,
    source::Source,
};

/// A decoder of Parquet files, which this crate has none of. Errors are in its words.
pub trait Decoder: Sync {
    /// The names of the columns.
    fn names(&self, path: &Path) -> Result<Vec<String>, String>;
    /// These columns, in this order, all of one length.
    fn columns(&self, path: &Path, names: &[String]) -> Result<Vec<RawColumn>, String>;
}

/// Of no file: for whoever reads no Parquet.
pub struct NoDecoder;

impl Decoder for NoDecoder {
    fn names(&self, _: &Path) -> Result<Vec<String>, String> {
        Err("nobody here decodes Parquet".into())
    }

    fn columns(&self, path: &Path, _: &[String]) -> Result<Vec<RawColumn>, String> {
        self.names(path).map(|_| Vec::new())
    }
}

pub(crate) fn read(source: &Source, compiled: &Compiled, decoder: &dyn Decoder) -> Result<Extract, ReadError> {
    let names = names(source, decoder)?;
    let label = |index: usize| names.get(index).cloned().unwrap_or_default();
    let ground =
        Ground { source, sheet: "", header: None, fields: Some(&names), width: Some(names.len()), label: &label };
    let bindings = bind::bind(compiled, &ground)?;
    let mut wanted: Vec<String> = Vec::new();
    let places: Vec<Option<usize>> = bindings
        .iter()
        .map(|binding| match binding {
            Binding::Cell { label, .. } => Some(wanted.iter().position(|name| name == label).unwrap_or_else(|| {
                wanted.push(label.clone());
                wanted.len() - 1
            })),
            _ => None,
        })
        .collect();
    // Only the number of rows is asked for where the layout wants no column.
    if wanted.is_empty() {
        wanted.extend(names.first().cloned());
    }
    let columns = decoder.columns(&source.path, &wanted).map_err(|cause| failed(source, cause))?;
    let mut assembler = Assembler::new(compiled, source, Places::Rows)?;
    assembler.start_sheet("", bindings, false);
    for row in 0..columns.first().map_or(0, |column| column.values.len()) {
        let cells: Vec<Cell> = places
            .iter()
            .map(|place| place.and_then(|place| columns.get(place)).map_or(Cell::Empty, |column| cell(column, row)))
            .collect();
        assembler.row(u32::try_from(row + 1).unwrap_or(u32::MAX), &cells, String::new);
    }
    assembler.finish(None)
}

/// The names of its columns.
pub(crate) fn names(source: &Source, decoder: &dyn Decoder) -> Result<Vec<String>, ReadError> {
    decoder.names(&source.path).map_err(|cause| failed(source, cause))
}

fn failed(source: &Source, cause: String) -> ReadError {
    ReadError::Parquet { file: source.file.clone(), cause }
}

fn cell(column: &RawColumn, row: usize) -> Cell<'_> {
    let found = match &column.values {
        Values::Text(values) => values[row].as_deref().map(|text| Cell::Text(Cow::Borrowed(text))),
        Values::Int(values) => values[row].map(Cell::Integer),
        Values::Float(values) => values[row].map(Cell::Number),
        Values::Bool(values) => values[row].map(Cell::Bool),
        Values::Date(values) => values[row].map(|days| Cell::Date { days, with_time: false }),
    };
    found.unwrap_or(Cell::Empty)
}
