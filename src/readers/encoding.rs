//! The encoding of a text file: declared or detected, checked over the whole file, then decoded in a stream.
//! The only file that names chardetng. Knows neither fields nor rows.

use std::{
    fs::File,
    io::{self, Read},
};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, CoderResult, Decoder, DecoderResult, EUC_JP, EUC_KR, Encoding, GB18030, SHIFT_JIS, UTF_8};

use crate::{
    error::{ReadError, shortened},
    layout::Compiled,
    source::Source,
};

const CHUNK: usize = 64 * 1024;

/// Bytes of a decoded text at most.
const BLOCK: usize = 512 * 1024;

/// The encoding that every byte of the file is valid in. A byte order mark wins over what was declared: it cannot be there
/// by accident.
pub(crate) fn decide(source: &Source, compiled: &Compiled) -> Result<&'static Encoding, ReadError> {
    let failed = |error: io::Error| source.open_error(error);
    let mark = byte_order_mark(source).map_err(failed)?;
    let encoding = match (mark, compiled.encoding) {
        // Declared UTF-8 with the mark of another encoding is a contradiction to be told, not to be settled.
        (Some(marked), Some(declared)) if declared == UTF_8 && marked != UTF_8 => declared,
        (Some(marked), _) => marked,
        (None, Some(declared)) => declared,
        (None, None) => detect(source).map_err(failed)?,
    };
    let Some(wrong) = first_wrong(source, encoding).map_err(failed)? else {
        return Ok(encoding);
    };
    if compiled.encoding.is_none() && mark.is_none() {
        return Err(ReadError::UndetectedEncoding { file: source.file.clone() });
    }
    let mut fits = None;
    for candidate in mark.into_iter().chain([UTF_8, GB18030]).filter(|other| *other != encoding) {
        if first_wrong(source, candidate).map_err(failed)?.is_none() {
            let line = first_line(source, candidate).map_err(failed)?;
            fits = Some((label(candidate), line));
            break;
        }
    }
    Err(ReadError::InvalidEncoding {
        file: source.file.clone(),
        encoding: label(encoding),
        offset: wrong.offset,
        line: wrong.line,
        fits,
    })
}

/// Fewer characters beyond ASCII than this are little to tell encodings apart by: most of them read any two bytes as some
/// character.
const CLEAR: usize = 50;

/// What speaks against an encoding that was detected, as a sentence; `None` if nothing does.
pub(crate) fn doubt(source: &Source, found: &str) -> Result<Option<String>, ReadError> {
    let failed = |error: io::Error| source.open_error(error);
    let Some(encoding) = Encoding::for_label(found.as_bytes()).filter(|found| *found != UTF_8) else { return Ok(None) };
    if byte_order_mark(source).map_err(failed)?.is_some() {
        return Ok(None);
    }
    let mut sample = vec![0; 4 * CHUNK];
    let length = File::open(&source.path).and_then(|mut file| read_full(&mut file, &mut sample)).map_err(failed)?;
    sample.truncate(length);
    if encoding.is_single_byte() {
        return Ok(Some(format!("taken as {}, which reads any text", label(encoding))));
    }
    let (text, _) = encoding.decode_without_bom_handling(&sample);
    let count = text.chars().filter(|character| !character.is_ascii()).count();
    let others: Vec<String> = [GB18030, BIG5, EUC_JP, EUC_KR, SHIFT_JIS]
        .into_iter()
        .filter(|other| *other != encoding && !other.decode_without_bom_handling(&sample).1)
        .map(label)
        .collect();
    if count >= CLEAR || others.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "taken as {}, from only {count} characters beyond ASCII; {} would read them too",
        label(encoding),
        others.join(", ")
    )))
}

/// The encoding of a file about which nobody has said anything.
pub(crate) fn detected(source: &Source) -> Result<&'static Encoding, ReadError> {
    let failed = |error: io::Error| source.open_error(error);
    let encoding = match byte_order_mark(source).map_err(failed)? {
        Some(marked) => marked,
        None => detect(source).map_err(failed)?,
    };
    match first_wrong(source, encoding).map_err(failed)? {
        None => Ok(encoding),
        Some(_) => Err(ReadError::UndetectedEncoding { file: source.file.clone() }),
    }
}

/// The name of an encoding as a layout writes it.
pub(crate) fn label(encoding: &'static Encoding) -> String {
    encoding.name().to_lowercase()
}

/// The encoding that the start of the file or the layout names, without looking at the rest; `decide` where neither does.
/// Reading the text then ends with an error at the first byte that is not valid.
pub(crate) fn expect(source: &Source, compiled: &Compiled) -> Result<&'static Encoding, ReadError> {
    match (byte_order_mark(source).map_err(|error| source.open_error(error))?, compiled.encoding) {
        (None, Some(declared)) => Ok(declared),
        _ => decide(source, compiled),
    }
}

/// What was read in the encoding that was expected. Of an error, a wrong encoding is the first cause: it is looked for in the
/// whole file.
pub(crate) fn checked<T>(source: &Source, compiled: &Compiled, read: Result<T, ReadError>) -> Result<T, ReadError> {
    read.or_else(|error| decide(source, compiled).and(Err(error)))
}

/// The file as UTF-8 without byte order mark.
pub(crate) fn reader(source: &Source, encoding: &'static Encoding) -> Result<DecodingReader, ReadError> {
    Ok(DecodingReader { blocks: blocks(source, encoding)?, block: String::new(), start: 0 })
}

/// The same as texts of some length.
pub(crate) fn blocks(source: &Source, encoding: &'static Encoding) -> Result<Blocks, ReadError> {
    Blocks::open(source, encoding).map_err(|error| source.open_error(error))
}

/// Decodes while it is read.
pub(crate) struct DecodingReader {
    blocks: Blocks,
    block: String,
    start: usize,
}

/// Decodes some bytes after the other.
pub(crate) struct Blocks {
    file: File,
    decoder: Decoder,
    input: Vec<u8>,
    input_start: usize,
    file_ended: bool,
    done: bool,
}

impl Blocks {
    fn open(source: &Source, encoding: &'static Encoding) -> io::Result<Blocks> {
        Ok(Blocks {
            file: File::open(&source.path)?,
            decoder: encoding.new_decoder_with_bom_removal(),
            input: Vec::new(),
            input_start: 0,
            file_ended: false,
            done: false,
        })
    }

    /// The next text, which is not empty; `None` at the end of the file.
    pub(crate) fn next_block(&mut self) -> io::Result<Option<String>> {
        let mut block = String::with_capacity(BLOCK);
        while !self.done {
            if self.input_start == self.input.len() && !self.file_ended {
                self.input.resize(CHUNK, 0);
                let read = read_full(&mut self.file, &mut self.input)?;
                self.input.truncate(read);
                self.input_start = 0;
                self.file_ended = read < CHUNK;
            }
            let (result, read) = self.decoder.decode_to_string_without_replacement(
                &self.input[self.input_start..],
                &mut block,
                self.file_ended,
            );
            self.input_start += read;
            match result {
                DecoderResult::InputEmpty => self.done = self.file_ended,
                DecoderResult::OutputFull => break,
                DecoderResult::Malformed(..) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "the file changed while it was read"));
                }
            }
        }
        Ok((!block.is_empty()).then_some(block))
    }
}

impl Read for DecodingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.start == self.block.len() {
            self.block = self.blocks.next_block()?.unwrap_or_default();
            self.start = 0;
        }
        let pending = &self.block.as_bytes()[self.start..];
        let count = pending.len().min(buffer.len());
        buffer[..count].copy_from_slice(&pending[..count]);
        self.start += count;
        Ok(count)
    }
}

struct Wrong {
    offset: u64,
    line: u64,
}

/// The first byte that is not valid in `encoding`, read from start to end.
fn first_wrong(source: &Source, encoding: &'static Encoding) -> io::Result<Option<Wrong>> {
    let mut file = File::open(&source.path)?;
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let (mut input, mut output) = (vec![0; CHUNK], vec![0; CHUNK]);
    let (mut offset, mut line) = (0, 1);
    loop {
        let length = read_full(&mut file, &mut input)?;
        let last = length < CHUNK;
        let mut start = 0;
        loop {
            let (result, read, written) =
                decoder.decode_to_utf8_without_replacement(&input[start..length], &mut output, last);
            start += read;
            offset += read as u64;
            line += output[..written].iter().filter(|byte| **byte == b'\n').count() as u64;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(wrong, after) => {
                    let back = u64::from(wrong) + u64::from(after);
                    return Ok(Some(Wrong { offset: offset.saturating_sub(back), line }));
                }
            }
        }
        if last {
            return Ok(None);
        }
    }
}

fn first_line(source: &Source, encoding: &'static Encoding) -> io::Result<String> {
    let mut input = vec![0; 4096];
    let length = read_full(&mut File::open(&source.path)?, &mut input)?;
    let mut text = String::with_capacity(8192);
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let (_result, ..): (CoderResult, _, _) = decoder.decode_to_string(&input[..length], &mut text, false);
    Ok(shortened(text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default()))
}

fn byte_order_mark(source: &Source) -> io::Result<Option<&'static Encoding>> {
    let mut start = [0; 4];
    let length = read_full(&mut File::open(&source.path)?, &mut start)?;
    Ok(Encoding::for_bom(&start[..length]).map(|(encoding, _)| encoding))
}

/// Valid UTF-8 is UTF-8; the guess is for the rest only.
fn detect(source: &Source) -> io::Result<&'static Encoding> {
    if first_wrong(source, UTF_8)?.is_none() {
        return Ok(UTF_8);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    let mut file = File::open(&source.path)?;
    let mut input = vec![0; CHUNK];
    loop {
        let length = read_full(&mut file, &mut input)?;
        let last = length < CHUNK;
        detector.feed(&input[..length], last);
        if last {
            break;
        }
    }
    let guess = detector.guess(None, Utf8Detection::Deny);
    // GB18030 contains GBK, and files of the one often hold a few characters of the other.
    Ok(if guess == encoding_rs::GBK { GB18030 } else { guess })
}

/// Fills the buffer unless the file ends before.
fn read_full(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
