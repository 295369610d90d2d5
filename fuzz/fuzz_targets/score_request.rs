//! Fuzz target: the reader of requests for scores.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("score-request", file));
