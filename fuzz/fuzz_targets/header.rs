//! Fuzz target: the reader of the headers of files.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("header", file));
