//! Why the value of an expression is missing, as another expression: null where there is a value, else a reason. Knows
//! expressions only; how reasons travel through a plan is in `nulls`.

use crate::missing::{NOT_DEFINED, OTHER};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, lit};

/// The input of a query has no value there.
pub const MISSING_INPUT: &str = "MISSING_INPUT";
/// An outer join found no row.
pub const UNMATCHED: &str = "UNMATCHED";
/// Division by zero, kept from it by `nullif`.
pub const ZERO_DENOM: &str = "ZERO_DENOM";
/// `nullif` outside of a denominator.
pub const NULLIF: &str = "NULLIF";
/// The logarithm of zero or of a negative number.
pub const LOG_NONPOS: &str = "LOG_NONPOS";
/// The root or a power of a negative number.
pub const NEG_BASE: &str = "NEG_BASE";
/// `lag` before the first row.
pub const BEFORE_SERIES_START: &str = "BEFORE_SERIES_START";
/// `lead` behind the last row.
pub const AFTER_SERIES_END: &str = "AFTER_SERIES_END";
/// No branch of a `case` holds, and there is no `else`.
pub const CASE_WITHOUT_ELSE: &str = "CASE_WITHOUT_ELSE";
/// An aggregate or a subquery without values, or with values that are missing for several reasons.
pub const NO_VALUES: &str = "NO_VALUES";

/// Between a code and what it is about.
pub const ABOUT: char = '\u{1f}';
/// Between a column and its table, of an input.
pub const OF: char = '\u{1d}';

/// The columns that an expression may name, with the reason of each.
pub struct Scope<'a> {
    pub schema: &'a DFSchema,
    /// In the order of the schema's columns.
    pub reasons: &'a [Expr],
}

/// A reason with what it is about, if that is known.
pub fn reason(code: &str, about: Option<&str>) -> Expr {
    lit(match about {
        Some(about) => format!("{code}{ABOUT}{about}"),
        None => code.to_string(),
    })
}

/// `reason` where `value` is null, else null.
pub fn where_null(value: &Expr, reason: Expr) -> Expr {
    choose(vec![(value.clone().is_null(), reason)], None)
}

/// The first reason there is, or `code`, where `value` is null.
pub fn first(value: &Expr, reasons: Vec<Expr>, code: &str) -> Expr {
    let mut reasons = reasons;
    reasons.push(reason(code, None));
    where_null(value, any(reasons))
}

impl Scope<'_> {
    /// Why `value` is missing; `None` if it never is.
    pub fn why(&self, value: &Expr) -> Option<Expr> {
        self.find(value, false)
    }

    /// `divides`: the value is part of a denominator.
    fn find(&self, value: &Expr, divides: bool) -> Option<Expr> {
        match value {
            Expr::Column(column) => self.reason_of(column),
            Expr::Alias(alias) => self.find(&alias.expr, divides),
            Expr::Cast(cast) => self.find(&cast.expr, divides),
            Expr::Negative(inner) => self.find(inner, divides),
            Expr::Not(inner) => self.find(inner, false),
            Expr::Literal(literal, _) => literal.is_null().then(|| reason(NOT_DEFINED, None)),
            Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Exists(_) => None,
            Expr::BinaryExpr(binary) => self.binary(value, binary, divides),
            Expr::Case(case) => self.case(case, divides),
            Expr::ScalarFunction(call) => self.call(value, call, divides),
            // A scalar subquery has no row, or one without a value.
            Expr::ScalarSubquery(_) => Some(first(value, Vec::new(), NO_VALUES)),
            Expr::Between(between) => Some(self.strict(value, &[&between.expr, &between.low, &between.high])),
            Expr::Like(like) | Expr::SimilarTo(like) => Some(self.strict(value, &[&like.expr, &like.pattern])),
            Expr::InList(list) => {
                let parts: Vec<&Expr> = [list.expr.as_ref()].into_iter().chain(&list.list).collect();
                Some(self.strict(value, &parts))
            }
            Expr::TryCast(cast) => Some(self.strict(value, &[&cast.expr])),
            Expr::InSubquery(inner) => Some(self.strict(value, &[&inner.expr])),
            _ => Some(first(value, Vec::new(), OTHER)),
        }
    }

    fn reason_of(&self, column: &Column) -> Option<Expr> {
        let index = self.schema.index_of_column(column).ok()?;
        self.reasons.get(index).cloned()
    }

    /// The reason of the first part that has one, where the value is null.
    fn strict(&self, value: &Expr, parts: &[&Expr]) -> Expr {
        first(value, parts.iter().filter_map(|part| self.why(part)).collect(), OTHER)
    }

    fn binary(&self, value: &Expr, binary: &BinaryExpr, divides: bool) -> Option<Expr> {
        let BinaryExpr { left, op, right } = binary;
        let reasons = |left_divides: bool, right_divides: bool| -> Vec<Expr> {
            [self.find(left, left_divides), self.find(right, right_divides)].into_iter().flatten().collect()
        };
        match op {
            Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => None,
            // `null and false` is false.
            Operator::And | Operator::Or => Some(first(value, reasons(false, false), OTHER)),
            Operator::Divide | Operator::Modulo => any_of(reasons(false, true)),
            Operator::Multiply => any_of(reasons(divides, divides)),
            _ => any_of(reasons(false, false)),
        }
    }

    /// The reason of the branch that is taken. Where none is, a condition may have lacked a value.
    fn case(&self, case: &Case, divides: bool) -> Option<Expr> {
        let none = || Expr::Literal(ScalarValue::Utf8(None), None);
        let branches = case
            .when_then_expr
            .iter()
            .map(|(when, then)| (when.clone(), Box::new(self.find(then, divides).unwrap_or_else(none))));
        let otherwise = match &case.else_expr {
            Some(otherwise) => self.find(otherwise, divides).unwrap_or_else(none),
            None => {
                let mut reasons: Vec<Expr> = case.expr.iter().filter_map(|operand| self.why(operand)).collect();
                reasons.extend(case.when_then_expr.iter().flat_map(|(when, _)| self.lacking(when)));
                reasons.push(reason(CASE_WITHOUT_ELSE, None));
                any(reasons)
            }
        };
        Some(Expr::Case(Case {
            expr: case.expr.clone(),
            when_then_expr: branches.collect(),
            else_expr: Some(Box::new(otherwise)),
        }))
    }

    /// Why a condition does not hold, if that is for want of a value: it is undecided, or asks whether there is one.
    fn lacking(&self, condition: &Expr) -> Vec<Expr> {
        match condition {
            Expr::IsNotNull(value) => self.why(value).into_iter().collect(),
            Expr::Not(inner) => match inner.as_ref() {
                Expr::IsNull(value) => self.why(value).into_iter().collect(),
                _ => self.why(condition).into_iter().collect(),
            },
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
                self.lacking(left).into_iter().chain(self.lacking(right)).collect()
            }
            other => self.why(other).into_iter().collect(),
        }
    }

    fn call(&self, value: &Expr, call: &ScalarFunction, divides: bool) -> Option<Expr> {
        let arguments = &call.args;
        let reasons = || -> Vec<Expr> { arguments.iter().filter_map(|argument| self.why(argument)).collect() };
        match (call.func.name(), arguments.as_slice()) {
            // Says itself why it is null.
            ("missing", [code, ..]) => Some(coalesce(vec![code.clone(), reason(NOT_DEFINED, None)])),
            ("nullif", [inner, other]) => {
                let code = if divides && is_zero(other) { ZERO_DENOM } else { NULLIF };
                let equal = choose(vec![(inner.clone().eq(other.clone()), reason(code, name(inner).as_deref()))], None);
                any_of(self.find(inner, divides).into_iter().chain([equal]).collect())
            }
            // Null only where all are; the last is the one that was meant to be there.
            ("coalesce", [before @ .., last]) => {
                let last = self.find(last, divides)?;
                let empty = before.iter().map(|argument| argument.clone().is_null()).reduce(Expr::and);
                Some(match empty {
                    Some(empty) => choose(vec![(empty, last)], None),
                    None => last,
                })
            }
            ("abs", [inner]) => self.find(inner, divides),
            ("ln" | "log" | "log2" | "log10", _) => {
                let outside = arguments.iter().map(|argument| {
                    let about = name(argument);
                    choose(vec![(argument.clone().lt_eq(lit(0.0)), reason(LOG_NONPOS, about.as_deref()))], None)
                });
                Some(first(value, reasons().into_iter().chain(outside).collect(), OTHER))
            }
            ("sqrt" | "power" | "pow", [base, ..]) => {
                let about = name(base);
                let negative = choose(vec![(base.clone().lt(lit(0.0)), reason(NEG_BASE, about.as_deref()))], None);
                Some(first(value, reasons().into_iter().chain([negative]).collect(), OTHER))
            }
            _ => Some(first(value, reasons(), OTHER)),
        }
    }
}

/// `case when … then … else … end`.
pub fn choose(branches: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Expr {
    Expr::Case(Case {
        expr: None,
        when_then_expr: branches.into_iter().map(|(when, then)| (Box::new(when), Box::new(then))).collect(),
        else_expr: otherwise.map(Box::new),
    })
}

/// The first of several reasons.
pub fn any(mut reasons: Vec<Expr>) -> Expr {
    if reasons.len() == 1 { reasons.remove(0) } else { coalesce(reasons) }
}

fn any_of(reasons: Vec<Expr>) -> Option<Expr> {
    (!reasons.is_empty()).then(|| any(reasons))
}

/// The column that an expression is about, if it is one.
pub fn name(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Column(column) => Some(column.flat_name()),
        Expr::Alias(alias) => name(&alias.expr),
        Expr::Cast(cast) => name(&cast.expr),
        Expr::Negative(inner) => name(inner),
        Expr::ScalarFunction(call) if call.args.len() == 1 => name(&call.args[0]),
        _ => None,
    }
}

fn is_zero(expression: &Expr) -> bool {
    match expression {
        Expr::Literal(value, _) => ScalarValue::new_zero(&value.data_type()).is_ok_and(|zero| zero == *value),
        Expr::Cast(cast) => is_zero(&cast.expr),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::DataType;
    use datafusion::logical_expr::{Volatility, create_udf};
    use datafusion::prelude::col;
    use std::sync::Arc;

    #[test]
    fn a_function_that_says_why_is_taken_at_its_word() {
        let nothing = Arc::new(|_: &[_]| unreachable!("it is not called"));
        let missing = create_udf("missing", vec![DataType::Utf8], DataType::Float64, Volatility::Immutable, nothing);
        let scope = Scope { schema: &DFSchema::empty(), reasons: &[] };
        let why = scope.why(&missing.call(vec![lit("BASE_NEAR_ZERO")])).expect("always null");
        assert_eq!(why.to_string(), "coalesce(Utf8(\"BASE_NEAR_ZERO\"), Utf8(\"NOT_DEFINED\"))");
    }

    #[test]
    fn zero_is_zero_in_every_type() {
        for (expression, expected) in [(lit(0.0), true), (lit(0_i64), true), (lit(1.0), false), (col("x"), false)] {
            assert_eq!(is_zero(&expression), expected, "{expression}");
        }
        assert!(is_zero(&Expr::Cast(datafusion::logical_expr::Cast::new(Box::new(lit(0_i64)), DataType::Float64))));
    }
}
