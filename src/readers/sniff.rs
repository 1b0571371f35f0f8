//! What a file is by its bytes, whatever its name says. Used to open the right decoder and to say what stands there instead.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

/// The container a spreadsheet may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// xlsx, xlsb, ods.
    Zip,
    /// xls, and anything encrypted by Excel.
    Ole,
    /// Neither.
    Other,
}

/// Words of `describe` that others ask for.
pub(crate) const HTML: &str = "an HTML page";
pub(crate) const XML_2003: &str = "an XML spreadsheet of 2003";
pub(crate) const SPSS: &str = "an SPSS file";
const TEXT: &str = "plain text beginning ";

/// The sign that separates the fields of what looks like delimited text; `None` if it does not. Bytes alone: it is asked before
/// the encoding is known.
pub(crate) fn delimiter(head: &[u8]) -> Option<u8> {
    let marked = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if !marked && !describe(head).starts_with(TEXT) {
        return None;
    }
    let lines = head.split(|byte| *byte == b'\n').filter(|line| line.len() > 2).take(5);
    let counts = lines.map(|line| [b'\t', b',', b';'].map(|sign| line.iter().filter(|byte| **byte == sign).count()));
    let sums = counts.fold([0; 3], |sums, line| [0, 1, 2].map(|index| sums[index] + line[index]));
    // A tab separates wherever it stands; commas and semicolons may stand in prose.
    match sums {
        [tabs, ..] if tabs > 0 => Some(b'\t'),
        [_, 0, 0] => None,
        [_, commas, semicolons] => Some(if semicolons > commas { b';' } else { b',' }),
    }
}

/// Reads the first bytes of a file.
pub(crate) fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(4096).read_to_end(&mut head)?;
    Ok(head)
}

pub(crate) fn container(head: &[u8]) -> Container {
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Container::Zip
    } else if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        Container::Ole
    } else {
        Container::Other
    }
}

/// True if a zip file has its table of contents, which stands at its end.
pub(crate) fn has_zip_directory(file: &mut (impl Read + Seek)) -> io::Result<bool> {
    const END: &[u8] = b"PK\x05\x06";
    // The end record is 22 bytes and a comment of at most 65535.
    const REACH: u64 = 22 + 65_535;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(REACH)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    Ok(tail.windows(END.len()).any(|window| window == END))
}

/// What the bytes are, as a message says it.
pub(crate) fn describe(head: &[u8]) -> String {
    let start: String = String::from_utf8_lossy(&head[..head.len().min(1024)])
        .trim_start_matches('\u{feff}')
        .trim_start()
        .to_lowercase();
    let named: &[(&[u8], &str)] = &[
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a zip archive that holds no workbook"),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document that holds no workbook"),
        (b"Rar!", "a RAR archive"),
        (b"7z\xbc\xaf", "a 7z archive"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"\x89PNG", "a PNG picture"),
        (b"\xff\xd8\xff", "a JPEG picture"),
        (b"{\\rtf", "an RTF document"),
        (b"<stata_dta>", "a Stata file"),
        (b"PAR1", "a Parquet file"),
        (b"SQLite format 3", "an SQLite database"),
        (b"\xfd7zXZ\0", "an xz archive"),
        (b"\x28\xb5\x2f\xfd", "a zstd archive"),
        (b"$FL2", SPSS),
        (b"$FL3", SPSS),
    ];
    if let Some((_, name)) = named.iter().find(|(magic, _)| head.starts_with(magic)) {
        return (*name).to_string();
    }
    if start.starts_with("<!doctype html") || start.contains("<html") || start.starts_with("<table") {
        return HTML.into();
    }
    if start.starts_with("<?xml") {
        let spreadsheet = start.contains("urn:schemas-microsoft-com:office:spreadsheet");
        return if spreadsheet { XML_2003.into() } else { "an XML document".into() };
    }
    if head.contains(&0) {
        return "binary data of no known kind".into();
    }
    let line: String = start.lines().next().unwrap_or_default().chars().take(40).collect();
    format!("{TEXT}`{line}`")
}
