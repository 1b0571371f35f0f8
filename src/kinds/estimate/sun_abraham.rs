//! `estimator: sun_abraham`, which has no options.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::panel::Panel;
use stats::staggered::sun_abraham::sun_abraham;

pub struct SunAbraham;

impl Staggered for SunAbraham {
    const NAME: &'static str = "sun_abraham";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = false;

    fn parse(_own: Option<&Fields>) -> Option<SunAbraham> {
        Some(SunAbraham)
    }

    fn describe(&self, _manifest: &mut dyn Manifest) {}

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let found = sun_abraham(panel)?;
        let parts = vec![("dynamic", found.estimates), ("group_time", found.cohort_effects)];
        Ok(staggered::estimated(problem, parts))
    }
}
