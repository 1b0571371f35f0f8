//! `kind: ingest`: the files of a source into one table. One cached part per file: a new edition reads one file.
//! Makes `<stage>`, `<stage>.cells` (where each row stands) and `<stage>.issues` (what was not taken as it stood).
//! A file is read on one thread while its tables are written on others; only some of its rows are in memory at once.

mod keys;
mod pieces;

use crate::checks::{Checked, Checks};
use crate::convert::{self, ParquetColumns};
use crate::layout;
use engine::diagnostic::{Diagnostic, Severity};
use engine::kind::{
    Input, InputFile, InputTable, OutputTable, Outputs, Part, Resolved, RunContext, Schemas, Stage, StageError,
    StageKind, TableSchema,
};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use readers::Member;
use readers::chunk::Chunk;
use readers::error::ReadError;
use readers::extract::{Issue, IssueCode};
use readers::layout::{Layout, ValueKind};
use std::collections::BTreeMap;
use std::fs;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use tables::columns::ColumnType;
use tables::error::TableError;
use tables::info::TableInfo;
use tables::stream::{self, Piece, Plan};

pub struct Ingest;

pub(crate) struct IngestStage {
    name: String,
    options: Arc<Options>,
    /// Shown path and real path of each file.
    files: Vec<(String, PathBuf)>,
    checks: Checks,
}

/// One file of the source.
struct FilePart {
    name: String,
    options: Arc<Options>,
    inputs: Vec<Input>,
}

struct Options {
    layout: Layout,
    layout_file: String,
    key: Vec<String>,
}

/// How many offending rows a message shows.
const SHOWN: usize = 5;

impl StageKind for Ingest {
    fn name(&self) -> &'static str {
        "ingest"
    }

    fn version(&self) -> u32 {
        2
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let source = spec.source("from");
        let file = spec.file("layout");
        let key = spec.key();
        let checks = Checks::parse(spec);
        let mut file = file?;
        file.text = spec.substitute_file(&file);
        let layout = layout::parse(&file, spec.fields.problems())?;
        for column in key.iter().filter(|column| !layout.columns.iter().any(|rule| rule.name == **column)) {
            let node = spec.fields.node("key").unwrap_or(spec.fields.self_node());
            let names: Vec<&str> = layout.columns.iter().map(|rule| rule.name.as_str()).collect();
            spec.fields.problems().push(
                Diagnostic::error(format!("the key column `{column}` is not in the layout `{}`", file.shown))
                    .at(spec.fields.document().place(node.span))
                    .hint(format!("its columns: {}", names.join(", "))),
            );
        }
        let options = Arc::new(Options { layout, layout_file: file.shown, key });
        Some(Box::new(IngestStage { name: spec.name.to_string(), options, files: source?.files.clone(), checks }))
    }
}

impl IngestStage {
    pub(crate) fn key(&self) -> &[String] {
        &self.options.key
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.options.layout
    }

    /// Shown path and real path of each file.
    pub(crate) fn files(&self) -> &[(String, PathBuf)] {
        &self.files
    }
}

impl Stage for IngestStage {
    fn inputs(&self) -> &[Input] {
        &[]
    }

    fn outputs(&self) -> Vec<String> {
        names(&self.name)
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let IngestStage { name: _, options, files: _, checks } = self;
        // The files and how they are read are in the keys of the parts.
        manifest.list("key", &options.key);
        checks.describe(manifest);
    }

    fn resolve(&self, _schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let outputs = schemas(&self.name, &self.options);
        let problems = self.checks.resolve(&outputs[&self.name], &self.name, None);
        if problems.is_empty() { Ok(Resolved { outputs, ..Resolved::default() }) } else { Err(problems) }
    }

    fn parts(&self) -> Vec<Part> {
        self.files
            .iter()
            .map(|(shown, path)| Part {
                label: format!("file={}", file_name(shown)),
                stage: Box::new(FilePart {
                    name: self.name.clone(),
                    options: self.options.clone(),
                    inputs: vec![Input::File { shown: shown.clone(), path: path.clone() }],
                }),
            })
            .collect()
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let part_tables =
            |suffix: usize| -> Vec<&InputTable> { context.parts.iter().map(|part| &part.tables[suffix]).collect() };
        let mut outputs = Outputs::default();
        for (index, name) in names(&self.name).into_iter().enumerate() {
            let tables = part_tables(index);
            let path = context.scratch.join(format!("{index}.parquet"));
            let key = tables.first().map(|table| table.record.key.clone()).unwrap_or_default();
            let output = match tables.as_slice() {
                [only] => same(&name, only, path.clone())?,
                tables => {
                    let mut parts = Vec::new();
                    for table in tables {
                        parts.push(tables::write::Part { path: &table.path, prefix: Vec::new() });
                    }
                    let info = tables::write::concat(&parts, false, &key, &path);
                    let info = info.map_err(|error| match &error {
                        TableError::DuplicateKey { keys, .. } if index == 0 => {
                            keys::across_files(&self.name, &self.options.key, keys, &part_tables(1))
                        }
                        _ => Diagnostic::error(format!("the files of `{}` cannot be joined: {error}", self.name))
                            .hint(error.hint())
                            .into(),
                    })?;
                    convert::output(&name, path.clone(), info)?
                }
            };
            outputs.tables.push(output);
        }
        // Last, because findings name cells, which the second table knows.
        let [table, cells, ..] = outputs.tables.as_slice() else { return Ok(outputs) };
        let (others, key) = (BTreeMap::new(), &self.options.key);
        let checked = Checked { path: &table.path, key, cells: Some(&cells.path), others: &others };
        outputs.warnings = self.checks.run(&self.name, &checked)?;
        Ok(outputs)
    }
}

/// The table of the only part, which is the table of the whole.
fn same(name: &str, part: &InputTable, path: PathBuf) -> Result<OutputTable, StageError> {
    let linked = fs::hard_link(&part.path, &path).or_else(|_| fs::copy(&part.path, &path).map(|_| ()));
    linked.map_err(|error| Diagnostic::error(format!("`{name}` cannot be written: {error}")))?;
    let record = part.record.clone();
    Ok(OutputTable {
        name: name.to_string(),
        path,
        key: record.key,
        digest: record.digest,
        rows: record.rows,
        rows_digest: record.rows_digest,
        columns: record.columns,
    })
}

impl Stage for FilePart {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        names(&self.name)
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let FilePart { name: _, options, inputs: _ } = self;
        let Options { layout, layout_file: _, key } = options.as_ref();
        layout::describe(layout, manifest);
        manifest.list("key", key);
        manifest.int("readers", i64::from(readers::VERSION));
    }

    fn resolve(&self, _schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        Ok(Resolved { outputs: schemas(&self.name, &self.options), ..Resolved::default() })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let file =
            context.files.first().ok_or_else(|| Diagnostic::error(format!("`{}` was given no file", context.name)))?;
        let paths = [0, 1, 2].map(|index| context.scratch.join(format!("{index}.parquet")));
        let infos = self.options.ingest(&self.name, file, context, &paths)?;
        let mut outputs = Outputs { warnings: infos.warnings, ..Outputs::default() };
        for ((name, path), info) in names(&self.name).iter().zip(paths).zip(infos.tables) {
            outputs.tables.push(convert::output(name, path, info)?);
        }
        Ok(outputs)
    }
}

/// What came of a file.
struct Ingested {
    tables: Vec<TableInfo>,
    warnings: Vec<Warning>,
}

/// Why a table was not written.
enum Fault {
    Table(TableError),
    Cancelled,
}

impl From<TableError> for Fault {
    fn from(error: TableError) -> Fault {
        Fault::Table(error)
    }
}

/// Chunks of rows that may wait to be written, beside the one that is being read.
const WAITING: usize = 2;

impl Options {
    /// Reads the file and writes its three tables.
    fn ingest(
        &self,
        stage: &str,
        file: &InputFile,
        context: &RunContext,
        paths: &[PathBuf; 3],
    ) -> Result<Ingested, StageError> {
        let (sender, chunks) = sync_channel::<Chunk>(WAITING);
        let (issue_sender, issue_pieces) = sync_channel(WAITING);
        let mut lost = Lost::default();
        let (read, rows, issues) = thread::scope(|scope| {
            let next = || {
                loop {
                    if context.halt.cause().is_some() {
                        return Err(Fault::Cancelled);
                    }
                    let Ok(mut chunk) = chunks.recv() else { return Ok(None) };
                    let (issues, skipped) = (std::mem::take(&mut chunk.issues), std::mem::take(&mut chunk.skipped));
                    if !issues.is_empty() || !skipped.is_empty() {
                        lost.take(&chunk.file, &issues);
                        // Whoever takes them is gone only after an error, which is told below.
                        let _ = issue_sender.send(pieces::issues(&chunk.file, &issues, &skipped));
                    }
                    if !chunk.origins.is_empty() {
                        return Ok(Some(pieces::rows(chunk)));
                    }
                }
            };
            let reading = scope.spawn(|| {
                let scratch = context.scratch;
                readers::read_in_chunks(&file.path, &file.shown, &self.layout, scratch, &ParquetColumns, sender)
            });
            let issues = scope.spawn(|| write_issues(&paths[2], issue_pieces, context.memory));
            let rows = self.write_rows([&paths[0], &paths[1]], context.memory, next);
            // Nobody takes any more: where nothing can be written the reading ends too.
            drop(chunks);
            let read = reading.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked));
            for Member { shown, extract } in read.iter().flatten() {
                lost.take(shown, &extract.issues);
                let _ = issue_sender.send(pieces::issues(shown, &extract.issues, &[]));
            }
            drop(issue_sender);
            (read, rows, issues.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
        });
        let unwritten = |error: TableError| -> StageError {
            Diagnostic::error(format!("`{}`: {error}", file.shown)).hint(error.hint()).into()
        };
        let rows = match rows {
            Err(Fault::Cancelled) => return Err(StageError::Cancelled),
            // What is wrong with the file comes first, unless it was left unread because nothing could be written.
            Err(Fault::Table(error)) if !is_of_key(&error) => return Err(unwritten(error)),
            rows => rows,
        };
        read.map_err(|error| unreadable(&error, &self.layout_file))?;
        let mut tables = rows.map_err(|fault| match fault {
            Fault::Cancelled => StageError::Cancelled,
            Fault::Table(error) => keys::in_file(file, self, context.scratch, &error),
        })?;
        tables.push(issues.map_err(unwritten)?);
        Ok(Ingested { tables, warnings: lost.warnings(stage) })
    }

    fn write_rows(
        &self,
        paths: [&Path; 2],
        memory: Option<u64>,
        next: impl FnMut() -> Result<Option<Piece>, Fault>,
    ) -> Result<Vec<TableInfo>, Fault> {
        let rules = &self.layout.columns;
        let mut columns: Vec<(String, ColumnType)> =
            rules.iter().map(|rule| (rule.name.clone(), column_type(rule.kind))).collect();
        columns.extend(PLACE.map(|(name, kind)| (name.to_string(), kind)));
        let key = (0..rules.len()).filter(|&place| self.key.contains(&rules[place].name));
        let tables =
            [(paths[0], (0..rules.len()).collect()), (paths[1], key.chain(rules.len()..columns.len()).collect())];
        stream::write(&Plan { columns: &columns, key: &self.key, tables: &tables, memory }, next)
    }
}

/// What a reader says of a file. `layout_file` is what the message calls the layout.
pub fn unreadable(error: &ReadError, layout_file: &str) -> Diagnostic {
    Diagnostic::error(error.to_string())
        .located(error.place())
        .note(format!("read with the layout `{layout_file}`"))
        .hint(error.hint())
}

fn write_issues(path: &Path, pieces: Receiver<Piece>, memory: Option<u64>) -> Result<TableInfo, TableError> {
    let columns = ISSUE_COLUMNS.map(|name| (name.to_string(), ColumnType::Text));
    let key = ISSUE_KEY.map(str::to_string);
    let tables = [(path, (0..columns.len()).collect())];
    let plan = Plan { columns: &columns, key: &key, tables: &tables, memory };
    let infos = stream::write(&plan, || Ok::<_, TableError>(pieces.recv().ok()))?;
    Ok(infos.into_iter().next().expect("one table was asked for"))
}

fn is_of_key(error: &TableError) -> bool {
    matches!(error, TableError::DuplicateKey { .. } | TableError::NullKey { .. })
}

/// Where a row stands.
const PLACE: [(&str, ColumnType); 4] = [
    ("_file", ColumnType::Text),
    ("_sheet", ColumnType::Text),
    ("_row", ColumnType::Int),
    ("_columns", ColumnType::Text),
];

const ISSUE_COLUMNS: [&str; 6] = ["file", "sheet", "cell", "column", "code", "text"];
const ISSUE_KEY: [&str; 5] = ["file", "sheet", "cell", "column", "code"];

fn names(stage: &str) -> Vec<String> {
    vec![stage.to_string(), format!("{stage}.cells"), format!("{stage}.issues")]
}

fn schemas(stage: &str, options: &Options) -> Schemas {
    let text = |name: &str| (name.to_string(), "text".to_string());
    let columns: Vec<(String, String)> =
        options.layout.columns.iter().map(|rule| (rule.name.clone(), column_type(rule.kind).to_string())).collect();
    let mut cells: Vec<(String, String)> =
        columns.iter().filter(|(name, _)| options.key.contains(name)).cloned().collect();
    cells.extend(PLACE.map(|(name, kind)| (name.to_string(), kind.to_string())));
    let issues = ISSUE_COLUMNS.map(text).to_vec();
    let issue_key = ISSUE_KEY.map(str::to_string).to_vec();
    let [table_name, cells_name, issues_name] = names(stage).try_into().expect("ingest makes three tables");
    Schemas::from([
        (table_name, TableSchema { key: options.key.clone(), columns }),
        (cells_name, TableSchema { key: options.key.clone(), columns: cells }),
        (issues_name, TableSchema { key: issue_key, columns: issues }),
    ])
}

fn column_type(kind: ValueKind) -> ColumnType {
    match kind {
        ValueKind::Text => ColumnType::Text,
        ValueKind::Int => ColumnType::Int,
        ValueKind::Float => ColumnType::Float,
        ValueKind::Bool => ColumnType::Bool,
        ValueKind::Date => ColumnType::Date,
    }
}

/// What makes a cell count as missing although something stands in it.
pub(crate) const LOST_CELLS: &[IssueCode] =
    &[IssueCode::ErrorCell, IssueCode::FormulaWithoutResult, IssueCode::TaggedMissing];

/// What is worth a warning: values that were lost rather than repaired. The rest is in `.issues`.
const LOST: &[(IssueCode, &str)] = &[
    (IssueCode::ErrorCell, "cells with spreadsheet errors count as missing"),
    (IssueCode::FormulaWithoutResult, "cells with formulas without results count as missing"),
    (IssueCode::EmptyColumn, "required columns without any value"),
    (IssueCode::RowsWithoutValues, "sheets where many rows have a name and no value were read without those rows"),
    (IssueCode::EncodingGuessed, "encodings are uncertain; say the right one with `encoding:`"),
    (IssueCode::OtherFormat, "file is not what it is called"),
];

/// What was lost: by file, of each code in `LOST` the number of cells, and the first of them in words.
#[derive(Default)]
struct Lost(BTreeMap<String, [(usize, Vec<String>); LOST.len()]>);

impl Lost {
    fn take(&mut self, shown: &str, issues: &[Issue]) {
        for issue in issues {
            let Some(place) = LOST.iter().position(|(code, _)| *code == issue.code) else { continue };
            let (count, lines) = &mut self.0.entry(shown.to_string()).or_default()[place];
            *count += 1;
            if *count <= SHOWN {
                let line = match issue.cell.is_empty() {
                    true => issue.text.clone(),
                    false => format!("{} {}: {} (column `{}`)", issue.sheet, issue.cell, issue.text, issue.column),
                };
                lines.push(line.trim_start().to_string());
            }
        }
    }

    fn warnings(self, stage: &str) -> Vec<Warning> {
        let of_file = |(shown, found): (String, [(usize, Vec<String>); LOST.len()])| {
            let found = LOST.iter().zip(found).filter(|(_, (count, _))| *count > 0);
            let warning = |((_, what), (count, details)): (&(IssueCode, &str), (usize, Vec<String>))| Warning {
                stage: stage.to_string(),
                severity: Severity::Warning,
                message: format!("`{shown}`: {count} {what}"),
                details,
            };
            found.map(warning).collect::<Vec<_>>()
        };
        self.0.into_iter().flat_map(of_file).collect()
    }
}

fn file_name(shown: &str) -> &str {
    shown.rsplit('/').next().unwrap_or(shown)
}
