//! What reading a file gives: typed columns, the origin of every row, and everything that was not taken as it stood.
//! Holds data only; `assemble.rs` fills it.

/// One file, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extract {
    /// The columns, in the order of the layout; all of the same length.
    pub columns: Vec<RawColumn>,
    /// Where each row stands in the file.
    pub origins: Vec<RowOrigin>,
    /// The sheets that were read; one empty name for formats without sheets.
    pub sheets: Vec<String>,
    /// Column name → spreadsheet letter (`C`, or `2022!C, 2023!D` where the sheets differ) or field name.
    pub letters: Vec<(String, String)>,
    /// Values that were repaired or taken as missing.
    pub issues: Vec<Issue>,
    /// Rows that were left out, with the reason.
    pub skipped: Vec<SkippedRow>,
    /// The encoding the text was decoded from; `None` for spreadsheets.
    pub encoding: Option<String>,
}

/// A named column.
#[derive(Debug, Clone, PartialEq)]
pub struct RawColumn {
    /// Name as the layout gives it.
    pub name: String,
    /// The values.
    pub values: Values,
}

/// The values of a column; `None` is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Text without outer blanks.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Int(Vec<Option<i64>>),
    /// Finite numbers.
    Float(Vec<Option<f64>>),
    /// Truth values.
    Bool(Vec<Option<bool>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
}

/// The place of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowOrigin {
    /// Index into [`Extract::sheets`].
    pub sheet: u32,
    /// 1-based row of the sheet, line of the text, or observation of the Stata file.
    pub row: u32,
}

/// A value that was not taken as it stood, though nothing was guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Column of the layout.
    pub column: String,
    /// Sheet, or empty.
    pub sheet: String,
    /// `C17`, or `line 17, field 3`.
    pub cell: String,
    /// What stood there.
    pub text: String,
    /// What was done.
    pub code: IssueCode,
}

/// What was done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssueCode {
    /// A text that is no value of the column's kind. Never among [`Extract::issues`]: it ends the reading.
    Unparsable,
    /// A number stored as text, or written with thousands separators.
    NumberAsText,
    /// A footnote mark was removed: `2016（1）`, `12.5*`.
    FootnoteRemoved,
    /// The suffix `年` was removed.
    UnitSuffix,
    /// A date was repaired: from a serial number, or its time of day was dropped.
    DateRepaired,
    /// A spreadsheet error such as `#DIV/0!` was taken as missing.
    ErrorCell,
    /// A Stata missing value with a tag, `.a` to `.z`.
    TaggedMissing,
    /// A spreadsheet formula was taken as missing: the program that wrote it stored no result.
    FormulaWithoutResult,
    /// A required column has no value in any row of a sheet. Its place is the letter or field; nothing was done.
    EmptyColumn,
    /// An optional column is not in the file, or not in one of its sheets; all its values are missing.
    AbsentColumn,
    /// A tenth or more of the rows of a sheet have nothing but the one column of an `only` rule, and were left out by it. The
    /// place is the first.
    RowsWithoutValues,
    /// The encoding was detected, and others read the text about as well. The text says which was taken.
    EncodingGuessed,
    /// The file is not what its name or the layout says, and was read as what it is. It has no column and no place.
    OtherFormat,
}

impl IssueCode {
    /// Name for tables and messages, in snake case.
    pub fn name(self) -> &'static str {
        match self {
            IssueCode::Unparsable => "unparsable",
            IssueCode::NumberAsText => "number_as_text",
            IssueCode::FootnoteRemoved => "footnote_removed",
            IssueCode::UnitSuffix => "unit_suffix",
            IssueCode::DateRepaired => "date_repaired",
            IssueCode::ErrorCell => "error_cell",
            IssueCode::TaggedMissing => "tagged_missing",
            IssueCode::FormulaWithoutResult => "formula_without_result",
            IssueCode::EmptyColumn => "empty_column",
            IssueCode::AbsentColumn => "absent_column",
            IssueCode::RowsWithoutValues => "rows_without_values",
            IssueCode::EncodingGuessed => "encoding_guessed",
            IssueCode::OtherFormat => "other_format",
        }
    }
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedRow {
    /// Sheet, or empty.
    pub sheet: String,
    /// 1-based row or line.
    pub row: u32,
    /// `city matches 城市合计`, `city is missing`, `blank`.
    pub reason: String,
    /// The first text of the row.
    pub text: String,
}
