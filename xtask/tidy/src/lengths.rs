//! Files, functions and lines are short enough to be read.

use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Block, ImplItemFn, ItemFn, Signature, TraitItemFn};

use crate::files::TextFile;

const MAX_FILE_LINES: usize = 600;
/// Lines are counted from the keyword `fn` to the closing bracket.
const MAX_FUNCTION_LINES: usize = 70;
/// Targets of links and web addresses do not count, as they cannot be broken.
const MAX_LINE_CHARACTERS: usize = 120;

/// What is too long in a file of Rust: the whole, or a function.
pub(super) fn problems(file: &TextFile) -> Vec<String> {
    let mut problems = Vec::new();
    if !file.path.ends_with(".rs") {
        return problems;
    }
    let lines = file.text.lines().count();
    if lines > MAX_FILE_LINES {
        problems.push(format!("{}: {lines} lines, at most {MAX_FILE_LINES} are allowed", file.path));
    }
    // Another rule tells what is not Rust.
    if let Ok(syntax) = syn::parse_file(&file.text) {
        let mut functions = LongFunctions { path: &file.path, problems };
        functions.visit_file(&syntax);
        problems = functions.problems;
    }
    problems
}

/// The lines that are too long.
pub(super) fn long_lines(file: &TextFile) -> Vec<String> {
    let is_long = |line: &str| !is_table_row(line) && text_characters(line) > MAX_LINE_CHARACTERS;
    let long = file.text.lines().enumerate().filter(|(_, line)| is_long(line));
    long.map(|(index, line)| {
        let (place, characters) = (index + 1, text_characters(line));
        format!("{}:{place}: {characters} characters, at most {MAX_LINE_CHARACTERS} are allowed", file.path)
    })
    .collect()
}

/// Whether this is a row of a Markdown table, which has no other form than one line.
fn is_table_row(line: &str) -> bool {
    line.trim_start_matches(['/', '!', ' ']).starts_with('|')
}

/// The characters of a line other than those of web addresses and of the targets of links.
fn text_characters(line: &str) -> usize {
    let mut count = 0;
    for (index, part) in line.split("](").enumerate() {
        // Every part but the first begins with a target.
        let text = if index == 0 { part } else { part.find(')').map_or("", |end| &part[end..]) };
        let words = text.split([' ', '<', '>', '(', '"']).filter(|word| word.contains("://"));
        let addresses: usize = words.map(|address| address.chars().count()).sum();
        count += text.chars().count() - addresses + if index == 0 { 0 } else { "](".len() };
    }
    count
}

struct LongFunctions<'a> {
    path: &'a str,
    problems: Vec<String>,
}

impl LongFunctions<'_> {
    fn check(&mut self, signature: &Signature, body: &Block) {
        let line = |span: Span| span.start().line;
        let (first, last) = (line(signature.fn_token.span), line(body.brace_token.span.close()));
        let lines = last - first + 1;
        if lines > MAX_FUNCTION_LINES {
            let (path, name) = (self.path, &signature.ident);
            self.problems.push(format!(
                "{path}:{first}: the function {name} has {lines} lines, at most {MAX_FUNCTION_LINES} are allowed"
            ));
        }
    }
}

impl<'ast> Visit<'ast> for LongFunctions<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.check(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.check(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.check(&function.sig, body);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let file = TextFile { path: path.into(), text: text.into() };
        [long_lines(&file), problems(&file)].concat()
    }

    #[test]
    fn files() {
        assert_eq!(found("a.rs", &"\n".repeat(MAX_FILE_LINES)), Vec::<String>::new());
        let long = "\n".repeat(MAX_FILE_LINES + 1);
        assert_eq!(found("a.rs", &long), ["a.rs: 601 lines, at most 600 are allowed"]);
        assert_eq!(found("a.md", &long), Vec::<String>::new());
    }

    #[test]
    fn functions() {
        let function = |lines: usize| format!("/// Doc.\n\nfn f() {{{}}}", "\n".repeat(lines - 1));
        assert_eq!(found("a.rs", &function(MAX_FUNCTION_LINES)), Vec::<String>::new());
        let expected = ["a.rs:3: the function f has 71 lines, at most 70 are allowed"];
        let long = function(MAX_FUNCTION_LINES + 1);
        assert_eq!(found("a.rs", &long), expected);
        for around in ["impl A {", "trait A {", "mod a {", "fn g() { "] {
            let inside = found("a.rs", &format!("{around}{long}\n}}"));
            assert!(inside.contains(&expected[0].to_owned()), "{around}");
        }
    }

    #[test]
    fn lines() {
        let line = |text: &str, count: usize| text.repeat(count);
        assert_eq!(found("a.md", &line("é", MAX_LINE_CHARACTERS)), Vec::<String>::new());
        let expected = ["a.md:1: 121 characters, at most 120 are allowed"];
        assert_eq!(found("a.md", &line("é", MAX_LINE_CHARACTERS + 1)), expected);
        assert_eq!(found("a.sh", &format!("# {}", line("a", 119))).len(), 1);
    }

    #[test]
    fn tables_and_addresses_are_as_long_as_they_are() {
        let long = "a".repeat(MAX_LINE_CHARACTERS);
        for line in [
            format!("| {long} |"),
            format!("    /// | {long} |"),
            format!("see https://example.org/{long}"),
            format!("see [the place](docs/{long}) and more"),
        ] {
            assert_eq!(found("a.md", &line), Vec::<String>::new(), "{line}");
        }
        let beside = format!("{long} [a](b)");
        assert_eq!(found("a.md", &beside), ["a.md:1: 126 characters, at most 120 are allowed"]);
    }
}
