//! `restudy show`: rows of one table of the study, as of its last run.

use super::{Failure, TableFormat, open, print_table};
use clap::Args;
use engine::diagnostic::Diagnostic;
use engine::record::{Known, TableRecord};
use engine::session::{Action, OpenOptions, Session};
use std::path::PathBuf;
use tables::sql::SqlError;

#[derive(Args)]
pub struct ShowArgs {
    /// The table, such as `panel` or `baseline.coefficients`
    table: String,
    /// Only rows for which this SQL condition holds
    #[arg(long = "where", value_name = "SQL")]
    condition: Option<String>,
    /// Only these columns, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    columns: Option<Vec<String>>,
    /// At most this many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[arg(long, value_enum, default_value = "table")]
    format: TableFormat,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
}

/// Rows printed to a terminal when no limit is given.
const DEFAULT_LIMIT: usize = 40;

pub fn show(options: &OpenOptions, args: &ShowArgs) -> Result<(), Failure> {
    let session = open(options)?;
    let (record, path) = table(&session, &args.table)?;
    let format = if args.json { TableFormat::Json } else { args.format };
    let limit = args.limit.or((format == TableFormat::Table).then_some(DEFAULT_LIMIT));
    let rows = tables::sql::filter(&path, args.condition.as_deref(), args.columns.as_deref(), limit)
        .map_err(|error| wrong(&error))?;
    let shown = rows.rows();
    print_table(&rows, format)?;
    if args.limit.is_none() && args.condition.is_none() && (shown as u64) < record.rows {
        eprintln!("{shown} of {} rows; more with --limit", record.rows);
    }
    Ok(())
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

/// A query that the user typed is wrong.
pub fn wrong(error: &SqlError) -> Failure {
    Failure::Wrong(Diagnostic::error(error.to_string()).hint(error.hint()))
}
