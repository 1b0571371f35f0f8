//! `pipeline.yaml` into a checked `Pipeline`: every mistake of the file at once, each with its place.
//! Knows no kind by name; a kind's own options are read by the kind.

use crate::diagnostic::{self, Diagnostic};
use crate::digest::{Digest, Hasher};
use crate::error::EngineError;
use crate::fingerprint::{self, GRAMMAR};
use crate::graph::{self, Graph, PartNode, StageNode};
use crate::kind::{Input, Kinds, Part, Resolved, Schemas, Stage, StageKind, StudyFacts, TableSchema};
use crate::limits::{Capacity, Limits};
use crate::manifest::Leaves;
use crate::outline::{Excerpt, Outline};
use crate::record::TableRecord;
use crate::snapshot;
use crate::spec::{Project, Source, Spec};
use crate::state::State;
use crate::yaml::fields::{Fields, Problems};
use crate::yaml::{self, Document, Entry, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// More points than this in one matrix is a mistake rather than a study.
const MAX_POINTS: usize = 20_000;
/// The domain of the digest of a stage's texts.
const CODE: &str = "restudy code 1";

/// A study that parses: all references resolve, all columns exist, there is no cycle.
pub struct Pipeline {
    pub facts: StudyFacts,
    pub sources: BTreeMap<String, Source>,
    pub graph: Graph,
    /// What the study says there is of each limited thing.
    pub capacity: Capacity,
    /// Definition leaves and key of each task, worked out with its columns.
    pub definitions: Vec<(Leaves, Digest)>,
    /// Tables made by stages that were left out, in an excerpt.
    pub given: BTreeMap<String, TableRecord>,
    /// Not an excerpt.
    pub is_whole: bool,
    /// Where stages and sources stand; `None` if the file is not written line by line.
    pub outline: Option<Outline>,
    /// The sources that each stage reads.
    pub sources_of: BTreeMap<String, BTreeSet<String>>,
}

/// Reads and checks the study. `overrides` are the `--set` pairs.
pub fn load(
    project: &Project,
    kinds: Kinds,
    overrides: &[(String, String)],
    state: &State,
    excerpt: Option<&Excerpt>,
) -> Result<Pipeline, EngineError> {
    let path = project.root.join(&project.file);
    let bytes = project.read(&path).map_err(|source| EngineError::Read { path: path.clone(), source })?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let wrong = Diagnostic::error(format!("`{}` is not UTF-8 text", project.file));
        EngineError::Study(vec![wrong.hint("save it as UTF-8; editors often call it an encoding".to_string())])
    })?;
    let text = excerpt.map_or(text.clone(), |excerpt| excerpt.outline.reduced(&text, excerpt));
    let document = yaml::parse(&project.file, &text).map_err(|problem| EngineError::Study(vec![problem]))?;
    let problems = Problems::default();
    problems.extend(document.duplicates.iter().cloned());
    let tables = excerpt.map(|excerpt| excerpt.tables.clone()).unwrap_or_default();
    let mut pipeline = read(&document, project, kinds, overrides, tables, &problems);
    if let Some(pipeline) = &mut pipeline {
        pipeline.is_whole = excerpt.is_none();
        resolve(pipeline, kinds, &problems, state)?;
        if pipeline.is_whole && problems.is_empty() {
            judge(pipeline, kinds, &problems);
        }
    }
    match pipeline {
        Some(pipeline) if problems.is_empty() => Ok(pipeline),
        _ => Err(EngineError::Study(problems.into_sorted())),
    }
}

fn read(
    document: &Document,
    project: &Project,
    kinds: Kinds,
    overrides: &[(String, String)],
    given: BTreeMap<String, TableRecord>,
    problems: &Problems,
) -> Option<Pipeline> {
    let root = Fields::new(document, &document.root, "the study", problems);
    // Without this section everything below another is in the wrong place, and each line of it would be complained of.
    if matches!(document.root.value, Value::Map(_)) && root.required("stages").is_none() {
        return None;
    }
    grammar(&root);
    let params = parameters(&root, overrides);
    let facts = study_facts(&root, params);
    let sources = sources(&root, project);
    let capacity = Capacity::parse(&root);
    if project.data.is_some() && !sources.values().any(|source| source.in_data) {
        root.problems().push(Diagnostic::error("`--data` was given, but no source of this study is in `data/`"));
    }
    let stages = root.required("stages");
    let nodes = stages.map(|node| {
        let fields = root.at(node, "`stages`");
        let reader = StageReader { document, project, kinds, facts: &facts, sources: &sources, problems };
        reader.stages(fields.entries())
    });
    root.finish();
    let (nodes, broken) = nodes?;
    let sources_of = nodes.iter().map(|node| (node.name.clone(), node.sources.clone())).collect();
    let is_known = |table: &str| given.contains_key(table) || broken.contains(table.split('.').next().unwrap_or(table));
    let graph = match graph::build(nodes, is_known) {
        Ok(graph) => graph,
        Err(found) => {
            problems.extend(found);
            return None;
        }
    };
    // Of an excerpt nobody asks.
    let outline = if given.is_empty() { Outline::of(document) } else { None };
    let definitions = Vec::new();
    Some(Pipeline { facts, sources, graph, capacity, definitions, given, is_whole: true, outline, sources_of })
}

fn grammar(root: &Fields) {
    if root.required("restudy").is_some()
        && let Some(version) = root.int("restudy")
        && version != i64::from(GRAMMAR)
    {
        let node = root.node("restudy").expect("it was just read");
        root.complain(node, format!("grammar version {version} is not known to this restudy, which reads {GRAMMAR}"));
    }
}

fn parameters(root: &Fields, overrides: &[(String, String)]) -> BTreeMap<String, String> {
    let mut params = BTreeMap::new();
    for entry in root.map("params").unwrap_or_default() {
        match entry.node.value.scalar_text() {
            Some(text) => {
                params.insert(entry.key.clone(), text);
            }
            None => root.complain(
                &entry.node,
                format!("parameter `{}` must be a single value, not {}", entry.key, entry.node.value.describe()),
            ),
        }
    }
    for (name, value) in overrides {
        if params.insert(name.clone(), value.clone()).is_none() {
            params.remove(name);
            let known: Vec<&str> = params.keys().map(String::as_str).collect();
            let near = diagnostic::did_you_mean(name, known.iter().copied());
            root.problems().push(
                Diagnostic::error(format!("`--set {name}=…`: the study has no parameter `{name}`"))
                    .hint(near.or_else(|| Some(format!("parameters: {}", known.join(", "))))),
            );
        }
    }
    params
}

fn study_facts(root: &Fields, params: BTreeMap<String, String>) -> StudyFacts {
    root.required("study");
    let Some(study) = root.fields("study", "`study`") else {
        return StudyFacts { params, ..StudyFacts::default() };
    };
    let name = study.required_text("name").map(|name| name.value).unwrap_or_default();
    let mut title = BTreeMap::new();
    match study.node("title").map(|node| (&node.value, node)) {
        Some((Value::Map(entries), _)) => {
            for entry in entries {
                if let Some(text) = study.as_text(&entry.node, "title") {
                    title.insert(entry.key.clone(), text.value);
                }
            }
        }
        Some((_, node)) => {
            if let Some(text) = study.as_text(node, "title") {
                title.insert(String::new(), text.value);
            }
        }
        None => {}
    }
    let seed = study.int("seed").unwrap_or(0);
    study.finish();
    StudyFacts { name, title, seed, params }
}

fn sources(root: &Fields, project: &Project) -> BTreeMap<String, Source> {
    let mut sources = BTreeMap::new();
    for entry in root.map("sources").unwrap_or_default() {
        let fields = root.at(&entry.node, format!("source `{}`", entry.key));
        fields.required("path");
        let patterns = fields.texts("path").unwrap_or_default();
        let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut in_data = false;
        for mut pattern in patterns {
            pattern.value = pattern.value.trim_start_matches("./").replace("//", "/");
            in_data |= pattern.value.starts_with("data/");
            match find_files(project, &pattern.value) {
                Ok(found) if found.is_empty() => root.problems().push(
                    Diagnostic::error(format!("no file matches `{}`", pattern.value)).at(pattern.place).hint(format!(
                        "looked in `{}`",
                        project.path(&pattern.value).parent().unwrap_or(&project.root).display()
                    )),
                ),
                Ok(found) => files.extend(found),
                Err(cause) => root.problems().push(
                    Diagnostic::error(format!("the files of `{}` cannot be listed: {cause}", pattern.value))
                        .at(pattern.place),
                ),
            }
        }
        let source = Source {
            name: entry.key.clone(),
            files: files.into_iter().collect(),
            in_data,
            licence: fields.text("licence").map(|text| text.value),
            citation: fields.text("citation").map(|text| text.value),
        };
        fields.finish();
        sources.insert(entry.key.clone(), source);
    }
    sources
}

/// The files a pattern matches: path as the study writes it, and real path.
fn find_files(project: &Project, pattern: &str) -> Result<BTreeMap<String, PathBuf>, String> {
    let (shown_root, real_root) = match (&project.data, pattern.starts_with("data/")) {
        (Some(data), true) => ("data", data.clone()),
        _ => ("", project.root.clone()),
    };
    let rest = if shown_root.is_empty() { pattern } else { pattern.trim_start_matches("data/") };
    // Only what the study wrote is a pattern, not the folder it happens to lie in.
    let root = glob::Pattern::escape(real_root.to_str().ok_or("the path is not UTF-8")?);
    let text = if Path::new(rest).is_absolute() { rest.to_string() } else { format!("{root}/{rest}") };
    let mut files = BTreeMap::new();
    for path in project.matches(&text)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        // Lock and backup files that spreadsheet programs leave beside the open file.
        if path.is_symlink() && !path.exists() {
            return Err(format!("`{}` is a link to a file that is not there", path.display()));
        }
        if !path.is_file() || name.starts_with("~$") || name.starts_with(".~") {
            continue;
        }
        let inside = path.strip_prefix(&real_root).unwrap_or(&path);
        let inside = inside.to_str().ok_or_else(|| format!("the name of `{}` is not UTF-8", path.display()))?;
        let shown = if shown_root.is_empty() { inside.to_string() } else { format!("{shown_root}/{inside}") };
        files.insert(shown.replace('\\', "/"), path);
    }
    let matcher = glob::Pattern::new(pattern).map_err(|error| error.to_string())?;
    let literal = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::default() };
    for (shown, path) in &project.overlay {
        if matcher.matches_with(shown, literal) {
            files.insert(shown.clone(), path.clone());
        }
    }
    Ok(files)
}

/// A stage at one point of its matrix, with what it was read from.
struct Instance {
    work: Box<dyn Stage>,
    params: BTreeMap<String, String>,
    sources: BTreeSet<String>,
    code: Digest,
}

struct StageReader<'a> {
    document: &'a Document,
    project: &'a Project,
    kinds: Kinds,
    facts: &'a StudyFacts,
    sources: &'a BTreeMap<String, Source>,
    problems: &'a Problems,
}

impl<'a> StageReader<'a> {
    fn stages(&self, entries: &'a [Entry]) -> (Vec<StageNode>, BTreeSet<String>) {
        let mut nodes = Vec::new();
        let mut broken = BTreeSet::new();
        for entry in entries {
            let before = self.problems.len();
            match self.stage(entry) {
                Some(node) if self.problems.len() == before => nodes.push(node),
                _ => {
                    broken.insert(entry.key.clone());
                }
            }
        }
        (nodes, broken)
    }

    fn stage(&self, entry: &'a Entry) -> Option<StageNode> {
        let place = self.document.place(entry.key_span);
        if !is_name(&entry.key) {
            self.problems.push(
                Diagnostic::error(format!("`{}` cannot be a stage name", entry.key))
                    .at(place.clone())
                    .hint("a name has lower-case letters, digits and `_`, and starts with a letter".to_string()),
            );
        }
        let fields = Fields::new(self.document, &entry.node, format!("stage `{}`", entry.key), self.problems);
        let kind = self.kind(&fields)?;
        let points = self.points(&fields);
        let limits = Limits::parse(&fields);
        drop(fields);
        let Some(points) = points else {
            let Instance { work, params, sources, code } = self.instance(entry, kind, &[])?;
            let parts = work.parts().into_iter();
            let part = |part: Part| PartNode { label: part.label, work: part.stage, params: params.clone(), code };
            let parts = parts.map(part).collect();
            return Some(StageNode {
                name: entry.key.clone(),
                place,
                kind: kind.name(),
                kind_version: kind.version(),
                work,
                params,
                code,
                sources,
                parts,
                limits,
            });
        };
        let mut parts: Vec<PartNode> = Vec::new();
        let mut sources = BTreeSet::new();
        for point in &points {
            let values: Vec<(String, String)> =
                point.iter().map(|(axis, _, value)| (axis.clone(), value.clone())).collect();
            let instance = self.instance(entry, kind, &values)?;
            sources.extend(instance.sources);
            let Instance { work, params, code, .. } = instance;
            parts.push(PartNode { label: label(point), work, params, code });
        }
        let outputs = parts.first()?.work.outputs();
        let labels = points
            .iter()
            .map(|point| point.iter().map(|(axis, label, _)| (axis.clone(), label.clone())).collect())
            .collect();
        let work = self.kinds.matrix.join(labels, outputs);
        let (kind, kind_version) = (kind.name(), kind.version());
        // The joining task is all in its points, which are in its key.
        let (name, params, code) = (entry.key.clone(), BTreeMap::new(), Hasher::new(CODE).finish());
        Some(StageNode { name, place, kind, kind_version, work, params, code, sources, parts, limits })
    }

    /// Parses the stage at one point of its matrix.
    fn instance(&self, entry: &'a Entry, kind: &'static dyn StageKind, point: &[(String, String)]) -> Option<Instance> {
        let mut params = self.facts.params.clone();
        params.extend(point.iter().cloned());
        let fields = Fields::new(self.document, &entry.node, format!("stage `{}`", entry.key), self.problems);
        fields.allow(&["kind", "matrix", "description", "limits", "retries"]);
        let (name, project, sources) = (&entry.key, self.project, self.sources);
        let (used, read, code) = (RefCell::default(), RefCell::default(), RefCell::new(Hasher::new(CODE)));
        let spec = Spec { name, fields, project, params: &params, sources, facts: self.facts, used, read, code };
        let stage = kind.parse(&spec);
        spec.fields.finish();
        let (read, code) = (spec.read.into_inner(), spec.code.into_inner().finish());
        let used = spec.used.into_inner().into_iter().filter_map(|name| params.remove_entry(&name)).collect();
        Some(Instance { work: stage?, params: used, sources: read, code })
    }

    fn kind(&self, fields: &Fields) -> Option<&'static dyn StageKind> {
        let name = fields.required_text("kind")?;
        let found = self.kinds.all.iter().find(|kind| kind.name() == name.value);
        if found.is_none() {
            let known: Vec<&str> = self.kinds.all.iter().map(|kind| kind.name()).collect();
            let near = diagnostic::did_you_mean(&name.value, known.iter().copied());
            self.problems.push(
                Diagnostic::error(format!("no kind of stage is called `{}`", name.value))
                    .at(name.place)
                    .hint(near.or_else(|| Some(format!("kinds: {}", known.join(", "))))),
            );
        }
        found.copied()
    }

    /// The points of `matrix:` in order, the last axis fastest; each as axis, label, value.
    fn points(&self, fields: &Fields<'a>) -> Option<Vec<Vec<(String, String, String)>>> {
        let mut points: Vec<Vec<(String, String, String)>> = vec![Vec::new()];
        for axis in fields.map("matrix")? {
            if self.facts.params.contains_key(&axis.key) {
                fields.problems().push(
                    Diagnostic::error(format!("axis `{}` has the name of a parameter of the study", axis.key))
                        .at(self.document.place(axis.key_span))
                        .hint("rename the axis or the parameter: `${…}` must mean one thing".to_string()),
                );
            }
            let values = self.axis(fields, axis);
            let mut grown = Vec::new();
            for point in &points {
                for (label, value) in &values {
                    let mut longer = point.clone();
                    longer.push((axis.key.clone(), label.clone(), value.clone()));
                    grown.push(longer);
                }
            }
            if grown.len() > MAX_POINTS {
                fields.complain(&axis.node, format!("the matrix has more than {MAX_POINTS} points"));
                return None;
            }
            points = grown;
        }
        Some(points)
    }

    /// Labels and values of one axis: a list of values, or a map from label to value.
    fn axis(&self, fields: &Fields<'a>, axis: &'a Entry) -> Vec<(String, String)> {
        let name = format!("matrix.{}", axis.key);
        let mut values: Vec<(String, String)> = Vec::new();
        match &axis.node.value {
            Value::List(items) => {
                for item in items {
                    values.extend(fields.as_text(item, &name).map(|text| (text.value.clone(), text.value)));
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    let text = fields.as_text(&entry.node, &name);
                    values.extend(text.map(|text| (entry.key.clone(), text.value)));
                }
            }
            _ => fields.complain(
                &axis.node,
                format!("axis `{}` must be a list of values or a map from label to value", axis.key),
            ),
        }
        let labels: BTreeSet<&str> = values.iter().map(|(label, _)| label.as_str()).collect();
        if values.is_empty() || labels.len() < values.len() {
            fields.complain(&axis.node, format!("axis `{}` needs at least one value, and each only once", axis.key));
        }
        values
    }
}

fn label(point: &[(String, String, String)]) -> String {
    let pairs: Vec<String> = point.iter().map(|(axis, label, _)| format!("{axis}={label}")).collect();
    pairs.join(",")
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Works out, before anything runs, which columns each stage reads and makes, and with them what it is. What was worked out before for the same
/// stage over the same columns is remembered: planning ten thousand queries again would take a while.
fn resolve(pipeline: &mut Pipeline, kinds: Kinds, problems: &Problems, state: &State) -> Result<(), EngineError> {
    let program = snapshot::program();
    let Pipeline { graph, definitions, given, .. } = pipeline;
    let mut fresh: Vec<(Digest, Resolved)> = Vec::new();
    let mut schemas: Schemas = given.iter().map(|(name, table)| (name.clone(), table.schema())).collect();
    let mut failed: BTreeSet<usize> = BTreeSet::new();
    for id in 0..graph.tasks.len() {
        let task = &graph.tasks[id];
        // What depends on a stage that is wrong would only repeat its mistake.
        let unknown = |input: &Input| matches!(input, Input::Table { name, .. } if !graph.producers.contains_key(name) && !given.contains_key(name));
        if task.inputs().any(|input| failed.contains(&input)) || task.work.inputs().iter().any(unknown) {
            failed.insert(id);
            continue;
        }
        let named = task.work.inputs().iter().filter_map(|input| match input {
            Input::Table { name, .. } => Some((name.clone(), schemas.get(name)?.clone())),
            Input::File { .. } => None,
        });
        let mut visible: Schemas = named.collect();
        // The pieces of a stage make tables under the stage's own names; the join sees theirs.
        for &part in &task.parts {
            visible.extend(graph.tasks[part].resolved.outputs.clone());
        }
        let leaves = fingerprint::definition(task, kinds.versions);
        let definition = fingerprint::definition_key(&leaves);
        let key = resolve_key(&program, definition, task.work.code(), &visible);
        let known = state.resolved(key)?;
        let found = match known {
            Some(resolved) => Ok(resolved),
            None => task.work.resolve(&visible).inspect(|resolved| fresh.push((key, resolved.clone()))),
        };
        match found {
            Ok(resolved) => {
                let is_piece = task.name.contains('@');
                if !is_piece {
                    schemas.extend(resolved.outputs.clone());
                }
                graph.tasks[id].resolved = resolved;
                let task = &graph.tasks[id];
                let leaves =
                    if task.resolved.plan.is_some() { fingerprint::definition(task, kinds.versions) } else { leaves };
                // One per task: where one fails, there is no pipeline.
                let key = fingerprint::definition_key(&leaves);
                definitions.push((leaves, key));
            }
            Err(found) => {
                problems.extend(found);
                failed.insert(id);
            }
        }
    }
    state.add_resolved(&fresh)
}

/// Lets stages look at the whole study. What they found is part of what they are.
fn judge(pipeline: &mut Pipeline, kinds: Kinds, problems: &Problems) {
    let Pipeline { graph, definitions, .. } = pipeline;
    for (id, definition) in definitions.iter_mut().enumerate() {
        match graph.tasks[id].work.judge(graph) {
            Ok(None) => {}
            Ok(found) => {
                graph.tasks[id].resolved.plan = found;
                let leaves = fingerprint::definition(&graph.tasks[id], kinds.versions);
                let key = fingerprint::definition_key(&leaves);
                *definition = (leaves, key);
            }
            Err(found) => problems.extend(found),
        }
    }
}

/// Of everything that decides which columns a stage reads and makes.
fn resolve_key(program: &str, definition: Digest, code: &str, visible: &Schemas) -> Digest {
    let mut hasher = Hasher::new("restudy resolve 2");
    hasher.text(program).text(&definition.hex()).text(code);
    for (name, TableSchema { key, columns }) in visible {
        hasher.text(name).text(&format!("{key:?} {columns:?}"));
    }
    hasher.finish()
}
