//! Rows of raw cells to typed columns: skips, parses, scales, and counts what could not be read. The one place that every
//! format goes through, so that a rule of the layout means the same in all of them. Opens no file.

use std::borrow::Cow;

use crate::{
    bind::{Binding, Bindings},
    cell::Cell,
    chunk::{self, Chunk, Packed},
    contradiction::Contradiction,
    error::{ReadError, shortened},
    extract::{Extract, Issue, IssueCode, RowOrigin, SkippedRow},
    layout::{Compiled, CompiledSkip, ValueKind},
    normal, number,
    source::Source,
    totals,
    value::{Parsed, Reading},
};

/// How many unreadable cells an error lists.
const LISTED: usize = 5;

/// How the place of a cell is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    /// `C17`.
    Sheet,
    /// `line 17, field 3`.
    Fields,
    /// `observation 17, variable gdp`.
    Observations,
    /// ``line 17, field `gdp` ``.
    Keys,
    /// `row 17, column gdp`.
    Rows,
    /// `the text`.
    Whole,
}

/// Fills an [`Extract`] row by row, or gives the rows on in chunks where the source has someone to take them.
pub(crate) struct Assembler<'a> {
    compiled: &'a Compiled<'a>,
    source: &'a Source,
    places: Places,
    /// The rows at hand.
    chunk: Chunk,
    /// Full ones that stay here: nobody takes them, or not all sheets have been begun.
    chunks: Vec<Chunk>,
    expected_sheets: usize,
    is_stopped: bool,
    skipped_count: usize,
    unreadable: Vec<Unreadable>,
    unreadable_count: usize,
    sheets: Vec<String>,
    /// By sheet, the number of rows and which columns have a value in some row.
    filled: Vec<(usize, Vec<bool>)>,
    letters: Vec<Vec<(String, String)>>,
    /// By column.
    uncalculated: Vec<Option<Uncalculated>>,
    bindings: Bindings,
    fixed: Vec<Option<Parsed>>,
    epoch_1904: bool,
    /// By column that fills down: the last cell that was not blank.
    above: Vec<Option<Cell<'static>>>,
    /// Of the sheet at hand: the rule after which nothing is taken any more.
    ended: Option<String>,
    /// Of the sheet at hand: rows that an `only` rule left out.
    bare: Bare,
    /// The first row that was found to be the sum of the others.
    total: Option<Contradiction>,
}

/// Rows without any value beside a name.
#[derive(Default)]
struct Bare {
    count: usize,
    /// Column, place and text of the first.
    first: Option<(usize, String, String)>,
}

struct Unreadable {
    column: usize,
    sheet: String,
    cell: String,
    text: String,
}

/// The formulas without results of a column.
struct Uncalculated {
    sheet: String,
    cell: String,
    text: String,
    count: usize,
}

impl<'a> Assembler<'a> {
    pub(crate) fn new(
        compiled: &'a Compiled<'a>,
        source: &'a Source,
        places: Places,
    ) -> Result<Assembler<'a>, ReadError> {
        let rules = &compiled.layout.columns;
        Ok(Assembler {
            compiled,
            source,
            places,
            chunk: Chunk { columns: empty_columns(compiled), ..Chunk::default() },
            chunks: Vec::new(),
            expected_sheets: 1,
            is_stopped: false,
            skipped_count: 0,
            unreadable: Vec::new(),
            unreadable_count: 0,
            sheets: Vec::new(),
            filled: Vec::new(),
            letters: vec![Vec::new(); rules.len()],
            uncalculated: rules.iter().map(|_| None).collect(),
            bindings: Bindings::default(),
            fixed: Vec::new(),
            epoch_1904: false,
            above: vec![None; rules.len()],
            ended: None,
            bare: Bare::default(),
            total: None,
        })
    }

    /// So many sheets will be turned to: rows are given on only once it is known where all columns stand.
    pub(crate) fn expect_sheets(&mut self, count: usize) {
        self.expected_sheets = count;
    }

    /// Nobody wants the rows any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Turns to a sheet; formats without sheets turn to one without a name.
    pub(crate) fn start_sheet(&mut self, name: &str, bindings: Bindings, epoch_1904: bool) {
        self.end_sheet();
        self.sheets.push(name.to_string());
        self.filled.push((0, vec![false; self.compiled.layout.columns.len()]));
        self.chunk.sheet = name.to_string();
        self.epoch_1904 = epoch_1904;
        self.ended = None;
        self.above.iter_mut().for_each(|above| *above = None);
        let rules = &self.compiled.layout.columns;
        for ((letters, binding), rule) in self.letters.iter_mut().zip(bindings.iter()).zip(rules) {
            match binding {
                Binding::Cell { label, .. } => letters.push((name.to_string(), label.clone())),
                Binding::Absent => self.chunk.issues.push(Issue {
                    column: rule.name.clone(),
                    sheet: name.to_string(),
                    cell: String::new(),
                    text: String::new(),
                    code: IssueCode::AbsentColumn,
                }),
                _ => {}
            }
        }
        self.bindings = bindings;
        // What is the same for every row is parsed, and complained about, once.
        let mut fixed = Vec::new();
        for column in 0..self.bindings.len() {
            fixed.push(match &self.bindings[column] {
                Binding::Fixed { cell, place } => {
                    let (cell, place) = (cell.clone(), place.clone());
                    Some(self.parse(column, &cell, true, || place))
                }
                _ => None,
            });
        }
        self.fixed = fixed;
    }

    /// The index of the cell each column wants from a row.
    pub(crate) fn wanted(&self) -> Vec<Option<usize>> {
        self.bindings
            .iter()
            .map(|binding| match binding {
                Binding::Cell { index, .. } => Some(*index),
                _ => None,
            })
            .collect()
    }

    /// Takes a row: one cell per column of the layout, empty where nothing was wanted. `other` is the first text
    /// anywhere in the row, for rows that are blank where the layout looks.
    pub(crate) fn row(&mut self, row: u32, cells: &[Cell], other: impl FnOnce() -> String) {
        let from_file = |column: usize| matches!(self.bindings[column], Binding::Cell { .. });
        let reads_cells = (0..cells.len()).any(from_file);
        if reads_cells && (0..cells.len()).all(|column| !from_file(column) || cells[column].is_blank()) {
            let text = other();
            if !text.is_empty() {
                self.skip(row, "blank".into(), &text);
            }
            return;
        }
        if let Some(reason) = &self.ended {
            let reason = format!("below the row where {reason}");
            self.skip(row, reason, &first_text(cells));
            return;
        }
        let filled = self.filled(cells);
        let cells: &[Cell] = filled.as_deref().unwrap_or(cells);
        self.count_uncalculated(row, cells);
        if let Some(skip) = self.reason_to_skip(row, cells) {
            if skip.and_rest {
                self.ended = Some(skip.reason.clone());
            }
            self.skip(row, skip.reason, &first_text(cells));
            if let Some(column) = skip.only {
                self.bare.count += 1;
                if self.bare.first.is_none()
                    && let Binding::Cell { label, index } = &self.bindings[column]
                {
                    let text = shortened(&cells[column].to_text());
                    self.bare.first = Some((column, self.places.cell(row, *index, label), text));
                }
            }
            return;
        }
        let bindings = std::mem::take(&mut self.bindings.list);
        for (column, (cell, binding)) in cells.iter().zip(&bindings).enumerate() {
            if let (Binding::Cell { .. }, Cell::Text(text), Packed::Text(texts)) =
                (binding, cell, &mut self.chunk.columns[column])
                && text.len() < chunk::LONGEST
            {
                // As `parse` would, without a copy: most cells are such.
                let text = (!self.compiled.is_missing_text(text)).then(|| normal::trim(text));
                texts.push(text);
                self.mark_filled(column, text.is_some());
                continue;
            }
            let parsed = match binding {
                Binding::Fixed { .. } => self.fixed[column].clone().unwrap_or(Parsed::Missing),
                Binding::Absent => Parsed::Missing,
                Binding::RowNumber => {
                    self.parse(column, &Cell::Integer(i64::from(row)), false, || "the row number".into())
                }
                Binding::Cell { label, index } => {
                    let places = self.places;
                    self.parse(column, cell, false, || places.cell(row, *index, label))
                }
            };
            let is_there = self.chunk.columns[column].push(parsed);
            self.mark_filled(column, is_there);
        }
        self.bindings.list = bindings;
        let sheet = u32::try_from(self.sheets.len().saturating_sub(1)).unwrap_or(u32::MAX);
        self.chunk.origins.push(RowOrigin { sheet, row });
        if let Some((rows, _)) = self.filled.last_mut() {
            *rows += 1;
        }
        self.end_full_chunk();
    }

    /// Leaves out a header that stands there once more.
    pub(crate) fn skip_header(&mut self, row: u32, text: &str) {
        self.skip(row, "the header once more".into(), text);
    }

    fn mark_filled(&mut self, column: usize, is_there: bool) {
        if is_there && let Some((_, filled)) = self.filled.last_mut() {
            filled[column] = true;
        }
    }

    fn end_full_chunk(&mut self) {
        let Chunk { columns, origins, issues, skipped, .. } = &self.chunk;
        let full = origins.len() >= chunk::ROWS
            || issues.len() + skipped.len() >= chunk::ROWS
            || columns.iter().map(Packed::text_bytes).sum::<usize>() >= chunk::BYTES;
        if full {
            self.end_chunk();
        }
    }

    fn end_sheet(&mut self) {
        self.count_bare();
        if self.total.is_none() {
            self.total = self.total_row();
        }
        self.end_chunk();
    }

    /// Gives the rows at hand on.
    fn end_chunk(&mut self) {
        let Chunk { origins, issues, skipped, .. } = &self.chunk;
        if origins.is_empty() && issues.is_empty() && skipped.is_empty() {
            return;
        }
        let next = Chunk { sheet: self.sheet(), columns: empty_columns(self.compiled), ..Chunk::default() };
        self.chunks.push(std::mem::replace(&mut self.chunk, next));
        let Some(taker) = self.source.chunks.as_ref().filter(|_| self.sheets.len() >= self.expected_sheets) else {
            return;
        };
        for mut chunk in std::mem::take(&mut self.chunks) {
            chunk.file = self.source.file.clone();
            chunk.letters = self.letters();
            self.is_stopped |= taker.send(chunk).is_err();
        }
    }

    /// Name and place of each column that is read from cells.
    fn letters(&self) -> Vec<(String, String)> {
        let rules = self.compiled.layout.columns.iter();
        let letters = rules.zip(&self.letters).filter(|(_, letters)| !letters.is_empty());
        letters.map(|(rule, letters)| (rule.name.clone(), joined(letters))).collect()
    }

    /// The result, without the rows that were given on, or the error that the rows gave rise to.
    pub(crate) fn finish(mut self, encoding: Option<String>) -> Result<Extract, ReadError> {
        let rules = &self.compiled.layout.columns;
        let file = self.source.file.clone();
        if let [first, others @ ..] = self.unreadable.as_slice() {
            return Err(ReadError::Unparsable {
                file,
                sheet: first.sheet.clone(),
                cell: first.cell.clone(),
                column: rules[first.column].name.clone(),
                text: first.text.clone(),
                kind: rules[first.column].kind.name(),
                count: self.unreadable_count,
                others: others.iter().map(|other| (other.cell.clone(), other.text.clone())).collect(),
            });
        }
        if let Some(error) = self.formulas_only() {
            return Err(error);
        }
        if self.rows() == 0 {
            let sheet = self.sheets.join(", ");
            return Err(ReadError::NoRows { file, sheet, skipped: self.skipped_count });
        }
        self.end_sheet();
        if let Some(total) = self.total.take() {
            return Err(total.into());
        }
        let letters = self.letters();
        let empty_columns = self.empty_columns();
        let mut chunks = self.chunks;
        let mut issues: Vec<Issue> = chunks.iter_mut().flat_map(|chunk| std::mem::take(&mut chunk.issues)).collect();
        issues.extend(empty_columns);
        Ok(Extract {
            origins: chunks.iter().flat_map(|chunk| &chunk.origins).copied().collect(),
            sheets: self.sheets,
            letters,
            issues,
            skipped: chunks.iter_mut().flat_map(|chunk| std::mem::take(&mut chunk.skipped)).collect(),
            columns: chunk::joined(rules.iter().map(|rule| (rule.name.as_str(), rule.kind)), chunks),
            encoding,
        })
    }

    /// The row with the blank cells of columns that fill down replaced by the cell above; `None` if there is nothing to replace.
    fn filled<'c>(&mut self, cells: &[Cell<'c>]) -> Option<Vec<Cell<'c>>> {
        let mut filled: Option<Vec<Cell<'c>>> = None;
        let rules = &self.compiled.layout.columns;
        for column in (0..rules.len()).filter(|column| rules[*column].fills_down) {
            if !cells[column].is_blank() {
                self.above[column] = Some(cells[column].owned());
            } else if let Some(above) = &self.above[column] {
                filled.get_or_insert_with(|| cells.to_vec())[column] = above.clone();
            }
        }
        filled
    }

    /// An issue if many rows of the sheet have a name and nothing else: notes are few, so that half of the table may be lost.
    fn count_bare(&mut self) {
        let Bare { count, first } = std::mem::take(&mut self.bare);
        let kept = self.filled.last().map_or(0, |(rows, _)| *rows);
        // One in ten, and more than the notes of a short table.
        if let Some((column, cell, text)) = first
            && count > 3
            && count * 10 >= kept + count
        {
            let sheet = self.sheet();
            self.chunk.issues.push(Issue {
                column: self.compiled.layout.columns[column].name.clone(),
                sheet,
                cell,
                text: format!("{text}, and {} more rows", count - 1),
                code: IssueCode::RowsWithoutValues,
            });
        }
    }

    /// The error for a row that is the sum of all others of the sheet at hand.
    fn total_row(&self) -> Option<Contradiction> {
        let (rows, _) = self.filled.last()?;
        // Sums of another size than the numbers of a long file take time, and such a file is no table of a yearbook.
        if self.compiled.layout.keeps_totals || *rows > 20_000 || *rows != self.chunk.origins.len() {
            return None;
        }
        let sheet = self.sheet();
        let letter = |column: usize| {
            self.letters[column].iter().find(|(name, _)| *name == sheet).map(|(_, letter)| letter.as_str())
        };
        let columns: Vec<(usize, &[Option<f64>])> = self
            .chunk
            .columns
            .iter()
            .enumerate()
            .filter(|(column, _)| letter(*column).is_some())
            .filter_map(|(column, values)| match values {
                Packed::Float(values) => Some((column, values.as_slice())),
                _ => None,
            })
            .collect();
        let total = totals::find(&columns)?;
        let row = self.chunk.origins[total.row].row;
        Some(Contradiction::TotalRow {
            file: self.source.file.clone(),
            cell: self.places.cell(row, total.column, letter(total.column).unwrap_or_default()),
            row,
            column: self.compiled.layout.columns[total.column].name.clone(),
            value: total.value,
            sum: total.sum,
            hits: total.hits,
            sheet,
        })
    }

    /// Before rows are skipped: a formula that counts as missing must not take its row away unseen.
    fn count_uncalculated(&mut self, row: u32, cells: &[Cell]) {
        for (column, cell) in cells.iter().enumerate() {
            let (Cell::Formula(text), Binding::Cell { label, index }) = (cell, &self.bindings[column]) else {
                continue;
            };
            let place = || self.places.cell(row, *index, label);
            let sheet = self.sheets.last().cloned().unwrap_or_default();
            self.uncalculated[column]
                .get_or_insert_with(|| Uncalculated { sheet, cell: place(), text: text.to_string(), count: 0 })
                .count += 1;
        }
    }

    /// The error for a required column that has formulas without results and nothing else. A column of texts may do without, as
    /// long as there are rows.
    fn formulas_only(&self) -> Option<ReadError> {
        let columns = self.compiled.layout.columns.iter().zip(&self.uncalculated).enumerate();
        columns
            .filter(|(_, (rule, _))| !rule.optional && (rule.kind != ValueKind::Text || self.rows() == 0))
            .filter(|(column, _)| !self.filled.iter().any(|(_, filled)| filled[*column]))
            .find_map(|(_, (rule, found))| found.as_ref().map(|found| (rule, found)))
            .map(|(rule, first)| ReadError::FormulasOnly {
                file: self.source.file.clone(),
                sheet: first.sheet.clone(),
                cell: first.cell.clone(),
                column: rule.name.clone(),
                formula: shortened(&first.text),
                count: first.count,
            })
    }

    /// One issue for each required column and sheet where all rows lack its value: what a header row that was shifted
    /// against the rows below looks like.
    fn empty_columns(&self) -> Vec<Issue> {
        let mut issues = Vec::new();
        for (sheet, (_, filled)) in self.sheets.iter().zip(&self.filled).filter(|(_, (rows, _))| *rows > 0) {
            let columns = self.compiled.layout.columns.iter().zip(filled).zip(&self.letters);
            for ((rule, filled), letters) in columns.filter(|((rule, _), _)| !rule.optional) {
                let Some((_, letter)) = letters.iter().find(|(name, _)| name == sheet) else { continue };
                if !filled {
                    issues.push(Issue {
                        column: rule.name.clone(),
                        sheet: sheet.clone(),
                        cell: letter.clone(),
                        text: String::new(),
                        code: IssueCode::EmptyColumn,
                    });
                }
            }
        }
        issues
    }

    fn rows(&self) -> usize {
        self.filled.iter().map(|(rows, _)| rows).sum()
    }

    fn reading(&self) -> Reading<'a> {
        Reading {
            compiled: self.compiled,
            epoch_1904: self.epoch_1904,
            typed: matches!(self.places, Places::Sheet | Places::Observations | Places::Keys | Places::Rows),
        }
    }

    fn sheet(&self) -> String {
        self.sheets.last().cloned().unwrap_or_default()
    }

    fn skip(&mut self, row: u32, reason: String, text: &str) {
        let sheet = self.sheet();
        self.chunk.skipped.push(SkippedRow { sheet, row, reason, text: shortened(text) });
        self.skipped_count += 1;
        self.end_full_chunk();
    }

    fn reason_to_skip(&self, row: u32, cells: &[Cell]) -> Option<Skip> {
        let cell_of = |column: usize| match &self.bindings[column] {
            Binding::Cell { .. } => Cow::Borrowed(&cells[column]),
            Binding::Fixed { cell, .. } => Cow::Borrowed(cell),
            Binding::RowNumber => Cow::Owned(Cell::Integer(i64::from(row))),
            Binding::Absent => Cow::Owned(Cell::Empty),
        };
        let name = |column: usize| &self.compiled.layout.columns[column].name;
        let plain = |reason: String| Skip { reason, and_rest: false, only: None };
        self.compiled.skip.iter().find_map(|rule| match rule {
            CompiledSkip::Null { column } => {
                self.reading().is_missing(&cell_of(*column)).then(|| plain(format!("{} is missing", name(*column))))
            }
            CompiledSkip::Only { column } => {
                let index_of = |column: usize| match &self.bindings[column] {
                    Binding::Cell { index, .. } => Some(*index),
                    _ => None,
                };
                // The same cell may be read twice, and what fills down says nothing of this row.
                let blank = |other: usize| {
                    let own = index_of(other).filter(|own| Some(*own) != index_of(*column));
                    own.is_none() || self.compiled.layout.columns[other].fills_down || cells[other].is_blank()
                };
                let only = !cell_of(*column).is_blank() && (0..cells.len()).all(blank);
                only.then(|| Skip { only: Some(*column), ..plain(format!("only {} is filled", name(*column))) })
            }
            // A formula is not the text that would stand there.
            CompiledSkip::Matches { column, pattern, and_rest } => pattern
                .is_match(&match cell_of(*column).as_ref() {
                    Cell::Formula(_) => String::new(),
                    cell => normal::normalise(&cell.to_text()),
                })
                .then(|| Skip {
                    and_rest: *and_rest,
                    ..plain(format!("{} matches {}", name(*column), pattern.as_str()))
                }),
        })
    }

    /// `fixed`: the cell is the same for every row.
    fn parse(&mut self, column: usize, cell: &Cell, fixed: bool, place: impl FnOnce() -> String) -> Parsed {
        let rule = &self.compiled.layout.columns[column];
        let outcome = self
            .reading()
            .parse(cell, rule.kind)
            .and_then(|(parsed, code)| Some((self.adjusted(column, parsed)?, code)));
        // What a file name or the layout says is text in any case: that it was read as a number is no news.
        let (parsed, code) = match outcome {
            Some((parsed, None)) => return parsed,
            Some((parsed, Some(IssueCode::NumberAsText))) if fixed => return parsed,
            Some((parsed, Some(code))) => (parsed, code),
            None => (Parsed::Missing, IssueCode::Unparsable),
        };
        let (sheet, text) = (self.sheet(), cell.to_text().into_owned());
        if code == IssueCode::Unparsable {
            self.unreadable_count += 1;
            if self.unreadable.len() < LISTED {
                self.unreadable.push(Unreadable { column, sheet, cell: place(), text: shortened(&text) });
            }
        } else {
            let column = rule.name.clone();
            self.chunk.issues.push(Issue { column, sheet, cell: place(), text, code });
        }
        parsed
    }

    /// Scales, then adds; `None` if the result is no number any more.
    fn adjusted(&self, column: usize, parsed: Parsed) -> Option<Parsed> {
        let rule = &self.compiled.layout.columns[column];
        let factor = self.bindings.factors.get(column).copied().unwrap_or(1.0);
        let add = rule.add.unwrap_or(0);
        match parsed {
            Parsed::Int(value) => value.checked_add(add).map(Parsed::Int),
            Parsed::Float(value) => {
                debug_assert_eq!(rule.kind, ValueKind::Float);
                let mut value = value;
                if factor != 1.0 {
                    value = number::scaled(value, factor);
                }
                if add != 0 {
                    value += add as f64;
                }
                value.is_finite().then_some(Parsed::Float(value))
            }
            Parsed::Text(text) if text.len() >= chunk::LONGEST => None,
            other => Some(other),
        }
    }
}

/// Why a row is left out.
struct Skip {
    reason: String,
    and_rest: bool,
    /// The column that alone was filled.
    only: Option<usize>,
}

fn first_text(cells: &[Cell]) -> String {
    cells.iter().find(|cell| !cell.is_blank()).map(|cell| cell.to_text().into_owned()).unwrap_or_default()
}

fn empty_columns(compiled: &Compiled) -> Vec<Packed> {
    compiled.layout.columns.iter().map(|rule| Packed::empty(rule.kind)).collect()
}

impl Places {
    fn cell(self, row: u32, index: usize, label: &str) -> String {
        match self {
            Places::Sheet => format!("{label}{row}"),
            Places::Fields => format!("line {row}, field {}", index + 1),
            Places::Observations => format!("observation {row}, variable {label}"),
            Places::Keys => format!("line {row}, field `{label}`"),
            Places::Rows => format!("row {row}, column {label}"),
            Places::Whole => "the text".into(),
        }
    }
}

/// `C` if all sheets agree, else `2022!C, 2023!D`.
fn joined(letters: &[(String, String)]) -> String {
    let first = &letters[0].1;
    if letters.iter().all(|(_, letter)| letter == first) {
        return first.clone();
    }
    let each: Vec<String> = letters.iter().map(|(sheet, letter)| format!("{sheet}!{letter}")).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use crate::layout::{ColumnSource, Format, Layout, ValueKind, sample};
    use std::fs;

    #[test]
    fn a_year_in_a_file_name_is_no_number_stored_as_text() {
        let columns = vec![
            sample::column("year", ColumnSource::File("year".into()), ValueKind::Int),
            sample::field("reports", ValueKind::Int),
        ];
        let layout =
            Layout { file_pattern: Some(r"reports_(?<year>\d{4})".into()), ..sample::layout(Format::Jsonl, columns) };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reports_2013.jsonl");
        fs::write(&path, "{\"reports\": 3}\n{\"reports\": \"4\"}\n").unwrap();
        let extract = crate::layout::sample::members(&path, "reports_2013.jsonl", &layout).unwrap().remove(0).extract;
        // The text in the second line is worth a word; the name of the file is text anyway.
        let issues: Vec<&str> = extract.issues.iter().map(|issue| issue.column.as_str()).collect();
        assert_eq!(issues, ["reports"]);
    }
}
