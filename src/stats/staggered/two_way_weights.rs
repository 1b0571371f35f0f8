//! How the two-way estimate weighs the effects of treated rows (de Chaisemartin & D'Haultfœuille 2020, theorem 1).
//!
//! With rᵢₜ what effects of units and periods, and covariates, leave of the treatment, the coefficient of the treatment has the
//! expectation Σ wᵢₜτᵢₜ over treated rows, wᵢₜ = nᵢₜrᵢₜ / Σ n r, where n is the weight of the row. A negative weight lets an
//! effect count with the wrong sign. Two standard deviations of effects over treated rows tell how different effects must
//! be (corollary 1): with one of at least the first, all effects may average 0; with one of at least the second, all of
//! them may have the sign that the estimate does not have. The second exists where a weight is negative.

use crate::error::StatsError;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::regression::{self, Rows};
use crate::staggered::two_way;
use crate::twofold::{self, Twofold};

/// The weights of the two-way estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoWayWeights {
    /// The two-way estimate.
    pub estimate: f64,
    /// Treated rows, and those whose weight is below 0.
    pub n_weights: usize,
    pub n_negative: usize,
    /// The sum of the negative weights; all weights add up to 1.
    pub sum_negative: f64,
    /// The least standard deviation of effects with which their average may be 0; `None` where all weights are equal.
    pub std_dev_zero: Option<f64>,
    /// That with which all effects may have the other sign; `None` without negative weights.
    pub std_dev_opposite: Option<f64>,
    /// By cohort and period.
    pub cells: Vec<CellWeight>,
}

/// The weight of a cohort in a period.
#[derive(Clone, Debug, PartialEq)]
pub struct CellWeight {
    pub cohort: f64,
    pub period: f64,
    pub n_rows: usize,
    pub weight: f64,
}

/// Weights within this share of the average one of 0 are rounding.
const ROUNDING: f64 = 1e-10;

pub fn two_way_weights(panel: &Panel) -> Result<TwoWayWeights, StatsError> {
    let mut rows = Rows::new(panel.periods.len() + panel.covariates.len());
    let mut entries = Vec::new();
    for unit in &panel.units {
        for row in unit.rows.clone() {
            entries.clear();
            two_way::nuisance(panel, row, &mut entries);
            rows.push(f64::from(u8::from(panel.treated(row))), panel.weight(row), &entries);
        }
        rows.end_block();
    }
    let rest = rows.solve().residuals;
    let treated: Vec<usize> = (0..panel.n_obs()).filter(|row| panel.treated(*row)).collect();
    let weighted = |row: usize| regression::product(panel.weight(row), rest[row]);
    let mass = twofold::sum(treated.iter().map(|row| panel.weight(*row)));
    let total = treated.iter().fold(Twofold::default(), |sum, row| sum + weighted(*row));
    if total.value() <= ROUNDING * mass.value() {
        let reasons = vec!["units, periods and covariates tell who is treated".to_string()];
        return Err(StaggeredError::NoComparison { reasons }.into());
    }
    let product = |sum: Twofold, row: usize| sum + weighted(row) * Twofold::from(panel.outcome[row]);
    let estimate = ((0..panel.n_obs()).fold(Twofold::default(), product) / total).value();

    // Of each treated row: its share of the mass, and its weight over that share, which is 1 on average.
    let mut ratios: Vec<(f64, f64)> = treated
        .iter()
        .map(|row| {
            let ratio = Twofold::from(rest[*row]) * mass / total;
            ((Twofold::from(panel.weight(*row)) / mass).value(), ratio.value())
        })
        .collect();
    let mut cells = Vec::new();
    for (cohort, found) in panel.cohorts.iter().enumerate() {
        for period in found.index..panel.periods.len() {
            let is_in_cell = |row: &usize| {
                let unit = &panel.units[panel.unit[*row] as usize];
                unit.cohort == Some(cohort as u32) && panel.period[*row] as usize == period
            };
            let of_cell: Vec<usize> = treated.iter().copied().filter(is_in_cell).collect();
            if !of_cell.is_empty() {
                let sum = of_cell.iter().fold(Twofold::default(), |sum, row| sum + weighted(*row));
                let (cohort, period) = (found.first, panel.periods[period]);
                cells.push(CellWeight { cohort, period, n_rows: of_cell.len(), weight: (sum / total).value() });
            }
        }
    }
    let negative: Vec<f64> =
        ratios.iter().filter(|(_, ratio)| *ratio < -ROUNDING).map(|(share, ratio)| share * ratio).collect();
    let spread = twofold::sum(ratios.iter().map(|(share, ratio)| share * (ratio - 1.0) * (ratio - 1.0))).value();
    ratios.sort_by(|left, right| right.1.total_cmp(&left.1));
    Ok(TwoWayWeights {
        estimate,
        n_weights: treated.len(),
        n_negative: negative.len(),
        sum_negative: twofold::sum(negative.iter().copied()).value(),
        std_dev_zero: (spread.sqrt() > ROUNDING).then(|| estimate.abs() / spread.sqrt()),
        std_dev_opposite: if negative.is_empty() { None } else { opposite(estimate, &ratios) },
        cells,
    })
}

/// With weights in descending order and P, S, T the sums of shares, of shares times weights and of shares times squared
/// weights from a position on: |β| / √(T + S²/(1 - P)) at the first position whose weight is below -S/(1 - P).
fn opposite(estimate: f64, ratios: &[(f64, f64)]) -> Option<f64> {
    let mut sums = vec![[Twofold::default(); 3]];
    for (share, ratio) in ratios.iter().rev() {
        let [shares, products, squares] = sums[sums.len() - 1];
        let product = regression::product(*share, *ratio);
        sums.push([shares.plus(*share), products + product, squares + product * Twofold::from(*ratio)]);
    }
    // From the first position on, all shares add up to 1.
    let at = sums.into_iter().rev().zip(ratios).skip(1).find_map(|([shares, products, squares], (_, ratio))| {
        let before = 1.0 - shares.value();
        (*ratio < -products.value() / before).then(|| squares.value() + products.value() * products.value() / before)
    })?;
    Some(estimate.abs() / at.sqrt())
}
