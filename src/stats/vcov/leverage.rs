//! Leverages with absorbed fixed effects, and what depends on them: HC2, HC3, CR2, and the estimates without each cluster.
//!
//! The regressors that are left are orthogonal to every dummy. So the hat matrix is the sum of three: that of effects
//! which are eliminated by their means alone (those nested in the cluster; for rows as clusters the largest), that of the
//! dummies of the other effects freed of the eliminated ones, and that of the regressors. Effects nested in the cluster
//! drop out of a cluster's own correction (Pustejovsky & Tipton 2018, theorem 2). Weights are in the columns: leverages
//! are those of the weighted regression, with a working variance of 1 there.

use crate::demean::{self, Absorber};
use crate::design::{Design, Group};
use crate::eigen;
use crate::error::StatsError;
use crate::prepare;
use crate::solve::{self, Factor, Matrix};
use crate::twofold;

/// The products of all pairs of dummies are made: this many multiplications take some seconds.
const WORK: usize = 2_000_000_000;

/// A share of a row or direction that its own cluster explains fully has a residual of 0, whatever it is divided by.
pub(crate) const FULL: f64 = 1e-10;

/// Residuals divided by √(1 - h), or by 1 - h where `squared`.
pub(super) fn inflated(
    design: &Design,
    bread: &Matrix,
    columns: &[Vec<f64>],
    residuals: &[f64],
    squared: bool,
) -> Result<Vec<f64>, StatsError> {
    let leverages = leverages(design, bread, columns)?;
    let divided = |(residual, leverage): (&f64, &f64)| match 1.0 - leverage {
        rest if rest < FULL => 0.0,
        rest if squared => residual / rest,
        rest => residual / rest.sqrt(),
    };
    Ok(residuals.iter().zip(&leverages).map(divided).collect())
}

/// The diagonal of the hat matrix of the regressors and all dummies.
pub(crate) fn leverages(design: &Design, bread: &Matrix, columns: &[Vec<f64>]) -> Result<Vec<f64>, StatsError> {
    let largest = (0..design.effects.len()).max_by_key(|effect| (design.effects[*effect].levels, usize::MAX - effect));
    let eliminated: Vec<Group> = largest.map(|effect| design.effects[effect].clone()).into_iter().collect();
    let dummies = dummies(design, &eliminated)?;
    let mut leverages = vec![0.0; design.n_obs()];
    if let [effect] = eliminated.as_slice() {
        let weight = |row: usize| design.weights.as_ref().map_or(1.0, |weights| weights[row]);
        let mut masses = vec![twofold::Twofold::default(); effect.levels];
        for (row, code) in effect.codes.iter().enumerate() {
            masses[*code as usize] = masses[*code as usize].plus(weight(row));
        }
        for (row, code) in effect.codes.iter().enumerate() {
            leverages[row] = weight(row) / masses[*code as usize].value();
        }
    }
    let solved = solve::least_squares(&dummies, &vec![0.0; design.n_obs()]);
    let dropped: Vec<usize> = solved.dropped.iter().map(|(position, _)| *position).collect();
    let kept = (0..dummies.len()).filter(|column| !dropped.contains(column)).map(|column| dummies[column].as_slice());
    add_leverages(&mut leverages, &kept.collect::<Vec<_>>(), &solved.inverse);
    add_leverages(&mut leverages, &columns.iter().map(Vec::as_slice).collect::<Vec<_>>(), bread);
    Ok(leverages)
}

/// leverages += diagonal of X (X'X)⁻¹ X'.
fn add_leverages(leverages: &mut [f64], columns: &[&[f64]], inverse: &Matrix) {
    for (row, leverage) in leverages.iter_mut().enumerate() {
        for (left, entries) in columns.iter().zip(inverse) {
            let half: f64 = columns.iter().zip(entries).map(|(right, entry)| right[row] * entry).sum();
            *leverage += left[row] * half;
        }
    }
}

/// Estimates without each cluster less the estimates with all: a column per coefficient.
pub(crate) fn leave_one_out(
    design: &Design,
    columns: &[Vec<f64>],
    residuals: &[f64],
    cluster: &Group,
) -> Result<Vec<Vec<f64>>, StatsError> {
    let parts = Parts::new(design, columns, residuals, cluster)?;
    let mut changes = vec![vec![0.0; cluster.levels]; columns.len()];
    for level in 0..cluster.levels {
        let mut gram = parts.gram.clone();
        for (entries, own) in gram.iter_mut().zip(&parts.grams[level]) {
            entries.iter_mut().zip(own).for_each(|(entry, own)| *entry -= own);
        }
        // What only this cluster has leaves rounding errors behind, relative to what was there.
        let factor = Factor::new(&gram, &diagonal(&parts.gram));
        if (parts.n_dummies..gram.len()).any(|column| !factor.keeps(column)) {
            return Err(StatsError::ClusterDecides { cluster: level + 1, column: cluster.name.clone() });
        }
        let change = factor.solve(&parts.scores[level]);
        for (changes, change) in changes.iter_mut().zip(&change[parts.n_dummies..]) {
            changes[level] = -change;
        }
    }
    Ok(changes)
}

/// Σ over clusters of v v' with v = X_g' (I - H_gg)^(-½) u_g.
pub(super) fn cr2_meat(
    design: &Design,
    columns: &[Vec<f64>],
    residuals: &[f64],
    cluster: &Group,
) -> Result<Matrix, StatsError> {
    let parts = Parts::new(design, columns, residuals, cluster)?;
    let factor = Factor::new(&parts.gram, &diagonal(&parts.gram));
    let mut adjusted = vec![vec![0.0; cluster.levels]; columns.len()];
    for level in 0..cluster.levels {
        // With X'X = RR', the cluster's hat matrix has the eigenvalues of R⁻¹ X_g'X_g R⁻ᵀ; X_g'(I - H)^(-½)u is
        // R (q + Σ ((1 - m)^(-½) - 1)(v'q) v) with q = R⁻¹ X_g'u.
        let half: Matrix = parts.grams[level].iter().map(|row| factor.forwards(row)).collect();
        let transposed: Matrix =
            (0..half[0].len()).map(|row| half.iter().map(|entries| entries[row]).collect()).collect();
        let inner: Matrix = transposed.iter().map(|row| factor.forwards(row)).collect();
        let eigen = eigen::symmetric(&inner);
        let scores = factor.forwards(&parts.scores[level]);
        let mut sum = scores.clone();
        for (value, vector) in eigen.values.iter().zip(&eigen.vectors) {
            let rest = 1.0 - value;
            let share = if rest < FULL { -1.0 } else { 1.0 / rest.sqrt() - 1.0 };
            let along = twofold::dot(vector, &scores).value();
            sum.iter_mut().zip(vector).for_each(|(sum, entry)| *sum += share * along * entry);
        }
        let result = factor.times(&sum);
        for (adjusted, value) in adjusted.iter_mut().zip(&result[parts.n_dummies..]) {
            adjusted[level] = *value;
        }
    }
    Ok(super::outer_products(&adjusted))
}

/// The products of the dummies that are left and of the regressors, in all and by cluster.
struct Parts {
    n_dummies: usize,
    gram: Matrix,
    grams: Vec<Matrix>,
    scores: Vec<Vec<f64>>,
}

impl Parts {
    fn new(design: &Design, columns: &[Vec<f64>], residuals: &[f64], cluster: &Group) -> Result<Parts, StatsError> {
        let nested = |effect: &&Group| super::nested(effect, cluster);
        let eliminated: Vec<Group> = design.effects.iter().filter(nested).cloned().collect();
        let dummies = dummies(design, &eliminated)?;
        let n_dummies = dummies.len();
        let all: Vec<&[f64]> = dummies.iter().chain(columns).map(Vec::as_slice).collect();
        let size = all.len();
        let by_cluster = |left: &[f64], right: &[f64]| -> Vec<f64> {
            let products: Vec<f64> = left.iter().zip(right).map(|(left, right)| left * right).collect();
            super::cluster_sums(&[products], cluster).remove(0)
        };
        let mut grams = vec![vec![vec![0.0; size]; size]; cluster.levels];
        let mut scores = vec![vec![0.0; size]; cluster.levels];
        let mut gram = vec![vec![0.0; size]; size];
        for (row, left) in all.iter().enumerate() {
            for (column, right) in all.iter().enumerate().take(row + 1) {
                for (level, product) in by_cluster(left, right).into_iter().enumerate() {
                    grams[level][row][column] = product;
                    grams[level][column][row] = product;
                }
                let product = twofold::dot(left, right).value();
                gram[row][column] = product;
                gram[column][row] = product;
            }
            for (level, product) in by_cluster(left, residuals).into_iter().enumerate() {
                scores[level][row] = product;
            }
        }
        Ok(Parts { n_dummies, gram, grams, scores })
    }
}

/// Dummies of the effects that are not eliminated, freed of those that are and weighted.
pub(crate) fn dummies(design: &Design, eliminated: &[Group]) -> Result<Vec<Vec<f64>>, StatsError> {
    if let Some(slopes) = design.slopes.first() {
        let what = "variances with leverages";
        return Err(StatsError::SlopesUnsupported { effect: slopes.name.clone(), what });
    }
    let is_left = |effect: &&Group| !eliminated.iter().any(|other| other.name == effect.name);
    let left: Vec<&Group> = design.effects.iter().filter(is_left).collect();
    let levels: usize = left.iter().map(|effect| effect.levels).sum();
    let rows = design.n_obs();
    let limit = ((WORK / rows.max(1)) as f64).sqrt() as usize;
    if levels > limit {
        let effects = left.iter().map(|effect| effect.name.clone()).collect();
        return Err(StatsError::TooManyLevels { levels, effects, limit, rows });
    }
    let mut dummies: Vec<Vec<f64>> = Vec::new();
    let mut holds_a_constant = !eliminated.is_empty();
    for effect in left {
        for level in usize::from(holds_a_constant)..effect.levels {
            dummies.push(effect.codes.iter().map(|code| f64::from(u8::from(*code as usize == level))).collect());
        }
        holds_a_constant = true;
    }
    let absorber = Absorber::new(eliminated, &[], design.weights.as_deref(), demean::LIMIT);
    let mut columns: Vec<(&str, &mut [f64])> =
        dummies.iter_mut().map(|dummy| ("a dummy of the fixed effects", dummy.as_mut_slice())).collect();
    absorber.absorb_all(&mut columns)?;
    if let Some(roots) = prepare::roots(design) {
        for dummy in &mut dummies {
            dummy.iter_mut().zip(&roots).for_each(|(value, root)| *value *= root);
        }
    }
    Ok(dummies)
}

fn diagonal(matrix: &Matrix) -> Vec<f64> {
    matrix.iter().enumerate().map(|(index, row)| row[index]).collect()
}
