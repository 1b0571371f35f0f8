//! Layout files (`stages/ingest/*.yaml`) into the readers' `Layout`. Opens no data file.

use engine::diagnostic::Diagnostic;
use engine::manifest::Manifest;
use engine::spec::StudyFile;
use engine::yaml::fields::{Fields, Problems};
use engine::yaml::{self, Document, Entry, Span, Value};
use readers::layout::{
    ColumnRule, ColumnSource, Encoding, Format, HeaderRule, Layout, ScaleRule, SheetChoice, SkipRule, ValueKind,
};

/// Reads and checks a layout; mistakes go to `problems`, with their place in the layout file.
pub fn parse(file: &StudyFile, problems: &Problems) -> Option<Layout> {
    let document = match yaml::parse(&file.shown, &file.text) {
        Ok(document) => document,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    problems.extend(document.duplicates.iter().cloned());
    let before = problems.len();
    let layout = read(&document, problems)?;
    if problems.len() > before {
        return None;
    }
    if let Err(error) = readers::layout::check(&layout) {
        problems.push(Diagnostic::error(error.to_string()).at(document.place(span_of(&document, &error.path()))));
        return None;
    }
    Some(layout)
}

/// Where the last of these nested keys stands; where the last one that is there does, if one is left out.
fn span_of(document: &Document, path: &[&str]) -> Span {
    let (mut node, mut span) = (&document.root, document.root.span);
    for key in path {
        let Value::Map(entries) = &node.value else { break };
        let Some(entry) = entries.iter().find(|entry| entry.key == *key) else { break };
        (node, span) = (&entry.node, entry.key_span);
    }
    span
}

/// Everything in a layout can change what is read.
pub fn describe(layout: &Layout, manifest: &mut dyn Manifest) {
    let Layout { format, sheets, header, columns, skip, missing, encoding, delimiter, file_pattern, members } =
        layout;
    manifest.text("layout.format", format.name());
    manifest.text("layout.sheets", &format!("{sheets:?}"));
    manifest.text("layout.header", &format!("{header:?}"));
    manifest.int("layout.columns.len", columns.len() as i64);
    for ColumnRule { name, source, kind, optional, scale, add } in columns {
        manifest.text(&format!("layout.columns.{name}.source"), &format!("{source:?}"));
        manifest.text(&format!("layout.columns.{name}.type"), kind.name());
        manifest.flag(&format!("layout.columns.{name}.optional"), *optional);
        manifest.text(&format!("layout.columns.{name}.scale"), &format!("{scale:?}"));
        manifest.text(&format!("layout.columns.{name}.add"), &format!("{add:?}"));
    }
    manifest.text("layout.skip", &format!("{skip:?}"));
    manifest.list("layout.missing", missing);
    manifest.text("layout.encoding", &format!("{encoding:?}"));
    manifest.int("layout.delimiter", i64::from(*delimiter));
    manifest.maybe("layout.file", file_pattern.as_deref());
    manifest.list("layout.members", members);
}

const FORMATS: &[(&str, Format)] = &[
    ("csv", Format::Csv),
    ("dta", Format::Dta),
    ("jsonl", Format::Jsonl),
    ("parquet", Format::Parquet),
    ("spreadsheet", Format::Spreadsheet),
    ("text", Format::Text),
];

const TYPES: &[(&str, ValueKind)] = &[
    ("bool", ValueKind::Bool),
    ("date", ValueKind::Date),
    ("float", ValueKind::Float),
    ("int", ValueKind::Int),
    ("text", ValueKind::Text),
];

fn read(document: &Document, problems: &Problems) -> Option<Layout> {
    let fields = Fields::new(document, &document.root, "this layout", problems);
    fields.required("format");
    let format = fields.choice("format", FORMATS);
    let layout = Layout {
        format: format.unwrap_or(Format::Csv),
        sheets: sheets(&fields),
        header: header(&fields, format),
        columns: columns(&fields),
        skip: skips(&fields),
        missing: fields.texts("missing").unwrap_or_default().into_iter().map(|text| text.value).collect(),
        encoding: encoding(&fields),
        delimiter: delimiter(&fields),
        file_pattern: fields.text("file").map(|pattern| pattern.value),
        members: fields.texts("members").unwrap_or_default().into_iter().map(|text| text.value).collect(),
    };
    fields.finish();
    format.map(|_| layout)
}

fn sheets(fields: &Fields) -> SheetChoice {
    match fields.texts("sheets") {
        None => SheetChoice::First,
        Some(names) if names.len() == 1 && names[0].value == "first" => SheetChoice::First,
        Some(names) => SheetChoice::Names(names.into_iter().map(|name| name.value).collect()),
    }
}

fn header(fields: &Fields, format: Option<Format>) -> HeaderRule {
    let default = match format {
        Some(Format::Csv | Format::Spreadsheet) => HeaderRule::Found { contains: Vec::new(), rows: 1 },
        _ => HeaderRule::None,
    };
    let Some(node) = fields.node("header") else { return default };
    if node.value.scalar_text().as_deref() == Some("none") {
        return HeaderRule::None;
    }
    let header = fields.at(node, "`header`");
    let contains = header.texts("contains").unwrap_or_default().into_iter().map(|text| text.value).collect();
    let rows = header.int("rows").unwrap_or(1);
    if !(1..=2).contains(&rows) {
        header.complain(node, format!("a header has 1 or 2 rows, not {rows}"));
    }
    header.finish();
    HeaderRule::Found { contains, rows: rows.clamp(1, 2) as usize }
}

fn encoding(fields: &Fields) -> Encoding {
    match fields.text("encoding") {
        None => Encoding::Utf8,
        Some(label) => match label.value.to_lowercase().as_str() {
            "utf-8" | "utf8" => Encoding::Utf8,
            "detect" => Encoding::Detect,
            _ => Encoding::Named(label.value),
        },
    }
}

fn delimiter(fields: &Fields) -> u8 {
    let Some(text) = fields.text("delimiter") else { return b',' };
    match text.value.as_str() {
        "tab" | "\\t" | "\t" => b'\t',
        one if one.len() == 1 => one.as_bytes()[0],
        other => {
            fields.problems().push(
                Diagnostic::error(format!("`delimiter` must be one ASCII character or `tab`, not `{other}`"))
                    .at(text.place),
            );
            b','
        }
    }
}

fn skips(fields: &Fields) -> Vec<SkipRule> {
    let mut rules = Vec::new();
    for item in fields.node("skip").and_then(|_| fields.list("skip")).unwrap_or_default() {
        if item.value.scalar_text().as_deref() == Some("blank") {
            rules.push(SkipRule::Blank);
            continue;
        }
        let rule = fields.at(item, "this skip rule");
        match (rule.text("null"), rule.text("column"), rule.text("matches")) {
            (Some(column), None, None) => rules.push(SkipRule::Null { column: column.value }),
            (None, Some(column), Some(pattern)) => {
                rules.push(SkipRule::Matches { column: column.value, pattern: pattern.value })
            }
            _ => rule.complain(item, "a skip rule is `{null: column}`, `{column: …, matches: …}` or `blank`"),
        }
        rule.finish();
    }
    rules
}

fn columns(fields: &Fields) -> Vec<ColumnRule> {
    fields.required("columns");
    fields.map("columns").unwrap_or_default().iter().filter_map(|entry| column(fields, entry)).collect()
}

fn column(fields: &Fields, entry: &Entry) -> Option<ColumnRule> {
    let rule = fields.at(&entry.node, format!("column `{}`", entry.key));
    let source = source(&rule);
    rule.required("type");
    let kind = rule.choice("type", TYPES);
    // The unit the column ends up in: for readers of the layout and the catalogue of measures; conversion is by `scale`.
    rule.text("unit");
    let optional = rule.bool("optional").unwrap_or(false);
    let add = rule.int("add");
    let mut scale = Vec::new();
    for item in rule.node("scale").and_then(|_| rule.list("scale")).unwrap_or_default() {
        let one = rule.at(item, "this scale");
        let by = one.required_text("by");
        let factor = one.required("factor").and_then(|_| one.float("factor"));
        let (from, to) = (one.int("from"), one.int("to"));
        one.finish();
        scale.extend(by.zip(factor).map(|(by, factor)| ScaleRule { from, to, by: by.value, factor }));
    }
    rule.finish();
    Some(ColumnRule { name: entry.key.clone(), source: source?, kind: kind?, optional, scale, add })
}

fn source(rule: &Fields) -> Option<ColumnSource> {
    let mut found: Vec<ColumnSource> = Vec::new();
    let (sub, nth) = (rule.text("sub"), rule.int("nth"));
    if let Some(names) = rule.texts("header") {
        found.push(ColumnSource::Header {
            any_of: names.into_iter().map(|name| name.value).collect(),
            sub: sub.map(|sub| sub.value),
            nth: nth.unwrap_or(0).max(0) as usize,
        });
    }
    found.extend(rule.text("file").map(|group| ColumnSource::File(group.value)));
    found.extend(rule.text("field").map(|name| ColumnSource::Field(name.value)));
    found.extend(rule.text("constant").map(|text| ColumnSource::Constant(text.value)));
    found.extend(rule.int("position").map(|place| ColumnSource::Position(place.max(0) as usize)));
    for (key, source) in [
        ("sheet_name", ColumnSource::SheetName),
        ("text_body", ColumnSource::TextBody),
        ("row_number", ColumnSource::RowNumber),
    ] {
        if let Some(node) = rule.node(key) {
            match node.value {
                Value::Bool(true) => found.push(source),
                _ => rule.complain(node, format!("`{key}` can only be `true`")),
            }
        }
    }
    if found.len() != 1 {
        rule.complain(
            rule.self_node(),
            format!(
                "{} needs exactly one of header, field, file, sheet_name, position, constant, text_body, row_number",
                rule.what()
            ),
        );
    }
    found.into_iter().next()
}
