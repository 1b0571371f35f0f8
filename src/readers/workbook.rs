//! Opening spreadsheets and turning their cells into ours. The only file that names calamine.
//! Knows no layout: which sheet is wanted, and what its rows mean, is said in `spreadsheet.rs`.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, Write},
};

use calamine::{
    Data, DataRef, ExcelDateTime, Ods, OdsError, Range, Reader, SheetType, SheetVisible, Xls, XlsError, Xlsb,
    XlsbError, Xlsx, XlsxError, XlsxFormulaMetadata,
};

use crate::{
    cell::Cell,
    crypt::{self, Locked},
    date, encoding,
    error::ReadError,
    guard::guarded,
    html, limits,
    sniff::{self, Container},
    source::Source,
};

/// A file, or what was decrypted of one.
trait Seekable: Read + Seek {}
impl<T: Read + Seek> Seekable for T {}
type Bytes = BufReader<Box<dyn Seekable>>;

/// An open workbook.
pub(crate) struct Workbook<'s> {
    source: &'s Source,
    format: Format,
}

enum Format {
    Xlsx(Xlsx<Bytes>),
    Xls(Xls<Cursor<Vec<u8>>>),
    Xlsb(Xlsb<Bytes>),
    Ods(Ods<Bytes>),
    /// Already sheets of rows: an HTML page, or an XML spreadsheet of 2003.
    Page(&'static str, Vec<html::Sheet>),
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
        guarded(&source.file, || {
            let head = sniff::head(&source.path).map_err(|error| source.open_error(error))?;
            let format = match sniff::container(&head) {
                Container::Zip => open_zip(source, &head, || bytes(source))?,
                Container::Ole => open_ole(source, &head)?,
                Container::Other => open_page(source, &head)?,
            };
            Ok(Workbook { source, format })
        })
    }

    /// What it is, as the ending of a file says it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.format {
            Format::Xlsx(_) => "xlsx",
            Format::Xls(_) => "xls",
            Format::Xlsb(_) => "xlsb",
            Format::Ods(_) => "ods",
            Format::Page(kind, _) => kind,
        }
    }

    /// Names of the worksheets, with whether they are shown, in the order of the workbook.
    pub(crate) fn sheets(&self) -> Vec<(String, bool)> {
        let sheets = match &self.format {
            Format::Xlsx(workbook) => workbook.sheets_metadata(),
            Format::Xls(workbook) => workbook.sheets_metadata(),
            Format::Xlsb(workbook) => workbook.sheets_metadata(),
            Format::Ods(workbook) => workbook.sheets_metadata(),
            Format::Page(_, sheets) => return sheets.iter().map(|sheet| (sheet.name.clone(), true)).collect(),
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
            Format::Xlsb(_) | Format::Ods(_) | Format::Page(..) => false,
        }
    }

    /// The rows of a sheet that have something in them, top down.
    pub(crate) fn rows(&mut self, sheet: &str) -> Result<Vec<Row>, ReadError> {
        let source = self.source;
        let broken =
            |cause: String| ReadError::Workbook { file: source.file.clone(), sheet: Some(sheet.to_string()), cause };
        guarded(&source.file, || match &mut self.format {
            // Cell by cell: a sheet with one stray cell in its last row would otherwise be a table of a million rows.
            Format::Xlsx(workbook) => xlsx_rows(workbook, sheet).map_err(|error| broken(error.to_string())),
            Format::Xlsb(workbook) => xlsb_rows(workbook, sheet).map_err(|error| broken(error.to_string())),
            Format::Ods(workbook) => ods_rows(workbook, sheet).map_err(|error| broken(error.to_string())),
            // It stores a number with every formula, so that one without a result cannot be told; so does xlsb.
            Format::Xls(workbook) => {
                let range = workbook.worksheet_range(sheet).map_err(|error| broken(error.to_string()))?;
                Ok(by_row(cells_of(&range)))
            }
            Format::Page(_, sheets) => {
                let found = sheets.iter_mut().find(|known| known.name == sheet);
                Ok(found.map(|found| std::mem::take(&mut found.rows)).unwrap_or_default())
            }
        })
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

fn open_zip(source: &Source, head: &[u8], bytes: impl Fn() -> Result<Bytes, ReadError>) -> Result<Format, ReadError> {
    let file = || source.file.clone();
    if !sniff::has_zip_directory(&mut bytes()?).map_err(|error| source.open_error(error))? {
        return Err(ReadError::Truncated { file: file(), bytes: source.bytes });
    }
    limits::archive(source, bytes()?)?;
    let cause = match Xlsx::new(bytes()?) {
        Ok(workbook) => return Ok(Format::Xlsx(workbook)),
        Err(XlsxError::Password) => return Err(ReadError::Encrypted { file: file() }),
        Err(error) => error,
    };
    match Xlsb::new(bytes()?) {
        Ok(_) if limits::has_short_cells(bytes()?) => {
            let cause = "its cells leave out their columns, as SheetJS writes them".to_string();
            return Err(ReadError::Workbook { file: file(), sheet: None, cause });
        }
        Ok(workbook) => return Ok(Format::Xlsb(workbook)),
        Err(XlsbError::Password) => return Err(ReadError::Encrypted { file: file() }),
        Err(_) => {}
    }
    limits::ods(source, bytes()?)?;
    match Ods::new(bytes()?) {
        Ok(workbook) => return Ok(Format::Ods(workbook)),
        Err(OdsError::Password) => return Err(ReadError::Encrypted { file: file() }),
        // What another program says of itself in its first part tells which error is about the file.
        Err(OdsError::InvalidMime(_) | OdsError::FileNotFound(_)) => {}
        Err(error) => return Err(ReadError::Workbook { file: file(), sheet: None, cause: error.to_string() }),
    }
    // Without the parts of a workbook it is some other archive; with damaged ones, what xlsx said is the cause.
    Err(match cause {
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => {
            ReadError::NotSpreadsheet { file: file(), found: sniff::describe(head) }
        }
        cause => ReadError::Workbook { file: file(), sheet: None, cause: cause.to_string() },
    })
}

/// Appends the sectors that the allocation table of a container has places for and the file lacks, up to those of one sector of the
/// table: some programs (SheetJS) do not mark such places as free, and the container would not be opened.
fn padded(container: &mut Vec<u8>) {
    const SECTOR: usize = 512;
    const PLACES: usize = SECTOR / 4;
    let number = |place: usize| {
        container.get(place..place + 4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    };
    // The number of sectors that the table takes; the exponent of the size of a sector stands before it.
    let (Some(table), Some([9, 0])) = (number(44), container.get(30..32)) else { return };
    let whole = (table as usize).saturating_mul(PLACES).saturating_add(1).saturating_mul(SECTOR);
    if whole > container.len() && whole - container.len() <= PLACES * SECTOR {
        container.resize(whole, 0);
    }
}

fn open_ole(source: &Source, head: &[u8]) -> Result<Format, ReadError> {
    let file = || source.file.clone();
    let broken = |cause: String| ReadError::Workbook { file: file(), sheet: None, cause };
    let locked = |locked: Locked| match locked {
        Locked::Password => ReadError::Encrypted { file: file() },
        Locked::Unreadable(cause) => broken(cause),
    };
    let mut content = Vec::new();
    bytes(source)?.read_to_end(&mut content).map_err(|error| source.open_error(error))?;
    padded(&mut content);
    let mut container = cfb::CompoundFile::open(Cursor::new(content)).map_err(|error| broken(error.to_string()))?;
    let mut stream = |name: &str| -> Result<Option<Vec<u8>>, ReadError> {
        if !container.is_stream(name) {
            return Ok(None);
        }
        let mut content = Vec::new();
        let stream = container.open_stream(name).map_err(|error| broken(error.to_string()))?;
        // No stream is longer than its file, whatever it says.
        stream.take(source.bytes).read_to_end(&mut content).map_err(|error| broken(error.to_string()))?;
        Ok(Some(content))
    };
    // Excel wraps an encrypted xlsx or xlsb into the old container.
    if let (Some(info), Some(package)) = (stream("/EncryptionInfo")?, stream("/EncryptedPackage")?) {
        let plain = crypt::package(&info, &package).map_err(locked)?;
        let head = plain[..plain.len().min(4096)].to_vec();
        return open_zip(source, &head, || {
            Ok(BufReader::new(Box::new(Cursor::new(plain.clone())) as Box<dyn Seekable>))
        });
    }
    let (name, mut workbook) = match (stream("/Workbook")?, stream("/Book")?) {
        (Some(workbook), _) => ("/Workbook", workbook),
        (None, Some(workbook)) => ("/Book", workbook),
        (None, None) => return Err(ReadError::NotSpreadsheet { file: file(), found: sniff::describe(head) }),
    };
    crypt::workbook(&mut workbook).map_err(locked)?;
    limits::xls(source, &workbook)?;
    // A container of this one stream: calamine follows the chains of a damaged one in circles.
    let alone = alone(name, &workbook).map_err(|error| broken(error.to_string()))?;
    match Xls::new(Cursor::new(alone)) {
        Ok(workbook) => Ok(Format::Xls(workbook)),
        Err(XlsError::Password) => Err(ReadError::Encrypted { file: file() }),
        Err(error) => Err(broken(error.to_string())),
    }
}

fn alone(name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
    // Version 3, that of Excel: calamine takes a new one of version 4 for empty.
    let mut container = cfb::CompoundFile::create_with_version(cfb::Version::V3, Cursor::new(Vec::new()))?;
    container.create_stream(name)?.write_all(content)?;
    container.flush()?;
    Ok(container.into_inner().into_inner())
}

/// Not a workbook, but what databases hand out by the name of one.
fn open_page(source: &Source, head: &[u8]) -> Result<Format, ReadError> {
    let found = sniff::describe(head);
    let wrong = || ReadError::NotSpreadsheet { file: source.file.clone(), found: found.clone() };
    let (kind, html) = match found.as_str() {
        sniff::HTML => ("html", true),
        sniff::XML_2003 => ("xml", false),
        sniff::SPSS => return Err(ReadError::Unsupported { file: source.file.clone(), found: sniff::SPSS }),
        _ => return Err(wrong()),
    };
    let encoding = encoding::detected(source)?;
    let mut text = String::new();
    encoding::reader(source, encoding)?.read_to_string(&mut text).map_err(|error| source.open_error(error))?;
    let sheets = if html { Some(html::pages(&text)) } else { html::xml_2003(&text) };
    match sheets {
        Some(sheets) if sheets.is_empty() => Err(wrong()),
        Some(sheets) => Ok(Format::Page(kind, sheets)),
        None => Err(ReadError::Workbook {
            file: source.file.clone(),
            sheet: None,
            cause: "the XML ends before its workbook does".into(),
        }),
    }
}

fn bytes(source: &Source) -> Result<Bytes, ReadError> {
    let file = File::open(&source.path).map_err(|error| source.open_error(error))?;
    Ok(BufReader::new(Box::new(file)))
}

fn xlsb_rows(workbook: &mut Xlsb<Bytes>, sheet: &str) -> Result<Vec<Row>, XlsbError> {
    let mut reader = workbook.worksheet_cells_reader(sheet)?;
    let mut cells = Vec::new();
    while let Some(found) = reader.next_cell()? {
        cells.push((found.get_position(), from_data_ref(found.get_value())));
    }
    Ok(by_row(cells))
}

fn xlsx_rows(workbook: &mut Xlsx<Bytes>, sheet: &str) -> Result<Vec<Row>, XlsxError> {
    let mut reader = workbook.worksheet_cells_reader(sheet)?;
    let mut cells = Vec::new();
    while let Some(found) = reader.next_cell_with_formula_metadata()? {
        cells.push((
            found.pos,
            with_formula(from_data_ref(&found.value), found.formula.as_ref().and_then(formula_text)),
        ));
    }
    Ok(by_row(cells))
}

fn ods_rows(workbook: &mut Ods<Bytes>, sheet: &str) -> Result<Vec<Row>, OdsError> {
    let range = workbook.worksheet_range(sheet)?;
    let formulas = workbook.worksheet_formula(sheet)?;
    let (first_row, first_column) = formulas.start().unwrap_or((0, 0));
    let mut cells: Vec<_> = formulas
        .used_cells()
        .map(|(row, column, text)| ((first_row + row as u32, first_column + column as u32), text))
        .filter(|(place, _)| range.get_value(*place).is_none_or(|value| *value == Data::Empty))
        // `of:=[.B2]*2`: the prefix is the language of the formula.
        .map(|(place, text)| (place, Cell::Formula(Cow::Owned(text[text.find('=').unwrap_or(0)..].to_string()))))
        .collect();
    cells.extend(cells_of(&range));
    Ok(by_row(cells))
}

/// A cell and its 0-based row and column.
type Placed = ((u32, u32), Cell<'static>);

/// The cells of a range, with the row and column they have in the sheet.
fn cells_of(range: &Range<Data>) -> impl Iterator<Item = Placed> {
    let (first_row, first_column) = range.start().unwrap_or((0, 0));
    range
        .used_cells()
        .map(move |(row, column, data)| ((first_row + row as u32, first_column + column as u32), from_data(data)))
}

/// Cells in any order (files written by hand may hold them so) to rows, blank ones left out.
fn by_row(cells: impl IntoIterator<Item = Placed>) -> Vec<Row> {
    let mut cells: Vec<Placed> = cells.into_iter().filter(|(_, cell)| !cell.is_blank()).collect();
    if !cells.is_sorted_by(|(one, _), (other, _)| one < other) {
        // The last of several in one place holds.
        cells = cells.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect();
    }
    let mut rows: Vec<Row> = Vec::new();
    for ((row, column), cell) in cells {
        let cell = (column as usize, cell);
        match rows.last_mut().filter(|last| last.number == row + 1) {
            Some(last) => last.cells.push(cell),
            None => rows.push(Row { number: row + 1, cells: vec![cell] }),
        }
    }
    rows
}

/// Only a cell without any value is in want of a result: the empty text may be one.
fn with_formula(cell: Cell<'static>, formula: Option<String>) -> Cell<'static> {
    match (cell, formula) {
        (Cell::Empty, Some(formula)) => Cell::Formula(Cow::Owned(formula)),
        (cell, _) => cell,
    }
}

fn formula_text(formula: &XlsxFormulaMetadata) -> Option<String> {
    match formula {
        XlsxFormulaMetadata::Normal { formula } if formula.is_empty() => None,
        XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. } => {
            Some(format!("={formula}"))
        }
        _ => Some("a formula shared with another cell".into()),
    }
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
    use crate::{
        extract::{Extract, Values},
        layout::{ColumnSource, Format, Layout, SkipRule, ValueKind, sample},
    };
    use expect_test::{Expect, expect};

    /// A zip archive without compression. rust_xlsxwriter stores a result with every formula, be it 0; what other programs
    /// write has to be written out here.
    fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
        let (mut bytes, mut directory) = (Vec::new(), Vec::new());
        for (name, text) in parts {
            let offset = bytes.len() as u32;
            let mut entry = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            for number in [crc32(text.as_bytes()), text.len() as u32, text.len() as u32, name.len() as u32] {
                entry.extend(number.to_le_bytes());
            }
            bytes.extend(b"PK\x03\x04");
            bytes.extend(&entry);
            bytes.extend(name.as_bytes());
            bytes.extend(text.as_bytes());
            directory.extend(b"PK\x01\x02\x14\0");
            directory.extend(&entry);
            directory.extend([0; 10]);
            directory.extend(offset.to_le_bytes());
            directory.extend(name.as_bytes());
        }
        let start = bytes.len() as u32;
        bytes.extend(&directory);
        let count = parts.len() as u8;
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend([count, 0, count, 0]);
        bytes.extend((directory.len() as u32).to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend([0, 0]);
        bytes
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let step = |rest: u32| if rest & 1 == 1 { 0xedb8_8320 ^ (rest >> 1) } else { rest >> 1 };
        !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |rest, _| step(rest)))
    }

    /// A workbook of one sheet: the header `city`, `gdp`, then these cells.
    fn xlsx(cells: &str) -> Vec<u8> {
        let text = |cell: &str, text: &str| format!("<c r=\"{cell}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
        let header = format!("<row r=\"1\">{}{}</row>", text("A1", "city"), text("B1", "gdp"));
        let sheet = format!("<worksheet><sheetData>{header}{cells}</sheetData></worksheet>");
        let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let relationship = |kind: &str, target: &str| {
            format!(
                "<Relationships><Relationship Id=\"r1\" Type=\"{office}/{kind}\" Target=\"{target}\"/></Relationships>"
            )
        };
        archive(&[
            ("_rels/.rels", &relationship("officeDocument", "xl/workbook.xml")),
            ("xl/_rels/workbook.xml.rels", &relationship("worksheet", "worksheets/sheet1.xml")),
            (
                "xl/workbook.xml",
                "<workbook xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">\
                 <sheets><sheet name=\"data\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>",
            ),
            ("xl/worksheets/sheet1.xml", &sheet),
        ])
    }

    /// One row: a city and whatever `gdp` holds. openpyxl writes an empty `<v>`, others leave it out.
    fn row(number: usize, gdp: &str) -> String {
        format!(
            "<row r=\"{number}\"><c r=\"A{number}\" t=\"inlineStr\"><is><t>c{number}</t></is></c>\
             <c r=\"B{number}\"{gdp}</c></row>"
        )
    }

    fn layout(kind: ValueKind) -> Layout {
        sample::layout(Format::Spreadsheet, vec![sample::field("city", ValueKind::Text), sample::field("gdp", kind)])
    }

    fn issues(extract: &Extract) -> Vec<String> {
        let line = |issue: &crate::extract::Issue| {
            format!("{} {} {} {} {}", issue.sheet, issue.cell, issue.column, issue.code.name(), issue.text)
        };
        extract.issues.iter().map(line).collect()
    }

    fn check_error(bytes: &[u8], layout: &Layout, expected: Expect) {
        expected.assert_eq(&sample::told(&sample::read("a.xlsx", bytes, layout).unwrap_err()));
    }

    #[test]
    fn a_formula_without_result_is_an_issue() {
        let bytes = xlsx(
            &[
                row(2, "><f>C2*2</f><v></v>"),
                row(3, "><f>C3*2</f><v>7</v>"),
                row(4, "><f t=\"shared\" ref=\"B4:B5\" si=\"0\">C4*2</f>"),
                row(5, "><f t=\"shared\" si=\"0\"/><v/>"),
                // A result that is the empty text is a result.
                row(6, " t=\"str\"><f>\"\"</f><v></v>"),
                row(7, ">"),
                row(8, "><f></f>"),
            ]
            .concat(),
        );
        let extract = sample::read("a.xlsx", &bytes, &layout(ValueKind::Float)).unwrap();
        assert_eq!(extract.columns[1].values, Values::Float(vec![None, Some(7.0), None, None, None, None, None]));
        assert_eq!(
            issues(&extract),
            [
                "data B2 gdp formula_without_result =C2*2",
                "data B4 gdp formula_without_result =C4*2",
                "data B5 gdp formula_without_result a formula shared with another cell",
            ]
        );
    }

    #[test]
    fn a_required_column_of_formulas_without_results_is_an_error() {
        let bytes = xlsx(&[row(2, "><f>C2*2</f><v></v>"), row(3, "><f>C3*2</f><v></v>")].concat());
        check_error(
            &bytes,
            &layout(ValueKind::Float),
            expect![[r#"
            the workbook holds formulas without results: column `gdp` has 2 of them and no value, first B2 `=C2*2`
            --> a.xlsx, sheet `data`, cell B2
            hint: the program that wrote it does not calculate: open it in a spreadsheet program and save it"#]],
        );
        let mut optional = layout(ValueKind::Float);
        optional.columns[1].optional = true;
        assert_eq!(sample::read("a.xlsx", &bytes, &optional).unwrap().issues.len(), 2);
        // A column of texts may be remarks; but rows must not vanish because of it.
        let mut skipping = layout(ValueKind::Text);
        assert_eq!(sample::read("a.xlsx", &bytes, &skipping).unwrap().issues.len(), 3);
        skipping.skip.push(SkipRule::Matches { column: "gdp".into(), pattern: "C2".into() });
        assert_eq!(sample::read("a.xlsx", &bytes, &skipping).unwrap().origins.len(), 2);
        skipping.skip.push(SkipRule::Null { column: "gdp".into() });
        check_error(
            &bytes,
            &skipping,
            expect![[r#"
            the workbook holds formulas without results: column `gdp` has 2 of them and no value, first B2 `=C2*2`
            --> a.xlsx, sheet `data`, cell B2
            hint: the program that wrote it does not calculate: open it in a spreadsheet program and save it"#]],
        );
    }

    #[test]
    fn a_row_of_nothing_but_formulas_without_results_is_no_blank_row() {
        let row = "<row r=\"2\"><c r=\"A2\"><f>D2</f></c></row>";
        let extract = sample::read("a.xlsx", &xlsx(row), &layout(ValueKind::Text)).unwrap();
        assert_eq!(extract.origins.len(), 1);
    }

    #[test]
    fn formulas_without_results_are_seen_in_ods() {
        let content = "<office:document-content><office:body><office:spreadsheet><table:table table:name=\"data\">\
            <table:table-row table:number-rows-repeated=\"2\"><table:table-cell/></table:table-row>\
            <table:table-row><table:table-cell/>\
            <table:table-cell office:value-type=\"string\"><text:p>city</text:p></table:table-cell>\
            <table:table-cell office:value-type=\"string\"><text:p>gdp</text:p></table:table-cell></table:table-row>\
            <table:table-row><table:table-cell/>\
            <table:table-cell office:value-type=\"string\"><text:p>a</text:p></table:table-cell>\
            <table:table-cell table:formula=\"of:=[.D4]*2\"/></table:table-row>\
            <table:table-row><table:table-cell/>\
            <table:table-cell office:value-type=\"string\"><text:p>b</text:p></table:table-cell>\
            <table:table-cell table:formula=\"of:=[.D5]*2\" office:value-type=\"float\" office:value=\"7\"/></table:table-row>\
            </table:table></office:spreadsheet></office:body></office:document-content>";
        let bytes = archive(&[
            ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
            ("META-INF/manifest.xml", "<manifest:manifest/>"),
            ("content.xml", content),
        ]);
        let extract = sample::read("a.ods", &bytes, &layout(ValueKind::Float)).unwrap();
        assert_eq!(extract.columns[1].values, Values::Float(vec![None, Some(7.0)]));
        assert_eq!(issues(&extract), ["data C4 gdp formula_without_result =[.D4]*2"]);
    }

    #[test]
    fn a_required_column_without_any_value_is_an_issue_of_its_sheet() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        for (sheet, gdp) in [("2011", Some(5.0)), ("2012", None)] {
            let page = workbook.add_worksheet().set_name(sheet).unwrap();
            for (column, (upper, lower)) in [("city", ""), ("gdp", "total"), ("", "urban")].iter().enumerate() {
                page.write_string(0, column as u16, *upper).unwrap();
                page.write_string(1, column as u16, *lower).unwrap();
            }
            page.write_string(2, 0, "a").unwrap();
            page.write_number(2, 2, 3.0).unwrap();
            if let Some(gdp) = gdp {
                page.write_number(2, 1, gdp).unwrap();
            }
        }
        let bytes = workbook.save_to_buffer().unwrap();
        let mut layout = layout(ValueKind::Float);
        layout.sheets = crate::layout::SheetChoice::Names(vec!["*".into()]);
        layout.header = crate::layout::HeaderRule::Found { contains: vec!["city".into()], rows: 2 };
        for (column, name, sub) in [(0, "city", None), (1, "gdp", Some("total".to_string()))] {
            layout.columns[column].source = ColumnSource::Header { any_of: vec![name.into()], sub, nth: 0 };
        }
        let extract = sample::read("a.xlsx", &bytes, &layout).unwrap();
        assert_eq!(issues(&extract), ["2012 B gdp empty_column "]);
        layout.columns[1].optional = true;
        assert_eq!(issues(&sample::read("a.xlsx", &bytes, &layout).unwrap()), [""; 0]);
    }

    #[test]
    fn columns_have_letters() {
        for (index, expected) in [(0, "A"), (25, "Z"), (26, "AA"), (58, "BG"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(index), expected);
        }
    }
}
