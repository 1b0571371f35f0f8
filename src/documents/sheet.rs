//! The door to every format: an exhibit that has been checked, with the room its numbers need.
//! A renderer takes a [`Sheet`], so it has nothing to check and cannot fail. Knows no format.

use crate::document::Document;
use crate::error::DocumentError;
use crate::exhibit::{Align, BodyRow, Cell, Exhibit, HeaderCell, Number};
use crate::number;
use std::collections::BTreeSet;

/// A document whose exhibits are all checked.
pub(crate) struct Page<'a> {
    pub(crate) document: &'a Document,
    pub(crate) sheets: Vec<Sheet<'a>>,
}

/// A checked exhibit: every row fills the columns, the id can be an anchor.
pub(crate) struct Sheet<'a> {
    pub(crate) exhibit: &'a Exhibit,
    pub(crate) columns: Vec<Column>,
}

/// A column with the most room that its numbers take on either side of the point, in hundredths of a digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) align: Align,
    pub(crate) whole: u32,
    pub(crate) part: u32,
    /// It holds counts and no other numbers.
    counts: bool,
}

/// Rows that belong together.
pub(crate) struct Group<'a> {
    /// A line parts it from what is above.
    pub(crate) ruled: bool,
    rows: &'a [BodyRow],
}

impl<'a> Page<'a> {
    pub(crate) fn new(document: &'a Document) -> Result<Page<'a>, DocumentError> {
        let mut ids = BTreeSet::new();
        for Exhibit { id, .. } in &document.exhibits {
            if !ids.insert(id) {
                return Err(DocumentError::DoubleId { id: id.clone() });
            }
        }
        let sheets = document.exhibits.iter().map(Sheet::new).collect::<Result<_, _>>()?;
        Ok(Page { document, sheets })
    }
}

impl<'a> Sheet<'a> {
    pub(crate) fn new(exhibit: &'a Exhibit) -> Result<Sheet<'a>, DocumentError> {
        check(exhibit)?;
        let columns = exhibit.align.iter().enumerate().map(|(place, align)| column(exhibit, place, *align)).collect();
        Ok(Sheet { exhibit, columns })
    }

    /// Whether a row of the header joins columns; then a line below each title shows how far it reaches.
    pub(crate) fn joins(&self, row: usize) -> bool {
        row + 1 < self.exhibit.header.len() && self.exhibit.header[row].iter().any(|cell| cell.span > 1)
    }

    /// The body in groups: a rule and a panel each start one.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Group<'a>> + use<'a> {
        let parts = self.exhibit.body.split(|row| matches!(row, BodyRow::Rule)).enumerate();
        parts.flat_map(|(part, rows)| {
            let panels = rows.chunk_by(|_, next| !matches!(next, BodyRow::Panel(_))).enumerate();
            panels.map(move |(panel, rows)| Group { ruled: part > 0 && panel == 0, rows })
        })
    }
}

impl<'a> Group<'a> {
    /// The rows, each with those that continue it.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &'a [BodyRow]> + use<'a> {
        self.rows.chunk_by(|_, next| continues(next))
    }
}

impl Column {
    /// Whether a number stands by its point. A count among decimals does not: it is centred like a word, for it
    /// would hang to the left of them all.
    pub(crate) fn lines_up(&self, number: &Number) -> bool {
        self.align == Align::Decimal && number::finite(number).is_some() && (!number.integer || self.counts)
    }
}

/// The cells of a header row, each with the column it starts at.
pub(crate) fn placed(row: &[HeaderCell]) -> impl Iterator<Item = (usize, &HeaderCell)> {
    row.iter().scan(0, |next, cell| {
        let start = *next;
        *next += cell.span;
        Some((start, cell))
    })
}

/// The numbers of a column, from top to bottom.
pub(crate) fn numbers(exhibit: &Exhibit, column: usize) -> impl Iterator<Item = &Number> {
    exhibit.body.iter().filter_map(move |row| match row {
        BodyRow::Cells { cells, .. } => match &cells[column] {
            Cell::Number(number) => Some(number),
            Cell::Empty | Cell::Text(_) => None,
        },
        BodyRow::Panel(_) | BodyRow::Rule => None,
    })
}

/// Whether a row continues the one above: its heading is empty.
fn continues(row: &BodyRow) -> bool {
    matches!(row, BodyRow::Cells { cells, heading: true } if matches!(cells.first(), Some(Cell::Empty)))
}

fn check(exhibit: &Exhibit) -> Result<(), DocumentError> {
    let Exhibit { id, header, align, body, .. } = exhibit;
    let allowed = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    if id.is_empty() || !id.chars().all(allowed) {
        return Err(DocumentError::BadId { id: id.clone() });
    }
    let expected = align.len();
    if expected == 0 {
        return Err(DocumentError::NoColumns { exhibit: id.clone() });
    }
    for (row, cells) in (1..).zip(header) {
        if cells.iter().any(|cell| cell.span == 0) {
            return Err(DocumentError::EmptySpan { exhibit: id.clone(), row });
        }
        let found = cells.iter().map(|cell| cell.span).fold(0, usize::saturating_add);
        if found != expected {
            return Err(DocumentError::HeaderSpan { exhibit: id.clone(), row, expected, found });
        }
    }
    for (row, cells) in (1..).zip(body) {
        if let BodyRow::Cells { cells, .. } = cells
            && cells.len() != expected
        {
            return Err(DocumentError::CellCount { exhibit: id.clone(), row, expected, found: cells.len() });
        }
    }
    Ok(())
}

fn column(exhibit: &Exhibit, place: usize, align: Align) -> Column {
    let counts = numbers(exhibit, place).filter(|number| number::finite(number).is_some()).all(|number| number.integer);
    let column = Column { align, whole: 0, part: 0, counts };
    let lined_up = numbers(exhibit, place).filter(|number| column.lines_up(number));
    lined_up.filter_map(number::print).fold(column, |Column { whole, part, .. }, printed| Column {
        whole: whole.max(number::room(&printed.whole)),
        part: part.max(number::room(&printed.part)),
        ..column
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Language;
    use crate::samples;
    use expect_test::{Expect, expect};

    /// Breaks the regression table and shows what is said about it.
    fn check_error(break_it: impl FnOnce(&mut Exhibit), expected: Expect) {
        let mut exhibit = samples::regression(Language::English);
        break_it(&mut exhibit);
        let error = Sheet::new(&exhibit).map(|_| "nothing").map_err(|error| error.to_string());
        expected.assert_eq(&error.map_or_else(|error| error, str::to_string));
    }

    #[test]
    fn errors_name_the_exhibit_and_the_row() {
        check_error(|_| (), expect!["nothing"]);
        check_error(
            |exhibit| exhibit.header[0][1].span = 3,
            expect!["exhibit `table4`, header row 1: the headings span 5, the table has 4 columns"],
        );
        check_error(
            |exhibit| exhibit.header[1].truncate(1),
            expect!["exhibit `table4`, header row 2: the headings span 1, the table has 4 columns"],
        );
        check_error(
            |exhibit| exhibit.header[1][2].span = 0,
            expect!["exhibit `table4`, header row 2: a heading spans no column"],
        );
        check_error(
            |exhibit| exhibit.header[0][1].span = usize::MAX,
            expect!["exhibit `table4`, header row 1: the headings span 18446744073709551615, the table has 4 columns"],
        );
        check_error(|exhibit| exhibit.align.clear(), expect!["exhibit `table4` has no columns"]);
        check_error(
            |exhibit| exhibit.id = "table 4".to_string(),
            expect!["exhibit id `table 4` must be letters, digits, `-`, `_` and `.`"],
        );
        check_error(|exhibit| exhibit.id.clear(), expect!["exhibit id `` must be letters, digits, `-`, `_` and `.`"]);
        let one_cell = BodyRow::Cells { cells: vec![Cell::Empty], heading: false };
        check_error(
            |exhibit| exhibit.body[1] = one_cell,
            expect!["exhibit `table4`, body row 2: 1 cell, the table has 4 columns"],
        );
    }

    #[test]
    fn two_exhibits_of_one_name_are_an_error() {
        let mut document = samples::document(Language::English);
        document.exhibits.push(document.exhibits[0].clone());
        let error = Page::new(&document).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("two exhibits are called `table2`"));
    }

    #[test]
    fn counts_line_up_among_themselves_and_not_among_decimals() {
        let [regression, descriptive] = [samples::regression, samples::descriptive].map(|make| make(Language::English));
        let lined_up = |exhibit: &Exhibit| {
            let column = Sheet::new(exhibit).unwrap().columns[1];
            numbers(exhibit, 1).map(|number| column.lines_up(number)).collect::<Vec<_>>()
        };
        assert_eq!(lined_up(&regression), [true, true, false, true]);
        assert_eq!(lined_up(&descriptive), [true, true]);
    }

    #[test]
    fn rules_and_panels_start_groups_and_empty_headings_continue_blocks() {
        let sizes = |exhibit: &Exhibit| {
            let sheet = Sheet::new(exhibit).unwrap();
            let group = |group: Group| (group.ruled, group.blocks().map(<[BodyRow]>::len).collect::<Vec<_>>());
            sheet.groups().map(group).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&samples::regression(Language::English)), [(false, vec![2]), (true, vec![1, 1, 1])]);
        assert_eq!(sizes(&samples::definitions(Language::English)), [(false, vec![1, 1]), (false, vec![1, 1])]);
    }
}
