//! What a finished run looked at: if every file is as it was, the result stands, and neither the pipeline is parsed nor a
//! record opened. An index below `.restudy`, thrown away at the least doubt. What to do when a data file changed is in
//! `partial.rs`.

use crate::crash;
use crate::digest::{Digest, Hasher};
use crate::error::EngineError;
use crate::publish;
use crate::record::{self, Warning};
use crate::schedule::{Done, Summary};
use crate::session::{OpenOptions, Session};
use crate::spec::{self, Project};
use crate::stamp::Stamp;
use crate::store::Store;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

/// Raised when the meaning of the file changes.
const FORMAT: u32 = 2;
/// From this number of files on, two threads look at them.
const PARALLEL_FROM: usize = 1000;

/// Everything that was looked at when all was up to date, and what is reported of it.
#[derive(Serialize, Deserialize)]
pub struct Snapshot {
    /// Of the program and the options: with others the study may be another.
    key: Digest,
    /// The study's own files: the pipeline, queries, layouts.
    own: Vec<Seen>,
    /// Data and published documents.
    pub files: Vec<Seen>,
    /// The folders in which records lie: their stamps change when one comes or goes.
    folders: Vec<(PathBuf, Stamp)>,
    /// When they were looked at.
    looked_at: i64,
    /// Folders with published documents, with the files that must be in them and no others.
    documents: Vec<(PathBuf, Vec<PathBuf>)>,
    /// Patterns of sources, and what they matched.
    globs: Vec<(String, Vec<PathBuf>)>,
    /// All tasks in order, with their run keys.
    pub tasks: Vec<(String, Digest)>,
    /// By position in `tasks`.
    pub warnings: Vec<(usize, Vec<Warning>)>,
    published: Vec<String>,
}

/// A file, its stamp, its digest, and when it was hashed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seen {
    pub path: PathBuf,
    pub stamp: Stamp,
    pub digest: Digest,
    pub hashed_at: i64,
}

/// What became of a study since its snapshot.
pub enum Change {
    Nothing(Box<Summary>),
    /// Only the contents of these data files.
    Data(Box<Snapshot>, Vec<PathBuf>),
    /// Something else, or nobody knows.
    Unknown,
}

/// Compares the study with its last snapshot.
pub fn compare(project: &Project, options: &OpenOptions) -> Change {
    changes(project, options).unwrap_or(Change::Unknown)
}

fn changes(project: &Project, options: &OpenOptions) -> Option<Change> {
    let watch = record::Stopwatch::start();
    let path = path_of(project);
    let mut snapshot: Snapshot = read(&path)?;
    if snapshot.key != key(options) {
        return None;
    }
    let moved = snapshot.stands(project)?;
    let (own, own_changed) = refresh(&mut snapshot.own)?;
    if !own_changed.is_empty() {
        return None;
    }
    let (touched, changed) = refresh(&mut snapshot.files)?;
    if !changed.is_empty() {
        return Some(Change::Data(Box::new(snapshot), changed));
    }
    if moved || own || touched {
        // Nothing changed but stamps: remember the new ones. Failing to only costs time.
        let _ = write(&path, &snapshot);
    }
    Some(Change::Nothing(Box::new(snapshot.summary(watch.seconds()))))
}

/// Keeps what a finished run of the whole study looked at; none of its tasks failed or was skipped.
pub fn keep(session: &Session, options: &OpenOptions, summary: &Summary, done: Vec<Done>) -> Result<(), EngineError> {
    let project = &session.project;
    let trace = project.trace();
    let files = session.state.seen();
    // A source without wildcards is one file, and that is looked at anyway if a stage reads it.
    let looked_at: BTreeSet<&Path> = files.iter().map(|file| file.path.as_path()).collect();
    let plain = |pattern: &str| !pattern.contains(['*', '?', '[']);
    let globs = trace.globs.into_iter();
    let globs = globs.filter(|(pattern, _)| !(plain(pattern) && looked_at.contains(Path::new(pattern)))).collect();
    let published: Vec<PathBuf> = summary.published.iter().map(|shown| project.root.join(shown)).collect();
    let stages: BTreeSet<&str> = summary.published.iter().filter_map(|shown| shown.split('/').nth(1)).collect();
    let documents = stages.into_iter().map(|stage| project.out().join(stage)).map(|folder| {
        let inside = published.iter().filter(|path| path.starts_with(&folder)).cloned().collect();
        (folder, inside)
    });
    let warnings = done.iter().enumerate().filter(|(_, done)| !done.warnings.is_empty());
    let mut snapshot = Snapshot {
        key: key(options),
        own: trace.files,
        files,
        folders: Vec::new(),
        looked_at: 0,
        documents: documents.collect(),
        globs,
        warnings: warnings.map(|(index, done)| (index, done.warnings.clone())).collect(),
        tasks: done.into_iter().map(|done| (done.name, done.run_key)).collect(),
        published: summary.published.clone(),
    };
    snapshot.look_at_folders(&session.store);
    write(&path_of(project), &snapshot)
}

impl Snapshot {
    /// Takes over what a run of some of the tasks changed.
    pub fn update(&mut self, session: &Session, done: &[Done]) -> Result<(), EngineError> {
        let fresh: BTreeMap<PathBuf, Seen> =
            session.state.seen().into_iter().map(|seen| (seen.path.clone(), seen)).collect();
        for file in &mut self.files {
            if let Some(seen) = fresh.get(&file.path) {
                *file = seen.clone();
            }
        }
        for done in done {
            let Some(index) = self.tasks.iter().position(|(name, _)| *name == done.name) else { continue };
            self.tasks[index].1 = done.run_key;
            self.warnings.retain(|(task, _)| *task != index);
            if !done.warnings.is_empty() {
                self.warnings.push((index, done.warnings.clone()));
            }
        }
        self.warnings.sort_by_key(|(task, _)| *task);
        self.look_at_folders(&session.store);
        write(&path_of(&session.project), self)
    }

    /// The summary of a run that has nothing to do.
    pub fn summary(&self, seconds: f64) -> Summary {
        let mut warnings: Vec<Warning> = Vec::new();
        for warning in self.warnings.iter().flat_map(|(_, warnings)| warnings) {
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
        Summary {
            up_to_date: self.tasks.iter().map(|(name, _)| name.clone()).collect(),
            warnings,
            published: self.published.clone(),
            seconds,
            ..Summary::default()
        }
    }

    fn look_at_folders(&mut self, store: &Store) {
        self.looked_at = record::now_nanoseconds();
        let stamps = store.record_folders().into_iter();
        let stamps = stamps.filter_map(|folder| Some((Stamp::of(&fs::metadata(&folder).ok()?), folder)));
        self.folders = stamps.map(|(stamp, folder)| (folder, stamp)).collect();
    }

    /// Whether everything but the content of files is as it was; the value says whether folder stamps moved.
    fn stands(&mut self, project: &Project) -> Option<bool> {
        for (pattern, matched) in &self.globs {
            if spec::matches(pattern).ok()? != *matched {
                return None;
            }
        }
        for (folder, files) in &self.documents {
            let mut found = BTreeSet::new();
            if !publish::list(folder, &mut found) || found != files.iter().cloned().collect() {
                return None;
            }
        }
        // Where another run added records, or this one had only just ended, each record is looked for: a lost record is a
        // lost result.
        let store = Store::at(&project.state());
        let mut doubtful = [self.folders.is_empty(); 256];
        for (folder, stamp) in &self.folders {
            let is_same = stamp.is_settled(self.looked_at)
                && fs::metadata(folder).is_ok_and(|metadata| Stamp::of(&metadata) == *stamp);
            if let Some(first) = Store::first_byte(folder).filter(|_| !is_same) {
                doubtful[first] = true;
            }
        }
        if !doubtful.contains(&true) {
            return Some(false);
        }
        let looked_at = record::now_nanoseconds();
        let there = |(_, run_key): &(String, Digest)| {
            !doubtful[usize::from(run_key.bytes()[0])] || store.record_path(*run_key).exists()
        };
        if !in_two(&self.tasks, |part| part.iter().all(there)).into_iter().all(|there| there) {
            return None;
        }
        self.look_at_folders(&store);
        self.looked_at = looked_at;
        Some(true)
    }
}

/// Takes new stamps of unchanged files; gives whether there were any, and the files whose content is another. `None`: one
/// is gone.
fn refresh(files: &mut [Seen]) -> Option<(bool, Vec<PathBuf>)> {
    let looks = in_two(files, |part| part.iter().map(look).collect::<Option<Vec<Look>>>());
    let looks: Vec<Look> = looks.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    let (mut touched, mut changed) = (false, Vec::new());
    for (file, look) in files.iter_mut().zip(looks) {
        match look {
            Look::Same => {}
            Look::Touched(seen) => {
                *file = seen;
                touched = true;
            }
            Look::Changed => changed.push(file.path.clone()),
        }
    }
    Some((touched, changed))
}

enum Look {
    Same,
    /// The same content under a new stamp.
    Touched(Seen),
    Changed,
}

fn look(file: &Seen) -> Option<Look> {
    let stamp = Stamp::of(&fs::metadata(&file.path).ok()?);
    if stamp == file.stamp && stamp.is_settled(file.hashed_at) {
        return Some(Look::Same);
    }
    let hashed_at = record::now_nanoseconds();
    let (digest, _) = Digest::of_file(&file.path).ok()?;
    let seen = Seen { path: file.path.clone(), stamp, digest, hashed_at };
    Some(if digest == file.digest { Look::Touched(seen) } else { Look::Changed })
}

/// The work on both halves of a long list at once, in order.
fn in_two<T: Sync, R: Send>(list: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    if list.len() < PARALLEL_FROM {
        return vec![work(list)];
    }
    let (first, second) = list.split_at(list.len() / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| work(second));
        let own = work(first);
        match other.join() {
            Ok(other) => vec![own, other],
            Err(payload) => std::panic::resume_unwind(payload),
        }
    })
}

/// Of the running program and of all that chooses the study and its values.
fn key(options: &OpenOptions) -> Digest {
    let OpenOptions { pipeline, data, set, with } = options;
    let mut hasher = Hasher::new("restudy snapshot");
    hasher.text(&format!("{FORMAT} {} {pipeline:?} {data:?} {set:?} {with:?}", record::FORMAT));
    hasher.text(&program());
    hasher.finish()
}

/// The running program: another build may read the same study differently.
pub(crate) fn program() -> String {
    let stamp = std::env::current_exe().and_then(fs::metadata).map(|metadata| Stamp::of(&metadata).text());
    format!("{} {}", env!("CARGO_PKG_VERSION"), stamp.unwrap_or_default())
}

fn path_of(project: &Project) -> PathBuf {
    project.state().join("snapshot")
}

/// Reads an index file; `None` if it is not there, torn or of another format.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = fs::read(path).ok()?;
    let (checksum, body) = bytes.split_at_checked(32)?;
    (Digest::of_bytes(body).bytes() == checksum).then(|| postcard::from_bytes(body).ok()).flatten()
}

/// Written beside and renamed, but not flushed: a torn one fails its checksum and is ignored.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<(), EngineError> {
    let failed = |source| EngineError::Write { path: path.into(), source };
    let body = postcard::to_stdvec(value)
        .map_err(|error| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))?;
    let mut bytes = Digest::of_bytes(&body).bytes().to_vec();
    bytes.extend(body);
    // Always under the same name, so that a crash leaves at most one; two writers at once tear it, and the checksum says so.
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes).map_err(failed)?;
    crash::instant("a snapshot without its name");
    fs::rename(&fresh, path).map_err(failed)
}
