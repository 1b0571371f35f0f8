//! Tables as text: for a terminal, with wide characters counted as two columns; as CSV; as JSON.
//!
//! On a terminal a table that is too wide is folded: further columns come in blocks below, each with the key repeated on
//! the left. Numbers stand with their decimal points below each other. Types are not written: numbers are on the right,
//! texts on the left, and a line of types would only push the rows down.

use crate::columns::{Column, Table, Values};
use crate::error::counted;
use unicode_width::UnicodeWidthStr;

/// Cells longer than this are cut on a terminal.
const WIDEST_CELL: usize = 48;
/// Texts are cut to this, but no further, if the table then need not be folded.
const SHORTEST_CUT: usize = 24;
/// A number is not aligned on its decimal point if that makes the column wider than this.
const WIDEST_NUMBER: usize = 18;
/// Blocks of a folded table; the columns of further ones are only named.
const MOST_BLOCKS: usize = 6;
/// Rows of a table on a terminal, where no number was asked for; of a folded one, rows of all blocks together.
pub const ROWS: usize = 40;
/// As many rows as a block has in any case.
const FEWEST_ROWS: usize = 8;

/// A terminal and what is to be seen on it.
#[derive(Clone, Copy, Debug)]
pub struct Screen<'a> {
    /// In columns of the terminal.
    pub width: usize,
    /// Columns that every block begins with.
    pub repeat: &'a [String],
    /// Rows there are, of which the table may hold only the first.
    pub rows: u64,
    /// Nobody said how many rows to show: fewer where there are many blocks.
    pub shorten: bool,
}

/// A table of aligned columns. With `width`, cells are cut, and columns that do not fit are left out and named.
pub fn text(table: &Table, width: Option<usize>) -> String {
    let columns: Vec<Shown> =
        table.columns.iter().map(|column| shown(column, table.rows(), width.map(|_| WIDEST_CELL))).collect();
    let mut fitting = columns.len();
    if let Some(width) = width {
        let mut used = 0;
        for (index, column) in columns.iter().enumerate() {
            used += column.width + 2;
            if used > width + 2 && index > 0 {
                fitting = index;
                break;
            }
        }
    }
    let mut lines = block(&columns[..fitting].iter().collect::<Vec<_>>());
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

/// The table as wide as a terminal, folded where it does not fit.
pub fn folded(table: &Table, screen: &Screen) -> String {
    let mut rows = table.rows();
    if screen.shorten {
        rows = rows.min(ROWS);
    }
    let mut blocks = blocks(table, screen, rows);
    if rows == 1 && blocks.len() > 1 {
        return upright(table, screen);
    }
    let most = (ROWS / blocks.len().clamp(1, MOST_BLOCKS)).max(FEWEST_ROWS);
    if screen.shorten && rows > most {
        rows = most;
        // Fewer rows may be narrower.
        blocks = self::blocks(table, screen, rows);
    }
    let left: Vec<&str> = blocks.iter().skip(MOST_BLOCKS).flat_map(|block| block.names.iter().copied()).collect();
    blocks.truncate(MOST_BLOCKS);
    let blocks: Vec<String> = blocks.iter().map(|one| block(&one.columns()).join("\n")).collect();
    let mut parts = vec![blocks.join("\n\n")];
    let more = screen.rows.saturating_sub(rows as u64);
    if more > 0 {
        parts.push(format!("… {}", counted(more, "more row")));
    }
    if !left.is_empty() {
        let count = counted(left.len() as u64, "more column");
        parts.extend(wrapped(&format!("… {count}:"), &left, screen.width));
    }
    parts.join("\n")
}

/// A column as it is printed: a header and cells, all of one width.
struct Shown {
    width: usize,
    lines: Vec<String>,
}

/// Columns that stand beside each other; the first ones are those that every block has.
struct Block<'t> {
    lead: Vec<Shown>,
    rest: Vec<Shown>,
    /// Of the rest.
    names: Vec<&'t str>,
}

impl Block<'_> {
    fn columns(&self) -> Vec<&Shown> {
        self.lead.iter().chain(&self.rest).collect()
    }
}

/// One block if the table fits, in its own order; else as many as it takes.
fn blocks<'t>(table: &'t Table, screen: &Screen, rows: usize) -> Vec<Block<'t>> {
    if let Some(rest) = whole(table, screen, rows) {
        return vec![Block { lead: Vec::new(), rest, names: Vec::new() }];
    }
    let lead = lead(table, screen, rows);
    let shown_lead = || -> Vec<Shown> {
        let widest = WIDEST_CELL.min(screen.width / 2);
        lead.iter().map(|column| shown(column, rows, Some(widest))).collect()
    };
    let room = screen.width.saturating_sub(total(&shown_lead()) + 2).max(1);
    let fresh = || Block { lead: shown_lead(), rest: Vec::new(), names: Vec::new() };
    let mut blocks = vec![fresh()];
    let mut used = 0;
    for column in table.columns.iter().filter(|column| lead.iter().all(|lead| lead.name != column.name)) {
        let column_shown = shown(column, rows, Some(WIDEST_CELL.min(room)));
        if used > 0 && used + column_shown.width > room {
            blocks.push(fresh());
            used = 0;
        }
        used += column_shown.width + 2;
        let last = blocks.last_mut().expect("it is never empty");
        last.rest.push(column_shown);
        last.names.push(&column.name);
    }
    blocks
}

/// All columns beside each other, if they fit, perhaps with shorter texts outside of the key.
fn whole(table: &Table, screen: &Screen, rows: usize) -> Option<Vec<Shown>> {
    let columns: Vec<Shown> =
        table.columns.iter().map(|column| shown(column, rows, Some(WIDEST_CELL.min(screen.width)))).collect();
    if total(&columns) <= screen.width || columns.len() < 2 {
        return Some(columns);
    }
    let may_be_cut =
        |column: &Column| matches!(column.values, Values::Text(_)) && !screen.repeat.contains(&column.name);
    let widths: Vec<(usize, bool)> =
        columns.iter().zip(&table.columns).map(|(shown, column)| (shown.width, may_be_cut(column))).collect();
    let fits = |widest: &usize| {
        let widths = widths.iter().map(|(width, cut)| if *cut { (*width).min(*widest) } else { *width } + 2);
        widths.sum::<usize>() <= screen.width + 2
    };
    let widest = (SHORTEST_CUT..WIDEST_CELL).rev().find(fits)?;
    let cut = table.columns.iter().zip(columns);
    Some(
        cut.map(|(column, whole)| if may_be_cut(column) { shown(column, rows, Some(widest)) } else { whole }).collect(),
    )
}

/// The columns that every block begins with. They may take half of the screen, or a block would hold little else; if that
/// is not enough, those that tell the rows apart come first, and if they do not fit either, rows are numbered.
fn lead(table: &Table, screen: &Screen, rows: usize) -> Vec<Column> {
    let widest = WIDEST_CELL.min(screen.width / 2);
    let mut candidates: Vec<&Column> = screen.repeat.iter().filter_map(|name| table.column(name)).collect();
    let place = |column: &&Column| screen.repeat.iter().position(|name| *name == column.name);
    let is_constant =
        |column: &&Column| (1..rows).all(|row| cell(&column.values, row) == cell(&column.values, row - 1));
    let width = |column: &Column| shown(column, rows, Some(widest)).width + 2;
    if candidates.iter().map(|column| width(column)).sum::<usize>() > screen.width / 2 + 2 {
        candidates.sort_by_key(is_constant);
    }
    let (mut lead, mut used): (Vec<&Column>, usize) = (Vec::new(), 0);
    let mut left_out = false;
    for column in candidates {
        if lead.is_empty() || used + width(column) <= screen.width / 2 + 2 {
            used += width(column);
            lead.push(column);
        } else {
            left_out |= !is_constant(&column);
        }
    }
    lead.sort_by_key(place);
    let numbers = Column { name: "#".to_string(), values: Values::Int((1..=rows as i64).map(Some).collect()) };
    left_out.then_some(numbers).into_iter().chain(lead.into_iter().cloned()).collect()
}

fn total(columns: &[Shown]) -> usize {
    columns.iter().map(|column| column.width + 2).sum::<usize>().saturating_sub(2)
}

/// One row as a list of names and values.
fn upright(table: &Table, screen: &Screen) -> String {
    let widest = table.columns.iter().map(|column| clean(&column.name).width()).max().unwrap_or(0);
    let widest = widest.min(screen.width / 2);
    let room = screen.width.saturating_sub(widest + 2).max(1);
    let lines = table.columns.iter().map(|column| {
        let value = cut(&clean(&cell(&column.values, 0)), room);
        format!("{}  {value}", padded(&cut(&clean(&column.name), widest), widest, false))
    });
    let mut lines: Vec<String> = lines.collect();
    if screen.rows > 1 {
        lines.push(format!("… {}", counted(screen.rows - 1, "more row")));
    }
    lines.join("\n")
}

fn block(columns: &[&Shown]) -> Vec<String> {
    let height = columns.first().map_or(1, |column| column.lines.len());
    let mut lines: Vec<String> = (0..height)
        .map(|line| {
            let cells = columns.iter().map(|column| column.lines[line].as_str());
            cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
        })
        .collect();
    let rule = columns.iter().map(|column| "─".repeat(column.width));
    lines.insert(1, rule.collect::<Vec<_>>().join("  "));
    lines
}

/// The first `rows` of a column. With `widest`, texts and the name are cut there; a cut number would be another one.
fn shown(column: &Column, rows: usize, widest: Option<usize>) -> Shown {
    let is_number = matches!(column.values, Values::Int(_) | Values::Float(_));
    let fit = |text: String| match widest {
        Some(widest) => cut(&clean(&text), widest),
        None => clean(&text),
    };
    let mut cells: Vec<String> = (0..rows).map(|row| cell(&column.values, row)).collect();
    if is_number {
        align(&mut cells);
    } else {
        cells = cells.into_iter().map(fit).collect();
    }
    let cells = [fit(column.name.clone())].into_iter().chain(cells);
    let cells: Vec<String> = cells.collect();
    let width = cells.iter().map(|cell| cell.width()).max().unwrap_or(0);
    Shown { width, lines: cells.into_iter().map(|cell| padded(&cell, width, is_number)).collect() }
}

/// Fills numbers up on the right so that their points stand below each other, unless that takes too much room.
fn align(cells: &mut [String]) {
    let point = |cell: &str| cell.find(['.', 'e']).unwrap_or(cell.len());
    let (mut before, mut behind) = (0, 0);
    for cell in cells.iter() {
        let at = point(cell);
        before = before.max(cell[..at].width());
        behind = behind.max(cell[at..].width());
    }
    if before + behind > WIDEST_NUMBER {
        return;
    }
    for cell in cells {
        let fill = behind - cell[point(cell)..].width();
        cell.push_str(&" ".repeat(fill));
    }
}

fn padded(cell: &str, width: usize, right: bool) -> String {
    let padding = " ".repeat(width.saturating_sub(cell.width()));
    if right { format!("{padding}{cell}") } else { format!("{cell}{padding}") }
}

/// Names behind a beginning, in lines of this width.
fn wrapped(beginning: &str, names: &[&str], width: usize) -> Vec<String> {
    let mut lines = vec![beginning.to_string()];
    for (index, name) in names.iter().enumerate() {
        let name = format!("{}{}", clean(name), if index + 1 < names.len() { "," } else { "" });
        let line = lines.last_mut().expect("it is never empty");
        if line.width() + 1 + name.width() <= width {
            line.push_str(&format!(" {name}"));
        } else {
            lines.push(format!("  {name}"));
        }
    }
    lines
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

/// Floats to six significant digits; `csv` and `json` give them in full.
fn cell(values: &Values, row: usize) -> String {
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
fn clean(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn cut(text: &str, widest: usize) -> String {
    if text.width() <= widest {
        return text.to_string();
    }
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if kept.width() + 1 > widest {
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
        let expected = "\
城市    year              share
──────  ────  ─────────────────
北京市  2012           0.123457
a,b        —  1000000000";
        assert_eq!(text(&table(), None), expected);
        for line in text(&table(), None).lines().take(3) {
            assert_eq!(line.width(), 31, "{line}");
        }
    }

    #[test]
    fn columns_that_do_not_fit_are_counted() {
        let narrow = "城市    year\n──────  ────\n北京市  2012\na,b        —\n… 1 more column";
        assert_eq!(text(&table(), Some(22)), narrow.replace("column", "column: share"));
        assert_eq!(text(&table(), Some(23)), narrow.replace("column", "column: share"));
        assert_eq!(text(&table(), Some(14)), narrow);
        assert_eq!(text(&table(), Some(1)), "城市\n──────\n北京市\na,b\n… 2 more columns");
        assert_eq!(text(&table(), Some(31)), text(&table(), None));
        assert_eq!(text(&Table::default(), Some(10)), "\n");
    }

    #[test]
    fn cells_are_cut_and_cannot_command_the_terminal() {
        let long = "市".repeat(40);
        assert_eq!(cut(&long, 48), format!("{}…", "市".repeat(23)));
        assert_eq!(cut(&"a".repeat(48), 48), "a".repeat(48));
        assert_eq!(cut(&"a".repeat(49), 48), format!("{}…", "a".repeat(47)));
        assert_eq!(cut("市", 1), "…");
        assert_eq!(clean("a\u{1b}[31mb\nc"), "a [31mb c");
    }

    #[test]
    fn a_table_that_does_not_fit_is_folded_with_its_key_in_every_block() {
        let column = |name: &str, values: Values| Column { name: name.to_string(), values };
        let text = |values: &[&str]| Values::Text(values.iter().map(|value| Some(value.to_string())).collect());
        let table = Table {
            columns: vec![
                column("name", text(&["北京市", "重庆市"])),
                column("year", Values::Int(vec![Some(2012), Some(2013)])),
                column("growth", Values::Float(vec![Some(-0.25), None])),
                column("size", Values::Float(vec![Some(1.5e-9), Some(12.0)])),
                column("region", text(&["north", "a region with a long name that is cut"])),
            ],
        };
        let key = ["year".to_string(), "name".to_string()];
        let screen = |width: usize, rows: u64| Screen { width, repeat: &key, rows, shorten: true };
        let unfolded = "\
name    year  growth     size  region
──────  ────  ──────  ───────  ─────────────────────────────────────
北京市  2012   -0.25   1.5e-9  north
重庆市  2013    —     12       a region with a long name that is cut";
        assert_eq!(folded(&table, &screen(68, 2)), unfolded);
        let shorter = folded(&table, &screen(60, 3));
        assert!(shorter.ends_with("a region with a long name th…\n… 1 more row"), "{shorter}");
        let expected = "\
year  name    growth     size
────  ──────  ──────  ───────
2012  北京市   -0.25   1.5e-9
2013  重庆市    —     12

year  name    region
────  ──────  ────────────────
2012  北京市  north
2013  重庆市  a region with a…
… 40 more rows";
        assert_eq!(folded(&table, &screen(30, 42)), expected);
        for width in 1..100 {
            let shown = folded(&table, &screen(width, 2));
            assert!(shown.lines().all(|line| line.width() <= width.max(26)), "{width}\n{shown}");
        }
        let mut one = table.clone();
        for column in &mut one.columns {
            column.values = match &column.values {
                Values::Text(values) => Values::Text(values[1..].to_vec()),
                Values::Int(values) => Values::Int(values[1..].to_vec()),
                Values::Float(values) => Values::Float(values[1..].to_vec()),
                other => other.clone(),
            };
        }
        let upright = "name    重庆市\nyear    2013\ngrowth  —\nsize    12\nregion  a region with a long…";
        assert_eq!(folded(&one, &screen(29, 1)), upright);
    }

    #[test]
    fn rows_are_numbered_where_the_key_is_too_wide_and_the_last_columns_only_named() {
        let column = |name: String, values: Values| Column { name, values };
        let text = |rows: usize, letter: &str| {
            Values::Text((0..rows).map(|row| Some(format!("{}{row}", letter.repeat(12)))).collect())
        };
        let mut columns = vec![column("file".to_string(), text(30, "f")), column("cell".to_string(), text(30, "c"))];
        columns.extend((1..=9).map(|number| column(format!("column_{number}"), text(30, "x"))));
        let table = Table::new(columns).expect("a table");
        let key = ["file".to_string(), "cell".to_string()];
        let shown = folded(&table, &Screen { width: 36, repeat: &key, rows: 30, shorten: true });
        let blocks: Vec<&str> = shown.split("\n\n").collect();
        assert_eq!(blocks.len(), MOST_BLOCKS);
        let heads: Vec<String> = blocks
            .iter()
            .filter_map(|block| block.lines().next())
            .map(|head| head.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(heads[..3], ["# file cell", "# file column_1", "# file column_2"]);
        assert!(
            blocks[0].lines().nth(2).is_some_and(|line| line.starts_with("1  ffffffffffff0  cccccccccccc0")),
            "{shown}"
        );
        assert_eq!(blocks[0].lines().count(), 2 + FEWEST_ROWS);
        let end = "… 22 more rows\n… 4 more columns: column_6,\n  column_7, column_8, column_9";
        assert!(shown.ends_with(end), "{shown}");
        // Whoever asks for rows gets them.
        let all = folded(&table, &Screen { width: 36, repeat: &key, rows: 30, shorten: false });
        assert_eq!(all.split("\n\n").next().map(|block| block.lines().count()), Some(32));
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
