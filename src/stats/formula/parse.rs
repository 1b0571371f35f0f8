//! Recursive descent over the tokens: one function per rule of the grammar, lowest precedence first.
//!
//! ```text
//! formula     = outcomes "~" sum [ "|" effects ] [ "|" sum "~" sum ]
//! outcomes    = outcome { "+" outcome } ;  outcome = name | call | "c" "(" outcome { "," outcome } ")"
//! sum         = [ "+" | "-" ] product { ( "+" | "-" ) product }          a product may be "sw" "(" sum { "," sum } ")"
//! product     = interaction { "*" interaction }
//! interaction = atom { ":" atom }
//! atom        = name [ "^" number ] | call | "0" | "1" | "(" sum ")"
//! call        = "i" "(" … ")" | "poly" "(" … ")" | an expression that begins with a function
//! effects     = effect { "+" effect } ;  effect = name { "^" name } [ "[" values "]" | "[[" values "]]" ]
//! ```
//!
//! Expressions, what stands inside functions, are in `arithmetic` below.

mod arithmetic;

use super::error::{FormulaError, Problem};
use super::functions;
use super::lex::{self, Kind, Token};
use super::stepwise::{self, Part};
use super::{Effect, Expression, Formula, Level, Operator, Term, Variable};

/// More models than this in one formula are a mistake.
const MODELS: usize = 10_000;

/// Parentheses within parentheses; deeper ones would overflow the stack.
const DEPTH: usize = 100;

/// Reads a formula that is one model; the error says what is wrong and at which character.
pub fn parse(text: &str) -> Result<Formula, FormulaError> {
    let (mut models, place) = read(text)?;
    match models.len() {
        1 => Ok(models.remove(0)),
        count => Err(at(&place, Problem::SeveralModels { count })),
    }
}

/// Reads a formula as all its models: several outcomes, and the choices of `sw` and its kin.
pub fn models(text: &str) -> Result<Vec<Formula>, FormulaError> {
    read(text).map(|(models, _)| models)
}

/// The models, and where the text asks for more than one.
fn read(text: &str) -> Result<(Vec<Formula>, Token), FormulaError> {
    let tokens = lex::tokens(text)?;
    if !tokens.iter().any(|token| token.kind == Kind::Sign('~')) {
        let end = tokens.last().expect("the last token is `End`").offset;
        return Err(FormulaError { problem: Problem::MissingTilde, offset: end, length: 0 });
    }
    let several = tokens[0].clone();
    Parser { tokens, next: 0, depth: 0, several: None }
        .formula()
        .map(|(models, place)| (models, place.unwrap_or(several)))
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
    /// Where a second model is asked for, first.
    several: Option<Token>,
}

/// Terms of a part of the right side, and what it says about the intercept.
#[derive(Default)]
struct Sum {
    terms: Vec<Term>,
    intercept: Option<bool>,
}

/// The right side as written.
#[derive(Default)]
struct Regressors {
    parts: Vec<Part<Term>>,
    intercept: Option<bool>,
}

impl Parser {
    fn formula(mut self) -> Result<(Vec<Formula>, Option<Token>), FormulaError> {
        if self.peek() == &Kind::Sign('~') {
            return Err(self.here(Problem::EmptyOutcome));
        }
        let outcomes = self.outcomes()?;
        self.advance();
        if matches!(self.peek(), Kind::End | Kind::Sign('|')) {
            return Err(self.here(Problem::EmptyRegressors));
        }
        let right_side = self.next;
        let regressors = self.regressors()?;
        let mut effects = Vec::new();
        let mut instrumented = None;
        if self.take('|') {
            if self.instruments_follow() {
                instrumented = Some(self.instruments()?);
            } else {
                effects = self.effects()?;
                if self.take('|') {
                    instrumented = Some(self.instruments()?);
                }
            }
        }
        match self.peek() {
            Kind::End => {}
            Kind::Sign('|') => return Err(self.here(Problem::AfterInstruments)),
            Kind::Sign(')') => return Err(self.here(Problem::LoneParenthesis)),
            Kind::Sign('~') => return Err(self.here(Problem::SecondTilde)),
            Kind::Sign('^') => return Err(self.here(Problem::Caret)),
            _ => return Err(self.expected("`+`, `|` or the end")),
        }
        let too_many = || at(&self.tokens[0], Problem::TooManyModels { limit: MODELS });
        let sums = stepwise::variants(&regressors.parts, MODELS, push_term).ok_or_else(too_many)?;
        let effects = stepwise::variants(&effects, MODELS, push_effect).ok_or_else(too_many)?;
        if outcomes.len().saturating_mul(sums.len()).saturating_mul(effects.len()) > MODELS {
            return Err(too_many());
        }
        let (endogenous, instruments) = instrumented.unwrap_or_default();
        let mut models = Vec::new();
        for outcome in &outcomes {
            for terms in &sums {
                for effects in &effects {
                    let intercept = effects.is_empty() && regressors.intercept.unwrap_or(true);
                    let model = Formula {
                        outcome: outcome.clone(),
                        terms: terms.clone(),
                        intercept,
                        effects: effects.clone(),
                        endogenous: endogenous.clone(),
                        instruments: instruments.clone(),
                    };
                    self.check(&model, right_side, regressors.intercept == Some(true))?;
                    models.push(model);
                }
            }
        }
        Ok((models, self.several))
    }

    /// What a model may not say; `right_side` is the token after `~`. `1` beside fixed effects says that there is no regressor:
    /// an estimator may know the treatment by another way.
    fn check(&self, model: &Formula, right_side: usize, names_nothing: bool) -> Result<(), FormulaError> {
        let regressors = &self.tokens[right_side..];
        if model.terms.is_empty() && model.endogenous.is_empty() && !model.intercept && !names_nothing {
            return Err(at(&regressors[0], Problem::NothingToEstimate));
        }
        let place = |term: &Term| {
            let named = |column: &str| regressors.iter().find(|token| token.kind == Kind::Name(column.to_string()));
            let columns = term.variables.iter().flat_map(Variable::columns);
            columns.into_iter().find_map(named).unwrap_or(&regressors[0])
        };
        let all = || model.terms.iter().chain(&model.endogenous).chain(&model.instruments);
        if let Some(term) = all().find(|term| term.variables == [model.outcome.clone()]) {
            return Err(at(place(term), Problem::OutcomeAsRegressor { name: model.outcome.to_string() }));
        }
        let roles = [
            (&model.terms, "a regressor", &model.endogenous, "endogenous"),
            (&model.terms, "a regressor", &model.instruments, "an instrument"),
            (&model.endogenous, "endogenous", &model.instruments, "an instrument"),
        ];
        for (terms, role, others, other) in roles {
            if let Some(term) = terms.iter().find(|term| others.iter().any(|other| other.same(term))) {
                return Err(at(place(term), Problem::TwoRoles { term: term.to_string(), role, other }));
            }
        }
        Ok(())
    }

    /// Ends before `~`.
    fn outcomes(&mut self) -> Result<Vec<Variable>, FormulaError> {
        let mut outcomes = Vec::new();
        loop {
            let start = self.token().clone();
            for outcome in self.outcome()? {
                if !outcomes.is_empty() {
                    self.several.get_or_insert_with(|| start.clone());
                }
                if !outcomes.contains(&outcome) {
                    outcomes.push(outcome);
                }
            }
            match self.peek() {
                Kind::Sign('~') => return Ok(outcomes),
                Kind::Sign('+') => self.advance(),
                Kind::End => return Err(self.here(Problem::MissingTilde)),
                _ => return Err(self.here(Problem::Outcome)),
            }
        }
    }

    fn outcome(&mut self) -> Result<Vec<Variable>, FormulaError> {
        let first = self.token().clone();
        let Kind::Name(name) = &first.kind else { return Err(self.here(Problem::Outcome)) };
        self.advance();
        if self.peek() != &Kind::Sign('(') {
            return Ok(vec![Variable::Column(name.clone())]);
        }
        if name == "c" {
            let open = self.token().clone();
            self.advance();
            let mut outcomes = self.outcome()?;
            while self.take(',') {
                outcomes.extend(self.outcome()?);
            }
            self.close(&open)?;
            return Ok(outcomes);
        }
        let terms = self.call(name, &first)?;
        terms
            .into_iter()
            .map(|term| match <[Variable; 1]>::try_from(term.variables) {
                Ok([variable @ (Variable::Expression(_) | Variable::Column(_))]) => Ok(variable),
                _ => Err(at(&first, Problem::Outcome)),
            })
            .collect()
    }

    /// The right side, in which `sw` and its kin may stand.
    fn regressors(&mut self) -> Result<Regressors, FormulaError> {
        let mut all = Regressors::default();
        let mut negative = self.take('-');
        if !negative {
            self.take('+');
        }
        loop {
            let start = self.token().clone();
            if let Some((kind, name)) = self.stepwise_follows() {
                if negative {
                    return Err(at(&start, Problem::Minus));
                }
                let arguments = self.arguments(|parser| {
                    let sum = parser.sum()?;
                    parser.no_number(&sum)?;
                    Ok(sum.terms)
                })?;
                if matches!(self.peek(), Kind::Sign(':' | '*')) {
                    return Err(at(&start, Problem::StepwiseInTerm { name }));
                }
                all.parts.push(Part::Stepwise { kind, arguments });
            } else {
                let product = self.signed_product(negative)?;
                all.intercept = product.intercept.or(all.intercept);
                all.parts.extend(product.terms.into_iter().map(Part::Always));
            }
            negative = match self.peek() {
                Kind::Sign('+') => false,
                Kind::Sign('-') => true,
                _ => return Ok(all),
            };
            self.advance();
        }
    }

    fn sum(&mut self) -> Result<Sum, FormulaError> {
        let mut sum = Sum::default();
        let mut negative = self.take('-');
        if !negative {
            self.take('+');
        }
        loop {
            let product = self.signed_product(negative)?;
            sum.intercept = product.intercept.or(sum.intercept);
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

    /// After its sign.
    fn signed_product(&mut self, negative: bool) -> Result<Sum, FormulaError> {
        let start = self.token().clone();
        let product = self.product()?;
        if negative && (product.intercept != Some(true) || !product.terms.is_empty()) {
            return Err(at(&start, Problem::Minus));
        }
        Ok(Sum { intercept: product.intercept.map(|intercept| intercept && !negative), terms: product.terms })
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
                let terms = match self.peek() {
                    Kind::Sign('(') => self.call(name, &token)?,
                    Kind::Sign('[') => return Err(self.here(slopes_elsewhere())),
                    Kind::Sign('^') if matches!(self.after(), Kind::Number(_)) => {
                        self.advance();
                        let power = self.number()?;
                        vec![single(power_of(name, power).into())]
                    }
                    _ => vec![single(Variable::Column(name.clone()))],
                };
                Ok(Sum { terms, intercept: None })
            }
            Kind::Number(number) if number == "0" || number == "1" => {
                self.advance();
                Ok(Sum { terms: Vec::new(), intercept: Some(number == "1") })
            }
            Kind::Number(number) => Err(at(&token, Problem::Number { number: number.clone() })),
            Kind::Sign('(') => {
                self.advance();
                self.deeper(&token)?;
                let sum = self.sum()?;
                self.depth -= 1;
                self.close(&token)?;
                Ok(sum)
            }
            Kind::Sign(')') => Err(at(&token, Problem::LoneParenthesis)),
            Kind::Sign('~') => Err(at(&token, Problem::SecondTilde)),
            _ => Err(self.expected("a column, a function or `(`")),
        }
    }

    /// The call of `name`, from its parenthesis on.
    fn call(&mut self, name: &str, token: &Token) -> Result<Vec<Term>, FormulaError> {
        match name {
            "i" => Ok(vec![self.factor()?]),
            "poly" => self.polynomial(),
            "l" | "f" | "d" => Ok(self.shifts(name)?.into_iter().map(|shift| single(shift.into())).collect()),
            _ if stepwise::find(name).is_some() => Err(at(token, Problem::StepwiseInTerm { name: name.to_string() })),
            _ => Ok(vec![single(self.function(name, token)?.into())]),
        }
    }

    fn factor(&mut self) -> Result<Term, FormulaError> {
        let open = self.token().clone();
        self.advance();
        let column = self.name("the column of the factor")?;
        let (mut references, mut slope, mut slope_references) = (Vec::new(), None, Vec::new());
        while self.take(',') {
            let argument = self.token().clone();
            match argument.kind.clone() {
                Kind::Name(name)
                    if (name == "ref" || name == "ref2" && slope.is_some()) && self.after() == &Kind::Sign('=') =>
                {
                    let levels = if name == "ref" { &mut references } else { &mut slope_references };
                    if !levels.is_empty() {
                        return Err(self.expected("`)`"));
                    }
                    self.advance();
                    self.advance();
                    *levels = self.levels()?;
                }
                Kind::Name(name) if slope.is_none() && references.is_empty() => {
                    slope = Some(match name.strip_prefix("i.") {
                        Some(factor) if !factor.is_empty() => {
                            self.advance();
                            Variable::Factor { column: factor.to_string(), references: Vec::new() }
                        }
                        _ => self.value()?.into(),
                    });
                }
                Kind::Text(_) | Kind::Number(_) | Kind::Sign('-') if references.is_empty() => {
                    references = vec![self.level()?];
                }
                _ => return Err(self.expected("`)`")),
            }
        }
        self.close(&open)?;
        match &mut slope {
            Some(Variable::Factor { references, .. }) => *references = slope_references,
            _ if !slope_references.is_empty() => {
                let instead = "`ref2` is the reference of a second factor: `i(f, i.g, ref2 = …)`";
                return Err(at(&open, Problem::Unsupported { what: "ref2".to_string(), instead }));
            }
            _ => {}
        }
        let mut variables = vec![Variable::Factor { column, references }];
        variables.extend(slope);
        Ok(Term { variables })
    }

    /// `c(level, level)` or one level.
    fn levels(&mut self) -> Result<Vec<Level>, FormulaError> {
        let open = self.after().clone();
        if self.peek() != &Kind::Name("c".to_string()) || open != Kind::Sign('(') {
            return Ok(vec![self.level()?]);
        }
        self.advance();
        let open = self.token().clone();
        self.advance();
        let mut levels = vec![self.level()?];
        while self.take(',') {
            levels.push(self.level()?);
        }
        self.close(&open)?;
        Ok(levels)
    }

    /// After `ref =` a bare word can only be a level.
    fn level(&mut self) -> Result<Level, FormulaError> {
        let negative = self.take('-');
        let token = self.token().clone();
        let level = match &token.kind {
            Kind::Name(text) | Kind::Text(text) if !negative => Level::Text(text.clone()),
            Kind::Number(_) => {
                let value = self.number()?;
                return Ok(Level::Number(if negative { -value } else { value }));
            }
            _ => return Err(self.expected("a level: a number or a quoted text")),
        };
        self.advance();
        Ok(level)
    }

    /// Whether the part that begins here has a `~` of its own.
    fn instruments_follow(&self) -> bool {
        let rest = self.tokens[self.next..].iter().map(|token| &token.kind);
        rest.take_while(|kind| !matches!(kind, Kind::Sign('|'))).any(|kind| *kind == Kind::Sign('~'))
    }

    fn instruments(&mut self) -> Result<(Vec<Term>, Vec<Term>), FormulaError> {
        if matches!(self.peek(), Kind::End | Kind::Sign('|')) {
            return Err(self.here(Problem::EmptyEffects));
        }
        let endogenous = self.sum()?;
        self.no_number(&endogenous)?;
        if !self.take('~') {
            return Err(self.expected("`~` and instruments"));
        }
        let instruments = self.sum()?;
        self.no_number(&instruments)?;
        Ok((endogenous.terms, instruments.terms))
    }

    fn effects(&mut self) -> Result<Vec<Part<Effect>>, FormulaError> {
        if matches!(self.peek(), Kind::End | Kind::Sign('|')) {
            return Err(self.here(Problem::EmptyEffects));
        }
        let mut effects = Vec::new();
        loop {
            match self.stepwise_follows() {
                Some((kind, _)) => {
                    let arguments = self.arguments(|parser| {
                        let mut effects = Vec::new();
                        loop {
                            push_effect(&mut effects, parser.effect()?);
                            if !parser.take('+') {
                                return Ok(effects);
                            }
                        }
                    })?;
                    effects.push(Part::Stepwise { kind, arguments });
                }
                None => effects.push(Part::Always(self.effect()?)),
            }
            if !self.take('+') {
                return Ok(effects);
            }
        }
    }

    fn effect(&mut self) -> Result<Effect, FormulaError> {
        let mut columns = vec![self.name("a column to absorb")?];
        while self.take('^') {
            let column = self.name("a column to absorb")?;
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        let (mut means, mut slopes) = (true, Vec::new());
        match self.peek() {
            Kind::Sign('[') => {
                self.advance();
                means = !self.take('[');
                loop {
                    let slope = self.value()?;
                    if !slopes.contains(&slope) {
                        slopes.push(slope);
                    }
                    if !self.take(',') {
                        break;
                    }
                }
                for _ in 0..if means { 1 } else { 2 } {
                    if !self.take(']') {
                        return Err(self.expected("`]`"));
                    }
                }
            }
            Kind::Sign('(') => {
                let token = &self.tokens[self.next - 1];
                let what = format!("{}()", columns.last().expect("an effect has a column"));
                let instead = "make the column in a stage before the model and absorb that";
                return Err(at(token, Problem::Unsupported { what, instead }));
            }
            _ => {}
        }
        Ok(Effect { columns, means, slopes })
    }

    /// The stepwise function that begins here, and its name.
    fn stepwise_follows(&self) -> Option<(stepwise::Stepwise, String)> {
        match self.peek() {
            Kind::Name(name) if self.after() == &Kind::Sign('(') => {
                stepwise::find(name).map(|kind| (kind, name.clone()))
            }
            _ => None,
        }
    }

    /// The arguments of a stepwise function, from its name on.
    fn arguments<Item>(
        &mut self,
        mut one: impl FnMut(&mut Parser) -> Result<Vec<Item>, FormulaError>,
    ) -> Result<Vec<Vec<Item>>, FormulaError> {
        let name = self.token().clone();
        self.several.get_or_insert(name);
        self.advance();
        let open = self.token().clone();
        self.advance();
        let mut arguments = vec![one(self)?];
        while self.take(',') {
            arguments.push(one(self)?);
        }
        self.close(&open)?;
        Ok(arguments)
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

    /// Without a sign.
    fn number(&mut self) -> Result<f64, FormulaError> {
        let token = self.token().clone();
        let Kind::Number(number) = &token.kind else { return Err(self.expected("a number")) };
        let value: Option<f64> = number.parse().ok().filter(|value: &f64| value.is_finite());
        let value = value.ok_or_else(|| at(&token, Problem::Number { number: number.clone() }))?;
        self.advance();
        Ok(value)
    }

    fn no_number(&self, sum: &Sum) -> Result<(), FormulaError> {
        match sum.intercept {
            Some(intercept) => Err(self.here(Problem::Number { number: u8::from(intercept).to_string() })),
            None => Ok(()),
        }
    }

    /// One parenthesis more; the caller takes it back.
    fn deeper(&mut self, open: &Token) -> Result<(), FormulaError> {
        self.depth += 1;
        if self.depth > DEPTH { Err(at(open, Problem::TooDeep { limit: DEPTH })) } else { Ok(()) }
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

fn single(variable: Variable) -> Term {
    Term { variables: vec![variable] }
}

fn power_of(column: &str, power: f64) -> Expression {
    let column = Box::new(Expression::Column(column.to_string()));
    Expression::Binary(Operator::Power, column, Box::new(Expression::Number(power)))
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

/// `firm + firm[t]` is `firm[t]`.
fn push_effect(effects: &mut Vec<Effect>, effect: Effect) {
    match effects.iter_mut().find(|known| known.same_group(&effect)) {
        None => effects.push(effect),
        Some(known) => {
            known.means |= effect.means;
            for slope in effect.slopes {
                if !known.slopes.contains(&slope) {
                    known.slopes.push(slope);
                }
            }
        }
    }
}

fn slopes_elsewhere() -> Problem {
    let instead = "absorb slopes after `|`: `| group[x]`, or estimate them: `i(group, x)`";
    Problem::Unsupported { what: "group[x] among the regressors".to_string(), instead }
}
