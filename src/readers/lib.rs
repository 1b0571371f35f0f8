//! Raw files to typed columns, with the origin of every row: spreadsheets, delimited text, Stata files,
//! JSON lines and plain text.
//!
//! A [`Layout`] says where the columns are and what they mean; [`read`] applies it to one file and either returns
//! every value with its place, or one error that names file, sheet and cell. The order of work is the order
//! of the modules: the file is opened (`spreadsheet`, `delimited`, `stata`, `jsonl`, `text`), its header is found and its
//! columns are bound (`header`, `bind`), then every row goes through one assembler (`assemble`) that skips,
//! parses (`value`), scales and counts.
//!
//! Only owner of calamine, dta, encoding_rs and chardetng. Knows no Arrow, no YAML and no stage.

mod assemble;
mod bind;
mod cell;
pub mod chunk;
mod date;
mod decoded;
mod delimited;
mod encoding;
pub mod error;
pub mod extract;
mod header;
mod jsonl;
pub mod layout;
mod normal;
mod number;
mod records;
mod sniff;
mod source;
mod spreadsheet;
mod stata;
mod text;
mod value;
mod workbook;

use crate::chunk::Chunk;
use crate::error::ReadError;
use crate::extract::Extract;
use crate::layout::{Compiled, Format, Layout};
use crate::source::Source;
use std::path::Path;
use std::sync::mpsc::SyncSender;

/// Enters the key of everything read; raised when the same file and layout give another result.
pub const VERSION: u32 = 2;

/// Reads one file as `layout` says. `shown_as` is the path as the user knows it; errors name the file by it.
pub fn read(path: &Path, shown_as: &str, layout: &Layout) -> Result<Extract, ReadError> {
    read_to(None, path, shown_as, layout)
}

/// The same with the rows given to `taker` as they are read, in the order of the file. What comes back has no rows, and of the
/// issues only those that are known at the end. It means nothing if the taker went away.
pub fn read_in_chunks(
    path: &Path,
    shown_as: &str,
    layout: &Layout,
    taker: SyncSender<Chunk>,
) -> Result<Extract, ReadError> {
    read_to(Some(taker), path, shown_as, layout)
}

fn read_to(
    taker: Option<SyncSender<Chunk>>,
    path: &Path,
    shown_as: &str,
    layout: &Layout,
) -> Result<Extract, ReadError> {
    let compiled = Compiled::new(layout)?;
    let mut source = Source::open(path, shown_as, &compiled)?;
    source.chunks = taker;
    match layout.format {
        Format::Spreadsheet => spreadsheet::read(&source, &compiled),
        Format::Csv => delimited::read(&source, &compiled),
        Format::Dta => stata::read(&source, &compiled),
        Format::Jsonl => jsonl::read(&source, &compiled),
        Format::Text => text::read(&source, &compiled),
    }
}
