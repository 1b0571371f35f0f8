//! `show --nulls` and `show --joins`: on a small study what they print, and on the demonstration study that every missing
//! value of every table has a reason.

use crate::support::{Study, root};
use engine::kind::InputTable;
use engine::session::{OpenOptions, Session};
use expect_test::expect;
use kinds::missing;

const PIPELINE: &str = "\
restudy: 1
study: {name: small}
sources:
  firms: {path: data/*.csv}
stages:
  firms: {kind: ingest, from: firms, layout: firms.yaml, key: [firm, year]}
  places: {kind: sql, query: \"select distinct firm, 'north' as region from firms where firm <> '丙'\", key: [firm]}
  growth:
    kind: sql
    file: growth.sql
    key: [firm, year]
  score: {kind: index, from: growth, method: equal, indicators: {growth: +, staff: +}, key: [firm, year]}
  final: {kind: sql, query: 'select firm, year, score.score * 2 as twice from score', key: [firm, year]}
  by_unit: {kind: sql, query: 'select firm, year, nullif(sales, ${zero}) as s from firms', key: [firm, year], matrix: {zero: [0, 1]}}
";

const GROWTH: &str = "\
with lagged as (
    select firm, year, staff, sales, lag(sales) over (partition by firm order by year) as before from firms
)
select lagged.firm, lagged.year, sales / nullif(before, 0.0) - 1.0 as growth, lagged.staff, places.region
from lagged
left join places on places.firm = lagged.firm
";

const LAYOUT: &str = "\
format: csv
missing: [\"—\"]
columns:
  firm: {header: firm, type: text}
  year: {header: year, type: int}
  sales: {header: sales, type: float}
  staff: {header: staff, type: float, optional: true}
";

fn study() -> Study {
    Study::new(&[
        ("pipeline.yaml", PIPELINE.as_bytes()),
        ("growth.sql", GROWTH.as_bytes()),
        ("firms.yaml", LAYOUT.as_bytes()),
        ("data/2008.csv", "firm,year,sales,staff\n甲,2008,1.5,10\n乙,2008,0,20\n丙,2008,—,\n戊,2008,2,5\n".as_bytes()),
        ("data/2009.csv", "firm,year,sales,staff\n甲,2009,2.5,11\n乙,2009,1,21\n丙,2009,4,\n戊,2009,3,7\n".as_bytes()),
    ])
}

#[test]
fn missing_values_are_counted_by_column_reason_and_year() {
    let study = study();
    study.run(&[]);
    let shown = |arguments: &[&str]| {
        let done = study.restudy(&[&["show"], arguments].concat());
        assert_eq!(done.code, 0, "{}", done.stderr);
        format!("{}{}", done.stdout, done.stderr)
    };
    expect![[r#"
        column  code        from  total  share  2008  2009
        ──────  ──────────  ────  ─────  ─────  ────  ────
        sales   EMPTY_CELL            1  0.125     1
        staff   EMPTY_CELL            2  0.25      1     1
    "#]]
    .assert_eq(&shown(&["firms", "--nulls"]));
    expect![[r#"
        column  code                 from            total  share  2008  2009
        ──────  ───────────────────  ──────────────  ─────  ─────  ────  ────
        growth  BEFORE_SERIES_START  firms.sales         3  0.375     3
        growth  MISSING_INPUT        sales of firms      2  0.25      1     1
        growth  ZERO_DENOM           lagged.before       1  0.125           1
        staff   MISSING_INPUT        staff of firms      2  0.25      1     1
        region  UNMATCHED            places              2  0.25      1     1
    "#]]
    .assert_eq(&shown(&["growth", "--nulls"]));
    // Through an index, and back to where it was lost.
    expect![[r#"
        column,code,from,firm,n,share
        twice,MISSING_INPUT,sales of firms,丙,2,0.25
        twice,BEFORE_SERIES_START,firms.sales (growth of growth),乙,1,0.125
        twice,ZERO_DENOM,lagged.before (growth of growth),乙,1,0.125
        twice,BEFORE_SERIES_START,firms.sales (growth of growth),戊,1,0.125
        twice,BEFORE_SERIES_START,firms.sales (growth of growth),甲,1,0.125
    "#]]
    .assert_eq(&shown(&["final", "--nulls", "--by", "firm", "--format", "csv"]));
    expect![[r#"
        [{"column":"s","code":"MISSING_INPUT","from":"sales of firms","zero":"0","n":1,"share":0.0625},
        {"column":"s","code":"NULLIF","from":"firms.sales","zero":"0","n":1,"share":0.0625},
        {"column":"s","code":"MISSING_INPUT","from":"sales of firms","zero":"1","n":1,"share":0.0625},
        {"column":"s","code":"NULLIF","from":"firms.sales","zero":"1","n":1,"share":0.0625}]
    "#]]
    .assert_eq(&shown(&["by_unit", "--nulls", "--by", "zero", "--json"]));
    expect![[r#"
        column  code  from  total  share
        ──────  ────  ────  ─────  ─────
        no value is missing in `places` (3 rows)
    "#]]
    .assert_eq(&shown(&["places", "--nulls"]));

    let wrong = study.restudy(&["show", "firms", "--nulls", "--by", "yeer"]);
    assert_eq!(wrong.code, 2);
    assert_eq!(wrong.stderr, "error: no column `yeer` in `firms`\nhint: did you mean `year`?\n");
    // What it is made from is needed for it.
    study.restudy(&["gc", "--evict", "firms"]);
    let gone = study.restudy(&["show", "growth", "--nulls"]);
    assert_eq!(gone.code, 2);
    let expected = "error: the rows of `firms`, which `growth` is made from, are not in the store\nhint: make them again with `restudy run firms`\n";
    assert_eq!(gone.stderr, expected);
}

#[test]
fn joins_say_what_they_matched() {
    let study = study();
    study.run(&[]);
    let done = study.restudy(&["show", "growth", "--joins", "--unmatched"]);
    assert_eq!(done.stderr, "joins of `growth.sql`\n");
    expect![[r#"
        line  join                                           left  left_unmatched  left_most  right  right_unmatched  right_most  pairs  left_keys  right_keys
        ────  ─────────────────────────────────────────────  ────  ──────────────  ─────────  ─────  ───────────────  ──────────  ─────  ─────────  ──────────
           6  LEFT JOIN places ON places.firm = lagged.firm     8               2          1      3                0           2      6  firm=丙
    "#]]
    .assert_eq(&done.stdout);
    expect![[r#"
        [{"file":"growth.sql","line":6,"join":"LEFT JOIN places ON places.firm = lagged.firm","type":"left","left":8,"left_unmatched":2,"left_most":1,"right":3,"right_unmatched":0,"right_most":2,"pairs":6}]
    "#]]
    .assert_eq(&study.restudy(&["show", "growth", "--joins", "--json"]).stdout);
    let wrong = study.restudy(&["show", "score", "--joins"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.starts_with("error: `score` is not made by a query, so it has no joins\n"),
        "{}",
        wrong.stderr
    );
    assert_eq!(study.restudy(&["show", "growth", "--unmatched", "3"]).code, 2);
    let none = study.restudy(&["show", "final", "--joins"]);
    assert_eq!(none.stderr, "the query of `final` joins nothing\n");
}

/// A repeated key names the joins that gave a row more than one match, and no other.
#[test]
fn a_repeated_key_names_the_join() {
    let study = study();
    let query = "select f.firm, f.year, p.region from firms as f\njoin places as p on p.firm = f.firm\n\
                 join firms as other on other.firm = f.firm\n";
    study.write("growth.sql", query);
    study.edit("pipeline.yaml", "indicators: {growth: +, staff: +}", "indicators: {year: +}");
    let failed = study.restudy(&["run", "growth"]);
    assert_eq!(failed.code, 1);
    let note = "line 3: `JOIN firms AS other ON other.firm = f.firm` gives one row up to 2 matches";
    assert!(failed.stderr.contains(note), "{}", failed.stderr);
    assert!(!failed.stderr.contains("`JOIN places AS p ON p.firm = f.firm` gives"), "{}", failed.stderr);

    study.write("growth.sql", "select firm, 2008 as year from firms\n");
    let failed = study.restudy(&["run", "growth"]);
    assert!(
        failed.stderr.contains("hint: the key is too short: no join of the query multiplies rows"),
        "{}",
        failed.stderr
    );
}

#[test]
fn every_missing_value_of_the_demonstration_study_has_a_reason() {
    let study = Study::copy(&root(), &["pipeline.yaml", "stages", "data"]);
    study.run(&[]);
    let open = OpenOptions { pipeline: Some(study.path("pipeline.yaml")), ..OpenOptions::default() };
    let session = Session::open(kinds::registry(), &open).expect("a valid study");
    let find = |name: &str| {
        let id = *session.pipeline.graph.producers.get(name)?;
        let record = session.last_record(id).expect("the engine works")?;
        let record = record.tables.into_iter().find(|table| table.name == name)?;
        Some(InputTable { path: session.store.blob_path(record.blob), record })
    };
    let mut explained = 0;
    for name in session.pipeline.graph.producers.keys() {
        let table = find(name).expect("it ran");
        let by = table.record.key.last().cloned();
        let counts = missing::counts(&session, &find, name, &table, by.as_deref())
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        for column in &table.record.columns {
            let own = counts.iter().filter(|count| count.column == column.name);
            let unknown: Vec<_> = own.clone().filter(|count| count.reason.code == "OTHER").collect();
            assert!(unknown.is_empty(), "{name}: {unknown:?}");
            assert_eq!(own.map(|count| count.rows).sum::<u64>(), column.nulls, "{name}.{}", column.name);
            explained += usize::from(column.nulls > 0);
        }
    }
    assert!(explained > 50, "only {explained} columns lack values");
}
