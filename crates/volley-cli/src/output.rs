//! What the user sees: results on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// How results are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// As JSON, for programs.
    pub(crate) json: bool,
}

impl Output {
    /// Writes a result.
    pub(crate) fn result(self, result: &(impl Serialize + Display)) -> Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer_pretty(&mut out, result)?;
            writeln!(out)?;
        } else {
            writeln!(out, "{result}")?;
        }
        Ok(out.flush()?)
    }
}

/// Whether it failed because the reader of the output has gone.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let json = error.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
    io.or(json) == Some(io::ErrorKind::BrokenPipe)
}

/// A line for the user's eyes. Where it cannot be written there is no one to tell.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Shows a phase while it lasts, where there is a terminal.
pub(crate) fn phase<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    let spinner = ProgressBar::new_spinner();
    spinner.set_message(name);
    spinner.enable_steady_tick(Duration::from_millis(100));
    let result = work();
    spinner.finish_and_clear();
    result
}

/// Counts steps: a bar on a terminal, elsewhere a line for each.
#[derive(Debug)]
pub(crate) struct Steps(ProgressBar);

impl Steps {
    pub(crate) fn new(done: usize, all: usize, unit: &str) -> Self {
        let bar = ProgressBar::new(all as u64).with_position(done as u64);
        let template = format!("{{spinner}} {{wide_bar}} {{pos}}/{{len}} {unit} {{elapsed}}");
        bar.set_style(
            ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(bar)
    }

    /// One more is done.
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
    pub(crate) fn new(all: usize, unit: &str) -> Self {
        Self(Steps::new(0, all, unit))
    }

    /// So many are done; the most that was said counts.
    pub(crate) fn set(&self, done: usize) {
        self.0.0.update(|state| state.set_pos(state.pos().max(done as u64)));
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
