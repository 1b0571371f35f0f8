//! Against spreg, esda and a second computation with dense matrices: `tests/reference/spatial.py`.

use super::close;
use crate::reference;
use crate::spatial::lagrange::{LagrangeTests, lagrange};
use crate::spatial::model::{Correction, Model, Options, SpatialFit, fit};
use crate::spatial::moran::{Quadrant, local_moran, moran};
use crate::spatial::panel::{Effects, Observations};
use crate::spatial::weights::{Proximity, Standardisation, Weights};
use std::collections::BTreeMap;

const NUMBERS: &str = include_str!("../../../../tests/reference/spatial.csv");
const DATA: &str = include_str!("../../../../tests/reference/data/spatial.csv");

pub(super) struct Frame {
    pub(super) units: Vec<String>,
    pub(super) periods: Vec<f64>,
    pub(super) outcome: Vec<f64>,
    pub(super) regressors: Vec<(String, Vec<f64>)>,
    names: Vec<String>,
    places: Vec<(f64, f64)>,
}

impl Frame {
    pub(super) fn read() -> Frame {
        let rows = reference::rows(DATA);
        let column = |name: &str| -> Vec<f64> { rows.iter().map(|row| row[name].parse().expect(name)).collect() };
        let (latitudes, longitudes) = (column("latitude"), column("longitude"));
        let units: Vec<String> = rows.iter().map(|row| row["unit"].clone()).collect();
        Frame {
            names: units[..25].to_vec(),
            places: latitudes.into_iter().zip(longitudes).take(25).collect(),
            units,
            periods: column("period"),
            outcome: column("y"),
            regressors: ["x1", "x2"].map(|name| (name.to_string(), column(name))).to_vec(),
        }
    }

    /// The first period alone.
    fn cross_section(mut self) -> Frame {
        self.units.truncate(25);
        self.periods.truncate(25);
        self.outcome.truncate(25);
        self.regressors.iter_mut().for_each(|(_, values)| values.truncate(25));
        self
    }

    pub(super) fn weights(&self, name: &str, standardisation: Standardisation) -> Weights {
        let proximity = match name {
            "inverse" => Proximity::InverseDistance { places: &self.places, power: 2, cutoff: None },
            _ => Proximity::Nearest { places: &self.places, count: 4 },
        };
        Weights::new(&self.names, &proximity, standardisation).expect(name)
    }

    pub(super) fn observations(&self) -> Observations<'_> {
        Observations {
            outcome_name: "y",
            outcome: &self.outcome,
            regressors: &self.regressors,
            units: &self.units,
            periods: &self.periods,
        }
    }
}

pub(super) fn options(model: Model, effects: Effects, correction: Correction) -> Options {
    Options { model, effects, correction, level: 0.95, simulation: None }
}

#[test]
fn other_programs_agree() {
    let mut cases: BTreeMap<String, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for row in reference::rows(NUMBERS) {
        cases.entry(row["case"].clone()).or_default().push(row);
    }
    assert!(cases.len() > 50, "{}", cases.len());
    let mut worst: BTreeMap<(String, String), f64> = BTreeMap::new();
    for (case, rows) in &cases {
        let words: Vec<&str> = case.split(' ').collect();
        let (first, weights) = (words[0], words[words.len() - 1]);
        let is_cross_section = words[1] == "cross-section" || first == "moran";
        let frame = if is_cross_section { Frame::read().cross_section() } else { Frame::read() };
        let weights = frame.weights(weights, Standardisation::Row);
        let effects = match words[1] {
            "unit" => Effects::Unit,
            "period" => Effects::Period,
            "two-way" => Effects::TwoWay,
            _ => Effects::None,
        };
        let correction = if words.contains(&"lee-yu") { Correction::LeeYu } else { Correction::Direct };
        let found = match first {
            "moran" => of_moran(&weights, &frame.outcome),
            "lagrange" => of_lagrange(&lagrange(&weights, &frame.observations(), effects).expect(case)),
            model => {
                let model = match model {
                    "lag" => Model::Lag,
                    "error" => Model::Error,
                    _ => Model::Durbin,
                };
                of_fit(&fit(&weights, &frame.observations(), &options(model, effects, correction)).expect(case))
            }
        };
        for row in rows {
            let number = |name: &str| -> f64 { row[name].parse().expect("a number") };
            let (found, expected) = (found[&row["name"]], number("value"));
            let difference = (found - expected).abs() / expected.abs().max(1e-3);
            assert!(difference <= number("tolerance"), "{case} {}: {found}, {expected}", row["name"]);
            let worst = worst.entry((row["program"].clone(), first.to_string())).or_default();
            *worst = worst.max(difference);
        }
    }
    println!("largest relative differences: {worst:?}");
}

fn of_fit(fit: &SpatialFit) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for coefficient in &fit.coefficients {
        let name = match coefficient.term.as_str() {
            "rho" | "lambda" => "spatial",
            term => term,
        };
        found.insert(name.to_string(), coefficient.estimate);
        found.insert(format!("se {name}"), coefficient.std_error);
    }
    for impact in fit.impacts.iter().take(1) {
        for (kind, coefficient) in
            [("direct", &impact.direct), ("indirect", &impact.indirect), ("total", &impact.total)]
        {
            assert_eq!(coefficient.term, format!("{kind}::x1"));
            found.insert(format!("{kind} x1"), coefficient.estimate);
            found.insert(format!("se {kind} x1"), coefficient.std_error);
        }
    }
    found.insert("sigma2".to_string(), fit.sigma2);
    found.insert("log likelihood".to_string(), fit.log_likelihood);
    found.insert("pseudo R2".to_string(), fit.pseudo_r2);
    found.insert("reduced pseudo R2".to_string(), fit.pseudo_r2_reduced);
    found
}

fn of_lagrange(tests: &LagrangeTests) -> BTreeMap<String, f64> {
    let tests = [&tests.lag, &tests.error, &tests.robust_lag, &tests.robust_error];
    let pair = |test: &crate::spatial::Test| {
        [(test.name.to_string(), test.statistic), (format!("p {}", test.name), test.p_value)]
    };
    tests.into_iter().flat_map(pair).collect()
}

fn of_moran(weights: &Weights, values: &[f64]) -> BTreeMap<String, f64> {
    let global = moran(weights, "y", values, None).expect("a statistic");
    let mut found = BTreeMap::new();
    found.insert("statistic".to_string(), global.statistic);
    found.insert("expected".to_string(), global.expected);
    for (name, test) in [("normal", global.normal), ("randomised", global.randomised.expect("25 units"))] {
        found.insert(format!("variance {name}"), test.variance);
        found.insert(format!("z {name}"), test.z);
        found.insert(format!("p {name}"), test.p_value);
    }
    for (unit, local) in local_moran(weights, "y", values, None).expect("statistics").iter().enumerate() {
        found.insert(format!("local {unit}"), local.statistic);
        let quadrant = match local.quadrant {
            Quadrant::HighHigh => 1.0,
            Quadrant::LowHigh => 2.0,
            Quadrant::LowLow => 3.0,
            Quadrant::HighLow => 4.0,
        };
        found.insert(format!("quadrant {unit}"), quadrant);
    }
    found
}

#[test]
fn weights_are_those_of_the_script() {
    let frame = Frame::read();
    let weights = frame.weights("nearest", Standardisation::Row);
    assert!((0..25).all(|unit| weights.neighbours(unit).len() == 4));
    close(weights.lag(&[1.0; 25])[7], 1.0, 1e-15);
}
