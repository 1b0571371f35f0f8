//! How long things take, for `cargo test -p stats -- --ignored speed --nocapture`.

use super::{options, panel};
use crate::random::Random;
use crate::reference::Frame;
use crate::staggered::callaway_santanna::{Bootstrap, Comparison, MissingRows, Multiplier, Options, callaway_santanna};
use crate::staggered::imputation::imputation;
use crate::staggered::panel::{Panel, Treatment};
use crate::staggered::sun_abraham::sun_abraham;
use crate::staggered::two_stage::two_stage;
use std::time::Instant;

/// Ten cohorts and a third of the units never treated; two covariates.
fn large(n_units: usize, n_periods: usize, covariates: &str) -> Panel {
    let random = Random::new(1, 1);
    let noise = |draw: u64, position: usize| random.uniform(draw, position as u64) - 0.5;
    let rows = n_units * n_periods;
    let unit = |row: usize| row / n_periods;
    let first = |row: usize| match unit(row) % 15 {
        cohort @ 0..10 => Some((cohort + n_periods / 3) as f64),
        _ => None,
    };
    let column = |of: &dyn Fn(usize) -> f64| -> Vec<Option<f64>> { (0..rows).map(|row| Some(of(row))).collect() };
    let outcome = |row: usize| {
        noise(0, row) + 0.3 * f64::from(u8::from(first(row).is_some_and(|first| (row % n_periods) as f64 >= first)))
    };
    let mut csv = String::from("empty\n");
    csv.extend(std::iter::repeat_n("1\n", rows));
    let frame = Frame::read(&csv)
        .with("unit", column(&|row| unit(row) as f64))
        .with("period", column(&|row| (row % n_periods) as f64))
        .with("first", (0..rows).map(first).collect())
        .with("y", column(&outcome))
        .with("x1", column(&|row| noise(1, unit(row))))
        .with("x2", column(&|row| noise(2, unit(row))))
        .with("z", column(&|row| noise(3, row)));
    panel(
        &frame,
        &format!("y ~ {covariates}first | unit + period"),
        &options(Treatment::FirstPeriod("first".to_string())),
    )
    .expect("a panel")
}

fn timed<Found>(what: &str, run: impl FnOnce() -> Found) -> Found {
    let (start, cpu) = (Instant::now(), on_cpu());
    let found = run();
    println!("{what}: {:.2} s, {:.2} s on the CPU", start.elapsed().as_secs_f64(), on_cpu() - cpu);
    found
}

/// Seconds that this thread has run, where the system tells; other work on the machine does not count.
fn on_cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|field| field.parse().ok()).map_or(f64::NAN, |nanoseconds: f64| nanoseconds / 1e9)
}

#[test]
#[ignore = "prints seconds: cargo test -p stats -- --ignored --nocapture speed"]
fn speed() {
    let panel = timed("panel of 3,000 x 20", || large(3000, 20, "x1 + x2 + "));
    let bootstrap = Bootstrap { draws: 1000, multiplier: Multiplier::Rademacher, random: Random::new(1, 1) };
    timed("doubly robust, never treated, 1,000 draws", || {
        callaway_santanna(panel.clone(), &Options::default(), Some(&bootstrap)).expect("a fit")
    });
    let not_yet = Options { comparison: Comparison::NotYetTreated, ..Options::default() };
    timed("doubly robust, not yet treated, no draws", || {
        callaway_santanna(panel.clone(), &not_yet, None).expect("a fit")
    });
    let rows = Options { missing_rows: MissingRows::CrossSections, ..Options::default() };
    timed("doubly robust, as cross-sections, no draws", || {
        callaway_santanna(panel.clone(), &rows, None).expect("a fit")
    });
    let panel = timed("panel of 100,000 x 20", || large(100_000, 20, "z + "));
    timed("imputed effects", || imputation(panel.clone(), 3).expect("a fit"));
    timed("two stages", || two_stage(panel.clone()).expect("a fit"));
    timed("interaction-weighted", || sun_abraham(panel.clone()).expect("a fit"));
}
