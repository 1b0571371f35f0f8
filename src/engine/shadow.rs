//! Executes again what column keys skipped, and compares: a test of the read sets on the study itself.
//!
//! A result is shadowed when it was found under its run key although a table that it reads, or the text of its code, is
//! not byte for byte what it was made from. The key says that the difference does not matter; here the stage is run on
//! what there is today, and must give the same tables, documents and warnings. Nothing of it is kept.

use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::error::EngineError;
use crate::execute::{self, Made, Maker};
use crate::graph::TaskId;
use crate::kind::{OutputTable, Outputs, StageError};
use crate::record::{InputRecord, Known, Record, Stopwatch, TableRecord, Warning};
use crate::schedule::Event;
use crate::session::Keyed;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// Two versions of a table, for whoever can read them.
pub struct Pair<'a> {
    pub key: &'a [String],
    /// The columns that differ.
    pub columns: &'a [String],
    pub recorded: &'a Path,
    pub made: &'a Path,
}

/// Lines that show the first rows in which the two differ. The engine knows no format of tables.
pub type ShowRows = fn(&Pair) -> Vec<String>;

/// What was executed again, and how it came out; the field names are those of `run --shadow --json`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Shadow {
    pub executed: Vec<String>,
    pub differences: Vec<Difference>,
}

/// A result that is not what running its stage gives today.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub name: String,
    /// `column x of table t`, for people.
    pub what: String,
    pub table: Option<String>,
    pub columns: Vec<String>,
    /// The first differing rows, as text.
    pub rows: Vec<String>,
}

/// Shadows a task whose result was found; the others pass as they are.
pub fn shadow(maker: &Maker, id: TaskId, made: Made, show: ShowRows) -> Result<Made, EngineError> {
    let Made::Found(known) = made else { return Ok(made) };
    let keyed = maker.key(id)?;
    let record = maker.session.store.record(known.run_key);
    if record.is_some_and(|record| is_same(&record, &keyed, maker.session.pipeline.graph.tasks[id].code)) {
        return Ok(Made::Found(known));
    }
    if let Some(ended) = maker.restore_inputs(id)? {
        return Ok(ended);
    }
    let keyed = maker.key(id)?;
    if keyed.run_key != known.run_key {
        // An input that was made again came out different, which the run has warned of; there is nothing to compare with.
        return Ok(Made::Found(known));
    }
    compare(maker, id, known, &keyed, show)
}

/// Whether the result was made from exactly what there is today.
fn is_same(record: &Record, keyed: &Keyed, code: Digest) -> bool {
    let mut then = record.inputs.clone();
    let now = keyed.inputs.iter().map(|(name, digest)| InputRecord { name: name.clone(), digest: *digest });
    let mut now: Vec<InputRecord> = now.collect();
    then.sort_by(|a, b| a.name.cmp(&b.name));
    now.sort_by(|a, b| a.name.cmp(&b.name));
    then == now && record.code == Some(code)
}

/// Runs the stage on what there is today and takes down where it gives something else.
fn compare(maker: &Maker, id: TaskId, known: Arc<Known>, keyed: &Keyed, show: ShowRows) -> Result<Made, EngineError> {
    let task = &maker.session.pipeline.graph.tasks[id];
    maker.observer.event(&Event::Started { name: &task.name });
    let watch = Stopwatch::start();
    let scratch = maker.workspace.scratch()?;
    let mut result = maker.work(id, keyed, scratch.path())?;
    for _ in 0..task.limits.retries {
        if !matches!(result, Err(StageError::Wrong(_))) {
            break;
        }
        result = maker.work(id, keyed, scratch.path())?;
    }
    let comparison = Comparison { maker, name: &task.name, known: &known, show };
    let differences = match result {
        Ok(outputs) => comparison.differences(&outputs)?,
        Err(StageError::Wrong(diagnostics)) => vec![comparison.failure(&diagnostics)],
        Err(StageError::Cancelled) => return Ok(Made::Stopped),
    };
    let equal = differences.is_empty();
    maker.observer.event(&Event::Shadowed { name: &task.name, equal, seconds: watch.seconds() });
    let mut shadow = maker.shadow.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    shadow.executed.push(task.name.clone());
    shadow.differences.extend(differences);
    drop(shadow);
    Ok(Made::Found(known))
}

struct Comparison<'a> {
    maker: &'a Maker<'a>,
    name: &'a str,
    known: &'a Known,
    show: ShowRows,
}

impl Comparison<'_> {
    fn differences(&self, outputs: &Outputs) -> Result<Vec<Difference>, EngineError> {
        let mut differences = Vec::new();
        for made in &outputs.tables {
            match self.known.tables.iter().find(|table| table.name == made.name) {
                Some(recorded) => differences.extend(self.table(recorded, made)),
                None => differences.push(self.difference(format!("table `{}` is new", made.name))),
            }
        }
        let is_made = |name: &str| outputs.tables.iter().any(|table| table.name == name);
        for gone in self.known.tables.iter().filter(|table| !is_made(&table.name)) {
            differences.push(self.difference(format!("table `{}` is gone", gone.name)));
        }
        let mut made: Vec<(&str, Digest)> = Vec::new();
        for (path, written) in &outputs.files {
            made.push((path, Digest::of_file(written)?.0));
        }
        let recorded: Vec<(&str, Digest)> =
            self.known.files.iter().map(|file| (file.path.as_str(), file.blob)).collect();
        for (path, _) in made.iter().filter(|file| !recorded.contains(file)) {
            differences.push(self.difference(format!("document `{path}`")));
        }
        for (path, _) in recorded.iter().filter(|(path, _)| made.iter().all(|(other, _)| other != path)) {
            differences.push(self.difference(format!("document `{path}` is gone")));
        }
        // Not the rows shown with them: they are for people, and another version may show them in another way.
        let said = |warning: &Warning| (warning.stage.clone(), warning.message.clone());
        let of_stage = self.known.warnings.iter().filter(|warning| warning.message != execute::UNSTEADY);
        if !of_stage.map(said).eq(outputs.warnings.iter().map(said)) {
            differences.push(self.difference("its warnings".to_string()));
        }
        Ok(differences)
    }

    fn table(&self, recorded: &TableRecord, made: &OutputTable) -> Option<Difference> {
        if recorded.digest == made.digest {
            return None;
        }
        let then = |name: &str| recorded.column(name).map(|column| column.digest);
        let now = |name: &str| made.columns.iter().find(|column| column.name == name).map(|column| column.digest);
        let gone = recorded.columns.iter().map(|column| &column.name).filter(|name| now(name).is_none());
        let names = made.columns.iter().map(|column| &column.name).filter(|name| then(name) != now(name));
        let columns: Vec<String> = names.chain(gone).cloned().collect();
        let path = self.maker.session.store.blob_path(recorded.blob);
        let pair = Pair { key: &recorded.key, columns: &columns, recorded: &path, made: &made.path };
        let rows = if path.is_file() { (self.show)(&pair) } else { Vec::new() };
        let named: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
        let what = match named.as_slice() {
            [] => format!("the order of the columns of table `{}`", made.name),
            [one] => format!("column {one} of table `{}`", made.name),
            several => format!("columns {} of table `{}`", several.join(", "), made.name),
        };
        Some(Difference { table: Some(made.name.clone()), columns, rows, ..self.difference(what) })
    }

    fn failure(&self, diagnostics: &[Diagnostic]) -> Difference {
        let message = diagnostics.first().map_or("no message", |first| first.message.as_str());
        self.difference(format!("it fails now: {message}"))
    }

    fn difference(&self, what: String) -> Difference {
        Difference { name: self.name.to_string(), what, table: None, columns: Vec::new(), rows: Vec::new() }
    }
}
