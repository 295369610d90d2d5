//! Small crates that keep the rules, and the same crates breaking them.

use super::*;
use crate::files::TextFile;

/// The problems of a crate of these files, below `a/src`.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let file = |&(path, text): &(&str, &str)| TextFile { path: format!("a/src/{path}"), text: text.into() };
    let files: Vec<TextFile> = files.iter().map(file).collect();
    problems(&Modules::read("a/src/lib.rs", &files).unwrap())
}

const ROOT: &str = "mod keys; mod ring; mod user; pub use keys::KeyId; pub use ring::{Poly, Poly as P};
    pub use below; pub use below::deeper;";
const KEYS: &str = "mod id; mod set; pub use id::KeyId; pub(crate) struct Kept;";

/// A crate in which `user.rs`, or the file of another module, has this text.
fn with(module: &str, text: &str) -> Vec<String> {
    let mut files = vec![
        ("lib.rs", ROOT),
        ("keys.rs", KEYS),
        ("keys/id.rs", "pub struct KeyId;"),
        ("keys/set.rs", ""),
        ("ring.rs", "pub struct Poly; pub(crate) fn degree() {}"),
        ("user.rs", ""),
    ];
    files.retain(|(path, _)| *path != module);
    files.push((module, text));
    found(&files)
}

#[test]
fn a_module_may_name_what_another_defines_or_what_is_below_it() {
    for (module, text) in [
        ("user.rs", "use crate::ring::{self, Poly};"),
        ("user.rs", "use crate::{keys, ring::Poly}; fn f() { ring::degree(); }"),
        ("user.rs", "use crate::keys::KeyId; use super::ring::Poly;"),
        ("user.rs", "use below::Poly; use crate::below::Other; use crate::deeper::Thing;"),
        ("user.rs", "fn f() -> crate::ring::Poly { vec![crate::ring::Poly] }"),
        ("user.rs", "use crate::ring::*;"),
        ("keys/set.rs", "use super::Kept; use super::id::KeyId; use crate::ring::Poly;"),
        ("keys/set.rs", "/// As [`Poly`](crate::Poly).\npub(in crate::keys) fn f() {}"),
    ] {
        assert_eq!(with(module, text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn nothing_is_imported_through_the_root() {
    let problem = |place: &str, name: &str, path: &str| {
        format!("a/src/{place}: {name} comes through the root, which is above: write {path}")
    };
    for (module, text, place, name, path) in [
        ("user.rs", "use crate::Poly;", "user.rs:1", "Poly", "crate::ring::Poly"),
        ("user.rs", "use below::A;\nuse crate::{keys, Poly as Q};", "user.rs:2", "Poly", "crate::ring::Poly"),
        ("user.rs", "use super::P;", "user.rs:1", "P", "crate::ring::Poly"),
        ("user.rs", "use super::KeyId;", "user.rs:1", "KeyId", "crate::keys::KeyId"),
        ("keys/set.rs", "use crate::KeyId;", "keys/set.rs:1", "KeyId", "crate::keys::id::KeyId"),
        ("keys/set.rs", "\nuse super::super::Poly;", "keys/set.rs:2", "Poly", "crate::ring::Poly"),
        ("user.rs", "fn f(\n_: crate::Poly) {}", "user.rs:2", "Poly", "crate::ring::Poly"),
        ("user.rs", "fn f() { use crate::Poly; }", "user.rs:1", "Poly", "crate::ring::Poly"),
        ("user.rs", "fn f() { assert!(g(1, crate::Poly)); }", "user.rs:1", "Poly", "crate::ring::Poly"),
        ("user.rs", "fn f() { crate::Poly::zero() }", "user.rs:1", "Poly", "crate::ring::Poly"),
        ("user.rs", "mod a { use crate::Poly; }", "user.rs:1", "Poly", "crate::ring::Poly"),
    ] {
        assert_eq!(with(module, text), [problem(place, name, path)], "{text}");
    }
}

#[test]
fn nor_through_a_module_above() {
    let problem = "KeyId comes through keys, which is above: write crate::keys::id::KeyId";
    for text in ["use super::KeyId;", "use crate::keys::KeyId;", "impl super::KeyId {}"] {
        assert_eq!(with("keys/set.rs", text), [format!("a/src/keys/set.rs:1: {problem}")]);
    }
}

#[test]
fn a_private_import_is_a_way_through_as_well() {
    let files = [("lib.rs", "mod a; mod b; use a::A;"), ("a.rs", "pub struct A;"), ("b.rs", "use super::A;")];
    assert_eq!(found(&files), ["a/src/b.rs:1: A comes through the root, which is above: write crate::a::A"]);
}

#[test]
fn globs_from_above_and_definitions_in_the_root() {
    assert_eq!(
        with("user.rs", "use super::*;"),
        ["a/src/user.rs:1: the glob imports from the root, which is above"]
    );
    let files = [("lib.rs", "mod user; struct Here;"), ("user.rs", "use crate::Here;")];
    assert_eq!(
        found(&files),
        ["a/src/user.rs:1: Here is defined in the root, which is above: it needs a module of its own"]
    );
}

#[test]
fn a_glob_hands_on_as_well() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use a::*; pub use b::*;"),
        ("a.rs", "pub struct A;"),
        ("b.rs", "pub struct B;"),
        ("c.rs", "use crate::B;"),
    ];
    assert_eq!(found(&files), ["a/src/c.rs:1: B comes through the root, which is above: write crate::b::B"]);
}

#[test]
fn imports_that_lead_to_each_other_lead_nowhere() {
    let files = [("lib.rs", "mod a; mod b; pub use a::X;"), ("a.rs", "pub use crate::X;"), ("b.rs", "")];
    assert_eq!(found(&files), Vec::<String>::new());
}

#[test]
fn tests_may_import_as_users_do() {
    for text in [
        "#[cfg(test)] mod tests { use super::*; use crate::Poly; }",
        "#[cfg(test)] mod tests;",
        "#[cfg(test)] use crate::Poly;",
        "#[cfg(all(unix, test))] use crate::Poly;",
        "impl A { #[cfg(test)] fn f() -> crate::Poly {} }",
    ] {
        assert_eq!(with("user.rs", text), Vec::<String>::new(), "{text}");
    }
    for condition in ["unix", "all(unix)", "any(unix, test)", "not(test)"] {
        assert_eq!(with("user.rs", &format!("#[cfg({condition})] use crate::Poly;")).len(), 1, "{condition}");
    }
}

#[test]
fn circles_are_shown_with_a_place_for_each_step() {
    let files = |c: &'static str| {
        [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "mod inner; pub struct B;"),
            ("b/inner.rs", "\nuse crate::c::f;"),
            ("c.rs", c),
        ]
    };
    assert_eq!(found(&files("use below::A;")), Vec::<String>::new());
    let arrows = [("a", "b", "a/src/a.rs:1"), ("b", "c", "a/src/b/inner.rs:2"), ("c", "a", "a/src/c.rs:1")];
    let steps = arrows.map(|(user, used, place)| format!("{user} uses {used} ({place})"));
    let circle = format!("the modules of the root form a circle: {}", steps.join(", "));
    assert_eq!(found(&files("fn f() { crate::a::A; }")), [circle.as_str()]);
    assert_eq!(found(&files("use crate::a; fn f() {}")), [circle.as_str()]);
}

#[test]
fn circles_below_the_root_are_found() {
    let files = |y: &'static str| {
        [
            ("lib.rs", "mod a;"),
            ("a.rs", "mod x; mod y; use x::X; pub struct A;"),
            ("a/x.rs", "use super::A; use super::y::Y; pub struct X;"),
            ("a/y.rs", y),
        ]
    };
    // A child and its parent are one part.
    assert_eq!(found(&files("use super::A; pub struct Y;")), Vec::<String>::new());
    assert_eq!(
        found(&files("use super::x::X; pub struct Y;")),
        ["the modules of a form a circle: x uses y (a/src/a/x.rs:1), y uses x (a/src/a/y.rs:1)"]
    );
}

#[test]
fn a_module_without_a_file_is_an_error() {
    let files = [TextFile { path: "a/src/lib.rs".into(), text: "mod gone;".into() }];
    let error = Modules::read("a/src/lib.rs", &files).unwrap_err();
    assert_eq!(error.to_string(), "a/src/gone.rs: there is no such file");
}
