//! A regression with effects of units and periods, the panel's covariates, and columns of interest; the coefficients of
//! these, or averages of them, become effects with clustered standard errors. Knows no method.
//!
//! The unit is absorbed, periods are dummies. Columns are solved for in the order periods, covariates, columns of interest,
//! and of collinear ones the later goes.

use crate::error::StatsError;
use crate::staggered::panel::Panel;
use crate::staggered::regression::{self, Regression, Rows};
use crate::staggered::{self, Estimates, Place, Point};
use std::collections::BTreeSet;

/// What to do with the columns of interest.
pub(crate) struct Target {
    pub(crate) place: Place,
    /// Columns of interest and their weights.
    pub(crate) columns: Vec<(usize, f64)>,
    pub(crate) n_treated: usize,
}

pub(crate) struct TwoWay<'a> {
    panel: &'a Panel,
    rows: Rows,
    pub(crate) regression: Regression,
    /// Of each block of rows.
    clusters: Vec<u32>,
    n_clusters: usize,
    n_units: usize,
    /// Periods that have a row; with stacks, those of each.
    n_periods: usize,
    /// Position of the first covariate, which comes after the periods.
    covariates: usize,
    /// Position of the first column of interest.
    first: usize,
}

/// `entries` adds the columns of interest of a row that are not 0; there are `width` of them.
pub(crate) fn fit<'a>(panel: &'a Panel, width: usize, entries: impl Fn(usize, &mut Vec<(u32, f64)>)) -> TwoWay<'a> {
    fit_rows(panel, |_| true, width, entries)
}

/// The same with the rows that are `wanted`.
pub(crate) fn fit_rows<'a>(
    panel: &'a Panel,
    wanted: impl Fn(usize) -> bool,
    width: usize,
    entries: impl Fn(usize, &mut Vec<(u32, f64)>),
) -> TwoWay<'a> {
    let first = panel.periods.len() + panel.covariates.len();
    let mut rows = Rows::new(first + width);
    let mut row_entries = Vec::new();
    let mut clusters = Vec::with_capacity(panel.units.len());
    let mut has_row = vec![false; panel.periods.len()];
    for unit in &panel.units {
        let before = rows.len();
        for row in unit.rows.clone().filter(|row| wanted(*row)) {
            has_row[panel.period[row] as usize] = true;
            row_entries.clear();
            entries(row, &mut row_entries);
            row_entries.iter_mut().for_each(|(column, _)| *column += first as u32);
            nuisance(panel, row, &mut row_entries);
            rows.push(panel.outcome[row], panel.weight(row), &row_entries);
        }
        if rows.len() > before {
            rows.end_block();
            clusters.push(unit.cluster);
        }
    }
    let n_periods = has_row.iter().filter(|has_row| **has_row).count();
    let n_units = clusters.len();
    solve(panel, rows, clusters, [n_units, n_periods, panel.periods.len()])
}

/// The same of rows that are made elsewhere: blocks have `clusters`, and columns are `width` periods, of which `n_periods`
/// have a row, covariates, columns of interest.
pub(crate) fn solve(
    panel: &Panel,
    rows: Rows,
    clusters: Vec<u32>,
    [n_units, n_periods, width]: [usize; 3],
) -> TwoWay<'_> {
    let regression = rows.solve();
    let n_clusters = clusters.iter().collect::<BTreeSet<_>>().len();
    let first = width + panel.covariates.len();
    TwoWay { panel, rows, regression, clusters, n_clusters, n_units, n_periods, covariates: width, first }
}

/// The columns of a row that every such regression has: its period and the covariates.
pub(crate) fn nuisance(panel: &Panel, row: usize, entries: &mut Vec<(u32, f64)>) {
    entries.push((panel.period[row], 1.0));
    let first = panel.periods.len() as u32;
    let covariates = panel.covariates.iter().zip(first..);
    entries.extend(covariates.map(|(covariate, column)| (column, covariate.values[row])));
}

impl TwoWay<'_> {
    /// Whether a column of interest could be estimated.
    pub(crate) fn is_kept(&self, column: usize) -> bool {
        self.regression.factor.is_kept(self.first + column)
    }

    /// Effects whose columns were all kept, with the small-sample factor of `fixest`.
    pub(crate) fn estimates(&self, targets: &[Target]) -> Result<Estimates, StatsError> {
        let panel = self.panel;
        let kept = self.regression.factor.kept().iter().filter(|column| **column >= self.covariates).count();
        if self.n_clusters < 2 {
            return Err(StatsError::OneCluster { column: panel.cluster_name.clone() });
        }
        let factor = regression::small_sample(self.rows.len(), kept + self.n_periods, self.n_clusters)?;
        let df_t = (self.n_clusters - 1) as f64;
        let mut combinations = Vec::with_capacity(targets.len());
        let mut points = Vec::with_capacity(targets.len());
        for target in targets {
            let mut combination = vec![0.0; self.first];
            combination.resize(self.regression.solution.len(), 0.0);
            target.columns.iter().for_each(|(column, weight)| combination[self.first + column] = *weight);
            let estimate = target
                .columns
                .iter()
                .map(|(column, weight)| weight * self.regression.solution[self.first + column])
                .sum();
            points.push(Point { place: target.place, estimate, n_treated: target.n_treated });
            combinations.push(combination);
        }
        let influence = self.regression.influence(&self.rows, &combinations, &self.clusters, panel.n_clusters);
        let (effects, vcov) = staggered::effects(&points, &influence, factor, Some(df_t), panel.level);
        let without_variance = staggered::without_variance(&effects);
        let mut dropped_terms = panel.dropped_terms.clone();
        for (index, covariate) in panel.covariates.iter().enumerate() {
            if !self.regression.factor.is_kept(self.covariates + index) {
                let reason = "collinear with the fixed effects or earlier covariates".to_string();
                dropped_terms.push((covariate.term.clone(), reason));
            }
        }
        Ok(Estimates {
            effects,
            vcov,
            vcov_label: format!("cluster({})", panel.cluster_name),
            df_t: Some(df_t),
            influence,
            bootstrap: None,
            tests: Vec::new(),
            n_obs: self.rows.len(),
            n_units: self.n_units,
            n_clusters: self.n_clusters,
            dropped_rows: panel.dropped_rows.clone(),
            dropped_terms,
            warnings: staggered::warnings(panel).into_iter().chain(without_variance).collect(),
        })
    }
}
