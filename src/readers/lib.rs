//! Raw files to typed columns, with the origin of every row: spreadsheets, delimited text, Stata files,
//! JSON lines and plain text.
//!
//! A [`Layout`] says where the columns are and what they mean; [`read`] applies it to one file and either returns
//! every value with its place, or one error that names file, sheet and cell. The order of work is the order
//! of the modules: the file is opened (`spreadsheet`, `delimited`, `stata`, `jsonl`, `text`), its header is found and its
//! columns are bound (`header`, `bind`), then every row goes through one assembler (`assemble`) that skips,
//! parses (`value`), scales and counts.
//!
//! Beside that it turns words into data: printed names of places into identifiers (`places`), texts into counts of terms (`terms`) and of
//! tokens (`segment`).
//!
//! Only owner of aho-corasick, jieba-rs, calamine, csv, dta, encoding_rs and chardetng. Knows no Arrow, no YAML and no stage.

mod assemble;
mod bind;
mod cell;
pub mod contradiction;
mod date;
mod declared;
mod delimited;
mod encoding;
pub mod error;
pub mod extract;
#[cfg(test)]
mod features;
mod header;
mod jsonl;
pub mod layout;
mod name;
mod normal;
mod number;
pub mod places;
pub mod segment;
mod sniff;
mod source;
mod spreadsheet;
mod stata;
pub mod survey;
pub mod terms;
mod text;
mod totals;
mod unit;
mod value;
mod workbook;

use crate::error::ReadError;
use crate::extract::{Extract, Issue, IssueCode};
use crate::layout::{Compiled, Encoding, Format, Layout};
use crate::source::Source;
use std::path::Path;

/// Enters the key of everything read; raised when the same file and layout give another result.
pub const VERSION: u32 = 3;

/// Reads one file as `layout` says. `shown_as` is the path as the user knows it; errors name the file by it.
pub fn read(path: &Path, shown_as: &str, layout: &Layout) -> Result<Extract, ReadError> {
    let compiled = Compiled::new(layout)?;
    let source = Source::open(path, shown_as, &compiled)?;
    let mut extract = match layout.format {
        Format::Spreadsheet => spreadsheet::read(&source, &compiled),
        Format::Csv => delimited::read(&source, &compiled),
        Format::Dta => stata::read(&source, &compiled),
        Format::Jsonl => jsonl::read(&source, &compiled),
        Format::Text => text::read(&source, &compiled),
    }?;
    if layout.encoding == Encoding::Detect
        && let Some(found) = extract.encoding.clone()
        && let Some(text) = encoding::doubt(&source, &found)?
    {
        let (column, sheet, cell) = (String::new(), String::new(), String::new());
        extract.issues.push(Issue { column, sheet, cell, text, code: IssueCode::EncodingGuessed });
    }
    Ok(extract)
}
