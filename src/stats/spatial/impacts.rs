//! What a regressor does to a unit's own outcome and, through neighbours, to all others' (LeSage & Pace 2009, §2.7).
//!
//! ∂y/∂xₖ' = (I - ρW)⁻¹(βₖI + θₖW). Direct is its mean diagonal, total its mean row sum, indirect the difference. With
//! G = W(I - ρW)⁻¹ and (I - ρW)⁻¹ = I + ρG, both are sums of β and θ with tr(G)/n or 1'G1/n, whose derivatives by ρ have
//! GG in place of G: standard errors by the delta method.

use super::Simulation;
use super::determinant::Determinant;
use super::information::Information;
use super::weights::Weights;
use crate::estimator::Coefficient;
use crate::inference;
use crate::solve::{self, Factor, Matrix};
use crate::twofold;
use std::f64::consts::PI;

/// Effects of one regressor.
#[derive(Clone, Debug)]
pub struct Impact {
    pub direct: Coefficient,
    pub indirect: Coefficient,
    pub total: Coefficient,
    /// Of direct, indirect and total, over draws of the coefficients, where they were asked for.
    pub simulated_std_errors: Option<[f64; 3]>,
}

/// Where the own and the lagged coefficient of a regressor are.
pub(crate) struct Places {
    pub(crate) term: String,
    pub(crate) own: Option<usize>,
    pub(crate) lagged: Option<usize>,
}

/// `estimates` are the coefficients with ρ last, and `variance` theirs.
pub(crate) fn impacts(
    weights: &Weights,
    determinant: &Determinant,
    information: &Information,
    places: &[Places],
    (estimates, variance): (&[f64], &Matrix),
    level: f64,
    simulation: Option<&Simulation>,
) -> Vec<Impact> {
    let rho = estimates[estimates.len() - 1];
    let [trace, sum] = [information.mean_trace, information.mean_sum];
    let [trace_slope, sum_slope] = [information.mean_trace_of_square, information.mean_sum_of_square];
    let simulated =
        simulation.map(|simulation| simulate(weights, determinant, places, (estimates, variance), simulation));
    let impact = |(index, place): (usize, &Places)| {
        let coefficient = |place: Option<usize>| place.map_or(0.0, |place| estimates[place]);
        let (own, lagged) = (coefficient(place.own), coefficient(place.lagged));
        let gradient = |mean: f64, slope: f64| {
            let mut gradient = vec![0.0; estimates.len()];
            place.own.into_iter().for_each(|place| gradient[place] = 1.0 + rho * mean);
            place.lagged.into_iter().for_each(|place| gradient[place] = mean);
            gradient[estimates.len() - 1] = (mean + rho * slope) * own + slope * lagged;
            gradient
        };
        let (direct, total) = (gradient(trace, trace_slope), gradient(sum, sum_slope));
        let indirect: Vec<f64> = total.iter().zip(&direct).map(|(total, direct)| total - direct).collect();
        let [of_direct, of_indirect, of_total] = of_means(own, lagged, rho, trace, sum);
        let variance = solve::rectangular_sandwich(&vec![direct, indirect, total], variance);
        let terms = ["direct", "indirect", "total"].map(|kind| format!("{kind}::{}", place.term)).to_vec();
        let coefficients =
            inference::coefficients(terms, &[of_direct, of_indirect, of_total], &variance, f64::INFINITY, level);
        let [direct, indirect, total] = coefficients.try_into().expect("there are three");
        Impact { direct, indirect, total, simulated_std_errors: simulated.as_ref().map(|errors| errors[index]) }
    };
    places.iter().enumerate().map(impact).collect()
}

/// Direct, indirect and total.
fn of_means(own: f64, lagged: f64, rho: f64, trace: f64, sum: f64) -> [f64; 3] {
    let [direct, total] = [trace, sum].map(|mean| (1.0 + rho * mean) * own + mean * lagged);
    [direct, total - direct, total]
}

/// Standard deviations over draws from the normal distribution of the estimates. Draws of ρ for which the model does not
/// exist are drawn again.
fn simulate(
    weights: &Weights,
    determinant: &Determinant,
    places: &[Places],
    (estimates, variance): (&[f64], &Matrix),
    simulation: &Simulation,
) -> Vec<[f64; 3]> {
    let scale: Vec<f64> = (0..variance.len()).map(|index| variance[index][index]).collect();
    let factor = Factor::new(variance, &scale);
    let (low, high) = determinant.interval();
    let mut sums = Sums { weights, powers: Vec::new(), last: vec![1.0; weights.n_units()] };
    let mut drawn: Vec<[Vec<f64>; 3]> = places.iter().map(|_| Default::default()).collect();
    let mut attempt = 0;
    for _ in 0..simulation.draws {
        let (coefficients, rho) = loop {
            let normals: Vec<f64> =
                (0..estimates.len()).map(|position| normal(simulation, attempt, position as u64)).collect();
            attempt += 1;
            let moves = factor.times(&normals);
            let drawn: Vec<f64> = estimates.iter().zip(moves).map(|(estimate, moved)| estimate + moved).collect();
            let rho = drawn[drawn.len() - 1];
            if rho > low.max(-1.0) && rho < high.min(1.0) {
                break (drawn, rho);
            }
        };
        let trace = -determinant.log(rho).1 / weights.n_units() as f64;
        let sum = sums.mean(rho);
        for (place, drawn) in places.iter().zip(&mut drawn) {
            let coefficient = |place: Option<usize>| place.map_or(0.0, |place| coefficients[place]);
            let effects = of_means(coefficient(place.own), coefficient(place.lagged), rho, trace, sum);
            drawn.iter_mut().zip(effects).for_each(|(drawn, effect)| drawn.push(effect));
        }
    }
    let deviation = |values: &Vec<f64>| {
        let mean = twofold::mean(values);
        let squares = twofold::sum(values.iter().map(|value| (value - mean) * (value - mean))).value();
        (squares / (values.len() as f64 - 1.0)).sqrt()
    };
    drawn.iter().map(|drawn| drawn.each_ref().map(deviation)).collect()
}

/// A standard normal number (Box & Muller 1958).
fn normal(simulation: &Simulation, draw: u64, position: u64) -> f64 {
    let [first, second] = [0, 1].map(|half| simulation.random.uniform(draw, 2 * position + half));
    (-2.0 * core_math::log(1.0 - first)).sqrt() * core_math::cos(2.0 * PI * second)
}

/// 1'G1/n for many ρ.
struct Sums<'a> {
    weights: &'a Weights,
    /// 1'Wᵏ1/n from k = 1 on, as far as they were needed.
    powers: Vec<f64>,
    /// Wᵏ1.
    last: Vec<f64>,
}

/// After so many powers only the eigenvalue 1 is left.
const POWERS: usize = 5000;

impl Sums<'_> {
    fn mean(&mut self, rho: f64) -> f64 {
        if self.weights.is_row_standardised() {
            return 1.0 / (1.0 - rho);
        }
        let (mut sum, mut share) = (0.0, 1.0);
        for power in 0..POWERS {
            if power == self.powers.len() {
                self.last = self.weights.lag(&self.last);
                self.powers.push(twofold::mean(&self.last));
            }
            sum += share * self.powers[power];
            share *= rho;
            if share.abs() < 1e-18 {
                return sum;
            }
        }
        sum + share * self.powers[POWERS - 1] / (1.0 - rho)
    }
}
