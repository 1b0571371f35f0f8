//! The door of an estimator: what it is given of a stage, and what it gives for its tables. Knows no estimator.

use super::rows::{Cell, Columns};
use engine::diagnostic::Place;
use engine::digest::{Digest, Hasher};
use engine::manifest::Manifest;
use engine::spec::Spec;
use engine::yaml::fields::Located;
use stats::design::{Data, SampleFlag};
use stats::error::StatsError;
use stats::estimator::Coefficient;
use stats::formula::Formula;
use stats::random::Random;
use stats::staggered::Estimates;
use std::collections::BTreeMap;
use tables::columns::Table;

/// An estimator with its options, checked.
pub trait Method: Send + Sync {
    fn name(&self) -> &'static str;
    /// Raised when its results change.
    fn version(&self) -> u32;
    /// Columns that its own options name.
    fn columns(&self) -> Vec<String>;
    /// Tables that it reads beside the stage's.
    fn side_tables(&self) -> Vec<SideTable> {
        Vec::new()
    }
    /// Its own options.
    fn describe(&self, manifest: &mut dyn Manifest);
    /// Whether it draws random numbers.
    fn draws(&self) -> bool {
        false
    }
    /// The tables that it makes beside those of every model.
    fn own_tables(&self) -> Vec<OwnTable> {
        Vec::new()
    }
    /// The table that it makes with a row per row of the data.
    fn row_table(&self) -> Option<RowTable> {
        None
    }
    /// One answer per problem. All are of one table and one sample of its rows.
    fn estimate(&self, problems: &[Problem]) -> Vec<Result<Estimated, StatsError>>;
}

/// A table that only some estimators make.
#[derive(Clone, Copy)]
pub struct OwnTable {
    pub suffix: &'static str,
    /// With `model`, which is the first.
    pub key: &'static [&'static str],
    /// With `model`, which is the first.
    pub columns: Columns,
}

/// A table under the key of the table that the stage reads, with columns of numbers.
#[derive(Clone, Copy)]
pub struct RowTable {
    pub suffix: &'static str,
    pub columns: &'static [&'static str],
}

/// A table beside the one that the models are of.
pub struct SideTable {
    pub name: String,
    pub place: Place,
    pub columns: Vec<String>,
}

/// What an estimator reads its options from.
pub struct Request<'a> {
    pub spec: &'a Spec<'a>,
    pub common: &'a Common,
    /// The models of the formula; there is one at least.
    pub formulas: &'a [Formula],
    /// Whether the name of the estimator is chosen by a matrix: then options of the others may stand beside its own.
    pub is_chosen: bool,
}

/// Options of every estimator.
pub struct Common {
    pub cluster: Vec<Located<String>>,
    pub weights: Option<String>,
    /// Of the confidence intervals.
    pub level: f64,
}

/// A model to estimate.
pub struct Problem<'a> {
    pub formula: &'a Formula,
    pub data: &'a Data<'a>,
    pub common: &'a Common,
    pub draws: Draws,
    /// Those that the estimator asked for, with the columns it asked for, ordered by them.
    pub side_tables: &'a BTreeMap<String, Table>,
}

/// Where the random numbers of a stage come from.
#[derive(Clone, Copy)]
pub struct Draws {
    pub seed: i64,
    /// Of the name of the stage.
    pub stage: Digest,
}

impl Draws {
    /// Those of one purpose: what two of them draw has nothing in common.
    pub fn random(&self, purpose: &str) -> Random {
        let mut of_purpose = Hasher::new("restudy random draws");
        of_purpose.field(self.stage.bytes()).text(purpose);
        let bytes: [u8; 8] = of_purpose.finish().bytes()[..8].try_into().expect("a digest has 32 bytes");
        Random::new(self.seed as u64, u64::from_le_bytes(bytes))
    }
}

/// What is known of a model once it is estimated.
#[derive(Default)]
pub struct Estimated {
    pub estimates: Vec<Estimate>,
    pub statistics: Statistics,
    pub tests: Vec<Test>,
    /// Terms that could not be estimated, and why.
    pub dropped_terms: Vec<(String, String)>,
    /// Why each row of the data is not in the sample; `None` for a row that is.
    pub reasons: Vec<Option<String>>,
    pub warnings: Vec<String>,
    /// Rows of each of the own tables, without the model.
    pub own: Vec<Vec<Vec<Cell>>>,
    /// Of the row table: one value per row of the data and column.
    pub of_rows: Vec<Vec<Option<f64>>>,
    /// The effects by time, for what is asked of them.
    pub dynamic: Option<Estimates>,
}

/// A number with its inference and its place.
pub struct Estimate {
    pub coefficient: Coefficient,
    /// Which of several lists of estimates it belongs to.
    pub part: Option<&'static str>,
    pub event_time: Option<f64>,
    pub cohort: Option<f64>,
    pub period: Option<f64>,
    pub n_treated: Option<usize>,
    /// The ends of its part of a band that covers its whole list.
    pub band: Option<[f64; 2]>,
}

/// Numbers of the whole model, as far as an estimator has them.
#[derive(Default)]
pub struct Statistics {
    pub vcov: Option<String>,
    pub n_obs: usize,
    pub n_units: Option<usize>,
    pub n_clusters: Option<usize>,
    pub n_singletons: Option<usize>,
    pub df_residual: Option<f64>,
    pub df_t: Option<f64>,
    pub r2: Option<f64>,
    pub adj_r2: Option<f64>,
    pub r2_within: Option<f64>,
    pub adj_r2_within: Option<f64>,
    pub pseudo_r2: Option<f64>,
    pub log_likelihood: Option<f64>,
    pub deviance: Option<f64>,
    pub rmse: Option<f64>,
    pub outcome_mean: Option<f64>,
    pub outcome_sd: Option<f64>,
    pub iterations: Option<usize>,
    pub condition: Option<f64>,
}

/// A test of the model: of F where `df_denominator` is there, else of chi-square; a statistic alone has no degrees.
pub struct Test {
    pub name: String,
    pub statistic: f64,
    pub df: Option<usize>,
    pub df_denominator: Option<f64>,
    pub p_value: Option<f64>,
}

/// Why each row is not in the sample; `None` for a row that is.
pub fn reasons(sample: &[SampleFlag]) -> Vec<Option<String>> {
    let reason = |flag: &SampleFlag| match flag {
        SampleFlag::Used => None,
        SampleFlag::Dropped(reason) => Some(reason.to_string()),
    };
    sample.iter().map(reason).collect()
}

impl Request<'_> {
    /// Complains of options of every estimator that `estimator` does not have.
    pub fn refuse(&self, options: &[&str], estimator: &str) {
        let fields = &self.spec.fields;
        for option in options {
            if let Some(node) = fields.node(option) {
                fields.complain(node, format!("`{estimator}` has no `{option}`"));
            }
        }
    }
}

impl Test {
    /// A number that is no test, beside those that are.
    pub fn number(name: String, statistic: f64) -> Test {
        Test { name, statistic, df: None, df_denominator: None, p_value: None }
    }
}

impl Estimate {
    /// A number that is known or computed without an error of its own.
    pub fn without_inference(term: &str, estimate: f64) -> Estimate {
        let none = f64::NAN;
        Estimate::new(Coefficient {
            term: term.to_string(),
            estimate,
            std_error: none,
            statistic: none,
            p_value: none,
            conf_low: none,
            conf_high: none,
        })
    }

    pub fn new(coefficient: Coefficient) -> Estimate {
        Estimate { coefficient, part: None, event_time: None, cohort: None, period: None, n_treated: None, band: None }
    }
}
