//! The one integration binary: linking DataFusion once is slow enough.

mod cli;
mod crash;
mod digest;
mod keys;
mod layers;
mod real;
mod study;
mod support;
mod tidy;
mod wrong_input;
