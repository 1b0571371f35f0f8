//! Binds each column of the layout to a place in the file at hand, or says why it cannot. Reads no values.

use std::borrow::Cow;

use crate::{
    cell::Cell,
    error::ReadError,
    header::Header,
    layout::{ColumnRule, ColumnSource, Compiled},
    normal,
    source::Source,
};

/// Where the values of one column come from, in one sheet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Binding {
    /// The cell at this 0-based index of each row; `label` is a letter or a field name.
    Cell { index: usize, label: String },
    /// The same for every row; `place` says where it stands.
    Fixed { cell: Cell<'static>, place: String },
    /// The number of the row.
    RowNumber,
    /// An optional column that this file does not have.
    Absent,
}

/// What there is to bind to.
pub(crate) struct Ground<'g> {
    pub(crate) source: &'g Source,
    pub(crate) sheet: &'g str,
    pub(crate) header: Option<&'g Header>,
    /// Names of fields that are not in a header row: variables, or keys of objects.
    pub(crate) fields: Option<&'g [String]>,
    /// Number of columns, where that is known.
    pub(crate) width: Option<usize>,
    /// Label of a column index.
    pub(crate) label: &'g dyn Fn(usize) -> String,
}

/// One binding per column of the layout.
pub(crate) fn bind(compiled: &Compiled, ground: &Ground) -> Result<Vec<Binding>, ReadError> {
    compiled.layout.columns.iter().map(|rule| bind_one(rule, ground)).collect()
}

fn bind_one(rule: &ColumnRule, ground: &Ground) -> Result<Binding, ReadError> {
    let fixed = |text: &str, place: &str| Binding::Fixed {
        cell: Cell::Text(Cow::Owned(text.to_string())),
        place: place.to_string(),
    };
    let found = match &rule.source {
        ColumnSource::File(group) => {
            return Ok(fixed(ground.source.group(group), &format!("group `{group}` of the file name")));
        }
        ColumnSource::SheetName => return Ok(fixed(ground.sheet, "the sheet name")),
        ColumnSource::Constant(text) => return Ok(fixed(text, "the constant of the layout")),
        ColumnSource::RowNumber => return Ok(Binding::RowNumber),
        ColumnSource::TextBody => Ok(Some(0)),
        ColumnSource::Position(position) => {
            let index = position - 1;
            Ok((ground.width.is_none_or(|width| index < width)).then_some(index))
        }
        ColumnSource::Field(name) => match (ground.fields, ground.header) {
            (Some(fields), _) => Ok(fields.iter().position(|field| field == name)),
            (None, Some(header)) => header.field(name),
            (None, None) => Ok(None),
        },
        ColumnSource::Header { any_of, sub, nth } => match ground.header {
            Some(header) => header.find(any_of, sub.as_deref(), *nth),
            None => Ok(None),
        },
    };
    match found {
        Ok(Some(index)) => Ok(Binding::Cell { index, label: (ground.label)(index) }),
        Ok(None) if rule.optional => Ok(Binding::Absent),
        Ok(None) => Err(missing(rule, ground)),
        Err(indices) => Err(ReadError::AmbiguousColumn {
            file: ground.source.file.clone(),
            sheet: ground.sheet.to_string(),
            column: rule.name.clone(),
            cells: indices
                .into_iter()
                .map(|index| {
                    let text = ground.header.map_or_else(String::new, |header| header.text(index));
                    ((ground.label)(index), text)
                })
                .collect(),
        }),
    }
}

fn missing(rule: &ColumnRule, ground: &Ground) -> ReadError {
    if let (ColumnSource::Header { any_of, sub: Some(sub), .. }, Some(header)) = (&rule.source, ground.header)
        && let Some((upper, lower)) = header.shifted(any_of, sub)
    {
        return ReadError::ShiftedHeader {
            file: ground.source.file.clone(),
            sheet: ground.sheet.to_string(),
            upper: header.text(upper),
            upper_at: (ground.label)(upper),
            lower: sub.clone(),
            lower_at: (ground.label)(lower),
        };
    }
    let wanted = match &rule.source {
        ColumnSource::Header { any_of, sub: Some(sub), .. } => {
            any_of.iter().map(|name| format!("{name} / {sub}")).collect()
        }
        ColumnSource::Header { any_of, .. } => any_of.clone(),
        ColumnSource::Field(name) => vec![name.clone()],
        ColumnSource::Position(position) => vec![format!("position {position}")],
        _ => Vec::new(),
    };
    let there = match (ground.header, ground.fields) {
        (Some(header), _) => header.texts(),
        (None, Some(fields)) => fields.to_vec(),
        (None, None) => Vec::new(),
    };
    let nearest = wanted.first().map(|name| normal::nearest(name, &there, 3)).unwrap_or_default();
    ReadError::MissingColumn {
        file: ground.source.file.clone(),
        sheet: ground.sheet.to_string(),
        column: rule.name.clone(),
        wanted,
        nearest,
    }
}
