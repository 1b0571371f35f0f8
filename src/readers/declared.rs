//! What a layout declares of a column and a file may contradict: the unit it prints and what its title says. Compiled once;
//! `bind.rs` compares. Opens nothing.

use regex::Regex;

use crate::{
    error::LayoutError,
    layout::{ColumnRule, ColumnSource, Format, HeaderRule, Layout, factor_for, holds},
    normal,
    unit::{self, Unit},
};

/// Of one column.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) unit: Option<Unit>,
    /// Beside `ColumnRule::printed`: the unit of the numbers, and what the header cell says instead.
    printed: Vec<(Unit, Option<Unit>)>,
    /// Where the value of the column stands in the texts above the header.
    pub(crate) title: Option<Regex>,
    /// What must agree with it there.
    pub(crate) title_says: Option<Regex>,
}

/// How the numbers of one file, or of one sheet, become those of the column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Conversion {
    pub(crate) factor: f64,
    /// What the header cell should print, where the layout says.
    pub(crate) expected: Option<Expected>,
}

/// The unit a header cell should print: `ratio` of `unit`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expected {
    pub(crate) unit: Unit,
    ratio: f64,
    /// As a message shows it.
    pub(crate) shown: String,
    /// A factor of `scale` led to it, and not a unit of `printed`.
    pub(crate) by_scale: bool,
}

impl Declared {
    pub(crate) fn new(layout: &Layout, rule: &ColumnRule) -> Result<Declared, LayoutError> {
        let column = || rule.name.clone();
        let unit = rule.unit.as_deref().and_then(unit::parse);
        let mut printed = Vec::new();
        for one in &rule.printed {
            let Some(target) = &unit else { return Err(LayoutError::PrintedWithoutUnit { column: column() }) };
            let into_target = |text: &str| {
                let found = unit::parse(text).filter(|unit| unit.factor_to(target).is_some());
                let to = rule.unit.clone().unwrap_or_default();
                found.ok_or_else(|| LayoutError::Units { column: column(), from: text.to_string(), to })
            };
            printed.push((into_target(&one.unit)?, one.header.as_deref().map(into_target).transpose()?));
        }
        let has_title = layout.format == Format::Spreadsheet && matches!(layout.header, HeaderRule::Found { .. });
        let is_fixed = matches!(
            rule.source,
            ColumnSource::File(_)
                | ColumnSource::Sheet(_)
                | ColumnSource::SheetName
                | ColumnSource::Constant(_)
                | ColumnSource::Title(_)
        );
        if rule.title_says.is_some() && !(has_title && is_fixed) {
            return Err(LayoutError::TitleSays { column: column() });
        }
        let compiled = |key: &str, pattern: &str| {
            let pattern_of = Regex::new(pattern).map_err(|source| LayoutError::ColumnPattern {
                column: column(),
                key: key.to_string(),
                pattern: pattern.to_string(),
                source: Box::new(source),
            })?;
            if pattern_of.captures_len() > 2 {
                return Err(LayoutError::TitleGroups { column: column(), key: key.to_string() });
            }
            Ok(pattern_of)
        };
        let title = match &rule.source {
            ColumnSource::Title(pattern) => Some(compiled("title", pattern)?),
            _ => None,
        };
        let title_says = rule.title_says.as_deref().map(|pattern| compiled("title_says", pattern)).transpose()?;
        Ok(Declared { unit, printed, title, title_says })
    }

    /// How numbers are converted where `group` gives the value of a group of the patterns.
    pub(crate) fn conversion<E>(
        &self,
        rule: &ColumnRule,
        mut group: impl FnMut(&str) -> Result<i64, E>,
    ) -> Result<Conversion, E> {
        for (one, (unit, header)) in rule.printed.iter().zip(&self.printed) {
            let applies = match &one.by {
                Some(by) => holds(one.span(), group(by)?),
                None => true,
            };
            if applies {
                let factor = self.unit.as_ref().and_then(|target| unit.factor_to(target)).unwrap_or(1.0);
                let shown = one.header.as_ref().unwrap_or(&one.unit).clone();
                let expected =
                    Expected { unit: header.as_ref().unwrap_or(unit).clone(), ratio: 1.0, shown, by_scale: false };
                return Ok(Conversion { factor, expected: Some(expected) });
            }
        }
        let factor = factor_for(rule, group)?;
        let expected = self.unit.clone().map(|unit| {
            let name = rule.unit.clone().unwrap_or_default();
            let shown = if factor == 1.0 { name } else { format!("{factor} {name}") };
            Expected { unit, ratio: factor, shown, by_scale: factor != 1.0 }
        });
        Ok(Conversion { factor, expected })
    }
}

impl Expected {
    /// True if a header cell that prints `unit` says what was expected.
    pub(crate) fn agrees(&self, unit: &Unit) -> bool {
        // Both sides are quotients of small whole numbers: they differ by more than rounding or not at all.
        unit.factor_to(&self.unit).is_some_and(|factor| (factor / self.ratio - 1.0).abs() < 1e-9)
    }

    /// The same for a unit that a line above states for a whole table, in which a column of something else may stand.
    pub(crate) fn is_contradicted_by(&self, unit: &Unit) -> bool {
        unit.factor_to(&self.unit).is_some() && !self.agrees(unit)
    }
}

/// What a pattern, or its group, finds in a text.
pub(crate) fn found(pattern: &Regex, text: &str) -> Option<String> {
    let normal = normal::normalise(text);
    let captures = pattern.captures(&normal)?;
    captures.get(1).or(captures.get(0)).map(|found| found.as_str().to_string())
}
