//! Fuzz target: the reader of checkpoints.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("checkpoint", file));
