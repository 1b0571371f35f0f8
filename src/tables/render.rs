//! Tables as text: for a terminal, with wide characters counted as two columns; as CSV; as JSON.

use crate::columns::{Table, Values};
use crate::error::counted;
use unicode_width::UnicodeWidthStr;

/// Cells longer than this are cut on a terminal.
const WIDEST_CELL: usize = 48;

/// A table of aligned columns. With `width`, columns that do not fit are left out, and their number is said.
pub fn text(table: &Table, width: Option<usize>) -> String {
    let rows = table.rows();
    let mut columns: Vec<(Vec<String>, usize, bool)> = Vec::new();
    for column in &table.columns {
        let right = matches!(column.values, Values::Int(_) | Values::Float(_));
        let cells = std::iter::once(column.name.clone()).chain((0..rows).map(|row| shown(&column.values, row)));
        let cells: Vec<String> = cells.map(|cell| cut(&cell)).collect();
        let widest = cells.iter().map(|cell| cell.width()).max().unwrap_or(0);
        columns.push((cells, widest, right));
    }
    let mut fitting = columns.len();
    if let Some(width) = width {
        let mut used = 0;
        for (index, (_, widest, _)) in columns.iter().enumerate() {
            used += widest + 2;
            if used > width + 2 && index > 0 {
                fitting = index;
                break;
            }
        }
    }
    let mut lines = Vec::new();
    for line in 0..=rows {
        let cells = columns[..fitting].iter().map(|(cells, widest, right)| {
            let padding = " ".repeat(widest - cells[line].width());
            if *right { format!("{padding}{}", cells[line]) } else { format!("{}{padding}", cells[line]) }
        });
        lines.push(cells.collect::<Vec<_>>().join("  ").trim_end().to_string());
        if line == 0 {
            let rule = columns[..fitting].iter().map(|(_, widest, _)| "─".repeat(*widest));
            lines.push(rule.collect::<Vec<_>>().join("  "));
        }
    }
    let left = &table.columns[fitting..];
    if !left.is_empty() {
        let count = counted(left.len() as u64, "more column");
        let names: Vec<&str> = left.iter().map(|column| column.name.as_str()).collect();
        let named = format!("… {count}: {}", names.join(", "));
        let fits = width.is_none_or(|width| named.width() <= width) && !named.contains(char::is_control);
        lines.push(if fits { named } else { format!("… {count}") });
    }
    lines.join("\n")
}

/// Comma-separated values, RFC 4180. Missing is an empty field, the empty text is `""`.
pub fn csv(table: &Table) -> String {
    let field = |text: &str| {
        let special = text.is_empty() || text.contains([',', '"', '\n', '\r']);
        if special { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
    };
    let mut lines = vec![table.columns.iter().map(|column| field(&column.name)).collect::<Vec<_>>().join(",")];
    for row in 0..table.rows() {
        let cells =
            table.columns.iter().map(|column| column.values.text(row).map_or(String::new(), |text| field(&text)));
        lines.push(cells.collect::<Vec<_>>().join(","));
    }
    lines.join("\n")
}

/// A JSON array with one object per row: floats in their shortest exact form, dates as texts. JSON has no NaN and no
/// infinity; they are null, as in other writers of JSON.
pub fn json(table: &Table) -> String {
    let rows = (0..table.rows()).map(|row| {
        let cells = table.columns.iter().map(|column| {
            let value = match (&column.values, column.values.text(row)) {
                (_, None) => "null".to_string(),
                (Values::Float(values), _) if !values[row].is_some_and(f64::is_finite) => "null".to_string(),
                (Values::Bool(_) | Values::Int(_) | Values::Float(_), Some(text)) => text,
                (_, Some(text)) => quoted(&text),
            };
            format!("{}:{value}", quoted(&column.name))
        });
        format!("{{{}}}", cells.collect::<Vec<_>>().join(","))
    });
    format!("[{}]", rows.collect::<Vec<_>>().join(",\n"))
}

/// Floats to six significant digits on a terminal; `csv` and `json` give them in full.
fn shown(values: &Values, row: usize) -> String {
    match values {
        Values::Float(values) => values[row].map_or("—".to_string(), significant),
        values => values.text(row).unwrap_or_else(|| "—".to_string()),
    }
}

fn significant(value: f64) -> String {
    // Rounded in decimal first, so that 999999.7 has the exponent of 1000000.
    let scientific = format!("{value:.5e}");
    let Some((digits, exponent)) =
        scientific.split_once('e').and_then(|(digits, e)| Some((digits, e.parse::<i32>().ok()?)))
    else {
        return value.to_string();
    };
    if value != 0.0 && !(-5..15).contains(&exponent) {
        return format!("{}e{exponent}", without_zeros(digits));
    }
    let decimals = usize::try_from(5 - exponent).unwrap_or(0);
    without_zeros(&format!("{value:.decimals$}")).to_string()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// The text on one line, without control characters, which could take over the terminal.
fn cut(text: &str) -> String {
    let line: String = text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    if line.width() <= WIDEST_CELL {
        return line;
    }
    let mut kept = String::new();
    for character in line.chars() {
        kept.push(character);
        if kept.width() + 1 > WIDEST_CELL {
            kept.pop();
            break;
        }
    }
    kept.push('…');
    kept
}

fn quoted(text: &str) -> String {
    let mut result = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\r' => result.push_str("\\r"),
            '\t' => result.push_str("\\t"),
            control if (control as u32) < 0x20 => result.push_str(&format!("\\u{:04x}", control as u32)),
            other => result.push(other),
        }
    }
    result.push('"');
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Column;

    fn table() -> Table {
        let column = |name: &str, values: Values| Column { name: name.to_string(), values };
        Table {
            columns: vec![
                column("城市", Values::Text(vec![Some("北京市".to_string()), Some("a,b".to_string())])),
                column("year", Values::Int(vec![Some(2012), None])),
                column("share", Values::Float(vec![Some(0.123_456_789), Some(1.0e9)])),
            ],
        }
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let expected =
            "城市    year       share\n──────  ────  ──────────\n北京市  2012    0.123457\na,b        —  1000000000";
        assert_eq!(text(&table(), None), expected);
        for line in text(&table(), None).lines().take(3) {
            assert_eq!(line.width(), 24, "{line}");
        }
    }

    #[test]
    fn columns_that_do_not_fit_are_counted() {
        let narrow = "城市    year\n──────  ────\n北京市  2012\na,b        —\n… 1 more column";
        assert_eq!(text(&table(), Some(22)), narrow.replace("column", "column: share"));
        assert_eq!(text(&table(), Some(23)), narrow.replace("column", "column: share"));
        assert_eq!(text(&table(), Some(14)), narrow);
        assert_eq!(text(&table(), Some(1)), "城市\n──────\n北京市\na,b\n… 2 more columns");
        assert_eq!(text(&table(), Some(24)), text(&table(), None));
        assert_eq!(text(&Table::default(), Some(10)), "\n");
    }

    #[test]
    fn cells_are_cut_and_cannot_command_the_terminal() {
        let long = "市".repeat(40);
        assert_eq!(cut(&long), format!("{}…", "市".repeat(23)));
        assert_eq!(cut(&"a".repeat(48)), "a".repeat(48));
        assert_eq!(cut(&"a".repeat(49)), format!("{}…", "a".repeat(47)));
        assert_eq!(cut("a\u{1b}[31mb\nc"), "a [31mb c");
    }

    #[test]
    fn six_digits_are_enough_on_a_terminal() {
        for (value, expected) in [
            (0.0, "0"),
            (-1.5, "-1.5"),
            (999_999.7, "1000000"),
            (123_456_789.0, "123456789"),
            (0.000_012_345_678, "0.0000123457"),
            (1.0e-9, "1e-9"),
            (1.234_567_8e20, "1.23457e20"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(significant(value), expected);
        }
    }

    #[test]
    fn csv_and_json_lose_nothing() {
        assert_eq!(csv(&table()), "城市,year,share\n北京市,2012,0.123456789\n\"a,b\",,1000000000");
        assert_eq!(
            json(&table()),
            "[{\"城市\":\"北京市\",\"year\":2012,\"share\":0.123456789},\n{\"城市\":\"a,b\",\"year\":null,\"share\":1000000000}]"
        );
        let column = |name: &str, values: Values| Column { name: name.to_string(), values };
        let odd = Table {
            columns: vec![
                column("t", Values::Text(vec![Some(String::new()), None, Some("\"\u{1}\n".to_string())])),
                column("x", Values::Float(vec![Some(1e300), Some(f64::INFINITY), Some(0.1)])),
                column("d", Values::Date(vec![Some(15_370), None, Some(0)])),
            ],
        };
        assert_eq!(csv(&odd), "t,x,d\n\"\",1e300,2012-01-31\n,inf,\n\"\"\"\u{1}\n\",0.1,1970-01-01");
        assert_eq!(
            json(&odd),
            "[{\"t\":\"\",\"x\":1e300,\"d\":\"2012-01-31\"},\n{\"t\":null,\"x\":null,\"d\":null},\n\
             {\"t\":\"\\\"\\u0001\\n\",\"x\":0.1,\"d\":\"1970-01-01\"}]"
        );
        assert_eq!(json(&Table::default()), "[]");
    }
}
