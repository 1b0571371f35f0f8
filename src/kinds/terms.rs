//! `kind: terms`: occurrences of a dictionary's terms in a column of texts. The counting is in `readers::terms` and `readers::segment`.
//! Makes `<stage>` (a row per text), `<stage>.groups` (by group of the dictionary) and `<stage>.terms` (those that occur).

use crate::checks::{Checked, Checks};
use crate::convert;
use engine::diagnostic::{Diagnostic, Place};
use engine::kind::{Input, Outputs, ReadSet, Resolved, RunContext, Schemas, Stage, StageError, StageKind, TableSchema};
use engine::manifest::Manifest;
use engine::spec::Spec;
use engine::yaml::fields::Fields;
use readers::segment::{Segmenter, Unknown, Word};
use readers::terms::{Counts, Dictionary, Rules, Scratch, Term, TermCount};
use std::collections::{BTreeMap, BTreeSet};
use tables::columns::{Column, Table, Values};

pub struct Terms;

struct TermsStage {
    name: String,
    table: String,
    text: String,
    key: Vec<String>,
    dictionary: Columns,
    selection: Selection,
    words: Option<Columns>,
    unknown: Unknown,
    rules: Rules,
    fragment: Option<(i64, Unit)>,
    lag: Option<(String, i64)>,
    place: Place,
    checks: Checks,
    inputs: Vec<Input>,
}

/// A table and two of its columns: term and group, or word and frequency.
struct Columns {
    table: String,
    first: String,
    second: String,
    place: Place,
}

/// Which terms count: `core, inputs without 创新`.
#[derive(Debug, PartialEq, Eq)]
struct Selection {
    /// All where it is empty.
    groups: Vec<String>,
    without: Vec<String>,
}

/// What the length of a text is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Han,
    Sentences,
    Tokens,
}

const UNITS: &[(&str, Unit)] = &[("han", Unit::Han), ("sentences", Unit::Sentences), ("tokens", Unit::Tokens)];
const BLANKS: &[(&str, bool)] = &[("join", true), ("keep", false)];
const WIDTH: &[(&str, bool)] = &[("fold", true), ("keep", false)];
const UNKNOWN: &[(&str, Unknown)] = &[("characters", Unknown::Characters), ("guess", Unknown::Guess)];
const REPORT_YEARS: &[(&str, i64)] = &[("before", 1), ("same", 0)];

const COUNTS: [&str; 4] = ["terms_longest", "terms_overlapping", "characters_longest", "characters_overlapping"];

impl StageKind for Terms {
    fn name(&self) -> &'static str {
        "terms"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let fields = &spec.fields;
        let place = fields.document().place(fields.self_node().span);
        let from = fields.required_text("from");
        let text = fields.required_text("text");
        let key = spec.key();
        let dictionary = columns(fields, "dictionary", "term", "group");
        if fields.node("dictionary").is_none() {
            fields.required("dictionary");
        }
        let words = columns(fields, "words", "word", "frequency");
        let selection = selection(&spec.substituted("use").map_or(String::new(), |text| text.value));
        let unknown = fields.choice("unknown_words", UNKNOWN).unwrap_or(Unknown::Guess);
        let rules = Rules {
            fold: fields.choice("width", WIDTH).unwrap_or(true),
            join: fields.choice("blanks", BLANKS).unwrap_or(false),
        };
        let fragment = fragment(spec);
        if matches!(fragment, Some((_, Unit::Tokens))) && words.is_none() {
            fields.complain(fields.self_node(), "a fragment is measured in tokens only with `words:`");
        }
        let report_year = fields.choice("report_year", REPORT_YEARS);
        let lag = match (fields.text("year"), report_year) {
            (Some(year), lag) if key.contains(&year.value) => Some((year.value, lag.unwrap_or(0))),
            (Some(year), _) => {
                fields.complain(fields.self_node(), format!("`year` names `{}`, which is not in the key", year.value));
                None
            }
            (None, Some(_)) => {
                fields.complain(fields.self_node(), "`report_year` needs `year:`, the column of the year of delivery");
                None
            }
            (None, None) => None,
        };
        let checks = Checks::parse(spec);
        let (from, text, dictionary) = (from?, text?, dictionary?);
        let mut inputs = vec![Input::Table { name: from.value.clone(), place: Some(from.place) }];
        for table in [Some(&dictionary), words.as_ref()].into_iter().flatten() {
            inputs.push(Input::Table { name: table.table.clone(), place: Some(table.place.clone()) });
        }
        Some(Box::new(TermsStage {
            name: spec.name.to_string(),
            table: from.value,
            text: text.value,
            key,
            dictionary,
            selection,
            words,
            unknown,
            rules,
            fragment,
            lag,
            place,
            checks,
            inputs,
        }))
    }
}

/// The table under `key`, by its name alone or with the names of its columns.
fn columns(fields: &Fields, key: &str, first: &str, second: &str) -> Option<Columns> {
    let node = fields.node(key)?;
    if node.value.scalar_text().is_some() {
        let table = fields.text(key)?;
        return Some(Columns {
            table: table.value,
            first: first.to_string(),
            second: second.to_string(),
            place: table.place,
        });
    }
    let inner = fields.fields(key, format!("`{key}`"))?;
    let table = inner.required_text("table");
    let column = |name: &str| inner.text(name).map_or(name.to_string(), |column| column.value);
    let (first, second) = (column(first), column(second));
    inner.finish();
    let table = table?;
    Some(Columns { table: table.value, first, second, place: table.place })
}

fn selection(text: &str) -> Selection {
    let list = |text: &str| -> Vec<String> {
        text.split(',').map(str::trim).filter(|item| !item.is_empty() && *item != "all").map(str::to_string).collect()
    };
    let (groups, without) = match text.strip_prefix("without ") {
        Some(without) => ("", without),
        None => text.split_once(" without ").unwrap_or((text, "")),
    };
    Selection { groups: list(groups), without: list(without) }
}

fn fragment(spec: &Spec) -> Option<(i64, Unit)> {
    let inner = spec.fields.fields("fragment", "`fragment`")?;
    let below = inner.required_text("below");
    let unit = inner.choice("unit", UNITS).unwrap_or(Unit::Han);
    inner.finish();
    let below = below?;
    match spec.substitute(&below).trim().parse() {
        Ok(number) if number >= 0 => Some((number, unit)),
        _ => {
            spec.fields
                .problems()
                .push(Diagnostic::error("`below` must be a whole number of at least 0").at(below.place));
            None
        }
    }
}

impl Stage for TermsStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        vec![self.name.clone(), format!("{}.groups", self.name), format!("{}.terms", self.name)]
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let TermsStage {
            name: _,
            table,
            text,
            key,
            dictionary,
            selection: Selection { groups, without },
            words,
            unknown,
            rules: Rules { fold, join },
            fragment,
            lag,
            place: _,
            checks,
            inputs: _,
        } = self;
        manifest.text("from", table);
        manifest.text("text", text);
        manifest.list("key", key);
        for (option, table) in [("dictionary", Some(dictionary)), ("words", words.as_ref())] {
            if let Some(Columns { table, first, second, place: _ }) = table {
                manifest.list(option, &[table.clone(), first.clone(), second.clone()]);
            }
        }
        manifest.list("use.groups", groups);
        manifest.list("use.without", without);
        manifest.text("unknown_words", &format!("{unknown:?}"));
        manifest.flag("width.fold", *fold);
        manifest.flag("blanks.join", *join);
        if let Some((below, unit)) = fragment {
            manifest.int("fragment.below", *below);
            manifest.text("fragment.unit", &format!("{unit:?}"));
        }
        if let Some((year, lag)) = lag {
            manifest.text("year", year);
            manifest.int("report_year", *lag);
        }
        checks.describe(manifest);
    }

    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let mut reads: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut needs = |table: &str, column: &str, kinds: &[&str]| {
            let schema = schemas.get(table).cloned().unwrap_or_default();
            reads.entry(table.to_string()).or_default().insert(column.to_string());
            if let Some(problem) = convert::missing_column(&schema, table, column) {
                problems.push(problem.at(self.place.clone()));
                return;
            }
            let kind = schema.columns.iter().find(|(name, _)| name == column).map_or("", |(_, kind)| kind);
            if !kinds.is_empty() && !kinds.contains(&kind) {
                problems.push(
                    Diagnostic::error(format!("`{column}` of `{table}` is {kind}, not {}", kinds.join(" or ")))
                        .at(self.place.clone()),
                );
            }
        };
        needs(&self.table, &self.text, &["text"]);
        for column in &self.key {
            needs(&self.table, column, &[]);
        }
        if let Some((year, _)) = &self.lag {
            needs(&self.table, year, &["int"]);
        }
        needs(&self.dictionary.table, &self.dictionary.first, &["text"]);
        needs(&self.dictionary.table, &self.dictionary.second, &["text"]);
        if let Some(words) = &self.words {
            needs(&words.table, &words.first, &["text"]);
            needs(&words.table, &words.second, &["int"]);
        }
        let input = schemas.get(&self.table).cloned().unwrap_or_default();
        let key: Vec<(String, String)> = self
            .key
            .iter()
            .filter_map(|name| input.columns.iter().find(|(column, _)| column == name).cloned())
            .collect();
        let schema = |further: &[&str], columns: Vec<(&str, &str)>| TableSchema {
            key: self.key.iter().cloned().chain(further.iter().map(|name| name.to_string())).collect(),
            columns: key
                .iter()
                .cloned()
                .chain(columns.into_iter().map(|(name, kind)| (name.to_string(), kind.to_string())))
                .collect(),
        };
        let counts = COUNTS.map(|name| (name, "int"));
        let mut main: Vec<(&str, &str)> = Vec::new();
        if self.lag.is_some() {
            main.push(("delivered", "int"));
        }
        main.push(("n_han", "int"));
        if self.words.is_some() {
            main.push(("n_tokens", "int"));
        }
        main.extend([("n_sentences", "int"), ("sentences_with_terms", "int")]);
        main.extend(counts);
        main.extend([("fragment", "bool"), ("reason", "text")]);
        let main = schema(&[], main);
        let groups = schema(&["term_group"], [("term_group", "text")].into_iter().chain(counts).collect());
        let terms = [("term", "text"), ("term_group", "text"), ("longest", "int"), ("overlapping", "int")];
        let terms = schema(&["term"], terms.to_vec());
        problems.extend(self.checks.resolve(&main, &self.name, None));
        if !problems.is_empty() {
            return Err(problems);
        }
        let outputs = [main, groups, terms];
        Ok(Resolved {
            reads: reads
                .into_iter()
                .map(|(table, columns)| (table, ReadSet::Columns(columns.into_iter().collect())))
                .collect(),
            outputs: self.outputs().into_iter().zip(outputs).collect(),
            plan: None,
            ..Resolved::default()
        })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let terms = self.chosen(context)?;
        let wrong =
            |message: String, hint: Option<String>| Diagnostic::error(message).at(self.place.clone()).hint(hint);
        let dictionary = Dictionary::new(&terms, self.rules)
            .map_err(|error| wrong(format!("`{}`: {error}", self.dictionary.table), Some(error.hint().to_string())))?;
        let segmenter = match &self.words {
            Some(words) => Some(self.segmenter(context, words)?),
            None => None,
        };
        let mut columns = self.key.clone();
        columns.push(self.text.clone());
        let rows = read(context, &self.table, &columns)?;
        let texts = match rows.column(&self.text).map(|column| &column.values) {
            Some(Values::Text(texts)) => texts,
            _ => return Err(wrong(format!("`{}` is no text", self.text), None).into()),
        };
        let mut scratch = Scratch::default();
        let mut counts: Vec<Option<(Counts, u64)>> = Vec::with_capacity(texts.len());
        for text in texts {
            if context.halt.cause().is_some() {
                return Err(StageError::Cancelled);
            }
            counts.push(text.as_ref().map(|text| {
                let tokens = segmenter.as_ref().map_or(0, |segmenter| segmenter.count(text));
                (dictionary.count(text, &mut scratch), tokens)
            }));
        }
        let key = self.keys(&rows)?;
        let outputs = self.outputs();
        let made = [
            (self.main(&key, &counts), Vec::new()),
            (group_table(&key, &counts, &terms), vec!["term_group".to_string()]),
            (term_table(&key, &counts, &terms), vec!["term".to_string()]),
        ];
        let mut tables = Vec::new();
        let mut warnings = Vec::new();
        for ((name, (columns, further)), number) in outputs.iter().zip(made).zip(0..) {
            let path = context.scratch.join(format!("{number}.parquet"));
            let key: Vec<String> = self.key.iter().cloned().chain(further).collect();
            let info = tables::write::write(&path, &Table { columns }, &key).map_err(|error| {
                Diagnostic::error(format!("`{name}` cannot be written: {error}")).hint(error.hint())
            })?;
            if number == 0 {
                warnings = self.checks.run(&self.name, &Checked::plain(&path, &key))?;
            }
            tables.push(convert::output(name, path, info)?);
        }
        Ok(Outputs { tables, files: Vec::new(), warnings })
    }
}

impl TermsStage {
    /// The terms of the dictionary that `use` selects.
    fn chosen(&self, context: &RunContext) -> Result<Vec<Term>, StageError> {
        let Columns { table, first, second, .. } = &self.dictionary;
        let rows = read(context, table, &[first.clone(), second.clone()])?;
        let text = |column: &str, row: usize| rows.column(column).and_then(|column| column.values.text(row));
        let all: Vec<Term> = (0..rows.rows())
            .map(|row| Term {
                text: text(first, row).unwrap_or_default(),
                group: text(second, row).unwrap_or_default(),
            })
            .collect();
        let Selection { groups, without } = &self.selection;
        let known: BTreeSet<&str> = all.iter().map(|term| term.group.as_str()).collect();
        let terms: BTreeSet<&str> = all.iter().map(|term| term.text.as_str()).collect();
        for (what, names, known) in [("group", groups, &known), ("term", without, &terms)] {
            if let Some(name) = names.iter().find(|name| !known.contains(name.as_str())) {
                let near = engine::diagnostic::did_you_mean(name, known.iter().copied());
                return Err(Diagnostic::error(format!(
                    "`use` names the {what} `{name}`, which `{table}` does not have"
                ))
                .at(self.place.clone())
                .hint(near)
                .into());
            }
        }
        let counts = |term: &Term| (groups.is_empty() || groups.contains(&term.group)) && !without.contains(&term.text);
        Ok(all.into_iter().filter(counts).collect())
    }

    fn segmenter(&self, context: &RunContext, words: &Columns) -> Result<Segmenter, StageError> {
        let rows = read(context, &words.table, &[words.first.clone(), words.second.clone()])?;
        let frequencies = match rows.column(&words.second).map(|column| &column.values) {
            Some(Values::Int(values)) => values.clone(),
            _ => Vec::new(),
        };
        let words: Vec<Word> = (0..rows.rows())
            .map(|row| Word {
                text: rows.column(&words.first).and_then(|column| column.values.text(row)).unwrap_or_default(),
                frequency: frequencies.get(row).copied().flatten().map_or(0, |value| value.max(0) as u64),
            })
            .collect();
        Ok(Segmenter::new(&words, self.unknown)
            .map_err(|error| Diagnostic::error(error.to_string()).at(self.place.clone()))?)
    }

    /// The columns of the key, the year as the rule of `report_year` wants it, with the year of delivery behind them.
    fn keys(&self, rows: &Table) -> Result<Vec<Column>, StageError> {
        let mut key: Vec<Column> = self.key.iter().filter_map(|name| rows.column(name).cloned()).collect();
        let Some((year, lag)) = &self.lag else { return Ok(key) };
        let Some(Values::Int(delivered)) = rows.column(year).map(|column| &column.values) else {
            return Err(Diagnostic::error(format!("`{year}` is no whole number")).at(self.place.clone()).into());
        };
        let shifted: Vec<Option<i64>> =
            delivered.iter().map(|year| year.and_then(|year| year.checked_add(*lag))).collect();
        for column in key.iter_mut().filter(|column| column.name == *year) {
            column.values = Values::Int(shifted.clone());
        }
        key.push(Column { name: "delivered".to_string(), values: Values::Int(delivered.clone()) });
        Ok(key)
    }

    fn main(&self, key: &[Column], counts: &[Option<(Counts, u64)>]) -> Vec<Column> {
        let int = |name: &str, value: &dyn Fn(&(Counts, u64)) -> u64| Column {
            name: name.to_string(),
            values: Values::Int(
                counts.iter().map(|counts| counts.as_ref().map(|counts| value(counts) as i64)).collect(),
            ),
        };
        let short = |(counts, tokens): &(Counts, u64)| {
            self.fragment.is_some_and(|(below, unit)| {
                let length = match unit {
                    Unit::Han => counts.n_han,
                    Unit::Sentences => counts.n_sentences,
                    Unit::Tokens => *tokens,
                };
                (length as i64) < below
            })
        };
        let reason = |counts: &Option<(Counts, u64)>| match counts {
            None => Some("MISSING_TEXT".to_string()),
            Some(counts) if short(counts) => Some("FRAGMENT".to_string()),
            Some(_) => None,
        };
        let mut columns = key.to_vec();
        columns.push(int("n_han", &|(counts, _)| counts.n_han));
        if self.words.is_some() {
            columns.push(int("n_tokens", &|(_, tokens)| *tokens));
        }
        columns.push(int("n_sentences", &|(counts, _)| counts.n_sentences));
        columns.push(int("sentences_with_terms", &|(counts, _)| counts.n_sentences_with));
        for (index, name) in COUNTS.iter().enumerate() {
            columns.push(int(name, &|(counts, _)| counts.terms.iter().map(|count| four(count)[index]).sum()));
        }
        let fragment = counts.iter().map(|counts| counts.as_ref().map(short)).collect();
        columns.push(Column { name: "fragment".to_string(), values: Values::Bool(fragment) });
        columns.push(Column { name: "reason".to_string(), values: Values::Text(counts.iter().map(reason).collect()) });
        columns
    }
}

/// In the order of `COUNTS`.
fn four(count: &TermCount) -> [u64; 4] {
    let length = u64::from(count.length);
    [count.longest, count.overlapping, count.longest * length, count.overlapping * length]
}

/// A row per text and group, also where nothing of the group occurs.
fn group_table(key: &[Column], counts: &[Option<(Counts, u64)>], terms: &[Term]) -> Vec<Column> {
    let groups: Vec<&str> = terms.iter().map(|term| term.group.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let (mut rows, mut names, mut values) = (Vec::new(), Vec::new(), [const { Vec::new() }; 4]);
    for (row, counts) in counts.iter().enumerate() {
        let Some((counts, _)) = counts else { continue };
        for group in &groups {
            let mut sums = [0; 4];
            for count in counts.terms.iter().filter(|count| terms[count.term].group == *group) {
                for (sum, value) in sums.iter_mut().zip(four(count)) {
                    *sum += value;
                }
            }
            rows.push(row);
            names.push(Some(group.to_string()));
            for (column, sum) in values.iter_mut().zip(sums) {
                column.push(Some(sum as i64));
            }
        }
    }
    let mut columns = picked(key, &rows);
    columns.push(Column { name: "term_group".to_string(), values: Values::Text(names) });
    let named = COUNTS.iter().zip(values);
    columns.extend(named.map(|(name, values)| Column { name: name.to_string(), values: Values::Int(values) }));
    columns
}

/// A row per text and term that occurs in it.
fn term_table(key: &[Column], counts: &[Option<(Counts, u64)>], terms: &[Term]) -> Vec<Column> {
    let occurring = counts.iter().enumerate().filter_map(|(row, counts)| Some((row, &counts.as_ref()?.0.terms)));
    let found: Vec<(usize, &TermCount)> =
        occurring.flat_map(|(row, counts)| counts.iter().map(move |count| (row, count))).collect();
    let rows: Vec<usize> = found.iter().map(|(row, _)| *row).collect();
    let mut columns = picked(key, &rows);
    let mut push = |name: &str, values: Values| columns.push(Column { name: name.to_string(), values });
    push("term", Values::Text(found.iter().map(|(_, count)| Some(terms[count.term].text.clone())).collect()));
    push("term_group", Values::Text(found.iter().map(|(_, count)| Some(terms[count.term].group.clone())).collect()));
    push("longest", Values::Int(found.iter().map(|(_, count)| Some(count.longest as i64)).collect()));
    push("overlapping", Values::Int(found.iter().map(|(_, count)| Some(count.overlapping as i64)).collect()));
    columns
}

/// These rows of the key, without the year of delivery.
fn picked(key: &[Column], rows: &[usize]) -> Vec<Column> {
    fn of<T: Clone>(values: &[Option<T>], rows: &[usize]) -> Vec<Option<T>> {
        rows.iter().map(|&row| values[row].clone()).collect()
    }
    let pick = |column: &Column| Column {
        name: column.name.clone(),
        values: match &column.values {
            Values::Bool(values) => Values::Bool(of(values, rows)),
            Values::Int(values) => Values::Int(of(values, rows)),
            Values::Float(values) => Values::Float(of(values, rows)),
            Values::Text(values) => Values::Text(of(values, rows)),
            Values::Date(values) => Values::Date(of(values, rows)),
        },
    };
    key.iter().filter(|column| column.name != "delivered").map(pick).collect()
}

fn read(context: &RunContext, table: &str, columns: &[String]) -> Result<Table, StageError> {
    let mut columns = columns.to_vec();
    let mut seen = BTreeSet::new();
    columns.retain(|column| seen.insert(column.clone()));
    Ok(tables::read::read(&context.table(table)?.path, Some(&columns))
        .map_err(|error| Diagnostic::error(format!("`{table}` cannot be read: {error}")))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_names_groups_and_leaves_terms_out() {
        let list = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
        for (text, groups, without) in [
            ("", &[][..], &[][..]),
            ("all", &[], &[]),
            ("core", &["core"], &[]),
            ("core, inputs without 创新,科技", &["core", "inputs"], &["创新", "科技"]),
            ("without 创新", &[], &["创新"]),
            ("all without 创新", &[], &["创新"]),
        ] {
            assert_eq!(selection(text), Selection { groups: list(groups), without: list(without) }, "{text}");
        }
    }
}
