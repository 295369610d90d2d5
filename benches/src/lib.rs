//! Criterion benches, one file per layer: see the `benches` folder of this package.

#![forbid(unsafe_code)]
