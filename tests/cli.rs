//! The commands on a small study of SQL stages: what they print, for people and as JSON, and their exit codes.

use crate::support::{Study, names};
use expect_test::expect;

const PIPELINE: &str = "\
restudy: 1
study: {name: small}
params: {rule: broad, first: 2008}
sources:
  firms: {path: data/firms.csv}
stages:
  firms: {kind: ingest, from: firms, layout: firms.yaml, key: [firm, year]}
  chosen: {kind: sql, query: \"select * from firms where year >= ${first}\", key: [firm, year]}
  output: {kind: sql, query: \"select firm, year, sales, '${rule}' as rule from chosen\", key: [firm, year]}
  total: {kind: sql, query: 'select year, sum(sales) as sales from output group by year', key: [year]}
";

const LAYOUT: &str = "\
format: csv
columns:
  firm: {header: firm, type: text}
  year: {header: year, type: int}
  sales: {header: sales, type: float}
  staff: {header: staff, type: int}
";

const FIRMS: &str = "firm,year,sales,staff\n甲,2008,1.5,10\n甲,2009,2.5,11\n乙,2008,3,20\n乙,2009,,21\n";

fn study() -> Study {
    Study::new(&[
        ("pipeline.yaml", PIPELINE.as_bytes()),
        ("firms.yaml", LAYOUT.as_bytes()),
        ("data/firms.csv", FIRMS.as_bytes()),
    ])
}

/// The output without times, which differ from run to run.
fn timeless(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_inclusive([' ', '\n', '(', ')']) {
        let bare = word.trim_end_matches([' ', '\n', '(', ')']);
        let is_time = bare.contains('.') && bare.parse::<f64>().is_ok();
        words.push(if is_time { word.replace(bare, "T") } else { word.to_string() });
    }
    words.concat()
}

#[test]
fn run_and_status_have_the_promised_fields() {
    let study = study();
    let summary = study.run(&[]);
    assert_eq!(names(&summary, "ran"), ["firms@file=firms.csv", "firms", "chosen", "output", "total"]);
    for list in ["up_to_date", "cut_off", "failed", "skipped", "warnings"] {
        assert_eq!(summary[list].as_array().map(Vec::len), Some(0), "{list}");
    }
    assert!(summary["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0));

    let status: serde_json::Value = serde_json::from_str(&study.restudy(&["status", "--json"]).stdout).expect("JSON");
    let total = &status["stages"][3];
    assert_eq!((total["name"].as_str(), total["kind"].as_str()), (Some("total"), Some("sql")));
    assert_eq!(total["state"].as_str(), Some("up_to_date"));
    assert_eq!(total["tables"][0]["rows"].as_u64(), Some(2));
    assert_eq!(total["tables"][0]["digest"].as_str().map(str::len), Some(64));
    study.edit("pipeline.yaml", "sum(sales)", "avg(sales)");
    let status: serde_json::Value = serde_json::from_str(&study.restudy(&["status", "--json"]).stdout).expect("JSON");
    assert_eq!(status["stages"][3]["state"].as_str(), Some("stale"));
}

#[test]
fn plan_says_what_would_run_and_supposes_files() {
    let study = study();
    expect![[r#"
        will run  firms@file=firms.csv: never ran
        may run   firms: waits for `firms@file=firms.csv`
        may run   chosen: waits for `firms`
        may run   output: waits for `chosen`
        may run   total: waits for `output`
        1 will run, 4 may run, 0 up to date
    "#]]
    .assert_eq(&study.restudy(&["plan"]).stdout);
    study.run(&[]);
    study.write("new.csv", FIRMS.replace("1.5", "1.75"));
    let supposed = study.restudy(&["plan", "--with", "data/firms.csv=new.csv"]);
    expect![[r#"
        will run  firms@file=firms.csv: `file.data/firms.csv` changed
        may run   firms: waits for `firms@file=firms.csv`
        may run   chosen: waits for `firms`
        may run   output: waits for `chosen`
        may run   total: waits for `output`
        1 will run, 4 may run, 0 up to date
    "#]]
    .assert_eq(&supposed.stdout);
    expect![[r#"
        0 will run, 0 may run, 5 up to date
    "#]]
    .assert_eq(&study.restudy(&["plan"]).stdout);
}

#[test]
fn why_names_the_leaf_with_old_and_new() {
    let study = study();
    study.run(&[]);
    expect![[r#"
        output is up to date (last time: T s)
    "#]]
    .assert_eq(&timeless(&study.restudy(&["why", "output"]).stdout));

    study.edit("pipeline.yaml", "rule: broad", "rule: strict");
    expect![[r#"
        output will run (last time: T s)
          params.rule: broad → strict
          plan: column rule text = 'broad' → column rule text = 'strict'
        will run      T s  output
        may run       T s  total
        2 tasks, T s of work at most
    "#]]
    .assert_eq(&timeless(&study.restudy(&["why", "output", "--cost"]).stdout));
    let value: serde_json::Value =
        serde_json::from_str(&study.restudy(&["why", "output", "--json"]).stdout).expect("JSON");
    assert_eq!(value["stages"][0]["params"][0]["new"].as_str(), Some("strict"));

    study.edit("pipeline.yaml", "rule: strict", "rule: broad");
    study.write("data/firms.csv", FIRMS.replace("2.5", "2.75"));
    study.run(&["chosen"]);
    expect![[r#"
        output will run (last time: T s)
          chosen.sales: digest changed, 1 of 4 rows differ
    "#]]
    .assert_eq(&timeless(&study.restudy(&["why", "output"]).stdout));
    let unknown = study.restudy(&["why", "outputt"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("did you mean `output`?"), "{}", unknown.stderr);
}

#[test]
fn gc_drops_bytes_keeps_records_and_says_what_they_cost() {
    let study = study();
    study.run(&[]);
    let digests = study.digests();
    study.run(&["--set", "rule=strict"]);
    study.run(&[]);
    let nothing = study.restudy(&["gc"]);
    assert!(nothing.stdout.starts_with("dropped 0 results"), "{}", nothing.stdout);
    let dry: serde_json::Value =
        serde_json::from_str(&study.restudy(&["gc", "--older-than", "0", "--dry-run", "--json"]).stdout).expect("JSON");
    assert_eq!(dry["dropped"].as_array().map(Vec::len), Some(1), "{dry}");
    assert_eq!(dry["dropped"][0]["what"].as_str(), Some("output"));
    let done = study.restudy(&["gc", "--older-than", "0"]);
    assert!(done.stdout.contains("dropped 1 results"), "{}", done.stdout);

    // A current table that nobody reads again is not made again; one that is shown is asked for.
    study.restudy(&["gc", "--evict", "output"]);
    assert_eq!(names(&study.run(&[]), "ran"), Vec::<String>::new());
    let gone = study.restudy(&["show", "output"]);
    assert_eq!(gone.code, 2);
    assert!(gone.stderr.contains("make them again with `restudy run output`"), "{}", gone.stderr);
    study.edit("pipeline.yaml", "sum(sales)", "max(sales)");
    assert_eq!(names(&study.run(&[]), "ran"), ["output", "total"]);
    study.edit("pipeline.yaml", "max(sales)", "sum(sales)");
    assert_eq!(study.digests(), digests);
}

#[test]
fn events_are_lines_of_json_with_the_summary_last() {
    let study = study();
    let done = study.restudy(&["run", "--events"]);
    let events: Vec<serde_json::Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(events[0]["event"].as_str(), Some("planned"));
    let finished = events.iter().filter(|event| event["event"] == "finished").count();
    assert_eq!(finished, 5);
    assert_eq!(events.last().map(|event| names(&event["summary"], "ran").len()), Some(5));
}

#[test]
fn show_and_sql_print_tables() {
    let study = study();
    study.run(&[]);
    expect![[r#"
        firm  year  sales  staff
        ────  ────  ─────  ─────
        乙    2008    3       20
        乙    2009    —       21
        甲    2008    1.5     10
        甲    2009    2.5     11
    "#]]
    .assert_eq(&study.restudy(&["show", "firms"]).stdout);
    expect![[r#"
        rule,n
        broad,4
    "#]]
    .assert_eq(
        &study.restudy(&["sql", "select rule, count(*) as n from output group by rule", "--format", "csv"]).stdout,
    );
    let typo = study.restudy(&["sql", "select sale from firms"]);
    assert_eq!(typo.code, 2);
    expect![[r#"
        error: no column `sale`
         --> query:1:8
          |
        1 | select sale from firms
          |        ^
        hint: did you mean `sales`?
    "#]]
    .assert_eq(&typo.stderr);
}

#[test]
fn parameters_reach_layouts_and_titles_reach_documents() {
    let study = study();
    study.edit(
        "pipeline.yaml",
        "  total: {",
        "  page: {kind: report, exhibits: e.yaml, formats: [markdown], languages: [en]}\n  total: {",
    );
    study.write(
        "e.yaml",
        "exhibits:\n  t: {type: descriptive, label: T, title: Sales, from: total, variables: {sales: Sales}}\n",
    );
    study.edit("firms.yaml", "format: csv\n", "format: csv\nmissing: [\"${first}\"]\n");
    study.edit("pipeline.yaml", "first: 2008", "first: 20");
    study.run(&[]);
    let missing =
        |study: &Study| study.restudy(&["sql", "select count(*) from firms where staff is null", "--format", "csv"]);
    assert_eq!(missing(&study).stdout, "count(*)\n1\n");
    study.edit("pipeline.yaml", "first: 20", "first: 21");
    assert!(names(&study.run(&[]), "ran").contains(&"firms@file=firms.csv".to_string()));

    study.edit("pipeline.yaml", "name: small", "name: small, title: Another title, seed: 7");
    assert_eq!(names(&study.run(&[]), "ran"), ["page"]);
    let page = study.read("out/page/page.en.md");
    assert!(page.contains("# Another title") && page.contains('7'), "{page}");
}

#[test]
fn what_was_evicted_or_damaged_comes_back_by_its_name() {
    let study = study();
    study.run(&["output"]);
    for _ in 0..2 {
        study.restudy(&["gc", "--evict", "output"]);
        assert_eq!(study.restudy(&["show", "output"]).code, 2);
        assert_eq!(names(&study.run(&["output"]), "ran"), ["output"]);
        assert_eq!(study.restudy(&["show", "output"]).code, 0);
    }
    for (path, mut bytes) in study.snapshot(".restudy/store/blobs") {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::remove_file(&path).expect("removed");
        std::fs::write(&path, bytes).expect("written");
    }
    let damaged = study.restudy(&["show", "output"]);
    assert_eq!(damaged.code, 3, "{}", damaged.stderr);
    study.run(&["output"]);
    assert_eq!(study.restudy(&["show", "output"]).code, 0);
}

#[test]
fn a_folder_may_have_any_name() {
    let study = study();
    for name in ["pipeline.yaml", "firms.yaml", "data/firms.csv"] {
        study.write(&format!("x (1) [final]*/{name}"), study.read(name));
    }
    let done = study.restudy(&["run", "--pipeline", "x (1) [final]*/pipeline.yaml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
}
