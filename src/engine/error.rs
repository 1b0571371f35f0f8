//! Failures of the engine itself: files it cannot read or write, a store that is damaged.
//! Mistakes in a study and failures of a stage are diagnostics: see `diagnostic.rs`.

use crate::diagnostic::Diagnostic;
use std::io;
use std::path::PathBuf;

/// A failure outside any stage. Every call to the system is told with its path.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the state database `{}` failed: {source}", path.display())]
    State { path: PathBuf, source: rusqlite::Error },
    #[error("`{}` in the store does not have the digest it is named by", path.display())]
    Damaged { path: PathBuf },
    #[error("the record `{}` cannot be read: {cause}", path.display())]
    BadRecord { path: PathBuf, cause: String },
    #[error("no `pipeline.yaml` here or in a folder above `{}`", from.display())]
    NoPipeline { from: PathBuf },
    /// The study is wrong; every mistake found is in the list.
    #[error("the study has {} mistakes", .0.len())]
    Study(Vec<Diagnostic>),
    /// The command names something that the study does not have.
    #[error("{0}")]
    Usage(Diagnostic),
}

const FULL: &str = "make room on this disk and run again: what is done is kept";

impl EngineError {
    /// The diagnostics to show, one or many.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            EngineError::Study(all) => all.clone(),
            EngineError::Usage(one) => vec![one.clone()],
            EngineError::NoPipeline { .. } => vec![
                Diagnostic::error(self.to_string())
                    .hint("go to the folder of the study, or name the file with `--pipeline`".to_string()),
            ],
            EngineError::Damaged { .. } | EngineError::BadRecord { .. } => {
                vec![Diagnostic::error(self.to_string()).hint(
                    "run the stage by its name, as in `restudy run panel`: what is damaged is made again".to_string(),
                )]
            }
            EngineError::Write { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                vec![Diagnostic::error(self.to_string()).hint(FULL.to_string())]
            }
            EngineError::State { source, .. } if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) => {
                vec![Diagnostic::error(self.to_string()).hint(FULL.to_string())]
            }
            EngineError::State { path, .. } => vec![
                Diagnostic::error(self.to_string())
                    .hint(format!("`{}` is only an index: delete it and it is rebuilt from the store", path.display())),
            ],
            _ => vec![Diagnostic::error(self.to_string())],
        }
    }
}
