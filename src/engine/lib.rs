//! The generic orchestrator: which stages there are, what they depend on, whether they must run, and where results are kept.
//! Knows no Arrow, no SQL, no statistics and no terminal. The first module listed is the first to read; a module uses
//! only those above it, except that the doors in `kind` speak of `record` and `spec`.

pub mod collect;
pub mod config;
mod crash;
pub mod diagnostic;
pub mod digest;
pub mod error;
pub mod execute;
pub mod explain;
pub mod fingerprint;
pub mod graph;
pub mod kind;
pub mod lease;
pub mod limits;
pub mod manifest;
pub mod outline;
pub mod partial;
pub mod publish;
pub mod record;
pub mod schedule;
pub mod session;
pub mod shadow;
pub mod snapshot;
pub mod spec;
pub mod stamp;
pub mod state;
pub mod stop;
pub mod store;
pub mod yaml;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod scenarios;
