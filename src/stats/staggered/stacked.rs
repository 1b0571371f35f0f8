//! Stacked difference-in-differences (Cengiz, Dube, Lindner & Zipperer 2019, appendix D): each cohort with its clean
//! comparison in a window around its treatment is a data set of its own, a stack; all stacks are one regression.
//!
//! In stack g are the periods from g - `before` to g + `after`, the units of cohort g, and units that are never treated or
//! first treated after g + `after`. A cohort whose window the periods do not cover has no stack. yₛᵢₜ = βDₛᵢₜ + xᵢₜ'c + μₛᵢ + λₛₜ + εₛᵢₜ, or
//! with a βₖ for each event time k but the last before the treatment. A unit is in several stacks, so that errors are
//! clustered by unit or by what holds units; the small-sample factor is that of `fixest`, in which the stacks' units are
//! nested in the clusters.
//!
//! Without weights a stack counts as N₁N₀/(N₁ + N₀), with N₁ treated and N₀ comparison units, so that β is no average over
//! treated units. The corrected weights of Wing, Freedman & Hollingsworth (2024, §4) make it one: a comparison row of
//! stack g weighs (N₁g/N₁)/(N₀g/N₀), a treated one 1. The numbers are of rows, or sums of the panel's weights, which they
//! multiply; in a balanced panel these count units.

use crate::error::StatsError;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::{DroppedRows, Panel, Unit};
use crate::staggered::regression::Rows;
use crate::staggered::two_way::{self, Target, TwoWay};
use crate::staggered::{self, Estimates, Place};
use crate::twofold;
use std::collections::BTreeMap;
use std::ops::Range;

#[derive(Clone, Debug, PartialEq)]
pub struct StackedOptions {
    /// Periods before the first treated one; above 0.
    pub before: f64,
    /// Periods after the first treated one; 0 is the first treated one alone.
    pub after: f64,
    pub weighting: StackWeighting,
}

/// How stacks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackWeighting {
    /// As least squares has it: by the variance of the treatment.
    Variance,
    /// By their treated rows (Wing, Freedman & Hollingsworth 2024).
    Treated,
}

/// What comes out.
#[derive(Clone, Debug)]
pub struct Stacked {
    /// The single effect of the treatment. Its rows are those of the stacks.
    pub overall: Estimates,
    /// One effect per event time, and the test that those before the treatment are 0.
    pub dynamic: Estimates,
    pub stacks: Vec<Stack>,
    /// Cohorts without a stack, and why.
    pub skipped: Vec<(Place, String)>,
}

/// A cohort with its comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    pub cohort: f64,
    /// Units.
    pub n_treated: usize,
    pub n_comparison: usize,
    /// The factor of the comparison's weights; 1 where stacks count by variance.
    pub comparison_weight: f64,
    index: usize,
    /// Of the panel.
    periods: Range<usize>,
    last: f64,
}

pub fn stacked(panel: Panel, options: &StackedOptions) -> Result<Stacked, StatsError> {
    for (option, value, is_right, reason) in [
        ("before", options.before, options.before > 0.0, "it should be more than 0 periods"),
        ("after", options.after, options.after >= 0.0, "it should be 0 or more periods"),
    ] {
        if !(is_right && value.is_finite()) {
            return Err(StaggeredError::Option { option, value: value.to_string(), reason }.into());
        }
    }
    panel.require_identified_covariates()?;
    let mut panel = panel.without_always_treated()?;
    let (mut stacks, skipped) = stacks(&panel, options);
    if stacks.is_empty() {
        let reasons = skipped.iter().map(|(place, reason)| format!("`{place}`: {reason}")).collect();
        return Err(StaggeredError::NoComparison { reasons }.into());
    }
    if options.weighting == StackWeighting::Treated {
        correct(&panel, &mut stacks);
    }
    drop_unused(&mut panel, &stacks);

    let treated_rows = |stack: &Stack, row: usize| stack.holds_treated(&panel, row) && panel.treated(row);
    let fit = fit(&panel, &stacks, 1, |stack, row| treated_rows(stack, row).then_some(0));
    let n_treated = stacks.iter().map(|stack| count(&panel, stack, |row| treated_rows(stack, row))).sum();
    if !fit.is_kept(0) {
        let reasons = vec!["no cohort and its comparison both have rows before and after the treatment".to_string()];
        return Err(StaggeredError::NoComparison { reasons }.into());
    }
    let mut overall = fit.estimates(&[Target { place: Place::Overall, columns: vec![(0, 1.0)], n_treated }])?;
    let mut dynamic = by_event_time(&panel, &stacks)?;
    for estimates in [&mut overall, &mut dynamic] {
        if let Some((place, reason)) = skipped.first() {
            let warning = format!("cohorts without a stack: {}, the first is `{place}`: {reason}", skipped.len());
            estimates.warnings.push(warning);
        }
    }
    Ok(Stacked { overall, dynamic, stacks, skipped })
}

fn by_event_time(panel: &Panel, stacks: &[Stack]) -> Result<Estimates, StatsError> {
    let mut times: BTreeMap<u64, (f64, usize)> = BTreeMap::new();
    let time = |stack: &Stack, row: usize| {
        let is_reference = panel.period[row] as usize + 1 == stack.index;
        if is_reference || !stack.holds_treated(panel, row) { None } else { panel.event_time(row) }
    };
    for stack in stacks {
        for row in rows(panel, stack) {
            if let Some(time) = time(stack, row) {
                times.entry(staggered::ordered(time)).or_insert((time, 0)).1 += 1;
            }
        }
    }
    let columns: BTreeMap<u64, u32> = times.keys().copied().zip(0..).collect();
    let fit =
        fit(panel, stacks, times.len(), |stack, row| time(stack, row).map(|time| columns[&staggered::ordered(time)]));
    let (kept, lost): (Vec<_>, Vec<_>) = times.values().enumerate().partition(|(column, _)| fit.is_kept(*column));
    let target = |(column, (time, rows)): (usize, &(f64, usize))| Target {
        place: Place::EventTime(*time),
        columns: vec![(column, 1.0)],
        n_treated: *rows,
    };
    let mut estimates = fit.estimates(&kept.into_iter().map(target).collect::<Vec<_>>())?;
    for (_, (time, _)) in lost {
        let reason = "collinear with units, periods and the other event times".to_string();
        estimates.dropped_terms.push((Place::EventTime(*time).to_string(), reason));
    }
    staggered::test_leads(&mut estimates);
    Ok(estimates)
}

impl Stack {
    /// Whether a row is one of the stack's cohort.
    fn holds_treated(&self, panel: &Panel, row: usize) -> bool {
        panel.cohort_of(row).is_some_and(|cohort| cohort.first == self.cohort)
    }

    /// Whether a unit is in the stack.
    fn holds(&self, panel: &Panel, unit: &Unit) -> bool {
        unit.cohort.is_none_or(|cohort| {
            let first = panel.cohorts[cohort as usize].first;
            first == self.cohort || first > self.last
        })
    }
}

/// The stacks, and cohorts that have none.
fn stacks(panel: &Panel, options: &StackedOptions) -> (Vec<Stack>, Vec<(Place, String)>) {
    let (start, end) = panel.span();
    let (mut stacks, mut skipped) = (Vec::new(), Vec::new());
    for cohort in &panel.cohorts {
        let (first, last) = (cohort.first - options.before, cohort.first + options.after);
        let periods = panel.periods.partition_point(|period| *period < first)
            ..panel.periods.partition_point(|period| *period <= last);
        let mut stack = Stack {
            cohort: cohort.first,
            n_treated: 0,
            n_comparison: 0,
            comparison_weight: 1.0,
            index: cohort.index,
            periods,
            last,
        };
        for unit in &panel.units {
            if !stack.holds(panel, unit) {
                continue;
            }
            let is_seen = unit.rows.clone().any(|row| stack.periods.contains(&(panel.period[row] as usize)));
            let is_treated = stack.holds_treated(panel, unit.rows.start);
            stack.n_treated += usize::from(is_seen && is_treated);
            stack.n_comparison += usize::from(is_seen && !is_treated);
        }
        let reason = match () {
            () if first < start || last > end => format!("the periods {start} to {end} do not cover {first} to {last}"),
            () if stack.n_treated == 0 => format!("no row from {first} to {last}"),
            () if stack.n_comparison == 0 => format!("no unit is treated after {last} or never"),
            () if !(stack.periods.start < stack.index && stack.index < stack.periods.end) => {
                format!("no period before and after the treatment from {first} to {last}")
            }
            () => {
                stacks.push(stack);
                continue;
            }
        };
        skipped.push((Place::Cohort(cohort.first), reason));
    }
    (stacks, skipped)
}

/// Sets the factor of each stack's comparison.
fn correct(panel: &Panel, stacks: &mut [Stack]) {
    let mass = |stack: &Stack, treated: bool| {
        let of_side = rows(panel, stack).filter(|row| stack.holds_treated(panel, *row) == treated);
        twofold::sum(of_side.map(|row| panel.weight(row))).value()
    };
    let treated: Vec<f64> = stacks.iter().map(|stack| mass(stack, true)).collect();
    let comparison: Vec<f64> = stacks.iter().map(|stack| mass(stack, false)).collect();
    let total = |masses: &[f64]| twofold::sum(masses.iter().copied()).value();
    let (all_treated, all_comparison) = (total(&treated), total(&comparison));
    for ((stack, treated), comparison) in stacks.iter_mut().zip(&treated).zip(&comparison) {
        stack.comparison_weight = (treated / all_treated) / (comparison / all_comparison);
    }
}

/// Lists the rows that are in no stack.
fn drop_unused(panel: &mut Panel, stacks: &[Stack]) {
    let mut used = vec![false; panel.n_obs()];
    stacks.iter().for_each(|stack| rows(panel, stack).for_each(|row| used[row] = true));
    let mut left_out: Vec<usize> = (0..panel.n_obs()).filter(|row| !used[*row]).map(|row| panel.origin[row]).collect();
    if !left_out.is_empty() {
        left_out.sort_unstable();
        panel.dropped_rows.push(DroppedRows { reason: "in no stack".to_string(), rows: left_out });
    }
}

/// The rows of a stack, by unit and period.
fn rows<'a>(panel: &'a Panel, stack: &'a Stack) -> impl Iterator<Item = usize> + 'a {
    panel.units.iter().filter(|unit| stack.holds(panel, unit)).flat_map(|unit| rows_of(panel, stack, unit))
}

fn rows_of<'a>(panel: &'a Panel, stack: &'a Stack, unit: &Unit) -> impl Iterator<Item = usize> + 'a {
    unit.rows.clone().filter(|row| stack.periods.contains(&(panel.period[*row] as usize)))
}

fn count(panel: &Panel, stack: &Stack, wanted: impl Fn(usize) -> bool) -> usize {
    rows(panel, stack).filter(|row| wanted(*row)).count()
}

/// The regression of all stacks; `column` is the column of interest that is 1 in a row, of `width`.
fn fit<'a>(
    panel: &'a Panel,
    stacks: &[Stack],
    width: usize,
    column: impl Fn(&Stack, usize) -> Option<u32>,
) -> TwoWay<'a> {
    let n_periods: usize = stacks.iter().map(|stack| stack.periods.len()).sum();
    let first = (n_periods + panel.covariates.len()) as u32;
    let mut made = Rows::new(first as usize + width);
    let mut clusters = Vec::new();
    let mut is_used = vec![false; panel.units.len()];
    let mut has_row = vec![false; n_periods];
    let mut entries = Vec::new();
    let mut offset = 0;
    for stack in stacks {
        for (position, unit) in panel.units.iter().enumerate().filter(|(_, unit)| stack.holds(panel, unit)) {
            let before = made.len();
            for row in rows_of(panel, stack, unit) {
                let period = offset + panel.period[row] as usize - stack.periods.start;
                has_row[period] = true;
                entries.clear();
                entries.push((period as u32, 1.0));
                let covariates = panel.covariates.iter().zip(n_periods as u32..);
                entries.extend(covariates.map(|(covariate, column)| (column, covariate.values[row])));
                entries.extend(column(stack, row).map(|column| (first + column, 1.0)));
                let factor = if stack.holds_treated(panel, row) { 1.0 } else { stack.comparison_weight };
                made.push(panel.outcome[row], factor * panel.weight(row), &entries);
            }
            if made.len() > before {
                made.end_block();
                clusters.push(unit.cluster);
                is_used[position] = true;
            }
        }
        offset += stack.periods.len();
    }
    let n_units = is_used.iter().filter(|is_used| **is_used).count();
    let with_row = has_row.iter().filter(|has_row| **has_row).count();
    two_way::solve(panel, made, clusters, [n_units, with_row, n_periods])
}
