//! Fuzz target: the reader of evaluation keys of several owners.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pooled-evaluation-keys", file));
