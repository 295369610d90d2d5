//! Criterion benches, one file per layer: see the `benches` folder of this package.
//!
//! `cargo xtask bench` runs them and collects their times in one JSON file. There is nothing in this library; it is not
//! published.

#![forbid(unsafe_code)]
