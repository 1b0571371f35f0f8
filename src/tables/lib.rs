//! Tables: typed columns, their canonical form on disk, SQL over them, and rules they must keep.
//! The only owner of DataFusion, Arrow, Parquet and tokio; none of their types is in a public signature, and every call
//! blocks. Knows no stage and no statistics. Values are digested, not bytes: see `digest`.

// Ordered as they build on each other: the first is the first to read.
mod aggregates;
mod arrow;
mod block;
pub mod check;
pub mod columns;
pub mod compare;
mod concat;
pub mod digest;
mod encode;
pub mod error;
mod exact;
mod functions;
mod gather;
pub mod info;
mod keys;
pub mod missing;
mod order;
mod parallel;
pub mod read;
pub mod render;
mod session;
pub mod sql;
pub mod stream;
mod ties;
pub mod write;
