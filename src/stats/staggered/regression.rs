//! Weighted least squares with one absorbed effect and few other columns per row that are not 0, such as dummies of
//! periods and cohorts. Knows no treatment.
//!
//! Rows come in blocks, one per level of the absorbed effect (a unit). Taking the effect out leaves the normal equations
//! of the other columns, Σ w x x' - Σ over blocks (Σ w x)(Σ w x)'/Σ w, which are summed in twice the precision and
//! solved by Cholesky's method in the given order of columns: a column that the effect and the earlier columns span is
//! dropped. The cost is linear in the rows, and no iteration has to converge.

use crate::error::StatsError;
use crate::solve::{self, Matrix};
use crate::twofold::{self, Twofold};
use std::collections::HashMap;

/// Rows by block; of each row the columns that are not 0.
#[derive(Default)]
pub(crate) struct Rows {
    /// Where each block begins; one more than there are blocks.
    blocks: Vec<usize>,
    /// Where the entries of each row begin; one more than there are rows.
    entries: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<f64>,
    outcome: Vec<f64>,
    weights: Vec<f64>,
    width: usize,
}

/// Blocks with the same columns, where every weight and every value is 1: what depends on the columns alone is the same
/// for all blocks of a kind.
pub(crate) struct Kinds {
    /// Of each block, an index into `examples`.
    pub(crate) of_block: Vec<u32>,
    /// The first block of each kind, and how many there are.
    pub(crate) examples: Vec<(usize, usize)>,
}

/// The normal equations of a set of columns, factored.
pub(crate) struct Factor {
    lower: Vec<Vec<Twofold>>,
    /// Position of each column that was kept.
    kept: Vec<usize>,
    width: usize,
}

/// A solved regression.
pub(crate) struct Regression {
    pub(crate) factor: Factor,
    /// One per column; 0 for a dropped one.
    pub(crate) solution: Vec<f64>,
    /// The absorbed effect of each block.
    pub(crate) effects: Vec<f64>,
    /// One per row.
    pub(crate) residuals: Vec<f64>,
}

impl Rows {
    /// Rows of `width` columns.
    pub(crate) fn new(width: usize) -> Rows {
        Rows { blocks: vec![0], entries: vec![0], width, ..Rows::default() }
    }

    /// Makes room for so many rows of so many entries each.
    pub(crate) fn reserve(&mut self, n_rows: usize, n_entries: usize) {
        self.entries.reserve(n_rows);
        self.columns.reserve(n_rows * n_entries);
        self.values.reserve(n_rows * n_entries);
        self.outcome.reserve(n_rows);
        self.weights.reserve(n_rows);
    }

    /// Adds a row to the block that is open.
    pub(crate) fn push(&mut self, outcome: f64, weight: f64, entries: &[(u32, f64)]) {
        for (column, value) in entries.iter().filter(|(_, value)| *value != 0.0) {
            self.columns.push(*column);
            self.values.push(*value);
        }
        self.entries.push(self.columns.len());
        self.outcome.push(outcome);
        self.weights.push(weight);
    }

    /// Ends the block that is open.
    pub(crate) fn end_block(&mut self) {
        self.blocks.push(self.outcome.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.outcome.len()
    }

    pub(crate) fn n_blocks(&self) -> usize {
        self.blocks.len() - 1
    }

    pub(crate) fn block(&self, block: usize) -> std::ops::Range<usize> {
        self.blocks[block]..self.blocks[block + 1]
    }

    /// The columns and values of a row.
    pub(crate) fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        let entries = self.entries[row]..self.entries[row + 1];
        let columns = self.columns[entries.clone()].iter().map(|column| *column as usize);
        columns.zip(self.values[entries].iter().copied())
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights[row]
    }

    /// The inner product of a row with one number per column.
    pub(crate) fn product(&self, row: usize, numbers: &[f64]) -> f64 {
        self.row(row).map(|(column, value)| value * numbers[column]).sum()
    }

    /// Σ w of a block.
    pub(crate) fn mass(&self, block: usize) -> Twofold {
        twofold::sum(self.block(block).map(|row| self.weights[row]))
    }

    /// The kinds of blocks; `None` where a weight or a value is not 1.
    pub(crate) fn kinds(&self) -> Option<Kinds> {
        let is_one = |value: &f64| *value == 1.0;
        if !self.weights.iter().all(is_one) || !self.values.iter().all(is_one) {
            return None;
        }
        let columns = |block: usize| {
            let rows = self.block(block);
            &self.columns[self.entries[rows.start]..self.entries[rows.end]]
        };
        let lengths = |block: usize| {
            let rows = self.block(block);
            self.entries[rows.start..=rows.end].windows(2).map(|ends| ends[1] - ends[0])
        };
        let same = |left: usize, right: usize| columns(left) == columns(right) && lengths(left).eq(lengths(right));
        // The map only finds; kinds are in the order of their first blocks.
        let mut found: HashMap<u64, Vec<u32>> = HashMap::new();
        let mut kinds = Kinds { of_block: Vec::with_capacity(self.n_blocks()), examples: Vec::new() };
        for block in 0..self.n_blocks() {
            let digest = |digest: u64, next: u64| (digest.rotate_left(5) ^ next).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let of_columns = columns(block).iter().fold(0, |known, column| digest(known, u64::from(*column)));
            let of_both = lengths(block).fold(of_columns, |known, length| digest(known, length as u64));
            let candidates = found.entry(of_both).or_default();
            let known = candidates.iter().copied().find(|kind| same(kinds.examples[*kind as usize].0, block));
            let kind = known.unwrap_or_else(|| {
                candidates.push(kinds.examples.len() as u32);
                kinds.examples.push((block, 0));
                kinds.examples.len() as u32 - 1
            });
            kinds.examples[kind as usize].1 += 1;
            kinds.of_block.push(kind);
        }
        Some(kinds)
    }

    /// The normal equations, and Σ w x² of each column with its absorbed effect.
    fn factor(&self, masses: &[Twofold], kinds: Option<&Kinds>) -> Factor {
        let mut normal = Normal {
            gram: (1..=self.width).map(|size| vec![Twofold::default(); size]).collect(),
            squares: vec![Twofold::default(); self.width],
            sums: vec![Twofold::default(); self.width],
            touched: Vec::new(),
        };
        match kinds {
            Some(kinds) => {
                for (block, count) in &kinds.examples {
                    normal.add(self, *block, masses[*block], *count as f64);
                }
            }
            None => (0..self.n_blocks()).for_each(|block| normal.add(self, block, masses[block], 1.0)),
        }
        Factor::new(&normal.gram, &normal.squares)
    }

    /// Least squares of the outcome.
    pub(crate) fn solve(&self) -> Regression {
        self.solve_by(self.kinds().as_ref())
    }

    /// The same where the kinds are known.
    pub(crate) fn solve_by(&self, kinds: Option<&Kinds>) -> Regression {
        let masses: Vec<Twofold> = match kinds {
            Some(_) => (0..self.n_blocks()).map(|block| Twofold::from(self.block(block).len() as f64)).collect(),
            None => (0..self.n_blocks()).map(|block| self.mass(block)).collect(),
        };
        let factor = self.factor(&masses, kinds);
        let has_weights = kinds.is_none();
        let mut right = vec![Twofold::default(); self.width];
        // The outcome less its mean in the block, which changes nothing and keeps digits.
        let mut centred = vec![0.0; self.len()];
        let mut effects = Vec::with_capacity(self.n_blocks());
        for (block, mass) in masses.iter().enumerate() {
            let mean = (self.block_sum(block, has_weights, |row| self.outcome[row]) / *mass).value();
            effects.push(mean);
            self.block(block).for_each(|row| centred[row] = self.outcome[row] - mean);
            let rest = self.block_sum(block, has_weights, |row| centred[row]) / *mass;
            for row in self.block(block) {
                let mut deviation = Twofold::from(centred[row]) - rest;
                if has_weights {
                    deviation = deviation * Twofold::from(self.weights[row]);
                }
                for (column, value) in self.row(row) {
                    right[column] =
                        right[column] + if has_weights { deviation * Twofold::from(value) } else { deviation };
                }
            }
        }
        let solution = factor.solve(&right);
        let mut residuals = centred;
        for (row, residual) in residuals.iter_mut().enumerate() {
            *residual -= self.product(row, &solution);
        }
        for (block, effect) in effects.iter_mut().enumerate() {
            let mean = (self.block_sum(block, has_weights, |row| residuals[row]) / masses[block]).value();
            residuals[self.block(block)].iter_mut().for_each(|residual| *residual -= mean);
            *effect += mean;
        }
        Regression { factor, solution, effects, residuals }
    }

    fn block_sum(&self, block: usize, has_weights: bool, value: impl Fn(usize) -> f64) -> Twofold {
        let rows = self.block(block);
        match has_weights {
            true => rows.fold(Twofold::default(), |sum, row| sum + product(self.weights[row], value(row))),
            false => rows.fold(Twofold::default(), |sum, row| sum.plus(value(row))),
        }
    }
}

/// Normal equations that are being summed.
struct Normal {
    /// The lower half row by row.
    gram: Vec<Vec<Twofold>>,
    squares: Vec<Twofold>,
    /// Σ w x of the block at hand, and the columns where it is not 0.
    sums: Vec<Twofold>,
    touched: Vec<usize>,
}

impl Normal {
    /// Adds a block, `times` over.
    fn add(&mut self, rows: &Rows, block: usize, mass: Twofold, times: f64) {
        let all = |value: Twofold| if times == 1.0 { value } else { value * Twofold::from(times) };
        let Normal { gram, squares, sums, touched } = self;
        for row in rows.block(block) {
            let weight = rows.weights[row];
            for (index, (column, value)) in rows.row(row).enumerate() {
                let weighted = product(weight, value);
                if sums[column] == Twofold::default() {
                    touched.push(column);
                }
                sums[column] = sums[column] + weighted;
                for (other, other_value) in rows.row(row).take(index + 1) {
                    let (high, low) = (column.max(other), column.min(other));
                    gram[high][low] = gram[high][low] + all(weighted * Twofold::from(other_value));
                }
                squares[column] = squares[column] + all(weighted * Twofold::from(value));
            }
        }
        // A sum may pass through 0 and be listed twice.
        touched.sort_unstable();
        touched.dedup();
        for (index, column) in touched.iter().enumerate() {
            let share = sums[*column] / mass;
            for other in &touched[..=index] {
                gram[*column][*other] = gram[*column][*other] - all(share * sums[*other]);
            }
        }
        touched.drain(..).for_each(|column| sums[column] = Twofold::default());
    }
}

impl Factor {
    /// Of `gram`, the lower half row by row; `squares` are the lengths against which a column counts as spanned.
    pub(crate) fn new(gram: &[Vec<Twofold>], squares: &[Twofold]) -> Factor {
        let mut factor = Factor { lower: Vec::new(), kept: Vec::new(), width: gram.len() };
        for (position, products) in gram.iter().enumerate() {
            let right: Vec<Twofold> = factor.kept.iter().map(|other| products[*other]).collect();
            let mut row = solve::forwards(&factor.lower, &right);
            let left = row.iter().fold(products[position], |left, entry| left - *entry * *entry);
            if left.value() > solve::COLLINEAR * solve::COLLINEAR * squares[position].value() {
                row.push(left.sqrt());
                factor.lower.push(row);
                factor.kept.push(position);
            }
        }
        factor
    }

    pub(crate) fn kept(&self) -> &[usize] {
        &self.kept
    }

    pub(crate) fn is_kept(&self, column: usize) -> bool {
        self.kept.binary_search(&column).is_ok()
    }

    /// The solution of the normal equations, one per column and 0 for a dropped one.
    pub(crate) fn solve(&self, right: &[Twofold]) -> Vec<f64> {
        let kept: Vec<Twofold> = self.kept.iter().map(|column| right[*column]).collect();
        let solved = solve::backwards(&self.lower, &solve::forwards(&self.lower, &kept));
        let mut solution = vec![0.0; self.width];
        self.kept.iter().zip(solved).for_each(|(column, value)| solution[*column] = value.value());
        solution
    }
}

impl Regression {
    /// How much each cluster moves each combination of coefficients: Σ over its rows of target' (X'WX)⁻¹ x w e. The
    /// squares add up to the clustered variance. `clusters` has one number per block.
    pub(crate) fn influence(
        &self,
        rows: &Rows,
        targets: &[Vec<f64>],
        clusters: &[u32],
        n_clusters: usize,
    ) -> Vec<Vec<f64>> {
        let loads: Vec<Vec<f64>> = targets
            .iter()
            .map(|target| self.factor.solve(&target.iter().map(|value| Twofold::from(*value)).collect::<Vec<_>>()))
            .collect();
        self.influence_of_loads(rows, &loads, clusters, n_clusters)
    }

    /// The same from (X'WX)⁻¹ target, one number per column.
    pub(crate) fn influence_of_loads(
        &self,
        rows: &Rows,
        loads: &[Vec<f64>],
        clusters: &[u32],
        n_clusters: usize,
    ) -> Vec<Vec<f64>> {
        // By column, so that an entry of a row meets all targets at once.
        let n_targets = loads.len();
        let by_column: Vec<f64> =
            (0..rows.width).flat_map(|column| loads.iter().map(move |loads| loads[column])).collect();
        let mut sums = vec![0.0; n_targets * n_clusters];
        let mut scores = vec![0.0; rows.width];
        let mut touched = Vec::new();
        for (block, cluster) in clusters.iter().enumerate() {
            for row in rows.block(block) {
                // The residuals of a block add up to 0, so that its effect does not enter.
                let weighted = rows.weight(row) * self.residuals[row];
                for (column, value) in rows.row(row) {
                    if scores[column] == 0.0 {
                        touched.push(column);
                    }
                    scores[column] += weighted * value;
                }
            }
            let sums = &mut sums[*cluster as usize * n_targets..][..n_targets];
            // A score that passed through 0 is listed twice, and is 0 the second time.
            for column in touched.drain(..) {
                let score = std::mem::take(&mut scores[column]);
                let loads = &by_column[column * n_targets..][..n_targets];
                sums.iter_mut().zip(loads).for_each(|(sum, load)| *sum += score * load);
            }
        }
        (0..n_targets).map(|target| sums.iter().skip(target).step_by(n_targets).copied().collect()).collect()
    }

    /// The same of one combination where a block holds several clusters: `clusters` has one number per row.
    pub(crate) fn influence_of_rows(
        &self,
        rows: &Rows,
        target: &[f64],
        clusters: &[u32],
        n_clusters: usize,
    ) -> Vec<f64> {
        let loads = self.factor.solve(&target.iter().map(|value| Twofold::from(*value)).collect::<Vec<_>>());
        let mut sums = vec![Twofold::default(); n_clusters];
        for block in 0..rows.n_blocks() {
            let mean = (rows.block_sum(block, true, |row| rows.product(row, &loads)) / rows.mass(block)).value();
            for row in rows.block(block) {
                let moved = rows.weight(row) * self.residuals[row] * (rows.product(row, &loads) - mean);
                let sum = &mut sums[clusters[row] as usize];
                *sum = sum.plus(moved);
            }
        }
        sums.into_iter().map(Twofold::value).collect()
    }
}

/// `left * right`, exactly.
pub(crate) fn product(left: f64, right: f64) -> Twofold {
    let (value, rest) = twofold::two_product(left, right);
    Twofold::from(value).plus(rest)
}

/// The products of the influences of any two estimates, times `factor`.
pub(crate) fn variance(influence: &[Vec<f64>], factor: f64) -> Matrix {
    let half = twofold::products(influence);
    let entry = |row: usize, column: usize| factor * half[row.max(column)][row.min(column)];
    (0..half.len()).map(|row| (0..half.len()).map(|column| entry(row, column)).collect()).collect()
}

/// (n-1)/(n-K) · G/(G-1), as `fixest` has it where units are nested in the clusters: K counts the other parameters.
pub(crate) fn small_sample(n_obs: usize, parameters: usize, n_clusters: usize) -> Result<f64, StatsError> {
    if n_obs <= parameters {
        return Err(StatsError::NoFreedom { observations: n_obs, parameters });
    }
    let (n_obs, parameters, n_clusters) = (n_obs as f64, parameters as f64, n_clusters as f64);
    Ok((n_obs - 1.0) / (n_obs - parameters) * (n_clusters / (n_clusters - 1.0)))
}

/// b' V⁻¹ b with its degrees of freedom; `None` where V is singular.
pub(crate) fn wald(estimates: &[f64], variance: &Matrix) -> Option<f64> {
    let gram: Vec<Vec<Twofold>> = variance
        .iter()
        .enumerate()
        .map(|(row, entries)| entries[..=row].iter().map(|entry| Twofold::from(*entry)).collect())
        .collect();
    // The entries are doubles: what is left of a variance below their rounding is noise.
    let squares: Vec<Twofold> = (0..variance.len()).map(|index| Twofold::from(variance[index][index] * 1e6)).collect();
    let factor = Factor::new(&gram, &squares);
    if factor.kept.len() < estimates.len() || estimates.is_empty() {
        return None;
    }
    let right: Vec<Twofold> = estimates.iter().map(|estimate| Twofold::from(*estimate)).collect();
    Some(twofold::dot(estimates, &factor.solve(&right)).value())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two units in three periods; the second column is the first one again, less the unit's mean.
    fn rows() -> Rows {
        let mut rows = Rows::new(3);
        for (outcome, x, z) in [(1.0, 1.0, 0.0), (2.5, 2.0, 1.0), (2.0, 3.0, 1.0)] {
            rows.push(outcome, 1.0, &[(0, x), (1, x - 2.0), (2, z)]);
        }
        rows.end_block();
        for (outcome, x, z) in [(7.0, 0.0, 0.0), (9.0, 4.0, 0.0), (6.0, 2.0, 1.0)] {
            rows.push(outcome, 2.0, &[(0, x), (1, x - 2.0), (2, z)]);
        }
        rows.end_block();
        rows
    }

    #[test]
    fn the_effect_is_absorbed_and_what_it_spans_is_dropped() {
        let rows = rows();
        let regression = rows.solve();
        assert_eq!(regression.factor.kept(), [0, 2]);
        assert!(!regression.factor.is_kept(1));
        // Residuals are orthogonal to every column and to the units.
        for column in [0_usize, 1, 2] {
            let product: f64 = (0..rows.len())
                .map(|row| {
                    let value: f64 = rows.row(row).filter(|(other, _)| *other == column).map(|(_, value)| value).sum();
                    value * rows.weight(row) * regression.residuals[row]
                })
                .sum();
            assert!(product.abs() < 1e-14, "{column}: {product}");
        }
        for block in 0..2 {
            let sum: f64 = rows.block(block).map(|row| regression.residuals[row]).sum();
            assert!(sum.abs() < 1e-14, "{sum}");
            for row in rows.block(block) {
                let fitted = regression.effects[block] + rows.product(row, &regression.solution);
                let outcome = [1.0, 2.5, 2.0, 7.0, 9.0, 6.0][row];
                assert!((outcome - fitted - regression.residuals[row]).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn influences_of_clusters_add_up_to_nothing() {
        let rows = rows();
        let influence = rows.solve().influence(&rows, &[vec![1.0, 0.0, 0.0]], &[0, 1], 2);
        assert!((influence[0][0] + influence[0][1]).abs() < 1e-15, "{influence:?}");
        assert!(influence[0][0].abs() > 1e-3);
    }

    #[test]
    fn a_singular_variance_has_no_wald_statistic() {
        assert_eq!(wald(&[1.0, 2.0], &vec![vec![1.0, 1.0], vec![1.0, 1.0]]), None);
        assert_eq!(wald(&[], &Vec::new()), None);
        let statistic = wald(&[1.0, 2.0], &vec![vec![2.0, 1.0], vec![1.0, 3.0]]).expect("regular");
        assert!((statistic - 1.4).abs() < 1e-15, "{statistic}");
    }
}
