//! Raw files to typed columns, with the origin of every row: spreadsheets, delimited text, Stata files,
//! JSON lines, plain text, and columns that somebody else has decoded; as they are, compressed, or in an archive.
//!
//! A [`Layout`] says where the columns are and what they mean; [`read`] applies it to one file and either returns
//! every value with its place, or one error that names file, sheet and cell. The order of work is the order
//! of the modules: the file is unpacked (`unpack`) and opened (`spreadsheet`, `delimited`, `stata`, `jsonl`, `text`, `columnar`),
//! its header is found and its columns are bound (`header`, `bind`), then every row goes through one assembler (`assemble`) that
//! skips, parses (`value`), scales and counts.
//!
//! Beside that it turns words into data: printed names of places into identifiers (`places`), texts into counts of terms (`terms`) and of
//! tokens (`segment`).
//!
//! Only owner of aho-corasick, jieba-rs, calamine, cfb, dta, encoding_rs, chardetng, zip and the ciphers. Knows no Arrow, no YAML and no stage.

mod assemble;
mod bind;
mod cell;
pub mod chunk;
pub mod columnar;
pub mod contradiction;
mod crypt;
mod date;
mod declared;
mod decoded;
mod delimited;
mod encoding;
pub mod error;
pub mod extract;
#[cfg(test)]
mod features;
#[cfg(test)]
mod formats;
mod guard;
mod header;
mod html;
mod jsonl;
pub mod layout;
mod limits;
mod markup;
mod name;
mod normal;
mod number;
pub mod places;
mod records;
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
mod unpack;
mod value;
mod workbook;

use crate::chunk::Chunk;
use crate::columnar::Decoder;
use crate::error::ReadError;
use crate::extract::{Extract, Issue, IssueCode};
use crate::layout::{Compiled, Encoding, Format, Layout};
use crate::sniff::Container;
use crate::source::Source;
use crate::unpack::Plain;
use std::path::Path;
use std::sync::mpsc::SyncSender;

/// Enters the key of everything read; raised when the same file and layout give another result.
pub const VERSION: u32 = 4;

/// A file, or a member of an archive, read.
#[derive(Debug)]
pub struct Member {
    /// The path as the user knows it; `archive.zip!member` for a member.
    pub shown: String,
    /// What was in it.
    pub extract: Extract,
}

/// Reads one file, or all members of an archive that the layout asks for, in the order of their names. `shown_as` is the path as
/// the user knows it; errors name the file by it. `scratch` is a folder for what is unpacked; `decoder` reads Parquet.
pub fn read(
    path: &Path,
    shown_as: &str,
    layout: &Layout,
    scratch: &Path,
    decoder: &dyn Decoder,
) -> Result<Vec<Member>, ReadError> {
    read_to(None, path, shown_as, layout, scratch, decoder)
}

/// The same with the rows given to `taker` as they are read, in the order of the file. What comes back has no rows, and of the
/// issues only those that are known at the end. It means nothing if the taker went away.
pub fn read_in_chunks(
    path: &Path,
    shown_as: &str,
    layout: &Layout,
    scratch: &Path,
    decoder: &dyn Decoder,
    taker: SyncSender<Chunk>,
) -> Result<Vec<Member>, ReadError> {
    read_to(Some(taker), path, shown_as, layout, scratch, decoder)
}

fn read_to(
    taker: Option<SyncSender<Chunk>>,
    path: &Path,
    shown_as: &str,
    layout: &Layout,
    scratch: &Path,
    decoder: &dyn Decoder,
) -> Result<Vec<Member>, ReadError> {
    let compiled = Compiled::new(layout)?;
    let mut members = Vec::new();
    unpack::each(path, shown_as, layout, scratch, &mut |file| {
        let extract = one(file, &compiled, decoder, taker.clone())?;
        members.push(Member { shown: file.shown.to_string(), extract });
        Ok(())
    })?;
    Ok(members)
}

fn one(
    file: &Plain,
    compiled: &Compiled,
    decoder: &dyn Decoder,
    taker: Option<SyncSender<Chunk>>,
) -> Result<Extract, ReadError> {
    let mut source = Source::open(file, compiled)?;
    source.chunks = taker;
    if let Some((layout, found)) = otherwise(&source, compiled)?
        && let Ok(compiled) = Compiled::new(&layout)
    {
        let mut extract = as_declared(&source, &compiled, decoder)?;
        extract.issues.retain(|issue| issue.code != IssueCode::OtherFormat);
        let text = format!("read as {}: its content is {found}", layout.format.name());
        extract.issues.insert(0, issue_of_file(IssueCode::OtherFormat, text));
        return Ok(extract);
    }
    as_declared(&source, compiled, decoder)
}

fn as_declared(source: &Source, compiled: &Compiled, decoder: &dyn Decoder) -> Result<Extract, ReadError> {
    let mut extract = match compiled.layout.format {
        Format::Spreadsheet => spreadsheet::read(source, compiled),
        Format::Csv => delimited::read(source, compiled),
        Format::Dta => stata::read(source, compiled),
        Format::Jsonl => jsonl::read(source, compiled),
        Format::Parquet => columnar::read(source, compiled, decoder),
        Format::Text => text::read(source, compiled),
    }?;
    if compiled.layout.encoding == Encoding::Detect
        && let Some(found) = extract.encoding.clone()
        && let Some(text) = encoding::doubt(source, &found)?
    {
        extract.issues.push(issue_of_file(IssueCode::EncodingGuessed, text));
    }
    Ok(extract)
}

/// A spreadsheet that is delimited text, or the other way round: the layout for what it is, and what was found.
fn otherwise(source: &Source, compiled: &Compiled) -> Result<Option<(Layout, String)>, ReadError> {
    if !matches!(compiled.layout.format, Format::Csv | Format::Spreadsheet) {
        return Ok(None);
    }
    let head = sniff::head(&source.path).map_err(|error| source.open_error(error))?;
    let container = sniff::container(&head);
    let layout = compiled.layout.clone();
    Ok(match (layout.format, container) {
        (Format::Spreadsheet, Container::Other) => sniff::delimiter(&head).map(|delimiter| {
            // Nobody could say in a layout for spreadsheets how the text is encoded.
            let encoding = if layout.encoding == Encoding::Utf8 { Encoding::Detect } else { layout.encoding.clone() };
            (Layout { format: Format::Csv, delimiter, encoding, ..layout }, "delimited text".to_string())
        }),
        (Format::Csv, Container::Zip | Container::Ole) => {
            Some((Layout { format: Format::Spreadsheet, ..layout }, "a workbook".to_string()))
        }
        _ => None,
    })
}

/// An issue of a whole file.
fn issue_of_file(code: IssueCode, text: String) -> Issue {
    let nowhere = String::new;
    Issue { column: nowhere(), sheet: nowhere(), cell: nowhere(), text, code }
}
