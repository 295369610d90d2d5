//! Names as they are shown: a terminal obeys the control characters in those that others chose, and a shell breaks
//! those with blanks.

use std::path::Path;

/// A path as an argument of a command that is shown, to be pasted into a shell.
pub(crate) fn argument(path: &Path) -> String {
    let path = path.to_string_lossy();
    // A path with a zero byte is none.
    shlex::try_quote(&path).map_or_else(|_| path.to_string(), |quoted| quoted.into_owned())
}

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
    fn paths_are_quoted_where_a_shell_would_break_them() {
        for (path, shown) in [("a/b.csv", "a/b.csv"), ("my project", "'my project'"), ("a\0b", "a\0b")] {
            assert_eq!(argument(Path::new(path)), shown);
        }
    }

    #[test]
    fn control_characters_are_spelt_out_and_others_stay() {
        assert_eq!(escaped("évil \u{1b}[31m\u{9b}1m\r\nb"), "évil \\u{1b}[31m\\u{9b}1m\\r\nb");
    }
}
