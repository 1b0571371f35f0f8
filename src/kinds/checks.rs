//! The `check:` option: rules a table must keep, each an error or a warning. The rules themselves are in `tables::check`.

use crate::convert;
use engine::diagnostic::{Diagnostic, Severity};
use engine::kind::{StageError, TableSchema};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use engine::yaml::Node;
use engine::yaml::fields::{Fields, Located};
use std::path::Path;
use tables::check::Rule;

/// The checks of one stage, in order.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

#[derive(Debug)]
struct Check {
    rule: Rule,
    severity: Severity,
    message: Option<String>,
    place: engine::diagnostic::Place,
}

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
        for (index, Check { rule, severity, message, place: _ }) in self.0.iter().enumerate() {
            manifest.text(&format!("check[{index}].rule"), &format!("{rule:?}"));
            manifest.text(&format!("check[{index}].severity"), &format!("{severity:?}"));
            manifest.maybe(&format!("check[{index}].message"), message.as_deref());
        }
    }

    /// Columns that the checks name and the table does not have.
    pub fn resolve(&self, schema: &TableSchema, table: &str) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for check in &self.0 {
            for column in columns(&check.rule) {
                problems.extend(
                    convert::missing_column(schema, table, column).map(|problem| problem.at(check.place.clone())),
                );
            }
        }
        problems
    }

    /// Checks the table. Broken rules of severity error are the `Err`, all of them.
    pub fn run(&self, stage: &str, path: &Path, key: &[String]) -> Result<Vec<Warning>, StageError> {
        let mut warnings = Vec::new();
        let mut errors = Vec::new();
        for check in &self.0 {
            let found = match tables::check::check(path, key, &check.rule) {
                Ok(found) => found,
                Err(error) => {
                    errors.push(
                        Diagnostic::error(format!("a check of `{stage}` cannot be made: {error}"))
                            .at(check.place.clone())
                            .hint(error.hint()),
                    );
                    continue;
                }
            };
            let Some(finding) = found else { continue };
            let message = match &check.message {
                Some(message) => format!("{message} ({})", finding.message),
                None => finding.message.clone(),
            };
            let rows = finding.rows.as_ref().map(|rows| tables::render::text(rows, Some(100)));
            match check.severity {
                Severity::Warning => warnings.push(Warning {
                    stage: stage.to_string(),
                    severity: Severity::Warning,
                    message,
                    details: rows.iter().flat_map(|rows| rows.lines().map(str::to_string)).collect(),
                }),
                Severity::Error => {
                    let mut diagnostic = Diagnostic::error(format!("table `{stage}` breaks a check: {message}"))
                        .at(check.place.clone())
                        .hint("mend the data or the stage, or make the check `severity: warning`".to_string());
                    diagnostic.notes.extend(rows);
                    errors.push(diagnostic);
                }
            }
        }
        if errors.is_empty() { Ok(warnings) } else { Err(StageError::Wrong(errors)) }
    }
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
    let rule = parse_rule(spec, &fields);
    if rule.is_none()
        && fields.entries().iter().all(|entry| matches!(entry.key.as_str(), "severity" | "message" | "column" | "by"))
    {
        fields.complain(
            item,
            "this check has no rule; give one of not_null, min, max, one_of, break, none, balanced, rows, unique",
        );
    }
    fields.finish();
    Some(Check { rule: rule?, severity: severity.unwrap_or(Severity::Error), message, place })
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
