//! Estimates as stages of a study: each estimator by its name, several models in one stage, mistakes in options. That the
//! numbers are right is tested in `stats`; here it is that they arrive.

use crate::support::Study;
use serde_json::Value;

const LAYOUT: &str = "\
format: csv
columns:
  county: {header: countyreal, type: int}
  year: {header: year, type: int}
  lemp: {header: lemp, type: float}
  lpop: {header: lpop, type: float}
  first: {header: first.treat, type: int}
";

const PANEL: &str = "\
select *, case when first > 0 and year >= first then 1 else 0 end as treated, first > 2006 as late from raw
";

fn study(stages: &str) -> Study {
    let pipeline = format!(
        "restudy: 1\nstudy: {{name: counties, seed: 5}}\nsources:\n  raw: {{path: data/mpdta.csv}}\nstages:\n  \
         raw: {{kind: ingest, from: raw, layout: raw.yaml, key: [county, year]}}\n  \
         panel: {{kind: sql, file: panel.sql, key: [county, year]}}\n{stages}"
    );
    let data = include_bytes!("reference/data/mpdta.csv");
    Study::new(&[
        ("pipeline.yaml", pipeline.as_bytes()),
        ("raw.yaml", LAYOUT.as_bytes()),
        ("panel.sql", PANEL.as_bytes()),
        ("data/mpdta.csv", data),
    ])
}

/// The rows of a query over the tables of the study.
fn rows(study: &Study, query: &str) -> Vec<Value> {
    let done = study.restudy(&["sql", "--format", "json", query]);
    assert!(done.code == 0, "{}", done.stderr);
    match serde_json::from_str(&done.stdout) {
        Ok(Value::Array(rows)) => rows,
        other => panic!("{other:?}: {}", done.stdout),
    }
}

/// One spec switches the estimator; the numbers are those of METHODS 10.1, the tolerance its last printed digit.
#[test]
fn one_option_switches_the_estimator() {
    let study = study(
        "  effect:
    kind: estimate
    from: panel
    formula: lemp ~ treated | county + year
    cluster: county
    estimator: ${estimator}
    callaway_santanna: {comparison: not_yet, bootstrap: {draws: 99}}
    imputation: {leads: 2}
    matrix:
      estimator: [twfe, callaway_santanna, sun_abraham, imputation, two_stage]
",
    );
    study.run(&[]);
    let found = rows(
        &study,
        "select estimator, term, estimate, std_error from effect.coefficients where term in ('att', 'treated') order by estimator",
    );
    let expected = [
        ("callaway_santanna", "att", -0.0397636256, 0.0120524248),
        ("imputation", "att", -0.0477099183, 0.0132224887),
        ("sun_abraham", "att", -0.0399512752, 0.0117962774),
        ("twfe", "treated", -0.0365489367, 0.0132651554),
        ("two_stage", "att", -0.0477099183, 0.0134784088),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (row, (estimator, term, estimate, std_error)) in found.iter().zip(expected) {
        assert_eq!((row["estimator"].as_str(), row["term"].as_str()), (Some(estimator), Some(term)));
        for (name, expected) in [("estimate", estimate), ("std_error", std_error)] {
            let number = row[name].as_f64().unwrap_or(f64::NAN);
            assert!((number - expected).abs() < 6e-11, "{estimator}: {name} is {number}, not {expected}");
        }
    }
    let times = rows(
        &study,
        "select event_time, estimate, band_low from effect.coefficients \
         where estimator = 'callaway_santanna' and part = 'dynamic' and event_time >= 0 order by event_time",
    );
    for (row, expected) in times.iter().zip([-0.0189222, -0.0535893, -0.1362743, -0.1008114]) {
        assert!((row["estimate"].as_f64().unwrap_or(f64::NAN) - expected).abs() < 6e-8, "{row}");
        assert!(row["band_low"].as_f64() < row["estimate"].as_f64(), "{row}");
    }
    assert_eq!(times.len(), 4);
    let tests = rows(&study, "select test, p_value from effect.tests where estimator = 'imputation'");
    assert_eq!(tests.len(), 1, "{tests:?}");
}

#[test]
fn a_decomposition_has_its_comparisons() {
    let study = study(
        "  parts: {kind: estimate, from: panel, formula: lemp ~ 1 | county + year, cohort: first, estimator: bacon}\n",
    );
    study.run(&[]);
    let found = rows(
        &study,
        "select type, sum(weight) as weight, sum(weight * estimate) / sum(weight) as estimate from parts.comparisons group by type order by type",
    );
    let expected = [
        ("earlier_with_later", 0.0833014, -0.0197838),
        ("later_with_earlier", 0.0539242, 0.0046037),
        ("treated_with_never", 0.8627744, -0.0407397),
    ];
    for (row, (kind, weight, estimate)) in found.iter().zip(expected) {
        assert_eq!(row["type"].as_str(), Some(kind));
        assert!((row["weight"].as_f64().unwrap_or(f64::NAN) - weight).abs() < 6e-8, "{row}");
        assert!((row["estimate"].as_f64().unwrap_or(f64::NAN) - estimate).abs() < 6e-8, "{row}");
    }
}

/// Several models of a formula, each of several samples: numbered, described, and a model that cannot be estimated does not
/// take the others with it.
#[test]
fn a_stage_can_hold_many_models() {
    let study = study(
        "  curve:
    kind: estimate
    from: panel
    formula: lemp ~ treated + mvsw(lpop, year) | sw(county, county + year)
    cluster: county
    fsplit: late
",
    );
    let summary = study.run(&[]);
    let models =
        rows(&study, "select model, formula, subsample, n_obs, error, sample_model from curve.models order by model");
    let shown: Vec<String> = models
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or("-").to_string();
            let number = |name: &str| row[name].as_i64().map_or("-".to_string(), |number| number.to_string());
            format!(
                "{} {} [{}] {} {} {}",
                number("model"),
                text("formula"),
                text("subsample"),
                number("n_obs"),
                number("sample_model"),
                text("error")
            )
        })
        .collect();
    expect_test::expect![[r#"
        1 lemp ~ treated | county [-] 2500 1 -
        2 lemp ~ treated | county + year [-] 2500 1 -
        3 lemp ~ treated + lpop | county [-] 2500 1 -
        4 lemp ~ treated + lpop | county + year [-] 2500 1 -
        5 lemp ~ treated + year | county [-] 2500 1 -
        6 lemp ~ treated + year | county + year [-] 2500 1 -
        7 lemp ~ treated + lpop + year | county [-] 2500 1 -
        8 lemp ~ treated + lpop + year | county + year [-] 2500 1 -
        9 lemp ~ treated | county [false] 1845 9 -
        10 lemp ~ treated | county + year [false] 1845 9 -
        11 lemp ~ treated + lpop | county [false] 1845 9 -
        12 lemp ~ treated + lpop | county + year [false] 1845 9 -
        13 lemp ~ treated + year | county [false] 1845 9 -
        14 lemp ~ treated + year | county + year [false] 1845 9 -
        15 lemp ~ treated + lpop + year | county [false] 1845 9 -
        16 lemp ~ treated + lpop + year | county + year [false] 1845 9 -
        17 lemp ~ treated | county [true] 655 17 -
        18 lemp ~ treated | county + year [true] - - no regressor is left: treated: does not vary within `year`
        19 lemp ~ treated + lpop | county [true] 655 17 -
        20 lemp ~ treated + lpop | county + year [true] - - no regressor is left: treated: does not vary within `year`, lpop: does not vary within `county`
        21 lemp ~ treated + year | county [true] 655 17 -
        22 lemp ~ treated + year | county + year [true] - - no regressor is left: treated: does not vary within `year`, year: does not vary within `year`
        23 lemp ~ treated + lpop + year | county [true] 655 17 -
        24 lemp ~ treated + lpop + year | county + year [true] - - no regressor is left: treated: does not vary within `year`, lpop: does not vary within `county`, year: does not vary within `year`"#]].assert_eq(&shown.join("\n"));
    expect_test::expect![[r#"
        [
          {
            "stage": "curve",
            "severity": "warning",
            "message": "term `lpop` was dropped: does not vary within `county` (10 of 24 models)",
            "details": []
          },
          {
            "stage": "curve",
            "severity": "warning",
            "message": "term `year` was dropped: does not vary within `year` (4 of 24 models)",
            "details": []
          },
          {
            "stage": "curve",
            "severity": "warning",
            "message": "`lemp ~ treated | county + year` cannot be estimated: no regressor is left: treated: does not vary within `year` (1 of 24 models)",
            "details": []
          },
          {
            "stage": "curve",
            "severity": "warning",
            "message": "`lemp ~ treated + lpop | county + year` cannot be estimated: no regressor is left: treated: does not vary within `year`, lpop: does not vary within `county` (1 of 24 models)",
            "details": []
          },
          {
            "stage": "curve",
            "severity": "warning",
            "message": "`lemp ~ treated + year | county + year` cannot be estimated: no regressor is left: treated: does not vary within `year`, year: does not vary within `year` (1 of 24 models)",
            "details": []
          },
          {
            "stage": "curve",
            "severity": "warning",
            "message": "`lemp ~ treated + lpop + year | county + year` cannot be estimated: no regressor is left: treated: does not vary within `year`, lpop: does not vary within `county`, year: does not vary within `year` (1 of 24 models)",
            "details": []
          }
        ]"#]].assert_eq(&format!("{:#}", summary["warnings"]));
    let samples = rows(
        &study,
        "select model, reason, count(*) as n from curve.sample group by model, reason order by model, reason",
    );
    expect_test::expect![[r#"
        {"model":1,"reason":null,"n":2500}
        {"model":9,"reason":"split","n":655}
        {"model":9,"reason":null,"n":1845}
        {"model":17,"reason":"split","n":1845}
        {"model":17,"reason":null,"n":655}"#]]
    .assert_eq(&samples.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"));
}

/// Lags may look at rows that `where` leaves out.
#[test]
fn a_condition_does_not_take_the_lags() {
    let study = study(
        "  lagged: {kind: estimate, from: panel, formula: 'lemp ~ l(treated, 1) | county + year', where: year > 2003, panel: [county, year], cluster: county}\n",
    );
    study.run(&[]);
    let found = rows(&study, "select n_obs, n_filtered from lagged.models");
    assert_eq!((found[0]["n_obs"].as_i64(), found[0]["n_filtered"].as_i64()), (Some(2000), Some(500)));
}

/// Every variance arrives under its name.
#[test]
fn variances_have_names() {
    let mut stages = String::new();
    let cases = [
        ("vcov: iid", "iid"),
        ("vcov: hc1", "hetero"),
        ("vcov: hc2", "HC2"),
        ("vcov: hc3", "HC3"),
        ("cluster: county", "county"),
        ("cluster: county, vcov: cr2", "CR2"),
        ("cluster: county, vcov: cr3", "CR3"),
        ("cluster: [county, year]", "county"),
        ("vcov: {newey_west: {lags: 1}}, panel: [county, year]", "NW"),
        ("vcov: driscoll_kraay, panel: [county, year]", "DK"),
        ("vcov: {conley: {latitude: lpop, longitude: lpop, cutoff: 300}}", "Conley"),
        ("cluster: county, small_sample: {effects: all}", "county"),
    ];
    for (index, (options, _)) in cases.iter().enumerate() {
        stages += &format!("  m{index}: {{kind: estimate, from: panel, formula: lemp ~ treated + lpop, {options}}}\n");
    }
    let study = study(&stages);
    study.run(&[]);
    let mut shown = Vec::new();
    for (index, (options, _)) in cases.iter().enumerate() {
        let found = rows(&study, &format!("select variance from m{index}.models"));
        shown.push(format!("{options}: {}", found[0]["variance"].as_str().unwrap_or("-")));
    }
    expect_test::expect![[r#"
        vcov: iid: iid
        vcov: hc1: hetero
        vcov: hc2: hc2
        vcov: hc3: hc3
        cluster: county: cluster(county)
        cluster: county, vcov: cr2: cr2(county)
        cluster: county, vcov: cr3: cr3(county)
        cluster: [county, year]: cluster(county, year)
        vcov: {newey_west: {lags: 1}}, panel: [county, year]: newey_west(1)
        vcov: driscoll_kraay, panel: [county, year]: driscoll_kraay(1)
        vcov: {conley: {latitude: lpop, longitude: lpop, cutoff: 300}}: conley(300 km, uniform), negative eigenvalues set to 0
        cluster: county, small_sample: {effects: all}: cluster(county)"#]].assert_eq(&shown.join("\n"));
}

/// Mistakes in options are found before anything runs.
#[test]
fn wrong_options_are_named() {
    let mut shown = Vec::new();
    for options in [
        "formula: lemp ~ treated | county + year, estimator: callaway",
        "formula: lemp ~ treated | county + year, estimator: callaway_santanna, vcov: iid",
        "formula: lemp ~ treated | county + year, estimator: callaway_santanna, callaway_santanna: {comparison: nobody}",
        "formula: lemp ~ treated | county + year, estimator: callaway_santanna, callaway_santanna: {boot: 3}",
        "formula: lemp ~ treated | county + year, imputation: {leads: 2}",
        "formula: lemp ~ treated | county + year, estimator: imputation, imputation: {leads: -1}",
        "formula: lemp ~ treated | county + year, estimator: event_study, event_study: {bins: [5, -5]}",
        "formula: lemp ~ log(lpop) | county + year, estimator: sun_abraham",
        "formula: lemp ~ treated | county + year, estimator: sun_abraham, cluster: [county, year]",
        "formula: lemp ~ treated | county + year, estimator: sun_abraham, cohort: fist",
        "formula: lemp ~ treated | county + year, treatment: treated",
        "formula: lemp ~ treated, vcov: cr2",
        "formula: lemp ~ treated, cluster: county, vcov: hc1",
        "formula: lemp ~ treated, vcov: {conley: {latitude: lpop}}",
        "formula: 'lemp ~ l(treated, 1)'",
        "formula: lemp ~ treated, split: regoin",
        "formula: lemp ~ treated, split: county",
        "formula: lemp ~ treated | county + year, estimator: sun_abraham, treatment: lpop",
        "formula: lemp ~ treated | county + year, estimator: spatial_lag",
        "formula: lemp ~ treated | county + year, cluster: county, estimator: spatial_lag, spatial_lag: {panel: [county, year], economic: lpop, power: 2}",
        "formula: lemp ~ treated | county + year, estimator: spatial_lag, spatial_lag: {panel: [county, year], economic: lpop, pairs: {table: raw, from: county, to: year}}",
        "formula: lemp ~ treated | county + year, estimator: spatial_lag, spatial_lag: {panel: [county, year], pairs: {table: raw, from: county, to: other}}",
        "formula: lemp ~ treated | county + year, estimator: spatial_lag, spatial_lag: {panel: [county, year], pairs: {table: borders, from: county, to: other}}",
        "formula: lemp ~ 1 | county, estimator: moran, moran: {panel: [county, year], economic: lpop}",
        "formula: lemp ~ lpop, estimator: moran, moran: {panel: [county, year], economic: lpop}",
        "formula: treated ~ lpop, cluster: county, estimator: matching, matching: {radius: 0.1, neighbours: 2}",
        "formula: lemp ~ treated | county + year, estimator: synthetic, synthetic: {errors: jackknife, draws: 9}",
        "formula: lemp ~ treated | county + year, estimator: ppml, oster: {treatment: treated}",
        "formula: lemp ~ treated | county + year, cluster: county, wild_bootstrap: {terms: [treeted]}",
        "formula: lemp ~ treated | county + year, margins: {treatment: treated, moderator: lpop}",
        "formula: lemp ~ treated | county + year, estimator: bacon, honest_did: {smoothness: [0]}",
        "formula: lemp ~ treated | county + year, estimator: sun_abraham, honest_did: {smooth: [0]}",
    ] {
        let study = study(&format!("  m: {{kind: estimate, from: panel, {options}}}\n"));
        let done = study.restudy(&["run"]);
        assert!(done.code != 0, "{options}: {}", done.stdout);
        let errors: Vec<&str> =
            done.stderr.lines().filter(|line| line.starts_with("error") || line.starts_with("hint")).collect();
        shown.push(format!("{options}\n  {}", errors.join("\n  ")));
    }
    expect_test::expect![[r#"
        formula: lemp ~ treated | county + year, estimator: callaway
          error: no estimator `callaway`
          hint: estimators: bacon, callaway_santanna, chaisemartin_dhaultfoeuille, event_study, extended, imputation, iv, local_projections, logit, matching, moran, ppml, spatial_durbin, spatial_error, spatial_lag, stacked, sun_abraham, synthetic, twfe, two_stage, two_way_weights
        formula: lemp ~ treated | county + year, estimator: callaway_santanna, vcov: iid
          error: unknown key `vcov` in stage `m`
          hint: known keys: bacon, callaway_santanna, chaisemartin_dhaultfoeuille, cluster, cohort, description, estimator, event_study, extended, formula, from, fsplit, honest_did, imputation, kind, level, limits, local_projections, matching, matrix, moran, retries, spatial_durbin, spatial_error, spatial_lag, split, stacked, synthetic, treatment, weights, where
        formula: lemp ~ treated | county + year, estimator: callaway_santanna, callaway_santanna: {comparison: nobody}
          error: `comparison` cannot be `nobody`; it is one of never, not_yet
        formula: lemp ~ treated | county + year, estimator: callaway_santanna, callaway_santanna: {boot: 3}
          error: unknown key `boot` in `callaway_santanna`
          hint: known keys: adjustment, anticipation, balance, base, bootstrap, comparison, event_times, missing_rows
        formula: lemp ~ treated | county + year, imputation: {leads: 2}
          error: these are options of `imputation`, and the estimator is `twfe`
        formula: lemp ~ treated | county + year, estimator: imputation, imputation: {leads: -1}
          error: `leads` is 0 or more
        formula: lemp ~ treated | county + year, estimator: event_study, event_study: {bins: [5, -5]}
          error: `bins` is a list of two numbers, the first below the second, such as [-5, 5]
        formula: lemp ~ log(lpop) | county + year, estimator: sun_abraham
          error: the formula does not begin with a treatment: give `treatment`, a column that is 1 where a row is treated, or `cohort`, the first treated period
        formula: lemp ~ treated | county + year, estimator: sun_abraham, cluster: [county, year]
          error: this estimator clusters by one column
        formula: lemp ~ treated | county + year, estimator: sun_abraham, cohort: fist
          error: no column `fist` in `panel`
          hint: did you mean `first`?
        formula: lemp ~ treated | county + year, treatment: treated
          error: `twfe` has no option `treatment` or `cohort`: its treatment is a term
        formula: lemp ~ treated, vcov: cr2
          error: `vcov: cr2` needs `cluster`
        formula: lemp ~ treated, cluster: county, vcov: hc1
          error: with `cluster`, `vcov` is one of cr1, cr2, cr3
        formula: lemp ~ treated, vcov: {conley: {latitude: lpop}}
          error: `vcov: conley` needs `longitude:`
          error: `vcov: conley` needs `cutoff:`
        formula: 'lemp ~ l(treated, 1)'
          error: lags need `panel: [unit, period]`, the columns that say which unit a row is about, and when
        formula: lemp ~ treated, split: regoin
          error: no column `regoin` in `panel`
          hint: it has: county, year, lemp, lpop, first, treated, late
        formula: lemp ~ treated, split: county
          error: `m` splits by `county`, which has 500 values
          hint: split by a column of 200 values at most
        formula: lemp ~ treated | county + year, estimator: sun_abraham, treatment: lpop
          error: `m` cannot be estimated: the treatment `lpop` of unit `8001` is 5.8967609333053 in period 2003, neither 0 nor 1
          hint: these estimators are for treatments that are on or off
        formula: lemp ~ treated | county + year, estimator: spatial_lag
          error: `spatial_lag` needs options under `spatial_lag:`, such as `panel: [unit, period]`
        formula: lemp ~ treated | county + year, cluster: county, estimator: spatial_lag, spatial_lag: {panel: [county, year], economic: lpop, power: 2}
          error: `spatial_lag` has no `cluster`
          error: `power` and `cutoff` are options of inverse distances
        formula: lemp ~ treated | county + year, estimator: spatial_lag, spatial_lag: {panel: [county, year], economic: lpop, pairs: {table: raw, from: county, to: year}}
          error: `spatial_lag` needs to know who is near whom, in one way: `latitude` and `longitude`, columns of degrees; `economic`, a column of which near values make neighbours; or `pairs`, a table of them
        formula: lemp ~ treated | county + year, estimator: spatial_lag, spatial_lag: {panel: [county, year], pairs: {table: raw, from: county, to: other}}
          error: no column `other` in `raw`
          hint: it has: county, year, lemp, lpop, first
        formula: lemp ~ treated | county + year, estimator: spatial_lag, spatial_lag: {panel: [county, year], pairs: {table: borders, from: county, to: other}}
          error: stage `m` reads `borders`, which no stage makes
          hint: tables: m.coefficients, m.impacts, m.models, m.sample, m.tests, panel, raw, raw.cells, raw.issues
        formula: lemp ~ 1 | county, estimator: moran, moran: {panel: [county, year], economic: lpop}
          error: `m` cannot be estimated: the option `formula` is lemp ~ 1 | county: Moran's I is of a column as it stands, without effects
        formula: lemp ~ lpop, estimator: moran, moran: {panel: [county, year], economic: lpop}
          error: Moran's I is of one column: write `column ~ 1`
        formula: treated ~ lpop, cluster: county, estimator: matching, matching: {radius: 0.1, neighbours: 2}
          error: `matching` has no `cluster`
          error: give one of `neighbours`, `radius` and `bandwidth` (of a kernel)
        formula: lemp ~ treated | county + year, estimator: synthetic, synthetic: {errors: jackknife, draws: 9}
          error: the jackknife draws nothing
        formula: lemp ~ treated | county + year, estimator: ppml, oster: {treatment: treated}
          error: `oster` is asked of least squares, `estimator: twfe`, not of `ppml`
        formula: lemp ~ treated | county + year, cluster: county, wild_bootstrap: {terms: [treeted]}
          error: `m` cannot be estimated: no term `treeted` in the model; there are [treated]
          hint: write the term as the table of coefficients does
        formula: lemp ~ treated | county + year, margins: {treatment: treated, moderator: lpop}
          error: `m` cannot be estimated: the regression has no term `treated:lpop`; it has [treated]
        formula: lemp ~ treated | county + year, estimator: bacon, honest_did: {smoothness: [0]}
          error: `m` cannot be estimated: the option `honest_did` is given: this estimator has no effects by time before and after the treatment
        formula: lemp ~ treated | county + year, estimator: sun_abraham, honest_did: {smooth: [0]}
          error: `honest_did` needs bounds under one of relative_magnitudes, relative_smoothness, smoothness"#]].assert_eq(&shown.join("\n"));
}

/// Analyses beside the estimates, estimators with tables of their own, and what they print.
#[test]
fn further_analyses_have_their_tests_and_tables() {
    let study = study(
        "  means: {kind: sql, query: 'select county, min(case when first > 0 then 1 else 0 end) as ever, avg(lpop) as lpop, avg(case when year = 2003 then lemp end) as lemp from raw group by county', key: [county]}
  places: {kind: sql, query: 'select *, 30.0 + county % 97 / 10.0 as lat, 100.0 + county % 89 / 10.0 as lon, county % 2 as odd from panel', key: [county, year]}
  further:
    kind: estimate
    from: panel
    formula: lemp ~ treated + treated:lpop | county + year
    cluster: county
    wild_bootstrap: {terms: [treated], draws: 199}
    margins: {treatment: treated, moderator: lpop, at: [p10, p50, 3]}
    influence: {term: treated, by: county, most: 3}
    power: {term: treated, effect: 0.05}
    joint_tests: {both: [treated, \"treated:lpop\"]}
    residuals: true
  placebos:
    kind: estimate
    from: places
    formula: lemp ~ treated | county + year
    cluster: county
    placebo: {term: treated, unit: county, time: year, draws: 50}
    differences: {term: treated, by: odd, unit: county, draws: 20}
  selection: {kind: estimate, from: panel, formula: lemp ~ treated + lpop + i(year), oster: {treatment: treated, always: [lpop]}}
  honest:
    kind: estimate
    from: panel
    formula: lemp ~ 1 | county + year
    cohort: first
    estimator: callaway_santanna
    callaway_santanna: {base: universal}
    honest_did: {relative_magnitudes: [0, 1], smoothness: [0, 0.01], draws: 200}
  matched: {kind: estimate, from: means, formula: ever ~ lpop + lemp, estimator: matching, matching: {neighbours: 2, caliper: 0.05}}
  others:
    kind: estimate
    from: panel
    formula: lemp ~ treated | county + year
    estimator: ${estimator}
    stacked: {before: 1, after: 0}
    chaisemartin_dhaultfoeuille: {effects: 3, placebos: 1}
    local_projections: {before: 2, after: 2}
    matrix: {estimator: [stacked, extended, chaisemartin_dhaultfoeuille, local_projections]}
  weights: {kind: estimate, from: panel, formula: lemp ~ treated | county + year, estimator: two_way_weights}
  synthetic: {kind: estimate, from: panel, formula: lemp ~ treated | county + year, estimator: synthetic, synthetic: {errors: jackknife}}
  durbin: {kind: estimate, from: places, formula: lemp ~ treated | county + year, estimator: spatial_durbin, spatial_durbin: {panel: [county, year], latitude: lat, longitude: lon, nearest: 5}}
",
    );
    study.run(&[]);
    let mut shown = Vec::new();
    for (table, columns) in [
        ("further.tests", "test, statistic, p_value"),
        ("further.margins", "at, value, estimate, std_error"),
        ("further.influence", "without, n_rows, change"),
        ("placebos.tests", "test, statistic, p_value"),
        ("placebos.differences", "test, first, second, std_error, p_value"),
        ("selection.tests", "test, statistic"),
        ("honest.sensitivity", "restriction, bound, conf_low, conf_high, identified_low, identified_high"),
        ("honest.tests", "test, statistic, p_value"),
        ("matched.balance", "covariate, sample, treated_mean, untreated_mean, bias, p_value"),
        ("others.coefficients", "estimator, term, estimate, std_error"),
        ("weights.tests", "test, statistic"),
        ("synthetic.coefficients", "term, estimate, std_error"),
        ("durbin.coefficients", "term, estimate, std_error"),
        ("durbin.impacts", "term, effect, estimate, std_error"),
        ("durbin.tests", "test, statistic, p_value"),
    ] {
        shown.push(format!("{table}: {columns}"));
        for row in rows(&study, &format!("select {columns} from {table}")) {
            let cells = columns.split(", ").map(|column| match &row[column] {
                Value::Number(number) => format!("{:.6}", number.as_f64().unwrap_or(f64::NAN)),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            shown.push(format!("  {}", cells.collect::<Vec<_>>().join(", ")));
        }
    }
    let counts = rows(
        &study,
        "select (select count(*) from placebos.draws) as draws, (select count(*) from placebos.density) as points, \
         (select count(*) from matched.matches where weight > 0) as matched, (select count(*) from matched.matches) as counties, \
         (select count(residual) from further.residuals) as residuals",
    );
    shown.push(counts[0].to_string());
    expect_test::expect![[r#"
        further.tests: test, statistic, p_value
          joint:both, 3.844928, 0.022024
          minimum_detectable_effect:treated, 0.126479, null
          power:treated, 0.197584, null
          wild_bootstrap:treated, -1.569291, 0.155779
          wild_bootstrap_high:treated, 0.022605, null
          wild_bootstrap_low:treated, -0.169785, null
        further.margins: at, value, estimate, std_error
          3, 3.000000, -0.041854, 0.016323
          p10, 1.837345, -0.053037, 0.026404
          p50, 3.257801, -0.039375, 0.014638
        further.influence: without, n_rows, change
          8023, 5.000000, -0.021269
          32011, 5.000000, -0.015931
          54017, 5.000000, 0.014820
        placebos.tests: test, statistic, p_value
          differences_interaction:all, 23.634294, 0.000002
          differences_separate:all, 23.738786, 0.000001
          placebo:treated, -0.036549, 0.039216
          placebo_t:treated, -2.755259, 0.019608
        placebos.differences: test, first, second, std_error, p_value
          interaction, -0.148718, -0.034702, 0.023453, 0.000002
          permutation, -0.148718, -0.034702, null, 0.190476
          separate, -0.148718, -0.034702, 0.023401, 0.000001
        selection.tests: test, statistic
          oster_beta:treated, 0.078253
          oster_beta_approximation:treated, 0.077117
          oster_delta:treated, 3.459199
          oster_delta_approximation:treated, -30.040152
          oster_estimate_without_controls:treated, 0.071114
          oster_largest_r2:treated, 0.003890
          oster_r2_without_controls:treated, 0.001721
        honest.sensitivity: restriction, bound, conf_low, conf_high, identified_low, identified_high
          parallel, 0.000000, -0.043111, 0.003247, -0.019932, -0.019932
          relative_magnitudes, 0.000000, -0.042381, 0.002604, -0.019932, -0.019932
          relative_magnitudes, 1.000000, -0.074107, 0.038119, -0.044391, 0.004527
          smoothness, 0.000000, -0.051332, 0.006503, null, null
          smoothness, 0.010000, -0.045597, 0.036832, null, null
        honest.tests: test, statistic, p_value
          breakdown:relative_magnitudes, 0.000000, null
          breakdown:smoothness, 0.000000, null
          dynamic: effects before the treatment, 5.633852, 0.130848
          group_time: effects before the treatment, 7.791237, 0.168122
        matched.balance: covariate, sample, treated_mean, untreated_mean, bias, p_value
          lemp, after, 6.087147, 6.047405, 2.685866, 0.778142
          lemp, before, 6.031280, 5.654630, 25.455122, 0.005843
          lpop, after, 3.575287, 3.577826, -0.200142, 0.983138
          lpop, before, 3.522374, 3.183434, 26.719446, 0.003987
        others.coefficients: estimator, term, estimate, std_error
          chaisemartin_dhaultfoeuille, att, -0.035258, 0.011337
          chaisemartin_dhaultfoeuille, event_time::-2, 0.024269, 0.014487
          chaisemartin_dhaultfoeuille, event_time::0, -0.018922, 0.012068
          chaisemartin_dhaultfoeuille, event_time::1, -0.053589, 0.017040
          chaisemartin_dhaultfoeuille, event_time::2, -0.136274, 0.036226
          extended, att, -0.039951, 0.011796
          extended, cohort::2004, -0.079749, 0.026479
          extended, cohort::2004:period::2004, -0.010503, 0.023349
          extended, cohort::2004:period::2005, -0.070423, 0.031116
          extended, cohort::2004:period::2006, -0.137259, 0.036589
          extended, cohort::2004:period::2007, -0.100811, 0.034504
          extended, cohort::2006, -0.022910, 0.016774
          extended, cohort::2006:period::2003, -0.003769, 0.031474
          extended, cohort::2006:period::2004, 0.002751, 0.019641
          extended, cohort::2006:period::2006, -0.004595, 0.017830
          extended, cohort::2006:period::2007, -0.041224, 0.020315
          extended, cohort::2007, -0.026054, 0.016726
          extended, cohort::2007:period::2003, 0.003306, 0.024555
          extended, cohort::2007:period::2004, 0.033813, 0.021218
          extended, cohort::2007:period::2005, 0.031087, 0.017953
          extended, cohort::2007:period::2007, -0.026054, 0.016726
          extended, event_time::-2, 0.024459, 0.014267
          extended, event_time::-3, 0.025022, 0.018154
          extended, event_time::-4, 0.003306, 0.024555
          extended, event_time::0, -0.019932, 0.011858
          extended, event_time::1, -0.050957, 0.016871
          extended, event_time::2, -0.137259, 0.036589
          extended, event_time::3, -0.100811, 0.034504
          extended, period::2004, -0.010503, 0.023349
          extended, period::2005, -0.070423, 0.031116
          extended, period::2006, -0.048816, 0.018513
          extended, period::2007, -0.037059, 0.013707
          local_projections, att, -0.072728, 0.026713
          local_projections, event_time::-2, 0.023211, 0.013798
          local_projections, event_time::0, -0.018858, 0.011264
          local_projections, event_time::1, -0.051344, 0.016972
          local_projections, event_time::2, -0.137259, 0.036549
          local_projections, event_time::<=-2, 0.023211, 0.013798
          stacked, att, -0.017570, 0.011398
          stacked, event_time::0, -0.017570, 0.011398
        weights.tests: test, statistic
          n_negative, 20.000000
          n_weights, 291.000000
          std_dev_opposite, 0.852141
          std_dev_zero, 0.082806
          sum_negative, -0.010851
        synthetic.coefficients: term, estimate, std_error
          att, -0.031748, 0.012258
          cohort::2006, -0.023617, 0.016735
          cohort::2007, -0.036714, 0.015837
          event_time::0, -0.029349, 0.012725
          event_time::1, -0.042004, 0.020708
        durbin.coefficients: term, estimate, std_error
          W:treated, -0.018829, 0.023281
          rho, 0.016377, 0.037307
          treated, -0.033627, 0.013091
        durbin.impacts: term, effect, estimate, std_error
          treated, direct, -0.033678, 0.013075
          treated, indirect, -0.019652, 0.023491
          treated, total, -0.053330, 0.023899
        durbin.tests: test, statistic, p_value
          aic, -2205.136384, null
          bic, -2182.740782, null
          likelihood ratio, error, 0.699488, 0.402956
          likelihood ratio, lag, 0.653455, 0.418880
          wald, error, 0.699673, 0.402894
          wald, lag, 0.654128, 0.418641
        {"draws":50,"points":512,"matched":390,"counties":500,"residuals":2500}"#]]
    .assert_eq(&shown.join("\n"));
}

/// A likelihood leaves out rows that the effects separate: they have no residual, and the others have their own.
#[test]
fn separated_rows_have_no_residual() {
    let study = study(
        "  counts: {kind: sql, query: 'select county, year, lpop, case when county < 13000 then 0.0 else floor(lpop) + year % 3 end as n from raw', key: [county, year]}
  p: {kind: estimate, from: counts, formula: n ~ lpop:year | county, estimator: ppml, cluster: county, residuals: true}
",
    );
    study.run(&[]);
    let found = rows(
        &study,
        "select count(*) as n, sum(case when s.used then 1 else 0 end) as used, \
         sum(case when s.used = (r.residual is null) then 1 else 0 end) as wrong, \
         sum(case when s.reason = 'separated' then 1 else 0 end) as separated, min(m.n_obs) as n_obs, sum(r.residual) as total \
         from p.sample s join p.residuals r on r.county = s.county and r.year = s.year join p.models m on m.model = s.model",
    );
    let number = |name: &str| found[0][name].as_f64().unwrap_or(f64::NAN);
    assert_eq!((number("n"), number("wrong"), number("used")), (2500.0, 0.0, number("n_obs")));
    assert!(number("separated") > 0.0, "{found:?}");
}

/// Moran's I of METHODS 9.15: 1, 2, 4, 5 on a line, rows of the weights summing to 1, is 0.5 where -1/3 is expected.
#[test]
fn neighbours_can_be_a_table_of_pairs() {
    let line = "select * from (values (1, 1, 1.0), (2, 1, 2.0), (3, 1, 4.0), (4, 1, 5.0), (1, 2, 1.0), (2, 2, 2.0), (3, 2, 4.0)) as t(place, period, x)";
    let pairs = "select * from (values (1, 2), (2, 3), (3, 4), (4, 9)) as t(a, b)";
    let near = "select p.county as a, q.county as b from somewhere p cross join somewhere q \
                where p.county <> q.county and haversine_km(p.lat, p.lon, q.lat, q.lon) <= 150";
    let study = study(&format!(
        "  line: {{kind: sql, query: '{line}', key: [place, period]}}
  pairs: {{kind: sql, query: '{pairs}', key: [a, b]}}
  moran: {{kind: estimate, from: line, formula: x ~ 1, estimator: moran, moran: {{panel: [place, period], pairs: {{table: pairs, from: a, to: b}}, draws: 99}}}}
  places: {{kind: sql, query: 'select *, 30.0 + county % 97 / 10.0 as lat, 100.0 + county % 89 / 10.0 as lon from panel', key: [county, year]}}
  somewhere: {{kind: sql, query: 'select distinct county, lat, lon from places', key: [county]}}
  near: {{kind: sql, query: '{near}', key: [a, b]}}
  by_distance: {{kind: estimate, from: places, formula: lemp ~ treated | county + year, estimator: spatial_lag, spatial_lag: {{panel: [county, year], latitude: lat, longitude: lon, band: 150}}}}
  by_pairs: {{kind: estimate, from: places, formula: lemp ~ treated | county + year, estimator: spatial_lag, spatial_lag: {{panel: [county, year], pairs: {{table: near, from: a, to: b}}}}}}
"
    ));
    study.run(&[]);
    let found = rows(&study, "select term, estimate from moran.coefficients order by term");
    let number = |row: usize, name: &str| found[row][name].as_f64().unwrap_or(f64::NAN);
    assert_eq!(found[0]["term"], "moran_i::1");
    assert!((number(0, "estimate") - 0.5).abs() < 1e-12, "{found:?}");
    // The second period has no fourth place: 1, 2, 4 about 7/3, the ends with one neighbour, the middle with two.
    let (low, middle, high) = (-4.0 / 3.0, -1.0 / 3.0, 5.0 / 3.0);
    let second =
        (low * middle + middle * (low + high) / 2.0 + high * middle) / (low * low + middle * middle + high * high);
    assert!((number(1, "estimate") - second).abs() < 1e-12, "{second}: {found:?}");
    let local = rows(
        &study,
        "select quadrant, count(p_value) as p from moran.local where period = 1 group by quadrant order by quadrant",
    );
    assert_eq!(local.len(), 2, "{local:?}");
    let tests = rows(&study, "select statistic from moran.tests where test = 'expected:1'");
    assert!((tests[0]["statistic"].as_f64().unwrap_or(f64::NAN) + 1.0 / 3.0).abs() < 1e-15, "{tests:?}");
    let of = |stage: &str| {
        rows(&study, &format!("select term, estimate, std_error from {stage}.coefficients order by term"))
    };
    assert_eq!(of("by_distance"), of("by_pairs"));
}
