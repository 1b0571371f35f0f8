//! The layout of a file: where its columns are and what they mean, as the user wrote it, and the same checked and compiled.
//! `check` finds what is wrong without any file. Opens nothing.

use regex::Regex;

use crate::{declared::Declared, error::LayoutError, normal, number};

/// How to read the files of one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// What kind of file it is.
    pub format: Format,
    /// Which sheets to read, of a spreadsheet.
    pub sheets: SheetChoice,
    /// A regular expression with named groups over the whole name of a sheet: `(?<year>\d{4})年`.
    pub sheet_pattern: Option<String>,
    /// How the header is found.
    pub header: HeaderRule,
    /// The header is looked for below the first row in which a cell has this text: for the second of two tables of a sheet.
    pub header_below: Option<String>,
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
    /// A regular expression with named groups over the whole file stem: `Data_(?<edition>\d{4})`; with a slash in it, over as
    /// many of the last parts of the path: `(?<city>[^/]+)/(?<year>\d{4})`.
    pub file_pattern: Option<String>,
    /// A row that is the sum of all others stops the reading, unless such rows are meant to stay.
    pub keeps_totals: bool,
    /// Which members of an archive to read, as glob patterns over the member's whole name, or over its last part where the
    /// pattern has no slash. Empty: those whose ending is one of the format's.
    pub members: Vec<String>,
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
    /// Parquet, decoded by whoever calls.
    Parquet,
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
            Format::Parquet => "parquet",
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

/// More header rows than this are not told from data.
pub const MAX_HEADER_ROWS: usize = 4;

/// How the header is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderRule {
    /// The first row in which every text of `contains` occurs in some cell; `rows` rows long.
    Found {
        /// Texts of the first header row, compared without blanks and width. None: the first row that is not blank.
        contains: Vec<String>,
        /// Number of header rows, at most [`MAX_HEADER_ROWS`]; a cell of all but the last holds for the cells right of it until
        /// the next cell of its row.
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
    /// The unit its values come out in. A header cell that prints another one, in view of `printed` and `scale`, is an error.
    pub unit: Option<String>,
    /// The units that files print, where they differ from `unit`; numbers are converted.
    pub printed: Vec<PrintedRule>,
    /// Factors for files whose unit differs.
    pub scale: Vec<ScaleRule>,
    /// Added to every value, after scaling: `-1` turns the year of an edition into the year of its data.
    pub add: Option<i64>,
    /// A blank cell takes the value above it: what a cell merged downwards looks like.
    pub fills_down: bool,
    /// A regular expression over the texts above the header; what its group finds there must be the value of this column.
    pub title_says: Option<String>,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnSource {
    /// The column under a header cell that equals one of these names, after taking off blanks, `其中:`, numbering, unit and
    /// translation; or begins with one that ends in `*`. Equality wins over beginning.
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
    /// A group of `sheet_pattern`.
    Sheet(String),
    /// What a regular expression, or its one group, finds in the texts above the header.
    Title(String),
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

/// The unit that some of the files print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrintedRule {
    /// Group of `file_pattern` or `sheet_pattern` that decides; all files if absent.
    pub by: Option<String>,
    /// First value of the group it holds for, inclusive; open if absent.
    pub from: Option<i64>,
    /// Last value of the group it holds for, inclusive; open if absent.
    pub to: Option<i64>,
    /// The unit the numbers are in.
    pub unit: String,
    /// What the header cell says instead, where it is known to be wrong.
    pub header: Option<String>,
}

/// A factor for some of the files.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleRule {
    /// First value of the group it holds for, inclusive; open if absent.
    pub from: Option<i64>,
    /// Last value of the group it holds for, inclusive; open if absent.
    pub to: Option<i64>,
    /// Group of `file_pattern` or `sheet_pattern` that decides.
    pub by: String,
    /// The factor.
    pub factor: f64,
}

/// From and to, both included; open where absent.
type Span = (Option<i64>, Option<i64>);

impl ScaleRule {
    fn span(&self) -> Span {
        (self.from, self.to)
    }
}

impl PrintedRule {
    pub(crate) fn span(&self) -> Span {
        (self.from, self.to)
    }
}

/// True if the span includes `value`.
pub(crate) fn holds((from, to): Span, value: i64) -> bool {
    from.is_none_or(|from| from <= value) && to.is_none_or(|to| value <= to)
}

fn overlap(one: Span, other: Span) -> bool {
    let starts_before_end = |from: Option<i64>, to: Option<i64>| from.zip(to).is_none_or(|(from, to)| from <= to);
    starts_before_end(one.0, other.1) && starts_before_end(other.0, one.1)
}

/// True if no span is empty and no two of one group overlap.
pub(crate) fn are_apart(spans: &[(&str, Span)]) -> bool {
    spans.iter().enumerate().all(|(index, (by, span))| {
        let empty = matches!(span, (Some(from), Some(to)) if from > to);
        !empty && !spans[..index].iter().any(|(earlier_by, earlier)| earlier_by == by && overlap(*earlier, *span))
    })
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
    /// The first such row and everything below it, to the end of the sheet or file.
    From {
        /// Column of the layout.
        column: String,
        /// Regular expression; matches anywhere unless anchored.
        pattern: String,
    },
    /// Rows in which every other column read from the file is blank: notes, headings.
    Only {
        /// Column of the layout.
        column: String,
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
    pub(crate) sheet_pattern: Option<Regex>,
    /// By column: its units, and what it wants from the title.
    pub(crate) declared: Vec<Declared>,
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
    Matches { column: usize, pattern: Regex, and_rest: bool },
    Null { column: usize },
    Only { column: usize },
}

impl<'l> Compiled<'l> {
    pub(crate) fn new(layout: &'l Layout) -> Result<Compiled<'l>, LayoutError> {
        let whole_name = |key: &'static str, pattern: &Option<String>| {
            pattern.as_deref().map(|pattern| compile_whole(key, pattern)).transpose()
        };
        let file_pattern = whole_name("file", &layout.file_pattern)?;
        let sheet_pattern = whole_name("sheet", &layout.sheet_pattern)?;
        if sheet_pattern.is_some() && layout.format != Format::Spreadsheet {
            return Err(LayoutError::NoSheetsInFormat { format: layout.format.name() });
        }
        let patterns = Patterns { file: file_pattern.as_ref(), sheet: sheet_pattern.as_ref() };
        if let Some(group) = patterns.twice() {
            return Err(LayoutError::GroupTwice { group });
        }
        check_header(layout)?;
        if layout.columns.is_empty() {
            return Err(LayoutError::NoColumns);
        }
        for (index, rule) in layout.columns.iter().enumerate() {
            if layout.columns[..index].iter().any(|earlier| earlier.name == rule.name) {
                return Err(LayoutError::DuplicateColumn { column: rule.name.clone() });
            }
            check_source(layout, rule, &patterns)?;
            check_scale(rule, &patterns)?;
        }
        let declared = layout.columns.iter().map(|rule| Declared::new(layout, rule)).collect::<Result<_, _>>()?;
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
            sheet_pattern,
            declared,
        })
    }

    /// Number of header rows; 0 without a header.
    pub(crate) fn header_rows(&self) -> u32 {
        match &self.layout.header {
            HeaderRule::Found { rows, .. } => u32::try_from(*rows).unwrap_or(u32::MAX),
            HeaderRule::None => 0,
        }
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

/// The patterns whose groups columns and factors may name.
struct Patterns<'p> {
    file: Option<&'p Regex>,
    sheet: Option<&'p Regex>,
}

impl Patterns<'_> {
    fn groups(pattern: Option<&Regex>) -> Vec<String> {
        pattern.map(|pattern| pattern.capture_names().flatten().map(String::from).collect()).unwrap_or_default()
    }

    fn all(&self) -> Vec<String> {
        [Patterns::groups(self.file), Patterns::groups(self.sheet)].concat()
    }

    /// A group that both have.
    fn twice(&self) -> Option<String> {
        let of_file = Patterns::groups(self.file);
        Patterns::groups(self.sheet).into_iter().find(|group| of_file.contains(group))
    }
}

/// Makes the pattern hold for the whole name, so that `Data_\d{4}` does not take `Data_2006_old`.
fn compile_whole(key: &'static str, pattern: &str) -> Result<Regex, LayoutError> {
    let wrong = |source| LayoutError::Pattern {
        key,
        place: format!("`{key}`"),
        pattern: pattern.into(),
        source: Box::new(source),
    };
    // The bare pattern first, so that the message shows what the user wrote.
    Regex::new(pattern).map_err(wrong)?;
    Regex::new(&format!("^(?:{pattern})$")).map_err(wrong)
}

fn check_header(layout: &Layout) -> Result<(), LayoutError> {
    match (&layout.header, layout.format) {
        (HeaderRule::Found { rows, .. }, Format::Spreadsheet | Format::Csv)
            if !(1..=MAX_HEADER_ROWS).contains(rows) =>
        {
            Err(LayoutError::HeaderRows)
        }
        (HeaderRule::Found { .. }, Format::Dta | Format::Jsonl | Format::Parquet | Format::Text) => {
            Err(LayoutError::NoHeaderInFormat { format: layout.format.name() })
        }
        _ if layout.header_below.is_some() && layout.format != Format::Spreadsheet => {
            Err(LayoutError::NoSheetsInFormat { format: layout.format.name() })
        }
        _ => Ok(()),
    }
}

fn check_source(layout: &Layout, rule: &ColumnRule, patterns: &Patterns) -> Result<(), LayoutError> {
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
        ColumnSource::Title(_) if layout.format != Format::Spreadsheet || !has_header => {
            misplaced("title", "has no texts above a header here")
        }
        ColumnSource::File(group) if group != "stem" => {
            check_group(&rule.name, group, "file", Patterns::groups(patterns.file))
        }
        ColumnSource::Sheet(group) => check_group(&rule.name, group, "sheet", Patterns::groups(patterns.sheet)),
        _ => Ok(()),
    }
}

fn check_group(column: &str, group: &str, key: &'static str, known: Vec<String>) -> Result<(), LayoutError> {
    if known.iter().any(|name| name == group) {
        return Ok(());
    }
    Err(LayoutError::UnknownGroup { column: column.into(), group: group.into(), key, known })
}

fn check_scale(rule: &ColumnRule, patterns: &Patterns) -> Result<(), LayoutError> {
    let converts = !rule.scale.is_empty() || !rule.printed.is_empty();
    if converts && rule.kind != ValueKind::Float {
        return Err(LayoutError::ScaleKind { column: rule.name.clone(), kind: rule.kind.name() });
    }
    if !rule.scale.is_empty() && !rule.printed.is_empty() {
        return Err(LayoutError::ScaleAndPrinted { column: rule.name.clone() });
    }
    if rule.add.is_some() && !matches!(rule.kind, ValueKind::Int | ValueKind::Float) {
        return Err(LayoutError::AddKind { column: rule.name.clone(), kind: rule.kind.name() });
    }
    let all = patterns.all();
    let key = if patterns.sheet.is_some() { "file` or `sheet" } else { "file" };
    for by in
        rule.scale.iter().map(|scale| &scale.by).chain(rule.printed.iter().filter_map(|printed| printed.by.as_ref()))
    {
        check_group(&rule.name, by, key, all.clone())?;
    }
    if let Some(wrong) = rule.scale.iter().find(|scale| !scale.factor.is_finite() || scale.factor == 0.0) {
        return Err(LayoutError::Factor { column: rule.name.clone(), factor: wrong.factor });
    }
    let scales: Vec<(&str, Span)> = rule.scale.iter().map(|scale| (scale.by.as_str(), scale.span())).collect();
    // All rules on the printed unit must be apart, whatever group they ask: only one unit can hold.
    let prints: Vec<(&str, Span)> = rule.printed.iter().map(|printed| ("", printed.span())).collect();
    let groups: Vec<&Option<String>> = rule.printed.iter().map(|printed| &printed.by).collect();
    let one_group = groups.windows(2).all(|pair| pair[0] == pair[1]);
    if !are_apart(&scales) || !are_apart(&prints) || !one_group {
        let by = scales.first().map(|(by, _)| by.to_string());
        let by = by.or(groups.into_iter().flatten().next().cloned()).unwrap_or_default();
        return Err(LayoutError::ScaleRange { column: rule.name.clone(), by });
    }
    Ok(())
}

/// The factor of a column for a file whose groups are given by `group`.
pub(crate) fn factor_for<E>(rule: &ColumnRule, mut group: impl FnMut(&str) -> Result<i64, E>) -> Result<f64, E> {
    let mut factor = 1.0;
    for scale in &rule.scale {
        if holds(scale.span(), group(&scale.by)?) {
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
            SkipRule::Only { column } => compiled.push(CompiledSkip::Only { column: index_of(column)? }),
            SkipRule::Matches { column, pattern } | SkipRule::From { column, pattern } => {
                compiled.push(CompiledSkip::Matches {
                    column: index_of(column)?,
                    and_rest: matches!(rule, SkipRule::From { .. }),
                    pattern: Regex::new(pattern).map_err(|source| LayoutError::Pattern {
                        key: "skip",
                        place: format!("skip rule of `{column}`"),
                        pattern: pattern.clone(),
                        source: Box::new(source),
                    })?,
                });
            }
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
    use crate::{Member, columnar::NoDecoder, error::ReadError, extract::Extract};
    use std::{fs, path::Path};

    /// A layout without skips, with a header of one row where the format has one.
    pub(crate) fn layout(format: Format, columns: Vec<ColumnRule>) -> Layout {
        let header = match format {
            Format::Csv | Format::Spreadsheet => HeaderRule::Found { contains: Vec::new(), rows: 1 },
            Format::Dta | Format::Jsonl | Format::Parquet | Format::Text => HeaderRule::None,
        };
        Layout {
            format,
            sheets: SheetChoice::First,
            sheet_pattern: None,
            header,
            header_below: None,
            columns,
            skip: Vec::new(),
            missing: Vec::new(),
            encoding: Encoding::Utf8,
            delimiter: b',',
            file_pattern: None,
            keeps_totals: false,
            members: Vec::new(),
        }
    }

    /// The required column of the field `name`.
    pub(crate) fn field(name: &str, kind: ValueKind) -> ColumnRule {
        column(name, ColumnSource::Field(name.into()), kind)
    }

    /// A required column.
    pub(crate) fn column(name: &str, source: ColumnSource, kind: ValueKind) -> ColumnRule {
        ColumnRule {
            name: name.into(),
            source,
            kind,
            optional: false,
            unit: None,
            printed: Vec::new(),
            scale: Vec::new(),
            add: None,
            fills_down: false,
            title_says: None,
        }
    }

    /// Reads a file of these bytes, which goes by `name`.
    pub(crate) fn read(name: &str, bytes: &[u8], layout: &Layout) -> Result<Extract, ReadError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        members(&path, name, layout).map(|mut members| members.remove(0).extract)
    }

    /// Reads what is in a file that goes by `shown`.
    pub(crate) fn members(path: &Path, shown: &str, layout: &Layout) -> Result<Vec<Member>, ReadError> {
        let scratch = tempfile::tempdir().expect("a folder");
        crate::read(path, shown, layout, scratch.path(), &NoDecoder)
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
