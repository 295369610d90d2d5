//! Errors that a user can mend, told apart from those that only we can mend.

use std::fmt::{self, Display};
use std::path::Path;
use std::process::ExitCode;

/// An error that the user can mend, in the input or in the place where a result should go. It is one line that says
/// where and why.
#[derive(Debug, PartialEq, Eq)]
pub struct BadInput(String);

impl BadInput {
    /// A problem that says by itself where it is.
    #[must_use]
    pub fn new(problem: impl Display) -> Self {
        Self(in_plain_words(&problem.to_string()))
    }

    /// A problem with a file or folder.
    #[must_use]
    pub fn at(path: &Path, problem: impl Display) -> Self {
        Self(format!("{}: {}", path.display(), in_plain_words(&problem.to_string())))
    }
}

/// The system's words as a sentence of ours, without the number of its error.
fn in_plain_words(problem: &str) -> String {
    let Some((words, rest)) = problem.split_once(" (os error ") else { return problem.to_owned() };
    let rest = rest.split_once(')').map_or("", |(_, rest)| rest);
    let plain =
        PLAIN_WORDS.iter().find_map(|(system, ours)| Some(format!("{}{ours}", words.strip_suffix(system)?)));
    format!("{}{rest}", plain.unwrap_or_else(|| words.to_owned()))
}

/// Words of the system that say little to most people.
const PLAIN_WORDS: [(&str, &str); 4] = [
    ("No such file or directory", "there is no such file or folder"),
    ("Permission denied", "this user has not the permission to read or write there"),
    ("Not a directory", "there is a file where a folder should be: are the arguments in their order?"),
    ("Is a directory", "there is a folder where a file should be: are the arguments in their order?"),
];

impl Display for BadInput {
    /// Writes one line, even if the cause wrote several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.replace('\n', " "))
    }
}

impl std::error::Error for BadInput {}

/// Turns errors into [`BadInput`], where the input is their cause.
pub trait OrBadInput<T> {
    /// Blames a file or folder.
    ///
    /// # Errors
    ///
    /// The same, as bad input.
    fn at(self, path: &Path) -> Result<T, BadInput>;

    /// Blames what was asked for.
    ///
    /// # Errors
    ///
    /// The same, as bad input.
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

/// The exit code of an error: 2 for one that the user can mend, 1 for one that only we can.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(if error.is::<BadInput>() { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_in_plain_words() {
        let missing = std::fs::read("/nowhere/file").unwrap_err();
        let path = Path::new("x.csv");
        assert_eq!(BadInput::at(path, &missing).to_string(), "x.csv: there is no such file or folder");
        let advised = BadInput::new(format_args!("x.csv: {missing}; name another"));
        assert_eq!(advised.to_string(), "x.csv: there is no such file or folder; name another");
        let file = tempfile::NamedTempFile::new().unwrap();
        let below = std::fs::read(file.path().join("project.json")).unwrap_err();
        let said = BadInput::at(path, &below).to_string();
        assert_eq!(
            said,
            "x.csv: there is a file where a folder should be: are the arguments in their order?"
        );
        let folder = std::fs::read(std::env::temp_dir()).unwrap_err();
        assert!(BadInput::new(&folder).to_string().starts_with("there is a folder where a file should be: "));
        let denied = std::io::Error::from_raw_os_error(13);
        let said = BadInput::new(denied).to_string();
        assert_eq!(said, "this user has not the permission to read or write there");
        let other = std::io::Error::from_raw_os_error(11);
        assert_eq!(BadInput::new(other).to_string(), "Resource temporarily unavailable");
    }

    #[test]
    fn bad_input_is_one_line_and_recognised_below_a_context() {
        let error: Result<(), _> = Err("first\nsecond").at(Path::new("file"));
        let error = anyhow::Error::new(error.unwrap_err()).context("reading");
        assert_eq!(exit_code(&error), ExitCode::from(2));
        assert_eq!(format!("{error:#}"), "reading: file: first second");
        assert_eq!(exit_code(&anyhow::anyhow!("ours")), ExitCode::from(1));
    }
}
