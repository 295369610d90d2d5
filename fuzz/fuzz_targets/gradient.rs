//! Fuzz target: the reader of gradients.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("gradient", file));
