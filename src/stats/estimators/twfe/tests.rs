//! Against other programs: `tests/reference/twfe.py`. And against itself: what must not change an estimate.

use super::Twfe;
use crate::design::{Design, Options, SmallSample, Vcov};
use crate::error::StatsError;
use crate::estimator::{Coefficient, Estimator, Fit};
use crate::formula;
use crate::reference::{self, Frame};
use std::collections::BTreeMap;

const MPDTA: &str = include_str!("../../../../tests/reference/data/mpdta.csv");
const CASTLE: &str = include_str!("../../../../tests/reference/data/castle.csv");
const GRUNFELD: &str = include_str!("../../../../tests/reference/data/grunfeld.csv");
const SYNTHETIC: &str = include_str!("../../../../tests/reference/data/synthetic.csv");
const NUMBERS: &str = include_str!("../../../../tests/reference/twfe.csv");

/// Both sides solve to the last digits: pyfixest stops demeaning at 1e-13 and agrees with a regression on dummies to
/// 3e-13. One digit of room for another version of its libraries.
const TOLERANCE: f64 = 3e-12;

fn frame(name: &str) -> Frame {
    match name {
        "mpdta" => {
            let frame = Frame::read(MPDTA);
            let pairs = frame.numbers("first.treat").iter().zip(frame.numbers("year"));
            let treated = |(first, year): (&Option<f64>, &Option<f64>)| *first > Some(0.0) && year >= first;
            let treated = pairs.map(|pair| Some(f64::from(u8::from(treated(pair))))).collect();
            frame.with("treated", treated)
        }
        "castle" => Frame::read(CASTLE),
        "grunfeld" => Frame::read(GRUNFELD),
        "synthetic" => Frame::read(SYNTHETIC),
        other => panic!("no data `{other}`"),
    }
}

fn options(vcov: Vcov) -> Options {
    Options { vcov, weights: None, small_sample: SmallSample::Fixest, level: 0.95, drop_singletons: false, panel: None }
}

fn cluster(columns: &str) -> Options {
    options(Vcov::Cluster(columns.split(' ').map(str::to_string).collect()))
}

fn fit(frame: &Frame, formula: &str, options: &Options) -> Result<Fit, StatsError> {
    let formula = formula::parse(formula).expect(formula);
    Twfe.fit(&Design::new(&formula, &frame.data(), options)?)
}

/// One number of a fit by the names of `twfe.csv`.
fn quantity(fit: &Fit, quantity: &str, term: &str) -> f64 {
    let coefficient = || {
        let found = fit.coefficients.iter().find(|coefficient| coefficient.term == term);
        found.unwrap_or_else(|| panic!("no term `{term}` in {:?}", fit.coefficients))
    };
    match quantity {
        "estimate" => coefficient().estimate,
        "std_error" => coefficient().std_error,
        "statistic" => coefficient().statistic,
        "p_value" => coefficient().p_value,
        "conf_low" => coefficient().conf_low,
        "conf_high" => coefficient().conf_high,
        "n_obs" => fit.n_obs as f64,
        "r2" => fit.r2,
        "adj_r2" => fit.adj_r2,
        "r2_within" => fit.r2_within.expect("fixed effects"),
        "adj_r2_within" => fit.adj_r2_within.expect("fixed effects"),
        "rmse" => fit.rmse,
        other => panic!("no quantity `{other}`"),
    }
}

#[test]
fn numbers_are_those_of_pyfixest() {
    let mut worst: BTreeMap<String, f64> = BTreeMap::new();
    let mut fits: BTreeMap<String, Fit> = BTreeMap::new();
    for row in reference::rows(NUMBERS) {
        let case = &row["case"];
        let fit = fits.entry(case.clone()).or_insert_with(|| {
            let mut options = match row["vcov"].as_str() {
                "iid" => options(Vcov::Iid),
                "hetero" => options(Vcov::Hetero),
                _ => cluster(&row["cluster"]),
            };
            options.weights = Some(row["weights"].clone()).filter(|weights| !weights.is_empty());
            options.drop_singletons = row["singletons"] == "1";
            if row["uncorrected"] == "1" {
                options.small_sample = SmallSample::None;
            }
            fit(&frame(&row["data"]), &row["formula"], &options).unwrap_or_else(|error| panic!("{case}: {error}"))
        });
        let found = quantity(fit, &row["quantity"], &row["term"]);
        let expected: f64 = row["value"].parse().expect("a number");
        let size = match row["quantity"].as_str() {
            // The ends of an interval may lie near 0, far from the size of what they are computed from.
            "conf_low" | "conf_high" => quantity(fit, "estimate", &row["term"]).abs(),
            // d ln p / d ln t is about t² where p is small.
            "p_value" => expected.abs() * (1.0 + quantity(fit, "statistic", &row["term"]).powi(2)),
            _ => expected.abs(),
        };
        let difference = (found - expected).abs() / size;
        let place = format!("{case}: {} of `{}`", row["quantity"], row["term"]);
        assert!(difference < TOLERANCE, "{place} is {found}, not {expected} ({difference:e})");
        let worst = worst.entry(row["quantity"].clone()).or_default();
        *worst = worst.max(difference);
    }
    println!("largest relative differences: {worst:#?}");
}

/// METHODS 10.1, 10.3 and 10.7, to the digits printed there; the castle standard error ends in …42181 by pyfixest and by
/// dummies (`castle` in `twfe.csv`), where METHODS prints …42182.
#[test]
fn published_numbers_are_met() {
    let both = |data: &str, formula: &str, options: &Options, term: &str| {
        let fit = fit(&frame(data), formula, options).expect(formula);
        (quantity(&fit, "estimate", term), quantity(&fit, "std_error", term))
    };
    let (estimate, std_error) = both("mpdta", "lemp ~ treated | countyreal + year", &cluster("countyreal"), "treated");
    assert!((estimate - -0.0365489367).abs() < 5.1e-11, "{estimate}");
    assert!((std_error - 0.0132651554).abs() < 5.1e-11, "{std_error}");
    let (estimate, std_error) = both("castle", "l_homicide ~ post | state + year", &cluster("state"), "post");
    assert!((estimate - 0.0818116169306475).abs() < 5.1e-16, "{estimate}");
    assert!((std_error - 0.0588742182).abs() < 2e-10, "{std_error}");
    let two_effects = "inv ~ capital | firm + year";
    for (formula, options, expected) in [
        (two_effects, options(Vcov::Iid), 0.02597821),
        (two_effects, cluster("firm"), 0.06328129),
        ("inv ~ capital", options(Vcov::Iid), 0.0383394),
        ("inv ~ capital", options(Vcov::Hetero), 0.06633144),
    ] {
        let (_, std_error) = both("grunfeld", formula, &options, "capital");
        assert!((std_error - expected).abs() < 5.1e-9, "{formula}: {std_error} is not {expected}");
    }
}

/// Every number of a fit, bit by bit; residuals apart, which have the order of the rows.
fn bits(fit: &Fit) -> Vec<u64> {
    let of = |coefficient: &Coefficient| {
        let Coefficient { term: _, estimate, std_error, statistic, p_value, conf_low, conf_high } = coefficient;
        [*estimate, *std_error, *statistic, *p_value, *conf_low, *conf_high]
    };
    let model = [fit.r2, fit.adj_r2, fit.rmse, fit.outcome_mean, fit.outcome_sd, fit.condition, fit.df_residual];
    let numbers = fit.coefficients.iter().flat_map(of).chain(model).chain(fit.vcov.iter().flatten().copied());
    numbers.map(f64::to_bits).collect()
}

#[test]
fn the_order_of_the_rows_does_not_show() {
    let frame = frame("synthetic");
    let rows = frame.rows();
    let reversed: Vec<usize> = (0..rows).rev().collect();
    // 101 is a prime that does not divide the number of rows: every row comes once.
    let scattered: Vec<usize> = (0..rows).map(|row| row * 101 % rows).collect();
    for (formula, vcov) in [
        ("y ~ x1*x2 + region", "firm"),
        ("y ~ x1 + x2 + i(year) | firm", "firm year"),
        ("y ~ x1 + x2 | worker + firm + region^year", "worker"),
    ] {
        let options = Options { weights: Some("w".to_string()), ..cluster(vcov) };
        let expected = fit(&frame, formula, &options).expect(formula);
        for order in [&reversed, &scattered] {
            let found = fit(&frame.reordered(order), formula, &options).expect(formula);
            assert_eq!(bits(&found), bits(&expected), "{formula}");
        }
    }
}

#[test]
fn scaling_a_regressor_by_a_power_of_two_scales_its_estimate_and_nothing_else() {
    let (frame, factor) = (frame("synthetic"), 2_f64.powi(40));
    let scaled = frame.numbers("x1").iter().map(|value| value.map(|value| value * factor)).collect();
    let scaled = frame.reordered(&(0..frame.rows()).collect::<Vec<_>>()).with("x1", scaled);
    for formula in ["y ~ x1 + x2", "y ~ x1 + x2 | worker + firm + year"] {
        let (plain, scaled) = (fit(&frame, formula, &cluster("firm")), fit(&scaled, formula, &cluster("firm")));
        for (plain, scaled) in plain.expect(formula).coefficients.iter().zip(&scaled.expect(formula).coefficients) {
            let factor = if plain.term == "x1" { factor } else { 1.0 };
            assert_eq!(plain.estimate, scaled.estimate * factor, "{formula}: {}", plain.term);
            assert_eq!(plain.std_error, scaled.std_error * factor, "{formula}: {}", plain.term);
            assert_eq!(plain.p_value, scaled.p_value, "{formula}: {}", plain.term);
        }
    }
}

#[test]
fn adding_a_constant_to_the_outcome_changes_the_intercept_alone() {
    let frame = frame("synthetic");
    let raised = frame.numbers("y").iter().map(|value| value.map(|value| value + 1024.0)).collect();
    let raised = frame.reordered(&(0..frame.rows()).collect::<Vec<_>>()).with("y", raised);
    for formula in ["y ~ x1 + x2", "y ~ x1 + x2 | worker + firm"] {
        let (plain, raised) = (fit(&frame, formula, &cluster("firm")), fit(&raised, formula, &cluster("firm")));
        for (plain, raised) in plain.expect(formula).coefficients.iter().zip(&raised.expect(formula).coefficients) {
            let shift = if plain.term == "(Intercept)" { 1024.0 } else { 0.0 };
            // The sum of y and 1024 has been rounded to 1e-13.
            assert!((raised.estimate - plain.estimate - shift).abs() < 1e-12, "{formula}: {}", plain.term);
            assert!((raised.std_error - plain.std_error).abs() < 1e-12, "{formula}: {}", plain.term);
        }
    }
}

#[test]
fn a_weight_of_two_is_a_row_twice_and_an_effect_is_its_dummies() {
    let frame = frame("synthetic");
    let doubled: Vec<usize> = (0..frame.rows()).chain((0..frame.rows()).filter(|row| row % 3 == 0)).collect();
    let weights = (0..frame.rows()).map(|row| Some(if row % 3 == 0 { 2.0 } else { 1.0 })).collect();
    let weighted = frame.reordered(&(0..frame.rows()).collect::<Vec<_>>()).with("twice", weights);
    let pairs = |left: &Fit, right: &Fit| {
        for term in ["x1", "x2"] {
            let (left, right) = (quantity(left, "estimate", term), quantity(right, "estimate", term));
            assert!((left - right).abs() < 1e-13, "{term}: {left} is not {right}");
        }
    };
    let formula = "y ~ x1 + x2 | worker + firm";
    let with_weights = Options { weights: Some("twice".to_string()), ..options(Vcov::Hetero) };
    let twice = fit(&frame.reordered(&doubled), formula, &options(Vcov::Hetero)).expect(formula);
    pairs(&fit(&weighted, formula, &with_weights).expect(formula), &twice);
    let absorbed = fit(&frame, "y ~ x1 + x2 | firm + year", &options(Vcov::Iid)).expect("absorbed");
    let dummies = fit(&frame, "y ~ x1 + x2 + i(firm) + i(year)", &options(Vcov::Iid)).expect("dummies");
    pairs(&absorbed, &dummies);
    assert_eq!(absorbed.df_residual, dummies.df_residual);
    let errors = [&absorbed, &dummies].map(|fit| quantity(fit, "std_error", "x1"));
    assert!((errors[0] - errors[1]).abs() < 1e-14, "{errors:?}");
}

#[test]
fn what_is_dropped_is_told() {
    let frame = frame("synthetic");
    let pairs = frame.numbers("worker").iter().zip(frame.numbers("year"));
    let trend: Vec<Option<f64>> =
        pairs.map(|(worker, year)| Some(worker.expect("a worker") + 3.0 * year.expect("a year"))).collect();
    let rows = frame.rows();
    let frame = frame.with("trend", trend).with("one", vec![Some(0.1); rows]).with("zero", vec![Some(0.0); rows]);
    for (formula, expected) in [
        ("y ~ x1 + x2 + x3", "x3: collinear with `x1` and `x2`"),
        ("y ~ x3 + x1 + x2 | worker", "x2: collinear with `x3` and `x1`"),
        ("y ~ x1 + z + x2 | firm + worker", "z: does not vary within `worker`"),
        ("y ~ x1 + trend | worker + year", "trend: collinear with the fixed effects `worker` and `year`"),
        ("y ~ x1 + one | worker", "one: constant"),
        ("y ~ x1 + one", "one: constant"),
        (
            "y ~ x1 + i(one) + x2:i(one, 0.1)",
            "i(one): its factor has the reference level only; x2:i(one, ref = 0.1): its factor has the reference level only",
        ),
        ("y ~ 0 + x1 + zero", "zero: always 0"),
        (
            "y ~ 0 + one + i(region) + x1",
            "region::west: collinear with `one`, `region::east`, `region::north` and `region::south`",
        ),
        (
            "y ~ x1 + i(year) + i(region) | firm",
            "region::north: does not vary within `firm`; region::south: does not vary within `firm`; region::west: does not vary within `firm`",
        ),
    ] {
        let fit = fit(&frame, formula, &options(Vcov::Hetero)).expect(formula);
        let dropped: Vec<String> = fit.dropped_terms.iter().map(|(term, reason)| format!("{term}: {reason}")).collect();
        assert_eq!(dropped.join("; "), expected, "{formula}");
    }
}

#[test]
fn singletons_are_counted_and_left_out_on_request() {
    let frame = frame("synthetic");
    let formula = "y ~ x1 + x2 | worker + firm";
    let kept = fit(&frame, formula, &cluster("firm")).expect(formula);
    let dropped = fit(&frame, formula, &Options { drop_singletons: true, ..cluster("firm") }).expect(formula);
    assert_eq!((kept.n_singletons, dropped.n_singletons), (20, 20));
    assert_eq!((kept.n_obs, dropped.n_obs), (408, 388));
    assert_eq!((kept.residuals.len(), dropped.residuals.len()), (408, 388));
    // A singleton explains itself, so that it moves no estimate.
    assert!((quantity(&kept, "estimate", "x1") - quantity(&dropped, "estimate", "x1")).abs() < 1e-14);
}

#[test]
fn residuals_are_orthogonal_to_what_explains() {
    let frame = frame("synthetic");
    let fit = fit(&frame, "y ~ x1 + x2 | worker + firm + year", &cluster("firm")).expect("a fit");
    for regressor in ["x1", "x2"] {
        let products =
            frame.numbers(regressor).iter().zip(&fit.residuals).map(|(x, residual)| x.expect("x") * residual);
        assert!(products.sum::<f64>().abs() < 1e-12, "{regressor}");
    }
    for effect in ["worker", "firm", "year"] {
        let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
        for (level, residual) in frame.numbers(effect).iter().zip(&fit.residuals) {
            *sums.entry(level.expect("a level").to_bits()).or_default() += residual;
        }
        assert!(sums.values().all(|sum| sum.abs() < 1e-12), "{effect}: {sums:?}");
    }
}

#[test]
fn the_condition_number_warns_of_near_collinearity() {
    let frame = frame("synthetic");
    let near: Vec<Option<f64>> = frame
        .numbers("x1")
        .iter()
        .zip(frame.numbers("x2"))
        .map(|(x1, x2)| Some(x1.expect("x1") + 1e-6 * x2.expect("x2")))
        .collect();
    let frame = frame.with("near", near);
    let condition = |formula: &str| fit(&frame, formula, &options(Vcov::Iid)).expect(formula).condition;
    assert_eq!(condition("y ~ x1"), 1.0);
    assert_eq!(condition("y ~ 1"), 1.0);
    assert!((1.0..3.0).contains(&condition("y ~ x1 + x2 | firm")));
    assert!((1e6..1e7).contains(&condition("y ~ x1 + near")), "{}", condition("y ~ x1 + near"));
    // κ² is 10¹³, and yet the solution has 9 digits: y = … + 10⁶ b (near - x1).
    let fit = fit(&frame, "y ~ x1 + near", &options(Vcov::Iid)).expect("a fit");
    let plain = self::fit(&frame, "y ~ x1 + x2", &options(Vcov::Iid)).expect("a fit");
    let ratio = quantity(&fit, "estimate", "near") * 1e-6 / quantity(&plain, "estimate", "x2");
    assert!((ratio - 1.0).abs() < 1e-8, "{ratio}");
}

/// What cannot be estimated, for each reason that only a fit finds.
#[test]
fn models_without_an_answer_are_errors() {
    let frame = frame("synthetic");
    let rows = frame.rows();
    let frame = frame.with("seven", vec![Some(7.0); rows]);
    for (formula, message) in [
        ("seven ~ x1", "the outcome `seven` is 7 in every row of the sample"),
        ("seven ~ x1 | firm", "the outcome `seven` is 7 in every row of the sample"),
        ("z ~ x1 | year + worker", "the fixed effects [year, worker] determine the outcome `z`"),
        ("y ~ z | worker", "no regressor is left: z: does not vary within `worker`"),
        ("y ~ i(seven)", "no regressor is left: i(seven): its factor has the reference level only"),
        ("y ~ seven", "no regressor is left: seven: constant"),
    ] {
        let error = fit(&frame, formula, &options(Vcov::Iid)).map(|fit| fit.coefficients).expect_err(formula);
        assert_eq!(error.to_string(), message, "{formula}");
        assert!(error.hint().is_some(), "{formula}");
    }
    let effects_alone = fit(&frame, "y ~ 1 | worker", &options(Vcov::Iid)).expect("what effects explain");
    assert!(effects_alone.coefficients.is_empty() && effects_alone.r2 > 0.0);
    let three = frame.reordered(&[0, 10, 20]);
    let error = fit(&three, "y ~ x1 + x2", &options(Vcov::Iid)).map(|fit| fit.coefficients).expect_err("three rows");
    assert_eq!(error, StatsError::NoFreedom { observations: 3, parameters: 3 });
    assert!(error.hint().is_some());
}

/// One treated and one untreated cluster: the difference of their means fits each exactly, whatever the rows do.
#[test]
fn clusters_that_cannot_show_a_variance_are_named() {
    let csv =
        "y,d,x,g,t\n1,0,3,1,1\n2.5,0,1,1,1\n2,1,4,1,2\n3.7,1,1,1,2\n0.3,0,5,2,1\n1,0,9,2,1\n0.9,0,2,2,2\n1.4,0,6,2,2\n";
    let two = Frame::read(csv);
    let alone = fit(&two, "y ~ d | g + t", &cluster("g")).expect("a fit");
    assert!(alone.coefficients[0].std_error < 1e-12, "{alone:?}");
    let note = "cluster(g), too few clusters to see the variance of `d`: the scores of each add up to 0";
    assert_eq!(alone.vcov_label, note);
    let rows = fit(&two, "y ~ d | g + t", &cluster("x")).expect("a fit");
    assert_eq!(rows.vcov_label, "cluster(x)");
    assert!(rows.coefficients[0].std_error > 1e-3, "{rows:?}");
}
