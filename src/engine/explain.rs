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

/// One leaf that is not what it was. `None`: it was not there, or is no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub name: String,
    pub old: Option<String>,
    pub new: Option<String>,
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

/// The leaves that differ, in today's order, then those that are gone.
pub fn differences(old: &Leaves, new: &Leaves) -> Vec<Difference> {
    let map = |leaves: &Leaves| -> BTreeMap<String, String> { leaves.0.iter().cloned().collect() };
    let (before, after) = (map(old), map(new));
    let mut found = Vec::new();
    for (name, value) in &new.0 {
        let old = before.get(name);
        if old != Some(value) {
            found.push(Difference { name: name.clone(), old: old.cloned(), new: Some(value.clone()), tables: None });
        }
    }
    let gone = old.0.iter().filter(|(name, _)| !after.contains_key(name));
    found.extend(gone.map(|(name, value)| Difference {
        name: name.clone(),
        old: Some(value.clone()),
        new: None,
        tables: None,
    }));
    found
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
pub fn shown(old: &str, new: &str) -> String {
    let is_digest = |text: &str| Digest::from_hex(text).is_some();
    if is_digest(old) || is_digest(new) {
        return "digest changed".to_string();
    }
    let short = |text: &str| text.chars().count() <= 60 && !text.contains('\n');
    if short(old) && short(new) {
        let quoted = |text: &str| if text.is_empty() { "(empty)".to_string() } else { text.to_string() };
        return format!("{} → {}", quoted(old), quoted(new));
    }
    let (before, after): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let head = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let most = before.len().min(after.len()) - head;
    let tail = before.iter().rev().zip(after.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let part = |text: &[char]| -> String {
        let (from, to) = (head.saturating_sub(12), (text.len() - tail + 12).min(text.len()));
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
}
