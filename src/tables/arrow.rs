//! Between plain columns and Arrow. Whatever a query gives becomes one of five types, or an error that names the column.

use crate::columns::{Column, ColumnType, Table, Values};
use crate::error::TableError;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    UInt64Array,
};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, Float64Type, Int64Type, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::util;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The Arrow type that holds a column type.
pub fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Date => DataType::Date32,
    }
}

/// The column type an Arrow type is stored as.
pub fn column_type(name: &str, data_type: &DataType) -> Result<ColumnType, TableError> {
    let wrong = |found: String| Err(TableError::Type { column: name.to_string(), found });
    match data_type {
        DataType::Boolean => Ok(ColumnType::Bool),
        integer if integer.is_integer() => Ok(ColumnType::Int),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Ok(ColumnType::Float),
        decimal if decimal.is_decimal() => Ok(ColumnType::Float),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Ok(ColumnType::Text),
        DataType::Dictionary(_, values) => column_type(name, values),
        // Times without a zone, such as `date_trunc` gives, are days if they are all midnight: see `days`.
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, None) => Ok(ColumnType::Date),
        DataType::Null => wrong("null".to_string()),
        other => wrong(format!("`{other}`")),
    }
}

/// Names and types of a table with these fields.
pub fn columns(fields: &Schema) -> Result<Vec<(String, ColumnType)>, TableError> {
    let mut seen = BTreeSet::new();
    let one = |field: &Arc<Field>| {
        if !seen.insert(field.name().clone()) {
            return Err(TableError::DoubleColumn { column: field.name().clone() });
        }
        Ok((field.name().clone(), column_type(field.name(), field.data_type())?))
    };
    fields.fields().iter().map(one).collect()
}

/// All columns in their stored types, without −0.0: two tables of one digest then hold the same bits.
pub fn canonical(batch: &RecordBatch) -> Result<RecordBatch, TableError> {
    let columns = columns(&batch.schema())?;
    let arrays = columns.iter().zip(batch.columns()).map(|((name, _), array)| stored(name, array));
    with_rows(schema(&columns), arrays.collect::<Result<_, _>>()?, batch.num_rows())
}

/// One column in its stored type.
pub fn stored(name: &str, array: &ArrayRef) -> Result<ArrayRef, TableError> {
    let kind = column_type(name, array.data_type())?;
    let failed = |error: ArrowError| TableError::Value { column: name.to_string(), cause: error.to_string() };
    // `safe` would turn what does not fit into null.
    let options = compute::CastOptions { safe: false, ..Default::default() };
    let cast =
        |array: &ArrayRef, wanted: &DataType| compute::cast_with_options(array, wanted, &options).map_err(failed);
    let plain = match array.data_type() {
        DataType::Dictionary(_, values) => &cast(array, values)?,
        _ => array,
    };
    match plain.data_type() {
        DataType::Date64 | DataType::Timestamp(_, None) => days(name, plain, &cast(plain, &DataType::Int64)?),
        _ if kind == ColumnType::Float => floats(plain).map_err(failed),
        same if *same == data_type(kind) => Ok(plain.clone()),
        _ => cast(plain, &data_type(kind)),
    }
}

/// Floats and decimals as they are stored.
pub fn floats(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = compute::CastOptions { safe: false, ..Default::default() };
    match array.data_type() {
        decimal if decimal.is_decimal() => {
            // Through text, which is parsed to the nearest float. Arrow's cast rounds twice: to a float, then in a division.
            let texts = compute::cast_with_options(array, &DataType::Utf8, &options)?;
            let numbers = texts.as_string::<i32>().iter().map(|text| text?.parse::<f64>().ok());
            Ok(Arc::new(numbers.collect::<Float64Array>()))
        }
        DataType::Float64 => Ok(without_negative_zero(array)),
        _ => Ok(without_negative_zero(&compute::cast_with_options(array, &DataType::Float64, &options)?)),
    }
}

/// Times, whose counts are `ticks`, as days; an error if one is not midnight.
fn days(name: &str, times: &ArrayRef, ticks: &ArrayRef) -> Result<ArrayRef, TableError> {
    let per_day = match times.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => 86_400,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 86_400_000_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 86_400_000_000_000,
        _ => 86_400_000,
    };
    let ticks = ticks.as_primitive::<Int64Type>();
    let late: Vec<usize> =
        (0..ticks.len()).filter(|row| ticks.is_valid(*row) && ticks.value(*row).rem_euclid(per_day) != 0).collect();
    if let Some(first) = late.first() {
        let first = util::display::array_value_to_string(times, *first)
            .map_err(|error| TableError::Value { column: name.to_string(), cause: error.to_string() })?;
        return Err(TableError::TimeOfDay { column: name.to_string(), count: late.len() as u64, first });
    }
    let day = |tick: i64| {
        i32::try_from(tick.div_euclid(per_day)).map_err(|_| TableError::Value {
            column: name.to_string(),
            cause: format!("day {} after 1970-01-01 is no date", tick.div_euclid(per_day)),
        })
    };
    let days = ticks.iter().map(|tick| tick.map(day).transpose()).collect::<Result<Date32Array, _>>()?;
    Ok(Arc::new(days))
}

fn without_negative_zero(array: &ArrayRef) -> ArrayRef {
    let values = array.as_primitive::<Float64Type>();
    if values.values().iter().all(|value| value.to_bits() != (-0.0_f64).to_bits()) {
        return array.clone();
    }
    Arc::new(values.unary::<_, Float64Type>(|value| if value == 0.0 { 0.0 } else { value }))
}

/// Plain columns as a batch.
pub fn from_table(table: &Table) -> Result<RecordBatch, TableError> {
    table.check()?;
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for Column { name, values } in &table.columns {
        fields.push(Field::new(name, data_type(values.kind()), true));
        arrays.push(match values {
            Values::Bool(values) => Arc::new(BooleanArray::from(values.clone())),
            Values::Int(values) => Arc::new(Int64Array::from(values.clone())),
            Values::Float(values) => Arc::new(Float64Array::from(values.clone())),
            Values::Text(values) => Arc::new(StringArray::from_iter(values.iter().map(Option::as_deref))),
            Values::Date(values) => Arc::new(Date32Array::from(values.clone())),
        });
    }
    with_rows(Arc::new(Schema::new(fields)), arrays, table.rows())
}

/// A batch as plain columns.
pub fn to_table(batch: &RecordBatch) -> Result<Table, TableError> {
    let batch = canonical(batch)?;
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| Column {
        name: field.name().clone(),
        values: match array.data_type() {
            DataType::Boolean => Values::Bool(array.as_boolean().iter().collect()),
            DataType::Int64 => Values::Int(array.as_primitive::<Int64Type>().iter().collect()),
            DataType::Float64 => Values::Float(array.as_primitive::<Float64Type>().iter().collect()),
            DataType::Date32 => Values::Date(array.as_primitive::<Date32Type>().iter().collect()),
            _ => Values::Text(array.as_string::<i32>().iter().map(|text| text.map(str::to_string)).collect()),
        },
    });
    Ok(Table { columns: columns.collect() })
}

/// These rows, for a message: with the columns `first` in front, and the others behind them.
pub fn sample(batch: &RecordBatch, first: &[String], rows: &[usize]) -> Result<Table, TableError> {
    let indices = UInt64Array::from_iter_values(rows.iter().map(|row| *row as u64));
    let rows = compute::take_record_batch(batch, &indices)
        .map_err(|error| TableError::Value { column: first.join(", "), cause: error.to_string() })?;
    let mut table = to_table(&rows)?;
    // A stable sort: the others keep their order.
    table.columns.sort_by_key(|column| first.iter().position(|name| *name == column.name).unwrap_or(first.len()));
    Ok(table)
}

/// A schema of stored types.
pub fn schema(columns: &[(String, ColumnType)]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|(name, kind)| Field::new(name, data_type(*kind), true)).collect();
    Arc::new(Schema::new(fields))
}

/// Keeps the number of rows even where there are no columns.
pub fn with_rows(schema: SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, TableError> {
    let options = datafusion::arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, arrays, &options)
        .map_err(|error| TableError::Value { column: String::new(), cause: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{
        Decimal128Array, DictionaryArray, Float32Array, LargeStringArray, ListArray, NullArray, StringViewArray,
        TimestampNanosecondArray, TimestampSecondArray, UInt8Array,
    };
    use datafusion::arrow::datatypes::Int32Type;

    fn stored_text(array: ArrayRef) -> Result<String, String> {
        let schema = Arc::new(Schema::new(vec![Field::new("x", array.data_type().clone(), true)]));
        let rows = array.len();
        let batch = with_rows(schema, vec![array], rows).expect("a batch");
        let table = to_table(&batch).map_err(|error| format!("{error} [{}]", error.hint().unwrap_or_default()))?;
        let values = &table.columns[0].values;
        let cells: Vec<String> = (0..rows).map(|row| values.text(row).unwrap_or("null".into())).collect();
        Ok(format!("{} {}", values.kind(), cells.join(" ")))
    }

    #[test]
    fn whatever_a_query_gives_becomes_one_of_five_types() {
        let dictionary: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
        let decimals = Decimal128Array::from(vec![Some(1), None]).with_precision_and_scale(5, 1).expect("a decimal");
        let cases: Vec<(ArrayRef, &str)> = vec![
            (Arc::new(BooleanArray::from(vec![Some(true), None])), "bool true null"),
            (Arc::new(UInt8Array::from(vec![255])), "int 255"),
            (Arc::new(UInt64Array::from(vec![i64::MAX as u64])), "int 9223372036854775807"),
            (Arc::new(Float32Array::from(vec![0.5])), "float 0.5"),
            (Arc::new(Float64Array::from(vec![-0.0])), "float 0"),
            (Arc::new(decimals), "float 0.1 null"),
            (Arc::new(dictionary), "text a null a"),
            (Arc::new(LargeStringArray::from(vec!["市"])), "text 市"),
            (
                Arc::new(StringViewArray::from(vec![Some("a longer text than fits in a view"), None])),
                "text a longer text than fits in a view null",
            ),
            (Arc::new(TimestampSecondArray::from(vec![Some(-86_400), None])), "date 1969-12-31 null"),
        ];
        for (array, expected) in cases {
            assert_eq!(stored_text(array).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_decimal_is_rounded_once() {
        // 2^53 + 1 tenths. Rounded to a float first and divided then, it would end on .2.
        let array = Decimal128Array::from(vec![90_071_992_547_409_930_001]).with_precision_and_scale(30, 4);
        let expected = "9007199254740993.0001".parse::<f64>().expect("a number").to_string();
        assert_eq!(stored_text(Arc::new(array.expect("a decimal"))), Ok(format!("float {expected}")));
    }

    #[test]
    fn what_does_not_fit_is_an_error_with_a_cast_to_use() {
        let cases: Vec<(ArrayRef, &str)> = vec![
            (
                Arc::new(UInt64Array::from(vec![u64::MAX])),
                "column `x` has a value that does not fit: Cast error: Can't cast value 18446744073709551615 to type Int64 \
                 [convert it: `cast(x as double)`, for example]",
            ),
            (
                Arc::new(TimestampNanosecondArray::from(vec![0, 86_400_000_000_001])),
                "column `x` has a time of day in 1 row, the first 1970-01-02T00:00:00.000000001, and a date has none \
                 [cut the time off with `cast(x as date)`, or keep it with `cast(x as text)`]",
            ),
            (
                Arc::new(NullArray::new(1)),
                "column `x` is null, which is none of bool, int, float, text, date [say what it is: `cast(x as double)`]",
            ),
            (
                Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1)])])),
                "column `x` is `List(Int64)`, which is none of bool, int, float, text, date \
                 [convert it: `cast(x as text)`, for example]",
            ),
        ];
        for (array, expected) in cases {
            assert_eq!(stored_text(array), Err(expected.to_string()));
        }
    }
}
