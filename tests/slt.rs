//! SQL tested as text: the files of `tests/slt`, and the examples of `docs/sql.md`. A test needs no compiler.
//!
//! The format is that of sqllogictest, with four additions of its own. A record `table name (column type, …) key (…)`,
//! followed by comma-separated rows, makes a table for the queries of the file. A record `stage file key (…) name=value …` makes
//! one by a file of `stages/`, with the parameters of the study or those that it gives; or by the query that follows.
//! A failing query is followed by its whole message as `line:column message [hint]`. The letters of the columns are those of the five types: B, I, R, T, D.
//! `UPDATE_EXPECT=1 cargo test --workspace -- slt` writes what the queries give into the files.

use crate::support::root;
use expect_test::expect_file;
use std::fs;
use std::path::PathBuf;
use tables::columns::{Column, ColumnType, Table, Values};
use tables::sql::{self, Schema, Source, SqlError};
use tables::{render, write};
use tempfile::TempDir;

#[test]
fn queries_give_what_the_files_say() {
    let mut files: Vec<PathBuf> =
        fs::read_dir(root().join("tests/slt")).expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let text = fs::read_to_string(&file).expect("a UTF-8 file");
        expect_file![&file].assert_eq(&rerun(&text));
    }
}

#[test]
fn the_examples_of_the_documentation_are_true() {
    let file = root().join("docs/sql.md");
    let text = fs::read_to_string(&file).expect("the documentation");
    expect_file![&file].assert_eq(&rerun_examples(&text));
}

/// The same text with the results that its queries give now.
fn rerun(text: &str) -> String {
    let mut database = Database::new();
    let mut lines = text.lines().peekable();
    let mut rerun = String::new();
    while let Some(line) = lines.next() {
        let mut record = vec![line];
        if ["table", "stage", "query"].iter().any(|word| line.starts_with(word)) {
            while let Some(next) = lines.next_if(|next| !next.is_empty()) {
                record.push(next);
            }
        }
        match line.split(' ').collect::<Vec<_>>().as_slice() {
            ["query", modes @ ..] => {
                let end = record.iter().position(|line| *line == "----").unwrap_or(record.len());
                let query = record[1..end].join("\n");
                let (heading, result) = match database.ask(&query) {
                    Ok(table) => answer(&table, modes.contains(&"rowsort")),
                    Err(error) => ("query error".to_string(), vec![shown(&error)]),
                };
                rerun
                    .extend([heading, query, "----".to_string()].iter().chain(&result).map(|line| line.clone() + "\n"));
            }
            ["table", ..] => {
                database.create(&record);
                rerun.extend(record.iter().map(|line| format!("{line}\n")));
            }
            ["stage", ..] => {
                database.run(&record);
                rerun.extend(record.iter().map(|line| format!("{line}\n")));
            }
            _ => {
                assert!(line.is_empty() || line.starts_with('#'), "neither a record nor a comment: {line}");
                rerun.push_str(line);
                rerun.push('\n');
            }
        }
    }
    rerun
}

/// The same with the blocks of a Markdown file: `csv` makes a table, a `sql` block is followed by its result as `text`.
fn rerun_examples(text: &str) -> String {
    let mut database = Database::new();
    let mut lines = text.lines();
    let mut rerun = String::new();
    let mut query: Option<String> = None;
    while let Some(line) = lines.next() {
        rerun.push_str(line);
        rerun.push('\n');
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let result = match (kind, query.take()) {
            ("csv", _) => {
                database.create(&block);
                block.join("\n")
            }
            ("text", Some(query)) => match database.ask(&query) {
                Ok(table) => render::text(&table, None),
                Err(error) => format!("error: {}", shown(&error)),
            },
            ("sql", None) => {
                query = Some(block.join("\n"));
                block.join("\n")
            }
            (kind, query) => {
                assert!(query.is_none(), "a query without its result: {}", query.unwrap_or_default());
                assert!(!matches!(kind, "sql" | "text"), "a result without a query: {}", block.join("\n"));
                block.join("\n")
            }
        };
        rerun.push_str(&result);
        rerun.push_str("\n```\n");
    }
    rerun
}

/// The tables of one file.
struct Database {
    folder: TempDir,
    schemas: Vec<Schema>,
}

impl Database {
    fn new() -> Database {
        Database { folder: tempfile::tempdir().expect("a folder"), schemas: Vec::new() }
    }

    /// Plans first, as a study does, and runs then: both must tell of the same columns.
    fn ask(&self, text: &str) -> Result<Table, SqlError> {
        let query = sql::parse(text)?;
        let planned = sql::plan(&query, &self.schemas)?.columns;
        let paths: Vec<PathBuf> = self.schemas.iter().map(|schema| self.path(&schema.table)).collect();
        let sources = self.schemas.iter().zip(&paths);
        let sources: Vec<Source> = sources.map(|(schema, path)| Source { table: schema.table.clone(), path }).collect();
        let table = sql::query(&query, &sources, None)?;
        let found: Vec<(String, ColumnType)> =
            table.columns.iter().map(|column| (column.name.clone(), column.values.kind())).collect();
        assert_eq!(planned, found, "{text}");
        Ok(table)
    }

    fn create(&mut self, record: &[&str]) {
        let (heading, rows) = record.split_first().expect("a record has a heading");
        let wrong = || panic!("expected `table name (column type, …) key (…)`, found `{heading}`");
        let parts: Vec<&str> = heading.split(['(', ')']).map(str::trim).collect();
        let [name, columns, "key", key, ""] = parts.as_slice() else { return wrong() };
        let Some(name) = name.strip_prefix("table ") else { return wrong() };
        let columns: Vec<(String, ColumnType)> = list(columns)
            .map(|column| column.split_once(' ').unwrap_or_else(|| panic!("`{column}` has no type")))
            .map(|(name, kind)| (name.to_string(), kind.parse().expect("a type")))
            .collect();
        let rows: Vec<Vec<&str>> = rows.iter().map(|row| list(row).collect()).collect();
        let column = |(index, (name, kind)): (usize, &(String, ColumnType))| Column {
            name: name.clone(),
            values: values(*kind, rows.iter().map(|row| row[index])),
        };
        let table = Table::new(columns.iter().enumerate().map(column).collect()).expect("a table");
        let key: Vec<String> = list(key).map(str::to_string).collect();
        write::write(&self.path(name), &table, &key).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.schemas.retain(|schema| schema.table != name);
        self.schemas.push(Schema { table: name.to_string(), columns });
    }

    /// Runs a query of the study over the tables made so far, into the table that the study calls by the name of the file.
    fn run(&mut self, record: &[&str]) {
        let (heading, lines) = record.split_first().expect("a record has a heading");
        let parts: Vec<&str> = heading.split(['(', ')']).map(str::trim).collect();
        let [name, key, given] = parts.as_slice() else { panic!("`{heading}` has no `key (…)`") };
        let name = name.strip_prefix("stage ").and_then(|name| name.strip_suffix("key")).expect(heading).trim();
        let (table, mut text) = match name.strip_suffix(".sql") {
            Some(path) => {
                let file = root().join(name);
                let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                assert!(lines.is_empty(), "`{heading}` is followed by another record: leave a line free");
                (path.rsplit('/').next().unwrap_or(path), text)
            }
            None => (name, lines.join("\n")),
        };
        let pipeline = fs::read_to_string(root().join("pipeline.yaml")).expect("the study");
        let pipeline: serde_yaml::Value = serde_yaml::from_str(&pipeline).expect("valid YAML");
        let given = given.split(' ').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').expect(pair));
        for (name, value) in given {
            text = text.replace(&format!("${{{name}}}"), value);
        }
        for (name, value) in pipeline["params"].as_mapping().expect("parameters") {
            let name = name.as_str().expect("a name");
            let value = serde_yaml::to_string(value).expect("a scalar");
            text = text.replace(&format!("${{{name}}}"), value.trim());
        }
        let key: Vec<String> = list(key).map(str::to_string).collect();
        let made = self.ask(&text).unwrap_or_else(|error| panic!("{name}: {}", shown(&error)));
        let columns = made.columns.iter().map(|column| (column.name.clone(), column.values.kind())).collect();
        write::write(&self.path(table), &made, &key).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.schemas.retain(|schema| schema.table != table);
        self.schemas.push(Schema { table: table.to_string(), columns });
    }

    fn path(&self, table: &str) -> PathBuf {
        self.folder.path().join(table)
    }
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(move |_| !text.is_empty())
}

/// An empty cell is missing, `""` is the empty text.
fn values<'a>(kind: ColumnType, cells: impl Iterator<Item = &'a str>) -> Values {
    let cells = cells.map(|cell| (!cell.is_empty()).then_some(cell));
    match kind {
        ColumnType::Bool => Values::Bool(cells.map(|cell| cell.map(|cell| cell == "true")).collect()),
        ColumnType::Int => Values::Int(cells.map(|cell| cell.map(|cell| cell.parse().expect(cell))).collect()),
        ColumnType::Float => Values::Float(cells.map(|cell| cell.map(|cell| cell.parse().expect(cell))).collect()),
        ColumnType::Text => Values::Text(cells.map(|cell| cell.map(|cell| cell.replace("\"\"", ""))).collect()),
        ColumnType::Date => panic!("write a date as a text, and `cast(… as date)` in the query"),
    }
}

/// The heading of a record and its rows.
fn answer(table: &Table, sorted: bool) -> (String, Vec<String>) {
    let letter = |column: &Column| match column.values.kind() {
        ColumnType::Bool => 'B',
        ColumnType::Int => 'I',
        ColumnType::Float => 'R',
        ColumnType::Text => 'T',
        ColumnType::Date => 'D',
    };
    let cell = |column: &Column, row: usize| match column.values.text(row) {
        None => "NULL".to_string(),
        Some(text) if text.is_empty() => "(empty)".to_string(),
        Some(text) => text,
    };
    let line = |row: usize| table.columns.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" ");
    let mut rows: Vec<String> = (0..table.rows()).map(line).collect();
    if sorted {
        rows.sort();
    }
    let letters: String = table.columns.iter().map(letter).collect();
    (format!("query {letters}{}", if sorted { " rowsort" } else { "" }), rows)
}

fn shown(error: &SqlError) -> String {
    let place = error.place().map_or(String::new(), |(line, column)| format!("{line}:{column} "));
    format!("{place}{error}{}", error.hint().map_or(String::new(), |hint| format!(" [{hint}]")))
}
