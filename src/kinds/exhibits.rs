//! Exhibit files (`stages/report/exhibits.yaml`): which tables are printed, from which stages, in which words.
//! Parses and checks; the numbers are filled in by `regression.rs` and `descriptive.rs`.

use engine::diagnostic::{Diagnostic, Place};
use engine::manifest::Manifest;
use engine::yaml::fields::{Fields, Problems};
use engine::yaml::{self, Entry, Node, Value};
use std::collections::BTreeMap;

/// A text in each language, by code; the empty code holds for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words(pub BTreeMap<String, String>);

#[derive(Clone, Debug)]
pub struct Exhibit {
    pub id: String,
    pub label: Words,
    pub title: Words,
    pub notes: Vec<Words>,
    pub content: Content,
}

#[derive(Clone, Debug)]
pub enum Content {
    Definitions { columns: Vec<Words>, rows: Vec<DefinitionRow> },
    Descriptive(Descriptive),
    Regression(Regression),
}

#[derive(Clone, Debug)]
pub enum DefinitionRow {
    Panel(Words),
    Cells(Vec<Words>),
}

#[derive(Clone, Debug)]
pub struct Descriptive {
    pub from: String,
    pub place: Place,
    pub digits: u8,
    pub statistics: Vec<String>,
    pub variables: Vec<(String, Words, Place)>,
}

#[derive(Clone, Debug)]
pub struct Regression {
    /// An estimate stage.
    pub from: String,
    pub place: Place,
    pub models: Vec<Model>,
    pub groups: Vec<(Words, usize)>,
    pub terms: Vec<(String, Words, Place)>,
    pub std_error: bool,
    pub rows: Vec<StatisticsRow>,
    pub digits: u8,
    /// Significance levels, smallest first: the first gives most stars.
    pub stars: Vec<f64>,
}

/// One column of a regression table.
#[derive(Clone, Debug)]
pub struct Model {
    pub title: Words,
    /// Axis to label.
    pub at: Vec<(String, String)>,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub struct StatisticsRow {
    pub label: Words,
    pub content: RowContent,
    pub place: Place,
}

#[derive(Clone, Debug)]
pub enum RowContent {
    /// One text per model.
    Values(Vec<Words>),
    /// A column of `.models`, with its digits; none for a count.
    Statistic(String, u8),
}

/// What a descriptive table can show.
pub const STATISTICS: &[&str] = &["n", "missing", "mean", "sd", "min", "p25", "median", "p75", "max"];

impl Words {
    pub fn get(&self, language: &str) -> &str {
        self.0.get(language).or_else(|| self.0.get("")).map_or("", String::as_str)
    }
}

/// Reads the exhibits of a file; every language of `languages` must have its words.
pub fn parse(shown: &str, text: &str, languages: &[String], problems: &Problems) -> Vec<Exhibit> {
    let document = match yaml::parse(shown, text) {
        Ok(document) => document,
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    problems.extend(document.duplicates.iter().cloned());
    let root = Fields::new(&document, &document.root, "the exhibits file", problems);
    let reader = Reader { languages };
    root.required("exhibits");
    let exhibits =
        root.map("exhibits").unwrap_or_default().iter().filter_map(|entry| reader.exhibit(&root, entry)).collect();
    root.finish();
    exhibits
}

/// All of it can change the printed page. Places are out: they only serve messages.
pub fn describe(exhibits: &[Exhibit], manifest: &mut dyn Manifest) {
    for (index, exhibit) in exhibits.iter().enumerate() {
        let Exhibit { id, label, title, notes, content } = exhibit;
        let prefix = format!("exhibits[{index}]");
        manifest.text(&format!("{prefix}.id"), id);
        manifest.text(&format!("{prefix}.words"), &format!("{label:?} {title:?} {notes:?}"));
        let text = match content {
            Content::Definitions { columns, rows } => format!("definitions {columns:?} {rows:?}"),
            Content::Descriptive(Descriptive { from, place: _, digits, statistics, variables }) => {
                let variables: Vec<_> = variables.iter().map(|(name, words, _)| (name, words)).collect();
                format!("descriptive {from} {digits} {statistics:?} {variables:?}")
            }
            Content::Regression(Regression {
                from,
                place: _,
                models,
                groups,
                terms,
                std_error,
                rows,
                digits,
                stars,
            }) => {
                let models: Vec<_> = models.iter().map(|model| (&model.title, &model.at)).collect();
                let terms: Vec<_> = terms.iter().map(|(term, words, _)| (term, words)).collect();
                let rows: Vec<_> = rows.iter().map(|row| (&row.label, &row.content)).collect();
                format!("regression {from} {models:?} {groups:?} {terms:?} {std_error} {rows:?} {digits} {stars:?}")
            }
        };
        manifest.text(&format!("{prefix}.content"), &text);
    }
}

struct Reader<'a> {
    languages: &'a [String],
}

impl Reader<'_> {
    fn exhibit<'d>(&self, root: &Fields<'d>, entry: &'d Entry) -> Option<Exhibit> {
        let fields = root.at(&entry.node, format!("exhibit `{}`", entry.key));
        if !entry.key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            fields
                .complain(fields.self_node(), format!("`{}` names files: use letters, digits, `_` and `-`", entry.key));
        }
        let kind = fields.required_text("type")?;
        let content = match kind.value.as_str() {
            "definitions" => Some(self.definitions(&fields)),
            "descriptive" => self.descriptive(&fields).map(Content::Descriptive),
            "regression" => self.regression(&fields).map(Content::Regression),
            other => {
                let known = ["definitions", "descriptive", "regression"];
                fields.problems().push(
                    Diagnostic::error(format!("no exhibit type `{other}`; it is one of {}", known.join(", ")))
                        .at(kind.place.clone())
                        .hint(engine::diagnostic::did_you_mean(other, known)),
                );
                None
            }
        };
        let label = self.words_of(&fields, "label");
        let title = self.words_of(&fields, "title");
        let notes = fields.node("notes").map(|_| fields.list("notes").unwrap_or_default()).unwrap_or_default();
        let notes = notes.iter().map(|note| self.words(&fields, note)).collect();
        if content.is_some() {
            fields.finish();
        }
        Some(Exhibit { id: entry.key.clone(), label, title, notes, content: content? })
    }

    fn definitions(&self, fields: &Fields) -> Content {
        fields.required("columns");
        fields.required("rows");
        let columns: Vec<Words> =
            fields.list("columns").unwrap_or_default().iter().map(|node| self.words(fields, node)).collect();
        let mut rows = Vec::new();
        for node in fields.list("rows").unwrap_or_default() {
            match &node.value {
                Value::List(cells) => {
                    if cells.len() != columns.len() {
                        fields.complain(
                            node,
                            format!("this row has {} cells for {} columns", cells.len(), columns.len()),
                        );
                    }
                    rows.push(DefinitionRow::Cells(cells.iter().map(|cell| self.words(fields, cell)).collect()));
                }
                _ => {
                    let row = fields.at(node, "this row");
                    rows.push(DefinitionRow::Panel(self.words_of(&row, "panel")));
                    row.finish();
                }
            }
        }
        Content::Definitions { columns, rows }
    }

    fn descriptive(&self, fields: &Fields) -> Option<Descriptive> {
        let from = fields.required_text("from");
        let mut statistics = Vec::new();
        for name in fields.texts("statistics").unwrap_or_default() {
            if !STATISTICS.contains(&name.value.as_str()) {
                fields.problems().push(
                    Diagnostic::error(format!("no statistic `{}`; there are {}", name.value, STATISTICS.join(", ")))
                        .at(name.place.clone()),
                );
            }
            statistics.push(name.value);
        }
        if statistics.is_empty() {
            statistics = ["n", "mean", "sd", "min", "median", "max"].map(str::to_string).to_vec();
        }
        fields.required("variables");
        let variables = self.named(fields, "variables");
        let from = from?;
        Some(Descriptive { from: from.value, place: from.place, digits: digits(fields, 3), statistics, variables })
    }

    fn regression(&self, fields: &Fields) -> Option<Regression> {
        let from = fields.required_text("from");
        fields.required("models");
        let mut models = Vec::new();
        for node in fields.list("models").unwrap_or_default() {
            let model = fields.at(node, "this model");
            let at = model.map("at").unwrap_or_default();
            let at = at
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.value.scalar_text().unwrap_or_default()))
                .collect();
            models.push(Model { title: self.words_of(&model, "title"), at, place: fields.document().place(node.span) });
            model.finish();
        }
        let mut groups = Vec::new();
        for node in fields.node("groups").map(|_| fields.list("groups").unwrap_or_default()).unwrap_or_default() {
            let group = fields.at(node, "this group");
            groups.push((self.words_of(&group, "title"), group.int("span").unwrap_or(1).max(1) as usize));
            group.finish();
        }
        let covered: usize = groups.iter().map(|(_, span)| span).sum();
        if !groups.is_empty() && covered != models.len() {
            fields.complain(
                fields.self_node(),
                format!("the groups span {covered} columns, but there are {} models", models.len()),
            );
        }
        fields.required("terms");
        let terms = self.named(fields, "terms");
        let std_error = match fields.fields("show", "`show`") {
            Some(show) => {
                let shown = show.bool("std_error").unwrap_or(true);
                show.finish();
                shown
            }
            None => true,
        };
        let mut rows = Vec::new();
        for node in fields.node("rows").map(|_| fields.list("rows").unwrap_or_default()).unwrap_or_default() {
            rows.extend(self.statistics_row(fields, node, models.len()));
        }
        let mut stars: Vec<f64> = Vec::new();
        for node in fields.node("stars").map(|_| fields.list("stars").unwrap_or_default()).unwrap_or_default() {
            match node.value {
                Value::Float(level, _) if level > 0.0 && level < 1.0 => stars.push(level),
                _ => fields.complain(node, "a level for stars lies between 0 and 1"),
            }
        }
        stars.sort_by(f64::total_cmp);
        let from = from?;
        Some(Regression {
            from: from.value,
            place: from.place,
            models,
            groups,
            terms,
            std_error,
            rows,
            digits: digits(fields, 4),
            stars,
        })
    }

    fn statistics_row(&self, fields: &Fields, node: &Node, models: usize) -> Option<StatisticsRow> {
        let place = fields.document().place(node.span);
        let document = fields.document();
        let row = Fields::new(document, node, "this row", fields.problems());
        let label = self.words_of(&row, "label");
        let content = match (row.text("statistic"), row.node("values").is_some()) {
            (Some(statistic), false) => {
                let digits = if statistic.value.starts_with("n_") { 0 } else { digits(&row, 3) };
                row.node("digits");
                Some(RowContent::Statistic(statistic.value, digits))
            }
            (None, true) => {
                let values: Vec<Words> =
                    row.list("values").unwrap_or_default().iter().map(|value| self.words(&row, value)).collect();
                if values.len() != models {
                    row.complain(node, format!("{} values for {models} models", values.len()));
                }
                Some(RowContent::Values(values))
            }
            _ => {
                row.complain(node, "a row needs either `values` or `statistic`");
                None
            }
        };
        row.finish();
        Some(StatisticsRow { label, content: content?, place })
    }

    /// The entries of a map from a name to its words.
    fn named(&self, fields: &Fields, key: &str) -> Vec<(String, Words, Place)> {
        let entries = fields.map(key).unwrap_or_default();
        entries
            .iter()
            .map(|entry| (entry.key.clone(), self.words(fields, &entry.node), fields.document().place(entry.key_span)))
            .collect()
    }

    fn words_of(&self, fields: &Fields, key: &str) -> Words {
        match fields.required(key) {
            Some(node) => self.words(fields, node),
            None => Words::default(),
        }
    }

    fn words(&self, fields: &Fields, node: &Node) -> Words {
        let Value::Map(entries) = &node.value else {
            let text = node.value.scalar_text();
            if text.is_none() {
                fields.complain(node, "this must be a text, or one text per language such as {zh: …, en: …}");
            }
            return Words(BTreeMap::from([(String::new(), text.unwrap_or_default())]));
        };
        let words: BTreeMap<String, String> =
            entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.node.value.scalar_text()?))).collect();
        for language in self.languages.iter().filter(|language| !words.contains_key(*language)) {
            fields.complain(node, format!("the words for language `{language}` are missing here"));
        }
        Words(words)
    }
}

fn digits(fields: &Fields, default: u8) -> u8 {
    match fields.int("digits") {
        None => default,
        Some(digits) if (0..=15).contains(&digits) => digits as u8,
        Some(digits) => {
            fields.complain(fields.self_node(), format!("`digits` must lie between 0 and 15, not {digits}"));
            default
        }
    }
}
