//! (docs below)
#![forbid(unsafe_code)]

pub mod classic;
mod error;
pub mod layout;
mod rotation;
pub mod skewed;

pub use error::Error;
pub use layout::{Layout, Part, Shape};
pub use volley_ckks;
