//! Fuzz target: the reader of some of a file's evaluation keys.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("needed-keys", file));
