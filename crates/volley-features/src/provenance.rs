//! What features were made of.

use std::ops::Range;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::backbone::Backbone;
use crate::image_source::ImageSource;
use crate::recipe::Recipe;

/// A record that stands beside a file of features, in TOML. With the same model, recipe and images anyone can make the
/// same features again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Program and version.
    pub program: String,
    /// Name of the model's file.
    pub model: String,
    /// BLAKE3 of the model's file, in hexadecimal.
    pub model_blake3: String,
    /// Name of the folder or file of images.
    pub images: String,
    /// The first image, from 0, in their order.
    pub first_image: usize,
    /// How many images.
    pub image_count: usize,
    /// How many features each.
    pub feature_count: usize,
    /// How an image becomes features.
    pub recipe: Recipe,
}

impl Provenance {
    /// The record for the arguments of [`extract`](crate::extract()).
    #[must_use]
    pub fn new(backbone: &Backbone, images: &ImageSource, range: &Range<usize>) -> Self {
        let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self {
            program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: name(backbone.path()),
            model_blake3: backbone.hash().to_hex().to_string(),
            images: name(images.path()),
            first_image: range.start,
            image_count: range.len(),
            feature_count: backbone.features(),
            recipe: backbone.recipe().clone(),
        }
    }

    /// The text of the file.
    ///
    /// # Errors
    ///
    /// None that a value of this type can cause; TOML's serialiser has one.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}
