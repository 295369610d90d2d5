//! The fuzzer itself, as `cargo xtask ci` runs it.

use std::process::Command;

#[test]
#[ignore = "takes a minute"]
fn a_minute_of_defects_finds_nothing() {
    let artifacts = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/artifacts");
    let mut fuzzer = Command::new(env!("CARGO_BIN_EXE_volley-fuzz"));
    assert!(fuzzer.args(["--seconds", "60", "--artifacts", artifacts]).status().unwrap().success());
}
