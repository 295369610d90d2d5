//! `cargo xtask experiment`: train on encrypted data, end to end.

pub(crate) mod report;
