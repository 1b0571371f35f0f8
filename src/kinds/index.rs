//! `kind: index`: several indicators into one score per row, with the weights. The methods are in `stats::measures`.
//! Makes `<stage>` (key, `score`, `reason`) and `<stage>.weights`.

use crate::checks::{Checked, Checks};
use crate::convert;
use engine::diagnostic::{Diagnostic, Place, Severity};
use engine::kind::{
    Input, Lineage, Origin, Outputs, ReadSet, Resolved, RunContext, Schemas, Stage, StageError, StageKind, TableSchema,
};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use stats::measures::entropy_index::{self, IndexOptions, Indicator, Method, Sign, Weight};
use std::collections::BTreeMap;
use tables::columns::{Column, Table, Values};

pub struct Index;

pub(crate) struct IndexStage {
    name: String,
    table: String,
    method: Method,
    shift: f64,
    indicators: Vec<(String, Sign, Place)>,
    key: Vec<String>,
    key_place: Place,
    checks: Checks,
    inputs: Vec<Input>,
}

const METHODS: &[(&str, Method)] = &[
    ("critic", Method::Critic),
    ("entropy", Method::Entropy),
    ("equal", Method::Equal),
    ("pca", Method::Pca),
    ("topsis", Method::Topsis),
];

/// METHODS 1.2, step 2: keeps the logarithm of a share of zero out of the entropy.
const DEFAULT_SHIFT: f64 = 1e-4;

impl StageKind for Index {
    fn name(&self) -> &'static str {
        "index"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let from = spec.fields.required_text("from");
        spec.fields.required("method");
        let method = match spec.substituted("method") {
            Some(text) => match METHODS.iter().find(|(name, _)| *name == text.value) {
                Some((_, method)) => Some(*method),
                None => {
                    let names: Vec<&str> = METHODS.iter().map(|(name, _)| *name).collect();
                    spec.fields.problems().push(
                        Diagnostic::error(format!(
                            "no index method `{}`; it is one of {}",
                            text.value,
                            names.join(", ")
                        ))
                        .at(text.place)
                        .hint(engine::diagnostic::did_you_mean(&text.value, names)),
                    );
                    None
                }
            },
            None => None,
        };
        let shift = spec.fields.float("shift").unwrap_or(DEFAULT_SHIFT);
        if !(0.0..=1.0).contains(&shift) {
            spec.fields.complain(spec.fields.self_node(), "`shift` must lie between 0 and 1");
        }
        let indicators = indicators(spec);
        let key = spec.key();
        let key_place = spec.fields.document().place(spec.fields.node("key").unwrap_or(spec.fields.self_node()).span);
        let checks = Checks::parse(spec);
        let from = from?;
        let inputs = vec![Input::Table { name: from.value.clone(), place: Some(from.place) }];
        Some(Box::new(IndexStage {
            name: spec.name.to_string(),
            table: from.value,
            method: method?,
            shift,
            indicators,
            key,
            key_place,
            checks,
            inputs,
        }))
    }
}

impl IndexStage {
    /// Scores and weights are made of every indicator.
    fn lineage(&self) -> BTreeMap<String, Lineage> {
        let origin = |column: &String| Origin {
            table: self.table.clone(),
            column: Some(column.clone()),
            scale: false,
            until: BTreeMap::new(),
        };
        let indicators: Vec<Origin> = self.indicators.iter().map(|(name, ..)| origin(name)).collect();
        let mut scores: Lineage = self.key.iter().map(|name| (name.clone(), vec![origin(name)])).collect();
        scores.extend(["score", "reason"].map(|name| (name.to_string(), indicators.clone())));
        let weights = ["min", "max", "entropy", "divergence", "weight"];
        let weights = weights.iter().map(|name| (name.to_string(), indicators.clone())).collect();
        [(self.name.clone(), scores), (format!("{}.weights", self.name), weights)].into()
    }

    /// A query that has the columns of the table of scores and lacks values where they do: a score needs every indicator.
    pub(crate) fn score_query(&self, table: &str) -> Option<String> {
        if table != self.name {
            return None;
        }
        let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
        let key: Vec<String> = self.key.iter().map(quoted).collect();
        let sum: Vec<String> =
            self.indicators.iter().map(|(name, ..)| format!("cast({} as double)", quoted(name))).collect();
        let (key, sum) = (key.join(", "), sum.join(" + "));
        let reason = format!("case when {sum} is null then 'MISSING_INPUT' else null end");
        Some(format!("select {key}, {sum} as score, {reason} as reason from {}", self.table))
    }
}

fn indicators(spec: &Spec) -> Vec<(String, Sign, Place)> {
    spec.fields.required("indicators");
    let mut indicators = Vec::new();
    for entry in spec.fields.map("indicators").unwrap_or_default() {
        let text = entry.node.value.scalar_text().unwrap_or_default();
        let sign = match text.as_str() {
            "+" | "positive" => Sign::Positive,
            "-" | "−" | "negative" => Sign::Negative,
            _ => {
                spec.fields
                    .complain(&entry.node, format!("the sign of `{}` must be `+` or `\"-\"`, not `{text}`", entry.key));
                continue;
            }
        };
        indicators.push((entry.key.clone(), sign, spec.fields.document().place(entry.key_span)));
    }
    if indicators.is_empty() {
        spec.fields.complain(spec.fields.self_node(), "an index needs at least one indicator");
    }
    indicators
}

impl Stage for IndexStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        vec![self.name.clone(), format!("{}.weights", self.name)]
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let IndexStage { name: _, table, method, shift, indicators, key, key_place: _, checks, inputs: _ } = self;
        manifest.text("from", table);
        manifest.text("method", METHODS.iter().find(|(_, known)| known == method).map_or("", |(name, _)| name));
        manifest.number("shift", *shift);
        for (index, (name, sign, _)) in indicators.iter().enumerate() {
            manifest.text(&format!("indicators[{index}]"), &format!("{}{name}", sign_text(*sign)));
        }
        manifest.list("key", key);
        checks.describe(manifest);
    }

    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let input = schemas.get(&self.table).cloned().unwrap_or_default();
        let mut problems = Vec::new();
        for (name, _, place) in &self.indicators {
            problems
                .extend(convert::missing_column(&input, &self.table, name).map(|problem| problem.at(place.clone())));
            let kind = input.columns.iter().find(|(column, _)| column == name).map(|(_, kind)| kind.as_str());
            if matches!(kind, Some("text" | "date")) {
                problems.push(Diagnostic::error(format!("indicator `{name}` is not a number")).at(place.clone()));
            }
        }
        for name in &self.key {
            problems.extend(
                convert::missing_column(&input, &self.table, name).map(|problem| problem.at(self.key_place.clone())),
            );
        }
        let key_columns = input.columns.iter().filter(|(name, _)| self.key.contains(name)).cloned();
        let typed = |name: &str, kind: &str| (name.to_string(), kind.to_string());
        let scores = TableSchema {
            key: self.key.clone(),
            columns: key_columns.chain([typed("score", "float"), typed("reason", "text")]).collect(),
        };
        let numbers = ["min", "max", "entropy", "divergence", "weight"].map(|name| typed(name, "float"));
        let weights = TableSchema {
            key: vec!["indicator".to_string()],
            columns: [typed("indicator", "text"), typed("position", "int"), typed("sign", "text")]
                .into_iter()
                .chain(numbers)
                .collect(),
        };
        problems.extend(self.checks.resolve(&scores, &self.name, None));
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut reads: Vec<String> =
            self.indicators.iter().map(|(name, ..)| name.clone()).chain(self.key.clone()).collect();
        reads.sort();
        reads.dedup();
        Ok(Resolved {
            reads: [(self.table.clone(), ReadSet::Columns(reads))].into(),
            outputs: [(self.name.clone(), scores), (format!("{}.weights", self.name), weights)].into(),
            lineage: self.lineage(),
            ..Resolved::default()
        })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let input = context.table(&self.table)?;
        let mut columns: Vec<String> = self.key.clone();
        columns.extend(self.indicators.iter().map(|(name, ..)| name.clone()).filter(|name| !self.key.contains(name)));
        let rows = tables::read::read(&input.path, Some(&columns))
            .map_err(|error| Diagnostic::error(format!("`{}` cannot be read: {error}", self.table)))?;
        let mut values: Vec<Vec<Option<f64>>> = Vec::new();
        for (name, _, place) in &self.indicators {
            let column = rows
                .columns
                .iter()
                .find(|column| column.name == *name)
                .and_then(|column| convert::numbers(&column.values));
            values.push(
                column.ok_or_else(|| {
                    Diagnostic::error(format!("indicator `{name}` is not a number")).at(place.clone())
                })?,
            );
        }
        let indicators: Vec<Indicator> = self
            .indicators
            .iter()
            .zip(&values)
            .map(|((name, sign, _), values)| Indicator { name, sign: *sign, values })
            .collect();
        let scores = entropy_index::index(&indicators, &IndexOptions { method: self.method, shift: self.shift })
            .map_err(|error| {
                Diagnostic::error(format!("the index `{}` cannot be made: {error}", self.name)).hint(error.hint())
            })?;
        let mut table: Vec<Column> =
            rows.columns.into_iter().filter(|column| self.key.contains(&column.name)).collect();
        table.push(Column { name: "score".to_string(), values: Values::Float(scores.scores) });
        table.push(Column {
            name: "reason".to_string(),
            values: Values::Text(scores.reason.iter().map(|reason| reason.map(str::to_string)).collect()),
        });
        let (path, weights_path) = (context.scratch.join("scores.parquet"), context.scratch.join("weights.parquet"));
        let failed = |error: tables::error::TableError| {
            Diagnostic::error(format!("the index `{}` cannot be written: {error}", self.name)).hint(error.hint())
        };
        let info = tables::write::write(&path, &Table { columns: table }, &self.key).map_err(failed)?;
        let weights = tables::write::write(&weights_path, &weights_table(&scores.weights), &["indicator".to_string()])
            .map_err(failed)?;
        let mut warnings = self.checks.run(&self.name, &Checked::plain(&path, &self.key))?;
        warnings.extend(scores.warnings.into_iter().map(|message| Warning {
            stage: self.name.clone(),
            severity: Severity::Warning,
            message,
            details: Vec::new(),
        }));
        Ok(Outputs {
            tables: vec![
                convert::output(&self.name, path, info)?,
                convert::output(&format!("{}.weights", self.name), weights_path, weights)?,
            ],
            files: Vec::new(),
            warnings,
        })
    }
}

fn weights_table(weights: &[Weight]) -> Table {
    let text =
        |name: &str, values: Vec<Option<String>>| Column { name: name.to_string(), values: Values::Text(values) };
    let number = |name: &str, value: fn(&Weight) -> Option<f64>| Column {
        name: name.to_string(),
        values: Values::Float(weights.iter().map(value).collect()),
    };
    Table {
        columns: vec![
            text("indicator", weights.iter().map(|weight| Some(weight.indicator.clone())).collect()),
            Column {
                name: "position".to_string(),
                values: Values::Int((1..=weights.len() as i64).map(Some).collect()),
            },
            text("sign", weights.iter().map(|weight| Some(sign_text(weight.sign).to_string())).collect()),
            number("min", |weight| Some(weight.min)),
            number("max", |weight| Some(weight.max)),
            number("entropy", |weight| weight.entropy),
            number("divergence", |weight| weight.divergence),
            number("weight", |weight| Some(weight.weight)),
        ],
    }
}

fn sign_text(sign: Sign) -> &'static str {
    match sign {
        Sign::Positive => "+",
        Sign::Negative => "-",
    }
}
