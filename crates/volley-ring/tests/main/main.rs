//! Tests of the public interface.

mod seed_expansion;
mod threads;
