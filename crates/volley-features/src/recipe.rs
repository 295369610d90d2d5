//! How an image becomes the input of a model, and which of the model's values are the features.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::FeatureError;
use crate::file;

/// Sides beyond this are a mistake, not an image's.
const MAX_SIDE: usize = 4096;

/// Largest file of a recipe, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What a model's input and output mean.
///
/// An image's values are taken from 0 to 1, resized, then (x − mean)/deviation, channel by channel. The model's input
/// is one tensor 1 × channels × height × width of f32.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Height and width of the model's input.
    size: [usize; 2],
    resize: Resize,
    channels: Channels,
    /// The mean of each channel; 0 where it is absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mean: Vec<f32>,
    /// The deviation of each channel; 1 where it is absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deviation: Vec<f32>,
    /// The layer whose values are the features.
    layer: String,
}

/// How an image is brought to the size of the input: separable filters over pixel centres, normalised at the borders,
/// widened by the factor of a reduction ("antialiased"; of no effect on an enlargement). The same as torchvision's
/// `resize(..., antialias=True)` on a tensor, and as Pillow's without its rounding to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Resize {
    /// The triangle filter.
    Bilinear,
    /// The cubic filter of Catmull and Rom (a = −1/2); what exceeds 0 to 1 is cut off.
    Bicubic,
}

/// What the channels of the input are. An image of the other kind is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// One: luminance (ITU-R BT.709 weights of a colour image).
    Grey,
    /// Three: red, green, blue; those of a grey image are equal.
    Rgb,
}

impl Channels {
    /// How many they are.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Io`], [`FeatureError::File`], [`FeatureError::Recipe`].
    pub fn read(path: &Path) -> Result<Self, FeatureError> {
        let text = String::from_utf8(file::read(path, MAX_BYTES)?).map_err(|_| "it is no text".to_owned());
        text.and_then(|text| Self::parse(&text))
            .map_err(|message| FeatureError::Recipe { path: path.to_owned(), message })
    }

    /// The recipe that a text is, or what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let recipe: Self = toml::from_str(text).map_err(|error| error.to_string().replace('\n', " "))?;
        let [height, width] = recipe.size;
        if !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
            return Err(format!("size is {height} × {width}, sides from 1 to {MAX_SIDE} are possible"));
        }
        let channels = recipe.channels.count();
        for (name, values) in [("mean", &recipe.mean), ("deviation", &recipe.deviation)] {
            if !values.is_empty() && values.len() != channels {
                return Err(format!("{name} has {} values for {channels} channels", values.len()));
            }
        }
        if let Some(mean) = recipe.mean.iter().find(|mean| !mean.is_finite()) {
            return Err(format!("a mean is {mean}"));
        }
        if let Some(deviation) =
            recipe.deviation.iter().find(|deviation| !deviation.is_normal() || **deviation < 0.0)
        {
            return Err(format!("a deviation is {deviation}, it must be positive"));
        }
        Ok(recipe)
    }

    /// Height and width of the model's input.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// How an image is brought to this size.
    #[must_use]
    pub fn resize(&self) -> Resize {
        self.resize
    }

    /// The channels of the model's input.
    #[must_use]
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// The layer whose values are the features.
    #[must_use]
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// Mean and deviation of a channel.
    pub(crate) fn normalisation(&self, channel: usize) -> (f32, f32) {
        let value = |values: &[f32], absent| values.get(channel).copied().unwrap_or(absent);
        (value(&self.mean, 0.0), value(&self.deviation, 1.0))
    }
}

#[cfg(test)]
mod tests;
