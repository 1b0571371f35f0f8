//! The wild bootstrap against other programs and against each draw fitted again.

use super::*;
use crate::design::{Options as DesignOptions, SmallSample, Vcov};
use crate::estimator::tests::regions;
use crate::estimator::{Coefficient, Fit};
use crate::reference::Frame;
use crate::{estimators, formula, reference};
use std::collections::BTreeMap;
use std::time::Instant;

fn options(hypothesis: f64) -> Options {
    Options {
        hypothesis,
        residuals: Residuals::Restricted,
        signs: Signs::Rademacher,
        tail: Tail::TwoSided,
        draws: 999,
        random: Random::new(7, 1),
    }
}

fn design(frame: &Frame, formula: &str, cluster: &str, weights: Option<&str>) -> Design {
    let options = DesignOptions {
        vcov: Vcov::Cluster(vec![cluster.to_string()]),
        weights: weights.map(str::to_string),
        ..DesignOptions::default()
    };
    Design::new(&formula::parse(formula).expect(formula), &frame.data(), &options).expect(formula)
}

fn fit(design: &Design) -> Fit {
    estimators::find("twfe").expect("least squares").fit(design).expect("a fit")
}

fn coefficient(fit: &Fit, term: &str) -> Coefficient {
    fit.coefficients.iter().find(|coefficient| coefficient.term == term).expect("a term").clone()
}

/// t* of every draw by estimating the model again on y* = y - ũ + v ũ.
fn estimated_again(design: &Design, term: &str, options: &Options, signs: &dyn Fn(u64, usize) -> f64) -> Vec<f64> {
    let cluster = partial::cluster(design, "this").expect("clusters");
    let mut restricted = design.clone();
    if options.residuals == Residuals::Restricted {
        let position = restricted.regressors.iter().position(|regressor| regressor.term == term).expect("a term");
        let regressor = restricted.regressors.remove(position);
        let less = |(outcome, value): (&f64, &f64)| outcome - options.hypothesis * value;
        restricted.outcome = design.outcome.iter().zip(&regressor.values).map(less).collect();
    }
    let residuals = if restricted.regressors.is_empty() {
        let absorber = within::absorber(design);
        let mut outcome = restricted.outcome.clone();
        absorber.absorb("y", &mut outcome).expect("absorbed");
        outcome
    } else {
        fit(&restricted).residuals
    };
    let centre = match options.residuals {
        Residuals::Restricted => options.hypothesis,
        Residuals::Unrestricted => coefficient(&fit(design), term).estimate,
    };
    let draws = if 1 << cluster.levels.min(31) <= options.draws { 1 << cluster.levels } else { options.draws };
    (0..u64::from(draws))
        .map(|draw| {
            let mut again = design.clone();
            for (row, residual) in residuals.iter().enumerate() {
                let sign = signs(draw, cluster.codes[row] as usize);
                again.outcome[row] += (sign - 1.0) * residual;
            }
            let found = coefficient(&fit(&again), term);
            (found.estimate - centre) / found.std_error
        })
        .collect()
}

#[test]
fn draws_are_those_of_models_estimated_again() {
    let frame = regions();
    for (formula, cluster, weights) in [
        ("y ~ x + p | unit + time", "unit", None),
        ("y ~ x | unit + time", "unit", Some("w")),
        ("y ~ x + p | group + time", "unit", None),
        ("y ~ x + p", "unit", Some("w")),
        ("y ~ x + p + q | time", "time", None),
    ] {
        let design = design(&frame, formula, cluster, weights);
        for residuals in [Residuals::Restricted, Residuals::Unrestricted] {
            for (signs, hypothesis) in [(Signs::Rademacher, 0.0), (Signs::Webb, 0.2)] {
                let options = Options { draws: 30, signs, residuals, ..options(hypothesis) };
                let found = wild_bootstrap(&design, "x", &options).expect(formula);
                let random = options.random;
                let again = estimated_again(&design, "x", &options, &|draw, cluster| match signs {
                    Signs::Rademacher => rademacher(random, draw, cluster),
                    Signs::Webb => webb(random, draw, cluster),
                });
                assert_eq!(found.statistics.len(), again.len());
                for (found, again) in found.statistics.iter().zip(&again) {
                    // Plain sums over 60 clusters.
                    assert!((found - again).abs() < 1e-9, "{formula} {options:?}: {found} is not {again}");
                }
                let coefficient = coefficient(&fit(&design), "x");
                let statistic = (coefficient.estimate - hypothesis) / coefficient.std_error;
                assert!((found.statistic - statistic).abs() < 1e-10, "{formula}: {} {statistic}", found.statistic);
                assert!((found.estimate - coefficient.estimate).abs() < 1e-12);
            }
        }
    }
}

/// `tests/reference/resampling.py`: every draw there can be, and the p-value.
#[test]
fn all_draws_are_those_of_wildboottest() {
    let frame = regions();
    let mut cases: BTreeMap<[String; 4], BTreeMap<String, f64>> = BTreeMap::new();
    for row in reference::rows(include_str!("../../../../tests/reference/resampling.csv")) {
        let case = ["formula", "term", "cluster", "residuals"].map(|name| row[name].clone());
        cases.entry(case).or_default().insert(row["quantity"].clone(), row["value"].parse().expect("a number"));
    }
    assert_eq!(cases.len(), 5);
    for ([formula, term, cluster, residuals], numbers) in &cases {
        let residuals = if residuals == "restricted" { Residuals::Restricted } else { Residuals::Unrestricted };
        let options = Options { residuals, ..options(0.0) };
        let mut design = design(&frame, formula, cluster, None);
        // There the levels of all effects count.
        design.small_sample = SmallSample::Stata;
        let found = wild_bootstrap(&design, term, &options).expect(formula);
        assert!(found.enumerated);
        let mut draws = found.statistics.clone();
        draws.sort_by(f64::total_cmp);
        assert_eq!(draws.len() + 2, numbers.len());
        for (index, draw) in draws.iter().enumerate() {
            // Demeaning to 1e-13 there.
            let expected = numbers[&format!("draw {index}")];
            assert!((draw - expected).abs() < 1e-8, "{formula}, draw {index}: {draw} is not {expected}");
        }
        assert!((found.statistic - numbers["statistic"]).abs() < 1e-8);
        assert_eq!(found.p_value, numbers["p_value"], "{formula}, {term}");
    }
}

#[test]
fn the_ends_of_the_interval_are_where_hypotheses_begin_to_be_rejected() {
    let design = design(&regions(), "y ~ x + z1 | unit + time", "unit", None);
    for (tail, residuals) in [
        (Tail::TwoSided, Residuals::Restricted),
        (Tail::EqualTail, Residuals::Restricted),
        (Tail::TwoSided, Residuals::Unrestricted),
    ] {
        let at = |hypothesis: f64| {
            let options = Options { tail, residuals, ..options(hypothesis) };
            wild_bootstrap(&design, "z1", &options).expect("a test")
        };
        let found = at(0.0);
        let width = found.conf_high - found.conf_low;
        assert!(found.conf_low < found.estimate && found.estimate < found.conf_high);
        for (end, outwards) in [(found.conf_low, -1.0), (found.conf_high, 1.0)] {
            assert!(at(end - 1e-6 * outwards * width).p_value >= 0.05);
            assert!(at(end + 1e-6 * outwards * width).p_value < 0.05);
        }
        // The clustered interval is near with sixty clusters.
        let usual = coefficient(&fit(&design), "z1");
        assert!((width / (usual.conf_high - usual.conf_low) - 1.0).abs() < 0.25, "{width} {usual:?}");
    }
}

#[test]
fn what_cannot_be_drawn_is_an_error() {
    let frame = regions();
    let clustered = design(&frame, "y ~ x + z1 | unit + time", "unit", None);
    let message = |design: &Design, term: &str, options: &Options| {
        wild_bootstrap(design, term, options).expect_err("an error").to_string()
    };
    assert_eq!(message(&clustered, "u", &options(0.0)), "no term `u` in the model; there are [x, z1]");
    let none = Options { draws: 0, ..options(0.0) };
    assert_eq!(message(&clustered, "x", &none), "the option `draws` is 0: at least one draw");
    assert!(message(&clustered, "x", &options(f64::NAN)).starts_with("the option `hypothesis` is NaN"));
    let plain = DesignOptions::default();
    let formula = formula::parse("y ~ x | unit").expect("a formula");
    let plain = Design::new(&formula, &frame.data(), &plain).expect("a design");
    let expected = "the wild cluster bootstrap needs one column to cluster by, and the variance is `hetero`";
    assert_eq!(message(&plain, "x", &options(0.0)), expected);
    let collinear = design(&frame, "y ~ x + lat | unit + time", "unit", None);
    let expected = "the term `lat` was dropped: does not vary within `unit`";
    assert_eq!(message(&collinear, "lat", &options(0.0)), expected);
}

#[test]
fn the_same_seed_gives_the_same_draws() {
    let design = design(&regions(), "y ~ x + z1 | unit + time", "unit", None);
    let drawn = |draws: u32, seed: u64| {
        let options = Options { draws, random: Random::new(seed, 1), ..options(0.0) };
        wild_bootstrap(&design, "z1", &options).expect("a test").statistics
    };
    let (few, many) = (drawn(13, 1), drawn(40, 1));
    assert_eq!(few[..], many[..13]);
    assert_ne!(few, drawn(13, 2));
}

#[test]
#[ignore = "prints seconds: cargo test -p stats -- --ignored --nocapture wild"]
fn speed() {
    let random = Random::new(1, 1);
    let rows = 284 * 14;
    let column = |of: &dyn Fn(usize) -> f64| -> Vec<Option<f64>> { (0..rows).map(|row| Some(of(row))).collect() };
    let noise = |draw: u64| column(&|row| random.uniform(draw, row as u64));
    let csv = format!("empty\n{}", "1\n".repeat(rows));
    let frame = Frame::read(&csv)
        .with("unit", column(&|row| (row / 14) as f64))
        .with("time", column(&|row| (row % 14) as f64))
        .with("y", noise(0))
        .with("d", column(&|row| f64::from(u8::from(row / 14 % 3 == 0 && row % 14 > 6))))
        .with("x1", noise(1))
        .with("x2", noise(2))
        .with("x3", noise(3))
        .with("x4", noise(4))
        .with("x5", noise(5));
    let design = design(&frame, "y ~ d + x1 + x2 + x3 + x4 + x5 | unit + time", "unit", None);
    let start = Instant::now();
    let found = wild_bootstrap(&design, "d", &Options { draws: 9999, ..options(0.0) }).expect("a test");
    println!("9,999 draws, 284 x 14: {:.3} s {:?}", start.elapsed().as_secs_f64(), found.p_value);
}
