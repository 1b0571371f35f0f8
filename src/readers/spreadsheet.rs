//! Reading a spreadsheet by a layout: which sheets, which rows are the header, which columns. Decoding is in `workbook.rs`.

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Binding, Ground},
    cell::Cell,
    contradiction::Contradiction,
    error::ReadError,
    extract::{Extract, Issue, IssueCode},
    header::{Header, Search, Texts},
    layout::{ColumnSource, Compiled, HeaderRule, SheetChoice},
    normal, number,
    source::Source,
    workbook::{self, Row, Workbook},
};

pub(crate) fn read(source: &Source, compiled: &Compiled) -> Result<Extract, ReadError> {
    let mut workbook = Workbook::open(source)?;
    let sheets = choose(source, compiled, &workbook.sheets())?;
    only_one_holds_it(source, compiled, &mut workbook)?;
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
        let places = places(&bindings);
        assembler.start_sheet(&sheet, bindings, epoch_1904);
        let wanted = assembler.wanted();
        let mut rest = body;
        while let Some((row, below)) = rest.split_first() {
            rest = below;
            if let Some(again) = header_again(compiled, row, below) {
                same_places(compiled, &ground, row.number, again, &places)?;
                let first = row.cells.first().map_or_else(String::new, |(_, cell)| cell.to_text().into_owned());
                let end = row.number.saturating_add(compiled.header_rows());
                rest = &below[below.partition_point(|row| row.number < end)..];
                assembler.skip_header(row.number, &first);
                continue;
            }
            let cells: Vec<Cell> = wanted.iter().map(|index| cell_at(row, *index)).collect();
            assembler.row(row.number, &cells, || {
                row.cells.first().map_or_else(String::new, |(_, cell)| cell.to_text().into_owned())
            });
        }
    }
    let mut extract = assembler.finish(None)?;
    extract.issues.extend(misnamed(source, workbook.kind()));
    Ok(extract)
}

/// An issue where the ending of the file promises another kind of workbook.
fn misnamed(source: &Source, kind: &str) -> Option<Issue> {
    let promised = match source.ending.as_str() {
        "xlsx" | "xlsm" | "xltx" | "xltm" => "xlsx",
        "xls" | "xlt" | "et" => "xls",
        "xlsb" => "xlsb",
        "ods" => "ods",
        "htm" | "html" => "html",
        "xml" => "xml",
        _ => return None,
    };
    (promised != kind).then(|| {
        crate::issue_of_file(IssueCode::OtherFormat, format!("its name says {promised}, its content is {kind}"))
    })
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

/// With `sheets: first`, no other visible sheet may hold the header: which of the two is meant cannot be known, and the first
/// may be the one that a later edition put there.
fn only_one_holds_it(source: &Source, compiled: &Compiled, workbook: &mut Workbook) -> Result<(), ReadError> {
    let HeaderRule::Found { contains, .. } = &compiled.layout.header else { return Ok(()) };
    let visible: Vec<String> =
        workbook.sheets().into_iter().filter(|(_, visible)| *visible).map(|(name, _)| name).collect();
    if compiled.layout.sheets != SheetChoice::First || contains.is_empty() || visible.len() < 2 {
        return Ok(());
    }
    let mut holders = Vec::new();
    for sheet in visible {
        let rows = workbook.rows(&sheet)?;
        let mut search = Search::new(contains);
        let found = rows.iter().find(|row| search.offer(row.number, &texts(row)));
        holders.extend(found.map(|row| (sheet, row.number)));
    }
    if holders.len() < 2 {
        return Ok(());
    }
    Err(Contradiction::SeveralSheets { file: source.file.clone(), sheets: holders }.into())
}

/// The header and the rows below it.
fn split<'r>(
    source: &Source,
    compiled: &Compiled,
    sheet: &str,
    rows: &'r [Row],
) -> Result<(Option<Header>, &'r [Row]), ReadError> {
    let HeaderRule::Found { contains, .. } = &compiled.layout.header else {
        return Ok((None, rows));
    };
    let start = match &compiled.layout.header_below {
        None => 0,
        Some(text) => {
            let wanted = normal::normalise(text);
            let holds = |row: &Row| texts(row).iter().any(|(_, text)| normal::normalise(text).contains(&wanted));
            rows.iter().position(holds).map(|row| row + 1).ok_or_else(|| Contradiction::NoBelow {
                file: source.file.clone(),
                sheet: sheet.to_string(),
                text: text.clone(),
            })?
        }
    };
    let mut search = Search::new(contains);
    let Some(first) = rows[start..].iter().position(|row| search.offer(row.number, &texts(row))) else {
        return Err(search.failed(&source.file, sheet));
    };
    let first = start + first;
    // Of the texts above, those below the text that was asked for speak of this table.
    let above = rows[start.saturating_sub(1)..first].iter().flat_map(|row| {
        row.cells
            .iter()
            .map(|(index, cell)| (format!("{}{}", workbook::letters(*index), row.number), cell.to_text().into_owned()))
    });
    let (header, body) = header_at(compiled, &rows[first], &rows[first + 1..]);
    Ok((Some(header.placed(rows[first].number, above.collect())), body))
}

/// The header that begins in `first`, and the rows below it. Counted by row number, not by rows with content: the second header
/// row may be blank.
fn header_at<'r>(compiled: &Compiled, first: &Row, below: &'r [Row]) -> (Header, &'r [Row]) {
    let end = first.number.saturating_add(compiled.header_rows());
    let body = below.partition_point(|row| row.number < end);
    let mut header_rows: Vec<Texts> = vec![texts(first)];
    for number in first.number.saturating_add(1)..end {
        header_rows.push(below[..body].iter().find(|row| row.number == number).map(texts).unwrap_or_default());
    }
    (Header::new(&header_rows), &below[body..])
}

/// The header, where it begins once more in this row: on every page of a printed table, or over a second one.
fn header_again(compiled: &Compiled, row: &Row, below: &[Row]) -> Option<Header> {
    let HeaderRule::Found { contains, .. } = &compiled.layout.header else { return None };
    // Most cells are numbers, and no number holds a word: only where a word is a number are they looked at.
    let all = contains.iter().any(|word| number::plain_float(&normal::normalise(word)).is_some());
    let cells = row.cells.iter().filter(|(_, cell)| all || matches!(cell, Cell::Text(_)));
    let texts: Texts = cells.map(|(index, cell)| (*index, cell.to_text().into_owned())).collect();
    // Each word has a cell of its own.
    if contains.is_empty() || texts.len() < contains.len() {
        return None;
    }
    let is_header = Search::new(contains).offer(row.number, &texts);
    is_header.then(|| header_at(compiled, row, below).0)
}

/// Which cell each column has.
fn places(bindings: &[Binding]) -> Vec<Option<usize>> {
    let place = |binding: &Binding| match binding {
        Binding::Cell { index, .. } => Some(*index),
        _ => None,
    };
    bindings.iter().map(place).collect()
}

/// What stands below a second header must be what stands below the first.
fn same_places(
    compiled: &Compiled,
    ground: &Ground,
    row: u32,
    again: Header,
    places_before: &[Option<usize>],
) -> Result<(), ReadError> {
    let again = again.placed(row, Vec::new());
    let first_row = ground.header.and_then(Header::row).unwrap_or(1);
    let moved = |column: &str| Contradiction::SecondHeader {
        file: ground.source.file.clone(),
        sheet: ground.sheet.to_string(),
        row,
        first_row,
        column: column.to_string(),
    };
    let rules = &compiled.layout.columns;
    for (rule, before) in rules.iter().zip(places_before) {
        if let ColumnSource::Header { any_of, sub, nth } = &rule.source
            && again.find(any_of, sub.as_deref(), *nth).ok().flatten() != *before
        {
            return Err(moved(&rule.name).into());
        }
    }
    // A second table may print another unit under the same name. Its title was that of the first.
    bind::units_agree(compiled, &Ground { header: Some(&again), ..*ground }, places_before)
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
