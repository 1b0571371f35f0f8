//! `kind: estimate`: a model of one table's columns. The estimators are in `stats`.
//! Makes `<stage>.coefficients`, `<stage>.models` and `<stage>.sample`.

use crate::convert;
use engine::diagnostic::{Diagnostic, Place, Severity, did_you_mean};
use engine::kind::{Input, Outputs, ReadSet, Resolved, RunContext, Schemas, Stage, StageError, StageKind, TableSchema};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use stats::design::{ColumnData, Data, Design, Options, SampleFlag, SmallSample, Vcov};
use stats::estimator::{Estimator, Fit};
use stats::formula::Formula;
use std::collections::{BTreeMap, BTreeSet};
use tables::columns::{Column, ColumnType, Table, Values};
use tables::sql::{Query, Source, SqlError};

pub struct Estimate;

struct EstimateStage {
    name: String,
    table: String,
    table_place: Place,
    formula_text: String,
    formula: Formula,
    formula_place: Place,
    estimator: &'static dyn Estimator,
    cluster: Vec<String>,
    weights: Option<String>,
    condition: Option<(String, Place)>,
    small_sample: SmallSample,
    heteroskedastic: bool,
    level: f64,
    drop_singletons: bool,
    inputs: Vec<Input>,
}

/// The name under which the condition of `where:` travels as a column.
const CONDITION: &str = "_where";

impl StageKind for Estimate {
    fn name(&self) -> &'static str {
        "estimate"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let fields = &spec.fields;
        let from = fields.required_text("from");
        fields.required("formula");
        let formula = spec.substituted("formula");
        let estimator = estimator(spec);
        let names = |key: &str| -> Vec<String> {
            fields.texts(key).unwrap_or_default().iter().map(|name| spec.substitute(name)).collect()
        };
        let cluster = names("cluster");
        let weights = spec.substituted("weights").map(|weights| weights.value);
        let condition =
            spec.substituted("where").filter(|text| !text.value.trim().is_empty()).map(|text| (text.value, text.place));
        let small_sample =
            fields.choice("small_sample", &[("fixest", SmallSample::Fixest), ("none", SmallSample::None)]);
        let vcov = fields.choice("vcov", &[("iid", false), ("hetero", true)]);
        if !cluster.is_empty()
            && let Some(node) = fields.node("vcov")
        {
            fields.complain(node, "give either `vcov` or `cluster`, not both");
        }
        let level = fields.float("level").unwrap_or(0.95);
        if !(0.5..1.0).contains(&level) {
            fields
                .complain(fields.self_node(), "`level` is the level of the confidence intervals, from 0.5 to below 1");
        }
        let drop_singletons = fields.bool("drop_singletons").unwrap_or(false);
        let (from, formula) = (from?, formula?);
        let parsed = match stats::formula::parse(&formula.value) {
            Ok(parsed) => parsed,
            Err(error) => {
                let note = format!("the formula is: {}", formula.value);
                fields
                    .problems()
                    .push(Diagnostic::error(error.to_string()).at(formula.place).note(note).hint(error.hint()));
                return None;
            }
        };
        let inputs = vec![Input::Table { name: from.value.clone(), place: Some(from.place.clone()) }];
        Some(Box::new(EstimateStage {
            name: spec.name.to_string(),
            table: from.value,
            table_place: from.place,
            formula_text: formula.value,
            formula: parsed,
            formula_place: formula.place,
            estimator: estimator?,
            cluster,
            weights,
            condition,
            small_sample: small_sample.unwrap_or(SmallSample::Fixest),
            heteroskedastic: vcov.unwrap_or(true),
            level,
            drop_singletons,
            inputs,
        }))
    }
}

fn estimator(spec: &Spec) -> Option<&'static dyn Estimator> {
    let Some(name) = spec.substituted("estimator") else { return stats::estimators::find("twfe") };
    let found = stats::estimators::find(&name.value);
    if found.is_none() {
        let known: Vec<&str> = stats::estimators::ALL.iter().map(|estimator| estimator.name()).collect();
        let near = did_you_mean(&name.value, known.iter().copied());
        spec.fields.problems().push(
            Diagnostic::error(format!("no estimator `{}`", name.value))
                .at(name.place)
                .hint(near.or_else(|| Some(format!("estimators: {}", known.join(", "))))),
        );
    }
    found
}

impl EstimateStage {
    /// Every column the model reads.
    fn columns(&self) -> BTreeSet<String> {
        let mut columns = self.formula.columns();
        columns.extend(self.cluster.iter().cloned());
        columns.extend(self.weights.iter().cloned());
        columns
    }

    /// The rows the model may use, with the condition as a column, in the order of the table's key.
    fn query(&self, key: &[String]) -> Result<Query, SqlError> {
        let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
        let mut columns: Vec<String> = key.iter().map(quoted).collect();
        columns.extend(self.columns().iter().filter(|name| !key.contains(name)).map(quoted));
        if let Some((condition, _)) = &self.condition {
            columns.push(format!("({condition}) as \"{CONDITION}\""));
        }
        let table: Vec<String> = self.table.split('.').map(|part| format!("\"{part}\"")).collect();
        let order: Vec<String> = key.iter().map(quoted).collect();
        let order = if order.is_empty() { String::new() } else { format!(" order by {}", order.join(", ")) };
        tables::sql::parse(&format!("select {} from {}{order}", columns.join(", "), table.join(".")))
    }

    fn condition_error(&self, error: &SqlError) -> Diagnostic {
        let place = self.condition.as_ref().map_or(&self.table_place, |(_, place)| place);
        Diagnostic::error(format!("`where` of `{}`: {error}", self.name)).at(place.clone()).hint(error.hint())
    }

    fn options(&self) -> Options {
        Options {
            vcov: match (self.cluster.is_empty(), self.heteroskedastic) {
                (false, _) => Vcov::Cluster(self.cluster.clone()),
                (true, true) => Vcov::Hetero,
                (true, false) => Vcov::Iid,
            },
            weights: self.weights.clone(),
            small_sample: self.small_sample,
            level: self.level,
            drop_singletons: self.drop_singletons,
            ..Options::default()
        }
    }
}

impl Stage for EstimateStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        ["coefficients", "models", "sample"].map(|suffix| format!("{}.{suffix}", self.name)).to_vec()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let EstimateStage {
            name: _,
            table,
            table_place: _,
            formula_text,
            formula: _,
            formula_place: _,
            estimator,
            cluster,
            weights,
            condition,
            small_sample,
            heteroskedastic,
            level,
            drop_singletons,
            inputs: _,
        } = self;
        manifest.text("from", table);
        // Blanks mean nothing in a formula.
        manifest.text("formula", &formula_text.split_whitespace().collect::<Vec<_>>().join(" "));
        manifest.text("estimator", estimator.name());
        manifest.int("estimator_version", i64::from(estimator.version()));
        manifest.list("cluster", cluster);
        manifest.maybe("weights", weights.as_deref());
        manifest.maybe("where", condition.as_ref().map(|(condition, _)| condition.as_str()));
        manifest.text("small_sample", &format!("{small_sample:?}"));
        manifest.flag("heteroskedastic", *heteroskedastic);
        manifest.number("level", *level);
        manifest.flag("drop_singletons", *drop_singletons);
    }

    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let input = schemas.get(&self.table).cloned().unwrap_or_default();
        let missing = |names: &BTreeSet<String>| -> Vec<Diagnostic> {
            let problems = names.iter().filter_map(|name| convert::missing_column(&input, &self.table, name));
            problems.map(|problem| problem.at(self.formula_place.clone())).collect()
        };
        let problems = missing(&self.columns());
        let is_date = |name: &&String| input.columns.iter().any(|(column, kind)| column == *name && kind == "date");
        let dates = self.columns();
        let dates = dates.iter().filter(is_date).map(|name| {
            Diagnostic::error(format!("`{name}` of `{}` is a date, which a model cannot use as it is", self.table))
                .at(self.formula_place.clone())
                .hint(format!("make a column of its year: `date_part('year', {name})`"))
        });
        let problems: Vec<Diagnostic> = problems.into_iter().chain(dates).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let query = self.query(&input.key).map_err(|error| vec![self.condition_error(&error)])?;
        let plan = tables::sql::plan(&query, &convert::schemas(std::slice::from_ref(&self.table), schemas))
            .map_err(|error| vec![self.condition_error(&error)])?;
        if let Some((condition, place)) = &self.condition
            && let Some((_, kind)) = plan.columns.iter().find(|(name, _)| name == CONDITION)
            && *kind != ColumnType::Bool
        {
            return Err(vec![
                Diagnostic::error(format!("`where` of `{}` is {kind}, not true or false: {condition}", self.name))
                    .at(place.clone())
                    .hint(format!("write a comparison, such as `{condition} = 1`")),
            ]);
        }
        let reads = plan.reads.into_iter().map(|(table, columns)| (table, ReadSet::Columns(columns))).collect();
        let typed = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, kind)| (name.to_string(), kind.to_string())).collect()
        };
        let key_of = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<String>>();
        let [coefficients, models, sample] = self.outputs().try_into().expect("estimate makes three tables");
        let key_columns = input.columns.iter().filter(|(name, _)| input.key.contains(name)).cloned();
        let outputs = Schemas::from([
            (coefficients, TableSchema { key: key_of(&["model", "term"]), columns: typed(COEFFICIENTS) }),
            (models, TableSchema { key: key_of(&["model"]), columns: typed(MODELS) }),
            (
                sample,
                TableSchema {
                    key: key_of(&["model"]).into_iter().chain(input.key.clone()).collect(),
                    columns: typed(&[("model", "int")])
                        .into_iter()
                        .chain(key_columns)
                        .chain(typed(&[("used", "bool"), ("reason", "text")]))
                        .collect(),
                },
            ),
        ]);
        Ok(Resolved { reads, outputs, plan: None })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let input = context.table(&self.table)?;
        let key = &input.record.key;
        let query = self.query(key).map_err(|error| self.condition_error(&error))?;
        let source = Source { table: self.table.clone(), path: &input.path };
        let rows = tables::sql::query(&query, &[source], None).map_err(|error| self.condition_error(&error))?;
        let kept = kept(&rows);
        if !kept.contains(&true) {
            let (message, hint) = match rows.rows() {
                0 => (format!("`{}` has no rows", self.table), "see what the stages above it make".to_string()),
                count => (format!("`where` keeps none of {count} rows"), "see the condition".to_string()),
            };
            let message = format!("`{}` cannot be estimated: {message}", context.name);
            return Err(Diagnostic::error(message).at(self.table_place.clone()).hint(hint).into());
        }
        let selected: Vec<Column> = rows
            .columns
            .iter()
            .map(|column| Column { name: column.name.clone(), values: convert::select(&column.values, &kept) })
            .collect();
        let numbers: BTreeMap<&str, Vec<Option<f64>>> = selected
            .iter()
            .filter_map(|column| Some((column.name.as_str(), convert::numbers(&column.values)?)))
            .collect();
        let mut data = Data { rows: kept.iter().filter(|kept| **kept).count(), columns: BTreeMap::new() };
        for column in &selected {
            let values = match (&column.values, numbers.get(column.name.as_str())) {
                (Values::Text(values), _) => ColumnData::Text(values),
                (_, Some(values)) => ColumnData::Float(values),
                (_, None) => continue,
            };
            data.columns.insert(column.name.clone(), values);
        }
        let failed = |error: stats::error::StatsError| {
            Diagnostic::error(format!("`{}` cannot be estimated: {error}", context.name))
                .at(self.formula_place.clone())
                .note(format!("the formula is: {}", self.formula_text))
                .hint(error.hint())
        };
        let design = Design::new(&self.formula, &data, &self.options()).map_err(failed)?;
        let fit = self.estimator.fit(&design).map_err(failed)?;
        let reasons = reasons(&kept, design.sample());
        let outcome = self.formula_text.split('~').next().unwrap_or("").trim().to_string();
        let [coefficients, models, sample] = self.outputs().try_into().expect("estimate makes three tables");
        let mut outputs = Outputs { warnings: warnings(context.name, &reasons, &fit), ..Outputs::default() };
        let model = self.model_table(&outcome, &fit, &reasons);
        let sample_key: Vec<String> = ["model".to_string()].into_iter().chain(key.clone()).collect();
        let text = |name: &str| name.to_string();
        for (name, table, key) in [
            (coefficients, coefficient_table(&fit), vec![text("model"), text("term")]),
            (models, model, vec![text("model")]),
            (sample, sample_table(&rows, key, &reasons), sample_key),
        ] {
            let path = context.scratch.join(format!("{}.parquet", outputs.tables.len()));
            let info = tables::write::write(&path, &table, &key).map_err(|error| {
                Diagnostic::error(format!("`{name}` cannot be written: {error}")).hint(error.hint())
            })?;
            outputs.tables.push(convert::output(&name, path, info)?);
        }
        Ok(outputs)
    }
}

const COEFFICIENTS: &[(&str, &str)] = &[
    ("model", "int"),
    ("term", "text"),
    ("estimate", "float"),
    ("std_error", "float"),
    ("statistic", "float"),
    ("p_value", "float"),
    ("conf_low", "float"),
    ("conf_high", "float"),
];

const MODELS: &[(&str, &str)] = &[
    ("model", "int"),
    // Not `outcome`: that is what studies call the axis of a matrix.
    ("dependent", "text"),
    ("formula", "text"),
    ("estimator", "text"),
    ("vcov", "text"),
    ("n_obs", "int"),
    ("n_clusters", "int"),
    ("n_filtered", "int"),
    ("n_missing", "int"),
    ("n_singletons", "int"),
    ("df_residual", "float"),
    ("df_t", "float"),
    ("r2", "float"),
    ("adj_r2", "float"),
    ("r2_within", "float"),
    ("adj_r2_within", "float"),
    ("rmse", "float"),
    ("outcome_mean", "float"),
    ("outcome_sd", "float"),
    ("iterations", "int"),
    ("condition", "float"),
    ("dropped_terms", "text"),
];

impl EstimateStage {
    fn model_table(&self, outcome: &str, fit: &Fit, reasons: &[Option<String>]) -> Table {
        let with_reason =
            |start: &str| reasons.iter().flatten().filter(|reason| reason.starts_with(start)).count() as i64;
        let dropped: Vec<String> = fit.dropped_terms.iter().map(|(term, reason)| format!("{term}: {reason}")).collect();
        let int = |value: i64| Values::Int(vec![Some(value)]);
        let float = |value: f64| Values::Float(vec![value.is_finite().then_some(value)]);
        let maybe = |value: Option<f64>| Values::Float(vec![value.filter(|value| value.is_finite())]);
        let text = |value: &str| Values::Text(vec![Some(value.to_string())]);
        let values = [
            int(1),
            text(outcome),
            text(&self.formula_text),
            text(self.estimator.name()),
            text(&fit.vcov_label),
            int(fit.n_obs as i64),
            Values::Int(vec![fit.n_clusters.map(|count| count as i64)]),
            int(with_reason("where")),
            int(with_reason("missing")),
            int(fit.n_singletons as i64),
            float(fit.df_residual),
            float(fit.df_t),
            float(fit.r2),
            float(fit.adj_r2),
            maybe(fit.r2_within),
            maybe(fit.adj_r2_within),
            float(fit.rmse),
            float(fit.outcome_mean),
            float(fit.outcome_sd),
            int(i64::from(fit.iterations)),
            float(fit.condition),
            text(&dropped.join("; ")),
        ];
        let columns = MODELS.iter().zip(values).map(|((name, _), values)| Column { name: name.to_string(), values });
        Table { columns: columns.collect() }
    }
}

fn coefficient_table(fit: &Fit) -> Table {
    let all = &fit.coefficients;
    let number = |value: fn(&stats::estimator::Coefficient) -> f64| {
        Values::Float(all.iter().map(|one| Some(value(one)).filter(|value| value.is_finite())).collect())
    };
    let values = [
        Values::Int(vec![Some(1); all.len()]),
        Values::Text(all.iter().map(|one| Some(one.term.clone())).collect()),
        number(|one| one.estimate),
        number(|one| one.std_error),
        number(|one| one.statistic),
        number(|one| one.p_value),
        number(|one| one.conf_low),
        number(|one| one.conf_high),
    ];
    let columns = COEFFICIENTS.iter().zip(values).map(|((name, _), values)| Column { name: name.to_string(), values });
    Table { columns: columns.collect() }
}

fn sample_table(rows: &Table, key: &[String], reasons: &[Option<String>]) -> Table {
    let column = |name: &str, values: Values| Column { name: name.to_string(), values };
    let mut columns = vec![column("model", Values::Int(vec![Some(1); reasons.len()]))];
    columns.extend(rows.columns.iter().filter(|column| key.contains(&column.name)).cloned());
    columns.push(column("used", Values::Bool(reasons.iter().map(|reason| Some(reason.is_none())).collect())));
    columns.push(column("reason", Values::Text(reasons.to_vec())));
    Table { columns }
}

/// Which rows the condition keeps; a condition that is null keeps nothing.
fn kept(rows: &Table) -> Vec<bool> {
    match rows.columns.iter().find(|column| column.name == CONDITION).map(|column| &column.values) {
        Some(Values::Bool(values)) => values.iter().map(|value| *value == Some(true)).collect(),
        _ => vec![true; rows.rows()],
    }
}

/// Why each row of the table is not used; `None` for a row that is.
fn reasons(kept: &[bool], sample: &[SampleFlag]) -> Vec<Option<String>> {
    let mut flags = sample.iter();
    kept.iter()
        .map(|kept| match kept.then(|| flags.next()).flatten() {
            None => Some("where".to_string()),
            Some(SampleFlag::Used) => None,
            Some(SampleFlag::Dropped(reason)) => Some(reason.to_string()),
        })
        .collect()
}

/// Rows and terms that are not in the model, in numbers; they belong into the note of every exhibit.
fn warnings(instance: &str, reasons: &[Option<String>], fit: &Fit) -> Vec<Warning> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in reasons.iter().flatten().filter(|reason| *reason != "where") {
        *counts.entry(reason).or_default() += 1;
    }
    let warning = |message: String| Warning {
        stage: instance.to_string(),
        severity: Severity::Warning,
        message,
        details: Vec::new(),
    };
    let mut warnings = Vec::new();
    if !counts.is_empty() {
        let parts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let total: usize = counts.values().sum();
        warnings.push(warning(format!(
            "{total} of {} rows are not in the sample ({})",
            reasons.len(),
            parts.join(", ")
        )));
    }
    for (term, reason) in &fit.dropped_terms {
        warnings.push(warning(format!("term `{term}` was dropped: {reason}")));
    }
    warnings
}
