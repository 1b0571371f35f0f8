//! The doors of the engine: what a kind of stage must offer, and what it is given.
//! Knows no kind by name, no table format and no statistics.

use crate::diagnostic::{Diagnostic, Place};
use crate::digest::Digest;
use crate::graph::Graph;
use crate::manifest::Manifest;
use crate::record::{ColumnRecord, TableRecord, Warning};
use crate::spec::Spec;
use crate::stop::Halt;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A value of `kind:` in pipeline.yaml. Implemented once per file of `src/kinds/`.
pub trait StageKind: Sync {
    fn name(&self) -> &'static str;
    /// Raised when results change; enters the manifest.
    fn version(&self) -> u32;
    /// Checks everything that can be checked without data. Mistakes go to `spec.fields.problems()`;
    /// `None` when there is no stage to work with.
    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>>;
}

/// One step of the study, checked, ready to be keyed and run.
/// `Any`, so that whoever knows a kind can ask its stages what the engine does not need to know.
pub trait Stage: Any + Send + Sync {
    /// Edges of the graph and files read. Order is the author's.
    fn inputs(&self) -> &[Input];
    /// Full names of the tables it makes: the stage's, or `stage.suffix`.
    fn outputs(&self) -> Vec<String>;
    /// All that may change the result, nothing else.
    fn describe(&self, manifest: &mut dyn Manifest);
    /// The text of its code, where many texts do the same. `describe` leaves it out: what the code does is only known with
    /// the columns of its inputs, and `resolve` says it in `Resolved::plan`.
    fn code(&self) -> &str {
        ""
    }
    /// From the columns of the input tables: what is read of them, and the columns that come out.
    /// Called before anything runs, so a misspelt column is found here.
    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>>;
    /// Looks at the whole study, once all of it is resolved: what it finds wrong there, or what it found, in lines, which is then
    /// its `Resolved::plan`. Not asked where only a part of the study is read: a stage that judges reads no table, so it
    /// is not in that part.
    fn judge(&self, _study: &Graph) -> Result<Option<String>, Vec<Diagnostic>> {
        Ok(None)
    }
    /// Does the work; writes only below `context.scratch`.
    fn run(&self, context: &RunContext) -> Result<Outputs, StageError>;
    /// Pieces that are cached one by one and run in parallel, before `run` joins them. None: the stage is one piece.
    fn parts(&self) -> Vec<Part> {
        Vec::new()
    }
    /// Whether the warnings of everything above it are shown in its result.
    fn reads_warnings(&self) -> bool {
        false
    }
}

/// The kinds the engine is given, and how instances of a matrix become one table.
#[derive(Clone, Copy)]
pub struct Kinds {
    pub all: &'static [&'static dyn StageKind],
    pub matrix: &'static dyn Matrix,
    /// Names and versions of what all kinds rest on, such as how a table is digested. They are in every definition, so that
    /// results of two versions never meet: those of the other one are not found, and are made again.
    pub versions: &'static [(&'static str, u32)],
}

/// Makes the stage that joins the instances of a matrix stage.
pub trait Matrix: Sync {
    /// `points` are in the order of the matrix; `outputs` is what each instance makes.
    fn join(&self, points: Vec<Vec<(String, String)>>, outputs: Vec<String>) -> Box<dyn Stage>;
}

/// Something a stage reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A table by its full name, such as `panel` or `baseline.coefficients`; where the name stands.
    Table { name: String, place: Option<Place> },
    /// A data file: the path the study knows it by, and where it really is.
    File { shown: String, path: PathBuf },
}

/// A piece of a stage: `file=Data_2012.xlsx`, or a point of a matrix.
pub struct Part {
    pub label: String,
    pub stage: Box<dyn Stage>,
}

/// The tables known so far, by name.
pub type Schemas = BTreeMap<String, TableSchema>;

/// Key, and names and types of the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    pub key: Vec<String>,
    pub columns: Vec<(String, String)>,
}

/// What a stage reads and makes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// Per input table; a table that is not listed is read whole.
    pub reads: BTreeMap<String, ReadSet>,
    /// Columns of each output table.
    pub outputs: Schemas,
    /// What the stage's code does, in lines; part of what the stage is.
    pub plan: Option<String>,
    /// What the columns of its tables are made of, where the kind can say it. Not part of what the stage is: it follows
    /// from the rest.
    pub lineage: BTreeMap<String, Lineage>,
}

/// Of each column of a table, what it is made of.
pub type Lineage = BTreeMap<String, Vec<Origin>>;

/// A column that another column is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub table: String,
    /// `None`: rows of the table are counted.
    pub column: Option<String>,
    /// It only divides, or decides between values.
    pub scale: bool,
    /// By a column's name the greatest value it has in the rows that are taken.
    pub until: BTreeMap<String, i64>,
}

/// The columns of a table that a stage really reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReadSet {
    Whole,
    /// Sorted names; may be empty: `count(*)` reads rows, but no column.
    Columns(Vec<String>),
}

/// What a running stage is given.
pub struct RunContext<'a> {
    /// Full name of the instance.
    pub name: &'a str,
    /// A private folder, removed afterwards.
    pub scratch: &'a Path,
    pub tables: BTreeMap<String, InputTable>,
    pub files: Vec<InputFile>,
    /// Outputs of the pieces, in order.
    pub parts: Vec<InputPart>,
    /// Warnings of each input table and of everything above it, only when the stage reads warnings.
    pub warnings: BTreeMap<String, Vec<Warning>>,
    /// Pieces into which the stage may split its data; what comes out must not depend on it.
    pub partitions: Option<usize>,
    /// Bytes that `limits: {memory: …}` allows the stage; a kind that can keeps to it, and goes to disk instead.
    pub memory: Option<u64>,
    /// Whether the stage must stop; long work asks now and then and gives `StageError::Cancelled`.
    pub halt: &'a Halt<'a>,
}

/// What a document says about the study it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StudyFacts {
    pub name: String,
    /// Language code to title.
    pub title: BTreeMap<String, String>,
    pub seed: i64,
    pub params: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub struct InputTable {
    pub path: PathBuf,
    pub record: TableRecord,
}

#[derive(Clone, Debug)]
pub struct InputFile {
    pub shown: String,
    pub path: PathBuf,
    pub digest: Digest,
}

#[derive(Clone, Debug)]
pub struct InputPart {
    pub label: String,
    pub tables: Vec<InputTable>,
}

/// What a stage made.
#[derive(Debug, Default)]
pub struct Outputs {
    pub tables: Vec<OutputTable>,
    /// Files to publish: path below `out/<stage>/`, and where it was written.
    pub files: Vec<(String, PathBuf)>,
    pub warnings: Vec<Warning>,
}

/// A table written below `scratch`, digested by whoever wrote it.
#[derive(Debug)]
pub struct OutputTable {
    pub name: String,
    pub path: PathBuf,
    pub key: Vec<String>,
    /// Of the values of the whole table.
    pub digest: Digest,
    pub rows: u64,
    pub rows_digest: Digest,
    pub columns: Vec<ColumnRecord>,
}

/// Why a stage has no result.
#[derive(Debug)]
pub enum StageError {
    /// The study or its data are wrong: shown to the user as it is.
    Wrong(Vec<Diagnostic>),
    /// The stage was asked to stop.
    Cancelled,
}

impl From<Diagnostic> for StageError {
    fn from(diagnostic: Diagnostic) -> StageError {
        StageError::Wrong(vec![diagnostic])
    }
}

impl TableSchema {
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }
}

impl RunContext<'_> {
    /// The input table `name`; the engine hands over every table that `inputs()` names.
    pub fn table(&self, name: &str) -> Result<&InputTable, StageError> {
        self.tables
            .get(name)
            .ok_or_else(|| Diagnostic::error(format!("stage `{}` was not given its input `{name}`", self.name)).into())
    }
}
