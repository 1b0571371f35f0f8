//! Makes room in the store: drops bytes and keeps records, so that a dropped table which nobody reads again is never
//! made again. Says what it would cost to make the dropped ones again. Knows no format.

use crate::digest::Digest;
use crate::error::EngineError;
use crate::graph::TaskId;
use crate::lease::Presence;
use crate::record::{self, Known, Record};
use crate::session::Session;
use crate::stop::{Halt, Stop};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What to drop.
#[derive(Clone, Debug, Default)]
pub struct CollectOptions {
    /// Results that no stage has any more go when they are older than this.
    pub older_than_seconds: f64,
    /// Current results go too, the cheapest to make again per byte first, until the store holds no more than this.
    pub max_bytes: Option<u64>,
    /// Current results of these stages, instances or tables go.
    pub evict: Vec<String>,
    /// Only say what would go.
    pub dry_run: bool,
}

/// One blob that goes, or would.
#[derive(Clone, Debug, Serialize)]
pub struct Dropped {
    /// `panel`, or `out/paper/table1.html`; `?` if no record names it.
    pub what: String,
    /// The instance that made it.
    pub task: String,
    pub blob: Digest,
    pub bytes: u64,
    /// It is a current result.
    pub current: bool,
    /// How long its task took.
    pub seconds: f64,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Collected {
    pub dropped: Vec<Dropped>,
    pub bytes_dropped: u64,
    pub bytes_kept: u64,
    /// What making all of it again would take, each task once.
    pub seconds_to_rebuild: f64,
}

/// Who made a blob.
struct Maker {
    what: String,
    task: String,
    seconds: f64,
}

/// Drops what the options say. Waits until no other process runs on this study; `waiting` is told so.
pub fn collect(
    session: &Session,
    options: &CollectOptions,
    stop: &Stop,
    waiting: impl FnMut(),
) -> Result<Option<Collected>, EngineError> {
    let halt = Halt::new(stop, None);
    let Some(_alone) = Presence::alone(&session.store.presence_path(), &halt, waiting)? else { return Ok(None) };
    let makers = makers(&session.store.records()?);
    let current = current(session)?;
    let evicted = evicted(session, &options.evict, &current)?;
    let now = record::now_nanoseconds();
    let mut kept: Vec<Dropped> = Vec::new();
    let mut collected = Collected::default();
    for (blob, metadata) in session.store.blobs()? {
        let bytes = metadata.len();
        let maker = makers.get(&blob);
        let found = Dropped {
            what: maker.map_or("?".to_string(), |maker| maker.what.clone()),
            task: maker.map_or("?".to_string(), |maker| maker.task.clone()),
            blob,
            bytes,
            current: current.contains_key(&blob),
            seconds: maker.map_or(0.0, |maker| maker.seconds),
        };
        let age = (now - crate::state::modified_nanoseconds(&metadata)) as f64 / 1e9;
        let unused = !found.current && age >= options.older_than_seconds;
        if unused || evicted.contains(&blob) {
            collected.dropped.push(found);
        } else {
            collected.bytes_kept += bytes;
            kept.push(found);
        }
    }
    if let Some(most) = options.max_bytes {
        let price = |dropped: &Dropped| dropped.seconds / dropped.bytes.max(1) as f64;
        kept.sort_by(|a, b| a.current.cmp(&b.current).then(price(a).total_cmp(&price(b))).then(a.blob.cmp(&b.blob)));
        let mut rest = kept.into_iter();
        while collected.bytes_kept > most
            && let Some(next) = rest.next()
        {
            collected.bytes_kept -= next.bytes;
            collected.dropped.push(next);
        }
    }
    collected.dropped.sort_by(|a, b| (&a.task, &a.what, a.blob).cmp(&(&b.task, &b.what, b.blob)));
    collected.bytes_dropped = collected.dropped.iter().map(|dropped| dropped.bytes).sum();
    let tasks: BTreeMap<&str, f64> =
        collected.dropped.iter().map(|dropped| (dropped.task.as_str(), dropped.seconds)).collect();
    collected.seconds_to_rebuild = tasks.values().sum();
    if !options.dry_run {
        for dropped in &collected.dropped {
            let path = session.store.blob_path(dropped.blob);
            fs::remove_file(&path).map_err(|source| EngineError::Write { path, source })?;
        }
    }
    Ok(Some(collected))
}

/// By blob, who made it; of several, the first by name.
fn makers(records: &[Record]) -> BTreeMap<Digest, Maker> {
    let mut makers: BTreeMap<Digest, Maker> = BTreeMap::new();
    for record in records {
        let tables = record.tables.iter().map(|table| (table.blob, table.name.clone()));
        let files = record.files.iter().map(|file| (file.blob, format!("out/{}/{}", record.stage, file.path)));
        for (blob, what) in tables.chain(files) {
            let maker = Maker { what, task: record.name.clone(), seconds: record.seconds };
            makers.entry(blob).or_insert(maker);
        }
    }
    makers
}

/// The blobs of the current results of the study's tasks, up to date or not.
fn current(session: &Session) -> Result<BTreeMap<Digest, Vec<TaskId>>, EngineError> {
    let mut current: BTreeMap<Digest, Vec<TaskId>> = BTreeMap::new();
    for id in 0..session.pipeline.graph.tasks.len() {
        for blob in session.last_record(id)?.iter().map(Known::from).flat_map(|known| known.blobs().collect::<Vec<_>>())
        {
            current.entry(blob).or_default().push(id);
        }
    }
    Ok(current)
}

/// The current blobs of the named tasks that no other task's current result shares.
fn evicted(
    session: &Session,
    names: &[String],
    current: &BTreeMap<Digest, Vec<TaskId>>,
) -> Result<BTreeSet<Digest>, EngineError> {
    let graph = &session.pipeline.graph;
    // Also finds names that do not exist.
    graph.closure(names).map_err(EngineError::Usage)?;
    let is_named = |id: &TaskId| {
        let task = &graph.tasks[*id];
        names.iter().any(|name| *name == task.name || *name == task.stage || graph.producers.get(name) == Some(id))
    };
    Ok(current.iter().filter(|(_, ids)| ids.iter().all(is_named)).map(|(blob, _)| *blob).collect())
}
