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
use std::ops::Range;

/// Adds bootstrap errors and bands to each of `sets`; all of them see the same draws.
pub(super) fn bands(sets: &mut [&mut Estimates], bootstrap: &Bootstrap, level: f64) {
    let influence: Vec<&[f64]> = sets.iter().flat_map(|set| set.influence.iter().map(Vec::as_slice)).collect();
    let mut draws = draws(&influence, bootstrap).into_iter();
    for set in sets {
        let draws: Vec<Vec<f64>> = draws.by_ref().take(set.effects.len()).collect();
        let std_errors: Vec<f64> = draws.iter().map(|draws| std_error(draws)).collect();
        // An average over everything is not part of a band.
        let in_band: Vec<usize> =
            (0..set.effects.len()).filter(|index| set.effects[*index].place != Place::Overall).collect();
        let mut largest = vec![0.0_f64; bootstrap.draws as usize];
        for index in in_band.iter().copied().filter(|index| std_errors[*index] > 0.0) {
            let ratios = draws[index].iter().map(|draw| (draw / std_errors[index]).abs());
            largest.iter_mut().zip(ratios).for_each(|(largest, ratio)| *largest = largest.max(ratio));
        }
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

/// Clusters whose sum is looked up: a table has it for each combination of their multipliers, which are two numbers.
const LOOKED_UP: usize = 8;

/// Effects that share one pass over the draws. A table of so many stays in the nearest memory.
const SIDE_BY_SIDE: usize = 8;

/// The sum over clusters of multiplier times influence, by effect, by draw.
fn draws(influence: &[&[f64]], bootstrap: &Bootstrap) -> Vec<Vec<f64>> {
    let n_draws = bootstrap.draws as usize;
    let n_clusters = influence.first().map_or(0, |influence| influence.len());
    let mut sums = vec![vec![[0.0; SIDE_BY_SIDE]; n_draws]; influence.len().div_ceil(SIDE_BY_SIDE)];
    let mut table = [[0.0; SIDE_BY_SIDE]; 1 << LOOKED_UP];
    for start in (0..n_clusters).step_by(64) {
        let clusters = start..n_clusters.min(start + 64);
        let choices: Vec<u64> =
            (0..u64::from(bootstrap.draws)).map(|draw| choices(bootstrap, draw, clusters.clone())).collect();
        for (effects, sums) in influence.chunks(SIDE_BY_SIDE).zip(&mut sums) {
            for first in clusters.clone().step_by(LOOKED_UP) {
                fill(&mut table, effects, first..clusters.end.min(first + LOOKED_UP), bootstrap.multiplier);
                for (sums, choices) in sums.iter_mut().zip(&choices) {
                    let entry = &table[(choices >> (first - start)) as usize % table.len()];
                    (0..SIDE_BY_SIDE).for_each(|lane| sums[lane] += entry[lane]);
                }
            }
        }
    }
    let of_effect = |effect: usize| {
        let sums = sums[effect / SIDE_BY_SIDE].iter();
        sums.map(|sums| sums[effect % SIDE_BY_SIDE]).collect()
    };
    (0..influence.len()).map(of_effect).collect()
}

/// A bit for each of up to 64 clusters: which of the two multipliers it has in a draw.
fn choices(bootstrap: &Bootstrap, draw: u64, clusters: Range<usize>) -> u64 {
    match bootstrap.multiplier {
        Multiplier::Rademacher => bootstrap.random.bits(draw, (clusters.start / 64) as u64),
        Multiplier::Mammen => {
            let root = 5.0_f64.sqrt();
            let is_second = |cluster| bootstrap.random.uniform(draw, cluster as u64) >= (root + 1.0) / (2.0 * root);
            clusters.rev().fold(0, |bits, cluster| bits << 1 | u64::from(is_second(cluster)))
        }
    }
}

/// The two values of a multiplier; Mammen's first has probability (√5 + 1)/(2√5).
fn values(multiplier: Multiplier) -> [f64; 2] {
    let root = 5.0_f64.sqrt();
    match multiplier {
        Multiplier::Rademacher => [-1.0, 1.0],
        Multiplier::Mammen => [(1.0 - root) / 2.0, (1.0 + root) / 2.0],
    }
}

/// The sums over some clusters of multiplier times influence, by the choices of multipliers, by effect.
fn fill(
    table: &mut [[f64; SIDE_BY_SIDE]; 1 << LOOKED_UP],
    effects: &[&[f64]],
    clusters: Range<usize>,
    multiplier: Multiplier,
) {
    let [first, second] = values(multiplier);
    table[0] = [0.0; SIDE_BY_SIDE];
    for place in 0..LOOKED_UP {
        let cluster = clusters.start + place;
        let mut influence = [0.0; SIDE_BY_SIDE];
        // Places after the last cluster add nothing, whatever their choice.
        if cluster < clusters.end {
            influence.iter_mut().zip(effects).for_each(|(influence, effect)| *influence = effect[cluster]);
        }
        let (known, new) = table[..2 << place].split_at_mut(1 << place);
        for (known, new) in known.iter_mut().zip(new) {
            for lane in 0..SIDE_BY_SIDE {
                new[lane] = known[lane] + second * influence[lane];
                known[lane] += first * influence[lane];
            }
        }
    }
}

fn std_error(draws: &[f64]) -> f64 {
    let mut sorted = draws.to_vec();
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
            let influence: Vec<Vec<f64>> =
                (0..100).map(|own| (0..100).map(|other| f64::from(u8::from(own == other))).collect()).collect();
            let influence: Vec<&[f64]> = influence.iter().map(Vec::as_slice).collect();
            let draw = |stage| Bootstrap { random: crate::random::Random::new(5, stage), ..bootstrap };
            let numbers: Vec<f64> =
                (0..200).flat_map(|stage| draws(&influence, &draw(stage)).into_iter().flatten()).collect();
            assert_eq!(numbers.len(), n);
            let mean = numbers.iter().sum::<f64>() / n as f64;
            let square = numbers.iter().map(|number| number * number).sum::<f64>() / n as f64;
            assert!(mean.abs() < 0.03 && (square - 1.0).abs() < 0.04, "{multiplier:?}: {mean} {square}");
        }
    }

    /// The definition, one multiplier at a time, where neither clusters nor effects fill a table.
    #[test]
    fn a_draw_is_the_sum_of_multiplied_influences() {
        let random = crate::random::Random::new(8, 9);
        let value = |effect: usize, cluster: usize| ((effect * 31 + cluster * 17) % 23) as f64 / 7.0 - 1.5;
        let influence: Vec<Vec<f64>> =
            (0..11).map(|effect| (0..77).map(|cluster| value(effect, cluster)).collect()).collect();
        let slices: Vec<&[f64]> = influence.iter().map(Vec::as_slice).collect();
        let golden = (1.0 + 5.0_f64.sqrt()) / 2.0;
        for multiplier in [Multiplier::Rademacher, Multiplier::Mammen] {
            let number = |draw: u64, cluster: u64| match multiplier {
                Multiplier::Rademacher if random.bits(draw, cluster / 64) >> (cluster % 64) & 1 == 1 => 1.0,
                Multiplier::Rademacher => -1.0,
                Multiplier::Mammen if random.uniform(draw, cluster) < golden / 5.0_f64.sqrt() => 1.0 - golden,
                Multiplier::Mammen => golden,
            };
            let found = draws(&slices, &Bootstrap { draws: 5, multiplier, random });
            for (effect, found) in found.iter().enumerate() {
                for (draw, found) in found.iter().enumerate() {
                    let terms = (0..77).map(|cluster| number(draw as u64, cluster as u64) * influence[effect][cluster]);
                    let expected: f64 = terms.sum();
                    // Sums of 77 numbers near 1 in another order.
                    assert!((found - expected).abs() < 1e-12, "{effect}, {draw}: {found} is not {expected}");
                }
            }
        }
    }
}
