//! Exhibits as GitHub's Markdown, set so that the source reads as a table too: cells are padded to the width they have
//! in a terminal, where a Chinese character takes two columns, and decimal points stand below each other.
//! Markdown has one header row and no rules, so headings are stacked in one cell and rules are left out.

use crate::document::Language;
use crate::escape;
use crate::exhibit::{Align, BodyRow, Cell, Exhibit, Number};
use crate::number::{self, Printed};
use crate::renderer::Renderer;
use crate::sheet::{self, Column, Page, Sheet};
use crate::words::{self, Words};
use unicode_width::UnicodeWidthStr;

pub(crate) struct Markdown;

impl Renderer for Markdown {
    fn extension(&self) -> &'static str {
        "md"
    }

    fn document(&self, page: &Page) -> String {
        let words = words::of(page.document.language);
        let mut text = format!("# {}\n", escape::markdown(&page.document.title));
        for sheet in &page.sheets {
            text += &format!("\n## {}\n\n{}", name(sheet.exhibit, words), table(sheet, words));
        }
        if !page.document.footer.is_empty() {
            text += &format!("\n---\n\n{}{}\n\n", words.provenance, words.colon.trim_end());
            for (fact, value) in &page.document.footer {
                text += &format!("- {}{}{}\n", escape::markdown(fact), words.colon, escape::markdown(value));
            }
        }
        text
    }

    /// Without a heading: where the piece is pasted, others decide how deep it stands.
    fn exhibit(&self, sheet: &Sheet, language: Language) -> String {
        let words = words::of(language);
        format!("**{}**\n\n{}", name(sheet.exhibit, words), table(sheet, words))
    }
}

fn name(exhibit: &Exhibit, words: &Words) -> String {
    let [label, title] = [&exhibit.label, &exhibit.title].map(|text| escape::markdown(text));
    format!("{label}{}{title}", words.separator(exhibit))
}

fn table(sheet: &Sheet, words: &Words) -> String {
    let spans: Vec<Span> = (0..sheet.columns.len()).map(|column| span(sheet, column)).collect();
    let mut rows = vec![headings(sheet)];
    for row in &sheet.exhibit.body {
        match row {
            BodyRow::Rule => {}
            BodyRow::Panel(title) => {
                let mut cells = vec![String::new(); sheet.columns.len()];
                cells[0] = format!("**{}**", escape::markdown(title));
                rows.push(cells);
            }
            BodyRow::Cells { cells, .. } => {
                let columns = sheet.columns.iter().zip(&spans);
                rows.push(
                    cells.iter().zip(columns).map(|(cell, (column, span))| body_cell(cell, column, span)).collect(),
                );
            }
        }
    }
    let columns: Vec<(Align, usize)> = (0..sheet.columns.len())
        .map(|column| {
            let width = rows.iter().map(|row| row[column].width()).max().unwrap_or(0).max(MARK);
            (align(&sheet.columns[column], &spans[column]), width)
        })
        .collect();
    let mut text = String::new();
    for (place, row) in rows.iter().enumerate() {
        text += &line(row.iter().zip(&columns).map(|(cell, &(align, width))| padded(cell, align, width)));
        if place == 0 {
            text += &line(columns.iter().map(|&(align, width)| mark(align, width)));
        }
    }
    for (label, note) in words.lines_below(sheet.exhibit) {
        text += &format!("\n{label}{}\n", escape::markdown(note));
    }
    text
}

/// What marks the alignment of a column takes at least so much: `:-:`.
const MARK: usize = 3;

/// The headings over each column in one cell, a group's title over each of its columns.
fn headings(sheet: &Sheet) -> Vec<String> {
    let mut stacks: Vec<Vec<String>> = vec![Vec::new(); sheet.columns.len()];
    for row in &sheet.exhibit.header {
        for (start, cell) in sheet::placed(row).filter(|(_, cell)| !cell.text.is_empty()) {
            for stack in &mut stacks[start..start + cell.span] {
                stack.push(escape::markdown(&cell.text));
            }
        }
    }
    stacks.iter().map(|stack| stack.join("<br>")).collect()
}

fn body_cell(cell: &Cell, column: &Column, span: &Span) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => escape::markdown(text),
        Cell::Number(number) => figure(number, column, span),
    }
}

/// A number, filled up with blanks so that the halves are as wide as those of its column. The page drops them.
fn figure(number: &Number, column: &Column, span: &Span) -> String {
    let Some(printed) = number::print(number) else {
        return number::MISSING.to_string();
    };
    let [whole, part] = split(&printed);
    if !column.lines_up(number) {
        return whole + &part;
    }
    let [left, right] = [span.whole - whole.width(), span.part - part.width()];
    format!("{:left$}{whole}{part}{:right$}", "", "")
}

/// The widest halves of the numbers of a column.
struct Span {
    whole: usize,
    part: usize,
    /// All numbers have as much after the point, so that the page can line them up by their ends.
    even: bool,
}

fn span(sheet: &Sheet, place: usize) -> Span {
    let column = &sheet.columns[place];
    let lined_up = sheet::numbers(sheet.exhibit, place).filter(|number| column.lines_up(number));
    let halves: Vec<[usize; 2]> =
        lined_up.filter_map(number::print).map(|printed| split(&printed).map(|half| half.width())).collect();
    let part = halves.iter().map(|[_, part]| *part).max().unwrap_or(0);
    Span {
        whole: halves.iter().map(|[whole, _]| *whole).max().unwrap_or(0),
        part,
        even: !halves.is_empty() && halves.iter().all(|[_, other]| *other == part),
    }
}

/// Markdown cannot line up points, only ends.
fn align(column: &Column, span: &Span) -> Align {
    match column.align {
        Align::Decimal if span.even => Align::Right,
        Align::Decimal => Align::Center,
        align => align,
    }
}

fn split(printed: &Printed) -> [String; 2] {
    let Printed { whole, part, stars } = printed;
    [escape::markdown(whole), escape::markdown(&format!("{part}{stars}"))]
}

fn padded(cell: &str, align: Align, width: usize) -> String {
    let free = width.saturating_sub(cell.width());
    let before = match align {
        Align::Left => 0,
        Align::Center | Align::Decimal => free / 2,
        Align::Right => free,
    };
    format!("{:before$}{cell}{:after$}", "", "", after = free - before)
}

fn mark(align: Align, width: usize) -> String {
    match align {
        Align::Left => "-".repeat(width),
        Align::Center | Align::Decimal => format!(":{}:", "-".repeat(width - 2)),
        Align::Right => format!("{}:", "-".repeat(width - 1)),
    }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use expect_test::{Expect, expect};

    fn check(exhibit: &Exhibit, language: Language, expected: Expect) {
        let sheet = Sheet::new(exhibit).unwrap();
        let text = Markdown.exhibit(&sheet, language);
        // Every row of the table has the same cells: nothing of the author's splits one.
        let bars = |line: &str| line.replace("\\|", "").matches('|').count();
        for row in text.lines().filter(|line| line.starts_with('|')) {
            assert_eq!(bars(row), sheet.columns.len() + 1, "{row}");
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn groups_are_repeated_over_their_columns() {
        check(
            &samples::regression(Language::English),
            Language::English,
            expect![[r#"
            **Table 4. Baseline results**

            |                    | Entropy index<br>(1) | Entropy index<br>(2) | Martin<br>(3) |
            | ------------------ | :------------------: | :------------------: | :-----------: |
            | Smart-city pilot   |     0.1235\*\*\*     |      0.0421\*\*      |   −0.7712     |
            |                    |    (0.0123)          |     (0.0131)         |   (0.4122)    |
            | City fixed effects |          No          |         Yes          |      Yes      |
            | Observations       |        3,976         |        3,976         |      987      |
            | R²                 |     0.812            |          –           |               |

            Note: \*\*\* p<0.01, \*\* p<0.05, \* p<0.1.

            Standard errors clustered by city in parentheses.

            Warning: panel: 12 rows found no city
        "#]],
        );
        check(
            &samples::regression(Language::Chinese),
            Language::Chinese,
            expect![[r#"
            **表4　基准回归结果**

            |              | 熵权指数<br>(1) | 熵权指数<br>(2) | Martin<br>(3) |
            | ------------ | :-------------: | :-------------: | :-----------: |
            | 智慧城市试点 |   0.1235\*\*\*  |    0.0421\*\*   |   −0.7712     |
            |              |  (0.0123)       |   (0.0131)      |   (0.4122)    |
            | 城市固定效应 |     未控制      |      控制       |     控制      |
            | 观测值       |      3,976      |      3,976      |      987      |
            | R²           |   0.812         |        –        |               |

            注：\*\*\*、\*\*、\*分别表示在1%、5%、10%的水平上显著。

            括号内为城市层面聚类稳健标准误。

            警告：panel: 12 rows found no city
        "#]],
        );
    }

    #[test]
    fn even_columns_are_lined_up_by_their_ends() {
        check(
            &samples::descriptive(Language::Chinese),
            Language::Chinese,
            expect![[r#"
            **表3　描述性统计**

            | 变量         | 观测值 |   均值 | 最小值 |
            | ------------ | -----: | -----: | -----: |
            | 创新韧性     |  3,976 |  0.200 | −0.100 |
            | 经济发展水平 |    987 | 10.613 |  8.250 |
        "#]],
        );
    }

    #[test]
    fn panels_are_rows() {
        check(
            &samples::definitions(Language::English),
            Language::English,
            expect![[r#"
            **Table 2. Variable definitions**

            | Variable     | Symbol            | Definition                                                                                      |
            | ------------ | ----------------- | ----------------------------------------------------------------------------------------------- |
            | **Outcomes** |                   |                                                                                                 |
            | Resilience   | resilience_martin | (growth minus growth of the sample) / \|growth of the sample\|, winsorised at 1% on either side |
            | **Controls** |                   |                                                                                                 |
            | Density      | ln_density        | ln of persons per square kilometre                                                              |

            Note: The data are synthetic.
        "#]],
        );
    }

    #[test]
    fn nothing_takes_effect() {
        check(
            &samples::hostile(),
            Language::English,
            expect![[r#"
            **\</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} '. \</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} '**

            | \</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} '<br>\</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} ' | \</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} '<br>\* |
            | -------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------------: | ----------------------------------------------------------------------------------------------------------------------: |
            |                                                                                                                  **\</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} '** |                                                                                                                         |
            |                                                                                                                                                                                                                            \[−2.50\]\* |       \</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} ' |
            |                                                                                                                                                                                                                        \[1\] next line |                                                                                                                       – |

            Note: \</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} '

            \[not an option\]

            Warning: \</td>\<script>alert("1 & 2")\</script> \\input{/etc/passwd} \$x_1^2\$ 50% #1 \~ \| \`code\` \*\[link\](x)\* {} '
        "#]],
        );
    }

    #[test]
    fn a_document_ends_with_what_it_rests_on() {
        let document = samples::document(Language::Chinese);
        let text = Markdown.document(&Page::new(&document).unwrap());
        let (_, footer) = text.split_once("---\n\n数据").expect("a line before the footer");
        expect![[r#"
            与设定：

            - 随机种子：20260101
            - 表 panel：0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        "#]]
        .assert_eq(footer);
    }
}
