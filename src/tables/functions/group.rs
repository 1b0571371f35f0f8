//! Functions over a group of rows that give one value: aggregates. A group's numbers are kept and sorted before they are
//! used, so that no order of the rows shows. Knows no function.

use super::call::{Call, Constants};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Expr, Signature};
use datafusion::prelude::SessionContext;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::size_of_val;
use std::sync::Arc;

/// What a family says of a function.
#[derive(Debug)]
pub struct GroupFunction {
    pub call: Call,
    /// Checks the constants of a call and gives what computes a group.
    pub prepare: fn(&Constants) -> Result<Computation>,
}

/// From the numbers of a group, sorted and without nulls, to its value.
pub type Computation = Box<dyn Fn(&[f64]) -> Result<Option<f64>> + Send + Sync>;

/// Makes the function known to a session.
pub fn register(context: &SessionContext, function: &'static GroupFunction) {
    let signature = function.call.signature();
    context.register_udaf(AggregateUDF::from(Registered { function, signature }));
}

/// Refuses constants that this function cannot work with.
pub fn check_constants(function: &AggregateUDF, arguments: &[Expr]) -> Result<()> {
    match function.inner().downcast_ref::<Registered>() {
        Some(Registered { function, .. }) => (function.prepare)(&function.call.constants(arguments)).map(|_| ()),
        None => Ok(()),
    }
}

/// Sorts numbers in the one order that tells every two of them apart.
pub fn sort(values: &mut [f64]) {
    values.sort_unstable_by(f64::total_cmp);
}

#[derive(Debug)]
struct Registered {
    function: &'static GroupFunction,
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

impl AggregateUDFImpl for Registered {
    fn name(&self) -> &str {
        self.function.call.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(self.function.call.coerced(types))
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.function.call.check(types)?;
        Ok(DataType::Float64)
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let constants = self.function.call.physical_constants(arguments.exprs);
        let compute = (self.function.prepare)(&constants)?;
        Ok(Box::new(Numbers { values: Vec::new(), distinct: arguments.is_distinct, compute }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let list = DataType::List(item());
        Ok(vec![Arc::new(Field::new(format!("{}[values]", arguments.name), list, true))])
    }
}

/// The numbers of one group, in the order in which they came.
struct Numbers {
    values: Vec<f64>,
    distinct: bool,
    compute: Computation,
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Numbers({})", self.values.len())
    }
}

impl Accumulator for Numbers {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.extend(values[0].as_primitive::<Float64Type>().iter().flatten());
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut sorted = self.values.clone();
        // Two zeros are one number.
        sorted.iter_mut().filter(|value| **value == 0.0).for_each(|value| *value = 0.0);
        sort(&mut sorted);
        if self.distinct {
            sorted.dedup_by_key(|value| value.to_bits());
        }
        Ok(ScalarValue::Float64((self.compute)(&sorted)?))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<f64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = Float64Array::from(std::mem::take(&mut self.values));
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        Ok(vec![ScalarValue::List(Arc::new(ListArray::new(item(), offsets, Arc::new(values), None)))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for values in states[0].as_list::<i32>().iter().flatten() {
            self.values.extend(values.as_primitive::<Float64Type>().iter().flatten());
        }
        Ok(())
    }

    /// A frame that moves on leaves the rows that came first.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.drain(..values[0].len() - values[0].null_count());
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Float64, true))
}
