//! Matches that can be seen by eye, and properties of those that cannot.

use super::*;
use crate::design::Options;
use crate::formula;
use crate::random::Random;
use crate::reference::Frame;
use crate::{describe, student};

const NEAREST: Matcher = Matcher::Nearest { neighbours: 1, caliper: None, reuse: Reuse::WithReplacement };

/// Treated rows are the first three.
const TREATED: [bool; 8] = [true, true, true, false, false, false, false, false];
const SCORES: [f64; 8] = [0.5, 0.9, 0.52, 0.25, 0.75, 0.51, 0.125, 0.75];

#[track_caller]
fn check(matcher: Matcher, support: Support, expected: [f64; 8]) -> Matched {
    let found = match_rows(&TREATED, &SCORES, matcher, support).expect("matches");
    for (found, expected) in found.weights.iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12, "{matcher:?}: {found}, {expected}");
    }
    found
}

#[test]
fn neighbours_are_those_seen_by_eye() {
    // 0.75 is there twice, at one distance of 0.9: the first row of them is taken.
    check(NEAREST, Support::All, [1.0, 1.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0]);
    let found = check(NEAREST, Support::Common, [1.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
    assert_eq!(found.off_support, [1]);
    // From the highest score down: 0.9 takes the first 0.75, 0.52 takes 0.51, and for 0.5 the other 0.75 is as far as 0.25,
    // which comes first.
    let alone = Matcher::Nearest { neighbours: 1, caliper: None, reuse: Reuse::WithoutReplacement };
    check(alone, Support::All, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
    let caliper = Matcher::Nearest { neighbours: 2, caliper: Some(0.05), reuse: Reuse::WithReplacement };
    let found = check(caliper, Support::All, [1.0, 0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0]);
    assert_eq!(found.unmatched, [1]);
    // A distance equal to the radius is inside: 0.5 to 0.25 and to 0.75, twice.
    let weights = [1.0, 1.0, 1.0, 0.25, 0.25 + 0.5 + 1.0 / 3.0, 0.25 + 1.0 / 3.0, 0.0, 0.25 + 0.5 + 1.0 / 3.0];
    check(Matcher::Radius { radius: 0.25 }, Support::All, weights);
    // Kernel of 0.25: 0.5 has 0.51 at u = 0.04, 0.52 has it too and 0.75 twice at u = 0.92, 0.9 has 0.75 twice at 0.6.
    let (near, far) = (1.0 - 0.04_f64.powi(2), 1.0 - 0.92_f64.powi(2));
    let total = near + 2.0 * far;
    let each = 0.5 + far / total;
    check(Matcher::Kernel { bandwidth: 0.25 }, Support::All, [1.0, 1.0, 1.0, 0.0, each, 1.0 + near / total, 0.0, each]);
}

#[test]
fn weights_of_untreated_rows_sum_to_the_matched_ones() {
    let random = Random::new(8, 1);
    let treated: Vec<bool> = (0..300).map(|row| random.uniform(row, 0) < 0.4).collect();
    let scores: Vec<f64> = (0..300).map(|row| random.uniform(row, 1)).collect();
    for matcher in [
        NEAREST,
        Matcher::Nearest { neighbours: 4, caliper: Some(0.01), reuse: Reuse::WithoutReplacement },
        Matcher::Radius { radius: 0.01 },
        Matcher::Kernel { bandwidth: 0.06 },
    ] {
        let found = match_rows(&treated, &scores, matcher, Support::Common).expect("matches");
        let of = |wanted: bool| -> f64 {
            (0..300).filter(|row| treated[*row] == wanted).map(|row| found.weights[row]).sum()
        };
        assert_eq!(of(true), found.neighbours.len() as f64);
        assert!((of(false) - of(true)).abs() < 1e-9, "{matcher:?}");
        let n_treated = treated.iter().filter(|is| **is).count();
        assert_eq!(found.neighbours.len() + found.unmatched.len() + found.off_support.len(), n_treated);
    }
}

#[test]
fn a_balance_table_is_that_of_two_samples() {
    let treated = [true, true, true, false, false, false, false];
    let values = [3.0, 5.0, 7.0, 1.0, 2.0, 3.0, 4.0];
    let weights = [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0];
    let covariate = Covariate { name: "x", values: &values };
    let found = &balance(&treated, &weights, &[covariate]).expect("a table")[0];
    let (first, second) = (describe::standard_deviation(&values[..3]), describe::standard_deviation(&values[3..]));
    let spread = (0.5 * (first * first + second * second)).sqrt();
    assert!((found.before.bias - 100.0 * 2.5 / spread).abs() < 1e-12);
    assert!((found.after.bias - 100.0 * 0.5 / spread).abs() < 1e-12);
    assert!((found.bias_reduction - 80.0).abs() < 1e-12);
    // The pooled variance is (2 s₁² + 3 s₀²)/5.
    let pooled = (2.0 * first * first + 3.0 * second * second) / 5.0;
    let t = 2.5 / (pooled * (1.0 / 3.0 + 1.0 / 4.0)).sqrt();
    assert!((found.before.t - t).abs() < 1e-12);
    assert!((found.before.p_value - student::two_sided(t, 5.0)).abs() < 1e-12);
    assert!((found.before.variance_ratio - first * first / (second * second)).abs() < 1e-12);
    assert!((found.after.variance_ratio - 4.0).abs() < 1e-12);
    let constant = Covariate { name: "one", values: &[1.0; 7] };
    let found = &balance(&treated, &weights, &[constant]).expect("a table")[0];
    assert_eq!((found.before.bias, found.after.t, found.after.p_value), (0.0, 0.0, 1.0));
}

#[test]
fn scores_are_those_of_the_logit() {
    let random = Random::new(9, 1);
    let mut text = String::from("d,x\n");
    for row in 0..200 {
        let x = random.uniform(row, 0);
        text.push_str(&format!("{},{x}\n", u8::from(random.uniform(row, 1) < 0.2 + 0.6 * x)));
    }
    let frame = Frame::read(&text);
    let formula = formula::parse("d ~ x").expect("a formula");
    let design = Design::new(&formula, &frame.data(), &Options::default()).expect("a design");
    let found = propensity(&design).expect("scores");
    assert_eq!((found.scores.len(), found.df), (200, 1));
    // At the maximum Σ (d - p) and Σ (d - p) x are 0.
    let rest = |by: &dyn Fn(usize) -> f64| -> f64 {
        (0..200).map(|row| (frame.numbers("d")[row].expect("0 or 1") - found.scores[row]) * by(row)).sum()
    };
    assert!(rest(&|_| 1.0).abs() < 1e-9 && rest(&|row| frame.numbers("x")[row].expect("x")).abs() < 1e-9);
    let likelihood = found.fit.likelihood.as_ref().expect("a likelihood");
    let ratio = -2.0 * likelihood.null_log_likelihood * found.pseudo_r2;
    assert!((found.likelihood_ratio - ratio).abs() < 1e-9);
    assert!(found.p_value < 1e-3);
}

#[test]
fn what_cannot_be_matched_says_why() {
    let message = |treated: &[bool], scores: &[f64], matcher: Matcher| {
        match_rows(treated, scores, matcher, Support::Common).expect_err("an error").to_string()
    };
    assert_eq!(message(&[true, true], &[0.1, 0.2], NEAREST), "no row is untreated");
    assert_eq!(message(&[false], &[0.1], NEAREST), "no row is treated");
    assert_eq!(message(&[true, false], &[0.1], NEAREST), "there are 1 scores for 2 rows");
    assert_eq!(message(&[true, false], &[0.1, f64::NAN], NEAREST), "score number 2 is NaN");
    assert_eq!(
        message(&[true, false], &[0.1, 0.2], NEAREST),
        "no treated row is matched: 1 off the common support, 0 without a neighbour"
    );
    assert_eq!(
        message(&[true, false], &[0.1, 0.2], Matcher::Radius { radius: 0.0 }),
        "the option `radius` is 0: it should be positive"
    );
}
