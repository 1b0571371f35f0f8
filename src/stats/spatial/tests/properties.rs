//! What must hold for any data, designs without an answer, and how long it takes.

use super::programs::{Frame, options};
use super::{close, line, names, places};
use crate::random::Random;
use crate::spatial::Simulation;
use crate::spatial::error::SpatialError;
use crate::spatial::lagrange::lagrange;
use crate::spatial::model::{Correction, Model, compare, fit};
use crate::spatial::panel::{Effects, Observations, lag};
use crate::spatial::weights::{Proximity, Standardisation, Weights};
use std::time::Instant;

#[test]
fn the_order_of_rows_does_not_show() {
    let frame = Frame::read();
    let weights = frame.weights("inverse", Standardisation::Row);
    let options = options(Model::Durbin, Effects::TwoWay, Correction::LeeYu);
    let expected = fit(&weights, &frame.observations(), &options).expect("a fit");
    let order = Random::new(1, 1).permutation(0, frame.units.len());
    let mut moved = Frame::read();
    moved.units = order.iter().map(|row| frame.units[*row].clone()).collect();
    moved.periods = order.iter().map(|row| frame.periods[*row]).collect();
    moved.outcome = order.iter().map(|row| frame.outcome[*row]).collect();
    for ((_, moved), (_, values)) in moved.regressors.iter_mut().zip(&frame.regressors) {
        *moved = order.iter().map(|row| values[*row]).collect();
    }
    let found = fit(&weights, &moved.observations(), &options).expect("a fit");
    assert_eq!(found.vcov, expected.vcov);
    let residuals: Vec<f64> = order.iter().map(|row| expected.residuals[*row]).collect();
    assert_eq!(found.residuals, residuals);
}

#[test]
fn models_are_nested_and_tests_agree_in_direction() {
    let frame = Frame::read();
    let weights = frame.weights("inverse", Standardisation::Row);
    let options = options(Model::Lag, Effects::TwoWay, Correction::LeeYu);
    let found = compare(&weights, &frame.observations(), &options).expect("a comparison");
    assert!(found.durbin.log_likelihood >= found.lag.log_likelihood.max(found.error.log_likelihood));
    let tests: Vec<(&str, usize)> = found.tests.iter().map(|test| (test.name, test.freedom)).collect();
    let expected = [("likelihood ratio, lag", 2), ("wald, lag", 2), ("likelihood ratio, error", 2), ("wald, error", 2)];
    assert_eq!(tests, expected);
    // θ'V⁻¹θ of two coefficients, by hand.
    let vcov = &found.durbin.vcov;
    let theta = [found.durbin.coefficients[2].estimate, found.durbin.coefficients[3].estimate];
    assert_eq!(found.durbin.coefficients[2].term, "W:x1");
    let (a, b, c) = (vcov[2][2], vcov[2][3], vcov[3][3]);
    let wald = (c * theta[0] * theta[0] - 2.0 * b * theta[0] * theta[1] + a * theta[1] * theta[1]) / (a * c - b * b);
    close(found.tests[1].statistic, wald, 1e-10);
    close(found.lag.aic, 8.0 - 2.0 * found.lag.log_likelihood, 1e-14);
    close(found.lag.bic, 4.0 * 120.0_f64.ln() - 2.0 * found.lag.log_likelihood, 1e-12);
}

#[test]
fn simulated_errors_are_near_those_of_the_delta_method() {
    let frame = Frame::read();
    for standardisation in [Standardisation::Row, Standardisation::Spectral] {
        let weights = frame.weights("inverse", standardisation);
        let mut options = options(Model::Durbin, Effects::Unit, Correction::LeeYu);
        options.simulation = Some(Simulation { draws: 4000, random: Random::new(3, 1) });
        let found = fit(&weights, &frame.observations(), &options).expect("a fit");
        for impact in &found.impacts {
            let errors = impact.simulated_std_errors.expect("draws");
            for (coefficient, simulated) in [&impact.direct, &impact.indirect, &impact.total].iter().zip(errors) {
                // Effects are not linear in ρ; a missing term moves an error by more.
                let ratio = simulated / coefficient.std_error;
                assert!((0.9..1.25).contains(&ratio), "{}: {ratio}", coefficient.term);
            }
        }
        assert_eq!(found.vcov, fit(&weights, &frame.observations(), &options).expect("a fit").vcov);
    }
}

#[test]
fn lags_are_by_period() {
    let weights = line(3);
    let units: Vec<String> = ["u000", "u001", "u002", "u002", "u001", "u000"].map(str::to_string).to_vec();
    let periods = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0];
    let treated = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
    let found = lag(&weights, &units, &periods, &treated).expect("lags");
    assert_eq!(found, [0.0, 0.5, 0.0, 0.0, 0.5, 0.0]);
}

/// y = x + a wave, for three units on a line.
fn small(n_periods: usize) -> (Weights, Vec<String>, Vec<f64>, Vec<f64>, Vec<f64>) {
    let weights = line(5);
    let rows = 5 * n_periods;
    let random = Random::new(9, 9);
    let column = |draw| (0..rows as u64).map(|row| random.uniform(draw, row)).collect();
    let units = (0..rows).map(|row| names(5)[row % 5].clone()).collect();
    (weights, units, (0..rows).map(|row| (row / 5) as f64).collect(), column(0), column(1))
}

#[test]
fn designs_without_an_answer_are_named() {
    let (weights, units, periods, outcome, x) = small(4);
    let regressors = [("x".to_string(), x.clone())];
    let good = Observations {
        outcome_name: "y",
        outcome: &outcome,
        regressors: &regressors,
        units: &units,
        periods: &periods,
    };
    let unit = options(Model::Lag, Effects::Unit, Correction::Direct);
    let error = |observations: Observations, options| fit(&weights, &observations, options).map(|_| ()).unwrap_err();
    assert!(fit(&weights, &good, &unit).is_ok());
    let short = Observations {
        outcome: &outcome[..19],
        units: &units[..19],
        periods: &periods[..19],
        regressors: &[("x".to_string(), x[..19].to_vec())],
        ..good
    };
    assert_eq!(error(short, &unit), SpatialError::Unbalanced { unit: "u004".to_string(), period: 3.0, count: 1 });
    let mut twice = periods.clone();
    twice[19] = 2.0;
    let twice = Observations { periods: &twice, ..good };
    assert_eq!(error(twice, &unit), SpatialError::Duplicate { unit: "u004".to_string(), period: 2.0 });
    let mut unknown = units.clone();
    unknown[0] = "elsewhere".to_string();
    let unknown = Observations { units: &unknown, ..good };
    assert_eq!(error(unknown, &unit), SpatialError::NoWeights { unit: "elsewhere".to_string() });
    let constant = vec![3.0; 20];
    let constant = Observations { outcome: &constant, ..good };
    assert_eq!(error(constant, &unit), SpatialError::AbsorbedOutcome { outcome: "y".to_string() });
    let none = options(Model::Lag, Effects::None, Correction::Direct);
    assert_eq!(error(constant, &none), SpatialError::Constant { what: "y".to_string(), value: 3.0 });
    let equal = [("x".to_string(), outcome.clone())];
    let equal = Observations { regressors: &equal, ..good };
    assert_eq!(error(equal, &unit), SpatialError::PerfectFit { outcome: "y".to_string() });
    let fixed = [("x".to_string(), (0..20).map(|row| (row % 5) as f64).collect())];
    let fixed = Observations { regressors: &fixed, ..good };
    assert!(matches!(error(fixed, &unit), SpatialError::NoRegressors { .. }));
    assert!(matches!(lagrange(&weights, &fixed, Effects::Unit), Err(SpatialError::NoRegressors { .. })));
    let mut missing = outcome.clone();
    missing[4] = f64::NAN;
    let missing = Observations { outcome: &missing, ..good };
    assert!(matches!(error(missing, &unit), SpatialError::NotFinite { row: 4, .. }));
    let (_, units, periods, outcome, x) = small(1);
    let regressors = [("x".to_string(), x)];
    let one = Observations {
        outcome_name: "y",
        outcome: &outcome,
        regressors: &regressors,
        units: &units,
        periods: &periods,
    };
    assert_eq!(error(one, &unit), SpatialError::OnePeriod);
    // Of five rows period effects leave four, of which lag, slope and variance take three and a lagged slope the fourth.
    let durbin = options(Model::Durbin, Effects::Period, Correction::LeeYu);
    assert_eq!(error(one, &durbin), SpatialError::NoFreedom { observations: 4, parameters: 4 });
    let places = places(5);
    let inverse = Proximity::InverseDistance { places: &places, power: 1, cutoff: None };
    let spectral = Weights::new(&names(5), &inverse, Standardisation::Spectral).expect("weights");
    let refused = fit(&spectral, &good, &options(Model::Lag, Effects::TwoWay, Correction::LeeYu));
    assert!(matches!(refused, Err(SpatialError::NeedsRowStandardised { .. })));
    let refused = fit(&spectral, &good, &options(Model::Error, Effects::Period, Correction::Direct));
    assert!(matches!(refused, Err(SpatialError::NeedsRowStandardised { .. })));
}

#[test]
fn collinear_terms_are_dropped_with_their_reason() {
    let (weights, units, periods, outcome, x) = small(4);
    let double: Vec<f64> = x.iter().map(|value| 2.0 * value).collect();
    let regressors = [("x".to_string(), x), ("double".to_string(), double)];
    let observations = Observations {
        outcome_name: "y",
        outcome: &outcome,
        regressors: &regressors,
        units: &units,
        periods: &periods,
    };
    let found =
        fit(&weights, &observations, &options(Model::Durbin, Effects::TwoWay, Correction::Direct)).expect("a fit");
    let terms: Vec<&str> = found.coefficients.iter().map(|coefficient| coefficient.term.as_str()).collect();
    assert_eq!(terms, ["x", "W:x", "rho"]);
    let dropped: Vec<&str> = found.dropped_terms.iter().map(|(term, _)| term.as_str()).collect();
    assert_eq!(dropped, ["W:double", "double"]);
    assert_eq!(found.dropped_terms[1].1, "collinear with `x`");
}

/// 284 units over 14 periods; for `cargo test -p stats -- --ignored spatial --nocapture`.
#[test]
#[ignore = "prints seconds: cargo test -p stats -- --ignored --nocapture spatial"]
fn speed() {
    let places = places(284);
    let rows = 284 * 14;
    let random = Random::new(2, 2);
    let column = |draw| -> Vec<f64> { (0..rows as u64).map(|row| random.uniform(draw, row) - 0.5).collect() };
    let units: Vec<String> = (0..rows).map(|row| names(284)[row % 284].clone()).collect();
    let periods: Vec<f64> = (0..rows).map(|row| (row / 284) as f64).collect();
    let regressors = ["a", "b", "c", "d", "e"].map(|name| (name.to_string(), column(u64::from(name.as_bytes()[0]))));
    let outcome = column(0);
    let observations = Observations {
        outcome_name: "y",
        outcome: &outcome,
        regressors: &regressors,
        units: &units,
        periods: &periods,
    };
    for proximity in [
        Proximity::InverseDistance { places: &places, power: 1, cutoff: None },
        Proximity::Nearest { places: &places, count: 5 },
    ] {
        let weights = Weights::new(&names(284), &proximity, Standardisation::Row).expect("weights");
        for draws in [None, Some(1000)] {
            let start = Instant::now();
            let mut options = options(Model::Durbin, Effects::TwoWay, Correction::LeeYu);
            options.simulation = draws.map(|draws| Simulation { draws, random });
            fit(&weights, &observations, &options).expect("a fit");
            println!("{draws:?} draws: {:.2} s", start.elapsed().as_secs_f64());
        }
    }
}
