//! What can be wrong with a question about a fitted model, and the next step.

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ResamplingError {
    #[error("no term `{term}` in the model; there are [{}]", known.join(", "))]
    UnknownTerm { term: String, known: Vec<String> },
    #[error("the term `{term}` was dropped: {reason}")]
    DroppedTerm { term: String, reason: String },
    #[error("{what} needs one column to cluster by, and the variance is `{vcov}`")]
    NotClustered { what: &'static str, vcov: String },
    #[error("`{column}` is missing in row {row} of the sample")]
    MissingLabel { column: String, row: usize },
    #[error(
        "the treatment `{term}` is {value} for `{unit}` in period {period}, row {row}: not 1 from a first period on and 0 before"
    )]
    NotAdoption { term: String, unit: String, period: f64, value: f64, row: usize },
    #[error("all units begin the treatment `{term}` in one period, or never: there is nothing to permute")]
    OneDate { term: String },
    #[error("no unit is treated before period {first} if the treatment begins {shift} earlier")]
    NoPlacebo { first: f64, shift: f64 },
    #[error("`{column}` has {} values in the sample, and two groups are compared: [{}]", groups.len(), groups.join(", "))]
    Groups { column: String, groups: Vec<String> },
    #[error("`{unit}` is in both groups of `{column}`")]
    UnitInBoth { unit: String, column: String },
    #[error("all rows have one value of `{column}`")]
    OneGroup { column: String },
    #[error("no density of {values} values: {reason}")]
    NoDensity { values: usize, reason: &'static str },
    #[error("`{combination}` has no variance")]
    NoVariance { combination: String },
    #[error("restriction {position}, `{restriction}`, follows from those before it or has no variance")]
    Redundant { restriction: String, position: usize },
    #[error("the option `{option}` is {value}: {reason}")]
    Option { option: &'static str, value: String, reason: &'static str },
    #[error("the statistic of {undefined} of {draws} draws is not defined")]
    Undefined { undefined: usize, draws: usize },
}

impl ResamplingError {
    /// The next step, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        let text = match self {
            ResamplingError::UnknownTerm { .. } => "write the term as the table of coefficients does",
            ResamplingError::DroppedTerm { .. } => "leave out what it is collinear with",
            ResamplingError::NotClustered { .. } => "name one column in `cluster`",
            ResamplingError::MissingLabel { .. } => "name a column that every row has",
            ResamplingError::NotAdoption { .. } => "use a treatment that stays, written as 1 and 0",
            ResamplingError::OneDate { .. } => "a placebo needs units with different dates, or without one",
            ResamplingError::NoPlacebo { .. } => "use a smaller shift, or add periods before the treatment",
            ResamplingError::Undefined { .. } => "too few clusters vary in the regressor",
            ResamplingError::Groups { .. } => "compare two of them, with `where`",
            ResamplingError::UnitInBoth { .. } => "labels move with whole units: use groups that units keep",
            ResamplingError::OneGroup { .. } => "name a column with at least two values",
            ResamplingError::Redundant { .. } => "leave it out",
            ResamplingError::NoDensity { .. } | ResamplingError::NoVariance { .. } | ResamplingError::Option { .. } => {
                return None;
            }
        };
        Some(text)
    }
}
