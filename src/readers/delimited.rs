//! Delimited text. The header is found by its words; below it every row must have as many fields as the header, and every
//! quote that opens a field must close it. Decoding is in `encoding.rs`.

use std::{
    borrow::Cow,
    collections::VecDeque,
    io::{self, Read},
};

use csv::{ReaderBuilder, StringRecord, Terminator};

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Ground},
    cell::Cell,
    encoding,
    error::ReadError,
    extract::Extract,
    header::{Header, Search, Texts},
    layout::{Compiled, HeaderRule},
    normal,
    source::Source,
};

pub(crate) fn read(source: &Source, compiled: &Compiled) -> Result<Extract, ReadError> {
    let encoding = encoding::decide(source, compiled)?;
    let mut records = Records::new(source, compiled, encoding::reader(source, encoding)?);
    let mut assembler = Assembler::new(compiled, source, Places::Fields)?;
    let header = find_header(source, compiled, &mut records)?;
    let mut pending = None;
    let width = match &header {
        Some((_, width)) => *width,
        None => {
            pending = records.next()?;
            pending.as_ref().map_or(0, |record| record.fields.len())
        }
    };
    let label = |index: usize| match &header {
        Some((header, _)) => header.text(index),
        None => (index + 1).to_string(),
    };
    let ground = Ground {
        source,
        sheet: "",
        header: header.as_ref().map(|(header, _)| header),
        fields: None,
        width: Some(width),
        label: &label,
    };
    let bindings = bind::bind(compiled, &ground)?;
    assembler.start_sheet("", bindings, false);
    let wanted = assembler.wanted();
    loop {
        let Some(record) = pending.take().map_or_else(|| records.next(), |record| Ok(Some(record)))? else {
            return assembler.finish(Some(encoding::label(encoding)));
        };
        if record.fields.len() != width {
            return Err(ReadError::FieldCount {
                file: source.file.clone(),
                line: record.line,
                expected: width,
                found: record.fields.len(),
            });
        }
        let cells: Vec<Cell> = wanted
            .iter()
            .map(|index| match index.and_then(|index| record.fields.get(index)) {
                Some(text) => Cell::Text(Cow::Borrowed(text)),
                None => Cell::Empty,
            })
            .collect();
        assembler.row(u32::try_from(record.line).unwrap_or(u32::MAX), &cells, || {
            record.fields.iter().find(|text| !normal::trim(text).is_empty()).unwrap_or_default().to_string()
        });
    }
}

struct Records<'s> {
    source: &'s Source,
    reader: csv::Reader<Watched<encoding::DecodingReader>>,
}

struct Record {
    line: u64,
    fields: StringRecord,
}

/// The text on its way to the csv reader. That reader prefers any parse to none, so that one quote too many joins the rest of
/// the file into a single value without a word; and its line numbers are those of the end of the row above.
struct Watched<R> {
    text: R,
    quotes: Quotes,
}

/// Follows the csv reader byte by byte, for what it does not tell.
struct Quotes {
    delimiter: u8,
    state: State,
    /// Bytes and lines so far.
    byte: u64,
    line: u64,
    /// Where the last quoted field opened.
    opened: Spot,
    /// Where the records begin that the csv reader has not handed out yet.
    starts: VecDeque<Spot>,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first byte of a record.
    Record,
    /// Before the first byte of a field.
    Field,
    /// In a field without quotes.
    Plain,
    Quoted,
    /// After a quote in a quoted field: it closes the field or is the first half of a doubled one.
    Closed,
    /// In blanks after the closing quote, which do no harm.
    Blanks,
}

#[derive(Debug, Clone, Copy)]
struct Spot {
    byte: u64,
    line: u64,
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Unclosed(Spot),
    TextAfterQuote { opened: Spot, text: Spot },
}

impl<'s> Records<'s> {
    fn new(source: &'s Source, compiled: &Compiled, text: encoding::DecodingReader) -> Records<'s> {
        let delimiter = compiled.layout.delimiter;
        Records { source, reader: watched(text, delimiter) }
    }

    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let mut fields = StringRecord::new();
        let found = self
            .reader
            .read_record(&mut fields)
            .map_err(|error| ReadError::Csv { file: self.source.file.clone(), cause: error.to_string() })?;
        let end = self.reader.position().byte();
        let quotes = &mut self.reader.get_mut().quotes;
        // The text is watched ahead of the record at hand: a fault further down must not hide one of the rows above it.
        match quotes.fault.filter(|fault| fault.byte() < end) {
            Some(Fault::Unclosed(opened)) => {
                return Err(ReadError::UnclosedQuote { file: self.source.file.clone(), line: opened.line });
            }
            Some(Fault::TextAfterQuote { opened, text }) => {
                return Err(ReadError::TextAfterQuote {
                    file: self.source.file.clone(),
                    line: text.line,
                    opened: opened.line,
                });
            }
            None => {}
        }
        let line = quotes.starts.pop_front().map_or(0, |start| start.line);
        Ok(found.then_some(Record { line, fields }))
    }
}

fn watched<R: Read>(text: R, delimiter: u8) -> csv::Reader<Watched<R>> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .terminator(Terminator::CRLF)
        .from_reader(Watched { text, quotes: Quotes::new(delimiter) })
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.text.read(buffer)?;
        for byte in &buffer[..count] {
            self.quotes.take(*byte);
        }
        if count == 0 && !buffer.is_empty() {
            self.quotes.end();
        }
        Ok(count)
    }
}

impl Quotes {
    fn new(delimiter: u8) -> Quotes {
        Quotes {
            delimiter,
            state: State::Record,
            byte: 0,
            line: 1,
            opened: Spot { byte: 0, line: 1 },
            starts: VecDeque::new(),
            fault: None,
        }
    }

    fn take(&mut self, byte: u8) {
        let here = Spot { byte: self.byte, line: self.line };
        let ends_line = matches!(byte, b'\r' | b'\n');
        if self.state == State::Record && !ends_line {
            self.starts.push_back(here);
        }
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::Closed,
            (State::Quoted, _) => State::Quoted,
            (State::Closed, b'"') => State::Quoted,
            _ if ends_line => State::Record,
            _ if byte == self.delimiter => State::Field,
            (State::Record | State::Field, b'"') => {
                self.opened = here;
                State::Quoted
            }
            (State::Closed | State::Blanks, b' ' | b'\t') => State::Blanks,
            (State::Closed | State::Blanks, _) => {
                self.fault.get_or_insert(Fault::TextAfterQuote { opened: self.opened, text: here });
                State::Plain
            }
            (State::Record | State::Field | State::Plain, _) => State::Plain,
        };
        self.byte += 1;
        self.line += u64::from(byte == b'\n');
    }

    fn end(&mut self) {
        if self.state == State::Quoted {
            self.fault.get_or_insert(Fault::Unclosed(self.opened));
        }
    }
}

impl Fault {
    fn byte(&self) -> u64 {
        match self {
            Fault::Unclosed(spot) | Fault::TextAfterQuote { text: spot, .. } => spot.byte,
        }
    }
}

/// The header and its width, with `records` left at the row below; `None` if the layout has none.
fn find_header(
    source: &Source,
    compiled: &Compiled,
    records: &mut Records,
) -> Result<Option<(Header, usize)>, ReadError> {
    let HeaderRule::Found { contains, rows } = &compiled.layout.header else {
        return Ok(None);
    };
    let mut search = Search::new(contains);
    while let Some(record) = records.next()? {
        let first = texts(&record.fields);
        if !search.offer(u32::try_from(record.line).unwrap_or(u32::MAX), &first) {
            continue;
        }
        let width = record.fields.len();
        let mut header_rows = vec![first];
        for _ in 1..*rows {
            if let Some(record) = records.next()? {
                header_rows.push(texts(&record.fields));
            }
        }
        return Ok(Some((Header::new(&header_rows), width)));
    }
    Err(search.failed(&source.file, ""))
}

fn texts(fields: &StringRecord) -> Texts {
    fields
        .iter()
        .enumerate()
        .filter(|(_, text)| !normal::trim(text).is_empty())
        .map(|(index, text)| (index, text.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::watched;
    use crate::{
        error::ReadError,
        extract::{Extract, Values},
        layout::{Format, ValueKind, sample},
    };
    use expect_test::{Expect, expect};

    fn read(text: &str) -> Result<Extract, ReadError> {
        let columns = vec![sample::field("id", ValueKind::Text), sample::field("note", ValueKind::Text)];
        sample::read("notes.csv", text.as_bytes(), &sample::layout(Format::Csv, columns))
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&sample::told(&read(text).unwrap_err()));
    }

    fn notes(text: &str) -> Vec<String> {
        let extract = read(text).unwrap();
        match &extract.columns[1].values {
            Values::Text(values) => values.iter().map(|value| value.clone().unwrap_or_default()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_an_error_at_the_line_where_it_opens() {
        check(
            "id,x,note\na,1,ok\nb,2,\"5' tall\nc,3,ok\n",
            expect![[r#"
            `notes.csv`, line 3: the quote that opens a field here is never closed
            --> notes.csv, line 3
            hint: if the quote belongs to the value, put the value into quotes and double each quote in it: `"5"" pipe"` reads as `5" pipe`; otherwise close the field with a quote"#]],
        );
        // In an inner column too, where the row would also have too few fields; whatever ends the lines.
        check(
            "id,x,note\r\na,1,ok\r\nb,\"2,tall\r\nc,3,ok\r\n",
            expect![[r#"
            `notes.csv`, line 3: the quote that opens a field here is never closed
            --> notes.csv, line 3
            hint: if the quote belongs to the value, put the value into quotes and double each quote in it: `"5"" pipe"` reads as `5" pipe`; otherwise close the field with a quote"#]],
        );
        // Blank lines and a quoted line break above count.
        check(
            "id,x,note\n\na,1,\"two\nlines\"\n\nb,2,\"",
            expect![[r#"
            `notes.csv`, line 6: the quote that opens a field here is never closed
            --> notes.csv, line 6
            hint: if the quote belongs to the value, put the value into quotes and double each quote in it: `"5"" pipe"` reads as `5" pipe`; otherwise close the field with a quote"#]],
        );
    }

    #[test]
    fn text_after_a_closing_quote_is_an_error() {
        check(
            "id,x,note\na,1,\"a\"b\n",
            expect![[r#"
            `notes.csv`, line 2: text follows the quote that closes a field
            --> notes.csv, line 2
            hint: if the quote belongs to the value, put the value into quotes and double each quote in it: `"5"" pipe"` reads as `5" pipe`; otherwise close the field with a quote"#]],
        );
        // The quote that opens line 2 swallows line 3 up to its first quote.
        check(
            "id,x,note\na,1,\"5' tall\nb,2,\"ok\"\n",
            expect![[r#"
            `notes.csv`, line 3: text follows the quote that closes the field opened in line 2
            --> notes.csv, line 3
            hint: if the quote belongs to the value, put the value into quotes and double each quote in it: `"5"" pipe"` reads as `5" pipe`; otherwise close the field with a quote"#]],
        );
        // A file longer than what is read ahead: the rows above are not to blame.
        let long: String = (0..5000).map(|row| format!("a{row},1,\"ok\"\n")).collect();
        check(
            &format!("id,x,note\n{long}b,2,\"a\"\"\"b\n"),
            expect![[r#"
            `notes.csv`, line 5002: text follows the quote that closes a field
            --> notes.csv, line 5002
            hint: if the quote belongs to the value, put the value into quotes and double each quote in it: `"5"" pipe"` reads as `5" pipe`; otherwise close the field with a quote"#]],
        );
    }

    #[test]
    fn a_row_that_is_too_short_is_told_before_a_wrong_quote_below_it() {
        let error = read("id,x,note\na,1\nb,2,\"a\"b\n").unwrap_err();
        assert!(matches!(error, ReadError::FieldCount { line: 2, .. }), "{error:?}");
    }

    #[test]
    fn quotes_that_mean_no_harm_are_read() {
        for (text, expected) in [
            ("id,x,note\na,1,\"two\nlines\"\nb,2,ok\n", &["two\nlines", "ok"][..]),
            ("id,x,note\r\na,1,\"two\r\nlines\"\r\nb,2,\"ok\"\r\n", &["two\r\nlines", "ok"]),
            ("id,x,note\na,1,\"say \"\"ah\"\"\"\nb,2,\"\"\nc,3,\"\"\"\"", &["say \"ah\"", "", "\""]),
            // A quote inside a field that does not begin with one is a letter like any other.
            ("id,x,note\na,1,5\" tall\nb,2,ok\n", &["5\" tall", "ok"]),
            ("id,x,note\na,1,\"ok\" \n\"b\"\t,2,\"a,b\"", &["ok", "a,b"]),
        ] {
            assert_eq!(notes(text), expected, "{text}");
        }
    }

    /// Every text of up to five of these letters.
    #[test]
    fn the_watch_and_the_csv_reader_agree_where_records_begin() {
        const LETTERS: &[u8] = b"a,\"\n\r ";
        for length in 0..=5 {
            for code in 0..LETTERS.len().pow(length) {
                let letter = |place: u32| LETTERS[code / LETTERS.len().pow(place) % LETTERS.len()];
                let text: Vec<u8> = (0..length).map(letter).collect();
                let mut reader = watched(text.as_slice(), b',');
                let mut record = csv::StringRecord::new();
                while reader.read_record(&mut record).unwrap() {
                    let start = reader.get_mut().quotes.starts.pop_front().expect("a start for each record");
                    let (above, below) = text.split_at(start.byte as usize);
                    assert_eq!(watched(below, b',').records().next().unwrap().unwrap(), record, "{text:?}");
                    let line = 1 + above.iter().filter(|byte| **byte == b'\n').count();
                    assert_eq!(start.line, line as u64, "{text:?}");
                }
                assert!(reader.get_ref().quotes.starts.is_empty(), "{text:?}");
            }
        }
    }

    #[test]
    fn rows_know_their_line() {
        for text in ["id,x,note\n\na,1,\"b\n\"\n\nc,2,d\n", "id,x,note\r\n\r\na,1,\"b\r\n\"\r\n\r\nc,2,d\r\n"] {
            let lines: Vec<u32> = read(text).unwrap().origins.iter().map(|origin| origin.row).collect();
            assert_eq!(lines, [3, 6], "{text:?}");
        }
    }
}
