//! What the user sees: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use serde::Serialize;
use volley_program::BadInput;

/// Files of fewer bytes are read before a bar could be seen.
const BAR_BYTES: u64 = 1 << 24;
/// Time between two lines about the same work.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// How results are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// As JSON, for programs.
    pub(crate) json: bool,
}

impl Output {
    /// Shows a result.
    pub(crate) fn result(self, result: &(impl Serialize + Display)) -> Result<()> {
        let mut text = Vec::new();
        self.write(&mut text, result)?;
        print(&text)
    }

    /// Writes a result in one call, as `out` may have no buffer.
    pub(crate) fn write(self, mut out: impl Write, result: &(impl Serialize + Display)) -> Result<()> {
        let text = if self.json { serde_json::to_string_pretty(result)? } else { result.to_string() };
        out.write_all((text + "\n").as_bytes())?;
        Ok(out.flush()?)
    }
}

/// Writes to standard output in one call, as it may have no buffer.
pub(crate) fn print(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(BadInput::new(format_args!("nowhere to write: standard output: {error}")).into())
        }
        written => Ok(written?),
    }
}

/// Whether writing failed because the reader of the output has gone.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().map(io::Error::kind) == Some(io::ErrorKind::BrokenPipe)
}

/// A line for the user's eyes. Where it cannot be written there is no one to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Shows a phase while it lasts, where there is a terminal.
pub(crate) fn phase<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    let spinner = styled(ProgressBar::new_spinner().with_message(name), "{spinner} {msg} {elapsed}");
    let result = work();
    spinner.finish_and_clear();
    result
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Counts the bytes of a file, where there is a terminal and the file is not read in an instant.
pub(crate) fn bytes_bar(name: String, bytes: u64) -> ProgressBar {
    if bytes < BAR_BYTES {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(bytes).with_message(name).with_finish(ProgressFinish::AndClear);
    styled(bar, "{spinner} {msg} {wide_bar} {bytes}/{total_bytes} {elapsed}")
}

/// Counts steps: a bar on a terminal, elsewhere a line for each.
#[derive(Debug)]
pub(crate) struct Steps(ProgressBar);

impl Steps {
    pub(crate) fn new(done: usize, all: usize, unit: &'static str) -> Self {
        let bar = ProgressBar::new(all as u64).with_position(done as u64);
        Self(styled(bar.with_message(unit), "{spinner} {wide_bar} {pos}/{len} {msg} {elapsed}"))
    }

    /// Says how far a long step is: beside the bar on a terminal, elsewhere on a line of its own.
    pub(crate) fn within(&self, line: &str) {
        self.0.set_message(line.to_owned());
        if !io::stderr().is_terminal() {
            note(line);
        }
    }

    /// Counts one more step as done.
    pub(crate) fn step(&self, line: &str) {
        self.0.inc(1);
        if !io::stderr().is_terminal() {
            note(line);
        }
    }
}

/// Counts small things done in any order: a bar on a terminal, elsewhere nothing.
#[derive(Debug)]
pub(crate) struct Bar(Steps);

impl Bar {
    pub(crate) fn new(all: usize, unit: &'static str) -> Self {
        Self(Steps::new(0, all, unit))
    }

    /// Counts so many things as done; the largest count so far is shown.
    pub(crate) fn set(&self, done: usize) {
        self.0.0.update(|state| state.set_pos(state.pos().max(done as u64)));
    }
}

/// Counts things that take minutes or hours, with their rate and the time left: a bar on a terminal, elsewhere a line
/// now and then.
#[derive(Debug)]
pub(crate) struct Rate {
    bar: Bar,
    unit: &'static str,
    before: usize,
    all: usize,
    start: Instant,
    /// When the last line was written.
    told: Mutex<Instant>,
}

impl Rate {
    /// Goes on after `before` things, which take no time.
    pub(crate) fn new(before: usize, all: usize, unit: &'static str) -> Self {
        let start = Instant::now();
        let bar = Bar(Steps::new(before, all, unit));
        Self { bar, unit, before, all, start, told: Mutex::new(start) }
    }

    /// So many things are done, in any order of calls.
    pub(crate) fn set(&self, done: usize) {
        self.bar.set(done);
        // Another thread that is telling tells enough.
        let Ok(mut told) = self.told.try_lock() else { return };
        if told.elapsed() >= BETWEEN_LINES {
            *told = Instant::now();
            let line = rate_line(self.before, done, self.all, self.unit, self.start.elapsed());
            self.bar.0.within(&line);
        }
    }
}

/// Things done, things a second, time left.
fn rate_line(before: usize, done: usize, all: usize, unit: &str, elapsed: Duration) -> String {
    let rate = done.saturating_sub(before) as f64 / elapsed.as_secs_f64();
    let left = all.saturating_sub(done) as f64 / rate;
    format!("{done} of {all} {unit}, {rate:.1} a second, {left:.0} s left")
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_does_not_count_for_the_rate() {
        let line = rate_line(1000, 1500, 3500, "images", Duration::from_secs(10));
        assert_eq!(line, "1500 of 3500 images, 50.0 a second, 40 s left");
    }
}
