//! `kind: sql`: a query over the study's tables. Its inputs are the tables it names, its read set comes from the plan.

use crate::checks::{Checked, Checks};
use crate::convert;
use engine::diagnostic::{Diagnostic, Place, Severity};
use engine::kind::{Input, Origin, Outputs, ReadSet, Resolved, RunContext, Schemas, Stage, StageError, StageKind};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use tables::error::TableError;
use tables::sql::{Query, RunOptions, Source, SqlError};

pub struct Sql;

pub(crate) struct SqlStage {
    name: String,
    /// Where the query stands: a file of the study, or the pipeline itself.
    pub(crate) file: String,
    /// The query with its parameters put in.
    pub(crate) text: String,
    pub(crate) query: Query,
    key: Vec<String>,
    key_place: Place,
    checks: Checks,
    inputs: Vec<Input>,
}

impl StageKind for Sql {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let (file, text) = query_text(spec)?;
        let key = spec.key();
        let key_place = spec.fields.document().place(spec.fields.node("key").unwrap_or(spec.fields.self_node()).span);
        let checks = Checks::parse(spec);
        let query = match tables::sql::parse(&text) {
            Ok(query) => query,
            Err(error) => {
                spec.fields.problems().push(convert::sql_error(&error, &file, &text));
                return None;
            }
        };
        let inputs = query
            .tables()
            .iter()
            .map(|table| Input::Table {
                name: table.clone(),
                place: query
                    .table_place(table)
                    .map(|(line, column)| Place::in_text(&file, &text, line, column, table.chars().count())),
            })
            .collect();
        Some(Box::new(SqlStage { name: spec.name.to_string(), file, text, query, key, key_place, checks, inputs }))
    }
}

impl Stage for SqlStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let SqlStage { name: _, file: _, text: _, query: _, key, key_place: _, checks, inputs: _ } = self;
        manifest.text("engine", tables::sql::ENGINE);
        manifest.list("key", key);
        checks.describe(manifest);
    }

    fn code(&self) -> &str {
        &self.text
    }

    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let plan = tables::sql::plan(&self.query, &convert::schemas(self.query.tables(), schemas))
            .map_err(|error| vec![convert::sql_error(&error, &self.file, &self.text)])?;
        let schema = convert::schema(&self.key, &plan.columns);
        let mut problems = self.checks.resolve(&schema, &self.name, None);
        for column in &self.key {
            problems.extend(
                convert::missing_column(&schema, &self.name, column).map(|problem| problem.at(self.key_place.clone())),
            );
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let reads = plan.reads.into_iter().map(|(table, columns)| (table, ReadSet::Columns(columns))).collect();
        let origin = |origin: tables::sql::lineage::Origin| {
            let tables::sql::lineage::Origin { table, column, scale, until } = origin;
            Origin { table, column, scale, until }
        };
        let columns = plan.columns.iter().map(|(name, _)| name.clone());
        let lineage = columns.zip(plan.lineage.into_iter().map(|all| all.into_iter().map(origin).collect())).collect();
        Ok(Resolved {
            reads,
            outputs: [(self.name.clone(), schema)].into(),
            plan: Some(plan.fingerprint),
            lineage: [(self.name.clone(), lineage)].into(),
        })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let mut sources = Vec::new();
        for table in self.query.tables() {
            sources.push(Source { table: table.clone(), path: &context.table(table)?.path });
        }
        let path = context.scratch.join("table.parquet");
        let stop = || context.halt.cause().is_some();
        let options = RunOptions { memory_limit: context.memory, partitions: context.partitions, stop: Some(&stop) };
        let info = match tables::sql::run(&self.query, &sources, &self.key, &path, &options) {
            Ok(info) => info,
            Err(SqlError::Stopped) => return Err(StageError::Cancelled),
            Err(error) => return Err(self.failure(&error, &sources, &options)),
        };
        let mut warnings = self.checks.run(&self.name, &Checked::plain(&path, &self.key))?;
        if info.rows == 0 {
            warnings.push(Warning {
                stage: self.name.clone(),
                severity: Severity::Warning,
                message: "the table has no rows".to_string(),
                details: Vec::new(),
            });
        }
        Ok(Outputs { tables: vec![convert::output(&self.name, path, info)?], files: Vec::new(), warnings })
    }
}

impl SqlStage {
    /// The error, and for a repeated key the joins that can have multiplied the rows: they are counted only now.
    fn failure(&self, error: &SqlError, sources: &[Source], options: &RunOptions) -> StageError {
        let diagnostic = convert::sql_error(error, &self.file, &self.text);
        let SqlError::Table { error: TableError::DuplicateKey { .. }, .. } = error else {
            return diagnostic.into();
        };
        let joins = match tables::sql::joins::joins(&self.query, sources, 0, options) {
            Ok(joins) => joins,
            Err(SqlError::Stopped) => return StageError::Cancelled,
            // The repeated key is what is wrong; that its joins cannot be counted is not.
            Err(_) => return diagnostic.into(),
        };
        let multiplying: Vec<_> = joins.iter().filter(|join| join.left.most > 1).collect();
        if multiplying.is_empty() {
            return diagnostic.hint("the key is too short: no join of the query multiplies rows".to_string()).into();
        }
        let hint = "make the table that is joined unique in the columns of the condition, or lengthen the key";
        let diagnostic = multiplying.into_iter().fold(diagnostic.hint(hint.to_string()), |diagnostic, join| {
            let line = join.place.map_or(String::new(), |(line, _)| format!("line {line}: "));
            diagnostic.note(format!("{line}`{}` gives one row up to {} matches", join.text, join.left.most))
        });
        diagnostic.into()
    }
}

/// The query and the file it stands in: `file:` names one, or `query:` holds it.
fn query_text(spec: &Spec) -> Option<(String, String)> {
    if let Some(query) = spec.substituted("query") {
        if let Some(node) = spec.fields.node("file") {
            spec.fields.complain(node, "give either `file` or `query`, not both");
        }
        return Some((format!("{}, `query` of `{}`", query.place.file, spec.name), query.value));
    }
    let file = spec.file("file")?;
    Some((file.shown.clone(), spec.substitute_file(&file)))
}
