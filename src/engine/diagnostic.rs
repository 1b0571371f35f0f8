//! What went wrong or deserves a look, as facts: message, place, notes, next step.
//! Knows neither colours nor terminals: `src/cli/render.rs` turns a diagnostic into text.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// How bad a finding is. An error stops the stage, a warning travels with its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Warning,
    Error,
}

/// A position in a text that the user wrote; lines and columns start at 1 and count characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Path as the user knows it, relative to the project.
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// Characters to underline, at least 1.
    pub length: usize,
    /// The offending line, without its line break.
    pub quote: String,
}

/// One finding, complete enough to be shown without its origin at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// Lower case, no final period.
    pub message: String,
    pub place: Option<Place>,
    /// Where it is when there is no text to quote: a cell of a spreadsheet, rows of a table.
    pub location: Option<String>,
    pub notes: Vec<String>,
    /// The next step.
    pub hint: Option<String>,
}

impl Place {
    /// The place of `line`/`column` in `text`.
    pub fn in_text(file: &str, text: &str, line: usize, column: usize, length: usize) -> Place {
        let quote = text.lines().nth(line.saturating_sub(1)).unwrap_or("").to_string();
        let rest = (quote.chars().count() + 1).saturating_sub(column).max(1);
        Place { file: file.to_string(), line, column, length: length.clamp(1, rest), quote }
    }
}

impl Diagnostic {
    pub fn error(message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            message: message.into(),
            place: None,
            location: None,
            notes: Vec::new(),
            hint: None,
        }
    }

    pub fn at(mut self, place: impl Into<Option<Place>>) -> Diagnostic {
        self.place = place.into();
        self
    }

    pub fn located(mut self, location: impl Into<Option<String>>) -> Diagnostic {
        self.location = location.into();
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<Option<String>>) -> Diagnostic {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message)
    }
}

/// "did you mean `x`" for a word that is not among `known`, if one is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, known).map(|near| format!("did you mean `{near}`?"))
}

/// The known word nearest to `word`: at most a third of its letters, rounded up, differ. Ties go to the first in order.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let known: BTreeSet<&str> = known.into_iter().collect();
    let allowed = word.chars().count().div_ceil(3);
    if word.chars().count() < 3 {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
