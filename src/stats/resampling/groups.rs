//! Whether coefficients differ between two groups of rows. Reading two columns' stars is not a test.
//!
//! | test | how |
//! |---|---|
//! | [`interacted`] | one regression in which the groups share nothing: every regressor and every fixed effect interacted (Chow 1960), with the variance of the design |
//! | [`separate`] | two regressions and the joint variance of their scores (Weesie 1999, Stata's `suest`): the same estimates, the factor G/(G-1) alone, normal p-values |
//! | [`permuted`] | labels of whole units at random, group sizes kept (Fisher 1935; Cleary 1999; Stata's `bdiff`) |
//!
//! The interacted regression has the coefficients of the two regressions, and its clustered variance holds what the groups
//! share where clusters have rows in both. The groups are the two values of a column in the sample, in order; differences
//! are the second less the first.

use crate::design::{CountedEffects, Data, Design, DropReason, Group, Regressor, Rules, Slopes, SmallSample};
use crate::error::StatsError;
use crate::estimator::{Coefficient, Fit};
use crate::estimators;
use crate::formula::Level;
use crate::hypotheses::{self, Combination, Estimated, Restriction};
use crate::inference;
use crate::random::Random;
use crate::resampling::error::ResamplingError;
use crate::resampling::partial::Partial;
use crate::staggered::JointTest;
use crate::within;

/// The coefficients of two groups side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The values of the column, in order.
    pub groups: [String; 2],
    pub n_obs: [usize; 2],
    pub differences: Vec<Difference>,
    /// Whether no coefficient differs; `None` where their joint variance is singular.
    pub joint: Option<JointTest>,
    pub vcov_label: String,
    /// Terms that cannot be compared, and why.
    pub dropped_terms: Vec<(String, String)>,
}

/// One coefficient in both groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub term: String,
    pub first: Coefficient,
    pub second: Coefficient,
    /// The second less the first.
    pub difference: Coefficient,
}

/// By one regression with everything interacted.
pub fn interacted(design: &Design, data: &Data, column: &str) -> Result<Comparison, StatsError> {
    compare(design, data, column, |_| ())
}

/// By two regressions and their joint variance.
pub fn separate(design: &Design, data: &Data, column: &str) -> Result<Comparison, StatsError> {
    let rules = Rules { adjust: false, effects: CountedEffects::None, cluster: true, smallest_clusters: true };
    let mut design = design.clone();
    design.small_sample = SmallSample::Rules(rules);
    compare(&design, data, column, |fit| {
        fit.df_t = f64::INFINITY;
        let terms = fit.coefficients.iter().map(|coefficient| coefficient.term.clone()).collect();
        let estimates: Vec<f64> = fit.coefficients.iter().map(|coefficient| coefficient.estimate).collect();
        fit.coefficients = inference::coefficients(terms, &estimates, &fit.vcov, fit.df_t, design.level);
    })
}

fn compare(design: &Design, data: &Data, column: &str, change: impl Fn(&mut Fit)) -> Result<Comparison, StatsError> {
    let (group, groups) = two_groups(design, data, column)?;
    let suffix = format!(" [{column} = {}]", groups[1]);
    let both = pooled(design, &group, &suffix);
    let mut fit = estimators::find("twfe").expect("least squares is there").fit(&both)?;
    change(&mut fit);
    let estimated = Estimated::from(&fit);
    let mut differences = Vec::new();
    let mut restrictions = Vec::new();
    for regressor in &design.regressors {
        let term = &regressor.term;
        let other = format!("{term}{suffix}");
        let find = |term: &str| fit.coefficients.iter().find(|coefficient| coefficient.term == term);
        let (Some(first), Some(difference)) = (find(term), find(&other)) else { continue };
        let weights = vec![(term.clone(), 1.0), (other.clone(), 1.0)];
        let mut second = hypotheses::linear_combination(&estimated, &Combination { weights }, design.level)?;
        let named = |coefficient: &Coefficient| Coefficient { term: term.clone(), ..coefficient.clone() };
        second.term.clone_from(term);
        differences.push(Difference { term: term.clone(), first: named(first), second, difference: named(difference) });
        restrictions.push(Restriction::zero(&other));
    }
    if differences.is_empty() {
        return Err(StatsError::NoRegressors { dropped: fit.dropped_terms });
    }
    let n_second = group.codes.iter().filter(|code| **code == 1).count();
    Ok(Comparison {
        groups,
        n_obs: [design.n_obs() - n_second, n_second],
        differences,
        joint: hypotheses::joint_test(&estimated, &restrictions).ok(),
        vcov_label: fit.vcov_label.clone(),
        dropped_terms: fit.dropped_terms.clone(),
    })
}

/// The two values of a column, in order, and which of them each row has.
fn two_groups(design: &Design, data: &Data, column: &str) -> Result<(Group, [String; 2]), StatsError> {
    let (group, labels) = design.grouped(data, column)?;
    let names: Vec<String> = labels.iter().map(Level::to_string).collect();
    match <[String; 2]>::try_from(names) {
        Ok(names) => Ok((group, names)),
        Err(groups) => Err(ResamplingError::Groups { column: column.to_string(), groups }.into()),
    }
}

/// The design in which the groups share no parameter.
fn pooled(design: &Design, group: &Group, suffix: &str) -> Design {
    let in_second = |values: &[f64]| -> Vec<f64> {
        values.iter().zip(&group.codes).map(|(value, code)| value * f64::from(*code)).collect()
    };
    let mut regressors = design.regressors.clone();
    if design.intercept {
        let values = in_second(&vec![1.0; design.n_obs()]);
        regressors.push(Regressor { term: format!("{}{suffix}", within::INTERCEPT), values });
    }
    regressors.extend(design.regressors.iter().map(|regressor| Regressor {
        term: format!("{}{suffix}", regressor.term),
        values: in_second(&regressor.values),
    }));
    let mut pooled = design.clone();
    pooled.regressors = regressors;
    pooled.effects = design.effects.iter().map(|effect| by_group(effect, group)).collect();
    pooled.slopes =
        design.slopes.iter().map(|slopes| Slopes { group: by_group(&slopes.group, group), ..slopes.clone() }).collect();
    pooled
}

/// The levels of an effect within each of two groups, those that occur.
fn by_group(effect: &Group, group: &Group) -> Group {
    let pairs: Vec<usize> =
        effect.codes.iter().zip(&group.codes).map(|(level, code)| *level as usize * 2 + *code as usize).collect();
    let mut occurs = vec![false; effect.levels * 2];
    pairs.iter().for_each(|pair| occurs[*pair] = true);
    let mut codes = vec![0_u32; occurs.len()];
    let mut levels = 0;
    for (pair, _) in occurs.iter().enumerate().filter(|(_, occurs)| **occurs) {
        codes[pair] = levels as u32;
        levels += 1;
    }
    Group { name: effect.name.clone(), codes: pairs.into_iter().map(|pair| codes[pair]).collect(), levels }
}

/// What is permuted.
#[derive(Clone, Debug)]
pub struct Options {
    pub term: String,
    /// The column of the two groups, one for all rows of a unit.
    pub group: String,
    pub unit: String,
    pub draws: u32,
    pub random: Random,
}

/// The difference of one coefficient among those of random groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Permuted {
    pub term: String,
    pub groups: [String; 2],
    pub n_units: [usize; 2],
    pub estimates: [f64; 2],
    /// The second less the first.
    pub difference: f64,
    /// In the order of the draws; `None` where a group cannot be estimated.
    pub draws: Vec<Option<f64>>,
    pub n_undefined: usize,
    /// Whether the draws are all ways to form the groups; the one that is, is among them.
    pub enumerated: bool,
    /// Draws with |d*| ≥ |d|.
    pub n_beyond: usize,
    /// Draws at least as far on the side of d.
    pub n_as_far: usize,
    /// Two-sided: `n_beyond` over the draws where all are made, otherwise (1 + `n_beyond`) / (1 + draws).
    pub p_value: f64,
    /// One-sided, by `n_as_far` in the same way.
    pub p_value_one_sided: f64,
    pub warnings: Vec<String>,
}

/// Differences that differ by this share are equal.
const EQUAL: f64 = 1e-9;

/// By labels of whole units at random: all ways to form the groups, where these are not more than `draws`.
pub fn permuted(design: &Design, data: &Data, options: &Options) -> Result<Permuted, StatsError> {
    if options.draws == 0 {
        let reason = "at least one draw";
        return Err(ResamplingError::Option { option: "draws", value: "0".to_string(), reason }.into());
    }
    let (group, groups) = two_groups(design, data, &options.group)?;
    let (units, labels) = design.grouped(data, &options.unit)?;
    let mut of_units: Vec<Option<u32>> = vec![None; units.levels];
    for (unit, code) in units.codes.iter().zip(&group.codes) {
        if *of_units[*unit as usize].get_or_insert(*code) != *code {
            let unit = labels[*unit as usize].to_string();
            return Err(ResamplingError::UnitInBoth { unit, column: options.group.clone() }.into());
        }
    }
    let second: Vec<usize> = (0..units.levels).filter(|unit| of_units[*unit] == Some(1)).collect();
    let estimate = |second: &[usize]| estimates(design, &units, second, &options.term);
    let observed = estimate(&second)?;
    let difference = observed[1] - observed[0];

    let ways = ways(units.levels, second.len());
    let enumerated = ways <= u64::from(options.draws);
    let n_draws = if enumerated { ways } else { u64::from(options.draws) };
    let mut combination: Vec<usize> = (0..second.len()).collect();
    let mut draws: Vec<Option<f64>> = Vec::with_capacity(n_draws as usize);
    for draw in 0..n_draws {
        let drawn = match enumerated {
            true => combination.clone(),
            false => options.random.permutation(draw, units.levels)[..second.len()].to_vec(),
        };
        // A random group may lack what a coefficient needs; the others are still comparable.
        draws.push(estimate(&drawn).ok().map(|[first, second]| second - first));
        next_combination(&mut combination, units.levels);
    }
    let defined: Vec<f64> = draws.iter().flatten().copied().collect();
    let least = difference.abs() * (1.0 - EQUAL);
    let n_beyond = defined.iter().filter(|drawn| drawn.abs() >= least).count();
    let n_as_far = defined.iter().filter(|drawn| **drawn * difference.signum() >= least).count();
    let p_value = |count: usize| match enumerated {
        true => count as f64 / defined.len() as f64,
        false => (1 + count) as f64 / (1 + defined.len()) as f64,
    };
    let n_undefined = draws.len() - defined.len();
    let mut warnings = Vec::new();
    if n_undefined > 0 {
        let all = draws.len();
        warnings.push(format!("random groups that cannot be estimated, which do not count: {n_undefined} of {all}"));
    }
    Ok(Permuted {
        term: options.term.clone(),
        groups,
        n_units: [units.levels - second.len(), second.len()],
        estimates: observed,
        difference,
        n_undefined,
        enumerated,
        n_beyond,
        n_as_far,
        p_value: p_value(n_beyond),
        p_value_one_sided: p_value(n_as_far),
        draws,
        warnings,
    })
}

/// The coefficient without and with the units of the second group.
fn estimates(design: &Design, units: &Group, second: &[usize], term: &str) -> Result<[f64; 2], StatsError> {
    let mut is_second = vec![false; units.levels];
    second.iter().for_each(|unit| is_second[*unit] = true);
    let of = |wanted: bool| {
        let is_wanted = |row: &usize| is_second[units.codes[*row] as usize] == wanted;
        let rows: Vec<usize> = (0..design.n_obs()).filter(is_wanted).collect();
        let part = design.subset(&rows, &DropReason::OtherGroup);
        let partial = Partial::new(&part, &within::absorber(&part), term)?;
        Ok::<f64, StatsError>(partial.slope * partial.unit)
    };
    Ok([of(false)?, of(true)?])
}

/// The number of ways to choose; the largest number where there are more.
fn ways(all: usize, chosen: usize) -> u64 {
    let chosen = chosen.min(all - chosen) as u64;
    (1..=chosen)
        .try_fold(1_u64, |ways, step| Some(ways.checked_mul(all as u64 - chosen + step)? / step))
        .unwrap_or(u64::MAX)
}

/// The next choice in the order of the dictionary; the last stays.
fn next_combination(combination: &mut [usize], all: usize) {
    let chosen = combination.len();
    let Some(place) = (0..chosen).rev().find(|place| combination[*place] < all - chosen + place) else { return };
    combination[place] += 1;
    for later in place + 1..chosen {
        combination[later] = combination[later - 1] + 1;
    }
}

#[cfg(test)]
mod tests;
