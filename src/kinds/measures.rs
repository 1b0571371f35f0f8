//! `kind: measures`: what the measures of a study are called, which role each plays, and whether roles may go together.
//! A mechanism that shares a component with the outcome is correlated with it by construction; a control that is made of
//! a mechanism takes away what is looked for; a moderator of years after treatment may be an outcome itself. All of it is
//! seen in what columns are made of (`Resolved::lineage`), before anything runs.
//! Makes `<stage>`: one row per measure of the catalogue. The numbers beside them are `restudy catalogue`.

use crate::convert;
use engine::diagnostic::{self, Diagnostic, Place, Severity};
use engine::graph::Graph;
use engine::kind::{Input, Outputs, Resolved, RunContext, Schemas, Stage, StageError, StageKind, TableSchema};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use engine::yaml::fields::{Fields, Problems};
use engine::yaml::{self, Node};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use tables::columns::{Column, Table, Values};

pub struct Measures;

/// What a study says of its measures.
pub struct MeasuresStage {
    name: String,
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// By role, in the order of `ROLES`.
    pub roles: Vec<(Role, Vec<Named>)>,
    /// Where the search for components ends: their columns are the components.
    components: Vec<Named>,
    period: String,
    before: Option<i64>,
    overlap: Severity,
    shared_scales: Option<Severity>,
    waivers: Vec<Waiver>,
    /// What was found wrong, but not forbidden. The study is judged each time it is read, and only then stages run.
    found: OnceLock<Vec<String>>,
}

/// One measure of the catalogue.
#[derive(Clone, Debug)]
pub struct Entry {
    pub table: String,
    pub column: String,
    pub place: Place,
    /// Language code to name.
    pub name: BTreeMap<String, String>,
    pub formula: String,
    pub unit: String,
    /// The column of its table that says why a value is missing.
    pub codes: Option<String>,
    /// Other measures of the catalogue of the same thing.
    pub alternatives: Vec<String>,
}

/// A table, or a column of one as `table.column`, and where it is named.
#[derive(Clone, Debug)]
pub struct Named {
    pub text: String,
    place: Place,
}

#[derive(Debug)]
struct Waiver {
    measures: [Named; 2],
    because: String,
    place: Place,
}

/// What a measure is in the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Outcome,
    Mechanism,
    Moderator,
    Group,
    Control,
}

const ROLES: &[(&str, Role)] = &[
    ("outcome", Role::Outcome),
    ("mechanism", Role::Mechanism),
    ("moderator", Role::Moderator),
    ("group", Role::Group),
    ("control", Role::Control),
];

/// A component: a table and its column, or its rows.
pub type Component = (String, Option<String>);

/// How a measure uses a component.
#[derive(Clone, Debug, Default)]
pub struct Use {
    /// It only divides, or decides between values.
    pub scale: bool,
    until: BTreeMap<String, i64>,
}

impl Role {
    pub fn name(self) -> &'static str {
        ROLES.iter().find(|(_, role)| *role == self).map_or("", |(name, _)| name)
    }

    /// Whether it should be of the time before treatment: then it shares nothing with what comes after.
    fn is_fixed(self) -> bool {
        matches!(self, Role::Moderator | Role::Group)
    }
}

impl StageKind for Measures {
    fn name(&self) -> &'static str {
        "measures"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let file = spec.file("file")?;
        let text = spec.substitute_file(&file);
        let entries = entries(&file.shown, &text, spec.fields.problems());
        let mut roles = Vec::new();
        if let Some(fields) = spec.fields.fields("roles", "`roles`") {
            for (name, role) in ROLES {
                roles.push((*role, named(&fields, name)));
            }
            fields.finish();
        }
        let severities: &[(&str, Option<Severity>)] =
            &[("allow", None), ("error", Some(Severity::Error)), ("warning", Some(Severity::Warning))];
        let overlap = spec.fields.choice("overlap", &severities[1..]).flatten().unwrap_or(Severity::Error);
        let shared_scales = spec.fields.choice("shared_scales", severities).flatten();
        let before = spec.substituted("before").and_then(|text| match text.value.trim().parse::<i64>() {
            Ok(value) => Some(value),
            Err(_) => {
                let wrong = format!("`before` must be a whole number, the first treated period, not `{}`", text.value);
                spec.fields.problems().push(Diagnostic::error(wrong).at(text.place));
                None
            }
        });
        let waivers = spec.fields.list("waive").unwrap_or_default().iter().filter_map(|item| waiver(spec, item));
        Some(Box::new(MeasuresStage {
            name: spec.name.to_string(),
            entries,
            roles,
            components: named(&spec.fields, "components"),
            period: spec.fields.text("period").map_or("year".to_string(), |text| text.value),
            before,
            overlap,
            shared_scales,
            waivers: waivers.collect(),
            found: OnceLock::new(),
        }))
    }
}

/// The file of the catalogue: `measures:` by `table.column`.
fn entries(file: &str, text: &str, problems: &Problems) -> Vec<Entry> {
    let document = match yaml::parse(file, text) {
        Ok(document) => document,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    problems.extend(document.duplicates.iter().cloned());
    let root = Fields::new(&document, &document.root, "the catalogue", problems);
    root.required("measures");
    let mut entries = Vec::new();
    for entry in root.map("measures").unwrap_or_default() {
        let place = document.place(entry.key_span);
        let fields = root.at(&entry.node, format!("measure `{}`", entry.key));
        let mut name = BTreeMap::new();
        fields.required("name");
        for language in fields.map("name").unwrap_or_default() {
            name.extend(fields.as_text(&language.node, "name").map(|text| (language.key.clone(), text.value)));
        }
        let formula = fields.required_text("formula").map_or(String::new(), |text| text.value);
        let unit = fields.required_text("unit").map_or(String::new(), |text| text.value);
        let codes = fields.text("codes").map(|text| text.value);
        let alternatives = fields.texts("alternatives").unwrap_or_default().into_iter().map(|text| text.value);
        let alternatives = alternatives.collect();
        fields.finish();
        let Some((table, column)) = entry.key.rsplit_once('.') else {
            let wrong = format!("`{}` names no column: write `table.column`", entry.key);
            problems.push(Diagnostic::error(wrong).at(place));
            continue;
        };
        let (table, column) = (table.to_string(), column.to_string());
        entries.push(Entry { table, column, place, name, formula, unit, codes, alternatives });
    }
    root.finish();
    entries
}

fn named(fields: &Fields, key: &str) -> Vec<Named> {
    let texts = fields.texts(key).unwrap_or_default();
    texts.into_iter().map(|text| Named { text: text.value, place: text.place }).collect()
}

fn waiver<'a>(spec: &Spec<'a>, item: &'a Node) -> Option<Waiver> {
    let fields = spec.fields.at(item, "a waiver");
    fields.required("measures");
    let measures = named(&fields, "measures");
    let because = fields.required_text("because");
    let place = fields.document().place(item.span);
    fields.finish();
    match <[Named; 2]>::try_from(measures) {
        Ok(measures) => Some(Waiver { measures, because: because?.value, place }),
        Err(measures) => {
            let wrong = format!("a waiver is for two `measures`, not {}", measures.len());
            spec.fields.problems().push(
                Diagnostic::error(wrong)
                    .at(place)
                    .hint("for a moderator that is not fixed before treatment, name it twice".to_string()),
            );
            None
        }
    }
}

impl Stage for MeasuresStage {
    /// None: only the plan of the study is looked at.
    fn inputs(&self) -> &[Input] {
        &[]
    }

    fn outputs(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    /// What was found in the study is in the plan; see `judge`.
    fn describe(&self, manifest: &mut dyn Manifest) {
        for (index, entry) in self.entries.iter().enumerate() {
            let Entry { table, column, place: _, name, formula, unit, codes: _, alternatives: _ } = entry;
            manifest.text(&format!("measures[{index}]"), &format!("{table}.{column} {name:?} {formula} {unit}"));
        }
        for (role, names) in &self.roles {
            manifest.list(role.name(), &names.iter().map(|named| named.text.clone()).collect::<Vec<_>>());
        }
    }

    fn resolve(&self, _schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let columns = COLUMNS.map(|name| (name.to_string(), "text".to_string())).to_vec();
        let schema = TableSchema { key: vec![COLUMNS[0].to_string()], columns };
        Ok(Resolved { outputs: [(self.name.clone(), schema)].into(), ..Resolved::default() })
    }

    fn judge(&self, study: &Graph) -> Result<Option<String>, Vec<Diagnostic>> {
        let mut problems = self.unknown(study);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut used = BTreeSet::new();
        let mut found: Vec<String> = Vec::new();
        for finding in self.findings(study) {
            match self.waivers.iter().position(|waiver| waiver.is_for(&finding)) {
                Some(index) => {
                    used.insert(index);
                    found.push(format!("{}; kept because {}", finding.message, self.waivers[index].because));
                }
                None if finding.severity == Severity::Error => problems.push(
                    Diagnostic::error(finding.message)
                        .at(finding.place)
                        .hint(format!("{}, or say under `waive` why it may stay", finding.next)),
                ),
                None => found.push(finding.message),
            }
        }
        let unused = self.waivers.iter().enumerate().filter(|(index, _)| !used.contains(index));
        problems.extend(unused.map(|(_, waiver)| {
            let [one, other] = &waiver.measures;
            let wrong = format!("nothing is to be waived between `{}` and `{}`", one.text, other.text);
            Diagnostic::error(wrong).at(waiver.place.clone()).hint("take the waiver away".to_string())
        }));
        if !problems.is_empty() {
            return Err(problems);
        }
        let made = self.entries.iter().map(|entry| made_of(&components(study, self, &entry.table, &entry.column)));
        let lines: Vec<String> = found.iter().cloned().chain(made).collect();
        // A study is read once by a process, and what is found there does not change.
        let _ = self.found.set(found);
        Ok(Some(lines.join("\n")))
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let text = |name: &str, value: &dyn Fn(&Entry) -> String| Column {
            name: name.to_string(),
            values: Values::Text(self.entries.iter().map(|entry| Some(value(entry))).collect()),
        };
        let word = |language: &'static str| move |entry: &Entry| entry.name.get(language).cloned().unwrap_or_default();
        let table = Table {
            columns: vec![
                text(COLUMNS[0], &|entry| format!("{}.{}", entry.table, entry.column)),
                text(COLUMNS[1], &word("zh")),
                text(COLUMNS[2], &word("en")),
                text(COLUMNS[3], &|entry| entry.formula.clone()),
                text(COLUMNS[4], &|entry| entry.unit.clone()),
            ],
        };
        let path = context.scratch.join("measures.parquet");
        let info = tables::write::write(&path, &table, &[COLUMNS[0].to_string()]).map_err(|error| {
            Diagnostic::error(format!("`{}` cannot be written: {error}", self.name)).hint(error.hint())
        })?;
        let warning = |message: &String| Warning {
            stage: self.name.clone(),
            severity: Severity::Warning,
            message: message.clone(),
            details: Vec::new(),
        };
        let warnings = self.found.get().into_iter().flatten().map(warning).collect();
        Ok(Outputs { tables: vec![convert::output(&self.name, path, info)?], files: Vec::new(), warnings })
    }
}

const COLUMNS: [&str; 5] = ["measure", "name_zh", "name_en", "formula", "unit"];

/// Two measures that do not go together, or one twice that does not go with its role.
struct Finding {
    measures: [String; 2],
    severity: Severity,
    message: String,
    place: Place,
    next: String,
}

/// A measure in its role.
struct Judged<'a> {
    role: Role,
    named: &'a Named,
    made: BTreeMap<Component, Use>,
    /// Of a moderator or a group: what it takes from all years.
    open: Vec<String>,
}

impl Waiver {
    fn is_for(&self, finding: &Finding) -> bool {
        let [one, other] = &self.measures;
        let own = [&one.text, &other.text];
        let [first, second] = &finding.measures;
        own == [first, second] || own == [second, first]
    }
}

impl MeasuresStage {
    /// Names that are none in this study.
    fn unknown(&self, study: &Graph) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let names = self.roles.iter().flat_map(|(_, names)| names);
        let names = names.chain(self.waivers.iter().flat_map(|waiver| &waiver.measures));
        for Named { text, place } in names {
            let (table, column) = text.rsplit_once('.').unwrap_or((text.as_str(), ""));
            problems.extend(missing(study, table, column).map(|problem| problem.at(place.clone())));
        }
        for Named { text, place } in &self.components {
            problems.extend(missing_table(study, text).map(|problem| problem.at(place.clone())));
        }
        let known: Vec<String> = self.entries.iter().map(|entry| format!("{}.{}", entry.table, entry.column)).collect();
        for entry in &self.entries {
            let columns = [Some(&entry.column), entry.codes.as_ref()].into_iter().flatten();
            let found = columns.filter_map(|column| missing(study, &entry.table, column));
            problems.extend(found.map(|problem| problem.at(entry.place.clone())));
            for alternative in entry.alternatives.iter().filter(|alternative| !known.contains(alternative)) {
                let near = diagnostic::did_you_mean(alternative, known.iter().map(String::as_str));
                let wrong = Diagnostic::error(format!("`{alternative}` is not in the catalogue"));
                problems.push(wrong.at(entry.place.clone()).hint(near));
            }
        }
        problems
    }

    /// Pairs that share components, and moderators that are not fixed.
    fn findings(&self, study: &Graph) -> Vec<Finding> {
        let of = |named: &Named| -> BTreeMap<Component, Use> {
            let (table, column) = named.text.rsplit_once('.').expect("`unknown` looked");
            components(study, self, table, column)
        };
        let mut all: Vec<Judged> = Vec::new();
        for (role, names) in &self.roles {
            for named in names {
                let made = of(named);
                let open = if role.is_fixed() { self.open(study, &made) } else { Vec::new() };
                all.push(Judged { role: *role, named, made, open });
            }
        }
        let mut findings = Vec::new();
        for (index, Judged { role, named: one, made, open }) in all.iter().enumerate() {
            if !open.is_empty() {
                let before = self.before.map_or(String::new(), |before| before.to_string());
                findings.push(Finding {
                    measures: [one.text.clone(), one.text.clone()],
                    severity: Severity::Warning,
                    message: format!(
                        "{} `{}` is not fixed before treatment: it looks at {} in all years",
                        role.name(),
                        one.text,
                        open.join(", ")
                    ),
                    place: one.place.clone(),
                    next: format!("take its mean of the years before {before}"),
                });
            }
            for Judged { role: other_role, named: other, made: other_made, open: other_open } in &all[index + 1..] {
                let fixed = (role.is_fixed() && open.is_empty()) || (other_role.is_fixed() && other_open.is_empty());
                if role == other_role || fixed {
                    continue;
                }
                let shared = |scales: bool| -> Vec<String> {
                    let both = made.iter().filter_map(|(component, used)| {
                        let other = other_made.get(component)?;
                        ((used.scale || other.scale) == scales).then(|| shown(component))
                    });
                    both.collect()
                };
                let soft = role.is_fixed() || other_role.is_fixed();
                let kinds = [
                    (shared(false), Some(if soft { Severity::Warning } else { self.overlap })),
                    (shared(true), self.shared_scales),
                ];
                for (names, severity) in kinds {
                    let (false, Some(severity)) = (names.is_empty(), severity) else { continue };
                    findings.push(Finding {
                        measures: [one.text.clone(), other.text.clone()],
                        severity,
                        message: format!(
                            "{} `{}` and {} `{}` are both made of {}",
                            role.name(),
                            one.text,
                            other_role.name(),
                            other.text,
                            names.join(", ")
                        ),
                        place: other.place.clone(),
                        next: "leave it out of one of them".to_string(),
                    });
                }
            }
        }
        findings
    }

    /// Components that change with the period and are not taken from before treatment only.
    fn open(&self, study: &Graph, made: &BTreeMap<Component, Use>) -> Vec<String> {
        let Some(before) = self.before else { return Vec::new() };
        let open = made.iter().filter(|((table, _), used)| {
            let changes = schema(study, table).is_some_and(|schema| schema.has(&self.period));
            changes && used.until.get(&self.period).is_none_or(|last| *last >= before)
        });
        open.map(|(component, _)| shown(component)).collect()
    }
}

/// The stage of this kind, if the study has one.
pub fn of(study: &Graph) -> Option<&MeasuresStage> {
    study.tasks.iter().find_map(|task| {
        let stage: &dyn Any = &*task.work;
        stage.downcast_ref()
    })
}

/// What a column is made of: columns of the tables where the search ends, or of those that no query makes.
pub fn components(study: &Graph, stage: &MeasuresStage, table: &str, column: &str) -> BTreeMap<Component, Use> {
    let mut known = BTreeMap::new();
    let component = (table.to_string(), Some(column.to_string()));
    below(study, stage, &component, &mut known)
}

type Known = BTreeMap<Component, BTreeMap<Component, Use>>;

fn below(study: &Graph, stage: &MeasuresStage, component: &Component, known: &mut Known) -> BTreeMap<Component, Use> {
    if let Some(made) = known.get(component) {
        return made.clone();
    }
    let (table, column) = component;
    let itself = || BTreeMap::from([(component.clone(), Use::default())]);
    let is_end = stage.components.iter().any(|end| end.text == *table);
    let origins = column.as_ref().filter(|_| !is_end).and_then(|column| origins(study, table, column));
    let is_key = || column.as_ref().is_some_and(|column| schema(study, table).is_some_and(|s| s.key.contains(column)));
    let made = match origins {
        None if is_key() => BTreeMap::new(),
        None => itself(),
        Some(origins) => {
            let mut made: BTreeMap<Component, Use> = BTreeMap::new();
            for (next, used) in origins {
                for (leaf, inner) in below(study, stage, &next, known) {
                    let mut until = inner.until;
                    for (name, last) in &used.until {
                        let own = until.entry(name.clone()).or_insert(*last);
                        *own = (*own).min(*last);
                    }
                    let scale = inner.scale || used.scale;
                    match made.get_mut(&leaf) {
                        None => {
                            made.insert(leaf, Use { scale, until });
                        }
                        // By two ways: a value if by either, bounded if by both.
                        Some(other) => {
                            other.scale &= scale;
                            other.until.retain(|name, _| until.contains_key(name));
                            for (name, last) in &mut other.until {
                                *last = (*last).max(until[name]);
                            }
                        }
                    }
                }
            }
            made
        }
    };
    known.insert(component.clone(), made.clone());
    made
}

/// What a column of a table is made of by the stage that makes it; `None` for a column of a file.
fn origins(study: &Graph, table: &str, column: &str) -> Option<Vec<(Component, Use)>> {
    let task = &study.tasks[*study.producers.get(table)?];
    let pieces = task.parts.iter().map(|&part| &study.tasks[part]);
    let mut found: Option<Vec<(Component, Use)>> = None;
    for piece in pieces.chain([task]) {
        let lineage = piece.resolved.lineage.get(table).and_then(|lineage| lineage.get(column));
        if let Some(origins) = lineage {
            let used = origins.iter().map(|origin| {
                let used = Use { scale: origin.scale, until: origin.until.clone() };
                ((origin.table.clone(), origin.column.clone()), used)
            });
            found.get_or_insert_default().extend(used);
        }
    }
    if found.is_some() {
        return found;
    }
    // A kind that does not say: everything it reads.
    let mut all = Vec::new();
    for piece in task.parts.iter().map(|&part| &study.tasks[part]).chain([task]) {
        for input in piece.work.inputs() {
            if let Input::Table { name, .. } = input {
                let columns = schema(study, name).map(|schema| schema.columns.clone()).unwrap_or_default();
                all.extend(columns.into_iter().map(|(column, _)| ((name.clone(), Some(column)), Use::default())));
            }
        }
    }
    (!all.is_empty()).then_some(all)
}

fn schema<'s>(study: &'s Graph, table: &str) -> Option<&'s TableSchema> {
    study.tasks[*study.producers.get(table)?].resolved.outputs.get(table)
}

fn missing_table(study: &Graph, table: &str) -> Option<Diagnostic> {
    if study.producers.contains_key(table) {
        return None;
    }
    let near = diagnostic::did_you_mean(table, study.producers.keys().map(String::as_str));
    Some(Diagnostic::error(format!("no stage makes a table `{table}`")).hint(near))
}

fn missing(study: &Graph, table: &str, column: &str) -> Option<Diagnostic> {
    missing_table(study, table).or_else(|| convert::missing_column(schema(study, table)?, table, column))
}

/// A component in words.
pub fn shown((table, column): &Component) -> String {
    match column {
        Some(column) => format!("`{table}.{column}`"),
        None => format!("the rows of `{table}`"),
    }
}

/// Components in words, those that only scale in parentheses.
pub fn made_of(made: &BTreeMap<Component, Use>) -> String {
    let words = made.iter().map(|(component, used)| match used.scale {
        true => format!("({})", shown(component)),
        false => shown(component),
    });
    words.collect::<Vec<_>>().join(", ")
}
