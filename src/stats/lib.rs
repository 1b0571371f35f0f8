//! Numbers on slices: model formulas, designs, estimators, inference, measures. Knows no file, no stage and no Arrow.
//!
//! A model's [`formula`] is read, its columns become a checked [`design`], an estimator of [`estimators::ALL`] turns the
//! design into a [`estimator::Fit`]. To read: `formula`, `design`, `estimators/twfe`, then what that calls: `prepare`,
//! `demean`, `solve`, `vcov`, `inference`.
//!
//! Same inputs give the same bits on any machine: sums run in a fixed order and in twice the precision (`twofold`),
//! transcendental functions are the correctly rounded ones of `core-math` (the platform's differ in the last bit), and
//! nothing asks which CPU it runs on.

mod demean;
pub mod density;
pub mod describe;
pub mod design;
mod eigen;
pub mod error;
pub mod estimator;
pub mod estimators;
pub mod formula;
pub mod hypotheses;
mod inference;
pub mod instruments;
pub mod likelihood;
mod linear;
pub mod measures;
pub mod models;
mod prepare;
pub mod random;
pub mod resampling;
pub mod sensitivity;
mod separation;
pub mod shared;
mod simplex;
mod solve;
pub mod spatial;
pub mod staggered;
mod student;
mod tails;
mod threads;
mod twofold;
mod vcov;
mod within;

#[cfg(test)]
mod reference;
