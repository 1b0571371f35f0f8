//! All estimators and variances against other programs: `tests/reference/core.py`.

use super::Fit;
use crate::design::{Conley, CountedEffects, Design, Kernel, Options, Panel, Rules, SmallSample, Vcov};
use crate::error::StatsError;
use crate::estimators;
use crate::formula;
use crate::reference::{self, Frame};
use std::collections::BTreeMap;

const NUMBERS: &str = include_str!("../../../tests/reference/core.csv");
const REGIONS: &str = include_str!("../../../tests/reference/data/regions.csv");
const GRUNFELD: &str = include_str!("../../../tests/reference/data/grunfeld.csv");

pub(crate) fn regions() -> Frame {
    Frame::read(REGIONS)
}

/// A model of the reference, by the words of its CSV file.
pub(crate) fn fit(
    data: &str,
    formula: &str,
    estimator: &str,
    vcov: &str,
    change: impl Fn(&mut Options),
) -> Result<Fit, StatsError> {
    let frame = if data == "grunfeld" { Frame::read(GRUNFELD) } else { regions() };
    let (unit, time) = if data == "grunfeld" { ("firm", "year") } else { ("unit", "time") };
    let panel = Some(Panel { unit: unit.to_string(), time: time.to_string() });
    let mut options = Options { vcov: variance(vcov), panel, ..Options::default() };
    change(&mut options);
    let formula = formula::parse(formula).expect(formula);
    let design = Design::new(&formula, &frame.data(), &options)?;
    estimators::find(estimator).expect(estimator).fit(&design)
}

fn variance(text: &str) -> Vcov {
    let words: Vec<&str> = text.split(' ').collect();
    let name = |position: usize| words[position].to_string();
    let lags = |position: usize| words.get(position).map(|word| word.parse().expect("a number"));
    match words[0] {
        "iid" => Vcov::Iid,
        "hetero" => Vcov::Hetero,
        "hc2" => Vcov::Hc2,
        "hc3" => Vcov::Hc3,
        "cr2" => Vcov::Cr2(name(1)),
        "cr3" => Vcov::Cr3(name(1)),
        "cluster" => Vcov::Cluster(words[1..].iter().map(|word| word.to_string()).collect()),
        "nw" => Vcov::NeweyWest { lags: lags(1) },
        "dk" => Vcov::DriscollKraay { lags: lags(1) },
        "conley" => Vcov::Conley(Conley {
            latitude: name(1),
            longitude: name(2),
            cutoff: words[3].parse().expect("a number"),
            kernel: if words[4] == "uniform" { Kernel::Uniform } else { Kernel::Bartlett },
            lags: lags(5),
        }),
        other => panic!("no variance `{other}`"),
    }
}

fn small_sample(text: &str) -> SmallSample {
    let words: Vec<&str> = text.split(' ').collect();
    match words.as_slice() {
        [""] => SmallSample::Fixest,
        ["none"] => SmallSample::None,
        ["stata"] => SmallSample::Stata,
        [adjust, effects, cluster, smallest] => SmallSample::Rules(Rules {
            adjust: *adjust == "1",
            effects: match *effects {
                "none" => CountedEffects::None,
                "all" => CountedEffects::All,
                _ => CountedEffects::NotNested,
            },
            cluster: *cluster == "1",
            smallest_clusters: *smallest == "1",
        }),
        _ => panic!("no rules `{text}`"),
    }
}

/// One number of a fit by the names of `core.csv`.
fn quantity(fit: &Fit, quantity: &str, term: &str) -> f64 {
    let coefficient = || {
        let found = fit.coefficients.iter().find(|coefficient| coefficient.term == term);
        found.unwrap_or_else(|| panic!("no term `{term}` in {:?}", fit.coefficients))
    };
    let instruments = || fit.instruments.as_ref().expect("a model with instruments");
    let first = || {
        let found = instruments().first_stages.iter().find(|stage| stage.endogenous == term);
        found.unwrap_or_else(|| panic!("no first stage of `{term}`"))
    };
    let end = |number: usize| {
        let set = instruments().anderson_rubin_set.as_ref().expect("one endogenous regressor");
        let ends = set.iter().flat_map(|(low, high)| [*low, *high]).filter(|end| end.is_finite());
        ends.collect::<Vec<f64>>()[number]
    };
    let likelihood = || fit.likelihood.as_ref().expect("a model by maximum likelihood");
    match quantity {
        "estimate" => coefficient().estimate,
        "std_error" => coefficient().std_error,
        "p_value" => coefficient().p_value,
        "n_obs" => fit.n_obs as f64,
        "cd_f" => instruments().cragg_donald_f,
        "kp_f" => instruments().kleibergen_paap_f.expect("errors are not of one variance"),
        "underidentification" => instruments().underidentification.statistic,
        "anderson_rubin" => instruments().anderson_rubin.statistic,
        "anderson_rubin_end_0" => end(0),
        "anderson_rubin_end_1" => end(1),
        "overidentification" => instruments().overidentification.as_ref().expect("more than needed").statistic,
        "endogeneity" => instruments().endogeneity.statistic,
        "first_stage_f" => first().f.statistic,
        "partial_r2" => first().partial_r2,
        "n_separated" => likelihood().separated.len() as f64,
        "deviance" => likelihood().deviance,
        "log_likelihood" => likelihood().log_likelihood,
        "null_log_likelihood" => likelihood().null_log_likelihood,
        "pseudo_r2" => likelihood().pseudo_r2,
        other => panic!("no quantity `{other}`"),
    }
}

#[test]
fn numbers_are_those_of_other_programs() {
    let mut fits: BTreeMap<String, Fit> = BTreeMap::new();
    let mut worst: BTreeMap<String, f64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in reference::rows(NUMBERS) {
        let case = &row["case"];
        let fit = fits.entry(case.clone()).or_insert_with(|| {
            let change = |options: &mut Options| {
                options.weights = Some(row["weights"].clone()).filter(|weights| !weights.is_empty());
                options.small_sample = small_sample(&row["small_sample"]);
            };
            fit(&row["data"], &row["formula"], &row["estimator"], &row["vcov"], change)
                .unwrap_or_else(|error| panic!("{case}: {error}"))
        });
        let found = quantity(fit, &row["quantity"], &row["term"]);
        let number = |name: &str| -> f64 { row[name].parse().expect("a number") };
        let (expected, tolerance) = (number("value"), number("tolerance"));
        let difference = (found - expected).abs() / expected.abs().max(1e-300);
        if expected != found && (difference.is_nan() || difference > tolerance) {
            let place = format!("{case}: {} of `{}`", row["quantity"], row["term"]);
            wrong.push(format!("{place} is {found}, not {expected} ({difference:e})"));
        }
        let worst = worst.entry(format!("{} {}", row["estimator"], row["quantity"])).or_default();
        *worst = worst.max(difference);
    }
    println!("largest relative differences: {worst:#?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A second way to the same numbers: what must hold between fits whatever the data.
#[test]
fn estimators_agree_where_they_must() {
    let iid = |formula: &str, estimator: &str| fit("regions", formula, estimator, "iid", |_| ()).expect(formula);
    let estimate = |fit: &Fit, term: &str| quantity(fit, "estimate", term);
    // A regressor that is its own instrument.
    let frame = regions();
    let twin = frame.numbers("p").to_vec();
    let frame = frame.with("twin", twin);
    let formula = "y ~ x | unit | p ~ twin";
    let design = Design::new(&formula::parse(formula).expect(formula), &frame.data(), &Options::default());
    let twin = estimators::find("iv").expect("iv").fit(&design.expect(formula)).expect(formula);
    let plain = fit("regions", "y ~ x + p | unit", "twfe", "hetero", |_| ()).expect("a fit");
    assert!((estimate(&twin, "p") / estimate(&plain, "p") - 1.0).abs() < 1e-13);
    // Two-stage least squares by hand, with one instrument: the ratio of the reduced form and the first stage.
    let iv = iid("y ~ x | unit + time | p ~ z1", "iv");
    let (reduced, first) = (iid("y ~ x + z1 | unit + time", "twfe"), iid("p ~ x + z1 | unit + time", "twfe"));
    let ratio = estimate(&reduced, "z1") / estimate(&first, "z1");
    assert!((estimate(&iv, "p") / ratio - 1.0).abs() < 1e-13);
    let stage = &iv.instruments.as_ref().expect("instruments").first_stages[0];
    assert!((stage.coefficients[0].estimate / estimate(&first, "z1") - 1.0).abs() < 1e-13);
    assert!((stage.coefficients[0].std_error / quantity(&first, "std_error", "z1") - 1.0).abs() < 1e-13);
    // Absorbed effects are dummies, in a likelihood too; and the residuals of a Poisson model add up to 0.
    let (absorbed, dummies) = (iid("count ~ x | group", "ppml"), iid("count ~ x + i(group)", "ppml"));
    assert!((estimate(&absorbed, "x") / estimate(&dummies, "x") - 1.0).abs() < 1e-12);
    assert!((quantity(&absorbed, "std_error", "x") / quantity(&dummies, "std_error", "x") - 1.0).abs() < 1e-10);
    assert!(absorbed.residuals.iter().sum::<f64>().abs() < 1e-9);
    // The gradient of a logit is 0.
    let logit = iid("choice ~ x + z1", "logit");
    let gradient: f64 = regions().numbers("x").iter().zip(&logit.residuals).map(|(x, e)| x.expect("x") * e).sum();
    assert!(gradient.abs() < 1e-11, "{gradient}");
}

/// What an estimator refuses, with its reason and the next step.
#[test]
fn models_that_cannot_be_are_errors() {
    for (formula, estimator, vcov, message) in [
        ("y ~ x | unit | p ~ z1", "twfe", "iid", "the estimator `twfe` has no instruments, and the formula names some"),
        ("y ~ x | unit", "iv", "iid", "the estimator `iv` needs instruments, and the formula names none"),
        ("y ~ x | p + q ~ z1", "iv", "iid", "1 instruments cannot identify 2 endogenous regressors"),
        (
            "y ~ x | unit | p ~ lat",
            "iv",
            "iid",
            "0 instruments cannot identify 1 endogenous regressors (lat: does not vary within `unit`)",
        ),
        (
            "y ~ x | p ~ z1",
            "iv",
            "hc3",
            "leverages are not defined for this estimator, and the variance `hc3` needs them",
        ),
        ("y ~ x", "ppml", "iid", "the outcome `y` is -1.3105 in row 1; a count is not negative"),
        ("count ~ x", "logit", "iid", "the outcome `count` is 3 in row 15, neither 0 nor 1"),
        (
            "choice ~ x | unit",
            "logit",
            "iid",
            "the estimator `logit` has no fixed effects, and the formula absorbs `unit`",
        ),
        (
            "y ~ x | unit[z1]",
            "twfe",
            "hc2",
            "slopes of fixed effects, `unit[z1]`, are not supported by variances with leverages",
        ),
    ] {
        let error = fit("regions", formula, estimator, vcov, |_| ()).map(|fit| fit.coefficients).expect_err(formula);
        let words =
            |text: &str| text.split(' ').filter(|word| word.parse::<f64>().is_err()).collect::<Vec<_>>().join(" ");
        assert_eq!(words(&error.to_string()), words(message), "{formula}");
        assert!(error.hint().is_some(), "{formula}");
    }
    let no_panel = |options: &mut Options| options.panel = None;
    let error = fit("regions", "y ~ x", "twfe", "nw 2", no_panel).map(|fit| fit.coefficients).expect_err("no panel");
    assert_eq!(error.to_string(), "the variance `newey_west` needs the columns of unit and period");
}

#[test]
fn separated_choices_are_told() {
    let frame = regions();
    let decides: Vec<Option<f64>> = frame
        .numbers("choice")
        .iter()
        .zip(frame.numbers("x"))
        .map(|(choice, x)| Some(4.0 * choice.expect("a choice") + 0.01 * x.expect("x")))
        .collect();
    // Only some rows are decided: where `partly` is not 0, the choice is 1.
    let partly: Vec<Option<f64>> = frame
        .numbers("choice")
        .iter()
        .zip(frame.numbers("group"))
        .map(|(choice, group)| Some(if *group == Some(3.0) { choice.expect("a choice") } else { 0.0 }))
        .collect();
    let ones = partly.iter().filter(|value| **value == Some(1.0)).count();
    let rows = frame.rows();
    let frame = frame.with("decides", decides).with("partly", partly);
    let fitted = |text: &str| {
        let formula = formula::parse(text).expect(text);
        let design = Design::new(&formula, &frame.data(), &Options::default()).expect(text);
        estimators::find("logit").expect("logit").fit(&design).map(|fit| fit.coefficients)
    };
    for (text, expected) in [("choice ~ decides", rows), ("choice ~ x + partly", ones)] {
        match fitted(text) {
            Err(StatsError::Separated { count, .. }) => assert_eq!(count, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(fitted("choice ~ x + lat").is_ok());
}
