//! The layout of a file: where its columns are and what they mean, as the user wrote it, and the same checked and compiled.
//! `check` finds what is wrong without any file. Opens nothing.

use regex::Regex;

use crate::{error::LayoutError, normal, number};

/// How to read the files of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// What kind of file it is.
    pub format: Format,
    /// Which sheets to read, of a spreadsheet.
    pub sheets: SheetChoice,
    /// How the header is found.
    pub header: HeaderRule,
    /// The columns to take.
    pub columns: Vec<ColumnRule>,
    /// The rows to leave out.
    pub skip: Vec<SkipRule>,
    /// Texts that mean missing; the empty text always does.
    pub missing: Vec<String>,
    /// The encoding of text.
    pub encoding: Encoding,
    /// The byte between two fields, of delimited text.
    pub delimiter: u8,
    /// A regular expression with named groups over the whole file stem: `Data_(?<edition>\d{4})`.
    pub file_pattern: Option<String>,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// xlsx, xls, xlsb or ods; told apart by content, not by extension.
    Spreadsheet,
    /// Delimited text.
    Csv,
    /// Stata.
    Dta,
    /// One JSON object per line.
    Jsonl,
    /// One row per file: its text.
    Text,
}

impl Format {
    /// Name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Format::Spreadsheet => "spreadsheet",
            Format::Csv => "csv",
            Format::Dta => "dta",
            Format::Jsonl => "jsonl",
            Format::Text => "text",
        }
    }
}

/// Which sheets of a spreadsheet to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetChoice {
    /// The first visible worksheet.
    First,
    /// Every sheet that one of these glob patterns names; each pattern must name at least one.
    Names(Vec<String>),
}

/// How the header is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderRule {
    /// The first row in which every text of `contains` occurs in some cell; `rows` rows long.
    Found {
        /// Texts of the first header row, compared without blanks and width. None: the first row that is not blank.
        contains: Vec<String>,
        /// Number of header rows; of two, the upper cell holds for the cells right of it until the next upper cell.
        rows: usize,
    },
    /// There is no header.
    None,
}

/// One column of the result.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnRule {
    /// Its name.
    pub name: String,
    /// Where its values come from.
    pub source: ColumnSource,
    /// What they are.
    pub kind: ValueKind,
    /// A file without it gives missing values instead of an error.
    pub optional: bool,
    /// Factors for files whose unit differs.
    pub scale: Vec<ScaleRule>,
    /// Added to every value, after scaling: `-1` turns the year of an edition into the year of its data.
    pub add: Option<i64>,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnSource {
    /// The column under a header cell that equals or begins with one of these names, after taking off blanks, `其中:`,
    /// numbering, unit and translation. Equality wins over beginning.
    Header {
        /// The names.
        any_of: Vec<String>,
        /// What stands in the lower header row.
        sub: Option<String>,
        /// Which of several matches to take, 0-based. 0 does not choose: with it two matches are an error.
        nth: usize,
    },
    /// A group of `file_pattern`, or `stem`, the file name without extension.
    File(String),
    /// The name of the sheet.
    SheetName,
    /// The field or variable of exactly this name.
    Field(String),
    /// The column at this place; the first is 1.
    Position(usize),
    /// This text in every row.
    Constant(String),
    /// The whole text of a text file.
    TextBody,
    /// The 1-based row, line or observation.
    RowNumber,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// Text, outer blanks taken off.
    Text,
    /// Whole number.
    Int,
    /// Finite number.
    Float,
    /// Truth value.
    Bool,
    /// Day, as days since 1970-01-01; from `YYYY-MM-DD`, `YYYYMMDD`, `YYYY.MM.DD`, `YYYY/M/D` or an Excel serial number.
    Date,
}

impl ValueKind {
    /// Name for messages, with its article.
    pub fn name(self) -> &'static str {
        match self {
            ValueKind::Text => "a text",
            ValueKind::Int => "a whole number",
            ValueKind::Float => "a number",
            ValueKind::Bool => "a truth value",
            ValueKind::Date => "a date",
        }
    }
}

/// A factor for some of the files.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleRule {
    /// First value of the group it holds for, inclusive; open if absent.
    pub from: Option<i64>,
    /// Last value of the group it holds for, inclusive; open if absent.
    pub to: Option<i64>,
    /// Group of `file_pattern` that decides.
    pub by: String,
    /// The factor.
    pub factor: f64,
}

impl ScaleRule {
    fn holds(&self, value: i64) -> bool {
        self.from.is_none_or(|from| from <= value) && self.to.is_none_or(|to| value <= to)
    }

    fn overlaps(&self, other: &ScaleRule) -> bool {
        let starts_before_end = |one: &ScaleRule, two: &ScaleRule| match (one.from, two.to) {
            (Some(from), Some(to)) => from <= to,
            _ => true,
        };
        self.by == other.by && starts_before_end(self, other) && starts_before_end(other, self)
    }
}

/// Rows to leave out. Rows that are blank in every column read from the file are always left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipRule {
    /// Rows whose text in `column`, without blanks, matches `pattern`.
    Matches {
        /// Column of the layout.
        column: String,
        /// Regular expression; matches anywhere unless anchored.
        pattern: String,
    },
    /// Says what always holds; may be written for the reader.
    Blank,
    /// Rows without a value in `column`.
    Null {
        /// Column of the layout.
        column: String,
    },
}

/// The encoding of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; anything else is an error.
    Utf8,
    /// An encoding by its label, such as `gb18030`.
    Named(String),
    /// Byte order mark, else UTF-8 if valid, else guessed; what was found is in `Extract::encoding`.
    Detect,
}

/// Checks a layout without any file.
pub fn check(layout: &Layout) -> Result<(), LayoutError> {
    Compiled::new(layout).map(|_| ())
}

/// A checked layout with its patterns compiled.
#[derive(Debug)]
pub(crate) struct Compiled<'l> {
    pub(crate) layout: &'l Layout,
    pub(crate) file_pattern: Option<Regex>,
    pub(crate) skip: Vec<CompiledSkip>,
    pub(crate) sheets: Vec<(String, glob::Pattern)>,
    /// Normalised texts that mean missing.
    pub(crate) missing_texts: Vec<String>,
    /// Those of them that are numbers: a sentinel such as -9999 may be stored as a number too.
    pub(crate) missing_numbers: Vec<f64>,
    /// `None`: detect.
    pub(crate) encoding: Option<&'static encoding_rs::Encoding>,
}

/// A skip rule with the index of its column.
#[derive(Debug)]
pub(crate) enum CompiledSkip {
    Matches { column: usize, pattern: Regex },
    Null { column: usize },
}

impl<'l> Compiled<'l> {
    pub(crate) fn new(layout: &'l Layout) -> Result<Compiled<'l>, LayoutError> {
        let file_pattern = layout.file_pattern.as_deref().map(compile_file_pattern).transpose()?;
        check_header(layout)?;
        if layout.columns.is_empty() {
            return Err(LayoutError::NoColumns);
        }
        for (index, rule) in layout.columns.iter().enumerate() {
            if layout.columns[..index].iter().any(|earlier| earlier.name == rule.name) {
                return Err(LayoutError::DuplicateColumn { column: rule.name.clone() });
            }
            check_source(layout, rule, file_pattern.as_ref())?;
            check_scale(rule, file_pattern.as_ref())?;
        }
        if layout.format == Format::Csv && !is_delimiter(layout.delimiter) {
            return Err(LayoutError::Delimiter { byte: layout.delimiter });
        }
        let missing_texts: Vec<String> = layout.missing.iter().map(|text| normal::normalise(text)).collect();
        Ok(Compiled {
            layout,
            skip: compile_skip(layout)?,
            sheets: compile_sheets(layout)?,
            missing_numbers: missing_texts.iter().filter_map(|text| number::plain_float(text)).collect(),
            missing_texts,
            encoding: compile_encoding(layout)?,
            file_pattern,
        })
    }

    /// True if `text` means missing.
    pub(crate) fn is_missing_text(&self, text: &str) -> bool {
        let trimmed = normal::trim(text);
        if trimmed.is_empty() {
            return true;
        }
        self.missing_texts.iter().any(|missing| normal::is_same(trimmed, missing))
    }
}

/// Makes the pattern hold for the whole stem, so that `Data_\d{4}` does not take `Data_2006_old`.
fn compile_file_pattern(pattern: &str) -> Result<Regex, LayoutError> {
    let wrong = |source| LayoutError::Pattern {
        key: "file",
        place: "`file`".into(),
        pattern: pattern.into(),
        source: Box::new(source),
    };
    // The bare pattern first, so that the message shows what the user wrote.
    Regex::new(pattern).map_err(wrong)?;
    Regex::new(&format!("^(?:{pattern})$")).map_err(wrong)
}

fn check_header(layout: &Layout) -> Result<(), LayoutError> {
    match (&layout.header, layout.format) {
        (HeaderRule::Found { rows: 0, .. }, Format::Spreadsheet | Format::Csv) => Err(LayoutError::HeaderRows),
        (HeaderRule::Found { .. }, Format::Dta | Format::Jsonl | Format::Text) => {
            Err(LayoutError::NoHeaderInFormat { format: layout.format.name() })
        }
        _ => Ok(()),
    }
}

fn check_source(layout: &Layout, rule: &ColumnRule, file_pattern: Option<&Regex>) -> Result<(), LayoutError> {
    let has_header = matches!(layout.header, HeaderRule::Found { .. });
    let two_rows = matches!(layout.header, HeaderRule::Found { rows, .. } if rows > 1);
    let table = matches!(layout.format, Format::Spreadsheet | Format::Csv);
    let misplaced = |source: &'static str, reason: &'static str| {
        Err(LayoutError::Source {
            column: rule.name.clone(),
            source_name: source,
            format: layout.format.name(),
            reason,
        })
    };
    match &rule.source {
        ColumnSource::Header { any_of, .. } if any_of.iter().all(|name| normal::normalise(name).is_empty()) => {
            misplaced("header", "needs at least one name")
        }
        ColumnSource::Header { .. } if !table => misplaced("header", "has no header row; name the field instead"),
        ColumnSource::Header { .. } | ColumnSource::Field(_) if table && !has_header => {
            misplaced("header", "is read without a header here; give the position instead")
        }
        ColumnSource::Header { sub: Some(_), .. } if !two_rows => {
            misplaced("header with `sub`", "needs a header of two rows")
        }
        ColumnSource::Field(_) if layout.format == Format::Text => {
            misplaced("field", "has no fields; take the text body")
        }
        ColumnSource::SheetName if layout.format != Format::Spreadsheet => misplaced("sheet name", "has no sheets"),
        ColumnSource::TextBody if layout.format != Format::Text => misplaced("text body", "is read row by row"),
        ColumnSource::Position(_) if matches!(layout.format, Format::Jsonl | Format::Text) => {
            misplaced("position", "has no ordered columns")
        }
        ColumnSource::Position(0) => misplaced("position", "counts columns from 1"),
        ColumnSource::File(group) if group != "stem" => check_group(&rule.name, group, file_pattern),
        _ => Ok(()),
    }
}

fn check_group(column: &str, group: &str, pattern: Option<&Regex>) -> Result<(), LayoutError> {
    let known: Vec<String> =
        pattern.map(|pattern| pattern.capture_names().flatten().map(String::from).collect()).unwrap_or_default();
    if known.iter().any(|name| name == group) {
        return Ok(());
    }
    Err(LayoutError::UnknownGroup { column: column.into(), group: group.into(), known })
}

fn check_scale(rule: &ColumnRule, pattern: Option<&Regex>) -> Result<(), LayoutError> {
    if !rule.scale.is_empty() && rule.kind != ValueKind::Float {
        return Err(LayoutError::ScaleKind { column: rule.name.clone(), kind: rule.kind.name() });
    }
    if rule.add.is_some() && !matches!(rule.kind, ValueKind::Int | ValueKind::Float) {
        return Err(LayoutError::AddKind { column: rule.name.clone(), kind: rule.kind.name() });
    }
    for (index, scale) in rule.scale.iter().enumerate() {
        check_group(&rule.name, &scale.by, pattern)?;
        if !scale.factor.is_finite() || scale.factor == 0.0 {
            return Err(LayoutError::Factor { column: rule.name.clone(), factor: scale.factor });
        }
        let empty = matches!((scale.from, scale.to), (Some(from), Some(to)) if from > to);
        if empty || rule.scale[..index].iter().any(|earlier| earlier.overlaps(scale)) {
            return Err(LayoutError::ScaleRange { column: rule.name.clone(), by: scale.by.clone() });
        }
    }
    Ok(())
}

/// The factor of a column for a file whose groups are given by `group`.
pub(crate) fn factor_for<E>(rule: &ColumnRule, mut group: impl FnMut(&str) -> Result<i64, E>) -> Result<f64, E> {
    let mut factor = 1.0;
    for scale in &rule.scale {
        if scale.holds(group(&scale.by)?) {
            factor *= scale.factor;
        }
    }
    Ok(factor)
}

fn compile_skip(layout: &Layout) -> Result<Vec<CompiledSkip>, LayoutError> {
    let index_of = |name: &str| {
        layout.columns.iter().position(|rule| rule.name == name).ok_or_else(|| LayoutError::UnknownColumn {
            column: name.into(),
            known: layout.columns.iter().map(|rule| rule.name.clone()).collect(),
        })
    };
    let mut compiled = Vec::new();
    for rule in &layout.skip {
        match rule {
            SkipRule::Blank => {}
            SkipRule::Null { column } => {
                compiled.push(CompiledSkip::Null { column: index_of(column)? });
            }
            SkipRule::Matches { column, pattern } => compiled.push(CompiledSkip::Matches {
                column: index_of(column)?,
                pattern: Regex::new(pattern).map_err(|source| LayoutError::Pattern {
                    key: "skip",
                    place: format!("skip rule of `{column}`"),
                    pattern: pattern.clone(),
                    source: Box::new(source),
                })?,
            }),
        }
    }
    Ok(compiled)
}

fn compile_sheets(layout: &Layout) -> Result<Vec<(String, glob::Pattern)>, LayoutError> {
    let SheetChoice::Names(names) = &layout.sheets else {
        return Ok(Vec::new());
    };
    if names.is_empty() {
        return Err(LayoutError::NoSheets);
    }
    names
        .iter()
        .map(|name| {
            // A name with a bracket that is no pattern is still a name.
            let pattern = glob::Pattern::new(name)
                .or_else(|_| glob::Pattern::new(&glob::Pattern::escape(name)))
                .map_err(|_| LayoutError::NoSheets)?;
            Ok((name.clone(), pattern))
        })
        .collect()
}

fn compile_encoding(layout: &Layout) -> Result<Option<&'static encoding_rs::Encoding>, LayoutError> {
    match &layout.encoding {
        Encoding::Detect => Ok(None),
        Encoding::Utf8 => Ok(Some(encoding_rs::UTF_8)),
        Encoding::Named(label) => encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())
            .map(Some)
            .ok_or_else(|| LayoutError::UnknownEncoding { label: label.clone() }),
    }
}

fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r' | 0)
}

/// Layouts for the tests of this crate.
#[cfg(test)]
pub(crate) mod sample {
    use super::*;
    use crate::{error::ReadError, extract::Extract};
    use std::fs;

    /// A layout without skips, with a header of one row where the format has one.
    pub(crate) fn layout(format: Format, columns: Vec<ColumnRule>) -> Layout {
        let header = match format {
            Format::Csv | Format::Spreadsheet => HeaderRule::Found { contains: Vec::new(), rows: 1 },
            Format::Dta | Format::Jsonl | Format::Text => HeaderRule::None,
        };
        Layout {
            format,
            sheets: SheetChoice::First,
            header,
            columns,
            skip: Vec::new(),
            missing: Vec::new(),
            encoding: Encoding::Utf8,
            delimiter: b',',
            file_pattern: None,
        }
    }

    /// The required column of the field `name`.
    pub(crate) fn field(name: &str, kind: ValueKind) -> ColumnRule {
        ColumnRule {
            name: name.into(),
            source: ColumnSource::Field(name.into()),
            kind,
            optional: false,
            scale: Vec::new(),
            add: None,
        }
    }

    /// Reads a file of these bytes, which goes by `name`.
    pub(crate) fn read(name: &str, bytes: &[u8], layout: &Layout) -> Result<Extract, ReadError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        crate::read(&path, name, layout)
    }

    /// The message of an error with its place and hint, as one text.
    pub(crate) fn told(error: &ReadError) -> String {
        let place = error.place().unwrap_or_default();
        format!("{error}\n--> {place}\nhint: {}", error.hint().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_leads_to_its_key_in_the_layout_file() {
        let base = || {
            let gdp =
                ColumnRule { source: ColumnSource::File("year".into()), ..sample::field("gdp", ValueKind::Float) };
            let columns = vec![sample::field("city", ValueKind::Text), gdp];
            Layout { file_pattern: Some(r"Data_(?<year>\d{4})".into()), ..sample::layout(Format::Csv, columns) }
        };
        assert_eq!(check(&base()), Ok(()));
        type Change = fn(&mut Layout);
        let changes: [(&[&str], Change); 9] = [
            (&["columns"], |layout| layout.columns.clear()),
            (&["columns", "gdp"], |layout| layout.columns[1].source = ColumnSource::SheetName),
            (&["columns", "gdp"], |layout| layout.columns[1].source = ColumnSource::File("yaer".into())),
            (&["columns", "city"], |layout| layout.columns[0].add = Some(1)),
            (&["skip"], |layout| layout.skip.push(SkipRule::Null { column: "town".into() })),
            (&["skip"], |layout| {
                layout.skip.push(SkipRule::Matches { column: "city".into(), pattern: "(".into() });
            }),
            (&["file"], |layout| layout.file_pattern = Some("Data_(".into())),
            (&["encoding"], |layout| layout.encoding = Encoding::Named("utf-9".into())),
            (&["delimiter"], |layout| layout.delimiter = b'a'),
        ];
        for (path, change) in changes {
            let mut layout = base();
            change(&mut layout);
            let error = check(&layout).unwrap_err();
            assert_eq!(error.path(), path, "{error}");
            assert!(!error.to_string().contains("file_pattern"), "{error}");
        }
    }

    #[test]
    fn messages_call_the_pattern_of_file_names_by_its_key() {
        let pattern = Some(r"Data_(?<year>\w{4})".into());
        let mut layout = Layout {
            file_pattern: pattern,
            ..sample::layout(Format::Jsonl, vec![sample::field("n", ValueKind::Float)])
        };
        layout.columns[0].scale.push(ScaleRule { from: None, to: Some(2000), by: "year".into(), factor: 2.0 });
        for name in ["Data_20.jsonl", "Data_199x.jsonl"] {
            let told = sample::told(&sample::read(name, b"{\"n\": 1}", &layout).unwrap_err());
            assert!(told.contains("`file") && !told.contains("file_pattern"), "{told}");
        }
    }
}
