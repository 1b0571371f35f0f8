//! Average effects by cohort and period, and what is made of them (Callaway & Sant'Anna 2021).
//!
//! ATT(g, t) = E[Yₜ - Y_b | G = g] - E[Yₜ - Y_b | C], where b is the base period and C the comparison: the never treated, or the
//! units that are not yet treated in the later of t and b. From the treatment on, b is the last period before g, less
//! the anticipation. Before it, b is the period before t (varying), or the same as after it (universal); the universal
//! base itself has an effect of 0 by definition and is left out. With covariates, which are those of the base period, the
//! two sides are made comparable by regression, by weighting, or by both (Sant'Anna & Zhao 2020).
//!
//! | step | module |
//! |---|---|
//! | one cohort in one period of a balanced panel | `cell` |
//! | the same with rows of units that are not in both periods | `cross_section` |
//! | the propensity score | `propensity` |
//! | averages over cells, with the variance of their weights | `aggregate` |
//! | multiplier bootstrap and uniform bands | `bootstrap` |
//!
//! Standard errors are those of the influence functions, clustered, without small-sample factor, and normal: R's `did` with
//! `bstrap = FALSE`. Cells that have no answer are listed with the reason and are in no average.

mod aggregate;
mod bootstrap;
mod cell;
mod cross_section;
mod propensity;

use crate::error::StatsError;
use crate::random::Random;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::{Panel, Unit};
use crate::staggered::{self, Estimates, Place, Point};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub adjustment: Adjustment,
    pub comparison: Comparison,
    pub base: Base,
    /// Periods before the first treated one in which units may already react.
    pub anticipation: f64,
    pub missing_rows: MissingRows,
    /// Averages by event time use only cohorts that are seen for at least this long, up to this time.
    pub balance: Option<f64>,
    pub min_event_time: Option<f64>,
    pub max_event_time: Option<f64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            adjustment: Adjustment::DoublyRobust,
            comparison: Comparison::NeverTreated,
            base: Base::Varying,
            anticipation: 0.0,
            missing_rows: MissingRows::LeaveOutUnits,
            balance: None,
            min_event_time: None,
            max_event_time: None,
        }
    }
}

/// How covariates make the comparison comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjustment {
    /// The outcome's change, predicted from the comparison.
    Regression,
    /// Weights that make the comparison's covariates those of the cohort (Hájek, Abadie 2005).
    Weighting,
    /// Both: one of the two models may be wrong.
    DoublyRobust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    NeverTreated,
    NotYetTreated,
}

/// The base period of effects before the treatment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// The period before.
    Varying,
    /// The last period before the treatment, as for effects after it.
    Universal,
}

/// What to do with units that have no row in some period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingRows {
    LeaveOutUnits,
    /// Compare the rows of two periods as samples of different units, but cluster by unit.
    CrossSections,
}

/// A multiplier bootstrap.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    pub draws: u32,
    pub multiplier: Multiplier,
    pub random: Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Multiplier {
    /// 1 or -1.
    Rademacher,
    /// (1 ∓ √5)/2 with the third moment 1 (Mammen 1993).
    Mammen,
}

/// Everything that is estimated.
#[derive(Clone, Debug)]
pub struct CallawaySantAnna {
    /// One per cohort and period, in order.
    pub att_gt: Vec<AttGt>,
    /// The same as effects, and the test that those before the treatment are 0.
    pub cells: Estimates,
    /// The average over all effects after the treatment, by the size of the cohorts.
    pub simple: Estimates,
    /// The plain average over event times from 0 on, then one average per event time.
    pub dynamic: Estimates,
    /// The average over cohorts by their size, then one average per cohort.
    pub group: Estimates,
    /// The plain average over periods, then one average per period.
    pub calendar: Estimates,
    /// Cohorts and periods without an effect, and why.
    pub skipped: Vec<(Place, String)>,
}

/// The effect on one cohort in one period.
#[derive(Clone, Debug, PartialEq)]
pub struct AttGt {
    pub cohort: f64,
    pub period: f64,
    pub base_period: f64,
    pub event_time: f64,
    /// Whether the period is not before the first treated one.
    pub is_after: bool,
    pub estimate: f64,
    pub std_error: f64,
    /// Units of the cohort, and units they are compared with.
    pub n_treated: usize,
    pub n_comparison: usize,
}

/// A cell that was asked for.
struct Task {
    cohort: usize,
    period: usize,
    base: usize,
    /// Cohorts from this position on are in the comparison, beside the never treated.
    later: usize,
}

/// The answer, with how much each cluster moves it.
struct Answer {
    task: Task,
    estimate: f64,
    influence: Vec<f64>,
    n_treated: usize,
    n_comparison: usize,
}

pub fn callaway_santanna(
    panel: Panel,
    options: &Options,
    bootstrap: Option<&Bootstrap>,
) -> Result<CallawaySantAnna, StatsError> {
    if !(options.anticipation >= 0.0 && options.anticipation.is_finite()) {
        let (value, reason) = (options.anticipation.to_string(), "it should be 0 or more periods");
        return Err(StaggeredError::Option { option: "anticipation", value, reason }.into());
    }
    if let Some(bootstrap) = bootstrap
        && bootstrap.draws < 2
    {
        let (value, reason) = (bootstrap.draws.to_string(), "a bootstrap needs at least 2 draws");
        return Err(StaggeredError::Option { option: "draws", value, reason }.into());
    }
    let mut panel = panel.without_always_treated()?;
    let mut warnings = Vec::new();
    if panel.n_never_treated() == 0 {
        let (first, last) = panel.span();
        if options.comparison == Comparison::NeverTreated {
            return Err(StaggeredError::NoNeverTreated { first, last }.into());
        }
        let first;
        (panel, first) = panel.with_comparison(options.anticipation)?;
        warnings.extend(first.map(|first| {
            format!("no unit is never treated: periods end before {first}, when the last cohort is treated")
        }));
    }
    if options.missing_rows == MissingRows::LeaveOutUnits {
        panel = panel.balanced_part()?;
    }
    let (answers, skipped) = answers(&panel, options);
    if answers.is_empty() {
        let reasons = skipped.iter().map(|(place, reason)| format!("`{place}`: {reason}")).collect();
        return Err(StaggeredError::NoComparison { reasons }.into());
    }
    warnings.extend(staggered::warnings(&panel));
    if let Some((place, reason)) = skipped.first() {
        warnings.push(format!("effects that are left out: {}, the first is `{place}`: {reason}", skipped.len()));
    }
    let (cells, att_gt) = cells(&panel, &answers, &warnings);
    let mut result = CallawaySantAnna {
        simple: aggregate::simple(&panel, options, &answers, &warnings)?,
        dynamic: aggregate::dynamic(&panel, options, &answers, &warnings)?,
        group: aggregate::group(&panel, options, &answers, &warnings)?,
        calendar: aggregate::calendar(&panel, &answers, &warnings)?,
        cells,
        att_gt,
        skipped,
    };
    if let Some(bootstrap) = bootstrap {
        let CallawaySantAnna { cells, simple, dynamic, group, calendar, .. } = &mut result;
        bootstrap::bands(&mut [cells, simple, dynamic, group, calendar], bootstrap, panel.level);
    }
    Ok(result)
}

/// Every cell that has an answer, and the others with the reason.
fn answers(panel: &Panel, options: &Options) -> (Vec<Answer>, Vec<(Place, String)>) {
    let covariates = cell::Covariates::new(panel);
    let mut answers = Vec::new();
    let mut skipped = Vec::new();
    for cohort in 0..panel.cohorts.len() {
        let mut by_nuisance: BTreeMap<(usize, usize), Vec<Task>> = BTreeMap::new();
        for task in tasks(panel, options, cohort, &mut skipped) {
            // The propensity score and the regressors are the same for all cells with one comparison and one base.
            let base = if covariates.are_constant() { 0 } else { task.base };
            by_nuisance.entry((task.later, base)).or_default().push(task);
        }
        for tasks in by_nuisance.into_values() {
            let found = match options.missing_rows {
                MissingRows::LeaveOutUnits => cell::answers(panel, &covariates, options, tasks),
                MissingRows::CrossSections => cross_section::answers(panel, &covariates, options, tasks),
            };
            for (task, answer) in found {
                match answer {
                    Ok((estimate, influence, [n_treated, n_comparison])) => {
                        answers.push(Answer { task, estimate, influence, n_treated, n_comparison });
                    }
                    Err(reason) => skipped.push((place(panel, &task), reason)),
                }
            }
        }
    }
    answers.sort_by_key(|answer| (answer.task.cohort, answer.task.period));
    (answers, skipped)
}

/// The cells of a cohort.
fn tasks(panel: &Panel, options: &Options, cohort: usize, skipped: &mut Vec<(Place, String)>) -> Vec<Task> {
    let (first, index) = (panel.cohorts[cohort].first, panel.cohorts[cohort].index);
    let last_before = panel.periods.partition_point(|period| period + options.anticipation < first).checked_sub(1);
    let mut tasks = Vec::new();
    for period in 0..panel.periods.len() {
        let is_before = period < index;
        let base = match options.base {
            Base::Varying if is_before => match period.checked_sub(1) {
                Some(base) => base,
                // Nothing comes before the first period.
                None => continue,
            },
            _ => match last_before {
                Some(base) => base,
                None => {
                    let place = Place::CohortPeriod { cohort: first, period: panel.periods[period] };
                    skipped.push((place, "no period before the treatment, less the anticipation".to_string()));
                    continue;
                }
            },
        };
        if base == period {
            continue;
        }
        let later = match options.comparison {
            Comparison::NeverTreated => panel.cohorts.len(),
            Comparison::NotYetTreated => {
                let until = panel.periods[period.max(base)] + options.anticipation;
                panel.cohorts.partition_point(|other| other.first <= until)
            }
        };
        tasks.push(Task { cohort, period, base, later });
    }
    tasks
}

/// Whether a unit is treated in the cell, in its comparison, or neither.
fn side(unit: &Unit, task: &Task) -> Option<bool> {
    match unit.cohort.map(|cohort| cohort as usize) {
        None => Some(false),
        Some(cohort) if cohort == task.cohort => Some(true),
        Some(cohort) if cohort >= task.later => Some(false),
        Some(_) => None,
    }
}

fn place(panel: &Panel, task: &Task) -> Place {
    Place::CohortPeriod { cohort: panel.cohorts[task.cohort].first, period: panel.periods[task.period] }
}

fn is_after(panel: &Panel, task: &Task) -> bool {
    task.period >= panel.cohorts[task.cohort].index
}

fn event_time(panel: &Panel, task: &Task) -> f64 {
    panel.periods[task.period] - panel.cohorts[task.cohort].first
}

fn cells(panel: &Panel, answers: &[Answer], warnings: &[String]) -> (Estimates, Vec<AttGt>) {
    let point = |answer: &Answer| Point {
        place: place(panel, &answer.task),
        estimate: answer.estimate,
        n_treated: answer.n_treated,
    };
    let points: Vec<Point> = answers.iter().map(point).collect();
    let influence = answers.iter().map(|answer| answer.influence.clone()).collect();
    let mut estimates = estimates(panel, &points, influence, warnings);
    let before: Vec<usize> = (0..answers.len()).filter(|index| !is_after(panel, &answers[*index].task)).collect();
    if !before.is_empty() {
        match staggered::joint_test("effects before the treatment", &estimates.effects, &estimates.vcov, &before, None)
        {
            Ok(test) => estimates.tests.push(test),
            Err(warning) => estimates.warnings.push(warning),
        }
    }
    let att_gt = |(answer, effect): (&Answer, &staggered::Effect)| AttGt {
        cohort: panel.cohorts[answer.task.cohort].first,
        period: panel.periods[answer.task.period],
        base_period: panel.periods[answer.task.base],
        event_time: event_time(panel, &answer.task),
        is_after: is_after(panel, &answer.task),
        estimate: answer.estimate,
        std_error: effect.coefficient.std_error,
        n_treated: answer.n_treated,
        n_comparison: answer.n_comparison,
    };
    let att_gt = answers.iter().zip(&estimates.effects).map(att_gt).collect();
    (estimates, att_gt)
}

/// Effects with normal inference, without small-sample factor.
fn estimates(panel: &Panel, points: &[Point], influence: Vec<Vec<f64>>, warnings: &[String]) -> Estimates {
    let (effects, vcov) = staggered::effects(points, &influence, 1.0, None, panel.level);
    let without_variance = staggered::without_variance(&effects);
    Estimates {
        effects,
        vcov,
        vcov_label: format!("cluster({}), influence function", panel.cluster_name),
        df_t: None,
        influence,
        bootstrap: None,
        tests: Vec::new(),
        n_obs: panel.n_obs(),
        n_units: panel.n_units(),
        n_clusters: panel.n_clusters,
        dropped_rows: panel.dropped_rows.clone(),
        dropped_terms: panel.dropped_terms.clone(),
        warnings: warnings.iter().cloned().chain(without_variance).collect(),
    }
}
