//! Takes fixed effects out of columns: the residuals of their regression on the dummies of every level, and on slopes.
//! Knows groups and weights, no model.
//!
//! | effects | how | module |
//! |---|---|---|
//! | one, means only | subtract the weighted means of its levels | here |
//! | several, means only | solve for the levels' coefficients | `levels` |
//! | slopes among them | conjugate gradients over the rows | `sweeps` |
//!
//! Convergence is a result: what the dummies could still explain of a column, relative to the column, must be below
//! [`TOLERANCE`], measured on the column itself with sums in twice the precision. Results depend neither on the order of
//! the rows nor on which columns are absorbed together, nor on the number of threads: each column has its own arithmetic.

mod levels;
mod order;
mod sweeps;

use crate::design::{Group, Slopes};
use crate::error::StatsError;
use crate::threads;
use crate::twofold::{self, Twofold};
use levels::Levels;
use std::borrow::Cow;
use sweeps::Sweeps;

/// What the effects may still explain of a column, as a share of its length, when it counts as done. A hundred times
/// the rounding of one pass: the error of the column itself is larger by the condition of the effects and must stay far
/// below 10⁻⁹.
pub(crate) const TOLERANCE: f64 = 1e-14;

/// Where rounding ends all progress, this much is good enough; more is an error.
const LAST_RESORT: f64 = 1e-12;

/// Conjugate gradients lose their direction to rounding; they start again from what they have reached.
const STARTS: u32 = 20;

/// Steps per column, over all starts.
pub(crate) const LIMIT: u32 = 20_000;

/// Frees columns of a set of effects.
pub(crate) struct Absorber<'a> {
    effects: Cow<'a, [Group]>,
    slopes: &'a [Slopes],
    weights: Option<Cow<'a, [f64]>>,
    /// Total weight of each level of each effect.
    masses: Vec<Vec<Twofold>>,
    limit: u32,
    solver: Solver<'a>,
}

enum Solver<'a> {
    Nothing,
    Means,
    Levels(Levels),
    Sweeps(Sweeps<'a>),
}

impl<'a> Absorber<'a> {
    /// Sets of slopes whose `means` are absorbed with them must be among `effects` too.
    pub(crate) fn new(
        effects: &'a [Group],
        slopes: &'a [Slopes],
        weights: Option<&'a [f64]>,
        limit: u32,
    ) -> Absorber<'a> {
        let masses: Vec<Vec<Twofold>> = effects.iter().map(|effect| masses(effect, weights)).collect();
        let solver = match (effects, slopes) {
            (_, []) => without_slopes(effects, weights, &masses),
            _ => Solver::Sweeps(Sweeps::new(effects, slopes, weights)),
        };
        Absorber { effects: Cow::Borrowed(effects), slopes, weights: weights.map(Cow::Borrowed), masses, limit, solver }
    }

    /// An absorber that outlives the design it is made of.
    pub(crate) fn lasting(effects: Vec<Group>, weights: Option<Vec<f64>>, limit: u32) -> Absorber<'static> {
        let masses: Vec<Vec<Twofold>> = effects.iter().map(|effect| masses(effect, weights.as_deref())).collect();
        let solver = without_slopes(&effects, weights.as_deref(), &masses);
        Absorber { effects: Cow::Owned(effects), slopes: &[], weights: weights.map(Cow::Owned), masses, limit, solver }
    }

    pub(crate) fn effects(&self) -> &[Group] {
        &self.effects
    }

    pub(crate) fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// Replaces `values` by their residual; returns the number of iterations. `name` is for the error.
    pub(crate) fn absorb(&self, name: &str, values: &mut [f64]) -> Result<u32, StatsError> {
        self.absorb_all(&mut [(name, values)])
    }

    /// The same for several columns, which share the work; returns the iterations of the slowest.
    pub(crate) fn absorb_all(&self, columns: &mut [(&str, &mut [f64])]) -> Result<u32, StatsError> {
        Ok(self.absorb_each(columns)?.into_iter().max().unwrap_or(0))
    }

    /// The same with the iterations of each.
    pub(crate) fn absorb_each(&self, columns: &mut [(&str, &mut [f64])]) -> Result<Vec<u32>, StatsError> {
        let values: usize = columns.iter().map(|(_, values)| values.len()).sum();
        let threads = threads::count(columns.len(), values);
        if threads < 2 || matches!(self.solver, Solver::Nothing) {
            return self.absorb_some(columns);
        }
        let chunks: Vec<&mut [(&str, &mut [f64])]> = columns.chunks_mut(columns.len().div_ceil(threads)).collect();
        let found = threads::each(chunks, values, |chunk| self.absorb_some(chunk));
        Ok(found.into_iter().collect::<Result<Vec<Vec<u32>>, _>>()?.concat())
    }

    fn absorb_some(&self, columns: &mut [(&str, &mut [f64])]) -> Result<Vec<u32>, StatsError> {
        match &self.solver {
            Solver::Nothing => Ok(vec![0; columns.len()]),
            // Twice, because the first mean is rounded: the second pass takes out what that left.
            Solver::Means => {
                for (_, values) in columns.iter_mut() {
                    self.subtract_means(0, values);
                    self.subtract_means(0, values);
                }
                Ok(vec![1; columns.len()])
            }
            Solver::Levels(levels) => {
                let found = levels.absorb(&self.effects, self.weights(), columns, self.limit);
                found.map_err(|stuck| self.not_converged(stuck))
            }
            Solver::Sweeps(sweeps) => {
                let absorb = |(name, values): &mut (&str, &mut [f64])| {
                    let found = sweeps.absorb(values, self.limit);
                    let found = found.map_err(|iterations| Stuck { column: name.to_string(), iterations });
                    found.map_err(|stuck| self.not_converged(stuck))
                };
                columns.iter_mut().map(absorb).collect()
            }
        }
    }

    /// The weighted length of a column.
    pub(crate) fn length(&self, values: &[f64]) -> f64 {
        length(values, self.weights())
    }

    /// Whether the levels of one effect alone determine `values` up to `tolerance` of their length.
    pub(crate) fn determined_by(&self, effect: usize, values: &[f64], tolerance: f64) -> bool {
        let mut rest = values.to_vec();
        self.subtract_means(effect, &mut rest);
        self.length(&rest) <= tolerance * self.length(values)
    }

    fn subtract_means(&self, effect: usize, values: &mut [f64]) {
        let codes = &self.effects[effect].codes;
        let sums = sums(codes, self.effects[effect].levels, values, self.weights());
        let means: Vec<f64> =
            sums.into_iter().zip(&self.masses[effect]).map(|(sum, mass)| (sum / *mass).value()).collect();
        for (code, value) in codes.iter().zip(values.iter_mut()) {
            *value -= means[*code as usize];
        }
    }

    fn not_converged(&self, stuck: Stuck) -> StatsError {
        let with_means =
            |effect: &&Group| !self.slopes.iter().any(|slopes| slopes.means && slopes.group.name == effect.name);
        let means = self.effects.iter().filter(with_means).map(|effect| effect.name.clone());
        let effects = means.chain(self.slopes.iter().map(|slopes| slopes.name.clone())).collect();
        StatsError::NotConverged { column: stuck.column, effects, iterations: stuck.iterations }
    }
}

fn without_slopes(effects: &[Group], weights: Option<&[f64]>, masses: &[Vec<Twofold>]) -> Solver<'static> {
    match effects {
        [] => Solver::Nothing,
        [_] => Solver::Means,
        _ => Solver::Levels(Levels::new(effects, weights, masses)),
    }
}

/// A column that did not get there.
struct Stuck {
    column: String,
    iterations: u32,
}

/// The total weight of each level.
fn masses(effect: &Group, weights: Option<&[f64]>) -> Vec<Twofold> {
    match weights {
        None => twofold::sums_by(&effect.codes, std::iter::repeat(1.0), effect.levels),
        Some(weights) => twofold::sums_by(&effect.codes, weights.iter().copied(), effect.levels),
    }
}

/// Σ w y of each level.
fn sums(codes: &[u32], levels: usize, values: &[f64], weights: Option<&[f64]>) -> Vec<Twofold> {
    match weights {
        None => twofold::sums_by(codes, values.iter().copied(), levels),
        Some(weights) => {
            twofold::sums_by(codes, values.iter().zip(weights).map(|(value, weight)| weight * value), levels)
        }
    }
}

/// The weighted length of a column.
fn length(values: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => twofold::square(values).sqrt(),
        Some(weights) => product(values, values, Some(weights)).sqrt(),
    }
}

/// The weighted inner product.
fn product(left: &[f64], right: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => twofold::dot(left, right).value(),
        Some(weights) => {
            let weighted: Vec<f64> = left.iter().zip(weights).map(|(value, weight)| value * weight).collect();
            twofold::dot(&weighted, right).value()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, codes: &[u32]) -> Group {
        let levels = codes.iter().max().map_or(0, |code| *code as usize + 1);
        Group { name: name.to_string(), codes: codes.to_vec(), levels }
    }

    /// Rows 0, 1 | 1, 2 | … of a chain: each level of one effect shares a row with two of the other.
    fn chain(length: u32) -> [Group; 2] {
        let first: Vec<u32> = (0..length).map(|row| row.div_ceil(2)).collect();
        let second: Vec<u32> = (0..length).map(|row| row / 2).collect();
        [group("first", &first), group("second", &second)]
    }

    fn check(effects: &[Group], weights: Option<&[f64]>, values: &[f64], expected: &[f64]) {
        let mut found = values.to_vec();
        Absorber::new(effects, &[], weights, LIMIT).absorb("x", &mut found).expect("it converges");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-14, "{found} is not {expected}");
        }
    }

    #[test]
    fn what_the_effects_do_not_explain_is_left() {
        check(&[], None, &[1.0, 2.0], &[1.0, 2.0]);
        check(&[group("g", &[0, 0, 1])], None, &[1.0, 2.0, 9.0], &[-0.5, 0.5, 0.0]);
        check(&[group("g", &[0, 0])], Some(&[3.0, 1.0]), &[1.0, 2.0], &[-0.25, 0.75]);
        // A balanced two-by-two table leaves the interaction, a quarter of 1 - 2 - 4 + 9.
        let balanced = [group("g", &[0, 0, 1, 1]), group("t", &[0, 1, 0, 1])];
        check(&balanced, None, &[1.0, 2.0, 4.0, 9.0], &[1.0, -1.0, -1.0, 1.0]);
        // With as many parameters as rows nothing is left, however long the chain.
        let values: Vec<f64> = (0..300_u32).map(|row| f64::from(row * row % 17) - 8.0).collect();
        check(&chain(300), None, &values, &[0.0; 300]);
    }

    #[test]
    fn a_balanced_panel_takes_one_step() {
        let rows = 0..60_u32;
        let effects = [
            group("unit", &rows.clone().map(|row| row / 6).collect::<Vec<_>>()),
            group("time", &rows.clone().map(|row| row % 6).collect::<Vec<_>>()),
        ];
        let mut values: Vec<f64> = rows.map(|row| f64::from(row * row % 13)).collect();
        assert_eq!(Absorber::new(&effects, &[], None, LIMIT).absorb("x", &mut values), Ok(1));
    }

    #[test]
    fn giving_up_is_an_error_with_the_names() {
        let mut values: Vec<f64> = (0..300).map(|row| f64::from(row % 7)).collect();
        let error = Absorber::new(&chain(300), &[], None, 5).absorb("x", &mut values).expect_err("too few steps");
        let message = "`x` was not freed of the fixed effects [first, second] in 5 iterations";
        assert_eq!(error.to_string(), message);
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_column_belongs_to_an_effect_that_determines_it() {
        let effects = [group("g", &[0, 0, 1, 1]), group("t", &[0, 1, 0, 1])];
        let absorber = Absorber::new(&effects, &[], None, LIMIT);
        let belongs = |values: [f64; 4]| [0, 1].map(|effect| absorber.determined_by(effect, &values, 1e-9));
        assert_eq!(belongs([1.0, 1.0, -3.0, -3.0]), [true, false]);
        assert_eq!(belongs([1.0, 2.0, 1.0, 2.0]), [false, true]);
        assert_eq!(belongs([1.0, 2.0, 3.0, 4.0]), [false, false]);
    }
}
