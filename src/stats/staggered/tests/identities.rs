//! Methods that are equal by theorem, or are computed again from their definition.

use super::{MPDTA, close, estimate, mpdta, options, panel};
use crate::reference::Frame;
use crate::staggered::callaway_santanna::{Adjustment, Base, Comparison, MissingRows, Options, callaway_santanna};
use crate::staggered::chaisemartin_dhaultfoeuille::{SwitcherOptions, chaisemartin_dhaultfoeuille};
use crate::staggered::extended::extended;
use crate::staggered::imputation::imputation;
use crate::staggered::local_projections::{BaseOutcome, HorizonWeighting, LocalProjectionsOptions, local_projections};
use crate::staggered::panel::{Panel, Treatment};
use crate::staggered::stacked::{StackWeighting, StackedOptions, stacked};
use crate::staggered::synthetic::{SyntheticErrors, synthetic};
use crate::staggered::two_way_weights::two_way_weights;
use crate::staggered::{Estimates, Place};
use crate::twofold;

const NOT_YET: Options = Options {
    comparison: Comparison::NotYetTreated,
    base: Base::Universal,
    adjustment: Adjustment::DoublyRobust,
    anticipation: 0.0,
    missing_rows: MissingRows::LeaveOutUnits,
    balance: None,
    min_event_time: None,
    max_event_time: None,
};

const PROJECTIONS: LocalProjectionsOptions = LocalProjectionsOptions {
    before: 4,
    after: 3,
    weighting: HorizonWeighting::Equal,
    base: BaseOutcome::LastPeriod,
    comparison: Comparison::NotYetTreated,
};

fn point(estimates: &Estimates, place: Place) -> f64 {
    estimate(estimates, place).0
}

/// METHODS 9.9 and 10.1.
#[test]
fn effects_of_switching_are_those_of_callaway_and_santanna() {
    let found = chaisemartin_dhaultfoeuille(mpdta(""), &SwitcherOptions { effects: 4, placebos: 3 }).expect("a fit");
    let expected = callaway_santanna(mpdta(""), &NOT_YET, None).expect("a fit").dynamic;
    for (time, printed) in [(0.0, -0.0189222), (1.0, -0.0535893), (2.0, -0.1362743), (3.0, -0.1008114)] {
        close(point(&found, Place::EventTime(time)), point(&expected, Place::EventTime(time)), 1e-15);
        close(point(&found, Place::EventTime(time)), printed, 5.1e-8);
    }
    // The average effect counts switchers: 191, 60, 20 and 20 of them.
    let effects: Vec<f64> = (0..4).map(|time| point(&expected, Place::EventTime(f64::from(time)))).collect();
    close(point(&found, Place::Overall), twofold::weighted_mean(&effects, &[191.0, 60.0, 20.0, 20.0]), 1e-15);
    // No placebo where the comparison of its effect has switched.
    assert_eq!(found.effect(Place::EventTime(-2.0)).map(|effect| effect.n_treated), Some(171));
    assert_eq!(found.effect(Place::EventTime(-3.0)).map(|effect| effect.n_treated), Some(40));
    assert_eq!(found.effect(Place::EventTime(-4.0)), None);
    let tests: Vec<(&str, usize)> = found.tests.iter().map(|test| (test.what, test.freedom)).collect();
    assert_eq!(tests, [("effects before the treatment", 2), ("effects of the treatment", 4)]);
}

#[test]
fn options_of_switching_that_cannot_be_are_told() {
    for (effects, placebos, message) in [
        (0, 0, "the option `effects` is 0: there should be 1 or more"),
        (1, 2, "the option `placebos` is 2: it should not be more than `effects`"),
    ] {
        let error = chaisemartin_dhaultfoeuille(mpdta(""), &SwitcherOptions { effects, placebos });
        assert_eq!(error.map(|_| ()).expect_err(message).to_string(), message);
    }
}

/// Dube, Girardi, Jordà & Taylor (2025), §4.2.
#[test]
fn equally_weighted_projections_are_effects_of_callaway_and_santanna() {
    let found = local_projections(mpdta(""), &PROJECTIONS).expect("a fit");
    let expected = callaway_santanna(mpdta(""), &NOT_YET, None).expect("a fit").dynamic;
    for time in [-4.0, -3.0, -2.0, 0.0, 1.0, 2.0, 3.0] {
        close(point(&found.dynamic, Place::EventTime(time)), point(&expected, Place::EventTime(time)), 1e-15);
    }
    // With a covariate, the comparison's coefficient enters.
    let adjusted = local_projections(mpdta("lpop + "), &PROJECTIONS).expect("a fit");
    assert!(
        (point(&adjusted.dynamic, Place::EventTime(0.0)) - point(&found.dynamic, Place::EventTime(0.0))).abs() > 1e-4
    );
    // A constant base moves every horizon by the same.
    let mean_before = LocalProjectionsOptions { base: BaseOutcome::MeanBefore, ..PROJECTIONS };
    let one = cohort_of_2007();
    let last = local_projections(one.clone(), &PROJECTIONS).expect("a fit").dynamic;
    assert!(last.warnings.iter().any(|warning| warning.starts_with("no pooled effect: `att`: no period")));
    let mean = local_projections(one, &mean_before).expect("a fit").dynamic;
    let shift = |time: f64| point(&mean, Place::EventTime(time)) - point(&last, Place::EventTime(time));
    close(shift(0.0), shift(-3.0), 1e-15);
    let leads: f64 = [-4.0, -3.0, -2.0].iter().map(|time| point(&last, Place::EventTime(*time))).sum();
    close(shift(0.0), -leads / 4.0, 1e-15);
}

fn cohort_of_2007() -> Panel {
    mpdta("")
        .keeping("for this test", |panel, row| panel.cohort_of(row).is_none_or(|cohort| cohort.first == 2007.0))
        .expect("a panel")
}

/// Wooldridge (2025), §5 and §6.
#[test]
fn extended_effects_are_imputed_or_those_of_callaway_and_santanna() {
    let found = extended(mpdta(""), Comparison::NotYetTreated).expect("a fit");
    let imputed = imputation(mpdta(""), 0).expect("a fit");
    for effect in &imputed.estimates.effects {
        close(point(&found.estimates, effect.place), effect.coefficient.estimate, 1e-14);
    }
    for effect in &imputed.cohorts.effects {
        close(point(&found.cohorts, effect.place), effect.coefficient.estimate, 1e-14);
    }
    let found = extended(mpdta(""), Comparison::NeverTreated).expect("a fit");
    let never = Options { comparison: Comparison::NeverTreated, ..NOT_YET };
    let expected = callaway_santanna(mpdta(""), &never, None).expect("a fit");
    for effect in expected.cells.effects.iter().chain(&expected.dynamic.effects) {
        let set = if matches!(effect.place, Place::EventTime(_)) { &found.estimates } else { &found.cells };
        if effect.place != Place::Overall {
            close(point(set, effect.place), effect.coefficient.estimate, 1e-14);
        }
    }
    close(point(&found.estimates, Place::Overall), point(&expected.simple, Place::Overall), 1e-14);
    // With a constant covariate, its coefficients by period and cohort are those of regression adjustment.
    let adjusted = Options { adjustment: Adjustment::Regression, ..never };
    let found = extended(mpdta("lpop + "), Comparison::NeverTreated).expect("a fit");
    let expected = callaway_santanna(mpdta("lpop + "), &adjusted, None).expect("a fit");
    for effect in &expected.cells.effects {
        close(point(&found.cells, effect.place), effect.coefficient.estimate, 1e-12);
    }
}

/// The two-way estimate of an outcome that is nothing but effects is the sum of weights times effects.
#[test]
fn weights_of_the_two_way_estimate_are_those_of_the_effects() {
    let weights = two_way_weights(&mpdta("")).expect("weights");
    close(weights.estimate, -0.0365489367, 5.1e-11);
    assert_eq!(weights.n_weights, 291);
    assert_eq!(weights.cells.len(), 7);
    close(weights.cells.iter().map(|cell| cell.weight).sum(), 1.0, 1e-14);
    let frame = Frame::read(MPDTA);
    let effect = |row: usize| {
        let (first, year) = (frame.numbers("first.treat")[row]?, frame.numbers("year")[row]?);
        Some(if first > 0.0 && year >= first { (first - 2000.0) * (year - 2002.0).sqrt() } else { 0.0 })
    };
    let effects = (0..frame.rows()).map(effect).collect();
    let options = options(Treatment::FirstPeriod("first.treat".to_string()));
    let frame = Frame::read(MPDTA).with("effect", effects);
    let only = panel(&frame, "effect ~ first.treat | countyreal + year", &options).expect("a panel");
    let expected =
        weights.cells.iter().map(|cell| cell.weight * (cell.cohort - 2000.0) * (cell.period - 2002.0).sqrt()).sum();
    close(two_way_weights(&only).expect("weights").estimate, expected, 1e-13);
    // The first cohort in the last year, when most others are treated.
    let negative: Vec<(f64, f64)> =
        weights.cells.iter().filter(|cell| cell.weight < 0.0).map(|cell| (cell.cohort, cell.period)).collect();
    assert_eq!((negative.as_slice(), weights.n_negative), (&[(2004.0, 2007.0)][..], 20));
    // With one cohort all weights are equal, and no effects, however different, turn the sign.
    let weights = two_way_weights(&cohort_of_2007()).expect("weights");
    assert_eq!((weights.n_negative, weights.sum_negative), (0, 0.0));
    assert_eq!((weights.std_dev_zero, weights.std_dev_opposite), (None, None));
}

/// All methods at once, as bits or errors.
fn all(panel: &Panel) -> Vec<Result<Vec<u64>, String>> {
    let bits = |estimates: &Estimates| -> Vec<u64> {
        let numbers = estimates.coefficients().flat_map(|coefficient| [coefficient.estimate, coefficient.std_error]);
        numbers.map(f64::to_bits).collect()
    };
    let window = StackedOptions { before: 1.0, after: 0.0, weighting: StackWeighting::Treated };
    let switcher = SwitcherOptions { effects: 1, placebos: 1 };
    let projections = LocalProjectionsOptions { after: 0, ..PROJECTIONS };
    let stacks = stacked(panel.clone(), &window).map(|found| bits(&found.overall));
    let switchers = chaisemartin_dhaultfoeuille(panel.clone(), &switcher).map(|found| bits(&found));
    let projected = local_projections(panel.clone(), &projections).map(|found| bits(&found.dynamic));
    let extended = extended(panel.clone(), Comparison::NotYetTreated).map(|found| bits(&found.estimates));
    let weights = two_way_weights(panel).map(|found| vec![found.estimate.to_bits()]);
    let synthetic = synthetic(panel.clone(), &SyntheticErrors::Jackknife).map(|found| bits(&found.estimates));
    let found = [stacks, switchers, projected, extended, weights, synthetic];
    found.into_iter().map(|found| found.map_err(|error| error.to_string())).collect()
}

fn simple(csv: &str) -> Panel {
    let options = options(Treatment::FirstPeriod("first".to_string()));
    panel(&Frame::read(csv), "y ~ first | unit + period", &options).expect("a panel")
}

#[test]
fn the_order_of_the_rows_does_not_show() {
    let frame = Frame::read(MPDTA);
    let order: Vec<usize> = (0..frame.rows()).map(|row| row * 101 % frame.rows()).collect();
    let options = options(Treatment::FirstPeriod("first.treat".to_string()));
    let read =
        |frame: &Frame| panel(frame, "lemp ~ first.treat + lpop | countyreal + year", &options).expect("a panel");
    let found = all(&read(&frame));
    assert!(found.iter().all(Result::is_ok), "{found:?}");
    assert_eq!(found, all(&read(&frame.reordered(&order))));
}

#[test]
fn two_periods_are_one_difference() {
    let two = simple("unit,period,first,y\na,1,2,1\na,2,2,4\nb,1,2,2\nb,2,2,3\nc,1,,1\nc,2,,2\nd,1,,5\nd,2,,5.5\n");
    let found = all(&two);
    for found in &found[..5] {
        close(f64::from_bits(found.as_ref().expect("a fit")[0]), 1.25, 1e-14);
    }
    let error = "no group has a comparison: one period before the treatment of 2, and weights need two";
    assert_eq!(found[5], Err(error.to_string()));
}

#[test]
fn without_a_comparison_there_is_an_error() {
    let together = simple("unit,period,first,y\na,1,3,1\na,2,3,4\na,3,3,4\nb,1,3,2\nb,2,3,3\nb,3,3,3.5\n");
    for found in all(&together) {
        let error = found.expect_err("no comparison");
        let is_told = error.starts_with("no group has a comparison") || error.starts_with("no unit is never treated");
        assert!(is_told, "{error}");
    }
    let treated = mpdta("").keeping("for this test", |panel, row| panel.cohort_of(row).is_some()).expect("a panel");
    let never = "no unit is never treated in the periods 2003 to 2007";
    let only = LocalProjectionsOptions { comparison: Comparison::NeverTreated, ..PROJECTIONS };
    assert_eq!(extended(treated.clone(), Comparison::NeverTreated).map(|_| ()).expect_err(never).to_string(), never);
    assert_eq!(local_projections(treated.clone(), &only).map(|_| ()).expect_err(never).to_string(), never);
    let found = extended(treated, Comparison::NotYetTreated).expect("a fit");
    assert!(found.estimates.warnings.iter().any(|warning| warning.contains("in 2007, is the comparison")));
}
