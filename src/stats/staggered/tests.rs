//! Against the numbers of R packages and of other programs: `tests/reference/README.md`.

mod degenerate;
mod identities;
mod programs;
mod properties;
mod published;
mod speed;
mod stacked;
mod synthetic;

use crate::error::StatsError;
use crate::formula;
use crate::reference::Frame;
use crate::staggered::panel::{Panel, PanelOptions, Treatment};
use crate::staggered::{Estimates, Place};

const MPDTA: &str = include_str!("../../../tests/reference/data/mpdta.csv");
const CASTLE: &str = include_str!("../../../tests/reference/data/castle.csv");

fn options(treatment: Treatment) -> PanelOptions {
    PanelOptions { treatment, weights: None, cluster: None, level: 0.95 }
}

fn panel(frame: &Frame, formula: &str, options: &PanelOptions) -> Result<Panel, StatsError> {
    Panel::new(&formula::parse(formula).expect(formula), &frame.data(), options)
}

/// County employment, by the first treated year; `covariates` end with ` + ` or are empty.
fn mpdta(covariates: &str) -> Panel {
    let formula = format!("lemp ~ {covariates}first.treat | countyreal + year");
    let options = options(Treatment::FirstPeriod("first.treat".to_string()));
    panel(&Frame::read(MPDTA), &formula, &options).expect("mpdta")
}

/// Homicides by state; `post` is 1 from the first full year of the law on.
fn castle() -> Panel {
    let options = options(Treatment::Status("post".to_string()));
    panel(&Frame::read(CASTLE), "l_homicide ~ post | state + year", &options).expect("castle")
}

/// Health insurance by state, where the file is there: it is not part of this repository.
fn ehec() -> Option<Panel> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/reference/ehec.csv");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: no {path}");
        return None;
    };
    let options = options(Treatment::FirstPeriod("yexp2".to_string()));
    Some(panel(&Frame::read(&text), "dins ~ yexp2 | stfips + year", &options).expect("ehec"))
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let difference = (found - expected).abs();
    assert!(difference <= tolerance, "{found} is not {expected} ({difference:e})");
}

#[track_caller]
fn estimate(estimates: &Estimates, place: Place) -> (f64, f64) {
    let found = estimates.effect(place).unwrap_or_else(|| {
        let terms: Vec<&str> = estimates.coefficients().map(|coefficient| coefficient.term.as_str()).collect();
        panic!("no `{place}` in {terms:?}")
    });
    (found.coefficient.estimate, found.coefficient.std_error)
}
