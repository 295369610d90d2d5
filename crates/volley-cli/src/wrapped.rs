//! Texts as they fit the width of a terminal.

use terminal_size::{Width, terminal_size};
use textwrap::Options;

/// A narrower terminal gets lines as they are.
const LEAST_WIDTH: usize = 40;
/// Labels are shorter: their values begin before this column.
const LABEL: usize = 20;

/// A text as it is shown on the terminal, which breaks words where lines are too long for it.
pub(crate) fn wrapped_for_terminal(text: &str) -> String {
    match terminal_size() {
        Some((Width(width), _)) if usize::from(width) >= LEAST_WIDTH => wrapped(text, width.into()),
        _ => text.to_owned(),
    }
}

/// A text with its lines broken between words, to be at most so wide. A line with a label and a value goes on below
/// the value, any other one below its beginning. Tables stay as they are.
fn wrapped(text: &str, width: usize) -> String {
    let is_table = |line: &str| line.contains(['\u{2502}', '\u{2506}', '\u{2500}', '\u{2550}']);
    let fill = |line: &str| {
        if is_table(line) {
            return line.to_owned();
        }
        let indent = " ".repeat(hanging(line));
        // A number and its sign stay together.
        let line = line.replace(" %", "\u{a0}%");
        let options = Options::new(width).subsequent_indent(&indent).break_words(false);
        textwrap::fill(&line, options).replace("\u{a0}%", " %")
    };
    text.split('\n').map(fill).collect::<Vec<_>>().join("\n")
}

/// The column where a line goes on: that of its value or, where it has no label, of its beginning.
fn hanging(line: &str) -> usize {
    let beginning = line.len() - line.trim_start_matches(' ').len();
    let label = line[beginning..].find("  ").map(|end| beginning + end);
    let value = label.map(|end| end + line[end..].len() - line[end..].trim_start_matches(' ').len());
    value.filter(|&value| value <= LABEL).unwrap_or(beginning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_go_on_below_their_values() {
        let text = "training         one two three four\n\n  a sentence of some words\nshort\n";
        let value = " ".repeat(17);
        let expected = format!(
            "training         one two\n{value}three\n{value}four\n\n  a sentence of some\n  words\nshort\n"
        );
        assert_eq!(wrapped(text, 24), expected);
        assert_eq!(wrapped(text, 80), text);
        assert_eq!(wrapped("a 33.3 %, b 50.0 %", 16), "a 33.3 %, b\n50.0 %");
        let path = "x".repeat(50);
        assert_eq!(wrapped(&format!("error: {path}: no"), 24), format!("error:\n{path}:\nno"));
        for table in ["\u{2502} a \u{2506} b \u{2502}", "\u{2500}\u{2500} \u{2500}"] {
            assert_eq!(wrapped(&table.repeat(20), 24), table.repeat(20));
        }
    }
}
