//! A command line that cannot be read, and requests for help.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::console;
use crate::escaped::escaped;
use crate::event::Event;
use crate::failure::FailureKind;

/// Shows help or what is wrong with the arguments; for a program the latter is a failure like any other.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    // The arguments were not understood, so that the option is looked for among them.
    let wants_json = env::args_os().any(|argument| argument == "--json");
    if !error.use_stderr() {
        // Where it cannot be written there is no one to tell.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if wants_json {
        console::write_json();
        console::tell(&Event::Failure { kind: FailureKind::Input, text: problem(error) });
    } else {
        // Without colours, which could not be told from control characters in the arguments.
        let _ = io::stderr().write_all(escaped(&error.to_string()).as_bytes());
    }
    FailureKind::Input.exit_code()
}

/// What is wrong, without the heading and the way to more help.
fn problem(error: &clap::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let (text, _) = text.split_once("\n\nFor more information").unwrap_or((text, ""));
    text.trim().to_owned()
}
