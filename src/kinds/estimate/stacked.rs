//! `estimator: stacked`.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::panel::Panel;
use stats::staggered::stacked::{StackWeighting, StackedOptions, stacked};

pub struct Stacked(StackedOptions);

impl Staggered for Stacked {
    const NAME: &'static str = "stacked";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;

    fn parse(own: Option<&Fields>) -> Option<Stacked> {
        let number = |key: &str, default: f64| own.and_then(|own| own.float(key)).unwrap_or(default);
        let weightings = [("treated", StackWeighting::Treated), ("variance", StackWeighting::Variance)];
        let weighting = own.and_then(|own| own.choice("weighting", &weightings));
        Some(Stacked(StackedOptions {
            before: number("before", 3.0),
            after: number("after", 3.0),
            weighting: weighting.unwrap_or(StackWeighting::Variance),
        }))
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let StackedOptions { before, after, weighting } = self.0;
        manifest.number("before", before);
        manifest.number("after", after);
        manifest.text("weighting", &format!("{weighting:?}"));
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let found = stacked(panel, &self.0)?;
        Ok(staggered::estimated(problem, vec![("simple", found.overall), ("dynamic", found.dynamic)]))
    }
}
