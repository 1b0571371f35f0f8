//! The multiplier bootstrap of influence functions, and bands that cover all effects of a kind at once (Callaway &
//! Sant'Anna 2021, algorithm 1; Montiel Olea & Plagborg-Møller 2019). Knows no data.
//!
//! A draw multiplies the influence of each cluster by an independent random number of mean 0 and variance 1. As in R's
//! `did`: the standard error is the interquartile range of the draws over that of the normal distribution; the band is
//! the standard error times the quantile of the largest |draw| / standard error among the effects. Quantiles are type 1
//! of Hyndman & Fan (1996), values that were drawn.

use super::{Bootstrap, Multiplier};
use crate::staggered::{BootstrapErrors, Estimates, Place};
use crate::tails;

/// Adds bootstrap errors and bands to each of `sets`; all of them see the same draws.
pub(super) fn bands(sets: &mut [&mut Estimates], bootstrap: &Bootstrap, level: f64) {
    let width: usize = sets.iter().map(|set| set.influence.len()).sum();
    let n_clusters = sets[0].n_clusters;
    // By cluster, so that a draw runs once through memory and every sum keeps the order of the clusters.
    let mut influence = vec![0.0; n_clusters * width];
    for (position, of_effect) in sets.iter().flat_map(|set| &set.influence).enumerate() {
        of_effect.iter().enumerate().for_each(|(cluster, value)| influence[cluster * width + position] = *value);
    }
    let draws = draws(&influence, width, bootstrap);

    let mut start = 0;
    for set in sets {
        let effects = start..start + set.effects.len();
        start = effects.end;
        let std_errors: Vec<f64> =
            effects.clone().map(|position| std_error(draws.iter().map(|draw| draw[position]))).collect();
        // An average over everything is not part of a band.
        let in_band: Vec<usize> =
            (0..set.effects.len()).filter(|index| set.effects[*index].place != Place::Overall).collect();
        let largest = draws.iter().map(|draw| {
            let ratios = in_band.iter().filter(|index| std_errors[**index] > 0.0);
            ratios.map(|index| (draw[effects.start + index] / std_errors[*index]).abs()).fold(0.0, f64::max)
        });
        let mut largest: Vec<f64> = largest.collect();
        largest.sort_by(f64::total_cmp);
        let critical_value = (!in_band.is_empty()).then(|| quantile(&largest, level));
        for index in in_band {
            let (coefficient, reach) =
                (&set.effects[index].coefficient, critical_value.unwrap_or_default() * std_errors[index]);
            set.effects[index].band = Some([coefficient.estimate - reach, coefficient.estimate + reach]);
        }
        set.bootstrap = Some(BootstrapErrors { draws: bootstrap.draws, std_errors, critical_value });
    }
}

/// Draws that are made side by side, so that the influences come from memory once for all of them.
const SIDE_BY_SIDE: u32 = 8;

/// The sum over clusters of multiplier times influence, of each effect in each draw.
fn draws(influence: &[f64], width: usize, bootstrap: &Bootstrap) -> Vec<Vec<f64>> {
    let mut draws = Vec::with_capacity(bootstrap.draws as usize);
    for start in (0..bootstrap.draws).step_by(SIDE_BY_SIDE as usize) {
        let numbers = start..bootstrap.draws.min(start + SIDE_BY_SIDE);
        let mut sums = vec![vec![0.0; width]; numbers.len()];
        let mut bits = vec![0_u64; numbers.len()];
        for (cluster, influence) in influence.chunks_exact(width.max(1)).enumerate() {
            for ((draw, sums), bits) in numbers.clone().zip(&mut sums).zip(&mut bits) {
                let multiplier = match bootstrap.multiplier {
                    Multiplier::Rademacher => {
                        if cluster.is_multiple_of(64) {
                            *bits = bootstrap.random.bits(u64::from(draw), (cluster / 64) as u64);
                        }
                        if *bits >> (cluster % 64) & 1 == 1 { 1.0 } else { -1.0 }
                    }
                    Multiplier::Mammen => mammen(bootstrap.random.uniform(u64::from(draw), cluster as u64)),
                };
                sums.iter_mut().zip(influence).for_each(|(sum, influence)| *sum += multiplier * influence);
            }
        }
        draws.extend(sums);
    }
    draws
}

/// (1 - √5)/2 with probability (√5 + 1)/(2√5), otherwise (1 + √5)/2.
fn mammen(uniform: f64) -> f64 {
    let root = 5.0_f64.sqrt();
    if uniform < (root + 1.0) / (2.0 * root) { (1.0 - root) / 2.0 } else { (1.0 + root) / 2.0 }
}

fn std_error(draws: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = draws.collect();
    sorted.sort_by(f64::total_cmp);
    // A normal variable's upper quartile is exceeded in size by one half.
    (quantile(&sorted, 0.75) - quantile(&sorted, 0.25)) / (2.0 * tails::normal_quantile(0.5))
}

/// The smallest value that is not below a share of `probability`.
fn quantile(sorted: &[f64], probability: f64) -> f64 {
    // R allows for the rounding of n p in the same way.
    let position = sorted.len() as f64 * probability - 4.0 * f64::EPSILON;
    sorted[(position.ceil().max(1.0) as usize).min(sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_drawn() {
        let sorted = [1.0, 2.0, 3.0, 4.0];
        // R: quantile(1:4, c(.25, .26, .75, .95), type = 1)
        assert_eq!([0.25, 0.26, 0.75, 0.95].map(|share| quantile(&sorted, share)), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn multipliers_have_mean_0_and_variance_1() {
        let random = crate::random::Random::new(5, 6);
        for multiplier in [Multiplier::Rademacher, Multiplier::Mammen] {
            let bootstrap = Bootstrap { draws: 1, multiplier, random };
            let n = 20_000_usize;
            // With one effect per cluster the sums are the multipliers.
            let numbers: Vec<f64> = (0..200)
                .flat_map(|draw| {
                    let bootstrap = Bootstrap { random: crate::random::Random::new(5, draw), ..bootstrap };
                    let mut influence = vec![0.0; 100 * 100];
                    (0..100).for_each(|cluster| influence[cluster * 100 + cluster] = 1.0);
                    draws(&influence, 100, &bootstrap).remove(0)
                })
                .collect();
            assert_eq!(numbers.len(), n);
            let mean = numbers.iter().sum::<f64>() / n as f64;
            let square = numbers.iter().map(|number| number * number).sum::<f64>() / n as f64;
            assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.04, "{multiplier:?}: {mean} {square}");
        }
    }
}
