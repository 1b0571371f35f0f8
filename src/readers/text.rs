//! A plain text file as one row: its whole text, and what its name says.

use std::{borrow::Cow, io::Read};

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Ground},
    cell::Cell,
    encoding,
    error::ReadError,
    extract::Extract,
    layout::Compiled,
    source::Source,
};

pub(crate) fn read(source: &Source, compiled: &Compiled) -> Result<Extract, ReadError> {
    let encoding = encoding::decide(source, compiled)?;
    let mut body = String::new();
    encoding::reader(source, encoding)?.read_to_string(&mut body).map_err(|error| source.open_error(error))?;
    let label = |_| String::from("text");
    let ground = Ground { source, sheet: "", header: None, fields: None, width: Some(1), label: &label };
    let bindings = bind::bind(compiled, &ground)?;
    let mut assembler = Assembler::new(compiled, source, Places::Whole)?;
    assembler.start_sheet("", bindings, false);
    let cells: Vec<Cell> = assembler
        .wanted()
        .iter()
        .map(|index| match index {
            Some(_) => Cell::Text(Cow::Borrowed(body.as_str())),
            None => Cell::Empty,
        })
        .collect();
    assembler.row(1, &cells, String::new);
    assembler.finish(Some(encoding::label(encoding)))
}
