//! The parts of an archive, changed one by one and put together with right checksums, so that changes reach the decoders of xlsx, xlsb,
//! and ods. An input is parts one after the other, each behind a line of `SPLIT` and its name; `seeds.py` makes them of workbooks.
#![no_main]

use libfuzzer_sys::fuzz_target;
use readers::layout::Format;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;

const SPLIT: &[u8] = b"\n=====PART ";

fuzz_target!(init: reader_fuzz::calm(), |bytes: &[u8]| {
    if let Some(archive) = archive(bytes) {
        reader_fuzz::read("input.xlsx", &archive, Format::Spreadsheet);
    }
});

fn archive(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut rest = bytes.strip_prefix(SPLIT)?;
    loop {
        let end = rest.windows(SPLIT.len()).position(|window| window == SPLIT);
        let part = &rest[..end.unwrap_or(rest.len())];
        let line = part.iter().position(|byte| *byte == b'\n')?;
        writer.start_file(String::from_utf8_lossy(&part[..line]), stored).ok()?;
        writer.write_all(&part[line + 1..]).ok()?;
        match end {
            Some(end) => rest = &rest[end + SPLIT.len()..],
            None => break,
        }
    }
    writer.finish().ok().map(Cursor::into_inner)
}
