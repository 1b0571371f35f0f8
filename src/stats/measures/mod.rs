//! Measures that SQL says badly: pure functions on slices, by the formulas of METHODS.

pub mod entropy_index;

/// Why a measure has no value in a row: one of its inputs has none.
pub const MISSING_INPUT: &str = "MISSING_INPUT";
