//! Long work, as whoever waits for it sees it.

use std::any::Any;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::failure::Failure;

/// Whoever waits for long work: is told how far it is, and may ask for its end.
pub trait Observer: Sync {
    /// Work begins whose parts are counted, `all` of them. It is over when the count is dropped.
    fn counts(&self, work: &'static str, all: usize, unit: String) -> Box<dyn Count>;

    /// A phase begins whose end is not known. It lasts until what is returned is dropped.
    fn begins(&self, _phase: &'static str) -> Box<dyn Any> {
        Box::new(())
    }

    /// The work says what it does.
    fn info(&self, _text: String) {}

    /// The work says what the user may not expect.
    fn note(&self, _text: String) {}

    /// A file is read that may have gigabytes.
    fn reads(&self, _path: &Path, file: File) -> Box<dyn Read> {
        Box::new(file)
    }

    /// Whether the work is to end. It asks where it can go on later.
    fn is_to_end(&self) -> bool {
        false
    }

    /// Ends the work where that is asked for.
    ///
    /// # Errors
    ///
    /// [`Failure::Interrupted`].
    fn check(&self) -> Result<(), Failure> {
        if self.is_to_end() { Err(Failure::Interrupted) } else { Ok(()) }
    }
}

/// Parts of some work that are done.
pub trait Count: Sync {
    /// So many were done before this work began.
    fn begin_after(&self, before: usize);

    /// Parts after the first so many take so many times as long as these.
    fn slows_after(&self, _first: usize, _times: f64) {}

    /// So many are done, in any order of calls: the largest number counts.
    fn set(&self, done: usize);
}

impl dyn Observer + '_ {
    /// Does a phase of the work.
    pub fn during<T>(&self, phase: &'static str, run: impl FnOnce() -> T) -> T {
        let _shown = self.begins(phase);
        run()
    }
}

/// The unit of work that goes through so many files of rows.
#[must_use]
pub fn files_of_rows(count: usize) -> String {
    if count == 1 { "file of rows" } else { "files of rows" }.to_owned()
}

/// Nobody waits.
impl Observer for () {
    fn counts(&self, _: &'static str, _: usize, _: String) -> Box<dyn Count> {
        Box::new(())
    }
}

impl Count for () {
    fn begin_after(&self, _: usize) {}

    fn set(&self, _: usize) {}
}
