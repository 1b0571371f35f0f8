//! `restudy catalogue`: the measures of the study as a page in Markdown: what a stage of the kind `measures` says of them,
//! what their columns are made of, and how the values of the last run are distributed, missing and correlated.

use super::show::{self, table};
use super::{Failure, open};
use clap::Args;
use engine::diagnostic::Diagnostic;
use engine::kind::InputTable;
use engine::session::{OpenOptions, Session};
use kinds::measures::{self, Entry, MeasuresStage};
use kinds::missing;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use tables::columns::{Table, Values};
use tables::sql::{self, Source};

#[derive(Args)]
pub struct CatalogueArgs {
    /// Write the page to this file instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub fn catalogue(options: &OpenOptions, args: &CatalogueArgs) -> Result<(), Failure> {
    let session = open(options)?;
    let stage = measures::of(&session.pipeline.graph).ok_or_else(|| {
        let none = Diagnostic::error("this study has no catalogue of measures");
        Failure::Wrong(none.hint("declare one in a stage of the kind `measures`".to_string()))
    })?;
    let page = page(&session, stage)?;
    match &args.out {
        None => io::stdout().lock().write_all(page.as_bytes())?,
        Some(path) => fs::write(path, page)?,
    }
    Ok(())
}

fn page(session: &Session, stage: &MeasuresStage) -> Result<String, Failure> {
    let facts = &session.pipeline.facts;
    let title = facts.title.get("en").or_else(|| facts.title.get("")).unwrap_or(&facts.name);
    let mut page = format!("# Measures of “{title}”\n\nMade by `restudy catalogue`; do not edit.\n\n");
    page.push_str("| measure | 名称 | name | role | n | mean | sd | p1 | median | p99 | missing |\n");
    page.push_str("|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
    let mut sections = String::new();
    let mut known = Known::new();
    for entry in &stage.entries {
        let (record, path) = table(session, &entry.table)?;
        let own = InputTable { path, record };
        let found = distribution(entry, &own)?;
        let rows = own.record.rows;
        let missing = rows.saturating_sub(found.first().copied().flatten().unwrap_or(0.0) as u64);
        let numbers: Vec<String> = found.iter().enumerate().map(|(place, value)| number(*value, place == 0)).collect();
        let word = |language: &str| entry.name.get(language).map_or("", String::as_str);
        let address = format!("{}.{}", entry.table, entry.column);
        let roles = roles(session, stage, &address);
        let _ = writeln!(
            page,
            "| [`{address}`](#{}) | {} | {} | {} | {} | {} |",
            anchor(&address),
            word("zh"),
            word("en"),
            roles.iter().map(|(role, _)| *role).collect::<Vec<_>>().join(", "),
            numbers.join(" | "),
            percent(missing, rows)
        );
        let _ = write!(sections, "\n## {address}\n\n{} · {}\n\n", word("zh"), word("en"));
        let mut line = |name: &str, text: String| {
            if !text.is_empty() {
                let _ = writeln!(sections, "- {name}: {text}");
            }
        };
        line("formula", entry.formula.clone());
        line("unit", entry.unit.clone());
        let used: Vec<String> = roles.iter().map(|(role, name)| format!("{role} `{name}`")).collect();
        line("role", used.join(", "));
        let made = measures::components(&session.pipeline.graph, stage, &entry.table, &entry.column);
        line("made of (scales in parentheses)", measures::made_of(&made));
        line("by", made_by(session, entry));
        line("missing", reasons(session, entry, &own, &mut known)?);
        line("correlation", correlations(session, entry, &own)?);
    }
    page.push_str(&sections);
    page.push_str(&weights(session, stage)?);
    Ok(page)
}

/// n, mean, standard deviation, three quantiles.
fn distribution(entry: &Entry, own: &InputTable) -> Result<Vec<Option<f64>>, Failure> {
    let x = format!("cast({} as double)", quoted(&entry.column));
    let text = format!(
        "select cast(count({x}) as double) as n, avg({x}) as mean, stddev({x}) as sd, quantile_stata({x}, 0.01) as p1, \
         quantile_stata({x}, 0.5) as median, quantile_stata({x}, 0.99) as p99 from rows"
    );
    let rows = ask(&text, &[("rows", own)])?;
    let value = |values: &Values| match values {
        Values::Float(values) => values.first().copied().flatten(),
        _ => None,
    };
    Ok(rows.columns.iter().map(|column| value(&column.values)).collect())
}

/// The file of the query, or the method of the index.
fn made_by(session: &Session, entry: &Entry) -> String {
    let graph = &session.pipeline.graph;
    let Some(task) = graph.producers.get(&entry.table).map(|&id| &graph.tasks[id]) else { return String::new() };
    match missing::query(&*task.work) {
        Some(made) if made.file.contains(' ') => made.file,
        Some(made) => format!("[`{0}`](../{0})", made.file),
        None => format!("stage `{}` of the kind `{}`", task.stage, task.kind),
    }
}

/// Roles in which a measure is used, and under which name: its own, or that of a column that is made of nothing else.
fn roles<'s>(session: &Session, stage: &'s MeasuresStage, address: &str) -> Vec<(&'static str, &'s str)> {
    let graph = &session.pipeline.graph;
    let mut found = Vec::new();
    for (role, names) in &stage.roles {
        for named in names {
            let mut at = named.text.clone();
            let mut seen = BTreeSet::new();
            while at != address && seen.insert(at.clone()) {
                let Some((table, column)) = at.rsplit_once('.') else { break };
                let task = graph.producers.get(table).map(|&id| &graph.tasks[id]);
                let lineage = task.and_then(|task| task.resolved.lineage.get(table));
                match lineage.and_then(|lineage| lineage.get(column)).map(Vec::as_slice) {
                    Some([only]) if !only.scale => match &only.column {
                        Some(column) => at = format!("{}.{column}", only.table),
                        None => break,
                    },
                    _ => break,
                }
            }
            if at == address {
                found.push((role.name(), named.text.as_str()));
            }
        }
    }
    found
}

/// Missing values by table: why all of its columns lack some is found at once.
type Known = BTreeMap<String, Vec<tables::missing::Count>>;

/// Shares of missing values by year and code, from the column of codes, or from how the table was made.
fn reasons(session: &Session, entry: &Entry, own: &InputTable, known: &mut Known) -> Result<String, Failure> {
    if own.record.column(&entry.column).is_some_and(|column| column.nulls == 0) {
        return Ok(String::new());
    }
    let by = own.record.key.last().filter(|_| own.record.key.len() > 1);
    let mut lost: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    match (&entry.codes, by) {
        (Some(codes), Some(by)) => {
            let (x, codes, by) = (quoted(&entry.column), quoted(codes), quoted(by));
            let text = format!(
                "select cast({by} as varchar) as period, coalesce({codes}, 'OTHER') as code, count(*) as n \
                 from rows where {x} is null group by {by}, coalesce({codes}, 'OTHER') order by period, code"
            );
            let rows = ask(&text, &[("rows", own)])?;
            let cell = |column: usize, row: usize| rows.columns[column].values.text(row).unwrap_or_default();
            for row in 0..rows.rows() {
                let count = cell(2, row).parse().unwrap_or(0);
                *lost.entry(cell(1, row)).or_default().entry(cell(0, row)).or_default() += count;
            }
        }
        _ => {
            let found = |name: &str| show::find(session, name);
            let by = by.map(String::as_str);
            if !known.contains_key(&entry.table) {
                let counts = missing::counts(session, &found, &entry.table, own, by).map_err(Failure::Wrong)?;
                known.insert(entry.table.clone(), counts);
            }
            for count in known[&entry.table].iter().filter(|count| count.column == entry.column) {
                let from = count.reason.from.as_ref().map_or(String::new(), |from| format!(" ({from})"));
                let periods = lost.entry(format!("{}{from}", count.reason.code)).or_default();
                *periods.entry(count.by.clone().unwrap_or_default()).or_default() += count.rows;
            }
        }
    }
    let mut totals: BTreeMap<String, u64> = BTreeMap::new();
    if let Some(by) = by {
        let by = quoted(by);
        let text = format!("select cast({by} as varchar) as period, count(*) as n from rows group by {by}");
        let rows = ask(&text, &[("rows", own)])?;
        for row in 0..rows.rows() {
            let cell = |column: usize| rows.columns[column].values.text(row).unwrap_or_default();
            totals.insert(cell(0), cell(1).parse().unwrap_or(0));
        }
    }
    let code = |(code, periods): (String, BTreeMap<String, u64>)| {
        let all: u64 = periods.values().sum();
        let shares = periods.iter().map(|(period, n)| {
            let share = percent(*n, totals.get(period).copied().unwrap_or(own.record.rows));
            if period.is_empty() { share } else { format!("{period}: {share}") }
        });
        format!("{code} {} ({})", percent(all, own.record.rows), shares.collect::<Vec<_>>().join(", "))
    };
    Ok(lost.into_iter().map(code).collect::<Vec<_>>().join("; "))
}

/// With the alternatives, over the rows that have both.
fn correlations(session: &Session, entry: &Entry, own: &InputTable) -> Result<String, Failure> {
    let mut found = Vec::new();
    for alternative in &entry.alternatives {
        let Some((name, column)) = alternative.rsplit_once('.') else { continue };
        let (record, path) = table(session, name)?;
        let other = InputTable { path, record };
        let shared: Vec<&String> = own.record.key.iter().filter(|key| other.record.key.contains(key)).collect();
        let mut further = other.record.key.iter().filter(|key| !shared.contains(key)).map(|key| quoted(key));
        let on: Vec<String> = shared.iter().map(|key| format!("a.{0} = b.{0}", quoted(key))).collect();
        let on = if on.is_empty() { "true".to_string() } else { on.join(" and ") };
        // The points of a matrix have an axis more: a correlation for each.
        let axis = further.next().map(|axis| format!("cast(b.{axis} as varchar)"));
        let groups = axis.as_ref().map_or(String::new(), |axis| format!("group by {axis} order by axis"));
        let axis = axis.unwrap_or("''".to_string());
        let text = format!(
            "select {axis} as axis, corr(cast(a.{x} as double), cast(b.{y} as double)) as r, \
             sum(case when a.{x} is not null and b.{y} is not null then 1 else 0 end) as n \
             from own as a join other as b on {on} {groups}",
            x = quoted(&entry.column),
            y = quoted(column)
        );
        let rows = ask(&text, &[("own", own), ("other", &other)])?;
        for row in 0..rows.rows() {
            let cell = |column: usize| rows.columns[column].values.text(row).unwrap_or_default();
            let r = cell(1).parse::<f64>().map_or("—".to_string(), |r| format!("{r:.3}"));
            let axis = if cell(0).is_empty() { String::new() } else { format!(" ({})", cell(0)) };
            found.push(format!("{r} with `{alternative}`{axis}, n = {}", cell(2)));
        }
    }
    Ok(found.join("; "))
}

/// The weights of every index in the catalogue.
fn weights(session: &Session, stage: &MeasuresStage) -> Result<String, Failure> {
    let mut text = String::new();
    let tables: BTreeSet<&String> = stage.entries.iter().map(|entry| &entry.table).collect();
    for name in tables {
        let weights = format!("{name}.weights");
        if !session.pipeline.graph.producers.contains_key(&weights) {
            continue;
        }
        let (record, path) = table(session, &weights)?;
        let axes: Vec<&String> = record.key.iter().filter(|key| *key != "indicator").collect();
        let axes: String = axes.iter().map(|axis| format!("cast({} as varchar), ", quoted(axis))).collect();
        let query = format!(
            "select {axes} indicator, \"sign\", round(min, 4) as min, round(max, 4) as max, round(weight, 4) as weight \
             from rows order by {axes} position"
        );
        let rows = ask(&query, &[("rows", &InputTable { path, record })])?;
        let names: Vec<&str> = rows.columns.iter().map(|column| column.name.as_str()).collect();
        let _ = write!(text, "\n## Weights of `{name}`\n\n");
        let head = names.iter().map(|name| if name.contains('(') { "" } else { name });
        let _ = writeln!(text, "| {} |", head.collect::<Vec<_>>().join(" | "));
        let _ = writeln!(text, "|{}", "---|".repeat(names.len()));
        for row in 0..rows.rows() {
            let cells: Vec<String> =
                rows.columns.iter().map(|column| column.values.text(row).unwrap_or_default()).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
    }
    Ok(text)
}

fn ask(text: &str, inputs: &[(&str, &InputTable)]) -> Result<Table, Failure> {
    let sources: Vec<Source> =
        inputs.iter().map(|(name, input)| Source { table: name.to_string(), path: &input.path }).collect();
    let query = sql::parse(text).map_err(|error| show::wrong(&error))?;
    sql::query(&query, &sources, None).map_err(|error| show::wrong(&error))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Four digits, as few characters as they need.
fn number(value: Option<f64>, is_count: bool) -> String {
    match value {
        None => "—".to_string(),
        Some(value) if is_count => format!("{value:.0}"),
        // Nothing but rounding: the mean of a standardised score.
        Some(value) if value.abs() < 1e-8 => "0".to_string(),
        Some(value) => {
            let scientific = format!("{value:e}");
            let exponent = scientific.split('e').nth(1).and_then(|digits| digits.parse::<i64>().ok()).unwrap_or(0);
            format!("{value:.*}", usize::try_from((3 - exponent).clamp(0, 8)).unwrap_or(0))
        }
    }
}

fn percent(part: u64, whole: u64) -> String {
    match (part, whole) {
        (0, _) | (_, 0) => "0".to_string(),
        (part, whole) => format!("{:.1} %", 100.0 * part as f64 / whole as f64),
    }
}

/// What Markdown makes of a heading.
fn anchor(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect()
}
