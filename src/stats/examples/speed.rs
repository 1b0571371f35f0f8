//! Fits one large model, or many small ones, and prints how long that took and how much memory the process needed.
//!
//! ```text
//! speed FOLDER twfe "y ~ x1 + x2 | unit + year" CLUSTER
//! speed FOLDER imputation "y ~ first | unit + year" FIRST LEADS
//! speed FOLDER callaway_santanna "y ~ x1 + first | unit + year" FIRST DRAWS
//! speed FOLDER curve MODELS
//! speed FOLDER placebo "y ~ treated + x1 | unit + year" TREATED DRAWS
//! ```
//!
//! A column is a file `NAME.f64` of the folder: doubles, little-endian, NaN where there is no value. Prints one line of
//! JSON: seconds and processor seconds of the fit with its checks, without reading the files; the peak of resident memory of
//! the whole process; the first estimate with its standard error. `tests/benchmarks/stats.py` makes the files and compares.

use stats::design::{ColumnData, Data, Design, Options, Vcov};
use stats::estimators;
use stats::formula::{self, Formula};
use stats::models::{self, Model};
use stats::random::Random;
use stats::resampling::placebo;
use stats::staggered::callaway_santanna::{self, Bootstrap, Multiplier};
use stats::staggered::imputation;
use stats::staggered::panel::{Panel, PanelOptions, Treatment};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

type Columns = BTreeMap<String, Vec<Option<f64>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let columns = match arguments.first() {
        Some(folder) => read(Path::new(folder))?,
        None => return Err("which folder? see the head of src/stats/examples/speed.rs".into()),
    };
    let rows = columns.values().next().map_or(0, Vec::len);
    let of_data = columns.iter().map(|(name, values)| (name.clone(), ColumnData::Float(values)));
    let data = Data { rows, keep: None, columns: of_data.collect() };
    let (start, on_cpu) = (Instant::now(), seconds_on_cpu());
    let [estimate, std_error] = match arguments[1..] {
        ["twfe", formula, cluster] => twfe(&data, formula, cluster)?,
        ["imputation", formula, first, leads] => {
            let fit = imputation::imputation(panel(&data, formula, first)?, leads.parse()?)?;
            let overall = &fit.estimates.effects[0].coefficient;
            [overall.estimate, overall.std_error]
        }
        ["callaway_santanna", formula, first, draws] => {
            let bootstrap =
                Bootstrap { draws: draws.parse()?, multiplier: Multiplier::Rademacher, random: Random::new(1, 1) };
            let options = callaway_santanna::Options::default();
            let bootstrap = (bootstrap.draws > 0).then_some(&bootstrap);
            let fit = callaway_santanna::callaway_santanna(panel(&data, formula, first)?, &options, bootstrap)?;
            let overall = &fit.simple.effects[0].coefficient;
            [overall.estimate, overall.std_error]
        }
        ["curve", count] => curve(&data, count.parse()?)?,
        ["placebo", formula, term, draws] => placebo(&data, formula, term, draws.parse()?)?,
        _ => return Err("which method? see the head of src/stats/examples/speed.rs".into()),
    };
    println!(
        "{{\"seconds\": {:.4}, \"cpu\": {:.2}, \"megabytes\": {:.0}, \"estimate\": {estimate:e}, \"std_error\": {std_error:e}}}",
        start.elapsed().as_secs_f64(),
        seconds_on_cpu() - on_cpu,
        peak_megabytes()
    );
    Ok(())
}

fn twfe(data: &Data, formula: &str, cluster: &str) -> Result<[f64; 2], Box<dyn Error>> {
    let design = Design::new(&formula::parse(formula)?, data, &clustered(cluster))?;
    let fit = estimators::find("twfe").ok_or("no twfe")?.fit(&design)?;
    Ok([fit.coefficients[0].estimate, fit.coefficients[0].std_error])
}

/// A specification curve: subsets of the controls `c1` to `c8`, outcomes, sets of effects, clusters. The mean estimate
/// and the mean standard error of `x1`.
fn curve(data: &Data, count: usize) -> Result<[f64; 2], Box<dyn Error>> {
    let outcomes = ["y", "y2", "y3"];
    let effects = ["unit + year", "unit + region^year", "unit"];
    let formulas: Vec<Formula> = (0..count)
        .map(|number| {
            // The subset changes slowest, so that neighbours differ in the rest.
            let (subset, place) = (number / 18 % 256, number % 18);
            let controls = (1..=8).filter(|control| subset >> (control - 1) & 1 == 1);
            let controls: String = controls.map(|control| format!(" + c{control}")).collect();
            formula::parse(&format!("{} ~ x1{controls} | {}", outcomes[place % 3], effects[place / 3 % 3]))
        })
        .collect::<Result<_, _>>()?;
    let clusters = [clustered("unit"), clustered("region")];
    let estimator = estimators::find("twfe").ok_or("no twfe")?;
    let model = |(number, formula)| Model { formula, options: &clusters[number / 9 % 2], estimator };
    let models: Vec<Model> = formulas.iter().enumerate().map(model).collect();
    let fits = models::fit_all(data, &models, |_, fit| {
        fit.map(|(_, fit)| [fit.coefficients[0].estimate, fit.coefficients[0].std_error])
    });
    let mut sums = [0.0; 2];
    for fit in fits {
        let [estimate, std_error] = fit?;
        sums = [sums[0] + estimate, sums[1] + std_error];
    }
    Ok(sums.map(|sum| sum / count as f64))
}

/// Permutes who is treated when; clustered by unit. The estimate, and its standard error by its statistic.
fn placebo(data: &Data, formula: &str, term: &str, draws: u32) -> Result<[f64; 2], Box<dyn Error>> {
    let design = Design::new(&formula::parse(formula)?, data, &clustered("unit"))?;
    let [term, unit, time] = [term, "unit", "year"].map(str::to_string);
    let options =
        placebo::Options { term, unit, time, draws, random: Random::new(1, 1), scheme: placebo::Scheme::Units };
    let found = placebo::placebo(&design, data, &options)?;
    Ok([found.estimate, found.statistic.map_or(f64::NAN, |statistic| found.estimate / statistic)])
}

fn clustered(column: &str) -> Options {
    Options { vcov: Vcov::Cluster(vec![column.to_string()]), ..Options::default() }
}

fn panel(data: &Data, formula: &str, first: &str) -> Result<Panel, Box<dyn Error>> {
    let treatment = Treatment::FirstPeriod(first.to_string());
    let options = PanelOptions { treatment, weights: None, cluster: None, level: 0.95 };
    Ok(Panel::new(&formula::parse(formula)?, data, &options)?)
}

fn read(folder: &Path) -> Result<Columns, Box<dyn Error>> {
    let mut columns = Columns::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "f64") {
            let bytes = std::fs::read(&path)?;
            let (values, _) = bytes.as_chunks::<8>();
            let values = values.iter().map(|bytes| Some(f64::from_le_bytes(*bytes)).filter(|value| !value.is_nan()));
            columns.insert(path.file_stem().unwrap_or_default().to_string_lossy().to_string(), values.collect());
        }
    }
    Ok(columns)
}

/// Of all threads of this process, where the system tells.
fn seconds_on_cpu() -> f64 {
    // User and system time are the 14th and 15th field, in hundredths; the name in the 2nd has no space here.
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = |field: usize| text.split(' ').nth(field).and_then(|field| field.parse().ok()).unwrap_or(f64::NAN);
    (ticks(13) + ticks(14)) / 100.0
}

fn peak_megabytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    kilobytes.map_or(f64::NAN, |kilobytes: f64| kilobytes / 1024.0)
}
