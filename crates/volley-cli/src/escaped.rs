//! Names that others chose, as they are shown: a terminal obeys the control characters in them.

/// A text with its control characters spelt out, all but line feeds.
pub(crate) fn escaped(text: &str) -> String {
    let shown = |c: char| -> String {
        if c == '\n' || !c.is_control() { c.into() } else { c.escape_default().collect() }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelt_out_and_others_stay() {
        assert_eq!(escaped("évil \u{1b}[31m\u{9b}1m\r\nb"), "évil \\u{1b}[31m\\u{9b}1m\\r\nb");
    }
}
