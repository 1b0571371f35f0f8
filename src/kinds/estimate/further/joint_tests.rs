//! `joint_tests: {controls: [x, z]}`: whether all coefficients of a list are 0; among the tests.

use super::{Fitted, Further};
use crate::estimate::method::{Estimated, Test};
use crate::estimate::rows::Cell;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::hypotheses::{self, Restriction};

struct JointTests(Vec<(String, Vec<String>)>);

pub fn parse(fields: &Fields) -> Option<Box<dyn Further>> {
    let mut tests = Vec::new();
    for entry in fields.entries() {
        let terms = fields.texts(&entry.key)?;
        tests.push((entry.key.clone(), terms.into_iter().map(|term| term.value).collect()));
    }
    Some(Box::new(JointTests(tests)))
}

impl Further for JointTests {
    fn describe(&self, manifest: &mut dyn Manifest) {
        for (name, terms) in &self.0 {
            manifest.text("joint_test", name);
            manifest.list("terms", terms);
        }
    }

    fn add(&self, model: &Fitted, found: &mut Estimated) -> Result<Vec<Vec<Vec<Cell>>>, StatsError> {
        let estimated = hypotheses::Estimated::from(model.fit);
        for (name, terms) in &self.0 {
            let restrictions: Vec<Restriction> = terms.iter().map(|term| Restriction::zero(term)).collect();
            let test = hypotheses::joint_test(&estimated, &restrictions)?;
            found.tests.push(Test {
                name: format!("joint:{name}"),
                statistic: test.statistic,
                df: Some(test.freedom),
                df_denominator: test.denominator,
                p_value: Some(test.p_value),
            });
        }
        Ok(Vec::new())
    }
}
