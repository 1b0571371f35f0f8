//! How strong selection on what is not observed would have to be (Oster 2019).
//!
//! β̊ and R̊ are of the regression of Y on the treatment X, β̃ and R̃ of that with the controls, R_max of the one with all that
//! matters. δ is the selection on the unobserved relative to that on the controls. With τ = Var(X | controls) and ν = β̃ - β*,
//! the bias-adjusted effect β* solves (Proposition 2 and its appendix)
//!
//! δ [(R_max - R̃) σ_y² ((β̊ - β̃) σ_x² + ν (σ_x² - τ)) + ν² τ (β̊ - β̃) σ_x² + ν³ τ (σ_x² - τ)]
//!   = ν (R̃ - R̊) σ_y² τ + ν σ_x² τ (β̊ - β̃)² + 2 ν² τ (β̊ - β̃) σ_x² + ν³ τ (σ_x² - τ),
//!
//! a cubic in ν, or a quadratic where δ = 1, and linear in δ for a given β*. Of several real solutions the one nearest to β̃
//! is taken among those on the side of β̃ to which the controls move the estimate (assumption 3); where none is there, the
//! nearest of all, and it is said. Fixed effects and controls of both regressions are taken out of all columns before:
//! variances and R² are within them.

use crate::design::Design;
use crate::error::StatsError;
use crate::sensitivity::error::SensitivityError;
use crate::{solve, twofold, within};

/// What the two regressions say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selection {
    /// β̊ and R̊, without the controls.
    pub short: Regression,
    /// β̃ and R̃, with the controls.
    pub long: Regression,
    pub outcome_variance: f64,
    pub treatment_variance: f64,
    /// Of what the controls leave of the treatment.
    pub residual_variance: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regression {
    pub estimate: f64,
    pub r2: f64,
}

/// R_max.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LargestR2 {
    /// This many times R̃, 1 at most; 1.3 in the paper.
    Times(f64),
    Value(f64),
}

/// The effect under a given selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjusted {
    pub delta: f64,
    pub largest_r2: f64,
    /// β*.
    pub estimate: f64,
    /// All real solutions, the smallest first.
    pub solutions: Vec<f64>,
    /// The estimate is on the side of β̃ to which the controls move it.
    pub follows_controls: bool,
    /// β̃ - δ (β̊ - β̃)(R_max - R̃)/(R̃ - R̊), an approximation near δ = 1.
    pub approximation: f64,
}

/// The selection under which the effect would be a given one.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// β*.
    pub estimate: f64,
    pub largest_r2: f64,
    pub delta: f64,
    /// (β̃ - β*)(R̃ - R̊)/((β̊ - β̃)(R_max - R̃)), an approximation near δ = 1.
    pub approximation: f64,
}

impl Selection {
    /// Of the term `treatment` of `design`; the regressors named in `always` are in both regressions, as the fixed effects
    /// are. Weights count.
    pub fn new(design: &Design, treatment: &str, always: &[String]) -> Result<Selection, StatsError> {
        let absorber = within::absorber(design);
        let (outcome, [mut regression]) = within::regressions(design, &absorber, [&design.regressors])?;
        for term in always.iter().map(String::as_str).chain([treatment]) {
            if !regression.terms.iter().any(|known| known == term) {
                let known = regression.terms.clone();
                return Err(SensitivityError::NoTerm { term: term.to_string(), known }.into());
            }
        }
        let is_common = |term: &String| always.contains(term) || term == within::INTERCEPT;
        let take = |wanted: &dyn Fn(&String) -> bool| -> Vec<Vec<f64>> {
            let chosen = regression.terms.iter().zip(&regression.columns).filter(|(term, _)| wanted(term));
            chosen.map(|(_, column)| column.clone()).collect()
        };
        let common = take(&|term| is_common(term) && term != treatment);
        let controls = take(&|term| !is_common(term) && term != treatment);
        if controls.is_empty() {
            return Err(SensitivityError::NoControls { treatment: treatment.to_string() }.into());
        }
        let [x] = take(&|term| term == treatment).try_into().expect("a term has one column");
        let at = regression.terms.iter().position(|term| term == treatment).expect("it was found above");
        let units = regression.units.swap_remove(at);
        let (y, x) = (without(&outcome.values, &common), without(&x, &common));
        let controls: Vec<Vec<f64>> = controls.iter().map(|column| without(column, &common)).collect();
        let square = |column: &[f64]| twofold::dot(column, column).value();
        let (total, of_x) = (square(&y), square(&x));
        let x_left = without(&x, &controls);
        let residual = square(&x_left);
        if residual <= solve::COLLINEAR * solve::COLLINEAR * of_x {
            return Err(SensitivityError::NoTreatmentLeft { treatment: treatment.to_string() }.into());
        }
        let fit = |columns: &[Vec<f64>], estimate: f64| {
            let scale = outcome.units.scale / units.scale;
            Regression { estimate: estimate * scale, r2: 1.0 - square(&without(&y, columns)) / total }
        };
        let short = fit(std::slice::from_ref(&x), twofold::dot(&x, &y).value() / of_x);
        let all = [vec![x.clone()], controls].concat();
        let long = fit(&all, twofold::dot(&x_left, &y).value() / residual);
        let count = design.n_obs() as f64 - 1.0;
        let selection = Selection {
            short,
            long,
            outcome_variance: total * outcome.units.scale * outcome.units.scale / count,
            treatment_variance: of_x * units.scale * units.scale / count,
            residual_variance: residual * units.scale * units.scale / count,
        };
        selection.check()?;
        Ok(selection)
    }

    /// β* where selection on the unobserved is `delta` times that on the controls.
    pub fn adjusted(&self, delta: f64, largest_r2: LargestR2) -> Result<Adjusted, StatsError> {
        self.check()?;
        if !delta.is_finite() {
            return Err(SensitivityError::NotFinite { what: "delta", position: 1, value: delta }.into());
        }
        let largest_r2 = self.largest_r2(largest_r2)?;
        let [constant, first, second, third] = self.difference(delta, largest_r2);
        let mut solutions: Vec<f64> =
            roots([constant, first, second, third]).iter().map(|bias| self.long.estimate - bias).collect();
        solutions.sort_by(f64::total_cmp);
        let moved = self.long.estimate - self.short.estimate;
        let follows = |solution: f64| (solution - self.long.estimate) * delta * moved >= 0.0;
        let distance = |solution: &f64| (solution - self.long.estimate).abs();
        let nearest = |wanted: &dyn Fn(f64) -> bool| {
            let wanted = solutions.iter().copied().filter(|solution| wanted(*solution));
            wanted.min_by(|left, right| distance(left).total_cmp(&distance(right)))
        };
        let (estimate, follows_controls) = match nearest(&follows) {
            Some(solution) => (solution, true),
            None => (nearest(&|_| true).ok_or(SensitivityError::NoSolution { delta })?, false),
        };
        let approximation = self.long.estimate + delta * moved * (largest_r2 - self.long.r2) / self.r2_gained();
        Ok(Adjusted { delta, largest_r2, estimate, solutions, follows_controls, approximation })
    }

    /// The δ under which β* is `estimate`; 0 in the paper.
    pub fn delta(&self, estimate: f64, largest_r2: LargestR2) -> Result<Delta, StatsError> {
        self.check()?;
        let largest_r2 = self.largest_r2(largest_r2)?;
        let bias = self.long.estimate - estimate;
        let powers = [1.0, bias, bias * bias, bias * bias * bias];
        let value = |coefficients: [f64; 4]| twofold::dot(&coefficients, &powers).value();
        let delta = value(self.of_controls()) / value(self.of_unobserved(largest_r2));
        let moved = self.short.estimate - self.long.estimate;
        let approximation = bias * self.r2_gained() / (moved * (largest_r2 - self.long.r2));
        if !delta.is_finite() {
            return Err(SensitivityError::NoDelta { estimate }.into());
        }
        Ok(Delta { estimate, largest_r2, delta, approximation })
    }

    fn r2_gained(&self) -> f64 {
        self.long.r2 - self.short.r2
    }

    /// δ times the left side less the right side, by powers of ν.
    fn difference(&self, delta: f64, largest_r2: f64) -> [f64; 4] {
        let (left, right) = (self.of_unobserved(largest_r2), self.of_controls());
        std::array::from_fn(|power| delta * left[power] - right[power])
    }

    fn of_unobserved(&self, largest_r2: f64) -> [f64; 4] {
        let Selection { outcome_variance, treatment_variance, residual_variance, .. } = *self;
        let unexplained = (largest_r2 - self.long.r2) * outcome_variance;
        let moved = (self.short.estimate - self.long.estimate) * treatment_variance;
        let explained = treatment_variance - residual_variance;
        [unexplained * moved, unexplained * explained, residual_variance * moved, residual_variance * explained]
    }

    fn of_controls(&self) -> [f64; 4] {
        let Selection { outcome_variance, treatment_variance, residual_variance, .. } = *self;
        let moved = self.short.estimate - self.long.estimate;
        let gained = self.r2_gained() * outcome_variance * residual_variance;
        let first = gained + treatment_variance * residual_variance * moved * moved;
        let second = 2.0 * residual_variance * moved * treatment_variance;
        [0.0, first, second, residual_variance * (treatment_variance - residual_variance)]
    }

    fn largest_r2(&self, largest: LargestR2) -> Result<f64, SensitivityError> {
        let value = match largest {
            LargestR2::Times(factor) => (factor * self.long.r2).min(1.0),
            LargestR2::Value(value) => value,
        };
        if value > self.long.r2 && value <= 1.0 {
            Ok(value)
        } else {
            Err(SensitivityError::LargestR2 { value, r2: self.long.r2 })
        }
    }

    fn check(&self) -> Result<(), SensitivityError> {
        let numbers = [
            ("estimate", self.short.estimate),
            ("R²", self.short.r2),
            ("estimate", self.long.estimate),
            ("R²", self.long.r2),
            ("variance", self.outcome_variance),
            ("variance", self.treatment_variance),
            ("variance", self.residual_variance),
        ];
        for (position, (what, value)) in numbers.into_iter().enumerate() {
            if !value.is_finite() || (what == "variance" && value <= 0.0) {
                return Err(SensitivityError::NotFinite { what, position: position + 1, value });
            }
        }
        let (short, long) = (self.short.r2, self.long.r2);
        if long <= short { Err(SensitivityError::NothingGained { short, long }) } else { Ok(()) }
    }
}

/// What is left of `column` after a regression on `others`.
fn without(column: &[f64], others: &[Vec<f64>]) -> Vec<f64> {
    let solved = solve::least_squares(others, column);
    let is_dropped = |position: usize| solved.dropped.iter().any(|(dropped, _)| *dropped == position);
    let kept = others.iter().enumerate().filter(|(position, _)| !is_dropped(*position)).map(|(_, other)| other);
    let mut rest = column.to_vec();
    for (other, coefficient) in kept.zip(&solved.solution) {
        rest.iter_mut().zip(other).for_each(|(rest, value)| *rest -= coefficient * value);
    }
    rest
}

/// The real roots of Σ aₖ xᵏ: between two neighbouring extrema there is at most one, which halving finds to the last digit.
fn roots(coefficients: [f64; 4]) -> Vec<f64> {
    let largest = coefficients.iter().fold(0.0_f64, |largest, entry| largest.max(entry.abs()));
    let Some(degree) = (1..4).rev().find(|power| coefficients[*power].abs() > 1e-14 * largest) else {
        return Vec::new();
    };
    let value = |x: f64| coefficients[..=degree].iter().rev().fold(0.0, |value, entry| value * x + entry);
    // Cauchy's bound.
    let lead = coefficients[degree].abs();
    let limit = 1.0 + coefficients[..degree].iter().fold(0.0_f64, |limit, entry| limit.max(entry.abs() / lead));
    let [_, b, c, d] = coefficients;
    let mut cuts = vec![-limit, limit];
    let extrema = match degree {
        3 => quadratic(b, 2.0 * c, 3.0 * d),
        2 => vec![-b / (2.0 * c)],
        _ => Vec::new(),
    };
    cuts.extend(extrema.into_iter().filter(|cut| cut.abs() < limit));
    cuts.sort_by(f64::total_cmp);
    let mut found: Vec<f64> = Vec::new();
    for pair in cuts.windows(2) {
        let (mut low, mut high) = (pair[0], pair[1]);
        let (at_low, at_high) = (value(low), value(high));
        if at_low == 0.0 {
            found.push(low);
        } else if at_low.signum() != at_high.signum() && at_high != 0.0 {
            loop {
                let middle = 0.5 * (low + high);
                if middle <= low || middle >= high {
                    break;
                }
                if value(middle).signum() == at_low.signum() { low = middle } else { high = middle }
            }
            found.push(high);
        }
    }
    found
}

/// The real roots of a + bx + cx², c not being 0, without cancellation.
fn quadratic(a: f64, b: f64, c: f64) -> Vec<f64> {
    let discriminant = b * b - 4.0 * a * c;
    if discriminant < 0.0 {
        return Vec::new();
    }
    let q = -0.5 * (b + b.signum() * discriminant.sqrt());
    if q == 0.0 { vec![0.0] } else { vec![q / c, a / q] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::Options;
    use crate::formula;
    use crate::random::Random;
    use crate::reference::Frame;

    /// Y = βX + W₁ + W₂, the two indices being uncorrelated: what the regressions give in the population, and δ and R_max
    /// by their definitions.
    fn population(beta: f64, variances: [f64; 2], covariances: [f64; 2], of_x: f64) -> (Selection, f64, f64) {
        let ([a, b], [c, d]) = (variances, covariances);
        let of_y = beta * beta * of_x + a + b + 2.0 * beta * (c + d);
        let with_y = beta * of_x + c + d;
        let short = with_y / of_x;
        // X and W₁ on Y: two normal equations.
        let with_w = beta * c + a;
        let determinant = of_x * a - c * c;
        let estimate = (with_y * a - with_w * c) / determinant;
        let slope = (with_w * of_x - with_y * c) / determinant;
        let selection = Selection {
            short: Regression { estimate: short, r2: short * with_y / of_y },
            long: Regression { estimate, r2: (estimate * with_y + slope * with_w) / of_y },
            outcome_variance: of_y,
            treatment_variance: of_x,
            residual_variance: of_x - c * c / a,
        };
        (selection, (d / b) / (c / a), 1.0)
    }

    #[test]
    fn the_effect_of_a_population_is_found() {
        let cases = [
            (0.5, [1.0, 0.8], [0.3, 0.24], 2.0),
            (0.5, [1.0, 0.8], [0.3, 0.1], 2.0),
            (-0.2, [0.5, 0.8], [0.2, 0.4], 2.0),
            (0.0, [2.0, 1.0], [0.5, 0.3], 1.5),
            (1.0, [2.0, 1.0], [0.4, -0.1], 1.5),
        ];
        for (beta, variances, covariances, of_x) in cases {
            let (selection, delta, largest) = population(beta, variances, covariances, of_x);
            let largest = LargestR2::Value(largest);
            let found = selection.adjusted(delta, largest).expect("a solution");
            assert!(found.follows_controls);
            // Roots lose half of their digits where two are close; these are not.
            assert!((found.estimate - beta).abs() < 1e-10, "{beta}, {delta}: {found:?}");
            let back = selection.delta(beta, largest).expect("a selection");
            assert!((back.delta - delta).abs() < 1e-10, "{beta}, {delta}: {back:?}");
        }
    }

    /// The golden numbers of METHODS 9.19 for the simple form: b₀ = .10, R₀ = .20, b₁ = .08, R₁ = .40.
    #[test]
    fn the_approximation_is_the_golden_one() {
        let selection = Selection {
            short: Regression { estimate: 0.10, r2: 0.20 },
            long: Regression { estimate: 0.08, r2: 0.40 },
            outcome_variance: 1.0,
            treatment_variance: 1.0,
            residual_variance: 0.9,
        };
        let adjusted = selection.adjusted(1.0, LargestR2::Times(1.3)).expect("a solution");
        assert!((adjusted.largest_r2 - 0.52).abs() < 1e-15);
        assert!((adjusted.approximation - 0.068).abs() < 1e-15);
        let delta = selection.delta(0.0, LargestR2::Times(1.3)).expect("a selection");
        assert!((delta.approximation - 20.0 / 3.0).abs() < 1e-12);
        assert_eq!(selection.adjusted(0.0, LargestR2::Times(1.3)).expect("a solution").estimate, 0.08);
    }

    fn frame() -> Frame {
        let random = Random::new(11, 3);
        let mut text = String::from("y,x,w,z,unit\n");
        for row in 0..60 {
            let number = |position: u64| random.uniform(row, position) - 0.5;
            let (w, unit) = (number(0), row % 6);
            let x = number(1) + 0.8 * w + 0.1 * unit as f64;
            let y = 0.5 * x + w + number(2) + unit as f64;
            text.push_str(&format!("{y},{x},{w},{},u{unit}\n", number(3)));
        }
        Frame::read(&text)
    }

    fn selection(formula: &str, always: &[String]) -> Result<Selection, StatsError> {
        let formula = formula::parse(formula).expect("a formula");
        Selection::new(&Design::new(&formula, &frame().data(), &Options::default()).expect("a design"), "x", always)
    }

    #[test]
    fn effects_and_dummies_in_both_regressions_are_the_same() {
        let absorbed = selection("y ~ x + w | unit", &[]).expect("a selection");
        let names: Vec<String> = (1..6).map(|unit| format!("unit::u{unit}")).collect();
        let dummies = selection("y ~ x + w + i(unit)", &names).expect("a selection");
        for (absorbed, dummies) in [
            (absorbed.short.estimate, dummies.short.estimate),
            (absorbed.long.estimate, dummies.long.estimate),
            (absorbed.short.r2, dummies.short.r2),
            (absorbed.long.r2, dummies.long.r2),
            (absorbed.outcome_variance, dummies.outcome_variance),
            (absorbed.treatment_variance, dummies.treatment_variance),
            (absorbed.residual_variance, dummies.residual_variance),
        ] {
            assert!((absorbed - dummies).abs() < 1e-10, "{absorbed}, {dummies}");
        }
        assert!(absorbed.short.estimate > absorbed.long.estimate);
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        let message = |formula: &str| selection(formula, &[]).expect_err("an error").to_string();
        assert_eq!(message("y ~ w + z"), "the regression has no term `x`; it has [(Intercept), w, z]");
        assert_eq!(message("y ~ x"), "no control is left beside `x`");
        let found = selection("y ~ x + w", &[]).expect("a selection");
        let low = found.adjusted(1.0, LargestR2::Value(0.01)).expect_err("an error").to_string();
        assert!(low.starts_with("the largest R² is 0.01, and it lies above that of the regression"), "{low}");
    }
}
