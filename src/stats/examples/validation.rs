//! Monte Carlo validation: bias and coverage of the estimators in simulated samples, as a table in Markdown.
//!
//! ```text
//! validation [REPLICATIONS] [DESIGN ...]
//! ```
//!
//! 500 replications of all designs where nothing else is asked for; names of designs are those of `Design::name`. Numbers
//! depend on the replication alone, not on threads. What they say is in `docs/validation.md`.
//!
//! | column | over the replications that give an estimate |
//! |---|---|
//! | bias | the mean of estimate less true value, with its Monte Carlo standard error |
//! | sd | the standard deviation of estimate less true value |
//! | mean error | the mean of standard errors |
//! | coverage | the share of 95 % intervals that hold the true value, with its Monte Carlo standard error |
//! | failed | replications without an estimate |

#[path = "validation/designs.rs"]
mod designs;
#[path = "validation/methods.rs"]
mod methods;

use designs::Design;
use methods::{Found, Method};
use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const REPLICATIONS: usize = 500;

/// Threads that work at a time.
const THREADS: usize = 2;

type Replication = Vec<Result<Found, String>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let replications = arguments.first().map_or(Ok(REPLICATIONS), |text| text.parse())?;
    if replications < 2 {
        return Err("a standard deviation needs 2 replications".into());
    }
    let named = arguments.get(1..).unwrap_or_default();
    let known = designs::ALL.map(Design::name);
    if let Some(unknown) = named.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("no design `{unknown}`; there are [{}]", known.join(", ")).into());
    }
    for design in
        designs::ALL.into_iter().filter(|design| named.is_empty() || named.iter().any(|name| name == design.name()))
    {
        let methods = methods::of(design);
        print(design, &methods, &replicated(design, &methods, replications));
    }
    Ok(())
}

/// What the methods say of each sample, in the order of replications.
fn replicated(design: Design, methods: &[Method], replications: usize) -> Vec<Replication> {
    let next = AtomicUsize::new(0);
    let found: Mutex<Vec<(usize, Replication)>> = Mutex::new(Vec::with_capacity(replications));
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= replications {
                return;
            }
            let sample = design.sample(number);
            let replication = methods.iter().map(|method| method.run(&sample)).collect();
            found.lock().expect("no thread panics with it").push((number, replication));
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    let mut found = found.into_inner().expect("no thread panics with it");
    found.sort_by_key(|(number, _)| *number);
    found.into_iter().map(|(_, replication)| replication).collect()
}

fn print(design: Design, methods: &[Method], replications: &[Replication]) {
    println!("### {}\n", design.title());
    println!("| estimator | options | target | true value | bias | sd | mean error | coverage, % | failed |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut failures = Vec::new();
    for (column, method) in methods.iter().enumerate() {
        let found: Vec<Found> =
            replications.iter().filter_map(|replication| replication[column].as_ref().ok().copied()).collect();
        let first_failure = replications.iter().find_map(|replication| replication[column].as_ref().err());
        // The first of several reasons.
        let reason = first_failure.and_then(|failure| failure.split("; ").next());
        failures.extend(reason.map(|reason| format!("`{}` {}: {reason}", method.name, method.options)));
        println!(
            "| `{}` | {} | {} | {} | {} |",
            method.name,
            method.options,
            method.target,
            summary(&found),
            replications.len() - found.len()
        );
    }
    for failure in failures {
        println!("\nThe first failure of {failure}");
    }
    println!();
}

/// From the true value to the coverage.
fn summary(found: &[Found]) -> String {
    if found.len() < 2 {
        return "| | | | ".to_string();
    }
    let count = found.len() as f64;
    let mean = |of: &dyn Fn(&Found) -> f64| found.iter().map(of).sum::<f64>() / count;
    let bias = mean(&|found| found.estimate - found.target);
    let deviation = |found: &Found| (found.estimate - found.target - bias) * (found.estimate - found.target - bias);
    let spread = (mean(&deviation) * count / (count - 1.0)).sqrt();
    let is_covered = |found: &Found| found.interval[0] <= found.target && found.target <= found.interval[1];
    let coverage = mean(&|found| f64::from(u8::from(is_covered(found))));
    format!(
        "{:.3} | {bias:.3} ({:.3}) | {spread:.3} | {:.3} | {:.1} ({:.1})",
        mean(&|found| found.target),
        spread / count.sqrt(),
        mean(&|found| found.std_error),
        100.0 * coverage,
        100.0 * (coverage * (1.0 - coverage) / count).sqrt()
    )
}
