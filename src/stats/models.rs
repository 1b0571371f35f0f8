//! Many models of one table: what they have in common is computed once, and no number depends on it.
//!
//! A specification curve has hundreds of models that differ in some controls, the outcome or the clusters. The groups of
//! a sample, the columns freed of the fixed effects and their products are kept from model to model (`shared`); variances
//! are each model's own. Results are those of each model alone, to the last bit, in any order and on any number of
//! threads: a kept number is the one that the same arithmetic would give again.

use crate::design::{Data, Design, Known, Options};
use crate::error::StatsError;
use crate::estimator::{Estimator, Fit};
use crate::formula::Formula;
use crate::shared::Shared;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One model of many.
#[derive(Clone, Copy)]
pub struct Model<'a> {
    pub formula: &'a Formula,
    pub options: &'a Options,
    pub estimator: &'a dyn Estimator,
}

/// Neighbours in the list, which tend to have most in common, go to one thread.
const TOGETHER: usize = 16;

/// Tables with more rows than this use all threads within one model.
const LARGE: usize = 100_000;

/// Fits every model, and keeps of each what `keep` makes of its position, its design and its fit; one per model, in their
/// order. A model that fails has its error and stops no other.
pub fn fit_all<Kept: Send>(
    data: &Data,
    models: &[Model],
    keep: impl Fn(usize, Result<(&Design, Fit), StatsError>) -> Kept + Sync,
) -> Vec<Kept> {
    let threads = match data.rows {
        rows if rows > LARGE => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from).min(models.len().div_ceil(TOGETHER)),
    };
    let next = AtomicUsize::new(0);
    let kept: Mutex<Vec<(usize, Kept)>> = Mutex::new(Vec::with_capacity(models.len()));
    let work = || {
        let (mut known, mut shared) = (Known::lasting(), Shared::default());
        loop {
            let start = next.fetch_add(TOGETHER, Ordering::Relaxed);
            if start >= models.len() {
                return;
            }
            let numbers = start..models.len().min(start + TOGETHER);
            let found: Vec<(usize, Kept)> = numbers
                .map(|number| {
                    let Model { formula, options, estimator } = models[number];
                    let found = match Design::among(formula, data, options, &mut known) {
                        Err(error) => keep(number, Err(error)),
                        Ok(design) => match estimator.fit_among(&design, &mut shared) {
                            Err(error) => keep(number, Err(error)),
                            Ok(fit) => keep(number, Ok((&design, fit))),
                        },
                    };
                    (number, found)
                })
                .collect();
            kept.lock().expect("no thread panics with it").extend(found);
        }
    };
    if threads < 2 {
        work();
    } else {
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    }
    let mut kept = kept.into_inner().expect("no thread panics with it");
    kept.sort_by_key(|(number, _)| *number);
    kept.into_iter().map(|(_, kept)| kept).collect()
}

#[cfg(test)]
mod tests;
