//! Stacks: the numbers of METHODS 10.1 and 10.2, and what weights make of them.

use super::{close, ehec, estimate, mpdta};
use crate::staggered::Place;
use crate::staggered::panel::Panel;
use crate::staggered::stacked::{StackWeighting, Stacked, StackedOptions, stacked};
use crate::twofold;

fn fit(panel: Panel, before: f64, after: f64, weighting: StackWeighting) -> Stacked {
    stacked(panel, &StackedOptions { before, after, weighting }).expect("a fit")
}

#[test]
fn stacked_effects() {
    for (before, after, expected, n_obs) in
        [(1.0, 0.0, -0.0175701336, 2840), (2.0, 0.0, -0.0286914870, 2760), (1.0, 1.0, -0.0320273746, 2547)]
    {
        let found = fit(mpdta(""), before, after, StackWeighting::Variance);
        close(estimate(&found.overall, Place::Overall).0, expected, 5.1e-11);
        assert_eq!(found.overall.n_obs, n_obs);
    }
    if let Some(panel) = ehec() {
        for (before, expected, n_obs) in [(3.0, 0.0649246412, 594), (5.0, 0.0674046210, 792)] {
            let found = fit(panel.clone(), before, 2.0, StackWeighting::Variance);
            close(estimate(&found.overall, Place::Overall).0, expected, 5.1e-11);
            assert_eq!(found.overall.n_obs, n_obs);
        }
    }
}

/// The mean change of units from one year to another.
fn change(panel: &Panel, is_wanted: &dyn Fn(Option<f64>) -> bool, years: [f64; 2]) -> f64 {
    let at = |year: f64| panel.periods.iter().position(|period| *period == year).expect("a period");
    let is_wanted_unit = |unit: &&crate::staggered::panel::Unit| {
        is_wanted(unit.cohort.map(|cohort| panel.cohorts[cohort as usize].first))
    };
    let changes: Vec<f64> = panel
        .units
        .iter()
        .filter(is_wanted_unit)
        .map(|unit| panel.outcome[unit.rows.start + at(years[1])] - panel.outcome[unit.rows.start + at(years[0])])
        .collect();
    twofold::mean(&changes)
}

/// With corrected weights each event time has the average over treated units of the differences of the stacks.
#[test]
fn corrected_weights_count_treated_units() {
    let panel = mpdta("");
    let found = fit(panel.clone(), 1.0, 1.0, StackWeighting::Treated);
    let sizes: Vec<f64> = found.stacks.iter().map(|stack| stack.n_treated as f64).collect();
    let cohorts: Vec<f64> = found.stacks.iter().map(|stack| stack.cohort).collect();
    assert_eq!((cohorts.as_slice(), sizes.as_slice()), (&[2004.0, 2006.0][..], &[20.0, 40.0][..]));
    assert_eq!(found.skipped[0].0, Place::Cohort(2007.0));
    let mut overall = 0.0;
    for time in [0.0, 1.0] {
        let of_stack = |cohort: &f64| {
            let years = [cohort - 1.0, cohort + time];
            let is_clean = |first: Option<f64>| first.is_none_or(|first| first > cohort + 1.0);
            change(&panel, &|first| first == Some(*cohort), years) - change(&panel, &is_clean, years)
        };
        let differences: Vec<f64> = cohorts.iter().map(of_stack).collect();
        let expected = twofold::weighted_mean(&differences, &sizes);
        close(estimate(&found.dynamic, Place::EventTime(time)).0, expected, 1e-14);
        overall += expected / 2.0;
    }
    close(estimate(&found.overall, Place::Overall).0, overall, 1e-14);
    // Without the correction a stack counts by the variance of its treatment.
    let plain = fit(panel, 1.0, 1.0, StackWeighting::Variance);
    assert!((estimate(&plain.overall, Place::Overall).0 - overall).abs() > 1e-4);
}

#[test]
fn windows_that_do_not_fit_are_told() {
    let run = |before, after| {
        stacked(mpdta(""), &StackedOptions { before, after, weighting: StackWeighting::Variance }).map(|_| ())
    };
    for (before, after, message) in [
        (0.0, 1.0, "the option `before` is 0: it should be more than 0 periods"),
        (1.0, -1.0, "the option `after` is -1: it should be 0 or more periods"),
        (f64::NAN, 1.0, "the option `before` is NaN: it should be more than 0 periods"),
        (
            4.0,
            1.0,
            "no group has a comparison: `cohort::2004`: the periods 2003 to 2007 do not cover 2000 to 2005; \
             `cohort::2006`: the periods 2003 to 2007 do not cover 2002 to 2007; \
             `cohort::2007`: the periods 2003 to 2007 do not cover 2003 to 2008",
        ),
    ] {
        assert_eq!(run(before, after).expect_err(message).to_string(), message);
    }
    let treated = mpdta("").keeping("for this test", |panel, row| panel.cohort_of(row).is_some()).expect("a panel");
    let found = fit(treated, 1.0, 0.0, StackWeighting::Variance);
    // The last cohort has no comparison.
    assert_eq!(found.skipped, [(Place::Cohort(2007.0), "no unit is treated after 2007 or never".to_string())]);
    assert_eq!(found.overall.n_obs, 2 * (191 + 171));
}
