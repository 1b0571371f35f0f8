//! What can be wrong with a question of sensitivity, with the facts and the next step.

/// Why a sensitivity analysis has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SensitivityError {
    #[error("the event study has no effect {side} the reference time")]
    OneSided { side: &'static str },
    #[error("the event times [{}] around the reference {reference} are not one step apart", listed(times))]
    UnevenTimes { times: Vec<f64>, reference: f64 },
    #[error("the effect `{place}` is of several event times at once")]
    BinnedTimes { place: String },
    #[error("the variance has {rows} rows and {columns} columns for {effects} effects")]
    VarianceShape { rows: usize, columns: usize, effects: usize },
    #[error("the variance of the effects is singular at effect {position}")]
    SingularVariance { position: usize },
    #[error("{what} number {position} is {value}")]
    NotFinite { what: &'static str, position: usize, value: f64 },
    #[error("{found} weights for {expected} effects after the treatment")]
    TargetLength { found: usize, expected: usize },
    #[error("the weights of the effects after the treatment are all 0")]
    NoTarget,
    #[error("the bound is {bound}, and it cannot be negative")]
    Bound { bound: f64 },
    #[error("{restriction} compares with {needed} effects before the treatment at least, and there are {found}")]
    FewEffectsBefore { restriction: &'static str, needed: usize, found: usize },
    #[error("intervals of fixed length are for the restriction `smoothness` without a shape")]
    FixedLength,
    #[error("the option `{option}` is {value}: {reason}")]
    Option { option: &'static str, value: String, reason: &'static str },
    #[error("no value between {low} and {high} is in the interval")]
    EmptyInterval { low: f64, high: f64 },
    #[error("the regression has no term `{term}`; it has [{}]", known.join(", "))]
    NoTerm { term: String, known: Vec<String> },
    #[error("no control is left beside `{treatment}`")]
    NoControls { treatment: String },
    #[error("the controls determine `{treatment}`")]
    NoTreatmentLeft { treatment: String },
    #[error("the controls do not raise R², which is {short} without them and {long} with them")]
    NothingGained { short: f64, long: f64 },
    #[error("the largest R² is {value}, and it lies above that of the regression, {r2}, and not above 1")]
    LargestR2 { value: f64, r2: f64 },
    #[error("no effect is compatible with a selection of {delta}")]
    NoSolution { delta: f64 },
    #[error("no selection leads to an effect of {estimate}")]
    NoDelta { estimate: f64 },
    #[error("the {what} has no value")]
    NoValues { what: &'static str },
    #[error("there are {found} {what} for {rows} rows")]
    Rows { what: &'static str, found: usize, rows: usize },
    #[error("no row is {group}")]
    NoGroup { group: &'static str },
    #[error("no treated row is matched: {off_support} off the common support, {alone} without a neighbour")]
    NothingMatched { off_support: usize, alone: usize },
    #[error("the linear program of {what} does not end: its numbers are too far apart")]
    Stalled { what: &'static str },
}

impl SensitivityError {
    /// The next step, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        let text = match self {
            SensitivityError::OneSided { .. } => "an event study needs a time before the reference and one after it",
            SensitivityError::UnevenTimes { .. } => {
                "name the time that the effects are relative to, and leave out times beyond a gap"
            }
            SensitivityError::BinnedTimes { .. } => "estimate the event study without bins",
            SensitivityError::SingularVariance { .. } => {
                "there may be fewer clusters than effects: estimate fewer effects"
            }
            SensitivityError::NotFinite { .. } => "look at the event study: a cohort may have one unit",
            SensitivityError::FewEffectsBefore { .. } => "use `relative_magnitudes`, or more periods",
            SensitivityError::FixedLength => "use the method `hybrid`",
            SensitivityError::EmptyInterval { .. } => {
                "the effects before the treatment contradict the restriction: allow for a larger bound"
            }
            SensitivityError::NothingMatched { .. } => "use a larger caliper, or all treated rows",
            SensitivityError::Stalled { .. } => "scale the outcome",
            SensitivityError::NoControls { .. } => "name controls that the first regression leaves out",
            SensitivityError::NoTreatmentLeft { .. } => "leave out the control that the treatment depends on",
            SensitivityError::NothingGained { .. } => "the controls say nothing of selection: name others",
            SensitivityError::VarianceShape { .. }
            | SensitivityError::TargetLength { .. }
            | SensitivityError::NoTarget
            | SensitivityError::Bound { .. }
            | SensitivityError::NoTerm { .. }
            | SensitivityError::Rows { .. }
            | SensitivityError::NoGroup { .. }
            | SensitivityError::NoValues { .. }
            | SensitivityError::LargestR2 { .. }
            | SensitivityError::NoSolution { .. }
            | SensitivityError::NoDelta { .. }
            | SensitivityError::Option { .. } => return None,
        };
        Some(text)
    }
}

fn listed(times: &[f64]) -> String {
    times.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}
