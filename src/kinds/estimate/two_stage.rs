//! `estimator: two_stage`, which has no options.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::panel::Panel;
use stats::staggered::two_stage::two_stage;

pub struct TwoStage;

impl Staggered for TwoStage {
    const NAME: &'static str = "two_stage";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = false;

    fn parse(_own: Option<&Fields>) -> Option<TwoStage> {
        Some(TwoStage)
    }

    fn describe(&self, _manifest: &mut dyn Manifest) {}

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let found = two_stage(panel)?;
        Ok(staggered::estimated(problem, vec![("simple", found.overall), ("dynamic", found.dynamic)]))
    }
}
