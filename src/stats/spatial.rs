//! Models of units that influence their neighbours. Knows no formula text, no file, no stage.
//!
//! | what | module | source |
//! |---|---|---|
//! | weights between units, by distance, neighbourhood or economic nearness | `weights` | |
//! | spatial correlation of values, over all units and at each | `moran` | Moran (1950), Anselin (1995) |
//! | log-determinants for many spatial coefficients | `determinant` | Ord (1975) |
//! | rows of a balanced panel; neighbours' regressors | `panel` | |
//! | tests of least squares | `lagrange` | Anselin et al. (1996), Elhorst (2010) |
//! | lag, error and Durbin models by maximum likelihood | `model` | Elhorst (2003), Lee & Yu (2010) |
//! | their concentrated likelihood and their information | `concentrated`, `information` | |
//! | direct, indirect and total effects | `impacts` | LeSage & Pace (2009) |

mod concentrated;
mod determinant;
pub mod error;
pub mod impacts;
mod information;
pub mod lagrange;
pub mod model;
pub mod moran;
pub mod observed;
pub mod panel;
mod regression;
pub mod weights;

use crate::random::Random;
use crate::tails;

/// A chi-square test.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    pub name: &'static str,
    pub statistic: f64,
    pub freedom: usize,
    pub p_value: f64,
}

/// Draws of coefficients from their normal distribution.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    pub draws: u32,
    pub random: Random,
}

impl Test {
    fn new(name: &'static str, statistic: f64, freedom: usize) -> Test {
        Test { name, statistic, freedom, p_value: tails::chi_square(statistic, freedom) }
    }
}

#[cfg(test)]
mod tests;
