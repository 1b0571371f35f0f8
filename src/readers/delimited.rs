//! Delimited text. The header is found by its words; below it every row must have as many fields as the header, and every
//! quote that opens a field must close it. Splitting into fields is in `records.rs`, decoding in `encoding.rs`.

use std::borrow::Cow;

use encoding_rs::Encoding;

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
    records::Records,
    source::Source,
};

pub(crate) fn read(source: &Source, compiled: &Compiled) -> Result<Extract, ReadError> {
    let encoding = encoding::expect(source, compiled)?;
    encoding::checked(source, compiled, read_as(source, compiled, encoding))
}

fn read_as(source: &Source, compiled: &Compiled, encoding: &'static Encoding) -> Result<Extract, ReadError> {
    let mut records = Records::open(source, encoding, compiled.layout.delimiter)?;
    let mut assembler = Assembler::new(compiled, source, Places::Fields)?;
    let header = find_header(source, compiled, &mut records)?;
    let (mut is_there, width) = match &header {
        Some((_, width)) => (false, *width),
        // The first row says how wide all are.
        None => (records.next()?, records.len()),
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
    if header.is_some() {
        is_there = records.next()?;
    }
    while is_there && !assembler.is_stopped() {
        if records.len() != width {
            return Err(ReadError::FieldCount {
                file: source.file.clone(),
                line: records.line(),
                expected: width,
                found: records.len(),
            });
        }
        let cells: Vec<Cell> = wanted
            .iter()
            .map(|index| match index.and_then(|index| records.field(index)) {
                Some(text) => Cell::Text(Cow::Borrowed(text)),
                None => Cell::Empty,
            })
            .collect();
        assembler.row(u32::try_from(records.line()).unwrap_or(u32::MAX), &cells, || {
            records.fields().find(|text| !normal::trim(text).is_empty()).unwrap_or_default().to_string()
        });
        is_there = records.next()?;
    }
    assembler.finish(Some(encoding::label(encoding)))
}

/// The header and its width, with `records` left at its last row; `None` if the layout has none.
fn find_header(
    source: &Source,
    compiled: &Compiled,
    records: &mut Records,
) -> Result<Option<(Header, usize)>, ReadError> {
    let HeaderRule::Found { contains, rows } = &compiled.layout.header else {
        return Ok(None);
    };
    let mut search = Search::new(contains);
    while records.next()? {
        let first = texts(records);
        if !search.offer(u32::try_from(records.line()).unwrap_or(u32::MAX), &first) {
            continue;
        }
        let width = records.len();
        let mut header_rows = vec![first];
        for _ in 1..*rows {
            if records.next()? {
                header_rows.push(texts(records));
            }
        }
        return Ok(Some((Header::new(&header_rows), width)));
    }
    Err(search.failed(&source.file, ""))
}

fn texts(records: &Records) -> Texts {
    let texts = records.fields().enumerate().filter(|(_, text)| !normal::trim(text).is_empty());
    texts.map(|(index, text)| (index, text.to_string())).collect()
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn rows_know_their_line() {
        for text in ["id,x,note\n\na,1,\"b\n\"\n\nc,2,d\n", "id,x,note\r\n\r\na,1,\"b\r\n\"\r\n\r\nc,2,d\r\n"] {
            let lines: Vec<u32> = read(text).unwrap().origins.iter().map(|origin| origin.row).collect();
            assert_eq!(lines, [3, 6], "{text:?}");
        }
    }

    /// Characters, line ends and quotes stand at every place of the borders between what is read at once.
    #[test]
    fn where_the_bytes_are_cut_does_not_matter() {
        let row = "甲,1,\"市,\r\n\"\"城\"\" 二\"\r\n";
        let rows = 80_000;
        for encoding in [encoding_rs::GB18030, encoding_rs::UTF_8, encoding_rs::UTF_16LE] {
            let mark = encoding == encoding_rs::UTF_16LE;
            for shift in 0..20 {
                let mut text = format!("id,x,note\r\n{},1,\"\"\r\n", "x".repeat(shift));
                text.push_str(&row.repeat(rows));
                text.push_str("乙,2,末");
                let bytes: Vec<u8> = if mark {
                    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
                } else {
                    encoding.encode(&text).0.into_owned()
                };
                let columns = vec![sample::field("id", ValueKind::Text), sample::field("note", ValueKind::Text)];
                let mut layout = sample::layout(Format::Csv, columns);
                layout.encoding = crate::layout::Encoding::Named(encoding.name().into());
                let extract = sample::read("notes.csv", &bytes, &layout).unwrap();
                let Values::Text(notes) = &extract.columns[1].values else { panic!("texts") };
                let skipped = usize::from(shift == 0);
                assert_eq!(notes.len() + skipped, rows + 2);
                let same =
                    notes[1 - skipped..=rows - skipped].iter().all(|note| note.as_deref() == Some("市,\r\n\"城\" 二"));
                assert!(same, "{} shifted by {shift}", encoding.name());
                assert_eq!(notes.last().unwrap().as_deref(), Some("末"));
                assert_eq!(extract.origins.last().unwrap().row, 2 * rows as u32 + 3);
            }
        }
    }

    #[test]
    fn a_byte_that_is_wrong_far_down_is_an_error_with_its_line_whatever_stands_above() {
        let mut bytes = b"id,x,note\na,1,b\n".to_vec();
        bytes.extend(b"a,1,b\n".repeat(200_000));
        bytes.extend(b"a,1,\xff\n");
        let columns = vec![sample::field("id", ValueKind::Text), sample::field("note", ValueKind::Text)];
        let layout = sample::layout(Format::Csv, columns);
        let error = sample::read("notes.csv", &bytes, &layout).unwrap_err();
        assert!(matches!(error, ReadError::InvalidEncoding { line: 200_003, .. }), "{error:?}");
        // A row that is too short stands above, and is due to the wrong encoding as well as not.
        drop(bytes.splice(10..10, b"short\n".iter().copied()));
        let error = sample::read("notes.csv", &bytes, &layout).unwrap_err();
        assert!(matches!(error, ReadError::InvalidEncoding { line: 200_004, .. }), "{error:?}");
    }
}
