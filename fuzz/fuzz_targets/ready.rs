//! Fuzz target: the reader of what owners say when they are ready to decrypt a model.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("ready", file));
