//! Roles of measures: what shares a component is refused before anything runs, a waiver carries its reason into the
//! notes, a moderator must be of the time before treatment. And the page that `restudy catalogue` prints.

use crate::support::Study;
use expect_test::{Expect, expect};

const PIPELINE: &str = "\
restudy: 1
study: {name: small}
params: {start: 2012}
sources:
  places: {path: data/*.csv}
stages:
  places: {kind: ingest, from: places, layout: places.yaml, key: [city, year]}
  long:
    kind: sql
    key: [city, year]
    query: >-
      select city, year, patents, workers, area, max(case when year = 2010 then workers end) over (partition by city) as workers_2010 from places
  score: {kind: index, from: long, method: equal, indicators: {patents: +, workers: +}, key: [city, year]}
  means:
    kind: sql
    key: [city]
    query: >-
      select city, avg(case when year < ${start} then workers end) as before, avg(workers) as always,
        avg(area) filter (where year <= 2011) as filtered, sum(case when patents > 3 then 1 else 0 end) as counted,
        (select min(area) from places where year between 2009 and 2010) as least
      from places group by city
  panel:
    kind: sql
    key: [city, year]
    query: >-
      select long.city, long.year, score.score as resilience, long.workers / nullif(long.area, 0.0) as density, long.area / nullif(long.patents, 0) as scaled,
        ln(long.patents) as log_patents, long.area, means.before, means.always, means.filtered, means.counted, means.least
      from long join score on score.city = long.city and score.year = long.year join means on means.city = long.city
  catalogue:
    kind: measures
    file: catalogue.yaml
    before: ${start}
    roles: {outcome: [panel.resilience], ROLES}
OPTIONS
  page: {kind: report, exhibits: exhibits.yaml, formats: [markdown], languages: [en], warnings_of: [catalogue]}
";

const LAYOUT: &str = "\
format: csv
columns:
  city: {header: city, type: text}
  year: {header: year, type: int}
  patents: {header: patents, type: int}
  workers: {header: workers, type: float}
  area: {header: area, type: float}
";

const CATALOGUE: &str = "\
measures:
  score.score:
    name: {zh: 韧性, en: Resilience}
    formula: mean of two
    unit: 0 to 1
    alternatives: [panel.log_patents]
  panel.log_patents:
    name: {zh: 专利, en: Patents}
    formula: ln(patents)
    unit: log
";

const EXHIBITS: &str = "\
exhibits:
  t: {type: descriptive, label: T, title: T, from: panel, digits: 2, statistics: [n], variables: {resilience: R}}
";

const DATA: &str = "\
city,year,patents,workers,area
甲,2010,1,10,5
甲,2012,2,11,5
乙,2010,4,12,6
乙,2012,,20,6
";

fn study(roles: &str, options: &str) -> Study {
    let pipeline = PIPELINE.replace("ROLES", roles).replace("OPTIONS\n", options);
    Study::new(&[
        ("pipeline.yaml", pipeline.as_bytes()),
        ("places.yaml", LAYOUT.as_bytes()),
        ("catalogue.yaml", CATALOGUE.as_bytes()),
        ("exhibits.yaml", EXHIBITS.as_bytes()),
        ("data/a.csv", DATA.as_bytes()),
    ])
}

fn refused(roles: &str, options: &str, expected: Expect) {
    let study = study(roles, options);
    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert!(!study.path("out").exists(), "something ran");
    expected.assert_eq(&done.stderr);
}

/// The notes of the page, from a run that goes well.
fn noted(roles: &str, options: &str, expected: Expect) {
    let study = study(roles, options);
    study.run(&[]);
    let page = study.read("out/page/t.en.md");
    let notes: Vec<&str> = page.lines().filter(|line| line.contains("catalogue")).collect();
    expected.assert_eq(&notes.join("\n"));
}

#[test]
fn a_mechanism_made_of_the_outcome_is_refused_before_anything_runs() {
    refused(
        "mechanism: [panel.density]",
        "",
        expect![[r#"
            error: outcome `panel.resilience` and mechanism `panel.density` are both made of `places.workers`
              --> pipeline.yaml:33:54
               |
            33 |     roles: {outcome: [panel.resilience], mechanism: [panel.density]}
               |                                                      ^^^^^^^^^^^^^
            hint: leave it out of one of them, or say under `waive` why it may stay
        "#]],
    );
    // Through an index, a logarithm, and a column of the same table.
    refused(
        "mechanism: [panel.log_patents]",
        "    components: [long]\n",
        expect![[r#"
            error: outcome `panel.resilience` and mechanism `panel.log_patents` are both made of `long.patents`
              --> pipeline.yaml:33:54
               |
            33 |     roles: {outcome: [panel.resilience], mechanism: [panel.log_patents]}
               |                                                      ^^^^^^^^^^^^^^^^^
            hint: leave it out of one of them, or say under `waive` why it may stay
        "#]],
    );
}

#[test]
fn a_control_that_is_a_mechanism_is_refused() {
    refused(
        "mechanism: [panel.area], control: [panel.scaled]",
        "",
        expect![[r#"
            error: mechanism `panel.area` and control `panel.scaled` are both made of `places.area`
              --> pipeline.yaml:33:77
               |
            33 |     roles: {outcome: [panel.resilience], mechanism: [panel.area], control: [panel.scaled]}
               |                                                                             ^^^^^^^^^^^^
            hint: leave it out of one of them, or say under `waive` why it may stay
        "#]],
    );
}

#[test]
fn what_only_divides_is_no_component_unless_the_study_says_so() {
    noted("mechanism: [panel.scaled]", "", expect![[r#""#]]);
    noted(
        "mechanism: [panel.scaled]",
        "    shared_scales: warning\n",
        expect![[
            r#"Warning: catalogue: outcome \`panel.resilience\` and mechanism \`panel.scaled\` are both made of \`places.patents\`"#
        ]],
    );
}

#[test]
fn a_waiver_carries_its_reason_into_the_notes() {
    let waive = "    waive: [{measures: [panel.resilience, panel.density], because: both count workers}]\n";
    noted(
        "mechanism: [panel.density]",
        waive,
        expect![[
            r#"Warning: catalogue: outcome \`panel.resilience\` and mechanism \`panel.density\` are both made of \`places.workers\`; kept because both count workers"#
        ]],
    );
    refused(
        "mechanism: [panel.area]",
        waive,
        expect![[r#"
            error: nothing is to be waived between `panel.resilience` and `panel.density`
              --> pipeline.yaml:34:13
               |
            34 |     waive: [{measures: [panel.resilience, panel.density], because: both count workers}]
               |             ^
            hint: take the waiver away
        "#]],
    );
    noted(
        "mechanism: [panel.density]",
        "    overlap: warning\n",
        expect![[
            r#"Warning: catalogue: outcome \`panel.resilience\` and mechanism \`panel.density\` are both made of \`places.workers\`"#
        ]],
    );
}

#[test]
fn a_moderator_is_of_the_years_before_treatment() {
    noted("moderator: [panel.before, panel.filtered, panel.least]", "", expect![[r#""#]]);
    noted(
        "moderator: [panel.always], group: [panel.counted]",
        "",
        expect![[r#"
            Warning: catalogue: outcome \`panel.resilience\` and moderator \`panel.always\` are both made of \`places.workers\`
            Warning: catalogue: outcome \`panel.resilience\` and group \`panel.counted\` are both made of \`places.patents\`
            Warning: catalogue: moderator \`panel.always\` is not fixed before treatment: it looks at \`places.workers\` in all years
            Warning: catalogue: group \`panel.counted\` is not fixed before treatment: it looks at the rows of \`places\`, \`places.patents\` in all years"#]],
    );
}

#[test]
fn names_that_are_none_are_errors_with_the_nearest() {
    refused(
        "mechanism: [panel.densty]",
        "    components: [lon]\n",
        expect![[r#"
            error: no column `densty` in `panel`
              --> pipeline.yaml:33:54
               |
            33 |     roles: {outcome: [panel.resilience], mechanism: [panel.densty]}
               |                                                      ^^^^^^^^^^^^
            hint: did you mean `density`?
            error: no stage makes a table `lon`
              --> pipeline.yaml:34:18
               |
            34 |     components: [lon]
               |                  ^^^
            hint: did you mean `long`?
            2 errors
        "#]],
    );
    let study = study("mechanism: [panel.area]", "");
    study.edit("catalogue.yaml", "panel.log_patents:", "panel.log_patent:");
    let done = study.restudy(&["plan"]);
    assert_eq!(done.code, 2);
    expect![[r#"
            error: `panel.log_patents` is not in the catalogue
             --> catalogue.yaml:2:3
              |
            2 |   score.score:
              |   ^^^^^^^^^^^
            hint: did you mean `panel.log_patent`?
            error: no column `log_patent` in `panel`
             --> catalogue.yaml:7:3
              |
            7 |   panel.log_patent:
              |   ^^^^^^^^^^^^^^^^
            hint: did you mean `log_patents`?
            2 errors
        "#]]
    .assert_eq(&done.stderr);
}

#[test]
fn the_catalogue_is_printed_from_the_tables() {
    let study = study("mechanism: [panel.area]", "");
    assert_eq!(study.restudy(&["catalogue"]).code, 2, "nothing has been made yet");
    study.run(&[]);
    let done = study.restudy(&["catalogue"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    expect![[r#"
            # Measures of “small”

            Made by `restudy catalogue`; do not edit.

            | measure | 名称 | name | role | n | mean | sd | p1 | median | p99 | missing |
            |---|---|---|---|--:|--:|--:|--:|--:|--:|--:|
            | [`score.score`](#scorescore) | 韧性 | Resilience | outcome | 3 | 0.4722 | 0.5023 | 0 | 0.4167 | 1.000 | 25.0 % |
            | [`panel.log_patents`](#panellog_patents) | 专利 | Patents |  | 3 | 0.6931 | 0.6931 | 0 | 0.6931 | 1.386 | 25.0 % |

            ## score.score

            韧性 · Resilience

            - formula: mean of two
            - unit: 0 to 1
            - role: outcome `panel.resilience`
            - made of (scales in parentheses): `places.patents`, `places.workers`
            - by: stage `score` of the kind `index`
            - missing: MISSING_INPUT (patents of places) 25.0 % (2012: 50.0 %)
            - correlation: 0.995 with `panel.log_patents`, n = 3

            ## panel.log_patents

            专利 · Patents

            - formula: ln(patents)
            - unit: log
            - made of (scales in parentheses): `places.patents`
            - by: pipeline.yaml, `query` of `panel`
            - missing: MISSING_INPUT (patents of places) 25.0 % (2012: 50.0 %)

            ## Weights of `score`

            | indicator | sign | min | max | weight |
            |---|---|---|---|---|
            | patents | + | 1 | 4 | 0.5 |
            | workers | + | 10 | 12 | 0.5 |
        "#]].assert_eq(&done.stdout);
    assert_eq!(study.restudy(&["catalogue", "--out", "page.md"]).code, 0);
    assert_eq!(study.read("page.md"), done.stdout);
}
