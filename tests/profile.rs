//! `restudy profile`: what it drafts is read with what it drafted, on the demonstration data and on real files where they are.

use crate::support::{Study, root};
use expect_test::expect;
use std::io::Write;
use std::path::Path;

/// A study without stages that has one source, in a folder that stands in for `data`.
fn profiled(data: &Path, glob: &str, sheet: Option<&str>) -> (Study, String) {
    let study = Study::new(&[]);
    let head = format!(
        "restudy: 1\nstudy: {{name: s, title: {{en: S}}}}\nsources:\n  raw: {{path: {}}}\n",
        serde_json::json!(format!("data/{glob}"))
    );
    study.write("one.sql", "select 1 as one");
    study.write("pipeline.yaml", format!("{head}stages:\n  one: {{kind: sql, file: one.sql, key: [one]}}\n"));
    let folder = data.display().to_string();
    let mut arguments = vec!["--data", &folder, "profile", "raw", "--write"];
    arguments.extend(sheet.iter().flat_map(|sheet| ["--sheet", sheet]));
    let done = study.restudy(&arguments);
    assert_eq!(done.code, 0, "{glob}: {}", done.stderr);
    study.write("pipeline.yaml", format!("{head}stages:\n{}", done.stdout));
    let run = study.restudy(&["--data", &folder, "run", "--json"]);
    assert_eq!(run.code, 0, "{glob}: {}\n{}\n{}", run.stderr, done.stdout, study.read("stages/ingest/raw.yaml"));
    let rows = study.restudy(&["--data", &folder, "sql", "select count(*) as n from raw", "--format", "csv"]);
    let rows = rows.stdout.lines().nth(1).unwrap_or_default().to_string();
    (study, rows)
}

#[test]
fn the_demonstration_is_read_by_drafted_layouts() {
    let data = root().join("data");
    for (glob, rows) in [
        ("yearbook/*.xlsx", "4385"),
        ("patents/*.csv", "76827"),
        ("work_reports/*.jsonl", "3910"),
        ("policy/pilots.csv", "210"),
        ("admin/cities.csv", "291"),
        ("admin/names.csv", "586"),
        ("dictionaries/st_attention_v1.csv", "76"),
    ] {
        let (_, found) = profiled(&data, glob, None);
        assert_eq!(found, rows, "{glob}");
    }
}

#[test]
fn real_files_are_read_by_drafted_layouts() {
    let data = root().join("../shared/data");
    if !data.join("yearbook").is_dir() {
        let _ = writeln!(std::io::stderr(), "profile: skipped, because `../shared/data` is not there");
        return;
    }
    let data = data.canonicalize().expect("there");
    for (glob, sheet, rows) in [
        ("yearbook/*.xlsx", None, "2579"),
        ("panels/City_Year_Panel_Data.xlsx", Some("互联网普及率"), "6196"),
        ("panels/金融发展水平*.xlsx", None, "6300"),
        ("patents/patent_city_count_all.dta", None, "3423"),
        ("patents/monthly/*.dta", None, "38997"),
        ("work_reports/national.jsonl", None, "72"),
        ("policy/smart_city_pilots.csv", None, "96"),
        ("admin/division_codes_*.csv", None, "38584"),
    ] {
        let (_, found) = profiled(&data, glob, sheet);
        assert_eq!(found, rows, "{glob}");
    }
}

#[test]
fn a_draft_says_what_was_guessed() {
    let study = Study::new(&[]);
    study.write(
        "data/t.csv",
        "城市,年份,人口（万人）,代码,备注\n甲,2010,1.5,0110,\n甲,2011,—,0110,x\n乙,2010,2.5,0120,\n乙,2011（1）,2.75,0120,\n合计,2011,99,,\n",
    );
    study.write(
        "pipeline.yaml",
        "restudy: 1\nstudy: {name: s, title: {en: S}}\nsources:\n  t: {path: data/t.csv}\nstages:\n  one: {kind: sql, query: select 1 as one, key: [one]}\n",
    );
    let done = study.restudy(&["profile", "t"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    expect![[r##"
        # Drafted by `restudy profile` from the files; every comment is a guess to be checked.
        # data/t.csv: header in row 1, 5 rows below, utf-8
        # Rows that this layout takes: 4.
        format: csv
        encoding: utf-8
        header: {contains: ["城市", "年份"], rows: 1}
        missing:
          - "—"  # no number, in `人口`
        skip:
          - {column: "城市", matches: '合计|总计|全国|Total|total|TOTAL'}  # totals: `合计`
        columns:
          "城市": {header: "城市", type: text}  # 2 different texts
          "年份": {header: "年份", type: int}  # years 2010 to 2011; 1 with footnotes or separators
          "人口": {header: "人口", type: float, unit: "万人"}  # 1.5 to 2.75, median 2.5; missing 25.0 %, most in 2011: 50.0 %; 80.0 % are numbers, 1 are marks; unit from the header
          "代码": {header: "代码", type: text}  # 2 different texts; text, because numbers begin with 0: a code
          "备注": {header: "备注", type: text}  # 1 different texts; missing 75.0 %, most in 2010: 100.0 %, 2011: 50.0 %

        # The stage in `pipeline.yaml`, with this layout in `stages/ingest/t.yaml`:
        #   t:
        #     kind: ingest
        #     from: t
        #     layout: stages/ingest/t.yaml
        #     key: ["城市", "年份"]
        #     check:
        #       - {rows: {min: 4, max: 4}}
        #       - {column: "人口", not_null: 0.74}
        #       - {column: "人口", min: 0, max: 6}
        #       - {column: "代码", not_null: 1}
        #       - {balanced: ["城市", "年份"]}
        #       - {unit_break: all, severity: warning}
        #       - {coverage: all, severity: warning}
        #       - {spike: all, severity: warning}
        #       - {total_row: all, severity: warning}
        #       - {filled: all, severity: warning}
    "##]].assert_eq(&done.stdout);
    assert_eq!(study.restudy(&["profile", "t", "--write"]).code, 0);
    let again = study.restudy(&["profile", "t", "--write"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("`stages/ingest/t.yaml` is there already"), "{}", again.stderr);
    let unknown = study.restudy(&["profile", "u"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("no source `u` in this study"), "{}", unknown.stderr);
}
