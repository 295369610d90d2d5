//! Every variant of an error enum is named in a test of its crate.

use std::collections::HashSet;

use anyhow::Result;
use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::syntax::visit_tokens as visit;
use crate::files::TextFile;

/// The variants that no test of the crate names as `Enum::Variant`, or as `E::Variant` after `use Enum as E`. The enums
/// are those of the crate whose name ends in `Error`.
pub(super) fn problems(files: &[&TextFile]) -> Result<Vec<String>> {
    let mut named = HashSet::new();
    let mut variants = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let tokens: TokenStream =
            file.text.parse().map_err(|error| anyhow::anyhow!("{}: {error}", file.path))?;
        let tests = if is_test_file(&file.path) {
            vec![tokens]
        } else {
            let mut tests = Vec::new();
            visit(tokens, &mut |sequence| {
                variants.extend(error_variants(sequence).into_iter().map(|variant| (&file.path, variant)));
                tests.extend(test_items(sequence));
            });
            tests
        };
        named.extend(tests.into_iter().flat_map(named_paths));
    }
    let untested = variants.into_iter().filter(|(_, variant)| !named.contains(variant));
    Ok(untested.map(|(path, (name, variant))| format!("{path}: no test names {name}::{variant}")).collect())
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// (Enum, variant) for the enums of this sequence whose name ends in `Error`.
fn error_variants(sequence: &[TokenTree]) -> Vec<(String, String)> {
    let mut variants = Vec::new();
    for window in sequence.windows(3) {
        if let [TokenTree::Ident(keyword), TokenTree::Ident(name), TokenTree::Group(body)] = window
            && keyword == "enum"
            && name.to_string().ends_with("Error")
        {
            variants
                .extend(variant_names(body.stream()).into_iter().map(|variant| (name.to_string(), variant)));
        }
    }
    variants
}

/// The identifiers that stand where a variant begins: first, or after a comma, attributes aside.
fn variant_names(body: TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    let mut begins = true;
    for token in body {
        match token {
            TokenTree::Ident(name) if begins => {
                names.push(name.to_string());
                begins = false;
            }
            TokenTree::Punct(mark) if mark.as_char() == ',' => begins = true,
            _ => {}
        }
    }
    names
}

/// The bodies of the items of this sequence that have the attribute `#[cfg(test)]`.
fn test_items(sequence: &[TokenTree]) -> Vec<TokenStream> {
    let mut bodies = Vec::new();
    let mut in_test = false;
    for token in sequence {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => {
                in_test |= group.stream().to_string().replace(' ', "") == "cfg(test)";
            }
            TokenTree::Group(group) if in_test && group.delimiter() == Delimiter::Brace => {
                bodies.push(group.stream());
                in_test = false;
            }
            TokenTree::Punct(mark) if mark.as_char() == ';' => in_test = false,
            _ => {}
        }
    }
    bodies
}

/// The pair (a, b) for each a::b, and also (c, b) where the same tokens have `c as a`.
fn named_paths(tokens: TokenStream) -> Vec<(String, String)> {
    let mut paths = Vec::new();
    let mut aliases = Vec::new();
    visit(tokens, &mut |sequence| {
        for window in sequence.windows(3) {
            if let [TokenTree::Ident(name), TokenTree::Ident(keyword), TokenTree::Ident(alias)] = window
                && keyword == "as"
            {
                aliases.push((name.to_string(), alias.to_string()));
            }
        }
        for window in sequence.windows(4) {
            if let [
                TokenTree::Ident(a),
                TokenTree::Punct(first),
                TokenTree::Punct(second),
                TokenTree::Ident(b),
            ] = window
                && first.as_char() == ':'
                && second.as_char() == ':'
            {
                paths.push((a.to_string(), b.to_string()));
            }
        }
    });
    for (name, alias) in aliases {
        let renamed: Vec<_> = paths.iter().filter(|(a, _)| *a == alias).cloned().collect();
        paths.extend(renamed.into_iter().map(|(_, b)| (name.clone(), b)));
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERRORS: &str = r#"
        /// What can go wrong: Error::Comment.
        #[derive(Debug, Error)]
        pub enum Error {
            /// Two numbers, unequal.
            #[error("{left} and {right}, unequal")]
            Unequal { left: u64, right: u64 },
            #[error(transparent)]
            Below(#[from] BelowError),
            #[error("none")]
            Empty,
        }
        pub enum Kind { NotAnError }
        fn f() -> Error { Error::Empty }
    "#;

    fn untested(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<TextFile> = files
            .iter()
            .map(|(path, text)| TextFile { path: (*path).into(), text: (*text).into() })
            .collect();
        problems(&files.iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn use_outside_of_tests_does_not_count() {
        assert_eq!(
            untested(&[("a/src/error.rs", ERRORS)]),
            ["Unequal", "Below", "Empty"]
                .map(|variant| format!("a/src/error.rs: no test names Error::{variant}"))
        );
    }

    #[test]
    fn tests_are_found_where_they_live() {
        let inline =
            "#[cfg(test)] mod helper;\n#[cfg(test)] mod tests { fn f() { assert_eq!(x, Error::Empty); } }";
        let unit = "fn f() { use super::Error as E; matches!(x, E::Unequal { .. }) }";
        let integration = "fn f() { Err(a::Error::Below(_)) }";
        let files = [
            ("a/src/error.rs", ERRORS),
            ("a/src/x.rs", inline),
            ("a/src/error/tests.rs", unit),
            ("a/tests/main.rs", integration),
        ];
        assert_eq!(untested(&files), Vec::<String>::new());
        assert_eq!(untested(&files[..3]), ["a/src/error.rs: no test names Error::Below"]);
    }

    #[test]
    fn a_variant_of_another_enum_is_another_variant() {
        let test = "fn f() { OtherError::Empty; Error::Unequal; Error::Below; }";
        assert_eq!(
            untested(&[("a/src/error.rs", ERRORS), ("a/tests/main.rs", test)]),
            ["a/src/error.rs: no test names Error::Empty"]
        );
    }
}
