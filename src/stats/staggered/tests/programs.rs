//! Against other programs and a second computation: `tests/reference/staggered.py` and `ports.py`, whose cases are calls here.

use super::{MPDTA, options, panel};
use crate::reference::{self, Frame};
use crate::staggered::callaway_santanna::{
    Adjustment, Base, CallawaySantAnna, Comparison, MissingRows, Options, callaway_santanna,
};
use crate::staggered::chaisemartin_dhaultfoeuille::{SwitcherOptions, chaisemartin_dhaultfoeuille};
use crate::staggered::event_study::{EventStudyOptions, event_study};
use crate::staggered::extended::{Extended, extended};
use crate::staggered::imputation::{Imputation, imputation};
use crate::staggered::local_projections::{
    BaseOutcome, HorizonWeighting, LocalProjections, LocalProjectionsOptions, local_projections,
};
use crate::staggered::panel::{Panel, PanelOptions, Treatment};
use crate::staggered::stacked::{StackWeighting, Stacked, StackedOptions, stacked};
use crate::staggered::sun_abraham::sun_abraham;
use crate::staggered::synthetic::{SyntheticErrors, synthetic};
use crate::staggered::two_stage::{TwoStage, two_stage};
use crate::staggered::two_way_weights::two_way_weights;
use crate::staggered::{self, Effect, Estimates, Place, Point};
use std::collections::BTreeMap;

const NUMBERS: [&str; 2] =
    [include_str!("../../../../tests/reference/staggered.csv"), include_str!("../../../../tests/reference/ports.csv")];
const SIMULATED: &str = include_str!("../../../../tests/reference/data/staggered.csv");

/// Every estimate of a case, by the name of its place in `staggered.csv`.
type Found = BTreeMap<String, Effect>;

#[test]
fn numbers_are_those_of_other_programs() {
    let mut cases: BTreeMap<String, Found> = BTreeMap::new();
    let mut worst: BTreeMap<String, f64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in NUMBERS.into_iter().flat_map(reference::rows) {
        let (case, place) = (&row["case"], &row["place"]);
        let found = cases.entry(case.clone()).or_insert_with(|| run(case));
        let Some(effect) = found.get(place) else {
            panic!("{case}: no `{place}` in {:?}", found.keys().collect::<Vec<_>>());
        };
        let tolerance: f64 = row["tolerance"].parse().expect("a number");
        let number = |name: &str| row[name].parse::<f64>().ok();
        let expected = number("estimate").expect("an estimate");
        let size = number("std_error").unwrap_or(expected.abs());
        let coefficient = &effect.coefficient;
        let mut differences = vec![("estimate", coefficient.estimate, expected)];
        differences.extend(number("std_error").map(|expected| ("std_error", coefficient.std_error, expected)));
        for (what, found, expected) in differences {
            let difference = (found - expected).abs() / size;
            if difference.is_nan() || difference > tolerance {
                wrong.push(format!("{case}: {what} of `{place}` is {found}, not {expected} ({difference:e})"));
            }
            let worst = worst.entry(case.clone()).or_default();
            *worst = worst.max(difference);
        }
    }
    println!("largest differences by case: {worst:#?}");
    assert!(wrong.is_empty(), "{} numbers:\n{}", wrong.len(), wrong.join("\n"));
}

fn run(case: &str) -> Found {
    let words: Vec<&str> = case.split(' ').collect();
    match words[..] {
        ["cs", ref words @ ..] => callaway(words),
        ["stacked", data, weighting] => stacks(data, weighting),
        ["dcdh", ref words @ ..] => switching(words),
        ["lp", ref words @ ..] => projections(words),
        ["extended", ref words @ ..] => extended_two_way(words),
        ["weights", data] => weights_of_two_way(data),
        ["synthetic", data] => synthetic_comparison(data),
        [method, data] => {
            let panel = if data == "mpdta" { counties("", false) } else { simulated("z + ", true, true) };
            two_way(method, panel)
        }
        _ => panic!("no case `{case}`"),
    }
}

/// The simulated panel, of all rows.
fn simulated(covariates: &str, weights: bool, cluster: bool) -> Panel {
    let options = PanelOptions {
        weights: weights.then(|| "w".to_string()),
        cluster: cluster.then(|| "region".to_string()),
        ..options(Treatment::FirstPeriod("first".to_string()))
    };
    panel(&Frame::read(SIMULATED), &format!("y ~ {covariates}first | unit + period"), &options).expect("a panel")
}

/// The counties, with their population as weights if wanted.
fn counties(covariates: &str, weights: bool) -> Panel {
    let frame = Frame::read(MPDTA);
    let population = |value: &Option<f64>| value.map(|value| (core_math::exp(value) * 1000.0).round() / 1000.0);
    let population = frame.numbers("lpop").iter().map(population).collect();
    let options = PanelOptions {
        weights: weights.then(|| "population".to_string()),
        ..options(Treatment::FirstPeriod("first.treat".to_string()))
    };
    let formula = format!("lemp ~ {covariates}first.treat | countyreal + year");
    panel(&frame.with("population", population), &formula, &options).expect("a panel")
}

fn callaway(words: &[&str]) -> Found {
    let has = |word: &str| words.contains(&word);
    let covariates = [("lpop", "lpop + "), ("x", "x + "), ("xz", "x + z + ")];
    let covariates = covariates.iter().find(|(word, _)| has(word)).map_or("", |(_, covariates)| covariates);
    let mut panel = match words[0] {
        "mpdta" => counties(covariates, has("weights")),
        _ => simulated(covariates, has("balanced") && has("not_yet"), false),
    };
    if has("no_never") {
        panel = panel.keeping("for this test", |panel, row| panel.cohort_of(row).is_some()).expect("a panel");
    }
    let options = Options {
        adjustment: match () {
            () if has("reg") => Adjustment::Regression,
            () if has("ipw") => Adjustment::Weighting,
            () => Adjustment::DoublyRobust,
        },
        comparison: if has("not_yet") { Comparison::NotYetTreated } else { Comparison::NeverTreated },
        base: if has("universal") { Base::Universal } else { Base::Varying },
        anticipation: f64::from(u8::from(has("anticipation"))),
        missing_rows: if has("rows") { MissingRows::CrossSections } else { MissingRows::LeaveOutUnits },
        balance: has("balance").then_some(1.0),
        min_event_time: has("limits").then_some(-1.0),
        max_event_time: has("limits").then_some(1.0),
    };
    let CallawaySantAnna { cells, simple, dynamic, group, calendar, .. } =
        callaway_santanna(panel, &options, None).expect("a fit");
    let mut found = Found::new();
    for (kind, estimates) in
        [("cell", &cells), ("simple", &simple), ("dynamic", &dynamic), ("group", &group), ("calendar", &calendar)]
    {
        collect(&mut found, kind, estimates);
    }
    found
}

fn two_way(method: &str, panel: Panel) -> Found {
    let mut found = Found::new();
    match method {
        "es" => collect(&mut found, "effect", &event_study(&panel, &EventStudyOptions::default()).expect("a fit")),
        "sa" => collect(&mut found, "effect", &sun_abraham(panel).expect("a fit").estimates),
        "bjs" => {
            let Imputation { estimates, cohorts, leads } = imputation(panel, 3).expect("a fit");
            collect(&mut found, "effect", &estimates);
            collect(&mut found, "cohort", &cohorts);
            collect(&mut found, "lead", &leads.expect("asked for"));
        }
        "two_stage" => {
            let TwoStage { overall, dynamic } = two_stage(panel).expect("a fit");
            collect(&mut found, "", &overall);
            collect(&mut found, "dynamic", &dynamic);
        }
        other => panic!("no method `{other}`"),
    }
    without_kind(found)
}

fn stacks(data: &str, weighting: &str) -> Found {
    let weighting = if weighting == "treated" { StackWeighting::Treated } else { StackWeighting::Variance };
    let (panel, before) = match data {
        "mpdta" => (counties("", false), 1.0),
        _ => (simulated("z + ", true, true), 2.0),
    };
    let options = StackedOptions { before, after: 1.0, weighting };
    let Stacked { overall, dynamic, .. } = stacked(panel, &options).expect("a fit");
    let mut found = Found::new();
    collect(&mut found, "", &overall);
    collect(&mut found, "dynamic", &dynamic);
    without_kind(found)
}

fn switching(words: &[&str]) -> Found {
    let panel = match words {
        ["mpdta"] => counties("", false),
        ["sim", "plain"] => simulated("", true, true),
        _ => simulated("z + ", true, true),
    };
    let options = SwitcherOptions { effects: 4, placebos: 3 };
    let mut found = Found::new();
    collect(&mut found, "effect", &chaisemartin_dhaultfoeuille(panel, &options).expect("a fit"));
    without_kind(found)
}

fn projections(words: &[&str]) -> Found {
    let has = |word: &str| words.contains(&word);
    let options = LocalProjectionsOptions {
        before: if has("mpdta") { 4 } else { 3 },
        after: 3,
        weighting: if has("equal") { HorizonWeighting::Equal } else { HorizonWeighting::Variance },
        base: if has("mean") { BaseOutcome::MeanBefore } else { BaseOutcome::LastPeriod },
        comparison: if has("never") { Comparison::NeverTreated } else { Comparison::NotYetTreated },
    };
    let panel = match () {
        () if has("mpdta") => counties("", false),
        () => simulated(if has("plain") { "" } else { "z + " }, true, true),
    };
    let LocalProjections { dynamic, pooled } = local_projections(panel, &options).expect("a fit");
    let mut found = Found::new();
    collect(&mut found, "dynamic", &dynamic);
    collect(&mut found, "pooled", &pooled.expect("all horizons are seen"));
    found
}

fn extended_two_way(words: &[&str]) -> Found {
    let comparison = if words.contains(&"never") { Comparison::NeverTreated } else { Comparison::NotYetTreated };
    let panel = if words[0] == "mpdta" { counties("", false) } else { simulated("z + ", true, true) };
    let Extended { estimates, cohorts, periods, cells } = extended(panel, comparison).expect("a fit");
    let mut found = Found::new();
    for (kind, estimates) in [("effect", &estimates), ("cohort", &cohorts), ("period", &periods), ("cell", &cells)] {
        collect(&mut found, kind, estimates);
    }
    without_kind(found)
}

fn weights_of_two_way(data: &str) -> Found {
    let panel = if data == "mpdta" { counties("", false) } else { simulated("z + ", true, true) };
    let weights = two_way_weights(&panel).expect("weights");
    let numbers = [
        ("estimate", Some(weights.estimate)),
        ("n_negative", Some(weights.n_negative as f64)),
        ("sum_negative", Some(weights.sum_negative)),
        ("std_dev_zero", weights.std_dev_zero),
        ("std_dev_opposite", weights.std_dev_opposite),
    ];
    let effect = |estimate: f64| {
        let points = [Point { place: Place::Overall, estimate, n_treated: weights.n_weights }];
        staggered::effects(&points, &[vec![1.0]], 1.0, None, 0.95).0.remove(0)
    };
    numbers.iter().filter_map(|(name, value)| Some((name.to_string(), effect((*value)?)))).collect()
}

fn synthetic_comparison(data: &str) -> Found {
    let panel = match data {
        "mpdta" => counties("", false),
        _ => simulated("", false, false).balanced_part().expect("a panel"),
    };
    let found = synthetic(panel, &SyntheticErrors::Jackknife).expect("a fit");
    // An event time may be the same number as a cohort.
    let is_cohort = |effect: &Effect| matches!(effect.place, Place::Cohort(_));
    let mut estimates = found.estimates;
    let cohorts = estimates.effects.extract_if(.., |effect| is_cohort(effect)).collect();
    let cohorts = Estimates { effects: cohorts, ..estimates.clone() };
    let mut effects = Found::new();
    collect(&mut effects, "effect", &estimates);
    collect(&mut effects, "cohort", &cohorts);
    without_kind(effects)
}

/// One overall effect needs no kind.
fn without_kind(found: Found) -> Found {
    found
        .into_iter()
        .map(|(place, effect)| (place.replace("effect overall", "overall").trim().to_string(), effect))
        .collect()
}

fn collect(found: &mut Found, kind: &str, estimates: &Estimates) {
    for effect in &estimates.effects {
        let place = match effect.place {
            Place::Overall => "overall".to_string(),
            Place::EventTime(at) | Place::Cohort(at) | Place::Period(at) => at.to_string(),
            Place::CohortPeriod { cohort, period } => format!("{cohort} {period}"),
            other => other.to_string(),
        };
        found.insert(format!("{kind} {place}"), effect.clone());
    }
}
