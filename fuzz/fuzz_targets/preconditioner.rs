//! Fuzz target: the reader of files of 1/B.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("preconditioner", file));
