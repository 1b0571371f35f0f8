//! Names, types and constants as text that cannot be mistaken for another. Knows no plan and no expression.

use super::Unknown;
use crate::columns;
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, TableReference};

/// Words that stand for the results of steps of the plan; a table called so is quoted.
pub const STEPS: [&str; 10] =
    ["found", "group", "join", "recursive", "series", "sets", "union", "unnest", "values", "window"];

/// A name as it is, or in double quotes where it has signs that the encoding uses itself. All of those are ASCII.
pub fn name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_control());
    if !name.is_empty() && name.chars().all(plain) { name.to_string() } else { quoted(name, '"') }
}

/// A table's name, part by part.
pub fn table(reference: &TableReference) -> String {
    match reference {
        TableReference::Bare { table } if STEPS.contains(&&**table) => quoted(table, '"'),
        TableReference::Bare { table } => name(table),
        TableReference::Partial { schema, table } => format!("{}.{}", name(schema), name(table)),
        TableReference::Full { catalog, schema, table } => {
            format!("{}.{}.{}", name(catalog), name(schema), name(table))
        }
    }
}

/// A type; the five that tables have are called as everywhere else.
pub fn data_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Boolean => "bool".to_string(),
        DataType::Int64 => "int".to_string(),
        DataType::Float64 => "float".to_string(),
        DataType::Utf8 => "text".to_string(),
        DataType::Date32 => "date".to_string(),
        other => other.to_string(),
    }
}

/// A constant with its type. Those of the five types of tables are written as in SQL.
pub fn literal(value: &ScalarValue) -> Result<String, Unknown> {
    let kind = data_type(&value.data_type());
    if value.is_null() {
        return Ok(format!("null {kind}"));
    }
    let typed = |text: String| Ok(format!("{kind} {text}"));
    match value {
        ScalarValue::Boolean(Some(value)) => Ok(value.to_string()),
        ScalarValue::Int64(Some(value)) => Ok(value.to_string()),
        // Not a number in different ways: they compare differently.
        ScalarValue::Float64(Some(value)) if value.is_nan() => typed(format!("nan {:x}", value.to_bits())),
        ScalarValue::Float64(Some(value)) => Ok(format!("{value:?}")),
        ScalarValue::Utf8(Some(value)) => Ok(quoted(value, '\'')),
        ScalarValue::Date32(Some(days)) => typed(columns::date_text(*days)),
        ScalarValue::Float16(Some(value)) => typed(format!("{:x}", value.to_bits())),
        ScalarValue::Float32(Some(value)) if value.is_nan() => typed(format!("nan {:x}", value.to_bits())),
        ScalarValue::Float32(Some(value)) => typed(format!("{value:?}")),
        ScalarValue::Decimal32(Some(value), _, _) => typed(value.to_string()),
        ScalarValue::Decimal64(Some(value), _, _) => typed(value.to_string()),
        ScalarValue::Decimal128(Some(value), _, _) => typed(value.to_string()),
        ScalarValue::Decimal256(Some(value), _, _) => typed(value.to_string()),
        ScalarValue::Int8(Some(value)) => typed(value.to_string()),
        ScalarValue::Int16(Some(value)) => typed(value.to_string()),
        ScalarValue::Int32(Some(value)) => typed(value.to_string()),
        ScalarValue::UInt8(Some(value)) => typed(value.to_string()),
        ScalarValue::UInt16(Some(value)) => typed(value.to_string()),
        ScalarValue::UInt32(Some(value)) => typed(value.to_string()),
        ScalarValue::UInt64(Some(value)) => typed(value.to_string()),
        ScalarValue::Utf8View(Some(value)) | ScalarValue::LargeUtf8(Some(value)) => typed(quoted(value, '\'')),
        ScalarValue::Binary(Some(value))
        | ScalarValue::BinaryView(Some(value))
        | ScalarValue::FixedSizeBinary(_, Some(value))
        | ScalarValue::LargeBinary(Some(value)) => typed(format!("{value:?}")),
        ScalarValue::Time32Second(Some(value)) | ScalarValue::Time32Millisecond(Some(value)) => {
            typed(value.to_string())
        }
        ScalarValue::Date64(Some(value))
        | ScalarValue::Time64Microsecond(Some(value))
        | ScalarValue::Time64Nanosecond(Some(value))
        | ScalarValue::TimestampSecond(Some(value), _)
        | ScalarValue::TimestampMillisecond(Some(value), _)
        | ScalarValue::TimestampMicrosecond(Some(value), _)
        | ScalarValue::TimestampNanosecond(Some(value), _)
        | ScalarValue::DurationSecond(Some(value))
        | ScalarValue::DurationMillisecond(Some(value))
        | ScalarValue::DurationMicrosecond(Some(value))
        | ScalarValue::DurationNanosecond(Some(value)) => typed(value.to_string()),
        ScalarValue::IntervalYearMonth(Some(months)) => typed(format!("{months} months")),
        ScalarValue::IntervalDayTime(Some(value)) => typed(format!("{} days {} ms", value.days, value.milliseconds)),
        ScalarValue::IntervalMonthDayNano(Some(value)) => {
            typed(format!("{} months {} days {} ns", value.months, value.days, value.nanoseconds))
        }
        ScalarValue::List(list) => typed(elements(&list.value(0))?),
        ScalarValue::LargeList(list) => typed(elements(&list.value(0))?),
        ScalarValue::FixedSizeList(list) => typed(elements(&list.value(0))?),
        ScalarValue::Struct(fields) => {
            let fields = fields.columns().iter().map(elements).collect::<Result<Vec<_>, _>>()?;
            typed(format!("{{{}}}", fields.join(", ")))
        }
        ScalarValue::Dictionary(_, value) => typed(literal(value)?),
        _ => Err(Unknown::new(format!("a constant of type {kind}"))),
    }
}

/// Each by itself: the text of a whole array leaves out the middle of a long one.
fn elements(array: &ArrayRef) -> Result<String, Unknown> {
    let value = |index| ScalarValue::try_from_array(array, index).map_err(|error| Unknown::new(error.to_string()));
    let texts = (0..array.len()).map(|index| literal(&value(index)?)).collect::<Result<Vec<_>, _>>()?;
    Ok(format!("[{}]", texts.join(", ")))
}

fn quoted(text: &str, quote: char) -> String {
    let mut quoted = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => quoted.push_str("\\\\"),
            _ if c == quote => quoted.extend(['\\', quote]),
            _ if c.is_control() => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted.push(quote);
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_told_apart() {
        let text = |text: &str| ScalarValue::Utf8(Some(text.to_string()));
        for (value, expected) in [
            (ScalarValue::Int64(Some(1)), "1"),
            (ScalarValue::Float64(Some(1.0)), "1.0"),
            (ScalarValue::Float64(Some(-0.0)), "-0.0"),
            (ScalarValue::Float64(Some(f64::NAN)), "float nan 7ff8000000000000"),
            (ScalarValue::Int32(Some(1)), "Int32 1"),
            (ScalarValue::Int64(None), "null int"),
            (ScalarValue::Null, "null Null"),
            (text(""), "''"),
            (text("it's \\ \n 城市"), "'it\\'s \\\\ \\u{a} 城市'"),
            (ScalarValue::Date32(Some(15_466)), "date 2012-05-06"),
            (ScalarValue::Date32(Some(-1)), "date 1969-12-31"),
            (ScalarValue::Date32(Some(11_016)), "date 2000-02-29"),
            (ScalarValue::Decimal128(Some(150), 5, 2), "Decimal128(5, 2) 150"),
            (
                ScalarValue::List(ScalarValue::new_list(&[text("a, b"), text("c")], &DataType::Utf8, true)),
                "List(Utf8) ['a, b', 'c']",
            ),
        ] {
            assert_eq!(literal(&value).expect(expected), expected);
        }
        let long: Vec<ScalarValue> = (0..50).map(|x| ScalarValue::Int64(Some(x))).collect();
        let list = ScalarValue::List(ScalarValue::new_list(&long, &DataType::Int64, true));
        assert!(literal(&list).expect("a list").contains(", 25, "), "the middle of a long list is left out");
    }

    #[test]
    fn names_are_told_apart_from_signs_and_steps() {
        for (reference, expected) in [
            (TableReference::bare("t"), "t"),
            (TableReference::bare("城市 面"), "\"城市 面\""),
            (TableReference::bare("a.b"), "\"a.b\""),
            (TableReference::partial("a", "b"), "a.b"),
            (TableReference::bare("group"), "\"group\""),
            (TableReference::bare("t#2"), "\"t#2\""),
            (TableReference::bare(""), "\"\""),
        ] {
            assert_eq!(table(&reference), expected);
        }
    }
}
