//! `kind: places`: printed names of places to the identifiers of a study, by year. The matching is in `readers::places`.
//! Makes `<stage>` (a row per printed name and year), `<stage>.shares` (to which units its numbers belong, with the part of each)
//! and `<stage>.unmatched`.

use crate::checks::{Checked, Checks};
use crate::convert;
use engine::diagnostic::{Diagnostic, Place, Severity};
use engine::kind::{Input, Outputs, ReadSet, Resolved, RunContext, Schemas, Stage, StageError, StageKind, TableSchema};
use engine::manifest::Manifest;
use engine::record::Warning;
use engine::spec::Spec;
use engine::yaml::fields::Fields;
use readers::places::{Asked, Boundaries, Change, Found, Gazetteer, Miss, Name, Rules, Sort};
use std::collections::{BTreeMap, BTreeSet};
use tables::columns::{Column, Table, Values};

pub struct Places;

struct PlacesStage {
    name: String,
    table: String,
    /// Columns of `table`: the printed name, and the year and province beside it.
    printed: String,
    year: Option<String>,
    province: Option<String>,
    /// What the identifier is called in the result.
    id: String,
    names: Facts,
    aliases: Option<Facts>,
    counties: Option<Facts>,
    entities: Option<Facts>,
    /// Columns of the entities that are put beside the identifier.
    keep: Vec<String>,
    events: Option<Facts>,
    suffixes: Vec<String>,
    other_years: bool,
    boundaries: Boundaries,
    allow: Vec<String>,
    /// What happens to names that are not known, mean several places, or are not in force.
    severities: [Treatment; 3],
    place: Place,
    checks: Checks,
    inputs: Vec<Input>,
}

/// A table of facts: what its columns are asked for by, and what they are called.
struct Facts {
    table: String,
    columns: BTreeMap<&'static str, String>,
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    Error,
    Warning,
    List,
}

const TREATMENTS: &[(&str, Treatment)] =
    &[("error", Treatment::Error), ("list", Treatment::List), ("warning", Treatment::Warning)];
const OTHER_YEARS: &[(&str, bool)] = &[("match", true), ("refuse", false)];
const PROBLEMS: [&str; 3] = ["unmatched", "ambiguous", "not_in_force"];
const NAME_COLUMNS: &[(&str, &str)] = &[("name", "name"), ("id", "code"), ("from", "valid_from"), ("to", "valid_to")];
/// How many names a message lists; `.unmatched` has all.
const LISTED: usize = 20;

impl StageKind for Places {
    fn name(&self) -> &'static str {
        "places"
    }

    fn version(&self) -> u32 {
        1
    }

    fn parse(&self, spec: &Spec) -> Option<Box<dyn Stage>> {
        let fields = &spec.fields;
        let from = fields.required_text("from");
        let printed = fields.required_text("name");
        let text = |key: &str| fields.text(key).map(|text| text.value);
        let (year, province) = (text("year"), text("province"));
        fields.required("names");
        let names = facts(fields, "names", NAME_COLUMNS, &[]);
        let aliases = facts(fields, "aliases", NAME_COLUMNS, &[]);
        let counties = facts(fields, "counties", NAME_COLUMNS, &[]);
        let entities = facts(fields, "entities", &[("id", "code"), ("province", "province")], &["keep"]);
        let keep = fields.node("entities").and_then(|node| node.get("keep")).map_or(Vec::new(), |_| {
            let inner = fields.fields("entities", "`entities`");
            let keep = inner.and_then(|inner| inner.texts("keep")).unwrap_or_default();
            keep.into_iter().map(|text| text.value).collect()
        });
        let event_columns = &[("id", "code"), ("year", "year"), ("successor", "successor_code"), ("share", "share")];
        let events = facts(fields, "events", event_columns, &[]);
        let list = |key: &str| -> Vec<String> {
            fields.texts(key).unwrap_or_default().iter().map(|text| spec.substitute(text)).collect()
        };
        let (suffixes, allow) = (list("suffixes"), list("allow"));
        let other_years = fields.choice("other_years", OTHER_YEARS).unwrap_or(true);
        let boundaries = match spec.substituted("boundaries") {
            None => Boundaries::AsReported,
            Some(text) => Boundaries::parse(&text.value).unwrap_or_else(|| {
                let message =
                    format!("`boundaries` cannot be `{}`; it is as_reported, drop_changed or hold YEAR", text.value);
                fields.problems().push(Diagnostic::error(message).at(text.place));
                Boundaries::AsReported
            }),
        };
        if boundaries != Boundaries::AsReported {
            for (option, given) in [("year", year.is_some()), ("events", fields.node("events").is_some())] {
                if !given {
                    fields.complain(fields.self_node(), format!("boundaries other than as_reported need `{option}:`"));
                }
            }
        }
        let severities = PROBLEMS.map(|key| fields.choice(key, TREATMENTS).unwrap_or(Treatment::Error));
        let id = text("as");
        let place = printed.as_ref().map(|printed| printed.place.clone());
        let checks = Checks::parse(spec);
        let (from, printed, names) = (from?, printed?, names?);
        let mut inputs = vec![Input::Table { name: from.value.clone(), place: Some(from.place) }];
        let tables = [Some(&names), aliases.as_ref(), counties.as_ref(), entities.as_ref(), events.as_ref()];
        for Facts { table, place, .. } in tables.into_iter().flatten() {
            let known = inputs.iter().any(|input| matches!(input, Input::Table { name, .. } if name == table));
            if !known {
                inputs.push(Input::Table { name: table.clone(), place: Some(place.clone()) });
            }
        }
        let id = id.unwrap_or_else(|| names.columns["id"].clone());
        Some(Box::new(PlacesStage {
            name: spec.name.to_string(),
            table: from.value,
            printed: printed.value,
            year,
            province,
            id,
            names,
            aliases,
            counties,
            entities,
            keep,
            events,
            suffixes,
            other_years,
            boundaries,
            allow,
            severities,
            place: place?,
            checks,
            inputs,
        }))
    }
}

/// The table under `key`, by its name alone or with the names of its columns; `further` keys are read by others.
fn facts(fields: &Fields, key: &str, columns: &[(&'static str, &'static str)], further: &[&str]) -> Option<Facts> {
    let node = fields.node(key)?;
    if node.value.scalar_text().is_some() {
        let table = fields.text(key)?;
        let columns = columns.iter().map(|(name, default)| (*name, default.to_string())).collect();
        return Some(Facts { table: table.value, columns, place: table.place });
    }
    let inner = fields.fields(key, format!("`{key}`"))?;
    let table = inner.required_text("table");
    let named = columns
        .iter()
        .map(|(name, default)| (*name, inner.text(name).map_or(default.to_string(), |column| column.value)))
        .collect();
    inner.allow(further);
    inner.finish();
    let table = table?;
    Some(Facts { table: table.value, columns: named, place: table.place })
}

/// The table of units, and the row of each.
type Kept = (Table, BTreeMap<String, usize>);

impl Stage for PlacesStage {
    fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn outputs(&self) -> Vec<String> {
        vec![self.name.clone(), format!("{}.shares", self.name), format!("{}.unmatched", self.name)]
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let PlacesStage {
            name: _,
            table,
            printed,
            year,
            province,
            id,
            names,
            aliases,
            counties,
            entities,
            keep,
            events,
            suffixes,
            other_years,
            boundaries,
            allow,
            severities,
            place: _,
            checks,
            inputs: _,
        } = self;
        manifest.text("from", table);
        manifest.text("name", printed);
        manifest.maybe("year", year.as_deref());
        manifest.maybe("province", province.as_deref());
        manifest.text("as", id);
        let tables = [("aliases", aliases), ("counties", counties), ("entities", entities), ("events", events)];
        let tables = tables.into_iter().filter_map(|(option, facts)| Some((option, facts.as_ref()?)));
        for (option, Facts { table, columns, place: _ }) in [("names", names)].into_iter().chain(tables) {
            manifest.text(option, table);
            for (asked, column) in columns {
                manifest.text(&format!("{option}.{asked}"), column);
            }
        }
        manifest.list("entities.keep", keep);
        manifest.list("suffixes", suffixes);
        manifest.flag("other_years", *other_years);
        manifest.text("boundaries", &format!("{boundaries:?}"));
        manifest.list("allow", allow);
        for (option, severity) in PROBLEMS.iter().zip(severities) {
            manifest.text(option, &format!("{severity:?}"));
        }
        checks.describe(manifest);
    }

    fn resolve(&self, schemas: &Schemas) -> Result<Resolved, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let mut reads: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut needs = |table: &str, column: &str, kinds: &[&str], place: &Place| -> String {
            let schema = schemas.get(table).cloned().unwrap_or_default();
            reads.entry(table.to_string()).or_default().insert(column.to_string());
            if let Some(problem) = convert::missing_column(&schema, table, column) {
                problems.push(problem.at(place.clone()));
                return "text".to_string();
            }
            let kind = schema.columns.iter().find(|(name, _)| name == column).map_or("", |(_, kind)| kind);
            if !kinds.is_empty() && !kinds.contains(&kind) {
                let message = format!("`{column}` of `{table}` is {kind}, not {}", kinds.join(" or "));
                problems.push(Diagnostic::error(message).at(place.clone()));
            }
            kind.to_string()
        };
        needs(&self.table, &self.printed, &["text"], &self.place);
        for (column, kinds) in [(&self.year, &["int"]), (&self.province, &["text"])] {
            if let Some(column) = column {
                needs(&self.table, column, kinds, &self.place);
            }
        }
        let mut id_kind = String::new();
        for (facts, optional) in self.tables() {
            for (asked, column) in &facts.columns {
                let kinds: &[&str] = match *asked {
                    "name" | "province" => &["text"],
                    "from" | "to" | "year" => &["int"],
                    "share" => &["float", "int"],
                    _ => &["int", "text"],
                };
                let has = schemas.get(&facts.table).is_some_and(|schema| schema.has(column));
                // A table of units may lack the province, one of events the share.
                if optional && matches!(*asked, "province" | "share") && !has {
                    continue;
                }
                let kind = needs(&facts.table, column, kinds, &facts.place);
                if *asked == "id" {
                    id_kind = if id_kind.is_empty() || id_kind == kind { kind } else { "text".to_string() };
                }
            }
        }
        let mut kept = Vec::new();
        if let Some(entities) = &self.entities {
            for column in &self.keep {
                kept.push((column.clone(), needs(&entities.table, column, &[], &entities.place)));
            }
        }
        let typed = |name: &str, kind: &str| (name.to_string(), kind.to_string());
        let asked: Vec<(String, String)> = [typed("printed", "text")]
            .into_iter()
            .chain(self.year.iter().map(|_| typed("year", "int")))
            .chain(self.province.iter().map(|_| typed("province", "text")))
            .collect();
        let key: Vec<String> = asked.iter().map(|(name, _)| name.clone()).collect();
        let schema = |further: &[&str], columns: Vec<(String, String)>| TableSchema {
            key: key.iter().cloned().chain(further.iter().map(|name| name.to_string())).collect(),
            columns: asked.iter().cloned().chain(columns).collect(),
        };
        let mut main = vec![typed("name", "text"), typed(&self.id, &id_kind), typed("listed", "text")];
        main.extend([typed("matched_by", "text"), typed("n_rows", "int"), typed("reason", "text")]);
        main.push(typed("candidates", "text"));
        main.extend(kept);
        let main = schema(&[], main);
        let shares = schema(&[self.id.as_str()], vec![typed(&self.id, &id_kind), typed("share", "float")]);
        let reasons = ["reason", "candidates"].map(|name| typed(name, "text"));
        let rest = [typed("n_rows", "int"), typed("allowed", "bool")];
        let unmatched = schema(&[], reasons.into_iter().chain(rest).collect());
        let mut seen = BTreeSet::new();
        for (column, _) in &main.columns {
            if !seen.insert(column) {
                let message = format!("two columns of `{}` are called `{column}`; change `as` or `keep`", self.name);
                problems.push(Diagnostic::error(message).at(self.place.clone()));
            }
        }
        problems.extend(self.checks.resolve(&main, &self.name, None));
        if !problems.is_empty() {
            return Err(problems);
        }
        let reads = reads.into_iter().map(|(table, columns)| (table, ReadSet::Columns(columns.into_iter().collect())));
        Ok(Resolved {
            reads: reads.collect(),
            outputs: self.outputs().into_iter().zip([main, shares, unmatched]).collect(),
            plan: None,
            ..Resolved::default()
        })
    }

    fn run(&self, context: &RunContext) -> Result<Outputs, StageError> {
        let (asked, without) = self.asked(context)?;
        let gazetteer = self.gazetteer(context, &asked)?;
        let found: Vec<Found> = asked
            .keys()
            .map(|(name, year, province)| gazetteer.find(&Asked { name, year: *year, province: province.as_deref() }))
            .collect();
        let allowed = self.allowed(&found);
        let mut warnings = self.findings(&asked, &found, &allowed)?;
        if without > 0 {
            warnings
                .push(self.warning(format!("{without} rows of `{}` have no name or no year", self.table), Vec::new()));
        }
        let kept = self.kept(context)?;
        let whole_numbers = self.id_is_int(context)?;
        let made = [
            (self.main(&asked, &found, &kept, whole_numbers), false),
            (self.shares(&asked, &found, whole_numbers), true),
            (self.unmatched(&asked, &found, &allowed), false),
        ];
        let mut tables = Vec::new();
        for ((name, (columns, by_id)), number) in self.outputs().iter().zip(made).zip(0..) {
            let path = context.scratch.join(format!("{number}.parquet"));
            let mut key = self.key();
            key.extend(by_id.then(|| self.id.clone()));
            let info = tables::write::write(&path, &Table { columns }, &key).map_err(|error| {
                Diagnostic::error(format!("`{name}` cannot be written: {error}")).hint(error.hint())
            })?;
            if number == 0 {
                warnings.extend(self.checks.run(&self.name, &Checked::plain(&path, &key))?);
            }
            tables.push(convert::output(name, path, info)?);
        }
        Ok(Outputs { tables, files: Vec::new(), warnings })
    }
}

/// Name, year and province as printed, with the number of rows.
type AskedRows = BTreeMap<(String, Option<i64>, Option<String>), i64>;

impl PlacesStage {
    /// The tables of facts, and whether some of their columns may be absent.
    fn tables(&self) -> Vec<(&Facts, bool)> {
        let optional = [&self.aliases, &self.counties].into_iter().flatten().map(|facts| (facts, false));
        let looser = [&self.entities, &self.events].into_iter().flatten().map(|facts| (facts, true));
        [(&self.names, false)].into_iter().chain(optional).chain(looser).collect()
    }

    fn key(&self) -> Vec<String> {
        let year = self.year.iter().map(|_| "year".to_string());
        let province = self.province.iter().map(|_| "province".to_string());
        ["printed".to_string()].into_iter().chain(year).chain(province).collect()
    }

    /// What is asked for, and the number of rows that ask for nothing.
    fn asked(&self, context: &RunContext) -> Result<(AskedRows, usize), StageError> {
        let columns = [Some(&self.printed), self.year.as_ref(), self.province.as_ref()];
        let rows = read(context, &self.table, columns.into_iter().flatten())?;
        let (mut asked, mut without) = (AskedRows::new(), 0);
        for row in 0..rows.rows() {
            let value =
                |column: &Option<String>| column.as_ref().and_then(|column| rows.column(column)?.values.text(row));
            let year = value(&self.year).and_then(|year| year.parse().ok());
            match value(&Some(self.printed.clone())) {
                Some(name) if year.is_some() || self.year.is_none() => {
                    let province = self.province.as_ref().map(|_| value(&self.province).unwrap_or_default());
                    *asked.entry((name, year, province)).or_default() += 1;
                }
                _ => without += 1,
            }
        }
        Ok((asked, without))
    }

    fn gazetteer(&self, context: &RunContext, asked: &AskedRows) -> Result<Gazetteer, StageError> {
        let mut names = Vec::new();
        let tables = [
            (Some(&self.names), Sort::Unit),
            (self.aliases.as_ref(), Sort::Alias),
            (self.counties.as_ref(), Sort::County),
        ];
        for (facts, sort) in tables.into_iter().filter_map(|(facts, sort)| Some((facts?, sort))) {
            let rows = Read::new(context, facts)?;
            for row in 0..rows.table.rows() {
                let (Some(name), Some(id)) = (rows.text("name", row), rows.text("id", row)) else { continue };
                let year = |column: &str| rows.text(column, row).and_then(|year| year.parse().ok());
                names.push(Name { name, id, from: year("from"), to: year("to"), sort });
            }
        }
        let mut provinces = BTreeMap::new();
        if let Some(facts) = &self.entities {
            let rows = Read::new(context, facts)?;
            for row in 0..rows.table.rows() {
                provinces.extend(rows.text("id", row).zip(rows.text("province", row)));
            }
        }
        let mut changes = Vec::new();
        if let Some(facts) = &self.events {
            let rows = Read::new(context, facts)?;
            for row in 0..rows.table.rows() {
                // A renaming or an upgrade has no successor and moves no boundary.
                let (Some(id), Some(successor)) = (rows.text("id", row), rows.text("successor", row)) else { continue };
                let Some(year) = rows.text("year", row).and_then(|year| year.parse().ok()) else {
                    let message = format!("a change of {id} in `{}` has no year", facts.table);
                    return Err(Diagnostic::error(message).at(facts.place.clone()).into());
                };
                let share = rows.text("share", row).and_then(|share| share.parse().ok());
                changes.push(Change { id, year, successor, share });
            }
        }
        let years = || asked.keys().filter_map(|(_, year, _)| *year);
        let boundaries = match self.boundaries {
            Boundaries::DropChanged { .. } => Boundaries::DropChanged {
                first: years().min().unwrap_or(i64::MIN),
                last: years().max().unwrap_or(i64::MAX),
            },
            other => other,
        };
        let rules = Rules { suffixes: self.suffixes.clone(), other_years: self.other_years, boundaries };
        Ok(Gazetteer::new(names, provinces, &changes, rules).map_err(|error| {
            let facts = self.events.as_ref().unwrap_or(&self.names);
            Diagnostic::error(format!("the tables of places are wrong: {error}"))
                .at(facts.place.clone())
                .hint("mend the table that the stage names, with the source of the fact".to_string())
        })?)
    }

    /// Which names the study declares as known exceptions.
    fn allowed(&self, found: &[Found]) -> Vec<bool> {
        found
            .iter()
            .map(|found| self.allow.iter().any(|name| name.split_whitespace().collect::<String>() == found.normal))
            .collect()
    }

    /// Errors for names without a place, and warnings where the study wants those instead.
    fn findings(&self, asked: &AskedRows, found: &[Found], allowed: &[bool]) -> Result<Vec<Warning>, StageError> {
        let mut lines: [Vec<String>; 3] = Default::default();
        for (((name, year, _), rows), (found, allowed)) in asked.iter().zip(found.iter().zip(allowed)) {
            let Err(miss) = &found.outcome else { continue };
            let problem = match miss {
                Miss::Unknown { .. } | Miss::OtherProvince { .. } => 0,
                Miss::Ambiguous { .. } => 1,
                Miss::NotInForce { .. } => 2,
                // The study asked for it.
                Miss::Changed { .. } => continue,
            };
            if *allowed {
                continue;
            }
            let year = year.map_or(String::new(), |year| format!(" in {year}"));
            let candidates = match miss.candidates() {
                [] => String::new(),
                candidates => format!(": {}", candidates.join("; ")),
            };
            lines[problem].push(format!("`{name}`{year} ({rows} rows), {}{candidates}", miss.text()));
        }
        let mut warnings = Vec::new();
        let mut errors = Vec::new();
        for ((lines, severity), option) in lines.into_iter().zip(self.severities).zip(PROBLEMS) {
            if lines.is_empty() || severity == Treatment::List {
                continue;
            }
            let message = format!("names without a place in `{}` of `{}`: {}", self.printed, self.table, lines.len());
            let rest = lines.len().saturating_sub(LISTED);
            let mut shown: Vec<String> = lines.into_iter().take(LISTED).collect();
            if rest > 0 {
                shown.push(format!("and {rest} more"));
            }
            if severity == Treatment::Warning {
                warnings.push(self.warning(message, shown));
                continue;
            }
            let hint = format!(
                "add them to `{}`, or to `allow:` what is no place of the study; `{option}: warning` lets the study go on",
                self.aliases.as_ref().unwrap_or(&self.names).table
            );
            let mut diagnostic = Diagnostic::error(message).at(self.place.clone()).hint(hint);
            diagnostic.notes = shown;
            errors.push(diagnostic);
        }
        for name in &self.allow {
            let name: String = name.split_whitespace().collect();
            if !found.iter().any(|found| found.normal == name && found.outcome.is_err()) {
                warnings.push(self.warning(format!("`allow` names `{name}`, which is not missing"), Vec::new()));
            }
        }
        if errors.is_empty() { Ok(warnings) } else { Err(StageError::Wrong(errors)) }
    }

    fn warning(&self, message: String, details: Vec<String>) -> Warning {
        Warning { stage: self.name.clone(), severity: Severity::Warning, message, details }
    }

    /// The kept columns of the units, by identifier: one vector of values per column, and the row of each unit.
    fn kept(&self, context: &RunContext) -> Result<Option<Kept>, StageError> {
        let Some(facts) = self.entities.as_ref().filter(|_| !self.keep.is_empty()) else { return Ok(None) };
        let id = &facts.columns["id"];
        let rows = read(context, &facts.table, [id].into_iter().chain(&self.keep))?;
        let ids = (0..rows.rows()).filter_map(|row| Some((rows.column(id)?.values.text(row)?, row))).collect();
        Ok(Some((rows, ids)))
    }

    fn id_is_int(&self, context: &RunContext) -> Result<bool, StageError> {
        for (facts, _) in self.tables() {
            let Some(id) = facts.columns.get("id") else { continue };
            let record = &context.table(&facts.table)?.record;
            if record.columns.iter().any(|column| column.name == *id && column.kind != "int") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn main(
        &self,
        asked: &AskedRows,
        found: &[Found],
        kept: &Option<(Table, BTreeMap<String, usize>)>,
        whole_numbers: bool,
    ) -> Vec<Column> {
        let matched = |found: &Found| found.outcome.as_ref().ok().cloned();
        // Where the numbers of a row are divided, no single unit has them; `.shares` has all.
        let ids: Vec<Option<String>> = found
            .iter()
            .map(|found| match matched(found)?.parts.as_slice() {
                [(id, _)] => Some(id.clone()),
                _ => None,
            })
            .collect();
        let texts = |value: &dyn Fn(&Found) -> Option<String>| Values::Text(found.iter().map(value).collect());
        let mut columns = self.asked_columns(asked.keys());
        let mut push = |name: &str, values: Values| columns.push(Column { name: name.to_string(), values });
        push("name", texts(&|found| Some(found.normal.clone())));
        push(&self.id, id_values(&ids, whole_numbers));
        push("listed", texts(&|found| Some(matched(found)?.listed)));
        push(
            "matched_by",
            texts(&|found| {
                let steps = matched(found)?.steps;
                let steps: Vec<&str> = steps.iter().map(|step| step.text()).collect();
                Some(if steps.is_empty() { "exact".to_string() } else { steps.join(", ") })
            }),
        );
        push("n_rows", Values::Int(asked.values().copied().map(Some).collect()));
        push("reason", texts(&|found| found.outcome.as_ref().err().map(Miss::text)));
        push("candidates", texts(&candidates));
        if let Some((rows, by_id)) = kept {
            let at: Vec<Option<usize>> = ids.iter().map(|id| by_id.get(id.as_ref()?).copied()).collect();
            for name in &self.keep {
                let values = rows.column(name).map(|column| picked(&column.values, &at));
                columns.extend(values.map(|values| Column { name: name.clone(), values }));
            }
        }
        columns
    }

    fn shares(&self, asked: &AskedRows, found: &[Found], whole_numbers: bool) -> Vec<Column> {
        let (mut keys, mut ids, mut shares) = (Vec::new(), Vec::new(), Vec::new());
        for (key, found) in asked.keys().zip(found) {
            for (id, share) in found.outcome.iter().flat_map(|found| &found.parts) {
                keys.push(key);
                ids.push(Some(id.clone()));
                shares.push(Some(*share));
            }
        }
        let mut columns = self.asked_columns(keys.into_iter());
        columns.push(Column { name: self.id.clone(), values: id_values(&ids, whole_numbers) });
        columns.push(Column { name: "share".to_string(), values: Values::Float(shares) });
        columns
    }

    fn unmatched(&self, asked: &AskedRows, found: &[Found], allowed: &[bool]) -> Vec<Column> {
        let missing: Vec<_> = asked
            .iter()
            .zip(found.iter().zip(allowed))
            .filter_map(|((key, rows), (found, allowed))| {
                Some((key, *rows, found, found.outcome.as_ref().err()?, *allowed))
            })
            .collect();
        let mut columns = self.asked_columns(missing.iter().map(|(key, ..)| *key));
        let mut push = |name: &str, values: Values| columns.push(Column { name: name.to_string(), values });
        push("reason", Values::Text(missing.iter().map(|(_, _, _, miss, _)| Some(miss.text())).collect()));
        push("candidates", Values::Text(missing.iter().map(|(_, _, found, ..)| candidates(found)).collect()));
        push("n_rows", Values::Int(missing.iter().map(|(_, rows, ..)| Some(*rows)).collect()));
        push("allowed", Values::Bool(missing.iter().map(|(.., allowed)| Some(*allowed)).collect()));
        columns
    }

    fn asked_columns<'a>(
        &self,
        keys: impl Iterator<Item = &'a (String, Option<i64>, Option<String>)> + Clone,
    ) -> Vec<Column> {
        let text = |values: Vec<Option<String>>| Values::Text(values);
        let column = |name: &str, values: Values| Column { name: name.to_string(), values };
        let mut columns = vec![column("printed", text(keys.clone().map(|(name, ..)| Some(name.clone())).collect()))];
        if self.year.is_some() {
            columns.push(column("year", Values::Int(keys.clone().map(|(_, year, _)| *year).collect())));
        }
        if self.province.is_some() {
            columns.push(column("province", text(keys.map(|(.., province)| province.clone()).collect())));
        }
        columns
    }
}

/// A table of facts, with its columns by what they are asked for.
struct Read<'a> {
    facts: &'a Facts,
    table: Table,
}

impl Read<'_> {
    fn new<'a>(context: &RunContext, facts: &'a Facts) -> Result<Read<'a>, StageError> {
        let record = &context.table(&facts.table)?.record;
        let has = |column: &&String| record.columns.iter().any(|known| known.name == **column);
        let table = read(context, &facts.table, facts.columns.values().filter(has))?;
        Ok(Read { facts, table })
    }

    fn text(&self, asked: &str, row: usize) -> Option<String> {
        self.table.column(self.facts.columns.get(asked)?)?.values.text(row)
    }
}

fn read<'a>(
    context: &RunContext,
    table: &str,
    columns: impl IntoIterator<Item = &'a String>,
) -> Result<Table, StageError> {
    let columns: Vec<String> = columns.into_iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    Ok(tables::read::read(&context.table(table)?.path, Some(&columns))
        .map_err(|error| Diagnostic::error(format!("`{table}` cannot be read: {error}")))?)
}

fn candidates(found: &Found) -> Option<String> {
    let candidates = found.outcome.as_ref().err()?.candidates();
    (!candidates.is_empty()).then(|| candidates.join("; "))
}

fn id_values(ids: &[Option<String>], whole_numbers: bool) -> Values {
    match whole_numbers {
        true => Values::Int(ids.iter().map(|id| id.as_ref()?.parse().ok()).collect()),
        false => Values::Text(ids.to_vec()),
    }
}

fn picked(values: &Values, rows: &[Option<usize>]) -> Values {
    fn of<T: Clone>(values: &[Option<T>], rows: &[Option<usize>]) -> Vec<Option<T>> {
        rows.iter().map(|row| values[(*row)?].clone()).collect()
    }
    match values {
        Values::Bool(values) => Values::Bool(of(values, rows)),
        Values::Int(values) => Values::Int(of(values, rows)),
        Values::Float(values) => Values::Float(of(values, rows)),
        Values::Text(values) => Values::Text(of(values, rows)),
        Values::Date(values) => Values::Date(of(values, rows)),
    }
}
