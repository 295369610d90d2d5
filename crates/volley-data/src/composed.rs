//! Texts in one form: an é is one character, whether a file has it as one or as an e and an accent.

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The text in Unicode's normalization form C, in which equal texts have equal bytes.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_bytes() {
        assert_eq!(composed("cafe\u{301}"), "caf\u{e9}");
        assert!(matches!(composed("caf\u{e9}, 3"), Cow::Borrowed("caf\u{e9}, 3")));
    }
}
