//! Rules for the text of single files.

use proc_macro2::{TokenStream, TokenTree};

use super::syntax::visit_tokens;
use crate::files::TextFile;

/// Notes to oneself, which belong in an issue. (Written so that this file has none.)
const NOTES: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
/// The only home of unsafe code: `kernel.rs` and the files below `kernel`.
const KERNEL: &str = "crates/volley-ring/src/kernel";
/// The folder of the one crate that cannot forbid unsafe code, as its kernel needs it.
const RING: &str = "crates/volley-ring/";

/// What is wrong with a file.
pub(super) fn problems(file: &TextFile) -> Vec<String> {
    let mut problems = line_problems(file);
    if file.path.ends_with(".rs") {
        problems.extend(token_problems(file));
    }
    problems
}

/// Whether the root of a library or program forbids unsafe code.
pub(super) fn root_problems(file: &TextFile) -> Option<String> {
    let forbids = file.text.lines().any(|line| line == "#![forbid(unsafe_code)]");
    (!forbids && !file.path.starts_with(RING))
        .then(|| format!("{}: #![forbid(unsafe_code)] is missing", file.path))
}

fn line_problems(file: &TextFile) -> Vec<String> {
    let mut problems = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let place = format!("{}:{}", file.path, index + 1);
        if line.ends_with(char::is_whitespace) {
            problems.push(format!("{place}: white space at the end of the line"));
        }
        for note in NOTES.iter().filter(|note| line.contains(**note)) {
            problems.push(format!("{place}: {note}, where an issue should be"));
        }
    }
    problems
}

fn token_problems(file: &TextFile) -> Vec<String> {
    let Ok(tokens) = file.text.parse::<TokenStream>() else {
        return vec![format!("{}: not Rust", file.path)];
    };
    let mut problems = Vec::new();
    visit_tokens(tokens, &mut |sequence| {
        for (index, token) in sequence.iter().enumerate() {
            let TokenTree::Ident(identifier) = token else { continue };
            let place = || format!("{}:{}", file.path, identifier.span().start().line);
            let is_macro =
                matches!(sequence.get(index + 1), Some(TokenTree::Punct(mark)) if mark.as_char() == '!');
            if identifier == "unsafe" && !file.path.starts_with(KERNEL) {
                problems.push(format!("{}: unsafe code outside of the kernel", place()));
            }
            if identifier == "dbg" && is_macro {
                problems.push(format!("{}: dbg!, left from debugging", place()));
            }
        }
    });
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile { path: path.into(), text: text.into() }
    }

    #[test]
    fn a_clean_file() {
        let text = "//! An unsafe comment.\n\nfn f() -> &'static str {\n    \"unsafe dbg!()\"\n}\n";
        assert_eq!(problems(&file("a.rs", text)), Vec::<String>::new());
    }

    #[test]
    fn lines() {
        assert_eq!(problems(&file("a.md", "x \ny")), ["a.md:1: white space at the end of the line"]);
        let note = format!("fn f() {{}}\n// {}: more", NOTES[0]);
        assert_eq!(
            problems(&file("a.rs", &note)),
            [format!("a.rs:2: {}, where an issue should be", NOTES[0])]
        );
    }

    #[test]
    fn unsafe_code_has_one_home() {
        let text = "fn f() {\n    unsafe { g() }\n}";
        let expected = "crates/volley-ring/src/ntt.rs:2: unsafe code outside of the kernel";
        assert_eq!(problems(&file("crates/volley-ring/src/ntt.rs", text)), [expected]);
        for home in ["crates/volley-ring/src/kernel.rs", "crates/volley-ring/src/kernel/ifma.rs"] {
            assert_eq!(problems(&file(home, text)), Vec::<String>::new());
        }
    }

    #[test]
    fn tokens() {
        assert_eq!(problems(&file("a.rs", "fn f() { g(dbg!(1)) }")), ["a.rs:1: dbg!, left from debugging"]);
        assert_eq!(problems(&file("a.rs", "fn f() {")), ["a.rs: not Rust"]);
    }

    #[test]
    fn roots_forbid_unsafe_code() {
        assert_eq!(root_problems(&file("a/src/lib.rs", "//! A.\n#![forbid(unsafe_code)]\n")), None);
        assert_eq!(root_problems(&file("crates/volley-ring/src/lib.rs", "//! R.")), None);
        assert_eq!(
            root_problems(&file("a/src/lib.rs", "// #![forbid(unsafe_code)]")),
            Some("a/src/lib.rs: #![forbid(unsafe_code)] is missing".into())
        );
    }
}
