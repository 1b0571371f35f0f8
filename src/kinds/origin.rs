//! Where each value of an ingest table came from: file with digest, sheet, cell, the text that stands there, what was done to it, and why
//! it is missing. The place is kept (`.cells`), and what was repaired (`.issues`); the text is not: it is read again from the
//! file, if that is still the one of the run. A store of every text would double the store to say what the file says.

use crate::checks::places::{PlaceOf, Places};
use crate::convert::ParquetColumns;
use crate::ingest::{self, IngestStage};
use crate::missing;
use engine::diagnostic::Diagnostic;
use engine::digest::Digest;
use engine::graph::{Task, TaskId};
use engine::kind::InputTable;
use engine::session::Session;
use readers::Member;
use readers::layout::{ColumnRule, Layout, ValueKind};
use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tables::columns::{Column, Table, Values};

/// What can be said of the cells of some rows.
pub struct Origins {
    /// One row per value: the key, `column`, `value`, `file`, `digest`, `sheet`, `cell`, `text`, `conversion`, `missing`, `repaired`.
    pub cells: Table,
    /// Files whose text could not be shown, and why.
    pub silent: Vec<String>,
}

/// The words of `missing` for a value that no cell stands for.
const NOT_IN_FILE: &str = "NOT_IN_FILE";
const EMPTY_CELL: &str = "EMPTY_CELL";

/// What a file says of itself: the texts by file (of an archive, its member), sheet, row and column.
type Texts = BTreeMap<(String, String, i64, String), String>;

/// The origins of the values of `rows`, which are rows of the ingest table `name`, in these columns.
pub fn origins(
    session: &Session,
    find: missing::Find,
    name: &str,
    rows: &Table,
    columns: &[String],
) -> Result<Origins, Diagnostic> {
    let graph = &session.pipeline.graph;
    let task = graph.producers.get(name).map(|&id| &graph.tasks[id]);
    let made_by = task.and_then(|task| Some((task, (&*task.work as &dyn Any).downcast_ref::<IngestStage>()?)));
    let Some((task, ingest)) = made_by.filter(|(task, _)| task.stage == name) else {
        let inputs: Vec<&str> = task.map(|task| inputs(task, &graph.tasks)).unwrap_or_default();
        let from = if inputs.is_empty() { String::new() } else { format!(" that reads {}", inputs.join(", ")) };
        return Err(Diagnostic::error(format!("`{name}` is not read from files: it is made by a stage{from}"))
            .hint("`--origin` is for tables of stages of the kind `ingest`; ask those it reads".to_string()));
    };
    let table = |suffix: &str| {
        let found = find(&format!("{name}.{suffix}"));
        found.ok_or_else(|| {
            Diagnostic::error(format!("`{name}.{suffix}` is not in the store"))
                .hint(format!("make it again with `restudy run {name}`"))
        })
    };
    let key = ingest.key();
    let unreadable = |error: String| Diagnostic::error(format!("`{name}.cells` cannot be read: {error}"));
    let places = Places::read(&table("cells")?.path, key).map_err(unreadable)?;
    let issues = issues(&table("issues")?)?;
    let digests = digests(session, &task.parts)?;
    let mut texts: BTreeMap<String, Result<Texts, String>> = BTreeMap::new();
    let mut lines: Vec<[Option<String>; 10]> = Vec::new();
    let mut keys: Vec<usize> = Vec::new();
    for row in 0..rows.rows() {
        for column in columns {
            let Some(values) = rows.column(column).map(|column| &column.values) else { continue };
            let Some(place) = places.of(rows, row, column) else { continue };
            let source = source_of(ingest, &place.file);
            let file = texts.entry(source.to_string()).or_insert_with(|| read(ingest, source, digests.get(source)));
            let cell = (place.file.clone(), place.sheet.clone(), place.row, column.clone());
            let text = file.as_ref().ok().and_then(|texts| texts.get(&cell)).filter(|_| place.letter.is_some());
            let issue = issues.get(&(place.file.clone(), place.sheet.clone(), column.clone(), place.row.to_string()));
            let value = values.text(row);
            let rule = ingest.layout().columns.iter().find(|rule| rule.name == *column);
            let lost = issue.filter(|(code, _)| ingest::LOST_CELLS.iter().any(|lost| lost.name() == code));
            let missing = match (&value, lost, &place.letter) {
                (Some(_), ..) => None,
                (None, Some((code, _)), _) => Some(code.to_uppercase()),
                (None, None, None) => Some(NOT_IN_FILE.to_string()),
                (None, None, Some(_)) => Some(EMPTY_CELL.to_string()),
            };
            let PlaceOf { file, sheet, .. } = place.clone();
            lines.push([
                Some(column.clone()),
                value.clone(),
                Some(file.clone()),
                digests.get(source).map(|digest| digest.hex()),
                Some(sheet).filter(|sheet| !sheet.is_empty()),
                place.cell(),
                text.cloned().or(lost.map(|(_, text)| text.clone())),
                rule.and_then(|rule| conversion(rule, value.as_deref(), text)),
                missing,
                issue.filter(|_| lost.is_none()).map(|(code, _)| code.clone()),
            ]);
            keys.push(row);
        }
    }
    let silent = texts.into_values().filter_map(Result::err).collect();
    Ok(Origins { cells: shown(rows, key, &keys, &lines), silent })
}

fn inputs<'a>(task: &'a Task, tasks: &'a [Task]) -> Vec<&'a str> {
    let mut names: Vec<&str> = task.upstream.iter().map(|&id| tasks[id].name.as_str()).collect();
    names.dedup();
    names
}

/// Key, then what was found; a key column that has the name of one of ours is told apart by `key.`.
fn shown(rows: &Table, key: &[String], keys: &[usize], lines: &[[Option<String>; 10]]) -> Table {
    let names = ["column", "value", "file", "digest", "sheet", "cell", "text", "conversion", "missing", "repaired"];
    let mut columns = Vec::new();
    for name in key {
        let Some(column) = rows.column(name) else { continue };
        let name = if names.contains(&name.as_str()) { format!("key.{name}") } else { name.clone() };
        let values = Values::Text(keys.iter().map(|&row| column.values.text(row)).collect());
        columns.push(Column { name, values });
    }
    columns.extend(names.iter().enumerate().map(|(index, name)| Column {
        name: name.to_string(),
        values: Values::Text(lines.iter().map(|line| line[index].clone()).collect()),
    }));
    Table { columns }
}

/// What the layout did to the number that stands in the file: `× 10000`, `− 1`. The factor is the one between the two.
fn conversion(rule: &ColumnRule, value: Option<&str>, text: Option<&String>) -> Option<String> {
    let mut done = Vec::new();
    let added = rule.add.unwrap_or(0);
    let value = value.and_then(|value| value.parse::<f64>().ok());
    let before = value.map(|value| value - added as f64);
    if let (Some(before), Some(number)) =
        (before, text.and_then(|text| text.replace(',', "").trim().parse::<f64>().ok()))
        && number != 0.0
        && !(rule.scale.is_empty() && rule.printed.is_empty())
    {
        let factor = before / number;
        let rounded = factor.round();
        let whole = rounded != 0.0 && (factor - rounded).abs() < 1e-9 * factor.abs();
        if !(whole && rounded == 1.0) {
            done.push(format!("× {}", if whole { rounded } else { factor }));
        }
    }
    match added {
        0 => {}
        added if added < 0 => done.push(format!("− {}", -added)),
        added => done.push(format!("+ {added}")),
    }
    (!done.is_empty()).then(|| done.join(" "))
}

/// File to the digest it had when it was read.
fn digests(session: &Session, parts: &[TaskId]) -> Result<BTreeMap<String, Digest>, Diagnostic> {
    let mut found = BTreeMap::new();
    for &part in parts {
        let record = session.last_record(part).map_err(|error| Diagnostic::error(error.to_string()))?;
        for (leaf, value) in record.into_iter().flat_map(|record| record.manifest.0) {
            if let Some((file, digest)) = leaf.strip_prefix("file.").zip(Digest::from_hex(&value)) {
                found.insert(file.to_string(), digest);
            }
        }
    }
    Ok(found)
}

/// The file of the source that holds `shown`: itself, or the archive it is a member of.
fn source_of<'a>(ingest: &IngestStage, shown: &'a str) -> &'a str {
    let holds = |file: &str| shown.strip_prefix(file).is_some_and(|rest| rest.is_empty() || rest.starts_with('!'));
    let file = ingest.files().iter().map(|(file, _)| file).find(|file| holds(file));
    file.map_or(shown, |file| &shown[..file.len()])
}

/// The texts of a file, if it is the file of the run; why not, if not.
fn read(ingest: &IngestStage, shown: &str, digest: Option<&Digest>) -> Result<Texts, String> {
    let path: &PathBuf = match ingest.files().iter().find(|(file, _)| file == shown) {
        Some((_, path)) => path,
        None => return Err(format!("`{shown}` is no longer a file of the source; its texts cannot be shown")),
    };
    let now = match Digest::of_file(path) {
        Ok((now, _)) => now,
        Err(error) => return Err(format!("{error}; the texts of `{shown}` cannot be shown")),
    };
    if digest != Some(&now) {
        return Err(format!("`{shown}` has changed since it was read; its texts are not those of the table"));
    }
    let layout = as_text(ingest.layout());
    let scratch = tempfile::tempdir().map_err(|error| format!("no temporary folder can be made: {error}"))?;
    let members = readers::read(path, shown, &layout, scratch.path(), &ParquetColumns)
        .map_err(|error| format!("`{shown}`: {error}"))?;
    let mut texts = Texts::new();
    for Member { shown, extract } in members {
        for column in extract.columns {
            let readers::extract::Values::Text(values) = column.values else { continue };
            for (origin, text) in extract.origins.iter().zip(values) {
                let sheet = extract.sheets.get(origin.sheet as usize).cloned().unwrap_or_default();
                let place = (shown.clone(), sheet, i64::from(origin.row), column.name.clone());
                texts.extend(text.map(|text| (place, text)));
            }
        }
    }
    Ok(texts)
}

/// The same columns, all as the text that stands there: no number is read, nothing scaled, nothing taken as missing.
fn as_text(layout: &Layout) -> Layout {
    let mut layout = layout.clone();
    layout.missing.clear();
    layout.keeps_totals = true;
    for column in &mut layout.columns {
        column.kind = ValueKind::Text;
        column.unit = None;
        column.printed.clear();
        column.title_says = None;
        column.scale.clear();
        column.add = None;
    }
    layout
}

/// By file, sheet, column and row.
type Issues = BTreeMap<(String, String, String, String), (String, String)>;

/// File, sheet, column and row to code and text of what was repaired or lost there.
fn issues(table: &InputTable) -> Result<Issues, Diagnostic> {
    let issues = tables::read::read(&table.path, None).map_err(|error| Diagnostic::error(error.to_string()))?;
    let text =
        |column: &str, row: usize| issues.column(column).and_then(|column| column.values.text(row)).unwrap_or_default();
    let mut found = BTreeMap::new();
    for row in 0..issues.rows() {
        let place =
            (text("file", row), text("sheet", row), text("column", row), missing::issue_row(&text("cell", row)));
        found.insert(place, (text("code", row), text("text", row)));
    }
    Ok(found)
}
