//! One cell to one typed value, or to nothing with a reason. Knows the missing texts of the layout; knows no rows and no file.

use crate::{
    cell::Cell,
    date,
    extract::{IssueCode, Values},
    layout::{Compiled, ValueKind},
    normal, number,
};

/// A typed value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Parsed {
    Missing,
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Date(i32),
}

/// A value and what was done to get it.
pub(crate) type Outcome = (Parsed, Option<IssueCode>);

/// What a cell is read for.
pub(crate) struct Reading<'c> {
    pub(crate) compiled: &'c Compiled<'c>,
    /// Serial dates count from 1904.
    pub(crate) epoch_1904: bool,
    /// The format tells numbers from texts, so that a number in a text is worth a word.
    pub(crate) typed: bool,
}

impl Reading<'_> {
    /// True if the cell holds nothing that counts as a value.
    pub(crate) fn is_missing(&self, cell: &Cell) -> bool {
        match cell {
            Cell::Empty | Cell::Error(_) | Cell::Formula(_) | Cell::TaggedMissing(_) => true,
            Cell::Text(text) => self.compiled.is_missing_text(text),
            Cell::Number(value) => self.compiled.missing_numbers.contains(value),
            Cell::Integer(value) => self.compiled.missing_numbers.contains(&(*value as f64)),
            Cell::Digits(text) => {
                number::plain_float(text).is_some_and(|value| self.compiled.missing_numbers.contains(&value))
            }
            Cell::Bool(_) | Cell::Date { .. } => false,
        }
    }

    /// The value of `cell` as `kind`; `None` if it is none.
    pub(crate) fn parse(&self, cell: &Cell, kind: ValueKind) -> Option<Outcome> {
        match cell {
            Cell::Error(_) => return Some((Parsed::Missing, Some(IssueCode::ErrorCell))),
            Cell::Formula(_) => return Some((Parsed::Missing, Some(IssueCode::FormulaWithoutResult))),
            Cell::TaggedMissing(_) => {
                return Some((Parsed::Missing, Some(IssueCode::TaggedMissing)));
            }
            _ if self.is_missing(cell) => return Some((Parsed::Missing, None)),
            _ => {}
        }
        match kind {
            ValueKind::Text => Some((Parsed::Text(normal::trim(&cell.to_text()).to_string()), None)),
            ValueKind::Int => self.int(cell),
            ValueKind::Float => self.float(cell),
            ValueKind::Bool => truth(cell),
            ValueKind::Date => self.date(cell),
        }
    }

    fn int(&self, cell: &Cell) -> Option<Outcome> {
        match cell {
            Cell::Integer(value) => Some((Parsed::Int(*value), None)),
            Cell::Number(value) => Some((Parsed::Int(number::whole(*value)?), None)),
            Cell::Digits(text) => Some((Parsed::Int(number::plain_int(text)?), None)),
            Cell::Text(text) => {
                if let Some(value) = number::plain_int(normal::trim(text)) {
                    return Some((Parsed::Int(value), self.plain_remark()));
                }
                let cleaned = number::clean(text, true)?;
                let value = number::plain_int(&cleaned.digits)?;
                Some((Parsed::Int(value), self.remark(&cleaned)))
            }
            _ => None,
        }
    }

    fn float(&self, cell: &Cell) -> Option<Outcome> {
        match cell {
            Cell::Integer(value) => Some((Parsed::Float(*value as f64), None)),
            Cell::Number(value) if value.is_finite() => Some((Parsed::Float(*value), None)),
            Cell::Digits(text) => Some((Parsed::Float(number::plain_float(text)?), None)),
            Cell::Text(text) => {
                if let Some(value) = number::plain_float(normal::trim(text)) {
                    return Some((Parsed::Float(value), self.plain_remark()));
                }
                let cleaned = number::clean(text, false)?;
                let value = number::plain_float(&cleaned.digits)?;
                Some((Parsed::Float(value), self.remark(&cleaned)))
            }
            _ => None,
        }
    }

    fn date(&self, cell: &Cell) -> Option<Outcome> {
        let day = match cell {
            Cell::Date { days, with_time } => date::Day { days: *days, repaired: *with_time },
            Cell::Number(value) => date::from_number(*value, self.epoch_1904)?,
            Cell::Integer(value) => date::from_number(*value as f64, self.epoch_1904)?,
            Cell::Digits(text) => date::from_number(number::plain_float(text)?, self.epoch_1904)?,
            Cell::Text(text) => {
                let text = normal::trim(text);
                if text.is_ascii() {
                    date::from_text(text)?
                } else {
                    date::from_text(&text.chars().map(normal::half_width).collect::<String>())?
                }
            }
            _ => return None,
        };
        Some((Parsed::Date(day.days), day.repaired.then_some(IssueCode::DateRepaired)))
    }

    /// What there is to say of a text that is nothing but a number.
    fn plain_remark(&self) -> Option<IssueCode> {
        self.typed.then_some(IssueCode::NumberAsText)
    }

    fn remark(&self, cleaned: &number::Cleaned) -> Option<IssueCode> {
        if cleaned.footnote {
            Some(IssueCode::FootnoteRemoved)
        } else if cleaned.unit {
            Some(IssueCode::UnitSuffix)
        } else if self.typed || cleaned.separators {
            Some(IssueCode::NumberAsText)
        } else {
            None
        }
    }
}

fn truth(cell: &Cell) -> Option<Outcome> {
    let value = match cell {
        Cell::Bool(value) => *value,
        Cell::Digits(text) => match number::plain_float(text)? {
            1.0 => true,
            0.0 => false,
            _ => return None,
        },
        _ => match normal::normalise(&cell.to_text()).to_lowercase().as_str() {
            "1" | "true" | "yes" | "y" | "t" | "是" => true,
            "0" | "false" | "no" | "n" | "f" | "否" => false,
            _ => return None,
        },
    };
    Some((Parsed::Bool(value), None))
}

impl Values {
    pub(crate) fn empty(kind: ValueKind) -> Values {
        match kind {
            ValueKind::Text => Values::Text(Vec::new()),
            ValueKind::Int => Values::Int(Vec::new()),
            ValueKind::Float => Values::Float(Vec::new()),
            ValueKind::Bool => Values::Bool(Vec::new()),
            ValueKind::Date => Values::Date(Vec::new()),
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Values::Text(values) => values.len(),
            Values::Int(values) => values.len(),
            Values::Float(values) => values.len(),
            Values::Bool(values) => values.len(),
            Values::Date(values) => values.len(),
        }
    }
}
