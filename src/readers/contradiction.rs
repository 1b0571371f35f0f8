//! Where a file says something else than the layout, or two things at once: never settled by a guess, always told with the
//! cell. Part of `ReadError`.

use crate::error::shortened;

/// What a file says against its layout.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Contradiction {
    /// A header cell, or a line above it, prints another unit.
    #[error(
        "column `{column}`: the file prints `{printed}` where the layout expects `{expected}`: {cell} `{}`",
        shortened(text)
    )]
    Unit {
        /// The file.
        file: String,
        /// The sheet, or empty.
        sheet: String,
        /// The cell.
        cell: String,
        /// The column of the layout.
        column: String,
        /// What stands in the cell.
        text: String,
        /// The unit there.
        printed: String,
        /// The unit the layout leads to expect.
        expected: String,
        /// What to do about it.
        remedy: Remedy,
    },
    /// A text above the header names another year than the file's name.
    #[error("column `{column}` is {value} by {origin}, but the title says {says}: {cell} `{}`", shortened(text))]
    Title {
        /// The file.
        file: String,
        /// The sheet.
        sheet: String,
        /// The cell.
        cell: String,
        /// The column of the layout.
        column: String,
        /// The value of the column.
        value: String,
        /// Where that value comes from.
        origin: String,
        /// What the pattern found in the cell.
        says: String,
        /// What stands in the cell.
        text: String,
    },
    /// Nothing above the header fits the pattern.
    #[error("column `{column}` comes from the title, and nothing above the header in row {row} fits `{pattern}`")]
    NoTitle {
        /// The file.
        file: String,
        /// The sheet.
        sheet: String,
        /// The column of the layout.
        column: String,
        /// Its pattern.
        pattern: String,
        /// Row of the header.
        row: u32,
    },
    /// The texts above the header say two things.
    #[error(
        "column `{column}` comes from the title, which says both {first} and {other}: {cell} `{}`",
        shortened(text)
    )]
    TwoTitles {
        /// The file.
        file: String,
        /// The sheet.
        sheet: String,
        /// The second cell.
        cell: String,
        /// The column of the layout.
        column: String,
        /// What the first cell says.
        first: String,
        /// What the second says.
        other: String,
        /// What stands in the second.
        text: String,
    },
    /// A sheet whose name does not fit the pattern.
    #[error("the name of sheet `{sheet}` does not fit `sheet: {pattern}`")]
    SheetName {
        /// The file.
        file: String,
        /// The sheet.
        sheet: String,
        /// The pattern.
        pattern: String,
    },
    /// A second table below the first, under another header.
    #[error("row {row} is a second header, and in it `{column}` is not in the same place as in row {first_row}")]
    SecondHeader {
        /// The file.
        file: String,
        /// The sheet.
        sheet: String,
        /// Row of the second header.
        row: u32,
        /// Row of the first.
        first_row: u32,
        /// The first column that has moved.
        column: String,
    },
    /// More sheets than the first hold the table.
    #[error("{} sheets hold the header: {}", sheets.len(), sheets.iter().map(|(name, row)| format!("`{name}` in row {row}")).collect::<Vec<_>>().join(", "))]
    SeveralSheets {
        /// The file.
        file: String,
        /// The sheets, and the row of the header in each.
        sheets: Vec<(String, u32)>,
    },
    /// The text is not there below which the header was to be looked for.
    #[error("no cell holds `{text}`, below which the layout looks for the header")]
    NoBelow {
        /// The file.
        file: String,
        /// The sheet.
        sheet: String,
        /// The text.
        text: String,
    },
    /// A row that is the sum of the others.
    #[error(
        "row {row} looks like a total: in {hits} columns its value is the sum of all other rows, as in `{column}` with {value} beside a sum of {sum}"
    )]
    TotalRow {
        /// The file.
        file: String,
        /// The sheet, or empty.
        sheet: String,
        /// The cell of the first column.
        cell: String,
        /// The row.
        row: u32,
        /// The first column.
        column: String,
        /// Its value.
        value: f64,
        /// The sum of the others.
        sum: f64,
        /// How many columns agree.
        hits: usize,
    },
}

/// What can be done about a unit that was not expected.
#[derive(Debug, Clone, PartialEq)]
pub enum Remedy {
    /// It can be converted. The first group of digits in the names of file and sheet, with its value: what `by` would ask.
    Convert(Option<(String, String)>),
    /// It can, but a factor of `scale` stands in the way.
    ReplaceScale,
    /// It counts something else.
    OtherColumn,
}

impl Remedy {
    fn advice(&self, printed: &str, expected: &str) -> String {
        match self {
            Remedy::Convert(group) => {
                let span = match group {
                    Some((group, value)) => format!("by: {group}, from: {value}, to: {value}, "),
                    None => String::new(),
                };
                format!(
                    "look at the numbers: if they are in {printed}, say `printed: [{{{span}unit: {printed}}}]`; if the cell is wrong and they are in {expected}, say `printed: [{{{span}unit: {expected}, header: {printed}}}]`"
                )
            }
            Remedy::ReplaceScale => {
                "look at the numbers, and say with `printed` in place of `scale` what unit they are in; that knows a header cell that is wrong too".into()
            }
            Remedy::OtherColumn => {
                "that counts something else: give the name of the right column, or correct `unit`".into()
            }
        }
    }
}

impl Contradiction {
    /// What to do next.
    pub(crate) fn hint(&self) -> String {
        match self {
            Contradiction::Unit { printed, expected, remedy, .. } => remedy.advice(printed, expected),
            Contradiction::Title { .. } => {
                "look at the file: if it is misnamed, rename it; if the title means something else, narrow `title_says` to the words around the year".into()
            }
            Contradiction::NoTitle { .. } => "look at what stands above the header, and change `title` of the layout".into(),
            Contradiction::TwoTitles { .. } => "narrow `title` of the layout to the words around the right one".into(),
            Contradiction::SheetName { .. } => {
                "narrow `sheets:` so that it leaves the sheet out, or change `sheet:` of the layout; it is matched against the whole name".into()
            }
            Contradiction::SecondHeader { row, .. } => {
                format!("a table under another header needs a layout of its own; to leave it out, end the first above row {row} with `skip: [{{column: …, matches: …, rest: true}}]`, or look for the second with `below` of `header`")
            }
            Contradiction::SeveralSheets { .. } => "name the sheet with `sheets:`; several are read one below the other".into(),
            Contradiction::NoBelow { .. } => "look at what stands above the table, and change `below` of the layout's header".into(),
            Contradiction::TotalRow { .. } => {
                "if it is a total, skip the row (`skip:`); if it is not, say `totals: keep` in the layout".into()
            }
        }
    }

    /// File, sheet, and cell or row.
    pub(crate) fn parts(&self) -> (&String, Option<String>, Option<String>) {
        let (file, sheet, cell) = match self {
            Contradiction::Unit { file, sheet, cell, .. }
            | Contradiction::Title { file, sheet, cell, .. }
            | Contradiction::TwoTitles { file, sheet, cell, .. }
            | Contradiction::TotalRow { file, sheet, cell, .. } => (file, sheet, Some(cell.clone())),
            Contradiction::NoTitle { file, sheet, row, .. } | Contradiction::SecondHeader { file, sheet, row, .. } => {
                (file, sheet, Some(format!("row {row}")))
            }
            Contradiction::SheetName { file, sheet, .. } | Contradiction::NoBelow { file, sheet, .. } => {
                (file, sheet, None)
            }
            Contradiction::SeveralSheets { file, .. } => return (file, None, None),
        };
        (file, (!sheet.is_empty()).then(|| sheet.clone()), cell)
    }
}
