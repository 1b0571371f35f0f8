//! What the readers give, as the pieces that tables are written from, without a copy of the values.

use readers::chunk::{Chunk, Packed};
use readers::extract::{Issue, SkippedRow};
use tables::columns::{Column, Values};
use tables::stream::{self, Piece, Texts};

/// The columns of the layout, then `_file`, `_sheet`, `_row` and `_columns`.
pub(super) fn rows(chunk: Chunk) -> Piece {
    let letters: Vec<String> = chunk.letters.iter().map(|(name, letter)| format!("{name}={letter}")).collect();
    let mut columns: Vec<stream::Packed> = chunk.columns.into_iter().map(packed).collect();
    columns.push(stream::Packed::Same(chunk.file));
    columns.push(stream::Packed::Same(chunk.sheet));
    columns.push(stream::Packed::Int(chunk.origins.iter().map(|origin| Some(i64::from(origin.row))).collect()));
    columns.push(stream::Packed::Same(letters.join(" ")));
    Piece { rows: chunk.origins.len(), columns }
}

/// Repaired cells and skipped rows, one line each: file, sheet, cell, column, code, text.
pub(super) fn issues(shown: &str, issues: &[Issue], skipped: &[SkippedRow]) -> Piece {
    let mut columns: [Texts; 5] =
        std::array::from_fn(|_| Texts { text: String::new(), ends: vec![0], present: vec![] });
    let mut line = |cells: [&str; 5]| {
        for (column, cell) in columns.iter_mut().zip(cells) {
            column.text.push_str(cell);
            column.ends.push(i32::try_from(column.text.len()).expect("an issue is short, and so is a piece"));
        }
    };
    for issue in issues {
        line([&issue.sheet, &issue.cell, &issue.column, issue.code.name(), &issue.text]);
    }
    for row in skipped {
        let text = format!("{}: {}", row.reason, row.text);
        line([&row.sheet, &format!("row {}", row.row), "", "skipped_row", &text]);
    }
    let mut packed = vec![stream::Packed::Same(shown.to_string())];
    packed.extend(columns.map(stream::Packed::Text));
    Piece { rows: issues.len() + skipped.len(), columns: packed }
}

/// As a column that can be looked at.
pub(super) fn column(name: &str, packed: Packed) -> Column {
    let values = match packed {
        Packed::Text(texts) => {
            let ends = texts.ends.windows(2).zip(&texts.present);
            let text = |(ends, present): (&[i32], &bool)| {
                present.then(|| texts.text[ends[0] as usize..ends[1] as usize].to_string())
            };
            Values::Text(ends.map(text).collect())
        }
        Packed::Int(values) => Values::Int(values),
        Packed::Float(values) => Values::Float(values),
        Packed::Bool(values) => Values::Bool(values),
        Packed::Date(values) => Values::Date(values),
    };
    Column { name: name.to_string(), values }
}

fn packed(packed: Packed) -> stream::Packed {
    match packed {
        Packed::Text(texts) => {
            let present = if texts.present.contains(&false) { texts.present } else { Vec::new() };
            stream::Packed::Text(Texts { text: texts.text, ends: texts.ends, present })
        }
        Packed::Int(values) => stream::Packed::Int(values),
        Packed::Float(values) => stream::Packed::Float(values),
        Packed::Bool(values) => stream::Packed::Bool(values),
        Packed::Date(values) => stream::Packed::Date(values),
    }
}
