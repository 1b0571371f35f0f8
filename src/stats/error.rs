//! What can be wrong with a model or a measure, with the facts and the next step. Prints nothing.

use crate::resampling::error::ResamplingError;
use crate::sensitivity::error::SensitivityError;
use crate::spatial::error::SpatialError;
use crate::staggered::error::StaggeredError;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatsError {
    #[error("no column `{column}`; there are [{}]", known.join(", "))]
    UnknownColumn { column: String, known: Vec<String> },
    #[error("column `{column}` has {found} values where there are {rows} rows")]
    ColumnLength { column: String, found: usize, rows: usize },
    #[error("column `{column}` is text and cannot be {role}")]
    NotNumber { column: String, role: &'static str },
    #[error("column `{column}` holds {value} in row {row} (values that are not finite: {count})")]
    NotFinite { column: String, value: f64, row: usize, count: usize },
    #[error("period `{column}` is {value} in row {row}, not a whole number")]
    NotWhole { column: String, value: f64, row: usize },
    #[error("`{unit}` has two rows of `{time}` {period}: rows {} and {}", rows[0], rows[1])]
    SamePeriod { unit: String, time: String, period: i64, rows: [usize; 2] },
    #[error("{expression} needs the columns of unit and period")]
    NoPanel { expression: String },
    #[error("`{expression}` has too few different values for a polynomial of degree {degree}")]
    FewValues { expression: String, degree: u32 },
    #[error("weight `{column}` is {value} in row {row} (negative weights: {count})")]
    NegativeWeight { column: String, value: f64, row: usize, count: usize },
    #[error("the factor `{column}` has no level `{level}`; it has [{}]", known.join(", "))]
    UnknownLevel { column: String, level: String, known: Vec<String> },
    #[error("the confidence level {level} is not between 0 and 1")]
    ConfidenceLevel { level: f64 },
    #[error("{count} columns to cluster by; there can be one or two")]
    ClusterCount { count: usize },
    #[error("all rows are in one cluster of `{column}`")]
    OneCluster { column: String },
    #[error("the variance `{vcov}` needs the columns of unit and period")]
    NoPanelForVcov { vcov: &'static str },
    #[error("the cutoff of {cutoff} km is not a positive distance")]
    Cutoff { cutoff: f64 },
    #[error("`{column}` holds {value} in row {row}, which is not a {role} in degrees")]
    Degrees { column: String, value: f64, row: usize, role: &'static str },
    #[error("rows {} and {} are both `{unit}` in period {period}", rows[0], rows[1])]
    RowsOfOnePeriod { unit: String, period: i64, rows: [usize; 2] },
    #[error("leverages are not defined for this estimator, and the variance `{vcov}` needs them")]
    NoLeverage { vcov: String },
    #[error("the variance needs a column for each of {levels} levels of [{}], {limit} at most for {rows} rows", effects.join(", "))]
    TooManyLevels { levels: usize, effects: Vec<String>, limit: usize, rows: usize },
    #[error("without the cluster {cluster} of `{column}` not every coefficient can be estimated")]
    ClusterDecides { cluster: usize, column: String },
    #[error("slopes of fixed effects, `{effect}`, are not supported by {what}")]
    SlopesUnsupported { effect: String, what: &'static str },
    #[error("no row is left of {rows}: {}", listed(reasons))]
    NoRows { rows: usize, reasons: Vec<(String, usize)> },
    #[error("the outcome `{column}` is {value} in every row of the sample")]
    ConstantOutcome { column: String, value: f64 },
    #[error("the fixed effects [{}] determine the outcome `{column}`", effects.join(", "))]
    AbsorbedOutcome { column: String, effects: Vec<String> },
    #[error("the estimator `{estimator}` has no instruments, and the formula names some")]
    NeedsInstruments { estimator: &'static str },
    #[error("the estimator `iv` needs instruments, and the formula names none")]
    NoInstruments,
    #[error("{instruments} instruments cannot identify {endogenous} endogenous regressors{}", because(dropped))]
    TooFewInstruments { instruments: usize, endogenous: usize, dropped: Vec<(String, String)> },
    #[error("the outcome `{column}` is {value} in row {row}; a count is not negative")]
    NegativeCount { column: String, value: f64, row: usize },
    #[error("the outcome `{column}` is {value} in row {row}, neither 0 nor 1")]
    NotBinary { column: String, value: f64, row: usize },
    #[error("the estimator `{estimator}` has no fixed effects, and the formula absorbs `{effect}`")]
    NoEffects { estimator: &'static str, effect: String },
    #[error(
        "the regressors tell `{column}` without an error in {count} rows, the first being {row}: no maximum exists"
    )]
    Separated { column: String, count: usize, row: usize },
    #[error("the likelihood has not settled after {steps} steps")]
    NoMaximum { steps: u32 },
    #[error("no regressor is left: {}", listed(dropped))]
    NoRegressors { dropped: Vec<(String, String)> },
    #[error("{observations} rows cannot determine {parameters} parameters")]
    NoFreedom { observations: usize, parameters: usize },
    #[error("`{column}` was not freed of the fixed effects [{}] in {iterations} iterations", effects.join(", "))]
    NotConverged { column: String, effects: Vec<String>, iterations: u32 },
    #[error("an index needs at least one indicator")]
    NoIndicators,
    #[error("no row has all indicators; missing values: {}", listed(missing))]
    NoCompleteRow { missing: Vec<(String, usize)> },
    #[error("every indicator is constant: [{}]", indicators.join(", "))]
    AllConstant { indicators: Vec<String> },
    #[error(transparent)]
    Resampling(#[from] ResamplingError),
    #[error(transparent)]
    Sensitivity(#[from] SensitivityError),
    #[error(transparent)]
    Spatial(#[from] SpatialError),
    #[error(transparent)]
    Staggered(#[from] StaggeredError),
}

impl StatsError {
    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            StatsError::NotNumber { role: "an indicator", .. } => "use a column of numbers",
            StatsError::NotNumber { column, .. } => {
                return Some(format!("use `{column}` as a factor, `i({column})`, as a fixed effect or as a cluster"));
            }
            StatsError::NotFinite { .. } => "make such values missing in the stage that computes the column",
            StatsError::NotWhole { .. } => "number the periods in a stage before the model",
            StatsError::SamePeriod { .. } => "name the columns that tell rows apart, or keep one row of each",
            StatsError::NoPanel { .. } => "name them in `panel`",
            StatsError::FewValues { .. } => "use a lower degree, or dummies: `i(column)`",
            StatsError::NegativeWeight { .. } => "a weight of 0 leaves a row out",
            StatsError::UnknownLevel { .. } => "name one of these levels as `ref`",
            StatsError::ClusterCount { .. } => "combine columns into one in a stage before the model",
            StatsError::OneCluster { .. } => "cluster by a column with at least two values, or leave `cluster` out",
            StatsError::NoPanelForVcov { .. } => "name them in `panel`",
            StatsError::Cutoff { .. } => "give kilometres",
            StatsError::Degrees { .. } => "latitudes go from -90 to 90, longitudes from -180 to 360",
            StatsError::RowsOfOnePeriod { .. } => "correlation over time needs one row per unit and period",
            StatsError::NoLeverage { .. } => "cluster, or use `hetero`",
            StatsError::TooManyLevels { .. } => "use a variance without leverages: `hetero` or a plain `cluster`",
            StatsError::ClusterDecides { .. } => {
                "use a plain `cluster`, or drop the term that only this cluster varies in"
            }
            StatsError::SlopesUnsupported { .. } => {
                "estimate the slopes as regressors, `i(group, x)`, or use a plain `cluster`"
            }
            StatsError::NoRows { .. } => "look at the columns of the formula, one by one, for missing values",
            StatsError::ConstantOutcome { .. } => "there is nothing to explain: look at `where` and at the column",
            StatsError::AbsorbedOutcome { .. } => "there is nothing left to explain: use fewer fixed effects",
            StatsError::NeedsInstruments { .. } => "use the estimator `iv`",
            StatsError::NoInstruments => "write `| endogenous ~ instrument` at the end, or use `twfe`",
            StatsError::TooFewInstruments { .. } => "name more instruments, or fewer endogenous regressors",
            StatsError::NegativeCount { .. } => "use `twfe` for an outcome that may be negative",
            StatsError::NotBinary { .. } => "make a column that is 1 or 0 in a stage before the model",
            StatsError::NoEffects { .. } => "use `twfe` for a linear probability model, or dummies: `i(column)`",
            StatsError::Separated { .. } => "leave out the regressor that decides the outcome",
            StatsError::NoMaximum { .. } => "use fewer regressors, or scale those with very large values",
            StatsError::NoRegressors { .. } => "leave them out of the formula, or use fewer fixed effects",
            StatsError::NoFreedom { .. } => "use fewer regressors or fixed effects, or more rows",
            StatsError::NotConverged { .. } => "the levels of the effects hardly overlap: combine small levels",
            StatsError::NoCompleteRow { .. } => "leave out the indicator that is missing most",
            StatsError::AllConstant { .. } => "an index needs an indicator that differs between rows",
            StatsError::Resampling(error) => return error.hint().map(str::to_string),
            StatsError::Sensitivity(error) => return error.hint().map(str::to_string),
            StatsError::Spatial(error) => return error.hint().map(str::to_string),
            StatsError::Staggered(error) => return error.hint().map(str::to_string),
            StatsError::UnknownColumn { .. }
            | StatsError::ColumnLength { .. }
            | StatsError::ConfidenceLevel { .. }
            | StatsError::NoIndicators => return None,
        };
        Some(text.to_string())
    }
}

/// `` (z: collinear with `x`) ``.
fn because(dropped: &[(String, String)]) -> String {
    if dropped.is_empty() { String::new() } else { format!(" ({})", listed(dropped)) }
}

/// `a: 3, b: 4`.
fn listed<Fact: std::fmt::Display>(pairs: &[(String, Fact)]) -> String {
    pairs.iter().map(|(name, fact)| format!("{name}: {fact}")).collect::<Vec<_>>().join(", ")
}
