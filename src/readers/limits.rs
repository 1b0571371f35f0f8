//! Spreadsheets whose cells would not fit into memory though their files do: bombs, and sheets with a stray cell in their last
//! row. Each is looked through before its decoder sees it, because a failed allocation ends the program. Reads no value.

use std::io::{Read, Seek};

use zip::ZipArchive;

use crate::{
    crypt,
    error::ReadError,
    markup::{Markup, Piece},
    source::Source,
    unpack,
};

/// So many cells may be laid out for any file, at 24 to 32 bytes each.
const ALWAYS: u64 = 4 << 20;
/// Beyond that, so many for each cell with something in it.
const TIMES: u64 = 30;

fn too_large(source: &Source, cause: String) -> ReadError {
    ReadError::TooLarge { file: source.file.clone(), cause }
}

/// The parts of a workbook, by what they say they unpack to; the decoder stops where they say more than they hold.
pub(crate) fn archive(source: &Source, bytes: impl Read + Seek) -> Result<(), ReadError> {
    // What is damaged is told by the decoder.
    let Ok(mut archive) = ZipArchive::new(bytes) else { return Ok(()) };
    let allowed = unpack::allowance(source.bytes);
    let mut total: u64 = 0;
    for index in 0..archive.len() {
        let Ok(part) = archive.by_index_raw(index) else { return Ok(()) };
        total = total.saturating_add(part.size());
    }
    if total > allowed {
        let cause = format!("its parts unpack to {} MB, more than {} MB", total >> 20, allowed >> 20);
        return Err(too_large(source, cause));
    }
    Ok(())
}

/// Records of an xls that hold a cell, with the columns they span: number, label, boolean, formula, numbers in a row.
fn columns_of(kind: u16, body: &[u8]) -> Option<(u64, u64)> {
    let at = |place: usize| Some(u64::from(u16::from_le_bytes([*body.get(place)?, *body.get(place + 1)?])));
    match kind {
        0x0006 | 0x00d6 | 0x00fd | 0x0203 | 0x0204 | 0x0205 | 0x027e => Some((at(2)?, at(2)?)),
        0x00bd => Some((at(2)?, at(body.len().checked_sub(2)?)?)),
        _ => None,
    }
}

/// calamine lays an xls out as full rectangles, all sheets at once.
pub(crate) fn xls(source: &Source, stream: &[u8]) -> Result<(), ReadError> {
    let (mut cells, mut area) = (0_u64, 0_u64);
    // First and last row, first and last column of the sheet at hand.
    let mut sheet: Option<[u64; 4]> = None;
    let size =
        |sheet: Option<[u64; 4]>| sheet.map_or(0, |[top, bottom, left, right]| (bottom - top + 1) * (right - left + 1));
    for (place, kind, length) in crypt::records(stream) {
        let body = &stream[place + 4..place + 4 + length];
        if kind == 0x0809 {
            area += size(sheet.take());
        }
        let Some((first, last)) = columns_of(kind, body) else { continue };
        let row = u64::from(u16::from_le_bytes([body[0], body[1]]));
        let last = last.max(first);
        cells += last - first + 1;
        sheet = Some(match sheet {
            None => [row, row, first, last],
            Some([top, bottom, left, right]) => [top.min(row), bottom.max(row), left.min(first), right.max(last)],
        });
    }
    area += size(sheet);
    if area > ALWAYS.max(cells.saturating_mul(TIMES)) {
        let cause = format!("its sheets span {area} cells, of which {cells} are filled: delete the stray cell far off");
        return Err(too_large(source, cause));
    }
    Ok(())
}

/// True if the sheets of an xlsb have cells that leave out their column, for the one after the cell before (MS-XLSB 2.1.7.62,
/// `BrtShortBlank` to `BrtShortIsst`). The decoder passes over them without a word.
pub(crate) fn has_short_cells(bytes: impl Read + Seek) -> bool {
    let Ok(mut archive) = ZipArchive::new(bytes) else { return false };
    (0..archive.len()).any(|index| {
        let Ok(mut part) = archive.by_index(index) else { return false };
        let is_sheet = part.name().is_ok_and(|name| name.starts_with("xl/worksheets/") && name.ends_with(".bin"));
        let mut stream = Vec::new();
        is_sheet && part.read_to_end(&mut stream).is_ok() && Records(&stream).any(|kind| (12..=18).contains(&kind))
    })
}

/// The kinds of the records of an xlsb part: kind and length are written in seven bits a byte, least first.
struct Records<'b>(&'b [u8]);

impl Iterator for Records<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let mut number = |most: u32| {
            let mut value = 0;
            for place in 0..most {
                let (first, rest) = self.0.split_first()?;
                self.0 = rest;
                value |= u32::from(first & 0x7f) << (7 * place);
                if first & 0x80 == 0 {
                    break;
                }
            }
            Some(value)
        };
        let (kind, length) = (number(2)?, number(4)?);
        self.0 = self.0.get(length as usize..).unwrap_or_default();
        Some(kind)
    }
}

/// Repeated cells of an ods are written once, and laid out as often as they say.
pub(crate) fn ods(source: &Source, bytes: impl Read + Seek) -> Result<(), ReadError> {
    let Ok(mut archive) = ZipArchive::new(bytes) else { return Ok(()) };
    let mut text = Vec::new();
    let Ok(mut content) = archive.by_name("content.xml") else { return Ok(()) };
    if content.read_to_end(&mut text).is_err() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&text);
    let (mut written, mut laid, mut row, mut blank, mut times) = (0_u64, 0_u64, 0_u64, 0_u64, 1_u64);
    let mut blank_rows = 0_u64;
    let mut widest = 0_u64;
    for piece in Markup::new(&text) {
        let (name, attributes, closed) = match piece {
            Piece::Open { name, attributes, closed } => (name, attributes, closed),
            Piece::Close { name } if name == "table:table-row" => {
                // Rows of blanks are laid out when one with a value follows.
                if row == 0 {
                    blank_rows = blank_rows.saturating_add(times);
                } else {
                    widest = widest.max(row);
                    laid = laid
                        .saturating_add(row.saturating_mul(times))
                        .saturating_add(blank_rows.saturating_mul(widest));
                    blank_rows = 0;
                }
                continue;
            }
            _ => continue,
        };
        let repeated = |name: &str| {
            let found = attributes.iter().find(|(key, _)| key == name);
            found.and_then(|(_, value)| value.parse::<u64>().ok()).unwrap_or(1)
        };
        match name.as_str() {
            "table:table" => (blank_rows, widest) = (0, 0),
            "table:table-row" => (row, blank, times) = (0, 0, repeated("table:number-rows-repeated")),
            "table:table-cell" | "table:covered-table-cell" => {
                let columns = repeated("table:number-columns-repeated").min(16_384);
                let filled =
                    !closed || attributes.iter().any(|(key, _)| key.starts_with("office:") || key == "table:formula");
                if filled {
                    written += 1;
                    row += blank + columns;
                    blank = 0;
                } else {
                    blank += columns;
                }
            }
            _ => {}
        }
    }
    if laid > ALWAYS.max(written.saturating_mul(TIMES)) {
        let cause =
            format!("its sheets span {laid} cells, of which {written} are written: delete the stray cell far off");
        return Err(too_large(source, cause));
    }
    Ok(())
}
