//! Synthetic comparisons: what must hold whatever the weights, and how errors behave.

use super::{close, estimate, mpdta, options, panel};
use crate::random::Random;
use crate::reference::Frame;
use crate::staggered::Place;
use crate::staggered::panel::{Panel, PanelOptions, Treatment};
use crate::staggered::synthetic::{Synthetic, SyntheticErrors, synthetic};

const PLACEBO: fn(u64) -> SyntheticErrors = |seed| SyntheticErrors::Placebo { draws: 40, random: Random::new(seed, 3) };

fn fit(panel: Panel, errors: &SyntheticErrors) -> Synthetic {
    synthetic(panel, errors).expect("a fit")
}

/// `treated` of 12 units get an effect of 2 in the last three of eight periods, units `slope` of a trend apart.
fn small(treated: usize, slope: f64, cluster: Option<&str>) -> Panel {
    let random = Random::new(11, 5);
    let mut csv = String::from("unit,period,first,pair,w,y\n");
    for unit in 0..12 {
        for period in 0..8 {
            let is_treated = unit < treated;
            let on = f64::from(u8::from(is_treated && period >= 5));
            let common = random.uniform(0, period) + slope * (period * (unit as u64 % 4)) as f64;
            let first = if is_treated { "5" } else { "" };
            csv += &format!("u{unit},{period},{first},{},1,{}\n", unit / 2, unit as f64 + common + 2.0 * on);
        }
    }
    let options =
        PanelOptions { cluster: cluster.map(str::to_string), ..options(Treatment::FirstPeriod("first".to_string())) };
    panel(&Frame::read(&csv), "y ~ first | unit + period", &options).expect("a panel")
}

#[test]
fn parallel_units_give_the_effect_without_error() {
    for errors in
        [PLACEBO(1), SyntheticErrors::Jackknife, SyntheticErrors::Bootstrap { draws: 20, random: Random::new(1, 1) }]
    {
        let found = fit(small(3, 0.0, None), &errors);
        for effect in &found.estimates.effects {
            close(effect.coefficient.estimate, 2.0, 1e-13);
            assert!(effect.coefficient.std_error < 1e-13, "{}", effect.coefficient.std_error);
        }
    }
    // All comparisons are alike, hence weigh alike.
    let found = fit(small(3, 0.0, None), &SyntheticErrors::Jackknife);
    assert_eq!(found.weights[0].units.len(), 9);
    found.weights[0].units.iter().for_each(|(_, weight)| close(*weight, 1.0 / 9.0, 1e-9));
}

#[test]
fn weights_find_the_units_of_the_same_trend() {
    let found = fit(small(1, 0.5, None), &PLACEBO(1));
    // Of the units with the slope of the treated one, which is 0.
    let is_same = |label: &str| matches!(label, "u4" | "u8");
    let of_same: f64 =
        found.weights[0].units.iter().filter(|(label, _)| is_same(label)).map(|(_, weight)| weight).sum();
    assert!(of_same > 0.6, "{:?}", found.weights[0].units);
    // The penalty shares the rest with those next to it.
    let far =
        found.weights[0].units.iter().filter(|(label, _)| ["u2", "u3", "u6", "u7", "u10", "u11"].contains(&&**label));
    assert!(far.clone().count() == 6 && far.clone().all(|(_, weight)| *weight == 0.0), "{:?}", found.weights[0].units);
    let total = |pairs: &mut dyn Iterator<Item = f64>| pairs.sum::<f64>();
    close(total(&mut found.weights[0].units.iter().map(|(_, weight)| *weight)), 1.0, 1e-14);
    close(total(&mut found.weights[0].periods.iter().map(|(_, weight)| *weight)), 1.0, 1e-14);
    let periods: Vec<f64> = found.weights[0].periods.iter().map(|(period, _)| *period).collect();
    assert_eq!(periods, [0.0, 1.0, 2.0, 3.0, 4.0]);
    // Plain differences are off by the difference of the trends, 0.5 · 18/11 · 4 on average.
    let (found, _) = estimate(&found.estimates, Place::Overall);
    assert!((found - 2.0).abs() < 1.0, "{found}");
}

#[test]
fn errors_depend_on_the_seed_alone_and_agree_in_size() {
    let of = |errors: SyntheticErrors| {
        let found = fit(mpdta(""), &errors).estimates;
        estimate(&found, Place::Overall)
    };
    let (estimate, jackknife) = of(SyntheticErrors::Jackknife);
    assert_eq!(of(PLACEBO(1)), of(PLACEBO(1)));
    assert_ne!(of(PLACEBO(1)), of(PLACEBO(2)));
    let bootstrap = of(SyntheticErrors::Bootstrap { draws: 40, random: Random::new(1, 1) });
    assert_eq!(bootstrap.0, estimate);
    // The error of an error from 40 draws is a ninth of it.
    assert!((0.6..1.6).contains(&(bootstrap.1 / jackknife)), "{} {jackknife}", bootstrap.1);
    // Placebos have 138 counties instead of 309 to compare with, and never treated ones vary more.
    let placebo = of(PLACEBO(1)).1;
    assert!((1.2..2.6).contains(&(placebo / jackknife)), "{placebo} {jackknife}");
}

#[test]
fn designs_without_an_error_are_told() {
    let bootstrap = |draws| SyntheticErrors::Bootstrap { draws, random: Random::new(1, 1) };
    for (panel, errors, message) in [
        (
            small(1, 0.5, None),
            SyntheticErrors::Jackknife,
            "the option `errors` is jackknife: a cohort of one unit shows no variance of its own: use the placebo",
        ),
        (
            small(1, 0.5, None),
            bootstrap(10),
            "the option `errors` is bootstrap: a cohort of one unit shows no variance of its own: use the placebo",
        ),
        (
            small(7, 0.5, None),
            PLACEBO(1),
            "the option `errors` is placebo: there are no more never treated than treated units",
        ),
        (
            small(3, 0.5, Some("pair")),
            PLACEBO(1),
            "the option `errors` is placebo: units are drawn one by one, and the clusters hold several",
        ),
        (
            small(2, 0.5, Some("pair")),
            SyntheticErrors::Jackknife,
            "the option `errors` is jackknife: one cluster holds all units of a cohort, or all never treated ones",
        ),
        (small(3, 0.5, None), bootstrap(1), "the option `draws` is 1: standard errors need at least 2 draws"),
        (small(12, 0.5, None), PLACEBO(1), "no unit is never treated in the periods 0 to 7"),
        (
            small(3, 0.5, None).keeping("for this test", |panel, row| panel.origin[row] != 90).expect("a panel"),
            PLACEBO(1),
            "unit `u11` has no row in period 2 (units with missing rows: 1)",
        ),
        (
            small(3, 0.5, None).keeping("for this test", |panel, row| panel.period[row] > 3).expect("a panel"),
            PLACEBO(1),
            "no group has a comparison: one period before the treatment of 5, and weights need two",
        ),
    ] {
        assert_eq!(synthetic(panel, &errors).map(|_| ()).expect_err(message).to_string(), message);
    }
}
