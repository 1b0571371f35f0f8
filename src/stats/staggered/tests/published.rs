//! Every number of R's `did` on its example, and those of METHODS 10.1 to 10.3.

use super::{castle, close, ehec, estimate, mpdta};
use crate::reference;
use crate::staggered::bacon::{Bacon, Comparison as Pair, Kind, bacon};
use crate::staggered::callaway_santanna::{Adjustment, CallawaySantAnna, Comparison, Options, callaway_santanna};
use crate::staggered::event_study::{EventStudyOptions, event_study};
use crate::staggered::imputation::imputation;
use crate::staggered::panel::Panel;
use crate::staggered::sun_abraham::sun_abraham;
use crate::staggered::two_stage::two_stage;
use crate::staggered::{Estimates, Place};

const AGGTE: &str = include_str!("../../../../tests/reference/did_aggte.csv");
const ATTGT: &str = include_str!("../../../../tests/reference/did_attgt.csv");
const PRETEST: &str = include_str!("../../../../tests/reference/did_pretest.csv");

/// R solves by QR, here by Cholesky in twice the precision: both keep 12 digits.
const DIGITS: f64 = 1e-12;

fn scenario(name: &str) -> CallawaySantAnna {
    let never = Options::default();
    let (panel, options) = match name {
        "mpdta_nev_dr" => (mpdta(""), never),
        "mpdta_nyt_dr" => (mpdta(""), Options { comparison: Comparison::NotYetTreated, ..never }),
        "mpdta_nev_reg_cov" => (mpdta("lpop + "), Options { adjustment: Adjustment::Regression, ..never }),
        "mpdta_nev_ipw" => (mpdta(""), Options { adjustment: Adjustment::Weighting, ..never }),
        other => panic!("no scenario `{other}`"),
    };
    callaway_santanna(panel, &options, None).expect(name)
}

#[test]
fn effects_by_cohort_and_period_are_those_of_did() {
    for row in reference::rows(ATTGT) {
        let number = |name: &str| -> f64 { row[name].parse().expect("a number") };
        let found = scenario(&row["scenario"]);
        let place = Place::CohortPeriod { cohort: number("group"), period: number("t") };
        let (found, std_error) = estimate(&found.cells, place);
        close(found, number("att"), DIGITS);
        close(std_error, number("se"), DIGITS);
    }
}

#[test]
fn averages_are_those_of_did() {
    for row in reference::rows(AGGTE) {
        let number = |name: &str| -> f64 { row[name].parse().expect("a number") };
        let found = scenario(&row["scenario"]);
        let (estimates, place): (&Estimates, fn(f64) -> Place) = match row["type"].as_str() {
            "simple" => (&found.simple, Place::Cohort),
            "dynamic" => (&found.dynamic, Place::EventTime),
            "group" => (&found.group, Place::Cohort),
            _ => (&found.calendar, Place::Period),
        };
        let (overall, std_error) = estimate(estimates, Place::Overall);
        close(overall, number("overall_att"), DIGITS);
        close(std_error, number("overall_se"), DIGITS);
        if row["egt"] != "NA" {
            let (found, std_error) = estimate(estimates, place(number("egt")));
            close(found, number("att_egt"), DIGITS);
            close(std_error, number("se_egt"), DIGITS);
        }
    }
}

#[test]
fn the_test_before_the_treatment_is_that_of_did() {
    for row in reference::rows(PRETEST) {
        let number = |name: &str| -> f64 { row[name].parse().expect("a number") };
        let found = scenario(&row["scenario"]).cells.tests[0].clone();
        close(found.statistic, number("W"), 1e-9);
        assert_eq!(found.freedom, 5);
        // Printed to five digits.
        close(found.p_value, number("Wpval"), 5.1e-6);
    }
}

#[test]
fn doubly_robust_effects_with_a_covariate() {
    let found = callaway_santanna(mpdta("lpop + "), &Options::default(), None).expect("a fit");
    for (estimates, expected, std_error) in [
        (&found.simple, -0.0417517721, 0.0115028382),
        (&found.dynamic, -0.0803539497, 0.0189575572),
        (&found.group, -0.0328195972, 0.0118981787),
    ] {
        let overall = estimate(estimates, Place::Overall);
        close(overall.0, expected, 5.1e-11);
        close(overall.1, std_error, 5.1e-11);
    }
}

#[test]
fn interaction_weighted_effects() {
    let found = sun_abraham(mpdta("")).expect("mpdta").estimates;
    let (overall, std_error) = estimate(&found, Place::Overall);
    close(overall, -0.0399512752, 5.1e-11);
    close(std_error, 0.0117962774, 5.1e-11);
    let found = sun_abraham(castle()).expect("castle").estimates;
    let (overall, std_error) = estimate(&found, Place::Overall);
    close(overall, 0.1103830355, 5.1e-11);
    close(std_error, 0.0413168897, 5.1e-11);
    if let Some(panel) = ehec() {
        let found = sun_abraham(panel).expect("ehec").estimates;
        let (overall, std_error) = estimate(&found, Place::Overall);
        close(overall, 0.0668019339, 5.1e-11);
        close(std_error, 0.0086550252, 5.1e-11);
    }
}

#[test]
fn effects_on_castle_and_ehec() {
    let not_yet = Options { comparison: Comparison::NotYetTreated, ..Options::default() };
    let simple = |options: &Options| {
        let found = callaway_santanna(castle(), options, None).expect("castle");
        estimate(&found.simple, Place::Overall).0
    };
    close(simple(&Options::default()), 0.1103830355, 5.1e-11);
    close(simple(&not_yet), 0.1093549584, 5.1e-11);
    let Some(panel) = ehec() else { return };
    let found = callaway_santanna(panel.clone(), &not_yet, None).expect("ehec");
    let (overall, std_error) = estimate(&found.simple, Place::Overall);
    close(overall, 0.0679832683, 5.1e-11);
    // Printed to two digits, by bootstrap.
    close(std_error, 0.0077, 5.1e-4);
    close(estimate(&found.dynamic, Place::Overall).0, 0.0688253799, 5.1e-11);
    // Published from the data in single precision; the file has its outcome to seven digits.
    close(estimate(&found.cells, Place::CohortPeriod { cohort: 2014.0, period: 2014.0 }).0, 0.04670243, 2e-8);
    let found = callaway_santanna(panel, &Options::default(), None).expect("ehec");
    close(estimate(&found.dynamic, Place::Overall).0, 0.0677049651, 5.1e-11);
}

#[test]
fn the_two_way_estimate_is_decomposed() {
    use Kind::{EarlierWithLater, LaterWithEarlier, TreatedWithNever};
    // Weights and averages per kind, the two-way estimate, and the digits that are printed.
    let check = |found: Bacon, kinds: [(Kind, f64, f64); 3], two_way: f64, printed: f64| {
        assert_eq!(found.kinds.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(), kinds.map(|(kind, ..)| kind));
        for ((_, weight, average), (_, expected_weight, expected_average)) in found.kinds.iter().zip(kinds) {
            close(*weight, expected_weight, printed);
            close(*average, expected_average, printed);
        }
        close(found.two_way, two_way, 5.1e-11);
        close(found.comparisons.iter().map(|comparison| comparison.weight).sum(), 1.0, 1e-15);
        found
    };
    check(
        bacon(&mpdta("")).expect("mpdta"),
        [
            (TreatedWithNever, 0.8627744, -0.0407397),
            (EarlierWithLater, 0.0833014, -0.0197838),
            (LaterWithEarlier, 0.0539242, 0.0046037),
        ],
        -0.0365489367,
        5.1e-8,
    );
    let found = check(
        bacon(&castle()).expect("castle"),
        [
            (TreatedWithNever, 0.9083385711, 0.0879624912),
            (EarlierWithLater, 0.0597632516, -0.0055419788),
            (LaterWithEarlier, 0.0318981772, 0.0703206344),
        ],
        0.0818116169306475,
        5.1e-11,
    );
    let largest = found.comparisons.iter().find(|comparison| comparison.treated == 2006.0).expect("2006");
    assert_eq!(largest.comparison, None);
    close(largest.weight, 0.5923947, 5.1e-8);
    let Some(panel) = ehec() else { return };
    let found = check(
        bacon(&panel).expect("ehec"),
        [
            (TreatedWithNever, 0.79262, 0.07228),
            (EarlierWithLater, 0.14911, 0.06983),
            (LaterWithEarlier, 0.05827, 0.04486),
        ],
        0.0703206738,
        5.1e-6,
    );
    let pair = |comparison: Option<f64>| {
        let is = |found: &&Pair| found.treated == 2014.0 && found.comparison == comparison;
        found.comparisons.iter().find(is).expect("a pair").clone()
    };
    close(pair(None).estimate, 0.074935691, 1e-8);
    close(pair(None).weight, 0.6215420836, 5.1e-11);
    close(pair(Some(2016.0)).estimate, 0.050191048, 1e-8);
    close(pair(Some(2016.0)).weight, 0.0258975868, 5.1e-11);
}

#[test]
fn imputed_effects() {
    let check = |panel: Panel, expected: f64, imputed: f64, staged: f64| {
        let found = imputation(panel.clone(), 0).expect("a fit").estimates;
        let (overall, std_error) = estimate(&found, Place::Overall);
        close(overall, expected, 5.1e-11);
        close(std_error, imputed, 5.1e-11);
        let (overall, std_error) = estimate(&two_stage(panel).expect("a fit").overall, Place::Overall);
        close(overall, expected, 5.1e-11);
        close(std_error, staged, 5.1e-11);
        found
    };
    let found = check(mpdta(""), -0.0477099183, 0.0132224887, 0.0134784088);
    for (time, expected) in [(0.0, -0.031067), (1.0, -0.052235), (2.0, -0.136078), (3.0, -0.104707)] {
        close(estimate(&found, Place::EventTime(time)).0, expected, 5.1e-7);
    }
    check(castle(), 0.0798015472, 0.0608839795, 0.0609789881);
    if let Some(panel) = ehec() {
        check(panel, 0.0733652654, 0.0078001082, 0.0078211672);
    }
}

/// METHODS 10.2, the input of its sensitivity analysis: the cohort of 2014 before 2016, without that of 2015.
#[test]
fn the_two_way_event_study() {
    let Some(panel) = ehec() else { return };
    let panel = panel
        .keeping("for this test", |panel, row| {
            let cohort = panel.cohort_of(row).map(|cohort| cohort.first);
            panel.periods[panel.period[row] as usize] < 2016.0 && cohort != Some(2015.0)
        })
        .expect("a panel");
    let found = event_study(&panel, &EventStudyOptions::default()).expect("a fit");
    assert_eq!((found.n_obs, found.n_clusters), (344, 43));
    for (year, expected, std_error) in [
        (2008.0, -0.0052854, 0.0086536),
        (2009.0, -0.0112973, 0.0085244),
        (2010.0, -0.0026760, 0.0071078),
        (2011.0, -0.0014193, 0.0063271),
        (2012.0, 0.0003397, 0.0073910),
        (2014.0, 0.0464469, 0.0091519),
        (2015.0, 0.0692062, 0.0103501),
    ] {
        let (found, found_error) = estimate(&found, Place::EventTime(year - 2014.0));
        // The published run read the outcome in single precision.
        close(found, expected, 1.1e-7);
        close(found_error, std_error, 1.1e-7);
    }
    assert_eq!((found.tests[0].freedom, found.tests[0].denominator), (5, Some(42.0)));
}
