//! `restudy schema`: the grammar of the study's files as a JSON Schema. Reads no study.

use super::Failure;
use clap::{Args, ValueEnum};
use std::io::{self, Write};

#[derive(Args)]
pub struct SchemaArgs {
    /// Of which file
    #[arg(value_enum, default_value = "pipeline")]
    file: Grammar,
}

#[derive(Clone, Copy, ValueEnum)]
enum Grammar {
    /// A layout: stages/ingest/*.yaml
    Layout,
    /// pipeline.yaml
    Pipeline,
}

pub fn schema(args: &SchemaArgs) -> Result<(), Failure> {
    let text = match args.file {
        Grammar::Layout => kinds::schema::LAYOUT,
        Grammar::Pipeline => kinds::schema::PIPELINE,
    };
    Ok(io::stdout().lock().write_all(text.as_bytes())?)
}
