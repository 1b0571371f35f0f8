//! The file at hand: its path, the name that messages use, and what its name says. Reads no content.

use std::{fs, path::PathBuf, sync::mpsc::SyncSender};

use crate::{
    chunk::Chunk,
    error::ReadError,
    layout::Compiled,
    unpack::{COMPRESSED, Plain},
};

/// A file that exists and is not empty.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// The path as the user knows it.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    /// The last part of the name in lower case, without that of a compression: `csv` of `A.CSV.gz`.
    pub(crate) ending: String,
    /// Who takes the rows as they are read; else they are all in the extract.
    pub(crate) chunks: Option<SyncSender<Chunk>>,
    stem: String,
    groups: Vec<(String, String)>,
}

impl Source {
    pub(crate) fn open(plain: &Plain, compiled: &Compiled) -> Result<Source, ReadError> {
        let Plain { path, shown: shown_as, member } = *plain;
        let file = shown_as.to_string();
        let bytes = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(source) => return Err(ReadError::Open { file, source }),
        };
        if bytes == 0 {
            return Err(ReadError::Empty { file });
        }
        // The stem is the user's name for the file: `path` may be a link into a cache.
        let whole = member.map_or_else(
            || shown_as.to_string(),
            |member| format!("{}/{}", &shown_as[..shown_as.len() - member.len() - 1], member.replace(['!', '\\'], "/")),
        );
        let (stem, ending) = parts(whole.rsplit('/').next().unwrap_or_default());
        let folders = whole.rsplit_once('/').map_or("", |(folders, _)| folders);
        let (stem, ending) = (stem.to_string(), ending.to_lowercase());
        let mut groups = Vec::new();
        if let Some(pattern) = &compiled.file_pattern {
            let written = compiled.layout.file_pattern.clone().unwrap_or_default();
            let path = format!("{folders}/{stem}");
            let name = match written.contains('/') {
                // The fewest of the last parts that fit.
                true => tails(&path).find(|tail| pattern.is_match(tail)).unwrap_or_default(),
                false => &stem,
            };
            let Some(captures) = pattern.captures(name) else {
                return Err(ReadError::FileName { file, pattern: written });
            };
            for name in pattern.capture_names().flatten() {
                let text = captures.name(name).map_or("", |found| found.as_str());
                groups.push((name.to_string(), text.to_string()));
            }
        }
        Ok(Source { path: path.to_path_buf(), file, bytes, chunks: None, ending, stem, groups })
    }

    /// What a group of `file_pattern` matched; `stem` is the whole name unless the pattern has such a group.
    pub(crate) fn group(&self, name: &str) -> &str {
        match self.groups.iter().find(|(group, _)| group == name) {
            Some((_, text)) => text,
            None if name == "stem" => &self.stem,
            None => "",
        }
    }

    /// All groups of `file_pattern` with what they matched.
    pub(crate) fn groups(&self) -> &[(String, String)] {
        &self.groups
    }

    /// The same as a whole number.
    pub(crate) fn group_number(&self, name: &str) -> Result<i64, ReadError> {
        let text = self.group(name);
        text.parse().map_err(|_| ReadError::GroupNotNumber {
            file: self.file.clone(),
            group: name.to_string(),
            text: text.to_string(),
        })
    }

    pub(crate) fn open_error(&self, source: std::io::Error) -> ReadError {
        ReadError::Open { file: self.file.clone(), source }
    }
}

/// A name without its ending, and the ending; that of a compression is no part of either.
fn parts(name: &str) -> (&str, &str) {
    let (stem, ending) = cut(name);
    let compressed = COMPRESSED.iter().any(|known| ending.eq_ignore_ascii_case(known));
    if compressed { cut(stem) } else { (stem, ending) }
}

fn cut(name: &str) -> (&str, &str) {
    name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""))
}

/// The last part of a path, the last two, and so on.
fn tails(path: &str) -> impl Iterator<Item = &str> {
    let starts = path.char_indices().rev().filter(|(_, letter)| *letter == '/').map(|(place, _)| place + 1);
    starts.map(|start| &path[start..]).chain([path])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_endings() {
        for (name, expected) in [
            ("2012 年.xlsx", ("2012 年", "xlsx")),
            ("a.csv.gz", ("a", "csv")),
            ("a.b.CSV.ZST", ("a.b", "CSV")),
            ("a.gz", ("a", "")),
            ("README", ("README", "")),
            (".hidden", (".hidden", "")),
        ] {
            assert_eq!(parts(name), expected, "{name}");
        }
    }

    #[test]
    fn the_last_parts_of_a_path_come_first() {
        assert_eq!(tails("a/b c/d").collect::<Vec<_>>(), ["d", "b c/d", "a/b c/d"]);
    }
}
