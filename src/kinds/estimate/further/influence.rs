//! `influence: {term: d, by: city}`: the coefficient without each row, or without each unit, in `.influence`, the largest change first.

use super::{Fitted, Further};
use crate::estimate::method::{Estimated, OwnTable};
use crate::estimate::rows::Cell;
use crate::estimate::staggered;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::resampling::influence;

struct Influence {
    term: String,
    by: Option<String>,
    most: usize,
}

const TABLES: &[OwnTable] = &[OwnTable {
    suffix: "influence",
    key: &["model", "rank"],
    columns: &[
        ("model", "int"),
        ("rank", "int"),
        ("without", "text"),
        ("n_rows", "int"),
        ("change", "float"),
        ("estimate", "float"),
        ("standardized", "float"),
    ],
}];

pub fn parse(fields: &Fields) -> Option<Box<dyn Further>> {
    let (term, by) = (fields.required_text("term"), fields.text("by"));
    let most = staggered::count(fields, "most").unwrap_or(100);
    Some(Box::new(Influence { term: term?.value, by: by.map(|by| by.value), most }))
}

impl Further for Influence {
    fn columns(&self) -> Vec<String> {
        self.by.iter().cloned().collect()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Influence { term, by, most } = self;
        manifest.text("term", term);
        manifest.maybe("by", by.as_deref());
        manifest.int("most", *most as i64);
    }

    fn own_tables(&self) -> &'static [OwnTable] {
        TABLES
    }

    fn add(&self, model: &Fitted, found: &mut Estimated) -> Result<Vec<Vec<Vec<Cell>>>, StatsError> {
        let influence = match &self.by {
            Some(column) => influence::of_groups(model.design, model.data, column, &self.term)?,
            None => influence::of_rows(model.design, &self.term)?,
        };
        if !influence.decisive.is_empty() {
            let which = influence.decisive.join(", ");
            found.warnings.push(format!("without {which} the coefficient of `{}` cannot be estimated", self.term));
        }
        let rows = influence.changes.iter().take(self.most).enumerate().map(|(rank, change)| {
            vec![
                (rank + 1).into(),
                change.without.as_str().into(),
                change.n_rows.into(),
                change.change.into(),
                change.estimate.into(),
                change.standardized.into(),
            ]
        });
        Ok(vec![rows.collect()])
    }
}
