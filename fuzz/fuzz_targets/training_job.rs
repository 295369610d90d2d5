//! Fuzz target: the reader of training jobs.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("training-job", file));
