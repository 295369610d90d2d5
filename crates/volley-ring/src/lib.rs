//! (being written)
pub mod prime;
