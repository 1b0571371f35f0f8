//! Work on several things at once, on threads of its own. Knows nothing of the work.

use std::num::NonZero;
use std::sync::Mutex;
use std::thread;

/// The processors that this process may use.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Does the work on each item, on up to so many threads, this one among them; the first items are begun first. Meanwhile
/// this thread does `meanwhile`, and gives what came of it.
pub fn each<T: Send, R>(
    items: &mut [T],
    threads: usize,
    work: impl Fn(&mut T) + Sync,
    meanwhile: impl FnOnce() -> R,
) -> R {
    let helpers = threads.min(items.len()).saturating_sub(1);
    let queue = Mutex::new(items.iter_mut());
    // The lock is held only to take the next item: a panic of the work cannot poison it.
    let next = || queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).next();
    let drain = || {
        while let Some(item) = next() {
            work(item);
        }
    };
    thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(drain);
        }
        let result = meanwhile();
        drain();
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_items_are_worked_on_whatever_the_number_of_threads() {
        for threads in [0, 1, 3, 100] {
            let mut items: Vec<u64> = (0..10).collect();
            let result = each(&mut items, threads, |item| *item *= 2, || "meanwhile");
            assert_eq!(result, "meanwhile");
            assert_eq!(items.iter().sum::<u64>(), 90);
        }
    }
}
