//! Names that others chose, as they are shown: a terminal obeys the control characters in them.

/// A text with its control characters spelt out, all but line feeds.
pub(crate) fn escaped(text: &str) -> String {
    let is_shown = |c: char| c == '\n' || !c.is_control();
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        if is_shown(c) { shown.push(c) } else { shown.extend(c.escape_default()) }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelt_out_and_others_stay() {
        assert_eq!(escaped("évil \u{1b}[31m\u{9b}1m\r\nb"), "évil \\u{1b}[31m\\u{9b}1m\\r\nb");
    }
}
