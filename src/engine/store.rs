//! The content-addressed store below `.restudy/store`: immutable blobs and records, each written to a temporary file,
//! flushed, and renamed into place. A reader never sees half a file. Knows no stage.

use crate::crash;
use crate::digest::Digest;
use crate::error::EngineError;
use crate::lease::Lease;
use crate::record::{self, Known, Record};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::{NamedTempFile, TempDir};

/// Where one process keeps unfinished work; removed when dropped.
#[derive(Debug)]
pub struct Workspace {
    folder: PathBuf,
    /// Held for as long as the process lives; the system releases it even on a kill.
    _lock: Lease,
}

/// The store of one study.
#[derive(Clone, Debug)]
pub struct Store {
    blobs: PathBuf,
    records: PathBuf,
    temporary: PathBuf,
}

impl Store {
    /// Opens the store below `state` (`.restudy`), making it if it is not there.
    pub fn open(state: &Path) -> Result<Store, EngineError> {
        let store = Store::at(state);
        for folder in [&store.blobs, &store.records, &store.temporary] {
            create_folder(folder)?;
        }
        Ok(store)
    }

    /// The store below `state`, whether or not it is there.
    pub fn at(state: &Path) -> Store {
        Store { blobs: state.join("store/blobs"), records: state.join("store/records"), temporary: state.join("tmp") }
    }

    /// A folder for this process's unfinished work; what dead processes left is removed first.
    pub fn workspace(&self) -> Result<Workspace, EngineError> {
        self.sweep();
        // The lock comes first: a folder without a locked lock file beside it belongs to nobody.
        loop {
            let write = |source| EngineError::Write { path: self.temporary.clone(), source };
            let random = tempfile::Builder::new().prefix("work-").suffix(".lock").tempfile_in(&self.temporary);
            let path = random.and_then(|file| Ok(file.keep()?.1)).map_err(write)?;
            crash::instant("a lock file that is not locked");
            // `None`: another process took it for abandoned before it was locked.
            let Some(lock) = Lease::at_once(&path)? else { continue };
            crash::instant("a lock without its folder");
            let folder = path.with_extension("");
            create_folder(&folder)?;
            return Ok(Workspace { folder, _lock: lock });
        }
    }

    /// Removes what belongs to processes that are gone: the system has released their locks.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.temporary) else { return };
        let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        for path in &paths {
            let is = |extension: &str| path.extension().is_some_and(|found| found == extension);
            // Dropping the lease removes its file.
            if (is("lock") || is("lease"))
                && let Ok(Some(lease)) = Lease::at_once(path)
            {
                let _ = fs::remove_dir_all(path.with_extension(""));
                drop(lease);
            }
        }
    }

    /// Where the blob is, or would be.
    pub fn blob_path(&self, digest: Digest) -> PathBuf {
        split(&self.blobs, digest)
    }

    pub fn has_blob(&self, digest: Digest) -> bool {
        self.blob_path(digest).is_file()
    }

    /// Moves a finished file into the store. Gives its digest and size.
    pub fn adopt(&self, path: &Path) -> Result<(Digest, u64), EngineError> {
        let (digest, size) = Digest::of_file(path)?;
        let target = self.blob_path(digest);
        if target.is_file() {
            return Ok((digest, size));
        }
        let write = |source| EngineError::Write { path: target.clone(), source };
        // Without the flush a crash after the rename could leave an empty file under a digest's name.
        crash::instant("a blob that is not flushed");
        File::open(path).and_then(|file| file.sync_all()).map_err(write)?;
        create_folder(target.parent().unwrap_or(&self.blobs))?;
        let mut permissions = fs::metadata(path).map_err(write)?.permissions();
        permissions.set_readonly(true);
        fs::set_permissions(path, permissions).map_err(write)?;
        crash::instant("a blob without its name");
        fs::rename(path, &target).map_err(write)?;
        crash::instant("a blob without its record");
        sync_folder(&target)?;
        Ok((digest, size))
    }

    /// The blob's path after checking that its content is what its name says.
    pub fn verified(&self, digest: Digest) -> Result<PathBuf, EngineError> {
        let path = self.blob_path(digest);
        let (found, _) = Digest::of_file(&path)?;
        if found != digest {
            return Err(EngineError::Damaged { path });
        }
        Ok(path)
    }

    /// The record of a run key. A torn or foreign file is no record, not a failure: the stage then runs again.
    pub fn record(&self, run_key: Digest) -> Option<Record> {
        let bytes = fs::read(split(&self.records, run_key)).ok()?;
        let record: Record = serde_json::from_slice(&bytes).ok()?;
        (record.format == record::FORMAT && record.run_key == run_key).then_some(record)
    }

    /// Whether all bytes of the result are in the store.
    pub fn is_complete(&self, known: &Known) -> bool {
        known.blobs().all(|blob| self.has_blob(blob))
    }

    /// Where the record is, or would be.
    pub fn record_path(&self, run_key: Digest) -> PathBuf {
        split(&self.records, run_key)
    }

    /// The file whose lock is the right to make this result.
    pub fn lease_path(&self, name: &str) -> PathBuf {
        self.temporary.join(format!("{name}.lease"))
    }

    /// The file whose shared lock says that a process works on the study.
    pub fn presence_path(&self) -> PathBuf {
        self.temporary.with_file_name("in-use")
    }

    /// The folders in which records lie.
    pub fn record_folders(&self) -> Vec<PathBuf> {
        let inside = fs::read_dir(&self.records).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut folders: Vec<PathBuf> = inside.chain([self.records.clone()]).collect();
        folders.sort();
        folders
    }

    /// The first byte of the digests in a folder of records or blobs.
    pub fn first_byte(folder: &Path) -> Option<usize> {
        usize::from_str_radix(folder.file_name()?.to_str()?, 16).ok().filter(|byte| *byte < 256)
    }

    /// Every record that can be read.
    pub fn records(&self) -> Result<Vec<Record>, EngineError> {
        let mut records = Vec::new();
        for (run_key, _) in named_files(&self.records)? {
            records.extend(self.record(run_key));
        }
        Ok(records)
    }

    /// Every blob with what the system says of its file.
    pub fn blobs(&self) -> Result<Vec<(Digest, fs::Metadata)>, EngineError> {
        named_files(&self.blobs)
    }

    /// Takes a damaged blob out of the way, so that it counts as absent.
    pub fn discard(&self, digest: Digest) -> Result<(), EngineError> {
        let path = self.blob_path(digest);
        fs::remove_file(&path).map_err(|source| EngineError::Write { path, source })
    }

    /// Keeps a record. It is on disk before this returns: only then does its stage count as done.
    pub fn keep(&self, workspace: &Workspace, record: &Record) -> Result<(), EngineError> {
        let target = split(&self.records, record.run_key);
        let bytes = serde_json::to_vec_pretty(record)
            .map_err(|error| EngineError::BadRecord { path: target.clone(), cause: error.to_string() })?;
        self.replace(workspace, &target, &bytes)
    }

    /// Writes `bytes` to `target` so that readers see the old or the new content, never a mixture.
    fn replace(&self, workspace: &Workspace, target: &Path, bytes: &[u8]) -> Result<(), EngineError> {
        let write = |source| EngineError::Write { path: target.into(), source };
        create_folder(target.parent().unwrap_or(&self.records))?;
        let mut file = NamedTempFile::new_in(&workspace.folder).map_err(write)?;
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all(first).map_err(write)?;
        crash::instant("half a record");
        file.write_all(second).map_err(write)?;
        crash::instant("a record that is not flushed");
        file.as_file().sync_all().map_err(write)?;
        crash::instant("a record without its name");
        file.persist(target).map_err(|error| write(error.error))?;
        crash::instant("a record that the index does not know");
        sync_folder(target)
    }
}

impl Workspace {
    /// A private folder on the same file system as the store, removed when dropped.
    pub fn scratch(&self) -> Result<TempDir, EngineError> {
        TempDir::with_prefix_in("run-", &self.folder)
            .map_err(|source| EngineError::Write { path: self.folder.clone(), source })
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // The folder goes before its lock does.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn split(folder: &Path, digest: Digest) -> PathBuf {
    let hex = digest.hex();
    folder.join(&hex[..2]).join(&hex[2..])
}

/// The files below `folder` that are named by digests, in order.
fn named_files(folder: &Path) -> Result<Vec<(Digest, fs::Metadata)>, EngineError> {
    let read = |path: &Path, source| EngineError::Read { path: path.into(), source };
    let mut found = Vec::new();
    for first in fs::read_dir(folder).map_err(|source| read(folder, source))? {
        let first = first.map_err(|source| read(folder, source))?;
        for second in fs::read_dir(first.path()).into_iter().flatten().flatten() {
            let name = format!("{}{}", first.file_name().display(), second.file_name().display());
            if let (Some(digest), Ok(metadata)) = (Digest::from_hex(&name), second.metadata()) {
                found.push((digest, metadata));
            }
        }
    }
    found.sort_by_key(|(digest, _)| *digest);
    Ok(found)
}

pub(crate) fn create_folder(folder: &Path) -> Result<(), EngineError> {
    fs::create_dir_all(folder).map_err(|source| EngineError::Write { path: folder.into(), source })
}

/// Flushes the folder entry of `path`, so that a rename survives a power cut. Windows cannot open folders; there it is left to the system.
fn sync_folder(path: &Path) -> Result<(), EngineError> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        let write = |source| EngineError::Write { path: folder.into(), source };
        File::open(folder).and_then(|file| file.sync_all()).map_err(write)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_found_by_its_content_and_damage_is_noticed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path()).expect("a new store");
        let workspace = store.workspace().expect("a work folder");
        let scratch = workspace.scratch().expect("a scratch folder");
        let file = scratch.path().join("x");
        fs::write(&file, b"rows").expect("written");
        let (digest, size) = store.adopt(&file).expect("adopted");
        assert_eq!((size, digest), (4, Digest::of_bytes(b"rows")));
        assert!(store.verified(digest).is_ok());

        let blob = store.blob_path(digest);
        let mut permissions = fs::metadata(&blob).expect("there").permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "the test damages a blob on purpose")]
        permissions.set_readonly(false);
        fs::set_permissions(&blob, permissions).expect("changed");
        fs::write(&blob, b"rowz").expect("damaged");
        assert!(matches!(store.verified(digest), Err(EngineError::Damaged { .. })));
    }
}
