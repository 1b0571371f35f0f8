//! What a file holds before anyone wrote a layout for it: its format and encoding, its sheets, and their rows as texts.
//! Guesses nothing about meaning. Drafting a layout from this is somebody else's.

use std::{
    io::{BufRead, BufReader},
    path::Path,
};

use crate::{
    columnar::{self, Decoder},
    encoding,
    error::ReadError,
    extract::Values,
    jsonl,
    layout::{ColumnRule, ColumnSource, Compiled, Encoding, Format, HeaderRule, Layout, SheetChoice, ValueKind},
    name, normal, number,
    sniff::{self, Container},
    source::Source,
    stata,
    unpack::{self, Plain},
    workbook::Workbook,
};

/// A file as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// What kind of file it is, by its content; delimited text and plain text by its name.
    pub format: Format,
    /// The encoding of text, as a layout writes it.
    pub encoding: Option<String>,
    /// The byte between two fields, of delimited text.
    pub delimiter: u8,
    /// The sheets; one without name for formats without sheets.
    pub sheets: Vec<SheetRows>,
}

/// The rows of one sheet.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetRows {
    /// Its name, or empty.
    pub name: String,
    /// Hidden sheets are not the first.
    pub visible: bool,
    /// Names of the fields, for formats that have them outside of the rows.
    pub fields: Vec<String>,
    /// Rows with something in them: number, and texts by 0-based column.
    pub rows: Vec<(u32, Vec<(usize, String)>)>,
}

/// Texts are kept up to so many characters.
const LONGEST: usize = 80;

/// Reads the whole file; of an archive, the first file in it. `shown_as` is the path as the user knows it; `scratch` is a folder for
/// what is unpacked; `decoder` reads Parquet.
pub fn survey(path: &Path, shown_as: &str, scratch: &Path, decoder: &dyn Decoder) -> Result<Survey, ReadError> {
    let layout = Layout { members: vec!["*".to_string()], ..bare(Format::Csv, b',', Vec::new()) };
    let compiled = Compiled::new(&layout)?;
    let mut found = None;
    unpack::each(path, shown_as, &layout, scratch, &mut |file| {
        if found.is_none() {
            found = Some(plain(file, &compiled, decoder)?);
        }
        Ok(())
    })?;
    found.ok_or_else(|| ReadError::Empty { file: shown_as.to_string() })
}

fn plain(file: &Plain, compiled: &Compiled, decoder: &dyn Decoder) -> Result<Survey, ReadError> {
    let source = Source::open(file, compiled)?;
    let head = sniff::head(file.path).map_err(|error| source.open_error(error))?;
    if head.starts_with(b"PAR1") {
        return fielded(&source, Format::Parquet, columnar::names(&source, decoder)?, decoder);
    }
    if sniff::container(&head) != Container::Other {
        return spreadsheet(&source);
    }
    if head.starts_with(b"<stata_dta>") || source.ending == "dta" {
        return fielded(&source, Format::Dta, stata::variables(&source)?, decoder);
    }
    let encoding = encoding::decide(&source, compiled)?;
    let mut first = String::new();
    let mut text = BufReader::new(encoding::reader(&source, encoding)?);
    while first.trim().is_empty() {
        first.clear();
        if text.read_line(&mut first).map_err(|error| source.open_error(error))? == 0 {
            break;
        }
    }
    if first.trim_start().starts_with('{') {
        return fielded(&source, Format::Jsonl, jsonl::keys(&source, encoding)?, decoder);
    }
    let label = Some(encoding::label(encoding));
    let Some((delimiter, width)) = delimiter(&first).filter(|_| source.ending != "txt" || first.contains('\t')) else {
        let sheets = vec![SheetRows { name: String::new(), visible: true, fields: Vec::new(), rows: Vec::new() }];
        return Ok(Survey { format: Format::Text, encoding: label, delimiter: b',', sheets });
    };
    let positions = (1..=width).map(ColumnSource::Position).collect();
    let mut layout = bare(Format::Csv, delimiter, positions);
    layout.header = HeaderRule::None;
    let sheet = rows(&source, &layout, Vec::new(), decoder)?;
    Ok(Survey { format: Format::Csv, encoding: label, delimiter, sheets: vec![sheet] })
}

/// The number a text stands for, as a column of numbers would read it; whether something had to be taken off.
pub fn as_number(text: &str) -> Option<(f64, bool)> {
    let cleaned = number::clean(text, true)?;
    let value = number::plain_float(&cleaned.digits)?;
    Some((value, cleaned.footnote || cleaned.unit || cleaned.separators))
}

/// What a header cell is called without blanks, numbering, unit and translation: the name a layout can find it by.
pub fn header_name(text: &str) -> String {
    let normal = normal::normalise(text);
    name::names(&normal).last().map(|name| name.to_string()).unwrap_or_default()
}

/// A text as headers are compared: without blanks, half-width.
pub fn compared(text: &str) -> String {
    normal::normalise(text)
}

fn spreadsheet(source: &Source) -> Result<Survey, ReadError> {
    let mut workbook = Workbook::open(source)?;
    let mut sheets = Vec::new();
    for (name, visible) in workbook.sheets() {
        let rows = workbook.rows(&name)?;
        let texts = rows.iter().map(|row| {
            let cells = row.cells.iter().map(|(index, cell)| (*index, shortened(&cell.to_text())));
            (row.number, cells.collect())
        });
        let rows = texts.collect();
        sheets.push(SheetRows { name, visible, fields: Vec::new(), rows });
    }
    Ok(Survey { format: Format::Spreadsheet, encoding: None, delimiter: b',', sheets })
}

/// Formats whose fields have names outside of the rows.
fn fielded(source: &Source, format: Format, fields: Vec<String>, decoder: &dyn Decoder) -> Result<Survey, ReadError> {
    let layout = bare(format, b',', fields.iter().cloned().map(ColumnSource::Field).collect());
    let sheet = rows(source, &layout, fields, decoder)?;
    Ok(Survey { format, encoding: None, delimiter: b',', sheets: vec![sheet] })
}

/// All columns of a layout, as texts.
fn rows(source: &Source, layout: &Layout, fields: Vec<String>, decoder: &dyn Decoder) -> Result<SheetRows, ReadError> {
    let extract = crate::as_declared(source, &Compiled::new(layout)?, decoder)?;
    let mut rows: Vec<(u32, Vec<(usize, String)>)> =
        extract.origins.iter().map(|origin| (origin.row, Vec::new())).collect();
    for (index, column) in extract.columns.iter().enumerate() {
        let Values::Text(values) = &column.values else { continue };
        for (row, text) in rows.iter_mut().zip(values) {
            row.1.extend(text.as_ref().map(|text| (index, shortened(text))));
        }
    }
    Ok(SheetRows { name: String::new(), visible: true, fields, rows })
}

/// The delimiter of a line and the number of its fields; none if it has none.
fn delimiter(line: &str) -> Option<(u8, usize)> {
    let count = |delimiter: char| {
        let mut quoted = false;
        let mut fields = 1;
        for character in line.chars() {
            match character {
                '"' => quoted = !quoted,
                other if other == delimiter && !quoted => fields += 1,
                _ => {}
            }
        }
        fields
    };
    let counts = [',', '\t', ';', '|'].map(|delimiter| (delimiter, count(delimiter)));
    let (delimiter, fields) = counts.into_iter().max_by_key(|(delimiter, fields)| (*fields, *delimiter == ','))?;
    (fields > 1).then_some((delimiter as u8, fields))
}

/// A layout of these columns, all text; with none, one that no file is held against.
fn bare(format: Format, delimiter: u8, sources: Vec<ColumnSource>) -> Layout {
    let sources = if sources.is_empty() { vec![ColumnSource::RowNumber] } else { sources };
    let column = |(index, source): (usize, ColumnSource)| ColumnRule {
        name: index.to_string(),
        source,
        kind: ValueKind::Text,
        optional: true,
        unit: None,
        printed: Vec::new(),
        scale: Vec::new(),
        add: None,
        fills_down: false,
        title_says: None,
    };
    Layout {
        format,
        sheets: SheetChoice::First,
        sheet_pattern: None,
        header: HeaderRule::None,
        header_below: None,
        columns: sources.into_iter().enumerate().map(column).collect(),
        skip: Vec::new(),
        missing: Vec::new(),
        encoding: Encoding::Detect,
        delimiter,
        file_pattern: None,
        keeps_totals: true,
        members: Vec::new(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => text[..end].to_string(),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn surveyed(name: &str, bytes: &[u8]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        match survey(&path, name, folder.path(), &columnar::NoDecoder) {
            Ok(Survey { format, encoding, delimiter, sheets }) => {
                let rows: Vec<String> = sheets[0]
                    .rows
                    .iter()
                    .map(|(row, cells)| {
                        format!("{row}:{}", cells.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("/"))
                    })
                    .collect();
                let encoding = encoding.unwrap_or_default();
                format!(
                    "{} {encoding} {:?} [{}] {}",
                    format.name(),
                    char::from(delimiter),
                    sheets[0].fields.join(" "),
                    rows.join(" ")
                )
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn formats_and_encodings_are_found_by_content() {
        let (gbk, _, _) = encoding_rs::GB18030.encode("城市,年份\n武汉,2012\n襄阳,2013\n");
        for (name, bytes, expected) in [
            ("a.csv", "city,year\n武汉,2012\n".as_bytes(), "csv utf-8 ',' [] 1:city/year 2:武汉/2012"),
            ("a.dat", "city;year\n\"a;b\";2012\n".as_bytes(), "csv utf-8 ';' [] 1:city/year 2:a;b/2012"),
            ("g.csv", gbk.as_ref(), "csv gb18030 ',' [] 1:城市/年份 2:武汉/2012 3:襄阳/2013"),
            ("a.json", "{\"a\":1}\n{\"b\":\"x\",\"a\":2}\n".as_bytes(), "jsonl  ',' [a b] 1:1 2:2/x"),
            ("a.txt", "第一，第二\n".as_bytes(), "text utf-8 ',' [] "),
        ] {
            assert_eq!(surveyed(name, bytes), expected, "{name}");
        }
    }

    #[test]
    fn header_names_and_numbers_are_those_of_the_readers() {
        assert_eq!(header_name("⑵ 年末总人口（万人）"), "年末总人口");
        assert_eq!(as_number("2016（1）"), Some((2016.0, true)));
        assert_eq!(as_number("12.5"), Some((12.5, false)));
        assert_eq!(as_number("—"), None);
    }
}
