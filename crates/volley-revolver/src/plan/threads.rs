//! The threads of planning: each simulation runs on one of its own.

#[cfg(feature = "parallel")]
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `work` on one thread: what is alive at the same time, and with it the memory of a plan, must not depend on
/// chance or on the machine. Where no thread can be started it does.
#[cfg(feature = "parallel")]
pub(super) fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    // Outside of a pool every parallel loop would wait for the thread of another one.
    if rayon::current_thread_index().is_some() && rayon::current_num_threads() == 1 {
        return work();
    }
    match rayon::ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(thread) => thread.install(work),
        Err(_) => work(),
    }
}

/// Runs `work`: without the feature there is one thread.
#[cfg(not(feature = "parallel"))]
pub(super) fn on_one_thread<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// The threads of the caller.
#[cfg(feature = "parallel")]
pub(super) fn current_threads() -> usize {
    rayon::current_num_threads()
}

/// One: without the feature there are no others.
#[cfg(not(feature = "parallel"))]
pub(super) fn current_threads() -> usize {
    1
}

/// What `work` makes of each item, in their order, on so many threads: each works alone, as [`on_one_thread`] has it.
#[cfg(feature = "parallel")]
pub(super) fn on_threads<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let take = || {
        let index = next.fetch_add(1, Ordering::Relaxed);
        items.get(index).map(|item| (index, work(item)))
    };
    let one = || on_one_thread(|| std::iter::from_fn(take).collect::<Vec<_>>());
    let mut made = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(items.len())).map(|_| scope.spawn(one)).collect();
        let mut made = one();
        for other in others {
            match other.join() {
                Ok(of_other) => made.extend(of_other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        made
    });
    made.sort_by_key(|&(index, _)| index);
    made.into_iter().map(|(_, result)| result).collect()
}

/// What `work` makes of each item: without the feature there is one thread.
#[cfg(not(feature = "parallel"))]
pub(super) fn on_threads<T, R>(_: usize, items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
    items.iter().map(work).collect()
}
