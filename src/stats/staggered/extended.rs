//! Extended two-way fixed effects (Wooldridge 2025): an effect for each cohort and treated period in one regression, whose
//! covariates are demeaned by cohort, and averages of these effects.
//!
//! yᵢₜ = Σ_g Σ_{t ≥ g} 1[gᵢ = g, t] (τ_gt + (xᵢₜ - x̄_g)'γ_gt) + xᵢₜ'(c + c_g + c_t) + μᵢ + λₜ + εᵢₜ, with x̄_g the mean of x over the rows of
//! cohort g. Compared is with all untreated rows, also those of units treated later; without covariates and in a
//! balanced panel the effects are then those of imputation. To compare with the never treated alone, the periods before
//! the treatment, but the last, have effects too (§6): these are then estimated, and the effects are those of Callaway &
//! Sant'Anna with one base. Without a never treated unit, the cohort treated last stands in, in the periods before its
//! treatment. The effect of a cell is that at the mean of its rows' covariates.
//!
//! Averages count treated rows, or their weights, as known; their variance follows from that of the coefficients, clustered,
//! with the small-sample factor of `fixest`.

use crate::error::StatsError;
use crate::staggered::callaway_santanna::Comparison;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::two_way::{self, Target};
use crate::staggered::{self, Estimates, Place};
use crate::twofold::{self, Twofold};
use std::collections::BTreeMap;

/// What comes out.
#[derive(Clone, Debug)]
pub struct Extended {
    /// The average over all treated rows, then one per event time; with the never treated alone also before the treatment,
    /// and the test that those are 0.
    pub estimates: Estimates,
    /// One average per cohort.
    pub cohorts: Estimates,
    /// One average per treated period.
    pub periods: Estimates,
    /// One per cohort and period.
    pub cells: Estimates,
}

/// A cohort in a period.
struct Cell {
    cohort: usize,
    period: usize,
    rows: usize,
    weight: f64,
    /// The mean of each covariate, less that of the cohort.
    covariates: Vec<f64>,
}

pub fn extended(panel: Panel, comparison: Comparison) -> Result<Extended, StatsError> {
    panel.require_identified_covariates()?;
    let panel = panel.without_always_treated()?;
    if comparison == Comparison::NeverTreated && panel.n_never_treated() == 0 {
        let (first, last) = panel.span();
        return Err(StaggeredError::NoNeverTreated { first, last }.into());
    }
    let (panel, last_is_comparison) = panel.with_comparison(0.0)?;
    let panel = panel.without_cohorts_seen_too_late()?;
    let means = means(&panel);
    let (cells, columns) = cells(&panel, comparison, &means);

    let (n_covariates, n_periods, n_cohorts) = (panel.covariates.len(), panel.periods.len(), panel.cohorts.len());
    // Of each cohort and of each period: the covariates. Then of each cell: its effect, and the covariates.
    let of_cohorts = 0;
    let of_periods = of_cohorts + n_cohorts * n_covariates;
    let of_cells = of_periods + n_periods * n_covariates;
    let per_cell = 1 + n_covariates;
    let fit = two_way::fit(&panel, of_cells + cells.len() * per_cell, |row, entries| {
        let cohort = panel.units[panel.unit[row] as usize].cohort.map(|cohort| cohort as usize);
        let period = panel.period[row] as usize;
        let cell = cohort.and_then(|cohort| columns[cohort * n_periods + period]);
        entries.extend(cell.map(|cell| ((of_cells + cell * per_cell) as u32, 1.0)));
        for (index, covariate) in panel.covariates.iter().enumerate() {
            let value = covariate.values[row];
            entries.push(((of_periods + period * n_covariates + index) as u32, value));
            if let Some(cohort) = cohort {
                entries.push(((of_cohorts + cohort * n_covariates + index) as u32, value));
                let deviation = value - means[cohort][index];
                entries.extend(cell.map(|cell| ((of_cells + cell * per_cell + 1 + index) as u32, deviation)));
            }
        }
    });

    let is_kept = |cell: usize| fit.is_kept(of_cells + cell * per_cell);
    let average = |place: Place, of: &[usize]| {
        let total: f64 = of.iter().map(|cell| cells[*cell].weight).sum();
        let columns = of.iter().flat_map(|cell| {
            let (share, first) = (cells[*cell].weight / total, of_cells + cell * per_cell);
            let covariates = cells[*cell].covariates.iter().zip(first + 1..);
            std::iter::once((first, share)).chain(covariates.map(move |(mean, column)| (column, share * mean)))
        });
        let n_treated = of.iter().map(|cell| cells[*cell].rows).sum();
        // A coefficient that is collinear counts as 0.
        Target { place, columns: columns.filter(|(column, _)| fit.is_kept(*column)).collect(), n_treated }
    };
    let kept: Vec<usize> = (0..cells.len()).filter(|cell| is_kept(*cell)).collect();
    let treated: Vec<usize> =
        kept.iter().copied().filter(|cell| cells[*cell].period >= panel.cohorts[cells[*cell].cohort].index).collect();
    if treated.is_empty() {
        return Err(StaggeredError::nothing_left().into());
    }
    let by = |of: &[usize], place: &dyn Fn(&Cell) -> (f64, Place)| {
        let mut sets: BTreeMap<u64, (Place, Vec<usize>)> = BTreeMap::new();
        for cell in of {
            let (at, place) = place(&cells[*cell]);
            sets.entry(staggered::ordered(at)).or_insert((place, Vec::new())).1.push(*cell);
        }
        sets.into_values().map(|(place, of)| average(place, &of)).collect::<Vec<Target>>()
    };
    let first = |cell: &Cell| panel.cohorts[cell.cohort].first;
    let at = |cell: &Cell| panel.periods[cell.period];
    let mut targets = vec![average(Place::Overall, &treated)];
    targets.extend(by(&kept, &|cell| (at(cell) - first(cell), Place::EventTime(at(cell) - first(cell)))));
    let mut estimates = fit.estimates(&targets)?;
    let place = |cell: &Cell| Place::CohortPeriod { cohort: first(cell), period: at(cell) };
    for (_, cell) in cells.iter().enumerate().filter(|(cell, _)| !is_kept(*cell)) {
        let reason = "no comparison in this period, or collinear with covariates".to_string();
        estimates.dropped_terms.push((place(cell).to_string(), reason));
    }
    if let Some(first) = last_is_comparison {
        let warning = format!("no unit is never treated: the cohort treated last, in {first}, is the comparison");
        estimates.warnings.push(warning);
    }
    staggered::test_leads(&mut estimates);
    let of_cells: Vec<Target> = kept.iter().map(|cell| average(place(&cells[*cell]), &[*cell])).collect();
    let mut found = Extended {
        estimates,
        cohorts: fit.estimates(&by(&treated, &|cell| (first(cell), Place::Cohort(first(cell)))))?,
        periods: fit.estimates(&by(&treated, &|cell| (at(cell), Place::Period(at(cell)))))?,
        cells: fit.estimates(&of_cells)?,
    };
    // A constant covariate is absorbed by the unit and enters all the same: its effects by period are kept.
    let enters = |term: &str| {
        let index = panel.covariates.iter().position(|covariate| covariate.term == term);
        index.is_some_and(|index| (0..n_periods).any(|period| fit.is_kept(of_periods + period * n_covariates + index)))
    };
    for set in [&mut found.estimates, &mut found.cohorts, &mut found.periods, &mut found.cells] {
        set.dropped_terms.retain(|(term, _)| !enters(term));
    }
    Ok(found)
}

/// Of each cohort: the mean of each covariate over its rows.
fn means(panel: &Panel) -> Vec<Vec<f64>> {
    let mean = |rows: &[usize]| mean(panel, rows);
    (0..panel.cohorts.len())
        .map(|cohort| {
            let units = panel.units.iter().filter(|unit| unit.cohort == Some(cohort as u32));
            mean(&units.flat_map(|unit| unit.rows.clone()).collect::<Vec<_>>())
        })
        .collect()
}

/// The mean of each covariate over rows.
fn mean(panel: &Panel, rows: &[usize]) -> Vec<f64> {
    let weights: Vec<f64> = rows.iter().map(|row| panel.weight(*row)).collect();
    let of_covariate = |values: &[f64]| {
        let values: Vec<f64> = rows.iter().map(|row| values[*row]).collect();
        twofold::weighted_mean(&values, &weights)
    };
    panel.covariates.iter().map(|covariate| of_covariate(&covariate.values)).collect()
}

/// The cells that have an effect, and the position of each cohort and period among them.
fn cells(panel: &Panel, comparison: Comparison, means: &[Vec<f64>]) -> (Vec<Cell>, Vec<Option<usize>>) {
    let n_periods = panel.periods.len();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); panel.cohorts.len() * n_periods];
    for unit in &panel.units {
        let Some(cohort) = unit.cohort else { continue };
        for row in unit.rows.clone() {
            rows[cohort as usize * n_periods + panel.period[row] as usize].push(row);
        }
    }
    let mut cells = Vec::new();
    let mut columns = vec![None; rows.len()];
    for (cohort, rows) in rows.chunks(n_periods).enumerate() {
        let index = panel.cohorts[cohort].index;
        let reference = (0..index).rev().find(|period| !rows[*period].is_empty());
        for (period, rows) in rows.iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            let is_wanted = match comparison {
                Comparison::NotYetTreated => period >= index,
                Comparison::NeverTreated => Some(period) != reference,
            };
            if is_wanted {
                columns[cohort * n_periods + period] = Some(cells.len());
                let mass = rows.iter().fold(Twofold::default(), |sum, row| sum.plus(panel.weight(*row)));
                let own = mean(panel, rows);
                let covariates = own.iter().zip(&means[cohort]).map(|(own, mean)| own - mean).collect();
                cells.push(Cell { cohort, period, rows: rows.len(), weight: mass.value(), covariates });
            }
        }
    }
    (cells, columns)
}
