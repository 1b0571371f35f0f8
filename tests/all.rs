//! The one integration binary: linking DataFusion once is slow enough.

mod archives;
mod bits;
mod cli;
mod contracts;
mod crash;
mod digest;
mod estimate;
mod keys;
mod layers;
mod measures;
mod missing;
mod patents;
mod places;
mod profile;
mod real;
mod schema;
mod shadow;
mod slt;
mod study;
mod support;
mod terms;
mod tidy;
mod unseen;
mod wrong_input;
