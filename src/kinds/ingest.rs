//! `kind: ingest`: the files of a source into one table. One cached part per file: a new edition reads one file.
//! Makes `<stage>`, `<stage>.cells` (where each row stands) and `<stage>.issues` (what was not taken as it stood).

use crate::checks::{Checked, Checks};
use crate::{convert, layout};
use engine::diagnostic::{Diagnostic, Severity};
use engine::kind::{
    Input, InputTable, Outputs, Part, Resolved, RunContext, Schemas, Stage, StageError, StageKind, TableSchema,
};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use readers::Member;
use readers::extract::{Extract, IssueCode};
use readers::layout::{Layout, ValueKind};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tables::columns::{Column, Table, Values};

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
        duplicates_across(&self.name, &self.options.key, &part_tables(1))?;
        let mut outputs = Outputs::default();
        for (index, name) in names(&self.name).into_iter().enumerate() {
            let tables = part_tables(index);
            let parts: Vec<tables::write::Part> =
                tables.iter().map(|table| tables::write::Part { path: &table.path, prefix: Vec::new() }).collect();
            let key = tables.first().map(|table| table.record.key.clone()).unwrap_or_default();
            let path = context.scratch.join(format!("{index}.parquet"));
            let info = tables::write::concat(&parts, false, &key, &path).map_err(|error| {
                Diagnostic::error(format!("the files of `{}` cannot be joined: {error}", self.name)).hint(error.hint())
            })?;
            outputs.tables.push(convert::output(&name, path, info)?);
        }
        // Last, because findings name cells, which the second table knows.
        let [table, cells, ..] = outputs.tables.as_slice() else { return Ok(outputs) };
        let (others, key) = (BTreeMap::new(), &self.options.key);
        let checked = Checked { path: &table.path, key, cells: Some(&cells.path), others: &others };
        outputs.warnings = self.checks.run(&self.name, &checked)?;
        Ok(outputs)
    }
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
        let layout = &self.options.layout;
        let decoder = convert::ParquetColumns;
        let members =
            readers::read(&file.path, &file.shown, layout, context.scratch, &decoder).map_err(|error| {
                Diagnostic::error(error.to_string())
                    .located(error.place())
                    .note(format!("read with the layout `{}`", self.options.layout_file))
                    .hint(error.hint())
            })?;
        let mut outputs = Outputs::default();
        let [mut rows, mut cells, mut issues] = [const { Vec::new() }; 3];
        for Member { shown, extract } in members {
            key_holds(&shown, &extract, &self.options.key)?;
            outputs.warnings.extend(warnings(&self.name, &shown, &extract));
            cells.push(cells_of(&shown, &extract, &self.options.key));
            issues.push(issues_of(&shown, &extract));
            rows.push(Table { columns: convert::table(extract.columns) });
        }
        let [rows, cells, issues] = [rows, cells, issues].map(convert::stacked);
        let [table_name, cells_name, issues_name] = names(&self.name).try_into().expect("ingest makes three tables");
        let issue_key = ISSUE_KEY.map(str::to_string).to_vec();
        for (name, table, key) in [
            (table_name, rows, &self.options.key),
            (cells_name, cells, &self.options.key),
            (issues_name, issues, &issue_key),
        ] {
            let path = context.scratch.join(format!("{}.parquet", outputs.tables.len()));
            let info = tables::write::write(&path, &table, key)
                .map_err(|error| Diagnostic::error(format!("`{}`: {error}", file.shown)).hint(error.hint()))?;
            outputs.tables.push(convert::output(&name, path, info)?);
        }
        Ok(outputs)
    }
}

/// Reads one file as `ingest` does: by the layout, and with a key that holds. `layout_file` is what messages call the layout.
pub fn extract(
    path: &Path,
    shown: &str,
    layout: &Layout,
    layout_file: &str,
    key: &[String],
) -> Result<Extract, StageError> {
    let extract = readers::read(path, shown, layout).map_err(|error| {
        Diagnostic::error(error.to_string())
            .located(error.place())
            .note(format!("read with the layout `{layout_file}`"))
            .hint(error.hint())
    })?;
    key_holds(shown, &extract, key)?;
    Ok(extract)
}

const ISSUE_KEY: [&str; 5] = ["file", "sheet", "cell", "column", "code"];

fn names(stage: &str) -> Vec<String> {
    vec![stage.to_string(), format!("{stage}.cells"), format!("{stage}.issues")]
}

fn schemas(stage: &str, options: &Options) -> Schemas {
    let text = |name: &str| (name.to_string(), "text".to_string());
    let columns: Vec<(String, String)> =
        options.layout.columns.iter().map(|rule| (rule.name.clone(), type_name(rule.kind).to_string())).collect();
    let mut cells: Vec<(String, String)> =
        columns.iter().filter(|(name, _)| options.key.contains(name)).cloned().collect();
    cells.extend([text("_file"), text("_sheet"), ("_row".to_string(), "int".to_string()), text("_columns")]);
    let issues = ["file", "sheet", "cell", "column", "code", "text"].map(text).to_vec();
    let issue_key = ISSUE_KEY.map(str::to_string).to_vec();
    let [table_name, cells_name, issues_name] = names(stage).try_into().expect("ingest makes three tables");
    Schemas::from([
        (table_name, TableSchema { key: options.key.clone(), columns }),
        (cells_name, TableSchema { key: options.key.clone(), columns: cells }),
        (issues_name, TableSchema { key: issue_key, columns: issues }),
    ])
}

fn type_name(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Text => "text",
        ValueKind::Int => "int",
        ValueKind::Float => "float",
        ValueKind::Bool => "bool",
        ValueKind::Date => "date",
    }
}

/// No null and no repeated key within the file; the message names the rows of the sheet.
fn key_holds(shown: &str, extract: &Extract, key: &[String]) -> Result<(), StageError> {
    let columns = convert::table(extract.columns.clone());
    let key_columns: Vec<&Column> =
        key.iter().filter_map(|name| columns.iter().find(|column| column.name == *name)).collect();
    let mut seen: BTreeMap<Vec<String>, Vec<usize>> = BTreeMap::new();
    let mut problems = Vec::new();
    for row in 0..extract.origins.len() {
        if let Some(null) = key_columns.iter().find(|column| convert::is_null(&column.values, row)) {
            problems.push((format!("`{}` is missing", null.name), vec![row]));
            continue;
        }
        seen.entry(key_columns.iter().map(|column| convert::cell_text(&column.values, row)).collect())
            .or_default()
            .push(row);
    }
    for (values, rows) in seen.into_iter().filter(|(_, rows)| rows.len() > 1) {
        let named: Vec<String> = key.iter().zip(&values).map(|(name, value)| format!("{name}={value}")).collect();
        problems.push((format!("{} stands {} times", named.join(", "), rows.len()), rows));
    }
    let Some((first, rows)) = problems.first() else { return Ok(()) };
    let mut diagnostic = Diagnostic::error(format!("`{shown}` breaks the key [{}]: {first}", key.join(", ")))
        .located(Some(place(shown, extract, rows)))
        .hint("mend the file, skip the row in the layout (`skip:`), or add a column to the key".to_string());
    for (problem, rows) in problems.iter().skip(1).take(SHOWN) {
        diagnostic = diagnostic.note(format!("also: {problem} ({})", place(shown, extract, rows)));
    }
    Err(diagnostic.into())
}

fn place(shown: &str, extract: &Extract, rows: &[usize]) -> String {
    let sheet = rows
        .first()
        .and_then(|&row| extract.sheets.get(extract.origins[row].sheet as usize))
        .filter(|sheet| !sheet.is_empty());
    let numbers: Vec<String> = rows.iter().take(SHOWN).map(|&row| extract.origins[row].row.to_string()).collect();
    let what = if numbers.len() == 1 { "row" } else { "rows" };
    match sheet {
        Some(sheet) => format!("{shown}, sheet `{sheet}`, {what} {}", numbers.join(" and ")),
        None => format!("{shown}, {what} {}", numbers.join(" and ")),
    }
}

/// No key in two files; the message names both.
fn duplicates_across(stage: &str, key: &[String], cells: &[&InputTable]) -> Result<(), StageError> {
    let mut seen: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    let columns: Vec<String> = key.iter().cloned().chain(["_file".to_string(), "_row".to_string()]).collect();
    for table in cells {
        let rows = tables::read::read(&table.path, Some(&columns))
            .map_err(|error| Diagnostic::error(format!("the parts of `{stage}` cannot be read: {error}")))?;
        let column = |name: &str| rows.columns.iter().find(|column| column.name == name);
        let key_columns: Vec<&Column> = key.iter().filter_map(|name| column(name)).collect();
        let (Some(file), Some(line)) = (column("_file"), column("_row")) else { continue };
        for row in 0..table.record.rows as usize {
            let values = key_columns.iter().map(|column| convert::cell_text(&column.values, row)).collect();
            let place =
                format!("{} row {}", convert::cell_text(&file.values, row), convert::cell_text(&line.values, row));
            seen.entry(values).or_default().push(place);
        }
    }
    let mut double = seen.into_iter().filter(|(_, places)| places.len() > 1);
    let Some((values, places)) = double.next() else { return Ok(()) };
    let named: Vec<String> = key.iter().zip(&values).map(|(name, value)| format!("{name}={value}")).collect();
    let mut diagnostic = Diagnostic::error(format!("two files of `{stage}` hold {}", named.join(", ")))
        .located(Some(places.join("; ")))
        .hint("take one of the files out of the source, or add a column that tells them apart to the key".to_string());
    for (values, places) in double.take(SHOWN) {
        diagnostic = diagnostic.note(format!("also {}: {}", values.join(", "), places.join("; ")));
    }
    Err(diagnostic.into())
}

fn cells_of(shown: &str, extract: &Extract, key: &[String]) -> Table {
    let rows = extract.origins.len();
    let mut columns: Vec<Column> =
        convert::table(extract.columns.clone()).into_iter().filter(|column| key.contains(&column.name)).collect();
    let letters: Vec<String> = extract.letters.iter().map(|(name, letter)| format!("{name}={letter}")).collect();
    let sheets = extract
        .origins
        .iter()
        .map(|origin| Some(extract.sheets.get(origin.sheet as usize).cloned().unwrap_or_default()));
    let column = |name: &str, values: Values| Column { name: name.to_string(), values };
    columns.push(column("_file", Values::Text(vec![Some(shown.to_string()); rows])));
    columns.push(column("_sheet", Values::Text(sheets.collect())));
    columns
        .push(column("_row", Values::Int(extract.origins.iter().map(|origin| Some(i64::from(origin.row))).collect())));
    columns.push(column("_columns", Values::Text(vec![Some(letters.join(" ")); rows])));
    Table { columns }
}

/// Repaired cells and skipped rows, one line each.
fn issues_of(shown: &str, extract: &Extract) -> Table {
    let mut lines: Vec<[String; 6]> = Vec::new();
    for issue in &extract.issues {
        lines.push([
            shown.to_string(),
            issue.sheet.clone(),
            issue.cell.clone(),
            issue.column.clone(),
            issue.code.name().to_string(),
            issue.text.clone(),
        ]);
    }
    for skipped in &extract.skipped {
        let text = format!("{}: {}", skipped.reason, skipped.text);
        lines.push([
            shown.to_string(),
            skipped.sheet.clone(),
            format!("row {}", skipped.row),
            String::new(),
            "skipped_row".to_string(),
            text,
        ]);
    }
    let names = ["file", "sheet", "cell", "column", "code", "text"];
    let columns = names.iter().enumerate().map(|(index, name)| Column {
        name: name.to_string(),
        values: Values::Text(lines.iter().map(|line| Some(line[index].clone())).collect()),
    });
    Table { columns: columns.collect() }
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

fn warnings(stage: &str, shown: &str, extract: &Extract) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (code, what) in LOST {
        let lost: Vec<_> = extract.issues.iter().filter(|issue| issue.code == *code).collect();
        if lost.is_empty() {
            continue;
        }
        let lines = lost.iter().take(SHOWN).map(|issue| {
            if issue.cell.is_empty() {
                return issue.text.clone();
            }
            let line = format!("{} {}: {} (column `{}`)", issue.sheet, issue.cell, issue.text, issue.column);
            line.trim_start().to_string()
        });
        warnings.push(Warning {
            stage: stage.to_string(),
            severity: Severity::Warning,
            message: format!("`{shown}`: {} {what}", lost.len()),
            details: lines.collect(),
        });
    }
    warnings
}

fn file_name(shown: &str) -> &str {
    shown.rsplit('/').next().unwrap_or(shown)
}
