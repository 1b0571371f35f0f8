//! The rows of a partition by their periods. Knows no function.

use super::call::Call;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::common::Result;

/// A row of a partition and when it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub period: i64,
    pub row: usize,
}

/// The rows that have a period, sorted by it. Two of one period are an error: which of them comes before the next one
/// would be left to chance.
pub fn sorted(call: &Call, periods: &ArrayRef) -> Result<Vec<Moment>> {
    let periods = periods.as_primitive::<Int64Type>();
    let rows = (0..periods.len()).filter(|row| periods.is_valid(*row));
    let mut moments: Vec<Moment> = rows.map(|row| Moment { period: periods.value(row), row }).collect();
    moments.sort_unstable();
    match moments.windows(2).find(|pair| pair[0].period == pair[1].period) {
        None => Ok(moments),
        Some(pair) => {
            let message = format!("two rows of one partition have the period {} in `{}`", pair[0].period, call.name);
            let hint = "name in `partition by` what tells them apart, or make one row of them first".to_string();
            Err(call.misuse(message, Some(hint)))
        }
    }
}
