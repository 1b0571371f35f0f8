//! Estimates and their variance as coefficients with t statistics, p-values and intervals.

use crate::estimator::Coefficient;
use crate::solve::Matrix;
use crate::{student, tails};

/// `level` is that of the intervals, `df_t` the degrees of freedom of t; without an end it is the normal distribution.
pub(crate) fn coefficients(
    terms: Vec<String>,
    estimates: &[f64],
    variance: &Matrix,
    df_t: f64,
    level: f64,
) -> Vec<Coefficient> {
    let is_normal = df_t.is_infinite();
    let quantile = match is_normal {
        true => tails::normal_quantile(1.0 - level),
        false => student::two_sided_quantile(1.0 - level, df_t),
    };
    terms
        .into_iter()
        .zip(estimates)
        .enumerate()
        .map(|(index, (term, &estimate))| {
            let std_error = variance[index][index].sqrt();
            let statistic = estimate / std_error;
            Coefficient {
                term,
                estimate,
                std_error,
                statistic,
                p_value: match is_normal {
                    true => tails::normal_two_sided(statistic),
                    false => student::two_sided(statistic, df_t),
                },
                conf_low: estimate - quantile * std_error,
                conf_high: estimate + quantile * std_error,
            }
        })
        .collect()
}
