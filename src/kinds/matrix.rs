//! Joins the instances of a matrix stage: one table per output, with the axes of the matrix in front.

use crate::convert;
use engine::diagnostic::Diagnostic;
use engine::kind::{Input, Matrix, Outputs, Resolved, RunContext, Schemas, Stage, StageError, TableSchema};
use engine::manifest::Manifest;
use tables::write::Part;

pub struct Join;

struct Joined {
    points: Vec<Vec<(String, String)>>,
    outputs: Vec<String>,
}

impl Matrix for Join {
    fn join(&self, points: Vec<Vec<(String, String)>>, outputs: Vec<String>) -> Box<dyn Stage> {
        Box::new(Joined { points, outputs })
    }
}

impl Stage for Joined {
    fn inputs(&self) -> &[Input] {
        &[]
    }

    fn outputs(&self) -> Vec<String> {
        self.outputs.clone()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Joined { points, outputs } = self;
        manifest.list("outputs", outputs);
        for (index, point) in points.iter().enumerate() {
            for (axis, label) in point {
                manifest.text(&format!("matrix[{index}].{axis}"), label);
            }
        }
    }

    /// `schemas` hold the tables of the instances, which are alike.
    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let axes: Vec<&String> =
            self.points.first().map(|point| point.iter().map(|(axis, _)| axis).collect()).unwrap_or_default();
        let mut outputs = Schemas::new();
        for name in &self.outputs {
            let inner = schemas.get(name).cloned().unwrap_or_default();
            if let Some(axis) = axes.iter().find(|axis| inner.has(axis)) {
                return Err(vec![
                    Diagnostic::error(format!("the axis `{axis}` of the matrix is also a column of `{name}`"))
                        .hint("rename the axis".to_string()),
                ]);
            }
            let front = axes.iter().map(|axis| (axis.to_string(), "text".to_string()));
            outputs.insert(
                name.clone(),
                TableSchema {
                    key: axes.iter().map(|axis| axis.to_string()).chain(inner.key).collect(),
                    columns: front.chain(inner.columns).collect(),
                },
            );
        }
        Ok(Resolved { outputs, ..Resolved::default() })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let mut outputs = Outputs::default();
        for name in &self.outputs {
            let mut parts = Vec::new();
            let mut key: Vec<String> = Vec::new();
            for (point, part) in self.points.iter().zip(&context.parts) {
                let Some(table) = part.tables.iter().find(|table| table.record.name == *name) else { continue };
                key = point.iter().map(|(axis, _)| axis.clone()).chain(table.record.key.clone()).collect();
                parts.push(Part { path: &table.path, prefix: point.clone() });
            }
            let path = context.scratch.join(format!("{name}.parquet"));
            let info = tables::write::concat(&parts, true, &key, &path)
                .map_err(|error| Diagnostic::error(format!("the instances of `{name}` cannot be joined: {error}")))?;
            outputs.tables.push(convert::output(name, path, info)?);
        }
        Ok(outputs)
    }
}
