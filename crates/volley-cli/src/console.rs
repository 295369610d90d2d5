//! Events on standard error and in the log, and how far work is.
//!
//! On a terminal there are bars. Elsewhere there is a line every few seconds, and for programs one of JSON.

use std::any::Any;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use serde::Serialize;
use volley_program::units::show_duration;
use volley_project::files::buffered;
use volley_project::{Count, Observer};

use crate::escaped::escaped;
use crate::event::{self, Event};
use crate::failure::FailureKind;
use crate::interrupt::Interrupt;
use crate::wrapped::wrapped_for_terminal;

/// Files of fewer bytes are read before a bar could be seen.
const BAR_BYTES: u64 = 1 << 24;
/// Time between two lines about the same work.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Whether events are JSON: one choice for the program, as it has one standard error.
static JSON: AtomicBool = AtomicBool::new(false);
/// The bars on the terminal, which lines are written above.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Writes events as JSON from here on.
pub(crate) fn write_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Tells the user and the log. Where the former cannot be written to there is no one to tell.
pub(crate) fn tell(event: &Event) {
    log(event);
    show(None, event);
}

/// Tells the same of a job.
pub(crate) fn tell_of(job: &str, event: &Event) {
    let _span = tracing::info_span!("job", name = %escaped(job)).entered();
    log(event);
    show(Some(job), event);
}

/// Shows an event of the program that trains a job, which keeps its own log.
pub(crate) fn pass_on(job: &str, event: &Event) {
    show(Some(job), event);
}

/// An event as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<&'a str>,
    #[serde(flatten)]
    event: &'a Event,
}

fn show(job: Option<&str>, event: &Event) {
    let line = match job {
        _ if JSON.load(Ordering::Relaxed) => serde_json::to_string(&Line { job, event }).unwrap_or_default(),
        Some(job) => format!("{}: {event}", escaped(job)),
        None if has_bars() => wrapped_for_terminal(&event.to_string()),
        None => event.to_string(),
    };
    let write = || {
        let _ = writeln!(io::stderr(), "{line}");
    };
    if has_bars() { BARS.suspend(write) } else { write() }
}

fn log(event: &Event) {
    match event {
        Event::Info { text } | Event::Note { text } => tracing::info!("{text}"),
        Event::Warning { text } => tracing::warn!("{text}"),
        Event::Phase { .. } | Event::Progress(_) => tracing::debug!("{event}"),
        // Nothing is wrong with a training that waits for more, or was asked to end.
        Event::Failure { kind: FailureKind::Incomplete | FailureKind::NoRoom, text } => {
            tracing::warn!("{text}");
        }
        Event::Failure { kind: FailureKind::Interrupted, text } => tracing::info!("{text}"),
        Event::Failure { text, .. } => tracing::error!("{text}"),
    }
}

/// Says what the program does.
pub(crate) fn info(text: impl Into<String>) {
    tell(&Event::Info { text: text.into() });
}

/// Says what the user may not expect.
pub(crate) fn note(text: impl Into<String>) {
    tell(&Event::Note { text: text.into() });
}

/// Says what the user should look into.
pub(crate) fn warn(text: impl Into<String>) {
    tell(&Event::Warning { text: text.into() });
}

/// Whether bars can be seen.
fn has_bars() -> bool {
    io::stderr().is_terminal() && !JSON.load(Ordering::Relaxed)
}

/// Shows a phase while it lasts.
pub(crate) fn phase<T>(work: &'static str, run: impl FnOnce() -> T) -> T {
    let _shown = Phase::begin(work);
    run()
}

/// A phase that lasts until it is dropped: a spinner on a terminal, elsewhere a line now and then.
struct Phase {
    work: &'static str,
    start: Instant,
    spinner: ProgressBar,
    reminder: Option<Reminder>,
}

impl Phase {
    fn begin(work: &'static str) -> Self {
        let reminder = (!has_bars()).then(|| Reminder::of(work));
        let spinner = styled(ProgressBar::new_spinner().with_message(work), "{spinner} {msg} {elapsed}");
        Self { work, start: Instant::now(), spinner, reminder }
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
        drop(self.reminder.take());
        tracing::debug!(seconds = self.start.elapsed().as_secs_f64(), "{}: done", self.work);
    }
}

/// Says now and then that a phase goes on, until it is dropped.
struct Reminder {
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reminder {
    fn of(work: &'static str) -> Self {
        let (end, ended) = mpsc::channel::<()>();
        let start = Instant::now();
        let thread = thread::spawn(move || {
            while ended.recv_timeout(BETWEEN_LINES) == Err(RecvTimeoutError::Timeout) {
                tell(&Event::Phase { work: work.to_owned(), seconds: start.elapsed().as_secs_f64() });
            }
        });
        Self { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Reminder {
    fn drop(&mut self) {
        drop(self.end.take());
        // It does not panic, and if it did the phase would have ended all the same.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if !has_bars() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        return bar;
    }
    let bar = BARS.add(bar);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Shows how far a large file is read, where there is a terminal.
pub(crate) fn shown(path: &Path, file: BufReader<File>) -> BufReader<impl Read + use<>> {
    buffered(with_bar(path, file.into_inner()))
}

fn with_bar(path: &Path, file: File) -> impl Read + use<> {
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    let bar = if bytes < BAR_BYTES {
        ProgressBar::hidden()
    } else {
        let name = escaped(&path.file_name().unwrap_or_default().to_string_lossy());
        let bar = ProgressBar::new(bytes).with_message(name).with_finish(ProgressFinish::AndClear);
        styled(bar, "{spinner} {msg} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {eta} left")
    };
    bar.wrap_read(file)
}

/// The user, who sees what the work of a library does. A signal asks for its end from the first time on that it looks,
/// unless something else does.
#[derive(Debug, Default)]
pub(crate) struct Console {
    interrupt: OnceLock<Interrupt>,
}

impl Console {
    /// Shows work that ends when this is asked for.
    pub(crate) fn until(interrupt: Interrupt) -> Self {
        Self { interrupt: interrupt.into() }
    }
}

impl Observer for Console {
    fn counts(&self, work: &'static str, all: usize, unit: String) -> Box<dyn Count> {
        Box::new(Progress::new(work, all, unit))
    }

    fn begins(&self, phase: &'static str) -> Box<dyn Any> {
        Box::new(Phase::begin(phase))
    }

    fn info(&self, text: String) {
        info(text);
    }

    fn note(&self, text: String) {
        note(text);
    }

    fn reads(&self, path: &Path, file: File) -> Box<dyn Read> {
        Box::new(with_bar(path, file))
    }

    fn is_to_end(&self) -> bool {
        // Where signals cannot be caught they end the program at once, and the work goes on later all the same.
        self.interrupt.get_or_init(|| Interrupt::by_signals().unwrap_or_default()).is_requested()
    }
}

/// Counts the parts of some work, with their rate and the time left: a bar on a terminal, elsewhere a line now
/// and then.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    work: String,
    unit: String,
    all: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What was done before the start, which takes no time.
    before: usize,
    done: usize,
    start: Instant,
    told: Instant,
    /// Parts after so many take so many times as long as these.
    slow: (usize, f64),
}

impl State {
    fn new() -> Self {
        let start = Instant::now();
        Self { before: 0, done: 0, start, told: start, slow: (usize::MAX, 1.0) }
    }

    fn begin_after(&mut self, before: usize) {
        *self = Self { before, done: before, slow: self.slow, ..Self::new() };
    }

    /// How many of the first parts take as long as so many parts.
    fn work(&self, parts: usize) -> f64 {
        let (first, times) = self.slow;
        parts.min(first) as f64 + times * parts.saturating_sub(first) as f64
    }

    /// Seconds that the other parts take, at the rate of those that were done.
    fn seconds_left(&self, all: usize, seconds: f64) -> Option<f64> {
        // What ends a work after its last part is not foreseen.
        let rate = (self.work(self.done) - self.work(self.before)) / seconds;
        let left = (self.work(all) - self.work(self.done)) / rate;
        Some(left).filter(|left| left.is_finite() && self.done < all)
    }
}

impl Progress {
    /// Work of which nothing is done.
    pub(crate) fn new(work: impl Into<String>, all: usize, unit: impl Into<String>) -> Self {
        let (work, unit) = (work.into(), unit.into());
        let bar = ProgressBar::new(all as u64).with_prefix(work.clone());
        let bar = styled(bar, "{spinner} {prefix} {wide_bar} {percent} % of {human_len} {msg}")
            .with_message(unit.clone());
        Self { bar, work, unit, all, state: Mutex::new(State::new()) }
    }

    fn tell(&self, progress: event::Progress) {
        let event = Event::Progress(progress);
        if has_bars() { log(&event) } else { tell(&event) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Numbers that a thread which panicked has set are whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn progress(&self, state: &State) -> event::Progress {
        let seconds = state.start.elapsed().as_secs_f64();
        let rate = (state.done - state.before) as f64 / seconds;
        event::Progress {
            work: self.work.clone(),
            done: state.done as u64,
            all: self.all as u64,
            unit: self.unit.clone(),
            rate: if rate.is_finite() { rate } else { 0.0 },
            seconds_left: state.seconds_left(self.all, seconds),
        }
    }
}

impl Count for Progress {
    /// The rate is that of what follows.
    fn begin_after(&self, before: usize) {
        self.state().begin_after(before);
        self.bar.set_position(before as u64);
    }

    fn slows_after(&self, first: usize, times: f64) {
        self.state().slow = (first, times);
    }

    fn set(&self, done: usize) {
        let mut state = self.state();
        state.done = state.done.max(done);
        let progress = self.progress(&state);
        self.bar.set_position(progress.done);
        let left = progress.seconds_left.map(|seconds| format!(", {} left", show_duration(seconds)));
        self.bar.set_message(format!("{}{}", self.unit, left.unwrap_or_default()));
        if state.told.elapsed() >= BETWEEN_LINES {
            state.told = Instant::now();
            drop(state);
            self.tell(progress);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(before: usize, done: usize, seconds: u64) -> event::Progress {
        let progress = Progress::new("features", 3500, "images");
        let start = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        progress.progress(&State { before, done, start, ..State::new() })
    }

    #[test]
    fn what_was_done_before_does_not_count_for_the_rate() {
        let shown = at(1000, 1500, 10).to_string();
        assert_eq!(shown, "features: 43 %, 1,500 of 3,500 images, 50.0 a second, 40 s left");
        assert_eq!(at(1000, 1000, 10).seconds_left, None);
        assert!((at(0, 3499, 3499).seconds_left.unwrap() - 1.0).abs() < 0.01);
        assert_eq!(at(0, 3500, 10).seconds_left, None);
    }

    #[test]
    fn slower_parts_count_for_the_time_left() {
        let seconds_left = |done| State { done, slow: (100, 2.5), ..State::new() }.seconds_left(300, 10.0);
        assert_eq!(seconds_left(50), Some(110.0));
        assert_eq!(seconds_left(100), Some(50.0));
        assert_eq!(seconds_left(200), Some(10.0 * 250.0 / 350.0));
        assert_eq!(seconds_left(300), None);
    }

    #[test]
    fn a_line_of_json_names_the_job_of_another_program() {
        let event = &Event::Note { text: "n".into() };
        let shown = [None, Some("digits")].map(|job| serde_json::to_string(&Line { job, event }).unwrap());
        assert_eq!(shown[0], r#"{"event":"note","text":"n"}"#);
        assert_eq!(shown[1], r#"{"job":"digits","event":"note","text":"n"}"#);
        assert_eq!(&serde_json::from_str::<Event>(&shown[1]).unwrap(), event);
    }

    #[test]
    fn the_largest_count_stays() {
        let progress = Progress::new("keys", 10, "keys");
        progress.begin_after(3);
        for (set, done) in [(5, 5), (4, 5), (10, 10)] {
            progress.set(set);
            assert_eq!(progress.state().done, done);
        }
        assert_eq!(progress.state().before, 3);
    }
}
