//! `power: {term: d, power: 0.8}`: the smallest effect that would be found, and how likely a given one is found; among the tests.

use super::{Fitted, Further};
use crate::estimate::method::{Estimated, Test};
use crate::estimate::rows::Cell;
use crate::estimate::staggered;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::resampling::error::ResamplingError;
use stats::resampling::power;

struct Power {
    term: String,
    power: f64,
    effect: Option<f64>,
}

pub fn parse(fields: &Fields) -> Option<Box<dyn Further>> {
    let term = fields.required_text("term");
    let (power, effect) = (fields.float("power").unwrap_or(0.8), fields.float("effect"));
    Some(Box::new(Power { term: term?.value, power, effect }))
}

impl Further for Power {
    fn describe(&self, manifest: &mut dyn Manifest) {
        let Power { term, power, effect } = self;
        manifest.text("term", term);
        manifest.number("power", *power);
        staggered::described(manifest, "effect", *effect);
    }

    fn add(&self, model: &Fitted, found: &mut Estimated) -> Result<Vec<Vec<Vec<Cell>>>, StatsError> {
        let term = &self.term;
        let Some(coefficient) = model.fit.coefficients.iter().find(|coefficient| coefficient.term == *term) else {
            let known = model.fit.coefficients.iter().map(|coefficient| coefficient.term.clone()).collect();
            return Err(ResamplingError::UnknownTerm { term: term.clone(), known }.into());
        };
        let alpha = 1.0 - model.level;
        let test = power::Test { std_error: coefficient.std_error, df_t: model.fit.df_t, alpha };
        let least = power::minimum_detectable_effect(&test, self.power)?;
        found.tests.push(Test::number(format!("minimum_detectable_effect:{term}"), least));
        if let Some(effect) = self.effect {
            found.tests.push(Test::number(format!("power:{term}"), power::power(&test, effect)?));
        }
        Ok(Vec::new())
    }
}
