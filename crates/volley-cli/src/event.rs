//! What a command says while it works: lines for a person, JSON lines for a program, records of a log.
//!
//! With `--json` each event is one line of JSON on standard error. `volley train --watch` reads those of the
//! trainings that it starts.

use std::fmt;

use serde::{Deserialize, Serialize};
use volley_program::units::{grouped, show_duration};

use crate::escaped::escaped;
use crate::failure::FailureKind;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(crate) enum Event {
    /// What the program does.
    Info { text: String },
    /// What the user may not expect.
    Note { text: String },
    /// What the user should look into.
    Warning { text: String },
    /// A phase whose end is not known goes on.
    Phase { work: String, seconds: f64 },
    /// How far work is whose parts are counted.
    Progress(Progress),
    /// Why the command failed: its last event. Why a job failed, for a command that goes on with others.
    Failure { kind: FailureKind, text: String },
}

/// Parts that are done of some work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) work: String,
    pub(crate) done: u64,
    pub(crate) all: u64,
    pub(crate) unit: String,
    /// Parts in a second, since this program began with them.
    pub(crate) rate: f64,
    /// `None` where nothing was done yet.
    pub(crate) seconds_left: Option<f64>,
}

impl Progress {
    /// The part that is done, in 0 to 1.
    pub(crate) fn fraction(&self) -> f64 {
        if self.all == 0 { 1.0 } else { self.done as f64 / self.all as f64 }
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, done, all, unit, rate, seconds_left } = self;
        let (percent, done, all) = (100.0 * self.fraction(), grouped(*done), grouped(*all));
        write!(f, "{work}: {percent:.0} %, {done} of {all} {unit}, {rate:.1} a second")?;
        seconds_left.iter().try_for_each(|&seconds| write!(f, ", {} left", show_duration(seconds)))
    }
}

impl fmt::Display for Event {
    /// Writes one line, even if a text has several, and no control character.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one_line = |text: &str| escaped(&text.replace('\n', " "));
        match self {
            Self::Info { text } => f.write_str(&one_line(text)),
            Self::Note { text } => write!(f, "note: {}", one_line(text)),
            Self::Warning { text } => write!(f, "warning: {}", one_line(text)),
            Self::Phase { work, seconds } => write!(f, "{work}, {}", show_duration(*seconds)),
            Self::Progress(progress) => progress.fmt(f),
            Self::Failure { text, .. } => write!(f, "error: {}", one_line(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> Progress {
        Progress {
            work: "features".into(),
            done: 1500,
            all: 3500,
            unit: "images".into(),
            rate: 50.0,
            seconds_left: Some(40.0),
        }
    }

    #[test]
    fn events_are_one_line_for_a_person() {
        let text = || "a\nb\u{1b}[m".to_owned();
        let shown = [
            (Event::Info { text: text() }, "a b\\u{1b}[m"),
            (Event::Note { text: text() }, "note: a b\\u{1b}[m"),
            (Event::Warning { text: text() }, "warning: a b\\u{1b}[m"),
            (Event::Failure { kind: FailureKind::Input, text: text() }, "error: a b\\u{1b}[m"),
            (Event::Phase { work: "planning".into(), seconds: 7.2 }, "planning, 7.2 s"),
            (Event::Progress(progress()), "features: 43 %, 1,500 of 3,500 images, 50.0 a second, 40 s left"),
        ];
        for (event, line) in shown {
            assert_eq!(event.to_string(), line);
        }
        let begun = Progress { done: 0, all: 0, rate: 0.0, seconds_left: None, ..progress() };
        assert_eq!(begun.to_string(), "features: 100 %, 0 of 0 images, 0.0 a second");
    }

    #[test]
    fn events_are_one_line_for_a_program_that_reads_them_again() {
        let failure = Event::Failure { kind: FailureKind::Incomplete, text: "a\nb".into() };
        let line = serde_json::to_string(&failure).unwrap();
        assert_eq!(line, r#"{"event":"failure","kind":"incomplete","text":"a\nb"}"#);
        for event in [failure, Event::Progress(progress()), Event::Note { text: String::new() }] {
            let line = serde_json::to_string(&event).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        }
        assert!(serde_json::from_str::<Event>(r#"{"event":"other"}"#).is_err());
    }
}
