//! The kinds of stages: one file each, glue between the leaves, no algorithm.
//! To add one: a file here, its `mod` line, and a line of `ALL`.

pub mod check;
pub mod checks;
pub mod convert;
pub mod descriptive;
pub mod estimate;
pub mod exhibits;
pub mod index;
pub mod ingest;
pub mod layout;
pub mod matrix;
pub mod measures;
pub mod missing;
pub mod origin;
pub mod places;
pub mod profile;
pub mod regression;
pub mod report;
pub mod schema;
pub mod sql;
pub mod terms;

use engine::kind::{Kinds, StageKind};

/// Every kind, alphabetically.
pub static ALL: &[&dyn StageKind] = &[
    &check::Check,
    &estimate::Estimate,
    &index::Index,
    &ingest::Ingest,
    &measures::Measures,
    &places::Places,
    &report::Report,
    &sql::Sql,
    &terms::Terms,
];

/// What the engine is given.
pub fn registry() -> Kinds {
    // Here and not in `describe` of each kind, where a new kind could forget it: all of them make tables.
    Kinds { all: ALL, matrix: &matrix::Join, versions: &[("table_digest", tables::digest::VERSION)] }
}
