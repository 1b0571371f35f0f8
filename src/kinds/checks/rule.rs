//! The door of a rule that compares values with each other, over time, between units or with another table, and what such
//! rules share: their options and their findings. Rules over single values are in `tables::check`. Knows no rule by name.

use engine::spec::Spec;
use engine::yaml::fields::Fields;
use std::fmt::Debug;
use tables::columns::{Column, Table, Values};

/// A rule by the key that names it under `check:`.
pub struct Family {
    pub name: &'static str,
    /// Reads the options; mistakes go to the problems of the spec.
    pub parse: fn(&Spec, &Fields) -> Option<Box<dyn Rule>>,
}

/// A checked rule. Its `Debug` text is what enters the key, so it holds all options and nothing else.
pub trait Rule: Debug + Send + Sync {
    /// The series it looks at, if those are all it reads.
    fn over(&self) -> Option<&Over> {
        None
    }
    /// The columns it is given by name.
    fn columns(&self) -> Vec<String> {
        self.over().map_or(Vec::new(), |over| [over.columns.names(), over.by.names()].concat())
    }
    /// Another table it reads, and the columns there.
    fn other(&self) -> Option<(&str, Vec<String>)> {
        None
    }
    /// Unit and time, where the rule looks at series; without them the key of the table must have two columns.
    fn by(&self) -> Option<&By> {
        self.over().map(|over| &over.by)
    }
    /// What is wrong. `Err`: the rule cannot be asked of this table.
    fn find(&self, subject: &Subject) -> Result<Option<Finding>, String>;
}

/// What a rule is asked about.
pub struct Subject<'a> {
    pub table: &'a Table,
    pub key: &'a [String],
    pub other: Option<&'a Table>,
}

/// A broken rule.
#[derive(Debug, Default, PartialEq)]
pub struct Finding {
    /// One sentence, short enough for the note of an exhibit.
    pub message: String,
    /// The cells it rests on, the most telling first; few.
    pub cells: Vec<Cell>,
    /// How many cells there are, of which `cells` holds the first.
    pub count: usize,
}

/// One value of the table.
#[derive(Debug, PartialEq)]
pub struct Cell {
    pub row: usize,
    pub column: String,
    /// What is remarkable about it.
    pub remark: String,
}

/// Cells that a finding keeps.
pub const SHOWN: usize = 20;
/// Cells that a message names.
const NAMED: usize = 3;

/// Which columns a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum Columns {
    /// All numbers but the key and these.
    All {
        except: Vec<String>,
    },
    Named(Vec<String>),
}

/// The columns of unit and time; without, the two columns of the key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct By(pub Option<(String, String)>);

/// Columns, each as a series of units.
#[derive(Clone, Debug, PartialEq)]
pub struct Over {
    pub columns: Columns,
    pub by: By,
}

impl Over {
    /// The columns under `key`, and `by`.
    pub fn parse(spec: &Spec, fields: &Fields, key: &str) -> Option<Over> {
        Some(Over { columns: Columns::parse(spec, fields, key)?, by: By::parse(spec, fields) })
    }
}

/// A column's name and its numbers, one per row.
pub type Numbers<'t> = (&'t str, Vec<Option<f64>>);

impl Columns {
    /// The value of a rule's own key: `all`, a column, or a list of them.
    pub fn parse(spec: &Spec, fields: &Fields, key: &str) -> Option<Columns> {
        let named: Vec<String> = fields.texts(key)?.iter().map(|text| spec.substitute(text)).collect();
        let except = fields.texts("except").unwrap_or_default();
        let except: Vec<String> = except.iter().map(|text| spec.substitute(text)).collect();
        if named == ["all"] {
            return Some(Columns::All { except });
        }
        if !except.is_empty() {
            fields.complain(fields.self_node(), "`except` goes with `all`");
        }
        Some(Columns::Named(named))
    }

    pub fn names(&self) -> Vec<String> {
        match self {
            Columns::All { except } => except.clone(),
            Columns::Named(names) => names.clone(),
        }
    }

    /// The columns with their numbers; those that are named must have some.
    pub fn of<'t>(&self, table: &'t Table, apart: &[&str]) -> Result<Vec<Numbers<'t>>, String> {
        match self {
            Columns::All { except } => {
                let all = table.columns.iter().filter(|column| {
                    !apart.contains(&column.name.as_str())
                        && !except.contains(&column.name)
                        && is_number(&column.values)
                });
                Ok(all
                    .filter_map(|column| Some((column.name.as_str(), crate::convert::numbers(&column.values)?)))
                    .collect())
            }
            Columns::Named(names) => names.iter().map(|name| numbers(table, name)).collect(),
        }
    }
}

impl By {
    pub fn parse(spec: &Spec, fields: &Fields) -> By {
        if fields.node("by").is_none() {
            return By(None);
        }
        let names: Vec<String> =
            fields.texts("by").unwrap_or_default().iter().map(|text| spec.substitute(text)).collect();
        match names.as_slice() {
            [unit, time] if unit != time => By(Some((unit.clone(), time.clone()))),
            _ => {
                let wanted = "`by` needs two columns, the unit and the time, as in [city, year]";
                fields.complain(fields.self_node(), wanted);
                By(None)
            }
        }
    }

    pub fn names(&self) -> Vec<String> {
        self.0.iter().flat_map(|(unit, time)| [unit.clone(), time.clone()]).collect()
    }

    pub fn of<'a>(&'a self, key: &'a [String]) -> Result<(&'a str, &'a str), String> {
        match (&self.0, key) {
            (Some((unit, time)), _) => Ok((unit, time)),
            (None, [unit, time]) => Ok((unit, time)),
            _ => Err(format!(
                "the key [{}] is not a unit and a time; say which they are with `by: [unit, time]`",
                key.join(", ")
            )),
        }
    }
}

impl Finding {
    /// A finding about these cells, named in the message by their keys: all of one column in one group.
    pub fn of_cells(subject: &Subject, what: &str, cells: Vec<Cell>) -> Option<Finding> {
        if cells.is_empty() {
            return None;
        }
        let count = cells.len();
        let mut columns: Vec<&str> = Vec::new();
        for cell in &cells {
            if !columns.contains(&cell.column.as_str()) {
                columns.push(&cell.column);
            }
        }
        let named = cells.iter().take(NAMED).map(|cell| {
            let row = subject.table.row_text(subject.key, cell.row);
            if columns.len() > 1 { format!("`{}` {row}", cell.column) } else { row }
        });
        let mut named: Vec<String> = named.collect();
        if count > NAMED {
            named.push("…".to_string());
        }
        let columns = match columns.as_slice() {
            [one] => format!("of `{one}` "),
            _ => String::new(),
        };
        let noun = if count == 1 { "cell" } else { "cells" };
        let message = format!("{count} {noun} {columns}{what}: {}", named.join(", "));
        Some(Finding { message, cells: cells.into_iter().take(SHOWN).collect(), count })
    }
}

/// A number option above `least`, or its default.
pub fn factor(fields: &Fields, key: &str, least: f64, default: f64) -> f64 {
    if fields.node(key).is_none() {
        return default;
    }
    match fields.float(key) {
        Some(value) if value > least => value,
        _ => {
            fields.complain(fields.self_node(), format!("`{key}` must be a number above {least}"));
            default
        }
    }
}

/// A share between 0 and 1, or its default.
pub fn share(fields: &Fields, key: &str, default: f64) -> f64 {
    if fields.node(key).is_none() {
        return default;
    }
    match fields.float(key) {
        Some(value) if (0.0..=1.0).contains(&value) => value,
        _ => {
            fields.complain(fields.self_node(), format!("`{key}` is a share between 0 and 1"));
            default
        }
    }
}

pub fn column<'t>(table: &'t Table, name: &str) -> Result<&'t Column, String> {
    let known = || table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    table.column(name).ok_or_else(|| format!("no column `{name}`; there are {}", known()))
}

/// A sum as a message says it: without the last bits that adding leaves.
pub fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// A column's numbers; an error if it has none, because a rule that looks at nothing would always be kept.
pub fn numbers<'t>(table: &'t Table, name: &str) -> Result<(&'t str, Vec<Option<f64>>), String> {
    let column = column(table, name)?;
    match crate::convert::numbers(&column.values) {
        Some(values) => Ok((column.name.as_str(), values)),
        None => Err(format!("column `{name}` is {}, not a number", column.values.kind().name())),
    }
}

fn is_number(values: &Values) -> bool {
    matches!(values, Values::Float(_) | Values::Int(_))
}
