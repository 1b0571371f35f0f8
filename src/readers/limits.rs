//! Spreadsheets whose cells would not fit into memory though their files do: bombs, and sheets with a stray cell in their last
//! row. Each is looked through before its decoder sees it, because a failed allocation ends the program. Reads no value.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

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

/// The most cells that a sheet of an xls can have.
const LARGEST: u64 = 65_536 * 256;

/// The cells that a sheet says it has, for which the decoder makes room: first and last row, first and last column, each last one
/// more than it is (MS-XLS 2.4.90).
fn declared(body: &[u8]) -> u64 {
    let number = |place: usize, size: usize| {
        let bytes = body.get(place..place + size).unwrap_or_default();
        bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
    };
    let (rows, columns) = match body.len() {
        10 => ((number(0, 2), number(2, 2)), (number(4, 2), number(6, 2))),
        _ => ((number(0, 4), number(4, 4)), (number(8, 2), number(10, 2))),
    };
    // A first column that cannot be one is taken as 0, and rows that end before they begin wrap around.
    let first = if columns.0 > 0xff || columns.1 < columns.0 { 0 } else { columns.0 };
    let height = if rows.1 < rows.0 { u64::from(u32::MAX) } else { rows.1 - rows.0 + 1 };
    height.saturating_mul(columns.1.saturating_sub(first) + 1)
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
        if kind == 0x0200 && declared(body) > LARGEST {
            return Err(too_large(source, format!("a sheet says that it has {} cells", declared(body))));
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

/// The lengths in a Stata file, held against the length of the file: the decoder sets aside what they say before it reads. Of the
/// release only its byte is known here; what is damaged otherwise is told by the decoder.
pub(crate) fn dta(source: &Source) -> Result<(), ReadError> {
    let failed = |error: io::Error| source.open_error(error);
    let mut file = Measured::open(source).map_err(failed)?;
    match file.lengths() {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let cause = "it says that it is longer than it is: it is cut off or damaged".to_string();
            Err(ReadError::Dta { file: source.file.clone(), cause })
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let cause = "it says that it has rows, and has no variables".to_string();
            Err(ReadError::Dta { file: source.file.clone(), cause })
        }
        Err(error) => Err(failed(error)),
    }
}

/// A Stata file that is walked through.
struct Measured {
    file: BufReader<File>,
    length: u64,
    at: u64,
    is_big_endian: bool,
}

impl Measured {
    fn open(source: &Source) -> io::Result<Measured> {
        let file = BufReader::new(File::open(&source.path)?);
        Ok(Measured { file, length: source.bytes, at: 0, is_big_endian: false })
    }

    fn skip(&mut self, count: u64) -> io::Result<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.file.seek_relative(i64::try_from(count).map_err(|_| io::ErrorKind::UnexpectedEof)?)
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    /// A number without sign of so many bytes.
    fn number<const N: usize>(&mut self) -> io::Result<u64> {
        let mut bytes = self.bytes::<N>()?;
        if !self.is_big_endian {
            bytes.reverse();
        }
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// True if these bytes come next, which are then behind us.
    fn takes(&mut self, wanted: &[u8]) -> io::Result<bool> {
        for byte in wanted {
            if self.at == self.length || self.bytes::<1>()? != [*byte] {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn lengths(&mut self) -> io::Result<()> {
        match self.bytes::<1>()? {
            [b'<'] => self.of_elements(),
            [release] => self.of_records(release),
        }
    }

    /// Releases up to 115: a header of 109 bytes, what is said of each variable, then fields with their lengths.
    fn of_records(&mut self, release: u8) -> io::Result<()> {
        self.is_big_endian = self.bytes::<1>()? == [1];
        self.skip(2)?;
        let variables = self.number::<2>()?;
        let rows = self.number::<4>()?;
        self.skip(109 - 10)?;
        let mut width = 0;
        for _ in 0..variables {
            width += match self.number::<1>()? {
                251 => 1,
                252 => 2,
                253 | 254 => 4,
                255 => 8,
                characters => characters,
            };
        }
        let format = if release < 114 { 12 } else { 49 };
        self.skip(variables * (33 + 2 + format + 33 + 81) + 2)?;
        loop {
            let [kind] = self.bytes::<1>()?;
            let length = self.number::<4>()?;
            if kind == 0 && length == 0 {
                return self.skip_rows(rows, width);
            }
            self.skip(length)?;
        }
    }

    /// Rows of no width would be read for ever.
    fn skip_rows(&mut self, rows: u64, width: u64) -> io::Result<()> {
        if width == 0 && rows > 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.skip(rows.saturating_mul(width))
    }

    /// From release 117 on: elements in a fixed order.
    fn of_elements(&mut self) -> io::Result<()> {
        if !self.takes(b"stata_dta><header><release>")? {
            return Ok(());
        }
        let release = self.bytes::<3>()?;
        if !self.takes(b"</release><byteorder>")? {
            return Ok(());
        }
        self.is_big_endian = self.bytes::<3>()? == *b"MSF";
        if !self.takes(b"</byteorder><K>")? {
            return Ok(());
        }
        let variables = if release == *b"119" { self.number::<4>()? } else { self.number::<2>()? };
        if !self.takes(b"</K><N>")? {
            return Ok(());
        }
        let rows = if release == *b"117" { self.number::<4>()? } else { self.number::<8>()? };
        if !self.takes(b"</N><label>")? {
            return Ok(());
        }
        let label = if release == *b"117" { self.number::<1>()? } else { self.number::<2>()? };
        self.skip(label)?;
        if !self.takes(b"</label><timestamp>")? {
            return Ok(());
        }
        let stamp = self.number::<1>()?;
        self.skip(stamp)?;
        if !self.takes(b"</timestamp></header><map>")? {
            return Ok(());
        }
        self.skip(14 * 8)?;
        if !self.takes(b"</map><variable_types>")? {
            return Ok(());
        }
        // Each has a type, a name, a place in the order, a format, and two labels; the decoder makes room for all of them first.
        if variables.saturating_mul(2 + 33 + 2 + 49 + 33 + 81) > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut width: u64 = 0;
        for _ in 0..variables {
            width += match self.number::<2>()? {
                65_530 => 1,
                65_529 => 2,
                65_527 | 65_528 => 4,
                65_526 | 32_768 => 8,
                characters => characters,
            };
        }
        let name = if release == *b"117" { 33 } else { 129 };
        let format = if release == *b"117" { 49 } else { 57 };
        let label = if release == *b"117" { 81 } else { 321 };
        let order = if release == *b"119" { 4 } else { 2 };
        for (element, size) in [
            (&b"</variable_types><varnames>"[..], variables * name),
            (b"</varnames><sortlist>", (variables + 1) * order),
            (b"</sortlist><formats>", variables * format),
            (b"</formats><value_label_names>", variables * name),
            (b"</value_label_names><variable_labels>", variables * label),
        ] {
            if !self.takes(element)? {
                return Ok(());
            }
            self.skip(size)?;
        }
        if !self.takes(b"</variable_labels><characteristics>")? {
            return Ok(());
        }
        loop {
            match &self.bytes::<4>()? {
                b"<ch>" => {
                    let length = self.number::<4>()?;
                    self.skip(length)?;
                    if !self.takes(b"</ch>")? {
                        return Ok(());
                    }
                }
                b"</ch" => break,
                _ => return Ok(()),
            }
        }
        if !self.takes(b"aracteristics><data>")? {
            return Ok(());
        }
        self.skip_rows(rows, width)?;
        if !self.takes(b"</data><strls>")? {
            return Ok(());
        }
        while self.takes(b"GSO")? {
            self.skip(if release == *b"117" { 8 } else { 12 })?;
            self.skip(1)?;
            let length = self.number::<4>()?;
            self.skip(length)?;
        }
        Ok(())
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
    // The decoder waits for the end of a table without end.
    let mut open: Vec<String> = Vec::new();
    let damaged = || ReadError::Workbook {
        file: source.file.clone(),
        sheet: None,
        cause: "its content.xml is cut off or damaged".to_string(),
    };
    for piece in Markup::new(&text) {
        match &piece {
            Piece::Open { name, closed: false, .. } => open.push(name.clone()),
            Piece::Close { name } if open.pop().as_ref() != Some(name) => return Err(damaged()),
            _ => {}
        }
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
    if !open.is_empty() {
        return Err(damaged());
    }
    if laid > ALWAYS.max(written.saturating_mul(TIMES)) {
        let cause =
            format!("its sheets span {laid} cells, of which {written} are written: delete the stray cell far off");
        return Err(too_large(source, cause));
    }
    Ok(())
}
