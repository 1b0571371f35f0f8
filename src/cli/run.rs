//! `restudy run`: rebuilds what is out of date and says in one line how it went.

use super::progress::Progress;
use super::{Failure, print_json, render};
use clap::Args;
use engine::diagnostic::Diagnostic;
use engine::limits::{self, Capacity};
use engine::partial;
use engine::schedule::{RunOptions, Summary};
use engine::session::OpenOptions;
use engine::shadow::{Difference, Pair, Shadow};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::thread;
use tables::compare;

#[derive(Args)]
pub struct RunArgs {
    /// Stages, instances or tables to bring up to date, with all they need [default: everything]
    targets: Vec<String>,
    /// Tasks at once [default: one per processor]
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// Pieces into which a query splits its data, to work on them at once [default: one per processor where the data
    /// are large]; the results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    partitions: Option<u16>,
    /// Go on with what does not depend on a failed stage
    #[arg(long)]
    keep_going: bool,
    /// Run the targets even where their results are known
    #[arg(long)]
    force: bool,
    /// Execute again what was skipped although something it reads changed, and compare; keeps nothing
    #[arg(long, conflicts_with = "force")]
    shadow: bool,
    /// What there is of something that stages hold while they run, such as `memory=8G` or `stata=2`; may be repeated
    #[arg(long = "limit", value_name = "NAME=AMOUNT", value_parser = limit)]
    limits: Vec<(String, u64)>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    /// Print what happens as it happens, one JSON object per line, the summary last
    #[arg(long, conflicts_with = "json")]
    events: bool,
}

/// What shells give for a program ended by Ctrl-C.
const INTERRUPTED: u8 = 130;
/// Warnings printed in full; the rest is counted.
const SHOWN: usize = 30;
/// Differing cells that are shown of a table.
const DIFFERENCES: usize = 5;

pub fn run(options: &OpenOptions, args: &RunArgs) -> Result<(), Failure> {
    let progress = if args.events { Progress::events() } else { Progress::new(args.json) };
    let stop = super::stop_on_signals();
    let run_options = RunOptions {
        targets: args.targets.clone(),
        jobs: args.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from)),
        partitions: args.partitions.map(usize::from),
        keep_going: args.keep_going,
        force: args.force,
        shadow: args.shadow.then_some(differing_rows),
        capacity: Capacity(args.limits.iter().cloned().collect()),
        stop,
    };
    let result = partial::run(kinds::registry(), options, &run_options, &progress);
    progress.finish();
    report(&result?, args)
}

fn report(summary: &Summary, args: &RunArgs) -> Result<(), Failure> {
    if args.json {
        let value = serde_json::to_value(summary).map_err(std::io::Error::other)?;
        print_json(&value)?;
    } else if args.events {
        let value = serde_json::json!({ "event": "done", "summary": summary });
        writeln!(io::stdout().lock(), "{value}")?;
    } else {
        warnings(summary);
        let is_whole = |path: &&String| path.ends_with(".html");
        for path in summary.published.iter().filter(is_whole).filter(|_| !summary.ran.is_empty()) {
            eprintln!("wrote {path}");
        }
        eprintln!("{}", last_line(summary));
        if let Some(shadow) = &summary.shadow {
            for difference in &shadow.differences {
                show_difference(difference);
            }
            eprintln!("{}", shadow_line(shadow));
        }
    }
    let is_right =
        summary.failed.is_empty() && summary.shadow.as_ref().is_none_or(|shadow| shadow.differences.is_empty());
    match (summary.interrupted, is_right) {
        (true, _) => Err(Failure::Shown(INTERRUPTED)),
        (false, true) => Ok(()),
        (false, false) => Err(Failure::Shown(1)),
    }
}

/// A few of the rows in which two versions of a table differ.
fn differing_rows(pair: &Pair) -> Vec<String> {
    let found = compare::first_differences(pair.recorded, pair.made, pair.key, pair.columns, DIFFERENCES);
    match found {
        Ok((count, cells)) => {
            let rows = if count == 1 { "1 row differs".to_string() } else { format!("{count} rows differ") };
            [rows].into_iter().chain(tables::render::text(&cells, None).lines().map(str::to_string)).collect()
        }
        Err(error) => vec![format!("the rows cannot be compared: {error}")],
    }
}

fn show_difference(difference: &Difference) {
    let Difference { name, what, rows, .. } = difference;
    let stage = name.split('@').next().unwrap_or(name);
    let mut diagnostic =
        Diagnostic::error(format!("`{name}` was up to date, but comes out different when it runs again: {what}"))
            .hint(format!(
                "something it reads is not in its key, which is a mistake in restudy: please report it; `restudy run --force {stage}` makes it again"
            ));
    if !rows.is_empty() {
        diagnostic = diagnostic.note(rows.join("\n"));
    }
    render::show(&diagnostic);
}

fn shadow_line(shadow: &Shadow) -> String {
    let stages = match shadow.executed.len() {
        1 => "1 stage".to_string(),
        count => format!("{count} stages"),
    };
    let names: BTreeSet<&str> = shadow.differences.iter().map(|difference| difference.name.as_str()).collect();
    match (shadow.executed.len(), names.len()) {
        (0, _) => "shadow: nothing was skipped by what it reads".to_string(),
        (1, 0) => "shadow: 1 stage re-executed, equal".to_string(),
        (_, 0) => format!("shadow: {stages} re-executed, all equal"),
        (_, different) => format!("shadow: {stages} re-executed, {different} different"),
    }
}

fn limit(text: &str) -> Result<(String, u64), String> {
    let (name, amount) = text.split_once('=').ok_or("give it as NAME=AMOUNT")?;
    let amount = limits::amount(amount).ok_or_else(|| format!("`{amount}` is no amount; write `2` or `4G`"))?;
    Ok((name.trim().to_string(), amount))
}

fn warnings(summary: &Summary) {
    // A run that did nothing repeats only the number: whoever wants the list has `status`.
    if summary.ran.is_empty() {
        if !summary.warnings.is_empty() {
            eprintln!("{} warnings stand; `restudy status` lists them", summary.warnings.len());
        }
        return;
    }
    let hidden = render::show_warnings(&summary.warnings, SHOWN);
    if hidden > 0 {
        eprintln!("and {hidden} more warnings; `restudy status` lists them");
    }
}

fn last_line(summary: &Summary) -> String {
    let cut_off = match summary.cut_off.len() {
        0 => String::new(),
        count => format!(" ({count} cut off)"),
    };
    let skipped = match summary.skipped.len() {
        0 => String::new(),
        count => format!(", {count} skipped"),
    };
    format!(
        "{}: {} ran, {} up to date{cut_off}, {} failed{skipped} in {:.1} s",
        match (summary.interrupted, summary.failed.is_empty()) {
            (true, _) => "stopped",
            (false, true) => "done",
            (false, false) => "failed",
        },
        summary.ran.len(),
        summary.up_to_date.len() + summary.cut_off.len(),
        summary.failed.len(),
        summary.seconds,
    )
}
