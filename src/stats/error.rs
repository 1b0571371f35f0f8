//! What can be wrong with a model or a measure, with the facts and the next step. Prints nothing.

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
    #[error("no row is left of {rows}: {}", listed(reasons))]
    NoRows { rows: usize, reasons: Vec<(String, usize)> },
    #[error("the outcome `{column}` is {value} in every row of the sample")]
    ConstantOutcome { column: String, value: f64 },
    #[error("the fixed effects [{}] determine the outcome `{column}`", effects.join(", "))]
    AbsorbedOutcome { column: String, effects: Vec<String> },
    #[error("the estimator `{estimator}` has no instruments, and the formula names some")]
    NeedsInstruments { estimator: &'static str },
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
            StatsError::NoRows { .. } => "look at the columns of the formula, one by one, for missing values",
            StatsError::ConstantOutcome { .. } => "there is nothing to explain: look at `where` and at the column",
            StatsError::AbsorbedOutcome { .. } => "there is nothing left to explain: use fewer fixed effects",
            StatsError::NeedsInstruments { .. } => "use the estimator `iv`",
            StatsError::NoRegressors { .. } => "leave them out of the formula, or use fewer fixed effects",
            StatsError::NoFreedom { .. } => "use fewer regressors or fixed effects, or more rows",
            StatsError::NotConverged { .. } => "the levels of the effects hardly overlap: combine small levels",
            StatsError::NoCompleteRow { .. } => "leave out the indicator that is missing most",
            StatsError::AllConstant { .. } => "an index needs an indicator that differs between rows",
            StatsError::UnknownColumn { .. }
            | StatsError::ColumnLength { .. }
            | StatsError::ConfidenceLevel { .. }
            | StatsError::NoIndicators => return None,
        };
        Some(text.to_string())
    }
}

/// `a: 3, b: 4`.
fn listed<Fact: std::fmt::Display>(pairs: &[(String, Fact)]) -> String {
    pairs.iter().map(|(name, fact)| format!("{name}: {fact}")).collect::<Vec<_>>().join(", ")
}
