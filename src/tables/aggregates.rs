//! Aggregates that replace DataFusion's, so that a result depends on the values of a group and on nothing else: not on the
//! order of rows, on partitions, batches or spilling.
//!
//! | function | over floats it is |
//! |---|---|
//! | `sum`, `avg` | the float nearest to the exact value; over whole numbers `sum` is exact, or an error if it does not fit |
//! | `var_*`, `covar_*`, `regr_*` | the float nearest to the exact value of (n·Σxy − Σx·Σy) / n² and its like |
//! | `stddev_*`, `corr` | the float nearest to the root of the exact value |
//! | `min`, `max` | NaN if a term is NaN; DataFusion's depend on where in the order it stands |
//!
//! What the formula divides by being zero gives null, as in PostgreSQL: `corr` of a constant, `var_samp` of one row. All
//! other aggregates and types are DataFusion's own.

mod extremes;
mod family;
mod moments;

use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::functions_aggregate::correlation::corr_udaf;
use datafusion::functions_aggregate::covariance::{covar_pop_udaf, covar_samp_udaf};
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::functions_aggregate::regr::{
    regr_avgx_udaf, regr_avgy_udaf, regr_intercept_udaf, regr_r2_udaf, regr_slope_udaf, regr_sxx_udaf, regr_sxy_udaf,
    regr_syy_udaf,
};
use datafusion::functions_aggregate::stddev::{stddev_pop_udaf, stddev_udaf};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::functions_aggregate::variance::{var_pop_udaf, var_samp_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
    StatisticsArgs,
};
use datafusion::prelude::SessionContext;
use family::Family;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

pub use moments::{Squares, stddev_samp};

/// Makes the aggregates known to a session.
pub fn register(context: &SessionContext) {
    for replaced in replaced() {
        context.register_udaf(AggregateUDF::new_from_impl(replaced));
    }
}

/// Each with what it does for the types it is exact for. When a result changes, `sql::ENGINE` must too.
fn replaced() -> Vec<Replaced> {
    use moments::*;
    let of = |original: Arc<AggregateUDF>, family: Arc<dyn Family>| Replaced { original, families: vec![family] };
    let sums = vec![family::of(sum), family::of(whole_sum), family::of(natural_sum)];
    vec![
        Replaced { original: sum_udaf(), families: sums },
        of(avg_udaf(), family::of(mean)),
        of(var_samp_udaf(), family::of(var_samp)),
        of(var_pop_udaf(), family::of(var_pop)),
        of(stddev_udaf(), family::of(stddev_samp)),
        of(stddev_pop_udaf(), family::of(stddev_pop)),
        of(covar_samp_udaf(), family::of(covar_samp)),
        of(covar_pop_udaf(), family::of(covar_pop)),
        of(corr_udaf(), family::of(corr)),
        of(regr_slope_udaf(), family::of(regr_slope)),
        of(regr_intercept_udaf(), family::of(regr_intercept)),
        of(regr_r2_udaf(), family::of(regr_r2)),
        of(regr_avgx_udaf(), family::of(regr_avgx)),
        of(regr_avgy_udaf(), family::of(regr_avgy)),
        of(regr_sxx_udaf(), family::of(regr_sxx)),
        of(regr_syy_udaf(), family::of(regr_syy)),
        of(regr_sxy_udaf(), family::of(regr_sxy)),
        of(min_udaf(), extremes::min()),
        of(max_udaf(), extremes::max()),
    ]
}

/// DataFusion's aggregate, but for the types that one of `families` takes.
struct Replaced {
    original: Arc<AggregateUDF>,
    families: Vec<Arc<dyn Family>>,
}

impl Replaced {
    fn family_of(&self, fields: &[FieldRef]) -> Option<&Arc<dyn Family>> {
        self.families.iter().find(|family| fields.iter().all(|field| *field.data_type() == family.input()))
    }
}

impl fmt::Debug for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replaced({})", self.original.name())
    }
}

// A name has one computation.
impl PartialEq for Replaced {
    fn eq(&self, other: &Replaced) -> bool {
        self.original == other.original
    }
}

impl Eq for Replaced {}

impl Hash for Replaced {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.original.hash(state);
    }
}

impl AggregateUDFImpl for Replaced {
    fn name(&self) -> &str {
        self.original.name()
    }

    fn aliases(&self) -> &[String] {
        self.original.aliases()
    }

    fn signature(&self) -> &Signature {
        self.original.signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let types = self.original.coerce_types(types)?;
        // `min` and `max` take any type; ours are of 64 bits.
        let wide = |data_type: DataType| if data_type.is_floating() { DataType::Float64 } else { data_type };
        Ok(types.into_iter().map(wide).collect())
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.original.return_type(types)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        match self.family_of(arguments.input_fields) {
            Some(_) => {
                Ok(vec![Arc::new(Field::new(format!("{}[state]", arguments.name), DataType::LargeBinary, false))])
            }
            None => self.original.state_fields(arguments),
        }
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.family_of(arguments.expr_fields) {
            Some(family) if arguments.is_distinct => Ok(family.distinct()),
            Some(family) => Ok(family.whole()),
            None => self.original.accumulator(arguments),
        }
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match self.family_of(arguments.expr_fields) {
            Some(family) if arguments.is_distinct => Ok(family.distinct()),
            Some(family) => Ok(family.sliding()),
            None => self.original.create_sliding_accumulator(arguments),
        }
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        match self.family_of(arguments.expr_fields) {
            Some(_) => !arguments.is_distinct,
            None => self.original.groups_accumulator_supported(arguments),
        }
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        match self.family_of(arguments.expr_fields) {
            Some(family) => Ok(family.groups()),
            None => self.original.create_groups_accumulator(arguments),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn is_descending(&self) -> Option<bool> {
        self.original.is_descending()
    }

    fn value_from_stats(&self, arguments: &StatisticsArgs) -> Option<ScalarValue> {
        // Floats have the type of their sum and of their extremes. The statistics of a file do not know NaN.
        match self.families.iter().any(|family| family.input() == *arguments.return_type) {
            true => None,
            false => self.original.value_from_stats(arguments),
        }
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.original.default_value(data_type)
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.original.inner().set_monotonicity(data_type)
    }
}

#[cfg(test)]
mod tests;
