//! `differences: {term: d, by: region, unit: city}`: whether a coefficient differs between two groups, by interaction, by the joint variance of
//! two regressions, and by groups drawn at random; in `.differences`.

use super::{Fitted, Further};
use crate::estimate::method::{Estimated, OwnTable, Test};
use crate::estimate::rows::Cell;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::resampling::groups::{self, Comparison};

struct Differences {
    term: String,
    by: String,
    unit: Option<String>,
    draws: u32,
}

const TABLES: &[OwnTable] = &[OwnTable {
    suffix: "differences",
    key: &["model", "test", "term"],
    columns: &[
        ("model", "int"),
        ("test", "text"),
        ("term", "text"),
        ("first_group", "text"),
        ("second_group", "text"),
        ("first", "float"),
        ("second", "float"),
        ("difference", "float"),
        ("std_error", "float"),
        ("p_value", "float"),
    ],
}];

pub fn parse(fields: &Fields) -> Option<Box<dyn Further>> {
    let (term, by, unit) = (fields.required_text("term"), fields.required_text("by"), fields.text("unit"));
    let draws = super::draws(fields, 1_000);
    Some(Box::new(Differences { term: term?.value, by: by?.value, unit: unit.map(|unit| unit.value), draws }))
}

impl Further for Differences {
    fn columns(&self) -> Vec<String> {
        std::iter::once(self.by.clone()).chain(self.unit.clone()).collect()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Differences { term, by, unit, draws } = self;
        manifest.list("term_by", &[term.clone(), by.clone()]);
        manifest.maybe("unit", unit.as_deref());
        manifest.int("draws", i64::from(*draws));
    }

    fn draws(&self) -> bool {
        self.unit.is_some()
    }

    fn own_tables(&self) -> &'static [OwnTable] {
        TABLES
    }

    fn add(&self, model: &Fitted, found: &mut Estimated) -> Result<Vec<Vec<Vec<Cell>>>, StatsError> {
        let Differences { term, by, unit, draws } = self;
        let mut rows = Vec::new();
        let mut compared = |name: &str, comparison: &Comparison| {
            let [first, second] = &comparison.groups;
            for line in comparison.differences.iter().filter(|line| line.term == *term) {
                rows.push(vec![
                    name.into(),
                    term.as_str().into(),
                    first.as_str().into(),
                    second.as_str().into(),
                    line.first.estimate.into(),
                    line.second.estimate.into(),
                    line.difference.estimate.into(),
                    line.difference.std_error.into(),
                    line.difference.p_value.into(),
                ]);
            }
            found.tests.extend(comparison.joint.iter().map(|joint| Test {
                name: format!("differences_{name}:all"),
                statistic: joint.statistic,
                df: Some(joint.freedom),
                df_denominator: joint.denominator,
                p_value: Some(joint.p_value),
            }));
        };
        compared("interaction", &groups::interacted(model.design, model.data, by)?);
        compared("separate", &groups::separate(model.design, model.data, by)?);
        if let Some(unit) = unit {
            let options = groups::Options {
                term: term.clone(),
                group: by.clone(),
                unit: unit.clone(),
                draws: *draws,
                random: model.draws.random("differences"),
            };
            let permuted = groups::permuted(model.design, model.data, &options)?;
            let [first, second] = &permuted.groups;
            rows.push(vec![
                "permutation".into(),
                term.as_str().into(),
                first.as_str().into(),
                second.as_str().into(),
                permuted.estimates[0].into(),
                permuted.estimates[1].into(),
                permuted.difference.into(),
                Cell::Float(None),
                permuted.p_value.into(),
            ]);
            found.warnings.extend(permuted.warnings);
        }
        Ok(vec![rows])
    }
}
