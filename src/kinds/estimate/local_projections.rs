//! `estimator: local_projections`.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::local_projections::{BaseOutcome, HorizonWeighting, LocalProjectionsOptions, local_projections};
use stats::staggered::panel::Panel;

pub struct LocalProjections(LocalProjectionsOptions);

impl Staggered for LocalProjections {
    const NAME: &'static str = "local_projections";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;

    fn parse(own: Option<&Fields>) -> Option<LocalProjections> {
        let weightings = [("equal", HorizonWeighting::Equal), ("variance", HorizonWeighting::Variance)];
        let bases = [("last_period", BaseOutcome::LastPeriod), ("mean_before", BaseOutcome::MeanBefore)];
        let weighting = own.and_then(|own| own.choice("weighting", &weightings));
        let base = own.and_then(|own| own.choice("base", &bases));
        Some(LocalProjections(LocalProjectionsOptions {
            before: own.and_then(|own| staggered::count(own, "before")).unwrap_or(5),
            after: own.and_then(|own| staggered::count(own, "after")).unwrap_or(5),
            weighting: weighting.unwrap_or(HorizonWeighting::Variance),
            base: base.unwrap_or(BaseOutcome::LastPeriod),
            comparison: staggered::comparison(own),
        }))
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let LocalProjectionsOptions { before, after, weighting, base, comparison } = self.0;
        manifest.int("before", before as i64);
        manifest.int("after", after as i64);
        manifest.text("weighting", &format!("{weighting:?}"));
        manifest.text("base", &format!("{base:?}"));
        manifest.text("comparison", &format!("{comparison:?}"));
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let found = local_projections(panel, &self.0)?;
        let pooled = found.pooled.map(|pooled| ("simple", pooled));
        let parts = [("dynamic", found.dynamic)].into_iter().chain(pooled).collect();
        Ok(staggered::estimated(problem, parts))
    }
}
