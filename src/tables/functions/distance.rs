//! `haversine_km`: the distance of two places on the sphere, in kilometres.
//!
//! d = 2R asin √(sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2)) with R = 6371.0088 km, the mean radius of the Earth (IUGG; Moritz 2000).
//! METHODS 2.6. A latitude beyond 90 or a longitude beyond 360 degrees is an error: the arguments are likely in another order.

use super::call::{Call, Kind, Parameter};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};
use datafusion::prelude::SessionContext;
use std::f64::consts::PI;
use std::sync::Arc;

static HAVERSINE_KM: Call = Call {
    name: "haversine_km",
    parameters: &[
        Parameter { name: "lat1", kind: Kind::Number },
        Parameter { name: "lon1", kind: Kind::Number },
        Parameter { name: "lat2", kind: Kind::Number },
        Parameter { name: "lon2", kind: Kind::Number },
    ],
    required: 4,
};

const RADIUS_KM: f64 = 6371.0088;

pub fn register(context: &SessionContext) {
    context.register_udf(ScalarUDF::from(Haversine { signature: HAVERSINE_KM.signature() }));
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Haversine {
    signature: Signature,
}

impl ScalarUDFImpl for Haversine {
    fn name(&self) -> &str {
        HAVERSINE_KM.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(HAVERSINE_KM.coerced(types))
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        HAVERSINE_KM.check(types)?;
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let columns: Vec<&Float64Array> = arrays.iter().map(|array| array.as_primitive::<Float64Type>()).collect();
        let value = |column: usize, row: usize| columns[column].is_valid(row).then(|| columns[column].value(row));
        let place = |row: usize| Some([value(0, row)?, value(1, row)?, value(2, row)?, value(3, row)?]);
        let rows = 0..columns[0].len();
        let result: Float64Array = rows.map(|row| place(row).map(distance).transpose()).collect::<Result<_>>()?;
        // Constants were widened to one row, whatever the number of rows here.
        if arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(Arc::new(result) as ArrayRef))
    }
}

fn distance([lat1, lon1, lat2, lon2]: [f64; 4]) -> Result<f64> {
    for (name, degrees, limit) in
        [("lat1", lat1, 90.0), ("lon1", lon1, 360.0), ("lat2", lat2, 90.0), ("lon2", lon2, 360.0)]
    {
        if degrees.abs() > limit {
            let message = format!("`{name}` of `haversine_km` is {degrees}, beyond {limit} degrees");
            let hint = "the order is latitude, longitude, latitude, longitude".to_string();
            return Err(HAVERSINE_KM.misuse(message, Some(hint)));
        }
    }
    let radians = |degrees: f64| degrees * (PI / 180.0);
    let half_sine_squared = |degrees: f64| {
        let sine = core_math::sin(radians(degrees) / 2.0);
        sine * sine
    };
    let cosines = core_math::cos(radians(lat1)) * core_math::cos(radians(lat2));
    let square = half_sine_squared(lat2 - lat1) + cosines * half_sine_squared(lon2 - lon1);
    // Of opposite places rounding may give a little more than 1. `min` would also hide NaN.
    let square = if square > 1.0 { 1.0 } else { square };
    Ok(2.0 * RADIUS_KM * core_math::asin(square.sqrt()))
}
