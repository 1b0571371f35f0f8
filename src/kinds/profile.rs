//! Drafts a layout and a contract from the files of a source: columns, types, units, headers, keys, what is missing. Every guess is said
//! in a comment with what speaks for it. The draft is read before it is handed out: what does not hold in the files is taken back.

mod columns;
mod contract;
mod headers;

use crate::convert::ParquetColumns;
use crate::layout;
use columns::{Drafted, From};
use engine::diagnostic::Diagnostic;
use engine::spec::{Source, StudyFile};
use engine::yaml::fields::Problems;
use readers::contradiction::{Contradiction, Remedy};
use readers::error::ReadError;
use readers::extract::Extract;
use readers::layout::Format;
use readers::survey::{self, SheetRows, Survey};
use std::path::PathBuf;
use tempfile::TempDir;

/// A layout and the stage that would use it.
#[derive(Debug)]
pub struct Draft {
    /// The text of the layout file.
    pub layout: String,
    /// The block of the stage, with its `check:`, as it stands under `stages:`.
    pub stage: String,
    pub rows: u64,
}

/// One file of the source with the sheet that is read.
struct Surveyed {
    shown: String,
    path: PathBuf,
    survey: Survey,
    sheet: SheetRows,
    header: headers::Found,
}

/// What is known of the layout so far.
struct Plan {
    format: Format,
    encoding: Option<String>,
    delimiter: u8,
    /// As in the layout; empty for the first.
    sheet: Option<String>,
    height: usize,
    contains: Vec<String>,
    file_pattern: Option<String>,
    columns: Vec<Drafted>,
    missing: Vec<(String, String)>,
    skips: Vec<(String, String)>,
    remarks: Vec<String>,
}

/// Texts that a column may have beside numbers before it is taken for text.
const MOST_MARKS: usize = 8;

/// Reads the files and drafts. `layout_file` is where the layout would stand.
pub fn draft(source: &Source, sheet: Option<&str>, layout_file: &str) -> Result<Draft, Diagnostic> {
    let files = survey_all(source, sheet)?;
    let mut plan = plan(&files, sheet)?;
    let extracts = settle(&mut plan, &files)?;
    let table = contract::Read::new(&plan.columns, &extracts);
    let key = contract::key(&plan.columns, &table);
    if key.is_none() {
        plan.columns.extend(columns::rows_of_files(&plan.columns));
        plan.remarks.push("no columns identify a row: the key is file and row. Look for what repeats".to_string());
        let extracts = settle(&mut plan, &files)?;
        let table = contract::Read::new(&plan.columns, &extracts);
        let key = columns::ROW_KEY.map(str::to_string).to_vec();
        return Ok(finish(source, &plan, &table, &key, layout_file));
    }
    Ok(finish(source, &plan, &table, &key.unwrap_or_default(), layout_file))
}

fn finish(source: &Source, plan: &Plan, table: &contract::Read, key: &[String], layout_file: &str) -> Draft {
    Draft {
        layout: text(plan, Some(table)),
        stage: contract::stage(&source.name, layout_file, &plan.columns, table, key),
        rows: table.rows as u64,
    }
}

fn survey_all(source: &Source, wanted: Option<&str>) -> Result<Vec<Surveyed>, Diagnostic> {
    let mut files = Vec::new();
    let scratch = scratch()?;
    for (shown, path) in &source.files {
        let mut survey =
            survey::survey(path, shown, scratch.path(), &ParquetColumns).map_err(|error| unreadable(&error))?;
        let names: Vec<&str> = survey.sheets.iter().map(|sheet| sheet.name.as_str()).collect();
        let at = match wanted {
            Some(wanted) => survey.sheets.iter().position(|sheet| sheet.name == wanted),
            None => survey.sheets.iter().position(|sheet| sheet.visible).or(Some(0)),
        };
        let Some(at) = at.filter(|&at| at < survey.sheets.len()) else {
            return Err(Diagnostic::error(format!("`{shown}` has no sheet `{}`", wanted.unwrap_or("(first)")))
                .hint(format!("its sheets: {}", names.join(", "))));
        };
        let sheet = std::mem::replace(
            &mut survey.sheets[at],
            SheetRows { name: String::new(), visible: true, fields: Vec::new(), rows: Vec::new() },
        );
        let header = headers::find(&sheet);
        files.push(Surveyed { shown: shown.clone(), path: path.clone(), survey, sheet, header });
    }
    let Some(first) = files.first() else {
        return Err(Diagnostic::error(format!("source `{}` has no files", source.name)));
    };
    if let Some(other) = files.iter().find(|file| file.survey.format != first.survey.format) {
        let (one, two) = (first.survey.format.name(), other.survey.format.name());
        return Err(Diagnostic::error(format!(
            "`{}` is {one}, `{}` is {two}: one layout cannot read both",
            first.shown, other.shown
        ))
        .hint("make two sources of them".to_string()));
    }
    Ok(files)
}

/// A folder for what is unpacked.
fn scratch() -> Result<TempDir, Diagnostic> {
    tempfile::tempdir().map_err(|error| Diagnostic::error(format!("no temporary folder can be made: {error}")))
}

fn unreadable(error: &ReadError) -> Diagnostic {
    Diagnostic::error(error.to_string()).located(error.place()).hint(error.hint())
}

fn plan(files: &[Surveyed], sheet: Option<&str>) -> Result<Plan, Diagnostic> {
    let first = &files[0];
    let format = first.survey.format;
    let mut remarks = Vec::new();
    let height = files.iter().map(|file| file.header.height).max().unwrap_or(0);
    let encodings: Vec<&String> = files.iter().filter_map(|file| file.survey.encoding.as_ref()).collect();
    let encoding = match encodings.as_slice() {
        [one, rest @ ..] if rest.iter().all(|other| other == one) => Some(one.to_string()),
        [] => None,
        _ => {
            remarks.push("the files have different encodings".to_string());
            Some("detect".to_string())
        }
    };
    for file in files {
        let header = match file.header.first {
            Some(row) if file.header.height == 2 => format!("header in rows {row} and {}, ", row + 1),
            Some(row) => format!("header in row {row}, "),
            None => String::new(),
        };
        let below = file
            .sheet
            .rows
            .iter()
            .filter(|(row, _)| file.header.first.is_none_or(|first| *row >= first + file.header.height as u32));
        let name = if file.sheet.name.is_empty() { String::new() } else { format!("sheet `{}`, ", file.sheet.name) };
        let encoding = file.survey.encoding.as_ref().map_or(String::new(), |encoding| format!(", {encoding}"));
        remarks.push(format!("{}: {name}{header}{} rows below{encoding}", file.shown, below.count()));
        let others: Vec<String> = file
            .survey
            .sheets
            .iter()
            .filter(|sheet| !sheet.rows.is_empty())
            .map(|sheet| {
                format!("`{}` ({} rows{})", sheet.name, sheet.rows.len(), if sheet.visible { "" } else { ", hidden" })
            })
            .collect();
        if !others.is_empty() {
            remarks.push(format!("  other sheets, each for a profile of its own with --sheet: {}", others.join(", ")));
        }
    }
    let mut columns = columns::from_headers(files);
    let (file_pattern, mut all) = columns::from_names(files);
    all.append(&mut columns);
    let mut columns = all;
    if format == Format::Text {
        columns.push(columns::text_body());
    }
    if columns.is_empty() {
        return Err(Diagnostic::error(format!("`{}` has no rows to draft a layout from", first.shown)));
    }
    columns::unique_names(&mut columns);
    let contains = if first.header.first.is_some() { contains(files, &columns) } else { Vec::new() };
    let (missing, skips) = columns::guess(&mut columns, files);
    Ok(Plan {
        format,
        encoding,
        delimiter: first.survey.delimiter,
        sheet: sheet.map(str::to_string),
        height,
        contains,
        file_pattern,
        columns,
        missing,
        skips,
        remarks,
    })
}

/// Words that every header has, so many that no row above a header has them all.
fn contains(files: &[Surveyed], columns: &[Drafted]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for column in columns.iter().filter(|column| !column.optional) {
        let From::Header { name, .. } = &column.from else { continue };
        if words.contains(name) {
            continue;
        }
        words.push(name.clone());
        let header_is_first = |file: &Surveyed| {
            let has_all = |cells: &[(usize, String)]| {
                words.iter().all(|word| cells.iter().any(|(_, text)| survey::compared(text).contains(word.as_str())))
            };
            let first = file.sheet.rows.iter().find(|(_, cells)| has_all(cells)).map(|(row, _)| *row);
            first == file.header.first
        };
        if words.len() >= 2 && files.iter().all(header_is_first) {
            break;
        }
    }
    words
}

/// Reads the files with the layout until they can be read, taking back what does not hold.
fn settle(plan: &mut Plan, files: &[Surveyed]) -> Result<Vec<Extract>, Diagnostic> {
    let scratch = scratch()?;
    // Every failure takes something back, so that this ends.
    loop {
        let text = text(plan, None);
        let problems = Problems::default();
        let layout =
            layout::parse(&StudyFile { shown: "the draft".to_string(), text }, &problems).ok_or_else(|| {
                let first = problems.into_sorted().into_iter().next();
                first.unwrap_or_else(|| Diagnostic::error("the draft is no layout"))
            })?;
        let mut extracts = Vec::new();
        let mut failure = None;
        for file in files {
            match readers::read(&file.path, &file.shown, &layout, scratch.path(), &ParquetColumns) {
                Ok(members) => extracts.extend(members.into_iter().map(|member| member.extract)),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        let Some(error) = failure else { return Ok(extracts) };
        let taken_back = match &error {
            ReadError::Unparsable { column, text, cell, file, .. } => {
                unreadable_text(plan, column, text, &format!("{file} {cell}"))
            }
            ReadError::MissingColumn { column, .. } => {
                let found = plan.columns.iter_mut().find(|one| one.name == *column && !one.optional);
                found.map(|column| column.optional = true).is_some()
            }
            ReadError::AmbiguousColumn { column, .. } => {
                let before = plan.columns.len();
                plan.remarks.push(format!("column `{column}` is left out: {error}"));
                plan.columns.retain(|one| one.name != *column);
                before > plan.columns.len()
            }
            ReadError::Contradiction(Contradiction::Unit { column, remedy: Remedy::OtherColumn, .. }) => {
                let before = plan.columns.len();
                plan.remarks.push(format!("column `{column}` is left out: {error}"));
                plan.columns.retain(|one| one.name != *column);
                before > plan.columns.len()
            }
            ReadError::Contradiction(Contradiction::Unit { column, .. }) => {
                let found = plan.columns.iter_mut().find(|one| one.name == *column && one.unit.is_some());
                found.map(|one| (one.unit = None, one.remarks.push(format!("unit left open: {error}")))).is_some()
            }
            ReadError::ShiftedHeader { upper, .. } => {
                let upper = survey::header_name(upper.split(" / ").next().unwrap_or(upper));
                let before = plan.columns.len();
                plan.remarks.push(format!("columns under `{upper}` are left out: {error}"));
                plan.columns.retain(|one| !matches!(&one.from, From::Header { name, .. } if *name == upper));
                before > plan.columns.len()
            }
            _ => false,
        };
        if !taken_back || plan.columns.is_empty() {
            return Err(unreadable(&error).note("a draft that was tried cannot read it".to_string()));
        }
    }
}

/// A text in a column of numbers: a mark of what is missing, until there are too many.
fn unreadable_text(plan: &mut Plan, column: &str, text: &str, place: &str) -> bool {
    let marks = plan.missing.iter().filter(|(_, why)| why.contains(&format!("`{column}`"))).count();
    let known = plan.missing.iter().any(|(mark, _)| mark == text);
    let Some(drafted) = plan.columns.iter_mut().find(|one| one.name == column) else { return false };
    if known || marks >= MOST_MARKS {
        drafted.remarks.push(format!("text because of `{text}` and others"));
        let changed = drafted.kind != "text";
        drafted.kind = "text";
        return changed;
    }
    plan.missing.push((text.to_string(), format!("in `{column}`, first at {place}; if it is a misprint, mend it")));
    true
}

/// The layout as YAML, with comments once the table is known.
fn text(plan: &Plan, table: Option<&contract::Read>) -> String {
    let quoted = |text: &str| serde_json::Value::String(text.to_string()).to_string();
    let mut lines = Vec::new();
    if let Some(table) = table {
        lines
            .push("# Drafted by `restudy profile` from the files; every comment is a guess to be checked.".to_string());
        lines.extend(plan.remarks.iter().map(|remark| format!("# {remark}")));
        lines.push(format!("# Rows that this layout takes: {}.", table.rows));
    }
    lines.push(format!("format: {}", plan.format.name()));
    lines.extend(plan.sheet.iter().map(|sheet| format!("sheets: {}", quoted(sheet))));
    lines.extend(plan.encoding.iter().map(|encoding| format!("encoding: {encoding}")));
    if plan.format == Format::Csv && plan.delimiter != b',' {
        let delimiter =
            if plan.delimiter == b'\t' { "tab".to_string() } else { quoted(&char::from(plan.delimiter).to_string()) };
        lines.push(format!("delimiter: {delimiter}"));
    }
    if !plan.contains.is_empty() {
        let words: Vec<String> = plan.contains.iter().map(|word| quoted(word)).collect();
        lines.push(format!("header: {{contains: [{}], rows: {}}}", words.join(", "), plan.height));
    }
    lines.extend(plan.file_pattern.iter().map(|pattern| format!("file: {}", quoted(pattern))));
    if !plan.missing.is_empty() {
        lines.push("missing:".to_string());
        lines.extend(plan.missing.iter().map(|(mark, why)| format!("  - {}  # {why}", quoted(mark))));
    }
    let skips: Vec<&(String, String)> = plan
        .skips
        .iter()
        .filter(|(rule, _)| plan.columns.iter().any(|column| rule.contains(&quoted(&column.name))))
        .collect();
    if !skips.is_empty() {
        lines.push("skip:".to_string());
        lines.extend(skips.iter().map(|(rule, why)| format!("  - {rule}  # {why}")));
    }
    lines.push("columns:".to_string());
    for column in &plan.columns {
        let comment = table.map_or(String::new(), |table| format!("  # {}", table.about(column)));
        lines.push(format!("  {}: {}{comment}", quoted(&column.name), column.rule(&quoted)));
    }
    lines.push(String::new());
    lines.join("\n")
}
