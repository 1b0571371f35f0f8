//! Names of places as a stage: what is matched, what stops the study, and what held boundaries do to sums.

use crate::support::Study;

const PIPELINE: &str = "\
restudy: 1
study: {name: small, title: Small}
sources:
  yearbook: {path: data/yearbook.csv}
  names: {path: data/names.csv}
  changes: {path: data/changes.csv}
stages:
  yearbook: {kind: ingest, from: yearbook, layout: yearbook.yaml, key: [city, year]}
  names: {kind: ingest, from: names, layout: names.yaml, key: [name, valid_from]}
  changes: {kind: ingest, from: changes, layout: changes.yaml, key: [code, successor_code]}
  matched:
    kind: places
    from: yearbook
    name: city
    year: year
    as: place
    names: names
    events: changes
    suffixes: [市]
    boundaries: as_reported
  totals:
    kind: sql
    query: >-
      select shares.place, shares.year, sum(yearbook.gdp * shares.share) as gdp from yearbook
      join matched.shares as shares on shares.printed = yearbook.city and shares.year = yearbook.year
      group by shares.place, shares.year
    key: [place, year]
";

const LAYOUTS: [(&str, &str); 3] = [
    (
        "yearbook.yaml",
        "city: {header: city, type: text}\n  year: {header: year, type: int}\n  gdp: {header: gdp, type: float}",
    ),
    (
        "names.yaml",
        "name: {header: name, type: text}\n  code: {header: code, type: int}\n  valid_from: {header: valid_from, type: int}\n  valid_to: {header: valid_to, type: int}",
    ),
    (
        "changes.yaml",
        "year: {header: year, type: int}\n  code: {header: code, type: int}\n  successor_code: {header: successor_code, type: int}\n  share: {header: share, type: float}",
    ),
];

const NAMES: &str = "name,code,valid_from,valid_to
济南市,370100,2000,9999
莱芜市,371200,2000,2018
合肥市,340100,2000,9999
芜湖市,340200,2000,9999
巢湖市,341400,2000,2010
襄樊市,420600,2000,2009
襄阳市,420600,2010,9999
";

const YEARBOOK: &str = "city,year,gdp
济 南 市,2010,100
莱芜,2010,10
合肥市,2010,200
芜湖市,2010,50
巢湖市,2010,40
襄阳市,2009,7
济南市,2019,130
合肥市,2019,300
";

fn study() -> Study {
    let study = Study::new(&[
        ("pipeline.yaml", PIPELINE.as_bytes()),
        ("data/names.csv", NAMES.as_bytes()),
        ("data/yearbook.csv", YEARBOOK.as_bytes()),
        (
            "data/changes.csv",
            "year,code,successor_code,share\n2011,341400,340100,0.75\n2011,341400,340200,0.25\n2019,371200,370100,\n"
                .as_bytes(),
        ),
    ]);
    for (file, columns) in LAYOUTS {
        study.write(file, format!("format: csv\ncolumns:\n  {columns}\n"));
    }
    study
}

fn shown(study: &Study, table: &str, columns: &str) -> Vec<String> {
    let done = study.restudy(&["show", table, "--columns", columns, "--format", "csv"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    done.stdout.lines().skip(1).map(str::to_string).collect()
}

#[test]
fn names_get_the_code_of_their_year_and_say_how() {
    let study = study();
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let found = shown(&study, "matched", "printed,year,place,matched_by");
    for line in [
        "济 南 市,2010,370100,blanks removed",
        "莱芜,2010,371200,short form",
        "襄阳市,2009,420600,name of other years",
        "巢湖市,2010,341400,exact",
    ] {
        assert!(found.iter().any(|found| found == line), "{line} is not in {found:?}");
    }
}

#[test]
fn held_boundaries_change_sums_as_the_shares_say() {
    let study = study();
    for (boundaries, expected) in [
        (
            "as_reported",
            "340100,2010,200 340100,2019,300 340200,2010,50 341400,2010,40 370100,2010,100 370100,2019,130 371200,2010,10 420600,2009,7",
        ),
        // 200 + 0.75 × 40, 50 + 0.25 × 40, 100 + 10.
        ("hold 2020", "340100,2010,230 340100,2019,300 340200,2010,60 370100,2010,110 370100,2019,130 420600,2009,7"),
        // Both changes lie in the years of the data.
        ("drop_changed", "420600,2009,7"),
    ] {
        study.write("pipeline.yaml", PIPELINE.replace("boundaries: as_reported", &format!("boundaries: {boundaries}")));
        let done = study.restudy(&["run"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        assert_eq!(shown(&study, "totals", "place,year,gdp").join(" "), expected, "{boundaries}");
    }
}

#[test]
fn a_name_without_a_place_stops_the_study_unless_it_is_declared() {
    let study = study();
    study.write("data/yearbook.csv", format!("{YEARBOOK}济面市,2010,1\n莱芜市,2019,1\n"));
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 1);
    for text in [
        "names without a place in `city` of `yearbook`: 1",
        "`济面市` in 2010 (1 rows), not in the table of names: 济南市",
        "`莱芜市` in 2019 (1 rows), name not in force at the end of this year: 莱芜市 (371200) from 2000 to 2018, then 济南市 (370100)",
        "pipeline.yaml:14:11",
        "`unmatched: warning` lets the study go on",
    ] {
        assert!(done.stderr.contains(text), "`{text}` is not in {}", done.stderr);
    }
    study.edit(
        "pipeline.yaml",
        "    suffixes: [市]",
        "    suffixes: [市]\n    allow: [济面市, 天津市]\n    not_in_force: warning",
    );
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("`allow` names `天津市`, which is not missing"), "{}", done.stderr);
    let unmatched = shown(&study, "matched.unmatched", "printed,year,n_rows,allowed");
    assert_eq!(unmatched, ["济面市,2010,1,true", "莱芜市,2019,1,false"]);
}

#[test]
fn wrong_options_and_facts_are_told() {
    for (from, to, code, expected) in [
        ("boundaries: as_reported", "boundaries: hold", 2, "`boundaries` cannot be `hold`"),
        ("boundaries: as_reported", "other_years: perhaps", 2, "`other_years` cannot be `perhaps`"),
        ("name: city", "name: citi", 2, "no column `citi` in `yearbook`"),
        ("name: city", "name: gdp", 2, "`gdp` of `yearbook` is float, not text"),
        (
            "    events: changes\n    suffixes: [市]\n    boundaries: as_reported",
            "    boundaries: hold 2020",
            2,
            "need `events:`",
        ),
        ("names: names", "names: {table: names, id: cod}", 2, "no column `cod` in `names`"),
        ("suffixes: [市]", "suffix: [市]", 2, "unknown key `suffix`"),
    ] {
        let study = study();
        study.edit("pipeline.yaml", from, to);
        let done = study.restudy(&["run"]);
        assert_eq!(done.code, code, "{}", done.stderr);
        assert!(done.stderr.contains(expected), "`{expected}` is not in {}", done.stderr);
    }
    let study = study();
    study.edit("data/changes.csv", "0.75", "0.5");
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 1);
    assert!(done.stderr.contains("the shares of 341400 in 2011 sum to 0.75, not to 1"), "{}", done.stderr);
}
