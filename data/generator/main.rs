//! Writes the demonstration data of the study, byte for byte the same on every machine.
//!
//! `cargo run -p demo-data [-- FOLDER] [--check]`: without a folder it writes to `data/` of this repository;
//! with `--check` it writes nothing, compares, and exits 1 where a file differs. The parts, top-down:
//! `model` (who is treated and what it does), `economy` and `patents` (quantities), `indicators` and `truth` (the true effect),
//! then one module per family of files.

mod admin;
mod cities;
mod classes;
mod dictionary;
mod economy;
mod indicators;
mod model;
mod patent_files;
mod patents;
mod policy;
mod postcodes;
mod reports;
mod rng;
mod series;
mod transfers;
mod truth;
mod words;
mod yearbook;
mod yearbook_columns;

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Files by path below the target folder.
type Files = BTreeMap<String, Vec<u8>>;

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("unknown argument `{argument}`; usage: demo-data [FOLDER] [--check]")]
    Argument { argument: String },
    #[error("cannot write `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot build a workbook: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    #[error("{} of {count} files differ from what the generator writes: {}", paths.len(), paths.join(", "))]
    Differs { paths: Vec<String>, count: usize },
}

struct Arguments {
    folder: PathBuf,
    check: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(if matches!(error, Error::Argument { .. }) { 2 } else { 1 })
        }
    }
}

fn run() -> Result<String, Error> {
    let arguments = arguments(env::args().skip(1))?;
    let files = files()?;
    let bytes: usize = files.values().map(Vec::len).sum();
    let size = format!("{} files, {:.1} MB", files.len(), bytes as f64 / 1e6);
    if arguments.check {
        check(&arguments.folder, &files)?;
        return Ok(format!("same: {size}"));
    }
    write(&arguments.folder, &files)?;
    Ok(format!("written: {size} in {}", arguments.folder.display()))
}

fn arguments(given: impl Iterator<Item = String>) -> Result<Arguments, Error> {
    let mut arguments = Arguments { folder: Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), check: false };
    for argument in given {
        match argument.as_str() {
            "--check" => arguments.check = true,
            option if option.starts_with('-') => return Err(Error::Argument { argument }),
            folder => arguments.folder = folder.into(),
        }
    }
    Ok(arguments)
}

fn files() -> Result<Files, Error> {
    let cities = cities::all();
    let traits = model::traits(&cities);
    let patents: Vec<_> = (0..cities.len())
        .map(|index| patents::of_city(&cities, index, &traits[index], model::World::Observed))
        .collect();
    let truth = truth::truth(&cities, &traits, &patents);
    let texts = [
        ("admin/cities.csv", admin::cities(&cities)),
        ("admin/coordinates.csv", admin::coordinates(&cities)),
        ("admin/digital_finance.csv", series::digital_finance(&cities, &traits)),
        ("admin/exchange_rate.csv", admin::exchange_rate()),
        ("admin/internet_users.csv", series::internet_users()),
        ("admin/investment_growth.csv", admin::investment_growth(&cities, &traits)),
        ("admin/market_index.csv", series::market_index(&cities)),
        ("admin/names.csv", admin::names(&cities)),
        ("admin/price_index.csv", admin::price_index(&cities)),
        ("admin/residents.csv", series::residents(&cities, &traits)),
        ("admin/telephones_1984.csv", series::telephones(&cities, &traits)),
        ("dictionaries/st_attention_v1.csv", dictionary::file()),
        ("policy/other_policies.csv", policy::others(&cities)),
        ("policy/pilots.csv", policy::pilots(&cities, &traits)),
        ("technology/contracts.csv", series::contracts(&cities, &traits)),
        ("truth.csv", truth.averages),
        ("truth_effects.csv", truth.effects),
        ("truth_weights.csv", truth.weights),
    ];
    let mut files: Files = texts.into_iter().map(|(path, text)| (path.to_owned(), text.into_bytes())).collect();
    files.extend(reports::files(&cities, &traits).into_iter().map(|(path, text)| (path, text.into_bytes())));
    let numbers = patent_files::numbers(&cities, &patents);
    files.extend(patent_files::files(&cities, &traits, &patents, &numbers));
    let transfers = transfers::file(&cities, &traits, &patents, &numbers);
    files.insert("transfers/transfers.csv".to_owned(), transfers);
    files.extend(yearbook::files(&cities, &traits)?);
    Ok(files)
}

fn write(folder: &Path, files: &Files) -> Result<(), Error> {
    for (name, bytes) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .map_err(|source| Error::Write { path: path.clone(), source })?;
    }
    Ok(())
}

fn check(folder: &Path, files: &Files) -> Result<(), Error> {
    let differs = |(name, bytes): &(&String, &Vec<u8>)| fs::read(folder.join(name)).ok().as_ref() != Some(*bytes);
    let paths: Vec<String> = files.iter().filter(differs).map(|(name, _)| name.clone()).collect();
    if paths.is_empty() { Ok(()) } else { Err(Error::Differs { paths, count: files.len() }) }
}

#[cfg(test)]
mod tests {
    use super::{check, files};

    #[test]
    fn two_runs_write_the_same_bytes_within_the_limit() {
        let first = files().expect("the generator has no input that could fail");
        let second = files().expect("the generator has no input that could fail");
        assert!(first == second);
        let bytes: usize = first.values().map(Vec::len).sum();
        assert!(bytes < 15_000_000, "{bytes} bytes");
    }

    #[test]
    fn a_missing_file_is_a_difference() {
        let files = [("no/such/file.csv".to_owned(), vec![1])].into();
        assert!(check(std::path::Path::new("."), &files).is_err());
    }
}
