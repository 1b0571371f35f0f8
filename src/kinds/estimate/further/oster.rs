//! `oster: {treatment: d, always: [x]}`: how strong the selection on what is not seen would have to be (Oster 2019); among the tests.

use super::{Fitted, Further};
use crate::estimate::method::{Estimated, Test};
use crate::estimate::rows::Cell;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::sensitivity::oster::{LargestR2, Selection};

struct Oster {
    treatment: String,
    always: Vec<String>,
    delta: f64,
    largest_r2: LargestR2,
}

pub fn parse(fields: &Fields) -> Option<Box<dyn Further>> {
    let treatment = fields.required_text("treatment");
    let always = fields.texts("always").unwrap_or_default().into_iter().map(|term| term.value).collect();
    let (times, value) = (fields.float("r2_times"), fields.float("r2"));
    if times.is_some()
        && let Some(node) = fields.node("r2")
    {
        fields.complain(node, "give either `r2_times`, 1.3 in the paper, or `r2`, the largest R² itself");
    }
    let largest_r2 = value.map_or(LargestR2::Times(times.unwrap_or(1.3)), LargestR2::Value);
    let delta = fields.float("delta").unwrap_or(1.0);
    Some(Box::new(Oster { treatment: treatment?.value, always, delta, largest_r2 }))
}

impl Further for Oster {
    fn describe(&self, manifest: &mut dyn Manifest) {
        let Oster { treatment, always, delta, largest_r2 } = self;
        manifest.text("treatment", treatment);
        manifest.list("always", always);
        manifest.number("delta", *delta);
        manifest.text("largest_r2", &format!("{largest_r2:?}"));
    }

    fn add(&self, model: &Fitted, found: &mut Estimated) -> Result<Vec<Vec<Vec<Cell>>>, StatsError> {
        let selection = Selection::new(model.design, &self.treatment, &self.always)?;
        let adjusted = selection.adjusted(self.delta, self.largest_r2)?;
        let delta = selection.delta(0.0, self.largest_r2)?;
        if !adjusted.follows_controls {
            let message = "the bias-adjusted effect lies on the other side than the controls move the estimate";
            found.warnings.push(message.to_string());
        }
        let treatment = &self.treatment;
        for (name, value) in [
            ("oster_beta", adjusted.estimate),
            ("oster_beta_approximation", adjusted.approximation),
            ("oster_delta", delta.delta),
            ("oster_delta_approximation", delta.approximation),
            ("oster_largest_r2", adjusted.largest_r2),
            ("oster_r2_without_controls", selection.short.r2),
            ("oster_estimate_without_controls", selection.short.estimate),
        ] {
            found.tests.push(Test::number(format!("{name}:{treatment}"), value));
        }
        Ok(Vec::new())
    }
}
