//! Exhibits as a web page: one file with its style inside, nothing fetched from anywhere.
//!
//! Numbers line up because the halves around the point stand in boxes as wide as the widest half of the column;
//! stars hang out of the box. Every cell with a number carries its address and full value, for the reader who
//! points at it and for programs. Knows nothing of files and of what the exhibits mean.

use crate::document::Language;
use crate::escape;
use crate::exhibit::{Align, BodyRow, Cell, Exhibit, HeaderCell, Number};
use crate::number::{self, Printed};
use crate::renderer::Renderer;
use crate::sheet::{self, Column, Page, Sheet};
use crate::words::{self, Words};

pub(crate) struct Html;

const STYLE: &str = include_str!("html.css");

impl Renderer for Html {
    fn extension(&self) -> &'static str {
        "html"
    }

    fn document(&self, page: &Page) -> String {
        let document = page.document;
        let words = words::of(document.language);
        let mut body = format!("<h1>{}</h1>\n", escape::html(&document.title));
        if page.sheets.len() > 1 {
            body += &contents(&page.sheets, words);
        }
        body += "<main>\n";
        for sheet in &page.sheets {
            body += &exhibit(sheet, words);
        }
        body += "</main>\n";
        body += &footer(&document.footer, words);
        shell(&document.title, &body, words)
    }

    /// A page as well: this is what opens when the file is clicked, and without its head it would show no Chinese.
    fn exhibit(&self, sheet: &Sheet, language: Language) -> String {
        let words = words::of(language);
        let Exhibit { label, title, .. } = sheet.exhibit;
        let name = format!("{label}{}{title}", words.separator(sheet.exhibit));
        shell(&name, &format!("<main>\n{}</main>\n", exhibit(sheet, words)), words)
    }
}

fn shell(title: &str, body: &str, words: &Words) -> String {
    // The policy is the promise that nothing is fetched, kept by the browser.
    format!(
        r#"<!doctype html>
<html lang="{code}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
{STYLE}</style>
</head>
<body>
{body}</body>
</html>
"#,
        code = words.code,
        title = escape::html(title),
    )
}

fn contents(sheets: &[Sheet], words: &Words) -> String {
    let mut list = format!("<nav aria-label=\"{}\">\n<ul>\n", words.contents);
    for sheet in sheets {
        let id = escape::html(&sheet.exhibit.id);
        list += &format!("<li><a href=\"#{id}\">{}</a></li>\n", name(sheet.exhibit, words));
    }
    list + "</ul>\n</nav>\n"
}

fn footer(facts: &[(String, String)], words: &Words) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let mut list = format!("<footer>\n<h2>{}</h2>\n<dl>\n", words.provenance);
    for (fact, value) in facts {
        list += &format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape::html(fact), breaking(value));
    }
    list + "</dl>\n</footer>\n"
}

/// A value of the footer. A line may end after each block of a digest; the breaks vanish when it is copied.
fn breaking(value: &str) -> String {
    match words::digest(value) {
        Some(blocks) => format!("<code>{}</code>", blocks.join("<wbr>")),
        None => escape::html(value),
    }
}

fn name(exhibit: &Exhibit, words: &Words) -> String {
    let [label, title] = [&exhibit.label, &exhibit.title].map(|text| escape::html(text));
    format!("<span class=\"label\">{label}{}</span>{title}", words.separator(exhibit))
}

fn exhibit(sheet: &Sheet, words: &Words) -> String {
    let exhibit = sheet.exhibit;
    let id = escape::html(&exhibit.id);
    let mut html = format!("<figure id=\"{id}\">\n");
    // The table may be wider than a phone. It scrolls in its own box, which the keyboard must be able to reach.
    html += &format!("<div class=\"scroll\" role=\"region\" aria-labelledby=\"{id}-caption\" tabindex=\"0\">\n");
    html += &format!("<table>\n<caption id=\"{id}-caption\"><span>{}</span></caption>\n", name(exhibit, words));
    html += &head(sheet);
    html += &body(sheet, words);
    html += "</table>\n</div>\n";
    html += &notes(exhibit, words);
    html + "</figure>\n"
}

fn head(sheet: &Sheet) -> String {
    let header = &sheet.exhibit.header;
    if header.is_empty() {
        return String::new();
    }
    let mut html = "<thead>\n".to_string();
    for (row, cells) in header.iter().enumerate() {
        html += "<tr>";
        for (start, cell) in sheet::placed(cells) {
            html += &heading(cell, sheet.columns[start].align, sheet.joins(row));
        }
        html += "</tr>\n";
    }
    html + "</thead>\n"
}

fn heading(cell: &HeaderCell, align: Align, joins: bool) -> String {
    let HeaderCell { text, span } = cell;
    let class = if *span > 1 { "center" } else { class(align) };
    let columns = if *span > 1 { format!(" colspan=\"{span}\"") } else { String::new() };
    if text.is_empty() {
        // An empty heading would be read aloud as one.
        return format!("<td class=\"{class}\"{columns}></td>");
    }
    let scope = if *span > 1 { "colgroup" } else { "col" };
    let text = escape::html(text);
    let text = if joins { format!("<span class=\"group\">{text}</span>") } else { text };
    format!("<th scope=\"{scope}\" class=\"{class}\"{columns}>{text}</th>")
}

fn body(sheet: &Sheet, words: &Words) -> String {
    let mut html = String::new();
    for group in sheet.groups() {
        html += if group.ruled { "<tbody class=\"ruled\">\n" } else { "<tbody>\n" };
        for block in group.blocks() {
            html += &rows(block, &sheet.columns, words);
        }
        html += "</tbody>\n";
    }
    html
}

/// A row and those that continue it; its heading reaches down over them all.
fn rows(block: &[BodyRow], columns: &[Column], words: &Words) -> String {
    let mut html = String::new();
    let mut named = false;
    for (place, row) in block.iter().enumerate() {
        match row {
            BodyRow::Rule => {}
            BodyRow::Panel(title) => {
                let span = columns.len();
                let title = escape::html(title);
                html += &format!("<tr class=\"panel\"><th scope=\"rowgroup\" colspan=\"{span}\">{title}</th></tr>\n");
            }
            BodyRow::Cells { cells, heading } => {
                html += if place > 0 { "<tr class=\"continued\">" } else { "<tr>" };
                for (column, cell) in cells.iter().enumerate().skip(usize::from(named)) {
                    let heading = *heading && column == 0 && *cell != Cell::Empty;
                    html += &body_cell(cell, &columns[column], heading.then_some(block.len()), words);
                    named |= heading;
                }
                html += "</tr>\n";
            }
        }
    }
    html
}

/// A cell; one that names rows says how many.
fn body_cell(cell: &Cell, column: &Column, names: Option<usize>, words: &Words) -> String {
    let class = class(column.align);
    let (attributes, content) = match cell {
        Cell::Empty => (String::new(), String::new()),
        Cell::Text(text) => (String::new(), escape::html(text)),
        Cell::Number(number) => figure(number, column, words),
    };
    match names {
        None => format!("<td class=\"{class}\"{attributes}>{content}</td>"),
        Some(1) => format!("<th scope=\"row\" class=\"{class}\"{attributes}>{content}</th>"),
        Some(rows) => format!("<th scope=\"row\" rowspan=\"{rows}\" class=\"{class}\"{attributes}>{content}</th>"),
    }
}

/// What a cell with a number carries, and the number.
fn figure(number: &Number, column: &Column, words: &Words) -> (String, String) {
    let address = escape::html(&number.address);
    let Some(printed) = number::print(number) else {
        let title = format!("{address}{}{}", words.colon, words.no_value);
        return (format!(" data-address=\"{address}\" title=\"{title}\""), number::MISSING.to_string());
    };
    let Printed { whole, part, stars } = printed;
    let value = number::finite(number).map_or(String::new(), number::full);
    let attributes = format!(" data-address=\"{address}\" data-value=\"{value}\" title=\"{address} = {value}\"");
    if !column.lines_up(number) {
        return (attributes, format!("{whole}{part}{stars}"));
    }
    let [left, right] = [column.whole, column.part].map(in_digits);
    let boxes = format!(" style=\"--whole:{left};--part:{right}\"");
    let halves = format!("<span class=\"whole\">{whole}</span><span class=\"part\">{part}{stars}</span>");
    (attributes + &boxes, halves)
}

/// Hundredths of a digit as a CSS length.
fn in_digits(room: u32) -> String {
    format!("{}.{:02}ch", room / 100, room % 100)
}

fn class(align: Align) -> &'static str {
    match align {
        Align::Left => "left",
        Align::Center => "center",
        Align::Right => "right",
        Align::Decimal => "decimal",
    }
}

fn notes(exhibit: &Exhibit, words: &Words) -> String {
    let lines = words.lines_below(exhibit);
    if lines.is_empty() {
        return String::new();
    }
    let mut html = "<figcaption>\n".to_string();
    for (label, line) in lines {
        html += &format!("<p>{label}{}</p>\n", escape::html(line));
    }
    html + "</figcaption>\n"
}

#[cfg(test)]
mod tests;
