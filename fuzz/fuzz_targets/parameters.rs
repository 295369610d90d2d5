//! Fuzz target: the reader of parameters.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("parameters", file));
