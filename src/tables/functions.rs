//! The functions that queries have besides DataFusion's. One file per family, and its line below.
//!
//! | a function of | is built by | gives |
//! |---|---|---|
//! | values of one row | the family itself | a value |
//! | a group of rows | `group` | one value, or one per row with `over` |
//! | a partition of rows | `partition` | one value per row |
//!
//! No result depends on the order of the rows, on the size of a batch or on the number of threads: what is summed is
//! sorted by value first, and what looks back or ahead is told by which column. When a result changes, `sql::ENGINE` must
//! too. Not here: DataFusion's own functions, and which of them are refused (see `sql/calls.rs`).

mod call;
mod concentration;
mod distance;
mod group;
mod inventory;
mod mathematics;
mod missing;
mod partition;
mod periods;
mod quantile;
mod shift;
mod trend;
mod winsorize;
mod zscore;

pub use call::Misuse;
pub use missing::code_problem;

use datafusion::common::Result;
use datafusion::logical_expr::{Expr, WindowFunctionDefinition};
use datafusion::prelude::SessionContext;

/// One line per family, alphabetical.
const ALL: &[fn(&SessionContext)] = &[
    concentration::register,
    distance::register,
    inventory::register,
    mathematics::register,
    missing::register,
    quantile::register,
    shift::register,
    trend::register,
    winsorize::register,
    zscore::register,
];

/// Makes the functions known to a session.
pub fn register(context: &SessionContext) {
    for family in ALL {
        family(context);
    }
}

/// Refuses what a call of ours says and would not be heard, such as the frame of a function of a whole partition.
/// For an expression of a plan as written.
pub fn check_clauses(expression: &Expr) -> Result<()> {
    match expression {
        Expr::WindowFunction(window) => match &window.fun {
            WindowFunctionDefinition::WindowUDF(function) => partition::check_clauses(function, &window.params),
            WindowFunctionDefinition::AggregateUDF(_) => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Refuses constants that a call of ours cannot work with, before there is any data. For an expression of an optimised
/// plan, in which `1.0 / 100` has become a number.
pub fn check_constants(expression: &Expr) -> Result<()> {
    match expression {
        Expr::AggregateFunction(group) => group::check_constants(&group.func, &group.params.args),
        Expr::WindowFunction(window) => match &window.fun {
            WindowFunctionDefinition::WindowUDF(function) => partition::check_constants(function, &window.params.args),
            WindowFunctionDefinition::AggregateUDF(function) => group::check_constants(function, &window.params.args),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
