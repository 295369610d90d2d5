//! What a training on encrypted data gave, beside the same training in clear: a page with plots, a table and JSON.
//!
//! A [`Report`] is made from a [`Training`], which the owner has in clear, and from either a whole run that was
//! [`Measured`] or the decrypted model alone. In the second case the page says what is not known. [`Report::page`]
//! gives the files of the page; they need no network and no scripts.
//!
//! The crate prints nothing and writes no file.
#![forbid(unsafe_code)]

mod curves;
mod error;
mod examples;
mod page;
mod plots;
mod report;
mod table;
mod training;

pub use curves::{Accuracies, Baselines, Curve, Curves, Encrypted, Quality, Rows};
pub use error::Error;
pub use examples::{Confusion, Example};
pub use page::PageFile;
pub use report::{Iteration, Keys, Operations, Parameters, Party, Phase, Report, Run, Upload};
pub use training::{Measured, MeasuredIteration, Training, different_weights};
pub use volley_data;
