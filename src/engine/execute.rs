//! Makes the result of one task whose inputs are known: under its lease, in a private folder, with its tries and its time
//! limit. The record is on disk before the task counts as done. Knows nothing of order: see `schedule.rs`.

use crate::crash;
use crate::diagnostic::{Diagnostic, Severity};
use crate::digest::Digest;
use crate::error::EngineError;
use crate::graph::TaskId;
use crate::kind::{Input, InputFile, InputPart, InputTable, Outputs, RunContext, StageError};
use crate::lease::Lease;
use crate::limits;
use crate::record::{
    self, Environment, FileRecord, InputRecord, Known, Record, Stopwatch, TableRecord, Timestamp, Warning,
};
use crate::schedule::{Event, Observer};
use crate::session::{Keyed, Results, Session};
use crate::shadow::Shadow;
use crate::stop::{Cause, Halt, Stop};
use crate::store::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process;
use std::sync::{Arc, Mutex};
use std::thread;

/// What every task of a run is made with.
pub struct Maker<'a> {
    pub session: &'a Session,
    pub workspace: &'a Workspace,
    pub observer: &'a dyn Observer,
    pub stop: &'a Stop,
    pub results: &'a Results,
    pub partitions: Option<usize>,
    /// Blobs whose content was found to be what their names say, in this run.
    pub verified: Mutex<BTreeSet<Digest>>,
    /// Tasks made again only because something that ran needed their bytes.
    pub restored: Mutex<BTreeSet<TaskId>>,
    /// What was executed again only to compare.
    pub shadow: Mutex<Shadow>,
}

/// How much of a result must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// A record is enough.
    Known,
    /// Its bytes must be in the store.
    Bytes,
    /// It is made again even where it is known.
    Again,
}

/// How it went.
pub enum Made {
    /// The result was there, or someone else made it while this process waited.
    Found(Arc<Known>),
    Fresh(Arc<Known>),
    Failed(Vec<Diagnostic>),
    Stopped,
}

impl Maker<'_> {
    /// Finds or makes the result of a task whose inputs have results.
    pub fn make(&self, id: TaskId, demand: Demand) -> Result<Made, EngineError> {
        let session = self.session;
        let task = &session.pipeline.graph.tasks[id];
        let enough = |known: &Known| match demand {
            Demand::Known => Ok(true),
            // All of them are looked at, so that every damaged one is taken away.
            Demand::Bytes => known.blobs().try_fold(true, |sound, blob| Ok(self.is_sound(blob)? && sound)),
            Demand::Again => Ok(false),
        };
        let keyed = self.key(id)?;
        let known = session.hit(id, keyed.run_key)?;
        if let Some(known) = known
            && enough(&known)?
        {
            if session.state.current(&task.name)?.map(|current| current.run_key) != Some(keyed.run_key) {
                session.remember(id, &known)?;
            }
            return Ok(Made::Found(known));
        }
        let wait = Halt::new(self.stop, None);
        let owner = format!("process {}", process::id());
        let path = session.store.lease_path(&keyed.run_key.hex());
        let told = |owner: &str| self.observer.event(&Event::Waiting { name: &task.name, owner });
        let Some(_lease) = Lease::take(&path, &owner, &wait, told)? else { return Ok(Made::Stopped) };
        // Whoever held the lease before has probably made it.
        let known = session.hit(id, keyed.run_key)?;
        if let Some(known) = &known
            && enough(known)?
        {
            session.remember(id, known)?;
            return Ok(Made::Found(known.clone()));
        }
        if let Some(ended) = self.restore_inputs(id)? {
            return Ok(ended);
        }
        // An input that was made again may have come out different, if its stage depends on something undeclared.
        let keyed = self.key(id)?;
        crash::instant("a lease and no work");
        self.observer.event(&Event::Started { name: &task.name });
        tracing::debug!(task = task.name, "running");
        let mut tries = 0;
        loop {
            let error = match self.execute(id, &keyed)? {
                Ok(mut record) => {
                    record.warnings.extend(known.as_ref().and_then(|known| unsteady(known, &record)));
                    session.store.keep(self.workspace, &record)?;
                    let known = Known::from(&record);
                    session.remember(id, &known)?;
                    crash::instant("a result that nobody was told of");
                    return Ok(Made::Fresh(Arc::new(known)));
                }
                Err(error) => error,
            };
            let StageError::Wrong(diagnostics) = error else { return Ok(Made::Stopped) };
            tries += 1;
            if tries <= task.limits.retries && !self.stop.asked() {
                self.observer.event(&Event::Retried { name: &task.name, tries, diagnostics: &diagnostics });
                continue;
            }
            let message = diagnostics.first().map_or(String::new(), |first| first.message.clone());
            session.state.set_failed(&task.name, session.pipeline.definitions[id].1, &message)?;
            return Ok(Made::Failed(diagnostics));
        }
    }

    pub(crate) fn key(&self, id: TaskId) -> Result<Keyed, EngineError> {
        let keyed = self.session.key(id, self.results)?;
        Ok(keyed.expect("a task is made only when all its inputs have results"))
    }

    /// Makes inputs again whose bytes are gone or damaged. `Some`: that did not work, and this is how the task ends.
    pub(crate) fn restore_inputs(&self, id: TaskId) -> Result<Option<Made>, EngineError> {
        for input in self.session.pipeline.graph.tasks[id].inputs() {
            let Some(known) = self.results.get(input) else { continue };
            if self.whole(input, known)?.is_none() {
                let name = &self.session.pipeline.graph.tasks[input].name;
                let gone = format!("`{name}` is no longer in the store and could not be made again");
                return Ok(Some(Made::Failed(vec![
                    Diagnostic::error(gone).hint(format!("see why with `restudy run {name}`")),
                ])));
            }
        }
        Ok(None)
    }

    /// The result of a task with all its bytes, made again if some are gone or damaged; `None` if that did not work.
    pub fn whole(&self, id: TaskId, known: Arc<Known>) -> Result<Option<Arc<Known>>, EngineError> {
        let mut whole = true;
        for blob in known.blobs() {
            whole &= self.is_sound(blob)?;
        }
        if whole {
            return Ok(Some(known));
        }
        let known = match self.make(id, Demand::Bytes)? {
            Made::Found(known) => known,
            Made::Fresh(known) => {
                self.restored.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(id);
                known
            }
            Made::Failed(_) | Made::Stopped => return Ok(None),
        };
        self.results.set(id, known.clone());
        Ok(Some(known))
    }

    /// Whether the blob is there and intact; a damaged one is discarded.
    fn is_sound(&self, blob: Digest) -> Result<bool, EngineError> {
        let seen = || self.verified.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if seen().contains(&blob) && self.session.store.has_blob(blob) {
            return Ok(true);
        }
        match self.session.store.verified(blob) {
            Ok(_) => {
                seen().insert(blob);
                Ok(true)
            }
            Err(EngineError::Damaged { path }) => {
                tracing::warn!("`{}` was damaged and is made again", path.display());
                self.session.store.discard(blob)?;
                Ok(false)
            }
            Err(EngineError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// One try: runs the stage in a private folder and puts what it made into the store.
    fn execute(&self, id: TaskId, keyed: &Keyed) -> Result<Result<Record, StageError>, EngineError> {
        let session = self.session;
        let task = &session.pipeline.graph.tasks[id];
        let watch = Stopwatch::start();
        let started = Timestamp::now();
        let scratch = self.workspace.scratch()?;
        let outputs = match self.work(id, keyed, scratch.path())? {
            Ok(outputs) => outputs,
            Err(error) => return Ok(Err(error)),
        };
        crash::instant("work that is not in the store");
        let Outputs { tables, files, warnings } = outputs;
        let mut record = Record {
            format: record::FORMAT,
            run_key: keyed.run_key,
            definition_key: session.pipeline.definitions[id].1,
            name: task.name.clone(),
            stage: task.stage.clone(),
            kind: task.kind.to_string(),
            manifest: keyed.manifest.clone(),
            code: Some(task.code),
            params: task.params.clone(),
            inputs: keyed
                .inputs
                .iter()
                .map(|(name, digest)| InputRecord { name: name.clone(), digest: *digest })
                .collect(),
            tables: Vec::new(),
            files: Vec::new(),
            warnings,
            started,
            seconds: 0.0,
            environment: Environment {
                restudy: env!("CARGO_PKG_VERSION").to_string(),
                platform: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
                threads: thread::available_parallelism().map_or(1, usize::from),
            },
        };
        for table in tables {
            let (blob, bytes) = session.store.adopt(&table.path)?;
            record.tables.push(TableRecord {
                name: table.name,
                digest: table.digest,
                blob,
                bytes,
                rows: table.rows,
                rows_digest: table.rows_digest,
                key: table.key,
                columns: table.columns,
            });
        }
        for (path, written) in files {
            let (blob, bytes) = session.store.adopt(&written)?;
            record.files.push(FileRecord { path, blob, bytes });
        }
        record.seconds = watch.seconds();
        Ok(Ok(record))
    }

    /// Runs the stage in this folder. What it made is there; nothing is kept.
    pub(crate) fn work(
        &self,
        id: TaskId,
        keyed: &Keyed,
        scratch: &Path,
    ) -> Result<Result<Outputs, StageError>, EngineError> {
        let task = &self.session.pipeline.graph.tasks[id];
        let halt = Halt::new(self.stop, task.limits.seconds);
        let context = self.context(id, keyed, scratch, &halt);
        let result = panic::catch_unwind(AssertUnwindSafe(|| task.work.run(&context)));
        let outputs = match result {
            // Also a stage that did not look at the clock while it worked.
            Ok(Ok(_) | Err(StageError::Cancelled)) if halt.cause() == Some(Cause::TimedOut) => {
                return Ok(Err(timed_out(&task.name, &task.limits).into()));
            }
            Ok(Ok(outputs)) => outputs,
            Ok(Err(error)) => return Ok(Err(error)),
            Err(payload) => return Ok(Err(panicked(&task.name, payload.as_ref()).into())),
        };
        // A file that changed while it was read would leave a record that says something else than what was done.
        for file in &context.files {
            if self.session.state.digest_of_file(&file.path)? != file.digest {
                let message = format!("`{}` changed while stage `{}` was reading it", file.shown, task.name);
                return Ok(Err(Diagnostic::error(message).hint("run again".to_string()).into()));
            }
        }
        Ok(Ok(outputs))
    }

    fn context<'c>(&'c self, id: TaskId, keyed: &Keyed, scratch: &'c Path, halt: &'c Halt<'c>) -> RunContext<'c> {
        let session = self.session;
        let task = &session.pipeline.graph.tasks[id];
        let input_table =
            |table: &TableRecord| InputTable { path: session.store.blob_path(table.blob), record: table.clone() };
        let mut context = RunContext {
            name: &task.name,
            scratch,
            tables: BTreeMap::new(),
            files: Vec::new(),
            parts: Vec::new(),
            warnings: keyed.warnings.clone(),
            partitions: self.partitions,
            memory: task.limits.amounts.get(limits::MEMORY).copied(),
            halt,
        };
        for input in task.work.inputs() {
            match input {
                Input::Table { name, .. } => {
                    if let Some(table) = session.table_of(name, self.results) {
                        context.tables.insert(name.clone(), input_table(&table));
                    }
                }
                Input::File { shown, path } => {
                    let digest = keyed.inputs.iter().find(|(name, _)| name == shown).map(|(_, digest)| *digest);
                    let digest = digest.expect("the key was made from the same inputs");
                    context.files.push(InputFile { shown: shown.clone(), path: path.clone(), digest });
                }
            }
        }
        for (&part, label) in task.parts.iter().zip(&task.part_labels) {
            let known = self.results.get(part).expect("a joining task is made only when its pieces are");
            context
                .parts
                .push(InputPart { label: label.clone(), tables: known.tables.iter().map(input_table).collect() });
        }
        context
    }
}

/// What the engine itself warns of when a result is made again.
pub(crate) const UNSTEADY: &str =
    "gave another result than before for the same inputs: something outside its declared inputs changes it";

/// A warning when the same key gave another table: the stage depends on something that is not in its key.
fn unsteady(known: &Known, record: &Record) -> Option<Warning> {
    let digests = |tables: &[TableRecord]| -> Vec<Digest> { tables.iter().map(|table| table.digest).collect() };
    (digests(&known.tables) != digests(&record.tables)).then(|| Warning {
        stage: record.stage.clone(),
        severity: Severity::Warning,
        message: UNSTEADY.to_string(),
        details: Vec::new(),
    })
}

fn timed_out(name: &str, limits: &limits::Limits) -> Diagnostic {
    let seconds = limits.seconds.unwrap_or_default();
    Diagnostic::error(format!("stage `{name}` ran longer than its limit of {seconds} s"))
        .hint("raise `limits: {time: …}` of the stage, or make it faster".to_string())
}

fn panicked(name: &str, payload: &(dyn std::any::Any + Send)) -> Diagnostic {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| text.to_string())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_string());
    Diagnostic::error(format!("stage `{name}` stopped on an internal error: {text}"))
        .hint("this is a mistake in restudy, not in the study; please report it".to_string())
}
