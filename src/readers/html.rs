//! Tables of HTML pages and of the XML spreadsheets of 2003, both of which go by the name `.xls` in the exports of databases.
//! Each becomes sheets of rows. Knows no layout; the tags are cut out in `markup.rs`.

use std::borrow::Cow;

use crate::{
    cell::Cell,
    date,
    markup::{Markup, Piece},
    normal, number,
    workbook::Row,
};

/// A table: its name, and the rows that have something in them.
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
}

/// The columns a spreadsheet has; no span reaches further.
const MOST_COLUMNS: usize = 16_384;

/// The tables of a page, in the order in which they end: a table within a cell comes before the one around it. A page without
/// tables has no sheets.
pub(crate) fn pages(text: &str) -> Vec<Sheet> {
    let (mut done, mut open): (Vec<Grid>, Vec<Grid>) = (Vec::new(), Vec::new());
    for piece in Markup::new(text) {
        let deep = open.len() >= 64;
        match piece {
            Piece::Open { name, closed, .. } if name == "table" => {
                if !closed && !deep {
                    open.push(Grid::default());
                }
            }
            Piece::Open { name, attributes, .. } => match (name.as_str(), open.last_mut()) {
                ("tr", Some(table)) => table.start_row(None),
                ("td" | "th", Some(table)) => {
                    let span = |name: &str| {
                        let text = attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
                        text.and_then(|text| text.parse::<usize>().ok()).unwrap_or(1)
                    };
                    table.start_cell(None, span("colspan"), span("rowspan"));
                }
                ("br" | "p" | "div", Some(table)) => table.text(" "),
                _ => {}
            },
            Piece::Close { name } => match (name.as_str(), open.last_mut()) {
                ("table", Some(_)) => done.extend(open.pop()),
                ("td" | "th", Some(table)) => table.end_cell(written),
                ("tr", Some(table)) => table.end_cell(written),
                _ => {}
            },
            Piece::Text(text) => {
                if let Some(table) = open.last_mut() {
                    table.text(&text);
                }
            }
        }
    }
    // What was cut off counts as far as it goes: nothing in HTML has to be closed.
    done.extend(open.into_iter().rev());
    let filled = done.into_iter().map(|mut table| {
        table.end_cell(written);
        table.rows()
    });
    let filled = filled.filter(|rows| !rows.is_empty()).enumerate();
    filled.map(|(index, rows)| Sheet { name: format!("table {}", index + 1), rows }).collect()
}

/// The sheets of an XML spreadsheet of 2003; `None` if it is cut off.
pub(crate) fn xml_2003(text: &str) -> Option<Vec<Sheet>> {
    let mut sheets: Vec<(String, Grid)> = Vec::new();
    let mut kind = String::new();
    let (mut in_data, mut ended) = (false, false);
    for piece in Markup::new(text) {
        match piece {
            Piece::Open { name, attributes, closed } => {
                let attribute = |name: &str| {
                    let found = attributes.iter().find(|(key, _)| local(key) == name);
                    found.map(|(_, value)| value.clone())
                };
                let index = || attribute("index").and_then(|text| text.parse::<usize>().ok());
                match (local(&name), sheets.last_mut()) {
                    ("worksheet", _) => sheets.push((attribute("name").unwrap_or_default(), Grid::default())),
                    ("row", Some((_, grid))) => grid.start_row(index()),
                    ("cell", Some((_, grid))) => {
                        let across = attribute("mergeacross").and_then(|text| text.parse().ok()).unwrap_or(0_usize);
                        grid.start_cell(index(), across.saturating_add(1), 1);
                    }
                    ("data", Some(_)) if !closed => {
                        kind = attribute("type").unwrap_or_default();
                        in_data = true;
                    }
                    _ => {}
                }
            }
            Piece::Close { name } => match (local(&name), sheets.last_mut()) {
                ("data", Some(_)) => in_data = false,
                ("cell", Some((_, grid))) => grid.end_cell(|text| typed(&kind, text)),
                ("workbook", _) => ended = true,
                _ => {}
            },
            Piece::Text(text) => {
                if let (true, Some((_, grid))) = (in_data, sheets.last_mut()) {
                    grid.text(&text);
                }
            }
        }
    }
    ended.then(|| sheets.into_iter().map(|(name, grid)| Sheet { name, rows: grid.rows() }).collect())
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// A cell of a page: a number has the digits it is written with, everything else is text.
fn written(text: &str) -> Cell<'static> {
    let trimmed = normal::trim(text);
    match number::plain_float(trimmed) {
        Some(_) => Cell::Digits(Cow::Owned(trimmed.to_string())),
        None => Cell::Text(Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))),
    }
}

fn typed(kind: &str, text: &str) -> Cell<'static> {
    let owned = || Cow::Owned(text.to_string());
    match kind {
        "Number" => match number::plain_float(text.trim()) {
            Some(value) => Cell::Number(value),
            None => Cell::Text(owned()),
        },
        "Boolean" => Cell::Bool(text.trim() == "1"),
        "Error" => Cell::Error(owned()),
        "DateTime" => match date::from_text(text.trim().trim_end_matches("T00:00:00.000")) {
            Some(day) => Cell::Date { days: day.days, with_time: day.repaired },
            None => Cell::Text(owned()),
        },
        _ => Cell::Text(owned()),
    }
}

/// A table that is being filled.
#[derive(Default)]
struct Grid {
    /// By 0-based row, ascending.
    filled: Vec<Row>,
    /// 1-based; 0 before the first.
    row: usize,
    column: usize,
    /// Until which row (1-based, inclusive) a cell from above reaches into a column.
    reach: Vec<(usize, usize)>,
    open: Option<Open>,
}

struct Open {
    column: usize,
    text: String,
}

impl Grid {
    fn start_row(&mut self, number: Option<usize>) {
        self.end_cell(written);
        // Rows only go down, however they are numbered.
        self.row = number.filter(|number| *number > self.row).unwrap_or(self.row + 1).min(u32::MAX as usize);
        self.column = 0;
        self.reach.retain(|(_, until)| *until >= self.row);
    }

    fn start_cell(&mut self, number: Option<usize>, across: usize, down: usize) {
        self.end_cell(written);
        if self.row == 0 {
            self.row = 1;
        }
        if let Some(number) = number.filter(|number| *number > self.column) {
            self.column = number - 1;
        }
        while self.reach.iter().any(|(column, _)| *column == self.column) {
            self.column += 1;
        }
        let column = self.column;
        let end = column.saturating_add(across.max(1)).min(MOST_COLUMNS);
        if down > 1 {
            let until = self.row.saturating_add(down - 1);
            self.reach.extend((column..end).map(|column| (column, until)));
        }
        self.column = end.max(column);
        if column < MOST_COLUMNS {
            self.open = Some(Open { column, text: String::new() });
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(open) = &mut self.open {
            open.text.push_str(text);
        }
    }

    fn end_cell(&mut self, value: impl Fn(&str) -> Cell<'static>) {
        let Some(Open { column, text }) = self.open.take() else { return };
        if text.chars().all(normal::is_blank) {
            return;
        }
        let number = self.row as u32;
        if self.filled.last().is_none_or(|row| row.number != number) {
            self.filled.push(Row { number, cells: Vec::new() });
        }
        if let Some(row) = self.filled.last_mut() {
            row.cells.push((column, value(&text)));
        }
    }

    fn rows(self) -> Vec<Row> {
        self.filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sheets: &[Sheet]) -> String {
        let row = |row: &Row| {
            let cells = row.cells.iter().map(|(column, cell)| format!("{column}={}", cell.to_text()));
            format!("{}: {}", row.number, cells.collect::<Vec<_>>().join(" "))
        };
        let sheet =
            |sheet: &Sheet| format!("{}\n{}", sheet.name, sheet.rows.iter().map(row).collect::<Vec<_>>().join("\n"));
        sheets.iter().map(sheet).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn tables_of_pages_keep_their_spans() {
        let page = "<html><body>text<table><tr><th rowspan=2>城市<th colspan=2>GDP<br>总量</th></tr>\
            <tr><td>全市<td>市区</tr><tr><td></td></tr>\
            <tr><td>a&nbsp;<td>1,234<td>5.10</tr></table><table></table></body>";
        assert_eq!(shown(&pages(page)), "table 1\n1: 0=城市 1=GDP 总量\n2: 1=全市 2=市区\n4: 0=a 1=1,234 2=5.10");
        assert!(pages("<p>nothing</p>").is_empty());
    }

    #[test]
    fn spans_are_bounded() {
        let page = "<table><tr><td colspan=999999999 rowspan=999999999>a<td>b</tr><tr><td>c</tr></table>";
        assert_eq!(shown(&pages(page)), "table 1\n1: 0=a");
    }

    #[test]
    fn xml_spreadsheets_keep_their_types() {
        let text = "<?xml version=\"1.0\"?><Workbook><Worksheet ss:Name=\"2012\"><Table>\
            <Row ss:Index=\"3\"><Cell><Data ss:Type=\"String\">城市</Data></Cell>\
            <Cell ss:Index=\"3\" ss:MergeAcross=\"1\"><Data ss:Type=\"Number\">1.50</Data></Cell><Cell/>\
            <Cell><Data ss:Type=\"DateTime\">2011-01-05T00:00:00.000</Data></Cell></Row></Table></Worksheet></Workbook>";
        assert_eq!(shown(&xml_2003(text).unwrap()), "2012\n3: 0=城市 2=1.5 5=2011-01-05");
        assert!(xml_2003(&text[..text.len() - 20]).is_none());
    }
}
