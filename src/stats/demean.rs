//! Takes fixed effects out of a column: the residual of its regression on the dummies of every level.
//! Knows groups and weights, no model.
//!
//! One effect: subtract the weighted group means. Several: with Mⱼ the matrix that subtracts the means of effect j, the
//! residual is the part of y that T = M₁M₂…Mₖ…M₂M₁ leaves alone, and (I - T)z = (I - T)y gives the part z to take out.
//! I - T is symmetric and positive in the weighted inner product, so conjugate gradients solve it (Hernández-Ramos,
//! Escalante & Raydan 2011; Correia 2016, §3.4). They end after as many steps as the smaller of two effects has levels,
//! at once in a balanced panel, and need the square root of the steps that plain alternating projections (Gaure 2013)
//! take, where the levels hardly overlap.

use crate::design::Group;
use crate::error::StatsError;
use crate::twofold::{self, Twofold};

/// What is left of (I - T)y relative to the column, when it counts as done. A hundred times the rounding of one
/// sweep: the error of the column itself is larger by the condition of I - T and must stay far below 10⁻⁹.
const TOLERANCE: f64 = 1e-14;

/// Where rounding ends all progress, this much is good enough; more is an error.
const LAST_RESORT: f64 = 1e-12;

/// Conjugate gradients lose their direction to rounding; they start again from what they have reached.
const STARTS: u32 = 20;

/// Steps per column, over all starts.
pub(crate) const LIMIT: u32 = 20_000;

/// Frees columns of a set of effects.
pub(crate) struct Absorber<'a> {
    effects: &'a [Group],
    weights: Option<&'a [f64]>,
    /// Total weight of each level of each effect.
    masses: Vec<Vec<Twofold>>,
    limit: u32,
}

impl<'a> Absorber<'a> {
    pub(crate) fn new(effects: &'a [Group], weights: Option<&'a [f64]>, limit: u32) -> Absorber<'a> {
        let masses = effects
            .iter()
            .map(|effect| {
                let mut mass = vec![Twofold::default(); effect.levels];
                for (row, code) in effect.codes.iter().enumerate() {
                    let weight = weights.map_or(1.0, |weights| weights[row]);
                    mass[*code as usize] = mass[*code as usize].plus(weight);
                }
                mass
            })
            .collect();
        Absorber { effects, weights, masses, limit }
    }

    /// Replaces `values` by their residual; returns the number of iterations. `name` is for the error.
    pub(crate) fn absorb(&self, name: &str, values: &mut [f64]) -> Result<u32, StatsError> {
        match self.effects {
            [] => Ok(0),
            // Twice, because the first mean is rounded: the second pass takes out what that left.
            [_] => {
                self.subtract_means(0, values);
                self.subtract_means(0, values);
                Ok(1)
            }
            _ => self.conjugate_gradients(name, values),
        }
    }

    /// The weighted length of a column.
    pub(crate) fn length(&self, values: &[f64]) -> f64 {
        self.product(values, values).sqrt()
    }

    /// Whether the levels of one effect alone determine `values` up to `tolerance` of their length.
    pub(crate) fn determined_by(&self, effect: usize, values: &[f64], tolerance: f64) -> bool {
        let mut rest = values.to_vec();
        self.subtract_means(effect, &mut rest);
        self.length(&rest) <= tolerance * self.length(values)
    }

    fn conjugate_gradients(&self, name: &str, values: &mut [f64]) -> Result<u32, StatsError> {
        let target = TOLERANCE * self.length(values);
        let mut iterations = 0;
        let mut last_length = f64::INFINITY;
        for _ in 0..STARTS {
            let mut rest = self.outside(values);
            let mut square = self.product(&rest, &rest);
            let length = square.sqrt();
            let stuck = length > 0.5 * last_length;
            if length <= target || (stuck && length <= target * (LAST_RESORT / TOLERANCE)) {
                return Ok(iterations.max(1));
            }
            last_length = length;
            let mut direction = rest.clone();
            while iterations < self.limit && square.sqrt() > 0.1 * target {
                iterations += 1;
                let image = self.outside(&direction);
                let curvature = self.product(&direction, &image);
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
                let next = self.product(&rest, &rest);
                let turn = next / square;
                for (direction, rest) in direction.iter_mut().zip(&rest) {
                    *direction = rest + turn * *direction;
                }
                square = next;
            }
        }
        let effects = self.effects.iter().map(|effect| effect.name.clone()).collect();
        Err(StatsError::NotConverged { column: name.to_string(), effects, iterations })
    }

    /// (I - T) values.
    fn outside(&self, values: &[f64]) -> Vec<f64> {
        let mut swept = values.to_vec();
        let last = self.effects.len() - 1;
        for effect in (0..=last).chain((0..last).rev()) {
            self.subtract_means(effect, &mut swept);
        }
        swept.iter_mut().zip(values).for_each(|(swept, value)| *swept = value - *swept);
        swept
    }

    fn subtract_means(&self, effect: usize, values: &mut [f64]) {
        let codes = &self.effects[effect].codes;
        let mut sums = vec![Twofold::default(); self.effects[effect].levels];
        match self.weights {
            None => {
                for (code, value) in codes.iter().zip(values.iter()) {
                    sums[*code as usize] = sums[*code as usize].plus(*value);
                }
            }
            Some(weights) => {
                for ((code, value), weight) in codes.iter().zip(values.iter()).zip(weights) {
                    sums[*code as usize] = sums[*code as usize].plus(weight * value);
                }
            }
        }
        let means: Vec<f64> =
            sums.into_iter().zip(&self.masses[effect]).map(|(sum, mass)| (sum / *mass).value()).collect();
        for (code, value) in codes.iter().zip(values.iter_mut()) {
            *value -= means[*code as usize];
        }
    }

    /// The weighted inner product.
    fn product(&self, left: &[f64], right: &[f64]) -> f64 {
        match self.weights {
            None => twofold::dot(left, right).value(),
            Some(weights) => {
                let weighted: Vec<f64> = left.iter().zip(weights).map(|(value, weight)| value * weight).collect();
                twofold::dot(&weighted, right).value()
            }
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
        Absorber::new(effects, weights, LIMIT).absorb("x", &mut found).expect("it converges");
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
        assert_eq!(Absorber::new(&effects, None, LIMIT).absorb("x", &mut values), Ok(1));
    }

    #[test]
    fn giving_up_is_an_error_with_the_names() {
        let mut values: Vec<f64> = (0..300).map(|row| f64::from(row % 7)).collect();
        let error = Absorber::new(&chain(300), None, 5).absorb("x", &mut values).expect_err("too few steps");
        let message = "`x` was not freed of the fixed effects [first, second] in 5 iterations";
        assert_eq!(error.to_string(), message);
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_column_belongs_to_an_effect_that_determines_it() {
        let effects = [group("g", &[0, 0, 1, 1]), group("t", &[0, 1, 0, 1])];
        let absorber = Absorber::new(&effects, None, LIMIT);
        let belongs = |values: [f64; 4]| [0, 1].map(|effect| absorber.determined_by(effect, &values, 1e-9));
        assert_eq!(belongs([1.0, 1.0, -3.0, -3.0]), [true, false]);
        assert_eq!(belongs([1.0, 2.0, 1.0, 2.0]), [false, true]);
        assert_eq!(belongs([1.0, 2.0, 3.0, 4.0]), [false, false]);
    }
}
