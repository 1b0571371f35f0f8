//! The shortest way to "nothing to do": if every file that a finished run looked at is as it was, its result stands, and
//! neither the pipeline is parsed nor a record opened. An index below `.restudy`, thrown away at the least doubt.

use crate::crash;
use crate::digest::{Digest, Hasher};
use crate::error::EngineError;
use crate::publish;
use crate::record;
use crate::schedule::Summary;
use crate::session::{self, OpenOptions, Session};
use crate::spec::Project;
use crate::stamp::Stamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

/// Raised when the meaning of the file changes.
const FORMAT: u32 = 1;
/// From this number of files on, two threads look at them.
const PARALLEL_FROM: usize = 1000;

/// What was looked at when everything was up to date.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    /// Of the program and the options: with others the study may be another.
    key: Digest,
    files: Vec<Seen>,
    /// Records in the store, by key: a lost record is a lost result.
    records: Vec<(Digest, Stamp)>,
    /// Folders with published documents, with the files that must be in them and no others.
    published: Vec<(PathBuf, Vec<PathBuf>)>,
    /// Patterns with wildcards, and what they matched.
    globs: Vec<(String, Vec<PathBuf>)>,
    result: Stored,
}

/// What is reported of the run.
#[derive(Serialize, Deserialize)]
struct Stored {
    up_to_date: Vec<String>,
    warnings: Vec<record::Warning>,
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

/// The summary of a run that would do nothing; `None` if it might do something.
pub fn nothing_to_do(options: &OpenOptions, targets: &[String]) -> Option<Summary> {
    let watch = record::Stopwatch::start();
    let project = session::find_project(options).ok()?;
    let path = path_of(&project);
    let bytes = fs::read(&path).ok()?;
    let (checksum, body) = bytes.split_at_checked(32)?;
    if Digest::of_bytes(body).bytes() != checksum {
        return None;
    }
    let mut snapshot: Snapshot = postcard::from_bytes(body).ok()?;
    if snapshot.key != key(options, targets) || !snapshot.stands(&project)? {
        return None;
    }
    let changed = refresh(&mut snapshot.files)?;
    if changed {
        // Files were touched but not changed: remember their new stamps. Failing to only costs time.
        let _ = write(&path, &snapshot);
    }
    let Stored { up_to_date, warnings, published } = snapshot.result;
    Some(Summary { up_to_date, warnings, published, seconds: watch.seconds(), ..Summary::default() })
}

/// Keeps what a finished run looked at. `done` are its tasks with their run keys; none failed and none was skipped.
pub fn keep(
    session: &Session,
    options: &OpenOptions,
    targets: &[String],
    summary: &Summary,
    done: &[(String, Digest)],
) -> Result<(), EngineError> {
    let project = &session.project;
    let trace = project.trace();
    let mut files = trace.files;
    files.extend(session.state.seen());
    // A source without wildcards is one file, and that is looked at anyway if a stage reads it.
    let looked_at: BTreeSet<&Path> = files.iter().map(|file| file.path.as_path()).collect();
    let plain = |pattern: &str| !pattern.contains(['*', '?', '[']);
    let globs = trace.globs.into_iter();
    let globs = globs.filter(|(pattern, _)| !(plain(pattern) && looked_at.contains(Path::new(pattern)))).collect();
    let mut records = Vec::new();
    for (_, run_key) in done {
        let path = session.store.record_path(*run_key);
        let metadata = fs::metadata(&path).map_err(|source| EngineError::Read { path, source })?;
        records.push((*run_key, Stamp::of(&metadata)));
    }
    let published: Vec<PathBuf> = summary.published.iter().map(|shown| project.root.join(shown)).collect();
    let folders: BTreeSet<PathBuf> = summary
        .published
        .iter()
        .filter_map(|shown| shown.split('/').nth(1))
        .map(|stage| project.out().join(stage))
        .collect();
    let snapshot = Snapshot {
        key: key(options, targets),
        files,
        records,
        published: folders
            .into_iter()
            .map(|folder| {
                let inside = published.iter().filter(|path| path.starts_with(&folder)).cloned().collect();
                (folder, inside)
            })
            .collect(),
        globs,
        result: Stored {
            up_to_date: done.iter().map(|(name, _)| name.clone()).collect(),
            warnings: summary.warnings.clone(),
            published: summary.published.clone(),
        },
    };
    write(&path_of(project), &snapshot)
}

impl Snapshot {
    /// Whether everything but the content of files is as it was.
    fn stands(&self, project: &Project) -> Option<bool> {
        for (pattern, matched) in &self.globs {
            if crate::spec::matches(pattern).ok()? != *matched {
                return Some(false);
            }
        }
        for (folder, files) in &self.published {
            let mut found = BTreeSet::new();
            if !publish::list(folder, &mut found) || found != files.iter().cloned().collect() {
                return Some(false);
            }
        }
        let store = crate::store::Store::at(&project.state());
        let same = |(run_key, stamp): &(Digest, Stamp)| {
            fs::metadata(store.record_path(*run_key)).is_ok_and(|metadata| Stamp::of(&metadata) == *stamp)
        };
        Some(in_two(&self.records, |part| part.iter().all(same)).into_iter().all(|same| same))
    }
}

/// Whether stamps changed while contents did not; `None` if a content changed.
fn refresh(files: &mut [Seen]) -> Option<bool> {
    let fresh = in_two(files, |part| part.iter().map(look).collect::<Option<Vec<_>>>());
    let fresh: Vec<Option<Seen>> = fresh.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    let mut changed = false;
    for (file, fresh) in files.iter_mut().zip(fresh) {
        if let Some(fresh) = fresh {
            *file = fresh;
            changed = true;
        }
    }
    Some(changed)
}

/// `Some(None)`: certainly as it was. `Some(Some(…))`: the same content under a new stamp. `None`: another content.
fn look(file: &Seen) -> Option<Option<Seen>> {
    let stamp = Stamp::of(&fs::metadata(&file.path).ok()?);
    if stamp == file.stamp && stamp.is_settled(file.hashed_at) {
        return Some(None);
    }
    let hashed_at = record::now_nanoseconds();
    let (digest, _) = Digest::of_file(&file.path).ok()?;
    (digest == file.digest).then(|| Some(Seen { path: file.path.clone(), stamp, digest, hashed_at }))
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
fn key(options: &OpenOptions, targets: &[String]) -> Digest {
    let OpenOptions { pipeline, data, set, with } = options;
    let mut hasher = Hasher::new("restudy snapshot");
    hasher.text(&format!("{FORMAT} {} {pipeline:?} {data:?} {set:?} {with:?} {targets:?}", record::FORMAT));
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

/// Written beside and renamed, but not flushed: a torn one fails its checksum and is ignored.
fn write(path: &Path, snapshot: &Snapshot) -> Result<(), EngineError> {
    let failed = |source| EngineError::Write { path: path.into(), source };
    let body = postcard::to_stdvec(snapshot)
        .map_err(|error| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))?;
    let mut bytes = Digest::of_bytes(&body).bytes().to_vec();
    bytes.extend(body);
    // Always under the same name, so that a crash leaves at most one; two writers at once tear it, and the checksum says so.
    let fresh = path.with_extension("new");
    fs::write(&fresh, bytes).map_err(failed)?;
    crash::instant("a snapshot without its name");
    fs::rename(&fresh, path).map_err(failed)
}
