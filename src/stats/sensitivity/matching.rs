//! Treated rows and the untreated rows that are most like them by the propensity score (Rosenbaum & Rubin 1983; Dehejia &
//! Wahba 2002; for kernels Heckman, Ichimura & Todd 1998).
//!
//! The caller chooses the rows: one per unit with means of earlier periods, or those of one year at a time. What comes out
//! is a weight per row: 1 for a matched treated row, which its neighbours share, so that an untreated row weighs what it was
//! used for. Rules that decide ties, so that the same rows always match:
//!
//! - of untreated rows at one distance the one that comes first is the nearer one;
//! - without replacement treated rows choose from the highest score down, those of one score in their order;
//! - a distance equal to the caliper or the radius is inside; a kernel is 0 at its bandwidth.
//!
//! Common support leaves out treated rows whose score is above or below that of all untreated rows. Distances are of the
//! score itself.

mod balance;

use crate::design::Design;
use crate::error::StatsError;
use crate::estimator::Fit;
use crate::estimators;
use crate::sensitivity::error::SensitivityError;
use crate::{tails, twofold};

pub use balance::{Balance, Covariate, Group, balance};

/// Which untreated rows are neighbours of a treated one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Matcher {
    /// The nearest ones, with equal shares; a treated row with fewer within the caliper has those.
    Nearest { neighbours: usize, caliper: Option<f64>, reuse: Reuse },
    /// All within the radius, with equal shares.
    Radius { radius: f64 },
    /// All within the bandwidth, with shares by the Epanechnikov kernel 1 - u².
    Kernel { bandwidth: f64 },
}

/// Whether an untreated row may be a neighbour of several treated ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    WithReplacement,
    WithoutReplacement,
}

/// Which treated rows are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    All,
    Common,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Matched {
    /// One per row; 0 for rows that are not matched.
    pub weights: Vec<f64>,
    /// The matched treated rows with their neighbours and shares, which sum to 1, in the order of the rows.
    pub neighbours: Vec<(usize, Vec<(usize, f64)>)>,
    /// Treated rows off the common support.
    pub off_support: Vec<usize>,
    /// Treated rows without a neighbour.
    pub unmatched: Vec<usize>,
}

/// The scores, and how well the regressors tell treated from untreated rows.
#[derive(Clone, Debug)]
pub struct Propensity {
    pub fit: Fit,
    /// One per row of the sample: the probability of being treated.
    pub scores: Vec<f64>,
    pub pseudo_r2: f64,
    /// The likelihood ratio against a constant alone, its degrees of freedom and the p-value by chi-square.
    pub likelihood_ratio: f64,
    pub df: usize,
    pub p_value: f64,
}

/// Fits the scores by the logit of the treatment, which is the outcome of `design`. With the weights of a matching as those
/// of the design, the pseudo R² and the likelihood ratio say what is left to tell.
pub fn propensity(design: &Design) -> Result<Propensity, StatsError> {
    let logit = estimators::ALL.iter().find(|estimator| estimator.name() == "logit").expect("it is registered");
    let fit = logit.fit(design)?;
    let likelihood = fit.likelihood.as_ref().expect("a logit has a likelihood");
    let (scores, pseudo_r2) = (likelihood.fitted.clone(), likelihood.pseudo_r2);
    let likelihood_ratio = 2.0 * (likelihood.log_likelihood - likelihood.null_log_likelihood);
    let df = fit.coefficients.len() - usize::from(design.intercept);
    let p_value = tails::chi_square(likelihood_ratio, df);
    Ok(Propensity { fit, scores, pseudo_r2, likelihood_ratio, df, p_value })
}

/// Matches the rows that are `treated` by their `scores`.
pub fn match_rows(treated: &[bool], scores: &[f64], matcher: Matcher, support: Support) -> Result<Matched, StatsError> {
    check(treated, scores, matcher)?;
    let untreated: Vec<usize> = (0..treated.len()).filter(|row| !treated[*row]).collect();
    let of_untreated = || untreated.iter().map(|row| scores[*row]);
    let (low, high) = (of_untreated().fold(f64::INFINITY, f64::min), of_untreated().fold(f64::NEG_INFINITY, f64::max));
    let is_off = |row: usize| support == Support::Common && !(low..=high).contains(&scores[row]);
    let (off_support, mut wanted): (Vec<usize>, Vec<usize>) =
        (0..treated.len()).filter(|row| treated[*row]).partition(|row| is_off(*row));
    // A stable sort: rows of one score stay in their order.
    wanted.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
    let mut is_free = vec![true; treated.len()];
    let (mut neighbours, mut unmatched) = (Vec::new(), Vec::new());
    for row in wanted {
        let candidates = untreated.iter().filter(|other| is_free[**other]);
        let mut near: Vec<(f64, usize)> =
            candidates.map(|other| ((scores[*other] - scores[row]).abs(), *other)).collect();
        let found: Vec<(usize, f64)> = match matcher {
            Matcher::Nearest { neighbours, caliper, reuse } => {
                near.retain(|(distance, _)| caliper.is_none_or(|caliper| *distance <= caliper));
                near.sort_by(|left, right| left.0.total_cmp(&right.0).then(left.1.cmp(&right.1)));
                near.truncate(neighbours);
                if reuse == Reuse::WithoutReplacement {
                    near.iter().for_each(|(_, other)| is_free[*other] = false);
                }
                near.iter().map(|(_, other)| (*other, 1.0)).collect()
            }
            Matcher::Radius { radius } => {
                near.retain(|(distance, _)| *distance <= radius);
                near.iter().map(|(_, other)| (*other, 1.0)).collect()
            }
            Matcher::Kernel { bandwidth } => {
                near.retain(|(distance, _)| *distance < bandwidth);
                let kernel = |distance: f64| (1.0 - distance / bandwidth) * (1.0 + distance / bandwidth);
                near.iter().map(|(distance, other)| (*other, kernel(*distance))).collect()
            }
        };
        if found.is_empty() {
            unmatched.push(row);
            continue;
        }
        let total = twofold::sum(found.iter().map(|(_, share)| *share)).value();
        neighbours.push((row, found.into_iter().map(|(other, share)| (other, share / total)).collect::<Vec<_>>()));
    }
    if neighbours.is_empty() {
        let (off_support, alone) = (off_support.len(), unmatched.len());
        return Err(SensitivityError::NothingMatched { off_support, alone }.into());
    }
    neighbours.sort_by_key(|(row, _)| *row);
    unmatched.sort_unstable();
    let mut weights = vec![0.0; treated.len()];
    for (row, shares) in &neighbours {
        weights[*row] = 1.0;
        shares.iter().for_each(|(other, share)| weights[*other] += share);
    }
    Ok(Matched { weights, neighbours, off_support, unmatched })
}

fn check(treated: &[bool], scores: &[f64], matcher: Matcher) -> Result<(), SensitivityError> {
    if scores.len() != treated.len() {
        return Err(SensitivityError::Rows { what: "scores", found: scores.len(), rows: treated.len() });
    }
    if let Some(position) = scores.iter().position(|score| !(0.0..=1.0).contains(score)) {
        return Err(SensitivityError::NotFinite { what: "score", position: position + 1, value: scores[position] });
    }
    balance::both_groups(treated)?;
    let positive = |option: &'static str, value: f64| {
        let reason = "it should be positive";
        match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(SensitivityError::Option { option, value: value.to_string(), reason }),
        }
    };
    match matcher {
        Matcher::Nearest { neighbours, caliper, .. } => {
            positive("neighbours", neighbours as f64)?;
            caliper.map_or(Ok(()), |caliper| positive("caliper", caliper))
        }
        Matcher::Radius { radius } => positive("radius", radius),
        Matcher::Kernel { bandwidth } => positive("bandwidth", bandwidth),
    }
}

#[cfg(test)]
mod tests;
