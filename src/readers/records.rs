//! Text to records of fields, as RFC 4180 and spreadsheet programs write them: a record ends with its line, a field in quotes may
//! hold delimiters, line breaks and doubled quotes, and a quote inside a field without quotes is a character. Blank lines are no
//! records. Other readers prefer any parse to none, so that one quote too many joins the rest of a file into a single value
//! without a word; here a quote that is never closed and text after a closing quote are errors. Knows no header.

use encoding_rs::Encoding;

use crate::{decoded::Decoded, error::ReadError, source::Source};

/// The records of a file, one at a time.
pub(crate) struct Records<'s> {
    source: &'s Source,
    text: Decoded<'s>,
    scan: Scan,
}

/// The record at hand, and where the next one begins.
struct Scan {
    delimiter: u8,
    /// By byte, whether it ends a field without quotes.
    ends: [bool; 256],
    /// In the window.
    next: usize,
    next_line: u64,
    line: u64,
    fields: Vec<Field>,
    /// Fields with doubled quotes, without the second of each.
    unescaped: String,
}

#[derive(Clone, Copy)]
enum Field {
    InWindow { start: usize, end: usize },
    Unescaped { start: usize, end: usize },
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Record,
    End,
    /// The window ends first.
    More,
    /// The line where the quote stands.
    Unclosed(u64),
    TextAfterQuote {
        line: u64,
        opened: u64,
    },
}

impl<'s> Records<'s> {
    pub(crate) fn open(
        source: &'s Source,
        encoding: &'static Encoding,
        delimiter: u8,
    ) -> Result<Records<'s>, ReadError> {
        Ok(Records { source, text: Decoded::open(source, encoding)?, scan: Scan::new(delimiter) })
    }

    /// Goes to the next record. False: there is none.
    pub(crate) fn next(&mut self) -> Result<bool, ReadError> {
        loop {
            match self.scan.record(&self.text.window, self.text.has_ended()) {
                Found::Record => return Ok(true),
                Found::End => return Ok(false),
                Found::More => {
                    let read = std::mem::take(&mut self.scan.next);
                    self.text.more(read)?;
                }
                Found::Unclosed(line) => {
                    return Err(ReadError::UnclosedQuote { file: self.source.file.clone(), line });
                }
                Found::TextAfterQuote { line, opened } => {
                    return Err(ReadError::TextAfterQuote { file: self.source.file.clone(), line, opened });
                }
            }
        }
    }

    /// The line in which the record begins.
    pub(crate) fn line(&self) -> u64 {
        self.scan.line
    }

    /// The number of fields.
    pub(crate) fn len(&self) -> usize {
        self.scan.fields.len()
    }

    pub(crate) fn field(&self, index: usize) -> Option<&str> {
        self.scan.fields.get(index).map(|field| self.scan.text(&self.text.window, *field))
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        self.scan.fields.iter().map(|field| self.scan.text(&self.text.window, *field))
    }
}

impl Scan {
    fn new(delimiter: u8) -> Scan {
        let mut ends = [false; 256];
        for byte in [delimiter, b'\r', b'\n'] {
            ends[usize::from(byte)] = true;
        }
        Scan { delimiter, ends, next: 0, next_line: 1, line: 0, fields: Vec::new(), unescaped: String::new() }
    }

    fn text<'t>(&'t self, window: &'t str, field: Field) -> &'t str {
        match field {
            Field::InWindow { start, end } => &window[start..end],
            Field::Unescaped { start, end } => &self.unescaped[start..end],
        }
    }

    /// Finds the record that begins at `next` or after blank lines. `is_last`: nothing follows the window. Unless there is one,
    /// the same can be asked again with a longer window.
    fn record(&mut self, window: &str, is_last: bool) -> Found {
        let bytes = window.as_bytes();
        while let Some(byte @ (b'\r' | b'\n')) = bytes.get(self.next) {
            self.next_line += u64::from(*byte == b'\n');
            self.next += 1;
        }
        if self.next == bytes.len() {
            return if is_last { Found::End } else { Found::More };
        }
        self.fields.clear();
        self.unescaped.clear();
        let (mut at, mut line) = (self.next, self.next_line);
        loop {
            if bytes.get(at) == Some(&b'"') {
                match self.quoted(window, &mut at, &mut line, is_last) {
                    None => {}
                    Some(other) => return other,
                }
            } else {
                let start = at;
                while at < bytes.len() && !self.ends[usize::from(bytes[at])] {
                    at += 1;
                }
                self.fields.push(Field::InWindow { start, end: at });
            }
            match bytes.get(at) {
                None if !is_last => return Found::More,
                Some(byte) if *byte == self.delimiter => at += 1,
                // The end of the line is left to the next call, which counts it.
                _ => {
                    (self.line, self.next, self.next_line) = (self.next_line, at, line);
                    return Found::Record;
                }
            }
        }
    }

    /// Takes a field whose quote stands at `at`, up to what follows it. `None`: it was taken.
    fn quoted(&mut self, window: &str, at: &mut usize, line: &mut u64, is_last: bool) -> Option<Found> {
        let bytes = window.as_bytes();
        let opened = *line;
        let start = *at + 1;
        let (mut from, unescaped) = (start, self.unescaped.len());
        let close = loop {
            let Some(quote) = memchr::memchr(b'"', &bytes[from..]).map(|found| from + found) else {
                return Some(if is_last { Found::Unclosed(opened) } else { Found::More });
            };
            match bytes.get(quote + 1) {
                None if !is_last => return Some(Found::More),
                Some(b'"') => {
                    let begin = if self.unescaped.len() == unescaped { start } else { from };
                    self.unescaped.push_str(&window[begin..=quote]);
                    from = quote + 2;
                }
                _ => break quote,
            }
        };
        *line += bytes[start..close].iter().filter(|byte| **byte == b'\n').count() as u64;
        *at = close + 1;
        // Blanks after the quote do no harm.
        while let Some(b' ' | b'\t') = bytes.get(*at).filter(|byte| **byte != self.delimiter) {
            *at += 1;
        }
        if bytes.get(*at).is_some_and(|byte| !self.ends[usize::from(*byte)]) {
            return Some(Found::TextAfterQuote { line: *line, opened });
        }
        self.fields.push(if self.unescaped.len() == unescaped {
            Field::InWindow { start, end: close }
        } else {
            self.unescaped.push_str(&window[from..close]);
            Field::Unescaped { start: unescaped, end: self.unescaped.len() }
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records, or the fault in the way, read through windows that end after every `size` bytes or at the end of a character.
    fn records(text: &str, delimiter: u8, size: usize) -> (Vec<(u64, Vec<String>)>, Found) {
        let mut scan = Scan::new(delimiter);
        let (mut window, mut rest) = (String::new(), text);
        let mut records = Vec::new();
        loop {
            match scan.record(&window, rest.is_empty()) {
                Found::Record => {
                    let fields = scan.fields.iter().map(|field| scan.text(&window, *field).to_string());
                    records.push((scan.line, fields.collect()));
                }
                Found::More => {
                    window.drain(..std::mem::take(&mut scan.next));
                    let cut = (size..=rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
                    window.push_str(&rest[..cut]);
                    rest = &rest[cut..];
                }
                other => return (records, other),
            }
        }
    }

    /// The same by the csv crate.
    fn reference(text: &str, delimiter: u8) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).delimiter(delimiter).terminator(csv::Terminator::CRLF);
        let records = reader.from_reader(text.as_bytes()).into_records();
        records.map(|record| record.unwrap().iter().map(str::to_string).collect()).collect()
    }

    #[test]
    fn windows_of_any_size_give_the_same_records() {
        let text = "编号,\"名,\"\"称\"\"\"\r\n1,\"两\r\n行\",\r\n\r\n2,\"\" ,a\"b\n\r3,,\"完\"\t\n4";
        let expected: Vec<(u64, Vec<String>)> = vec![
            (1, vec!["编号".into(), "名,\"称\"".into()]),
            (2, vec!["1".into(), "两\r\n行".into(), String::new()]),
            (5, vec!["2".into(), String::new(), "a\"b".into()]),
            (6, vec!["3".into(), String::new(), "完".into()]),
            (7, vec!["4".into()]),
        ];
        for size in 1..=text.len() {
            assert_eq!(records(text, b',', size), (expected.clone(), Found::End), "windows of {size}");
        }
    }

    #[test]
    fn faults_are_found_in_windows_of_any_size_after_the_rows_above_them() {
        for (text, rows, fault) in [
            ("a,b\n1,\"x\n2,y\n", 1, Found::Unclosed(2)),
            ("a,b\n\n1,\"x\n\"y,2\n", 1, Found::TextAfterQuote { line: 4, opened: 3 }),
            ("a\n\"b\" c\n", 1, Found::TextAfterQuote { line: 2, opened: 2 }),
            ("\"a\"\"", 0, Found::Unclosed(1)),
        ] {
            for size in 1..=text.len() {
                let (found, end) = records(text, b',', size);
                assert_eq!((found.len(), &end), (rows, &fault), "{text:?} in windows of {size}");
            }
        }
    }

    /// All texts of up to six of these letters.
    #[test]
    fn records_are_those_of_the_csv_crate() {
        const LETTERS: [&str; 7] = ["a", "市", ",", "\"", "\n", "\r", " "];
        let mut whole = 0;
        for length in 0..=6_u32 {
            for code in 0..LETTERS.len().pow(length) {
                let text: String = (0..length).map(|place| LETTERS[code / LETTERS.len().pow(place) % 7]).collect();
                let (found, end) = records(&text, b',', 1 + code % 4);
                if end != Found::End {
                    continue;
                }
                // The crate keeps blanks after a closing quote, which is all that may differ.
                let trimmed = |rows: Vec<Vec<String>>| -> Vec<Vec<String>> {
                    let trim = |field: &String| field.trim_end_matches(' ').to_string();
                    rows.iter().map(|row| row.iter().map(trim).collect()).collect()
                };
                for (line, _) in &found {
                    assert!(*line <= 1 + text.matches('\n').count() as u64, "{text:?}");
                }
                let fields = found.into_iter().map(|(_, fields)| fields).collect();
                assert_eq!(trimmed(fields), trimmed(reference(&text, b',')), "{text:?}");
                whole += 1;
            }
        }
        assert!(whole > 50_000, "{whole} texts without a fault");
    }
}
