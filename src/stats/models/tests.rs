//! Models fitted together against each of them alone, over generated specifications.

use super::{Model, fit_all};
use crate::design::{Data, Design, Options, Vcov};
use crate::error::StatsError;
use crate::estimator::Fit;
use crate::estimators;
use crate::formula::{self, Formula};
use crate::random::Random;
use crate::reference::Frame;

/// Units in periods; some controls have holes, two are collinear, one does not vary over time, one not at all.
fn frame(n_units: usize, n_periods: usize) -> Frame {
    let random = Random::new(3, 9);
    let rows = n_units * n_periods;
    let (unit, period) = (|row: usize| row / n_periods, |row: usize| row % n_periods);
    let noise = |draw: u64, position: usize| random.uniform(draw, position as u64) - 0.5;
    let column = |of: &dyn Fn(usize) -> f64| -> Vec<Option<f64>> { (0..rows).map(|row| Some(of(row))).collect() };
    let with_holes = |draw: u64, every: usize| -> Vec<Option<f64>> {
        (0..rows).map(|row| (row % every != 3).then(|| 100.0 * noise(draw, row) + 2000.0)).collect()
    };
    let treated = |row: usize| f64::from(u8::from(unit(row).is_multiple_of(3) && period(row) > 2 + unit(row) % 4));
    let mut csv = String::from("region\n");
    (0..rows).for_each(|row| csv.push_str(&format!("r{}\n", unit(row) % 7)));
    Frame::read(&csv)
        .with("unit", column(&|row| unit(row) as f64))
        .with("year", column(&|row| 2001.0 + period(row) as f64))
        .with("treated", column(&treated))
        .with("y", column(&|row| noise(0, row) + 0.2 * treated(row) + noise(1, unit(row))))
        .with("z", with_holes(2, 41))
        .with("flat", column(&|_| 4.0))
        .with("fixed", column(&|row| noise(3, unit(row))))
        .with("a", column(&|row| noise(4, row)))
        .with("b", column(&|row| 1e6 * noise(5, row)))
        .with("c", with_holes(6, 29))
        .with("d", with_holes(7, 53))
        .with("sum", column(&|row| 3.0 * noise(4, row) + 1e6 * noise(5, row)))
        .with("w", column(&|row| 1.0 + (row % 5) as f64))
}

/// Formulas, options and the names of estimators, from a seed.
fn specifications(count: u64) -> Vec<(Formula, Options, &'static str)> {
    let random = Random::new(11, 1);
    let pick = |number: u64, position: u64, from: &[&str]| from[random.below(number, position, from.len())].to_string();
    let one = |number: u64| {
        let controls = ["a", "b", "c", "d", "sum", "flat", "fixed", "log(z)", "i(region)", "a:b", "poly(a, 2)"];
        let outcome = pick(number, 0, &["y", "z", "log(z)", "y", "flat"]);
        let chosen: Vec<&str> = controls
            .into_iter()
            .zip(10..)
            .filter(|(_, place)| random.below(number, *place, 3) == 0)
            .map(|(name, _)| name)
            .filter(|name| *name != outcome)
            .collect();
        let effects =
            pick(number, 1, &["unit + year", "unit + region^year", "unit", "unit + year", "year[a] + unit", ""]);
        let mut text = format!("{outcome} ~ {}", [&["treated"], chosen.as_slice()].concat().join(" + "));
        if !effects.is_empty() {
            text.push_str(&format!(" | {effects}"));
        }
        let vcov = match random.below(number, 2, 5) {
            0 => Vcov::Cluster(vec!["region".to_string()]),
            1 => Vcov::Cluster(vec!["unit".to_string(), "year".to_string()]),
            2 => Vcov::Hetero,
            _ => Vcov::Cluster(vec!["unit".to_string()]),
        };
        let options = Options {
            vcov,
            weights: (random.below(number, 3, 3) == 0).then(|| "w".to_string()),
            drop_singletons: random.below(number, 4, 4) == 0,
            ..Options::default()
        };
        let estimator = if random.below(number, 5, 12) == 0 { "iv" } else { "twfe" };
        (formula::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}")), options, estimator)
    };
    (0..count).map(one).collect()
}

fn alone(data: &Data, formula: &Formula, options: &Options, estimator: &str) -> Result<Fit, StatsError> {
    estimators::find(estimator).expect(estimator).fit(&Design::new(formula, data, options)?)
}

/// Every number of a fit as its bits; texts as they are.
fn bits(found: &Result<Fit, StatsError>) -> String {
    match found {
        Err(error) => error.to_string(),
        Ok(fit) => {
            let mut numbers: Vec<f64> = fit.residuals.clone();
            numbers.extend(fit.vcov.iter().flatten());
            for one in &fit.coefficients {
                numbers.extend([one.estimate, one.std_error, one.statistic, one.p_value, one.conf_low, one.conf_high]);
            }
            numbers.extend([fit.df_residual, fit.df_t, fit.r2, fit.adj_r2, fit.rmse, fit.outcome_mean, fit.outcome_sd]);
            numbers.extend([fit.condition, fit.r2_within.unwrap_or(-9.0), fit.adj_r2_within.unwrap_or(-9.0)]);
            let bits: Vec<u64> = numbers.into_iter().map(f64::to_bits).collect();
            let terms: Vec<&str> = fit.coefficients.iter().map(|coefficient| coefficient.term.as_str()).collect();
            let counts = [fit.n_obs, fit.n_singletons, fit.n_clusters.unwrap_or(0), fit.iterations as usize];
            format!("{terms:?} {:?} {} {counts:?} {bits:?}", fit.dropped_terms, fit.vcov_label)
        }
    }
}

#[test]
fn a_model_among_others_is_the_model_alone_to_the_last_bit() {
    let frame = frame(40, 9);
    let data = frame.data();
    let specifications = specifications(300);
    let models: Vec<Model> = specifications
        .iter()
        .map(|(formula, options, name)| Model { formula, options, estimator: estimators::find(name).expect(name) })
        .collect();
    let together = fit_all(&data, &models, |number, found| {
        let flags = found.as_ref().map(|(design, _)| design.sample().to_vec()).unwrap_or_default();
        (number, flags, bits(&found.map(|(_, fit)| fit)))
    });
    let mut fitted = 0;
    for ((number, (formula, options, name)), found) in specifications.iter().enumerate().zip(&together) {
        let expected = alone(&data, formula, options, name);
        fitted += usize::from(expected.is_ok());
        let flags = Design::new(formula, &data, options).map(|design| design.sample().to_vec());
        let flags = if expected.is_ok() { flags.unwrap_or_default() } else { Vec::new() };
        assert_eq!(*found, (number, flags, bits(&expected)), "{formula} by {name}");
    }
    // The rest has an error: instruments that are missing, an outcome that is constant.
    assert!(fitted > 200, "{fitted}");
}

#[test]
fn order_and_neighbours_do_not_show() {
    let frame = frame(30, 8);
    let data = frame.data();
    let specifications = specifications(60);
    let fits = |order: &[usize]| -> Vec<String> {
        let models: Vec<Model> = order
            .iter()
            .map(|number| {
                let (formula, options, name) = &specifications[*number];
                Model { formula, options, estimator: estimators::find(name).expect(name) }
            })
            .collect();
        fit_all(&data, &models, |_, found| bits(&found.map(|(_, fit)| fit)))
    };
    let forwards = fits(&(0..60).collect::<Vec<_>>());
    let order = Random::new(1, 1).permutation(0, 60);
    for (number, found) in order.iter().zip(fits(&order)) {
        assert_eq!(found, forwards[*number]);
    }
    assert!(fits(&[]).is_empty());
}
