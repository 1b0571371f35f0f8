//! Binds each column of the layout to a place in the file at hand, or says why it cannot: no such header cell, several, or one
//! that contradicts the layout. Reads no values.

use std::{borrow::Cow, ops::Deref};

use crate::{
    cell::Cell,
    contradiction::{Contradiction, Remedy},
    declared::{self, Conversion, Declared},
    error::ReadError,
    header::Header,
    layout::{ColumnRule, ColumnSource, Compiled, ValueKind},
    normal, number,
    source::Source,
    unit,
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

/// One binding per column of the layout, and what its numbers are multiplied by.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Bindings {
    pub(crate) list: Vec<Binding>,
    pub(crate) factors: Vec<f64>,
}

impl Deref for Bindings {
    type Target = [Binding];

    fn deref(&self) -> &[Binding] {
        &self.list
    }
}

/// What there is to bind to.
#[derive(Clone, Copy)]
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

/// Binds the columns in their order.
pub(crate) fn bind(compiled: &Compiled, ground: &Ground) -> Result<Bindings, ReadError> {
    let groups = Groups::of(compiled, ground)?;
    let mut bindings = Bindings::default();
    for (rule, declared) in compiled.layout.columns.iter().zip(&compiled.declared) {
        let binding = bind_one(rule, declared, ground, &groups)?;
        let conversion = declared.conversion(rule, |group| groups.number(group))?;
        if let (Binding::Cell { index, .. }, Some(header)) = (&binding, ground.header) {
            check_unit(rule, &conversion, *index, header, ground, &groups)?;
        }
        if let (Binding::Fixed { cell, place }, Some(pattern), Some(header)) =
            (&binding, &declared.title_says, ground.header)
        {
            for (at, text) in header.above() {
                let Some(says) = declared::found(pattern, text) else { continue };
                let value = comparable(&cell.to_text(), rule.kind, rule.add.unwrap_or(0));
                if comparable(&says, rule.kind, 0) != value {
                    return Err(Contradiction::Title {
                        file: ground.source.file.clone(),
                        sheet: ground.sheet.to_string(),
                        cell: at.clone(),
                        column: rule.name.clone(),
                        value,
                        origin: place.clone(),
                        says,
                        text: text.clone(),
                    }
                    .into());
                }
            }
        }
        bindings.list.push(binding);
        bindings.factors.push(conversion.factor);
    }
    Ok(bindings)
}

/// Compares the units that a header prints in these places, as `bind` does.
pub(crate) fn units_agree(compiled: &Compiled, ground: &Ground, places: &[Option<usize>]) -> Result<(), ReadError> {
    let (groups, Some(header)) = (Groups::of(compiled, ground)?, ground.header) else { return Ok(()) };
    for ((rule, declared), place) in compiled.layout.columns.iter().zip(&compiled.declared).zip(places) {
        let Some(index) = place else { continue };
        let conversion = declared.conversion(rule, |group| groups.number(group))?;
        check_unit(rule, &conversion, *index, header, ground, &groups)?;
    }
    Ok(())
}

/// What the name of the file and that of the sheet say.
struct Groups<'g> {
    source: &'g Source,
    of_sheet: Vec<(String, String)>,
}

impl<'g> Groups<'g> {
    fn of(compiled: &Compiled, ground: &Ground<'g>) -> Result<Groups<'g>, ReadError> {
        let source = ground.source;
        let Some(pattern) = &compiled.sheet_pattern else { return Ok(Groups { source, of_sheet: Vec::new() }) };
        let name = normal::trim(ground.sheet);
        let captures = pattern.captures(name).ok_or_else(|| Contradiction::SheetName {
            file: source.file.clone(),
            sheet: ground.sheet.to_string(),
            pattern: compiled.layout.sheet_pattern.clone().unwrap_or_default(),
        })?;
        let text = |group: &str| captures.name(group).map_or("", |found| found.as_str()).to_string();
        let of_sheet = pattern.capture_names().flatten().map(|group| (group.to_string(), text(group))).collect();
        Ok(Groups { source, of_sheet })
    }

    fn sheet(&self, group: &str) -> &str {
        self.of_sheet.iter().find(|(name, _)| name == group).map_or("", |(_, text)| text)
    }

    /// The first group that holds a whole number.
    fn numeric(&self) -> Option<(String, String)> {
        self.of_sheet.iter().chain(self.source.groups()).find(|(_, value)| value.parse::<i64>().is_ok()).cloned()
    }

    /// A group of either, as a whole number.
    fn number(&self, group: &str) -> Result<i64, ReadError> {
        match self.of_sheet.iter().find(|(name, _)| name == group) {
            Some((_, text)) => text.parse().map_err(|_| ReadError::GroupNotNumber {
                file: self.source.file.clone(),
                group: group.to_string(),
                text: text.clone(),
            }),
            None => self.source.group_number(group),
        }
    }
}

/// A text, or the number it stands for, as the value of a column is compared with the title.
fn comparable(text: &str, kind: ValueKind, add: i64) -> String {
    let number = match kind {
        ValueKind::Int => number::clean(text, true).and_then(|cleaned| number::plain_int(&cleaned.digits)),
        _ => None,
    };
    match number.and_then(|number| number.checked_add(add)) {
        Some(number) => number.to_string(),
        None => normal::normalise(text),
    }
}

/// Compares the unit that the header cell prints with the one the layout leads to expect; where it prints none, the one that a
/// line above states for the whole table.
fn check_unit(
    rule: &ColumnRule,
    conversion: &Conversion,
    index: usize,
    header: &Header,
    ground: &Ground,
    groups: &Groups,
) -> Result<(), ReadError> {
    let Some(expected) = conversion.expected.as_ref().filter(|_| is_number(rule.kind)) else { return Ok(()) };
    let contradiction = |cell: String, text: &str, printed: String| Contradiction::Unit {
        file: ground.source.file.clone(),
        sheet: ground.sheet.to_string(),
        cell,
        column: rule.name.clone(),
        text: text.to_string(),
        expected: expected.shown.clone(),
        remedy: match unit::parse(&printed).and_then(|unit| unit.factor_to(&expected.unit)) {
            None => Remedy::OtherColumn,
            Some(_) if expected.by_scale => Remedy::ReplaceScale,
            Some(_) => Remedy::Convert(groups.numeric()),
        },
        printed,
    };
    let (upper, lower) = header.parts(index);
    let printed = unit::printed(upper, lower, &expected.unit);
    if let Some((text, _)) = printed.iter().find(|(_, unit)| !expected.agrees(unit)) {
        let cell = match header.row() {
            Some(row) => format!("{}{row}", (ground.label)(header.owner(index))),
            None => format!("field {}", index + 1),
        };
        return Err(contradiction(cell, upper, text.clone()).into());
    }
    if printed.is_empty() {
        for (cell, text) in header.above() {
            let stated = unit::stated(text).and_then(|stated| Some((unit::parse(&stated)?, stated)));
            if let Some((unit, stated)) = stated
                && expected.is_contradicted_by(&unit)
            {
                return Err(contradiction(cell.clone(), text, stated).into());
            }
        }
    }
    Ok(())
}

fn is_number(kind: ValueKind) -> bool {
    matches!(kind, ValueKind::Int | ValueKind::Float)
}

/// What a pattern finds above the header: in one cell, or the same in several.
fn title(rule: &ColumnRule, declared: &Declared, ground: &Ground) -> Result<Binding, ReadError> {
    let (file, sheet, column) = (ground.source.file.clone(), ground.sheet.to_string(), rule.name.clone());
    let above = ground.header.map(Header::above).unwrap_or_default();
    let pattern = declared.title.as_ref();
    let mut found = above.iter().filter_map(|(cell, text)| {
        pattern.and_then(|pattern| declared::found(pattern, text)).map(|says| (cell, text, says))
    });
    let Some((cell, _, first)) = found.next() else {
        let pattern = pattern.map(|pattern| pattern.as_str().to_string()).unwrap_or_default();
        let row = ground.header.and_then(Header::row).unwrap_or(1);
        return Err(Contradiction::NoTitle { file, sheet, column, pattern, row }.into());
    };
    if let Some((cell, text, other)) = found.find(|(_, _, says)| *says != first) {
        let (cell, text) = (cell.clone(), text.clone());
        return Err(Contradiction::TwoTitles { file, sheet, cell, column, first, other, text }.into());
    }
    Ok(Binding::Fixed { cell: Cell::Text(Cow::Owned(first)), place: format!("the title in cell {cell}") })
}

fn bind_one(rule: &ColumnRule, declared: &Declared, ground: &Ground, groups: &Groups) -> Result<Binding, ReadError> {
    let fixed = |text: &str, place: &str| Binding::Fixed {
        cell: Cell::Text(Cow::Owned(text.to_string())),
        place: place.to_string(),
    };
    let found = match &rule.source {
        ColumnSource::File(group) => {
            return Ok(fixed(ground.source.group(group), &format!("group `{group}` of the file name")));
        }
        ColumnSource::Sheet(group) => {
            return Ok(fixed(groups.sheet(group), &format!("group `{group}` of the sheet name")));
        }
        ColumnSource::Title(_) => return title(rule, declared, ground),
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
                    (header_cell(ground, index), text)
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
    let nearest = match ground.header.filter(|header| header.row().is_some()) {
        Some(header) => nearest.into_iter().map(|text| with_cell(header, ground, text)).collect(),
        None => nearest,
    };
    ReadError::MissingColumn {
        file: ground.source.file.clone(),
        sheet: ground.sheet.to_string(),
        column: rule.name.clone(),
        row: ground.header.and_then(Header::row),
        wanted,
        nearest,
    }
}

/// `C2 年末总人口 / 全市`.
fn with_cell(header: &Header, ground: &Ground, text: String) -> String {
    match header.index_of(&text) {
        Some(index) => format!("{} {text}", header_cell(ground, index)),
        None => text,
    }
}

/// `C2`, or the name of the field where there are no addresses.
fn header_cell(ground: &Ground, index: usize) -> String {
    let row = ground.header.and_then(Header::row).map(|row| row.to_string());
    format!("{}{}", (ground.label)(index), row.unwrap_or_default())
}
