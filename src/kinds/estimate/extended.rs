//! `estimator: extended`.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::callaway_santanna::Comparison;
use stats::staggered::extended::extended;
use stats::staggered::panel::Panel;

pub struct Extended {
    comparison: Comparison,
}

impl Staggered for Extended {
    const NAME: &'static str = "extended";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;

    fn parse(own: Option<&Fields>) -> Option<Extended> {
        Some(Extended { comparison: staggered::comparison(own) })
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Extended { comparison } = self;
        manifest.text("comparison", &format!("{comparison:?}"));
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let found = extended(panel, self.comparison)?;
        let parts = vec![
            ("dynamic", found.estimates),
            ("group", found.cohorts),
            ("calendar", found.periods),
            ("group_time", found.cells),
        ];
        Ok(staggered::estimated(problem, parts))
    }
}
