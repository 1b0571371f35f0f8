//! `restudy show`: rows of one table of the study, as of its last run.

use super::{Failure, TableFormat, View, missing, open, origin, print_table, render};
use clap::Args;
use engine::diagnostic::Diagnostic;
use engine::kind::InputTable;
use engine::record::{Known, TableRecord};
use engine::session::{Action, OpenOptions, Session};
use std::path::PathBuf;
use tables::sql::SqlError;

#[derive(Args)]
pub struct ShowArgs {
    /// The table, such as `panel` or `baseline.coefficients`
    pub table: String,
    /// Only rows for which this SQL condition holds
    #[arg(long = "where", value_name = "SQL")]
    pub condition: Option<String>,
    /// Only these columns, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub columns: Option<Vec<String>>,
    /// At most this many rows [default: all; on a terminal, as many as can be overlooked]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Instead of rows, how many values are missing and why, by column
    #[arg(long, conflicts_with_all = ["condition", "columns", "limit", "joins"])]
    nulls: bool,
    /// Count missing values for each value of this column [default: the last column of a longer key]
    #[arg(long, value_name = "COLUMN", requires = "nulls")]
    pub by: Option<String>,
    /// Instead of rows, what each join of the query that made the table matched
    #[arg(long, conflicts_with_all = ["condition", "columns", "limit"])]
    joins: bool,
    /// With up to so many keys that have no partner, on each side of a join
    #[arg(long, value_name = "N", requires = "joins", num_args = 0..=1, default_missing_value = "5")]
    pub unmatched: Option<usize>,
    /// Instead of rows, one line per value: file, sheet, cell, the text there, conversion, why it is missing
    #[arg(long, conflicts_with_all = ["nulls", "joins"])]
    origin: bool,
    #[arg(long, value_enum, default_value = "table")]
    format: TableFormat,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
}

pub fn show(options: &OpenOptions, args: &ShowArgs) -> Result<(), Failure> {
    let session = open(options)?;
    let format = if args.json { TableFormat::Json } else { args.format };
    if args.nulls {
        return missing::nulls(&session, args, format);
    }
    if args.joins {
        return missing::joins(&session, args, format);
    }
    if args.origin {
        return origin::origin(&session, args, format);
    }
    let (record, path) = table(&session, &args.table)?;
    let condition = args.condition.as_deref();
    let on_screen = format == TableFormat::Table && render::terminal_width().is_some();
    let limit = args.limit.or(on_screen.then_some(tables::render::ROWS));
    let wrong = |error| wrong(&error);
    let rows = tables::sql::filter(&path, condition, args.columns.as_deref(), limit).map_err(wrong)?;
    let count = match condition {
        Some(condition) if on_screen => tables::sql::count(&path, condition).map_err(wrong)?,
        _ => record.rows,
    };
    print_table(&rows, format, &View { repeat: &record.key, rows: count, limit: args.limit })
}

/// The last result of a table and where its file is; says so when it is not up to date.
pub fn table(session: &Session, name: &str) -> Result<(TableRecord, PathBuf), Failure> {
    let graph = &session.pipeline.graph;
    let wanted = graph.closure(&[name.to_string()]).map_err(Failure::Wrong)?;
    let Some(&id) = graph.producers.get(name) else {
        let made: Vec<&str> = graph
            .producers
            .iter()
            .filter(|(_, id)| graph.tasks[**id].stage == name || graph.tasks[**id].name == name)
            .map(|(table, _)| table.as_str())
            .collect();
        return Err(Failure::Wrong(
            Diagnostic::error(format!("stage `{name}` has no table of that name"))
                .hint((!made.is_empty()).then(|| format!("it makes: {}", made.join(", ")))),
        ));
    };
    let decisions = session.decide(&wanted)?;
    let decision = decisions.iter().find(|decision| decision.task == id);
    let known = match decision.and_then(|decision| decision.known.as_deref().cloned()) {
        Some(known) => Some(known),
        None => session.last_record(id)?.map(|record| Known::from(&record)),
    };
    let missing = || {
        Failure::Wrong(
            Diagnostic::error(format!("table `{name}` has not been made yet"))
                .hint(format!("make it with `restudy run {}`", graph.tasks[id].stage)),
        )
    };
    let known = known.ok_or_else(missing)?;
    let found = known.tables.iter().find(|table| table.name == name).cloned().ok_or_else(missing)?;
    if let Some(Action::WillRun(_) | Action::MayRun(_)) = decision.map(|decision| &decision.action) {
        eprintln!("`{name}` is as of its last run and no longer up to date; see `restudy plan {name}`");
    }
    if !session.store.has_blob(found.blob) {
        let gone = Diagnostic::error(format!("the rows of `{name}` are no longer in the store"));
        let next = format!("make them again with `restudy run {}`", graph.tasks[id].stage);
        return Err(Failure::Wrong(gone.hint(next)));
    }
    let path = session.store.verified(found.blob)?;
    Ok((found, path))
}

/// A table of the last run for whoever only looks: none where it is not in the store.
pub fn find(session: &Session, name: &str) -> Option<InputTable> {
    let id = *session.pipeline.graph.producers.get(name)?;
    let record = session.last_record(id).ok()??.tables.into_iter().find(|table| table.name == name)?;
    let path = session.store.verified(record.blob).ok()?;
    Some(InputTable { path, record })
}

/// A query that the user typed is wrong.
pub fn wrong(error: &SqlError) -> Failure {
    Failure::Wrong(Diagnostic::error(error.to_string()).hint(error.hint()))
}
