//! Asking work to stop: because the user said so, or because a time limit has passed. Knows no signal: whoever catches
//! one calls `Stop::ask`.

use crate::record::Stopwatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared by everything that belongs to one run.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

/// What a running stage looks at now and then.
#[derive(Debug)]
pub struct Halt<'a> {
    stop: &'a Stop,
    watch: Stopwatch,
    seconds: Option<f64>,
}

/// Why a stage must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Asked,
    /// It ran longer than its limit.
    TimedOut,
}

impl Stop {
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<'a> Halt<'a> {
    /// Counts `seconds` from now.
    pub fn new(stop: &'a Stop, seconds: Option<f64>) -> Halt<'a> {
        Halt { stop, watch: Stopwatch::start(), seconds }
    }

    pub fn cause(&self) -> Option<Cause> {
        if self.stop.asked() {
            return Some(Cause::Asked);
        }
        self.seconds.filter(|seconds| self.watch.seconds() > *seconds).map(|_| Cause::TimedOut)
    }
}
