//! Against the intervals of the authors' package, and against properties.

use super::*;
use crate::formula;
use crate::reference::Frame;
use crate::staggered::event_study::{self, EventStudyOptions};
use crate::staggered::panel::{Panel, PanelOptions, Treatment};

/// Health insurance by state before 2016, without the cohort of 2015, where the file is there: it is not part of this
/// repository.
fn ehec() -> Option<EventStudy> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/reference/ehec.csv");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no {path}");
        return None;
    };
    let all = Frame::read(&text);
    let (years, cohorts) = (all.numbers("year"), all.numbers("yexp2"));
    let rows: Vec<usize> = (0..all.rows())
        .filter(|row| years[*row].is_some_and(|year| year < 2016.0) && cohorts[*row] != Some(2015.0))
        .collect();
    let mut lines = vec![text.lines().next().expect("a header")];
    lines.extend(rows.iter().map(|row| text.lines().nth(row + 1).expect("a row")));
    let frame = Frame::read(&lines.join("\n"));
    assert_eq!(frame.rows(), 344);
    let cohorts = frame.numbers("yexp2").iter().map(|first| first.filter(|first| *first == 2014.0)).collect();
    let frame = frame.with("first", cohorts);
    let treatment = Treatment::FirstPeriod("first".to_string());
    let options = PanelOptions { treatment, weights: None, cluster: None, level: 0.95 };
    let formula = formula::parse("dins ~ first | stfips + year").expect("a formula");
    let panel = Panel::new(&formula, &frame.data(), &options).expect("ehec");
    let estimates = event_study::event_study(&panel, &EventStudyOptions::default()).expect("an event study");
    Some(EventStudy::from_estimates(&estimates, -1.0, &Target::First).expect("seven effects"))
}

const SMOOTH: Restriction = Restriction { kind: Kind::Smoothness, shape: None };
const RELATIVE: Restriction = Restriction { kind: Kind::RelativeMagnitudes, shape: None };

fn options(method: Method) -> HonestOptions {
    HonestOptions { method, draws: 2000, ..HonestOptions::new(Random::new(20_260_101, 1)) }
}

/// Correlated effects: one common error, that of the reference time, and one of each time.
fn study(before: &[f64], after: &[f64], scale: f64) -> EventStudy {
    let size = before.len() + after.len();
    let entry = |row: usize, column: usize| scale * if row == column { 1.5 + 0.1 * row as f64 } else { 0.5 };
    let vcov = (0..size).map(|row| (0..size).map(|column| entry(row, column)).collect()).collect();
    EventStudy::new(before, after, vcov, &Target::First).expect("a study")
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
}

/// README of the R package HonestDiD, commit 6813f02, which prints three digits; HonestDiD's test of relative magnitudes
/// draws 1000 times from another generator, which may move an end by one step of the lattice.
#[test]
fn published_intervals_are_met() {
    let Some(study) = ehec() else { return };
    let [low, high] = study.original(0.95).expect("an interval");
    close(low, 0.029, 6e-4);
    close(high, 0.064, 6e-4);
    for (bound, low, high) in [
        (0.0, 0.0259, 0.0607),
        (0.01, 0.0132, 0.0787),
        (0.02, 0.00286, 0.0907),
        (0.03, -0.00714, 0.101),
        (0.04, -0.0171, 0.111),
        (0.05, -0.0271, 0.121),
    ] {
        let found = interval(&study, SMOOTH, bound, &options(Method::FixedLength)).expect("an interval");
        println!("smoothness {bound}: {} {}", found.low, found.high);
        // Its quantiles of |N(t, 1)| are those of a million draws: off by √(0.05 · 0.95 / 10⁶) / 0.1 = 0.0022 standard errors
        // of 0.012 or less in one deviation, 2.6e-5, of which three are allowed, and half of the last printed digit.
        let printed = |value: f64| 5.0 * 10_f64.powi(value.abs().log10().floor() as i32 - 3) + 3.0 * 2.6e-5;
        close(found.low, low, printed(low));
        close(found.high, high, printed(high));
    }
    for (bound, low, high) in
        [(0.5, 0.0241, 0.0673), (1.0, 0.0171, 0.0720), (1.5, 0.00859, 0.0796), (2.0, -0.00107, 0.0883)]
    {
        let options = HonestOptions { draws: 10_000, ..options(Method::Hybrid) };
        let found = interval(&study, RELATIVE, bound, &options).expect("an interval");
        let step = found.step.expect("a lattice");
        println!("relative {bound}: {} {}, step {step}", found.low, found.high);
        close(found.low, low, 5e-5 + 1.001 * step);
        close(found.high, high, 5e-5 + 1.001 * step);
    }
}

#[test]
fn no_estimator_near_the_shortest_interval_has_a_shorter_one() {
    let study = study(&[0.3, -0.2, 0.1, 0.4, 0.2], &[1.0, 1.5], 0.04);
    let random = Random::new(3, 1);
    for bound in [0.0, 0.02, 0.1, 0.5, 5.0] {
        let best = shortest::shortest(&study, bound, 0.95).expect("an interval");
        // The bias is the largest of the estimator over the restriction: a linear program.
        let bias = |weights: &[f64]| {
            let polyhedra = polyhedra(&study, SMOOTH, bound).expect("one");
            match simplex::largest(&polyhedra[0].rows, &polyhedra[0].bounds, weights) {
                Some(Optimum::At(point)) => twofold::dot(weights, &point).value(),
                _ => f64::INFINITY,
            }
        };
        close(best.bias, bias(&best.weights), 1e-8);
        close(twofold::dot(&best.weights, &study.effects).value(), best.estimate, 1e-12);
        for draw in 0..200 {
            // Directions in which a linear trend stays without effect: second differences of the effects before.
            let mut weights = best.weights.clone();
            for bend in 1..5 {
                let change = (random.uniform(draw, bend as u64) - 0.5) * 0.02;
                for (distance, entry) in [(bend - 1, 1.0), (bend, -2.0), (bend + 1, 1.0)] {
                    if distance > 0 {
                        weights[5 - distance] += change * entry;
                    }
                }
            }
            let std_error = study.std_error(&weights);
            let half_length = std_error * normal::folded_quantile(0.05, bias(&weights) / std_error);
            assert!(half_length >= best.half_length - 1e-12, "bound {bound}, draw {draw}");
        }
    }
}

#[test]
fn identified_values_are_those_of_the_definition() {
    let study = study(&[0.3, -0.2], &[1.0, 1.5], 0.04);
    // Steps before the reference: -0.5 and 0.2.
    let [low, high] = identified(&study, RELATIVE, 0.8).expect("no error").expect("values");
    close(low, 1.0 - 0.8 * 0.5, 1e-12);
    close(high, 1.0 + 0.8 * 0.5, 1e-12);
    // Changes of slope: 0.7 before the reference; after it, the slope is 0.2 and a change of at most M.
    assert_eq!(identified(&study, SMOOTH, 0.6).expect("no error"), None);
    let [low, high] = identified(&study, SMOOTH, 0.75).expect("no error").expect("values");
    close(low, 1.0 - 0.2 - 0.75, 1e-12);
    close(high, 1.0 - 0.2 + 0.75, 1e-12);
    let bends = Restriction { kind: Kind::RelativeSmoothness, shape: None };
    let [low, high] = identified(&study, bends, 0.5).expect("no error").expect("values");
    close(low, 1.0 - 0.2 - 0.35, 1e-12);
    close(high, 1.0 - 0.2 + 0.35, 1e-12);
    let positive = Restriction { kind: Kind::RelativeMagnitudes, shape: Some(Shape::Positive) };
    close(identified(&study, positive, 0.8).expect("no error").expect("values")[1], 1.0, 1e-12);
    let rising = Restriction { kind: Kind::RelativeMagnitudes, shape: Some(Shape::Increasing) };
    assert_eq!(identified(&study, rising, 0.8).expect("no error"), None);
}

#[test]
fn without_errors_the_interval_is_the_identified_one() {
    let study = study(&[0.3, -0.2, 0.1], &[0.01, 0.02], 1e-8);
    for (restriction, bound) in [(RELATIVE, 0.004), (RELATIVE, 0.0), (SMOOTH, 0.9)] {
        let options = HonestOptions { points: 2000, ..options(Method::Hybrid) };
        let [low, high] = identified(&study, restriction, bound).expect("no error").expect("values");
        let found = interval(&study, restriction, bound, &options).expect("an interval");
        if found.is_cut {
            assert!(low < found.low && high > found.high);
        } else {
            close(found.low, low, 1e-3);
            close(found.high, high, 1e-3);
        }
    }
}

/// One inequality and its opposite: the conditional test is the two-sided one of β₁ + β₋₁ - θ.
#[test]
fn the_conditional_test_of_a_point_is_the_usual_one() {
    let study = study(&[0.3], &[1.0], 0.04);
    let found = interval(&study, SMOOTH, 0.0, &options(Method::Conditional)).expect("an interval");
    let half_length = 1.959_963_984_540_054 * study.std_error(&[1.0, 1.0]);
    let step = found.step.expect("a lattice");
    close(found.low, 1.3 - half_length, step);
    close(found.high, 1.3 + half_length, step);
    let fixed = interval(&study, SMOOTH, 0.0, &options(Method::FixedLength)).expect("an interval");
    close(fixed.low, 1.3 - half_length, 1e-12);
}

#[test]
fn the_breakdown_is_where_zero_enters() {
    let study = study(&[0.1, -0.05, 0.02, 0.1], &[1.0, 1.5], 0.02);
    for (restriction, method) in [(SMOOTH, Method::FixedLength), (RELATIVE, Method::Hybrid), (SMOOTH, Method::Hybrid)] {
        let options = HonestOptions { draws: 500, ..options(method) };
        let found = breakdown(&study, restriction, &options).expect("a breakdown");
        let Breakdown::Between { outside, inside } = found else { panic!("{found:?}") };
        assert!(inside - outside <= 1e-6 * inside);
        let low = |bound: f64| interval(&study, restriction, bound, &options).expect("an interval").low;
        assert!(low(0.95 * outside) > 0.0 && low(1.05 * inside) <= 0.0, "{restriction:?} {found:?}");
    }
    let noise = self::study(&[0.1, -0.05], &[0.1, 0.2], 1.0);
    assert_eq!(breakdown(&noise, RELATIVE, &options(Method::Hybrid)), Ok(Breakdown::AtZero));
}

#[test]
fn what_cannot_be_answered_says_why() {
    let regular = study(&[0.1, 0.2], &[1.0], 0.04);
    let message = |result: Result<RobustInterval, StatsError>| result.expect_err("an error").to_string();
    let hybrid = options(Method::Hybrid);
    assert_eq!(message(interval(&regular, RELATIVE, -1.0, &hybrid)), "the bound is -1, and it cannot be negative");
    assert_eq!(
        message(interval(&regular, RELATIVE, 1.0, &options(Method::FixedLength))),
        "intervals of fixed length are for the restriction `smoothness` without a shape"
    );
    let bends = Restriction { kind: Kind::RelativeSmoothness, shape: None };
    assert_eq!(
        message(interval(&study(&[0.1], &[1.0], 0.04), bends, 1.0, &hybrid)),
        "`relative_smoothness` compares with 2 effects before the treatment at least, and there are 1"
    );
    let few = HonestOptions { draws: 10, ..hybrid.clone() };
    assert_eq!(message(interval(&regular, RELATIVE, 1.0, &few)), "the option `draws` is 10: it should be 100 at least");
    let square = |entry: f64| vec![vec![1.0, entry], vec![entry, 1.0]];
    let new = |before: &[f64], after: &[f64], vcov: Matrix, target: Target| {
        EventStudy::new(before, after, vcov, &target).expect_err("an error").to_string()
    };
    assert_eq!(new(&[], &[1.0], square(0.0), Target::First), "the event study has no effect before the reference time");
    assert_eq!(new(&[0.0], &[1.0], square(1.0), Target::First), "the variance of the effects is singular at effect 2");
    assert_eq!(new(&[0.0], &[f64::NAN], square(0.0), Target::First), "effect number 2 is NaN");
    assert_eq!(
        new(&[0.0], &[1.0], square(0.0), Target::Weights(vec![0.5, 0.5])),
        "2 weights for 1 effects after the treatment"
    );
    assert_eq!(
        new(&[0.0], &[1.0, 2.0], square(0.0), Target::Average),
        "the variance has 2 rows and 2 columns for 3 effects"
    );
}

#[test]
fn a_seed_gives_the_same_bits_and_another_seed_nearly_the_same() {
    let study = study(&[0.1, -0.05, 0.02], &[1.0, 1.5], 0.02);
    let of = |seed: u64| {
        let options = HonestOptions { random: Random::new(seed, 1), draws: 5000, ..options(Method::Hybrid) };
        interval(&study, RELATIVE, 1.0, &options).expect("an interval")
    };
    assert_eq!(of(1), of(1));
    let (one, other) = (of(1), of(2));
    assert!((one.low - other.low).abs() <= 2.0 * one.step.expect("a lattice"));
}
