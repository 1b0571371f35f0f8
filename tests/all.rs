//! The one integration binary: linking DataFusion once is slow enough.

mod bits;
mod cli;
mod contracts;
mod crash;
mod digest;
mod estimate;
mod keys;
mod layers;
mod missing;
mod profile;
mod real;
mod shadow;
mod slt;
mod study;
mod support;
mod tidy;
mod wrong_input;
