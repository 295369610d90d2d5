//! Why a command failed, for exit codes and for programs that start this one.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use volley_program::BadInput;
use volley_project::Failure;

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
            return Self::Input;
        }
        match error.downcast_ref() {
            Some(Failure::Input(_)) => Self::Input,
            Some(Failure::Incomplete(_)) => Self::Incomplete,
            Some(Failure::NoRoom(_)) => Self::NoRoom,
            Some(Failure::Interrupted) => Self::Interrupted,
            Some(Failure::Internal(_)) | None => Self::Internal,
        }
    }

    /// The exit code of the program.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// The same as a number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Input | Self::Incomplete | Self::NoRoom => 2,
            Self::Interrupted => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use volley_mlr::Error;

    use super::*;

    #[test]
    fn kinds_are_told_apart_below_a_context_and_have_exit_codes() {
        let problem = || BadInput::new("rows are missing");
        let incomplete = Failure::Incomplete(problem());
        assert_eq!(incomplete.to_string(), "rows are missing");
        let errors = [
            (BadInput::new("x").into(), FailureKind::Input, 2),
            (Failure::Input(problem()).into(), FailureKind::Input, 2),
            (incomplete.into(), FailureKind::Incomplete, 2),
            (Failure::NoRoom(problem()).into(), FailureKind::NoRoom, 2),
            (Failure::Interrupted.into(), FailureKind::Interrupted, 3),
            (Failure::Internal(Error::NoIterations).into(), FailureKind::Internal, 1),
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
