//! Whether l'τ may have a value, by moment inequalities with nuisance parameters (Andrews, Roth & Pakes 2023; Rambachan &
//! Roth 2023, §3).
//!
//! With l'τ = θ the restriction A(β - τ) ≤ d says that some ζ has E[y(θ) - Xζ] ≤ 0, where y(θ) = A(β - τ₁θ) - d, l'τ₁ = 1, and X
//! is A times a basis of the τ with l'τ = 0. Each moment is divided by its standard error. The statistic is the least η with
//! y - Xζ ≤ η for some ζ, or, by duality, the largest γ'y over the corners γ of {γ ≥ 0, Σγ = 1, X'γ = 0}. Given that γ is
//! the best corner, γ'y is normal between two bounds, at which other corners become better; they are found by Newton's
//! method on the piecewise linear largest γ'y along the direction of γ'y. The hybrid test first rejects where η is above
//! its 1 - κ quantile for y of mean 0, κ being a tenth of α, and then tests with (α - κ)/(1 - κ) below that quantile.
//! Of a union of restrictions a value is accepted if it is under one of them. As in the authors' package only inequalities
//! with effects after the treatment enter.

use super::restrictions::Polyhedron;
use super::{EventStudy, HonestOptions, Method, normal};
use crate::describe;
use crate::sensitivity::error::SensitivityError;
use crate::simplex::{Optimum, Simplex};
use crate::solve::{Factor, Matrix};
use crate::twofold;
use std::f64::consts::PI;

/// The test of one union of polyhedra.
pub(super) struct Test {
    moments: Vec<Moments>,
    alpha: f64,
}

impl Test {
    pub(super) fn new(
        study: &EventStudy,
        union: &[Polyhedron],
        options: &HonestOptions,
    ) -> Result<Test, SensitivityError> {
        let alpha = 1.0 - options.level;
        let mut moments = union.iter().map(|polyhedron| Moments::new(study, polyhedron)).collect::<Vec<_>>();
        if options.method == Method::Hybrid {
            let draws = draws(study, options);
            for moments in &mut moments {
                moments.first = moments.least_favourable(&draws, FIRST * alpha)?;
            }
        }
        Ok(Test { moments, alpha })
    }

    /// Whether l'τ = `value` is accepted.
    pub(super) fn accepts(&self, value: f64) -> Result<bool, SensitivityError> {
        for moments in &self.moments {
            if moments.accept(value, self.alpha)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// κ as a share of α.
const FIRST: f64 = 0.1;

/// Standard errors beyond which a bound of the statistic is none.
const FAR: f64 = 40.0;

/// The moments of one polyhedron.
struct Moments {
    /// y(θ) = constant - θ slope.
    constant: Vec<f64>,
    slope: Vec<f64>,
    /// Rows of A, each over the standard error of its moment.
    rows: Matrix,
    /// The variance of the moments.
    vcov: Matrix,
    /// The corners γ; `None` where there is none, and every value is possible.
    corners: Option<Simplex>,
    /// The critical value of the first test of the hybrid.
    first: Option<f64>,
}

impl Moments {
    fn new(study: &EventStudy, polyhedron: &Polyhedron) -> Moments {
        let before = study.n_before;
        let mut bounds = Vec::new();
        let mut rows = Matrix::new();
        for (row, bound) in polyhedron.rows.iter().zip(&polyhedron.bounds) {
            if row[before..].iter().any(|entry| *entry != 0.0) {
                let std_error = study.std_error(row);
                rows.push(row.iter().map(|entry| entry / std_error).collect::<Vec<f64>>());
                bounds.push(bound / std_error);
            }
        }
        let product =
            |row: &Vec<f64>| -> Vec<f64> { study.vcov.iter().map(|other| twofold::dot(other, row).value()).collect() };
        let vcov = rows
            .iter()
            .map(|row| {
                let product = product(row);
                rows.iter().map(|other| twofold::dot(other, &product).value()).collect()
            })
            .collect();
        let moment = |(row, bound): (&Vec<f64>, &f64)| twofold::dot(row, &study.effects).value() - bound;
        let constant = rows.iter().zip(&bounds).map(moment).collect();
        // τ₁ has one entry, where l is largest; the others of the basis keep l'τ at 0 by that entry.
        let target = &study.target;
        let pivot = (0..target.len())
            .rev()
            .max_by(|left, right| target[*left].abs().total_cmp(&target[*right].abs()))
            .expect("there are effects after the treatment");
        let slope = rows.iter().map(|row| row[before + pivot] / target[pivot]).collect();
        let mut equations: Matrix = vec![vec![1.0; rows.len()]];
        for other in (0..target.len()).filter(|other| *other != pivot) {
            let share = target[other] / target[pivot];
            equations.push(rows.iter().map(|row| row[before + other] - share * row[before + pivot]).collect());
        }
        let right: Vec<f64> = (0..equations.len()).map(|row| f64::from(u8::from(row == 0))).collect();
        let corners = Simplex::new(&equations, &right);
        Moments { constant, slope, rows, vcov, corners, first: None }
    }

    fn accept(&self, value: f64, alpha: f64) -> Result<bool, SensitivityError> {
        let Some(corners) = &self.corners else { return Ok(true) };
        let y: Vec<f64> =
            self.constant.iter().zip(&self.slope).map(|(constant, slope)| constant - value * slope).collect();
        let (eta, corner) = best(corners, &y)?;
        if self.first.is_some_and(|first| eta > first) {
            return Ok(false);
        }
        let size = match self.first {
            None => alpha,
            Some(_) => (1.0 - FIRST) * alpha / (1.0 - FIRST * alpha),
        };
        let direction: Vec<f64> = self.vcov.iter().map(|row| twofold::dot(row, &corner).value()).collect();
        let variance = twofold::dot(&corner, &direction).value();
        // A combination of moments without any error, such as an inequality and its opposite.
        if variance < 1e-16 {
            return Ok(eta <= 1e-9);
        }
        if eta <= 0.0 {
            return Ok(true);
        }
        let direction: Vec<f64> = direction.iter().map(|entry| entry / variance).collect();
        let rest: Vec<f64> = y.iter().zip(&direction).map(|(y, direction)| y - eta * direction).collect();
        let std_error = variance.sqrt();
        let end = |far: f64| bound(corners, &rest, &direction, eta, far * std_error);
        let (low, high) = (end(-FAR)?, end(FAR)?);
        let high = self.first.map_or(high, |first| high.min(first));
        Ok(normal::upper_between(eta / std_error, low / std_error, high / std_error) >= size)
    }

    /// The 1 - κ quantile of η where all moments have the mean 0.
    fn least_favourable(&self, draws: &Matrix, kappa: f64) -> Result<Option<f64>, SensitivityError> {
        let Some(corners) = &self.corners else { return Ok(None) };
        let mut found = Vec::with_capacity(draws.len());
        for draw in draws {
            let y: Vec<f64> = self.rows.iter().map(|row| twofold::dot(row, draw).value()).collect();
            found.push(best(corners, &y)?.0);
        }
        found.sort_by(f64::total_cmp);
        Ok(Some(describe::quantile(&found, 1.0 - kappa)))
    }
}

/// The largest γ'y and its corner.
fn best(corners: &Simplex, y: &[f64]) -> Result<(f64, Vec<f64>), SensitivityError> {
    match corners.maximum(y) {
        Optimum::At(corner) => Ok((twofold::dot(&corner, y).value(), corner)),
        Optimum::Unbounded | Optimum::Stalled => Err(SensitivityError::Stalled { what: "the moment inequalities" }),
    }
}

/// Up to where, in the direction of `far`, no corner is better than the one whose γ'y is v in `rest` + v `direction`.
fn bound(corners: &Simplex, rest: &[f64], direction: &[f64], eta: f64, far: f64) -> Result<f64, SensitivityError> {
    let mut v = eta + far;
    let mut is_beyond = false;
    loop {
        let y: Vec<f64> = rest.iter().zip(direction).map(|(rest, direction)| rest + v * direction).collect();
        let (value, corner) = best(corners, &y)?;
        if value - v <= 1e-9 * (1.0 + v.abs()) {
            return Ok(if is_beyond { v } else { far.signum() * f64::INFINITY });
        }
        // Where this corner is as good: each step comes to another corner, so that there are finitely many.
        let (constant, slope) = (twofold::dot(&corner, rest).value(), twofold::dot(&corner, direction).value());
        let next = constant / (1.0 - slope);
        let is_nearer = (next - v) * far < 0.0 && (eta - next) * far <= 0.0;
        if !is_nearer {
            return Ok(eta);
        }
        (v, is_beyond) = (next, true);
    }
}

/// Estimates of mean 0: normal numbers by Box & Muller (1958), times the root of the variance.
fn draws(study: &EventStudy, options: &HonestOptions) -> Matrix {
    let size = study.effects.len();
    let diagonal: Vec<f64> = study.vcov.iter().enumerate().map(|(index, row)| row[index]).collect();
    let factor = Factor::new(&study.vcov, &diagonal);
    let normal = |draw: u64, position: usize| {
        let pair = position as u64 / 2 * 2;
        // 1 less a number of [0, 1) has a logarithm.
        let radius = (-2.0 * core_math::log(1.0 - options.random.uniform(draw, pair))).sqrt();
        let angle = 2.0 * PI * options.random.uniform(draw, pair + 1);
        radius * if position.is_multiple_of(2) { core_math::cos(angle) } else { core_math::sin(angle) }
    };
    (0..u64::from(options.draws))
        .map(|draw| factor.times(&(0..size).map(|position| normal(draw, position)).collect::<Vec<_>>()))
        .collect()
}
