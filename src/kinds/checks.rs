//! The `check:` option: rules a table must keep, each an error or a warning. Rules over single values are in `tables::check`, those that
//! compare values with each other in a file each below. To add one: a file, its `mod` line, and a line of `ALL`.

mod coverage;
mod denominator;
mod edition;
mod filled;
mod jump;
mod other;
pub mod places;
mod rule;
mod same_as;
mod series;
mod sums_to;
mod total_row;
mod unit_break;

use crate::convert;
use engine::diagnostic::{Diagnostic, Severity};
use engine::kind::{Input, InputTable, Schemas, StageError, TableSchema};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use engine::yaml::Node;
use engine::yaml::fields::{Fields, Located};
use places::Places;
use rule::{By, Family, Subject};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;
use tables::check::Rule;
use tables::columns::Table;

/// Every family of rules that compare values, alphabetically.
static ALL: &[Family] = &[
    coverage::FAMILY,
    denominator::FAMILY,
    edition::FAMILY,
    filled::FAMILY,
    jump::JUMP,
    jump::SPIKE,
    same_as::FAMILY,
    sums_to::FAMILY,
    total_row::FAMILY,
    unit_break::FAMILY,
];

/// The checks of one stage, in order.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

#[derive(Debug)]
struct Check {
    body: Body,
    severity: Severity,
    message: Option<String>,
    place: engine::diagnostic::Place,
}

#[derive(Debug)]
enum Body {
    Plain(Rule),
    Compared(Box<dyn rule::Rule>),
}

/// The table that is checked and what is known around it.
pub struct Checked<'a> {
    pub path: &'a Path,
    pub key: &'a [String],
    /// The table `.cells` of an ingest stage.
    pub cells: Option<&'a Path>,
    /// Tables that rules may name.
    pub others: &'a BTreeMap<String, InputTable>,
}

impl<'a> Checked<'a> {
    /// A table that stands alone.
    pub fn plain(path: &'a Path, key: &'a [String]) -> Checked<'a> {
        static NONE: BTreeMap<String, InputTable> = BTreeMap::new();
        Checked { path, key, cells: None, others: &NONE }
    }
}

/// A broken rule, in words.
struct Broken {
    message: String,
    /// Rows, cells and their places, one per line.
    details: Vec<String>,
}

/// Places of cells that a finding lists.
const PLACES: usize = 5;

impl Checks {
    /// Reads the option `check`; mistakes go to the problems of the spec.
    pub fn parse(spec: &Spec) -> Checks {
        let items = spec.fields.node("check").map(|_| spec.fields.list("check").unwrap_or_default());
        Checks(items.unwrap_or_default().iter().filter_map(|item| parse_check(spec, item)).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn describe(&self, manifest: &mut dyn Manifest) {
        for (index, Check { body, severity, message, place: _ }) in self.0.iter().enumerate() {
            let rule = match body {
                Body::Plain(rule) => format!("{rule:?}"),
                Body::Compared(rule) => format!("{rule:?}"),
            };
            manifest.text(&format!("check[{index}].rule"), &rule);
            manifest.text(&format!("check[{index}].severity"), &format!("{severity:?}"));
            manifest.maybe(&format!("check[{index}].message"), message.as_deref());
        }
    }

    /// The other tables that rules name; only a stage that declares them as inputs may have such rules.
    pub fn inputs(&self) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        for check in &self.0 {
            let Some((name, _)) = check.other() else { continue };
            if !inputs.iter().any(|known| matches!(known, Input::Table { name: one, .. } if one == name)) {
                inputs.push(Input::Table { name: name.to_string(), place: Some(check.place.clone()) });
            }
        }
        inputs
    }

    /// Columns that the checks name and the table does not have, and rules that this stage cannot keep.
    pub fn resolve(&self, schema: &TableSchema, table: &str, others: Option<&Schemas>) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for check in &self.0 {
            let here = |problem: Diagnostic| problem.at(check.place.clone());
            let missing = |schema: &TableSchema, table: &str, columns: &[String]| {
                let found = columns.iter().filter_map(|column| convert::missing_column(schema, table, column));
                found.map(here).collect::<Vec<_>>()
            };
            let rule = match &check.body {
                Body::Plain(rule) => {
                    let columns: Vec<String> = columns(rule).into_iter().cloned().collect();
                    problems.extend(missing(schema, table, &columns));
                    continue;
                }
                Body::Compared(rule) => rule,
            };
            problems.extend(missing(schema, table, &rule.columns()));
            if let Some(By(None)) = rule.by()
                && schema.key.len() != 2
            {
                let key = schema.key.join(", ");
                let wrong = format!("the key [{key}] of `{table}` is not a unit and a time");
                problems.push(here(
                    Diagnostic::error(wrong).hint("say which they are with `by: [unit, time]`".to_string()),
                ));
            }
            match (rule.other(), others) {
                (Some((name, columns)), Some(schemas)) => {
                    problems
                        .extend(schemas.get(name).map(|schema| missing(schema, name, &columns)).unwrap_or_default());
                }
                (Some((name, _)), None) => {
                    let wrong = format!("a check of `{table}` cannot read another table, here `{name}`");
                    let next =
                        format!("write the rule in a stage of its own: {{kind: check, from: {table}, check: […]}}");
                    problems.push(here(Diagnostic::error(wrong).hint(next)));
                }
                (None, _) => {}
            }
        }
        problems
    }

    /// Checks the table. Broken rules of severity error are the `Err`, all of them.
    pub fn run(&self, stage: &str, checked: &Checked) -> Result<Vec<Warning>, StageError> {
        let mut warnings = Vec::new();
        let mut errors = Vec::new();
        let read_places: OnceCell<Option<Result<Places, String>>> = OnceCell::new();
        let places = || {
            let read = || checked.cells.map(|path| Places::read(path, checked.key));
            read_places.get_or_init(read).as_ref()?.as_ref().ok()
        };
        let mut table: Option<Result<Table, String>> = None;
        for check in &self.0 {
            let found = match &check.body {
                Body::Plain(rule) => tables::check::check(checked.path, checked.key, rule)
                    .map(|found| found.map(|found| plain(rule, &found, places())))
                    .map_err(|error| (error.to_string(), error.hint())),
                Body::Compared(rule) => {
                    let read = || tables::read::read(checked.path, None).map_err(|error| error.to_string());
                    match table.get_or_insert_with(read) {
                        Ok(table) => {
                            compared(rule.as_ref(), table, checked).map_err(|error| (error, None)).map(|found| {
                                found.map(|found| Broken {
                                    details: cell_lines(&found, table, checked.key, places()),
                                    message: found.message,
                                })
                            })
                        }
                        Err(error) => Err((error.clone(), None)),
                    }
                }
            };
            let broken = match found {
                Ok(Some(broken)) => broken,
                Ok(None) => continue,
                Err((error, hint)) => {
                    errors.push(
                        Diagnostic::error(format!("a check of `{stage}` cannot be made: {error}"))
                            .at(check.place.clone())
                            .hint(hint),
                    );
                    continue;
                }
            };
            let message = match &check.message {
                Some(message) => format!("{message} ({})", broken.message),
                None => broken.message,
            };
            match check.severity {
                Severity::Warning => warnings.push(Warning {
                    stage: stage.to_string(),
                    severity: Severity::Warning,
                    message,
                    details: broken.details,
                }),
                Severity::Error => {
                    let mut diagnostic = Diagnostic::error(format!("table `{stage}` breaks a check: {message}"))
                        .at(check.place.clone())
                        .hint("mend the data or the stage, or make the check `severity: warning`".to_string());
                    diagnostic.notes.extend((!broken.details.is_empty()).then(|| broken.details.join("\n")));
                    errors.push(diagnostic);
                }
            }
        }
        if let Some(Some(Err(error))) = read_places.get() {
            errors.push(Diagnostic::error(format!("the cells of `{stage}` cannot be named: {error}")));
        }
        if errors.is_empty() { Ok(warnings) } else { Err(StageError::Wrong(errors)) }
    }
}

impl Check {
    fn other(&self) -> Option<(&str, Vec<String>)> {
        match &self.body {
            Body::Plain(_) => None,
            Body::Compared(rule) => rule.other(),
        }
    }
}

fn plain(rule: &Rule, found: &tables::check::Finding, places: Option<&Places>) -> Broken {
    let mut details = Vec::new();
    if let Some(rows) = &found.rows {
        details.extend(tables::render::text(rows, Some(100)).lines().map(str::to_string));
        // A condition has no one column: the row is all there is to say.
        let column = columns(rule).first().map_or("", |column| column.as_str()).to_string();
        let lines = (0..rows.rows().min(PLACES)).filter_map(|row| places?.of(rows, row, &column));
        details.extend(lines.map(|place| place.text()));
    }
    Broken { message: found.message.clone(), details }
}

fn compared(rule: &dyn rule::Rule, table: &Table, checked: &Checked) -> Result<Option<rule::Finding>, String> {
    let other = match rule.other() {
        Some((name, _)) => {
            let other = checked.others.get(name).ok_or_else(|| format!("`{name}` was not given"))?;
            Some(tables::read::read(&other.path, None).map_err(|error| format!("`{name}`: {error}"))?)
        }
        None => None,
    };
    rule.find(&Subject { table, key: checked.key, other: other.as_ref() })
}

/// One line per cell: its row, what is remarkable, and where it stands.
fn cell_lines(found: &rule::Finding, table: &Table, key: &[String], places: Option<&Places>) -> Vec<String> {
    let line = |cell: &rule::Cell| {
        let row = table.row_text(key, cell.row);
        let place = places.and_then(|places| places.of(table, cell.row, &cell.column));
        let place = place.map_or(String::new(), |place| format!(" ({})", place.text()));
        format!("{row} `{}`: {}{place}", cell.column, cell.remark)
    };
    let mut lines: Vec<String> = found.cells.iter().take(PLACES).map(line).collect();
    let shown = found.cells.len().min(PLACES);
    if found.count > shown {
        lines.push(format!("… and {} more", found.count - shown));
    }
    lines
}

fn columns(rule: &Rule) -> Vec<&String> {
    match rule {
        Rule::NotNull { column, .. } | Rule::Range { column, .. } | Rule::OneOf { column, .. } => vec![column],
        Rule::Balanced { unit, time } => vec![unit, time],
        Rule::Break { column, unit, time, .. } => vec![column, unit, time],
        Rule::Unique { columns } => columns.iter().collect(),
        Rule::None { .. } | Rule::Rows { .. } => Vec::new(),
    }
}

fn parse_check(spec: &Spec, item: &Node) -> Option<Check> {
    let fields = spec.fields.at(item, "this check");
    let place = spec.fields.document().place(item.span);
    let severity = fields.choice("severity", &[("error", Severity::Error), ("warning", Severity::Warning)]);
    let message = fields.text("message").map(|message| spec.substitute(&message));
    let families: Vec<&Family> = ALL.iter().filter(|family| item.get(family.name).is_some()).collect();
    let body = match families.as_slice() {
        [] => parse_rule(spec, &fields).map(Body::Plain),
        [family] => (family.parse)(spec, &fields).map(Body::Compared),
        _ => {
            fields.complain(item, "one check has one rule; write a second item for the second rule");
            fields.allow(&ALL.iter().map(|family| family.name).collect::<Vec<_>>());
            return None;
        }
    };
    if body.is_none()
        && fields.entries().iter().all(|entry| matches!(entry.key.as_str(), "severity" | "message" | "column" | "by"))
    {
        let families: Vec<&str> = ALL.iter().map(|family| family.name).collect();
        let plain = "not_null, min, max, one_of, break, none, balanced, rows, unique";
        fields.complain(item, format!("this check has no rule; give one of {plain}, {}", families.join(", ")));
    }
    fields.finish();
    Some(Check { body: body?, severity: severity.unwrap_or(Severity::Error), message, place })
}

fn parse_rule(spec: &Spec, fields: &Fields) -> Option<Rule> {
    let mut rules: Vec<Option<Rule>> = Vec::new();
    let column = |fields: &Fields| fields.required_text("column").map(|column| spec.substitute(&column));
    let pair = |names: Option<Vec<Located<String>>>, what: &str| match names.as_deref() {
        Some([unit, time]) if unit.value != time.value => Some((unit.value.clone(), time.value.clone())),
        _ => {
            fields.complain(
                fields.self_node(),
                format!("`{what}` needs two columns, the unit and the time, as in [city, year]"),
            );
            None
        }
    };
    fields.node("column");
    if fields.node("not_null").is_some() {
        let share = fields.float("not_null");
        if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            fields.complain(fields.self_node(), "`not_null` is a share between 0 and 1");
        }
        rules.push(share.zip(column(fields)).map(|(share, column)| Rule::NotNull { column, share }));
    }
    if fields.node("min").is_some() | fields.node("max").is_some() {
        let (min, max) = (fields.float("min"), fields.float("max"));
        rules.push(column(fields).map(|column| Rule::Range { column, min, max }));
    }
    if fields.node("one_of").is_some() {
        let values = fields.texts("one_of").unwrap_or_default();
        let values = values.iter().map(|value| spec.substitute(value)).collect();
        rules.push(column(fields).map(|column| Rule::OneOf { column, values }));
    }
    if fields.node("break").is_some() {
        let by = pair(fields.texts("by"), "by");
        let factor = fields.float("break").filter(|factor| *factor > 1.0);
        if factor.is_none() {
            fields.complain(fields.self_node(), "`break` needs the factor from which a jump counts, above 1");
        }
        rules.push(column(fields).zip(by).zip(factor).map(|((column, (unit, time)), factor)| Rule::Break {
            column,
            unit,
            time,
            factor,
        }));
    }
    if fields.node("none").is_some() {
        rules.push(fields.text("none").map(|predicate| Rule::None { predicate: spec.substitute(&predicate) }));
    }
    if fields.node("balanced").is_some() {
        rules.push(pair(fields.texts("balanced"), "balanced").map(|(unit, time)| Rule::Balanced { unit, time }));
    }
    if let Some(rows) = fields.fields("rows", "`rows`") {
        let bound = |key: &str| {
            rows.text(key).and_then(|text| {
                let value = spec.substitute(&text).trim().parse::<u64>();
                if value.is_err() {
                    rows.complain(rows.self_node(), format!("`{key}` must be a number of rows, not `{}`", text.value));
                }
                value.ok()
            })
        };
        let (min, max) = (bound("min"), bound("max"));
        rows.finish();
        rules.push(Some(Rule::Rows { min, max }));
    }
    if fields.node("unique").is_some() {
        let columns = fields.texts("unique").unwrap_or_default();
        let columns = columns.iter().map(|column| spec.substitute(column)).collect();
        rules.push(Some(Rule::Unique { columns }));
    }
    if rules.len() > 1 {
        fields.complain(fields.self_node(), "one check has one rule; write a second item for the second rule");
    }
    rules.into_iter().next().flatten()
}
