//! What a user can mend, told apart from what only we can.

use std::fmt::{self, Display};
use std::path::Path;

/// What the user gave, or the place where a result should go, cannot be worked with: one line that says where and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadInput(String);

impl BadInput {
    pub(crate) fn new(problem: impl Display) -> Self {
        Self(problem.to_string())
    }

    /// A problem with a file or folder.
    pub(crate) fn at(path: &Path, problem: impl Display) -> Self {
        Self(format!("{}: {problem}", path.display()))
    }
}

impl Display for BadInput {
    /// One line, whatever the cause wrote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace('\n', " "))
    }
}

impl std::error::Error for BadInput {}

/// Errors that are the input's.
pub(crate) trait OrBadInput<T> {
    /// Blames a file or folder.
    fn at(self, path: &Path) -> Result<T, BadInput>;

    /// Blames what was asked for.
    fn or_bad_input(self) -> Result<T, BadInput>;
}

impl<T, E: Display> OrBadInput<T> for Result<T, E> {
    fn at(self, path: &Path) -> Result<T, BadInput> {
        self.map_err(|error| BadInput::at(path, error))
    }

    fn or_bad_input(self) -> Result<T, BadInput> {
        self.map_err(BadInput::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_is_one_line_and_recognised_below_a_context() {
        let error: Result<(), _> = Err("first\nsecond").at(Path::new("file"));
        let error = anyhow::Error::new(error.unwrap_err()).context("reading");
        assert!(error.is::<BadInput>());
        assert_eq!(format!("{error:#}"), "reading: file: first second");
    }
}
