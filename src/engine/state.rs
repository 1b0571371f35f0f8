//! `state.db`: what was seen of files, the current record of each instance, failures and the history of runs.
//! An index that can be deleted at any time. The only owner of SQLite.

use crate::digest::Digest;
use crate::error::EngineError;
use crate::kind::Resolved;
use crate::record::{self, Known, Timestamp};
use crate::snapshot::Seen;
use crate::stamp::Stamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

/// Raised when a table changes; an older file is then thrown away and built again.
const SCHEMA: i64 = 4;

/// Fewer rows than this are looked up one by one.
const FEW: usize = 1000;
/// Tries at opening the database, 20 ms apart.
const TRIES: usize = 500;
/// Beyond this, what was resolved is forgotten and worked out anew.
const MOST_RESOLVED: i64 = 200_000;

const TABLES: &str = "
    create table if not exists files (
        path text primary key, identity text not null, digest text not null, hashed_at integer not null) without rowid;
    create table if not exists current (
        name text primary key, run_key blob not null, definition_key blob not null, record text not null,
        seconds real not null, known blob not null) without rowid;
    create table if not exists tables (digest blob primary key, blob blob not null) without rowid;
    create table if not exists resolved (key blob primary key, body blob not null) without rowid;
    create table if not exists failures (
        name text primary key, definition_key text not null, message text not null) without rowid;
    create table if not exists runs (
        id integer primary key, started integer not null, seconds real not null, summary text not null);
";

/// The open database. Calls from several threads wait for each other; each is short.
pub struct State {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Files whose digests were given out by this process.
    asked: Mutex<BTreeMap<PathBuf, Seen>>,
}

/// The last record of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    pub run_key: Digest,
    pub definition_key: Digest,
}

impl State {
    /// Opens `state.db` in the folder; a damaged or older one is replaced by an empty one.
    pub fn open(folder: &Path) -> Result<State, EngineError> {
        let path = folder.join("state.db");
        let connection = match patiently(|| connect(&path)) {
            Ok(connection) => connection,
            Err(error) if is_damage(&error) => {
                tracing::warn!("state.db cannot be used and is built again: {error}");
                remove(&path);
                connect(&path).map_err(|source| EngineError::State { path: path.clone(), source })?
            }
            // Whoever may only look at a study can still ask what it says; a run then fails where it must write.
            Err(error) if is_unwritable(&error) => {
                tracing::info!("state.db cannot be written and is kept in memory: {error}");
                in_memory().map_err(|source| EngineError::State { path: path.clone(), source })?
            }
            Err(source) => return Err(EngineError::State { path, source }),
        };
        Ok(State { path, connection: Mutex::new(connection), asked: Mutex::default() })
    }

    /// Digest of a file's content, from the cache when the file is certainly the one seen before.
    pub fn digest_of_file(&self, path: &Path) -> Result<Digest, EngineError> {
        let metadata = fs::metadata(path).map_err(|source| EngineError::Read { path: path.into(), source })?;
        let name = path.to_string_lossy();
        let stamp = Stamp::of(&metadata);
        let seen = self.with(|connection| {
            connection
                .prepare_cached("select identity, digest, hashed_at from files where path = ?1")?
                .query_row(params![name], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
                })
                .optional()
        })?;
        if let Some((identity, digest, hashed_at)) = seen
            && identity == stamp.text()
            && stamp.is_settled(hashed_at)
            && let Some(digest) = Digest::from_hex(&digest)
        {
            self.gave(path, stamp, digest, hashed_at);
            return Ok(digest);
        }
        let hashed_at = record::now_nanoseconds();
        let (digest, _) = Digest::of_file(path)?;
        self.with(|connection| {
            connection.prepare_cached("insert or replace into files values (?1, ?2, ?3, ?4)")?.execute(params![
                name,
                stamp.text(),
                digest.hex(),
                hashed_at
            ])
        })?;
        self.gave(path, stamp, digest, hashed_at);
        Ok(digest)
    }

    fn gave(&self, path: &Path, stamp: Stamp, digest: Digest, hashed_at: i64) {
        let mut asked = self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // The first answer counts: it is the one that entered a key.
        asked.entry(path.into()).or_insert_with(|| Seen { path: path.into(), stamp, digest, hashed_at });
    }

    /// The file was replaced by this process: what was seen of it before no longer counts.
    pub fn look_again(&self, path: &Path) -> Result<(), EngineError> {
        self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(path);
        self.digest_of_file(path).map(|_| ())
    }

    /// Every file this process asked for, as it was when its digest was taken.
    pub fn seen(&self) -> Vec<Seen> {
        let asked = self.asked.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        asked.values().cloned().collect()
    }

    pub fn current(&self, name: &str) -> Result<Option<Current>, EngineError> {
        let row = self.with(|connection| {
            connection
                .prepare_cached("select run_key, definition_key from current where name = ?1")?
                .query_row(params![name], |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, [u8; 32]>(1)?)))
                .optional()
        })?;
        Ok(row.map(|(run, definition)| Current { run_key: run.into(), definition_key: definition.into() }))
    }

    /// The result of an instance, if it is the one under this key and its record in the store is as it was written.
    pub fn known(&self, name: &str, run_key: Digest, record: &Path) -> Result<Option<Known>, EngineError> {
        let row = self.with(|connection| {
            connection
                .prepare_cached("select record, known from current where name = ?1 and run_key = ?2")?
                .query_row(params![name, run_key.bytes()], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
                })
                .optional()
        })?;
        Ok(row.and_then(|(identity, known)| {
            let stamp = Stamp::of(&fs::metadata(record).ok()?);
            (stamp.text() == identity).then(|| unsealed(&known)).flatten()
        }))
    }

    /// Instances that are in the index and not in `known`, with their results; they are taken out of it.
    pub fn take_unknown(&self, known: &BTreeSet<&str>) -> Result<Vec<(String, Known)>, EngineError> {
        let rows = self.with(|connection| {
            let mut statement = connection.prepare_cached("select name from current")?;
            let names =
                statement.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut taken = Vec::new();
            for name in names.into_iter().filter(|name| !known.contains(name.as_str())) {
                let row = connection
                    .prepare_cached("delete from current where name = ?1 returning known")?
                    .query_row(params![name], |row| row.get::<_, Vec<u8>>(0))
                    .optional()?;
                taken.push((name, row));
            }
            Ok(taken)
        })?;
        Ok(rows.into_iter().filter_map(|(name, known)| Some((name, unsealed(&known?)?))).collect())
    }

    /// How long each of these instances took when it last ran.
    pub fn seconds(&self, names: &[&str]) -> Result<BTreeMap<String, f64>, EngineError> {
        self.with(|connection| {
            // Of few, each is looked up: the rows are long, and reading past all of them takes a while in a large study.
            if names.len() < FEW {
                let mut statement = connection.prepare_cached("select seconds from current where name = ?1")?;
                let mut found = BTreeMap::new();
                for name in names {
                    let seconds = statement.query_row(params![name], |row| row.get::<_, f64>(0)).optional()?;
                    found.extend(seconds.map(|seconds| (name.to_string(), seconds)));
                }
                return Ok(found);
            }
            let mut statement = connection.prepare_cached("select name, seconds from current")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?)))?;
            rows.collect()
        })
    }

    /// The instance now has this record; an earlier failure is forgotten.
    pub fn set_current(
        &self,
        name: &str,
        definition_key: Digest,
        known: &Known,
        record: &Path,
    ) -> Result<(), EngineError> {
        let metadata = fs::metadata(record).map_err(|source| EngineError::Read { path: record.into(), source })?;
        let bytes = sealed(known).unwrap_or_default();
        self.with(|connection| {
            connection.prepare_cached("insert or replace into current values (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(
                params![
                    name,
                    known.run_key.bytes(),
                    definition_key.bytes(),
                    Stamp::of(&metadata).text(),
                    known.seconds,
                    bytes
                ],
            )?;
            let mut tables = connection.prepare_cached("insert or replace into tables values (?1, ?2)")?;
            for table in &known.tables {
                tables.execute(params![table.digest.bytes(), table.blob.bytes()])?;
            }
            connection.prepare_cached("delete from failures where name = ?1")?.execute(params![name])
        })?;
        Ok(())
    }

    /// What was worked out before under this key.
    pub fn resolved(&self, key: Digest) -> Result<Option<Resolved>, EngineError> {
        let row = self.with(|connection| {
            connection
                .prepare_cached("select body from resolved where key = ?1")?
                .query_row(params![key.bytes()], |row| row.get::<_, Vec<u8>>(0))
                .optional()
        })?;
        Ok(row.and_then(|body| unsealed(&body)))
    }

    /// Remembers what was worked out. Those of other programs are dropped once there are many.
    pub fn add_resolved(&self, fresh: &[(Digest, Resolved)]) -> Result<(), EngineError> {
        if fresh.is_empty() {
            return Ok(());
        }
        self.with(|connection| {
            // Immediate: a transaction that reads first and writes later may find that it cannot, without having waited.
            let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
            let count: i64 = transaction.query_row("select count(*) from resolved", [], |row| row.get(0))?;
            if count > MOST_RESOLVED {
                transaction.execute("delete from resolved", [])?;
            }
            {
                let mut insert = transaction.prepare_cached("insert or replace into resolved values (?1, ?2)")?;
                for (key, resolved) in fresh {
                    insert.execute(params![key.bytes(), sealed(resolved).unwrap_or_default()])?;
                }
            }
            transaction.commit()
        })
    }

    /// The blob that held the table with these values.
    pub fn blob_of_table(&self, digest: Digest) -> Result<Option<Digest>, EngineError> {
        let row = self.with(|connection| {
            connection
                .prepare_cached("select blob from tables where digest = ?1")?
                .query_row(params![digest.bytes()], |row| row.get::<_, [u8; 32]>(0))
                .optional()
        })?;
        Ok(row.map(Digest::from))
    }

    pub fn set_failed(&self, name: &str, definition_key: Digest, message: &str) -> Result<(), EngineError> {
        self.with(|connection| {
            connection.prepare_cached("insert or replace into failures values (?1, ?2, ?3)")?.execute(params![
                name,
                definition_key.hex(),
                message
            ])
        })?;
        Ok(())
    }

    /// The message of the last failure, if it has not succeeded since.
    pub fn failure(&self, name: &str) -> Result<Option<String>, EngineError> {
        self.with(|connection| {
            connection
                .prepare_cached("select message from failures where name = ?1")?
                .query_row(params![name], |row| row.get(0))
                .optional()
        })
    }

    pub fn add_run(&self, started: Timestamp, seconds: f64, summary: &str) -> Result<(), EngineError> {
        self.with(|connection| {
            connection.execute(
                "insert into runs (started, seconds, summary) values (?1, ?2, ?3)",
                params![started.0, seconds, summary],
            )
        })?;
        Ok(())
    }

    /// Works on the database; if it turns out damaged, it is built again and the work is done on the new one.
    fn with<T>(&self, work: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, EngineError> {
        // A thread that panicked in here left no half-done change: SQLite rolls an open statement back.
        let mut connection = self.connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let failed = |source| EngineError::State { path: self.path.clone(), source };
        match work(&connection) {
            Err(error) if is_damage(&error) => {
                tracing::warn!("state.db cannot be used and is built again: {error}");
                *connection = Connection::open_in_memory().map_err(failed)?;
                remove(&self.path);
                *connection = patiently(|| connect(&self.path)).map_err(failed)?;
                work(&connection).map_err(failed)
            }
            result => result.map_err(failed),
        }
    }
}

/// Tries again while another process has the database: SQLite does not wait when it changes how a new file is kept.
fn patiently(connect: impl Fn() -> rusqlite::Result<Connection>) -> rusqlite::Result<Connection> {
    for _ in 0..TRIES {
        match connect() {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                thread::sleep(Duration::from_millis(20));
            }
            result => return result,
        }
    }
    connect()
}

/// When the file's content last changed, in nanoseconds since 1970.
pub(crate) fn modified_nanoseconds(metadata: &fs::Metadata) -> i64 {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    modified.map_or(0, |age| age.as_nanos() as i64)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(30))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // The database is only an index: losing its last moments costs some hashing, never a result.
    connection.pragma_update(None, "synchronous", "off")?;
    // One transaction, so that of two processes that begin at once only one makes the tables.
    let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != SCHEMA {
        transaction.execute_batch(
            "drop table if exists files; drop table if exists current; drop table if exists tables;
            drop table if exists resolved; drop table if exists failures; drop table if exists runs;",
        )?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "user_version", SCHEMA)?;
    }
    transaction.commit()?;
    Ok(connection)
}

fn in_memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLES)?;
    Ok(connection)
}

fn is_unwritable(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen))
}

/// Everything that a sound database of ours cannot answer; what the disk or another process does is not meant.
fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        None => true,
        Some(code) => !matches!(
            code,
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::FileLockingProtocolFailed
        ),
    }
}

fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_os_string();
        name.push(suffix);
        let _ = fs::remove_file(name);
    }
}

/// A value with a checksum in front: a damaged page of the database can look like a sound one.
fn sealed(value: &impl Serialize) -> Option<Vec<u8>> {
    let body = postcard::to_stdvec(value).ok()?;
    let mut bytes = Digest::of_bytes(&body).bytes()[..8].to_vec();
    bytes.extend(body);
    Some(bytes)
}

fn unsealed<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (seal, body) = bytes.split_at_checked(8)?;
    (Digest::of_bytes(body).bytes()[..8] == *seal).then(|| postcard::from_bytes(body).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_noticed_even_within_one_tick_of_the_clock() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state = State::open(folder.path()).expect("a new database");
        let file = folder.path().join("data.csv");
        for content in ["1", "2", "3", "4"] {
            fs::write(&file, content).expect("written");
            let digest = state.digest_of_file(&file).expect("hashed");
            assert_eq!(digest, Digest::of_bytes(content.as_bytes()));
        }
    }

    #[test]
    fn a_damaged_database_is_built_again() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("state.db"), vec![7; 4096]).expect("written");
        let state = State::open(folder.path()).expect("replaced");
        assert_eq!(state.current("panel").expect("usable"), None);
    }
}
