//! Fills a table of descriptive statistics, and a table of definitions, which needs no numbers.

use crate::convert;
use crate::exhibits::{DefinitionRow, Descriptive, Words};
use crate::regression::Grid;
use documents::exhibit::{Align, BodyRow, Cell, HeaderCell, Number, Wrap};
use engine::diagnostic::Diagnostic;
use tables::columns::Table;

/// Headings of the statistics: code, Chinese, English.
const HEADINGS: &[(&str, &str, &str)] = &[
    ("n", "观测值", "N"),
    ("missing", "缺失", "Missing"),
    ("mean", "均值", "Mean"),
    ("sd", "标准差", "SD"),
    ("min", "最小值", "Min"),
    ("p25", "P25", "P25"),
    ("median", "中位数", "Median"),
    ("p75", "P75", "P75"),
    ("max", "最大值", "Max"),
];

/// Descriptive statistics of the variables, one row each.
pub fn build(descriptive: &Descriptive, language: &str, table: &Table) -> Result<Grid, Diagnostic> {
    let cell = |text: &str| HeaderCell { text: text.to_string(), span: 1 };
    let mut header = vec![cell(if language == "zh" { "变量" } else { "Variable" })];
    for statistic in &descriptive.statistics {
        let heading = HEADINGS.iter().find(|(code, ..)| code == statistic);
        header.push(cell(heading.map_or(statistic.as_str(), |(_, zh, en)| if language == "zh" { zh } else { en })));
    }
    let mut body = Vec::new();
    for (name, words, place) in &descriptive.variables {
        let column = table.columns.iter().find(|column| column.name == *name);
        let values = column.and_then(|column| convert::numbers(&column.values));
        let values = values.ok_or_else(|| {
            Diagnostic::error(format!("`{name}` of `{}` is not a number", descriptive.from)).at(place.clone())
        })?;
        let summary = stats::describe::summary(&values);
        let mut cells = vec![Cell::Text(words.get(language).to_string())];
        for statistic in &descriptive.statistics {
            let count = matches!(statistic.as_str(), "n" | "missing");
            let value = match statistic.as_str() {
                "n" => summary.n as f64,
                "missing" => summary.missing as f64,
                "mean" => summary.mean,
                "sd" => summary.sd,
                "min" => summary.min,
                "p25" => summary.p25,
                "median" => summary.median,
                "p75" => summary.p75,
                _ => summary.max,
            };
            cells.push(Cell::Number(Number {
                value: Some(value).filter(|value| value.is_finite()),
                digits: if count { 0 } else { descriptive.digits },
                stars: 0,
                wrap: Wrap::None,
                integer: count,
                address: format!("{}:{name}:{statistic}", descriptive.from),
            }));
        }
        body.push(BodyRow::Cells { cells, heading: true });
    }
    let align = std::iter::once(Align::Left).chain(descriptive.statistics.iter().map(|_| Align::Decimal)).collect();
    Ok(Grid { header: vec![header], align, body })
}

/// A table of words.
pub fn definitions(columns: &[Words], rows: &[DefinitionRow], language: &str) -> Grid {
    let header = columns.iter().map(|words| HeaderCell { text: words.get(language).to_string(), span: 1 }).collect();
    let body = rows.iter().map(|row| match row {
        DefinitionRow::Panel(words) => BodyRow::Panel(words.get(language).to_string()),
        DefinitionRow::Cells(cells) => BodyRow::Cells {
            cells: cells.iter().map(|words| Cell::Text(words.get(language).to_string())).collect(),
            heading: true,
        },
    });
    Grid { header: vec![header], align: columns.iter().map(|_| Align::Left).collect(), body: body.collect() }
}
