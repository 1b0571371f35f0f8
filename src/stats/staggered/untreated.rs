//! What outcomes would be without the treatment: effects of units and periods and covariates, from untreated rows alone;
//! and how averages of the rest over any rows depend on these. Knows no estimator.
//!
//! A row has a prediction if its unit and its period have untreated rows and a chain of such rows leads from one to the
//! other. Rows without one are left out, with the reason.

use crate::error::StatsError;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::regression::{self, Kinds, Regression, Rows};
use crate::staggered::two_way;
use crate::twofold::Twofold;
use std::collections::BTreeMap;

/// A covariate whose values untreated rows predict up to this share of its size is one that they determine.
const DETERMINED: f64 = 1e-8;

/// The model of untreated rows.
pub(crate) struct Untreated {
    pub(crate) panel: Panel,
    /// The untreated rows: those of unit b are block b.
    rows: Rows,
    /// Where what is known of a block depends on its periods alone.
    kinds: Option<Kinds>,
    regression: Regression,
    /// Of every row of the panel: outcome less prediction.
    pub(crate) rest: Vec<f64>,
}

/// A weighted sum over rows of the panel.
pub(crate) struct Target<'a> {
    /// Ascending.
    pub(crate) rows: &'a [usize],
    /// One per row.
    pub(crate) numbers: Vec<f64>,
}

impl Untreated {
    pub(crate) fn new(panel: Panel) -> Result<Untreated, StatsError> {
        let panel = predictable(panel)?;
        let rows = untreated_rows(&panel, &panel.outcome, panel.covariates.len());
        let kinds = rows.kinds();
        let regression = rows.solve_by(kinds.as_ref());
        check_covariates(&panel, &regression)?;
        let rest = rest(&panel, &panel.outcome, panel.covariates.len(), &regression);
        Ok(Untreated { panel, rows, kinds, regression, rest })
    }

    /// Covariates that could not be estimated, and why.
    pub(crate) fn dropped_terms(&self) -> Vec<(String, String)> {
        let mut dropped = self.panel.dropped_terms.clone();
        for (index, covariate) in self.panel.covariates.iter().enumerate() {
            if !self.regression.factor.is_kept(self.panel.periods.len() + index) {
                let reason = "collinear with the fixed effects or earlier covariates".to_string();
                dropped.push((covariate.term.clone(), reason));
            }
        }
        dropped
    }

    /// How much each cluster moves Σ target · rest of each target through the estimated model: the untreated rows weigh in
    /// with -w z(Z'WZ)⁻¹ Σ target z, times their residual.
    pub(crate) fn influence(&self, targets: &[Target]) -> Vec<Vec<f64>> {
        let loads: Vec<Vec<f64>> = targets
            .iter()
            .map(|target| self.regression.factor.solve(&self.moments(target)).into_iter().map(|load| -load).collect())
            .collect();
        let clusters: Vec<u32> = self.panel.units.iter().map(|unit| unit.cluster).collect();
        self.regression.influence_of_loads(&self.rows, &loads, &clusters, self.panel.n_clusters)
    }

    /// Σ target z, without what the effects of the units take up.
    fn moments(&self, target: &Target) -> Vec<Twofold> {
        let panel = &self.panel;
        let mut moments = vec![Twofold::default(); panel.periods.len() + panel.covariates.len()];
        let mut numbers = target.numbers.iter();
        let mut of_kinds = vec![Twofold::default(); self.kinds.as_ref().map_or(0, |kinds| kinds.examples.len())];
        for rows in target.rows.chunk_by(|left, right| panel.unit[*left] == panel.unit[*right]) {
            let mut total = Twofold::default();
            for (row, number) in rows.iter().zip(&mut numbers) {
                total = total.plus(*number);
                let moment = &mut moments[panel.period[*row] as usize];
                *moment = moment.plus(*number);
                for (covariate, column) in panel.covariates.iter().zip(panel.periods.len()..) {
                    moments[column] = moments[column] + regression::product(*number, covariate.values[*row]);
                }
            }
            let block = panel.unit[rows[0]] as usize;
            match &self.kinds {
                Some(kinds) => {
                    let of_kind = &mut of_kinds[kinds.of_block[block] as usize];
                    *of_kind = *of_kind + total;
                }
                None => self.subtract_share(block, total, &mut moments),
            }
        }
        for (of_kind, (block, _)) in of_kinds.into_iter().zip(self.kinds.iter().flat_map(|kinds| &kinds.examples)) {
            self.subtract_share(*block, of_kind, &mut moments);
        }
        moments
    }

    /// What the effect of a unit takes up of `total` rows.
    fn subtract_share(&self, block: usize, total: Twofold, moments: &mut [Twofold]) {
        let share = total / self.rows.mass(block);
        for row in self.rows.block(block) {
            for (column, value) in self.rows.row(row) {
                moments[column] = moments[column] - share * regression::product(self.rows.weight(row), value);
            }
        }
    }
}

/// The rows that have a prediction.
fn predictable(panel: Panel) -> Result<Panel, StatsError> {
    let (first, last) = panel.span();
    let has_untreated_row: Vec<bool> =
        panel.units.iter().map(|unit| unit.rows.clone().any(|row| !panel.treated(row))).collect();
    let mut untreated_periods = vec![false; panel.periods.len()];
    (0..panel.n_obs()).filter(|row| !panel.treated(*row)).for_each(|row| {
        untreated_periods[panel.period[row] as usize] = true;
    });
    // Units and periods that a chain of untreated rows connects have the same root.
    let mut roots: Vec<usize> = (0..panel.periods.len()).collect();
    let mut root_of_unit = vec![usize::MAX; panel.units.len()];
    for (index, unit) in panel.units.iter().enumerate() {
        for row in unit.rows.clone().filter(|row| !panel.treated(*row)) {
            let period = panel.period[row] as usize;
            match root_of_unit[index] {
                usize::MAX => root_of_unit[index] = period,
                other => join(&mut roots, other, period),
            }
        }
    }
    let is_connected: Vec<bool> = (0..panel.n_obs())
        .map(|row| {
            let of_unit = root_of_unit[panel.unit[row] as usize];
            of_unit == usize::MAX || root(&roots, of_unit) == root(&roots, panel.period[row] as usize)
        })
        .collect();
    #[derive(PartialEq)]
    enum Lack {
        Unit,
        Period,
        Chain,
    }
    let lack = |row: usize| {
        if !has_untreated_row[panel.unit[row] as usize] {
            Some(Lack::Unit)
        } else if !untreated_periods[panel.period[row] as usize] {
            Some(Lack::Period)
        } else if !is_connected[row] {
            Some(Lack::Chain)
        } else {
            None
        }
    };
    let lacks: Vec<Option<Lack>> = (0..panel.n_obs()).map(lack).collect();
    let mut panel = panel;
    if lacks.iter().any(Option::is_some) {
        // Positions in the data stay when rows are left out.
        let by_origin: BTreeMap<usize, &Lack> =
            panel.origin.iter().zip(&lacks).filter_map(|(origin, lack)| Some((*origin, lack.as_ref()?))).collect();
        for (lack, reason) in [
            (Lack::Unit, "no untreated row of the unit"),
            (Lack::Period, "no untreated row in the period"),
            (Lack::Chain, "no chain of untreated rows between unit and period"),
        ] {
            panel = panel.keeping(reason, |panel, row| by_origin.get(&panel.origin[row]) != Some(&&lack))?;
        }
    }
    if !(0..panel.n_obs()).any(|row| panel.treated(row)) {
        return Err(StaggeredError::NoPrediction { first, last }.into());
    }
    Ok(panel)
}

fn root(roots: &[usize], mut node: usize) -> usize {
    while roots[node] != node {
        node = roots[node];
    }
    node
}

fn join(roots: &mut [usize], left: usize, right: usize) {
    let (left, right) = (root(roots, left), root(roots, right));
    roots[left.max(right)] = left.min(right);
}

/// Untreated rows by unit, with the first `n_covariates` covariates.
fn untreated_rows(panel: &Panel, outcome: &[f64], n_covariates: usize) -> Rows {
    let width = panel.periods.len() + n_covariates;
    let mut rows = Rows::new(width);
    rows.reserve((0..panel.n_obs()).filter(|row| !panel.treated(*row)).count(), 1 + n_covariates);
    let mut entries = Vec::new();
    for unit in &panel.units {
        for row in unit.rows.clone().filter(|row| !panel.treated(*row)) {
            entries.clear();
            two_way::nuisance(panel, row, &mut entries);
            entries.truncate(1 + n_covariates);
            rows.push(outcome[row], panel.weight(row), &entries);
        }
        rows.end_block();
    }
    rows
}

/// A covariate that untreated rows do not identify must be determined by the others in treated rows too.
fn check_covariates(panel: &Panel, regression: &Regression) -> Result<(), StatsError> {
    for (index, covariate) in panel.covariates.iter().enumerate() {
        if regression.factor.is_kept(panel.periods.len() + index) {
            continue;
        }
        let rows = untreated_rows(panel, &covariate.values, index);
        let rest = rest(panel, &covariate.values, index, &rows.solve());
        let size = covariate.values.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
        if rest.iter().any(|rest| rest.abs() > DETERMINED * size) {
            return Err(StaggeredError::UnidentifiedCovariate { covariate: covariate.term.clone() }.into());
        }
    }
    Ok(())
}

/// Of every row of the panel: `values` less their prediction.
fn rest(panel: &Panel, values: &[f64], n_covariates: usize, regression: &Regression) -> Vec<f64> {
    let mut entries = Vec::new();
    (0..panel.n_obs())
        .map(|row| {
            entries.clear();
            two_way::nuisance(panel, row, &mut entries);
            entries.truncate(1 + n_covariates);
            let products = entries.iter().map(|(column, value)| value * regression.solution[*column as usize]);
            values[row] - regression.effects[panel.unit[row] as usize] - products.sum::<f64>()
        })
        .collect()
}
