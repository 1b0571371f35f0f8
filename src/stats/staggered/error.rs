//! What can be wrong with a staggered design, with the units and periods concerned, and the next step.

/// Why a staggered estimator has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StaggeredError {
    #[error("the fixed effects are [{}], and a staggered design has the unit and the period", effects.join(", "))]
    Effects { effects: Vec<String> },
    #[error("the term `{term}` interacts the treatment")]
    TreatmentInteracted { term: String },
    #[error("the period `{column}` is text")]
    TextPeriod { column: String },
    #[error("the treatment `{column}` is text")]
    TextTreatment { column: String },
    #[error("unit `{unit}` has {rows} rows in period {period} (such pairs: {count})")]
    Duplicate { unit: String, period: f64, rows: usize, count: usize },
    #[error(
        "the first treated period `{column}` of unit `{unit}` is {} in period {before} and {} in period {after}",
        shown(*first),
        shown(*second)
    )]
    CohortChanges { column: String, unit: String, before: f64, after: f64, first: Option<f64>, second: Option<f64> },
    #[error("the treatment `{column}` of unit `{unit}` is {value} in period {period}, neither 0 nor 1")]
    NotBinary { column: String, unit: String, period: f64, value: f64 },
    #[error(
        "the treatment `{column}` of unit `{unit}` is 1 in period {on} and 0 in period {off} (such units: {count})"
    )]
    SwitchesOff { column: String, unit: String, on: f64, off: f64, count: usize },
    #[error("unit `{unit}` is in more than one cluster of `{cluster}`")]
    ClusterChanges { unit: String, cluster: String },
    #[error("all rows are in period {period}")]
    OnePeriod { period: f64 },
    #[error("no unit is treated in the periods {first} to {last}")]
    NoTreated { first: f64, last: f64 },
    #[error("no unit is treated after the first period {first}")]
    OnlyAlwaysTreated { first: f64 },
    #[error("no unit is never treated in the periods {first} to {last}")]
    NoNeverTreated { first: f64, last: f64 },
    #[error("no group has a comparison: {}", reasons.join("; "))]
    NoComparison { reasons: Vec<String> },
    #[error("no unit has a row in each of the {periods} periods")]
    NoBalancedUnit { periods: usize },
    #[error("unit `{unit}` has no row in period {period} (units with missing rows: {count})")]
    Unbalanced { unit: String, period: f64, count: usize },
    #[error(
        "the covariate `{covariate}` differs between treated rows only, so that untreated rows cannot tell its effect"
    )]
    UnidentifiedCovariate { covariate: String },
    #[error("no treated row has a unit and a period with untreated rows, in the periods {first} to {last}")]
    NoPrediction { first: f64, last: f64 },
    #[error("covariates are not part of this estimator: [{}]", covariates.join(", "))]
    Covariates { covariates: Vec<String> },
    #[error("weights are not part of this estimator: `{column}`")]
    Weights { column: String },
    #[error("no weights of {units} units and {periods} periods settle")]
    NoWeights { units: usize, periods: usize },
    #[error("the option `{option}` is {value}: {reason}")]
    Option { option: &'static str, value: String, reason: &'static str },
}

impl StaggeredError {
    /// Of a regression that has dropped every effect.
    pub(crate) fn nothing_left() -> StaggeredError {
        let reasons = vec!["no effect can be told from units, periods and covariates".to_string()];
        StaggeredError::NoComparison { reasons }
    }

    /// The next step, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        let text = match self {
            StaggeredError::Effects { .. } => "write the two after the bar: `y ~ x | unit + period`",
            StaggeredError::TreatmentInteracted { .. } => "estimate the groups one by one, or use `twfe`",
            StaggeredError::TextPeriod { .. } => "use a column of numbers, such as the year",
            StaggeredError::TextTreatment { .. } => {
                "use the first treated period, or 1 where a row is treated and 0 elsewhere"
            }
            StaggeredError::Duplicate { .. } => "the key of the table should be the unit and the period",
            StaggeredError::CohortChanges { .. } => {
                "a unit is treated from its first treated period on; missing is never treated"
            }
            StaggeredError::NotBinary { .. } => "these estimators are for treatments that are on or off",
            StaggeredError::SwitchesOff { .. } => {
                "these estimators are for treatments that stay: leave the units out, or use their first treated period"
            }
            StaggeredError::ClusterChanges { .. } => {
                "cluster by the unit, or by a column that is constant within units"
            }
            StaggeredError::OnePeriod { .. } => "a difference needs two periods: look at `where`",
            StaggeredError::NoTreated { .. } => "look at the treatment column and at the rows that were left out",
            StaggeredError::OnlyAlwaysTreated { .. } => "an effect needs periods before the treatment",
            StaggeredError::NoNeverTreated { .. } => "compare with units that are not yet treated",
            StaggeredError::NoComparison { .. } | StaggeredError::NoPrediction { .. } => {
                "add periods before the treatment, or units that are treated later or never"
            }
            StaggeredError::NoBalancedUnit { .. } | StaggeredError::Unbalanced { .. } => {
                "leave out units with missing rows, or use an estimator for unbalanced panels"
            }
            StaggeredError::UnidentifiedCovariate { .. } => "leave it out: it may be an outcome of the treatment",
            StaggeredError::Covariates { .. } | StaggeredError::Weights { .. } => {
                "leave them out, or use another estimator"
            }
            StaggeredError::NoWeights { .. } => "rescale the outcome: its values are too far apart",
            StaggeredError::Option { .. } => return None,
        };
        Some(text)
    }
}

fn shown(first: Option<f64>) -> String {
    first.map_or("missing".to_string(), |first| first.to_string())
}
