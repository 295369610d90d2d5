//! The texts of a pool by their kinds, for those who try their readers.

use std::io::Read;

use volley_program::BadInput;

use super::agreement::{Invitation, Join};
use super::folder::Hashes;
use super::model::{Openers, Ready};
use super::party::Party;
use super::request::Asked;
use super::text::{read, written};

/// The kinds of texts that come from others, or that a killed program may have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// `invitation.json`.
    Invitation,
    /// `join.json`.
    Join,
    /// `ready.json`.
    Ready,
    /// `openers.json`.
    Openers,
    /// `score-00001.json`.
    Request,
    /// `party.json`.
    Party,
    /// `received.json`.
    Received,
}

impl TextKind {
    /// Reads a file of any bytes as such a text, with the checks that take no other file, and gives what was read as it
    /// is written. Fuzzers call it.
    ///
    /// # Errors
    ///
    /// For anything that is no such text.
    pub fn reread(self, file: impl Read) -> Result<Vec<u8>, BadInput> {
        let text = match self {
            Self::Invitation => written(&read::<Invitation>(file)?.checked()?),
            Self::Join => {
                let join: Join = read(file)?;
                join.transport_key()?;
                written(&join)
            }
            Self::Ready => written(&read::<Ready>(file)?),
            Self::Openers => written(&read::<Openers>(file)?),
            Self::Request => written(&read::<Asked>(file)?),
            Self::Party => written(&read::<Party>(file)?),
            Self::Received => written(&read::<Hashes>(file)?),
        }?;
        Ok(text.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::Text;
    use super::*;

    const KINDS: [TextKind; 7] = [
        TextKind::Invitation,
        TextKind::Join,
        TextKind::Ready,
        TextKind::Openers,
        TextKind::Request,
        TextKind::Party,
        TextKind::Received,
    ];

    fn refused<T: Text>(text: &str, word: &str) {
        let Err(problem) = read::<T>(text.as_bytes()) else { panic!("{word}: read") };
        assert!(problem.to_string().contains(word), "{problem}");
    }

    #[test]
    fn what_is_longer_than_any_text_of_its_kind_is_refused_before_it_is_parsed() {
        let names = |count: usize| format!("[{}\"\"]", "\"\",".repeat(count));
        assert!(read::<Openers>(names(21_000).as_bytes()).is_ok());
        refused::<Openers>(&names(22_000), "longer than any file of its kind");
        refused::<Ready>(&" ".repeat((1 << 16) + 1), "longer");
        // Totals of many columns are long.
        assert_eq!(
            read::<Vec<f64>>(format!("[{}1]", "1.5,".repeat(1 << 20)).as_bytes()).unwrap().len(),
            1_048_577
        );
    }

    #[test]
    fn what_is_no_text_of_a_kind_is_refused() {
        for kind in KINDS {
            for text in ["", "{", "[1]", "{\"a\": {}}", "\u{0}", &"[".repeat(10_000)] {
                assert!(kind.reread(text.as_bytes()).is_err(), "{kind:?}: {text:.20}");
            }
            assert!(kind.reread(&[0xFF, 0xFE][..]).is_err(), "{kind:?}");
        }
    }
}
