//! `estimator: chaisemartin_dhaultfoeuille`.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::chaisemartin_dhaultfoeuille::{SwitcherOptions, chaisemartin_dhaultfoeuille};
use stats::staggered::panel::Panel;

pub struct ChaisemartinDHaultfoeuille(SwitcherOptions);

impl Staggered for ChaisemartinDHaultfoeuille {
    const NAME: &'static str = "chaisemartin_dhaultfoeuille";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;

    fn parse(own: Option<&Fields>) -> Option<ChaisemartinDHaultfoeuille> {
        let count = |key: &str, default: usize| own.and_then(|own| staggered::count(own, key)).unwrap_or(default);
        Some(ChaisemartinDHaultfoeuille(SwitcherOptions {
            effects: count("effects", 5),
            placebos: count("placebos", 3),
        }))
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let SwitcherOptions { effects, placebos } = &self.0;
        manifest.int("effects", *effects as i64);
        manifest.int("placebos", *placebos as i64);
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        Ok(staggered::estimated(problem, vec![("dynamic", chaisemartin_dhaultfoeuille(panel, &self.0)?)]))
    }
}
