//! Why values of a stage's table are missing, for each kind what it knows: a query from its plan, an index from its
//! indicators, an ingest from what the readers found in the file. On demand; nothing of it is kept.

use crate::index::IndexStage;
use crate::ingest::IngestStage;
use crate::sql::SqlStage;
use engine::diagnostic::Diagnostic;
use engine::graph::Task;
use engine::kind::{InputTable, Stage};
use engine::session::Session;
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use tables::columns::Table;
use tables::missing::{self, Count, Reason, Reasons};
use tables::sql::nulls::{self, Origin};
use tables::sql::{Query, Source};

/// Finds a table of the study in the store.
pub type Find<'a> = &'a dyn Fn(&str) -> Option<InputTable>;

/// A query that makes a table, and where it stands.
pub struct Made {
    pub query: Query,
    /// A file of the study, or the pipeline itself.
    pub file: String,
    pub text: String,
}

/// The query by which a stage makes `table`, if it is made by one.
pub fn query(stage: &dyn Stage) -> Option<Made> {
    let stage: &dyn Any = stage;
    let SqlStage { query, file, text, .. } = stage.downcast_ref()?;
    Some(Made { query: query.clone(), file: file.clone(), text: text.clone() })
}

/// Counts what is missing in a table, by column, by the values of `by`, and by reason.
pub fn counts(
    session: &Session,
    find: Find,
    name: &str,
    table: &InputTable,
    by: Option<&str>,
) -> Result<Vec<Count>, Diagnostic> {
    let tasks = &session.pipeline.graph.tasks;
    let Some(&id) = session.pipeline.graph.producers.get(name) else {
        return plain(name, table, by, reasons::NOT_DEFINED);
    };
    let task = &tasks[id];
    let stage: &dyn Any = &*task.work;
    if let Some(ingest) = stage.downcast_ref::<IngestStage>().filter(|_| name == task.stage) {
        return ingested(ingest, find, name, table, by);
    }
    // The points of a matrix, which have a query each.
    let points: Vec<&Task> = task.parts.iter().map(|&part| &tasks[part]).collect();
    if !points.is_empty() && points.iter().all(|point| explains(&*point.work, name).is_some()) {
        return matrix(session, find, name, table, by, task);
    }
    match explains(&*task.work, name) {
        Some(query) => queried(session, find, name, table, by, &query),
        None => plain(name, table, by, reasons::NOT_DEFINED),
    }
}

/// Codes of an ingest.
mod reasons {
    /// The cell is blank, or holds one of the texts that the layout calls missing.
    pub const EMPTY_CELL: &str = "EMPTY_CELL";
    /// The file has no such column; the layout calls it optional.
    pub const NOT_IN_FILE: &str = "NOT_IN_FILE";
    /// The table says so on purpose.
    pub const NOT_DEFINED: &str = tables::missing::NOT_DEFINED;
    pub const OTHER: &str = tables::missing::OTHER;
}

fn reason(code: &str) -> Reason {
    Reason { code: code.to_string(), from: None }
}

/// One code for everything.
fn plain(name: &str, table: &InputTable, by: Option<&str>, code: &str) -> Result<Vec<Count>, Diagnostic> {
    let none = Reasons { columns: Vec::new(), by: None };
    missing::counts(&table.path, by, &none, &reason(code)).map_err(|error| unreadable(name, &error))
}

/// The query that gives the table's values, or at least lacks them where the table does.
fn explains(stage: &dyn Stage, name: &str) -> Option<Query> {
    let any: &dyn Any = stage;
    if let Some(stage) = any.downcast_ref::<SqlStage>() {
        return Some(stage.query.clone());
    }
    let query = any.downcast_ref::<IndexStage>()?.score_query(name)?;
    tables::sql::parse(&query).ok()
}

fn queried(
    session: &Session,
    find: Find,
    name: &str,
    table: &InputTable,
    by: Option<&str>,
    query: &Query,
) -> Result<Vec<Count>, Diagnostic> {
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for input in query.tables() {
        let found = find(input).ok_or_else(|| {
            Diagnostic::error(format!("the rows of `{input}`, which `{name}` is made from, are not in the store"))
                .hint(format!("make them again with `restudy run {input}`"))
        })?;
        files.push((input.clone(), found.path));
    }
    let sources: Vec<Source> = files.iter().map(|(table, path)| Source { table: table.clone(), path }).collect();
    let explained = nulls::nulls(query, &sources, &|table| origin(session, find, table)).map_err(|error| {
        Diagnostic::error(format!("the missing values of `{name}` cannot be explained: {error}")).hint(error.hint())
    })?;
    let columns = explained.rows.columns.iter().zip(&explained.reasons);
    let reasons = Reasons {
        columns: columns.map(|(column, reasons)| (column.name.as_str(), reasons.as_slice())).collect(),
        by: by.and_then(|by| explained.rows.column(by)).map(|column| &column.values),
    };
    missing::counts(&table.path, by, &reasons, &reason(self::reasons::OTHER)).map_err(|error| unreadable(name, &error))
}

/// How an input was made, if by one query whose own inputs are still there.
fn origin(session: &Session, find: Find, name: &str) -> Option<Origin> {
    let graph = &session.pipeline.graph;
    let query = explains(&*graph.tasks[*graph.producers.get(name)?].work, name)?;
    let sources = query.tables().iter().map(|table| Some((table.clone(), find(table)?.path)));
    Some(Origin { sources: sources.collect::<Option<Vec<_>>>()?, query })
}

/// The counts of all points together. An axis is a column of the joined table, and never missing.
fn matrix(
    session: &Session,
    find: Find,
    name: &str,
    table: &InputTable,
    by: Option<&str>,
    task: &Task,
) -> Result<Vec<Count>, Diagnostic> {
    let mut all: BTreeMap<(String, Option<String>, Reason), u64> = BTreeMap::new();
    for (&part, label) in task.parts.iter().zip(&task.part_labels) {
        let point = &session.pipeline.graph.tasks[part];
        let record = session.last_record(part).ok().flatten();
        let found = record.and_then(|record| record.tables.into_iter().find(|table| table.name == name));
        let found = found.filter(|table| session.store.has_blob(table.blob)).ok_or_else(|| {
            Diagnostic::error(format!("the rows of `{}` are not in the store", point.name))
                .hint(format!("make them again with `restudy run {}`", point.name))
        })?;
        let own = InputTable { path: session.store.blob_path(found.blob), record: found };
        let axis = by.filter(|by| own.record.column(by).is_none());
        let value = axis.and_then(|axis| {
            label
                .split(',')
                .find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == axis))
                .map(|(_, value)| value)
        });
        let query = explains(&*point.work, name).expect("the caller looked");
        for count in queried(session, find, name, &own, by.filter(|_| axis.is_none()), &query)? {
            let by = value.map(str::to_string).or(count.by);
            *all.entry((count.column, by, count.reason)).or_default() += count.rows;
        }
    }
    let place = |name: &str| table.record.columns.iter().position(|column| column.name == name);
    let mut counts: Vec<Count> =
        all.into_iter().map(|((column, by, reason), rows)| Count { column, by, reason, rows }).collect();
    counts.sort_by_key(|count| place(&count.column));
    Ok(counts)
}

/// What the readers say of each empty cell.
fn ingested(
    ingest: &IngestStage,
    find: Find,
    name: &str,
    table: &InputTable,
    by: Option<&str>,
) -> Result<Vec<Count>, Diagnostic> {
    let read = |table: &InputTable| tables::read::read(&table.path, None).map_err(|error| unreadable(name, &error));
    let (Some(cells), Some(issues)) = (find(&format!("{name}.cells")), find(&format!("{name}.issues"))) else {
        return plain(name, table, by, reasons::EMPTY_CELL);
    };
    let (rows, cells, issues) = (read(table)?, read(&cells)?, read(&issues)?);
    let key = ingest.key();
    let lost = lost_cells(&issues);
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for row in 0..cells.rows() {
        places.insert(cells.row_text(key, row), row);
    }
    let text =
        |column: &str, row: usize| cells.column(column).and_then(|column| column.values.text(row)).unwrap_or_default();
    let mut found: Vec<(&str, Vec<Option<Reason>>)> = Vec::new();
    for column in &rows.columns {
        let why = |row: usize| {
            let place = *places.get(&rows.row_text(key, row))?;
            let letters = text("_columns", place);
            let begins = format!("{}=", column.name);
            if !letters.split(' ').any(|part| part.starts_with(&begins)) {
                return Some(reason(reasons::NOT_IN_FILE));
            }
            let cell = (text("_file", place), text("_sheet", place), column.name.clone(), text("_row", place));
            Some(reason(lost.get(&cell).map_or(reasons::EMPTY_CELL, String::as_str)))
        };
        let reasons = (0..rows.rows()).map(|row| if column.values.is_null(row) { why(row) } else { None });
        found.push((&column.name, reasons.collect()));
    }
    let reasons = Reasons {
        columns: found.iter().map(|(name, reasons)| (*name, reasons.as_slice())).collect(),
        by: by.and_then(|by| rows.column(by)).map(|column| &column.values),
    };
    missing::counts(&table.path, by, &reasons, &reason(self::reasons::EMPTY_CELL))
        .map_err(|error| unreadable(name, &error))
}

/// File, sheet, column and row of cells that held something which was taken as missing, with the code.
fn lost_cells(issues: &Table) -> BTreeMap<(String, String, String, String), String> {
    let lost: BTreeSet<&str> = crate::ingest::LOST_CELLS.iter().map(|code| code.name()).collect();
    let text =
        |column: &str, row: usize| issues.column(column).and_then(|column| column.values.text(row)).unwrap_or_default();
    let mut found = BTreeMap::new();
    for row in (0..issues.rows()).filter(|row| lost.contains(text("code", *row).as_str())) {
        let line = issue_row(&text("cell", row));
        found.insert(
            (text("file", row), text("sheet", row), text("column", row), line),
            text("code", row).to_uppercase(),
        );
    }
    found
}

/// The row of a cell of `.issues`. `C17`, `line 17, field 3`, `observation 17, variable x`: the first number is the row.
pub(crate) fn issue_row(cell: &str) -> String {
    let digits = cell.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.chars().take_while(char::is_ascii_digit).collect()
}

fn unreadable(name: &str, error: &tables::error::TableError) -> Diagnostic {
    Diagnostic::error(format!("`{name}`: {error}")).hint(error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tables::columns::{Column, Values};

    #[test]
    fn lost_cells_are_found_by_their_rows() {
        let lines = [
            ["a.xlsx", "S", "C17", "x", "error_cell"],
            ["a.csv", "", "line 4, field 3", "x", "formula_without_result"],
            ["a.dta", "", "observation 9, variable x2", "y", "tagged_missing"],
            ["a.xlsx", "S", "C18", "x", "number_as_text"],
            ["a.xlsx", "S", "C", "x", "empty_column"],
        ];
        let names = ["file", "sheet", "cell", "column", "code"];
        let columns = names.iter().enumerate().map(|(index, name)| Column {
            name: name.to_string(),
            values: Values::Text(lines.iter().map(|line| Some(line[index].to_string())).collect()),
        });
        let found = lost_cells(&Table { columns: columns.collect() });
        let found: Vec<String> = found
            .iter()
            .map(|((file, sheet, column, row), code)| format!("{file} {sheet} {column} {row} {code}"))
            .collect();
        let expected = ["a.csv  x 4 FORMULA_WITHOUT_RESULT", "a.dta  y 9 TAGGED_MISSING", "a.xlsx S x 17 ERROR_CELL"];
        assert_eq!(found, expected);
    }
}
