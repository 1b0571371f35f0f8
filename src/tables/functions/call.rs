//! How a function of ours is called: its parameters, which of them are constants, and what is wrong with a call.
//! Knows no function.

use crate::arrow;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Expr, Signature, Volatility};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Literal;
use std::sync::Arc;

/// A name and what it takes.
#[derive(Debug)]
pub struct Call {
    pub name: &'static str,
    /// In order; values of rows first, constants behind them.
    pub parameters: &'static [Parameter],
    /// How many of them must be given.
    pub required: usize,
}

/// One parameter; its name may be written in a call, as in `p => 0.01`.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A value of the row, of any type.
    Any,
    /// A number of the row.
    Number,
    /// A whole number of the row that says when it is, such as its year.
    Period,
    /// The same number for all rows.
    ConstantNumber,
    /// The same whole number for all rows.
    ConstantWhole,
    /// The same text for all rows.
    ConstantText,
}

/// Why a call is refused, at planning or on the data.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Misuse {
    pub function: &'static str,
    pub message: String,
    pub hint: Option<String>,
}

/// The constants of one call, by the names of their parameters.
pub struct Constants<'a> {
    call: &'a Call,
    /// One per argument; `None` is no constant.
    arguments: Vec<Option<ScalarValue>>,
}

impl Call {
    /// Accepts whatever is written: `check` refuses it in our words.
    pub fn signature(&self) -> Signature {
        let names = self.parameters.iter().map(|parameter| parameter.name).collect();
        let signature = Signature::user_defined(Volatility::Immutable);
        signature.with_parameter_names(names).expect("the names of a call differ")
    }

    /// The types in which the arguments arrive.
    pub fn coerced(&self, types: &[DataType]) -> Vec<DataType> {
        let kinds = self.parameters.iter().map(|parameter| Some(parameter.kind)).chain(std::iter::repeat(None));
        types.iter().zip(kinds).map(|(found, kind)| coerced(found, kind)).collect()
    }

    /// Refuses a wrong number of arguments, and types that `coerced` could not help.
    pub fn check(&self, types: &[DataType]) -> Result<()> {
        if types.len() < self.required || types.len() > self.parameters.len() {
            let message = format!("`{}` takes {}, not {}", self.name, self.arity(), types.len());
            return Err(self.misuse(message, Some(format!("write `{}`", self.usage()))));
        }
        for (found, Parameter { name, kind }) in types.iter().zip(self.parameters) {
            if *found == coerced(found, Some(*kind)) && accepts(*kind, found) {
                continue;
            }
            let found = arrow::column_type(name, found).map_or(found.to_string(), |kind| kind.to_string());
            let (wanted, hint) = match kind {
                Kind::Period => (
                    "a whole number such as a year",
                    "take it out of a date with `extract(year from day)`, or convert it",
                ),
                Kind::ConstantWhole => ("a whole number", "write it without a point"),
                Kind::ConstantText => ("a text", "write it in single quotes"),
                Kind::Any | Kind::Number | Kind::ConstantNumber => {
                    ("a number", "convert it with `cast(… as double)` if it holds one")
                }
            };
            let message = format!("`{name}` of `{}` is {found}, but should be {wanted}", self.name);
            return Err(self.misuse(message, Some(hint.to_string())));
        }
        Ok(())
    }

    /// How many of the arguments are values of rows.
    pub fn values(&self) -> usize {
        let is_value = |parameter: &&Parameter| matches!(parameter.kind, Kind::Any | Kind::Number | Kind::Period);
        self.parameters.iter().take_while(is_value).count()
    }

    /// The constants among the arguments of an optimised plan.
    pub fn constants<'a>(&'a self, arguments: &[Expr]) -> Constants<'a> {
        let constant = |argument: &Expr| match argument {
            Expr::Literal(value, _) => Some(value.clone()),
            _ => None,
        };
        Constants { call: self, arguments: arguments.iter().map(constant).collect() }
    }

    /// The constants among the arguments of a plan that is run.
    pub fn physical_constants<'a>(&'a self, arguments: &[Arc<dyn PhysicalExpr>]) -> Constants<'a> {
        let constant = |argument: &Arc<dyn PhysicalExpr>| Some(argument.downcast_ref::<Literal>()?.value().clone());
        Constants { call: self, arguments: arguments.iter().map(constant).collect() }
    }

    pub fn misuse(&self, message: String, hint: Option<String>) -> DataFusionError {
        DataFusionError::External(Box::new(Misuse { function: self.name, message, hint }))
    }

    fn arity(&self) -> String {
        match (self.required, self.parameters.len()) {
            (1, 1) => "one argument".to_string(),
            (least, most) if least == most => format!("{most} arguments"),
            (least, most) => format!("{least} or {most} arguments"),
        }
    }

    /// `f(x, year [, n])`.
    fn usage(&self) -> String {
        let names: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name).collect();
        let optional: String = names[self.required..].iter().map(|name| format!(" [, {name}]")).collect();
        format!("{}({}{optional})", self.name, names[..self.required].join(", "))
    }
}

impl Constants<'_> {
    /// `None` if it was left out.
    pub fn number(&self, parameter: &str) -> Result<Option<f64>> {
        match self.get(parameter)? {
            None => Ok(None),
            Some(ScalarValue::Float64(Some(number))) => Ok(Some(number)),
            Some(other) => Err(self.null(parameter, &other)),
        }
    }

    /// `None` if it was left out.
    pub fn whole(&self, parameter: &str) -> Result<Option<i64>> {
        match self.get(parameter)? {
            None => Ok(None),
            Some(ScalarValue::Int64(Some(number))) => Ok(Some(number)),
            Some(other) => Err(self.null(parameter, &other)),
        }
    }

    /// `None` if it was left out.
    pub fn text(&self, parameter: &str) -> Result<Option<String>> {
        match self.get(parameter)? {
            None => Ok(None),
            Some(ScalarValue::Utf8(Some(text))) => Ok(Some(text)),
            Some(other) => Err(self.null(parameter, &other)),
        }
    }

    /// A constant that the function cannot work with: `wanted` says what it should be.
    pub fn wrong(&self, parameter: &str, found: impl std::fmt::Display, wanted: &str) -> DataFusionError {
        let message = format!("`{parameter}` of `{}` is {found}, but should be {wanted}", self.call.name);
        self.call.misuse(message, None)
    }

    fn get(&self, parameter: &str) -> Result<Option<ScalarValue>> {
        let place = self.call.parameters.iter().position(|known| known.name == parameter);
        match place.and_then(|place| self.arguments.get(place)) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value.clone())),
            Some(None) => {
                let message = format!("`{parameter}` of `{}` should be the same for all rows", self.call.name);
                let hint = "write a constant, or a parameter of the study: `${name}`".to_string();
                Err(self.call.misuse(message, Some(hint)))
            }
        }
    }

    fn null(&self, parameter: &str, found: &ScalarValue) -> DataFusionError {
        self.wrong(parameter, found.to_string().to_lowercase(), "a constant")
    }
}

fn coerced(found: &DataType, kind: Option<Kind>) -> DataType {
    let number = found.is_numeric() || found.is_null();
    match kind {
        Some(Kind::Number | Kind::ConstantNumber) if number => DataType::Float64,
        Some(Kind::Period | Kind::ConstantWhole) if found.is_integer() || found.is_null() => DataType::Int64,
        Some(Kind::ConstantText) if found.is_string() || found.is_null() => DataType::Utf8,
        _ => found.clone(),
    }
}

fn accepts(kind: Kind, found: &DataType) -> bool {
    match kind {
        Kind::Any => true,
        Kind::Number | Kind::ConstantNumber => *found == DataType::Float64,
        Kind::Period | Kind::ConstantWhole => *found == DataType::Int64,
        Kind::ConstantText => *found == DataType::Utf8,
    }
}
