//! `kind: estimate`: models of one table's columns. The estimators are in `stats`, and as methods of a stage in the modules here.
//! Makes `<stage>.coefficients`, `<stage>.models`, `<stage>.tests`, `<stage>.sample`, and what an estimator has of its own.

mod bacon;
mod callaway_santanna;
mod chaisemartin_dhaultfoeuille;
mod event_study;
mod extended;
mod further;
mod honest_did;
mod imputation;
mod local_projections;
mod matching;
mod method;
mod models;
mod moran;
mod neighbours;
mod outputs;
mod regression;
mod rows;
mod spatial;
mod stacked;
mod staggered;
mod sun_abraham;
mod synthetic;
mod two_stage;
mod two_way_weights;

use crate::convert;
use engine::diagnostic::{Diagnostic, Place, did_you_mean};
use engine::kind::{Input, Outputs, ReadSet, Resolved, RunContext, Schemas, Stage, StageError, StageKind, TableSchema};
use engine::manifest::Manifest;
use engine::spec::Spec;
use engine::yaml::fields::{Fields, Located};
use method::{Common, Method, Request};
use models::Model;
use staggered::Entry;
use stats::error::StatsError;
use stats::formula::Formula;
use std::collections::{BTreeMap, BTreeSet};
use tables::columns::{ColumnType, Table};
use tables::sql::{Query, Source, SqlError};

pub struct Estimate;

/// The estimators with options under their names, alphabetically; those of `stats::estimators` are beside them.
static NAMED: &[Entry] = &[
    staggered::entry::<bacon::Bacon>(),
    staggered::entry::<callaway_santanna::CallawaySantAnna>(),
    staggered::entry::<chaisemartin_dhaultfoeuille::ChaisemartinDHaultfoeuille>(),
    staggered::entry::<event_study::EventStudy>(),
    staggered::entry::<extended::Extended>(),
    staggered::entry::<imputation::Imputation>(),
    staggered::entry::<local_projections::LocalProjections>(),
    matching::ENTRY,
    moran::ENTRY,
    spatial::DURBIN,
    spatial::ERROR,
    spatial::LAG,
    staggered::entry::<stacked::Stacked>(),
    staggered::entry::<sun_abraham::SunAbraham>(),
    staggered::entry::<synthetic::Synthetic>(),
    staggered::entry::<two_stage::TwoStage>(),
    staggered::entry::<two_way_weights::TwoWayWeights>(),
];

struct EstimateStage {
    name: String,
    table: String,
    table_place: Place,
    formula_text: String,
    /// Of the text, in its order; one at least.
    formulas: Vec<Formula>,
    formula_place: Place,
    method: Box<dyn Method>,
    common: Common,
    condition: Option<(String, Place)>,
    split: Option<Split>,
    seed: i64,
    inputs: Vec<Input>,
}

/// A name as a query has it.
fn quoted(name: impl AsRef<str>) -> String {
    format!("\"{}\"", name.as_ref().replace('"', "\"\""))
}

fn table_name(name: &str) -> String {
    name.split('.').map(|part| format!("\"{part}\"")).collect::<Vec<_>>().join(".")
}

/// One model per value of a column.
struct Split {
    column: String,
    place: Place,
    /// And one of all rows before them.
    with_all: bool,
}

/// The name under which the condition of `where:` travels as a column.
const CONDITION: &str = "_where";

impl StageKind for Estimate {
    fn name(&self) -> &'static str {
        "estimate"
    }

    fn version(&self) -> u32 {
        2
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let fields = &spec.fields;
        let from = fields.required_text("from");
        fields.required("formula");
        let formula = spec.substituted("formula");
        let cluster = fields.texts("cluster").unwrap_or_default();
        let cluster = cluster
            .into_iter()
            .map(|column| Located { value: spec.substitute(&column), place: column.place })
            .filter(|column| !column.value.trim().is_empty())
            .collect();
        let weights = spec.substituted("weights").map(|weights| weights.value);
        let weights = weights.filter(|weights| !weights.trim().is_empty());
        let condition =
            spec.substituted("where").filter(|text| !text.value.trim().is_empty()).map(|text| (text.value, text.place));
        let level = fields.float("level").unwrap_or(0.95);
        if !(0.5..1.0).contains(&level) {
            fields
                .complain(fields.self_node(), "`level` is the level of the confidence intervals, from 0.5 to below 1");
        }
        let split = split(spec);
        let formula = formula?;
        let formulas = match stats::formula::models(&formula.value) {
            Ok(formulas) => formulas,
            Err(error) => {
                let note = format!("the formula is: {}", formula.value);
                fields
                    .problems()
                    .push(Diagnostic::error(error.to_string()).at(formula.place.clone()).note(note).hint(error.hint()));
                Vec::new()
            }
        };
        let common = Common { cluster, weights, level };
        let method = method(spec, &common, &formulas);
        if formulas.is_empty() {
            return None;
        }
        let method = method?;
        let from = from?;
        let mut inputs = vec![Input::Table { name: from.value.clone(), place: Some(from.place.clone()) }];
        let side_tables = method.side_tables().into_iter().filter(|side| side.name != from.value);
        inputs.extend(side_tables.map(|side| Input::Table { name: side.name, place: Some(side.place) }));
        Some(Box::new(EstimateStage {
            name: spec.name.to_string(),
            table: from.value,
            table_place: from.place,
            formula_text: formula.value,
            formulas,
            formula_place: formula.place,
            method,
            common,
            condition,
            split,
            seed: spec.facts.seed,
            inputs,
        }))
    }
}

/// `split: column` or `fsplit: column`, as `fixest` has them.
fn split(spec: &Spec) -> Option<Split> {
    let (split, all) = (spec.substituted("split"), spec.substituted("fsplit"));
    if split.is_some()
        && let Some(node) = spec.fields.node("fsplit")
    {
        spec.fields.complain(node, "give either `split` or `fsplit`, which has a model of all rows too");
    }
    let with_all = all.is_some();
    let column = split.or(all).filter(|column| !column.value.trim().is_empty())?;
    Some(Split { column: column.value, place: column.place, with_all })
}

/// The estimator that the stage names, with its options. Options of another estimator may stand beside them only where a
/// matrix or a parameter chooses between estimators.
fn method(spec: &Spec, common: &Common, formulas: &[Formula]) -> Option<Box<dyn Method>> {
    let fields = &spec.fields;
    let is_chosen = fields.text("estimator").is_some_and(|written| written.value.contains("${"));
    let request = Request { spec, common, formulas, is_chosen };
    let default = formulas.first().map_or("twfe", |formula| stats::estimators::default_for(formula).name());
    let written = spec.substituted("estimator").filter(|name| !name.value.trim().is_empty());
    let name = written.as_ref().map_or(default, |name| name.value.as_str());
    let mut found = None;
    for Entry { name: known, has_options, parse } in NAMED {
        let own = has_options.then(|| fields.fields(known, format!("`{known}`"))).flatten();
        match (*known == name, &own) {
            (true, own) => found = Some(parse(&request, own.as_ref())),
            (false, None) => {}
            // Read for its mistakes; another instance uses it.
            (false, own) if is_chosen => drop(parse(&request, own.as_ref())),
            (false, own) => {
                parse(&request, own.as_ref());
                let message = format!("these are options of `{known}`, and the estimator is `{name}`");
                fields.complain(fields.node(known)?, message);
            }
        }
        own.into_iter().for_each(Fields::finish);
    }
    if let Some(found) = found {
        return found;
    }
    if let Some(estimator) = stats::estimators::find(name) {
        return regression::parse(&request, estimator);
    }
    let regressions = stats::estimators::ALL.iter().map(|estimator| estimator.name());
    let mut known: Vec<&str> = NAMED.iter().map(|entry| entry.name).chain(regressions).collect();
    known.sort_unstable();
    let near = did_you_mean(name, known.iter().copied());
    fields.problems().push(
        Diagnostic::error(format!("no estimator `{name}`"))
            .at(written.map(|name| name.place))
            .hint(near.or_else(|| Some(format!("estimators: {}", known.join(", "))))),
    );
    None
}

impl EstimateStage {
    /// Every column the models read.
    fn columns(&self) -> BTreeSet<String> {
        let mut columns: BTreeSet<String> = self.formulas.iter().flat_map(Formula::columns).collect();
        columns.extend(self.common.cluster.iter().map(|column| column.value.clone()));
        columns.extend(self.common.weights.iter().cloned());
        columns.extend(self.method.columns());
        columns
    }

    /// The rows of the table, with the condition as a column, in the order of the table's key.
    fn query(&self, key: &[String]) -> Result<Query, SqlError> {
        let mut columns: Vec<String> = key.iter().map(quoted).collect();
        let read = self.columns().into_iter().chain(self.split.iter().map(|split| split.column.clone()));
        let read: BTreeSet<String> = read.filter(|name| !key.contains(name)).collect();
        columns.extend(read.iter().map(quoted));
        if let Some((condition, _)) = &self.condition {
            columns.push(format!("({condition}) as \"{CONDITION}\""));
        }
        let order: Vec<String> = key.iter().map(quoted).collect();
        let order = if order.is_empty() { String::new() } else { format!(" order by {}", order.join(", ")) };
        tables::sql::parse(&format!("select {} from {}{order}", columns.join(", "), table_name(&self.table)))
    }

    /// The tables that the estimator asks for beside the stage's.
    fn read_side_tables(&self, context: &RunContext) -> Result<BTreeMap<String, Table>, StageError> {
        let mut found = BTreeMap::new();
        for side in self.method.side_tables() {
            let input = context.table(&side.name)?;
            let columns = side.columns.iter().map(quoted).collect::<Vec<_>>().join(", ");
            let query = format!("select {columns} from {} order by {columns}", table_name(&side.name));
            let source = Source { table: side.name.clone(), path: &input.path };
            let rows = tables::sql::parse(&query).and_then(|query| tables::sql::query(&query, &[source], None));
            let rows = rows.map_err(|error| {
                let message = format!("`{}` cannot be read: {error}", side.name);
                Diagnostic::error(message).at(side.place.clone()).hint(error.hint())
            })?;
            found.insert(side.name, rows);
        }
        Ok(found)
    }

    fn condition_error(&self, error: &SqlError) -> Diagnostic {
        let place = self.condition.as_ref().map_or(&self.table_place, |(_, place)| place);
        Diagnostic::error(format!("`where` of `{}`: {error}", self.name)).at(place.clone()).hint(error.hint())
    }

    fn failure(&self, instance: &str, formula: &Formula, error: &StatsError) -> Diagnostic {
        let formula = if self.formulas.len() == 1 { self.formula_text.clone() } else { formula.to_string() };
        Diagnostic::error(format!("`{instance}` cannot be estimated: {error}"))
            .at(self.formula_place.clone())
            .note(format!("the formula is: {formula}"))
            .hint(error.hint())
    }
}

impl Stage for EstimateStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        let own = self.method.own_tables();
        let of_rows = self.method.row_table().map(|table| table.suffix);
        let suffixes = ["coefficients", "models", "tests", "sample"].into_iter();
        let suffixes = suffixes.chain(own.iter().map(|own| own.suffix)).chain(of_rows);
        suffixes.map(|suffix| format!("{}.{suffix}", self.name)).collect()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let EstimateStage {
            name,
            table,
            table_place: _,
            formula_text,
            formulas: _,
            formula_place: _,
            method,
            common,
            condition,
            split,
            seed,
            inputs: _,
        } = self;
        let Common { cluster, weights, level } = common;
        manifest.text("from", table);
        // Blanks mean nothing in a formula.
        manifest.text("formula", &formula_text.split_whitespace().collect::<Vec<_>>().join(" "));
        manifest.text("estimator", method.name());
        manifest.int("estimator_version", i64::from(method.version()));
        method.describe(manifest);
        manifest.list("cluster", &cluster.iter().map(|column| column.value.clone()).collect::<Vec<_>>());
        manifest.maybe("weights", weights.as_deref());
        manifest.maybe("where", condition.as_ref().map(|(condition, _)| condition.as_str()));
        if let Some(Split { column, place: _, with_all }) = split {
            manifest.text("split", column);
            manifest.flag("split_with_all", *with_all);
        }
        manifest.number("level", *level);
        if method.draws() {
            manifest.int("seed", *seed);
            manifest.text("stage", name);
        }
    }

    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let input = schemas.get(&self.table).cloned().unwrap_or_default();
        let missing = |names: &BTreeSet<String>| -> Vec<Diagnostic> {
            let problems = names.iter().filter_map(|name| convert::missing_column(&input, &self.table, name));
            problems.map(|problem| problem.at(self.formula_place.clone())).collect()
        };
        let mut problems = missing(&self.columns());
        problems.extend(self.split.iter().filter_map(|split| {
            Some(convert::missing_column(&input, &self.table, &split.column)?.at(split.place.clone()))
        }));
        for side in self.method.side_tables() {
            let schema = schemas.get(&side.name).cloned().unwrap_or_default();
            let missing = side.columns.iter().filter_map(|name| convert::missing_column(&schema, &side.name, name));
            problems.extend(missing.map(|problem| problem.at(side.place.clone())));
        }
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
        let mut reads = plan.reads;
        for side in self.method.side_tables() {
            reads.entry(side.name).or_default().extend(side.columns);
        }
        let reads = reads.into_iter().map(|(table, columns)| (table, ReadSet::Columns(columns))).collect();
        let typed = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, kind)| (name.to_string(), kind.to_string())).collect()
        };
        let key_of = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<String>>();
        let by_row = |columns: Vec<(String, String)>| {
            let of_key = input.columns.iter().filter(|(name, _)| input.key.contains(name)).cloned();
            TableSchema {
                key: key_of(&["model"]).into_iter().chain(input.key.clone()).collect(),
                columns: typed(&[("model", "int")]).into_iter().chain(of_key).chain(columns).collect(),
            }
        };
        let schema = |key: &[&str], columns| TableSchema { key: key_of(key), columns: typed(columns) };
        let mut made = vec![
            schema(&["model", "term"], outputs::COEFFICIENTS),
            schema(&["model"], outputs::MODELS),
            schema(&["model", "test"], outputs::TESTS),
            by_row(typed(outputs::SAMPLE)),
        ];
        made.extend(self.method.own_tables().iter().map(|own| schema(own.key, own.columns)));
        made.extend(
            self.method.row_table().map(|table| {
                by_row(table.columns.iter().map(|name| (name.to_string(), "float".to_string())).collect())
            }),
        );
        Ok(Resolved { reads, outputs: self.outputs().into_iter().zip(made).collect(), ..Resolved::default() })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let input = context.table(&self.table)?;
        let key = &input.record.key;
        let query = self.query(key).map_err(|error| self.condition_error(&error))?;
        let source = Source { table: self.table.clone(), path: &input.path };
        let rows = tables::sql::query(&query, &[source], None).map_err(|error| self.condition_error(&error))?;
        let kept = models::kept(&rows);
        if !kept.contains(&true) {
            let (message, hint) = match rows.rows() {
                0 => (format!("`{}` has no rows", self.table), "see what the stages above it make".to_string()),
                count => (format!("`where` keeps none of {count} rows"), "see the condition".to_string()),
            };
            let message = format!("`{}` cannot be estimated: {message}", context.name);
            return Err(Diagnostic::error(message).at(self.table_place.clone()).hint(hint).into());
        }
        let samples = self.samples(&rows, &kept, context.name)?;
        let models: Vec<Model> = samples
            .iter()
            .flat_map(|(subsample, keep)| {
                self.formulas.iter().map(|formula| Model { formula, subsample: subsample.as_deref(), keep })
            })
            .collect();
        let side_tables = self.read_side_tables(context)?;
        let found = self.estimates(&rows, &kept, &models, &side_tables);
        // One model that cannot be estimated is a mistake; among several it is a result.
        if let Some(failed) = found.iter().position(Result::is_err)
            && found.iter().all(Result::is_err)
            && let Err(error) = &found[failed]
        {
            return Err(self.failure(context.name, models[failed].formula, error).into());
        }
        self.write(context, key, &rows, &models, &found)
    }
}
