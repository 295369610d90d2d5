//! Features of images by a frozen, pre-trained network: the owner's side of transfer learning.
//!
//! * A [`Recipe`] is a small TOML file beside a model: size and filter of the resize, channels, mean and deviation, and
//!   the layers whose values, or whose channels' maxima and means, are the features.
//! * A [`Backbone`] is an ONNX model of any origin, made ready to run by its recipe.
//! * An [`ImageSource`] is a folder of PNG and JPEG images (one sub-folder for each class), or images in memory.
//! * [`extract()`] runs the backbone on the images and gives [`Features`]; a [`Provenance`] tells what they were made
//!   of and belongs beside them.
//! * [`PartialFeatures`] does the same with the features in a file, block by block: a program that is killed goes on
//!   where it was.
//!
//! Each image is computed by itself on one thread. So features do not depend on the number of threads, or on which
//! other images there are. Nothing is printed; a callback is told of the progress. The crate stands beside the layers
//! of Volley and uses none of them: `volley-data` reads files of images and writes the features. `docs/features.md` is
//! the guide.
#![forbid(unsafe_code)]

mod backbone;
mod decode;
mod error;
mod extract;
mod file;
mod image_source;
mod onnx;
mod partial;
mod picture;
mod provenance;
mod recipe;

pub use backbone::Backbone;
pub use error::FeatureError;
pub use extract::{Features, extract};
pub use image_source::{ImageArray, ImageSource};
pub use partial::PartialFeatures;
pub use picture::Picture;
pub use provenance::Provenance;
pub use recipe::{Channels, Layer, Pool, Recipe, Resize};
