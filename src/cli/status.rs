//! `restudy status`: one line per stage, and the warnings that stand.

use super::{Failure, open, print_json, render};
use clap::Args;
use engine::graph::TaskId;
use engine::record::Known;
use engine::session::{Action, Decision, OpenOptions, Session};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

#[derive(Args)]
pub struct StatusArgs {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// One stage: its state and the record that holds its tables, up to date or not.
struct Line<'a> {
    name: &'a str,
    kind: &'a str,
    state: &'static str,
    failure: Option<String>,
    known: Option<Arc<Known>>,
    instances: usize,
}

pub fn status(options: &OpenOptions, args: &StatusArgs) -> Result<(), Failure> {
    let session = open(options)?;
    let wanted = session.pipeline.graph.closure(&[]).map_err(Failure::Wrong)?;
    let decisions: BTreeMap<TaskId, Decision> =
        session.decide(&wanted)?.into_iter().map(|decision| (decision.task, decision)).collect();
    let mut lines = Vec::new();
    let mut warnings = Vec::new();
    for (&id, decision) in &decisions {
        for warning in decision.known.iter().flat_map(|known| &known.warnings) {
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
        if session.pipeline.graph.tasks[id].name == session.pipeline.graph.tasks[id].stage {
            lines.push(line(&session, decision)?);
        }
    }
    if args.json {
        let stages: Vec<_> = lines.iter().map(as_json).collect();
        return print_json(&json!({ "stages": stages, "warnings": warnings }));
    }
    let mut out = io::stdout().lock();
    let width = lines.iter().map(|line| line.name.len()).max().unwrap_or(0);
    for line in &lines {
        let tables: Vec<String> = line
            .known
            .iter()
            .flat_map(|known| &known.tables)
            .map(|table| format!("{} {} rows", table.name, table.rows))
            .collect();
        let tables = match (&line.failure, line.instances) {
            (Some(message), _) => message.clone(),
            (None, 0) => tables.join(", "),
            (None, count) => format!("{} ({count} parts)", tables.join(", ")),
        };
        writeln!(out, "{:<width$}  {:<8}  {:<10}  {tables}", line.name, line.kind, line.state.replace('_', " "))?;
    }
    drop(out);
    render::show_warnings(&warnings, usize::MAX);
    Ok(())
}

fn line<'a>(session: &'a Session, decision: &Decision) -> Result<Line<'a>, Failure> {
    let task = &session.pipeline.graph.tasks[decision.task];
    let mut failure = None;
    for &id in task.parts.iter().chain([&decision.task]) {
        failure = failure.or(session.state.failure(&session.pipeline.graph.tasks[id].name)?);
    }
    let (state, known) = match &decision.action {
        Action::UpToDate => ("up_to_date", decision.known.clone()),
        Action::WillRun(_) | Action::MayRun(_) => {
            let last = session.last_record(decision.task)?.map(|record| Arc::new(Known::from(&record)));
            let state = match (&failure, &last) {
                (Some(_), _) => "failed",
                (None, Some(_)) => "stale",
                (None, None) => "missing",
            };
            (state, last)
        }
    };
    let failure = failure.filter(|_| state == "failed");
    Ok(Line { name: &task.name, kind: task.kind, state, failure, known, instances: task.parts.len() })
}

fn as_json(line: &Line) -> serde_json::Value {
    let tables: Vec<_> = line
        .known
        .iter()
        .flat_map(|known| &known.tables)
        .map(|table| json!({ "name": table.name, "digest": table.digest, "rows": table.rows }))
        .collect();
    json!({ "name": line.name, "kind": line.kind, "state": line.state, "failure": line.failure, "tables": tables })
}
