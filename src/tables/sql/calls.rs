//! Calls that a query may not make, told by their names: what changes from call to call, what only comes near a value,
//! a function of a window without one or with a filter, and `missing` without a code. Runs nothing.

use super::SqlError;
use super::syntax::{self, Place};
use crate::functions;
use crate::session::{self, Settings};
use datafusion::logical_expr::Volatility;
use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Value};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// Sketches: their result depends on the order in which rows come. With each what to take instead.
const APPROXIMATE: &[(&str, &str)] = &[
    ("approx_distinct", "take the exact one: `count(distinct x)`"),
    ("approx_median", "take the exact one: `median(x)`"),
    ("approx_percentile_cont", "take the exact one: `quantile_type7(x, p)`"),
    ("approx_percentile_cont_with_weight", "take `quantile_type7(x, p)` over rows repeated by their weight"),
];

/// Names of functions that are told apart here.
struct Names {
    /// Their value depends on more than their arguments.
    volatile: BTreeSet<String>,
    /// They can only be called with `over`.
    window: BTreeSet<String>,
}

/// Why this call is refused, if it is.
pub fn refused(call: &Function) -> Option<SqlError> {
    let function = syntax::dotted(&call.name);
    let place = syntax::name_place(&call.name);
    if names().volatile.contains(&function) {
        return Some(SqlError::Volatile { function, place });
    }
    if let Some((_, hint)) = APPROXIMATE.iter().find(|(name, _)| *name == function) {
        return Some(SqlError::Query {
            message: format!("`{function}` gives another value when the rows come in another order"),
            place,
            hint: Some(hint.to_string()),
        });
    }
    let only_window = names().window.contains(&function);
    if only_window && call.filter.is_some() {
        return Some(SqlError::Query {
            message: format!("`{function}` cannot be filtered; only an aggregate can"),
            place,
            hint: Some("make the others null: `case when … then x end`".to_string()),
        });
    }
    if only_window && call.over.is_none() {
        return Some(SqlError::Query {
            message: format!("`{function}` works on a window of rows, and there is none"),
            place,
            hint: Some(format!("write `{function}(…) over (partition by …)`, or `over ()` for all rows")),
        });
    }
    if function == "missing" {
        let (message, place) = missing_problem(call)?;
        let hint = "write `missing('BASE_NEAR_ZERO')`, for example".to_string();
        return Some(SqlError::Query { message, place, hint: Some(hint) });
    }
    None
}

fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let Ok(context) = session::context(&Settings::default()) else {
            return Names { volatile: BTreeSet::new(), window: BTreeSet::new() };
        };
        let state = context.state();
        let functions = state.scalar_functions().iter();
        let volatile = functions.filter(|(_, function)| function.signature().volatility != Volatility::Immutable);
        // `version` is called immutable, but names the processor and the system.
        let volatile = volatile.map(|(name, _)| name.clone()).chain(["version".to_string()]).collect();
        let aggregates = state.aggregate_functions();
        let window = state.window_functions().keys().filter(|name| !aggregates.contains_key(*name)).cloned().collect();
        Names { volatile, window }
    })
}

fn missing_problem(call: &Function) -> Option<(String, Option<Place>)> {
    let one_code = || ("`missing` takes one code, written as a text".to_string(), syntax::name_place(&call.name));
    let FunctionArguments::List(list) = &call.args else { return Some(one_code()) };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] = list.args.as_slice() else {
        return Some(one_code());
    };
    let Value::SingleQuotedString(code) = &value.value else { return Some(one_code()) };
    let problem = functions::code_problem(code)?;
    Some((problem.to_string(), syntax::place(value.span.start)))
}
