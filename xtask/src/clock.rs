//! How long an operation takes, by processor time: on an idle machine that is what a clock shows for one thread, on a
//! shared one it is distorted less.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use cpu_time::ProcessTime;
use volley_mlr::volley_ckks::Error;

/// Calls that are timed: as many as the budget of time allows, but at least and at most so many.
const AT_LEAST: usize = 5;
const AT_MOST: usize = 25;
const BUDGET: Duration = Duration::from_secs(1);

/// The median processor time of some calls, after one that does not count.
pub(crate) fn median<T>(mut operation: impl FnMut() -> Result<T, Error>) -> Result<Duration> {
    operation()?;
    let mut times = Vec::new();
    let begin = ProcessTime::try_now()?;
    while times.len() < AT_LEAST || (times.len() < AT_MOST && begin.try_elapsed()? < BUDGET) {
        let start = ProcessTime::try_now()?;
        drop(black_box(operation()?));
        times.push(start.try_elapsed()?);
    }
    times.sort_unstable();
    Ok(times[times.len() / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_operation_is_timed_as_often_as_allowed() {
        let mut calls = 0;
        median(|| {
            calls += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(calls, 1 + AT_MOST);
    }

    #[test]
    fn a_failure_is_told() {
        let error = median(|| Err::<(), _>(Error::ParameterMismatch)).unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Error::ParameterMismatch));
    }
}
