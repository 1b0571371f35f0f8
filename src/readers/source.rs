//! The file at hand: its path, the name that messages use, and what its name says. Reads no content.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::SyncSender,
};

use crate::{chunk::Chunk, error::ReadError, layout::Compiled};

/// A file that exists and is not empty.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// The path as the user knows it.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    /// Who takes the rows as they are read; else they are all in the extract.
    pub(crate) chunks: Option<SyncSender<Chunk>>,
    stem: String,
    groups: Vec<(String, String)>,
}

impl Source {
    pub(crate) fn open(path: &Path, shown_as: &str, compiled: &Compiled) -> Result<Source, ReadError> {
        let file = shown_as.to_string();
        let bytes = match fs::metadata(path) {
            Ok(metadata) => metadata.len(),
            Err(source) => return Err(ReadError::Open { file, source }),
        };
        if bytes == 0 {
            return Err(ReadError::Empty { file });
        }
        // The stem is the user's name for the file: `path` may be a link into a cache.
        let stem = Path::new(shown_as).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let mut groups = Vec::new();
        if let Some(pattern) = &compiled.file_pattern {
            let Some(captures) = pattern.captures(&stem) else {
                let pattern = compiled.layout.file_pattern.clone().unwrap_or_default();
                return Err(ReadError::FileName { file, pattern });
            };
            for name in pattern.capture_names().flatten() {
                let text = captures.name(name).map_or("", |found| found.as_str());
                groups.push((name.to_string(), text.to_string()));
            }
        }
        Ok(Source { path: path.to_path_buf(), file, bytes, chunks: None, stem, groups })
    }

    /// What a group of `file_pattern` matched; `stem` is the whole name unless the pattern has such a group.
    pub(crate) fn group(&self, name: &str) -> &str {
        match self.groups.iter().find(|(group, _)| group == name) {
            Some((_, text)) => text,
            None if name == "stem" => &self.stem,
            None => "",
        }
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
