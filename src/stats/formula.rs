//! A model's formula as a tree: `log(y) ~ x1 + a:b + i(year, ref = 2003) | firm + industry^year`.
//! Knows names and structure, no data: what a name holds is found out in `design`.
//!
//! | written | means |
//! |---|---|
//! | `y ~ x1 + x2` | the outcome, the regressors, and an intercept unless there are fixed effects |
//! | `a:b`, `a*b` | the product; `a + b + a:b`. Parentheses group: `(a + b):c` |
//! | `log(x)` | the natural logarithm, on either side |
//! | `i(f)`, `i(f, ref = 2003)`, `i(f, 2003)` | a dummy per level of `f` except the reference level |
//! | `i(f, x)`, `i(f, x, ref = 2003)` | the slope of `x` per level of `f`, the same as `i(f, ref = 2003):x` |
//! | `0`, `- 1`, `1` | no intercept; an intercept and nothing else |
//! | `\| city + industry^year` | fixed effects to absorb; `^` combines columns into one effect |
//!
//! A name is letters, digits, `_` and `.`, in any script; any other name stands in backquotes. Bare names are columns,
//! numbers and quoted texts are levels. A term that is written twice counts once.

mod error;
mod functions;
mod lex;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

pub use error::FormulaError;
pub use parse::parse;

/// The two sides of a model, and what is absorbed.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    pub(crate) outcome: Variable,
    pub(crate) terms: Vec<Term>,
    pub(crate) intercept: bool,
    pub(crate) effects: Vec<Effect>,
}

/// A product of variables: a regressor, or the regressors that a factor in it makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    /// Without duplicates.
    pub(crate) variables: Vec<Variable>,
}

/// One column, as it enters a product.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Variable {
    Column(String),
    Log(String),
    Factor { column: String, reference: Option<Level> },
}

/// A level of a factor as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Level {
    Text(String),
    Number(f64),
}

/// The columns whose combinations are one fixed effect.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effect {
    pub(crate) columns: Vec<String>,
}

impl Formula {
    /// Every column that the formula reads.
    pub fn columns(&self) -> BTreeSet<String> {
        let variables = self.terms.iter().flat_map(|term| &term.variables).chain([&self.outcome]);
        let effects = self.effects.iter().flat_map(|effect| &effect.columns);
        variables.map(Variable::column).chain(effects.map(String::as_str)).map(str::to_string).collect()
    }
}

impl Term {
    /// The same product, whatever the order of its variables.
    pub(crate) fn same(&self, other: &Term) -> bool {
        self.variables.len() == other.variables.len()
            && self.variables.iter().all(|variable| other.variables.contains(variable))
    }
}

impl Variable {
    pub(crate) fn column(&self) -> &str {
        match self {
            Variable::Column(column) | Variable::Log(column) | Variable::Factor { column, .. } => column,
        }
    }
}

impl Effect {
    /// The same combinations, whatever the order of the columns.
    fn same(&self, other: &Effect) -> bool {
        self.columns.len() == other.columns.len() && self.columns.iter().all(|column| other.columns.contains(column))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let variables: Vec<String> = self.variables.iter().map(Variable::to_string).collect();
        formatter.write_str(&variables.join(":"))
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Variable::Column(column) | Variable::Factor { column, .. } => formatter.write_str(column),
            Variable::Log(column) => write!(formatter, "log({column})"),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Level::Text(text) => formatter.write_str(text),
            Level::Number(number) => write!(formatter, "{number}"),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.columns.join("^"))
    }
}
