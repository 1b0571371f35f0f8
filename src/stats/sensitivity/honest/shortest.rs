//! The shortest confidence interval of fixed length under smoothness: the affine estimator whose worst bias and variance
//! trade off best (Rambachan & Roth 2023, §4.1, after Donoho 1994 and Armstrong & Kolesár 2020).
//!
//! The estimator is l'β₊ + v'β₋. With second differences D of δ around the reference and the step s after it, its bias is
//! s (Σₚ p lₚ - Σⱼ j vⱼ) plus terms in D, j and p being the distances from the reference: it is bounded where Σ j vⱼ = Σ p lₚ,
//! and then at most M (c + Σᵢ |wᵢ|), c coming from bends that v cannot change, with wᵢ = Σ_{j>i} (j - i) vⱼ for i ≥ 1, from which v follows. For a given sum of |wᵢ| the
//! smallest variance is that of a lasso with penalty λ, whose solutions are linear in λ between finitely many knots. The
//! length is convex along them, and its smallest value is where the slopes agree: λ = M h c'/(c - t c'), t being the bias
//! over the standard error h, c the 1 - α quantile of |N(t, 1)| and c' = tanh(c t) its derivative. The root in λ is found by
//! halving until two neighbouring doubles are left, so that only the rounding of the path remains.

use super::{EventStudy, normal};
use crate::sensitivity::error::SensitivityError;
use crate::solve::{Factor, Matrix};
use crate::twofold;

/// The best estimator and its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct FixedLength {
    pub estimate: f64,
    pub std_error: f64,
    /// The largest that the restriction allows.
    pub bias: f64,
    pub half_length: f64,
    /// Of the effects before and after the treatment, in the order of time.
    pub weights: Vec<f64>,
}

pub(super) fn shortest(study: &EventStudy, bound: f64, level: f64) -> Result<FixedLength, SensitivityError> {
    let problem = Problem::new(study);
    let path = problem.path()?;
    let excess = |penalty: f64| {
        let (std_error, bias) = problem.errors(&at(&path, penalty), bound);
        let ratio = bias / std_error;
        let quantile = normal::folded_quantile(1.0 - level, ratio);
        let slope = core_math::tanh(quantile * ratio);
        penalty - bound * std_error * slope / (quantile - ratio * slope)
    };
    let largest = path[0].penalty;
    let penalty = if bound == 0.0 {
        0.0
    } else if excess(largest) <= 0.0 {
        largest
    } else {
        let (mut low, mut high) = (0_u64, largest.to_bits());
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if excess(f64::from_bits(middle)) < 0.0 { low = middle } else { high = middle }
        }
        f64::from_bits(high)
    };
    let bends = at(&path, penalty);
    let (std_error, bias) = problem.errors(&bends, bound);
    let weights = problem.weights(&bends);
    let estimate = twofold::dot(&weights, &study.effects).value();
    let half_length = std_error * normal::folded_quantile(1.0 - level, bias / std_error);
    Ok(FixedLength { estimate, std_error, bias, half_length, weights })
}

/// min ½ w'Qw - r'w + λ Σ |wᵢ|.
struct Problem<'a> {
    study: &'a EventStudy,
    /// v as a function of w: the constant, and one row per w.
    constant: Vec<f64>,
    slopes: Matrix,
    /// What the second differences at the reference and after it add to the bias.
    bias_after: f64,
    q: Matrix,
    r: Vec<f64>,
}

/// A solution at which the set of the w that are not 0 changes.
#[derive(Clone, Debug)]
struct Knot {
    penalty: f64,
    bends: Vec<f64>,
}

impl<'a> Problem<'a> {
    fn new(study: &'a EventStudy) -> Problem<'a> {
        let (before, target) = (study.n_before, &study.target);
        let trend: f64 = target.iter().zip(1..).map(|(weight, distance)| weight * f64::from(distance)).sum();
        // That of the bend at the reference is the trend, whatever the weights.
        let bias_after = trend.abs()
            + (1..target.len())
                .map(|bend| (bend..target.len()).map(|time| (time + 1 - bend) as f64 * target[time]).sum::<f64>().abs())
                .sum::<f64>();
        // vⱼ = wⱼ₋₁ - 2wⱼ + wⱼ₊₁, w₀ being the trend; the effect at distance j before the reference is number before - j.
        let row = |bend: usize| {
            let mut row = vec![0.0; study.effects.len()];
            for (distance, entry) in [(bend, -2.0), (bend + 1, 1.0), (bend.wrapping_sub(1), 1.0)] {
                if (1..=before).contains(&distance) {
                    row[before - distance] = entry;
                }
            }
            row
        };
        let mut constant: Vec<f64> = row(0).iter().map(|entry| entry * trend).collect();
        constant[before..].copy_from_slice(target);
        let slopes: Matrix = (1..before).map(row).collect();
        let times =
            |row: &[f64]| -> Vec<f64> { study.vcov.iter().map(|other| twofold::dot(other, row).value()).collect() };
        let q = slopes
            .iter()
            .map(|row| {
                let product = times(row);
                slopes.iter().map(|other| twofold::dot(other, &product).value()).collect()
            })
            .collect();
        let product = times(&constant);
        let r = slopes.iter().map(|row| -twofold::dot(row, &product).value()).collect();
        Problem { study, constant, slopes, bias_after, q, r }
    }

    fn weights(&self, bends: &[f64]) -> Vec<f64> {
        let mut weights = self.constant.clone();
        for (bend, row) in bends.iter().zip(&self.slopes) {
            weights.iter_mut().zip(row).for_each(|(weight, entry)| *weight += bend * entry);
        }
        weights
    }

    /// The standard error and the largest bias.
    fn errors(&self, bends: &[f64], bound: f64) -> (f64, f64) {
        let std_error = self.study.std_error(&self.weights(bends));
        (std_error, bound * (self.bias_after + bends.iter().map(|bend| bend.abs()).sum::<f64>()))
    }

    /// The knots, the largest penalty first and 0 last (Osborne, Presnell & Turlach 2000; Efron et al. 2004).
    fn path(&self) -> Result<Vec<Knot>, SensitivityError> {
        let size = self.r.len();
        let first = (0..size).max_by(|left, right| self.r[*left].abs().total_cmp(&self.r[*right].abs()));
        let mut penalty = first.map_or(0.0, |first| self.r[first].abs());
        let mut knots = vec![Knot { penalty, bends: vec![0.0; size] }];
        let mut active: Vec<(usize, f64)> = first.iter().map(|first| (*first, self.r[*first].signum())).collect();
        // Each choice of active terms is left for good: the limit is never met.
        for _ in 0..LIMIT {
            if penalty == 0.0 {
                return Ok(knots);
            }
            let part: Matrix = active
                .iter()
                .map(|(row, _)| active.iter().map(|(column, _)| self.q[*row][*column]).collect())
                .collect();
            let diagonal: Vec<f64> = part.iter().enumerate().map(|(index, row)| row[index]).collect();
            let factor = Factor::new(&part, &diagonal);
            if let Some(position) = (0..active.len()).find(|index| !factor.keeps(*index)) {
                return Err(SensitivityError::SingularVariance { position: active[position].0 + 1 });
            }
            // w = base - λ slope in the active terms.
            let base = factor.solve(&active.iter().map(|(term, _)| self.r[*term]).collect::<Vec<_>>());
            let slope = factor.solve(&active.iter().map(|(_, sign)| *sign).collect::<Vec<_>>());
            let below = |candidate: f64| candidate > 0.0 && candidate < penalty * (1.0 - 1e-12);
            let mut next: (f64, Option<Change>) = (0.0, None);
            for (index, (base, slope)) in base.iter().zip(&slope).enumerate() {
                let zero = base / slope;
                if below(zero) && zero > next.0 {
                    next = (zero, Some(Change::Leaves(index)));
                }
            }
            for term in (0..size).filter(|term| active.iter().all(|(other, _)| other != term)) {
                let row: Vec<f64> = active.iter().map(|(other, _)| self.q[term][*other]).collect();
                let constant = self.r[term] - twofold::dot(&row, &base).value();
                let change = twofold::dot(&row, &slope).value();
                for (candidate, sign) in [(constant / (1.0 - change), 1.0), (-constant / (1.0 + change), -1.0)] {
                    if below(candidate) && candidate > next.0 {
                        next = (candidate, Some(Change::Enters(term, sign)));
                    }
                }
            }
            penalty = next.0;
            let mut bends = vec![0.0; size];
            for ((term, _), (base, slope)) in active.iter().zip(base.iter().zip(&slope)) {
                bends[*term] = base - penalty * slope;
            }
            match next.1 {
                Some(Change::Leaves(index)) => bends[active.remove(index).0] = 0.0,
                Some(Change::Enters(term, sign)) => active.push((term, sign)),
                None => {}
            }
            knots.push(Knot { penalty, bends });
        }
        Err(SensitivityError::Stalled { what: "the shortest interval" })
    }
}

const LIMIT: usize = 10_000;

enum Change {
    /// The active term at this position.
    Leaves(usize),
    Enters(usize, f64),
}

/// The solution at a penalty, which lies between two knots.
fn at(path: &[Knot], penalty: f64) -> Vec<f64> {
    let after = path.iter().position(|knot| knot.penalty <= penalty).unwrap_or(path.len() - 1);
    let (low, high) = (&path[after], &path[after.saturating_sub(1)]);
    if low.penalty == penalty || after == 0 {
        return low.bends.clone();
    }
    let share = (penalty - low.penalty) / (high.penalty - low.penalty);
    low.bends.iter().zip(&high.bends).map(|(low, high)| low + share * (high - low)).collect()
}
