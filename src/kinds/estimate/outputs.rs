//! The tables of an estimate stage: their columns, and models as their rows. Knows no option.

use super::method::{Estimate, Estimated, Test};
use super::rows::{Columns, Rows};
use tables::columns::{Column, Table, Values};

/// One row per estimated number. The first eight are what `broom` calls tidy; the others are missing where they mean nothing.
pub const COEFFICIENTS: Columns = &[
    ("model", "int"),
    ("term", "text"),
    ("estimate", "float"),
    ("std_error", "float"),
    ("statistic", "float"),
    ("p_value", "float"),
    ("conf_low", "float"),
    ("conf_high", "float"),
    ("part", "text"),
    ("event_time", "float"),
    ("cohort", "float"),
    ("period", "float"),
    ("n_treated", "int"),
    ("band_low", "float"),
    ("band_high", "float"),
];

/// One row per model.
pub const MODELS: Columns = &[
    ("model", "int"),
    // Not `outcome`, nor `estimator` and `vcov` below: that is what studies call the axes of a matrix.
    ("dependent", "text"),
    ("formula", "text"),
    ("subsample", "text"),
    ("method", "text"),
    ("variance", "text"),
    ("n_obs", "int"),
    ("n_units", "int"),
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
    ("pseudo_r2", "float"),
    ("log_likelihood", "float"),
    ("deviance", "float"),
    ("rmse", "float"),
    ("outcome_mean", "float"),
    ("outcome_sd", "float"),
    ("iterations", "int"),
    ("condition", "float"),
    ("dropped_terms", "text"),
    ("error", "text"),
    ("sample_model", "int"),
];

/// One row per test.
pub const TESTS: Columns = &[
    ("model", "int"),
    ("test", "text"),
    ("statistic", "float"),
    ("df", "int"),
    ("df_denominator", "float"),
    ("p_value", "float"),
];

/// What `.sample` has after `model` and the key.
pub const SAMPLE: Columns = &[("used", "bool"), ("reason", "text")];

/// Why a row that `where` leaves out is not used.
pub const FILTERED: &str = "where";

/// A model as its row needs it.
pub struct Described<'a> {
    pub number: usize,
    pub dependent: String,
    pub formula: String,
    pub subsample: Option<&'a str>,
    pub estimator: &'a str,
    /// Which model's rows of `.sample` are its own.
    pub sample_model: usize,
}

pub fn model_row(rows: &mut Rows, model: &Described, found: Result<&Estimated, &str>) {
    let nothing = Estimated::default();
    let (found, error) = match found {
        Ok(found) => (found, None),
        Err(error) => (&nothing, Some(error)),
    };
    let with_reason = |start: &str| found.reasons.iter().flatten().filter(|reason| reason.starts_with(start)).count();
    let dropped: Vec<String> = found.dropped_terms.iter().map(|(term, reason)| format!("{term}: {reason}")).collect();
    let all = &found.statistics;
    let estimated = |count: usize| error.is_none().then_some(count);
    rows.push(vec![
        model.number.into(),
        model.dependent.as_str().into(),
        model.formula.as_str().into(),
        model.subsample.into(),
        model.estimator.into(),
        all.vcov.as_deref().into(),
        estimated(all.n_obs).into(),
        all.n_units.into(),
        all.n_clusters.into(),
        estimated(with_reason(FILTERED)).into(),
        estimated(with_reason("missing")).into(),
        all.n_singletons.into(),
        all.df_residual.into(),
        all.df_t.into(),
        all.r2.into(),
        all.adj_r2.into(),
        all.r2_within.into(),
        all.adj_r2_within.into(),
        all.pseudo_r2.into(),
        all.log_likelihood.into(),
        all.deviance.into(),
        all.rmse.into(),
        all.outcome_mean.into(),
        all.outcome_sd.into(),
        all.iterations.into(),
        all.condition.into(),
        dropped.join("; ").as_str().into(),
        error.into(),
        estimated(model.sample_model).into(),
    ]);
}

pub fn coefficient_row(rows: &mut Rows, model: usize, estimate: &Estimate) {
    let of = &estimate.coefficient;
    rows.push(vec![
        model.into(),
        of.term.as_str().into(),
        of.estimate.into(),
        of.std_error.into(),
        of.statistic.into(),
        of.p_value.into(),
        of.conf_low.into(),
        of.conf_high.into(),
        estimate.part.into(),
        estimate.event_time.into(),
        estimate.cohort.into(),
        estimate.period.into(),
        estimate.n_treated.into(),
        estimate.band.map(|band| band[0]).into(),
        estimate.band.map(|band| band[1]).into(),
    ]);
}

pub fn test_row(rows: &mut Rows, model: usize, test: &Test) {
    rows.push(vec![
        model.into(),
        test.name.as_str().into(),
        test.statistic.into(),
        test.df.into(),
        test.df_denominator.into(),
        test.p_value.into(),
    ]);
}

/// The rows of `.sample`: those of each model in `samples`, by its number, under the key of the table they come from.
pub fn sample_table(rows: &Table, key: &[String], samples: &[(usize, &[Option<String>])]) -> Table {
    let models: Vec<usize> = samples.iter().map(|(model, _)| *model).collect();
    let mut table = keyed(rows, key, &models);
    let reasons = || samples.iter().flat_map(|(_, reasons)| reasons.iter());
    let used = Values::Bool(reasons().map(|reason| Some(reason.is_none())).collect());
    table.columns.push(Column { name: "used".to_string(), values: used });
    table.columns.push(Column { name: "reason".to_string(), values: Values::Text(reasons().cloned().collect()) });
    table
}

/// The rows of a table of numbers per row: of each model by its number one list per column.
pub fn row_table(rows: &Table, key: &[String], columns: &[&str], values: &[(usize, &[Vec<Option<f64>>])]) -> Table {
    let models: Vec<usize> = values.iter().map(|(model, _)| *model).collect();
    let mut table = keyed(rows, key, &models);
    for (index, name) in columns.iter().enumerate() {
        let values = values.iter().flat_map(|(_, columns)| columns[index].iter().copied());
        table.columns.push(Column { name: name.to_string(), values: Values::Float(values.collect()) });
    }
    table
}

/// All rows by their key, once for each model.
fn keyed(rows: &Table, key: &[String], models: &[usize]) -> Table {
    let (count, times) = (rows.rows(), models.len());
    let numbers = models.iter().flat_map(|model| std::iter::repeat_n(Some(*model as i64), count));
    let mut columns = vec![Column { name: "model".to_string(), values: Values::Int(numbers.collect()) }];
    for of_key in rows.columns.iter().filter(|column| key.contains(&column.name)) {
        let values = match &of_key.values {
            Values::Bool(values) => Values::Bool(values.repeat(times)),
            Values::Int(values) => Values::Int(values.repeat(times)),
            Values::Float(values) => Values::Float(values.repeat(times)),
            Values::Text(values) => Values::Text(vec![values.as_slice(); times].concat()),
            Values::Date(values) => Values::Date(values.repeat(times)),
        };
        columns.push(Column { name: of_key.name.clone(), values });
    }
    Table { columns }
}
