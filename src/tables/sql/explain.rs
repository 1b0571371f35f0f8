//! DataFusion's errors in our words, with their place in the query and the nearest name that would do.

use super::SqlError;
use super::syntax::{self, Place};
use crate::functions::Misuse;
use datafusion::common::utils::datafusion_strsim;
use datafusion::common::{DataFusionError, SchemaError};

/// Begins the message about a function that is not one of its arguments only; its names follow.
pub const VOLATILE: &str = "volatile: ";

/// What went wrong with this query.
pub fn explain(error: &DataFusionError, text: &str) -> SqlError {
    let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
    let place = span.map(|span| (span.start.line as usize, span.start.column as usize));
    let place = place.filter(|(line, column)| *line > 0 && *column > 0);
    let root = error.find_root();
    if let DataFusionError::External(cause) = root
        && let Some(Misuse { function, message, hint }) = cause.downcast_ref::<Misuse>()
    {
        let place = syntax::find_name(text, function);
        return SqlError::Query { message: message.clone(), place, hint: hint.clone() };
    }
    match root {
        DataFusionError::SchemaError(inner, _) => schema_error(inner, text, place),
        DataFusionError::SQL(..) => syntax::syntax_error(error),
        DataFusionError::ResourcesExhausted(message) => {
            let message = format!("the query needs more memory than it may have: {}", first_line(message));
            SqlError::Query { message, place: None, hint: Some("raise the memory limit".to_string()) }
        }
        root => other_error(&root.strip_backtrace(), text, place),
    }
}

/// The known name nearest to `word`; at most a third of its letters differ.
pub fn nearest(word: &str, known: &[String]) -> Option<String> {
    known
        .iter()
        .map(|name| (datafusion_strsim::levenshtein(&word.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= word.chars().count().div_ceil(3) && *name != word)
        .min()
        .map(|(_, name)| name.clone())
}

fn schema_error(error: &SchemaError, text: &str, place: Option<Place>) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut known: Vec<String> = valid_fields.iter().map(|column| column.name.clone()).collect();
            known.sort();
            known.dedup();
            let place = place.or_else(|| syntax::find_name(text, &field.name));
            SqlError::UnknownColumn { column: field.name.clone(), known, place }
        }
        SchemaError::AmbiguousReference { field } => SqlError::Query {
            message: format!("`{}` is a column of more than one table here", field.name),
            place: place.or_else(|| syntax::find_name(text, &field.name)),
            hint: Some(format!("say which: `table.{}`", field.name)),
        },
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            SqlError::Query {
                message: format!("two columns of the result are called `{name}`"),
                place: place.or_else(|| syntax::find_name(text, name)),
                hint: Some("name one of them with `as`".to_string()),
            }
        }
    }
}

/// Errors that DataFusion gives as a sentence only.
fn other_error(message: &str, text: &str, place: Option<Place>) -> SqlError {
    let mut message = message.to_string();
    for prefix in PREFIXES {
        message = message.strip_prefix(prefix).map(str::to_string).unwrap_or(message);
    }
    let quoted = message.split('\'').nth(1).unwrap_or_default().to_string();
    if message.starts_with("table '") && message.contains("not found") {
        let name = quoted.trim_start_matches("datafusion.").trim_start_matches("public.").to_string();
        let place = place.or_else(|| syntax::find_name(text, &name));
        return SqlError::UnknownTable { table: name, known: Vec::new(), place };
    }
    if let Some(names) = message.strip_prefix(VOLATILE) {
        let names: Vec<String> = names.split(' ').map(str::to_string).collect();
        let place = place.or_else(|| syntax::find_call(text, &names));
        return SqlError::Volatile { function: names[0].clone(), place };
    }
    if message.starts_with("Invalid function '") {
        let near = message.split('\'').nth(3).map(str::to_string);
        let place = place.or_else(|| syntax::find_name(text, &quoted));
        return SqlError::UnknownFunction { function: quoted, near, place };
    }
    let place = place.or_else(|| syntax::find_name(text, &quoted));
    let hint = message.to_lowercase().contains("divide by zero");
    SqlError::Query {
        message: first_line(&message).trim_end_matches(['.', ' ']).to_string(),
        place,
        hint: hint.then(|| "divide by `nullif(denominator, 0)`, so that the value is missing instead".to_string()),
    }
}

const PREFIXES: &[&str] = &[
    "External error: ",
    "Arrow error: ",
    "Compute error: ",
    "Error during planning: ",
    "Schema error: ",
    "Execution error: ",
    "Optimizer rule 'simplify_expressions' failed\ncaused by\n",
    "This feature is not implemented: ",
];

fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or(message)
}
