//! The effect of a treatment at values of a moderator, from a regression with their product (Brambor, Clark & Golder 2006).
//!
//! With b₁ of the treatment and b₂ of the product the effect at z is b₁ + b₂z, and its variance V₁₁ + 2zV₁₂ + z²V₂₂. If the product
//! is with z - z̄, values have to be centred too: centring changes b₁ only, not the effect at a value.

use crate::describe;
use crate::error::StatsError;
use crate::estimator::{Coefficient, Fit};
use crate::inference;
use crate::sensitivity::error::SensitivityError;
use crate::solve::{self, Matrix};

/// The effect at one value of the moderator.
#[derive(Clone, Debug, PartialEq)]
pub struct MarginalEffect {
    pub value: f64,
    /// Its term is `treatment at value`.
    pub coefficient: Coefficient,
}

/// The effects of `treatment` at `values`, with the variance and the degrees of freedom of `fit`; `product` is the term of
/// treatment times moderator.
pub fn marginal_effects(
    fit: &Fit,
    treatment: &str,
    product: &str,
    values: &[f64],
    level: f64,
) -> Result<Vec<MarginalEffect>, StatsError> {
    if !(level > 0.0 && level < 1.0) {
        return Err(StatsError::ConfidenceLevel { level });
    }
    let position = |term: &str| {
        fit.coefficients.iter().position(|coefficient| coefficient.term == term).ok_or_else(|| {
            let known = fit.coefficients.iter().map(|coefficient| coefficient.term.clone()).collect();
            SensitivityError::NoTerm { term: term.to_string(), known }
        })
    };
    let pair = [position(treatment)?, position(product)?];
    if let Some(position) = values.iter().position(|value| !value.is_finite()) {
        let (what, value) = ("value of the moderator", values[position]);
        return Err(SensitivityError::NotFinite { what, position: position + 1, value }.into());
    }
    let variance: Matrix = pair.iter().map(|row| pair.iter().map(|column| fit.vcov[*row][*column]).collect()).collect();
    let [slope, change] = pair.map(|position| fit.coefficients[position].estimate);
    let estimates: Vec<f64> = values.iter().map(|value| slope + change * value).collect();
    let rows: Matrix = values.iter().map(|value| vec![1.0, *value]).collect();
    let terms = values.iter().map(|value| format!("{treatment} at {value}")).collect();
    let matrix = solve::rectangular_sandwich(&rows, &variance);
    let coefficients = inference::coefficients(terms, &estimates, &matrix, fit.df_t, level);
    Ok(values
        .iter()
        .zip(coefficients)
        .map(|(value, coefficient)| MarginalEffect { value: *value, coefficient })
        .collect())
}

/// Quantiles of the moderator, such as 0.1, 0.5 and 0.9: type 7 of Hyndman & Fan (1996), the default of R and NumPy.
/// Missing values are passed over.
pub fn quantiles(moderator: &[Option<f64>], probabilities: &[f64]) -> Result<Vec<f64>, StatsError> {
    let mut sorted: Vec<f64> = moderator.iter().flatten().copied().collect();
    if sorted.is_empty() {
        return Err(SensitivityError::NoValues { what: "moderator" }.into());
    }
    if let Some(position) = sorted.iter().position(|value| !value.is_finite()) {
        let (what, value) = ("value of the moderator", sorted[position]);
        return Err(SensitivityError::NotFinite { what, position: position + 1, value }.into());
    }
    if let Some(value) = probabilities.iter().find(|probability| !(0.0..=1.0).contains(*probability)) {
        let reason = "a quantile is of a share between 0 and 1";
        return Err(SensitivityError::Option { option: "quantile", value: value.to_string(), reason }.into());
    }
    sorted.sort_by(f64::total_cmp);
    Ok(probabilities.iter().map(|probability| describe::quantile(&sorted, *probability)).collect())
}

/// `points` values from `low` to `high`, both included.
pub fn grid(low: f64, high: f64, points: u32) -> Result<Vec<f64>, StatsError> {
    if !low.is_finite() || !high.is_finite() || low >= high || points < 2 {
        let (value, reason) = (format!("{low} to {high} in {points}"), "it should rise, in two points at least");
        return Err(SensitivityError::Option { option: "grid", value, reason }.into());
    }
    let share = |point: u32| f64::from(point) / f64::from(points - 1);
    Ok((0..points).map(|point| low * (1.0 - share(point)) + high * share(point)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Design, Options};
    use crate::estimators;
    use crate::formula;
    use crate::random::Random;
    use crate::reference::Frame;

    fn frame(centre: f64) -> Frame {
        let random = Random::new(5, 2);
        let mut text = String::from("y,d,z\n");
        for row in 0..80 {
            let number = |position: u64| random.uniform(row, position);
            let (d, z) = (number(0).round(), number(1) * 3.0);
            text.push_str(&format!("{},{d},{}\n", d * (0.2 + 0.5 * z) + z + number(2), z - centre));
        }
        Frame::read(&text)
    }

    fn fit(centre: f64) -> Fit {
        let formula = formula::parse("y ~ d + z + d:z").expect("a formula");
        let design = Design::new(&formula, &frame(centre).data(), &Options::default()).expect("a design");
        let twfe = estimators::ALL.iter().find(|estimator| estimator.name() == "twfe").expect("it is there");
        twfe.fit(&design).expect("a fit")
    }

    /// The effect at z is the coefficient of the treatment in the regression whose moderator is z less that value.
    #[test]
    fn an_effect_is_that_of_the_regression_centred_there() {
        let values = [0.0, 0.7, 2.5];
        let found = marginal_effects(&fit(0.0), "d", "d:z", &values, 0.95).expect("effects");
        for (value, found) in values.iter().zip(&found) {
            let centred = fit(*value);
            let expected = centred.coefficients.iter().find(|coefficient| coefficient.term == "d").expect("d");
            let found = &found.coefficient;
            for (found, expected) in [
                (found.estimate, expected.estimate),
                (found.std_error, expected.std_error),
                (found.p_value, expected.p_value),
                (found.conf_low, expected.conf_low),
                (found.conf_high, expected.conf_high),
            ] {
                // The variance is a difference of terms a few times its size.
                assert!((found - expected).abs() < 1e-11 * (1.0 + expected.abs()), "{found}, {expected}");
            }
        }
        assert_eq!(found[1].coefficient.term, "d at 0.7");
    }

    #[test]
    fn values_are_those_of_the_rule() {
        let moderator: Vec<Option<f64>> = (1..=100).map(|value| Some(f64::from(value))).chain([None]).collect();
        let found = quantiles(&moderator, &[0.01, 0.5, 0.99]).expect("quantiles");
        for (found, expected) in found.iter().zip([1.99, 50.5, 99.01]) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert_eq!(grid(-1.0, 1.0, 5).expect("a grid"), [-1.0, -0.5, 0.0, 0.5, 1.0]);
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        let fit = fit(0.0);
        let message = |treatment: &str, value: f64, level: f64| {
            marginal_effects(&fit, treatment, "d:z", &[value], level).expect_err("an error").to_string()
        };
        assert_eq!(message("t", 0.0, 0.95), "the regression has no term `t`; it has [(Intercept), d, z, d:z]");
        assert_eq!(message("d", f64::NAN, 0.95), "value of the moderator number 1 is NaN");
        assert_eq!(message("d", 0.0, 1.0), "the confidence level 1 is not between 0 and 1");
        assert!(quantiles(&[None], &[0.5]).is_err() && quantiles(&[Some(1.0)], &[1.5]).is_err());
        assert!(grid(1.0, 1.0, 5).is_err() && grid(0.0, 1.0, 1).is_err());
    }
}
