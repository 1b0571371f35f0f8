//! What is kept of a run, one JSON file per run key. The only source of `why`, `audit` and all exports.
//! The only owner of the clock. Knows no stage kind.

use crate::diagnostic::Severity;
use crate::digest::Digest;
use crate::kind::TableSchema;
use crate::manifest::Leaves;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Raised when the meaning of a record changes; older records are then not hits.
pub const FORMAT: u32 = 2;

/// What the decisions of a run need of a record; the rest stays in the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub run_key: Digest,
    pub tables: Vec<TableRecord>,
    pub files: Vec<FileRecord>,
    pub warnings: Vec<Warning>,
    /// How long it took.
    pub seconds: f64,
}

/// Everything known about one successful run of one instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub format: u32,
    pub run_key: Digest,
    pub definition_key: Digest,
    /// Instance name, as in `baseline@outcome=a,controls=full`.
    pub name: String,
    pub stage: String,
    pub kind: String,
    /// All that entered the run key, leaf by leaf.
    pub manifest: Leaves,
    /// Parameters used. Not in the key: what they changed is in the manifest.
    pub params: BTreeMap<String, String>,
    /// Of the texts it was read from, comments included. Not in the key either; `run --shadow` looks at it.
    #[serde(default)]
    pub code: Option<Digest>,
    /// Blobs of what was read, in full: the key holds only the columns read.
    pub inputs: Vec<InputRecord>,
    pub tables: Vec<TableRecord>,
    pub files: Vec<FileRecord>,
    pub warnings: Vec<Warning>,
    pub started: Timestamp,
    pub seconds: f64,
    pub environment: Environment,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRecord {
    pub name: String,
    pub digest: Digest,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    pub name: String,
    /// Of the values: independent of the file's bytes.
    pub digest: Digest,
    pub blob: Digest,
    pub bytes: u64,
    pub rows: u64,
    pub rows_digest: Digest,
    pub key: Vec<String>,
    pub columns: Vec<ColumnRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRecord {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub digest: Digest,
    pub nulls: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Path below `out/<stage>/`.
    pub path: String,
    pub blob: Digest,
    pub bytes: u64,
}

/// A finding that did not stop the stage; it travels to every exhibit below.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    pub stage: String,
    pub severity: Severity,
    pub message: String,
    /// Up to a few lines of evidence: rows, cells.
    pub details: Vec<String>,
}

/// What the result should not depend on; kept so that it can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub restudy: String,
    pub platform: String,
    pub threads: usize,
}

/// Seconds since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// A stopwatch on the monotonic clock.
#[derive(Debug)]
pub struct Stopwatch(Instant);

impl From<&Record> for Known {
    fn from(record: &Record) -> Known {
        Known {
            run_key: record.run_key,
            tables: record.tables.clone(),
            files: record.files.clone(),
            warnings: record.warnings.clone(),
            seconds: record.seconds,
        }
    }
}

impl Known {
    /// The blobs it names.
    pub fn blobs(&self) -> impl Iterator<Item = Digest> {
        self.tables.iter().map(|table| table.blob).chain(self.files.iter().map(|file| file.blob))
    }
}

impl TableRecord {
    /// What planning needs to know of it.
    pub fn schema(&self) -> TableSchema {
        let columns = self.columns.iter().map(|column| (column.name.clone(), column.kind.clone()));
        TableSchema { key: self.key.clone(), columns: columns.collect() }
    }

    pub fn column(&self, name: &str) -> Option<&ColumnRecord> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Timestamp {
    pub fn now() -> Timestamp {
        Timestamp(since_epoch().as_secs() as i64)
    }
}

impl Stopwatch {
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// Nanoseconds since 1970, for the stat cache's rule about files too fresh to trust.
pub fn now_nanoseconds() -> i64 {
    since_epoch().as_nanos() as i64
}

fn since_epoch() -> Duration {
    // A clock before 1970 is a broken clock, not a reason to fail: it only makes the stat cache distrust files.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
