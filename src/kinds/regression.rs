//! Fills a regression table from the `.coefficients` and `.models` of an estimate stage.

use crate::convert;
use crate::exhibits::{Model, Regression, RowContent};
use documents::exhibit::{Align, BodyRow, Cell, HeaderCell, Number, Wrap};
use engine::diagnostic::{Diagnostic, Place};
use tables::columns::{Table, Values};

/// The header, alignment and body of a table.
pub struct Grid {
    pub header: Vec<Vec<HeaderCell>>,
    pub align: Vec<Align>,
    pub body: Vec<BodyRow>,
}

/// The names of the two tables a regression table reads.
pub fn tables_of(regression: &Regression) -> [String; 2] {
    [format!("{}.coefficients", regression.from), format!("{}.models", regression.from)]
}

/// The columns it reads of each.
pub fn columns_of(regression: &Regression) -> [Vec<String>; 2] {
    let axes = regression.models.iter().flat_map(|model| model.at.iter().map(|(axis, _)| axis.clone()));
    let mut coefficients: Vec<String> =
        axes.chain(["term", "estimate", "std_error", "p_value"].map(str::to_string)).collect();
    let axes = regression.models.iter().flat_map(|model| model.at.iter().map(|(axis, _)| axis.clone()));
    let statistics = regression.rows.iter().filter_map(|row| match &row.content {
        RowContent::Statistic(name, _) => Some(name.clone()),
        RowContent::Values(_) => None,
    });
    let mut models: Vec<String> = axes.chain(statistics).chain(["model".to_string()]).collect();
    for columns in [&mut coefficients, &mut models] {
        columns.sort();
        columns.dedup();
    }
    [coefficients, models]
}

/// Builds the table in one language.
pub fn build(
    regression: &Regression,
    language: &str,
    coefficients: &Table,
    models: &Table,
) -> Result<Grid, Diagnostic> {
    let columns = regression.models.len();
    let mut header = Vec::new();
    if !regression.groups.is_empty() {
        let mut row = vec![HeaderCell { text: String::new(), span: 1 }];
        row.extend(
            regression
                .groups
                .iter()
                .map(|(title, span)| HeaderCell { text: title.get(language).to_string(), span: *span }),
        );
        header.push(row);
    }
    let numbers = std::iter::once(String::new()).chain((1..=columns).map(|number| format!("({number})")));
    header.push(numbers.map(|text| HeaderCell { text, span: 1 }).collect());
    let titles = std::iter::once(String::new())
        .chain(regression.models.iter().map(|model| model.title.get(language).to_string()));
    header.push(titles.map(|text| HeaderCell { text, span: 1 }).collect());

    for model in &regression.models {
        let found = rows_at(model, models, &regression.from)?.len();
        if found > 1 {
            let one = format!("this column of the table fits {found} models of `{}`", regression.from);
            return Err(Diagnostic::error(one)
                .at(model.place.clone())
                .hint("name a label of every axis of the matrix in `at:`".to_string()));
        }
    }
    let rows_of: Vec<Vec<usize>> = regression
        .models
        .iter()
        .map(|model| rows_at(model, coefficients, &regression.from))
        .collect::<Result<_, _>>()?;
    let mut body = Vec::new();
    for (term, words, place) in &regression.terms {
        let at: Vec<Option<usize>> = rows_of
            .iter()
            .map(|rows| rows.iter().copied().find(|&row| text(coefficients, "term", row) == *term))
            .collect();
        if at.iter().all(Option::is_none) {
            return Err(unknown_term(term, place, coefficients));
        }
        let number = |model: &Model, row: Option<usize>, column: &str, wrap: Wrap, stars: u8| match row {
            None => Cell::Empty,
            Some(row) => Cell::Number(Number {
                value: float(coefficients, column, row),
                digits: regression.digits,
                stars,
                wrap,
                integer: false,
                address: format!("{}:{term}:{column}", instance(&regression.from, model)),
            }),
        };
        let stars =
            |row: Option<usize>| stars(&regression.stars, row.and_then(|row| float(coefficients, "p_value", row)));
        let mut cells = vec![Cell::Text(words.get(language).to_string())];
        cells.extend(
            regression
                .models
                .iter()
                .zip(&at)
                .map(|(model, row)| number(model, *row, "estimate", Wrap::None, stars(*row))),
        );
        body.push(BodyRow::Cells { cells, heading: true });
        if regression.std_error {
            let mut cells = vec![Cell::Empty];
            cells.extend(
                regression
                    .models
                    .iter()
                    .zip(&at)
                    .map(|(model, row)| number(model, *row, "std_error", Wrap::Parentheses, 0)),
            );
            body.push(BodyRow::Cells { cells, heading: true });
        }
    }
    if !regression.rows.is_empty() {
        body.push(BodyRow::Rule);
    }
    for row in &regression.rows {
        let mut cells = vec![Cell::Text(row.label.get(language).to_string())];
        match &row.content {
            RowContent::Values(values) => {
                cells.extend(values.iter().map(|words| Cell::Text(words.get(language).to_string())))
            }
            RowContent::Statistic(name, digits) => {
                for model in &regression.models {
                    let found = rows_at(model, models, &regression.from)?;
                    cells.push(Cell::Number(Number {
                        value: found.first().and_then(|&at| float(models, name, at)),
                        digits: *digits,
                        stars: 0,
                        wrap: Wrap::None,
                        integer: *digits == 0,
                        address: format!("{}:{name}", instance(&regression.from, model)),
                    }));
                }
            }
        }
        body.push(BodyRow::Cells { cells, heading: true });
    }
    let align = std::iter::once(Align::Left).chain(std::iter::repeat_n(Align::Decimal, columns)).collect();
    Ok(Grid { header, align, body })
}

/// The rows of a table that belong to the point of a model; there must be some.
fn rows_at(model: &Model, table: &Table, from: &str) -> Result<Vec<usize>, Diagnostic> {
    let rows: Vec<usize> = (0..table.rows())
        .filter(|&row| model.at.iter().all(|(axis, label)| text(table, axis, row) == *label))
        .collect();
    if rows.is_empty() {
        let axes: Vec<&String> = model.at.iter().map(|(axis, _)| axis).collect();
        let mut points: Vec<String> = (0..table.rows())
            .map(|row| {
                axes.iter().map(|axis| format!("{axis}={}", text(table, axis, row))).collect::<Vec<_>>().join(",")
            })
            .collect();
        points.sort();
        points.dedup();
        return Err(Diagnostic::error(format!("stage `{from}` has no model at this point"))
            .at(model.place.clone())
            .hint(format!("it has: {}", points.join("; "))));
    }
    Ok(rows)
}

fn unknown_term(term: &str, place: &Place, coefficients: &Table) -> Diagnostic {
    let mut known: Vec<String> = (0..coefficients.rows()).map(|row| text(coefficients, "term", row)).collect();
    known.sort();
    known.dedup();
    let near = engine::diagnostic::did_you_mean(term, known.iter().map(String::as_str));
    Diagnostic::error(format!("none of the models has a term `{term}`"))
        .at(place.clone())
        .hint(near.or_else(|| Some(format!("terms: {}", known.join(", ")))))
}

fn stars(levels: &[f64], p_value: Option<f64>) -> u8 {
    p_value.map_or(0, |p| levels.iter().filter(|level| p < **level).count().min(9) as u8)
}

/// The instance's name, which is also the first part of its numbers' addresses.
pub fn instance(from: &str, model: &Model) -> String {
    if model.at.is_empty() {
        return from.to_string();
    }
    let point: Vec<String> = model.at.iter().map(|(axis, label)| format!("{axis}={label}")).collect();
    format!("{from}@{}", point.join(","))
}

fn text(table: &Table, column: &str, row: usize) -> String {
    table
        .columns
        .iter()
        .find(|found| found.name == column)
        .map_or(String::new(), |found| convert::cell_text(&found.values, row))
}

fn float(table: &Table, column: &str, row: usize) -> Option<f64> {
    let found = table.columns.iter().find(|found| found.name == column)?;
    match &found.values {
        Values::Float(values) => values[row],
        Values::Int(values) => values[row].map(|value| value as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_count_the_levels_passed() {
        let levels = [0.01, 0.05, 0.10];
        let found: Vec<u8> =
            [Some(0.009), Some(0.01), Some(0.0999), Some(0.10), None].map(|p| stars(&levels, p)).to_vec();
        assert_eq!(found, [3, 2, 1, 0, 0]);
    }
}
