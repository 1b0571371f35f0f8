//! The interaction-weighted event study of Sun & Abraham (2021): an effect for each cohort and event time, averaged over
//! cohorts by their share of the rows at that time.
//!
//! yᵢₜ = Σ_g Σ_{k ≠ reference} δ_gk 1[gᵢ = g] 1[t - g = k] + xᵢₜ'c + μᵢ + λₜ + εᵢₜ. The comparison is the never treated; where there are
//! none, the cohort treated last, in the periods before its treatment. Units treated in the first period are left out.
//! The reference of a cohort is its last period before the treatment that has a row. Weights of the averages count as
//! known, as in R's `fixest::sunab`; with weighted rows they are sums of weights.

use crate::error::StatsError;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::two_way::{self, Target};
use crate::staggered::{self, Estimates, Place};
use std::collections::BTreeMap;

/// What comes out beside the averages.
#[derive(Clone, Debug)]
pub struct SunAbraham {
    /// The average of all effects after the treatment, then one per event time.
    pub estimates: Estimates,
    /// One per cohort and period, in order, without the references.
    pub cohort_effects: Estimates,
}

/// A cohort in a period.
struct Cell {
    cohort: usize,
    period: usize,
    rows: usize,
    weight: f64,
}

pub fn sun_abraham(panel: Panel) -> Result<SunAbraham, StatsError> {
    panel.require_identified_covariates()?;
    let (panel, last_is_comparison) = panel.without_always_treated()?.with_comparison(0.0)?;
    let panel = panel.without_cohorts_seen_too_late()?;
    let (cells, columns, mut warnings) = cells(&panel);
    let fit = two_way::fit(&panel, cells.len(), |row, entries| {
        let cohort = panel.units[panel.unit[row] as usize].cohort;
        let column =
            cohort.and_then(|cohort| columns[cohort as usize * panel.periods.len() + panel.period[row] as usize]);
        entries.extend(column.map(|column| (column, 1.0)));
    });
    let time = |cell: &Cell| panel.periods[cell.period] - panel.cohorts[cell.cohort].first;
    let is_after = |cell: &Cell| cell.period >= panel.cohorts[cell.cohort].index;
    let kept: Vec<usize> = (0..cells.len()).filter(|column| fit.is_kept(*column)).collect();

    let mut targets = Vec::new();
    let after: Vec<usize> = kept.iter().copied().filter(|column| is_after(&cells[*column])).collect();
    if after.is_empty() {
        return Err(StaggeredError::nothing_left().into());
    }
    targets.push(average(Place::Overall, &after, &cells));
    let mut by_time: BTreeMap<u64, (f64, Vec<usize>)> = BTreeMap::new();
    for column in &kept {
        let time = time(&cells[*column]);
        by_time.entry(staggered::ordered(time)).or_insert((time, Vec::new())).1.push(*column);
    }
    targets.extend(by_time.values().map(|(time, columns)| average(Place::EventTime(*time), columns, &cells)));
    let mut estimates = fit.estimates(&targets)?;

    let place = |cell: &Cell| Place::CohortPeriod {
        cohort: panel.cohorts[cell.cohort].first,
        period: panel.periods[cell.period],
    };
    let of_cell = |column: &usize| Target {
        place: place(&cells[*column]),
        columns: vec![(*column, 1.0)],
        n_treated: cells[*column].rows,
    };
    let cohort_effects = fit.estimates(&kept.iter().map(of_cell).collect::<Vec<_>>())?;
    for column in (0..cells.len()).filter(|column| !fit.is_kept(*column)) {
        let reason = "no comparison in this period, or collinear with covariates".to_string();
        estimates.dropped_terms.push((place(&cells[column]).to_string(), reason));
    }
    if let Some(first) = last_is_comparison {
        warnings.push(format!("no unit is never treated: the cohort treated last, in {first}, is the comparison"));
    }
    estimates.warnings.extend(warnings);
    staggered::test_leads(&mut estimates);
    Ok(SunAbraham { estimates, cohort_effects })
}

/// The cells with a row, the column of each cohort and period, and what to warn of.
fn cells(panel: &Panel) -> (Vec<Cell>, Vec<Option<u32>>, Vec<String>) {
    let n_periods = panel.periods.len();
    let mut counts = vec![(0_usize, 0.0); panel.cohorts.len() * n_periods];
    for unit in &panel.units {
        let Some(cohort) = unit.cohort else { continue };
        for row in unit.rows.clone() {
            let (rows, weight) = &mut counts[cohort as usize * n_periods + panel.period[row] as usize];
            *rows += 1;
            *weight += panel.weight(row);
        }
    }
    let mut cells = Vec::new();
    let mut columns = vec![None; counts.len()];
    let mut warnings = Vec::new();
    for (cohort, counts) in counts.chunks(n_periods).enumerate() {
        let (first, index) = (panel.cohorts[cohort].first, panel.cohorts[cohort].index);
        let before = (0..index).rev().find(|period| counts[*period].0 > 0);
        let reference = before.expect("cohorts without a row before the treatment were left out");
        if reference + 1 != index {
            warnings.push(format!("the reference of cohort {first} is the period {}", panel.periods[reference]));
        }
        for (period, (rows, weight)) in counts.iter().enumerate().filter(|(period, _)| *period != reference) {
            if *rows > 0 {
                columns[cohort * n_periods + period] = Some(cells.len() as u32);
                cells.push(Cell { cohort, period, rows: *rows, weight: *weight });
            }
        }
    }
    (cells, columns, warnings)
}

fn average(place: Place, columns: &[usize], cells: &[Cell]) -> Target {
    let total: f64 = columns.iter().map(|column| cells[*column].weight).sum();
    Target {
        place,
        columns: columns.iter().map(|column| (*column, cells[*column].weight / total)).collect(),
        n_treated: columns.iter().map(|column| cells[*column].rows).sum(),
    }
}
