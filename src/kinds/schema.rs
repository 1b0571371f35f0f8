//! The grammar of the study's files as JSON Schemas, for editors and for whoever writes them by program. `tests/schema.rs` compares
//! them with what the parsers accept, key by key.

/// Of layouts: `stages/ingest/*.yaml`.
pub const LAYOUT: &str = include_str!("schema/layout.json");

/// Of `pipeline.yaml`.
pub const PIPELINE: &str = include_str!("schema/pipeline.json");
