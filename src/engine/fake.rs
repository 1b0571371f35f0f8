//! A kind for tests: each stage concatenates the texts of its inputs and counts how often it ran. No data, no DataFusion.

use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::kind::{
    Input, Kinds, Matrix, OutputTable, Outputs, ReadSet, Resolved, RunContext, Schemas, Stage, StageError, StageKind,
    TableSchema,
};
use crate::manifest::Manifest;
use crate::record::{ColumnRecord, Stopwatch, Warning};
use crate::spec::Spec;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

pub static KINDS: Kinds = Kinds { all: &[&Fake], matrix: &Joiner, versions: &[] };

/// `kind: fake` with the options `text`, `from`, `file`, `reads`, `honest` (uses no other column than those), `fail`, `warn`, `wait` (milliseconds), `once` (a file:
/// fails while it is not there, and makes it), `log` (a file that gets a line when the work begins and one when it ends).
pub struct Fake;

struct FakeStage {
    name: String,
    text: String,
    reads: Option<Vec<String>>,
    honest: bool,
    fail: bool,
    warn: Option<String>,
    wait: u64,
    once: Option<PathBuf>,
    log: Option<PathBuf>,
    publish: bool,
    inputs: Vec<Input>,
}

impl StageKind for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let mut inputs: Vec<Input> = Vec::new();
        for table in spec.fields.texts("from").unwrap_or_default() {
            inputs.push(Input::Table { name: table.value, place: Some(table.place) });
        }
        if let Some(source) = spec.fields.node("file").and_then(|_| spec.source("file")) {
            let files = source.files.iter();
            inputs.extend(files.map(|(shown, path)| Input::File { shown: shown.clone(), path: path.clone() }));
        }
        let reads = spec.fields.texts("reads");
        Some(Box::new(FakeStage {
            name: spec.name.to_string(),
            text: spec.substituted("text").map_or(String::new(), |text| text.value),
            reads: reads.map(|names| names.into_iter().map(|name| name.value).collect()),
            honest: spec.fields.bool("honest").unwrap_or(false),
            fail: spec.fields.bool("fail").unwrap_or(false),
            warn: spec.fields.text("warn").map(|text| text.value),
            wait: spec.fields.int("wait").unwrap_or(0) as u64,
            once: spec.fields.text("once").map(|text| spec.project.root.join(text.value)),
            log: spec.fields.text("log").map(|text| spec.project.root.join(text.value)),
            publish: spec.fields.bool("publish").unwrap_or(false),
            inputs,
        }))
    }
}

impl Stage for FakeStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let FakeStage { name: _, text, reads, honest, fail, warn, wait: _, once: _, log: _, publish, inputs: _ } = self;
        manifest.text("text", text);
        manifest.list("reads", reads.as_deref().unwrap_or_default());
        manifest.flag("honest", *honest);
        manifest.flag("fail", *fail);
        manifest.maybe("warn", warn.as_deref());
        manifest.flag("publish", *publish);
    }

    fn resolve(&self, _schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let mut resolved = Resolved::default();
        for input in &self.inputs {
            if let (Input::Table { name, .. }, Some(columns)) = (input, &self.reads) {
                resolved.reads.insert(name.clone(), ReadSet::Columns(columns.clone()));
            }
        }
        resolved.outputs.insert(self.name.clone(), TableSchema::default());
        Ok(resolved)
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        self.note("begin");
        let watch = Stopwatch::start();
        while watch.seconds() * 1000.0 < self.wait as f64 {
            if context.halt.cause().is_some() {
                return Err(StageError::Cancelled);
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.note("end");
        if let Some(once) = self.once.iter().find(|path| !path.exists()) {
            fs::write(once, "").expect("the test folder can be written to");
            return Err(Diagnostic::error("asked to fail once").into());
        }
        if self.fail {
            return Err(Diagnostic::error("asked to fail").into());
        }
        let mut text = self.text.clone();
        for table in context.tables.values() {
            let rows = fs::read_to_string(&table.path).unwrap_or_default();
            let used = rows.lines().filter(|line| self.uses(line));
            text.extend(used.map(|line| format!("{line}\n")));
        }
        for file in &context.files {
            text.push_str(&fs::read_to_string(&file.path).unwrap_or_default());
        }
        let warning = self.warn.iter().map(|message| Warning {
            stage: self.name.clone(),
            severity: crate::diagnostic::Severity::Warning,
            message: message.clone(),
            details: Vec::new(),
        });
        let page = context.scratch.join("page");
        fs::write(&page, &text).expect("the scratch folder can be written to");
        Ok(Outputs {
            tables: vec![table(&self.name, &text, context.scratch)],
            files: if self.publish { vec![("page.txt".to_string(), page)] } else { Vec::new() },
            warnings: warning.collect(),
        })
    }
}

impl FakeStage {
    fn uses(&self, line: &str) -> bool {
        let column = line.split('=').next().unwrap_or(line);
        !self.honest || self.reads.iter().flatten().any(|name| name == column)
    }

    fn note(&self, what: &str) {
        let Some(log) = &self.log else { return };
        let mut file = fs::OpenOptions::new().create(true).append(true).open(log).expect("the log can be opened");
        // In one piece: several stages write to the same file.
        file.write_all(format!("{what} {}\n", self.name).as_bytes()).expect("the log can be written to");
    }
}

/// Each line `column=value` of the text is a column; the rest is in `rest`.
fn table(name: &str, text: &str, scratch: &Path) -> OutputTable {
    let path = scratch.join("table");
    fs::write(&path, text).expect("the scratch folder can be written to");
    let columns = text.lines().filter_map(|line| line.split_once('='));
    OutputTable {
        name: name.to_string(),
        path,
        key: Vec::new(),
        digest: Digest::of_bytes(text.as_bytes()),
        rows: 1,
        rows_digest: Digest::of_bytes(b"one row"),
        columns: columns
            .map(|(name, value)| ColumnRecord {
                name: name.to_string(),
                kind: "text".to_string(),
                digest: Digest::of_bytes(value.as_bytes()),
                nulls: 0,
            })
            .chain([ColumnRecord {
                name: "rest".to_string(),
                kind: "text".to_string(),
                digest: Digest::of_bytes(text.as_bytes()),
                nulls: 0,
            }])
            .collect(),
    }
}

pub struct Joiner;

struct Joined {
    labels: Vec<Vec<(String, String)>>,
    outputs: Vec<String>,
}

impl Matrix for Joiner {
    fn join(&self, labels: Vec<Vec<(String, String)>>, outputs: Vec<String>) -> Box<dyn Stage> {
        Box::new(Joined { labels, outputs })
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
        manifest.text("points", &format!("{:?}", self.labels));
    }

    fn resolve(&self, _schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let outputs = self.outputs.iter().map(|name| (name.clone(), TableSchema::default()));
        Ok(Resolved { outputs: outputs.collect(), ..Resolved::default() })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let tables = context.parts.iter().flat_map(|part| &part.tables);
        let text: String = tables.map(|table| fs::read_to_string(&table.path).unwrap_or_default()).collect();
        Ok(Outputs { tables: vec![table(&self.outputs[0], &text, context.scratch)], ..Outputs::default() })
    }
}
