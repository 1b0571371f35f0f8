//! A formula and its columns, checked once: after `Design::new` every number is finite, every column has one value per
//! row of the sample, every group has a code. Estimators cannot meet anything else.
//!
//! | step | module |
//! |---|---|
//! | which rows are in the sample, and why the others are not | `sample` |
//! | texts and numbers as codes of groups, in the order of their labels | `groups` |
//! | expressions as columns: functions, arithmetic, lags | `evaluate` |
//! | rows in time and space, for variances | `timing` |
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
mod subset;
#[cfg(test)]
mod tests;
mod timing;

use crate::error::StatsError;
use crate::formula::{Formula, Level};
use crate::resampling::error::ResamplingError;
use evaluate::Evaluated;
use groups::Grouping;
use sample::Flags;
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(crate) use groups::Known;
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
    /// Rows that are not kept are in no sample. Lags may look at them.
    pub keep: Option<Cow<'a, [bool]>>,
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
    /// Clustered by one column, or two-way by two (CR1).
    Cluster(Vec<String>),
    /// Clustered by one column and corrected by leverage: CR2 (Bell & McCaffrey 2002).
    Cr2(String),
    /// Clustered by one column, from the estimates without each cluster: CR3 (MacKinnon, Nielsen & Webb 2023).
    Cr3(String),
    /// Robust to heteroskedasticity (HC1).
    Hetero,
    /// Corrected by leverage: HC2 and HC3 (MacKinnon & White 1985).
    Hc2,
    Hc3,
    /// Errors of one variance.
    Iid,
    /// Robust to correlation over so many periods within a unit (Newey & West 1987); needs [`Options::panel`].
    /// Without a number, ⌊T^¼⌋.
    NeweyWest {
        lags: Option<u32>,
    },
    /// Robust to correlation between all units, over so many periods (Driscoll & Kraay 1998); needs [`Options::panel`].
    DriscollKraay {
        lags: Option<u32>,
    },
    /// Robust to correlation between places that are near (Conley 1999).
    Conley(Conley),
}

/// Correlation over space.
#[derive(Clone, Debug, PartialEq)]
pub struct Conley {
    /// Columns of degrees.
    pub latitude: String,
    pub longitude: String,
    /// Kilometres along the great circle; rows farther apart are not correlated.
    pub cutoff: f64,
    pub kernel: Kernel,
    /// `None`: any two rows of near places are correlated, whatever their periods, as in `fixest`. A number: only rows of
    /// one period, and rows of one unit up to so many periods apart with Bartlett weights (Hsiang 2010), which needs
    /// [`Options::panel`].
    pub lags: Option<u32>,
}

/// How much two places count by their distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Fully, up to the cutoff.
    Uniform,
    /// 1 - distance / cutoff.
    Bartlett,
}

/// Corrections of the variance for the size of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmallSample {
    /// (n-1)/(n-K), without the levels nested in clusters, times G/(G-1), the defaults of `fixest` and `reghdfe`.
    Fixest,
    /// The same with the levels nested in clusters, as Stata's `regress` and `areg` count them.
    Stata,
    /// No factor.
    None,
    Rules(Rules),
}

/// Corrections one by one; `fixest` calls them `ssc()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Divide by n-K: `K.adj`.
    pub adjust: bool,
    /// Which absorbed parameters are in K: `K.fixef`.
    pub effects: CountedEffects,
    /// Multiply by G/(G-1): `G.adj`.
    pub cluster: bool,
    /// With two clusterings, G is the smaller for all parts, not each part's own: `G.df`.
    pub smallest_clusters: bool,
}

/// Absorbed parameters that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountedEffects {
    None,
    NotNested,
    All,
}

impl SmallSample {
    pub(crate) fn rules(self) -> Rules {
        let fixest = Rules { adjust: true, effects: CountedEffects::NotNested, cluster: true, smallest_clusters: true };
        match self {
            SmallSample::Fixest => fixest,
            SmallSample::Stata => Rules { effects: CountedEffects::All, ..fixest },
            SmallSample::None => Rules { adjust: false, cluster: false, ..fixest },
            SmallSample::Rules(rules) => rules,
        }
    }
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
    sample: Flags,
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
    Cr2(Group),
    Cr3(Group),
    Hetero,
    Hc2,
    Hc3,
    Iid,
    NeweyWest(Series),
    DriscollKraay(Series),
    Conley(Box<Places>),
}

/// Rows in time.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) units: Group,
    pub(crate) periods: Group,
    /// The period of each level of `periods`, in order.
    pub(crate) values: Vec<i64>,
    pub(crate) lags: u32,
}

/// Rows in space.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Rows of one place are one level.
    pub(crate) group: Group,
    /// Latitude and longitude of each, in degrees.
    pub(crate) degrees: Vec<(f64, f64)>,
    pub(crate) cutoff: f64,
    pub(crate) kernel: Kernel,
    /// Where only rows of one period, or of one unit, are correlated.
    pub(crate) series: Option<Series>,
    pub(crate) label: String,
}

impl Design {
    /// Checks everything checkable; the error names the column.
    pub fn new(formula: &Formula, data: &Data, options: &Options) -> Result<Design, StatsError> {
        Design::among(formula, data, options, &mut Known::default())
    }

    /// The same with the groups that are known from other designs over the same data.
    pub(crate) fn among(
        formula: &Formula,
        data: &Data,
        options: &Options,
        known: &mut Known,
    ) -> Result<Design, StatsError> {
        if !(options.level > 0.0 && options.level < 1.0) {
            return Err(StatsError::ConfidenceLevel { level: options.level });
        }
        let clusters: &[String] = match &options.vcov {
            Vcov::Cluster(columns) => columns,
            Vcov::Cr2(column) | Vcov::Cr3(column) => std::slice::from_ref(column),
            _ => &[],
        };
        if matches!(options.vcov, Vcov::Cluster(_)) && !(1..=2).contains(&clusters.len()) {
            return Err(StatsError::ClusterCount { count: clusters.len() });
        }
        let mut beside: Vec<String> = clusters.iter().chain(&options.weights).cloned().collect();
        beside.extend(timing::columns(options)?);
        let mut names = sample::columns(formula);
        names.extend(beside.iter().cloned());
        let panel = options.panel.as_ref();
        names.extend(panel.into_iter().flat_map(|panel| [panel.unit.clone(), panel.time.clone()]));
        sample::check(data, &names)?;
        let evaluated = Evaluated::new(formula, data, panel)?;
        let mut names = sample::own_columns(formula);
        names.extend(beside);
        let mut flags = sample::flags(formula, data, &evaluated, &names, options.weights.as_deref())?;
        let mut rows = flags.used();
        let alone = sample::singletons(formula, data, &rows, known);
        if options.drop_singletons && !alone.is_empty() {
            for (row, effect) in &alone {
                flags.drop_row(*row, &DropReason::Singleton { effect: effect.clone() });
            }
            rows = flags.used();
        }
        if rows.is_empty() {
            return Err(StatsError::NoRows { rows: data.rows, reasons: sample::reasons(&flags) });
        }
        let expanded = expand::expand(formula, data, &evaluated, &rows)?;
        let slopes = expand::slopes(formula, data, &evaluated, &rows)?;
        let mut group = |columns: &[String]| known.of(data, columns, &rows).to_group(columns.join("^"));
        let vcov = match (&options.vcov, clusters) {
            (Vcov::Iid, _) => CheckedVcov::Iid,
            (Vcov::Hetero, _) => CheckedVcov::Hetero,
            (Vcov::Hc2, _) => CheckedVcov::Hc2,
            (Vcov::Hc3, _) => CheckedVcov::Hc3,
            (Vcov::Cr2(_), columns) => CheckedVcov::Cr2(several(group(columns))?),
            (Vcov::Cr3(_), columns) => CheckedVcov::Cr3(several(group(columns))?),
            (Vcov::NeweyWest { lags }, _) => CheckedVcov::NeweyWest(timing::series(data, options, *lags, &rows)?),
            (Vcov::DriscollKraay { lags }, _) => {
                CheckedVcov::DriscollKraay(timing::series(data, options, *lags, &rows)?)
            }
            (Vcov::Conley(conley), _) => CheckedVcov::Conley(Box::new(timing::places(data, options, conley, &rows)?)),
            (Vcov::Cluster(_), [first, second]) if first != second => CheckedVcov::TwoWay(Box::new([
                several(group(std::slice::from_ref(first)))?,
                several(group(std::slice::from_ref(second)))?,
                group(clusters),
            ])),
            (Vcov::Cluster(_), columns) => CheckedVcov::OneWay(several(group(&columns[..1]))?),
        };
        let effects = formula.effects.iter().filter(|effect| effect.means);
        let effects = effects.map(|effect| known.group(data, &effect.columns, &rows)).collect();
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
        self.sample.shown()
    }

    /// The rows of the data that are not in the sample, and why.
    pub(crate) fn dropped_rows(&self) -> impl Iterator<Item = (usize, &DropReason)> {
        self.sample.dropped()
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

    /// Whether anything is absorbed.
    pub(crate) fn has_effects(&self) -> bool {
        !self.effects.is_empty() || !self.slopes.is_empty()
    }

    /// Which level of a column each row of the sample has, and the labels of the levels.
    pub(crate) fn grouped(&self, data: &Data, column: &str) -> Result<(Group, Vec<Level>), StatsError> {
        sample::check(data, &[column.to_string()])?;
        let rows = self.rows();
        let is_missing = |row: &usize| match &data.columns[column] {
            ColumnData::Text(values) => values[*row].is_none(),
            ColumnData::Float(values) => values[*row].is_none(),
        };
        if let Some(row) = rows.iter().copied().find(is_missing) {
            return Err(ResamplingError::MissingLabel { column: column.to_string(), row: row + 1 }.into());
        }
        let grouping = Grouping::of(&data.columns[column], &rows);
        let labels = grouping.labels.clone();
        Ok((grouping.into_group(column.to_string()), labels))
    }

    /// The outcome in the sample.
    pub fn outcome(&self) -> &[f64] {
        &self.outcome
    }

    /// The terms of the regressors with their values in the sample, without the intercept.
    pub fn regressors(&self) -> Vec<(&str, &[f64])> {
        self.regressors.iter().map(|regressor| (regressor.term.as_str(), regressor.values.as_slice())).collect()
    }

    /// The values of a column of numbers in the sample.
    pub fn in_sample(&self, data: &Data, column: &str) -> Result<Vec<Option<f64>>, StatsError> {
        sample::check(data, &[column.to_string()])?;
        match &data.columns[column] {
            ColumnData::Float(values) => Ok(self.rows().into_iter().map(|row| values[row]).collect()),
            ColumnData::Text(_) => Err(StatsError::NotNumber { column: column.to_string(), role: "a number here" }),
        }
    }

    /// The row of the data of each position of the sample.
    pub fn rows(&self) -> Vec<usize> {
        self.sample.used()
    }

    /// The row of the data at a position of the sample.
    pub(crate) fn row_of(&self, position: usize) -> usize {
        self.rows()[position]
    }

    /// Rows of the data that were left out as separated.
    pub(crate) fn separated_rows(&self) -> Vec<usize> {
        self.dropped_rows().filter(|(_, reason)| **reason == DropReason::Separated).map(|(row, _)| row).collect()
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
