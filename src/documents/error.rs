//! Why exhibits cannot be rendered. Each error names the exhibit, and the row as the reader would count it.

/// What is wrong with a document. Rendering a checked one cannot fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    #[error("no language `{code}`; known: en, zh")]
    UnknownLanguage { code: String },
    /// An id becomes an anchor, a label and a file name.
    #[error("exhibit id `{id}` must be letters, digits, `-`, `_` and `.`")]
    BadId { id: String },
    /// Two anchors of one name: links would lead to the first.
    #[error("two exhibits are called `{id}`")]
    DoubleId { id: String },
    #[error("exhibit `{exhibit}` has no columns")]
    NoColumns { exhibit: String },
    #[error("exhibit `{exhibit}`, header row {row}: a heading spans no column")]
    EmptySpan { exhibit: String, row: usize },
    #[error("exhibit `{exhibit}`, header row {row}: the headings span {found}, the table has {}", columns(*expected))]
    HeaderSpan { exhibit: String, row: usize, expected: usize, found: usize },
    #[error("exhibit `{exhibit}`, body row {row}: {}, the table has {}", cells(*found), columns(*expected))]
    CellCount { exhibit: String, row: usize, expected: usize, found: usize },
}

fn columns(count: usize) -> String {
    if count == 1 { "1 column".to_string() } else { format!("{count} columns") }
}

fn cells(count: usize) -> String {
    if count == 1 { "1 cell".to_string() } else { format!("{count} cells") }
}
