//! (docs below)
#![forbid(unsafe_code)]

pub mod classic;
mod error;
pub mod layout;
pub mod plan;
mod rotation;
pub mod skewed;

pub use error::Error;
pub use layout::{Layout, Part, Shape};
pub use plan::Plan;
pub use volley_ckks;
