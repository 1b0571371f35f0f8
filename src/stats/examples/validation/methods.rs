//! What is validated: each estimator with its options, and the true value of what it estimates in a sample.
//!
//! | target | the average of the true effects over |
//! |---|---|
//! | rows | treated rows that the method uses |
//! | cells | cohorts and periods after the treatment, by units of the cohort |
//! | window | event times 0 to 2, by units of the cohort |
//! | window, by variance | the same, by the treated times the comparison units of the cohort, over their sum |
//! | coefficient | none: it is a number of the design |

use crate::designs::{COEFFICIENT, Design, Sample};
use stats::design::{Options, Vcov};
use stats::error::StatsError;
use stats::staggered::callaway_santanna::{self, Comparison, MissingRows};
use stats::staggered::chaisemartin_dhaultfoeuille::{SwitcherOptions, chaisemartin_dhaultfoeuille};
use stats::staggered::event_study::{EventStudyOptions, event_study};
use stats::staggered::extended::extended;
use stats::staggered::imputation::imputation;
use stats::staggered::local_projections::{BaseOutcome, HorizonWeighting, LocalProjectionsOptions, local_projections};
use stats::staggered::panel::{DroppedRows, Panel, PanelOptions, Treatment};
use stats::staggered::stacked::{StackWeighting, StackedOptions, stacked};
use stats::staggered::sun_abraham::sun_abraham;
use stats::staggered::synthetic::{SyntheticErrors, synthetic};
use stats::staggered::two_stage::two_stage;
use stats::staggered::{Estimates, Place};
use stats::{estimators, formula};

/// An estimator with its options.
#[derive(Clone, Copy)]
pub struct Method {
    pub name: &'static str,
    pub options: &'static str,
    pub target: &'static str,
    run: fn(&Sample) -> Result<Found, StatsError>,
}

/// What it says of one sample.
#[derive(Clone, Copy)]
pub struct Found {
    pub estimate: f64,
    pub std_error: f64,
    pub interval: [f64; 2],
    /// The true value.
    pub target: f64,
}

impl Method {
    /// An estimate that is not a number is an error too.
    pub fn run(&self, sample: &Sample) -> Result<Found, String> {
        let found = (self.run)(sample).map_err(|error| error.to_string())?;
        let numbers = [found.estimate, found.std_error, found.interval[0], found.interval[1]];
        if numbers.iter().all(|number| number.is_finite()) { Ok(found) } else { Err(format!("{numbers:?}")) }
    }
}

/// The methods that are run in a design.
pub fn of(design: Design) -> Vec<Method> {
    let methods: &[&[Method]] = match design {
        Design::Homogeneous | Design::Heterogeneous => &[TWO_WAY, STAGGERED],
        Design::Unbalanced => &[TWO_WAY, CROSS_SECTIONS, STAGGERED],
        Design::FewClusters => &[TWO_WAY, VARIANCES, STAGGERED],
        Design::Trends => &[UNADJUSTED, TWO_WAY, STAGGERED],
        Design::Instrument => &[INSTRUMENTS],
        Design::Count => &[COUNTS],
        Design::Choice => &[CHOICES],
    };
    methods.concat()
}

const fn method(
    name: &'static str,
    options: &'static str,
    target: &'static str,
    run: fn(&Sample) -> Result<Found, StatsError>,
) -> Method {
    Method { name, options, target, run }
}

const TWO_WAY: &[Method] = &[
    method("twfe", "CR1", "rows", |sample| two_way(sample, Vcov::Cluster(vec![cluster(sample).to_string()]))),
    method("event_study", "mean of effects", "rows", |sample| {
        let found = event_study(&panel(sample, "z")?, &EventStudyOptions::default())?;
        Ok(mean_after(sample, &found))
    }),
];

const VARIANCES: &[Method] = &[
    method("twfe", "CR2", "rows", |sample| two_way(sample, Vcov::Cr2("cluster".to_string()))),
    method("twfe", "CR3", "rows", |sample| two_way(sample, Vcov::Cr3("cluster".to_string()))),
    method("twfe", "CR1 by unit", "rows", |sample| two_way(sample, Vcov::Cluster(vec!["unit".to_string()]))),
    method("twfe", "HC1", "rows", |sample| two_way(sample, Vcov::Hetero)),
    method("twfe", "HC2", "rows", |sample| two_way(sample, Vcov::Hc2)),
    method("twfe", "HC3", "rows", |sample| two_way(sample, Vcov::Hc3)),
];

const CROSS_SECTIONS: &[Method] = &[method("callaway_santanna", "never, cross-sections", "cells", |sample| {
    let options = callaway_santanna::Options {
        missing_rows: MissingRows::CrossSections,
        ..callaway_santanna::Options::default()
    };
    by_cohort_and_period(sample, "x", &options)
})];

const UNADJUSTED: &[Method] = &[
    method("twfe", "CR1, no covariate", "rows", |sample| regression(sample, "twfe", "y ~ treated | unit + period")),
    method("callaway_santanna", "never, no covariate", "cells", |sample| {
        by_cohort_and_period(sample, "", &callaway_santanna::Options::default())
    }),
    method("imputation", "no covariate", "rows", |sample| {
        Ok(over_rows(sample, &imputation(without_covariate(sample)?, 0)?.estimates))
    }),
];

const STAGGERED: &[Method] = &[
    method("callaway_santanna", "never", "cells", |sample| {
        by_cohort_and_period(sample, "x", &callaway_santanna::Options::default())
    }),
    method("callaway_santanna", "not yet", "cells", |sample| {
        let options = callaway_santanna::Options {
            comparison: Comparison::NotYetTreated,
            ..callaway_santanna::Options::default()
        };
        by_cohort_and_period(sample, "x", &options)
    }),
    method("sun_abraham", "", "rows", |sample| Ok(over_rows(sample, &sun_abraham(panel(sample, "z")?)?.estimates))),
    method("imputation", "", "rows", |sample| Ok(over_rows(sample, &imputation(panel(sample, "z")?, 0)?.estimates))),
    method("two_stage", "", "rows", |sample| Ok(over_rows(sample, &two_stage(panel(sample, "z")?)?.overall))),
    method("extended", "not yet", "rows", |sample| {
        Ok(over_rows(sample, &extended(panel(sample, "x")?, Comparison::NotYetTreated)?.estimates))
    }),
    method("extended", "never", "rows", |sample| {
        Ok(over_rows(sample, &extended(panel(sample, "x")?, Comparison::NeverTreated)?.estimates))
    }),
    method("stacked", "by variance", "window, by variance", |sample| stacks(sample, StackWeighting::Variance)),
    method("stacked", "by treated rows", "window", |sample| stacks(sample, StackWeighting::Treated)),
    method("chaisemartin_dhaultfoeuille", "3 effects", "window", |sample| {
        let options = SwitcherOptions { effects: 3, placebos: 2 };
        let found = chaisemartin_dhaultfoeuille(panel(sample, "z")?, &options)?;
        Ok(over(&found, window(sample)))
    }),
    method("local_projections", "0 to 2, equal", "window", |sample| {
        let options = LocalProjectionsOptions {
            before: 3,
            after: 2,
            weighting: HorizonWeighting::Equal,
            base: BaseOutcome::LastPeriod,
            comparison: Comparison::NotYetTreated,
        };
        let found = local_projections(panel(sample, "x")?, &options)?;
        let pooled = found.pooled.expect("all treated units have the horizons 0 to 2");
        Ok(over(&pooled, window(sample)))
    }),
    method("synthetic", "jackknife", "rows", |sample| {
        let panel = panel(sample, "z")?.balanced_part()?;
        Ok(over_rows(sample, &synthetic(panel, &SyntheticErrors::Jackknife)?.estimates))
    }),
];

const INSTRUMENTS: &[Method] = &[
    method("twfe", "CR1", "coefficient", |sample| regression(sample, "twfe", "y ~ x | unit + period")),
    method("iv", "CR1", "coefficient", |sample| regression(sample, "iv", "y ~ 1 | unit + period | x ~ z")),
];

const COUNTS: &[Method] =
    &[method("ppml", "CR1", "coefficient", |sample| regression(sample, "ppml", "y ~ x | unit + period"))];

const CHOICES: &[Method] = &[
    method("logit", "iid", "coefficient", |sample| fit(sample, "logit", "y ~ x", Vcov::Iid)),
    method("logit", "HC1", "coefficient", |sample| fit(sample, "logit", "y ~ x", Vcov::Hetero)),
];

fn cluster(sample: &Sample) -> &'static str {
    if sample.design == Design::FewClusters { "cluster" } else { "unit" }
}

/// The checked panel; the covariate is for the design whose trends it drives.
fn panel(sample: &Sample, covariate: &str) -> Result<Panel, StatsError> {
    match sample.design {
        Design::Trends => panel_of(sample, &format!("y ~ first + {covariate} | unit + period")),
        _ => without_covariate(sample),
    }
}

fn without_covariate(sample: &Sample) -> Result<Panel, StatsError> {
    panel_of(sample, "y ~ first | unit + period")
}

fn panel_of(sample: &Sample, text: &str) -> Result<Panel, StatsError> {
    let options = PanelOptions {
        treatment: Treatment::FirstPeriod("first".to_string()),
        weights: None,
        cluster: Some(cluster(sample).to_string()),
        level: 0.95,
    };
    Panel::new(&formula::parse(text).expect("a formula of this file"), &sample.data(), &options)
}

fn two_way(sample: &Sample, vcov: Vcov) -> Result<Found, StatsError> {
    let covariate = if sample.design == Design::Trends { " + z" } else { "" };
    fit(sample, "twfe", &format!("y ~ treated{covariate} | unit + period"), vcov)
}

fn regression(sample: &Sample, estimator: &str, text: &str) -> Result<Found, StatsError> {
    fit(sample, estimator, text, Vcov::Cluster(vec!["unit".to_string()]))
}

/// The first coefficient after the intercept.
fn fit(sample: &Sample, estimator: &str, text: &str, vcov: Vcov) -> Result<Found, StatsError> {
    let options = Options { vcov, ..Options::default() };
    let formula = formula::parse(text).expect("a formula of this file");
    let design = stats::design::Design::new(&formula, &sample.data(), &options)?;
    let found = estimators::find(estimator).expect("an estimator of the list").fit(&design)?;
    let coefficient = found.coefficients.iter().find(|coefficient| coefficient.term != "(Intercept)");
    let coefficient = coefficient.expect("a regressor that is not collinear");
    let target = match sample.design {
        Design::Instrument | Design::Count | Design::Choice => COEFFICIENT,
        design => mean(sample.treated(&[]).into_iter().map(|(first, period)| (design.effect(first, period), 1.0))),
    };
    Ok(Found {
        estimate: coefficient.estimate,
        std_error: coefficient.std_error,
        interval: [coefficient.conf_low, coefficient.conf_high],
        target,
    })
}

fn by_cohort_and_period(
    sample: &Sample,
    covariate: &str,
    options: &callaway_santanna::Options,
) -> Result<Found, StatsError> {
    let panel = if covariate.is_empty() { without_covariate(sample)? } else { panel(sample, covariate)? };
    let found = callaway_santanna::callaway_santanna(panel, options, None)?;
    let design = sample.design;
    let units = |treated: usize| match options.missing_rows {
        MissingRows::LeaveOutUnits => treated as f64,
        // All cohorts are of one size, and every unit has a row.
        MissingRows::CrossSections => 1.0,
    };
    let cells = found.att_gt.iter().filter(|cell| cell.is_after);
    let target = mean(cells.map(|cell| (design.effect(cell.cohort, cell.period), units(cell.n_treated))));
    Ok(over(&found.simple, target))
}

/// Event times -3 to 2.
fn stacks(sample: &Sample, weighting: StackWeighting) -> Result<Found, StatsError> {
    let found = stacked(panel(sample, "z")?, &StackedOptions { before: 3.0, after: 2.0, weighting })?;
    let by_stack = found.stacks.iter().flat_map(|stack| {
        let (treated, comparison) = (stack.n_treated as f64, stack.n_comparison as f64);
        let mass = match weighting {
            StackWeighting::Variance => treated * comparison / (treated + comparison),
            StackWeighting::Treated => treated,
        };
        [0.0, 1.0, 2.0].map(|since| (sample.design.effect(stack.cohort, stack.cohort + since), mass))
    });
    Ok(over(&found.overall, mean(by_stack)))
}

/// The average effect in event times 0 to 2, over units.
fn window(sample: &Sample) -> f64 {
    let rows = sample.treated(&[]).into_iter().filter(|(first, period)| period - first <= 2.0);
    mean(rows.map(|(first, period)| (sample.design.effect(first, period), 1.0)))
}

/// The overall effect, which is one of treated rows that are not left out.
fn over_rows(sample: &Sample, estimates: &Estimates) -> Found {
    over(estimates, true_over_rows(sample, &estimates.dropped_rows))
}

fn true_over_rows(sample: &Sample, dropped: &[DroppedRows]) -> f64 {
    let left_out: Vec<usize> = dropped.iter().flat_map(|dropped| dropped.rows.iter().copied()).collect();
    let rows = sample.treated(&left_out).into_iter();
    mean(rows.map(|(first, period)| (sample.design.effect(first, period), 1.0)))
}

fn over(estimates: &Estimates, target: f64) -> Found {
    let overall = &estimates.effect(Place::Overall).expect("every method here has one").coefficient;
    Found {
        estimate: overall.estimate,
        std_error: overall.std_error,
        interval: [overall.conf_low, overall.conf_high],
        target,
    }
}

/// The average of effects from the treatment on, by treated rows. The interval has the quantile of the effects' own.
fn mean_after(sample: &Sample, estimates: &Estimates) -> Found {
    let after = |place: Place| matches!(place, Place::EventTime(time) if time >= 0.0);
    let chosen: Vec<usize> =
        (0..estimates.effects.len()).filter(|index| after(estimates.effects[*index].place)).collect();
    let rows = |index: usize| estimates.effects[index].n_treated as f64;
    let total: f64 = chosen.iter().map(|index| rows(*index)).sum();
    let estimate = mean(chosen.iter().map(|index| (estimates.effects[*index].coefficient.estimate, rows(*index))));
    let pairs = chosen.iter().flat_map(|left| chosen.iter().map(move |right| (*left, *right)));
    let variance: f64 =
        pairs.map(|(left, right)| rows(left) * rows(right) / (total * total) * estimates.vcov[left][right]).sum();
    let std_error = variance.sqrt();
    let first = &estimates.effects[chosen[0]].coefficient;
    let reach = (first.conf_high - first.estimate) / first.std_error * std_error;
    let target = true_over_rows(sample, &estimates.dropped_rows);
    Found { estimate, std_error, interval: [estimate - reach, estimate + reach], target }
}

/// Of pairs of a value and its weight.
fn mean(pairs: impl Iterator<Item = (f64, f64)>) -> f64 {
    let (sum, total) = pairs.fold((0.0, 0.0), |(sum, total), (value, weight)| (sum + value * weight, total + weight));
    sum / total
}
