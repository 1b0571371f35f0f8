//! Numbers computed from a row's columns, and from its neighbours in time. Knows no data: `design` evaluates them.

use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Column(String),
    Number(f64),
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// 1 where it holds, 0 where it does not.
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// 1 where the column has this text; with `equal` false, where it has another.
    IsText {
        column: String,
        text: String,
        equal: bool,
    },
    Call(Function, Box<Expression>),
    /// The value of the same unit this many periods before; after, where negative.
    Lag {
        of: Box<Expression>,
        periods: i64,
    },
    /// The value less that of the same unit this many periods before.
    Difference {
        of: Box<Expression>,
        periods: i64,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Asinh,
    Exp,
    Log,
    Log10,
    Log1p,
    Log2,
    Sqrt,
}

/// Functions by name, alphabetical.
pub(super) const FUNCTIONS: &[(&str, Function)] = &[
    ("abs", Function::Abs),
    ("asinh", Function::Asinh),
    ("exp", Function::Exp),
    ("log", Function::Log),
    ("log10", Function::Log10),
    ("log1p", Function::Log1p),
    ("log2", Function::Log2),
    ("sqrt", Function::Sqrt),
];

impl Expression {
    /// Every column it reads, in the order of the text.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.collect(&mut |column, _| columns.push(column));
        columns
    }

    /// The columns whose value in the row itself is needed.
    pub(crate) fn own_columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        self.collect(&mut |column, of_a_neighbour| {
            if !of_a_neighbour {
                columns.push(column);
            }
        });
        columns
    }

    /// Whether it needs the unit's other periods.
    pub(crate) fn looks_around(&self) -> bool {
        match self {
            Expression::Lag { .. } | Expression::Difference { .. } => true,
            Expression::Column(_) | Expression::Number(_) | Expression::IsText { .. } => false,
            Expression::Negative(of) | Expression::Call(_, of) => of.looks_around(),
            Expression::Binary(_, left, right) | Expression::Compare(_, left, right) => {
                left.looks_around() || right.looks_around()
            }
        }
    }

    fn collect<'a>(&'a self, found: &mut impl FnMut(&'a str, bool)) {
        fn walk<'a>(expression: &'a Expression, neighbour: bool, found: &mut impl FnMut(&'a str, bool)) {
            match expression {
                Expression::Column(column) | Expression::IsText { column, .. } => found(column, neighbour),
                Expression::Number(_) => {}
                Expression::Negative(of) | Expression::Call(_, of) | Expression::Difference { of, .. } => {
                    walk(of, neighbour, found);
                }
                Expression::Lag { of, periods } => walk(of, neighbour || *periods != 0, found),
                Expression::Binary(_, left, right) | Expression::Compare(_, left, right) => {
                    walk(left, neighbour, found);
                    walk(right, neighbour, found);
                }
            }
        }
        walk(self, false, found);
    }

    /// How tightly its outermost sign binds; a part that binds less stands in parentheses.
    fn precedence(&self) -> u8 {
        match self {
            Expression::Compare(..) | Expression::IsText { .. } => 1,
            Expression::Binary(Operator::Add | Operator::Subtract, ..) => 2,
            Expression::Binary(Operator::Multiply | Operator::Divide, ..) => 3,
            Expression::Negative(_) => 4,
            Expression::Binary(Operator::Power, ..) => 5,
            Expression::Number(number) if *number < 0.0 => 4,
            Expression::Column(_)
            | Expression::Number(_)
            | Expression::Call(..)
            | Expression::Lag { .. }
            | Expression::Difference { .. } => 6,
        }
    }

    fn write(&self, text: &mut String, at_least: u8) {
        let parentheses = self.precedence() < at_least;
        if parentheses {
            text.push('(');
        }
        match self {
            Expression::Column(column) => text.push_str(&quoted(column)),
            Expression::Number(number) => text.push_str(&number.to_string()),
            Expression::Negative(of) => {
                text.push('-');
                of.write(text, 4);
            }
            Expression::Binary(operator, left, right) => {
                let (sign, left_least, right_least) = match operator {
                    Operator::Add => (" + ", 2, 3),
                    Operator::Subtract => (" - ", 2, 3),
                    Operator::Multiply => (" * ", 3, 4),
                    Operator::Divide => (" / ", 3, 4),
                    Operator::Power => ("^", 6, 4),
                };
                left.write(text, left_least);
                text.push_str(sign);
                right.write(text, right_least);
            }
            Expression::Compare(comparison, left, right) => {
                left.write(text, 2);
                text.push_str(&format!(" {comparison} "));
                right.write(text, 2);
            }
            Expression::IsText { column, text: level, equal } => {
                text.push_str(&quoted(column));
                text.push_str(if *equal { " == " } else { " != " });
                text.push_str(&self::text(level));
            }
            Expression::Call(function, of) => {
                let (name, _) = FUNCTIONS.iter().find(|(_, known)| known == function).expect("each has its name");
                call(text, name, of, None);
            }
            Expression::Lag { of, periods } if *periods < 0 => call(text, "f", of, Some(-periods)),
            Expression::Lag { of, periods } => call(text, "l", of, Some(*periods)),
            Expression::Difference { of, periods } => call(text, "d", of, Some(*periods)),
        }
        if parentheses {
            text.push(')');
        }
    }
}

fn call(text: &mut String, name: &str, of: &Expression, periods: Option<i64>) {
    text.push_str(name);
    text.push('(');
    of.write(text, 0);
    if let Some(periods) = periods {
        text.push_str(&format!(", {periods}"));
    }
    text.push(')');
}

impl fmt::Display for Expression {
    /// As a term: arithmetic stands in `I()`.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text, 0);
        if self.precedence() < 6 { write!(formatter, "I({text})") } else { formatter.write_str(&text) }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(match self {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
        })
    }
}

/// A name as a formula has it: in backquotes where it holds other signs than a bare name may.
pub(super) fn quoted(name: &str) -> String {
    let bare = |character: char| character.is_alphanumeric() || matches!(character, '_' | '.');
    let starts = name.chars().next().is_some_and(|first| first.is_alphabetic() || matches!(first, '_' | '.'));
    if starts && name.chars().all(bare) { name.to_string() } else { format!("`{name}`") }
}

/// A text in the quotation marks that it does not hold itself.
pub(super) fn text(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}
