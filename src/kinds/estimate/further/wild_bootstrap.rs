//! `wild_bootstrap: {terms: [d], draws: 9999}`: p-values and intervals for few clusters.

use super::{Fitted, Further};
use crate::estimate::method::{Estimated, Test};
use crate::estimate::rows::Cell;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::resampling::wild::{self, Residuals, Signs, Tail};

struct WildBootstrap {
    terms: Vec<String>,
    draws: u32,
    signs: Signs,
    residuals: Residuals,
    tail: Tail,
    hypothesis: f64,
}

pub fn parse(fields: &Fields) -> Option<Box<dyn Further>> {
    fields.required("terms");
    let signs = fields.choice("weights", &[("rademacher", Signs::Rademacher), ("webb", Signs::Webb)]);
    let tail = fields.choice("tail", &[("equal_tail", Tail::EqualTail), ("two_sided", Tail::TwoSided)]);
    let imposes = fields.bool("impose_null").unwrap_or(true);
    Some(Box::new(WildBootstrap {
        terms: fields.texts("terms")?.into_iter().map(|term| term.value).collect(),
        draws: super::draws(fields, 9_999),
        signs: signs.unwrap_or(Signs::Rademacher),
        residuals: if imposes { Residuals::Restricted } else { Residuals::Unrestricted },
        tail: tail.unwrap_or(Tail::TwoSided),
        hypothesis: fields.float("hypothesis").unwrap_or(0.0),
    }))
}

impl Further for WildBootstrap {
    fn describe(&self, manifest: &mut dyn Manifest) {
        let WildBootstrap { terms, draws, signs, residuals, tail, hypothesis } = self;
        manifest.list("terms", terms);
        manifest.int("draws", i64::from(*draws));
        manifest.text("signs", &format!("{signs:?}"));
        manifest.text("residuals", &format!("{residuals:?}"));
        manifest.text("tail", &format!("{tail:?}"));
        manifest.number("hypothesis", *hypothesis);
    }

    fn draws(&self) -> bool {
        true
    }

    fn add(&self, model: &Fitted, found: &mut Estimated) -> Result<Vec<Vec<Vec<Cell>>>, StatsError> {
        for term in &self.terms {
            let options = wild::Options {
                hypothesis: self.hypothesis,
                residuals: self.residuals,
                signs: self.signs,
                tail: self.tail,
                draws: self.draws,
                random: model.draws.random(&format!("wild_bootstrap:{term}")),
            };
            let bootstrap = wild::wild_bootstrap(model.design, term, &options)?;
            found.tests.push(Test {
                name: format!("wild_bootstrap:{term}"),
                statistic: bootstrap.statistic,
                df: None,
                df_denominator: None,
                p_value: Some(bootstrap.p_value),
            });
            found.tests.push(Test::number(format!("wild_bootstrap_low:{term}"), bootstrap.conf_low));
            found.tests.push(Test::number(format!("wild_bootstrap_high:{term}"), bootstrap.conf_high));
            found.warnings.extend(bootstrap.warnings);
        }
        Ok(Vec::new())
    }
}
