//! What can be wrong with a layout or a file, with the facts, the place and the next step. Prints nothing: the command line
//! renders [`ReadError::place`], the message and [`ReadError::hint`].

use std::io;

use crate::contradiction::Contradiction;

/// What is wrong with a layout.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LayoutError {
    /// Nothing to read.
    #[error("the layout names no columns")]
    NoColumns,
    /// Two columns of one name.
    #[error("the layout names column `{column}` twice")]
    DuplicateColumn {
        /// Its name.
        column: String,
    },
    /// A rule about a column that is not there.
    #[error("a skip rule names column `{column}`; the layout has [{}]", known.join(", "))]
    UnknownColumn {
        /// The name that was asked for.
        column: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A group that the pattern of file names does not have.
    #[error("column `{column}` needs the group `{group}`; the pattern `{key}` has [{}]", known.join(", "))]
    UnknownGroup {
        /// Column that needs it.
        column: String,
        /// The group.
        group: String,
        /// The key of the pattern.
        key: &'static str,
        /// The groups there are.
        known: Vec<String>,
    },
    /// A regular expression that does not compile.
    #[error("{place}: `{pattern}` is not a regular expression: {source}")]
    Pattern {
        /// The key of the layout it stands under.
        key: &'static str,
        /// Which part of the layout.
        place: String,
        /// What was written.
        pattern: String,
        /// Why.
        source: Box<regex::Error>,
    },
    /// A source that the format does not have.
    #[error("column `{column}` comes from a {source_name}: format `{format}` {reason}")]
    Source {
        /// The column.
        column: String,
        /// Kind of source.
        source_name: &'static str,
        /// Format of the layout.
        format: &'static str,
        /// What is in the way.
        reason: &'static str,
    },
    /// A header in a format that names its fields itself.
    #[error("format `{format}` has no header rows; leave `header` out")]
    NoHeaderInFormat {
        /// Format of the layout.
        format: &'static str,
    },
    /// A header of no rows, or of very many.
    #[error("a header has 1 to 4 rows")]
    HeaderRows,
    /// A sheet pattern, or a place in a sheet, in a format without sheets.
    #[error("format `{format}` has no sheets; leave `sheet` and `below` out")]
    NoSheetsInFormat {
        /// Format of the layout.
        format: &'static str,
    },
    /// One group name in both patterns.
    #[error("the group `{group}` is in `file` and in `sheet`; give it another name in one of them")]
    GroupTwice {
        /// The group.
        group: String,
    },
    /// A unit of files without one to come out in.
    #[error("column `{column}` says what is `printed` and not what it becomes; add `unit`")]
    PrintedWithoutUnit {
        /// The column.
        column: String,
    },
    /// Units that cannot be converted.
    #[error("column `{column}`: `{from}` cannot be turned into `{to}`")]
    Units {
        /// The column.
        column: String,
        /// The printed unit.
        from: String,
        /// The unit to come out.
        to: String,
    },
    /// Two ways to convert.
    #[error("column `{column}` has `printed` and `scale`; both would convert: give one")]
    ScaleAndPrinted {
        /// The column.
        column: String,
    },
    /// A title to agree with where there is none, or for a column that changes from row to row.
    #[error(
        "column `{column}` cannot have `title_says`: it needs a spreadsheet with a header, and a value that is the same in every row, as from `file` or `sheet`"
    )]
    TitleSays {
        /// The column.
        column: String,
    },
    /// A pattern with more than one group.
    #[error(
        "column `{column}`: `{key}` may have one group in parentheses, for the part that counts; write others as `(?:…)`"
    )]
    TitleGroups {
        /// The column.
        column: String,
        /// The key of the pattern.
        key: String,
    },
    /// A regular expression of a column that does not compile.
    #[error("column `{column}`: `{key}: {pattern}` is not a regular expression: {source}")]
    ColumnPattern {
        /// The column.
        column: String,
        /// The key of the pattern.
        key: String,
        /// What was written.
        pattern: String,
        /// Why.
        source: Box<regex::Error>,
    },
    /// No sheet name.
    #[error("the layout names no sheets; leave `sheets` out to read the first")]
    NoSheets,
    /// An encoding nobody knows.
    #[error("no encoding `{label}`; use a label such as utf-8, gb18030, gbk, big5, windows-1252")]
    UnknownEncoding {
        /// What was written.
        label: String,
    },
    /// A delimiter that cannot be one.
    #[error("the byte {byte:#04x} cannot separate fields; use `,`, `;`, a tab or another ASCII sign")]
    Delimiter {
        /// The byte.
        byte: u8,
    },
    /// A factor for something that is no float.
    #[error("column `{column}` is {kind} and cannot be scaled; make it a float")]
    ScaleKind {
        /// The column.
        column: String,
        /// What it is.
        kind: &'static str,
    },
    /// An addition to something that is no number.
    #[error("column `{column}` is {kind}; only numbers can be added to")]
    AddKind {
        /// The column.
        column: String,
        /// What it is.
        kind: &'static str,
    },
    /// A factor that makes every value useless.
    #[error("column `{column}` has the factor {factor}; it must be finite and not 0")]
    Factor {
        /// The column.
        column: String,
        /// The factor.
        factor: f64,
    },
    /// Ranges that overlap or are empty.
    #[error("column `{column}`: the ranges of its scale rules by `{by}` overlap or are empty")]
    ScaleRange {
        /// The column.
        column: String,
        /// The group.
        by: String,
    },
}

impl LayoutError {
    /// Where it is: the keys that lead to it in the layout file, outermost first.
    pub fn path(&self) -> Vec<&str> {
        match self {
            LayoutError::NoColumns => vec!["columns"],
            LayoutError::UnknownColumn { .. } => vec!["skip"],
            LayoutError::Pattern { key, .. } => vec![key],
            LayoutError::NoSheetsInFormat { .. } | LayoutError::GroupTwice { .. } => vec!["sheet"],
            LayoutError::NoHeaderInFormat { .. } | LayoutError::HeaderRows => vec!["header"],
            LayoutError::NoSheets => vec!["sheets"],
            LayoutError::UnknownEncoding { .. } => vec!["encoding"],
            LayoutError::Delimiter { .. } => vec!["delimiter"],
            LayoutError::TitleSays { column } => vec!["columns", column, "title_says"],
            LayoutError::TitleGroups { column, key } | LayoutError::ColumnPattern { column, key, .. } => {
                vec!["columns", column, key]
            }
            LayoutError::PrintedWithoutUnit { column }
            | LayoutError::Units { column, .. }
            | LayoutError::ScaleAndPrinted { column } => vec!["columns", column, "printed"],
            LayoutError::DuplicateColumn { column }
            | LayoutError::UnknownGroup { column, .. }
            | LayoutError::Source { column, .. }
            | LayoutError::ScaleKind { column, .. }
            | LayoutError::AddKind { column, .. }
            | LayoutError::Factor { column, .. }
            | LayoutError::ScaleRange { column, .. } => vec!["columns", column],
        }
    }
}

/// What is wrong with a file, or with the layout for it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The layout itself is wrong.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The file says something else than the layout, or two things.
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    /// The file cannot be read.
    #[error("cannot read `{file}`: {source}")]
    Open {
        /// The file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A file of 0 bytes.
    #[error("`{file}` is empty (0 bytes)")]
    Empty {
        /// The file.
        file: String,
    },
    /// A file name that the pattern does not fit.
    #[error("the name of `{file}` does not fit `file: {pattern}`")]
    FileName {
        /// The file.
        file: String,
        /// The pattern.
        pattern: String,
    },
    /// A group that decides a unit but is no number.
    #[error("`{file}`: group `{group}` of the pattern `file` is `{text}`, not a whole number")]
    GroupNotNumber {
        /// The file.
        file: String,
        /// The group.
        group: String,
        /// What it matched.
        text: String,
    },
    /// Another kind of file under a spreadsheet's name.
    #[error("`{file}` is not a spreadsheet: its content is {found}")]
    NotSpreadsheet {
        /// The file.
        file: String,
        /// What its first bytes say.
        found: String,
    },
    /// A zip container without its end.
    #[error(
        "`{file}` is cut off: its {bytes} bytes begin like a spreadsheet but the table of contents at the end is missing"
    )]
    Truncated {
        /// The file.
        file: String,
        /// Bytes there are.
        bytes: u64,
    },
    /// Protected by a password.
    #[error("`{file}` is encrypted with a password")]
    Encrypted {
        /// The file.
        file: String,
    },
    /// An archive or compressed file that cannot be unpacked.
    #[error("`{file}` cannot be unpacked: {cause}")]
    Archive {
        /// The file, or the member of an archive.
        file: String,
        /// What is in the way.
        cause: String,
    },
    /// An archive without the member that was asked for.
    #[error("no member `{wanted}` in `{file}`; it has [{}]", first_of(known))]
    NoMember {
        /// The archive.
        file: String,
        /// Patterns that were tried.
        wanted: String,
        /// The members there are.
        known: Vec<String>,
    },
    /// More than any honest file of its size would hold.
    #[error("`{file}` is too large to be read: {cause}")]
    TooLarge {
        /// The file.
        file: String,
        /// What is too large.
        cause: String,
    },
    /// A decoder that panicked.
    #[error("`{file}` is damaged: its decoder gave up ({cause})")]
    Decoder {
        /// The file.
        file: String,
        /// What the decoder said last.
        cause: String,
    },
    /// A format that is known and not read.
    #[error("`{file}` is {found}, which is not read")]
    Unsupported {
        /// The file.
        file: String,
        /// What it is.
        found: &'static str,
    },
    /// A Parquet file that cannot be decoded.
    #[error("`{file}` cannot be read as a Parquet file: {cause}")]
    Parquet {
        /// The file.
        file: String,
        /// What the decoder says.
        cause: String,
    },
    /// A damaged spreadsheet.
    #[error("`{file}` cannot be read as a spreadsheet: {cause}")]
    Workbook {
        /// The file.
        file: String,
        /// Sheet, if one was being read.
        sheet: Option<String>,
        /// What the decoder says.
        cause: String,
    },
    /// No such sheet.
    #[error("no sheet `{wanted}` in `{file}`; it has [{}]", known.join(", "))]
    MissingSheet {
        /// The file.
        file: String,
        /// Name or pattern that was asked for.
        wanted: String,
        /// The sheets there are.
        known: Vec<String>,
        /// The sheet of the most similar name.
        nearest: Option<String>,
    },
    /// No row holds all header words.
    #[error("no header in {}: no row has all of the header words; missing in the nearest row: [{}]", within(file, sheet), missing.join(", "))]
    NoHeader {
        /// The file.
        file: String,
        /// The sheet, or empty.
        sheet: String,
        /// Words that the nearest row lacks.
        missing: Vec<String>,
        /// 1-based row that has most of the words.
        nearest_row: Option<u32>,
        /// Its first cells.
        nearest: String,
    },
    /// No header cell or field of this name.
    #[error("no column for `{column}` in {}: nothing there is called [{}]", within(file, sheet), wanted.join(", "))]
    MissingColumn {
        /// The file.
        file: String,
        /// The sheet, or empty.
        sheet: String,
        /// Column of the layout.
        column: String,
        /// 1-based row of the header, where rows have addresses.
        row: Option<u32>,
        /// Names that were tried.
        wanted: Vec<String>,
        /// The most similar names there are, best first, with their cells.
        nearest: Vec<String>,
    },
    /// The two rows of a header are shifted against each other.
    #[error(
        "the two header rows of {} do not line up: `{upper}` stands in column {upper_at} with nothing below it, and `{lower}` in column {lower_at}",
        within(file, sheet)
    )]
    ShiftedHeader {
        /// The file.
        file: String,
        /// The sheet, or empty.
        sheet: String,
        /// The text of the upper row.
        upper: String,
        /// Its column.
        upper_at: String,
        /// The text of the lower row that was looked for below it.
        lower: String,
        /// Its column.
        lower_at: String,
    },
    /// Several header cells of this name.
    #[error("several columns for `{column}` in {}: {}", within(file, sheet), listed(cells))]
    AmbiguousColumn {
        /// The file.
        file: String,
        /// The sheet, or empty.
        sheet: String,
        /// Column of the layout.
        column: String,
        /// Place and text of each header cell that fits.
        cells: Vec<(String, String)>,
    },
    /// Bytes that are not text in the declared encoding.
    #[error("`{file}` is not {encoding}: byte {offset} (line {line}) is not valid")]
    InvalidEncoding {
        /// The file.
        file: String,
        /// The encoding that was declared or found.
        encoding: String,
        /// 0-based offset of the first wrong byte.
        offset: u64,
        /// Its 1-based line.
        line: u64,
        /// An encoding that fits the whole file, and its first line read so.
        fits: Option<(String, String)>,
    },
    /// Bytes that fit no encoding.
    #[error("the encoding of `{file}` cannot be detected")]
    UndetectedEncoding {
        /// The file.
        file: String,
    },
    /// A row of the wrong length.
    #[error("`{file}`, line {line}: {found} fields where the first row has {expected}")]
    FieldCount {
        /// The file.
        file: String,
        /// 1-based line.
        line: u64,
        /// Fields of the header.
        expected: usize,
        /// Fields of this row.
        found: usize,
    },
    /// A quoted field that runs to the end of the file.
    #[error("`{file}`, line {line}: the quote that opens a field here is never closed")]
    UnclosedQuote {
        /// The file.
        file: String,
        /// 1-based line of the opening quote.
        line: u64,
    },
    /// Something between the closing quote of a field and the next delimiter.
    #[error("`{file}`, line {line}: text follows the quote that closes {}", opened_at(*line, *opened))]
    TextAfterQuote {
        /// The file.
        file: String,
        /// 1-based line of the text.
        line: u64,
        /// 1-based line of the opening quote.
        opened: u64,
    },
    /// Delimited text that cannot be split.
    #[error("`{file}` cannot be read as delimited text: {cause}")]
    Csv {
        /// The file.
        file: String,
        /// What the decoder says.
        cause: String,
    },
    /// A damaged Stata file.
    #[error("`{file}` cannot be read as a Stata file: {cause}")]
    Dta {
        /// The file.
        file: String,
        /// What the decoder says.
        cause: String,
    },
    /// A line that is not JSON.
    #[error("`{file}`, line {line}, column {column}: not a JSON object: {cause}")]
    Json {
        /// The file.
        file: String,
        /// 1-based line.
        line: u64,
        /// 1-based column.
        column: usize,
        /// What is wrong.
        cause: String,
    },
    /// An object with two values for one key.
    #[error("`{file}`, line {line}: the key `{key}` stands twice")]
    RepeatedKey {
        /// The file.
        file: String,
        /// 1-based line.
        line: u64,
        /// The key.
        key: String,
    },
    /// A list or object where a value was expected.
    #[error("`{file}`, line {line}: field `{field}` holds {found}")]
    Nested {
        /// The file.
        file: String,
        /// 1-based line.
        line: u64,
        /// The field.
        field: String,
        /// `a list` or `an object`.
        found: &'static str,
    },
    /// Texts that are no values of their column's kind.
    #[error("{}: {}", unparsable(column, kind, *count), first_cells(cell, text, others))]
    Unparsable {
        /// The file.
        file: String,
        /// The sheet of the first, or empty.
        sheet: String,
        /// Place of the first.
        cell: String,
        /// Column of the first.
        column: String,
        /// What stands in the first.
        text: String,
        /// What it should be: `a number`.
        kind: &'static str,
        /// How many there are in the file, over all columns.
        count: usize,
        /// Place and text of the next ones, at most four.
        others: Vec<(String, String)>,
    },
    /// A required column without values, whose cells are formulas that nobody calculated.
    #[error(
        "the workbook holds formulas without results: column `{column}` has {count} of them and no value, first {cell} `{formula}`"
    )]
    FormulasOnly {
        /// The file.
        file: String,
        /// The sheet of the first.
        sheet: String,
        /// Place of the first.
        cell: String,
        /// The column.
        column: String,
        /// The first.
        formula: String,
        /// How many there are in the column.
        count: usize,
    },
    /// Nothing left.
    #[error("no rows in {}: {skipped} were skipped", within(file, sheet))]
    NoRows {
        /// The file.
        file: String,
        /// The sheets, joined, or empty.
        sheet: String,
        /// How many rows were left out by rules.
        skipped: usize,
    },
}

impl ReadError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            ReadError::Layout(_) | ReadError::Open { .. } => return None,
            ReadError::Workbook { .. } => {
                "open it with the program that wrote it, or with LibreOffice, and save it as .xlsx".into()
            }
            ReadError::Contradiction(contradiction) => contradiction.hint(),
            ReadError::Empty { .. } => "download or copy the file again".into(),
            ReadError::FileName { .. } => {
                "rename the file, narrow the source's path, or change `file` of the layout; it is matched against the whole name without extension".into()
            }
            ReadError::GroupNotNumber { group, .. } => {
                format!("`by: {group}` compares whole numbers; narrow the group to digits: `(?<{group}>\\d+)`")
            }
            ReadError::NotSpreadsheet { found, .. } if found.contains("text") => {
                "if it is delimited text, say `format: csv`".into()
            }
            ReadError::NotSpreadsheet { .. } => {
                "open it with the program that wrote it and save it as .xlsx".into()
            }
            ReadError::Truncated { .. } => "the download or copy stopped early: fetch the file again".into(),
            ReadError::Encrypted { .. } => {
                "open it with the password and save a copy without one".into()
            }
            ReadError::Archive { .. } => {
                "fetch the file again, or unpack it with another program and name the files in the source's path".into()
            }
            ReadError::NoMember { .. } => {
                "say which members to read: `members: [\"*.csv\"]` in the layout".into()
            }
            ReadError::TooLarge { .. } => {
                "if the file is what it should be, unpack it or save it again with another program".into()
            }
            ReadError::Decoder { .. } => {
                "fetch the file again, or open it with the program that wrote it and save it again".into()
            }
            ReadError::Unsupported { found, .. } if found.contains("SPSS") => {
                "save it as a Stata file: `SAVE OUTFILE='x.dta' /TYPE=STATA /VERSION=14` in SPSS, `haven::write_dta(haven::read_sav(\"x.sav\"), \"x.dta\")` in R; then say `format: dta`".into()
            }
            ReadError::Unsupported { .. } => "save it as .csv, .dta or .parquet with the program that wrote it".into(),
            ReadError::Parquet { .. } => {
                "write it again with plain columns, compressed by snappy, zstd or lz4 or not at all".into()
            }
            ReadError::MissingSheet { nearest, .. } => match nearest {
                Some(name) => format!("did you mean `{name}`? Change `sheets:` of the layout"),
                None => "change `sheets:` of the layout".into(),
            },
            ReadError::NoHeader { nearest_row, nearest, .. } => match nearest_row {
                Some(row) => format!("row {row} comes nearest: {nearest}; change `contains` of the layout's header"),
                None => "the sheet is blank; choose another with `sheets:`".into(),
            },
            ReadError::MissingColumn { nearest, column, .. } => {
                let there = if nearest.is_empty() {
                    String::new()
                } else {
                    format!("the nearest are [{}]; ", nearest.join(", "))
                };
                format!("{there}add the name to `{column}` in the layout, or make the column optional")
            }
            ReadError::ShiftedHeader { .. } => {
                "look at the sheet: if a cell was moved, move it back; otherwise choose the columns by `position`".into()
            }
            ReadError::AmbiguousColumn { .. } => {
                "give the full header text, `sub`, `nth` (1 is the second), or the position".into()
            }
            ReadError::InvalidEncoding { fits: Some((encoding, line)), .. } => {
                format!("it is valid {encoding}, and then begins with: {line}; if that reads well, say `encoding: {encoding}`")
            }
            ReadError::InvalidEncoding { .. } => {
                "ask the source for the encoding; `encoding: detect` shows what it looks like".into()
            }
            ReadError::UndetectedEncoding { .. } => "say it with `encoding:`".into(),
            ReadError::FieldCount { expected: 1, .. } => {
                "the first row has a single field: is `delimiter` right?".into()
            }
            ReadError::FieldCount { .. } => {
                "look for a delimiter inside a value without quotes, or an unclosed quote above".into()
            }
            ReadError::UnclosedQuote { .. } | ReadError::TextAfterQuote { .. } => {
                "if the quote belongs to the value, put the value into quotes and double each quote in it: `\"5\"\" pipe\"` reads as `5\" pipe`; otherwise close the field with a quote".into()
            }
            ReadError::RepeatedKey { key, .. } => {
                format!("JSON does not say which of two values counts: keep one `{key}`")
            }
            ReadError::Csv { .. } | ReadError::Json { .. } => "look at the line in an editor".into(),
            ReadError::Dta { cause, .. } if cause.contains("encoding") => {
                "files before Stata 14 do not say their encoding: give it with `encoding:`, such as gb18030".into()
            }
            ReadError::Dta { .. } => "open it in Stata and save it again".into(),
            ReadError::Nested { field, .. } => {
                format!("write `{field}` as one text or number per line before reading it here")
            }
            ReadError::Unparsable { text, column, .. } => {
                format!("if `{text}` means missing, add it to `missing:` of the layout; if the row is no data, skip it by `{column}`; otherwise read the column as text")
            }
            ReadError::FormulasOnly { .. } => {
                "the program that wrote it does not calculate: open it in a spreadsheet program and save it".into()
            }
            ReadError::NoRows { .. } => {
                "check the skip rules of the layout and that the header row is the right one".into()
            }
        })
    }

    /// Where it is: ``data/x.xlsx, sheet `Sheet1`, cell C17``.
    pub fn place(&self) -> Option<String> {
        let sheet_of = |sheet: &String| if sheet.is_empty() { None } else { Some(sheet.clone()) };
        let (file, sheet, cell) = match self {
            ReadError::Layout(_) => return None,
            ReadError::Contradiction(contradiction) => contradiction.parts(),
            ReadError::Open { file, .. }
            | ReadError::Empty { file }
            | ReadError::FileName { file, .. }
            | ReadError::GroupNotNumber { file, .. }
            | ReadError::NotSpreadsheet { file, .. }
            | ReadError::Truncated { file, .. }
            | ReadError::Encrypted { file }
            | ReadError::Archive { file, .. }
            | ReadError::NoMember { file, .. }
            | ReadError::TooLarge { file, .. }
            | ReadError::Decoder { file, .. }
            | ReadError::Unsupported { file, .. }
            | ReadError::Parquet { file, .. }
            | ReadError::MissingSheet { file, .. }
            | ReadError::UndetectedEncoding { file }
            | ReadError::Csv { file, .. }
            | ReadError::Dta { file, .. } => (file, None, None),
            ReadError::Workbook { file, sheet, .. } => (file, sheet.clone(), None),
            ReadError::MissingColumn { file, sheet, row, .. } => {
                (file, sheet_of(sheet), row.map(|row| format!("row {row}")))
            }
            ReadError::NoHeader { file, sheet, .. }
            | ReadError::ShiftedHeader { file, sheet, .. }
            | ReadError::NoRows { file, sheet, .. } => (file, sheet_of(sheet), None),
            ReadError::AmbiguousColumn { file, sheet, cells, .. } => {
                (file, sheet_of(sheet), cells.first().map(|(cell, _)| cell.clone()))
            }
            ReadError::InvalidEncoding { file, line, .. }
            | ReadError::FieldCount { file, line, .. }
            | ReadError::UnclosedQuote { file, line }
            | ReadError::TextAfterQuote { file, line, .. }
            | ReadError::RepeatedKey { file, line, .. }
            | ReadError::Nested { file, line, .. } => (file, None, Some(format!("line {line}"))),
            ReadError::Json { file, line, column, .. } => (file, None, Some(format!("line {line}, column {column}"))),
            ReadError::Unparsable { file, sheet, cell, .. } | ReadError::FormulasOnly { file, sheet, cell, .. } => {
                (file, sheet_of(sheet), Some(cell.clone()))
            }
        };
        let mut place = file.clone();
        if let Some(sheet) = &sheet {
            place.push_str(&format!(", sheet `{sheet}`"));
        }
        if let Some(cell) = &cell {
            let is_letter = cell.starts_with(|character: char| character.is_ascii_uppercase());
            place.push_str(if is_letter { ", cell " } else { ", " });
            place.push_str(cell);
        }
        Some(place)
    }
}

fn within(file: &str, sheet: &str) -> String {
    if sheet.is_empty() { format!("`{file}`") } else { format!("sheet `{sheet}` of `{file}`") }
}

/// At most ten names.
fn first_of(names: &[String]) -> String {
    let shown = names.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > 10 { format!("{shown}, and {} more", names.len() - 10) } else { shown }
}

fn opened_at(line: u64, opened: u64) -> String {
    if line == opened { "a field".into() } else { format!("the field opened in line {opened}") }
}

fn unparsable(column: &str, kind: &str, count: usize) -> String {
    match count {
        1 => format!("a value of column `{column}` is not {kind}"),
        _ => format!("{count} values are not what their column asks for, first in column `{column}`, not {kind}"),
    }
}

fn listed(cells: &[(String, String)]) -> String {
    let shown: Vec<String> = cells.iter().map(|(cell, text)| format!("{cell} `{}`", shortened(text))).collect();
    shown.join(", ")
}

fn first_cells(cell: &str, text: &str, others: &[(String, String)]) -> String {
    let mut cells = vec![(cell.to_string(), text.to_string())];
    cells.extend_from_slice(others);
    listed(&cells)
}

/// A text short enough for one line of a message, without line breaks.
pub(crate) fn shortened(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= 60 {
        return line;
    }
    let start: String = line.chars().take(57).collect();
    format!("{start}…")
}
