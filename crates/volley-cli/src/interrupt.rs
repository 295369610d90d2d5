//! Ending long work at a moment when nothing is lost.
//!
//! A signal, or the end of standard input, asks for it. The work looks for the request where it can go on later. A
//! second signal ends the program at once: that loses no more than a crash, after which the work goes on too.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Result;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Whether this program was asked to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asked for by SIGTERM and SIGINT.
    pub(crate) fn by_signals() -> Result<Self> {
        Self::by(&[SIGTERM, SIGINT])
    }

    /// Asked for by SIGUSR1 as well, which launchers of MPI pass on as it is: what they do to end a run lasts a second.
    #[cfg(feature = "mpi")]
    pub(crate) fn by_signals_of_launchers() -> Result<Self> {
        Self::by(&[SIGTERM, SIGINT, signal_hook::consts::SIGUSR1])
    }

    fn by(signals: &[i32]) -> Result<Self> {
        let interrupt = Self::default();
        for &signal in signals {
            // This handler comes first, so that only a second signal finds the request.
            flag::register_conditional_default(signal, Arc::clone(&interrupt.0))?;
            flag::register(signal, Arc::clone(&interrupt.0))?;
        }
        Ok(interrupt)
    }

    /// Asked for by the end of standard input as well, or by an error in reading it.
    pub(crate) fn or_by_end_of_input(self) -> Self {
        let requested = Arc::clone(&self.0);
        thread::spawn(move || {
            let mut input = io::stdin().lock();
            let mut discarded = [0; 64];
            while matches!(input.read(&mut discarded), Ok(bytes) if bytes > 0) {}
            requested.store(true, Ordering::Relaxed);
        });
        self
    }

    /// Whether it was asked for.
    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_goes_on_until_the_request() {
        let interrupt = Interrupt::default();
        let seen_by_the_work = interrupt.clone();
        assert!(!seen_by_the_work.is_requested());
        interrupt.0.store(true, Ordering::Relaxed);
        assert!(seen_by_the_work.is_requested());
    }
}
