//! What is known of instruments: first stages, tests of identification, of strength and of exogeneity. Knows the columns of
//! both stages, freed of fixed effects and weighted; knows no formula.
//!
//! | question | iid | otherwise |
//! |---|---|---|
//! | is the model identified? | Anderson's canonical correlations LM | Kleibergen & Paap (2006) rk LM |
//! | are the instruments strong? | Cragg & Donald (1993) F | Kleibergen & Paap rk Wald F |
//! | what if they are weak? | Anderson & Rubin (1949) Wald test and confidence set | the same, robust |
//! | do the instruments agree? | Sargan (1958) | Hansen's J at the two-step GMM estimate |
//! | is x endogenous at all? | Wu–Hausman F | the same regression, robust |
//!
//! Statistics follow Stata's `ivreg2` (Baum, Schaffer & Stillman 2007): chi-squares without a factor; F statistics times
//! (n - L)/n, with clusters (n - L)/(n - 1) · (G - 1)/G, over the number of excluded instruments, where L counts
//! exogenous regressors, instruments and absorbed parameters.

use crate::design::{CheckedVcov, Design};
use crate::eigen;
use crate::error::StatsError;
use crate::estimator::Coefficient;
use crate::inference;
use crate::prepare::{self, Units};
use crate::solve::{self, Factor, Matrix};
use crate::tails;
use crate::twofold;
use crate::vcov::{self, Linear, Means};
use crate::within::Outcome;

/// What a model with instruments says of them.
#[derive(Clone, Debug)]
pub struct Instruments {
    /// One per endogenous regressor, in the order of the formula.
    pub first_stages: Vec<FirstStage>,
    /// That the instruments do not identify the model.
    pub underidentification: Test,
    /// Against Stock & Yogo's (2005) values: 16.38 for one instrument and a size of at most 10 %.
    pub cragg_donald_f: f64,
    /// `None` with errors of one variance.
    pub kleibergen_paap_f: Option<f64>,
    /// That all endogenous regressors have no effect: valid however weak the instruments are.
    pub anderson_rubin: Test,
    /// The values of the coefficient that this test does not reject at the level of the intervals; `None` with several
    /// endogenous regressors. Intervals from low to high, perhaps none, perhaps without an end.
    pub anderson_rubin_set: Option<Vec<(f64, f64)>>,
    /// That all instruments are exogenous; `None` where there are no more than are needed, or where the clusters are too
    /// few for the number of instruments.
    pub overidentification: Option<Test>,
    /// That the regressors are exogenous.
    pub endogeneity: Test,
}

/// The regression of an endogenous regressor on exogenous regressors and instruments.
#[derive(Clone, Debug)]
pub struct FirstStage {
    pub endogenous: String,
    /// Of the instruments.
    pub coefficients: Vec<Coefficient>,
    /// That no instrument matters, with the variance of the model.
    pub f: Test,
    /// Share of the variance that exogenous regressors leave.
    pub partial_r2: f64,
}

/// A test with its distribution: F where `df_denominator` is there, else chi-square.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    pub name: &'static str,
    pub statistic: f64,
    pub df: usize,
    pub df_denominator: Option<f64>,
    pub p_value: f64,
}

impl Test {
    pub(crate) fn chi_square(name: &'static str, statistic: f64, df: usize) -> Test {
        Test { name, statistic, df, df_denominator: None, p_value: tails::chi_square(statistic, df) }
    }

    pub(crate) fn f(name: &'static str, statistic: f64, df: usize, denominator: f64) -> Test {
        let p_value = tails::f(statistic, df, denominator);
        Test { name, statistic, df, df_denominator: Some(denominator), p_value }
    }
}

/// Both stages of a fitted model.
pub(crate) struct Stages<'a> {
    pub(crate) design: &'a Design,
    pub(crate) outcome: &'a Outcome,
    pub(crate) exogenous: &'a [Vec<f64>],
    pub(crate) instruments: &'a [Vec<f64>],
    pub(crate) instrument_terms: &'a [String],
    pub(crate) instrument_units: &'a [Units],
    pub(crate) endogenous: Vec<&'a [f64]>,
    pub(crate) endogenous_terms: Vec<&'a str>,
    pub(crate) endogenous_units: Vec<Units>,
    /// Of the second stage.
    pub(crate) residuals: &'a [f64],
    /// Of the endogenous regressors, in the units of the columns.
    pub(crate) estimates: &'a [f64],
}

/// Steps in which the ends of a confidence set are looked for, where they have no formula.
const STEPS: i32 = 4000;

pub(crate) fn diagnostics(stages: &Stages) -> Result<Instruments, StatsError> {
    let design = stages.design;
    let z: Vec<Vec<f64>> = stages.instruments.iter().map(|column| without(column, stages.exogenous)).collect();
    let x: Vec<Vec<f64>> = stages.endogenous.iter().map(|column| without(column, stages.exogenous)).collect();
    let y = without(&stages.outcome.values, stages.exogenous);
    let x_left: Vec<Vec<f64>> = x.iter().map(|column| without(column, &z)).collect();
    let y_left = without(&y, &z);
    let scale = Scale::new(stages);
    let first_stages = first_stages(stages, &z, &x, &x_left, &scale)?;
    let rank = Rank::new(&z, &x);
    let smallest = rank.smallest();
    let cragg_donald_f = smallest / (1.0 - smallest) * scale.free / z.len() as f64;
    let df = z.len() - x.len() + 1;
    let (underidentification, kleibergen_paap_f) = if scale.is_iid {
        (Test::chi_square("Anderson LM", design.n_obs() as f64 * smallest, df), None)
    } else {
        let lm = rank.statistic(&covariance(design, &z, &x)?);
        let wald = rank.statistic(&covariance(design, &z, &x_left)?);
        (Test::chi_square("Kleibergen-Paap rk LM", lm, df), Some(wald * scale.of_chi_square / z.len() as f64))
    };
    let reduced = Reduced::new(stages, &z, &y, &x, &y_left, &x_left)?;
    let name = "Anderson-Rubin";
    let anderson_rubin = Test::f(name, reduced.wald(0.0) * scale.of_chi_square / z.len() as f64, z.len(), scale.df);
    let anderson_rubin_set = (x.len() == 1).then(|| {
        let critical = critical_f(1.0 - design.level, z.len(), scale.df) * z.len() as f64 / scale.of_chi_square;
        let units = stages.outcome.units.scale / stages.endogenous_units[0].scale;
        let set = reduced.set(critical, stages.estimates[0]);
        set.into_iter().map(|(low, high)| (low * units, high * units)).collect()
    });
    Ok(Instruments {
        first_stages,
        underidentification,
        cragg_donald_f,
        kleibergen_paap_f,
        anderson_rubin,
        anderson_rubin_set,
        overidentification: overidentification(stages, &z, scale.is_iid)?,
        endogeneity: endogeneity(stages, &x_left)?,
    })
}

/// Degrees of freedom and factors that the tests share.
struct Scale {
    is_iid: bool,
    /// n - L.
    free: f64,
    /// From a chi-square without a factor to one with it.
    of_chi_square: f64,
    /// Of the denominator of F.
    df: f64,
}

impl Scale {
    fn new(stages: &Stages) -> Scale {
        let design = stages.design;
        let n_obs = design.n_obs() as f64;
        let parameters = stages.exogenous.len() + stages.instruments.len();
        let (clusters, counted) = vcov::clusters_and_counted(design);
        let free = n_obs - (parameters + counted) as f64;
        let is_iid = matches!(design.vcov, CheckedVcov::Iid);
        let (of_chi_square, df) = match clusters {
            Some(clusters) => {
                let clusters = clusters as f64;
                (free / (n_obs - 1.0) * ((clusters - 1.0) / clusters), clusters - 1.0)
            }
            None => (free / n_obs, free),
        };
        Scale { is_iid, free, of_chi_square, df }
    }
}

/// The residuals of a column.
fn without(column: &[f64], regressors: &[Vec<f64>]) -> Vec<f64> {
    let solved = solve::least_squares(regressors, column);
    let dropped: Vec<usize> = solved.dropped.iter().map(|(position, _)| *position).collect();
    let kept = (0..regressors.len()).filter(|position| !dropped.contains(position));
    let mut rest = column.to_vec();
    for (position, coefficient) in kept.zip(&solved.solution) {
        rest.iter_mut().zip(&regressors[position]).for_each(|(rest, value)| *rest -= coefficient * value);
    }
    rest
}

/// Σ (v ⊗ z)(v ⊗ z)', summed as the variance of the model asks; z runs faster.
fn covariance(design: &Design, z: &[Vec<f64>], v: &[Vec<f64>]) -> Result<Matrix, StatsError> {
    let scores = v.iter().flat_map(|v| z.iter().map(|z| times(z, v))).collect();
    vcov::meat(design, scores)
}

fn times(left: &[f64], right: &[f64]) -> Vec<f64> {
    left.iter().zip(right).map(|(left, right)| left * right).collect()
}

fn products(left: &[Vec<f64>], right: &[Vec<f64>]) -> Matrix {
    left.iter().map(|left| right.iter().map(|right| twofold::dot(left, right).value()).collect()).collect()
}

/// The first stages, with t and F by the variance of the model.
fn first_stages(
    stages: &Stages,
    z: &[Vec<f64>],
    x: &[Vec<f64>],
    x_left: &[Vec<f64>],
    scale: &Scale,
) -> Result<Vec<FirstStage>, StatsError> {
    let design = stages.design;
    let all: Vec<Vec<f64>> = stages.exogenous.iter().chain(stages.instruments).cloned().collect();
    let mut found = Vec::new();
    for (index, column) in x.iter().enumerate() {
        let solved = solve::least_squares(&all, stages.endogenous[index]);
        let residuals = &x_left[index];
        let linear = Linear { bread: &solved.inverse, columns: all.clone(), residuals, means: Means::LeastSquares };
        let variance = vcov::variance(design, linear)?;
        let first = stages.exogenous.len();
        let part: Matrix = variance.matrix[first..].iter().map(|row| row[first..].to_vec()).collect();
        let statistic = quadratic(&part, &solved.solution[first..]).unwrap_or(f64::NAN) / z.len() as f64;
        let units = stages.endogenous_units[index];
        let estimates =
            prepare::coefficients_in_units(&solved.solution[first..], stages.instrument_units, units, false);
        let matrix = prepare::variance_in_units(part, stages.instrument_units, units, false);
        let terms = stages.instrument_terms.to_vec();
        let left = twofold::dot(residuals, residuals).value() / twofold::dot(column, column).value();
        found.push(FirstStage {
            endogenous: stages.endogenous_terms[index].to_string(),
            coefficients: inference::coefficients(terms, &estimates, &matrix, variance.df_t, design.level),
            f: Test::f("first stage", statistic, z.len(), scale.df),
            partial_r2: 1.0 - left,
        });
    }
    Ok(found)
}

/// v' M⁻¹ v; `None` where M is singular.
fn quadratic(matrix: &Matrix, vector: &[f64]) -> Option<f64> {
    let diagonal: Vec<f64> = matrix.iter().enumerate().map(|(index, row)| row[index]).collect();
    let factor = Factor::new(matrix, &diagonal);
    let is_regular = (0..vector.len()).all(|index| factor.keeps(index));
    is_regular.then(|| {
        let half = factor.forwards(vector);
        twofold::dot(&half, &half).value()
    })
}

/// The canonical correlations of x and z, and the test that the smallest is 0.
struct Rank {
    /// Z'X.
    moments: Matrix,
    z: Factor,
    x: Factor,
    /// R_z⁻¹ Z'X R_x⁻ᵀ, whose singular values are the correlations.
    theta: Matrix,
}

impl Rank {
    fn new(z: &[Vec<f64>], x: &[Vec<f64>]) -> Rank {
        let factor = |columns: &[Vec<f64>]| {
            let gram = products(columns, columns);
            let diagonal: Vec<f64> = gram.iter().enumerate().map(|(index, row)| row[index]).collect();
            Factor::new(&gram, &diagonal)
        };
        let (z_factor, x_factor) = (factor(z), factor(x));
        let moments = products(z, x);
        // Columns of Z'X first, then rows of what is left.
        let half: Matrix = transposed(&transposed(&moments).iter().map(|column| z_factor.forwards(column)).collect());
        let theta: Matrix = half.iter().map(|row| x_factor.forwards(row)).collect();
        Rank { moments, z: z_factor, x: x_factor, theta }
    }

    /// The smallest squared correlation.
    fn smallest(&self) -> f64 {
        let square = multiplied(&transposed(&self.theta), &self.theta);
        eigen::symmetric(&square).values.last().copied().unwrap_or(0.0).max(0.0)
    }

    /// Kleibergen & Paap (2006), eq. 20–22, of the hypothesis that the rank is one less than full.
    fn statistic(&self, covariance: &Matrix) -> f64 {
        let (n_z, n_x) = (self.theta.len(), self.theta[0].len());
        if n_x == 1 {
            let vector: Vec<f64> = self.moments.iter().map(|row| row[0]).collect();
            return quadratic(covariance, &vector).unwrap_or(f64::NAN);
        }
        // The singular vectors of the values that are 0 under the hypothesis, as columns; which of them is which, and
        // their signs, cancel.
        let rank = n_x - 1;
        let left = eigen::symmetric(&multiplied(&self.theta, &transposed(&self.theta))).vectors[rank..].to_vec();
        let right = eigen::symmetric(&multiplied(&transposed(&self.theta), &self.theta)).vectors[rank..].to_vec();
        let (Some(a), Some(b)) = (normalised(&left, rank), normalised(&right, rank)) else { return f64::NAN };
        // λ = A'θB and its variance (B' ⊗ A') (R_x⁻¹ ⊗ R_z⁻¹) S (…)'.
        let lambda = multiplied(&multiplied(&transposed(&a), &self.theta), &b);
        let mut map: Matrix = Vec::new();
        for of_x in transposed(&b) {
            for of_z in transposed(&a) {
                // Rows of B'R_x⁻¹ and A'R_z⁻¹, by solving with the transposed factors.
                let (of_x, of_z) = (self.x.backwards(&of_x), self.z.backwards(&of_z));
                map.push(of_x.iter().flat_map(|x| of_z.iter().map(move |z| x * z)).collect());
            }
        }
        let variance = solve::rectangular_sandwich(&map, covariance);
        let vector: Vec<f64> = (0..lambda[0].len()).flat_map(|x| lambda.iter().map(move |row| row[x])).collect();
        debug_assert_eq!(vector.len(), (n_z - rank) * (n_x - rank));
        quadratic(&variance, &vector).unwrap_or(f64::NAN)
    }
}

/// [u₁₂; u₂₂] u₂₂⁻¹ (u₂₂u₂₂')^½ of vectors u whose first `rank` entries are u₁₂; columns. `None` where u₂₂ is singular.
fn normalised(vectors: &[Vec<f64>], rank: usize) -> Option<Matrix> {
    let u = transposed(&vectors.to_vec());
    let lower: Matrix = u[rank..].to_vec();
    let inverse = solve::inverse(&lower)?;
    let eigen = eigen::symmetric(&multiplied(&lower, &transposed(&lower)));
    let mut root = vec![vec![0.0; lower.len()]; lower.len()];
    for (value, vector) in eigen.values.iter().zip(&eigen.vectors) {
        for (row, left) in root.iter_mut().zip(vector) {
            row.iter_mut().zip(vector).for_each(|(entry, right)| *entry += value.max(0.0).sqrt() * left * right);
        }
    }
    Some(multiplied(&multiplied(&u, &inverse), &root))
}

/// The reduced form: y and x on the instruments, for every value b of the coefficient.
struct Reduced {
    of_y: Vec<f64>,
    of_x: Vec<f64>,
    s_yy: Matrix,
    s_yx: Matrix,
    s_xx: Matrix,
}

impl Reduced {
    fn new(
        stages: &Stages,
        z: &[Vec<f64>],
        y: &[f64],
        x: &[Vec<f64>],
        y_left: &[f64],
        x_left: &[Vec<f64>],
    ) -> Result<Reduced, StatsError> {
        let design = stages.design;
        let moments = |column: &[f64]| z.iter().map(|z| twofold::dot(z, column).value()).collect();
        let pair = [y_left.to_vec(), x_left[0].clone()];
        let size = z.len();
        let joint = if matches!(design.vcov, CheckedVcov::Iid) {
            // σ² Z'Z, σ being that of each equation and their covariance.
            let gram = products(z, z);
            let sigma = products(&pair, &pair);
            let n_obs = design.n_obs() as f64;
            (0..2 * size)
                .map(|row| {
                    let entry =
                        |column: usize| gram[row % size][column % size] * sigma[row / size][column / size] / n_obs;
                    (0..2 * size).map(entry).collect()
                })
                .collect()
        } else {
            covariance(design, z, &pair)?
        };
        let block = |row: usize, column: usize| -> Matrix {
            joint[row * size..(row + 1) * size]
                .iter()
                .map(|row| row[column * size..(column + 1) * size].to_vec())
                .collect()
        };
        Ok(Reduced { of_y: moments(y), of_x: moments(&x[0]), s_yy: block(0, 0), s_yx: block(0, 1), s_xx: block(1, 1) })
    }

    /// The Wald statistic, without a factor, that y - b x does not depend on the instruments.
    fn wald(&self, b: f64) -> f64 {
        let size = self.of_y.len();
        let moments: Vec<f64> = self.of_y.iter().zip(&self.of_x).map(|(y, x)| y - b * x).collect();
        let entry = |row: usize, column: usize| {
            let cross = self.s_yx[row][column] + self.s_yx[column][row];
            self.s_yy[row][column] - b * cross + b * b * self.s_xx[row][column]
        };
        let matrix: Matrix = (0..size).map(|row| (0..size).map(|column| entry(row, column)).collect()).collect();
        quadratic(&matrix, &moments).unwrap_or(f64::NAN)
    }

    /// The values b at which the statistic is at most `critical`.
    fn set(&self, critical: f64, estimate: f64) -> Vec<(f64, f64)> {
        if let ([y], [x]) = (self.of_y.as_slice(), self.of_x.as_slice()) {
            // (y - b x)² ≤ c (s_yy - 2 b s_yx + b² s_xx) is a quadratic inequality.
            let a = x * x - critical * self.s_xx[0][0];
            let half = -(y * x - critical * self.s_yx[0][0]);
            let c = y * y - critical * self.s_yy[0][0];
            let discriminant = half * half - a * c;
            if discriminant < 0.0 {
                return if a < 0.0 { vec![(f64::NEG_INFINITY, f64::INFINITY)] } else { Vec::new() };
            }
            // Without cancellation.
            let q = -(half + half.signum() * discriminant.sqrt());
            let (one, two) = (q / a, c / q);
            let (low, high) = (one.min(two), one.max(two));
            return match a > 0.0 {
                true => vec![(low, high)],
                false => vec![(f64::NEG_INFINITY, low), (high, f64::INFINITY)],
            };
        }
        // The line as an angle around the estimate, so that both ends are reached in finitely many steps.
        let unit = self.unit();
        let at = |step: i32| {
            let angle = f64::from(step) / f64::from(STEPS) * std::f64::consts::FRAC_PI_2;
            estimate + unit * core_math::tan(angle)
        };
        let inside = |b: f64| self.wald(b) <= critical;
        let end = |mut inner: f64, mut outer: f64| {
            for _ in 0..200 {
                let middle = 0.5 * (inner + outer);
                if inside(middle) { inner = middle } else { outer = middle }
            }
            inner
        };
        let mut set: Vec<(f64, f64)> = Vec::new();
        let mut open: Option<f64> = None;
        let mut last: Option<f64> = None;
        for step in 1 - STEPS..STEPS {
            let b = at(step);
            match (inside(b), open) {
                (true, None) => open = Some(last.map_or(f64::NEG_INFINITY, |last| end(b, last))),
                (false, Some(low)) => {
                    set.push((low, last.map_or(b, |last| end(last, b))));
                    open = None;
                }
                _ => {}
            }
            last = Some(b);
        }
        set.extend(open.map(|low| (low, f64::INFINITY)));
        set
    }

    /// About a standard error of the coefficient.
    fn unit(&self) -> f64 {
        let trace = |matrix: &Matrix| matrix.iter().enumerate().map(|(index, row)| row[index]).sum::<f64>();
        let square: f64 = self.of_x.iter().map(|moment| moment * moment).sum();
        (trace(&self.s_yy) / square).sqrt()
    }
}

/// The value that F exceeds with probability `tail`.
fn critical_f(tail: f64, numerator: usize, denominator: f64) -> f64 {
    // The positive doubles are ordered like their bits.
    let (mut low, mut high) = (0_u64, f64::MAX.to_bits());
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if tails::f(f64::from_bits(middle), numerator, denominator) > tail { low = middle } else { high = middle }
    }
    f64::from_bits(high)
}

/// Sargan's or Hansen's test of the instruments that are more than needed.
fn overidentification(stages: &Stages, z: &[Vec<f64>], is_iid: bool) -> Result<Option<Test>, StatsError> {
    let df = z.len() - stages.endogenous.len();
    if df == 0 {
        return Ok(None);
    }
    let all: Vec<Vec<f64>> = stages.exogenous.iter().chain(stages.instruments).cloned().collect();
    if is_iid {
        let left = without(stages.residuals, &all);
        let share = twofold::dot(&left, &left).value() / twofold::dot(stages.residuals, stages.residuals).value();
        return Ok(Some(Test::chi_square("Sargan", stages.design.n_obs() as f64 * (1.0 - share), df)));
    }
    let weight = covariance(stages.design, &all, &[stages.residuals.to_vec()])?;
    let diagonal: Vec<f64> = weight.iter().enumerate().map(|(index, row)| row[index]).collect();
    let factor = Factor::new(&weight, &diagonal);
    if (0..all.len()).any(|index| !factor.keeps(index)) {
        return Ok(None);
    }
    // With S = RR', GMM is least squares of R⁻¹Q'y on R⁻¹Q'X, and J its sum of squares.
    let regressors = stages.exogenous.iter().map(Vec::as_slice).chain(stages.endogenous.iter().copied());
    let moments = |column: &[f64]| -> Vec<f64> {
        factor.forwards(&all.iter().map(|q| twofold::dot(q, column).value()).collect::<Vec<_>>())
    };
    let columns: Vec<Vec<f64>> = regressors.map(moments).collect();
    let rest = without(&moments(&stages.outcome.values), &columns);
    Ok(Some(Test::chi_square("Hansen J", twofold::dot(&rest, &rest).value(), df)))
}

/// The residuals of the first stage as regressors of the second: whether they matter (Wooldridge 2010, §6.3.1).
fn endogeneity(stages: &Stages, x_left: &[Vec<f64>]) -> Result<Test, StatsError> {
    let exogenous = stages.exogenous.iter().cloned();
    let columns: Vec<Vec<f64>> =
        exogenous.chain(stages.endogenous.iter().map(|column| column.to_vec())).chain(x_left.iter().cloned()).collect();
    let solved = solve::least_squares(&columns, &stages.outcome.values);
    let name = "Wu-Hausman";
    let df = x_left.len();
    if !solved.dropped.is_empty() {
        return Ok(Test { name, statistic: f64::NAN, df, df_denominator: None, p_value: f64::NAN });
    }
    let residuals = without(&stages.outcome.values, &columns);
    let first = columns.len() - df;
    let linear = Linear { bread: &solved.inverse, columns, residuals: &residuals, means: Means::LeastSquares };
    let variance = vcov::variance(stages.design, linear)?;
    let part: Matrix = variance.matrix[first..].iter().map(|row| row[first..].to_vec()).collect();
    let statistic = quadratic(&part, &solved.solution[first..]).unwrap_or(f64::NAN) / df as f64;
    Ok(Test::f(name, statistic, df, variance.df_t))
}

fn transposed(matrix: &Matrix) -> Matrix {
    let columns = matrix.first().map_or(0, Vec::len);
    (0..columns).map(|column| matrix.iter().map(|row| row[column]).collect()).collect()
}

fn multiplied(left: &Matrix, right: &Matrix) -> Matrix {
    let right = transposed(right);
    left.iter().map(|row| right.iter().map(|column| twofold::dot(row, column).value()).collect()).collect()
}
