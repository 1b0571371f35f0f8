//! `estimator: event_study`.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::event_study::{EventStudyOptions, event_study};
use stats::staggered::panel::Panel;

pub struct EventStudy(EventStudyOptions);

impl Staggered for EventStudy {
    const NAME: &'static str = "event_study";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;

    fn parse(own: Option<&Fields>) -> Option<EventStudy> {
        let bins = own.and_then(|own| staggered::range(own, "bins")).unwrap_or_default();
        let reference = own.and_then(|own| own.float("reference"));
        Some(EventStudy(EventStudyOptions { reference, bin_up_to: bins[0], bin_from: bins[1] }))
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let EventStudyOptions { reference, bin_up_to, bin_from } = self.0;
        staggered::described(manifest, "reference", reference);
        staggered::described(manifest, "bin_up_to", bin_up_to);
        staggered::described(manifest, "bin_from", bin_from);
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        Ok(staggered::estimated(problem, vec![("dynamic", event_study(&panel, &self.0)?)]))
    }
}
