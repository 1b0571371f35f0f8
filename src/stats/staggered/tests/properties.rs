//! What must not change an estimate, and what must change it by a known amount.

use super::{MPDTA, close, estimate, options, panel};
use crate::random::Random;
use crate::reference::Frame;
use crate::staggered::bacon::bacon;
use crate::staggered::callaway_santanna::{
    Adjustment, Bootstrap, CallawaySantAnna, Comparison, MissingRows, Multiplier, Options, callaway_santanna,
};
use crate::staggered::event_study::{EventStudyOptions, event_study};
use crate::staggered::imputation::imputation;
use crate::staggered::panel::{Panel, PanelOptions, Treatment};
use crate::staggered::sun_abraham::sun_abraham;
use crate::staggered::two_stage::two_stage;
use crate::staggered::{Estimates, Place};

const SIMULATED: &str = include_str!("../../../../tests/reference/data/staggered.csv");

fn simulated(frame: &Frame, weights: Option<&str>, cluster: Option<&str>) -> Panel {
    let options = PanelOptions {
        weights: weights.map(str::to_string),
        cluster: cluster.map(str::to_string),
        ..options(Treatment::FirstPeriod("first".to_string()))
    };
    panel(frame, "y ~ first + x + z | unit + period", &options).expect("a panel")
}

fn rows(adjustment: Adjustment) -> Options {
    Options { adjustment, missing_rows: MissingRows::CrossSections, ..Options::default() }
}

fn sets(found: &CallawaySantAnna) -> [&Estimates; 5] {
    [&found.cells, &found.simple, &found.dynamic, &found.group, &found.calendar]
}

fn bits(estimates: &Estimates) -> Vec<u64> {
    let numbers = estimates.coefficients().flat_map(|coefficient| [coefficient.estimate, coefficient.std_error]);
    numbers.chain(estimates.vcov.iter().flatten().copied()).map(f64::to_bits).collect()
}

#[test]
fn the_order_of_the_rows_does_not_show() {
    let frame = Frame::read(SIMULATED);
    let order: Vec<usize> = (0..frame.rows()).map(|row| row * 101 % frame.rows()).collect();
    let all = |frame: &Frame| -> Vec<u64> {
        let panel = simulated(frame, Some("w"), Some("region"));
        let mut numbers = Vec::new();
        let found = callaway_santanna(panel.clone(), &rows(Adjustment::DoublyRobust), None).expect("a fit");
        sets(&found).iter().for_each(|set| numbers.extend(bits(set)));
        let found = callaway_santanna(panel.clone(), &Options::default(), None).expect("a fit");
        sets(&found).iter().for_each(|set| numbers.extend(bits(set)));
        numbers.extend(bits(&event_study(&panel, &EventStudyOptions::default()).expect("a fit")));
        numbers.extend(bits(&sun_abraham(panel.clone()).expect("a fit").estimates));
        numbers.extend(bits(&imputation(panel.clone(), 2).expect("a fit").estimates));
        numbers.extend(bits(&two_stage(panel).expect("a fit").dynamic));
        numbers
    };
    assert_eq!(all(&frame), all(&frame.reordered(&order)));
}

/// An influence is the derivative of an estimate by the weight of a unit: here by differences of weights. The derivative
/// through the shares of cohorts is in it too.
#[test]
fn influences_are_derivatives() {
    const STEP: f64 = 1e-4;
    let frame = Frame::read(SIMULATED);
    let ones = vec![Some(1.0); frame.rows()];
    let every: Vec<usize> = (0..frame.rows()).collect();
    let units = simulated(&frame, None, None).units;
    for (adjustment, missing_rows, comparison) in [
        (Adjustment::Regression, MissingRows::LeaveOutUnits, Comparison::NeverTreated),
        (Adjustment::Weighting, MissingRows::LeaveOutUnits, Comparison::NotYetTreated),
        (Adjustment::DoublyRobust, MissingRows::LeaveOutUnits, Comparison::NeverTreated),
        (Adjustment::Regression, MissingRows::CrossSections, Comparison::NotYetTreated),
        (Adjustment::Weighting, MissingRows::CrossSections, Comparison::NeverTreated),
        (Adjustment::DoublyRobust, MissingRows::CrossSections, Comparison::NeverTreated),
    ] {
        let options = Options { adjustment, missing_rows, comparison, ..Options::default() };
        let with = |weights: Vec<Option<f64>>| {
            let frame = frame.reordered(&every).with("one", weights);
            callaway_santanna(simulated(&frame, Some("one"), None), &options, None).expect("a fit")
        };
        let base = with(ones.clone());
        // Units that are used, in the order of their labels: clusters are units here.
        let panel = simulated(&frame, None, None).without_always_treated().expect("a panel");
        let panel = match missing_rows {
            MissingRows::LeaveOutUnits => panel.balanced_part().expect("a panel"),
            MissingRows::CrossSections => panel,
        };
        for cluster in [0, 7, 23, 41] {
            let label = &panel.units[cluster].label;
            let unit = units.iter().position(|unit| unit.label == *label).expect("a unit");
            let mut own = vec![false; frame.rows()];
            let whole = simulated(&frame, None, None);
            units[unit].rows.clone().for_each(|row| own[whole.origin[row]] = true);
            let moved = |step: f64| with(own.iter().map(|own| Some(if *own { 1.0 + step } else { 1.0 })).collect());
            let (up, down) = (moved(STEP), moved(-STEP));
            for ((base, up), down) in sets(&base).iter().zip(sets(&up)).zip(sets(&down)) {
                for (index, effect) in base.effects.iter().enumerate() {
                    let change = up.effects[index].coefficient.estimate - down.effects[index].coefficient.estimate;
                    let difference = (change / (2.0 * STEP) - base.influence[index][cluster]).abs();
                    let place = format!("{adjustment:?} {missing_rows:?} `{}` {label}", effect.place);
                    assert!(difference < 2e-6 * effect.coefficient.std_error.max(1e-3), "{place}: {difference:e}");
                }
            }
        }
    }
}

#[test]
fn clusters_add_the_influences_of_their_units() {
    let frame = Frame::read(SIMULATED);
    let regions = simulated(&frame, None, Some("region"));
    let used = regions.clone().without_always_treated().expect("a panel");
    let by_unit =
        callaway_santanna(simulated(&frame, None, None), &rows(Adjustment::DoublyRobust), None).expect("a fit");
    let by_region = callaway_santanna(regions, &rows(Adjustment::DoublyRobust), None).expect("a fit");
    assert_eq!(by_region.simple.n_clusters, 18);
    for (unit, region) in sets(&by_unit).iter().zip(sets(&by_region)) {
        for (of_unit, of_region) in unit.influence.iter().zip(&region.influence) {
            let mut sums = [0.0; 18];
            used.units.iter().zip(of_unit).for_each(|(unit, influence)| sums[unit.cluster as usize] += influence);
            sums.iter().zip(of_region).for_each(|(sum, influence)| close(*sum, *influence, 1e-15));
        }
    }
}

#[test]
fn a_bootstrap_agrees_with_the_influence_functions_and_depends_on_its_seed_alone() {
    let panel = || {
        let options = options(Treatment::FirstPeriod("first.treat".to_string()));
        panel(&Frame::read(MPDTA), "lemp ~ first.treat + lpop | countyreal + year", &options).expect("a panel")
    };
    let bootstrap = |seed, multiplier| Bootstrap { draws: 4000, multiplier, random: Random::new(seed, 1) };
    let fit = |bootstrap: &Bootstrap| callaway_santanna(panel(), &Options::default(), Some(bootstrap)).expect("a fit");
    for multiplier in [Multiplier::Rademacher, Multiplier::Mammen] {
        let found = fit(&bootstrap(1, multiplier));
        for set in sets(&found) {
            let errors = set.bootstrap.clone().expect("asked for");
            for (effect, error) in set.effects.iter().zip(&errors.std_errors) {
                let ratio = error / effect.coefficient.std_error;
                // The interquartile range of 4,000 draws has a standard error of about 2 %, and a sum over the 20 counties
                // of the first cohort is not quite normal.
                assert!((0.88..1.12).contains(&ratio), "{multiplier:?} {}: {ratio}", effect.place);
                if let Some([low, high]) = effect.band {
                    let width = high - low;
                    // The band of several effects is wider than any one interval.
                    assert!(
                        width > 1.05 * 2.0 * 1.96 * error && width < 2.0 * 4.0 * error,
                        "{}: {width}",
                        effect.place
                    );
                }
            }
            assert_eq!(
                set.effects.iter().filter(|effect| effect.band.is_none()).count(),
                usize::from(set.effects[0].place == Place::Overall)
            );
        }
        let again = fit(&bootstrap(1, multiplier));
        assert_eq!(found.dynamic.bootstrap, again.dynamic.bootstrap);
        assert_ne!(found.dynamic.bootstrap, fit(&bootstrap(2, multiplier)).dynamic.bootstrap);
    }
}

#[test]
fn methods_that_are_equal_by_theorem_are_equal() {
    let options = options(Treatment::FirstPeriod("first.treat".to_string()));
    let counties = panel(&Frame::read(MPDTA), "lemp ~ first.treat | countyreal + year", &options).expect("a panel");
    let att = |estimates: &Estimates| estimate(estimates, Place::Overall).0;
    let never = callaway_santanna(counties.clone(), &Options::default(), None).expect("a fit");
    close(att(&sun_abraham(counties.clone()).expect("a fit").estimates), att(&never.simple), 1e-15);
    let imputed = imputation(counties.clone(), 0).expect("a fit").estimates;
    close(att(&two_stage(counties.clone()).expect("a fit").overall), att(&imputed), 1e-15);
    // With one cohort all of them are the two-by-two difference.
    let one = counties
        .keeping("for this test", |panel, row| panel.cohort_of(row).is_none_or(|cohort| cohort.first == 2007.0))
        .expect("a panel");
    let plain = bacon(&one).expect("a fit").two_way;
    close(att(&imputation(one.clone(), 0).expect("a fit").estimates), plain, 1e-15);
    // The two-way event study has one base instead of all periods before.
    let universal = callaway_santanna(one.clone(), &Options::default(), None).expect("a fit");
    let study = event_study(&one, &EventStudyOptions::default()).expect("a fit");
    close(estimate(&study, Place::EventTime(0.0)).0, att(&universal.simple), 1e-14);
}

#[test]
fn ends_can_be_binned() {
    let frame = Frame::read(SIMULATED);
    let panel = simulated(&frame, None, None);
    let options = EventStudyOptions { reference: None, bin_up_to: Some(-3.0), bin_from: Some(2.0) };
    let found = event_study(&panel, &options).expect("a fit");
    let terms: Vec<&str> = found.coefficients().map(|coefficient| coefficient.term.as_str()).collect();
    assert_eq!(terms, ["event_time::<=-3", "event_time::-2", "event_time::0", "event_time::1", "event_time::>=2"]);
    assert_eq!(found.tests[0].freedom, 2);
    for (options, message) in [
        (
            EventStudyOptions { bin_up_to: Some(2.0), ..options.clone() },
            "the option `bin_up_to` is 2: it should be below `bin_from`",
        ),
        (
            EventStudyOptions { reference: Some(99.5), bin_from: None, ..options },
            "the option `reference` is 99.5: no row has that event time",
        ),
    ] {
        assert_eq!(event_study(&panel, &options).map(|_| ()).expect_err(message).to_string(), message);
    }
}
