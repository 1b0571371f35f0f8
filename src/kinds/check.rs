//! `kind: check`: rules over a table made elsewhere. It makes no table; a broken rule fails the run, naming the rows.
//! Its rules may compare the table with others. `cells: true` reads `.cells` of an ingest table too, so that findings name cells.

use crate::checks::{Checked, Checks};
use engine::diagnostic::Diagnostic;
use engine::kind::{Input, Outputs, Resolved, RunContext, Schemas, Stage, StageError, StageKind};
use engine::manifest::Manifest;
use engine::spec::Spec;

pub struct Check;

struct CheckStage {
    table: String,
    checks: Checks,
    /// The table `.cells` beside an ingest table, where it was asked for.
    cells: Option<String>,
    inputs: Vec<Input>,
}

impl StageKind for Check {
    fn name(&self) -> &'static str {
        "check"
    }

    fn version(&self) -> u32 {
        2
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let from = spec.fields.required_text("from")?;
        spec.fields.required("check");
        let checks = Checks::parse(spec);
        let cells = spec.fields.bool("cells").unwrap_or(false).then(|| format!("{}.cells", from.value));
        let mut inputs = vec![Input::Table { name: from.value.clone(), place: Some(from.place.clone()) }];
        inputs.extend(cells.iter().map(|name| Input::Table { name: name.clone(), place: Some(from.place.clone()) }));
        for input in checks.inputs() {
            if !inputs.iter().any(|known| matches!((known, &input), (Input::Table { name: one, .. }, Input::Table { name: two, .. }) if one == two)) {
                inputs.push(input);
            }
        }
        Some(Box::new(CheckStage { table: from.value, checks, cells, inputs }))
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
        let CheckStage { table, checks, cells, inputs: _ } = self;
        manifest.text("from", table);
        manifest.maybe("cells", cells.as_deref());
        checks.describe(manifest);
    }

    /// Reads the whole table: a predicate may name any column, and the rows shown have all of them.
    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let schema = schemas.get(&self.table).cloned().unwrap_or_default();
        let problems = self.checks.resolve(&schema, &self.table, Some(schemas));
        if problems.is_empty() { Ok(Resolved::default()) } else { Err(problems) }
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let table = context.table(&self.table)?;
        let cells = self.cells.as_ref().map(|name| context.table(name)).transpose()?;
        let checked = Checked {
            path: &table.path,
            key: &table.record.key,
            cells: cells.map(|cells| cells.path.as_path()),
            others: &context.tables,
        };
        let warnings = self.checks.run(&self.table, &checked)?;
        Ok(Outputs { warnings, ..Outputs::default() })
    }
}
