//! Long work: Python goes on meanwhile, is told how far it is, and can stop it.
//!
//! The work runs on a thread of its own without the interpreter's lock. The calling thread waits for it. In between it
//! calls the progress and looks for signals. After Ctrl-C the work ends at its next step; where that is far, the call
//! returns in seconds, and the work ends behind it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use volley_project::{Count, Observer};

use crate::failure::{Failure, warn};

/// How often signals are looked for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// How long a step is waited for when the work is to end, so that its folder is free again.
const PATIENCE: Duration = Duration::from_secs(5);

/// How far some work is.
#[derive(Clone, Copy, Debug)]
struct Step {
    work: &'static str,
    done: usize,
    all: usize,
}

/// What the work tells of itself, and whether it is to end.
#[derive(Clone, Debug)]
pub(crate) struct Reporter {
    steps: Sender<Step>,
    stopped: Arc<AtomicBool>,
    /// What the user may not expect.
    notes: Arc<Mutex<Vec<String>>>,
}

/// Parts that are counted.
struct Parts {
    steps: Sender<Step>,
    work: &'static str,
    all: usize,
}

impl Observer for Reporter {
    fn counts(&self, work: &'static str, all: usize, _unit: String) -> Box<dyn Count> {
        Box::new(Parts { steps: self.steps.clone(), work, all })
    }

    fn note(&self, text: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(text);
    }

    fn is_to_end(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

impl Count for Parts {
    fn begin_after(&self, before: usize) {
        self.set(before);
    }

    fn set(&self, done: usize) {
        let Self { work, all, .. } = *self;
        // Nobody listens any more where the work is to end.
        let _ = self.steps.send(Step { work, done, all });
    }
}

/// Does work, whose progress is told as `progress(work, done, all)`. What it notes is warned of.
///
/// # Errors
///
/// What the work fails by, what `progress` raises, and what a signal does: `KeyboardInterrupt` for Ctrl-C.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(&Reporter) -> Result<T, Failure> + Send + 'static,
) -> PyResult<T> {
    let stopped = Arc::new(AtomicBool::new(false));
    let (steps, told) = mpsc::channel();
    let notes = Arc::new(Mutex::default());
    let reporter = Reporter { steps, stopped: Arc::clone(&stopped), notes: Arc::clone(&notes) };
    let worker = thread::spawn(move || work(&reporter));
    let look = move |step: Option<Step>| {
        Python::attach(|py| {
            py.check_signals()?;
            match (&progress, step) {
                (Some(progress), Some(Step { work, done, all })) => {
                    progress.call1(py, (work, done, all)).map(drop)
                }
                _ => Ok(()),
            }
        })
    };
    let done = py.detach(move || {
        loop {
            let step = match told.recv_timeout(BETWEEN_LOOKS) {
                Ok(step) => Some(step),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Err(error) = look(step) {
                stopped.store(true, Ordering::Relaxed);
                let begin = Instant::now();
                while !worker.is_finished() && begin.elapsed() < PATIENCE {
                    thread::sleep(BETWEEN_LOOKS);
                }
                return Err(error);
            }
        }
        let done = worker.join().unwrap_or_else(|_| Err(Failure::new("the work panicked")));
        Ok::<_, PyErr>(done?)
    })?;
    let notes = std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner));
    notes.iter().try_for_each(|note| warn(py, note))?;
    Ok(done)
}
