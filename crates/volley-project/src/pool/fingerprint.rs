//! What owners compare before they go on: a hash, in hexadecimal digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use volley_program::BadInput;

use super::text::Text;

const BYTES: usize = 32;

/// A fingerprint, whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct Fingerprint(pub(super) [u8; BYTES]);

impl Text for Fingerprint {}

impl FromStr for Fingerprint {
    type Err = BadInput;

    /// Blanks and capitals make no difference.
    fn from_str(text: &str) -> Result<Self, BadInput> {
        let digits: Option<Vec<_>> =
            text.chars().filter(|digit| !digit.is_whitespace()).map(|digit| digit.to_digit(16)).collect();
        let digits = digits.filter(|digits| digits.len() == 2 * BYTES).ok_or_else(|| {
            let rule = format!("it has {} digits of 0-9 and a-f, all of which are compared", 2 * BYTES);
            BadInput::new(format_args!("{text:?} is not a whole fingerprint: {rule}"))
        })?;
        let mut bytes = [0; BYTES];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = (pair[0] << 4 | pair[1]) as u8;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = BadInput;

    fn try_from(text: String) -> Result<Self, BadInput> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_fingerprints_are_read_and_others_are_not() {
        let bytes: [u8; BYTES] = std::array::from_fn(|place| place as u8 * 7 + 3);
        let shown = Fingerprint(bytes).to_string();
        let spoken = format!("{} {}\n", shown[..20].to_uppercase(), &shown[20..]);
        assert_eq!(spoken.parse::<Fingerprint>().unwrap().0, bytes);
        for wrong in ["", &shown[..63], &shown[..8], "3f…a0", &format!("{shown}0"), &shown.replace('3', "g")]
        {
            let refused = wrong.parse::<Fingerprint>().unwrap_err().to_string();
            assert!(refused.contains("is not a whole fingerprint: it has 64 digits"), "{refused}");
        }
    }
}
