//! An open study: pipeline, store and state. Decides for each task whether its result is known, and says why not.
//! Runs nothing: see `schedule.rs`.

use crate::config::{self, Pipeline};
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::error::EngineError;
use crate::explain;
use crate::fingerprint::{self, RunInputs};
use crate::graph::TaskId;
use crate::kind::{Input, Kinds, ReadSet};
use crate::manifest::Leaves;
use crate::outline::Excerpt;
use crate::record::{Known, Record, TableRecord, Warning};
use crate::spec::Project;
use crate::state::State;
use crate::store::Store;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// A study that can be asked, planned and run.
pub struct Session {
    pub project: Project,
    pub pipeline: Pipeline,
    pub store: Store,
    pub state: State,
}

/// How to open a study.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The pipeline file; without it, `pipeline.yaml` here or in a folder above.
    pub pipeline: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub set: Vec<(String, String)>,
    /// Files to suppose in place of, or beside, those that are there: shown path or folder, and file.
    pub with: Vec<(String, PathBuf)>,
}

/// What a task's run key is made of, once its inputs are known.
pub struct Keyed {
    pub manifest: Leaves,
    pub run_key: Digest,
    pub inputs: Vec<(String, Digest)>,
    /// Per input table, when the stage shows warnings.
    pub warnings: BTreeMap<String, Vec<Warning>>,
}

/// What `plan` says of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    UpToDate,
    /// Something it is made of changed; the first difference.
    WillRun(String),
    /// An input will run; it depends on what comes out.
    MayRun(String),
}

/// The decision about one task, with its result if that is known.
pub struct Decision {
    pub task: TaskId,
    pub action: Action,
    pub known: Option<Arc<Known>>,
}

/// The results known so far, by task. Written by the worker that finishes a task, read by all.
pub struct Results(RwLock<Vec<Option<Arc<Known>>>>);

impl Results {
    pub fn new(tasks: usize) -> Results {
        Results(RwLock::new(vec![None; tasks]))
    }

    pub fn get(&self, id: TaskId) -> Option<Arc<Known>> {
        // A thread that panicked in here changed nothing or one whole slot.
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())[id].clone()
    }

    pub fn set(&self, id: TaskId, known: Arc<Known>) {
        self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner())[id] = Some(known);
    }

    pub fn has(&self, id: TaskId) -> bool {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())[id].is_some()
    }
}

/// A study of which only the store and the index are open.
pub struct Parts {
    pub project: Project,
    pub store: Store,
    pub state: State,
}

impl Parts {
    /// The result of an instance under a key.
    pub fn known(&self, name: &str, run_key: Digest) -> Result<Option<Arc<Known>>, EngineError> {
        known(&self.state, &self.store, name, run_key)
    }

    /// Reads some of the stages only.
    pub fn excerpt(self, kinds: Kinds, options: &OpenOptions, excerpt: &Excerpt) -> Result<Session, EngineError> {
        let Parts { project, store, state } = self;
        let pipeline = config::load(&project, kinds, &options.set, &state, Some(excerpt))?;
        Ok(Session { project, pipeline, store, state })
    }
}

impl Session {
    pub fn parts(options: &OpenOptions) -> Result<Parts, EngineError> {
        let project = find_project(options)?;
        let store = Store::open(&project.state())?;
        let state = State::open(&project.state())?;
        Ok(Parts { project, store, state })
    }

    pub fn open(kinds: Kinds, options: &OpenOptions) -> Result<Session, EngineError> {
        let Parts { project, store, state } = Session::parts(options)?;
        let pipeline = config::load(&project, kinds, &options.set, &state, None)?;
        Ok(Session { project, pipeline, store, state })
    }

    /// The run key of a task whose inputs have results; `None` while one of them is missing.
    pub fn key(&self, id: TaskId, results: &Results) -> Result<Option<Keyed>, EngineError> {
        let task = &self.pipeline.graph.tasks[id];
        let mut tables: Vec<(TableRecord, ReadSet)> = Vec::new();
        let mut files: Vec<(&str, Digest)> = Vec::new();
        let mut inputs: Vec<(String, Digest)> = Vec::new();
        for input in task.work.inputs() {
            match input {
                Input::Table { name, .. } => {
                    let Some(table) = self.table_of(name, results) else { return Ok(None) };
                    let reads = task.resolved.reads.get(name).cloned().unwrap_or(ReadSet::Whole);
                    inputs.push((name.clone(), table.digest));
                    tables.push((table, reads));
                }
                Input::File { shown, path } => {
                    let digest = self.state.digest_of_file(path)?;
                    inputs.push((shown.clone(), digest));
                    files.push((shown, digest));
                }
            }
        }
        let mut parts = Vec::new();
        for (&part, label) in task.parts.iter().zip(&task.part_labels) {
            let Some(known) = results.get(part) else { return Ok(None) };
            inputs.extend(known.tables.iter().map(|table| (format!("{}@{label}", table.name), table.digest)));
            parts.push((label.as_str(), known));
        }
        let mut warnings = BTreeMap::new();
        if task.work.reads_warnings() {
            for (table, _) in &tables {
                if let Some(&producer) = self.pipeline.graph.producers.get(&table.name) {
                    warnings.insert(table.name.clone(), self.warnings_of(producer, results));
                }
            }
        }
        let run_inputs = RunInputs { tables, files, parts, warnings: warnings.clone() };
        let manifest = fingerprint::run_manifest(&self.pipeline.definitions[id].0, &run_inputs);
        let run_key = fingerprint::run_key(&manifest);
        Ok(Some(Keyed { manifest, run_key, inputs, warnings }))
    }

    /// The result under this key, whether or not the store still has its bytes.
    pub fn hit(&self, id: TaskId, run_key: Digest) -> Result<Option<Arc<Known>>, EngineError> {
        let name = &self.pipeline.graph.tasks[id].name;
        known(&self.state, &self.store, name, run_key)
    }

    /// Keeps a result as the current one of its task.
    pub fn remember(&self, id: TaskId, known: &Known) -> Result<(), EngineError> {
        let name = &self.pipeline.graph.tasks[id].name;
        self.state.set_current(name, self.pipeline.definitions[id].1, known, &self.store.record_path(known.run_key))
    }

    /// Decides about every task in `wanted`, in order.
    pub fn decide(&self, wanted: &BTreeSet<TaskId>) -> Result<Vec<Decision>, EngineError> {
        let tasks = &self.pipeline.graph.tasks;
        let results = Results::new(tasks.len());
        let mut decisions = Vec::new();
        for &id in wanted {
            let action = match self.key(id, &results)? {
                None => {
                    let waiting = tasks[id].inputs().find(|&input| !results.has(input));
                    let on = waiting.map_or("its inputs", |input| tasks[input].name.as_str());
                    Action::MayRun(format!("waits for `{on}`"))
                }
                Some(keyed) => match self.hit(id, keyed.run_key)? {
                    Some(known) => {
                        results.set(id, known);
                        Action::UpToDate
                    }
                    None => Action::WillRun(self.reason(id, &keyed)?),
                },
            };
            decisions.push(Decision { task: id, action, known: results.get(id) });
        }
        self.add_restored(&mut decisions);
        Ok(decisions)
    }

    /// A result without its bytes must be made again when something that runs reads it.
    fn add_restored(&self, decisions: &mut [Decision]) {
        let tasks = &self.pipeline.graph.tasks;
        let mut needed: BTreeMap<TaskId, &str> = BTreeMap::new();
        for decision in decisions.iter_mut().rev() {
            let task = &tasks[decision.task];
            if decision.action == Action::UpToDate
                && let Some(reader) = needed.get(&decision.task)
                && decision.known.as_ref().is_some_and(|known| !self.store.is_complete(known))
            {
                decision.action =
                    Action::WillRun(format!("its result is no longer in the store, and `{reader}` reads it"));
            }
            if decision.action != Action::UpToDate {
                needed.extend(task.inputs().map(|input| (input, task.name.as_str())));
            }
        }
    }

    /// Why the task has no result under this key: the first difference to its last record.
    pub fn reason(&self, id: TaskId, keyed: &Keyed) -> Result<String, EngineError> {
        let task = &self.pipeline.graph.tasks[id];
        let Some(current) = self.state.current(&task.name)? else {
            return Ok("never ran".to_string());
        };
        let Some(last) = self.store.record(current.run_key) else {
            return Ok("its last record is not in the store".to_string());
        };
        Ok(first_difference(&last.manifest, &keyed.manifest))
    }

    /// The last record of a task, whether or not it is up to date.
    pub fn last_record(&self, id: TaskId) -> Result<Option<Record>, EngineError> {
        let current = self.state.current(&self.pipeline.graph.tasks[id].name)?;
        Ok(current.and_then(|current| self.store.record(current.run_key)))
    }

    /// Warnings of a task and of everything above it, each once, in the order of the graph.
    pub fn warnings_of(&self, id: TaskId, results: &Results) -> Vec<Warning> {
        let tasks = &self.pipeline.graph.tasks;
        let mut seen: BTreeSet<TaskId> = BTreeSet::new();
        let mut open: Vec<TaskId> = vec![id];
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(tasks[id].inputs());
            }
        }
        let mut warnings: Vec<Warning> = Vec::new();
        for known in seen.into_iter().filter_map(|id| results.get(id)) {
            for warning in &known.warnings {
                if !warnings.contains(warning) {
                    warnings.push(warning.clone());
                }
            }
        }
        warnings
    }

    /// The input table `name`, if it is known.
    pub fn table_of(&self, name: &str, results: &Results) -> Option<TableRecord> {
        let Some(&producer) = self.pipeline.graph.producers.get(name) else {
            return self.pipeline.given.get(name).cloned();
        };
        results.get(producer)?.tables.iter().find(|table| table.name == name).cloned()
    }
}

/// From the index, or from the record itself where the index has another one.
fn known(state: &State, store: &Store, name: &str, run_key: Digest) -> Result<Option<Arc<Known>>, EngineError> {
    let known = state.known(name, run_key, &store.record_path(run_key))?;
    Ok(known.or_else(|| store.record(run_key).map(|record| Known::from(&record))).map(Arc::new))
}

/// The first leaf in which two manifests differ, for people.
fn first_difference(old: &Leaves, new: &Leaves) -> String {
    match explain::differences(old, new).into_iter().next() {
        Some(difference) => match (difference.told().as_str(), &difference.name) {
            (told @ ("new" | "gone"), name) => format!("`{name}` is {told}"),
            ("digest changed", name) => format!("`{name}` changed"),
            (told, name) => format!("`{name}` changed: {told}"),
        },
        None => "the order of its options changed".to_string(),
    }
}

pub(crate) fn find_project(options: &OpenOptions) -> Result<Project, EngineError> {
    let here = std::env::current_dir().map_err(|source| EngineError::Read { path: ".".into(), source })?;
    let file = match &options.pipeline {
        Some(file) if file.is_dir() => file.join("pipeline.yaml"),
        Some(file) => file.clone(),
        None => here
            .ancestors()
            .map(|folder| folder.join("pipeline.yaml"))
            .find(|file| file.is_file())
            .ok_or(EngineError::NoPipeline { from: here.clone() })?,
    };
    let name = file.file_name().map_or("pipeline.yaml".to_string(), |name| name.to_string_lossy().into_owned());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = folder.canonicalize().map_err(|source| {
        EngineError::Usage(Diagnostic::error(format!("cannot read `{}`: {source}", file.display())))
    })?;
    let mut overlay = BTreeMap::new();
    for (shown, file) in &options.with {
        let file = file.canonicalize().map_err(|source| EngineError::Read { path: file.clone(), source })?;
        let shown = shown.trim_end_matches('/').to_string();
        let project = Project::new(root.clone(), name.clone(), options.data.clone(), BTreeMap::new());
        // Into a folder, under its own name; otherwise in place of that file.
        let shown = match (project.path(&shown).is_dir(), file.file_name().and_then(|name| name.to_str())) {
            (true, Some(own)) => format!("{shown}/{own}"),
            _ => shown,
        };
        overlay.insert(shown, file);
    }
    Ok(Project::new(root, name, options.data.clone(), overlay))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_named_with_old_and_new() {
        let leaves = |pairs: &[(&str, &str)]| {
            Leaves(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
        };
        let old = leaves(&[("kind", "sql"), ("rule", "broad"), ("x", "1")]);
        let cases = [
            (leaves(&[("kind", "sql"), ("rule", "strict"), ("x", "1")]), "`rule` changed: broad → strict"),
            (leaves(&[("kind", "sql"), ("rule", "broad")]), "`x` is gone"),
            (leaves(&[("kind", "sql"), ("rule", "broad"), ("x", "1"), ("y", "2")]), "`y` is new"),
        ];
        for (new, expected) in cases {
            assert_eq!(first_difference(&old, &new), expected);
        }
    }
}
