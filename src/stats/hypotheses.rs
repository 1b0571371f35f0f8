//! Hypotheses about several coefficients of one model: linear combinations and joint tests of linear restrictions. Knows no
//! estimator.
//!
//! A combination r'b has the variance r'Vr. Restrictions R b = q are tested by W = (Rb - q)'(R V R')⁻¹(Rb - q), as F = W/J
//! with J restrictions over the degrees of freedom of t, or as chi-square with J where these are infinite (Greene 2018,
//! §5.4; Stata's `test` and `lincom`).

use crate::error::StatsError;
use crate::estimator::{Coefficient, Fit};
use crate::inference;
use crate::resampling::error::ResamplingError;
use crate::solve::{self, Factor, Matrix};
use crate::staggered::{Estimates, JointTest};
use crate::tails;
use crate::twofold;

/// A weighted sum of coefficients, by their terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Combination {
    /// Each term with its weight; a term named twice has the sum.
    pub weights: Vec<(String, f64)>,
}

/// A combination and what it is under the hypothesis.
#[derive(Clone, Debug, PartialEq)]
pub struct Restriction {
    pub combination: Combination,
    pub value: f64,
}

/// Coefficients with their joint variance, of whichever estimator.
#[derive(Clone, Debug)]
pub struct Estimated<'a> {
    coefficients: Vec<&'a Coefficient>,
    vcov: &'a [Vec<f64>],
    /// Infinite for the normal distribution.
    df_t: f64,
}

impl<'a> From<&'a Fit> for Estimated<'a> {
    fn from(fit: &'a Fit) -> Estimated<'a> {
        Estimated { coefficients: fit.coefficients.iter().collect(), vcov: &fit.vcov, df_t: fit.df_t }
    }
}

impl<'a> From<&'a Estimates> for Estimated<'a> {
    fn from(estimates: &'a Estimates) -> Estimated<'a> {
        Estimated {
            coefficients: estimates.coefficients().collect(),
            vcov: &estimates.vcov,
            df_t: estimates.df_t.unwrap_or(f64::INFINITY),
        }
    }
}

impl Restriction {
    /// The coefficient of `term` is 0.
    pub fn zero(term: &str) -> Restriction {
        Restriction { combination: Combination { weights: vec![(term.to_string(), 1.0)] }, value: 0.0 }
    }

    /// Two coefficients are equal.
    pub fn equal(left: &str, right: &str) -> Restriction {
        let weights = vec![(left.to_string(), 1.0), (right.to_string(), -1.0)];
        Restriction { combination: Combination { weights }, value: 0.0 }
    }
}

/// The combination with its standard error and interval; `level` is that of the interval, such as 0.95.
pub fn linear_combination(
    estimated: &Estimated,
    combination: &Combination,
    level: f64,
) -> Result<Coefficient, StatsError> {
    if !(level > 0.0 && level < 1.0) {
        return Err(StatsError::ConfidenceLevel { level });
    }
    let weights = estimated.row(combination)?;
    let estimate = twofold::dot(&weights, &estimated.estimates()).value();
    let variance = solve::rectangular_sandwich(&vec![weights], &estimated.vcov.to_vec());
    if variance[0][0] <= 0.0 {
        return Err(ResamplingError::NoVariance { combination: combination.to_string() }.into());
    }
    let terms = vec![combination.to_string()];
    let mut coefficients = inference::coefficients(terms, &[estimate], &variance, estimated.df_t, level);
    Ok(coefficients.remove(0))
}

/// Whether all restrictions hold.
pub fn joint_test(estimated: &Estimated, restrictions: &[Restriction]) -> Result<JointTest, StatsError> {
    if restrictions.is_empty() {
        let reason = "a test needs a restriction";
        return Err(ResamplingError::Option { option: "restrictions", value: "empty".to_string(), reason }.into());
    }
    let rows: Matrix =
        restrictions.iter().map(|restriction| estimated.row(&restriction.combination)).collect::<Result<_, _>>()?;
    let estimates = estimated.estimates();
    let distances: Vec<f64> = rows
        .iter()
        .zip(restrictions)
        .map(|(row, restriction)| twofold::dot(row, &estimates).plus(-restriction.value).value())
        .collect();
    let variance = solve::rectangular_sandwich(&rows, &estimated.vcov.to_vec());
    let diagonal: Vec<f64> = variance.iter().enumerate().map(|(index, row)| row[index]).collect();
    let factor = Factor::new(&variance, &diagonal);
    if let Some(index) = (0..restrictions.len()).find(|index| !factor.keeps(*index)) {
        let restriction = restrictions[index].combination.to_string();
        return Err(ResamplingError::Redundant { restriction, position: index + 1 }.into());
    }
    let half = factor.forwards(&distances);
    let wald = twofold::dot(&half, &half).value();
    let freedom = restrictions.len();
    let what = "restrictions";
    Ok(if estimated.df_t.is_infinite() {
        JointTest { what, statistic: wald, freedom, denominator: None, p_value: tails::chi_square(wald, freedom) }
    } else {
        let (statistic, denominator) = (wald / freedom as f64, estimated.df_t);
        let p_value = tails::f(statistic, freedom, denominator);
        JointTest { what, statistic, freedom, denominator: Some(denominator), p_value }
    })
}

impl Estimated<'_> {
    fn estimates(&self) -> Vec<f64> {
        self.coefficients.iter().map(|coefficient| coefficient.estimate).collect()
    }

    /// The weight of every coefficient.
    fn row(&self, combination: &Combination) -> Result<Vec<f64>, StatsError> {
        let mut row = vec![0.0; self.coefficients.len()];
        for (term, weight) in &combination.weights {
            let position = self.coefficients.iter().position(|coefficient| coefficient.term == *term);
            let position = position.ok_or_else(|| ResamplingError::UnknownTerm {
                term: term.clone(),
                known: self.coefficients.iter().map(|coefficient| coefficient.term.clone()).collect(),
            })?;
            row[position] += weight;
        }
        match row.iter().find(|weight| !weight.is_finite()) {
            Some(weight) => {
                let reason = "a finite number";
                Err(ResamplingError::Option { option: "weights", value: weight.to_string(), reason }.into())
            }
            None if row.iter().all(|weight| *weight == 0.0) => {
                let reason = "some coefficient needs a weight other than 0";
                Err(ResamplingError::Option { option: "weights", value: combination.to_string(), reason }.into())
            }
            None => Ok(row),
        }
    }
}

impl std::fmt::Display for Combination {
    /// `a - 2 b`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        for (position, (term, weight)) in self.weights.iter().enumerate() {
            let sign = match (position, *weight < 0.0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            match weight.abs() {
                1.0 => write!(formatter, "{sign}{term}")?,
                weight => write!(formatter, "{sign}{weight} {term}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimator::tests::fit;

    const FORMULA: &str = "y ~ x + p + q | unit + time";

    fn model(vcov: &str) -> Fit {
        fit("regions", FORMULA, "twfe", vcov, |_| ()).expect("a fit")
    }

    fn combination(weights: &[(&str, f64)]) -> Combination {
        Combination { weights: weights.iter().map(|(term, weight)| (term.to_string(), *weight)).collect() }
    }

    /// R V R' by its entries, and its inverse by the formula of two by two.
    #[test]
    fn two_restrictions_are_tested_by_their_definition() {
        let fit = model("cluster unit");
        let restrictions =
            [Restriction { combination: combination(&[("x", 1.0), ("p", -2.0)]), value: 0.5 }, Restriction::zero("q")];
        let found = joint_test(&Estimated::from(&fit), &restrictions).expect("a test");
        let [x, p, q] = [0, 1, 2].map(|index| fit.coefficients[index].estimate);
        let v = &fit.vcov;
        let (first, second) = (x - 2.0 * p - 0.5, q);
        let (a, c) = (v[0][0] - 4.0 * v[0][1] + 4.0 * v[1][1], v[2][2]);
        let b = v[0][2] - 2.0 * v[1][2];
        let wald = (first * first * c - 2.0 * first * second * b + second * second * a) / (a * c - b * b);
        assert!((found.statistic / (wald / 2.0) - 1.0).abs() < 1e-12, "{found:?} {wald}");
        assert_eq!((found.freedom, found.denominator), (2, Some(fit.df_t)));
        assert_eq!(found.p_value, tails::f(found.statistic, 2, fit.df_t));
    }

    /// One restriction is the square of t, and a combination of one term is its coefficient.
    #[test]
    fn one_restriction_is_the_t_test() {
        let fit = model("cluster unit");
        let estimated = Estimated::from(&fit);
        let test = joint_test(&estimated, &[Restriction::zero("p")]).expect("a test");
        let coefficient = &fit.coefficients[1];
        assert!((test.statistic / coefficient.statistic.powi(2) - 1.0).abs() < 1e-13);
        assert!((test.p_value / coefficient.p_value - 1.0).abs() < 1e-10);
        let same = linear_combination(&estimated, &combination(&[("p", 1.0)]), 0.95).expect("a combination");
        assert!((same.conf_low - coefficient.conf_low).abs() < 1e-14);
        assert!((same.p_value - coefficient.p_value).abs() < 1e-14);
    }

    /// y on x and p + x: the coefficient of x is that of x less that of p.
    #[test]
    fn a_combination_is_the_coefficient_of_another_way_to_write_the_model() {
        let fit = model("cluster unit");
        let found = linear_combination(&Estimated::from(&fit), &combination(&[("x", 1.0), ("p", -1.0)]), 0.9);
        let found = found.expect("a combination");
        assert_eq!(found.term, "x - p");
        let frame = crate::estimator::tests::regions();
        let sum = frame.numbers("x").iter().zip(frame.numbers("p")).map(|(x, p)| Some((*x)? + (*p)?)).collect();
        let frame = frame.with("s", sum);
        let options = crate::design::Options {
            vcov: crate::design::Vcov::Cluster(vec!["unit".to_string()]),
            level: 0.9,
            ..crate::design::Options::default()
        };
        let formula = crate::formula::parse("y ~ x + s + q | unit + time").expect("a formula");
        let design = crate::design::Design::new(&formula, &frame.data(), &options).expect("a design");
        let other = crate::estimators::find("twfe").expect("twfe").fit(&design).expect("a fit");
        let other = &other.coefficients[0];
        for (found, other) in [
            (found.estimate, other.estimate),
            (found.std_error, other.std_error),
            (found.conf_low, other.conf_low),
            (found.conf_high, other.conf_high),
            (found.p_value, other.p_value),
        ] {
            assert!((found - other).abs() < 1e-12, "{found} {other}");
        }
    }

    #[test]
    fn restrictions_that_cannot_be_tested_say_why() {
        let fit = model("cluster unit");
        let estimated = Estimated::from(&fit);
        let message =
            |restrictions: &[Restriction]| joint_test(&estimated, restrictions).expect_err("an error").to_string();
        assert_eq!(message(&[]), "the option `restrictions` is empty: a test needs a restriction");
        let twice = [Restriction::equal("x", "p"), Restriction::zero("q"), Restriction::equal("p", "x")];
        assert_eq!(message(&twice), "restriction 3, `p - x`, follows from those before it or has no variance");
        assert_eq!(message(&[Restriction::zero("u")]), "no term `u` in the model; there are [x, p, q]");
        let nothing = [Restriction::equal("x", "x")];
        assert!(message(&nothing).contains("a weight other than 0"));
    }
}
