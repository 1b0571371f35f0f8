//! `missing('CODE')`: a missing number that says why it is missing.
//!
//! Its value is null like any other; the code is there for those who read the plan as it is written, before the optimiser
//! makes a plain null of it. What a call must look like is checked where the query is parsed, where its place is known.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::prelude::SessionContext;

pub fn register(context: &SessionContext) {
    let signature = Signature::exact(vec![DataType::Utf8], Volatility::Immutable);
    context.register_udf(ScalarUDF::from(Missing { signature }));
}

/// What is wrong with a code, if anything is.
pub fn code_problem(code: &str) -> Option<&'static str> {
    let known = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    match code {
        "" => Some("the code of `missing` is empty"),
        code if !code.chars().all(known) => Some("a code of `missing` has upper-case letters, digits and `_` only"),
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Missing {
    signature: Signature,
}

impl ScalarUDFImpl for Missing {
    fn name(&self) -> &str {
        "missing"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Ok(ColumnarValue::Scalar(ScalarValue::Float64(None)))
    }
}
