//! The right to make one result. One process holds it at a time, and the system takes it back when its owner dies, so no
//! lock file is ever deleted by hand. Knows no stage.

use crate::error::EngineError;
use crate::stop::Halt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Held until dropped.
#[derive(Debug)]
pub struct Lease {
    path: PathBuf,
    _file: File,
}

/// Says that a process works on the study; many may hold it at once, but none beside a holder of `Lease::alone`.
#[derive(Debug)]
pub struct Presence {
    _file: File,
}

/// How often a waiting process looks again. The system could wake it, but then it could not be stopped.
const PAUSE: Duration = Duration::from_millis(20);

impl Lease {
    /// Takes the lease if it is free.
    pub fn at_once(path: &Path) -> Result<Option<Lease>, EngineError> {
        match attempt(path, "") {
            Ok(file) => Ok(file.map(|file| Lease { path: path.into(), _file: file })),
            Err(source) => Err(EngineError::Write { path: path.into(), source }),
        }
    }

    /// Waits until the lease is free. `waiting` is told once who holds it; `None` if the wait was stopped.
    pub fn take(
        path: &Path,
        owner: &str,
        halt: &Halt,
        mut waiting: impl FnMut(&str),
    ) -> Result<Option<Lease>, EngineError> {
        let mut told = false;
        loop {
            match attempt(path, owner) {
                Ok(Some(file)) => return Ok(Some(Lease { path: path.into(), _file: file })),
                Ok(None) => {}
                Err(source) => return Err(EngineError::Write { path: path.into(), source }),
            }
            if !told {
                waiting(&fs::read_to_string(path).unwrap_or_default());
                told = true;
            }
            if halt.cause().is_some() {
                return Ok(None);
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Presence {
    /// Waits while another process wants the study for itself.
    pub fn enter(path: &Path) -> Result<Presence, EngineError> {
        let write = |source| EngineError::Write { path: path.into(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(write)?;
        file.lock_shared().map_err(write)?;
        Ok(Presence { _file: file })
    }

    /// Waits until nobody is present, and lets nobody in.
    pub fn alone(path: &Path, halt: &Halt, mut waiting: impl FnMut()) -> Result<Option<Presence>, EngineError> {
        let write = |source| EngineError::Write { path: path.into(), source };
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(write)?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Presence { _file: file })),
                Err(TryLockError::Error(source)) => return Err(write(source)),
                Err(TryLockError::WouldBlock) if halt.cause().is_some() => return Ok(None),
                Err(TryLockError::WouldBlock) => {}
            }
            if !told {
                waiting();
                told = true;
            }
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Removed while it is still locked: whoever waits on the removed file sees that it lost its name, see `attempt`.
        let _ = fs::remove_file(&self.path);
    }
}

/// The locked file, or `None` while someone else has it.
fn attempt(path: &Path, owner: &str) -> io::Result<Option<File>> {
    let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Between opening and locking, the owner before may have removed the file: a lock on a file without a name
    // excludes nobody.
    if !is_same(&file, path) {
        return Ok(None);
    }
    file.set_len(0)?;
    file.write_all(owner.as_bytes())?;
    Ok(Some(file))
}

#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => identity(open) == identity(named),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed, so the one opened is the one that has the name.
#[cfg(not(unix))]
fn is_same(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn many_who_want_it_hold_it_one_after_the_other() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("x.lease");
        let stop = Stop::default();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let order = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for number in 0..8 {
                let (path, stop, inside, most, order) = (&path, &stop, &inside, &most, &order);
                scope.spawn(move || {
                    for _ in 0..20 {
                        let halt = Halt::new(stop, None);
                        let lease =
                            Lease::take(path, "a test", &halt, |_| {}).expect("locks work").expect("not stopped");
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        order.lock().expect("unpoisoned").push(number);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lease);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
        assert_eq!(order.into_inner().expect("unpoisoned").len(), 160);
        assert!(!path.exists());
    }

    /// Without a pause between attempts, a file is often removed between being opened and being locked by another.
    #[test]
    fn a_lock_on_a_file_that_lost_its_name_does_not_count() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("x.lease");
        let (inside, most, held) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                let (path, inside, most, held) = (&path, &inside, &most, &held);
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        let Some(lease) = Lease::at_once(path).expect("locks work") else { continue };
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        held.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(lease);
                    }
                });
            }
        });
        assert!(held.into_inner() > 0);
        assert_eq!(most.into_inner(), 1);
    }

    #[test]
    fn a_wait_is_told_of_and_can_be_stopped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("x.lease");
        let stop = Stop::default();
        let halt = Halt::new(&stop, None);
        let held = Lease::take(&path, "process 7", &halt, |_| {}).expect("locks work").expect("free");
        let mut seen = String::new();
        let second = Lease::take(&path, "process 8", &halt, |owner| {
            seen = owner.to_string();
            stop.ask();
        });
        assert!(second.expect("locks work").is_none());
        assert_eq!(seen, "process 7");
        drop(held);
    }
}
