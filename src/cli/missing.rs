//! `restudy show TABLE --nulls` and `--joins`: why values are missing, and what joins did not match.

use super::show::{self, ShowArgs, table};
use super::{Failure, TableFormat, View, print_table};
use engine::diagnostic::{Diagnostic, Place};
use engine::kind::InputTable;
use engine::session::Session;
use kinds::missing;
use std::path::PathBuf;
use tables::columns::{Column, Table, Values};
use tables::sql::joins::{self, Matches};
use tables::sql::{RunOptions, Source};

/// More values than this to count by make a table that nobody can read.
const MOST_VALUES: usize = 60;

/// Missing values by column, reason, and the values of another column.
pub fn nulls(session: &Session, args: &ShowArgs, format: TableFormat) -> Result<(), Failure> {
    let (record, path) = table(session, &args.table)?;
    let by = match &args.by {
        Some(by) if record.column(by).is_none() => {
            let names: Vec<&str> = record.columns.iter().map(|column| column.name.as_str()).collect();
            let near = engine::diagnostic::did_you_mean(by, names.iter().copied());
            let known = format!("columns: {}", names.join(", "));
            let wrong = Diagnostic::error(format!("no column `{by}` in `{}`", args.table));
            return Err(Failure::Wrong(wrong.hint(near.or(Some(known)))));
        }
        Some(by) => Some(by.clone()),
        None => record.key.last().filter(|_| record.key.len() > 1).cloned(),
    };
    let rows = record.rows;
    let found = |name: &str| show::find(session, name);
    let own = InputTable { path, record };
    let counts = missing::counts(session, &found, &args.table, &own, by.as_deref()).map_err(Failure::Wrong)?;
    if counts.is_empty() {
        eprintln!("no value is missing in `{}` ({rows} rows)", args.table);
    }
    let shown = match format {
        TableFormat::Table => tables::missing::wide(&counts, rows, MOST_VALUES),
        TableFormat::Csv | TableFormat::Json => tables::missing::long(&counts, by.as_deref(), rows),
    };
    let repeat = ["column".to_string(), "code".to_string()];
    print_table(&shown, format, &View { repeat: &repeat, rows: Table::rows(&shown) as u64, limit: Some(usize::MAX) })
}

/// The joins of the query that made the table.
pub fn joins(session: &Session, args: &ShowArgs, format: TableFormat) -> Result<(), Failure> {
    table(session, &args.table)?;
    let graph = &session.pipeline.graph;
    let task = graph.producers.get(&args.table).map(|&id| &graph.tasks[id]);
    // The points of a matrix have a query each; the first speaks for them.
    let point = task.and_then(|task| task.parts.first()).map(|&part| &graph.tasks[part]);
    let made = [task, point].into_iter().flatten().find_map(|task| Some((task, missing::query(&*task.work)?)));
    let Some((made_by, made)) = made else {
        let wrong = Diagnostic::error(format!("`{}` is not made by a query, so it has no joins", args.table));
        return Err(Failure::Wrong(wrong.hint("`--joins` is for tables of stages of the kind `sql`".to_string())));
    };
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for name in made.query.tables() {
        let (_, path) = table(session, name)?;
        files.push((name.clone(), path));
    }
    let sources: Vec<Source> = files.iter().map(|(table, path)| Source { table: table.clone(), path }).collect();
    let wrong = |error: tables::sql::SqlError| {
        let place = error.place().map(|(line, column)| Place::in_text(&made.file, &made.text, line, column, 1));
        Failure::Wrong(Diagnostic::error(error.to_string()).at(place).hint(error.hint()))
    };
    let found =
        joins::joins(&made.query, &sources, args.unmatched.unwrap_or(0), &RunOptions::default()).map_err(wrong)?;
    let instance = if made_by.name == args.table { String::new() } else { format!(" (of `{}`)", made_by.name) };
    match found.len() {
        0 => eprintln!("the query of `{}` joins nothing{instance}", args.table),
        _ => eprintln!("joins of `{}`{instance}", made.file),
    }
    let shown = lines(&found, &made.file, format, args.unmatched.is_some());
    let repeat = ["line".to_string()];
    print_table(&shown, format, &View { repeat: &repeat, rows: Table::rows(&shown) as u64, limit: Some(usize::MAX) })
}

/// One line for each join. On a terminal the file is said once, and the text has the type.
fn lines(found: &[Matches], file: &str, format: TableFormat, sampled: bool) -> Table {
    let text = |name: &str, value: &dyn Fn(&Matches) -> String| Column {
        name: name.to_string(),
        values: Values::Text(found.iter().map(|one| Some(value(one))).collect()),
    };
    let number = |name: &str, value: &dyn Fn(&Matches) -> Option<u64>| Column {
        name: name.to_string(),
        values: Values::Int(found.iter().map(|one| value(one).map(|value| value as i64)).collect()),
    };
    let mut columns = Vec::new();
    if format != TableFormat::Table {
        columns.push(text("file", &|_| file.to_string()));
    }
    columns.push(number("line", &|one| one.place.map(|(line, _)| line as u64)));
    columns.push(text("join", &|one| one.text.clone()));
    if format != TableFormat::Table {
        columns.push(text("type", &|one| one.kind.to_string()));
    }
    columns.extend([
        number("left", &|one| Some(one.left.rows)),
        number("left_unmatched", &|one| Some(one.left.unmatched)),
        number("left_most", &|one| Some(one.left.most)),
        number("right", &|one| Some(one.right.rows)),
        number("right_unmatched", &|one| Some(one.right.unmatched)),
        number("right_most", &|one| Some(one.right.most)),
        number("pairs", &|one| Some(one.pairs)),
    ]);
    if sampled {
        columns.push(text("left_keys", &|one| one.left.sample.join("; ")));
        columns.push(text("right_keys", &|one| one.right.sample.join("; ")));
    }
    Table { columns }
}
