//! What an exhibit is: header, rows, notes. Plain data, made by whoever knows the study, printed by whoever knows a
//! format. Whether the parts fit together is checked in `sheet.rs`.

/// A table of the paper.
#[derive(Clone, Debug, PartialEq)]
pub struct Exhibit {
    /// Names the exhibit in files, anchors and addresses: `table4`.
    pub id: String,
    /// Printed before the title: `表4`, `Table 4`.
    pub label: String,
    pub title: String,
    /// Rows of headings, outermost first; the spans of each add up to the columns.
    pub header: Vec<Vec<HeaderCell>>,
    /// One per column.
    pub align: Vec<Align>,
    pub body: Vec<BodyRow>,
    /// The author's notes, one sentence or more each, in order.
    pub notes: Vec<String>,
    /// What the study noticed on the way; printed below the notes.
    pub warnings: Vec<String>,
}

/// A heading over one column or more. Without text nothing is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderCell {
    pub text: String,
    pub span: usize,
}

/// How the cells of a column stand below each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Center,
    Right,
    /// Numbers by their decimal points, everything else centred.
    Decimal,
}

#[derive(Clone, Debug, PartialEq)]
pub enum BodyRow {
    /// A title over the rows that follow, across all columns.
    Panel(String),
    /// A thin line.
    Rule,
    /// One cell per column. `heading` says that the first names the row; if it is empty, the row continues the one
    /// above, as standard errors do.
    Cells { cells: Vec<Cell>, heading: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Number(Number),
}

/// A number and how it is to be printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// `None` (or a value that is not finite) where the study has none: printed as a dash.
    pub value: Option<f64>,
    /// Digits after the decimal point; without meaning for an integer.
    pub digits: u8,
    pub stars: u8,
    pub wrap: Wrap,
    /// A count: no decimals, thousands apart. A year is none.
    pub integer: bool,
    /// Where it comes from: `baseline@outcome=resilience_index:smart:estimate`.
    pub address: String,
}

/// What a number is put between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrap {
    None,
    Parentheses,
    Brackets,
}
