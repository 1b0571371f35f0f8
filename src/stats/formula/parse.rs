//! Recursive descent over the tokens: one function per rule of the grammar, lowest precedence first.
//!
//! ```text
//! formula     = variable "~" sum [ "|" effects ]
//! sum         = [ "+" | "-" ] product { ( "+" | "-" ) product }
//! product     = interaction { "*" interaction }
//! interaction = atom { ":" atom }
//! atom        = name | "log" "(" name ")" | "i" "(" … ")" | "0" | "1" | "(" sum ")"
//! effects     = name { "^" name } { "+" … }
//! ```

use super::error::{FormulaError, Problem};
use super::functions;
use super::lex::{self, Kind, Token};
use super::{Effect, Formula, Level, Term, Variable};

/// Reads a formula; the error says what is wrong and at which character.
pub fn parse(text: &str) -> Result<Formula, FormulaError> {
    let tokens = lex::tokens(text)?;
    if !tokens.iter().any(|token| token.kind == Kind::Sign('~')) {
        let end = tokens.last().expect("the last token is `End`").offset;
        return Err(FormulaError { problem: Problem::MissingTilde, offset: end, length: 0 });
    }
    Parser { tokens, next: 0 }.formula()
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

/// Terms of a part of the right side, and what it says about the intercept.
#[derive(Default)]
struct Sum {
    terms: Vec<Term>,
    intercept: Option<bool>,
}

impl Parser {
    fn formula(mut self) -> Result<Formula, FormulaError> {
        if self.peek() == &Kind::Sign('~') {
            return Err(self.here(Problem::EmptyOutcome));
        }
        let outcome = self.outcome()?;
        self.advance();
        if matches!(self.peek(), Kind::End | Kind::Sign('|')) {
            return Err(self.here(Problem::EmptyRegressors));
        }
        let right_side = self.next;
        let sum = self.sum()?;
        let effects = if self.take('|') { self.effects()? } else { Vec::new() };
        match self.peek() {
            Kind::End => {}
            Kind::Sign('|') => return Err(self.here(instruments())),
            Kind::Sign(')') => return Err(self.here(Problem::LoneParenthesis)),
            Kind::Sign('~') => return Err(self.here(Problem::SecondTilde)),
            Kind::Sign('^') => return Err(self.here(Problem::Caret)),
            _ => return Err(self.expected("`+`, `|` or the end")),
        }
        let intercept = effects.is_empty() && sum.intercept.unwrap_or(true);
        let regressors = &self.tokens[right_side..];
        if sum.terms.is_empty() && !intercept {
            return Err(at(&regressors[0], Problem::NothingToEstimate));
        }
        if sum.terms.iter().any(|term| term.variables == [outcome.clone()]) {
            let named = Kind::Name(outcome.column().to_string());
            let token = regressors.iter().find(|token| token.kind == named).expect("a term has its name in the text");
            return Err(at(token, Problem::OutcomeAsRegressor { name: outcome.to_string() }));
        }
        Ok(Formula { outcome, terms: sum.terms, intercept, effects })
    }

    /// Ends before `~`.
    fn outcome(&mut self) -> Result<Variable, FormulaError> {
        let first = self.token().clone();
        let variable = match &first.kind {
            Kind::Name(name) if self.after() == &Kind::Sign('(') => {
                let name = name.clone();
                self.advance();
                match self.call(&name, &first)?.as_slice() {
                    [variable @ Variable::Log(_)] => variable.clone(),
                    _ => return Err(at(&first, Problem::Outcome)),
                }
            }
            Kind::Name(name) => {
                let name = name.clone();
                self.advance();
                Variable::Column(name)
            }
            _ => return Err(at(&first, Problem::Outcome)),
        };
        if self.peek() == &Kind::Sign('~') { Ok(variable) } else { Err(self.here(Problem::Outcome)) }
    }

    fn sum(&mut self) -> Result<Sum, FormulaError> {
        let mut sum = Sum::default();
        let mut negative = self.take('-');
        if !negative {
            self.take('+');
        }
        loop {
            let start = self.token().clone();
            let product = self.product()?;
            if negative && (product.intercept != Some(true) || !product.terms.is_empty()) {
                return Err(at(&start, Problem::Minus));
            }
            if let Some(intercept) = product.intercept {
                sum.intercept = Some(intercept && !negative);
            }
            for term in product.terms {
                push_term(&mut sum.terms, term);
            }
            negative = match self.peek() {
                Kind::Sign('+') => false,
                Kind::Sign('-') => true,
                _ => return Ok(sum),
            };
            self.advance();
        }
    }

    fn product(&mut self) -> Result<Sum, FormulaError> {
        let mut product = self.interaction()?;
        while self.peek() == &Kind::Sign('*') {
            self.no_number(&product)?;
            self.advance();
            let right = self.interaction()?;
            self.no_number(&right)?;
            let crossed = cross(&product.terms, &right.terms);
            for term in right.terms.into_iter().chain(crossed) {
                push_term(&mut product.terms, term);
            }
        }
        Ok(product)
    }

    fn interaction(&mut self) -> Result<Sum, FormulaError> {
        let mut interaction = self.atom()?;
        while self.peek() == &Kind::Sign(':') {
            self.no_number(&interaction)?;
            self.advance();
            let right = self.atom()?;
            self.no_number(&right)?;
            interaction.terms = cross(&interaction.terms, &right.terms);
        }
        if self.peek() == &Kind::Sign('^') {
            return Err(self.here(Problem::Caret));
        }
        Ok(interaction)
    }

    fn atom(&mut self) -> Result<Sum, FormulaError> {
        let token = self.token().clone();
        match &token.kind {
            Kind::Name(name) => {
                self.advance();
                let variables = match self.peek() {
                    Kind::Sign('(') => self.call(name, &token)?,
                    Kind::Sign('[') => return Err(self.here(varying_slopes())),
                    _ => vec![Variable::Column(name.clone())],
                };
                Ok(Sum { terms: vec![Term { variables }], intercept: None })
            }
            Kind::Number(number) if number == "0" || number == "1" => {
                self.advance();
                Ok(Sum { terms: Vec::new(), intercept: Some(number == "1") })
            }
            Kind::Number(number) => Err(at(&token, Problem::Number { number: number.clone() })),
            Kind::Sign('(') => {
                self.advance();
                let sum = self.sum()?;
                self.close(&token)?;
                Ok(sum)
            }
            Kind::Sign(')') => Err(at(&token, Problem::LoneParenthesis)),
            Kind::Sign('~') => Err(at(&token, Problem::SecondTilde)),
            _ => Err(self.expected("a column, a function or `(`")),
        }
    }

    /// The call of `name`, from its parenthesis on.
    fn call(&mut self, name: &str, token: &Token) -> Result<Vec<Variable>, FormulaError> {
        match name {
            "log" => self.log(),
            "i" => self.factor(),
            _ => Err(at(token, functions::unknown(name))),
        }
    }

    fn log(&mut self) -> Result<Vec<Variable>, FormulaError> {
        let open = self.token().clone();
        self.advance();
        let argument = self.token().clone();
        let Kind::Name(column) = argument.kind.clone() else { return Err(at(&argument, Problem::LogArgument)) };
        self.advance();
        match self.peek() {
            Kind::Sign(')') | Kind::End => self.close(&open)?,
            _ => return Err(at(&argument, Problem::LogArgument)),
        }
        Ok(vec![Variable::Log(column)])
    }

    fn factor(&mut self) -> Result<Vec<Variable>, FormulaError> {
        let open = self.token().clone();
        self.advance();
        let column = self.name("the column of the factor")?;
        let (mut reference, mut slope) = (None, None);
        while self.take(',') {
            let argument = self.token().clone();
            match argument.kind.clone() {
                Kind::Name(name) if name == "ref" && self.after() == &Kind::Sign('=') && reference.is_none() => {
                    self.advance();
                    self.advance();
                    reference = Some(self.level()?);
                }
                Kind::Name(name) if slope.is_none() && reference.is_none() => {
                    self.advance();
                    slope = Some(match self.peek() {
                        Kind::Sign('(') if name == "log" => self.log()?,
                        Kind::Sign('(') => return Err(at(&argument, functions::unknown(&name))),
                        _ => vec![Variable::Column(name)],
                    });
                }
                Kind::Text(_) | Kind::Number(_) | Kind::Sign('-') if reference.is_none() => {
                    reference = Some(self.level()?);
                }
                _ => return Err(self.expected("`)`")),
            }
        }
        self.close(&open)?;
        let mut variables = vec![Variable::Factor { column, reference }];
        variables.extend(slope.into_iter().flatten());
        Ok(variables)
    }

    /// After `ref =` a bare word can only be a level.
    fn level(&mut self) -> Result<Level, FormulaError> {
        let negative = self.take('-');
        let token = self.token().clone();
        let level = match &token.kind {
            Kind::Name(text) | Kind::Text(text) if !negative => Level::Text(text.clone()),
            Kind::Number(number) => {
                let value: f64 = number.parse().map_err(|_| at(&token, Problem::Number { number: number.clone() }))?;
                Level::Number(if negative { -value } else { value })
            }
            _ => return Err(self.expected("a level: a number or a quoted text")),
        };
        self.advance();
        Ok(level)
    }

    fn effects(&mut self) -> Result<Vec<Effect>, FormulaError> {
        if matches!(self.peek(), Kind::End | Kind::Sign('|')) {
            return Err(self.here(Problem::EmptyEffects));
        }
        let mut effects: Vec<Effect> = Vec::new();
        loop {
            let mut columns = vec![self.name("a column to absorb")?];
            while self.take('^') {
                let column = self.name("a column to absorb")?;
                if !columns.contains(&column) {
                    columns.push(column);
                }
            }
            match self.peek() {
                Kind::Sign('[') => return Err(self.here(varying_slopes())),
                Kind::Sign('~') => return Err(self.here(instruments())),
                Kind::Sign('(') => {
                    let token = &self.tokens[self.next - 1];
                    let what = format!("{}()", columns.last().expect("an effect has a column"));
                    let instead = "make the column in a stage before the model and absorb that";
                    return Err(at(token, Problem::Unsupported { what, instead }));
                }
                _ => {}
            }
            let effect = Effect { columns };
            if !effects.iter().any(|known| known.same(&effect)) {
                effects.push(effect);
            }
            if !self.take('+') {
                return Ok(effects);
            }
        }
    }

    fn name(&mut self, expected: &'static str) -> Result<String, FormulaError> {
        match self.peek() {
            Kind::Name(name) => {
                let name = name.clone();
                self.advance();
                Ok(name)
            }
            _ => Err(self.expected(expected)),
        }
    }

    fn no_number(&self, sum: &Sum) -> Result<(), FormulaError> {
        match sum.intercept {
            Some(intercept) => Err(self.here(Problem::Number { number: u8::from(intercept).to_string() })),
            None => Ok(()),
        }
    }

    fn close(&mut self, open: &Token) -> Result<(), FormulaError> {
        match self.peek() {
            Kind::Sign(')') => {
                self.advance();
                Ok(())
            }
            Kind::End | Kind::Sign('|' | '~') => Err(at(open, Problem::OpenParenthesis)),
            _ => Err(self.expected("`)`")),
        }
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == &Kind::Sign(sign);
        if found {
            self.advance();
        }
        found
    }

    fn token(&self) -> &Token {
        &self.tokens[self.next]
    }

    fn peek(&self) -> &Kind {
        &self.token().kind
    }

    /// The token after the next.
    fn after(&self) -> &Kind {
        &self.tokens[(self.next + 1).min(self.tokens.len() - 1)].kind
    }

    /// Stays on `End`.
    fn advance(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    fn here(&self, problem: Problem) -> FormulaError {
        at(self.token(), problem)
    }

    fn expected(&self, expected: &'static str) -> FormulaError {
        let found = match self.peek() {
            Kind::Name(name) => format!("`{name}`"),
            Kind::Text(text) => format!("\"{text}\""),
            Kind::Number(number) => format!("`{number}`"),
            Kind::Sign(sign) => format!("`{sign}`"),
            Kind::End => "the end".to_string(),
        };
        self.here(Problem::Expected { expected, found })
    }
}

fn at(token: &Token, problem: Problem) -> FormulaError {
    FormulaError { problem, offset: token.offset, length: token.length }
}

/// Every term of one side times every term of the other.
fn cross(left: &[Term], right: &[Term]) -> Vec<Term> {
    let mut crossed = Vec::new();
    for left in left {
        for right in right {
            let mut variables = left.variables.clone();
            variables.extend(right.variables.iter().filter(|variable| !left.variables.contains(variable)).cloned());
            push_term(&mut crossed, Term { variables });
        }
    }
    crossed
}

fn push_term(terms: &mut Vec<Term>, term: Term) {
    if !terms.iter().any(|known| known.same(&term)) {
        terms.push(term);
    }
}

fn instruments() -> Problem {
    Problem::Unsupported { what: "| endogenous ~ instrument".to_string(), instead: "estimate the reduced form instead" }
}

fn varying_slopes() -> Problem {
    let instead = "interact the variable with dummies: `i(group):x`";
    Problem::Unsupported { what: "group[x]".to_string(), instead }
}
