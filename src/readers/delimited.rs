//! Delimited text. The header is found by its words; below it every row must have as many fields as the header.
//! Decoding is in `encoding.rs`.

use std::borrow::Cow;

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
    reader: csv::Reader<encoding::DecodingReader>,
}

struct Record {
    line: u64,
    fields: StringRecord,
}

impl<'s> Records<'s> {
    fn new(source: &'s Source, compiled: &Compiled, text: encoding::DecodingReader) -> Records<'s> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(compiled.layout.delimiter)
            .terminator(Terminator::CRLF)
            .from_reader(text);
        Records { source, reader }
    }

    fn next(&mut self) -> Result<Option<Record>, ReadError> {
        let mut fields = StringRecord::new();
        let found = self
            .reader
            .read_record(&mut fields)
            .map_err(|error| ReadError::Csv { file: self.source.file.clone(), cause: error.to_string() })?;
        let line = fields.position().map_or(0, csv::Position::line);
        Ok(found.then_some(Record { line, fields }))
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
