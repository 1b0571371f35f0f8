//! Layout files (`stages/ingest/*.yaml`) into the readers' `Layout`. Opens no data file.

use engine::diagnostic::Diagnostic;
use engine::manifest::Manifest;
use engine::spec::StudyFile;
use engine::yaml::fields::{Fields, Problems};
use engine::yaml::{self, Document, Entry, Span, Value};
use readers::layout::{
    ColumnRule, ColumnSource, Encoding, Format, HeaderRule, Layout, MAX_HEADER_ROWS, PrintedRule, ScaleRule,
    SheetChoice, SkipRule, ValueKind,
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
    let Layout {
        format,
        sheets,
        sheet_pattern,
        header,
        header_below,
        columns,
        skip,
        missing,
        encoding,
        delimiter,
        file_pattern,
        keeps_totals,
        members,
    } = layout;
    manifest.text("layout.format", format.name());
    manifest.text("layout.sheets", &format!("{sheets:?}"));
    manifest.maybe("layout.sheet", sheet_pattern.as_deref());
    manifest.text("layout.header", &format!("{header:?}"));
    manifest.maybe("layout.header.below", header_below.as_deref());
    manifest.int("layout.columns.len", columns.len() as i64);
    for rule in columns {
        let ColumnRule { name, source, kind, optional, unit, printed, scale, add, fills_down, title_says } = rule;
        manifest.text(&format!("layout.columns.{name}.source"), &format!("{source:?}"));
        manifest.text(&format!("layout.columns.{name}.type"), kind.name());
        manifest.flag(&format!("layout.columns.{name}.optional"), *optional);
        manifest.maybe(&format!("layout.columns.{name}.unit"), unit.as_deref());
        manifest.text(&format!("layout.columns.{name}.printed"), &format!("{printed:?}"));
        manifest.text(&format!("layout.columns.{name}.scale"), &format!("{scale:?}"));
        manifest.text(&format!("layout.columns.{name}.add"), &format!("{add:?}"));
        manifest.flag(&format!("layout.columns.{name}.fill"), *fills_down);
        manifest.maybe(&format!("layout.columns.{name}.title_says"), title_says.as_deref());
    }
    manifest.text("layout.skip", &format!("{skip:?}"));
    manifest.list("layout.missing", missing);
    manifest.text("layout.encoding", &format!("{encoding:?}"));
    manifest.int("layout.delimiter", i64::from(*delimiter));
    manifest.maybe("layout.file", file_pattern.as_deref());
    manifest.flag("layout.totals", *keeps_totals);
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
    let (header, header_below) = header(&fields, format);
    let layout = Layout {
        format: format.unwrap_or(Format::Csv),
        sheets: sheets(&fields),
        sheet_pattern: fields.text("sheet").map(|pattern| pattern.value),
        header,
        header_below,
        columns: columns(&fields),
        skip: skips(&fields),
        missing: fields.texts("missing").unwrap_or_default().into_iter().map(|text| text.value).collect(),
        encoding: encoding(&fields),
        delimiter: delimiter(&fields),
        file_pattern: fields.text("file").map(|pattern| pattern.value),
        keeps_totals: fields.choice("totals", &[("keep", true), ("refuse", false)]).unwrap_or(false),
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

/// How the header is found, and the text below which it is looked for.
fn header(fields: &Fields, format: Option<Format>) -> (HeaderRule, Option<String>) {
    let default = match format {
        Some(Format::Csv | Format::Spreadsheet) => HeaderRule::Found { contains: Vec::new(), rows: 1 },
        _ => HeaderRule::None,
    };
    let Some(node) = fields.node("header") else { return (default, None) };
    if node.value.scalar_text().as_deref() == Some("none") {
        return (HeaderRule::None, None);
    }
    let header = fields.at(node, "`header`");
    let contains = header.texts("contains").unwrap_or_default().into_iter().map(|text| text.value).collect();
    let rows = header.int("rows").unwrap_or(1);
    let most = MAX_HEADER_ROWS as i64;
    if !(1..=most).contains(&rows) {
        header.complain(node, format!("a header has 1 to {most} rows, not {rows}"));
    }
    let below = header.text("below").map(|text| text.value);
    header.finish();
    (HeaderRule::Found { contains, rows: rows.clamp(1, most) as usize }, below)
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
        let (null, only, rest) = (rule.text("null"), rule.text("only"), rule.bool("rest"));
        match (null, only, rule.text("column"), rule.text("matches"), rest) {
            (Some(column), None, None, None, None) => rules.push(SkipRule::Null { column: column.value }),
            (None, Some(column), None, None, None) => rules.push(SkipRule::Only { column: column.value }),
            (None, None, Some(column), Some(pattern), rest) => {
                let (column, pattern) = (column.value, pattern.value);
                rules.push(match rest {
                    Some(true) => SkipRule::From { column, pattern },
                    _ => SkipRule::Matches { column, pattern },
                })
            }
            _ => rule.complain(
                item,
                "a skip rule is `{null: column}`, `{only: column}`, `{column: …, matches: …}`, the same with `rest: true`, or `blank`",
            ),
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
    let unit = rule.text("unit").map(|unit| unit.value);
    let printed = printed(&rule);
    let fills_down = rule.choice("fill", &[("down", true)]).unwrap_or(false);
    let title_says = rule.text("title_says").map(|pattern| pattern.value);
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
    let (name, source, kind) = (entry.key.clone(), source?, kind?);
    Some(ColumnRule { name, source, kind, optional, unit, printed, scale, add, fills_down, title_says })
}

/// One unit for all files, or one per span of a group.
fn printed(rule: &Fields) -> Vec<PrintedRule> {
    let Some(node) = rule.node("printed") else { return Vec::new() };
    if let Some(unit) = node.value.scalar_text() {
        return vec![PrintedRule { by: None, from: None, to: None, unit, header: None }];
    }
    let mut printed = Vec::new();
    for item in rule.list("printed").unwrap_or_default() {
        let one = rule.at(item, "this printed unit");
        let unit = one.required_text("unit");
        let (by, from, to) = (one.text("by").map(|by| by.value), one.int("from"), one.int("to"));
        if by.is_none() && (from.is_some() || to.is_some()) {
            one.complain(item, "`from` and `to` need `by`, the group of `file` or `sheet` they speak of");
        }
        let header = one.text("header").map(|unit| unit.value);
        one.finish();
        printed.extend(unit.map(|unit| PrintedRule { by, from, to, unit: unit.value, header }));
    }
    printed
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
    found.extend(rule.text("sheet").map(|group| ColumnSource::Sheet(group.value)));
    found.extend(rule.text("title").map(|pattern| ColumnSource::Title(pattern.value)));
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
                "{} needs exactly one of header, field, file, sheet, title, position, constant, sheet_name, row_number, text_body",
                rule.what()
            ),
        );
    }
    found.into_iter().next()
}
