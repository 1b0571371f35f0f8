//! What can be wrong with a formula, where, and the next step.

/// A formula that cannot be read. Positions count characters, not bytes: names may be in any script.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{problem} (at character {})", offset + 1)]
pub struct FormulaError {
    pub(crate) problem: Problem,
    /// 0-based character where the problem begins.
    pub offset: usize,
    /// Characters it covers; 0 at a place where something is missing.
    pub length: usize,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the formula has no `~`")]
    MissingTilde,
    #[error("nothing stands before `~`")]
    EmptyOutcome,
    #[error("nothing stands after `~`")]
    EmptyRegressors,
    #[error("nothing stands after `|`")]
    EmptyEffects,
    #[error("an outcome is a column or a function of columns")]
    Outcome,
    #[error("`{name}` is the outcome and cannot explain itself")]
    OutcomeAsRegressor { name: String },
    #[error("`{sign}` cannot stand in a formula")]
    Sign { sign: char },
    #[error("`{sign}` is a full-width sign")]
    FullWidth { sign: char, ascii: char },
    #[error("the quotation mark is not closed")]
    OpenQuote { mark: char },
    #[error("the parenthesis is not closed")]
    OpenParenthesis,
    #[error("the parenthesis closes nothing")]
    LoneParenthesis,
    #[error("expected {expected}, found {found}")]
    Expected { expected: &'static str, found: String },
    #[error("no function `{name}`")]
    UnknownFunction { name: String, nearest: Option<&'static str> },
    #[error("`{what}` is not supported")]
    Unsupported { what: String, instead: &'static str },
    #[error("`{number}` is not a term")]
    Number { number: String },
    #[error("`^` combines fixed effects and has no meaning here")]
    Caret,
    #[error("only `- 1` can be taken away")]
    Minus,
    #[error("there is nothing to estimate: no regressor and no intercept")]
    NothingToEstimate,
    #[error("more than one `~`")]
    SecondTilde,
    #[error("nothing stands after the instruments")]
    AfterInstruments,
    #[error("`{term}` is {role} and cannot be {other} too")]
    TwoRoles { term: String, role: &'static str, other: &'static str },
    #[error("`{name}()` stands for several models and cannot be a part of a term")]
    StepwiseInTerm { name: String },
    #[error("the formula makes {count} models where one is wanted")]
    SeveralModels { count: usize },
    #[error("the formula makes more than {limit} models")]
    TooManyModels { limit: usize },
    #[error("the formula is nested more than {limit} deep")]
    TooDeep { limit: usize },
    #[error("`{name}` cannot be part of an expression")]
    NotAValue { name: String },
    #[error("the degree of a polynomial is a whole number from 1 to {limit}")]
    Degree { limit: u32 },
    #[error("a number of periods is a whole number from -{limit} to {limit}")]
    Periods { limit: i64 },
}

impl FormulaError {
    /// The next step, where there is one.
    pub fn hint(&self) -> Option<String> {
        let text = match &self.problem {
            Problem::MissingTilde | Problem::EmptyOutcome | Problem::EmptyRegressors => {
                "a formula reads `outcome ~ regressor + regressor | effect + effect`"
            }
            Problem::EmptyEffects => "leave `|` out if there are no fixed effects",
            Problem::Outcome => "write arithmetic as `I(a / b) ~ …`, and several outcomes as `a + b ~ …`",
            Problem::Sign { .. } => "put a name with unusual characters into backquotes",
            Problem::FullWidth { ascii, .. } => {
                return Some(format!("write `{ascii}`, or put the name into backquotes"));
            }
            Problem::OpenQuote { mark } => return Some(format!("close it with `{mark}`")),
            Problem::UnknownFunction { nearest: Some(nearest), .. } => {
                return Some(format!("did you mean `{nearest}`?"));
            }
            Problem::UnknownFunction { nearest: None, .. } => "make the column in a stage before the model",
            Problem::Unsupported { instead, .. } => instead,
            Problem::Number { .. } => "`1` is the intercept and `0` leaves it out; there are no other numbers",
            Problem::Caret => "write a product as `a:b` and a power as `a^2`",
            Problem::Minus => "leave the term out instead",
            Problem::NothingToEstimate => "name a regressor after `~`",
            Problem::AfterInstruments => "the order is `outcome ~ regressors | effects | endogenous ~ instruments`",
            Problem::TwoRoles { .. } => "name it once: exogenous regressors are their own instruments",
            Problem::StepwiseInTerm { .. } => "write it as a summand of its own: `sw(a:x, b:x)` for `sw(a, b):x`",
            Problem::SeveralModels { .. } => "estimate the variants with a `matrix`, one model each",
            Problem::TooManyModels { .. } => "estimate the variants in several stages",
            Problem::TooDeep { .. } => "make the expression a column in a stage before the model",
            Problem::NotAValue { .. } => "only columns, numbers, functions and arithmetic make a number",
            Problem::OutcomeAsRegressor { .. }
            | Problem::OpenParenthesis
            | Problem::LoneParenthesis
            | Problem::Expected { .. }
            | Problem::Degree { .. }
            | Problem::Periods { .. }
            | Problem::SecondTilde => return None,
        };
        Some(text.to_string())
    }
}
