//! What separates the fields of a CSV file, and which of its lines are comments.

use std::fmt;
use std::str::FromStr;

use crate::error::{ContentError, excerpt};

/// What separates the fields of a CSV file: `auto`, `tab`, `space`, or a character such as `;` or `|`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delimiter(pub(crate) Separation);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Separation {
    /// The one of comma, semicolon and tab that the first row has outside of quotes.
    #[default]
    Auto,
    Byte(u8),
    /// Any number of spaces and tabs.
    Blanks,
}

impl FromStr for Delimiter {
    type Err = ContentError;

    /// A character that is part of a number, a name or a quote, or begins a comment, separates nothing.
    fn from_str(text: &str) -> Result<Self, ContentError> {
        Ok(Self(match (text, text.as_bytes()) {
            ("auto", _) => Separation::Auto,
            ("tab" | "\\t", _) => Separation::Byte(b'\t'),
            ("space", _) => Separation::Blanks,
            (_, &[byte]) if byte == b'\t' || byte.is_ascii_punctuation() && !b"\"'#+-._".contains(&byte) => {
                Separation::Byte(byte)
            }
            _ => return Err(ContentError::Delimiter { text: excerpt(text) }),
        }))
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Separation::Auto => f.write_str("auto"),
            Separation::Blanks => f.write_str("space"),
            Separation::Byte(b'\t') => f.write_str("tab"),
            Separation::Byte(byte) => write!(f, "{}", char::from(byte)),
        }
    }
}

/// Whether lines of a CSV file that begin with `#` are comments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Comments {
    /// They are. One that could be a row, as all of its fields but the first are numbers, is refused.
    #[default]
    Auto,
    /// They are, whatever is in them.
    Yes,
    /// They are rows.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_is_a_character_that_nothing_else_is_made_of() {
        for text in ["auto", "tab", "space", ",", ";", "|", ":"] {
            let delimiter: Delimiter = text.parse().unwrap();
            assert_eq!(delimiter.to_string(), text);
        }
        for tab in ["\t", "\\t"] {
            assert_eq!(tab.parse::<Delimiter>(), Ok(Delimiter(Separation::Byte(b'\t'))));
        }
        for text in ["", "x", "1", ".", "-", "\"", "#", " ", ",,", "é", "\n"] {
            assert_eq!(text.parse::<Delimiter>(), Err(ContentError::Delimiter { text: text.into() }));
        }
    }
}
