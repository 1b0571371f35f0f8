//! `restudy gc`: makes room in the store and says what it would cost to make the dropped results again.

use super::{Failure, open, print_json, stop_on_signals};
use clap::Args;
use engine::collect::{self, CollectOptions, Collected};
use engine::limits;
use engine::session::OpenOptions;
use std::collections::BTreeMap;
use std::io::{self, Write};

#[derive(Args)]
pub struct GcArgs {
    /// Results that no stage has any more go when they are at least this old
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = duration)]
    older_than: f64,
    /// Current results go too, the cheapest to make again first, until the store is no larger than this
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,
    /// Current results of this stage, instance or table go; may be repeated
    #[arg(long, value_name = "NAME")]
    evict: Vec<String>,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub fn gc(options: &OpenOptions, args: &GcArgs) -> Result<(), Failure> {
    let session = open(options)?;
    let collect = CollectOptions {
        older_than_seconds: args.older_than,
        max_bytes: args.max_size,
        evict: args.evict.clone(),
        dry_run: args.dry_run,
    };
    let waiting = || eprintln!("waiting until no other process runs on this study");
    let Some(collected) = collect::collect(&session, &collect, &stop_on_signals(), waiting)? else {
        return Err(Failure::Shown(130));
    };
    if args.json {
        return print_json(&serde_json::to_value(&collected).map_err(io::Error::other)?);
    }
    print(&collected, args.dry_run)
}

fn print(collected: &Collected, dry_run: bool) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    // One line per table or file, however many versions of it go.
    let mut lines: BTreeMap<(&str, bool), (usize, u64)> = BTreeMap::new();
    for dropped in &collected.dropped {
        let line = lines.entry((&dropped.what, dropped.current)).or_default();
        *line = (line.0 + 1, line.1 + dropped.bytes);
    }
    for ((what, current), (count, bytes)) in &lines {
        let what = if *what == "?" { "(no record)" } else { what };
        let which = if *current { "current" } else { "older" };
        writeln!(out, "{}  {count} {which}  {what}", size_text(*bytes))?;
    }
    writeln!(
        out,
        "{} {} results, {}; {} stay; making them again would take {:.1} s",
        if dry_run { "would drop" } else { "dropped" },
        collected.dropped.len(),
        size_text(collected.bytes_dropped),
        size_text(collected.bytes_kept),
        collected.seconds_to_rebuild,
    )?;
    Ok(())
}

fn size_text(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GB", bytes as f64 / 1_073_741_824.0),
    }
}

fn duration(text: &str) -> Result<f64, String> {
    if text == "0" {
        return Ok(0.0);
    }
    limits::duration(text).ok_or_else(|| format!("`{text}` is no duration; write `0`, `12h` or `7d`"))
}

fn size(text: &str) -> Result<u64, String> {
    if text == "0" {
        return Ok(0);
    }
    limits::amount(text).ok_or_else(|| format!("`{text}` is no size; write `500M` or `4G`"))
}
