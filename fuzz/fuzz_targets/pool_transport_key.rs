//! Fuzz target: the reader of keys of transport.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("pool-transport-key", file));
