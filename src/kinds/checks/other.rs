//! Another table beside the one that is checked: how a rule names it, and its rows by shared columns. For `kind: check`, the only kind
//! whose rules may read a second table.

use super::rule;
use engine::spec::Spec;
use engine::yaml::Value;
use engine::yaml::fields::Fields;
use std::collections::BTreeMap;
use tables::columns::Table;

/// A column of this table, or of another.
#[derive(Clone, Debug, PartialEq)]
pub enum Reference {
    Column(String),
    Table { table: String, column: String },
}

impl Reference {
    /// The columns of our table beside `ours`, and these.
    pub fn here(&self, ours: &str, further: &[String]) -> Vec<String> {
        let other = match self {
            Reference::Column(other) => Some(other.clone()),
            Reference::Table { .. } => None,
        };
        [&[ours.to_string()], further].concat().into_iter().chain(other).collect()
    }

    /// The other table, with the columns that are read of it.
    pub fn there(&self, further: &[String]) -> Option<(&str, Vec<String>)> {
        match self {
            Reference::Column(_) => None,
            Reference::Table { table, column } => Some((table, [std::slice::from_ref(column), further].concat())),
        }
    }
}

/// Reads `name`, or `{table: name, column: name}`; without `column` it has the name of ours.
pub fn reference(spec: &Spec, fields: &Fields, key: &str, ours: &str) -> Option<Reference> {
    let node = fields.node(key)?;
    if !matches!(node.value, Value::Map(_)) {
        return Some(Reference::Column(spec.substitute(&fields.text(key)?)));
    }
    let parts = fields.at(node, format!("`{key}`"));
    let table = parts.required_text("table").map(|text| spec.substitute(&text));
    let column = parts.text("column").map_or(ours.to_string(), |text| spec.substitute(&text));
    parts.finish();
    Some(Reference::Table { table: table?, column })
}

/// Rows by the values of these columns, as text; an error if two rows share them.
pub fn rows_by(table: &Table, columns: &[String], name: &str) -> Result<BTreeMap<Vec<String>, usize>, String> {
    let columns_of = columns.iter().map(|name| rule::column(table, name)).collect::<Result<Vec<_>, _>>();
    let chosen = columns_of.map_err(|error| format!("{error} in `{name}`"))?;
    let mut rows = BTreeMap::new();
    for row in 0..table.rows() {
        let values: Option<Vec<String>> = chosen.iter().map(|column| column.values.text(row)).collect();
        let Some(values) = values else { continue };
        if rows.insert(values.clone(), row).is_some() {
            return Err(format!(
                "({}) stands twice in `{name}`: [{}] do not tell its rows apart",
                values.join(", "),
                columns.join(", ")
            ));
        }
    }
    Ok(rows)
}
