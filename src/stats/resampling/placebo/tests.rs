//! Drawn treatments against the model fitted again with each of them.

use super::*;
use crate::design::{Options as DesignOptions, Vcov};
use crate::formula;
use crate::reference::Frame;
use std::time::Instant;

const STAGGERED: &str = include_str!("../../../../tests/reference/data/mpdta.csv");

/// County employment; `treated` is 1 from the first treated year on, `keep` leaves rows out.
fn mpdta(keep: impl Fn(usize) -> bool) -> Frame {
    let frame = Frame::read(STAGGERED);
    let rows: Vec<usize> = (0..frame.rows()).filter(|row| keep(*row)).collect();
    let frame = frame.reordered(&rows);
    let pairs = frame.numbers("first.treat").iter().zip(frame.numbers("year"));
    let treated = pairs.map(|(first, year)| Some(f64::from(u8::from(*first > Some(0.0) && year >= first)))).collect();
    let noise = |draw: u64| {
        let random = Random::new(3, draw);
        (0..rows.len()).map(|row| Some(random.uniform(0, row as u64) + 0.1)).collect()
    };
    frame.with("treated", treated).with("x", noise(1)).with("z", noise(2)).with("w", noise(3))
}

fn design(frame: &Frame, formula: &str, weights: Option<&str>) -> Design {
    let options = DesignOptions {
        vcov: Vcov::Cluster(vec!["countyreal".to_string()]),
        weights: weights.map(str::to_string),
        ..DesignOptions::default()
    };
    Design::new(&formula::parse(formula).expect(formula), &frame.data(), &options).expect(formula)
}

fn options(draws: u32, scheme: Scheme) -> Options {
    let [term, unit, time] = ["treated", "countyreal", "year"].map(str::to_string);
    Options { term, unit, time, draws, random: Random::new(11, 5), scheme }
}

/// Every draw by estimating the whole model again.
#[test]
fn draws_are_those_of_models_estimated_again() {
    let all = |_: usize| true;
    let gaps = |row: usize| row % 7 != 3;
    for (frame, formula, weights, way) in [
        (mpdta(all), "lemp ~ x + treated + z | countyreal + year", None, Way::Means),
        (mpdta(all), "lemp ~ treated + lpop | year + countyreal", None, Way::Means),
        (mpdta(all), "lemp ~ treated + x | countyreal + year", Some("w"), Way::Exact),
        (mpdta(gaps), "lemp ~ x + treated + z | countyreal + year", None, Way::Exact),
        (mpdta(gaps), "lemp ~ treated + x + lpop | year + countyreal", Some("w"), Way::Exact),
        (mpdta(gaps), "lemp ~ treated + x | year", None, Way::Absorb),
        (mpdta(gaps), "lemp ~ treated + x", Some("w"), Way::NoEffects),
    ] {
        let design = design(&frame, formula, weights);
        for scheme in [Scheme::Units, Scheme::UnitsAndPeriods { from: None, to: Some(2006.0) }] {
            let options = options(6, scheme);
            let found = placebo(&design, &frame.data(), &options).expect(formula);
            let adoption = Adoption::new(&design, &frame.data(), "treated", "countyreal", "year").expect("dates");
            let absorber = within::absorber(&design);
            assert_eq!(Regression::new(&design, &adoption, &absorber, "treated").expect(formula).way, way, "{formula}");
            let feasible = feasible(&adoption, scheme).expect("periods");
            let again = |dates: &[usize]| {
                let mut other = design.clone();
                let regressor = other.regressors.iter_mut().find(|regressor| regressor.term == "treated");
                regressor.expect("a term").values = adoption.treatment(dates);
                let fit = estimators::find("twfe").expect("twfe").fit(&other).expect("a fit");
                let found = fit.coefficients.iter().find(|coefficient| coefficient.term == "treated");
                found.map(|coefficient| (coefficient.estimate, coefficient.statistic)).expect("a coefficient")
            };
            let close = |found: f64, again: f64| {
                assert!((found - again).abs() < 1e-10 * again.abs().max(1.0), "{formula}: {found} is not {again}");
            };
            let (estimate, statistic) = again(&adoption.first);
            close(found.estimate, estimate);
            close(found.statistic.expect("clustered"), statistic);
            for (draw, drawn) in found.draws.iter().enumerate() {
                let dates = dates(&adoption, &feasible, &options, draw as u64);
                assert_ne!(dates, adoption.first);
                let (estimate, statistic) = again(&dates);
                close(drawn.expect("defined").estimate, estimate);
                close(drawn.expect("defined").statistic().expect("clustered"), statistic);
            }
        }
    }
}

/// Periods that only some of the units have, and parts of the panel that no row connects.
#[test]
fn a_column_freed_exactly_is_that_freed_by_iterations() {
    let random = Random::new(4, 1);
    for (name, keep) in [
        ("gaps", (|unit, time| (unit * 7 + time * 3) % 5 != 0) as fn(u32, u32) -> bool),
        ("two parts", |unit, time| (unit < 20) == (time < 4)),
        ("a period of one row", |unit, time| time != 3 || unit == 17),
        ("single rows", |unit, time| unit % 3 != 0 || time == unit % 9),
    ] {
        let pairs = (0..40_u32).flat_map(|unit| (0..9_u32).map(move |time| (unit, time)));
        let (units, times): (Vec<u32>, Vec<u32>) = pairs.filter(|(unit, time)| keep(*unit, *time)).unzip();
        let noise = |draw: u64| -> Vec<f64> { (0..units.len()).map(|row| random.uniform(draw, row as u64)).collect() };
        let (values, weights) = (noise(1), noise(2));
        let group = |codes: &Vec<u32>, levels: usize| Group { name: "g".to_string(), codes: codes.clone(), levels };
        let effects = [group(&units, 40), group(&times, 9)];
        for weights in [None, Some(weights.as_slice())] {
            let mut expected = values.clone();
            let absorber = Absorber::new(&effects, &[], weights, 10_000);
            absorber.absorb("x", &mut expected).expect("it converges");
            let mut found = values.clone();
            assert!(TwoWay::new(&effects[0], &effects[1], weights).free(&mut found), "{name}");
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-12, "{name}: {found} is not {expected}");
            }
        }
    }
}

#[test]
fn draws_keep_what_they_promise() {
    let frame = mpdta(|_| true);
    let design = design(&frame, "lemp ~ treated | countyreal + year", None);
    let adoption = Adoption::new(&design, &frame.data(), "treated", "countyreal", "year").expect("dates");
    let sorted = |mut dates: Vec<usize>| {
        dates.sort_unstable();
        dates
    };
    let never = adoption.periods.len();
    let treated = |dates: &[usize]| dates.iter().filter(|date| **date < never).count();
    for draw in 0..20 {
        let permuted = dates(&adoption, &[], &options(1, Scheme::Units), draw);
        assert_eq!(sorted(permuted), sorted(adoption.first.clone()));
        let scheme = Scheme::UnitsAndPeriods { from: Some(2005.0), to: Some(2006.0) };
        let feasible = feasible(&adoption, scheme).expect("periods");
        assert_eq!(feasible, [2, 3]);
        let drawn = dates(&adoption, &feasible, &options(1, scheme), draw);
        assert_eq!(treated(&drawn), treated(&adoption.first));
        assert!(drawn.iter().all(|date| *date == never || feasible.contains(date)));
        assert!(feasible.iter().all(|date| drawn.contains(date)));
    }
}

#[test]
fn p_values_count_the_sample_itself() {
    let frame = mpdta(|_| true);
    let design = design(&frame, "lemp ~ treated | countyreal + year", None);
    let found = placebo(&design, &frame.data(), &options(199, Scheme::Units)).expect("a placebo");
    // `tests/reference/README.md`: the two-way estimate of mpdta.
    assert!((found.estimate + 0.036_548_936_7).abs() < 1e-10, "{}", found.estimate);
    let beyond = found.estimates().iter().filter(|estimate| estimate.abs() >= found.estimate.abs()).count();
    assert_eq!((found.n_beyond, found.draws.len(), found.n_undefined), (beyond, 199, 0));
    assert_eq!(found.p_value, (1 + beyond) as f64 / 200.0);
    // Clustered t statistic 2.755: well below one in twenty.
    assert!(found.p_value < 0.05 && found.p_value_of_statistic.expect("clustered") < 0.05, "{found:?}");
    let mean: f64 = found.estimates().iter().sum::<f64>() / 199.0;
    assert!(mean.abs() < 0.005, "{mean}");
    // A chunk of draws is the beginning of more of them.
    let fewer = placebo(&design, &frame.data(), &options(50, Scheme::Units)).expect("a placebo");
    assert_eq!(fewer.draws[..], found.draws[..50]);
}

/// Counties treated from 2006 on, in 2003 to 2005 only, by hand: the differences of two differences.
#[test]
fn a_placebo_in_time_moves_the_dates_before_the_treatment() {
    let frame = mpdta(|_| true);
    let design = design(&frame, "lemp ~ treated | countyreal + year", None);
    let message = |shift: f64| {
        let found = in_time(&design, &frame.data(), "treated", ["countyreal", "year"], shift);
        found.expect_err("an error").to_string()
    };
    // The first county is treated in 2004: one year is left, which the counties explain.
    assert!(message(3.0).contains("determine the outcome"), "{}", message(3.0));
    assert!(message(0.5).starts_with("no unit is treated before period 2004"), "{}", message(0.5));
    assert_eq!(message(0.0), "the option `shift` is 0: a positive number of periods");
    let first = frame.numbers("first.treat").to_vec();
    let late = mpdta(|row| first[row] == Some(0.0) || first[row] == Some(2007.0));
    let design = self::design(&late, "lemp ~ treated | countyreal + year", None);
    let found = in_time(&design, &late.data(), "treated", ["countyreal", "year"], 2.0).expect("a fit");
    assert_eq!(found.n_obs, 440 * 4);
    let mean = |treated: bool, late_years: bool| {
        let rows = 0..late.rows();
        let values: Vec<f64> = rows
            .filter(|row| (late.numbers("first.treat")[*row] == Some(2007.0)) == treated)
            .filter(|row| late.numbers("year")[*row] < Some(2007.0))
            .filter(|row| (late.numbers("year")[*row] >= Some(2005.0)) == late_years)
            .map(|row| late.numbers("lemp")[row].expect("a number"))
            .collect();
        twofold::mean(&values)
    };
    let expected = (mean(true, true) - mean(true, false)) - (mean(false, true) - mean(false, false));
    assert!((found.coefficients[0].estimate - expected).abs() < 1e-12, "{found:?} {expected}");
}

#[test]
fn treatments_that_cannot_be_moved_say_why() {
    let frame = mpdta(|_| true);
    let message = |frame: &Frame, formula: &str, options: &Options| {
        placebo(&design(frame, formula, None), &frame.data(), options).expect_err("an error").to_string()
    };
    let formula = "lemp ~ treated | countyreal + year";
    let units = |term: &str| Options { term: term.to_string(), ..options(9, Scheme::Units) };
    assert_eq!(message(&frame, formula, &units("d")), "no term `d` in the model; there are [treated]");
    assert_eq!(message(&frame, formula, &options(0, Scheme::Units)), "the option `draws` is 0: at least one draw");
    let unknown = Options { unit: "county".to_string(), ..units("treated") };
    assert!(message(&frame, formula, &unknown).starts_with("no column `county`"));
    let late = Scheme::UnitsAndPeriods { from: Some(2010.0), to: None };
    assert!(message(&frame, formula, &options(9, late)).contains("no period of the data is in it"));
    let rows = frame.numbers("first.treat").iter().zip(frame.numbers("year")).zip(frame.numbers("treated"));
    let off = rows.map(|((first, year), treated)| match (first, year) {
        (Some(2004.0), Some(2006.0)) => Some(0.0),
        _ => *treated,
    });
    let off = off.collect();
    let switched = mpdta(|_| true).with("treated", off);
    let found = message(&switched, formula, &units("treated"));
    assert!(found.contains("not 1 from a first period on and 0 before"), "{found}");
    let everywhere =
        frame.numbers("year").iter().map(|year| Some(f64::from(u8::from(*year >= Some(2005.0))))).collect();
    let everywhere = mpdta(|_| true).with("treated", everywhere);
    let found = message(&everywhere, "lemp ~ treated | countyreal", &units("treated"));
    assert!(found.contains("there is nothing to permute"), "{found}");
}

#[test]
#[ignore = "prints seconds: cargo test -p stats -- --ignored --nocapture placebo"]
fn speed() {
    let random = Random::new(1, 1);
    let rows = 284 * 14;
    let column = |of: &dyn Fn(usize) -> f64| -> Vec<Option<f64>> { (0..rows).map(|row| Some(of(row))).collect() };
    let noise = |draw: u64| column(&|row| random.uniform(draw, row as u64));
    let csv = format!("empty\n{}", "1\n".repeat(rows));
    let mut frame = Frame::read(&csv)
        .with("countyreal", column(&|row| (row / 14) as f64))
        .with("year", column(&|row| (row % 14) as f64))
        .with("treated", column(&|row| f64::from(u8::from(row / 14 % 3 == 0 && row % 14 > 5 + row / 14 % 2))))
        .with("y", noise(0));
    for name in 1..=6 {
        frame = frame.with(&format!("x{name}"), noise(name));
    }
    for (formula, keep) in [("balanced", rows), ("unbalanced", rows - 1)] {
        let frame = frame.reordered(&(0..keep).collect::<Vec<_>>());
        let design = design(&frame, "y ~ treated + x1 + x2 + x3 + x4 + x5 + x6 | countyreal + year", None);
        let start = Instant::now();
        let found = placebo(&design, &frame.data(), &options(500, Scheme::Units)).expect("a placebo");
        println!("500 permutations, 284 x 14, {formula}: {:.4} s {}", start.elapsed().as_secs_f64(), found.p_value);
    }
}
