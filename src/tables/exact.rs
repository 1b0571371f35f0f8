//! Sums of floats without any rounding, so that neither the order of the terms nor how they are grouped can matter; the one
//! rounding is at the end, to the nearest float.
//!
//! A float is a whole number of at most 53 bits times a power of two. A sum keeps a window of 128 bits whose lowest bit has
//! a fixed weight, chosen by the first term with room below and above: as long as terms fall into it, a sum is a shift and
//! an addition of whole numbers. A term outside of the window, or a carry out of it, goes into a `Wide`, which grows to
//! whatever range the terms have. So a state of a group is small where the terms are of like size, as in most data, and
//! exact always. (Full-range accumulators, such as Kulisch's or the small one of Neal, "Fast exact summation using small
//! and large superaccumulators", arXiv:1505.05571, cost half a kilobyte for every group.) Products of two floats have 106
//! bits; `Products` is the same with a window of 256 bits.
//!
//! Infinities and NaN are counted, not added, so that a term can also be taken out again. Knows no Arrow.

mod round;
mod sum;
mod wide;

pub use round::{Exact, ratio, root};
pub use sum::{Products, Sum};

/// What a sum comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Total {
    /// The exact value.
    Finite(Exact),
    /// Terms were infinite, all of one sign; or NaN, if some were NaN or of both signs.
    Special(f64),
}

#[cfg(test)]
mod tests;
