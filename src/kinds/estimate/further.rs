//! What can be asked of a regression beside its estimates: each analysis is an option of the stage by its own name, and adds
//! tests to the model and tables of its own. Knows none of them but by the list.

mod differences;
mod influence;
mod joint_tests;
mod margins;
mod oster;
mod placebo;
mod power;
mod wild_bootstrap;

use super::method::{Draws, Estimated, OwnTable};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::design::{Data, Design};
use stats::error::StatsError;
use stats::estimator::Fit;

/// An analysis with its options, checked.
pub trait Further: Send + Sync {
    /// Columns that its options name.
    fn columns(&self) -> Vec<String> {
        Vec::new()
    }
    fn describe(&self, manifest: &mut dyn Manifest);
    /// Whether it draws random numbers.
    fn draws(&self) -> bool {
        false
    }
    fn own_tables(&self) -> &'static [OwnTable] {
        &[]
    }
    /// Adds tests and warnings to `found`, and gives the rows of its own tables.
    fn add(&self, model: &Fitted, found: &mut Estimated) -> Result<Vec<Vec<Vec<super::rows::Cell>>>, StatsError>;
}

/// A model as an analysis needs it.
pub struct Fitted<'a> {
    pub design: &'a Design,
    pub data: &'a Data<'a>,
    pub fit: &'a Fit,
    pub level: f64,
    pub draws: Draws,
}

type Parse = fn(&Fields) -> Option<Box<dyn Further>>;

/// Every analysis, alphabetically.
static ALL: &[(&str, Parse)] = &[
    ("differences", differences::parse),
    ("influence", influence::parse),
    ("joint_tests", joint_tests::parse),
    ("margins", margins::parse),
    ("oster", oster::parse),
    ("placebo", placebo::parse),
    ("power", power::parse),
    ("wild_bootstrap", wild_bootstrap::parse),
];

/// Those that the stage asks for, with their names.
pub fn parse(fields: &Fields) -> Option<Vec<(&'static str, Box<dyn Further>)>> {
    let mut asked = Vec::new();
    for (name, parse) in ALL {
        let Some(own) = fields.fields(name, format!("`{name}`")) else { continue };
        asked.push((*name, parse(&own)));
        own.finish();
    }
    asked.into_iter().map(|(name, analysis)| Some((name, analysis?))).collect()
}

/// A number of draws.
fn draws(fields: &Fields, default: u32) -> u32 {
    let given = super::staggered::count(fields, "draws").unwrap_or(default as usize);
    u32::try_from(given).unwrap_or(u32::MAX)
}
