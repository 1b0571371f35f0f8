//! Names of functions that are not there: what other programs call so, and what to do here.

use super::error::Problem;
use super::expression::FUNCTIONS;

/// What a formula may call beside [`FUNCTIONS`].
const OTHERS: &[&str] = &["I", "csw", "csw0", "d", "f", "i", "l", "poly", "sw", "sw0"];

/// Alphabetical, upper case first.
const ELSEWHERE: &[(&str, &str)] = &[
    ("C", "write `i(column)`"),
    ("as.factor", "write `i(column)`"),
    ("bin", "make the column in a stage before the model"),
    ("center", "an intercept or fixed effects centre every regressor"),
    ("diff", "write `d(column)`"),
    ("factor", "write `i(column)`"),
    ("lag", "write `l(column, 1)`"),
    ("lead", "write `f(column, 1)`"),
    ("ln", "write `log(column)`"),
    ("mvsw", "write the models with `sw`"),
    ("sunab", "make the dummies of cohort and period in a stage before the model"),
];

/// What is wrong with a call of `name`.
pub(super) fn unknown(name: &str) -> Problem {
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(known, _)| *known == name) {
        return Problem::Unsupported { what: format!("{name}()"), instead };
    }
    let known = FUNCTIONS.iter().map(|(known, _)| *known).chain(OTHERS.iter().copied());
    // A name of one or two letters resembles everything.
    let nearest = known
        .filter(|known| known.len() > 2)
        .map(|known| (distance(&name.to_lowercase(), known), known))
        .filter(|(distance, known)| *distance <= known.len() / 2)
        .min();
    Problem::UnknownFunction { name: name.to_string(), nearest: nearest.map(|(_, known)| known) }
}

/// Letters to insert, leave out, exchange or swap with their neighbour (Damerau 1964).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().take(20).collect(), right.chars().collect());
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for row in 0..=left.len() {
        for column in 0..=right.len() {
            if row == 0 || column == 0 {
                table[row][column] = row + column;
                continue;
            }
            let change = usize::from(left[row - 1] != right[column - 1]);
            let mut best =
                (table[row - 1][column] + 1).min(table[row][column - 1] + 1).min(table[row - 1][column - 1] + change);
            if row > 1 && column > 1 && left[row - 1] == right[column - 2] && left[row - 2] == right[column - 1] {
                best = best.min(table[row - 2][column - 2] + 1);
            }
            table[row][column] = best;
        }
    }
    table[left.len()][right.len()]
}
