//! What can be wrong with weights between places or with a spatial model, with the units concerned, and the next step.

/// Why there are no spatial weights, or no spatial result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SpatialError {
    #[error("the fixed effects are [{}], and a spatial panel has those of `{unit}`, of `{time}`, or both", effects.join(", "))]
    OtherEffects { effects: Vec<String>, unit: String, time: String },
    #[error("`{column}` is missing in row {row} of the sample")]
    NoValue { column: String, row: usize },
    #[error("`{column}` differs between rows of unit `{unit}`")]
    NotOfUnit { column: String, unit: String },
    #[error("{count} units are too few for weights between them")]
    FewUnits { count: usize },
    #[error("unit `{unit}` is named twice")]
    SameUnit { unit: String },
    #[error("{found} {what} where there are {units} units")]
    Length { what: &'static str, found: usize, units: usize },
    #[error("the {what} of unit `{unit}` is {value}")]
    Value { what: &'static str, unit: String, value: f64 },
    #[error("units `{first}` and `{second}` have the same {what} (such pairs: {count})")]
    NoDistance { what: &'static str, first: String, second: String, count: usize },
    #[error("the pair {first}, {second} names a unit beyond the {units} there are")]
    Pair { first: usize, second: usize, units: usize },
    #[error("the weight of `{second}` for `{first}` is {value}")]
    Weight { first: String, second: String, value: f64 },
    #[error("unit `{unit}` has no neighbour (such units: {count})")]
    Island { unit: String, count: usize },
    #[error("the option `{option}` is {value}: {reason}")]
    Option { option: &'static str, value: String, reason: &'static str },
    #[error("`{what}` is {value} in every unit")]
    Constant { what: String, value: f64 },
    #[error("`{column}` is {value} in row {row}")]
    NotFinite { column: String, value: f64, row: usize },
    #[error("column `{column}` has {found} values where there are {rows} rows")]
    ColumnLength { column: String, found: usize, rows: usize },
    #[error("unit `{unit}` has rows and no weights")]
    NoWeights { unit: String },
    #[error("unit `{unit}` has no row in period {period} (such pairs: {count})")]
    Unbalanced { unit: String, period: f64, count: usize },
    #[error("unit `{unit}` has two rows in period {period}")]
    Duplicate { unit: String, period: f64 },
    #[error("all rows are in one period, and unit effects need two")]
    OnePeriod,
    #[error("the effects determine the outcome `{outcome}`")]
    AbsorbedOutcome { outcome: String },
    #[error("the regressors fit the outcome `{outcome}` without an error")]
    PerfectFit { outcome: String },
    #[error("no regressor is left: {}", reasons.join(", "))]
    NoRegressors { reasons: Vec<String> },
    #[error("{observations} rows cannot determine {parameters} parameters")]
    NoFreedom { observations: usize, parameters: usize },
    #[error("{what} needs weights that sum to 1 in each row")]
    NeedsRowStandardised { what: &'static str },
    #[error("the likelihood rises up to the end of the interval, {limit}, of the spatial coefficient")]
    NoMaximum { limit: f64 },
    #[error("the information matrix is singular")]
    SingularInformation,
}

impl SpatialError {
    /// The next step, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        let text = match self {
            SpatialError::OtherEffects { .. } => "write the two after the bar, or one of them: `y ~ x | unit + period`",
            SpatialError::NoValue { .. } => "leave the row out with `where`, or give the value",
            SpatialError::NotOfUnit { .. } => "weights are between units: use a column that is constant within units",
            SpatialError::SameUnit { .. } => "weights are between units, not rows: give each unit once",
            SpatialError::NoDistance { .. } => "combine the two units, or use weights that need no distance",
            SpatialError::Island { .. } => "leave the unit out, use a longer distance, or the nearest neighbours",
            SpatialError::Constant { .. } => "there is nothing to correlate: look at the column",
            SpatialError::NotFinite { .. } => "make such values missing and leave the units out",
            SpatialError::NoWeights { .. } => "give its place, or leave it out of the sample",
            SpatialError::Unbalanced { .. } => "leave out units with missing rows, or shorten the period",
            SpatialError::Duplicate { .. } => "the key of the table should be the unit and the period",
            SpatialError::OnePeriod => "use period effects or none",
            SpatialError::AbsorbedOutcome { .. } => "there is nothing left to explain: use fewer effects",
            SpatialError::PerfectFit { .. } => "a regressor is the outcome in other words: leave it out",
            SpatialError::NoRegressors { .. } => "leave them out, or use fewer effects",
            SpatialError::NoFreedom { .. } => "use fewer regressors or effects, or more rows",
            SpatialError::NeedsRowStandardised { .. } => "standardise the weights by row",
            SpatialError::NoMaximum { .. } | SpatialError::SingularInformation => {
                "the model does not fit the data: use fewer regressors, or other weights"
            }
            _ => return None,
        };
        Some(text)
    }
}
