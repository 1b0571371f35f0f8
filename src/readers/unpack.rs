//! Files within files: zip archives with their members, and files compressed with gzip, zstd or xz. What comes out goes to a
//! folder of the caller under a name of our own, so that no name within an archive ever becomes a path. Sizes are bounded.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use encoding_rs::GB18030;
use zip::ZipArchive;

use crate::{
    error::ReadError,
    guard,
    layout::{Format, Layout},
    sniff::{self, Container},
};

/// So much may come out of any file, however small.
const ALWAYS: u64 = 256 << 20;
/// Beyond that, so many times the size of the file. Tables shrink to a fifth or a twentieth.
const TIMES: u64 = 250;
/// A file within a file within a file.
const DEPTH: usize = 3;
/// The memory that an xz file may ask for, in KiB: the largest of its presets wants 65 MiB.
const XZ_MEMORY: u32 = 256 << 10;

/// Names by which a compressed file may end.
pub(crate) const COMPRESSED: [&str; 3] = ["gz", "xz", "zst"];

/// A file ready to be read, and its name: `name` within `archive` if it is a member of one.
pub(crate) struct Plain<'p> {
    pub(crate) path: &'p Path,
    pub(crate) shown: &'p str,
    /// The part of `shown` behind the archive's `!`.
    pub(crate) member: Option<&'p str>,
}

/// How much may come out of `bytes`.
pub(crate) fn allowance(bytes: u64) -> u64 {
    bytes.saturating_mul(TIMES).max(ALWAYS)
}

/// Gives `take` the file, or what is in it, one after the other.
pub(crate) fn each(
    path: &Path,
    shown: &str,
    layout: &Layout,
    scratch: &Path,
    take: &mut dyn FnMut(&Plain) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    inside(&Plain { path, shown, member: None }, layout, scratch, 0, take)
}

fn inside(
    file: &Plain,
    layout: &Layout,
    scratch: &Path,
    depth: usize,
    take: &mut dyn FnMut(&Plain) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let opened = |source: io::Error| ReadError::Open { file: file.shown.to_string(), source };
    let head = match file.path.is_file() {
        true => sniff::head(file.path).map_err(opened)?,
        false => Vec::new(),
    };
    let compression = Compression::of(&head);
    let archive = compression.is_none() && sniff::container(&head) == Container::Zip;
    if compression.is_none() && !archive {
        return take(file);
    }
    if depth == DEPTH {
        return Err(broken(file.shown, "it holds a file within a file within a file".into()));
    }
    let place = scratch.join(format!("unpacked-{depth}"));
    if let Some(compression) = compression {
        let bytes = file.path.metadata().map_err(opened)?.len();
        guard::guarded(file.shown, || {
            let mut reader = compression.reader(File::open(file.path).map_err(opened)?).map_err(opened)?;
            copy(&mut reader, &place, allowance(bytes), file.shown)
        })?;
        return inside(&Plain { path: &place, ..*file }, layout, scratch, depth + 1, take);
    }
    if !File::open(file.path).and_then(|mut file| sniff::has_zip_directory(&mut file)).map_err(opened)? {
        return match layout.format {
            Format::Spreadsheet => take(file),
            _ => Err(broken(file.shown, "it is cut off: the table of contents at its end is missing".into())),
        };
    }
    let mut archive = guard::guarded(file.shown, || Archive::open(file))?;
    if archive.is_workbook() {
        return take(file);
    }
    for (index, name) in archive.choose(layout)? {
        let shown = format!("{}!{name}", file.shown);
        guard::guarded(&shown, || archive.extract(index, &place, &shown))?;
        let member = file.member.map_or_else(|| name.clone(), |outer| format!("{outer}!{name}"));
        let plain = Plain { path: &place, shown: &shown, member: Some(&member) };
        inside(&plain, layout, scratch, depth + 1, take)?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    Gzip,
    Xz,
    Zstd,
}

impl Compression {
    fn of(head: &[u8]) -> Option<Compression> {
        let magics: [(&[u8], Compression); 3] = [
            (b"\x1f\x8b\x08", Compression::Gzip),
            (b"\xfd7zXZ\0", Compression::Xz),
            (b"\x28\xb5\x2f\xfd", Compression::Zstd),
        ];
        magics.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, compression)| *compression)
    }

    fn reader(self, file: File) -> io::Result<Box<dyn Read>> {
        let file = BufReader::new(file);
        Ok(match self {
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            Compression::Xz => Box::new(lzma_rust2::XzReader::new_mem_limit(file, true, XZ_MEMORY)),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(file)?;
                // 128 MiB, what `zstd --long` writes.
                decoder.window_log_max(27)?;
                Box::new(decoder)
            }
        })
    }
}

struct Archive<'f> {
    file: &'f Plain<'f>,
    bytes: u64,
    zip: ZipArchive<BufReader<File>>,
    /// Names by their place; folders have none.
    names: Vec<Option<String>>,
}

impl<'f> Archive<'f> {
    fn open(file: &'f Plain<'f>) -> Result<Archive<'f>, ReadError> {
        let failed = |cause: String| broken(file.shown, cause);
        let opened = |source: io::Error| ReadError::Open { file: file.shown.to_string(), source };
        let reader = File::open(file.path).map_err(opened)?;
        let bytes = reader.metadata().map_err(opened)?.len();
        let mut zip = ZipArchive::new(BufReader::new(reader)).map_err(|error| failed(error.to_string()))?;
        let mut names = Vec::new();
        for index in 0..zip.len() {
            let member = zip.by_index_raw(index).map_err(|error| failed(error.to_string()))?;
            names.push((!member.is_dir()).then(|| decoded(member.name_raw())));
        }
        Ok(Archive { file, bytes, zip, names })
    }

    /// xlsx, xlsb and ods are archives too.
    fn is_workbook(&self) -> bool {
        let has = |wanted: &str| self.names.iter().flatten().any(|name| name == wanted);
        has("[Content_Types].xml") || has("xl/workbook.xml") || (has("mimetype") && has("content.xml"))
    }

    /// The members that the layout asks for, by name.
    fn choose(&self, layout: &Layout) -> Result<Vec<(usize, String)>, ReadError> {
        let mut known: Vec<(usize, String)> = self.names.iter().cloned().enumerate().filter_map(named).collect();
        known.retain(|(_, name)| !is_rubbish(name));
        known.sort_by(|one, other| one.1.cmp(&other.1));
        let names = || known.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
        let none = |wanted: String| ReadError::NoMember { file: self.file.shown.to_string(), wanted, known: names() };
        let mut chosen: Vec<(usize, String)> = Vec::new();
        if layout.members.is_empty() {
            let endings = endings(layout.format);
            chosen.extend(known.iter().filter(|(_, name)| ends_with(name, endings)).cloned());
            if chosen.is_empty() {
                return Err(none(endings.iter().map(|ending| format!("*.{ending}")).collect::<Vec<_>>().join(", ")));
            }
        } else {
            let mut wanted: BTreeSet<usize> = BTreeSet::new();
            for text in &layout.members {
                let pattern = glob::Pattern::new(text).ok();
                // Without a slash it is about the last part of the name.
                let part = |name: &str| if text.contains('/') { name.to_string() } else { base(name).to_string() };
                let fits = |name: &str| {
                    let part = part(name);
                    part == *text || pattern.as_ref().is_some_and(|pattern| pattern.matches(&part))
                };
                let hits: Vec<usize> = known.iter().filter(|(_, name)| fits(name)).map(|(index, _)| *index).collect();
                if hits.is_empty() {
                    return Err(none(text.clone()));
                }
                wanted.extend(hits);
            }
            chosen.extend(known.iter().filter(|(index, _)| wanted.contains(index)).cloned());
        }
        for (_, name) in &chosen {
            if name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..") {
                return Err(broken(self.file.shown, format!("its member `{name}` points out of the archive")));
            }
        }
        if let Some(pair) = chosen.windows(2).find(|pair| pair[0].1 == pair[1].1) {
            return Err(broken(self.file.shown, format!("it holds `{}` twice", pair[0].1)));
        }
        Ok(chosen)
    }

    fn extract(&mut self, index: usize, place: &Path, shown: &str) -> Result<(), ReadError> {
        let bytes = self.bytes;
        let raw = self.zip.by_index_raw(index).map_err(|error| broken(shown, error.to_string()))?;
        if raw.encrypted() {
            return Err(ReadError::Encrypted { file: shown.to_string() });
        }
        let limit = allowance(raw.compressed_size().min(bytes));
        drop(raw);
        let mut member = self.zip.by_index(index).map_err(|error| broken(shown, error.to_string()))?;
        copy(&mut member, place, limit, shown)
    }
}

fn named((index, name): (usize, Option<String>)) -> Option<(usize, String)> {
    Some((index, name?))
}

/// Writes what `reader` gives, unless it is more than `limit`.
fn copy(reader: &mut dyn Read, place: &Path, limit: u64, shown: &str) -> Result<(), ReadError> {
    let failed = |error: io::Error| broken(shown, format!("its content cannot be unpacked: {error}"));
    let written = |source: io::Error| ReadError::Open { file: place.display().to_string(), source };
    let mut file = BufWriter::new(File::create(place).map_err(written)?);
    let mut buffer = vec![0; 64 << 10];
    let mut total: u64 = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        total += count as u64;
        if total > limit {
            return Err(ReadError::TooLarge {
                file: shown.to_string(),
                cause: format!("it unpacks to more than {} MB", limit >> 20),
            });
        }
        file.write_all(&buffer[..count]).map_err(written)?;
    }
    file.flush().map_err(written)
}

/// The endings of the files of a format.
fn endings(format: Format) -> &'static [&'static str] {
    match format {
        Format::Csv => &["csv", "dat", "tab", "tsv", "txt"],
        Format::Dta => &["dta"],
        Format::Jsonl => &["json", "jsonl", "ndjson"],
        Format::Parquet => &["parquet", "pq"],
        Format::Spreadsheet => &["ods", "xls", "xlsb", "xlsm", "xlsx"],
        Format::Text => &["md", "text", "txt"],
    }
}

fn ends_with(name: &str, endings: &[&str]) -> bool {
    let lower = base(name).to_lowercase();
    let plain = COMPRESSED
        .iter()
        .find_map(|ending| lower.strip_suffix(ending).and_then(|name| name.strip_suffix('.')))
        .unwrap_or(&lower);
    plain.rsplit_once('.').is_some_and(|(_, ending)| endings.contains(&ending))
}

/// What Macs and open Office programs leave behind.
fn is_rubbish(name: &str) -> bool {
    name.starts_with("__MACOSX/") || base(name).starts_with('.') || base(name).starts_with("~$")
}

fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// Names should be UTF-8 or say that they are not; Chinese Windows writes GBK and says nothing.
fn decoded(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(text) => text.to_string(),
        Err(_) => GB18030.decode_without_bom_handling(raw).0.into_owned(),
    }
}

fn broken(file: &str, cause: String) -> ReadError {
    ReadError::Archive { file: file.to_string(), cause }
}
