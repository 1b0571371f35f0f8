//! Puts the documents of a stage into `out/<stage>/`, replacing the folder in one step.
//! Knows no format; `out/` is never read by the engine except to see whether it is already right.

use crate::crash;
use crate::error::EngineError;
use crate::record::Known;
use crate::session::Session;
use crate::store::{self, Workspace};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Puts the files of `known`, whose blobs must be in the store, where `is_current` found others.
pub fn publish(session: &Session, workspace: &Workspace, stage: &str, known: &Known) -> Result<(), EngineError> {
    let target = session.project.out().join(stage);
    let scratch = workspace.scratch()?;
    let out = session.project.out();
    store::create_folder(&out)?;
    // A folder can only be renamed within one file system, and the store may be on another.
    let beside = out.join(".publishing");
    let staging = if on_one_device(scratch.path(), &out) { scratch.path() } else { beside.as_path() };
    let fresh = staging.join("fresh");
    let _ = fs::remove_dir_all(&beside);
    store::create_folder(&fresh)?;
    for file in &known.files {
        let path = fresh.join(&file.path);
        let write = |source| EngineError::Write { path: path.clone(), source };
        store::create_folder(path.parent().unwrap_or(&fresh))?;
        let blob = session.store.verified(file.blob)?;
        // A copy, not a link: a user who edits a published file must not change the store.
        let mut from = File::open(&blob).map_err(write)?;
        let mut to = File::create(&path).map_err(write)?;
        crash::instant("a document without its text");
        io::copy(&mut from, &mut to).and_then(|_| to.sync_all()).map_err(write)?;
    }
    crash::instant("documents that are not in their place");
    exchange(&fresh, &target, &staging.join("old"))?;
    let _ = fs::remove_dir_all(&beside);
    crash::instant("documents in their place, the old ones beside");
    for file in &known.files {
        session.state.look_again(&target.join(&file.path))?;
    }
    Ok(())
}

/// Takes away the documents of stages that the study no longer has: beside the others they would pass for current. A folder
/// in which anything was added or changed is left alone.
pub fn retire(session: &Session) -> Result<(), EngineError> {
    let tasks: BTreeSet<&str> = session.pipeline.graph.tasks.iter().map(|task| task.name.as_str()).collect();
    for (stage, known) in session.state.take_unknown(&tasks)? {
        if !known.files.is_empty() && is_current(session, &stage, &known) {
            let folder = session.project.out().join(&stage);
            fs::remove_dir_all(&folder).map_err(|source| EngineError::Write { path: folder, source })?;
        }
    }
    Ok(())
}

/// The paths of the published files, relative to the project.
pub fn paths<'k>(stage: &'k str, known: &'k Known) -> impl Iterator<Item = String> + 'k {
    known.files.iter().map(move |file| format!("out/{stage}/{}", file.path))
}

/// Whether the stage's folder already holds exactly these files.
pub fn is_current(session: &Session, stage: &str, known: &Known) -> bool {
    let target = session.project.out().join(stage);
    let wanted: BTreeSet<PathBuf> = known.files.iter().map(|file| target.join(&file.path)).collect();
    let mut found = BTreeSet::new();
    if !list(&target, &mut found) || found != wanted {
        return false;
    }
    known
        .files
        .iter()
        .all(|file| session.state.digest_of_file(&target.join(&file.path)).is_ok_and(|digest| digest == file.blob))
}

#[cfg(unix)]
fn on_one_device(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    device(one) == device(other)
}

#[cfg(not(unix))]
fn on_one_device(_one: &Path, _other: &Path) -> bool {
    false
}

pub(crate) fn list(folder: &Path, files: &mut BTreeSet<PathBuf>) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().all(|entry| {
        let path = entry.path();
        if path.is_dir() {
            list(&path, files)
        } else {
            files.insert(path);
            true
        }
    })
}

/// Puts `fresh` where `target` is, in one step where the system can.
fn exchange(fresh: &Path, target: &Path, old: &Path) -> Result<(), EngineError> {
    let write = |source| EngineError::Write { path: target.into(), source };
    if !target.exists() {
        return fs::rename(fresh, target).map_err(write);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        if renameat_with(CWD, fresh, CWD, target, RenameFlags::EXCHANGE).is_ok() {
            return Ok(());
        }
    }
    // Two steps: between them the folder is missing, never half new. A kill there is mended by the next run.
    fs::rename(target, old).map_err(write)?;
    fs::rename(fresh, target).map_err(write)
}
