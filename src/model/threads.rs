//! Work on stacks that are large enough, and on all cores.
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, available_parallelism, scope};

/// The parser recurses up to its limit of 64 levels, which a small stack does not hold in debug builds.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// How many batches there are for each thread, so that none ends long before the others.
const BATCHES: usize = 8;

/// Runs a function on a thread whose stack holds the deepest input that the parser accepts.
pub(crate) fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    scope(|scope| {
        let thread =
            Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).expect("the system can start a thread");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Works on all items, on all cores and on large stacks; the results are in the order of the items.
pub(crate) fn on_all_cores<I: Send, T: Send>(items: Vec<I>, work: &(dyn Fn(I) -> T + Sync)) -> Vec<T> {
    let threads = available_parallelism().map_or(1, usize::from).min(items.len());
    let (count, batch) = (items.len(), items.len().div_ceil(BATCHES * threads.max(1)));
    let (queue, results) = (Mutex::new(items.into_iter()), Mutex::new(Vec::new()));
    let next = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        (count - queue.len(), queue.by_ref().take(batch).collect::<Vec<I>>())
    };
    let work = || {
        loop {
            let (start, batch) = next();
            if batch.is_empty() {
                break;
            }
            let done: Vec<T> = batch.into_iter().map(work).collect();
            results.lock().unwrap_or_else(PoisonError::into_inner).push((start, done));
        }
    };
    scope(|scope| {
        for _ in 0..threads {
            Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).expect("the system can start a thread");
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(start, _)| *start);
    results.into_iter().flat_map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 7, 1_000] {
            let doubled = on_all_cores((0..count).collect(), &|number: usize| number * 2);
            assert_eq!(doubled, (0..count).map(|number| number * 2).collect::<Vec<_>>());
        }
    }
}
