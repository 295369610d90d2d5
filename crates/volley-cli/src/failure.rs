//! Why a command failed, for exit codes and for programs that start this one.

use std::fmt;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use volley_program::BadInput;

/// The kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FailureKind {
    /// Wrong usage or input, or nowhere to write: the user can mend it.
    Input,
    /// An upload whose files are not all there yet: more of them may arrive.
    Incomplete,
    /// The disk has not the room for the results: others may make room.
    NoRoom,
    /// The program was asked to end; started again it goes on.
    Interrupted,
    /// Only we can mend it.
    Internal,
}

impl FailureKind {
    /// The kind of an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<BadInput>() {
            Self::Input
        } else if let Some(passing) = error.downcast_ref::<Passing>() {
            passing.kind()
        } else if error.is::<Interrupted>() {
            Self::Interrupted
        } else {
            Self::Internal
        }
    }

    /// The exit code of the program.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Internal => 1,
            Self::Input | Self::Incomplete | Self::NoRoom => 2,
            Self::Interrupted => 3,
        })
    }
}

/// Bad input that may mend itself in time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// A file of an upload is not there yet, or not as a whole.
    Incomplete(BadInput),
    /// There is not the room for the results of some work.
    NoRoom(BadInput),
}

impl Passing {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Incomplete(_) => FailureKind::Incomplete,
            Self::NoRoom(_) => FailureKind::NoRoom,
        }
    }
}

impl fmt::Display for Passing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete(problem) | Self::NoRoom(problem) => problem.fmt(f),
        }
    }
}

impl std::error::Error for Passing {}

/// The program was asked to end before the work was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ended before it was done; started again it goes on where it was")
    }
}

impl std::error::Error for Interrupted {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_below_a_context_and_have_exit_codes() {
        let problem = || BadInput::new("rows are missing");
        let incomplete = Passing::Incomplete(problem());
        assert_eq!(incomplete.to_string(), "rows are missing");
        let errors = [
            (BadInput::new("x").into(), FailureKind::Input, 2),
            (incomplete.into(), FailureKind::Incomplete, 2),
            (Passing::NoRoom(problem()).into(), FailureKind::NoRoom, 2),
            (Interrupted.into(), FailureKind::Interrupted, 3),
            (anyhow::anyhow!("ours"), FailureKind::Internal, 1),
        ];
        for (error, kind, code) in errors {
            let error: anyhow::Error = error;
            let error = error.context("training");
            assert_eq!(FailureKind::of(&error), kind);
            assert_eq!(format!("{:?}", kind.exit_code()), format!("{:?}", ExitCode::from(code)));
        }
    }
}
