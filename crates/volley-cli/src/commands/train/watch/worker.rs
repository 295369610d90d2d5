//! One job, trained by a program of its own.

use std::collections::VecDeque;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};

use anyhow::{Context as _, Result};
use volley_program::Machine;

use super::TICK;
use super::inbox::Job;
use crate::commands::train::Trained;
use crate::console::pass_on;
use crate::event::Event;
use crate::failure::FailureKind;
use crate::interrupt::Interrupt;

/// Last lines that are kept of what a program says which ends without an event that says why.
const LAST_LINES: usize = 5;
/// Most bytes of a result: its paths may be long.
const RESULT_LIMIT: u64 = 1 << 16;

/// How a job ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Trained(Trained),
    /// The job failed, and the program has said why.
    Failed(FailureKind, String),
    /// The program ended without saying why.
    Crashed(String),
    /// Files are missing, which may still arrive.
    Incomplete(String),
    /// The disk has not the room for what training writes.
    NoRoom(String),
    /// The program was asked to end.
    Interrupted,
}

/// Starts programs that train.
#[derive(Debug)]
pub(super) struct Worker<'a> {
    pub(super) machine: Machine,
    pub(super) log_file: Option<&'a Path>,
    pub(super) interrupt: &'a Interrupt,
}

impl Worker<'_> {
    /// Trains a job. `report` is told every event, and every now and then that there is none. When it is asked to end,
    /// so is the program that trains.
    ///
    /// # Errors
    ///
    /// Where no program can be started, and those of `report`. How the program ended is no error.
    pub(super) fn train(
        &self,
        job: &Job,
        mut report: impl FnMut(Option<&Event>) -> Result<()>,
    ) -> Result<Outcome> {
        let mut child = self.start(job)?;
        // The program ends with its standard input, so it does not outlive this one.
        let mut input = child.stdin.take();
        let result = read_result(&mut child)?;
        let lines = lines_of(child.stderr.take().context("standard error is piped")?);
        let mut said = Said::default();
        loop {
            if self.interrupt.is_requested() {
                drop(input.take());
            }
            let event = match lines.recv_timeout(TICK) {
                Ok(line) => said.hear(&job.label(), line),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            report(event.as_ref())?;
        }
        let status = child.wait()?;
        let result = result.join().unwrap_or_default();
        Ok(outcome(status, &result, said))
    }

    fn start(&self, job: &Job) -> Result<Child> {
        let mut command = Command::new(env::current_exe()?);
        command.arg("--json");
        if let Some(file) = self.log_file {
            command.arg("--log-file").arg(file);
        }
        command.args(["train", "--until-input-ends"]).args(self.machine.arguments());
        command.arg("--").arg(job.folder());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A signal from the terminal is for this program, which tells the other.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn().context("the program that trains cannot be started")
    }
}

/// Reads standard output to its end.
fn read_result(child: &mut Child) -> Result<JoinHandle<Vec<u8>>> {
    let output = child.stdout.take().context("standard output is piped")?;
    Ok(thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was not read is missing, and no result.
        let _ = output.take(RESULT_LIMIT).read_to_end(&mut bytes);
        bytes
    }))
}

/// The lines of standard error, until it ends.
fn lines_of(errors: ChildStderr) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(errors).split(b'\n').map_while(Result::ok);
        for line in lines {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    lines
}

/// What the program said.
#[derive(Debug, Default)]
struct Said {
    failure: Option<(FailureKind, String)>,
    last: VecDeque<String>,
}

impl Said {
    /// Takes a line, shows it, and keeps what tells of the end.
    fn hear(&mut self, source: &str, line: String) -> Option<Event> {
        match serde_json::from_str(&line) {
            Ok(Event::Failure { kind, text }) => {
                self.failure = Some((kind, text));
                None
            }
            Ok(event) => {
                pass_on(source, &event);
                Some(event)
            }
            // A panic, or a log.
            Err(_) => {
                let _ = writeln!(std::io::stderr(), "{line}");
                self.last.push_back(line);
                if self.last.len() > LAST_LINES {
                    self.last.pop_front();
                }
                None
            }
        }
    }
}

fn outcome(status: ExitStatus, result: &[u8], said: Said) -> Outcome {
    if status.success() {
        return match serde_json::from_slice(result) {
            Ok(trained) => Outcome::Trained(trained),
            Err(error) => Outcome::Crashed(format!("the program that trained gave no result: {error}")),
        };
    }
    match said.failure {
        Some((FailureKind::Interrupted, _)) => Outcome::Interrupted,
        Some((FailureKind::Incomplete, problem)) => Outcome::Incomplete(problem),
        Some((FailureKind::NoRoom, problem)) => Outcome::NoRoom(problem),
        Some((kind @ (FailureKind::Input | FailureKind::Internal), problem)) => {
            Outcome::Failed(kind, problem)
        }
        None if was_asked_to_end(status) => Outcome::Interrupted,
        None => {
            let last: Vec<_> = said.last.into();
            let last = if last.is_empty() { "without a word".to_owned() } else { last.join(" ") };
            Outcome::Crashed(format!("the program that trained ended by {status}: {last}"))
        }
    }
}

#[cfg(unix)]
fn was_asked_to_end(status: ExitStatus) -> bool {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    [Some(SIGTERM), Some(SIGINT)].contains(&signal)
}

#[cfg(not(unix))]
fn was_asked_to_end(_: ExitStatus) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn said(lines: &[&str]) -> Said {
        let mut said = Said::default();
        for line in lines {
            said.hear("job", (*line).to_owned());
        }
        said
    }

    fn failure(kind: &str) -> String {
        format!(r#"{{"event":"failure","kind":"{kind}","text":"why"}}"#)
    }

    /// An exit code, as the system has it.
    fn code(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    #[test]
    fn the_last_event_says_how_a_job_ended() {
        let ended = |kind: &str| outcome(code(2), b"", said(&[&failure(kind)]));
        assert!(matches!(ended("input"), Outcome::Failed(FailureKind::Input, why) if why == "why"));
        assert!(matches!(ended("internal"), Outcome::Failed(FailureKind::Internal, why) if why == "why"));
        assert!(matches!(ended("incomplete"), Outcome::Incomplete(why) if why == "why"));
        assert!(matches!(ended("no_room"), Outcome::NoRoom(why) if why == "why"));
        assert!(matches!(ended("interrupted"), Outcome::Interrupted));
    }

    #[test]
    fn a_program_that_ends_without_a_word_has_failed_unless_it_was_asked_to() {
        let killed = outcome(ExitStatus::from_raw(9), b"", said(&[]));
        assert!(matches!(killed, Outcome::Crashed(why) if why.ends_with(": without a word")));
        for signal in [2, 15] {
            assert!(matches!(outcome(ExitStatus::from_raw(signal), b"", said(&[])), Outcome::Interrupted));
        }
        let lines = ["1", "2", "thread panicked", "4", "5", "6", "7"];
        let panicked = outcome(code(101), b"", said(&lines));
        let expected = "the program that trained ended by exit status: 101: thread panicked 4 5 6 7";
        assert!(matches!(panicked, Outcome::Crashed(why) if why == expected));
        assert!(
            matches!(outcome(code(0), b"none", said(&[])), Outcome::Crashed(why) if why.contains("no result"))
        );
    }
}
