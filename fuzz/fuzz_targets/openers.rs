//! Fuzz target: the reader of the owners who decrypt a model.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("openers", file));
