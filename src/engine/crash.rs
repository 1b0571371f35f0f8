//! Instants at which a test ends the process as a power cut would: `RESTUDY_CRASH_AT=17` ends it at the 17th. Only in
//! builds with debug assertions; elsewhere nothing is left of it.

/// A step after which something may be half done. `what` is for whoever reads the test's output.
#[cfg(debug_assertions)]
pub fn instant(what: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static AT: OnceLock<Option<u64>> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(at) = AT.get_or_init(|| std::env::var("RESTUDY_CRASH_AT").ok()?.parse().ok()) else { return };
    if COUNT.fetch_add(1, Ordering::SeqCst) + 1 == *at {
        eprintln!("crash at {at}: {what}");
        std::process::abort();
    }
}

#[cfg(not(debug_assertions))]
pub fn instant(_what: &str) {}
