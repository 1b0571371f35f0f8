//! `restudy sql`: a query over the study's current tables.

use super::{Failure, TableFormat, View, open, print_table, show};
use clap::Args;
use engine::diagnostic::{Diagnostic, Place};
use engine::session::OpenOptions;
use std::path::PathBuf;
use tables::sql::{Source, SqlError};

#[derive(Args)]
pub struct SqlArgs {
    /// The query, such as "select year, avg(population) from panel group by year order by year"
    query: String,
    /// At most this many rows [default: all; on a terminal, as many as can be overlooked]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[arg(long, value_enum, default_value = "table")]
    format: TableFormat,
    /// The same as `--format json`
    #[arg(long)]
    json: bool,
}

pub fn sql(options: &OpenOptions, args: &SqlArgs) -> Result<(), Failure> {
    let session = open(options)?;
    let wrong = |error: SqlError| {
        let place = error.place().map(|(line, column)| Place::in_text("query", &args.query, line, column, 1));
        Failure::Wrong(Diagnostic::error(error.to_string()).at(place).hint(error.hint()))
    };
    let query = tables::sql::parse(&args.query).map_err(wrong)?;
    let mut paths: Vec<(String, PathBuf)> = Vec::new();
    for name in query.tables() {
        let (_, path) = show::table(&session, name)?;
        paths.push((name.clone(), path));
    }
    let sources: Vec<Source> = paths.iter().map(|(table, path)| Source { table: table.clone(), path }).collect();
    let rows = tables::sql::query(&query, &sources, args.limit).map_err(wrong)?;
    let repeat: Vec<String> = rows.columns.iter().take(1).map(|column| column.name.clone()).collect();
    let view = View { repeat: &repeat, rows: rows.rows() as u64, limit: args.limit };
    print_table(&rows, if args.json { TableFormat::Json } else { args.format }, &view)
}
