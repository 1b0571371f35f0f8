//! Reading a spreadsheet by a layout: which sheets, which rows are the header, which columns. Decoding is in `workbook.rs`.

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Ground},
    cell::Cell,
    error::ReadError,
    extract::Extract,
    header::{Header, Search, Texts},
    layout::{Compiled, HeaderRule, SheetChoice},
    normal,
    source::Source,
    workbook::{self, Row, Workbook},
};

pub(crate) fn read(source: &Source, compiled: &Compiled) -> Result<Extract, ReadError> {
    let mut workbook = Workbook::open(source)?;
    let sheets = choose(source, compiled, &workbook.sheets())?;
    let epoch_1904 = workbook.epoch_1904();
    let mut assembler = Assembler::new(compiled, source, Places::Sheet)?;
    assembler.expect_sheets(sheets.len());
    for sheet in sheets {
        let rows = workbook.rows(&sheet)?;
        let (header, body) = split(source, compiled, &sheet, &rows)?;
        let ground = Ground {
            source,
            sheet: &sheet,
            header: header.as_ref(),
            fields: None,
            width: None,
            label: &workbook::letters,
        };
        let bindings = bind::bind(compiled, &ground)?;
        assembler.start_sheet(&sheet, bindings, epoch_1904);
        let wanted = assembler.wanted();
        for row in body {
            let cells: Vec<Cell> = wanted.iter().map(|index| cell_at(row, *index)).collect();
            assembler.row(row.number, &cells, || {
                row.cells.first().map_or_else(String::new, |(_, cell)| cell.to_text().into_owned())
            });
        }
    }
    assembler.finish(None)
}

/// The names of the sheets to read, in the order of the workbook.
fn choose(source: &Source, compiled: &Compiled, sheets: &[(String, bool)]) -> Result<Vec<String>, ReadError> {
    let known: Vec<String> = sheets.iter().map(|(name, _)| name.clone()).collect();
    let missing = |wanted: &str| ReadError::MissingSheet {
        file: source.file.clone(),
        wanted: wanted.to_string(),
        known: known.clone(),
        nearest: normal::nearest(wanted, &known, 1).into_iter().next(),
    };
    if compiled.layout.sheets == SheetChoice::First {
        let first = sheets.iter().find(|(_, visible)| *visible).or(sheets.first());
        return first.map(|(name, _)| vec![name.clone()]).ok_or_else(|| missing("(first)"));
    }
    let fits = |name: &String, (text, pattern): &(String, glob::Pattern)| {
        name == text || normal::trim(name) == text || pattern.matches(name)
    };
    for wanted in &compiled.sheets {
        if !known.iter().any(|name| fits(name, wanted)) {
            return Err(missing(&wanted.0));
        }
    }
    Ok(known.iter().filter(|name| compiled.sheets.iter().any(|wanted| fits(name, wanted))).cloned().collect())
}

/// The header and the rows below it.
fn split<'r>(
    source: &Source,
    compiled: &Compiled,
    sheet: &str,
    rows: &'r [Row],
) -> Result<(Option<Header>, &'r [Row]), ReadError> {
    let HeaderRule::Found { contains, rows: height } = &compiled.layout.header else {
        return Ok((None, rows));
    };
    let mut search = Search::new(contains);
    let Some(first) = rows.iter().position(|row| search.offer(row.number, &texts(row))) else {
        return Err(search.failed(&source.file, sheet));
    };
    // Counted by row number, not by rows with content: the second header row may be blank.
    let end = rows[first].number.saturating_add(u32::try_from(*height).unwrap_or(u32::MAX));
    let body = rows.partition_point(|row| row.number < end);
    let header_rows = (rows[first].number..end.min(rows[first].number.saturating_add(64)))
        .map(|number| rows[first..body].iter().find(|row| row.number == number).map(texts).unwrap_or_default())
        .collect::<Vec<Texts>>();
    Ok((Some(Header::new(&header_rows)), &rows[body..]))
}

fn texts(row: &Row) -> Texts {
    row.cells.iter().map(|(index, cell)| (*index, cell.to_text().into_owned())).collect()
}

fn cell_at(row: &Row, index: Option<usize>) -> Cell<'_> {
    let Some(index) = index else {
        return Cell::Empty;
    };
    match row.cells.binary_search_by_key(&index, |(column, _)| *column) {
        Ok(place) => row.cells[place].1.borrowed(),
        Err(_) => Cell::Empty,
    }
}
