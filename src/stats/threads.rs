//! Work on several threads that does not show in the results: each item is worked on alone, and the results stand in the
//! order of the items. Knows no numbers.

use std::sync::Mutex;

/// Fewer values than this are not worth a second thread.
const WORTH_A_THREAD: usize = 200_000;

/// How many threads `items` of so many values in all are worth.
pub(crate) fn count(items: usize, values: usize) -> usize {
    match values {
        few if few < WORTH_A_THREAD => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from).min(items).max(1),
    }
}

/// The result of each item. Threads take the next item when they are done with one.
pub(crate) fn each<Item: Send, Result: Send>(
    items: Vec<Item>,
    values: usize,
    work: impl Fn(Item) -> Result + Sync,
) -> Vec<Result> {
    let threads = count(items.len(), values);
    if threads == 1 {
        return items.into_iter().map(work).collect();
    }
    let left = Mutex::new(items.into_iter().enumerate());
    let next = || left.lock().expect("no thread panics with it").next();
    let run = || {
        let mut done = Vec::new();
        while let Some((place, item)) = next() {
            done.push((place, work(item)));
        }
        done
    };
    let mut done: Vec<(usize, Result)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(results) => done.extend(results),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    });
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..100).collect();
        let square = |item: u64| item * item;
        let alone: Vec<u64> = items.iter().map(|item| square(*item)).collect();
        assert_eq!(each(items.clone(), 1, square), alone);
        assert_eq!(each(items, WORTH_A_THREAD, square), alone);
        assert!(each(Vec::new(), WORTH_A_THREAD, square).is_empty());
        assert_eq!([count(5, 1), count(0, WORTH_A_THREAD), count(1, WORTH_A_THREAD)], [1; 3]);
    }
}
