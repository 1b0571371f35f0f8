//! Keys that do not hold, with the rows of the files that are at fault. Looked for only once it is known that there are some: the
//! file, or what is kept of it, is read once more.

use super::{Options, SHOWN, pieces};
use crate::convert::{self, ParquetColumns};
use engine::diagnostic::Diagnostic;
use engine::kind::{InputFile, InputTable, StageError};
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;
use tables::columns::Table;
use tables::error::TableError;

/// Something wrong and the rows it is about.
struct Fault {
    what: String,
    /// File, sheet and row of the first of them.
    rows: Vec<(String, String, u32)>,
}

/// The error for a file whose rows do not have the key.
pub(super) fn in_file(file: &InputFile, options: &Options, scratch: &Path, error: &TableError) -> StageError {
    let Options { layout, key, layout_file: _ } = options;
    let mut faults: Vec<Fault> = Vec::new();
    // The key as the error shows it, the number of rows, and the fault.
    let mut double: Vec<(&String, u64, Option<usize>)> = match error {
        TableError::DuplicateKey { keys, .. } => keys.iter().map(|(text, rows)| (text, *rows, None)).collect(),
        _ => Vec::new(),
    };
    let (sender, receiver) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(|| readers::read_in_chunks(&file.path, &file.shown, layout, scratch, &ParquetColumns, sender));
        while let Ok(chunk) = receiver.recv() {
            let origins = chunk.origins.clone();
            let (shown, sheet) = (chunk.file.clone(), chunk.sheet.clone());
            let columns = layout.columns.iter().zip(chunk.columns).filter(|(rule, _)| key.contains(&rule.name));
            let columns = columns.map(|(rule, packed)| pieces::column(&rule.name, packed));
            let table = Table { columns: columns.collect() };
            let in_order: Vec<_> = key.iter().filter_map(|name| table.column(name)).collect();
            for (row, origin) in origins.iter().enumerate() {
                let place = (shown.clone(), sheet.clone(), origin.row);
                if double.is_empty() {
                    let null = in_order.iter().find(|column| column.values.is_null(row));
                    if let Some(null) = null.filter(|_| faults.len() <= SHOWN) {
                        faults.push(Fault { what: format!("`{}` is missing", null.name), rows: vec![place] });
                    }
                    continue;
                }
                let text = table.row_text(key, row);
                let Some((_, rows, fault)) = double.iter_mut().find(|(key, ..)| **key == text) else { continue };
                match fault {
                    Some(fault) if faults[*fault].rows.len() >= SHOWN => {}
                    Some(fault) => faults[*fault].rows.push(place),
                    None => {
                        *fault = Some(faults.len());
                        let what = format!("{} stands {rows} times", named(&table, key, row));
                        faults.push(Fault { what, rows: vec![place] });
                    }
                }
            }
        }
    });
    let order: Vec<usize> = match double.is_empty() {
        true => (0..faults.len()).collect(),
        false => double.iter().filter_map(|(_, _, fault)| *fault).collect(),
    };
    let Some((first, others)) = order.split_first() else {
        // It was there a moment ago: the file has changed, which the engine says.
        return Diagnostic::error(format!("`{}`: {error}", file.shown)).hint(error.hint()).into();
    };
    let place = |fault: &Fault| place(&fault.rows);
    let first = &faults[*first];
    let mut diagnostic =
        Diagnostic::error(format!("`{}` breaks the key [{}]: {}", file.shown, key.join(", "), first.what))
            .located(Some(place(first)))
            .hint("mend the file, skip the row in the layout (`skip:`), or add a column to the key".to_string());
    for fault in others.iter().map(|fault| &faults[*fault]) {
        diagnostic = diagnostic.note(format!("also: {} ({})", fault.what, place(fault)));
    }
    diagnostic.into()
}

/// `city=天津市, year=2012`.
fn named(table: &Table, key: &[String], row: usize) -> String {
    let values = key.iter().filter_map(|name| table.column(name));
    let values =
        values.map(|column| format!("{}={}", column.name, column.values.text(row).unwrap_or_else(|| "null".into())));
    values.collect::<Vec<_>>().join(", ")
}

/// In one sheet as a list of its rows; else each for itself.
fn place(rows: &[(String, String, u32)]) -> String {
    let named = |file: &str, sheet: &str, rows: &[(String, String, u32)]| {
        let numbers: Vec<String> = rows.iter().map(|(.., row)| row.to_string()).collect();
        let what = if numbers.len() == 1 { "row" } else { "rows" };
        let sheet = if sheet.is_empty() { String::new() } else { format!(", sheet `{sheet}`") };
        format!("{file}{sheet}, {what} {}", numbers.join(" and "))
    };
    let sheets = rows.chunk_by(|one, other| (&one.0, &one.1) == (&other.0, &other.1));
    sheets.map(|rows| named(&rows[0].0, &rows[0].1, rows)).collect::<Vec<_>>().join("; ")
}

/// The error for files that share a key: `keys` are the first such keys, `cells` the tables of the places of rows.
pub(super) fn across_files(stage: &str, key: &[String], keys: &[(String, u64)], cells: &[&InputTable]) -> StageError {
    let columns: Vec<String> = key.iter().cloned().chain(["_file".to_string(), "_row".to_string()]).collect();
    let mut found: Vec<(String, Vec<String>)> = vec![(String::new(), Vec::new()); keys.len()];
    for table in cells {
        let rows = match tables::read::read(&table.path, Some(&columns)) {
            Ok(rows) => rows,
            Err(error) => {
                return Diagnostic::error(format!("the parts of `{stage}` cannot be read: {error}")).into();
            }
        };
        let text = |name: &str, row: usize| {
            rows.column(name).map_or(String::new(), |column| convert::cell_text(&column.values, row))
        };
        for row in 0..rows.rows() {
            let shown = rows.row_text(key, row);
            let Some(place) = keys.iter().position(|(key, _)| *key == shown) else { continue };
            found[place].0 = named(&rows, key, row);
            found[place].1.push(format!("{} row {}", text("_file", row), text("_row", row)));
        }
    }
    let mut found = found.into_iter();
    let (first, places) = found.next().unwrap_or_default();
    let mut diagnostic = Diagnostic::error(format!("two files of `{stage}` hold {first}"))
        .located(Some(places.join("; ")))
        .hint("take one of the files out of the source, or add a column that tells them apart to the key".to_string());
    for (values, places) in found {
        diagnostic = diagnostic.note(format!("also {values}: {}", places.join("; ")));
    }
    diagnostic.into()
}
