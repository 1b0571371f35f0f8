//! The grammar that `restudy schema` prints, compared with what the parser accepts, key by key and both ways, and with every layout of the
//! repository (by Python's jsonschema; skipped, and said so, without it).

use crate::support::{Study, python, root};
use engine::spec::StudyFile;
use engine::yaml::fields::Problems;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Where a key that nobody knows is put, and the place of the schema that lists the keys there.
const PLACES: &[(&str, &str)] = &[
    ("format: csv\nzzzz: 1\ncolumns: {a: {field: a, type: int}}", "/properties"),
    ("format: csv\nheader: {zzzz: 1}\ncolumns: {a: {field: a, type: int}}", "/properties/header/oneOf/1/properties"),
    ("format: csv\nskip: [{null: a, zzzz: 1}]\ncolumns: {a: {field: a, type: int}}", "/$defs/skip/properties"),
    ("format: csv\ncolumns: {a: {field: a, type: int, zzzz: 1}}", "/$defs/column/properties"),
    (
        "format: csv\ncolumns: {a: {field: a, type: float, unit: 人, printed: [{unit: 人, zzzz: 1}]}}",
        "/$defs/printed/properties",
    ),
    (
        "format: csv\nfile: (?<y>.)\ncolumns: {a: {field: a, type: float, scale: [{by: y, factor: 2, zzzz: 1}]}}",
        "/$defs/scale/properties",
    ),
];

/// The same for values that are one of several.
const CHOICES: &[(&str, &str)] = &[
    ("format: zzzz\ncolumns: {a: {field: a, type: int}}", "/properties/format/enum"),
    ("format: csv\ntotals: zzzz\ncolumns: {a: {field: a, type: int}}", "/properties/totals/enum"),
    ("format: csv\ncolumns: {a: {field: a, type: zzzz}}", "/$defs/column/properties/type/enum"),
    ("format: csv\ncolumns: {a: {field: a, type: int, fill: zzzz}}", "/$defs/column/properties/fill/enum"),
];

fn schema(file: &str) -> Value {
    let done = Study::new(&[]).restudy(&["schema", file]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    serde_json::from_str(&done.stdout).expect("JSON")
}

/// Messages and hints of the parser.
fn told(text: &str) -> Vec<String> {
    let problems = Problems::default();
    kinds::layout::parse(&StudyFile { shown: "layout.yaml".into(), text: text.into() }, &problems);
    let told = |problem: engine::diagnostic::Diagnostic| vec![problem.message, problem.hint.unwrap_or_default()];
    problems.into_sorted().into_iter().flat_map(told).collect()
}

/// The words behind `start` in one of the messages.
fn words(text: &str, start: &str) -> BTreeSet<String> {
    let messages = told(text);
    let list = messages.iter().find_map(|message| message.split_once(start).map(|(_, list)| list));
    let list = list.unwrap_or_else(|| panic!("{text}\n{messages:?}"));
    list.split(", ").map(str::to_string).collect()
}

#[test]
fn the_schema_of_layouts_is_what_the_parser_accepts() {
    let schema = schema("layout");
    for (text, place) in PLACES {
        let listed: BTreeSet<String> =
            schema.pointer(place).and_then(Value::as_object).expect(place).keys().cloned().collect();
        assert_eq!(words(text, "known keys: "), listed, "{place}");
    }
    for (text, place) in CHOICES {
        let listed = schema.pointer(place).and_then(Value::as_array).expect(place);
        let listed: BTreeSet<String> = listed.iter().map(|value| value.as_str().expect("text").to_string()).collect();
        assert_eq!(words(text, "it is one of "), listed, "{place}");
    }
    // What a column may come from stands in three places.
    let sources = schema.pointer("/$defs/column/oneOf").and_then(Value::as_array).expect("sources");
    let sources: BTreeSet<String> =
        sources.iter().map(|one| one["required"][0].as_str().expect("a key").to_string()).collect();
    assert_eq!(words("format: csv\ncolumns: {a: {type: int}}", "exactly one of "), sources);
}

/// Layouts of the repository with whether they are right, and small ones that are not.
fn layouts() -> Vec<(String, String, bool)> {
    let mut found: Vec<(String, String, bool)> = Vec::new();
    for folder in ["stages/ingest", "tests/fixtures/real/stages/ingest"] {
        let mut files: Vec<PathBuf> =
            fs::read_dir(root().join(folder)).expect(folder).flatten().map(|entry| entry.path()).collect();
        files.sort();
        for path in files {
            let text = fs::read_to_string(&path).expect("a layout");
            found.push((path.file_name().expect("a name").to_string_lossy().into_owned(), text, true));
        }
    }
    let wrong = [
        "columns: {a: {field: a, type: int}}",
        "format: csv\ncolumns: {}",
        "format: csv\ncolumns: {a: {type: int}}",
        "format: csv\ncolumns: {a: {field: a, file: stem, type: int}}",
        "format: csv\nheader: {rows: 5}\ncolumns: {a: {field: a, type: int}}",
        "format: csv\nskip: [{null: a, only: a}]\ncolumns: {a: {field: a, type: int}}",
        "format: csv\nskip: [{column: a}]\ncolumns: {a: {field: a, type: int}}",
        "format: csv\ncolumns: {a: {field: a, type: float, printed: 人}}",
        "format: csv\ncolumns: {a: {field: a, type: float, unit: 人, printed: [{from: 2, unit: 万人}]}}",
    ];
    found.extend(wrong.into_iter().map(|text| (text.to_string(), text.to_string(), false)));
    found
}

#[test]
fn every_layout_is_judged_alike_by_schema_and_parser() {
    let layouts = layouts();
    for (name, text, right) in &layouts {
        let messages = told(text);
        assert_eq!(messages.is_empty(), *right, "{name}: {messages:?}");
    }
    judged_alike("layout", &layouts);
}

/// Asks Python's jsonschema whether each of these texts, by name, is right.
fn judged_alike(file: &str, texts: &[(String, String, bool)]) {
    let as_json = |text: &String| serde_yaml::from_str::<Value>(text).expect("YAML");
    let documents: Vec<Value> = texts.iter().map(|(_, text, _)| as_json(text)).collect();
    let Some(python) = python("schema", &["jsonschema"]) else { return };
    let study = Study::new(&[]);
    study.write("schema.json", schema(file).to_string());
    study.write("documents.json", Value::from(documents).to_string());
    let program = "
import json
from jsonschema import Draft202012Validator as Validator
schema = json.load(open('schema.json', encoding='utf-8'))
Validator.check_schema(schema)
for document in json.load(open('documents.json', encoding='utf-8')):
    errors = [error.message[:200] for error in Validator(schema).iter_errors(document)]
    print(json.dumps(errors))
";
    let output =
        Command::new(python).args(["-c", program]).current_dir(study.path("")).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(text.lines().count(), texts.len());
    for (errors, (name, _, right)) in text.lines().zip(texts) {
        assert_eq!(errors == "[]", *right, "{name}: {errors}");
    }
}

/// Stages with a key that nobody knows; `@` stands for it. Beside each the place of the schema that lists the keys there, and how the
/// parser calls the place.
const STAGES: &[(&str, &str, &str)] = &[
    ("{kind: check, from: x, check: [{@}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{column: a, break: 2, by: [a, b], @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{coverage: all, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{denominator: a, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{denominator: {of: a, ratio: b, @}}]}", "implied", "in `denominator`"),
    ("{kind: check, from: x, check: [{column: a, edition: b, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{filled: all, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{jump: all, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{column: a, same_as: {table: x, @}}]}", "other", "in `same_as`"),
    ("{kind: check, from: x, check: [{column: a, same_as: b, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{spike: all, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{sums_to: a, parts: [b], @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{sums_to: {table: x, @}, on: [a], columns: [b]}]}", "summed", "in `sums_to`"),
    ("{kind: check, from: x, check: [{sums_to: {table: x}, on: [a], columns: [b], @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{total_row: all, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [{unit_break: all, @}]}", "check", "in this check"),
    ("{kind: check, from: x, check: [], @}", "kind_check", "in stage"),
    ("{kind: sql, query: select a from x, key: [a], @}", "kind_sql", "in stage"),
    ("{kind: ingest, from: x, layout: layout.yaml, key: [a], @}", "kind_ingest", "in stage"),
    ("{kind: index, from: x, method: entropy, indicators: {a: +}, key: [a], @}", "kind_index", "in stage"),
    ("{kind: measures, file: catalogue.yaml, @}", "kind_measures", "in stage"),
    ("{kind: measures, file: catalogue.yaml, roles: {@}}", "roles", "in `roles`"),
    ("{kind: measures, file: catalogue.yaml, waive: [{@}]}", "waiver", "in a waiver"),
    ("{kind: places, from: x, name: a, names: x, @}", "kind_places", "in stage"),
    ("{kind: places, from: x, name: a, names: {table: x, @}}", "names", "in `names`"),
    ("{kind: places, from: x, name: a, names: x, entities: {table: x, @}}", "entities", "in `entities`"),
    ("{kind: places, from: x, name: a, names: x, events: {table: x, @}}", "events", "in `events`"),
    ("{kind: report, exhibits: exhibits.yaml, formats: [html], languages: [en], @}", "kind_report", "in stage"),
    ("{kind: terms, from: x, text: a, dictionary: x, key: [a], @}", "kind_terms", "in stage"),
    ("{kind: terms, from: x, text: a, dictionary: {table: x, @}, key: [a]}", "dictionary", "in `dictionary`"),
    ("{kind: terms, from: x, text: a, dictionary: x, words: {table: x, @}, key: [a]}", "words", "in `words`"),
    ("{kind: terms, from: x, text: a, dictionary: x, fragment: {below: 3, @}, key: [a]}", "fragment", "in `fragment`"),
    ("{kind: estimate, from: x, formula: a ~ b, estimator: twfe, @}", "kind_estimate", "in stage"),
    ("{kind: estimate, from: x, formula: a ~ b, estimator: bacon, @}", "kind_estimate", "in stage"),
    ("{kind: estimate, from: x, formula: a ~ b, small_sample: {@}}", "small_sample", "in `small_sample`"),
    ("{kind: estimate, from: x, formula: a ~ b, vcov: {newey_west: {@}}}", "lags", "in `vcov: newey_west`"),
    (
        "{kind: estimate, from: x, formula: a ~ b, vcov: {conley: {latitude: a, longitude: b, cutoff: 1, @}}}",
        "conley",
        "in `vcov: conley`",
    ),
    (
        "{kind: estimate, from: x, formula: a ~ b, estimator: callaway_santanna, callaway_santanna: {bootstrap: {@}}}",
        "bootstrap",
        "in `bootstrap`",
    ),
    (
        "{kind: estimate, from: x, formula: a ~ b, estimator: bacon, honest_did: {smoothness: [0], @}}",
        "honest_did",
        "in `honest_did`",
    ),
    (
        "{kind: estimate, from: x, formula: a ~ b, estimator: spatial_lag, spatial_lag: {panel: [a, b], economic: a, @}}",
        "spatial",
        "in `spatial_lag`",
    ),
    (
        "{kind: estimate, from: x, formula: a ~ 1, estimator: moran, moran: {panel: [a, b], economic: a, @}}",
        "moran",
        "in `moran`",
    ),
    (
        "{kind: estimate, from: x, formula: a ~ 1, estimator: moran, moran: {panel: [a, b], pairs: {table: x, from: a, to: b, @}}}",
        "pairs",
        "in `pairs`",
    ),
];

/// Estimators and analyses with options of their own, and options that they cannot do without.
const OPTIONS: &[(&str, &str)] = &[
    ("bacon", ""),
    ("callaway_santanna", ""),
    ("chaisemartin_dhaultfoeuille", ""),
    ("event_study", ""),
    ("extended", ""),
    ("imputation", ""),
    ("local_projections", ""),
    ("matching", ""),
    ("stacked", ""),
    ("synthetic", ""),
    ("differences", "term: b, by: a, "),
    ("influence", "term: b, "),
    ("margins", "treatment: b, moderator: a, "),
    ("oster", "treatment: b, "),
    ("placebo", "term: b, unit: a, time: a, "),
    ("power", "term: b, "),
    ("wild_bootstrap", "terms: b, "),
];

/// What the parser knows at the place of `zzzz` in a study of one such stage.
fn known(stage: &str, place: &str) -> BTreeSet<String> {
    let study = Study::new(&[
        ("data/x.csv", b"a,b\n1,2\n"),
        ("layout.yaml", b"format: csv\ncolumns: {a: {field: a, type: int}, b: {field: b, type: int}}\n"),
        ("catalogue.yaml", b"measures: {}\n"),
        ("exhibits.yaml", b"exhibits: {}\n"),
    ]);
    let head = "restudy: 1\nstudy: {name: s}\nsources: {x: {path: data/x.csv}}\nstages:\n  x: {kind: ingest, from: x, layout: layout.yaml, key: [a]}\n";
    study.write("pipeline.yaml", format!("{head}  y: {}\n", stage.replace('@', "zzzz: 1")));
    let done = study.restudy(&["plan"]);
    let start = done.stderr.find(&format!("unknown key `zzzz` {place}"));
    let rest = start.map(|start| &done.stderr[start..]).unwrap_or_else(|| panic!("{stage}\n{}", done.stderr));
    let line = rest.lines().find_map(|line| line.strip_prefix("hint: known keys: ")).expect(stage);
    line.split(", ").map(str::to_string).collect()
}

fn listed(schema: &Value, place: &str) -> BTreeSet<String> {
    let pointer = format!("/$defs/{place}/properties");
    schema.pointer(&pointer).and_then(Value::as_object).expect(place).keys().cloned().collect()
}

#[test]
fn the_schema_of_the_pipeline_is_what_the_parsers_accept() {
    let schema = schema("pipeline");
    // What one kind of stage knows may depend on its options: the schema has all of it.
    let mut found: std::collections::BTreeMap<String, BTreeSet<String>> = Default::default();
    for (stage, place, called) in STAGES {
        found.entry(place.to_string()).or_default().extend(known(stage, called));
    }
    for (name, needed) in OPTIONS {
        let is_analysis = !needed.is_empty();
        let estimator = if is_analysis { "twfe" } else { name };
        let stage =
            format!("{{kind: estimate, from: x, formula: a ~ b, estimator: {estimator}, {name}: {{{needed}@}}}}");
        found.entry(name.to_string()).or_default().extend(known(&stage, &format!("in `{name}`")));
    }
    for (place, keys) in &found {
        assert_eq!(*keys, listed(&schema, place), "{place}");
    }
    // Every list of keys of the schema was compared, and every option that has a list of its own.
    let definitions = schema["$defs"].as_object().expect("definitions");
    for (name, definition) in definitions.iter().filter(|(_, definition)| definition["properties"].is_object()) {
        assert!(
            found.contains_key(name) || name == "vcov",
            "`{name}` is in the schema and was not compared: {definition}"
        );
    }
    let kinds: BTreeSet<String> = kinds::ALL.iter().map(|kind| format!("kind_{}", kind.name())).collect();
    let in_schema = definitions.keys().filter(|name| name.starts_with("kind_")).cloned().collect();
    assert_eq!(kinds, in_schema);
}

#[test]
fn every_pipeline_is_right_by_its_schema() {
    let mut texts: Vec<(String, String, bool)> = Vec::new();
    for name in ["pipeline.yaml", "tests/fixtures/real/pipeline.yaml"] {
        texts.push((name.into(), fs::read_to_string(root().join(name)).expect(name), true));
    }
    let stage = |text: &str| format!("restudy: 1\nstudy: {{name: s}}\nstages:\n  y: {text}\n");
    for wrong in [
        "{kind: sql, key: [a]}",
        "{kind: sql, query: select 1, file: a.sql, key: [a]}",
        "{kind: sqll, query: select 1, key: [a]}",
        "{kind: check, from: x, check: [{colum: a}]}",
        "{kind: estimate, from: x}",
        "{kind: estimate, from: x, formula: a ~ b, placebo: {term: b}}",
    ] {
        texts.push((wrong.into(), stage(wrong), false));
    }
    texts.push(("without a study".into(), "restudy: 1\nstages: {}\n".into(), false));
    judged_alike("pipeline", &texts);
}
