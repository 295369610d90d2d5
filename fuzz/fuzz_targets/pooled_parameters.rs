//! Fuzz target: the reader of parameters of several owners.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pooled-parameters", file));
