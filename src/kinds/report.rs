//! `kind: report`: exhibits into documents, in each language and format. Also makes `<stage>.numbers`: every printed
//! number with its address, its full value and its rendering. The formats are in `documents`.

use crate::exhibits::{self, Content, Exhibit};
use crate::{convert, descriptive, regression};
use documents::document::{Document, Language};
use documents::format::Format;
use engine::diagnostic::{Diagnostic, Place};
use engine::digest::Hasher;
use engine::kind::{
    Input, InputTable, Outputs, ReadSet, Resolved, RunContext, Schemas, Stage, StageError, StageKind, StudyFacts,
    TableSchema,
};
use engine::manifest::Manifest;
use engine::spec::Spec;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use tables::columns::{Column, Table, Values};

pub struct Report;

struct ReportStage {
    name: String,
    exhibits: Vec<Exhibit>,
    formats: Vec<Format>,
    languages: Vec<String>,
    inputs: Vec<Input>,
    /// Tables whose warnings stand in the notes of every exhibit with numbers, whether or not it reads them.
    warnings_of: Vec<String>,
    /// Printed in the title and the footer, so in the key.
    facts: StudyFacts,
}

const FORMATS: &[(&str, Format)] = &[("html", Format::Html), ("latex", Format::Latex), ("markdown", Format::Markdown)];
const LANGUAGES: &[&str] = &["en", "zh"];

impl StageKind for Report {
    fn name(&self) -> &'static str {
        "report"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let formats = choices(spec, "formats", &FORMATS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let languages = choices(spec, "languages", LANGUAGES);
        let file = spec.file("exhibits")?;
        let text = spec.substitute_file(&file);
        let exhibits = exhibits::parse(&file.shown, &text, &languages, spec.fields.problems());
        let formats = FORMATS
            .iter()
            .filter(|(name, _)| formats.iter().any(|wanted| wanted == name))
            .map(|(_, format)| *format)
            .collect();
        let mut inputs = Vec::new();
        for exhibit in &exhibits {
            let (names, place) = reads(exhibit);
            for (name, _) in names {
                let input = Input::Table { name, place: place.clone() };
                if !inputs.iter().any(|known: &Input| matches!((known, &input), (Input::Table { name: a, .. }, Input::Table { name: b, .. }) if a == b)) {
                    inputs.push(input);
                }
            }
        }
        let mut warnings_of = Vec::new();
        for table in spec.fields.texts("warnings_of").unwrap_or_default() {
            warnings_of.push(table.value.clone());
            if !inputs.iter().any(|known| matches!(known, Input::Table { name, .. } if *name == table.value)) {
                inputs.push(Input::Table { name: table.value, place: Some(table.place) });
            }
        }
        Some(Box::new(ReportStage {
            name: spec.name.to_string(),
            exhibits,
            warnings_of,
            formats,
            languages,
            inputs,
            facts: spec.facts.clone(),
        }))
    }
}

/// A list of known words, each once.
fn choices(spec: &Spec, key: &str, known: &[&str]) -> Vec<String> {
    spec.fields.required(key);
    let mut chosen: Vec<String> = Vec::new();
    for text in spec.fields.texts(key).unwrap_or_default() {
        if !known.contains(&text.value.as_str()) {
            spec.fields.problems().push(
                Diagnostic::error(format!("`{key}` cannot hold `{}`; known: {}", text.value, known.join(", ")))
                    .at(text.place.clone())
                    .hint(engine::diagnostic::did_you_mean(&text.value, known.iter().copied())),
            );
        } else if !chosen.contains(&text.value) {
            chosen.push(text.value);
        }
    }
    chosen
}

/// Tables and columns an exhibit reads, and where it says so.
fn reads(exhibit: &Exhibit) -> (Vec<(String, Vec<String>)>, Option<Place>) {
    match &exhibit.content {
        Content::Definitions { .. } => (Vec::new(), None),
        Content::Descriptive(content) => {
            let columns = content.variables.iter().map(|(name, ..)| name.clone()).collect();
            (vec![(content.from.clone(), columns)], Some(content.place.clone()))
        }
        Content::Regression(content) => {
            let names = regression::tables_of(content).into_iter().zip(regression::columns_of(content)).collect();
            (names, Some(content.place.clone()))
        }
    }
}

impl Stage for ReportStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        vec![format!("{}.numbers", self.name)]
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let ReportStage { name: _, exhibits, formats, languages, inputs: _, warnings_of, facts } = self;
        let StudyFacts { name, title, seed, params } = facts;
        exhibits::describe(exhibits, manifest);
        manifest.text("formats", &format!("{formats:?}"));
        manifest.list("languages", languages);
        if !warnings_of.is_empty() {
            manifest.list("warnings_of", warnings_of);
        }
        manifest.int("documents", i64::from(documents::VERSION));
        manifest.text("study.name", name);
        manifest.int("study.seed", *seed);
        for (language, title) in title {
            manifest.text(&format!("study.title.{language}"), title);
        }
        for (name, value) in params {
            manifest.text(&format!("params.{name}"), value);
        }
    }

    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let mut read: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut problems = Vec::new();
        for exhibit in &self.exhibits {
            let (names, place) = reads(exhibit);
            for (name, columns) in names {
                let schema = schemas.get(&name).cloned().unwrap_or_default();
                for column in &columns {
                    let problem = convert::missing_column(&schema, &name, column);
                    problems.extend(problem.map(|problem| problem.at(column_place(exhibit, column).or(place.clone()))));
                }
                read.entry(name).or_default().extend(columns);
            }
        }
        for table in &self.warnings_of {
            read.entry(table.clone()).or_default();
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let columns = ["language", "exhibit", "address"].map(|name| (name.to_string(), "text".to_string()));
        let numbers = TableSchema {
            key: NUMBERS_KEY.map(str::to_string).to_vec(),
            columns: columns
                .into_iter()
                .chain([
                    ("position".to_string(), "int".to_string()),
                    ("value".to_string(), "float".to_string()),
                    ("text".to_string(), "text".to_string()),
                ])
                .collect(),
        };
        Ok(Resolved {
            reads: read
                .into_iter()
                .map(|(name, columns)| (name, ReadSet::Columns(columns.into_iter().collect())))
                .collect(),
            outputs: [(format!("{}.numbers", self.name), numbers)].into(),
            ..Resolved::default()
        })
    }

    fn reads_warnings(&self) -> bool {
        true
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let mut read = BTreeMap::new();
        for (name, table) in &context.tables {
            let rows = tables::read::read(&table.path, None)
                .map_err(|error| Diagnostic::error(format!("`{name}` cannot be read: {error}")))?;
            read.insert(name.as_str(), rows);
        }
        let mut outputs = Outputs::default();
        let mut numbers: Vec<(String, usize, documents::document::BoundNumber)> = Vec::new();
        for language in &self.languages {
            let document = self.document(context, language, &read)?;
            numbers.extend(
                documents::document::numbers(&document)
                    .into_iter()
                    .enumerate()
                    .map(|(position, number)| (language.clone(), position, number)),
            );
            for format in &self.formats {
                let failed = |error: documents::error::DocumentError| {
                    Diagnostic::error(format!("`{}` cannot be rendered: {error}", self.name))
                };
                let extension = format.extension();
                let whole = documents::render(&document, *format).map_err(failed)?;
                write(context.scratch, &format!("{}.{language}.{extension}", self.name), &whole, &mut outputs)?;
                for exhibit in &document.exhibits {
                    let fragment = documents::render_exhibit(exhibit, document.language, *format).map_err(failed)?;
                    write(context.scratch, &format!("{}.{language}.{extension}", exhibit.id), &fragment, &mut outputs)?;
                }
            }
        }
        let path = context.scratch.join("numbers.parquet");
        let key = NUMBERS_KEY.map(str::to_string).to_vec();
        let info = tables::write::write(&path, &numbers_table(&numbers), &key).map_err(|error| {
            Diagnostic::error(format!("the numbers of `{}` cannot be kept: {error}", self.name)).hint(error.hint())
        })?;
        outputs.tables.push(convert::output(&format!("{}.numbers", self.name), path, info)?);
        Ok(outputs)
    }
}

/// A number may stand twice in one exhibit, so its position is in the key.
const NUMBERS_KEY: [&str; 4] = ["language", "exhibit", "address", "position"];

impl ReportStage {
    fn document(
        &self,
        context: &RunContext,
        language: &str,
        read: &BTreeMap<&str, Table>,
    ) -> Result<Document, StageError> {
        let code: Language = language.parse().map_err(|_| Diagnostic::error(format!("no language `{language}`")))?;
        let table = |name: &str| {
            read.get(name).ok_or_else(|| Diagnostic::error(format!("`{}` was not given `{name}`", self.name)))
        };
        let mut made = Vec::new();
        for exhibit in &self.exhibits {
            let grid = match &exhibit.content {
                Content::Definitions { columns, rows } => descriptive::definitions(columns, rows, language),
                Content::Descriptive(content) => descriptive::build(content, language, table(&content.from)?)?,
                Content::Regression(content) => {
                    let [coefficients, models] = regression::tables_of(content);
                    regression::build(content, language, table(&coefficients)?, table(&models)?)?
                }
            };
            made.push(documents::exhibit::Exhibit {
                id: exhibit.id.clone(),
                label: exhibit.label.get(language).to_string(),
                title: exhibit.title.get(language).to_string(),
                header: grid.header,
                align: grid.align,
                body: grid.body,
                notes: exhibit.notes.iter().map(|note| note.get(language).to_string()).collect(),
                warnings: warnings(exhibit, &self.warnings_of, context),
            });
        }
        let facts = &self.facts;
        let title = facts.title.get(language).or_else(|| facts.title.get("")).unwrap_or(&facts.name).clone();
        Ok(Document { language: code, title, exhibits: made, footer: self.footer(context, language) })
    }

    /// What the numbers rest on: settings by name, tables by digest.
    fn footer(&self, context: &RunContext, language: &str) -> Vec<(String, String)> {
        let words = |zh: &str, en: &str| if language == "zh" { zh.to_string() } else { en.to_string() };
        let mut footer = vec![
            (words("研究", "Study"), self.facts.name.clone()),
            (words("随机种子", "Seed"), self.facts.seed.to_string()),
        ];
        footer.extend(self.facts.params.iter().map(|(name, value)| (name.clone(), value.clone())));
        for (name, table) in &context.tables {
            footer.push((words(&format!("表 {name}"), &format!("Table {name}")), self.digest_read(name, table)));
        }
        footer
    }
}

impl ReportStage {
    /// Of the rows and the columns that are printed. The digest of the whole table would go stale: the document is not made
    /// again when another column changes.
    fn digest_read(&self, name: &str, table: &InputTable) -> String {
        let exhibits = self.exhibits.iter().flat_map(|exhibit| reads(exhibit).0);
        let read: BTreeSet<String> =
            exhibits.filter(|(table, _)| table == name).flat_map(|(_, columns)| columns).collect();
        let mut hasher = Hasher::new("restudy columns read 1");
        hasher.text(&table.record.rows_digest.hex());
        for column in read {
            let digest = table.record.column(&column).map_or(String::new(), |column| column.digest.hex());
            hasher.text(&column).text(&digest);
        }
        hasher.finish().hex()
    }
}

/// The warnings of everything an exhibit rests on.
fn warnings(exhibit: &Exhibit, warnings_of: &[String], context: &RunContext) -> Vec<String> {
    let (names, _) = reads(exhibit);
    let further: &[String] = if names.is_empty() { &[] } else { warnings_of };
    let names = names.iter().map(|(name, _)| name).chain(further);
    let all = names.filter_map(|name| context.warnings.get(name)).flatten();
    // What several models share stands once, with the numbers of their columns; models that are not shown do not count.
    let columns: Vec<String> = match &exhibit.content {
        Content::Regression(content) => {
            content.models.iter().map(|model| regression::instance(&content.from, model)).collect()
        }
        _ => Vec::new(),
    };
    let mut lines: Vec<(String, String)> = Vec::new();
    for warning in all {
        let who = match columns.iter().position(|instance| *instance == warning.stage) {
            Some(column) => format!("({})", column + 1),
            None if is_other_model(exhibit, &warning.stage) => continue,
            None => warning.stage.clone(),
        };
        match lines.iter_mut().find(|(_, message)| *message == warning.message) {
            Some((known, _)) if known.split(", ").any(|one| one == who) => {}
            Some((known, _)) => *known = format!("{known}, {who}"),
            None => lines.push((who, warning.message.clone())),
        }
    }
    lines.into_iter().map(|(who, message)| format!("{who}: {message}")).collect()
}

/// Whether the name is that of an instance of the estimate stage that a regression table shows.
fn is_other_model(exhibit: &Exhibit, stage: &str) -> bool {
    match &exhibit.content {
        Content::Regression(content) => stage.strip_prefix(&content.from).is_some_and(|rest| rest.starts_with('@')),
        _ => false,
    }
}

fn column_place(exhibit: &Exhibit, column: &str) -> Option<Place> {
    match &exhibit.content {
        Content::Definitions { .. } => None,
        Content::Descriptive(content) => {
            content.variables.iter().find(|(name, ..)| name == column).map(|(.., place)| place.clone())
        }
        Content::Regression(content) => {
            let row = content
                .rows
                .iter()
                .find(|row| matches!(&row.content, exhibits::RowContent::Statistic(name, _) if name == column));
            let model = content.models.iter().find(|model| model.at.iter().any(|(axis, _)| axis == column));
            row.map(|row| row.place.clone()).or_else(|| model.map(|model| model.place.clone()))
        }
    }
}

fn write(folder: &Path, name: &str, text: &str, outputs: &mut Outputs) -> Result<(), StageError> {
    let path = folder.join(name);
    fs::write(&path, text).map_err(|error| Diagnostic::error(format!("cannot write `{name}`: {error}")))?;
    outputs.files.push((name.to_string(), path));
    Ok(())
}

fn numbers_table(numbers: &[(String, usize, documents::document::BoundNumber)]) -> Table {
    let text =
        |name: &str, values: Vec<Option<String>>| Column { name: name.to_string(), values: Values::Text(values) };
    Table {
        columns: vec![
            text("language", numbers.iter().map(|(language, ..)| Some(language.clone())).collect()),
            text("exhibit", numbers.iter().map(|(.., number)| Some(number.exhibit.clone())).collect()),
            text("address", numbers.iter().map(|(.., number)| Some(number.address.clone())).collect()),
            Column {
                name: "position".to_string(),
                values: Values::Int(numbers.iter().map(|(_, position, _)| Some(*position as i64)).collect()),
            },
            Column {
                name: "value".to_string(),
                values: Values::Float(numbers.iter().map(|(.., number)| number.value).collect()),
            },
            text("text", numbers.iter().map(|(.., number)| Some(number.text.clone())).collect()),
        ],
    }
}
