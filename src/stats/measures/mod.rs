//! Measures that SQL says badly: pure functions on slices, by the formulas of METHODS. A missing result has a code.

pub mod entropy_index;
pub mod location_quotient;
pub mod martin;

/// Why a measure has no value in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The ratio is not formed because its base is so near 0 that it would explode.
    BaseNearZero,
    /// There is no earlier value to compare with.
    BeforeSeriesStart,
    MissingInput,
    ZeroDenominator,
}

impl Reason {
    /// The code as it stands in a table.
    pub fn code(self) -> &'static str {
        match self {
            Reason::BaseNearZero => "BASE_NEAR_ZERO",
            Reason::BeforeSeriesStart => "BEFORE_SERIES_START",
            Reason::MissingInput => "MISSING_INPUT",
            Reason::ZeroDenominator => "ZERO_DENOM",
        }
    }
}
