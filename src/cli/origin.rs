//! `restudy show TABLE --origin`: where each value of an ingest table came from.

use super::show::{self, ShowArgs, table};
use super::{Failure, TableFormat, View, print_table, render};
use engine::diagnostic::Diagnostic;
use engine::session::Session;
use kinds::origin::{self, Origins};
use tables::columns::{Table, Values};

/// A digest is told apart by so many of its characters; the other formats have all.
const DIGEST: usize = 12;

pub fn origin(session: &Session, args: &ShowArgs, format: TableFormat) -> Result<(), Failure> {
    let (record, path) = table(session, &args.table)?;
    let known: Vec<&str> = record.columns.iter().map(|column| column.name.as_str()).collect();
    let columns: Vec<String> = match &args.columns {
        Some(columns) => columns.clone(),
        None => known.iter().map(|name| name.to_string()).filter(|name| !record.key.contains(name)).collect(),
    };
    if let Some(unknown) = columns.iter().find(|name| !known.contains(&name.as_str())) {
        let wrong = Diagnostic::error(format!("no column `{unknown}` in `{}`", args.table));
        let near = engine::diagnostic::did_you_mean(unknown, known.iter().copied());
        return Err(Failure::Wrong(wrong.hint(near.or(Some(format!("columns: {}", known.join(", ")))))));
    }
    let on_screen = format == TableFormat::Table && render::terminal_width().is_some();
    let limit = args.limit.or(on_screen.then_some(tables::render::ROWS));
    let rows =
        tables::sql::filter(&path, args.condition.as_deref(), None, limit).map_err(|error| show::wrong(&error))?;
    let find = |name: &str| show::find(session, name);
    let Origins { mut cells, silent } =
        origin::origins(session, &find, &args.table, &rows, &columns).map_err(Failure::Wrong)?;
    for why in silent {
        eprintln!("{why}");
    }
    if format == TableFormat::Table {
        shorten(&mut cells);
    }
    let mut repeat: Vec<String> =
        cells.columns.iter().take(record.key.len()).map(|column| column.name.clone()).collect();
    repeat.push("column".to_string());
    let rows = Table::rows(&cells) as u64;
    print_table(&cells, format, &View { repeat: &repeat, rows, limit: Some(usize::MAX) })
}

/// Short digests, and no column in which nothing stands.
fn shorten(cells: &mut Table) {
    for column in &mut cells.columns {
        if let (true, Values::Text(digests)) = (column.name == "digest", &mut column.values) {
            digests.iter_mut().flatten().for_each(|digest| digest.truncate(DIGEST));
        }
    }
    cells.columns.retain(|column| {
        let rows = column.values.len();
        rows == 0 || (0..rows).any(|row| !column.values.is_null(row))
    });
}
