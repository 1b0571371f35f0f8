//! Why a stage is not up to date: the difference between the manifest of its last record and today's, leaf by leaf.
//! Prints nothing and reads no table: whoever can compares the rows of two tables for it.

use crate::digest::Digest;
use crate::error::EngineError;
use crate::graph::TaskId;
use crate::manifest::Leaves;
use crate::record::Timestamp;
use crate::session::{Action, Results, Session};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A line that came or went is shown up to here.
const LONGEST: usize = 100;
/// More pairs of lines than this are not compared one by one.
const MOST_PAIRS: usize = 1_000_000;

/// Everything there is to say about one task.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub name: String,
    pub state: Standing,
    /// What `plan` says of it.
    pub reason: Option<String>,
    pub last_run: Option<Timestamp>,
    pub last_seconds: Option<f64>,
    /// Parameters it uses whose values changed.
    pub params: Vec<Difference>,
    pub differences: Vec<Difference>,
    /// Inputs that must run first; their columns may change too.
    pub waits_for: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    UpToDate,
    WillRun,
    MayRun,
}

/// One leaf that is not what it was, or one line of a leaf that has several. `None`: it was not there, or is no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub name: String,
    pub old: Option<String>,
    pub new: Option<String>,
    /// It is a line; other lines of the leaf may have stayed.
    #[serde(skip)]
    pub is_line: bool,
    /// Of an input column: the two tables it stands in.
    #[serde(skip)]
    pub tables: Option<Compared>,
}

/// Where a column that changed can be looked at, before and now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub table: String,
    /// `None`: the rows themselves, not one column.
    pub column: Option<String>,
    pub key: Vec<String>,
    pub old: PathBuf,
    pub new: PathBuf,
}

/// What would run if this were started now, and how long it took last time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cost {
    pub tasks: Vec<(String, Standing, Option<f64>)>,
    pub seconds: f64,
    /// Tasks that never ran: nobody knows how long they take.
    pub unknown: usize,
}

/// Explains a stage: its pieces that are not up to date, then the stage itself.
pub fn explain(session: &Session, name: &str) -> Result<Vec<Explanation>, EngineError> {
    let graph = &session.pipeline.graph;
    let wanted = graph.closure(&[name.to_string()]).map_err(EngineError::Usage)?;
    let id = graph.find(name).or_else(|| graph.producers.get(name).copied());
    let id = id.expect("`closure` knows the name");
    let results = Results::new(graph.tasks.len());
    let mut actions: BTreeMap<TaskId, Action> = BTreeMap::new();
    for decision in session.decide(&wanted)? {
        if let Some(known) = decision.known {
            results.set(decision.task, known);
        }
        actions.insert(decision.task, decision.action);
    }
    let parts = graph.tasks[id].parts.iter().copied().filter(|part| actions[part] != Action::UpToDate);
    parts.chain([id]).map(|id| one(session, id, &actions, &results)).collect()
}

/// What bringing everything up to date would run.
pub fn cost(session: &Session, targets: &[String]) -> Result<Cost, EngineError> {
    let wanted = session.pipeline.graph.closure(targets).map_err(EngineError::Usage)?;
    let names: Vec<&str> = wanted.iter().map(|&id| session.pipeline.graph.tasks[id].name.as_str()).collect();
    let seconds = session.state.seconds(&names)?;
    let mut cost = Cost::default();
    for decision in session.decide(&wanted)? {
        let standing = standing(&decision.action);
        if standing == Standing::UpToDate {
            continue;
        }
        let name = session.pipeline.graph.tasks[decision.task].name.clone();
        let last = seconds.get(&name).copied();
        match last {
            Some(seconds) => cost.seconds += seconds,
            None => cost.unknown += 1,
        }
        cost.tasks.push((name, standing, last));
    }
    Ok(cost)
}

fn standing(action: &Action) -> Standing {
    match action {
        Action::UpToDate => Standing::UpToDate,
        Action::WillRun(_) => Standing::WillRun,
        Action::MayRun(_) => Standing::MayRun,
    }
}

fn one(
    session: &Session,
    id: TaskId,
    actions: &BTreeMap<TaskId, Action>,
    results: &Results,
) -> Result<Explanation, EngineError> {
    let task = &session.pipeline.graph.tasks[id];
    let last = session.last_record(id)?;
    let action = &actions[&id];
    let mut explanation = Explanation {
        name: task.name.clone(),
        state: standing(action),
        reason: match action {
            Action::UpToDate => None,
            Action::WillRun(reason) | Action::MayRun(reason) => Some(reason.clone()),
        },
        last_run: last.as_ref().map(|record| record.started),
        last_seconds: last.as_ref().map(|record| record.seconds),
        params: Vec::new(),
        differences: Vec::new(),
        waits_for: task
            .inputs()
            .filter(|input| !results.has(*input))
            .map(|input| session.pipeline.graph.tasks[input].name.clone())
            .collect(),
    };
    let Some(last) = last else { return Ok(explanation) };
    let pairs = |map: &BTreeMap<String, String>| -> Leaves {
        Leaves(map.iter().map(|(name, value)| (format!("params.{name}"), value.clone())).collect())
    };
    explanation.params = differences(&pairs(&last.params), &pairs(&task.params));
    let today = match session.key(id, results)? {
        Some(keyed) => keyed.manifest,
        // An input is open: what the task is can still be compared.
        None => session.pipeline.definitions[id].0.clone(),
    };
    explanation.differences = differences(&last.manifest, &today);
    if !explanation.waits_for.is_empty() {
        let definition: BTreeSet<&String> = session.pipeline.definitions[id].0.0.iter().map(|(name, _)| name).collect();
        explanation
            .differences
            .retain(|difference| definition.contains(&difference.name) || is_option(&difference.name));
    }
    for difference in &mut explanation.differences {
        difference.tables = compared(session, &last.inputs, &difference.name, results)?;
    }
    Ok(explanation)
}

/// Whether a leaf says what the task is, not what it reads.
fn is_option(leaf: &str) -> bool {
    !["input.", "file.", "part.", "warnings."].iter().any(|prefix| leaf.starts_with(prefix))
}

impl Difference {
    fn of_leaf(name: &str, old: Option<String>, new: Option<String>) -> Difference {
        Difference { name: name.to_string(), old, new, is_line: false, tables: None }
    }

    /// What became of it, for people.
    pub fn told(&self) -> String {
        let line = |what: &str, line: &str| format!("{what}: {}", cut(line, LONGEST));
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if self.is_line => {
                let shown = differing(old, new, LONGEST, 30);
                if shown.starts_with('…') { format!("{}: {shown}", head(new)) } else { shown }
            }
            (Some(old), Some(new)) => shown(old, new),
            (None, Some(new)) if self.is_line => line("new", new),
            (Some(old), None) if self.is_line => line("gone", old),
            (None, _) => "new".to_string(),
            (_, None) => "gone".to_string(),
        }
    }
}

/// The leaves that differ, in today's order, then those that are gone. Of leaves with several lines, the lines.
pub fn differences(old: &Leaves, new: &Leaves) -> Vec<Difference> {
    let map = |leaves: &Leaves| -> BTreeMap<String, String> { leaves.0.iter().cloned().collect() };
    let (before, after) = (map(old), map(new));
    let mut found = Vec::new();
    for (name, value) in &new.0 {
        match before.get(name) {
            Some(old) if old == value => {}
            Some(old) if old.contains('\n') || value.contains('\n') => found.extend(differing_lines(name, old, value)),
            old => found.push(Difference::of_leaf(name, old.cloned(), Some(value.clone()))),
        }
    }
    let gone = old.0.iter().filter(|(name, _)| !after.contains_key(name));
    found.extend(gone.map(|(name, value)| Difference::of_leaf(name, Some(value.clone()), None)));
    found
}

/// The lines that differ, without the blanks around them. A line that went is told with the one that came in its place.
fn differing_lines(name: &str, old: &str, new: &str) -> Vec<Difference> {
    let lines = |text: &'_ str| -> Vec<String> { text.lines().map(|line| line.trim().to_string()).collect() };
    let (before, after) = (lines(old), lines(new));
    let mut found = Vec::new();
    for (gone, came) in hunks(&before, &after) {
        let mut came: Vec<Option<String>> = came.iter().cloned().map(Some).collect();
        let word = |line: &str| line.split(' ').next().unwrap_or_default().to_string();
        for (index, line) in gone.iter().enumerate() {
            let same_word = |other: &Option<String>| other.as_ref().is_some_and(|other| word(other) == word(line));
            // As many as before: each in its place. Otherwise by the first word, which says what the line is about.
            let at = if gone.len() == came.len() { Some(index) } else { came.iter().position(same_word) };
            let other = at.and_then(|at| came[at].take());
            found.push(Difference { is_line: true, ..Difference::of_leaf(name, Some(line.clone()), other) });
        }
        let rest = came.into_iter().flatten();
        found.extend(rest.map(|line| Difference { is_line: true, ..Difference::of_leaf(name, None, Some(line)) }));
    }
    if found.is_empty() {
        found.push(Difference::of_leaf(name, Some(old.to_string()), Some(new.to_string())));
    }
    found
}

/// Runs of lines that differ: those that went, those that came. By a longest common subsequence, unless that would take long.
fn hunks<'l>(before: &'l [String], after: &'l [String]) -> Vec<(&'l [String], &'l [String])> {
    let head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (before, after) = (&before[head..], &after[head..]);
    let tail = before.iter().rev().zip(after.iter().rev()).take_while(|(a, b)| a == b).count();
    let (before, after) = (&before[..before.len() - tail], &after[..after.len() - tail]);
    if before.len() * after.len() > MOST_PAIRS {
        return vec![(before, after)];
    }
    // `common[i][j]`: how many lines `before[i..]` and `after[j..]` have in common, in order.
    let mut common = vec![vec![0usize; after.len() + 1]; before.len() + 1];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            common[i][j] = match before[i] == after[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let mut hunks = Vec::new();
    let (mut i, mut j, mut from) = (0, 0, (0, 0));
    while i < before.len() || j < after.len() {
        if i < before.len() && j < after.len() && before[i] == after[j] {
            hunks.push((&before[from.0..i], &after[from.1..j]));
            (i, j) = (i + 1, j + 1);
            from = (i, j);
        } else if j == after.len() || (i < before.len() && common[i + 1][j] >= common[i][j + 1]) {
            i += 1;
        } else {
            j += 1;
        }
    }
    hunks.push((&before[from.0..], &after[from.1..]));
    hunks.retain(|(gone, came)| !gone.is_empty() || !came.is_empty());
    hunks
}

/// What a line is about: its first word, and the second if it is a name.
fn head(line: &str) -> String {
    let mut words = line.split(' ');
    let first = words.next().unwrap_or_default().to_string();
    let second = words.next().unwrap_or_default().trim_end_matches(':');
    let is_name = !second.is_empty() && second.chars().all(|c| c.is_alphanumeric() || "_.#".contains(c));
    if is_name { format!("{first} {second}") } else { first }
}

fn cut(text: &str, longest: usize) -> String {
    let start: String = text.chars().take(longest).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

/// The two tables behind a leaf such as `input.panel.gdp`, if both are still in the store.
fn compared(
    session: &Session,
    inputs: &[crate::record::InputRecord],
    leaf: &str,
    results: &Results,
) -> Result<Option<Compared>, EngineError> {
    let Some(rest) = leaf.strip_prefix("input.") else { return Ok(None) };
    // Table and column names may hold dots: the input whose name the leaf begins with.
    let input = inputs
        .iter()
        .filter(|input| rest == input.name || rest.strip_prefix(&input.name).is_some_and(|end| end.starts_with('.')))
        .max_by_key(|input| input.name.len());
    let Some(input) = input else { return Ok(None) };
    let Some(table) = session.table_of(&input.name, results) else { return Ok(None) };
    let Some(blob) = session.state.blob_of_table(input.digest)? else { return Ok(None) };
    if !session.store.has_blob(blob) || !session.store.has_blob(table.blob) {
        return Ok(None);
    }
    let column = rest[input.name.len()..].strip_prefix('.').filter(|column| table.column(column).is_some());
    Ok(Some(Compared {
        table: input.name.clone(),
        column: column.map(str::to_string),
        key: table.key.clone(),
        old: session.store.blob_path(blob),
        new: session.store.blob_path(table.blob),
    }))
}

/// Old and new value for people: short ones in full, of long ones the part that differs, of digests only that they do.
fn shown(old: &str, new: &str) -> String {
    let is_digest = |text: &str| Digest::from_hex(text).is_some();
    if is_digest(old) || is_digest(new) {
        return "digest changed".to_string();
    }
    differing(old, new, 60, 12)
}

/// Both texts if neither is longer than `longest`; otherwise of each the part that differs, with so many letters `around` it.
fn differing(old: &str, new: &str, longest: usize, around: usize) -> String {
    let short = |text: &str| text.chars().count() <= longest && !text.contains('\n');
    if short(old) && short(new) {
        let quoted = |text: &str| if text.is_empty() { "(empty)".to_string() } else { text.to_string() };
        return format!("{} → {}", quoted(old), quoted(new));
    }
    let (before, after): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let head = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let most = before.len().min(after.len()) - head;
    let tail = before.iter().rev().zip(after.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let part = |text: &[char]| -> String {
        let (from, to) = (head.saturating_sub(around), (text.len() - tail + around).min(text.len()));
        let middle: String = text[from..to].iter().take(80).collect();
        let cut = to - from > 80 || to < text.len();
        let words = middle.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{}{words}{}", if from > 0 { "…" } else { "" }, if cut { "…" } else { "" })
    };
    format!("{} → {}", part(&before), part(&after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_where_they_differ() {
        let long =
            "select city, year, sum(patents) as patents from patent_places where kind = '发明' group by city, year";
        let cases = [
            ("broad", "strict", "broad → strict"),
            ("", "city", "(empty) → city"),
            (
                long,
                &long.replace("发明", "实用新型"),
                "…ere kind = '发明' group by c… → …ere kind = '实用新型' group by c…",
            ),
        ];
        for (old, new, expected) in cases {
            assert_eq!(shown(old, new), expected);
        }
        let digest = Digest::of_bytes(b"x").hex();
        assert_eq!(shown(&digest, &Digest::of_bytes(b"y").hex()), "digest changed");
    }

    #[test]
    fn leaves_that_differ_are_listed_with_old_and_new() {
        let leaves = |pairs: &[(&str, &str)]| {
            Leaves(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
        };
        let found = differences(&leaves(&[("a", "1"), ("b", "2")]), &leaves(&[("a", "1"), ("c", "3")]));
        let names: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.old.is_some(), one.new.is_some())).collect();
        assert_eq!(names, [("c", false, true), ("b", true, false)]);
    }

    #[test]
    fn of_a_text_the_lines_that_differ_are_told() {
        let told = |old: &str, new: &str| {
            let leaves = |text: &str| Leaves(vec![("plan".to_string(), text.to_string())]);
            let found = differences(&leaves(old), &leaves(new));
            found.iter().map(Difference::told).collect::<Vec<_>>().join(" | ")
        };
        for (old, new, expected) in [
            ("a\nfilter x > 1\nb\n", "a\nfilter x > 2\nb\n", "filter x > 1 → filter x > 2"),
            ("a\nb\n", "a\nfilter x > 2\nb\n", "new: filter x > 2"),
            ("a\n  b\nc\n", "a\nc\n", "gone: b"),
            ("a\nb\nc\n", "join\n  a\n  b\n  c\n  d\n", "new: join | new: d"),
            ("a 1\nb 1\nz\n", "b 2\nz\nc\n", "gone: a 1 | b 1 → b 2 | new: c"),
            ("one", "one\n", "one → one"),
            (
                "a\ncolumn density float = case when (clean.population > 0.0) then ln((clean.population * 10000.0) / nullif(clean.area, 0.0)) end\n",
                "a\ncolumn density float = case when (clean.population > 0.0) then ln((clean.population * 1000.0) / nullif(clean.area, 0.0)) end\n",
                "column density: …en ln((clean.population * 10000.0) / nullif(clean.area, 0.0))… → …en ln((clean.population * 1000.0) / nullif(clean.area, 0.0))…",
            ),
        ] {
            assert_eq!(told(old, new), expected, "{old:?} {new:?}");
        }
        let long: String = (0..2000).map(|line| format!("{line}\n")).collect();
        let other: String = (0..2000).map(|line| format!("{}\n", line + 5000)).collect();
        assert!(told(&long, &other).starts_with("0 → 5000 | 1 → 5001"));
    }
}
