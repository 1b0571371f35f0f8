//! Expressions: what stands inside functions, and the functions themselves.
//!
//! ```text
//! value      = expression
//! expression = additive [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) additive ]
//! additive   = multiple { ( "+" | "-" ) multiple }
//! multiple   = negative { ( "*" | "/" ) negative }
//! negative   = "-" negative | power
//! power      = primary [ "^" negative ]
//! primary    = number | name | name "(" … ")" | "(" expression ")"
//! ```

use super::super::error::{FormulaError, Problem};
use super::super::expression::FUNCTIONS;
use super::super::lex::{Kind, Token};
use super::super::{Comparison, Expression, Operator, Term, Variable};
use super::{Parser, at, functions, single};

/// Polynomials of a higher degree have no digits left.
const DEGREE: u32 = 20;

/// Far beyond any panel; keeps arithmetic with periods exact.
const PERIODS: i64 = 10_000;

impl Parser {
    /// One expression.
    pub(super) fn value(&mut self) -> Result<Expression, FormulaError> {
        let start = self.token().clone();
        self.deeper(&start)?;
        let left = self.additive()?;
        let comparison = match (self.peek(), self.after()) {
            (Kind::Sign('<'), Kind::Sign('=')) => Some((Comparison::LessOrEqual, 2)),
            (Kind::Sign('>'), Kind::Sign('=')) => Some((Comparison::GreaterOrEqual, 2)),
            (Kind::Sign('='), Kind::Sign('=')) => Some((Comparison::Equal, 2)),
            (Kind::Sign('!'), Kind::Sign('=')) => Some((Comparison::NotEqual, 2)),
            (Kind::Sign('<'), _) => Some((Comparison::Less, 1)),
            (Kind::Sign('>'), _) => Some((Comparison::Greater, 1)),
            _ => None,
        };
        let value = match comparison {
            None => left,
            Some((comparison, length)) => {
                (0..length).for_each(|_| self.advance());
                self.compared(left, comparison)?
            }
        };
        self.depth -= 1;
        Ok(value)
    }

    /// The right side of a comparison; a column may be compared with a quoted text.
    fn compared(&mut self, left: Expression, comparison: Comparison) -> Result<Expression, FormulaError> {
        let equal = comparison == Comparison::Equal;
        if let (Kind::Text(text), Expression::Column(column)) = (self.peek().clone(), &left)
            && matches!(comparison, Comparison::Equal | Comparison::NotEqual)
        {
            self.advance();
            return Ok(Expression::IsText { column: column.clone(), text, equal });
        }
        let right = self.additive()?;
        Ok(Expression::Compare(comparison, Box::new(left), Box::new(right)))
    }

    fn additive(&mut self) -> Result<Expression, FormulaError> {
        // A long sum is a deep tree.
        let (mut left, mut deep) = (self.multiple()?, 0);
        loop {
            let operator = match self.peek() {
                Kind::Sign('+') => Operator::Add,
                Kind::Sign('-') => Operator::Subtract,
                _ => break,
            };
            let sign = self.token().clone();
            self.advance();
            self.deeper(&sign)?;
            deep += 1;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.multiple()?));
        }
        self.depth -= deep;
        Ok(left)
    }

    fn multiple(&mut self) -> Result<Expression, FormulaError> {
        let (mut left, mut deep) = (self.negative()?, 0);
        loop {
            let operator = match self.peek() {
                Kind::Sign('*') => Operator::Multiply,
                Kind::Sign('/') => Operator::Divide,
                _ => break,
            };
            let sign = self.token().clone();
            self.advance();
            self.deeper(&sign)?;
            deep += 1;
            left = Expression::Binary(operator, Box::new(left), Box::new(self.negative()?));
        }
        self.depth -= deep;
        Ok(left)
    }

    fn negative(&mut self) -> Result<Expression, FormulaError> {
        let sign = self.token().clone();
        if !self.take('-') {
            return self.power();
        }
        self.deeper(&sign)?;
        let of = self.negative()?;
        self.depth -= 1;
        Ok(Expression::Negative(Box::new(of)))
    }

    fn power(&mut self) -> Result<Expression, FormulaError> {
        let base = self.primary()?;
        let sign = self.token().clone();
        if !self.take('^') {
            return Ok(base);
        }
        self.deeper(&sign)?;
        let power = self.negative()?;
        self.depth -= 1;
        Ok(Expression::Binary(Operator::Power, Box::new(base), Box::new(power)))
    }

    fn primary(&mut self) -> Result<Expression, FormulaError> {
        let token = self.token().clone();
        match &token.kind {
            Kind::Number(_) => Ok(Expression::Number(self.number()?)),
            Kind::Name(name) => {
                self.advance();
                if self.peek() != &Kind::Sign('(') {
                    return Ok(Expression::Column(name.clone()));
                }
                if !matches!(name.as_str(), "l" | "f" | "d") {
                    return self.function(name, &token);
                }
                let shifts = self.shifts(name)?;
                match <[Expression; 1]>::try_from(shifts) {
                    Ok([shift]) => Ok(shift),
                    Err(_) => Err(at(&token, Problem::NotAValue { name: format!("several periods of {name}()") })),
                }
            }
            Kind::Sign('(') => {
                self.advance();
                let value = self.value()?;
                self.close(&token)?;
                Ok(value)
            }
            _ => Err(self.expected("a column, a number or a function")),
        }
    }

    /// The call of a function of one value, from its parenthesis on.
    pub(super) fn function(&mut self, name: &str, token: &Token) -> Result<Expression, FormulaError> {
        let open = self.token().clone();
        let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
        match (name, known) {
            ("i" | "poly" | "sw" | "csw" | "sw0" | "csw0", _) => {
                return Err(at(token, Problem::NotAValue { name: format!("{name}()") }));
            }
            ("I", _) | (_, Some(_)) => {}
            _ => return Err(at(token, functions::unknown(name))),
        }
        self.advance();
        let of = self.value()?;
        self.close(&open)?;
        Ok(match known {
            Some((_, function)) => Expression::Call(*function, Box::new(of)),
            None => of,
        })
    }

    /// `l(x)`, `l(x, 2)`, `l(x, 1:3)`, `l(x, c(1, 4))`, the same with `f` and `d`; from the parenthesis on.
    pub(super) fn shifts(&mut self, name: &str) -> Result<Vec<Expression>, FormulaError> {
        let open = self.token().clone();
        self.advance();
        let of = self.value()?;
        let periods = if self.take(',') { self.periods()? } else { vec![1] };
        self.close(&open)?;
        let shift = |periods: i64| match (name, periods) {
            ("d", periods) => Expression::Difference { of: Box::new(of.clone()), periods },
            (_, 0) => of.clone(),
            ("f", periods) => Expression::Lag { of: Box::new(of.clone()), periods: -periods },
            (_, periods) => Expression::Lag { of: Box::new(of.clone()), periods },
        };
        Ok(periods.into_iter().map(shift).collect())
    }

    fn periods(&mut self) -> Result<Vec<i64>, FormulaError> {
        let start = self.token().clone();
        if self.peek() == &Kind::Name("c".to_string()) && self.after() == &Kind::Sign('(') {
            self.advance();
            let open = self.token().clone();
            self.advance();
            let mut periods = vec![self.whole()?];
            while self.take(',') {
                periods.push(self.whole()?);
            }
            self.close(&open)?;
            return Ok(periods);
        }
        let first = self.whole()?;
        if !self.take(':') {
            return Ok(vec![first]);
        }
        let last = self.whole()?;
        if first.abs_diff(last) > 100 {
            return Err(at(&start, Problem::Periods { limit: PERIODS }));
        }
        Ok(if first <= last { (first..=last).collect() } else { (last..=first).rev().collect() })
    }

    fn whole(&mut self) -> Result<i64, FormulaError> {
        let start = self.token().clone();
        let negative = self.take('-');
        let number = self.number()?;
        if number.fract() != 0.0 || number > PERIODS as f64 {
            return Err(at(&start, Problem::Periods { limit: PERIODS }));
        }
        Ok(if negative { -(number as i64) } else { number as i64 })
    }

    /// `poly(x, 3)` or `poly(x, 3, raw = TRUE)`, from the parenthesis on.
    pub(super) fn polynomial(&mut self) -> Result<Vec<Term>, FormulaError> {
        let open = self.token().clone();
        self.advance();
        let of = self.value()?;
        if !self.take(',') {
            return Err(self.expected("`,` and the degree"));
        }
        let place = self.token().clone();
        let degree = self.number()?;
        if degree.fract() != 0.0 || !(1.0..=f64::from(DEGREE)).contains(&degree) {
            return Err(at(&place, Problem::Degree { limit: DEGREE }));
        }
        let raw = self.take(',') && self.raw()?;
        self.close(&open)?;
        let degree = degree as u32;
        let power = |power: u32| {
            if !raw {
                return Variable::Polynomial { of: of.clone(), degree, power };
            }
            match power {
                1 => of.clone().into(),
                power => {
                    let power = Expression::Number(f64::from(power));
                    Expression::Binary(Operator::Power, Box::new(of.clone()), Box::new(power)).into()
                }
            }
        };
        Ok((1..=degree).map(|degree| single(power(degree))).collect())
    }

    fn raw(&mut self) -> Result<bool, FormulaError> {
        if self.name("`raw = TRUE`")? != "raw" || !self.take('=') {
            return Err(self.expected("`raw = TRUE`"));
        }
        match self.peek() {
            Kind::Name(name) if matches!(name.as_str(), "TRUE" | "true" | "True") => {
                self.advance();
                Ok(true)
            }
            Kind::Name(name) if matches!(name.as_str(), "FALSE" | "false" | "False") => {
                self.advance();
                Ok(false)
            }
            _ => Err(self.expected("`TRUE` or `FALSE`")),
        }
    }
}
