//! Functions that replace DataFusion's: correctly rounded by CORE-MATH, so that results do not depend on the machine's
//! mathematical library.
//!
//! Arguments and results are floats. The logarithm of zero or of a negative number is null: it is missing, and what is
//! missing is never a number. Everything else is as IEEE 754 has it, so `exp(1000)` is infinite and
//! `power(-8, 1.0 / 3)` is NaN; a table with such a value is refused when it is written. `sqrt` is not here, because
//! IEEE 754 already demands its exact rounding. `log(x)` has base 10, as in PostgreSQL; `log(base, x)` and `cot(x)` are
//! quotients of correctly rounded values, so they may be off in the last digit, but by the same on every machine.

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Name and computation. When a result changes, `sql::ENGINE` must too.
const FUNCTIONS: &[(&str, Operation)] = &[
    ("acos", Operation::One(core_math::acos)),
    ("acosh", Operation::One(core_math::acosh)),
    ("asin", Operation::One(core_math::asin)),
    ("asinh", Operation::One(core_math::asinh)),
    ("atan", Operation::One(core_math::atan)),
    ("atan2", Operation::Two(core_math::atan2)),
    ("atanh", Operation::One(core_math::atanh)),
    ("cbrt", Operation::One(core_math::cbrt)),
    ("cos", Operation::One(core_math::cos)),
    ("cosh", Operation::One(core_math::cosh)),
    ("cot", Operation::One(cotangent)),
    ("exp", Operation::One(core_math::exp)),
    ("ln", Operation::Logarithm(core_math::log)),
    ("log", Operation::AnyBase),
    ("log10", Operation::Logarithm(core_math::log10)),
    ("log2", Operation::Logarithm(core_math::log2)),
    ("power", Operation::Two(core_math::pow)),
    ("sin", Operation::One(core_math::sin)),
    ("sinh", Operation::One(core_math::sinh)),
    ("tan", Operation::One(core_math::tan)),
    ("tanh", Operation::One(core_math::tanh)),
];

/// Makes the functions known to a session.
pub fn register(context: &SessionContext) {
    for (name, operation) in FUNCTIONS {
        context.register_udf(ScalarUDF::from(Function::new(name, *operation)));
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    One(fn(f64) -> f64),
    /// Null where the argument is not positive.
    Logarithm(fn(f64) -> f64),
    Two(fn(f64, f64) -> f64),
    /// `log(x)` and `log(base, x)`.
    AnyBase,
}

#[derive(Clone, Debug)]
struct Function {
    name: &'static str,
    operation: Operation,
    signature: Signature,
    aliases: Vec<String>,
}

impl Function {
    fn new(name: &'static str, operation: Operation) -> Function {
        let exact = |arguments: usize| TypeSignature::Exact(vec![DataType::Float64; arguments]);
        let types = match operation {
            Operation::One(_) | Operation::Logarithm(_) => exact(1),
            Operation::Two(_) => exact(2),
            Operation::AnyBase => TypeSignature::OneOf(vec![exact(1), exact(2)]),
        };
        let aliases = if name == "power" { vec!["pow".to_string()] } else { Vec::new() };
        Function { name, operation, signature: Signature::new(types, Volatility::Immutable), aliases }
    }
}

// A name has one computation; function pointers have no reliable identity of their own.
impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Operation {
    /// The value; `y` is the second argument, if there is one.
    fn apply(self, x: f64, y: Option<f64>) -> Option<f64> {
        // NaN passes: it came from elsewhere and must not be hidden.
        let positive = |x: f64| x > 0.0 || x.is_nan();
        match (self, y) {
            (Operation::One(function), _) => Some(function(x)),
            (Operation::Logarithm(function), _) => positive(x).then(|| function(x)),
            (Operation::Two(function), Some(y)) => Some(function(x, y)),
            (Operation::AnyBase, None) => positive(x).then(|| core_math::log10(x)),
            (Operation::AnyBase, Some(y)) => {
                (positive(x) && positive(y)).then(|| core_math::log2(y) / core_math::log2(x))
            }
            (Operation::Two(_), None) => None,
        }
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let first = arrays[0].as_primitive::<Float64Type>();
        let result: Float64Array = match arrays.get(1) {
            None => first.iter().map(|x| self.operation.apply(x?, None)).collect(),
            Some(second) => {
                let second = second.as_primitive::<Float64Type>();
                first.iter().zip(second).map(|(x, y)| self.operation.apply(x?, Some(y?))).collect()
            }
        };
        // Constants were widened to one row, whatever the number of rows here.
        if arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(result) as ArrayRef))
    }
}

fn cotangent(x: f64) -> f64 {
    1.0 / core_math::tan(x)
}

#[cfg(test)]
mod tests {
    use crate::columns::Values;
    use crate::sql;

    fn value(expression: &str) -> Option<f64> {
        let query = sql::parse(&format!("select {expression} as x")).expect(expression);
        let table = sql::query(&query, &[], None).unwrap_or_else(|error| panic!("{expression}: {error}"));
        match &table.columns[0].values {
            Values::Float(values) => values[0],
            other => panic!("{expression} is {}", other.kind()),
        }
    }

    #[test]
    fn values_are_correctly_rounded_and_integers_are_taken() {
        for (expression, expected) in [
            ("ln(2)", Some(std::f64::consts::LN_2)),
            ("ln(cast(2 as decimal(5, 1)))", Some(std::f64::consts::LN_2)),
            ("log2(8)", Some(3.0)),
            ("log10(1000)", Some(3.0)),
            ("log(100)", Some(2.0)),
            ("log(2, 8)", Some(3.0)),
            ("exp(1)", Some(std::f64::consts::E)),
            ("power(2, 10)", Some(1024.0)),
            ("pow(2, 0.5)", Some(std::f64::consts::SQRT_2)),
            ("power(2, -1)", Some(0.5)),
            ("sqrt(2)", Some(std::f64::consts::SQRT_2)),
            ("atan2(1, 1)", Some(std::f64::consts::FRAC_PI_4)),
        ] {
            assert_eq!(value(expression), expected, "{expression}");
        }
    }

    #[test]
    fn only_logarithms_outside_their_domain_are_null() {
        for expression in
            ["ln(0)", "ln(-1)", "log2(0)", "log10(-5)", "log(0)", "log(-2, 8)", "ln(null)", "power(null, 2)"]
        {
            assert_eq!(value(expression), None, "{expression}");
        }
        assert_eq!(value("exp(1000)"), Some(f64::INFINITY));
        assert_eq!(value("power(0, -1)"), Some(f64::INFINITY));
        assert!(value("power(-8, 1.0 / 3)").is_some_and(f64::is_nan));
        assert!(value("ln(cast('NaN' as double))").is_some_and(f64::is_nan));
    }

    #[test]
    fn a_column_and_a_constant_mix() {
        let query = sql::parse("select power(x, 2) as p, ln(x) as l, exp(0) as e from (values (1), (3)) as t(x)")
            .expect("parsed");
        let table = sql::query(&query, &[], None).expect("run");
        assert_eq!(table.columns[0].values, Values::Float(vec![Some(1.0), Some(9.0)]));
        assert_eq!(table.columns[1].values, Values::Float(vec![Some(0.0), Some(core_math::log(3.0))]));
        assert_eq!(table.columns[2].values, Values::Float(vec![Some(1.0), Some(1.0)]));
    }
}
