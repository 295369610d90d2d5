//! Fuzz target: the reader of the hashes of files that a party of a pool has read.

#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| volley_fuzz::fuzz("received", file));
