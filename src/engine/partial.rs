//! A run in three lengths: nothing changed; only data files changed; anything else. In the second case only the stages that
//! the files reach are read and run, the tables of the others are taken as they are. The result is the same as that of a
//! full run; where that is not certain, there is one.

use crate::digest::Digest;
use crate::error::EngineError;
use crate::kind::{Input, Kinds};
use crate::outline::{Excerpt, Outline};
use crate::record::{Stopwatch, TableRecord};
use crate::schedule::{self, Observer, RunOptions, Summary};
use crate::session::{self, OpenOptions, Session};
use crate::snapshot::{self, Change, Snapshot};
use crate::spec::Project;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Fewer stages than this are read faster than they are told apart.
const FEWEST: usize = 64;

/// How the stages of a study hang together, enough to find what a file reaches.
#[derive(Serialize, Deserialize)]
struct Map {
    /// Of the tasks it was made with: names in order.
    tasks: Digest,
    outline: Outline,
    stages: Vec<MapStage>,
}

#[derive(Serialize, Deserialize)]
struct MapStage {
    name: String,
    sources: BTreeSet<String>,
    /// Positions of the stages it reads.
    upstream: Vec<usize>,
    /// Position of the task that makes its tables.
    task: usize,
    files: Vec<PathBuf>,
    /// It prints the warnings of all above it, which only a full reading knows.
    reads_warnings: bool,
}

/// Brings the targets up to date in the shortest way.
pub fn run(
    kinds: Kinds,
    open: &OpenOptions,
    options: &RunOptions,
    observer: &dyn Observer,
) -> Result<Summary, EngineError> {
    // With targets, bytes may be demanded that a snapshot does not vouch for; and what is skipped cannot be compared.
    if !options.force && options.shadow.is_none() && options.targets.is_empty() {
        let project = session::find_project(open)?;
        match snapshot::compare(&project, open) {
            Change::Nothing(summary) => return Ok(*summary),
            Change::Data(snapshot, changed) => {
                let map: Option<Map> = snapshot::read(&path_of(&project));
                if let Some(map) = map.filter(|map| map.tasks == tasks_digest(&snapshot))
                    && let Some(summary) = some(kinds, open, options, observer, (*snapshot, map), &changed)?
                {
                    return Ok(summary);
                }
            }
            Change::Unknown => {}
        }
    }
    let session = Session::open(kinds, open)?;
    let (summary, done) = schedule::run(&session, options, observer)?;
    let is_doubtful = summary.shadow.as_ref().is_some_and(|shadow| !shadow.differences.is_empty());
    if options.targets.is_empty() && summary.failed.is_empty() && summary.skipped.is_empty() && !is_doubtful {
        // Only indices: without them the next run takes the longer way.
        let kept = snapshot::keep(&session, open, &summary, done);
        if let Err(error) = kept.and_then(|()| keep_map(&session)) {
            tracing::debug!("no snapshot: {error}");
        }
    }
    Ok(summary)
}

/// Runs the stages that the changed files reach; `None` if they cannot be told apart from the others.
fn some(
    kinds: Kinds,
    open: &OpenOptions,
    options: &RunOptions,
    observer: &dyn Observer,
    (mut snapshot, map): (Snapshot, Map),
    changed: &[PathBuf],
) -> Result<Option<Summary>, EngineError> {
    let watch = Stopwatch::start();
    let Some(reached) = map.reached(changed) else { return Ok(None) };
    let parts = Session::parts(open)?;
    let mut tables: BTreeMap<String, TableRecord> = BTreeMap::new();
    for &stage in &reached {
        for &above in map.stages[stage].upstream.iter().filter(|above| !reached.contains(above)) {
            let (name, run_key) = &snapshot.tasks[map.stages[above].task];
            let Some(known) = parts.known(name, *run_key)? else { return Ok(None) };
            for table in &known.tables {
                if parts.store.verified(table.blob).is_err() {
                    return Ok(None);
                }
                tables.insert(table.name.clone(), table.clone());
            }
        }
    }
    let names: BTreeSet<String> = reached.iter().map(|&stage| map.stages[stage].name.clone()).collect();
    let sources = reached.iter().flat_map(|&stage| map.stages[stage].sources.iter().cloned()).collect();
    let excerpt = Excerpt { outline: map.outline, stages: names, sources, tables };
    // A mistake found in an excerpt may be one of cutting; a full reading says what is really wrong.
    let Ok(session) = parts.excerpt(kinds, open, &excerpt) else { return Ok(None) };
    let (part, done) = schedule::run(&session, options, observer)?;
    let finished = part.failed.is_empty() && part.skipped.is_empty();
    if finished && let Err(error) = snapshot.update(&session, &done) {
        tracing::debug!("no snapshot: {error}");
    }
    let own: BTreeSet<&String> =
        [&part.ran, &part.up_to_date, &part.cut_off, &part.failed, &part.skipped].into_iter().flatten().collect();
    let mut summary = snapshot.summary(0.0);
    summary.up_to_date.retain(|name| !own.contains(name) || part.up_to_date.contains(name));
    Ok(Some(Summary {
        up_to_date: summary.up_to_date,
        warnings: summary.warnings,
        published: if finished { summary.published } else { Vec::new() },
        seconds: watch.seconds(),
        ..part
    }))
}

impl Map {
    /// The stages that read one of the files, and all below them.
    fn reached(&self, changed: &[PathBuf]) -> Option<BTreeSet<usize>> {
        if self.stages.len() < FEWEST {
            return None;
        }
        let changed: BTreeSet<&Path> = changed.iter().map(PathBuf::as_path).collect();
        let mut reached = BTreeSet::new();
        // Stages are in order: whatever a stage reads stands before it.
        for (index, stage) in self.stages.iter().enumerate() {
            let reads = stage.files.iter().any(|file| changed.contains(file.as_path()));
            if reads || stage.upstream.iter().any(|above| reached.contains(above)) {
                reached.insert(index);
            }
        }
        let known: usize = changed
            .iter()
            .filter(|path| self.stages.iter().any(|stage| stage.files.iter().any(|file| file == *path)))
            .count();
        let few = reached.len() * 4 < self.stages.len();
        let plain = reached.iter().all(|&stage| !self.stages[stage].reads_warnings);
        (few && plain && known == changed.len()).then_some(reached)
    }
}

/// Keeps how the stages hang together, where the file is written line by line.
fn keep_map(session: &Session) -> Result<(), EngineError> {
    let graph = &session.pipeline.graph;
    let Some(outline) = session.pipeline.outline.clone() else { return Ok(()) };
    if outline.stages.len() < FEWEST {
        return Ok(());
    }
    let mut stages: Vec<MapStage> = Vec::new();
    let mut position: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, task) in graph.tasks.iter().enumerate().filter(|(_, task)| task.name == task.stage) {
        let pieces = task.parts.iter().map(|&part| &graph.tasks[part]).chain([task]);
        let mut upstream = BTreeSet::new();
        let mut files = Vec::new();
        for piece in pieces {
            upstream.extend(piece.upstream.iter().filter_map(|&above| position.get(graph.tasks[above].stage.as_str())));
            files.extend(piece.work.inputs().iter().filter_map(|input| match input {
                Input::File { path, .. } => Some(path.clone()),
                Input::Table { .. } => None,
            }));
        }
        position.insert(&task.stage, stages.len());
        stages.push(MapStage {
            name: task.stage.clone(),
            sources: session.pipeline.sources_of.get(&task.stage).cloned().unwrap_or_default(),
            upstream: upstream.into_iter().collect(),
            task: id,
            files,
            reads_warnings: task.work.reads_warnings(),
        });
    }
    let names = graph.tasks.iter().map(|task| task.name.as_str());
    let map = Map { tasks: names_digest(names), outline, stages };
    snapshot::write(&path_of(&session.project), &map)
}

fn tasks_digest(snapshot: &Snapshot) -> Digest {
    names_digest(snapshot.tasks.iter().map(|(name, _)| name.as_str()))
}

fn names_digest<'n>(names: impl Iterator<Item = &'n str>) -> Digest {
    let mut hasher = crate::digest::Hasher::new("restudy map 1");
    for name in names {
        hasher.text(name);
    }
    hasher.finish()
}

fn path_of(project: &Project) -> PathBuf {
    project.state().join("map")
}
