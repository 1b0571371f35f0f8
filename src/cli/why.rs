//! `restudy why`: the difference between a stage's last key manifest and today's, leaf by leaf, old and new.

use super::{Failure, open, print_json};
use clap::Args;
use engine::explain::{self, Compared, Cost, Difference, Explanation, Standing};
use engine::session::OpenOptions;
use serde_json::json;
use std::io::{self, Write};
use tables::compare;

/// So many lines of one leaf are shown.
const MOST_LINES: usize = 12;

#[derive(Args)]
pub struct WhyArgs {
    /// The stage, instance or table
    stage: String,
    /// Also say what would run because of it, and how long that took last time
    #[arg(long)]
    cost: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn why(options: &OpenOptions, args: &WhyArgs) -> Result<(), Failure> {
    let session = open(options)?;
    let explanations = explain::explain(&session, &args.stage)?;
    let cost = if args.cost { Some(explain::cost(&session, &[])?) } else { None };
    if args.json {
        let stages: Vec<_> = explanations.iter().map(as_json).collect();
        return print_json(&json!({ "stages": stages, "cost": cost }));
    }
    let mut out = io::stdout().lock();
    for explanation in &explanations {
        print(&mut out, explanation)?;
    }
    if let Some(cost) = cost {
        print_cost(&mut out, &cost)?;
    }
    Ok(())
}

fn print(out: &mut impl Write, explanation: &Explanation) -> io::Result<()> {
    let Explanation { name, state, reason, last_run: _, last_seconds, params, differences, waits_for } = explanation;
    let took = last_seconds.map_or(String::new(), |seconds| format!(" (last time: {seconds:.2} s)"));
    match (state, reason) {
        (Standing::UpToDate, _) => return writeln!(out, "{name} is up to date{took}"),
        (Standing::WillRun, _) if params.is_empty() && differences.is_empty() => {
            let reason = reason.as_deref().unwrap_or_default();
            return writeln!(out, "{name} will run: {reason}{took}");
        }
        (Standing::WillRun, _) => writeln!(out, "{name} will run{took}")?,
        (Standing::MayRun, _) => writeln!(out, "{name} may run{took}")?,
    }
    for (index, difference) in params.iter().chain(differences).enumerate() {
        // Of a query written anew, the first lines; `--json` has them all.
        let before = params.iter().chain(differences).take(index).filter(|other| other.name == difference.name);
        match before.count() {
            0..MOST_LINES => writeln!(out, "  {}", line(difference))?,
            MOST_LINES => writeln!(out, "  {}: and more", difference.name)?,
            _ => {}
        }
    }
    for input in waits_for {
        writeln!(out, "  waits for {input}")?;
    }
    Ok(())
}

fn line(difference: &Difference) -> String {
    let name = difference.name.strip_prefix("input.").unwrap_or(&difference.name);
    let what = difference.told();
    match difference.tables.as_ref().and_then(changed) {
        Some((rows, total)) => format!("{name}: {what}, {rows} of {total} rows differ"),
        None => format!("{name}: {what}"),
    }
}

/// How many rows differ between then and now; `None` if that cannot be told, which only costs the message a part.
fn changed(compared: &Compared) -> Option<(u64, u64)> {
    let Compared { table: _, column, key, old, new } = compared;
    compare::changed_rows(old, new, key, column.as_deref()).ok()
}

fn print_cost(out: &mut impl Write, cost: &Cost) -> io::Result<()> {
    for (name, standing, seconds) in &cost.tasks {
        let verb = if *standing == Standing::WillRun { "will run" } else { "may run " };
        match seconds {
            Some(seconds) => writeln!(out, "{verb}  {seconds:>8.2} s  {name}")?,
            None => writeln!(out, "{verb}         ?    {name}")?,
        }
    }
    let unknown = if cost.unknown > 0 { format!(", and {} that never ran", cost.unknown) } else { String::new() };
    writeln!(out, "{} tasks, {:.1} s of work at most{unknown}", cost.tasks.len(), cost.seconds)
}

fn as_json(explanation: &Explanation) -> serde_json::Value {
    let mut value = serde_json::to_value(explanation).unwrap_or_default();
    for (index, difference) in explanation.differences.iter().enumerate() {
        if let Some((rows, total)) = difference.tables.as_ref().and_then(changed) {
            value["differences"][index]["rows_changed"] = json!(rows);
            value["differences"][index]["rows"] = json!(total);
        }
    }
    value
}
