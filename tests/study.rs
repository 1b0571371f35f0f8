//! The demonstration study from end to end: what is published, what reruns after which edit, and whether the estimate
//! covers the truth of the generator. One test, because each step starts from the results of the one before.

use crate::support::{Study, edit_workbook, names, root};
use expect_test::expect_file;
use std::fs;

/// `stages/panel/policies.sql` with other names, in other steps, from the other side.
const POLICIES: &str = "
-- the same
WITH p AS (SELECT * FROM other_policies),
places AS (SELECT n.code, n.valid_to AS until, n.valid_from AS since, n.name FROM names n),
s AS (
    SELECT l.code AS c,
        min(CASE WHEN 'broadband_china' = p.policy THEN p.year END) AS a,
        min(CASE WHEN p.policy = 'innovative_city' THEN p.year END) AS b,
        min(CASE WHEN 'ip_demonstration' = p.policy THEN p.year END) AS d,
        min(CASE WHEN p.policy = 'big_data_zone' THEN p.year END) AS e
    FROM p INNER JOIN places AS l ON p.year BETWEEN l.since AND l.until AND p.prefecture = l.name
    GROUP BY 1
)
SELECT cy.city, cy.year,
    case when s.a <= cy.year then 1 else 0 end as broadband_china,
    case when s.b <= cy.year then 1 else 0 end as innovative_city,
    case when s.d <= cy.year then 1 else 0 end as ip_demonstration,
    case when cy.year >= s.e then 1 else 0 end as big_data_zone
FROM city_years cy /* every city */ LEFT OUTER JOIN s ON cy.city = s.c
ORDER BY city, year
";

#[test]
fn the_study_runs_reruns_and_finds_the_truth() {
    let study = Study::copy(&root(), &["pipeline.yaml", "stages", "data"]);

    let done = study.restudy(&["run"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let last = done.stderr.lines().last().expect("a last line");
    assert!(last.starts_with("done: ") && last.contains("0 up to date, 0 failed in "), "{last}");
    for extension in ["html", "md", "tex"] {
        for language in ["en", "zh"] {
            for exhibit in ["table1", "table4", "table6", "table7_policies", "table8", "table11", "exhibits"] {
                let text = study.read(&format!("out/exhibits/{exhibit}.{language}.{extension}"));
                assert!(!text.is_empty(), "{exhibit}");
            }
        }
    }
    // What the run warned of stands in the note of the table that rests on it.
    for warning in ["are not verified against the ministry", "the Martin ratio is undefined"] {
        assert!(done.stderr.contains(warning), "the run does not say: {warning}");
        assert!(study.read("out/exhibits/table4.en.html").contains(warning), "the note does not say: {warning}");
    }
    estimate_covers_the_truth(&study);
    dropped_names_are_listed(&study);
    let catalogue = study.restudy(&["catalogue"]);
    assert_eq!(catalogue.code, 0, "{}", catalogue.stderr);
    expect_file![root().join("docs/measures.md")].assert_eq(&catalogue.stdout);

    // Nothing to do, in any way a folder can be disturbed without changing what is in it.
    let published = study.snapshot("out");
    let summary = study.run(&[]);
    assert_eq!(names(&summary, "ran"), Vec::<String>::new());
    assert_eq!(names(&summary, "cut_off"), Vec::<String>::new());
    let everything = names(&summary, "up_to_date").len();
    let file = "data/yearbook/Data_2013.xlsx";
    let original = fs::read(study.path(file)).expect("a workbook");
    study.write(file, &original);
    study.edit("pipeline.yaml", "stages:\n", "# a remark\nstages:\n");
    study.edit("stages/measures/martin.sql", "with lagged as (", "/* a remark */ WITH\n lagged AS (");
    assert_eq!(names(&study.run(&[]), "up_to_date").len(), everything);

    // A query written otherwise does the same; with another constant it does not, and says so.
    let query = "stages/panel/policies.sql";
    let original_query = study.read(query);
    study.write(query, POLICIES);
    assert_eq!(names(&study.run(&[]), "ran"), Vec::<String>::new());
    study.edit(query, "then 1 else 0 end as big_data_zone", "then 2 else 0 end as big_data_zone");
    let why = study.restudy(&["why", "policies"]).stdout;
    assert!(why.contains("plan: ") && why.contains("then 1 else 0 end → ") && why.lines().count() == 2, "{why}");
    assert_eq!(names(&study.run(&["policies"]), "ran"), ["policies"]);
    study.write(query, original_query);
    assert_eq!(names(&study.run(&[]), "ran"), Vec::<String>::new());

    // One cell in a column that only the cleaning reads: everything below it is kept.
    study.write(file, edit_workbook(&original, "<c r=\"V4\"><v>1018529</v>", "<c r=\"V4\"><v>1018530</v>"));
    let summary = study.run(&[]);
    assert_eq!(
        names(&summary, "ran"),
        ["yearbook@file=Data_2013.xlsx", "yearbook", "yearbook_long", "yearbook_clean", "filled_gaps"],
        "{summary}"
    );
    assert_eq!(study.snapshot("out"), published);

    // One cell of a control variable: the models with controls and the tables, not the indices.
    study.write(file, edit_workbook(&original, "<c r=\"AD4\"><v>18.3</v>", "<c r=\"AD4\"><v>18.4</v>"));
    let ran = names(&study.run(&[]), "ran");
    let models = |label: &str| ran.iter().filter(|name| name.starts_with("baseline@") && name.contains(label)).count();
    assert_eq!((models("controls=full"), models("controls=none")), (6, 0), "{ran:?}");
    for (name, expected) in [("controls", true), ("panel", true), ("exhibits", true), ("resilience", false)] {
        assert_eq!(ran.contains(&name.to_string()), expected, "{name} in {ran:?}");
    }

    // Back to the first bytes: all results are still known, and the tables are published again.
    study.write(file, &original);
    let summary = study.run(&[]);
    assert_eq!(names(&summary, "ran"), Vec::<String>::new());
    assert_eq!(study.snapshot("out"), published);

    // A parameter: only what depends on it.
    let ran = names(&study.run(&["--set", "pilot_rule=strict"]), "ran");
    assert_eq!(ran.first().map(String::as_str), Some("pilot_status"), "{ran:?}");
    assert!(!ran.iter().any(|name| name.starts_with("yearbook") || name.starts_with("patent")), "{ran:?}");
}

fn estimate_covers_the_truth(study: &Study) {
    let query = "select estimate, conf_low, conf_high from baseline.coefficients where term = 'smart'
        and outcome = 'resilience_index' and effects <> 'pooled' order by controls, effects";
    let done = study.restudy(&["sql", query, "--json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(rows.len(), 4);
    let truth = study.read("data/truth.csv");
    let overall = truth.lines().find(|line| line.starts_with("att,")).expect("the average effect on the treated");
    let truth: f64 = overall.split(',').nth(3).and_then(|value| value.parse().ok()).expect("a number");
    for row in rows {
        let value = |name: &str| row[name].as_f64().expect("a number");
        assert!(value("conf_low") < truth && truth < value("conf_high"), "{row} does not cover {truth}");
    }
}

fn dropped_names_are_listed(study: &Study) {
    let done = study.restudy(&["show", "unmatched", "--columns", "origin,name,reason", "--format", "csv"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    for name in ["巢湖", "莱芜", "毕节", "铜仁", "海东", "三沙", "拉萨"] {
        assert!(done.stdout.contains(name), "{name} is not listed as dropped");
    }
    assert!(!done.stdout.contains("襄樊") && !done.stdout.contains("襄阳"), "a renamed city was lost");
}
