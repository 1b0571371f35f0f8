//! Functions over a whole partition: every row gets a value that depends on all rows with which it is grouped by
//! `partition by`. `order by` and a frame have no say, because such a function asks for a column to tell it what comes
//! first. Knows no function.

use super::call::{Call, Constants, Kind};
use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::expr::WindowFunctionParams;
use datafusion::logical_expr::function::{ExpressionArgs, PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{Expr, PartitionEvaluator, Signature, WindowFrameBound, WindowUDF, WindowUDFImpl};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a family says of a function.
#[derive(Debug)]
pub struct PartitionFunction {
    pub call: Call,
    /// Checks the constants of a call and gives what computes a partition. Without any the result has the type of the
    /// first argument if that may be of any type, and is a float otherwise.
    pub prepare: fn(&Constants) -> Result<Computation>,
}

/// From the values of a partition's rows, one array per argument that is no constant, to one result per row.
pub type Computation = Box<dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send>;

/// Makes the function known to a session.
pub fn register(context: &SessionContext, function: &'static PartitionFunction) {
    let signature = function.call.signature();
    context.register_udwf(WindowUDF::from(Registered { function, signature }));
}

/// Refuses clauses that this function would not hear; `filter` is refused where the query is parsed.
pub fn check_clauses(function: &WindowUDF, clauses: &WindowFunctionParams) -> Result<()> {
    let Some(Registered { function, .. }) = function.inner().downcast_ref::<Registered>() else { return Ok(()) };
    let call = &function.call;
    let refused = |what: &str, hint: &str| {
        Err(call.misuse(format!("`{}` looks at the whole partition; {what}", call.name), Some(hint.to_string())))
    };
    if clauses.distinct {
        return refused("`distinct` has no effect on it", "take distinct rows first, in a subquery");
    }
    if clauses.null_treatment.is_some() {
        return refused("`ignore nulls` and `respect nulls` have no effect on it", "leave them out");
    }
    // What a window has without a frame of its own ends at the current row if there is an `order by`.
    let end = &clauses.window_frame.end_bound;
    let whole = end.is_unbounded() || *end == WindowFrameBound::CurrentRow;
    if !clauses.window_frame.start_bound.is_unbounded() || !whole {
        return refused("a frame has no effect on it", "leave the frame out");
    }
    Ok(())
}

/// Refuses constants that this function cannot work with.
pub fn check_constants(function: &WindowUDF, arguments: &[Expr]) -> Result<()> {
    match function.inner().downcast_ref::<Registered>() {
        Some(Registered { function, .. }) => (function.prepare)(&function.call.constants(arguments)).map(|_| ()),
        None => Ok(()),
    }
}

/// The numbers of a partition, and of each its row; missing ones are left out.
pub fn numbers(array: &ArrayRef) -> Vec<(usize, f64)> {
    array.as_primitive::<Float64Type>().iter().enumerate().filter_map(|(row, value)| Some((row, value?))).collect()
}

/// One number per row, missing where none is given.
pub fn scattered(rows: usize, values: impl Iterator<Item = (usize, f64)>) -> ArrayRef {
    let mut scattered = vec![None; rows];
    values.for_each(|(row, value)| scattered[row] = Some(value));
    Arc::new(Float64Array::from(scattered))
}

#[derive(Debug)]
struct Registered {
    function: &'static PartitionFunction,
    signature: Signature,
}

// A name has one computation; function pointers have no reliable identity of their own.
impl PartialEq for Registered {
    fn eq(&self, other: &Registered) -> bool {
        self.function.call.name == other.function.call.name
    }
}

impl Eq for Registered {}

impl Hash for Registered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.call.name.hash(state);
    }
}

impl WindowUDFImpl for Registered {
    fn name(&self) -> &str {
        self.function.call.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.function.call.coerced(types))
    }

    fn field(&self, arguments: WindowUDFFieldArgs) -> Result<FieldRef> {
        let call = &self.function.call;
        let types: Vec<DataType> = arguments.input_fields().iter().map(|field| field.data_type().clone()).collect();
        call.check(&types)?;
        let result = if call.parameters[0].kind == Kind::Any { types[0].clone() } else { DataType::Float64 };
        Ok(Arc::new(Field::new(arguments.name(), result, true)))
    }

    /// Constants are not asked for row by row.
    fn expressions(&self, arguments: ExpressionArgs) -> Vec<Arc<dyn PhysicalExpr>> {
        arguments.input_exprs().iter().take(self.function.call.values()).cloned().collect()
    }

    fn partition_evaluator(&self, arguments: PartitionEvaluatorArgs) -> Result<Box<dyn PartitionEvaluator>> {
        let constants = self.function.call.physical_constants(arguments.input_exprs());
        Ok(Box::new(Evaluator((self.function.prepare)(&constants)?)))
    }
}

struct Evaluator(Computation);

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evaluator")
    }
}

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], _rows: usize) -> Result<ArrayRef> {
        (self.0)(values)
    }
}
