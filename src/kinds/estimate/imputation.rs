//! `estimator: imputation`.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::imputation::imputation;
use stats::staggered::panel::Panel;

pub struct Imputation {
    leads: usize,
}

impl Staggered for Imputation {
    const NAME: &'static str = "imputation";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;

    fn parse(own: Option<&Fields>) -> Option<Imputation> {
        Some(Imputation { leads: own.and_then(|own| staggered::count(own, "leads")).unwrap_or(0) })
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Imputation { leads } = self;
        manifest.int("leads", *leads as i64);
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let found = imputation(panel, self.leads)?;
        let mut parts = vec![("dynamic", found.estimates), ("group", found.cohorts)];
        parts.extend(found.leads.map(|leads| ("leads", leads)));
        Ok(staggered::estimated(problem, parts))
    }
}
