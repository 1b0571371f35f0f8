//! Opening spreadsheets and turning their cells into ours. The only file that names calamine.
//! Knows no layout: which sheet is wanted, and what its rows mean, is said in `spreadsheet.rs`.

use std::{borrow::Cow, collections::BTreeMap, fs::File, io::BufReader};

use calamine::{
    Data, DataRef, ExcelDateTime, Ods, OdsError, Reader, SheetType, SheetVisible, Xls, XlsError, Xlsb, XlsbError, Xlsx,
    XlsxError,
};

use crate::{
    cell::Cell,
    date,
    error::ReadError,
    sniff::{self, Container},
    source::Source,
};

type Bytes = BufReader<File>;

/// An open workbook.
pub(crate) struct Workbook<'s> {
    source: &'s Source,
    format: Format,
}

enum Format {
    Xlsx(Xlsx<Bytes>),
    Xls(Xls<Bytes>),
    Xlsb(Xlsb<Bytes>),
    Ods(Ods<Bytes>),
}

/// A row with something in it.
pub(crate) struct Row {
    /// 1-based.
    pub(crate) number: u32,
    /// By 0-based column, ascending; blank cells left out.
    pub(crate) cells: Vec<(usize, Cell<'static>)>,
}

impl<'s> Workbook<'s> {
    pub(crate) fn open(source: &'s Source) -> Result<Workbook<'s>, ReadError> {
        let head = sniff::head(&source.path).map_err(|error| source.open_error(error))?;
        let format = match sniff::container(&head) {
            Container::Zip => open_zip(source, &head)?,
            Container::Ole => open_ole(source, &head)?,
            Container::Other => {
                let found = sniff::describe(&head);
                return Err(ReadError::NotSpreadsheet { file: source.file.clone(), found });
            }
        };
        Ok(Workbook { source, format })
    }

    /// Names of the worksheets, with whether they are shown, in the order of the workbook.
    pub(crate) fn sheets(&self) -> Vec<(String, bool)> {
        let sheets = match &self.format {
            Format::Xlsx(workbook) => workbook.sheets_metadata(),
            Format::Xls(workbook) => workbook.sheets_metadata(),
            Format::Xlsb(workbook) => workbook.sheets_metadata(),
            Format::Ods(workbook) => workbook.sheets_metadata(),
        };
        sheets
            .iter()
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
            .collect()
    }

    /// True if bare serial dates count from 1904.
    pub(crate) fn epoch_1904(&self) -> bool {
        match &self.format {
            Format::Xlsx(workbook) => workbook.has_1904_epoch(),
            Format::Xls(workbook) => workbook.has_1904_epoch(),
            // xlsb hands out its dated cells with the epoch in them; ods has no serial dates.
            Format::Xlsb(_) | Format::Ods(_) => false,
        }
    }

    /// The rows of a sheet that have something in them, top down.
    pub(crate) fn rows(&mut self, sheet: &str) -> Result<Vec<Row>, ReadError> {
        let source = self.source;
        let broken =
            |cause: String| ReadError::Workbook { file: source.file.clone(), sheet: Some(sheet.to_string()), cause };
        let range = match &mut self.format {
            // Cell by cell: a sheet with one stray cell in its last row would otherwise be a table of a million rows.
            Format::Xlsx(workbook) => {
                return xlsx_rows(workbook, sheet).map_err(|error| broken(error.to_string()));
            }
            Format::Xls(workbook) => workbook.worksheet_range(sheet).map_err(|error| broken(error.to_string()))?,
            Format::Xlsb(workbook) => workbook.worksheet_range(sheet).map_err(|error| broken(error.to_string()))?,
            Format::Ods(workbook) => workbook.worksheet_range(sheet).map_err(|error| broken(error.to_string()))?,
        };
        let (first_row, first_column) = range.start().unwrap_or((0, 0));
        Ok(range
            .rows()
            .zip(first_row + 1..)
            .map(|(cells, number)| Row {
                number,
                cells: cells
                    .iter()
                    .enumerate()
                    .map(|(index, cell)| (first_column as usize + index, from_data(cell)))
                    .filter(|(_, cell)| !cell.is_blank())
                    .collect(),
            })
            .filter(|row| !row.cells.is_empty())
            .collect())
    }
}

/// The letters of a 0-based column: 0 is A, 26 is AA.
pub(crate) fn letters(index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

fn open_zip(source: &Source, head: &[u8]) -> Result<Format, ReadError> {
    let file = || source.file.clone();
    if !sniff::has_zip_directory(&source.path).map_err(|error| source.open_error(error))? {
        return Err(ReadError::Truncated { file: file(), bytes: source.bytes });
    }
    let cause = match Xlsx::new(bytes(source)?) {
        Ok(workbook) => return Ok(Format::Xlsx(workbook)),
        Err(XlsxError::Password) => return Err(ReadError::Encrypted { file: file() }),
        Err(error) => error,
    };
    match Xlsb::new(bytes(source)?) {
        Ok(workbook) => return Ok(Format::Xlsb(workbook)),
        Err(XlsbError::Password) => return Err(ReadError::Encrypted { file: file() }),
        Err(_) => {}
    }
    match Ods::new(bytes(source)?) {
        Ok(workbook) => return Ok(Format::Ods(workbook)),
        Err(OdsError::Password) => return Err(ReadError::Encrypted { file: file() }),
        Err(_) => {}
    }
    // Without the parts of a workbook it is some other archive; with damaged ones, what xlsx said is the cause.
    Err(match cause {
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => {
            ReadError::NotSpreadsheet { file: file(), found: sniff::describe(head) }
        }
        cause => ReadError::Workbook { file: file(), sheet: None, cause: cause.to_string() },
    })
}

fn open_ole(source: &Source, head: &[u8]) -> Result<Format, ReadError> {
    let file = || source.file.clone();
    // Excel wraps an encrypted xlsx into the old container; only its reader knows that.
    if let Err(XlsxError::Password) = Xlsx::new(bytes(source)?) {
        return Err(ReadError::Encrypted { file: file() });
    }
    match Xls::new(bytes(source)?) {
        Ok(workbook) => Ok(Format::Xls(workbook)),
        Err(XlsError::Password) => Err(ReadError::Encrypted { file: file() }),
        Err(XlsError::Cfb(error)) => {
            let cause = error.to_string();
            if cause.to_lowercase().contains("stream") {
                return Err(ReadError::NotSpreadsheet { file: file(), found: sniff::describe(head) });
            }
            Err(ReadError::Workbook { file: file(), sheet: None, cause })
        }
        Err(error) => Err(ReadError::Workbook { file: file(), sheet: None, cause: error.to_string() }),
    }
}

fn bytes(source: &Source) -> Result<Bytes, ReadError> {
    File::open(&source.path).map(BufReader::new).map_err(|error| source.open_error(error))
}

fn xlsx_rows(workbook: &mut Xlsx<Bytes>, sheet: &str) -> Result<Vec<Row>, XlsxError> {
    let mut reader = workbook.worksheet_cells_reader(sheet)?;
    // Files written by hand may hold their cells in any order.
    let mut rows: BTreeMap<u32, BTreeMap<usize, Cell<'static>>> = BTreeMap::new();
    while let Some(found) = reader.next_cell()? {
        let (row, column) = found.get_position();
        let cell = from_data_ref(found.get_value());
        if !cell.is_blank() {
            rows.entry(row).or_default().insert(column as usize, cell);
        }
    }
    Ok(rows.into_iter().map(|(row, cells)| Row { number: row + 1, cells: cells.into_iter().collect() }).collect())
}

fn from_data_ref(data: &DataRef) -> Cell<'static> {
    match data {
        DataRef::SharedString(text) => Cell::Text(Cow::Owned((*text).to_string())),
        other => from_data(&Data::from(other.clone())),
    }
}

fn from_data(data: &Data) -> Cell<'static> {
    match data {
        Data::Empty => Cell::Empty,
        Data::Int(value) => Cell::Integer(*value),
        Data::Float(value) => Cell::Number(*value),
        Data::String(text) | Data::DurationIso(text) => Cell::Text(Cow::Owned(text.clone())),
        Data::Bool(value) => Cell::Bool(*value),
        Data::Error(error) => Cell::Error(Cow::Owned(error.to_string())),
        Data::DateTime(moment) => from_moment(moment),
        Data::DateTimeIso(text) => match date::from_text(text) {
            Some(day) => Cell::Date { days: day.days, with_time: day.repaired },
            None => Cell::Text(Cow::Owned(text.clone())),
        },
    }
}

fn from_moment(moment: &ExcelDateTime) -> Cell<'static> {
    let serial = moment.as_f64();
    // calamine clamps what lies outside its calendar, and knows the 29 February 1900; `from_serial` refuses both. Which of
    // the two epochs holds is seen from the year it comes to.
    let (year, month, day, ..) = moment.to_ymd_hms_milli();
    let calendar = date::from_calendar(i32::from(year), u32::from(month), u32::from(day));
    let found = [false, true]
        .into_iter()
        .filter_map(|epoch_1904| date::from_serial(serial, epoch_1904))
        .find(|found| Some(found.days) == calendar);
    match found {
        Some(found) if moment.is_datetime() => Cell::Date { days: found.days, with_time: found.repaired },
        _ => Cell::Number(serial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        for (index, expected) in [(0, "A"), (25, "Z"), (26, "AA"), (58, "BG"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(index), expected);
        }
    }
}
