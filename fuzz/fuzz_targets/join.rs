//! Fuzz target: the reader of what owners say when they join a pool.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("join", file));
