//! Fuzz target: the reader of invitations to pools.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("invitation", file));
