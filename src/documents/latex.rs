//! Exhibits as LaTeX in the manner of journals: `booktabs` rules, numbers by their points with `dcolumn`, notes as wide
//! as the table with `threeparttable`. A document compiles with `xelatex`; an exhibit is what an article takes in
//! with `\input`, numbered by the article, and starts with the packages it needs.

use crate::document::Language;
use crate::escape;
use crate::exhibit::{Align, BodyRow, Cell, Exhibit, HeaderCell, Number};
use crate::number::{self, MINUS, Printed};
use crate::renderer::Renderer;
use crate::sheet::{self, Column, Page, Sheet};
use crate::words::{self, Words};
use crate::wrap;
use unicode_width::UnicodeWidthChar;

pub(crate) struct Latex;

const PACKAGES: &str = "adjustbox,array,booktabs,dcolumn,longtable,threeparttable";

/// The three lines of a table as Chinese journals want them; in an article its own style decides.
const RULES: &str =
    r"\setlength{\heavyrulewidth}{1.5pt}\setlength{\lightrulewidth}{0.75pt}\setlength{\cmidrulewidth}{0.5pt}";

/// What journals set Latin letters and digits in, where it is installed. The columns of numbers are set as mathematics,
/// whose digits must be told to come from the same font.
const TIMES: &str = r"\IfFontExistsTF{Times New Roman}{\setmainfont{Times New Roman}}{%
  \IfFontExistsTF{TeX Gyre Termes}{\setmainfont{TeX Gyre Termes}}{}}
\SetSymbolFont{operators}{normal}{TU}{\rmdefault}{m}{n}";

/// Raised and out of the column's width, so that points and headings stay in line.
const STARS: &str = r"\providecommand{\sym}[1]{\rlap{$^{#1}$}}";

/// A table of more lines would not fit on a page with its title and notes.
const PAGE: usize = 42;

/// What differs between a table in its own document and one in an article.
struct Setting {
    /// Where the table may go: here, or where the article has room.
    place: &'static str,
    caption: String,
}

impl Renderer for Latex {
    fn extension(&self) -> &'static str {
        "tex"
    }

    fn document(&self, page: &Page) -> String {
        let words = words::of(page.document.language);
        let mut tables = String::new();
        for sheet in &page.sheets {
            let Exhibit { label, title, .. } = sheet.exhibit;
            let [label, title] = [label, title].map(|text| escape::latex(text));
            // The label is the author's, for the numbers of LaTeX begin at one.
            let caption = format!("\\caption*{{{label}{}{title}}}", words.separator(sheet.exhibit));
            tables += &format!("\n{}", table(sheet, &Setting { place: "H", caption }, words));
        }
        let footer = footer(&page.document.footer, words);
        let title = escape::latex(&page.document.title);
        let class = class(page.document.language, &format!("{title}{tables}{footer}"));
        format!(
            r"% !TeX program = xelatex
\PassOptionsToPackage{{no-math}}{{fontspec}}
{class}
\usepackage[a4paper,margin=2.4cm]{{geometry}}
\usepackage{{{PACKAGES},caption,float}}
\captionsetup{{font=bf,skip=6pt}}
{RULES}
{TIMES}
{STARS}
\pagestyle{{plain}}

\begin{{document}}
\begin{{center}}
\Large {title}
\end{{center}}
{tables}{footer}
\end{{document}}
"
        )
    }

    fn exhibit(&self, sheet: &Sheet, language: Language) -> String {
        let Exhibit { id, title, .. } = sheet.exhibit;
        let caption = format!("\\caption{{{}}}\\label{{tab:{id}}}", escape::latex(title));
        let table = table(sheet, &Setting { place: "htbp", caption }, words::of(language));
        format!("% \\usepackage{{{PACKAGES}}}\n{STARS}\n{table}")
    }
}

/// The head of a document. An English one without Chinese characters needs no Chinese fonts.
fn class(language: Language, text: &str) -> &'static str {
    match language {
        Language::Chinese => r"\documentclass[a4paper]{ctexart}",
        Language::English if text.chars().any(|character| character.width() == Some(2)) => {
            "\\documentclass[11pt,a4paper]{article}\n\\usepackage[scheme=plain]{ctex}"
        }
        Language::English => "\\documentclass[11pt,a4paper]{article}\n\\usepackage{fontspec}",
    }
}

fn table(sheet: &Sheet, setting: &Setting, words: &Words) -> String {
    let shares = wrap::shares(sheet);
    if wrap::lines(sheet, shares.as_deref()) > PAGE {
        return long(sheet, shares.as_deref(), setting, words);
    }
    let Setting { place, caption } = setting;
    let columns = columns(sheet, shares.as_deref());
    let head = head(sheet);
    let body = body(sheet, END);
    let mut notes = notes(sheet.exhibit, words, "\\item ");
    if !notes.is_empty() {
        let set = r"\footnotesize\setlength{\labelsep}{0pt}";
        notes = format!("\\begin{{tablenotes}}[flushleft]\n{set}\n{notes}\\end{{tablenotes}}\n");
    }
    format!(
        r"\begin{{table}}[{place}]
\centering\small
\renewcommand{{\arraystretch}}{{1.15}}
{caption}
\begin{{adjustbox}}{{max width=\linewidth}}
\begin{{threeparttable}}
\begin{{tabular}}{{{columns}}}
\toprule
{head}{body}\bottomrule
\end{{tabular}}
{notes}\end{{threeparttable}}
\end{{adjustbox}}
\end{{table}}
"
    )
}

/// A table that goes on over pages; its head is repeated. It cannot be scaled, so one too wide is set in smaller print.
fn long(sheet: &Sheet, shares: Option<&[Option<f64>]>, setting: &Setting, words: &Words) -> String {
    let caption = &setting.caption;
    let head = head(sheet);
    let columns = columns(sheet, shares);
    let body = body(sheet, KEPT);
    let span = sheet.columns.len();
    let continued = words.continued;
    let size = if shares.is_some() { r"\small" } else { size(wrap::fullness(sheet)) };
    let notes = notes(sheet.exhibit, words, "\\par\\noindent ");
    format!(
        r"\begingroup
{size}\setlength{{\LTpost}}{{4pt}}
\renewcommand{{\arraystretch}}{{1.15}}
\begin{{longtable}}{{{columns}}}
{caption}\\
\toprule
{head}\endfirsthead
\multicolumn{{{span}}}{{r}}{{\footnotesize {continued}}}\\
\toprule
{head}\endhead
\bottomrule
\endfoot
{body}\end{{longtable}}
\footnotesize
{notes}\par
\endgroup
"
    )
}

/// Print in which a table fits that takes so much of a line of small print.
fn size(fullness: f64) -> &'static str {
    match fullness {
        ..=1.0 => r"\small",
        ..=1.2 => r"\footnotesize\setlength{\tabcolsep}{4pt}",
        _ => r"\scriptsize\setlength{\tabcolsep}{2pt}",
    }
}

fn columns(sheet: &Sheet, shares: Option<&[Option<f64>]>) -> String {
    let share = |place: usize| shares.and_then(|shares| shares[place]);
    sheet.columns.iter().enumerate().map(|(place, column)| column_type(column, share(place))).collect()
}

fn column_type(column: &Column, share: Option<f64>) -> String {
    match (column.align, share) {
        (Align::Left, Some(share)) => {
            format!(r">{{\raggedright\arraybackslash}}p{{\dimexpr {share:.3}\linewidth-2\tabcolsep\relax}}")
        }
        (Align::Left, None) => "l".to_string(),
        (Align::Right, _) => "r".to_string(),
        (Align::Decimal, _) if aligns(column) => {
            // Room in digits on either side; the point has its own.
            let [whole, part] = [column.whole, column.part.saturating_sub(number::room("."))];
            format!("D{{.}}{{.}}{{{}.{}}}", whole.div_ceil(100), part.div_ceil(100))
        }
        (Align::Center | Align::Decimal, _) => "c".to_string(),
    }
}

/// Whether a column is one of numbers by their points, where words must be put under protection.
fn aligns(column: &Column) -> bool {
    column.align == Align::Decimal && column.whole > 0
}

fn head(sheet: &Sheet) -> String {
    let mut latex = String::new();
    for (row, cells) in sheet.exhibit.header.iter().enumerate() {
        latex += &line(sheet::placed(cells).map(|(start, cell)| heading(cell, &sheet.columns[start])), END);
        let titled = sheet::placed(cells).filter(|(_, cell)| sheet.joins(row) && !cell.text.is_empty());
        let rules: String =
            titled.map(|(start, cell)| format!(r"\cmidrule(lr){{{}-{}}}", start + 1, start + cell.span)).collect();
        if !rules.is_empty() {
            latex += &format!("{rules}\n");
        }
    }
    if latex.is_empty() { latex } else { latex + "\\midrule\n" }
}

fn heading(cell: &HeaderCell, column: &Column) -> String {
    let text = escape::latex(&cell.text);
    match cell.span {
        1 if text.is_empty() => text,
        1 => protected(text, column),
        span => format!(r"\multicolumn{{{span}}}{{c}}{{{text}}}"),
    }
}

/// Ends a row.
const END: &str = r"\\";

/// Ends a row and keeps the next on its page.
const KEPT: &str = r"\\*";

/// `kept` ends the rows that may not be parted from the next: a panel's title, a coefficient before its standard error.
fn body(sheet: &Sheet, kept: &str) -> String {
    let mut latex = String::new();
    for group in sheet.groups() {
        // Space parts a panel from the rows above, and a coefficient with its standard error from the next.
        let mut spaced = !latex.is_empty() && !group.ruled;
        if group.ruled {
            latex += "\\midrule\n";
        }
        for block in group.blocks() {
            if spaced {
                latex += "\\addlinespace\n";
            }
            for (place, row) in block.iter().enumerate() {
                let joined = place + 1 < block.len() || matches!(row, BodyRow::Panel(_));
                latex += &body_row(row, &sheet.columns, if joined { kept } else { END });
            }
            spaced = block.len() > 1;
        }
    }
    latex
}

fn body_row(row: &BodyRow, columns: &[Column], end: &str) -> String {
    match row {
        BodyRow::Rule => String::new(),
        BodyRow::Panel(title) => {
            let title = escape::latex(title);
            line([format!(r"\multicolumn{{{}}}{{l}}{{\textbf{{{title}}}}}", columns.len())].into_iter(), end)
        }
        BodyRow::Cells { cells, .. } => {
            line(cells.iter().zip(columns).map(|(cell, column)| body_cell(cell, column)), end)
        }
    }
}

fn body_cell(cell: &Cell, column: &Column) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => protected(escape::latex(text), column),
        Cell::Number(number) => figure(number, column),
    }
}

fn figure(number: &Number, column: &Column) -> String {
    let Some(Printed { whole, part, stars }) = number::print(number) else {
        return protected(number::MISSING.to_string(), column);
    };
    let stars = if stars.is_empty() { stars } else { format!(r"\sym{{{stars}}}") };
    if column.lines_up(number) {
        // Set as mathematics, where a hyphen is a minus and a comma would be followed by a space.
        let whole = whole.replace(MINUS, "-").replace(',', "{,}");
        return format!("{whole}{part}{stars}");
    }
    protected(escape::latex(&format!("{whole}{part}")) + &stars, column)
}

/// Words in a column of numbers.
fn protected(text: String, column: &Column) -> String {
    if aligns(column) { format!(r"\multicolumn{{1}}{{c}}{{{text}}}") } else { text }
}

fn line(cells: impl Iterator<Item = String>, end: &str) -> String {
    let row = cells.collect::<Vec<_>>().join(" & ");
    format!("{}{end}\n", guarded(&row))
}

/// The commands that end a row or a rule look for a bracket or a star, and would take those of the text.
fn guarded(text: &str) -> String {
    if text.starts_with(['[', '*']) { format!("{{}}{text}") } else { text.to_string() }
}

fn notes(exhibit: &Exhibit, words: &Words, item: &str) -> String {
    let lines = words.lines_below(exhibit).into_iter();
    lines.map(|(label, line)| format!("{item}{}\n", guarded(&format!("{label}{}", escape::latex(line))))).collect()
}

fn footer(facts: &[(String, String)], words: &Words) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let provenance = words.provenance;
    let mut latex = format!(
        "\n\\begingroup\n\\footnotesize\\raggedright\\setlength{{\\parindent}}{{0pt}}\n\\textbf{{{provenance}}}\\par\n"
    );
    for (fact, value) in facts {
        let value = words::digest(value).map_or_else(|| escape::latex(value), |blocks| blocks.join(r"\allowbreak "));
        latex += &format!("{}{}{value}\\par\n", escape::latex(fact), words.colon);
    }
    latex + "\\endgroup\n"
}

#[cfg(test)]
mod tests;
