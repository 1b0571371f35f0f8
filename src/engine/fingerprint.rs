//! The keys that decide what runs. A result is looked up by its run key and by nothing else.
//!
//! | what | in which key | why |
//! |---|---|---|
//! | grammar version of pipeline.yaml | definition | the same text may mean something else under another grammar |
//! | kind and its version | definition | a kind raises its version when its results change |
//! | versions of what all kinds rest on | definition | digests of tables that were made in two ways must not be compared |
//! | stage name and instance label | definition | table names and addresses are made from them |
//! | every resolved option, parameters by value | definition | through `Stage::describe`, which names each option |
//! | layouts, exhibits | definition | as parsed: comments and formatting are not in |
//! | SQL | definition | as the plan that the engine makes of it, with the columns it reads by name and type: no comments, no aliases, no order of operands |
//! | input table: row-and-key digest, digest of each column read | run | an update of a column nobody reads changes nothing |
//! | input table read whole: digest of the table | run | where the columns read cannot be proven |
//! | data files: digest of the content and the shown path | run | columns and origins may be taken from the file's name |
//! | pieces of a stage: label, digests of their tables | run | the join depends on their order and names |
//! | warnings of everything above | run, if shown | only a report prints them |
//!
//! Out: comments, formatting and key order of pipeline.yaml (never reach a stage); modification times, host, user, clock,
//! absolute paths, thread count (a result must not depend on them, and `verify` checks that it does not); the digest of
//! the binary (a rebuilt tool with unchanged kind versions gives the same results; the record keeps its version).

use crate::digest::Digest;
use crate::graph::Task;
use crate::kind::ReadSet;
use crate::manifest::{Leaves, Manifest};
use crate::record::{Known, TableRecord, Warning};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of the grammar of pipeline.yaml and of this table.
pub const GRAMMAR: u32 = 1;

/// Everything that enters a run key beyond the definition, in the order it enters.
pub struct RunInputs<'a> {
    /// Tables with what is read of them.
    pub tables: Vec<(TableRecord, ReadSet)>,
    /// Shown paths and digests of the data files.
    pub files: Vec<(&'a str, Digest)>,
    /// Labels and results of the pieces.
    pub parts: Vec<(&'a str, Arc<Known>)>,
    /// Per input table; only when the stage shows them.
    pub warnings: BTreeMap<String, Vec<Warning>>,
}

/// All a stage is, known at plan time; what its code does, once it is resolved. `versions` are those of `Kinds`.
pub fn definition(task: &Task, versions: &[(&str, u32)]) -> Leaves {
    let mut leaves = Leaves::default();
    let manifest: &mut dyn Manifest = &mut leaves;
    manifest.int("grammar", i64::from(GRAMMAR));
    manifest.text("kind", task.kind);
    manifest.int("kind_version", i64::from(task.kind_version));
    for (name, version) in versions {
        manifest.int(name, i64::from(*version));
    }
    manifest.text("name", &task.name);
    task.work.describe(manifest);
    manifest.maybe("plan", task.resolved.plan.as_deref());
    leaves
}

pub fn definition_key(leaves: &Leaves) -> Digest {
    leaves.digest("restudy definition 1")
}

/// The definition's leaves with those of what is read, known when the inputs are.
pub fn run_manifest(definition: &Leaves, inputs: &RunInputs) -> Leaves {
    let mut leaves = definition.clone();
    let manifest: &mut dyn Manifest = &mut leaves;
    for (table, reads) in &inputs.tables {
        let name = &table.name;
        match reads {
            ReadSet::Whole => manifest.text(&format!("input.{name}"), &table.digest.hex()),
            ReadSet::Columns(columns) => {
                manifest.text(&format!("input.{name}.rows"), &table.rows_digest.hex());
                for column in columns {
                    let digest = table.column(column).map_or(String::new(), |column| column.digest.hex());
                    manifest.text(&format!("input.{name}.{column}"), &digest);
                }
            }
        }
    }
    for (shown, digest) in &inputs.files {
        manifest.text(&format!("file.{shown}"), &digest.hex());
    }
    for (label, known) in &inputs.parts {
        manifest.int(&format!("part.{label}.len"), known.tables.len() as i64);
        for table in &known.tables {
            manifest.text(&format!("part.{label}.{}", table.name), &table.digest.hex());
        }
    }
    for (table, warnings) in &inputs.warnings {
        let lines: Vec<String> = warnings
            .iter()
            .map(|warning| format!("{}: {} {:?}", warning.stage, warning.message, warning.details))
            .collect();
        manifest.list(&format!("warnings.{table}"), &lines);
    }
    leaves
}

pub fn run_key(manifest: &Leaves) -> Digest {
    manifest.digest("restudy run 1")
}
