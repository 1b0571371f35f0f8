//! The variance of estimates: of one variance, robust to heteroskedasticity, to correlation within clusters, over time,
//! over space. Knows the transformed regression (weights and fixed effects are in the columns), not the scale of the report.
//!
//! V = B M B with B = (X'X)⁻¹ and M the sum over clusters of s s', s being a cluster's sum of xₑ (Cameron & Miller 2015,
//! eq. 11); with rows as clusters it is HC1. Two-way: V₁ + V₂ - V₁₂ (Cameron, Gelbach & Miller 2011). Corrections by
//! leverage are in `leverage`, over time in `serial`, over space in `spatial`.
//!
//! | variance | factor | df of t |
//! |---|---|---|
//! | iid | σ² = SSR/(n-K) | n-K |
//! | hetero | n/(n-K) | n-K |
//! | clustered | (n-1)/(n-K*) · G/(G-1) | G-1 |
//! | HC2, HC3 | 1 (MacKinnon & White 1985) | n-K |
//! | CR2; CR3 | 1 (Bell & McCaffrey 2002); (G-1)/G (MacKinnon, Nielsen & Webb 2023) | G-1 |
//! | Newey–West, Driscoll–Kraay | (n-1)/(n-K) · T/(T-1), as `pyfixest` | T-1 |
//! | Conley | (n-1)/(n-K) | n-K |
//!
//! K counts coefficients and the levels of fixed effects, one less for each effect after the first. K* leaves out the
//! effects nested in a cluster, all but one level each. G is the smaller number of clusters of the two. This is what
//! [`SmallSample::Fixest`] does; the other rules change K*, G or leave the factors out, σ² being SSR/(n-1) then.

pub(crate) mod leverage;
mod serial;
mod spatial;

use crate::design::{CheckedVcov, CountedEffects, Design, Group, Rules};
use crate::eigen;
use crate::error::StatsError;
use crate::solve::{self, Matrix};
use crate::threads;
use crate::twofold::{self, Twofold};
use crate::within;

pub(crate) struct Variance {
    pub(crate) matrix: Matrix,
    pub(crate) label: String,
    pub(crate) n_clusters: Option<usize>,
    pub(crate) df_t: f64,
    /// Columns whose scores add up to 0 in every cluster.
    unseen: Vec<usize>,
}

impl Variance {
    /// Which standard errors are 0 because clusters do not show how the estimates vary, as those of one treated and one
    /// untreated cluster; may be empty. For the label.
    pub(crate) fn note(&self, terms: &[String]) -> String {
        if self.unseen.is_empty() {
            return String::new();
        }
        let names: Vec<String> = self.unseen.iter().map(|position| terms[*position].clone()).collect();
        format!(", too few clusters to see the variance of {}: the scores of each add up to 0", within::listed(&names))
    }
}

/// A variance that is this share or less of the one between rows is nothing but rounding, which is some 10⁻³² of it.
const UNSEEN: f64 = 1e-20;

/// A regression whose variance is wanted; weights and fixed effects are in its columns.
pub(crate) struct Linear<'a> {
    /// (X'X)⁻¹.
    pub(crate) bread: &'a Matrix,
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) residuals: &'a [f64],
    pub(crate) means: Means,
}

/// How the regression came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    LeastSquares,
    /// The columns are fitted values of a first stage; leverages are not defined.
    Instruments,
    /// The last step of reweighting: the inverse Hessian is the variance, and leverages are not defined.
    Likelihood,
}

/// The variance in the units of the columns, which are those of the estimated coefficients.
pub(crate) fn variance(design: &Design, linear: Linear) -> Result<Variance, StatsError> {
    let Linear { bread, columns, residuals, means } = linear;
    let n_obs = design.n_obs() as f64;
    let n_coefficients = columns.len();
    let rules = design.small_sample.rules();
    let free = n_obs - (n_coefficients + counted(design, &[], rules)) as f64;
    let plain = |matrix: Matrix, label: String, df_t: f64| Variance {
        matrix,
        label,
        n_clusters: None,
        df_t,
        unseen: Vec::new(),
    };
    let by_leverage = |label: &str| match means {
        Means::LeastSquares => Ok(()),
        Means::Instruments | Means::Likelihood => Err(StatsError::NoLeverage { vcov: label.to_string() }),
    };
    let without_clusters = if rules.adjust { (n_obs - 1.0) / free } else { 1.0 };
    Ok(match &design.vcov {
        CheckedVcov::Iid if means == Means::Likelihood => {
            plain(scaled(bread.clone(), without_clusters), "iid".to_string(), free)
        }
        CheckedVcov::Iid => {
            let divisor = if rules.adjust { free } else { n_obs - 1.0 };
            let error_variance = twofold::dot(residuals, residuals).value() / divisor;
            plain(scaled(bread.clone(), error_variance), "iid".to_string(), free)
        }
        CheckedVcov::Hetero => {
            let factor = if rules.adjust { n_obs / free } else { 1.0 };
            let meat = outer_products(&scores(columns, residuals));
            plain(scaled(solve::sandwich(bread, &meat), factor), "hetero".to_string(), free)
        }
        CheckedVcov::Hc2 | CheckedVcov::Hc3 => {
            let squared = matches!(design.vcov, CheckedVcov::Hc3);
            let label = if squared { "hc3" } else { "hc2" };
            by_leverage(label)?;
            let residuals = leverage::inflated(design, bread, &columns, residuals, squared)?;
            let meat = outer_products(&scores(columns, &residuals));
            plain(solve::sandwich(bread, &meat), label.to_string(), free)
        }
        CheckedVcov::Cr2(cluster) => {
            by_leverage("cr2")?;
            let meat = leverage::cr2_meat(design, &columns, residuals, cluster)?;
            clustered(solve::sandwich(bread, &meat), "cr2", cluster)
        }
        CheckedVcov::Cr3(cluster) => {
            by_leverage("cr3")?;
            let clusters = cluster.levels as f64;
            let changes = leverage::leave_one_out(design, &columns, residuals, cluster)?;
            clustered(scaled(outer_products(&changes), (clusters - 1.0) / clusters), "cr3", cluster)
        }
        CheckedVcov::NeweyWest(series) => {
            let meat = serial::newey_west(&scores(columns, residuals), series);
            let label = format!("newey_west({})", series.lags);
            plain(
                scaled(solve::sandwich(bread, &meat), over_time(without_clusters, series, rules)),
                label,
                periods(series) - 1.0,
            )
        }
        CheckedVcov::DriscollKraay(series) => {
            let meat = serial::driscoll_kraay(&scores(columns, residuals), series);
            let label = format!("driscoll_kraay({})", series.lags);
            plain(
                scaled(solve::sandwich(bread, &meat), over_time(without_clusters, series, rules)),
                label,
                periods(series) - 1.0,
            )
        }
        CheckedVcov::Conley(places) => {
            let meat = spatial::conley(&scores(columns, residuals), places);
            plain(scaled(solve::sandwich(bread, &meat), without_clusters), places.label.clone(), free)
        }
        CheckedVcov::OneWay(cluster) => {
            let scores = scores(columns, residuals);
            let matrix = solve::sandwich(bread, &cluster_meat(&scores, cluster));
            let unseen = unseen(bread, &scores, &matrix);
            let groups = std::slice::from_ref(cluster);
            let factor = cluster_factor(design, n_coefficients, groups, cluster.levels);
            Variance { unseen, ..clustered(scaled(matrix, factor), "cluster", cluster) }
        }
        CheckedVcov::TwoWay(clusters) => {
            let scores = scores(columns, residuals);
            let groups = &clusters[..2];
            let smallest = groups.iter().map(|group| group.levels).min().expect("there are two");
            let mut meat = vec![vec![0.0; n_coefficients]; n_coefficients];
            for (cluster, sign) in clusters.iter().zip([1.0, 1.0, -1.0]) {
                let counted = if rules.smallest_clusters { smallest } else { cluster.levels };
                let factor = cluster_factor(design, n_coefficients, groups, counted);
                add(&mut meat, &cluster_meat(&scores, cluster), sign * factor);
            }
            let matrix = solve::sandwich(bread, &meat);
            Variance {
                unseen: unseen(bread, &scores, &matrix),
                matrix,
                label: format!("cluster({}, {})", clusters[0].name, clusters[1].name),
                n_clusters: Some(smallest),
                df_t: smallest as f64 - 1.0,
            }
        }
    })
}

/// Σ s s' of scores, summed as the variance of the design asks, without factors.
pub(crate) fn meat(design: &Design, scores: Vec<Vec<f64>>) -> Result<Matrix, StatsError> {
    Ok(match &design.vcov {
        CheckedVcov::Iid | CheckedVcov::Hetero => outer_products(&scores),
        CheckedVcov::OneWay(cluster) => cluster_meat(&scores, cluster),
        CheckedVcov::TwoWay(clusters) => {
            let mut meat = cluster_meat(&scores, &clusters[0]);
            add(&mut meat, &cluster_meat(&scores, &clusters[1]), 1.0);
            add(&mut meat, &cluster_meat(&scores, &clusters[2]), -1.0);
            meat
        }
        CheckedVcov::NeweyWest(series) => serial::newey_west(&scores, series),
        CheckedVcov::DriscollKraay(series) => serial::driscoll_kraay(&scores, series),
        CheckedVcov::Conley(places) => spatial::conley(&scores, places),
        CheckedVcov::Hc2 | CheckedVcov::Hc3 | CheckedVcov::Cr2(_) | CheckedVcov::Cr3(_) => {
            return Err(StatsError::NoLeverage { vcov: "corrected by leverage".to_string() });
        }
    })
}

/// The number of clusters, of the clustering with fewer, and the absorbed parameters that count beside it.
pub(crate) fn clusters_and_counted(design: &Design) -> (Option<usize>, usize) {
    let groups: &[Group] = match &design.vcov {
        CheckedVcov::OneWay(cluster) | CheckedVcov::Cr2(cluster) | CheckedVcov::Cr3(cluster) => {
            std::slice::from_ref(cluster)
        }
        CheckedVcov::TwoWay(clusters) => &clusters[..2],
        _ => &[],
    };
    let clusters = groups.iter().map(|group| group.levels).min();
    (clusters, counted(design, groups, design.small_sample.rules()))
}

fn clustered(matrix: Matrix, name: &str, cluster: &Group) -> Variance {
    let label = format!("{name}({})", cluster.name);
    let df_t = cluster.levels as f64 - 1.0;
    Variance { matrix, label, n_clusters: Some(cluster.levels), df_t, unseen: Vec::new() }
}

/// (n-1)/(n-K*) · G/(G-1) with `levels` as G, as far as the rules ask for it.
pub(crate) fn cluster_factor(design: &Design, n_coefficients: usize, clusters: &[Group], levels: usize) -> f64 {
    let rules = design.small_sample.rules();
    let (n_obs, levels) = (design.n_obs() as f64, levels as f64);
    let free = n_obs - (n_coefficients + counted(design, clusters, rules)) as f64;
    let of_rows = if rules.adjust { (n_obs - 1.0) / free } else { 1.0 };
    if rules.cluster { of_rows * (levels / (levels - 1.0)) } else { of_rows }
}

fn over_time(factor: f64, series: &crate::design::Series, rules: Rules) -> f64 {
    let periods = periods(series);
    if rules.cluster { factor * (periods / (periods - 1.0)) } else { factor }
}

fn periods(series: &crate::design::Series) -> f64 {
    series.periods.levels as f64
}

/// The absorbed parameters that the rules count.
fn counted(design: &Design, clusters: &[Group], rules: Rules) -> usize {
    match rules.effects {
        CountedEffects::None => 0,
        CountedEffects::All => absorbed(design),
        CountedEffects::NotNested => absorbed_beside(design, clusters),
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
pub(crate) fn nested(effect: &Group, cluster: &Group) -> bool {
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

/// Each regressor times the residual.
fn scores(mut columns: Vec<Vec<f64>>, residuals: &[f64]) -> Vec<Vec<f64>> {
    for column in &mut columns {
        column.iter_mut().zip(residuals).for_each(|(value, residual)| *value *= residual);
    }
    columns
}

/// Coefficients whose variance is 0 although their rows have scores.
fn unseen(bread: &Matrix, scores: &[Vec<f64>], variance: &Matrix) -> Vec<usize> {
    let squares = threads::each(scores.iter().collect(), scores.len() * scores.first().map_or(0, Vec::len), |scores| {
        twofold::square(scores)
    });
    let between_rows =
        |bread: &Vec<f64>| -> f64 { bread.iter().zip(&squares).map(|(entry, square)| entry * entry * square).sum() };
    let is_unseen = |index: &usize| {
        let between_rows = between_rows(&bread[*index]);
        between_rows > 0.0 && variance[*index][*index].abs() <= UNSEEN * between_rows
    };
    (0..variance.len()).filter(is_unseen).collect()
}

/// The sums of each level, one column per score.
pub(crate) fn cluster_sums(scores: &[Vec<f64>], cluster: &Group) -> Vec<Vec<f64>> {
    let sums = |scores: &Vec<f64>| {
        let sums = twofold::sums_by(&cluster.codes, scores.iter().copied(), cluster.levels);
        sums.into_iter().map(Twofold::value).collect()
    };
    threads::each(scores.iter().collect(), scores.len() * cluster.codes.len(), sums)
}

fn cluster_meat(scores: &[Vec<f64>], cluster: &Group) -> Matrix {
    outer_products(&cluster_sums(scores, cluster))
}

fn outer_products(columns: &[Vec<f64>]) -> Matrix {
    let product = |(row, left): (usize, &Vec<f64>)| -> Vec<f64> {
        columns[..=row].iter().map(|right| twofold::dot(left, right).value()).collect()
    };
    // The products are exact before they are added up, so that the other half is the same.
    let half: Matrix = columns.iter().enumerate().map(product).collect();
    let size = half.len();
    (0..size).map(|row| (0..size).map(|column| half[row.max(column)][row.min(column)]).collect()).collect()
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
