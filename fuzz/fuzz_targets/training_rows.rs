//! Fuzz target: the reader of files of rows.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("training-rows", file));
