//! Effects with slopes: conjugate gradients over the rows.
//!
//! With Mⱼ the matrix that takes the means and slopes of effect j out, the residual is the part of y that
//! T = M₁M₂…Mₖ…M₂M₁ leaves alone, and (I - T)z = (I - T)y gives the part z to take out. I - T is symmetric and positive in
//! the weighted inner product, so conjugate gradients solve it (Hernández-Ramos, Escalante & Raydan 2011; Correia 2016,
//! §3.4). The variables of one level are made orthonormal first, so that Mⱼ is a sum of single projections.

use super::{LAST_RESORT, STARTS, TOLERANCE, product};
use crate::design::{Group, Slopes};
use crate::twofold::Twofold;

pub(super) struct Sweeps<'a> {
    blocks: Vec<Block<'a>>,
    weights: Option<&'a [f64]>,
}

/// What one group takes out.
struct Block<'a> {
    group: &'a Group,
    /// One value per row; within each level orthonormal in the weighted inner product.
    variables: Vec<Vec<f64>>,
}

/// A variable that adds less than this to those before it in its level is one of them.
const DEPENDENT: f64 = 1e-9;

impl<'a> Sweeps<'a> {
    pub(super) fn new(effects: &'a [Group], slopes: &'a [Slopes], weights: Option<&'a [f64]>) -> Sweeps<'a> {
        let rows = effects.first().or(slopes.first().map(|slopes| &slopes.group)).map_or(0, |group| group.codes.len());
        let has_slopes = |effect: &&Group| slopes.iter().any(|slopes| slopes.means && slopes.group.name == effect.name);
        let plain = effects.iter().filter(|effect| !has_slopes(effect)).map(|effect| (effect, vec![vec![1.0; rows]]));
        let sloped = slopes.iter().map(|slopes| {
            let means = slopes.means.then(|| vec![1.0; rows]);
            (&slopes.group, means.into_iter().chain(slopes.variables.iter().cloned()).collect())
        });
        let blocks = plain.chain(sloped).map(|(group, variables)| Block::new(group, variables, weights)).collect();
        Sweeps { blocks, weights }
    }

    /// Replaces `values` by their residual; the number of iterations, as an error where they do not suffice.
    pub(super) fn absorb(&self, values: &mut [f64], limit: u32) -> Result<u32, u32> {
        let target = TOLERANCE * super::length(values, self.weights);
        if let [only] = self.blocks.as_slice() {
            only.take_out(values, self.weights);
            only.take_out(values, self.weights);
            return Ok(1);
        }
        let mut iterations = 0;
        let mut last_length = f64::INFINITY;
        for _ in 0..STARTS {
            let mut rest = self.outside(values);
            let mut square = product(&rest, &rest, self.weights);
            let length = square.sqrt();
            let stuck = length > 0.5 * last_length;
            if length <= target || (stuck && length <= target * (LAST_RESORT / TOLERANCE)) {
                return Ok(iterations.max(1));
            }
            last_length = length;
            let mut direction = rest.clone();
            while iterations < limit && square.sqrt() > 0.1 * target {
                iterations += 1;
                let image = self.outside(&direction);
                let curvature = product(&direction, &image, self.weights);
                if curvature <= 0.0 {
                    break;
                }
                let step = square / curvature;
                for (value, direction) in values.iter_mut().zip(&direction) {
                    *value -= step * direction;
                }
                for (rest, image) in rest.iter_mut().zip(&image) {
                    *rest -= step * image;
                }
                let next = product(&rest, &rest, self.weights);
                let turn = next / square;
                for (direction, rest) in direction.iter_mut().zip(&rest) {
                    *direction = rest + turn * *direction;
                }
                square = next;
            }
        }
        Err(iterations)
    }

    /// (I - T) values.
    fn outside(&self, values: &[f64]) -> Vec<f64> {
        let mut swept = values.to_vec();
        let last = self.blocks.len() - 1;
        for block in (0..=last).chain((0..last).rev()) {
            self.blocks[block].take_out(&mut swept, self.weights);
        }
        swept.iter_mut().zip(values).for_each(|(swept, value)| *swept = value - *swept);
        swept
    }
}

impl<'a> Block<'a> {
    fn new(group: &'a Group, variables: Vec<Vec<f64>>, weights: Option<&[f64]>) -> Block<'a> {
        let mut block = Block { group, variables: Vec::new() };
        for mut variable in variables {
            let before = block.squares(&variable, weights);
            // Twice is enough for full orthogonality (Giraud, Langou, Rozložník & van den Eshof 2005).
            block.take_out(&mut variable, weights);
            block.take_out(&mut variable, weights);
            let after = block.squares(&variable, weights);
            let scale: Vec<f64> = before
                .iter()
                .zip(&after)
                .map(|(before, after)| {
                    let is_new = *after > DEPENDENT * DEPENDENT * before;
                    if is_new { 1.0 / after.sqrt() } else { 0.0 }
                })
                .collect();
            for (value, code) in variable.iter_mut().zip(&group.codes) {
                *value *= scale[*code as usize];
            }
            block.variables.push(variable);
        }
        block
    }

    fn take_out(&self, values: &mut [f64], weights: Option<&[f64]>) {
        for variable in &self.variables {
            let coefficients = self.products(variable, values, weights);
            for ((value, variable), code) in values.iter_mut().zip(variable).zip(&self.group.codes) {
                *value -= coefficients[*code as usize] * variable;
            }
        }
    }

    fn squares(&self, variable: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        self.products(variable, variable, weights)
    }

    /// Σ w u v of each level.
    fn products(&self, left: &[f64], right: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        let mut sums = vec![Twofold::default(); self.group.levels];
        for (row, ((left, right), code)) in left.iter().zip(right).zip(&self.group.codes).enumerate() {
            let sum = &mut sums[*code as usize];
            *sum = sum.plus(weights.map_or(1.0, |weights| weights[row]) * left * right);
        }
        sums.into_iter().map(Twofold::value).collect()
    }
}
