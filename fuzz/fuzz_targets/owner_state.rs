//! Fuzz target: the reader of the owner's state.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("owner-state", file));
