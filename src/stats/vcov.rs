//! The variance of least-squares estimates: of one variance, robust to heteroskedasticity, clustered one-way or two-way.
//! Knows the transformed regression (weights and fixed effects are in the columns), not the scale of the report.
//!
//! V = B M B with B = (X'X)⁻¹ and M the sum over clusters of s s', s being a cluster's sum of xₑ (Cameron & Miller 2015,
//! eq. 11); with rows as clusters it is HC1. Two-way: V₁ + V₂ - V₁₂ (Cameron, Gelbach & Miller 2011).
//!
//! Small-sample factors are those of `fixest` (`ssc(adj = TRUE, fixef.K = "nested", cluster.adj = TRUE, cluster.df = "min")`):
//!
//! | variance | factor | df of t |
//! |---|---|---|
//! | iid | σ² = SSR/(n-K) | n-K |
//! | hetero | n/(n-K) | n-K |
//! | clustered | (n-1)/(n-K*) · G/(G-1) | G-1 |
//!
//! K counts coefficients and the levels of fixed effects, one less for each effect after the first. K* leaves out the
//! effects nested in a cluster, all but one level each. G is the smaller number of clusters of the two. Without
//! correction the factors are 1 and σ² is SSR/(n-1), as there.

use crate::design::{CheckedVcov, Design, Group, SmallSample};
use crate::eigen;
use crate::solve::{self, Matrix};
use crate::twofold::{self, Twofold};

pub(crate) struct Variance {
    pub(crate) matrix: Matrix,
    pub(crate) label: String,
    pub(crate) n_clusters: Option<usize>,
    pub(crate) df_t: f64,
}

/// The variance in the units of `columns`, which are those of the estimated coefficients.
pub(crate) fn variance(design: &Design, bread: &Matrix, columns: Vec<Vec<f64>>, residuals: &[f64]) -> Variance {
    let n_obs = design.n_obs() as f64;
    let n_coefficients = columns.len();
    let free = n_obs - (n_coefficients + absorbed(design)) as f64;
    let corrected = design.small_sample == SmallSample::Fixest;
    if let CheckedVcov::Iid = design.vcov {
        let divisor = if corrected { free } else { n_obs - 1.0 };
        let error_variance = twofold::dot(residuals, residuals).value() / divisor;
        let matrix = scaled(bread.clone(), error_variance);
        return Variance { matrix, label: "iid".to_string(), n_clusters: None, df_t: free };
    }
    let scores = scores(columns, residuals);
    let (meat, groups) = match &design.vcov {
        CheckedVcov::Iid => unreachable!("handled above"),
        CheckedVcov::Hetero => {
            let factor = if corrected { n_obs / free } else { 1.0 };
            let matrix = scaled(solve::sandwich(bread, &outer_products(&scores)), factor);
            return Variance { matrix, label: "hetero".to_string(), n_clusters: None, df_t: free };
        }
        CheckedVcov::OneWay(cluster) => (cluster_meat(&scores, cluster), std::slice::from_ref(cluster)),
        CheckedVcov::TwoWay(clusters) => {
            let [first, second, both] = clusters.as_ref();
            let mut meat = cluster_meat(&scores, first);
            add(&mut meat, &cluster_meat(&scores, second), 1.0);
            add(&mut meat, &cluster_meat(&scores, both), -1.0);
            (meat, &clusters[..2])
        }
    };
    let n_clusters = groups.iter().map(|group| group.levels).min().expect("a clustering has a column");
    let free_of_nested = n_obs - (n_coefficients + absorbed_beside(design, groups)) as f64;
    let clusters = n_clusters as f64;
    let factor = if corrected { (n_obs - 1.0) / free_of_nested * (clusters / (clusters - 1.0)) } else { 1.0 };
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    Variance {
        matrix: scaled(solve::sandwich(bread, &meat), factor),
        label: format!("cluster({})", names.join(", ")),
        n_clusters: Some(n_clusters),
        df_t: clusters - 1.0,
    }
}

/// Parameters that are absorbed: every level, less one for each effect after the first, and every slope.
pub(crate) fn absorbed(design: &Design) -> usize {
    means(&design.effects) + slopes(design)
}

/// The same without the effects nested in a cluster, of which one level each remains. Slopes count always, as in `fixest`.
fn absorbed_beside(design: &Design, clusters: &[Group]) -> usize {
    means_beside(&design.effects, clusters) + slopes(design)
}

fn slopes(design: &Design) -> usize {
    design.slopes.iter().map(|slopes| slopes.group.levels * slopes.variables.len()).sum()
}

fn means(effects: &[Group]) -> usize {
    effects.iter().map(|effect| effect.levels).sum::<usize>() - effects.len().saturating_sub(1)
}

fn means_beside(effects: &[Group], clusters: &[Group]) -> usize {
    let is_nested = |effect: &&Group| clusters.iter().any(|cluster| nested(effect, cluster));
    means(effects) - effects.iter().filter(is_nested).map(|effect| effect.levels - 1).sum::<usize>()
}

/// Whether every level of `effect` lies in one cluster.
fn nested(effect: &Group, cluster: &Group) -> bool {
    let mut clusters: Vec<Option<u32>> = vec![None; effect.levels];
    effect
        .codes
        .iter()
        .zip(&cluster.codes)
        .all(|(level, cluster)| *clusters[*level as usize].get_or_insert(*cluster) == *cluster)
}

/// A two-way variance need not be positive: where a diagonal entry is not, the negative eigenvalues become 0
/// (Cameron, Gelbach & Miller 2011, §2.3). The text, which may be empty, goes to the label.
pub(crate) fn repaired(matrix: Matrix) -> (Matrix, &'static str) {
    if matrix.iter().enumerate().all(|(index, row)| row[index] >= 0.0) {
        return (matrix, "");
    }
    let eigen = eigen::symmetric(&matrix);
    let mut positive = vec![vec![0.0; matrix.len()]; matrix.len()];
    for (value, vector) in eigen.values.iter().zip(&eigen.vectors).filter(|(value, _)| **value > 0.0) {
        for (row, left) in positive.iter_mut().zip(vector) {
            row.iter_mut().zip(vector).for_each(|(entry, right)| *entry += value * left * right);
        }
    }
    (positive, ", negative eigenvalues set to 0")
}

fn scores(mut columns: Vec<Vec<f64>>, residuals: &[f64]) -> Vec<Vec<f64>> {
    for column in &mut columns {
        column.iter_mut().zip(residuals).for_each(|(value, residual)| *value *= residual);
    }
    columns
}

fn cluster_meat(scores: &[Vec<f64>], cluster: &Group) -> Matrix {
    let sums: Vec<Vec<f64>> = scores
        .iter()
        .map(|scores| {
            let mut sums = vec![Twofold::default(); cluster.levels];
            for (code, score) in cluster.codes.iter().zip(scores) {
                sums[*code as usize] = sums[*code as usize].plus(*score);
            }
            sums.into_iter().map(Twofold::value).collect()
        })
        .collect();
    outer_products(&sums)
}

fn outer_products(columns: &[Vec<f64>]) -> Matrix {
    columns.iter().map(|left| columns.iter().map(|right| twofold::dot(left, right).value()).collect()).collect()
}

fn add(matrix: &mut Matrix, other: &Matrix, sign: f64) {
    for (row, other) in matrix.iter_mut().zip(other) {
        row.iter_mut().zip(other).for_each(|(value, other)| *value += sign * other);
    }
}

fn scaled(mut matrix: Matrix, factor: f64) -> Matrix {
    matrix.iter_mut().flatten().for_each(|value| *value *= factor);
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(codes: &[u32]) -> Group {
        let levels = codes.iter().max().map_or(0, |code| *code as usize + 1);
        Group { name: "g".to_string(), codes: codes.to_vec(), levels }
    }

    #[test]
    fn parameters_of_nested_effects_do_not_count() {
        let (unit, time) = (group(&[0, 0, 1, 1, 2, 2]), group(&[0, 1, 0, 1, 0, 1]));
        let region = group(&[0, 0, 0, 0, 1, 1]);
        for (effects, clusters, all, beside) in [
            (vec![], vec![unit.clone()], 0, 0),
            (vec![unit.clone()], vec![unit.clone()], 3, 1),
            (vec![unit.clone(), time.clone()], vec![unit.clone()], 4, 2),
            (vec![unit.clone(), time.clone()], vec![region.clone()], 4, 2),
            (vec![region.clone(), time.clone()], vec![unit.clone()], 3, 3),
            (vec![unit.clone(), time.clone()], vec![unit.clone(), time.clone()], 4, 1),
        ] {
            assert_eq!((means(&effects), means_beside(&effects, &clusters)), (all, beside));
        }
    }

    #[test]
    fn a_variance_is_made_positive_and_says_so() {
        let good = vec![vec![1.0, 2.0], vec![2.0, 1.0]];
        assert_eq!(repaired(good.clone()), (good, ""), "a positive diagonal stays");
        // Eigenvalues 1 and -0.5.
        let (matrix, label) = repaired(vec![vec![-0.5, 0.0], vec![0.0, 1.0]]);
        assert_eq!((matrix, label), (vec![vec![0.0, 0.0], vec![0.0, 1.0]], ", negative eigenvalues set to 0"));
    }
}
