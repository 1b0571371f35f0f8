//! Synthetic difference-in-differences (Arkhangelsky, Athey, Hirshberg, Imbens & Wager 2021), by cohort where units are
//! treated at different times (appendix A; Clarke, Pailañir, Athey & Imbens 2024).
//!
//! The units of a cohort are compared with never treated units, weighted by ω so that their average runs parallel to the
//! cohort's before the treatment (equation 4), and periods before the treatment are weighted by λ so that their average
//! differs by a constant from that after it, in the comparison (equation 6):
//!
//! τ_gt = [Ȳ_gt - Σ λₛȲ_gs] - Σ ωᵢ[Yᵢₜ - Σ λₛYᵢₛ], and τ_g is its mean over t ≥ g.
//!
//! ω is penalised with ζ² = √(N₁T₁) σ̂², σ̂² the variance of first differences of the comparison before the treatment
//! (equation 5), λ with 10⁻⁶σ̂ for ζ, as in R's `synthdid`; both have an intercept. Weights are solved for exactly: `weights`. The
//! effects of cohorts are averaged by treated rows. Covariates, if any, are taken out first, with the coefficients of
//! untreated rows beside effects of units and periods, which count as known.
//!
//! The panel is balanced, without weights. A cohort needs two periods before its treatment; others are told.
//!
//! | errors | how | needs |
//! |---|---|---|
//! | placebo | the cohorts' places are drawn among the never treated, weights solved anew (algorithm 4) | more never treated than treated units |
//! | bootstrap | units are drawn with replacement, weights solved anew (algorithm 2) | two units in each cohort |
//! | jackknife | each unit left out, weights kept (algorithm 3) | the same; conservative |

mod errors;
mod weights;

use crate::error::StatsError;
use crate::random::Random;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::two_way;
use crate::staggered::{self, Estimates, Place};
use crate::twofold::{self, Twofold};
use std::collections::BTreeMap;

/// How standard errors come about.
#[derive(Clone, Copy, Debug)]
pub enum SyntheticErrors {
    Placebo { draws: u32, random: Random },
    Bootstrap { draws: u32, random: Random },
    Jackknife,
}

/// What comes out.
#[derive(Clone, Debug)]
pub struct Synthetic {
    /// The average over all treated rows, then one per event time, then one per cohort.
    pub estimates: Estimates,
    /// One per cohort that has an effect.
    pub weights: Vec<SyntheticWeights>,
}

/// How a cohort's comparison came about.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntheticWeights {
    pub cohort: f64,
    /// Never treated units with their weights, which add up to 1.
    pub units: Vec<(String, f64)>,
    /// Periods before the treatment with their weights, which add up to 1.
    pub periods: Vec<(f64, f64)>,
    /// The penalty of the units' weights.
    pub zeta: f64,
}

/// A cohort and its units, by their positions.
#[derive(Clone)]
struct Group {
    /// The first treated period.
    index: usize,
    units: Vec<usize>,
}

/// The weights of one cohort.
struct Weights {
    omega: Vec<f64>,
    lambda: Vec<f64>,
    zeta: f64,
}

pub fn synthetic(panel: Panel, errors: &SyntheticErrors) -> Result<Synthetic, StatsError> {
    if let Some(column) = &panel.weights_name {
        return Err(StaggeredError::Weights { column: column.clone() }.into());
    }
    panel.require_identified_covariates()?;
    panel.require_balance()?;
    let panel = panel.without_always_treated()?;
    if panel.n_never_treated() == 0 {
        let (first, last) = panel.span();
        return Err(StaggeredError::NoNeverTreated { first, last }.into());
    }
    let (panel, skipped) = with_two_periods_before(panel)?;
    let outcome = outcome(&panel);
    let never: Vec<usize> = (0..panel.n_units()).filter(|unit| panel.units[*unit].cohort.is_none()).collect();
    let group = |(cohort, found): (usize, &staggered::panel::Cohort)| Group {
        index: found.index,
        units: (0..panel.n_units()).filter(|unit| panel.units[*unit].cohort == Some(cohort as u32)).collect(),
    };
    let groups: Vec<Group> = panel.cohorts.iter().enumerate().map(group).collect();
    let solved: Vec<Weights> = groups.iter().map(|group| solve(&outcome, &never, group)).collect::<Result<_, _>>()?;
    let places = places(&panel, &groups);
    let values = averages(&panel, &groups, &places, &effects(&outcome, &never, &groups, &solved));
    let point = |((place, n_treated), estimate): (&(Place, usize), &f64)| staggered::Point {
        place: *place,
        estimate: *estimate,
        n_treated: *n_treated,
    };
    let points: Vec<staggered::Point> = places.iter().zip(&values).map(point).collect();
    let mut estimates = errors::estimates(
        &errors::Fitted {
            panel: &panel,
            outcome: &outcome,
            never: &never,
            groups: &groups,
            solved: &solved,
            places: &places,
        },
        &points,
        errors,
    )?;
    estimates.warnings.extend(skipped);
    let weights = groups.iter().zip(&panel.cohorts).zip(solved).map(|((group, cohort), solved)| SyntheticWeights {
        cohort: cohort.first,
        units: never.iter().map(|unit| panel.units[*unit].label.clone()).zip(solved.omega).collect(),
        periods: panel.periods[..group.index].iter().copied().zip(solved.lambda).collect(),
        zeta: solved.zeta,
    });
    Ok(Synthetic { weights: weights.collect(), estimates })
}

/// The panel without cohorts whose first differences before the treatment cannot be seen, and what to warn of.
fn with_two_periods_before(panel: Panel) -> Result<(Panel, Vec<String>), StatsError> {
    let early: Vec<String> =
        panel.cohorts.iter().filter(|cohort| cohort.index < 2).map(|cohort| cohort.first.to_string()).collect();
    if early.is_empty() {
        return Ok((panel, Vec::new()));
    }
    if early.len() == panel.cohorts.len() {
        let reasons = vec![format!("one period before the treatment of {}, and weights need two", early.join(", "))];
        return Err(StaggeredError::NoComparison { reasons }.into());
    }
    let panel = panel.keeping("one period before the treatment of the cohort", |panel, row| {
        panel.cohort_of(row).is_none_or(|cohort| cohort.index >= 2)
    })?;
    Ok((panel, vec![format!("cohorts with one period before the treatment, left out: {}", early.join(", "))]))
}

/// By unit: the outcome of each period, less what covariates explain.
fn outcome(panel: &Panel) -> Vec<Vec<f64>> {
    let mut values = panel.outcome.clone();
    if !panel.covariates.is_empty() {
        let fit = two_way::fit_rows(panel, |row| !panel.treated(row), 0, |_, _| {});
        for (covariate, column) in panel.covariates.iter().zip(panel.periods.len()..) {
            let coefficient = fit.regression.solution[column];
            values.iter_mut().zip(&covariate.values).for_each(|(value, x)| *value -= coefficient * x);
        }
    }
    panel.units.iter().map(|unit| values[unit.rows.clone()].to_vec()).collect()
}

/// The mean outcome of units in each period.
fn mean(outcome: &[Vec<f64>], units: &[usize]) -> Vec<f64> {
    let of_period =
        |period: usize| twofold::mean(&units.iter().map(|unit| outcome[*unit][period]).collect::<Vec<f64>>());
    (0..outcome[units[0]].len()).map(of_period).collect()
}

fn centred(mut values: Vec<f64>) -> Vec<f64> {
    let mean = twofold::mean(&values);
    values.iter_mut().for_each(|value| *value -= mean);
    values
}

/// The weights of units in `never` and of periods for a cohort.
fn solve(outcome: &[Vec<f64>], never: &[usize], group: &Group) -> Result<Weights, StatsError> {
    let n_periods = outcome[never[0]].len();
    let (before, after) = (group.index, n_periods - group.index);
    let changes: Vec<f64> =
        never.iter().flat_map(|unit| outcome[*unit][..before].windows(2).map(|pair| pair[1] - pair[0])).collect();
    let spread = centred(changes);
    // One change alone has no variance; then there is no penalty either.
    let freedom = (spread.len() - 1).max(1) as f64;
    let noise = (twofold::dot(&spread, &spread).value() / freedom).sqrt();
    let zeta = ((group.units.len() * after) as f64).sqrt().sqrt() * noise;

    let treated = mean(outcome, &group.units);
    let columns: Vec<Vec<f64>> = never.iter().map(|unit| centred(outcome[*unit][..before].to_vec())).collect();
    let target = centred(treated[..before].to_vec());
    let omega = weights::simplex(&columns, &target, before as f64 * zeta * zeta);

    let of_period = |period: usize| centred(never.iter().map(|unit| outcome[*unit][period]).collect());
    let columns: Vec<Vec<f64>> = (0..before).map(of_period).collect();
    let target = centred(never.iter().map(|unit| twofold::mean(&outcome[*unit][before..])).collect());
    let small = 1e-6 * noise;
    let lambda = weights::simplex(&columns, &target, never.len() as f64 * small * small);
    match omega.zip(lambda) {
        Some((omega, lambda)) => Ok(Weights { omega, lambda, zeta }),
        None => Err(StaggeredError::NoWeights { units: never.len(), periods: before }.into()),
    }
}

/// By cohort: its effect in each period from its treatment on.
fn effects(outcome: &[Vec<f64>], never: &[usize], groups: &[Group], weights: &[Weights]) -> Vec<Vec<f64>> {
    let of_group = |(group, weights): (&Group, &Weights)| {
        let treated = mean(outcome, &group.units);
        let gap = |period: usize| {
            let products = never.iter().zip(&weights.omega).map(|(unit, weight)| weight * outcome[*unit][period]);
            treated[period] - twofold::sum(products).value()
        };
        let gaps: Vec<f64> = (0..treated.len()).map(gap).collect();
        let before = twofold::dot(&weights.lambda, &gaps[..group.index]).value();
        gaps[group.index..].iter().map(|gap| gap - before).collect()
    };
    groups.iter().zip(weights).map(of_group).collect()
}

/// What is estimated, with the treated rows of each: all, by event time, by cohort.
fn places(panel: &Panel, groups: &[Group]) -> Vec<(Place, usize)> {
    let n_periods = panel.periods.len();
    let mut by_time: BTreeMap<u64, (f64, usize)> = BTreeMap::new();
    let mut by_cohort = Vec::new();
    for (group, cohort) in groups.iter().zip(&panel.cohorts) {
        for period in &panel.periods[group.index..] {
            let time = period - cohort.first;
            by_time.entry(staggered::ordered(time)).or_insert((time, 0)).1 += group.units.len();
        }
        by_cohort.push((Place::Cohort(cohort.first), group.units.len() * (n_periods - group.index)));
    }
    let all = by_cohort.iter().map(|(_, rows)| rows).sum();
    let by_time = by_time.into_values().map(|(time, rows)| (Place::EventTime(time), rows));
    std::iter::once((Place::Overall, all)).chain(by_time).chain(by_cohort).collect()
}

/// The averages of `effects` at `places`, by treated rows.
fn averages(panel: &Panel, groups: &[Group], places: &[(Place, usize)], effects: &[Vec<f64>]) -> Vec<f64> {
    let average = |place: Place| {
        let mut sum = Twofold::default();
        let mut mass = 0.0;
        for ((group, cohort), effects) in groups.iter().zip(&panel.cohorts).zip(effects) {
            for (effect, period) in effects.iter().zip(&panel.periods[group.index..]) {
                let counts = match place {
                    Place::EventTime(time) => time == period - cohort.first,
                    Place::Cohort(first) => first == cohort.first,
                    _ => true,
                };
                if counts {
                    sum = sum.plus(group.units.len() as f64 * effect);
                    mass += group.units.len() as f64;
                }
            }
        }
        (sum / Twofold::from(mass)).value()
    };
    places.iter().map(|(place, _)| average(*place)).collect()
}
