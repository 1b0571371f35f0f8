//! `kind: check`: rules over a table made elsewhere. It makes no table; a broken rule fails the run, naming the rows.

use crate::checks::Checks;
use engine::diagnostic::Diagnostic;
use engine::kind::{Input, Outputs, Resolved, RunContext, Schemas, Stage, StageError, StageKind};
use engine::manifest::Manifest;
use engine::spec::Spec;

pub struct Check;

struct CheckStage {
    table: String,
    checks: Checks,
    inputs: Vec<Input>,
}

impl StageKind for Check {
    fn name(&self) -> &'static str {
        "check"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let from = spec.fields.required_text("from")?;
        spec.fields.required("check");
        let checks = Checks::parse(spec);
        let inputs = vec![Input::Table { name: from.value.clone(), place: Some(from.place) }];
        Some(Box::new(CheckStage { table: from.value, checks, inputs }))
    }
}

impl Stage for CheckStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        Vec::new()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let CheckStage { table, checks, inputs: _ } = self;
        manifest.text("from", table);
        checks.describe(manifest);
    }

    /// Reads the whole table: a predicate may name any column, and the rows shown have all of them.
    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let schema = schemas.get(&self.table).cloned().unwrap_or_default();
        let problems = self.checks.resolve(&schema, &self.table);
        if problems.is_empty() { Ok(Resolved::default()) } else { Err(problems) }
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let table = context.table(&self.table)?;
        let warnings = self.checks.run(&self.table, &table.path, &table.record.key)?;
        Ok(Outputs { warnings, ..Outputs::default() })
    }
}
