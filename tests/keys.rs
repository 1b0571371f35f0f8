//! Every option of every kind is in the key: each is changed in turn. Which options there are is asked of the program
//! itself, so a new one cannot be forgotten here.

use crate::support::Study;
use engine::kind::{Input, Stage};
use engine::session::{OpenOptions, Session};
use std::collections::BTreeSet;

/// The stage under test is called `s`; the rest is what it needs. `OPTIONS` is its place.
struct Case {
    kind: &'static str,
    /// Option and value of the stage as it is.
    options: &'static [(&'static str, &'static str)],
    /// Option and another value, `-` for leaving it out. Several per option where it has parts.
    changes: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        kind: "check",
        options: &[("from", "a"), ("check", "[{column: x, min: 0}]")],
        changes: &[
            ("from", "b"),
            ("check", "[{column: x, min: 1}]"),
            ("check", "[{column: x, max: 0}]"),
            ("check", "[{column: y, min: 0}]"),
            ("check", "[{column: x, min: 0, severity: warning}]"),
            ("check", "[{column: x, min: 0, message: why}]"),
            ("check", "[{column: x, not_null: 0.5}]"),
            ("check", "[{column: x, one_of: [1]}]"),
            ("check", "[{column: x, break: 2, by: [id, year]}]"),
            ("check", "[{column: x, break: 3, by: [id, year]}]"),
            ("check", "[{none: x < 0}]"),
            ("check", "[{balanced: [id, year]}]"),
            ("check", "[{rows: {min: 1}}]"),
            ("check", "[{rows: {max: 9}}]"),
            ("check", "[{unique: [x]}]"),
            ("check", "[{unit_break: x}]"),
            ("check", "[{unit_break: all}]"),
            ("check", "[{coverage: x}]"),
            ("check", "[{coverage: x, factor: 2}]"),
            ("check", "[{denominator: x}]"),
            ("check", "[{denominator: {of: x, ratio: y}}]"),
            ("check", "[{jump: x}]"),
            ("check", "[{spike: x}]"),
            ("check", "[{filled: x}]"),
            ("check", "[{filled: x, share: 0.5}]"),
            ("check", "[{total_row: x}]"),
            ("check", "[{sums_to: x, parts: [y]}]"),
            ("check", "[{column: x, same_as: y}]"),
            ("check", "[{column: x, same_as: {table: b}}]"),
            ("check", "[{column: x, edition: {table: b}}]"),
            ("cells", "true"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x | id"), ("cluster", "id")],
        changes: &[
            ("from", "b"),
            ("formula", "y ~ x | year"),
            ("cluster", "year"),
            ("cluster", "-"),
            ("vcov", "cr3"),
            ("weights", "w"),
            ("where", "x > 0"),
            ("small_sample", "none"),
            ("small_sample", "stata"),
            ("small_sample", "{adjust: false}"),
            ("level", "0.9"),
            ("drop_singletons", "true"),
            ("split", "w"),
            ("fsplit", "w"),
            ("panel", "[id, year]"),
        ],
    },
    // `vcov` of these kinds cannot stand beside `cluster`.
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x"), ("vcov", "hetero"), ("panel", "[id, year]")],
        changes: &[
            ("vcov", "iid"),
            ("vcov", "newey_west"),
            ("vcov", "{newey_west: {lags: 1}}"),
            ("vcov", "{conley: {latitude: x, longitude: w, cutoff: 10}}"),
            ("panel", "[id, w]"),
            ("estimator", "ppml"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[
            ("from", "a"),
            ("formula", "y ~ x | id + year"),
            ("estimator", "callaway_santanna"),
            ("treatment", "w"),
        ],
        changes: &[
            ("treatment", "x"),
            ("treatment", "-"),
            ("cluster", "x"),
            ("estimator", "two_stage"),
            ("estimator", "sun_abraham"),
            ("callaway_santanna", "{adjustment: reg}"),
            ("callaway_santanna", "{comparison: not_yet}"),
            ("callaway_santanna", "{base: universal}"),
            ("callaway_santanna", "{anticipation: 1}"),
            ("callaway_santanna", "{missing_rows: cross_sections}"),
            ("callaway_santanna", "{balance: 1}"),
            ("callaway_santanna", "{event_times: [-1, 1]}"),
            ("callaway_santanna", "{bootstrap: {draws: 9}}"),
            ("callaway_santanna", "{bootstrap: {draws: 9, multiplier: mammen}}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x | id + year"), ("cluster", "id")],
        changes: &[
            ("wild_bootstrap", "{terms: [x]}"),
            ("margins", "{treatment: x, moderator: w}"),
            ("influence", "{term: x}"),
            ("joint_tests", "{all: [x]}"),
            ("residuals", "true"),
            ("power", "{term: x}"),
            ("placebo", "{term: x, unit: id, time: year}"),
            ("differences", "{term: x, by: w}"),
            ("oster", "{treatment: x}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x | id + year"), ("estimator", "synthetic"), ("treatment", "w")],
        changes: &[
            ("synthetic", "{errors: jackknife}"),
            ("synthetic", "{draws: 9}"),
            ("honest_did", "{smoothness: [0]}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x | id + year"), ("estimator", "stacked"), ("treatment", "w")],
        changes: &[("stacked", "{before: 1}"), ("stacked", "{after: 1}"), ("stacked", "{weighting: treated}")],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x | id + year"), ("estimator", "extended"), ("treatment", "w")],
        changes: &[("extended", "{comparison: not_yet}")],
    },
    Case {
        kind: "estimate",
        options: &[
            ("from", "a"),
            ("formula", "y ~ x | id + year"),
            ("estimator", "local_projections"),
            ("treatment", "w"),
        ],
        changes: &[
            ("local_projections", "{before: 1}"),
            ("local_projections", "{after: 1}"),
            ("local_projections", "{weighting: equal}"),
            ("local_projections", "{base: mean_before}"),
            ("local_projections", "{comparison: not_yet}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[
            ("from", "a"),
            ("formula", "y ~ x | id + year"),
            ("estimator", "chaisemartin_dhaultfoeuille"),
            ("treatment", "w"),
        ],
        changes: &[
            ("chaisemartin_dhaultfoeuille", "{effects: 1, placebos: 1}"),
            ("chaisemartin_dhaultfoeuille", "{placebos: 1}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x"), ("estimator", "matching")],
        changes: &[
            ("matching", "{neighbours: 2}"),
            ("matching", "{caliper: 0.1}"),
            ("matching", "{replacement: false}"),
            ("matching", "{radius: 0.1}"),
            ("matching", "{bandwidth: 0.1}"),
            ("matching", "{common_support: false}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[
            ("from", "a"),
            ("formula", "y ~ x | id + year"),
            ("estimator", "spatial_lag"),
            ("spatial_lag", "{panel: [id, year], economic: w}"),
        ],
        changes: &[
            ("spatial_lag", "{panel: [year, id], economic: w}"),
            ("spatial_lag", "{panel: [id, year], economic: x}"),
            ("spatial_lag", "{panel: [id, year], latitude: x, longitude: w}"),
            ("spatial_lag", "{panel: [id, year], latitude: x, longitude: w, nearest: 1}"),
            ("spatial_lag", "{panel: [id, year], economic: w, standardise: spectral}"),
            ("spatial_lag", "{panel: [id, year], economic: w, correction: direct}"),
            ("spatial_lag", "{panel: [id, year], economic: w, draws: 9}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[
            ("from", "a"),
            ("formula", "y ~ 1"),
            ("estimator", "moran"),
            ("moran", "{panel: [id, year], pairs: {table: a, from: id, to: year}}"),
        ],
        changes: &[
            ("moran", "{panel: [year, id], pairs: {table: a, from: id, to: year}}"),
            ("moran", "{panel: [id, year], pairs: {table: a, from: year, to: id}}"),
            ("moran", "{panel: [id, year], pairs: {table: a, from: id, to: year, weight: w}}"),
            ("moran", "{panel: [id, year], pairs: {table: a, from: id, to: year}, standardise: spectral}"),
            ("moran", "{panel: [id, year], pairs: {table: a, from: id, to: year}, draws: 9}"),
            ("moran", "{panel: [id, year], economic: w}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[
            ("from", "a"),
            ("formula", "y ~ x | id + year"),
            ("estimator", "spatial_error"),
            ("spatial_error", "{panel: [id, year], economic: w}"),
        ],
        changes: &[("spatial_error", "{panel: [id, year], economic: x}")],
    },
    Case {
        kind: "estimate",
        options: &[
            ("from", "a"),
            ("formula", "y ~ x | id + year"),
            ("estimator", "spatial_durbin"),
            ("spatial_durbin", "{panel: [id, year], economic: w}"),
        ],
        changes: &[("spatial_durbin", "{panel: [id, year], economic: x}")],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ 1 | id + year"), ("estimator", "bacon"), ("cohort", "w")],
        changes: &[("bacon", "{missing_rows: leave_out_units}")],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x | id + year"), ("estimator", "event_study"), ("cohort", "w")],
        changes: &[
            ("cohort", "x"),
            ("event_study", "{reference: -2}"),
            ("event_study", "{bins: [-3, null]}"),
            ("event_study", "{bins: [null, 3]}"),
        ],
    },
    Case {
        kind: "estimate",
        options: &[("from", "a"), ("formula", "y ~ x | id + year"), ("estimator", "imputation"), ("cohort", "w")],
        changes: &[("imputation", "{leads: 1}")],
    },
    Case {
        kind: "index",
        options: &[
            ("from", "a"),
            ("method", "entropy"),
            ("indicators", "{x: \"+\", y: \"+\"}"),
            ("key", "[id, year]"),
            ("shift", "0.0001"),
        ],
        changes: &[
            ("from", "b"),
            ("method", "pca"),
            ("method", "topsis"),
            ("method", "critic"),
            ("method", "equal"),
            ("indicators", "{x: \"+\", y: \"-\"}"),
            ("indicators", "{y: \"+\", x: \"+\"}"),
            ("key", "[year, id]"),
            ("shift", "0"),
            ("check", "[{column: score, min: 0}]"),
        ],
    },
    Case {
        kind: "ingest",
        options: &[("from", "raw"), ("layout", "raw.yaml"), ("key", "[id, year]")],
        changes: &[
            ("from", "other"),
            ("layout", "other.yaml"),
            ("key", "[year, id]"),
            ("check", "[{column: x, min: 0}]"),
        ],
    },
    Case {
        kind: "measures",
        options: &[
            ("file", "catalogue.yaml"),
            ("roles", "{outcome: [a.x], mechanism: [a.x], moderator: [b.y]}"),
            ("overlap", "warning"),
            ("before", "2010"),
        ],
        changes: &[
            ("file", "other_catalogue.yaml"),
            ("roles", "{outcome: [a.y]}"),
            ("period", "none"),
            ("before", "-"),
            ("waive", "[{measures: [a.x, a.x], because: why}]"),
            // It decides whether there is a result; without a query, the other two decide nothing. See `measures.rs`.
            ("overlap", ""),
            ("components", ""),
            ("shared_scales", ""),
        ],
    },
    Case {
        kind: "places",
        options: &[
            ("from", "a"),
            ("name", "t"),
            ("year", "year"),
            ("names", "{table: b, name: t, id: id, from: year, to: year}"),
            ("entities", "{table: b, id: id, province: u}"),
            ("events", "{table: b, id: id, year: year, successor: id, share: x}"),
            ("boundaries", "drop_changed"),
        ],
        changes: &[
            ("from", "b"),
            ("name", "u"),
            ("year", "id"),
            ("province", "u"),
            ("as", "place"),
            ("names", "{table: b, name: u, id: id, from: year, to: year}"),
            ("names", "{table: a, name: t, id: id, from: year, to: year}"),
            ("names", "{table: b, name: t, id: id, from: id, to: year}"),
            ("aliases", "{table: b, name: u, id: id, from: year, to: year}"),
            ("counties", "{table: b, name: u, id: id, from: year, to: year}"),
            ("entities", "{table: b, id: id, province: u, keep: [x]}"),
            ("entities", "{table: b, id: year, province: u}"),
            ("events", "{table: b, id: id, year: year, successor: year, share: x}"),
            ("events", "{table: b, id: id, year: year, successor: id, share: y}"),
            ("suffixes", "[z]"),
            ("allow", "[z]"),
            ("other_years", "refuse"),
            ("boundaries", "hold 2010"),
            ("unmatched", "list"),
            ("ambiguous", "warning"),
            ("not_in_force", "list"),
            ("check", "[{rows: {min: 1}}]"),
        ],
    },
    Case {
        kind: "report",
        options: &[("exhibits", "exhibits.yaml"), ("formats", "[html]"), ("languages", "[en]")],
        changes: &[
            ("exhibits", "other_exhibits.yaml"),
            ("formats", "[latex]"),
            ("formats", "[html, latex]"),
            ("languages", "[zh]"),
            ("warnings_of", "[b]"),
        ],
    },
    Case {
        kind: "sql",
        options: &[("file", "q.sql"), ("key", "[id, year]")],
        changes: &[("file", "other.sql"), ("key", "[year, id]"), ("check", "[{column: x, min: 0}]")],
    },
    Case {
        kind: "sql",
        options: &[("query", "select id, year, x from a"), ("key", "[id, year]")],
        changes: &[("query", "select id, year, y as x from a")],
    },
    Case {
        kind: "terms",
        options: &[
            ("from", "a"),
            ("text", "t"),
            ("dictionary", "{table: b, term: t, group: u}"),
            ("words", "{table: b, word: t, frequency: id}"),
            ("fragment", "{below: 3}"),
            ("year", "year"),
            ("key", "[id, year]"),
        ],
        changes: &[
            ("from", "b"),
            ("text", "u"),
            ("dictionary", "{table: b, term: u, group: u}"),
            ("dictionary", "{table: b, term: t, group: t}"),
            ("dictionary", "{table: a, term: t, group: u}"),
            ("words", "{table: b, word: u, frequency: id}"),
            ("words", "{table: b, word: t, frequency: year}"),
            ("words", "-"),
            ("use", "core"),
            ("use", "all without z"),
            ("unknown_words", "characters"),
            ("width", "keep"),
            ("blanks", "join"),
            ("fragment", "{below: 4}"),
            ("fragment", "{below: 3, unit: sentences}"),
            ("year", "-"),
            ("report_year", "before"),
            ("key", "[year, id]"),
            ("check", "[{rows: {min: 1}}]"),
        ],
    },
];

/// Options of every stage that cannot change a result.
const WITHOUT_EFFECT: &[(&str, &str)] =
    &[("description", "more words"), ("limits", "{time: 1h, memory: 1G}"), ("retries", "3")];

const LAYOUT: &str = "\
format: csv
columns:
  id: {header: id, type: int}
  year: {header: year, type: int}
  x: {header: x, type: float}
  y: {header: y, type: float}
  w: {header: w, type: float}
  t: {file: stem, type: text}
  u: {constant: u, type: text}
";

const EXHIBITS: &str =
    "exhibits:\n  t: {type: descriptive, label: T, title: {en: Title, zh: 题}, from: a, variables: {x: X}}\n";

const CATALOGUE: &str = "measures:\n  a.x: {name: {en: X}, formula: x, unit: one}\n";

fn study() -> Study {
    let rows = "id,year,x,y,w\n1,2000,1,2,3\n";
    Study::new(&[
        ("raw.yaml", LAYOUT.as_bytes()),
        ("other.yaml", LAYOUT.replace("header: y,", "header: w,").as_bytes()),
        ("data/raw.csv", rows.as_bytes()),
        ("data/other.csv", rows.as_bytes()),
        ("q.sql", b"select * from a"),
        ("other.sql", b"select * from b"),
        ("exhibits.yaml", EXHIBITS.as_bytes()),
        ("catalogue.yaml", CATALOGUE.as_bytes()),
        ("other_catalogue.yaml", CATALOGUE.replace("unit: one", "unit: two").as_bytes()),
        ("other_exhibits.yaml", EXHIBITS.replace("label: T", "label: U").as_bytes()),
    ])
}

fn pipeline(kind: &str, options: &[(&str, &str)]) -> String {
    let options: String = options.iter().map(|(name, value)| format!("    {name}: {}\n", quoted(value))).collect();
    format!(
        "restudy: 1\nstudy: {{name: s}}\nsources:\n  raw: {{path: data/raw.csv}}\n  other: {{path: data/other.csv}}\nstages:\n  \
         a: {{kind: ingest, from: raw, layout: raw.yaml, key: [id, year]}}\n  \
         b: {{kind: ingest, from: other, layout: raw.yaml, key: [id, year]}}\n  s:\n    kind: {kind}\n{options}"
    )
}

fn quoted(value: &str) -> String {
    if value.starts_with(['[', '{']) || value.parse::<f64>().is_ok() || value == "true" {
        value.to_string()
    } else {
        format!("\"{value}\"")
    }
}

/// The definition keys of the stage and its pieces.
fn keys(study: &Study, kind: &str, options: &[(&str, &str)]) -> Vec<String> {
    study.write("pipeline.yaml", pipeline(kind, options));
    let open = OpenOptions { pipeline: Some(study.path("pipeline.yaml")), ..OpenOptions::default() };
    let session = Session::open(kinds::registry(), &open);
    let session = session.unwrap_or_else(|error| panic!("{kind} {options:?}: {:?}", error.diagnostics()));
    let tasks = session.pipeline.graph.tasks.iter().zip(&session.pipeline.definitions);
    let files = |stage: &dyn Stage| -> Vec<String> {
        let shown = stage.inputs().iter().map(|input| match input {
            Input::Table { name, .. } => name.clone(),
            Input::File { shown, .. } => shown.clone(),
        });
        shown.collect()
    };
    // The files a piece reads enter its run key by their names and contents.
    tasks
        .filter(|(task, _)| task.stage == "s")
        .map(|(task, (_, key))| format!("{key}{:?}", files(&*task.work)))
        .collect()
}

#[test]
fn every_option_of_every_kind_is_in_the_key() {
    let study = study();
    for case in CASES {
        let before = keys(&study, case.kind, case.options);
        for (name, value) in case.changes.iter().filter(|(_, value)| !value.is_empty()) {
            let mut options: Vec<(&str, &str)> = case.options.to_vec();
            options.retain(|(known, _)| known != name);
            if *value != "-" {
                options.push((name, value));
            }
            assert_ne!(keys(&study, case.kind, &options), before, "{}: `{name}: {value}` is not in the key", case.kind);
        }
        let mut more: Vec<(&str, &str)> = case.options.iter().rev().copied().collect();
        more.extend(WITHOUT_EFFECT);
        assert_eq!(
            keys(&study, case.kind, &more),
            before,
            "{}: order or an option without effect is in the key",
            case.kind
        );
    }
}

#[test]
fn every_option_that_a_kind_knows_is_changed_above() {
    let study = study();
    for kind in kinds::ALL {
        let changed: BTreeSet<&str> = CASES
            .iter()
            .filter(|case| case.kind == kind.name())
            .flat_map(|case| case.changes.iter().map(|(name, _)| *name))
            .collect();
        let case = CASES.iter().find(|case| case.kind == kind.name()).expect("every kind has a case");
        study.write("pipeline.yaml", format!("{}    zzzzzzzz: 1\n", pipeline(kind.name(), case.options)));
        let stderr = study.restudy(&["plan"]).stderr;
        let known = stderr.split("known keys: ").nth(1).and_then(|rest| rest.lines().next()).expect("a list of keys");
        for option in known.split(", ").filter(|option| !["kind", "matrix"].contains(option)) {
            let without_effect = WITHOUT_EFFECT.iter().any(|(name, _)| *name == option);
            assert!(changed.contains(option) || without_effect, "{}: `{option}` is not changed in a test", kind.name());
        }
    }
}

/// However it is written, and whatever else the tables hold.
#[test]
fn a_query_is_in_the_key_by_what_it_does() {
    let study = study();
    let key = |layout: &str, query: &str| {
        study.write("raw.yaml", layout);
        keys(&study, "sql", &[("query", query), ("key", "[id, year]")])
    };
    let plain = "select id, year, x * 2 as v from a where x > 0 and y > 0";
    let first = key(LAYOUT, plain);
    for same in [
        "SELECT id, year, x*2 AS v FROM a WHERE x > 0 AND y > 0 -- why",
        "with q as (select * from a), p as (select * from q) select p.id, p.year, 2 * p.x as v from p where 0 < p.y and p.x > 0",
    ] {
        assert_eq!(key(LAYOUT, same), first, "{same}");
    }
    for other in ["x * 3", "x * 2.5", "y * 2", "cast(x as int) * 2"] {
        assert_ne!(key(LAYOUT, &plain.replace("x * 2", other)), first, "{other}");
    }
    let (id, w) = ("  id: {header: id, type: int}\n", "  w: {header: w, type: float}\n");
    let without = LAYOUT.replace(w, "");
    let moved = LAYOUT.replace(w, "").replace(id, &format!("{w}{id}"));
    let exchanged = LAYOUT.replace(id, "") + id;
    for layout in [&without, &moved, &exchanged, &LAYOUT.replace("header: w, type: float", "header: w, type: text")] {
        assert_eq!(key(layout, plain), first, "{layout}");
    }
    assert_ne!(key(&LAYOUT.replace("header: x, type: float", "header: x, type: int"), plain), first);

    let all = key(LAYOUT, "select * from a");
    for layout in [&without, &moved, &exchanged] {
        assert_ne!(key(layout, "select * from a"), all, "{layout}");
    }
}
