//! The models of a stage: their samples, their estimates, and their tables.

use super::method::{Draws, Estimated, Problem};
use super::rows::Rows;
use super::{CONDITION, EstimateStage, outputs};
use crate::convert;
use engine::diagnostic::{Diagnostic, Severity};
use engine::digest::Digest;
use engine::kind::{Outputs, RunContext, Stage, StageError};
use engine::record::Warning;
use stats::design::{ColumnData, Data};
use stats::error::StatsError;
use stats::formula::Formula;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use tables::columns::{Table, Values};

/// A model of a stage: a formula, and the rows that it may use.
pub struct Model<'a> {
    pub formula: &'a Formula,
    pub subsample: Option<&'a str>,
    pub keep: &'a [bool],
}

/// A column with more values than this is no split of a sample.
const MOST_SAMPLES: usize = 200;

/// Why a row that belongs to another sample is not used.
const OTHER_SAMPLE: &str = "split";

/// The value that splits rows off, and which rows they are.
pub type Sample = (Option<String>, Vec<bool>);

impl EstimateStage {
    /// The rows of each sample, with the value that splits it off.
    pub(super) fn samples(&self, rows: &Table, kept: &[bool], instance: &str) -> Result<Vec<Sample>, StageError> {
        let Some(split) = &self.split else { return Ok(vec![(None, kept.to_vec())]) };
        let column = rows.columns.iter().find(|column| column.name == split.column);
        let values = &column.expect("the query reads the column of `split`").values;
        let groups = convert::groups(values);
        let levels: BTreeSet<usize> =
            groups.codes.iter().zip(kept).filter(|(_, kept)| **kept).filter_map(|(code, _)| *code).collect();
        if levels.len() > MOST_SAMPLES {
            let message = format!("`{instance}` splits by `{}`, which has {} values", split.column, levels.len());
            return Err(Diagnostic::error(message)
                .at(split.place.clone())
                .hint(format!("split by a column of {MOST_SAMPLES} values at most"))
                .into());
        }
        let mut samples = Vec::new();
        for level in levels {
            let keep = groups.codes.iter().zip(kept).map(|(code, kept)| *kept && *code == Some(level)).collect();
            samples.push((Some(groups.labels[level].clone()), keep));
        }
        if split.with_all {
            samples.insert(0, (None, kept.to_vec()));
        }
        Ok(samples)
    }

    /// Each model's estimates, with the reasons of all rows. Models of one sample follow each other, one per formula.
    pub(super) fn estimates(
        &self,
        rows: &Table,
        kept: &[bool],
        models: &[Model],
        side_tables: &BTreeMap<String, Table>,
    ) -> Vec<Result<Estimated, StatsError>> {
        let numbers: BTreeMap<&str, Vec<Option<f64>>> = rows
            .columns
            .iter()
            .filter_map(|column| Some((column.name.as_str(), convert::numbers(&column.values)?)))
            .collect();
        let mut columns = BTreeMap::new();
        for column in &rows.columns {
            let values = match (&column.values, numbers.get(column.name.as_str())) {
                (Values::Text(values), _) => ColumnData::Text(values),
                (_, Some(values)) => ColumnData::Float(values),
                (_, None) => continue,
            };
            columns.insert(column.name.clone(), values);
        }
        let mut data = Data { rows: rows.rows(), keep: None, columns };
        let draws = Draws { seed: self.seed, stage: Digest::of_bytes(self.name.as_bytes()) };
        let mut found: Vec<Result<Estimated, StatsError>> = Vec::new();
        for of_sample in models.chunks(self.formulas.len()) {
            let keep = of_sample[0].keep;
            data.keep = keep.contains(&false).then_some(Cow::Borrowed(keep));
            let problems: Vec<Problem> = of_sample
                .iter()
                .map(|model| Problem { formula: model.formula, data: &data, common: &self.common, draws, side_tables })
                .collect();
            found.extend(self.method.estimate(&problems));
        }
        for (found, model) in found.iter_mut().zip(models) {
            let reasons = found.iter_mut().flat_map(|found| &mut found.reasons);
            for ((reason, is_kept), keep) in reasons.zip(kept).zip(model.keep) {
                if !keep {
                    *reason = Some(if *is_kept { OTHER_SAMPLE } else { outputs::FILTERED }.to_string());
                }
            }
        }
        found
    }

    pub(super) fn write(
        &self,
        context: &RunContext,
        key: &[String],
        rows: &Table,
        models: &[Model],
        found: &[Result<Estimated, StatsError>],
    ) -> Result<Outputs, StageError> {
        let mut coefficients = Rows::new(outputs::COEFFICIENTS);
        let mut described = Rows::new(outputs::MODELS);
        let mut tests = Rows::new(outputs::TESTS);
        let own_tables = self.method.own_tables();
        let mut own: Vec<Rows> = own_tables.iter().map(|own| Rows::new(own.columns)).collect();
        // Models with the same sample have its rows once, under the first of them.
        let mut samples: Vec<(usize, &[Option<String>])> = Vec::new();
        for (index, (model, found)) in models.iter().zip(found).enumerate() {
            let number = index + 1;
            let formula = match models.len() {
                1 => self.formula_text.clone(),
                _ => model.formula.to_string(),
            };
            let mut of_model = outputs::Described {
                number,
                dependent: model.formula.outcome(),
                formula,
                subsample: model.subsample,
                estimator: self.method.name(),
                sample_model: number,
            };
            let found = match found {
                Ok(found) => found,
                Err(error) => {
                    outputs::model_row(&mut described, &of_model, Err(&error.to_string()));
                    continue;
                }
            };
            match samples.iter().find(|(_, reasons)| *reasons == found.reasons) {
                Some((first, _)) => of_model.sample_model = *first,
                None => samples.push((number, &found.reasons)),
            }
            outputs::model_row(&mut described, &of_model, Ok(found));
            found.estimates.iter().for_each(|estimate| outputs::coefficient_row(&mut coefficients, number, estimate));
            found.tests.iter().for_each(|test| outputs::test_row(&mut tests, number, test));
            for (own, found) in own.iter_mut().zip(&found.own) {
                found.iter().for_each(|row| own.push(std::iter::once(number.into()).chain(row.clone()).collect()));
            }
        }
        let text = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        let row_table = self.method.row_table();
        let of_rows = row_table.map(|table| {
            let values = found.iter().enumerate().filter_map(|(index, found)| Some((index + 1, found.as_ref().ok()?)));
            let values: Vec<_> = values.map(|(number, found)| (number, found.of_rows.as_slice())).collect();
            outputs::row_table(rows, key, table.columns, &values)
        });
        let sample_key: Vec<String> = text(&["model"]).into_iter().chain(key.to_vec()).collect();
        let mut made = vec![
            (coefficients.table(), text(&["model", "term"])),
            (described.table(), text(&["model"])),
            (tests.table(), text(&["model", "test"])),
            (outputs::sample_table(rows, key, &samples), sample_key.clone()),
        ];
        made.extend(own.into_iter().zip(&own_tables).map(|(own, table)| (own.table(), text(table.key))));
        made.extend(of_rows.map(|table| (table, sample_key)));
        let mut outputs = Outputs { warnings: warnings(context.name, models, found), ..Outputs::default() };
        for (name, (table, key)) in self.outputs().into_iter().zip(made) {
            let path = context.scratch.join(format!("{}.parquet", outputs.tables.len()));
            let info = tables::write::write(&path, &table, &key).map_err(|error| {
                Diagnostic::error(format!("`{name}` cannot be written: {error}")).hint(error.hint())
            })?;
            outputs.tables.push(convert::output(&name, path, info)?);
        }
        Ok(outputs)
    }
}

/// Which rows the condition keeps; a condition that is null keeps nothing.
pub fn kept(rows: &Table) -> Vec<bool> {
    match rows.columns.iter().find(|column| column.name == CONDITION).map(|column| &column.values) {
        Some(Values::Bool(values)) => values.iter().map(|value| *value == Some(true)).collect(),
        _ => vec![true; rows.rows()],
    }
}

/// Rows and terms that are not in the models, in numbers; they belong into the note of every exhibit. What several models
/// of a stage say is said once.
fn warnings(instance: &str, models: &[Model], found: &[Result<Estimated, StatsError>]) -> Vec<Warning> {
    let mut messages: Vec<(String, usize)> = Vec::new();
    for (model, found) in models.iter().zip(found) {
        for message in messages_of(model, found) {
            match messages.iter_mut().find(|(known, _)| *known == message) {
                Some((_, count)) => *count += 1,
                None => messages.push((message, 1)),
            }
        }
    }
    let warning = |(message, count): (String, usize)| Warning {
        stage: instance.to_string(),
        severity: Severity::Warning,
        message: match (count, models.len()) {
            (_, 1) => message,
            (count, all) if count == all => message,
            (count, all) => format!("{message} ({count} of {all} models)"),
        },
        details: Vec::new(),
    };
    messages.into_iter().map(warning).collect()
}

fn messages_of(model: &Model, found: &Result<Estimated, StatsError>) -> Vec<String> {
    let found = match found {
        Ok(found) => found,
        Err(error) => return vec![format!("`{}` cannot be estimated: {error}", model.formula)],
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in
        found.reasons.iter().flatten().filter(|reason| ![outputs::FILTERED, OTHER_SAMPLE].contains(&reason.as_str()))
    {
        *counts.entry(reason).or_default() += 1;
    }
    let mut messages = Vec::new();
    if !counts.is_empty() {
        let parts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let total: usize = counts.values().sum();
        let of = found.reasons.len();
        messages.push(format!("{total} of {of} rows are not in the sample ({})", parts.join(", ")));
    }
    let dropped = found.dropped_terms.iter().map(|(term, reason)| format!("term `{term}` was dropped: {reason}"));
    messages.extend(dropped);
    messages.extend(found.warnings.iter().cloned());
    messages
}
