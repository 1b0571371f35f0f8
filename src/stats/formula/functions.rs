//! Names of functions that are not there: what other programs call so, and what to do here.

use super::error::Problem;

/// Alphabetical, upper case first.
const ELSEWHERE: &[(&str, &str)] = &[
    ("C", "write `i(column)`"),
    ("I", "make the expression a column in a stage before the model"),
    ("csw", "estimate the variants with a `matrix`"),
    ("csw0", "estimate the variants with a `matrix`"),
    ("d", "make the difference a column in a stage before the model"),
    ("exp", "make the expression a column in a stage before the model"),
    ("f", "make the lead a column in a stage before the model"),
    ("factor", "write `i(column)`"),
    ("l", "make the lag a column in a stage before the model"),
    ("lag", "make the lag a column in a stage before the model"),
    ("poly", "make the powers columns in a stage before the model"),
    ("sqrt", "make the expression a column in a stage before the model"),
    ("sw", "estimate the variants with a `matrix`"),
    ("sw0", "estimate the variants with a `matrix`"),
];

/// What is wrong with a call of `name`.
pub(super) fn unknown(name: &str) -> Problem {
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
        return Problem::Unsupported { what: format!("{name}()"), instead };
    }
    // `log` is the only name long enough to be misspelt: a few of its letters, in any case and order, are enough.
    let length = name.chars().count();
    let resembles =
        (2..=4).contains(&length) && name.chars().all(|letter| "logn".contains(letter.to_ascii_lowercase()));
    Problem::UnknownFunction { name: name.to_string(), nearest: resembles.then_some("log") }
}
