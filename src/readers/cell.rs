//! One raw cell, whatever file it came from. Each format converts to this at its door, so that skipping, parsing
//! and counting are written once. Knows no layout.

use std::borrow::Cow;

use crate::{date, normal};

/// A value as the file holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Nothing there.
    Empty,
    /// A whole number that need not fit a float.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A number with the digits it is written with: `1.10`.
    Digits(Cow<'a, str>),
    /// A text, not trimmed.
    Text(Cow<'a, str>),
    /// A truth value.
    Bool(bool),
    /// A day with whether a time of day was attached to it.
    Date { days: i32, with_time: bool },
    /// A spreadsheet error: `#DIV/0!`.
    Error(Cow<'a, str>),
    /// A spreadsheet formula whose result was never stored: `=B3*2`.
    Formula(Cow<'a, str>),
    /// A Stata missing value with its tag: `.a`.
    TaggedMissing(char),
}

impl Cell<'_> {
    /// True if nobody would see anything in this cell.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Cell::Empty => true,
            Cell::Text(text) => text.chars().all(normal::is_blank),
            _ => false,
        }
    }

    /// The same cell without copying its text.
    pub(crate) fn borrowed(&self) -> Cell<'_> {
        match self {
            Cell::Text(text) => Cell::Text(Cow::Borrowed(text)),
            Cell::Digits(text) => Cell::Digits(Cow::Borrowed(text)),
            Cell::Error(text) => Cell::Error(Cow::Borrowed(text)),
            Cell::Formula(text) => Cell::Formula(Cow::Borrowed(text)),
            Cell::Empty => Cell::Empty,
            Cell::Integer(value) => Cell::Integer(*value),
            Cell::Number(value) => Cell::Number(*value),
            Cell::Bool(value) => Cell::Bool(*value),
            Cell::Date { days, with_time } => Cell::Date { days: *days, with_time: *with_time },
            Cell::TaggedMissing(tag) => Cell::TaggedMissing(*tag),
        }
    }

    /// The same cell with a copy of its text.
    pub(crate) fn owned(&self) -> Cell<'static> {
        let copy = |text: &Cow<str>| Cow::Owned(text.to_string());
        match self {
            Cell::Text(text) => Cell::Text(copy(text)),
            Cell::Digits(text) => Cell::Digits(copy(text)),
            Cell::Error(text) => Cell::Error(copy(text)),
            Cell::Formula(text) => Cell::Formula(copy(text)),
            Cell::Empty => Cell::Empty,
            Cell::Integer(value) => Cell::Integer(*value),
            Cell::Number(value) => Cell::Number(*value),
            Cell::Bool(value) => Cell::Bool(*value),
            Cell::Date { days, with_time } => Cell::Date { days: *days, with_time: *with_time },
            Cell::TaggedMissing(tag) => Cell::TaggedMissing(*tag),
        }
    }

    /// The cell as a text; empty if there is nothing.
    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        match self {
            Cell::Empty => Cow::Borrowed(""),
            Cell::Integer(value) => Cow::Owned(value.to_string()),
            // The shortest text that reads back as the same number; 2007.0 shows as `2007`.
            Cell::Number(value) => Cow::Owned(value.to_string()),
            Cell::Digits(text) | Cell::Text(text) | Cell::Formula(text) => Cow::Borrowed(text),
            Cell::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Cell::Date { days, .. } => Cow::Owned(date::to_text(*days)),
            Cell::Error(text) => Cow::Borrowed(text),
            Cell::TaggedMissing(tag) => Cow::Owned(format!(".{tag}")),
        }
    }
}
