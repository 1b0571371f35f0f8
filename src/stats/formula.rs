//! A model's formula as a tree: `log(y) ~ x1 + a:b + i(year, ref = 2003) | firm[t] + industry^year | p ~ z`.
//! Knows names and structure, no data: what a name holds is found out in `design`.
//!
//! | written | means |
//! |---|---|
//! | `y ~ x1 + x2` | the outcome, the regressors, and an intercept unless there are fixed effects |
//! | `a:b`, `a*b` | the product; `a + b + a:b`. Parentheses group: `(a + b):c` |
//! | `i(f)`, `i(f, ref = 2003)`, `i(f, 2003)`, `ref = c(1, 5)` | a dummy per level of `f` except the reference levels |
//! | `i(f, x)`, `i(f, x, ref = 2003)` | the slope of `x` per level of `f`, the same as `i(f, ref = 2003):x` |
//! | `i(f, i.g, ref = 1, ref2 = 3)` | a dummy per pair of levels |
//! | `log(x)`, `exp`, `sqrt`, `abs`, `log2`, `log10`, `log1p`, `asinh` | a function of an expression, on either side |
//! | `I(x / z + 1)`, `I(x > 3)`, `x^2` | arithmetic; a comparison is 1 or 0 |
//! | `poly(x, 3)`, `poly(x, 3, raw = TRUE)` | orthogonal polynomials as R's `poly` makes them; plain powers |
//! | `l(x)`, `l(x, 1:2)`, `f(x)`, `d(x)` | the value one period before, after; the change. A gap has no neighbour |
//! | `0`, `- 1`, `1` | no intercept; an intercept and nothing else |
//! | `\| city + industry^year` | fixed effects to absorb; `^` combines columns into one effect |
//! | `\| firm[t]`, `\| firm[[t]]` | the means of `firm` and its own slope of `t`; the slopes alone |
//! | `\| p + q ~ z1 + z2` | `p` and `q` are endogenous, `z1` and `z2` their instruments. It is the last part |
//! | `y1 + y2 ~ x`, `c(y1, y2) ~ x` | one model per outcome |
//! | `sw(a, b)`, `csw(a, b)`, `sw0`, `csw0` | one model with each, one with each more; first without any |
//! | `mvsw(a, b, c)` | one model with every set of them, the empty one too |
//!
//! The last three lines are several models: [`models`] gives them all, outcomes outermost, [`parse`] wants one.
//!
//! A name is letters, digits, `_` and `.`, in any script; any other name stands in backquotes. Bare names are columns,
//! numbers and quoted texts are levels. A term that is written twice counts once.

mod error;
mod expression;
mod functions;
mod lex;
mod parse;
mod stepwise;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

pub use error::FormulaError;
pub(crate) use expression::{Comparison, Expression, Function, Operator};
pub use parse::{models, parse};

/// The two sides of a model, and what is absorbed.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    pub(crate) outcome: Variable,
    pub(crate) terms: Vec<Term>,
    pub(crate) intercept: bool,
    pub(crate) effects: Vec<Effect>,
    /// Regressors that are explained by the instruments; not among `terms`.
    pub(crate) endogenous: Vec<Term>,
    /// Instruments beside `terms`. Empty where `endogenous` is.
    pub(crate) instruments: Vec<Term>,
}

/// A product of variables: a regressor, or the regressors that a factor in it makes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Term {
    /// Without duplicates.
    pub(crate) variables: Vec<Variable>,
}

/// What enters a product.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Variable {
    /// Numbers, or texts, which are a factor.
    Column(String),
    /// A number computed row by row; never a bare column.
    Expression(Expression),
    Factor {
        column: String,
        references: Vec<Level>,
    },
    /// The polynomial of degree `power` among the first `degree` orthogonal ones.
    Polynomial {
        of: Expression,
        degree: u32,
        power: u32,
    },
}

/// A level of a factor as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Level {
    Text(String),
    Number(f64),
}

/// What is absorbed for the combinations of some columns: their means, their slopes, or both.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effect {
    pub(crate) columns: Vec<String>,
    pub(crate) means: bool,
    pub(crate) slopes: Vec<Expression>,
}

impl Formula {
    /// What is explained, as it is written in formulas.
    pub fn outcome(&self) -> String {
        self.outcome.to_string()
    }

    /// The first regressor, where it is a column and nothing else.
    pub fn first_column(&self) -> Option<&str> {
        match self.terms.first()?.variables.as_slice() {
            [Variable::Column(column)] => Some(column),
            _ => None,
        }
    }

    /// Every column that the formula reads.
    pub fn columns(&self) -> BTreeSet<String> {
        let variables = self.variables().flat_map(Variable::columns);
        let effects = self.effects.iter().flat_map(Effect::all_columns);
        variables.chain(effects).map(str::to_string).collect()
    }

    /// Whether it has lags, leads or differences, for which the columns of unit and period must be known.
    pub fn needs_panel(&self) -> bool {
        let slopes = self.effects.iter().flat_map(|effect| &effect.slopes);
        self.variables().filter_map(Variable::expression).chain(slopes).any(Expression::looks_around)
    }

    /// Whether some regressors are endogenous.
    pub fn has_instruments(&self) -> bool {
        !self.endogenous.is_empty()
    }

    /// The outcome, then all others in the order of the text.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Variable> {
        let terms = self.terms.iter().chain(&self.endogenous).chain(&self.instruments);
        std::iter::once(&self.outcome).chain(terms.flat_map(|term| &term.variables))
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
    pub(crate) fn columns(&self) -> Vec<&str> {
        match self {
            Variable::Column(column) | Variable::Factor { column, .. } => vec![column],
            Variable::Expression(expression) | Variable::Polynomial { of: expression, .. } => expression.columns(),
        }
    }

    /// The columns whose value in the row itself is needed.
    pub(crate) fn own_columns(&self) -> Vec<&str> {
        match self {
            Variable::Column(column) | Variable::Factor { column, .. } => vec![column],
            Variable::Expression(of) | Variable::Polynomial { of, .. } => of.own_columns(),
        }
    }

    /// What is computed row by row.
    pub(crate) fn expression(&self) -> Option<&Expression> {
        match self {
            Variable::Expression(expression) | Variable::Polynomial { of: expression, .. } => Some(expression),
            Variable::Column(_) | Variable::Factor { .. } => None,
        }
    }
}

impl From<Expression> for Variable {
    fn from(expression: Expression) -> Variable {
        match expression {
            Expression::Column(column) => Variable::Column(column),
            other => Variable::Expression(other),
        }
    }
}

impl Effect {
    /// The combined columns, then those of the slopes.
    pub(crate) fn all_columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(String::as_str).chain(self.slopes.iter().flat_map(Expression::columns))
    }

    /// The name of the combination, without its slopes.
    pub(crate) fn group_name(&self) -> String {
        self.columns.join("^")
    }

    /// The same combinations, whatever the order of the columns.
    pub(crate) fn same_group(&self, other: &Effect) -> bool {
        self.columns.len() == other.columns.len() && self.columns.iter().all(|column| other.columns.contains(column))
    }
}

impl fmt::Display for Formula {
    /// Reads as the same formula.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        fn sum<Part: fmt::Display>(parts: &[Part]) -> String {
            parts.iter().map(Part::to_string).collect::<Vec<_>>().join(" + ")
        }
        let terms = match (self.terms.is_empty(), self.intercept, self.effects.is_empty()) {
            (true, _, _) => "1".to_string(),
            (false, false, true) => format!("0 + {}", sum(&self.terms)),
            (false, _, _) => sum(&self.terms),
        };
        write!(formatter, "{} ~ {terms}", self.outcome)?;
        if !self.effects.is_empty() {
            write!(formatter, " | {}", sum(&self.effects))?;
        }
        if self.has_instruments() {
            write!(formatter, " | {} ~ {}", sum(&self.endogenous), sum(&self.instruments))?;
        }
        Ok(())
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
            Variable::Column(column) => formatter.write_str(&expression::quoted(column)),
            Variable::Expression(expression) => write!(formatter, "{expression}"),
            Variable::Polynomial { of, degree, power } => write!(formatter, "poly({of}, {degree}){power}"),
            Variable::Factor { column, references } => {
                write!(formatter, "i({}", expression::quoted(column))?;
                let quoted: Vec<String> = references.iter().map(Level::quoted).collect();
                match quoted.as_slice() {
                    [] => {}
                    [one] => write!(formatter, ", ref = {one}")?,
                    several => write!(formatter, ", ref = c({})", several.join(", "))?,
                }
                formatter.write_str(")")
            }
        }
    }
}

impl Level {
    fn quoted(&self) -> String {
        match self {
            Level::Text(text) => expression::text(text),
            Level::Number(number) => number.to_string(),
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
        let columns: Vec<String> = self.columns.iter().map(|column| expression::quoted(column)).collect();
        formatter.write_str(&columns.join("^"))?;
        let slopes: Vec<String> = self.slopes.iter().map(Expression::to_string).collect();
        match (slopes.is_empty(), self.means) {
            (true, _) => Ok(()),
            (false, true) => write!(formatter, "[{}]", slopes.join(", ")),
            (false, false) => write!(formatter, "[[{}]]", slopes.join(", ")),
        }
    }
}
