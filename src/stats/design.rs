//! A formula and its columns, checked once: after `Design::new` every number is finite, every column has one value per
//! row of the sample, every group has a code. Estimators cannot meet anything else.
//!
//! | step | module |
//! |---|---|
//! | which rows are in the sample, and why the others are not | `sample` |
//! | texts and numbers as codes of groups, in the order of their labels | `groups` |
//! | expressions as columns: functions, arithmetic, lags | `evaluate` |
//! | terms as columns of numbers: products, dummies, polynomials | `expand` |
//!
//! A text column among the regressors is a factor. A factor has one dummy per level except the reference level: the one
//! named by `ref`, otherwise the first in order (numbers by value, texts by character), which [`Design::references`]
//! tells. As in R, a factor keeps all its levels where the model does not hold the term without it: the slopes of
//! `region:x` without `x`, or the means of `0 + region`.

mod evaluate;
mod expand;
mod groups;
mod sample;
#[cfg(test)]
mod tests;

use crate::error::StatsError;
use crate::formula::Formula;
use evaluate::Evaluated;
use groups::Grouping;
use std::collections::BTreeMap;

pub use sample::{DropReason, SampleFlag};

/// One column as the caller has it.
#[derive(Clone, Copy, Debug)]
pub enum ColumnData<'a> {
    Text(&'a [Option<String>]),
    Float(&'a [Option<f64>]),
}

/// The rows a model may use. Columns that the model does not name are not looked at.
#[derive(Clone, Debug)]
pub struct Data<'a> {
    pub rows: usize,
    pub columns: BTreeMap<String, ColumnData<'a>>,
}

/// How a model is estimated, apart from its formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub vcov: Vcov,
    /// Column of weights: a row counts as much as its weight. A weight of 0 leaves the row out.
    pub weights: Option<String>,
    pub small_sample: SmallSample,
    /// Level of the confidence intervals, such as 0.95.
    pub level: f64,
    /// Leave out rows that are alone in a level of a fixed effect, until there are none.
    pub drop_singletons: bool,
    /// What lags and variances over time need.
    pub panel: Option<Panel>,
}

/// The columns that say which unit a row is about, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    pub unit: String,
    /// Whole numbers; one row per unit and period.
    pub time: String,
}

impl Default for Options {
    /// Robust to heteroskedasticity, unweighted, 95 % intervals.
    fn default() -> Options {
        Options {
            vcov: Vcov::Hetero,
            weights: None,
            small_sample: SmallSample::Fixest,
            level: 0.95,
            drop_singletons: false,
            panel: None,
        }
    }
}

/// The variance of the estimates.
#[derive(Clone, Debug, PartialEq)]
pub enum Vcov {
    /// Clustered by one column, or two-way by two.
    Cluster(Vec<String>),
    /// Robust to heteroskedasticity.
    Hetero,
    /// Errors of one variance.
    Iid,
}

/// Corrections of the variance for the size of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmallSample {
    /// (n-1)/(n-K), without the levels nested in clusters, times G/(G-1), the defaults of `fixest` and `reghdfe`.
    Fixest,
    /// No factor.
    None,
}

/// A checked model: the input of every estimator.
#[derive(Clone, Debug)]
pub struct Design {
    pub(crate) outcome: Vec<f64>,
    pub(crate) outcome_name: String,
    /// Without the intercept.
    pub(crate) regressors: Vec<Regressor>,
    /// Explained by `regressors` and `instruments`.
    pub(crate) endogenous: Vec<Regressor>,
    pub(crate) instruments: Vec<Regressor>,
    /// Terms that make no regressor, and why.
    pub(crate) dropped_terms: Vec<(String, String)>,
    pub(crate) intercept: bool,
    /// The means that are absorbed.
    pub(crate) effects: Vec<Group>,
    /// The slopes that are absorbed; where a set has means too, they are among `effects` as well.
    pub(crate) slopes: Vec<Slopes>,
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) vcov: CheckedVcov,
    pub(crate) small_sample: SmallSample,
    pub(crate) level: f64,
    pub(crate) n_singletons: usize,
    references: Vec<(String, String)>,
    sample: Vec<SampleFlag>,
}

/// One column of numbers of the model.
#[derive(Clone, Debug)]
pub(crate) struct Regressor {
    pub(crate) term: String,
    pub(crate) values: Vec<f64>,
}

/// Slopes of some variables, each level of a group with its own.
#[derive(Clone, Debug)]
pub(crate) struct Slopes {
    pub(crate) group: Group,
    /// As in the formula.
    pub(crate) name: String,
    /// Whether the means of the group are absorbed with them.
    pub(crate) means: bool,
    pub(crate) variables: Vec<Vec<f64>>,
}

/// Which group each row of the sample belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// Each below `levels`, and each level occurs.
    pub(crate) codes: Vec<u32>,
    pub(crate) levels: usize,
}

/// [`Vcov`] with its columns.
#[derive(Clone, Debug)]
pub(crate) enum CheckedVcov {
    OneWay(Group),
    /// Both, and their combination.
    TwoWay(Box<[Group; 3]>),
    Hetero,
    Iid,
}

impl Design {
    /// Checks everything checkable; the error names the column.
    pub fn new(formula: &Formula, data: &Data, options: &Options) -> Result<Design, StatsError> {
        if !(options.level > 0.0 && options.level < 1.0) {
            return Err(StatsError::ConfidenceLevel { level: options.level });
        }
        let clusters: &[String] = match &options.vcov {
            Vcov::Cluster(columns) => columns,
            Vcov::Hetero | Vcov::Iid => &[],
        };
        if matches!(options.vcov, Vcov::Cluster(_)) && !(1..=2).contains(&clusters.len()) {
            return Err(StatsError::ClusterCount { count: clusters.len() });
        }
        let beside: Vec<String> = clusters.iter().chain(&options.weights).cloned().collect();
        let mut names = sample::columns(formula);
        names.extend(beside.iter().cloned());
        let panel = options.panel.as_ref();
        names.extend(panel.into_iter().flat_map(|panel| [panel.unit.clone(), panel.time.clone()]));
        sample::check(data, &names)?;
        let evaluated = Evaluated::new(formula, data, panel)?;
        let mut names = sample::own_columns(formula);
        names.extend(beside);
        let mut flags = sample::flags(formula, data, &evaluated, &names, options.weights.as_deref())?;
        let alone = sample::singletons(formula, data, &flags);
        if options.drop_singletons {
            for (row, effect) in &alone {
                flags[*row] = SampleFlag::Dropped(DropReason::Singleton { effect: effect.clone() });
            }
        }
        let rows = sample::used(&flags);
        if rows.is_empty() {
            return Err(StatsError::NoRows { rows: data.rows, reasons: sample::reasons(&flags) });
        }
        let expanded = expand::expand(formula, data, &evaluated, &rows)?;
        let slopes = expand::slopes(formula, data, &evaluated, &rows)?;
        let group = |columns: &[String]| Grouping::combined(data, columns, &rows).into_group(columns.join("^"));
        let effects =
            formula.effects.iter().filter(|effect| effect.means).map(|effect| group(&effect.columns)).collect();
        let vcov = match (&options.vcov, clusters) {
            (Vcov::Iid, _) => CheckedVcov::Iid,
            (Vcov::Hetero, _) => CheckedVcov::Hetero,
            (_, [first, second]) if first != second => CheckedVcov::TwoWay(Box::new([
                several(group(std::slice::from_ref(first)))?,
                several(group(std::slice::from_ref(second)))?,
                group(clusters),
            ])),
            _ => CheckedVcov::OneWay(several(group(&clusters[..1]))?),
        };
        let weights = match &options.weights {
            Some(column) => Some(expand::numbers(data, column, "a weight", &rows)?),
            None => None,
        };
        Ok(Design {
            outcome: expanded.outcome,
            outcome_name: formula.outcome.to_string(),
            regressors: expanded.regressors,
            endogenous: expanded.endogenous,
            instruments: expanded.instruments,
            dropped_terms: expanded.dropped,
            intercept: formula.intercept,
            effects,
            slopes,
            weights,
            vcov,
            small_sample: options.small_sample,
            level: options.level,
            n_singletons: alone.len(),
            references: expanded.references,
            sample: flags,
        })
    }

    /// One per row of the data, in its order.
    pub fn sample(&self) -> &[SampleFlag] {
        &self.sample
    }

    /// Factors and their reference levels, in the order of the formula.
    pub fn references(&self) -> &[(String, String)] {
        &self.references
    }

    /// What is absorbed, by the names of the formula.
    pub(crate) fn absorbed_names(&self) -> Vec<String> {
        let is_sloped =
            |group: &Group| self.slopes.iter().any(|slopes| slopes.means && slopes.group.name == group.name);
        let means = self.effects.iter().filter(|group| !is_sloped(group)).map(|group| group.name.clone());
        means.chain(self.slopes.iter().map(|slopes| slopes.name.clone())).collect()
    }

    /// Rows in the sample.
    pub(crate) fn n_obs(&self) -> usize {
        self.outcome.len()
    }
}

/// Clusters are independent draws: one says nothing about their variance.
fn several(group: Group) -> Result<Group, StatsError> {
    if group.levels < 2 { Err(StatsError::OneCluster { column: group.name }) } else { Ok(group) }
}
