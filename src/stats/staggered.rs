//! Difference-in-differences where units are treated at different times: estimators that compare treated units with units
//! that are not, or not yet, treated, beside those that do not, for comparison. Knows no formula text, no file, no stage.
//!
//! | method | module | paper |
//! |---|---|---|
//! | the checked rows of all of them | `panel` | |
//! | least squares with dummies | `regression` | |
//! | event study with two-way fixed effects | `event_study` | |
//! | decomposition of the two-way estimate | `bacon` | Goodman-Bacon (2021) |
//! | effects by cohort and period | `callaway_santanna` (`cell`, `aggregate`, `bootstrap`) | Callaway & Sant'Anna (2021) |
//! | interaction-weighted event study | `sun_abraham` | Sun & Abraham (2021) |
//! | imputation | `imputation` | Borusyak, Jaravel & Spiess (2024) |
//! | two-stage | `two_stage` | Gardner (2022) |
//! | effects by time since the switch | `chaisemartin_dhaultfoeuille` | de Chaisemartin & D'Haultfœuille (2024) |
//! | weights of the two-way estimate | `two_way_weights` | de Chaisemartin & D'Haultfœuille (2020) |
//! | local projections | `local_projections` | Dube, Girardi, Jordà & Taylor (2025) |
//! | extended two-way fixed effects | `extended` | Wooldridge (2025) |
//! | synthetic comparisons | `synthetic` (`weights`, `errors`) | Arkhangelsky, Athey, Hirshberg, Imbens & Wager (2021) |
//! | stacks of cohorts with clean comparisons | `stacked` | Cengiz, Dube, Lindner & Zipperer (2019) |
//!
//! What they estimate comes as [`Estimates`]: a list of effects, each with its place.

pub mod bacon;
pub mod callaway_santanna;
pub mod chaisemartin_dhaultfoeuille;
pub mod error;
pub mod event_study;
pub mod extended;
pub mod imputation;
pub mod local_projections;
pub mod panel;
pub(crate) mod regression;
pub mod stacked;
pub mod sun_abraham;
pub mod synthetic;
pub mod two_stage;
mod two_way;
pub mod two_way_weights;
mod untreated;

use crate::estimator::Coefficient;
use crate::solve::Matrix;
use crate::{student, tails};
use panel::{DroppedRows, Panel};
use std::fmt;

/// What a method estimates.
#[derive(Clone, Debug)]
pub struct Estimates {
    pub effects: Vec<Effect>,
    /// Variances and covariances of the effects, in their order.
    pub vcov: Vec<Vec<f64>>,
    pub vcov_label: String,
    /// Of the t distribution behind p-values and intervals; `None` is the normal one.
    pub df_t: Option<f64>,
    /// How much each cluster, in the order of their labels, moves each effect. Their products, with the small-sample factor
    /// of `vcov_label`, are `vcov`.
    pub influence: Vec<Vec<f64>>,
    /// Where a bootstrap was asked for.
    pub bootstrap: Option<BootstrapErrors>,
    pub tests: Vec<JointTest>,
    pub n_obs: usize,
    pub n_units: usize,
    pub n_clusters: usize,
    pub dropped_rows: Vec<DroppedRows>,
    /// Terms that could not be estimated, and why.
    pub dropped_terms: Vec<(String, String)>,
    pub warnings: Vec<String>,
}

/// One estimated number and where it belongs.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub place: Place,
    pub coefficient: Coefficient,
    /// Treated rows behind it.
    pub n_treated: usize,
    /// The ends of its part of a band that covers all effects of one kind at once.
    pub band: Option<[f64; 2]>,
}

/// What an effect is the effect of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    /// The average over all treated rows, or what the method takes for it.
    Overall,
    /// Periods since the first treated one.
    EventTime(f64),
    /// This many periods since the first treated one, or fewer.
    EventTimeUpTo(f64),
    /// This many periods since the first treated one, or more.
    EventTimeFrom(f64),
    /// Units first treated in this period.
    Cohort(f64),
    /// The calendar period.
    Period(f64),
    /// Units of a cohort in a period.
    CohortPeriod { cohort: f64, period: f64 },
}

/// What a bootstrap says of a set of effects.
#[derive(Clone, Debug, PartialEq)]
pub struct BootstrapErrors {
    pub draws: u32,
    /// One per effect.
    pub std_errors: Vec<f64>,
    /// Bands are the estimates plus and minus this many bootstrap errors; `None` where there is nothing to cover.
    pub critical_value: Option<f64>,
}

/// A test that several effects are 0.
#[derive(Clone, Debug, PartialEq)]
pub struct JointTest {
    pub what: &'static str,
    /// The Wald statistic, or the F statistic where there is `denominator`.
    pub statistic: f64,
    pub freedom: usize,
    /// Degrees of freedom below the line of F; `None` is chi-square.
    pub denominator: Option<f64>,
    pub p_value: f64,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Place::Overall => formatter.write_str("att"),
            Place::EventTime(time) => write!(formatter, "event_time::{time}"),
            Place::EventTimeUpTo(time) => write!(formatter, "event_time::<={time}"),
            Place::EventTimeFrom(time) => write!(formatter, "event_time::>={time}"),
            Place::Cohort(cohort) => write!(formatter, "cohort::{cohort}"),
            Place::Period(period) => write!(formatter, "period::{period}"),
            Place::CohortPeriod { cohort, period } => write!(formatter, "cohort::{cohort}:period::{period}"),
        }
    }
}

impl Estimates {
    pub fn coefficients(&self) -> impl Iterator<Item = &Coefficient> {
        self.effects.iter().map(|effect| &effect.coefficient)
    }

    pub fn effect(&self, place: Place) -> Option<&Effect> {
        self.effects.iter().find(|effect| effect.place == place)
    }
}

/// An estimate before its inference.
#[derive(Clone, Debug)]
struct Point {
    place: Place,
    estimate: f64,
    n_treated: usize,
}

/// The inference of `points`, whose variance is `factor` times the products of `influence`.
fn effects(
    points: &[Point],
    influence: &[Vec<f64>],
    factor: f64,
    df_t: Option<f64>,
    level: f64,
) -> (Vec<Effect>, Matrix) {
    let variance = regression::variance(influence, factor);
    let quantile = match df_t {
        Some(df_t) => student::two_sided_quantile(1.0 - level, df_t),
        None => tails::normal_quantile(1.0 - level),
    };
    let effect = |(index, point): (usize, &Point)| {
        let std_error = variance[index][index].sqrt();
        // Without any variance an estimate of 0 is what no effect gives.
        let statistic = if point.estimate == 0.0 { 0.0 } else { point.estimate / std_error };
        let p_value = match df_t {
            Some(df_t) => student::two_sided(statistic, df_t),
            None => tails::normal_two_sided(statistic),
        };
        let coefficient = Coefficient {
            term: point.place.to_string(),
            estimate: point.estimate,
            std_error,
            statistic,
            p_value,
            conf_low: point.estimate - quantile * std_error,
            conf_high: point.estimate + quantile * std_error,
        };
        Effect { place: point.place, coefficient, n_treated: point.n_treated, band: None }
    };
    (points.iter().enumerate().map(effect).collect(), variance)
}

/// Whether the effects at `positions` are all 0, by F with `denominator` degrees of freedom or by chi-square.
fn joint_test(
    what: &'static str,
    effects: &[Effect],
    variance: &Matrix,
    positions: &[usize],
    denominator: Option<f64>,
) -> Result<JointTest, String> {
    let estimates: Vec<f64> = positions.iter().map(|position| effects[*position].coefficient.estimate).collect();
    let part: Matrix =
        positions.iter().map(|row| positions.iter().map(|column| variance[*row][*column]).collect()).collect();
    let wald = regression::wald(&estimates, &part).ok_or_else(|| {
        format!("no joint test of the {what}: the variance of the {} estimates is singular", positions.len())
    })?;
    let freedom = positions.len();
    let (statistic, p_value) = match denominator {
        Some(denominator) => {
            let statistic = wald / freedom as f64;
            (statistic, tails::f(statistic, freedom, denominator))
        }
        None => (wald, tails::chi_square(wald, freedom)),
    };
    Ok(JointTest { what, statistic, freedom, denominator, p_value })
}

/// Adds the test that all effects before the treatment are 0, or why there is none.
fn test_leads(estimates: &mut Estimates) {
    let leads: Vec<usize> =
        (0..estimates.effects.len()).filter(|index| is_lead(estimates.effects[*index].place)).collect();
    if leads.is_empty() {
        return;
    }
    match joint_test("effects before the treatment", &estimates.effects, &estimates.vcov, &leads, estimates.df_t) {
        Ok(test) => estimates.tests.push(test),
        Err(warning) => estimates.warnings.push(warning),
    }
}

fn is_lead(place: Place) -> bool {
    matches!(place, Place::EventTime(time) | Place::EventTimeUpTo(time) if time < 0.0)
}

/// Bits that are ordered as the numbers are.
fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// A warning of effects that look certain because nothing shows how they vary, such as those of one unit compared with
/// one: their p-value is 0 and their interval a point.
fn without_variance(effects: &[Effect]) -> Option<String> {
    let mut certain = effects.iter().filter(|effect| effect.coefficient.std_error == 0.0);
    let first = certain.next()?;
    let count = 1 + certain.count();
    Some(format!(
        "effects with a standard error of 0, whose variance is not seen: {count}, the first is `{}`",
        first.place
    ))
}

/// Warnings that concern the data rather than a method.
fn warnings(panel: &Panel) -> Vec<String> {
    let mut warnings = panel.small_cohorts();
    let gaps = panel.units_with_gaps();
    if let Some(first) = gaps.first() {
        warnings.push(format!("units with a missing period between others: {}, the first is `{first}`", gaps.len()));
    }
    warnings
}

#[cfg(test)]
mod tests;
