//! How much of the line each column of words gets, for formats that cannot try it out as a browser does.
//! Lengths are in half-width characters: a Chinese one counts two. Knows no format.

use crate::exhibit::{Align, BodyRow, Cell, HeaderCell};
use crate::sheet::{self, Sheet};
use unicode_width::UnicodeWidthStr;

/// Half-width characters in a line of small print on an A4 page.
const LINE: usize = 98;

/// Around each column.
const GAP: usize = 2;

/// A longer text is a sentence and may be broken. A table that is too wide without one has too many columns of numbers,
/// and breaking the names of its rows would tear coefficients from their standard errors.
const SENTENCE: usize = 40;

/// The share of the line that each column of words gets in a table that must break its lines; the other columns keep
/// their natural width. None at all if the table fits as it is, or has no sentences.
pub(crate) fn shares(sheet: &Sheet) -> Option<Vec<Option<f64>>> {
    let natural: Vec<usize> = (0..sheet.columns.len()).map(|column| natural(sheet, column)).collect();
    let (words, others): (Vec<usize>, Vec<usize>) =
        (0..natural.len()).partition(|&column| sheet.columns[column].align == Align::Left);
    let gaps = GAP * natural.len();
    let fits = natural.iter().sum::<usize>() + gaps <= LINE;
    if fits || words.iter().all(|&column| natural[column] <= SENTENCE) {
        return None;
    }
    let least: Vec<usize> = (0..natural.len()).map(|column| longest_word(sheet, column)).collect();
    let taken: usize = others.iter().map(|&column| natural[column]).sum::<usize>() + gaps;
    let needed: usize = words.iter().map(|&column| least[column]).sum();
    let mut shares = vec![None; natural.len()];
    for (column, width) in divide(LINE.saturating_sub(taken).max(needed), words, &natural, &least) {
        shares[column] = Some((width + GAP as f64) / LINE as f64);
    }
    Some(shares)
}

/// How much of the line a table takes that breaks none of its lines.
pub(crate) fn fullness(sheet: &Sheet) -> f64 {
    let columns = sheet.columns.len();
    let natural: usize = (0..columns).map(|column| natural(sheet, column)).sum();
    (natural + GAP * columns) as f64 / LINE as f64
}

/// Lines that the table takes when its columns are so wide.
pub(crate) fn lines(sheet: &Sheet, shares: Option<&[Option<f64>]>) -> usize {
    let width = |column: usize| shares.and_then(|shares| shares[column]).map(|share| share * LINE as f64 - GAP as f64);
    let of_cell = |(column, cell): (usize, &Cell)| match (cell, width(column)) {
        (Cell::Text(text), Some(width)) => (text.width() as f64 / width).ceil() as usize,
        _ => 1,
    };
    let body = sheet.exhibit.body.iter().map(|row| match row {
        BodyRow::Panel(_) => 1,
        BodyRow::Rule => 0,
        BodyRow::Cells { cells, .. } => cells.iter().enumerate().map(of_cell).max().unwrap_or(1),
    });
    sheet.exhibit.header.len() + body.sum::<usize>()
}

/// What fits into an equal share gets what it needs; the rest is divided by the square roots of the lengths, which
/// makes a column of sentences wide without starving one of names.
fn divide(free: usize, mut open: Vec<usize>, natural: &[usize], least: &[usize]) -> Vec<(usize, f64)> {
    let root = |column: usize| (natural[column] as f64).sqrt();
    let mut free = free as f64;
    let mut given = Vec::new();
    while !open.is_empty() {
        let equal = free / open.len() as f64;
        let unit = free / open.iter().map(|&column| root(column)).sum::<f64>();
        let modest = open.iter().position(|&column| natural[column] as f64 <= equal);
        let starved = || open.iter().position(|&column| unit * root(column) < least[column] as f64);
        let (place, width) = match (modest, modest.or_else(starved)) {
            (Some(place), _) => (place, natural[open[place]] as f64),
            (None, Some(place)) => (place, least[open[place]] as f64),
            (None, None) => {
                given.extend(open.iter().map(|&column| (column, unit * root(column))));
                break;
            }
        };
        given.push((open.remove(place), width));
        free = (free - width).max(0.0);
    }
    given
}

/// The width of a column that breaks no line.
fn natural(sheet: &Sheet, column: usize) -> usize {
    let halves = (sheet.columns[column].whole + sheet.columns[column].part).div_ceil(100) as usize;
    texts(sheet, column).map(UnicodeWidthStr::width).chain([halves]).max().unwrap_or(0)
}

/// The longest piece that cannot be broken; a line may end after any Chinese character.
fn longest_word(sheet: &Sheet, column: usize) -> usize {
    let pieces = texts(sheet, column).flat_map(|text| text.split(|character: char| !character.is_ascii_graphic()));
    pieces.map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// The words of a column, with the headings that stand over it alone.
fn texts<'a>(sheet: &'a Sheet, column: usize) -> impl Iterator<Item = &'a str> {
    let alone = move |(start, cell): &(usize, &'a HeaderCell)| *start == column && cell.span == 1;
    let header = sheet.exhibit.header.iter().flat_map(move |row| sheet::placed(row).find(alone));
    let header = header.map(|(_, cell)| cell.text.as_str());
    let body = sheet.exhibit.body.iter().filter_map(move |row| match row {
        BodyRow::Cells { cells, .. } => match &cells[column] {
            Cell::Text(text) => Some(text.as_str()),
            Cell::Empty | Cell::Number(_) => None,
        },
        BodyRow::Panel(_) | BodyRow::Rule => None,
    });
    header.chain(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Language;
    use crate::samples::{self, LANGUAGES};

    #[test]
    fn only_tables_of_sentences_break_lines_and_fill_the_line() {
        for language in LANGUAGES {
            let shares = |exhibit| shares(&Sheet::new(&exhibit).unwrap());
            assert_eq!(shares(samples::regression(language)), None);
            assert_eq!(shares(samples::descriptive(language)), None);
        }
        let exhibit = samples::definitions(Language::English);
        let shares = shares(&Sheet::new(&exhibit).unwrap()).expect("a sentence of 92 characters");
        let total: f64 = shares.iter().flatten().sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
    }

    #[test]
    fn modest_columns_get_what_they_need_and_words_are_not_torn() {
        // 10 fits; of the remaining 90, roots 20 and 10 would give 60 and 30, but a word of 40 must fit.
        let given = divide(100, vec![0, 1, 2], &[10, 400, 100], &[5, 8, 40]);
        assert_eq!(given, [(0, 10.0), (2, 40.0), (1, 50.0)]);
    }

    #[test]
    fn lines_are_counted_at_the_width_they_get() {
        let exhibit = samples::definitions(Language::English);
        let sheet = Sheet::new(&exhibit).unwrap();
        assert_eq!(lines(&sheet, None), 5);
        assert_eq!(lines(&sheet, shares(&sheet).as_deref()), 6);
    }
}
