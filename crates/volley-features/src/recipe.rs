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
#[serde(try_from = "File", into = "File")]
pub struct Recipe {
    /// Height and width of the model's input.
    size: [usize; 2],
    resize: Resize,
    channels: Channels,
    /// The mean of each channel; 0 where it is absent.
    mean: Vec<f32>,
    /// The deviation of each channel; 1 where it is absent.
    deviation: Vec<f32>,
    /// The layers whose values are the features, one after the other: at least one.
    layers: Vec<Layer>,
}

/// The text of a recipe.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    size: [usize; 2],
    resize: Resize,
    channels: Channels,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mean: Vec<f32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deviation: Vec<f32>,
    /// One layer, all of whose values are features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    layers: Vec<Layer>,
}

/// A layer, and what its features are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// The name of the value in the model.
    name: String,
    /// How each channel becomes one feature; absent: all of the layer's values are features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pool: Option<Pool>,
}

/// How all places of a channel become one feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pool {
    /// The largest value.
    Maximum,
    /// The mean: the sum of an f64, divided and rounded once.
    Mean,
}

impl Layer {
    /// The name of the value in the model.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How each channel becomes one feature; None where all of the layer's values are features.
    #[must_use]
    pub fn pool(&self) -> Option<Pool> {
        self.pool
    }
}

impl Pool {
    /// The feature of a channel; `places` has at least one value.
    pub(crate) fn of(self, places: &[f32]) -> f32 {
        match self {
            // Not f32::max, which passes over NaN.
            Self::Maximum => {
                places.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a })
            }
            Self::Mean => {
                let sum: f64 = places.iter().map(|&value| f64::from(value)).sum();
                (sum / places.len() as f64) as f32
            }
        }
    }
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
        toml::from_str(text).map_err(|error| error.to_string().trim_end().replace('\n', " "))
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

    /// The layers whose values are the features, one after the other: at least one.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Mean and deviation of a channel.
    pub(crate) fn normalisation(&self, channel: usize) -> (f32, f32) {
        let value = |values: &[f32], absent| values.get(channel).copied().unwrap_or(absent);
        (value(&self.mean, 0.0), value(&self.deviation, 1.0))
    }
}

impl TryFrom<File> for Recipe {
    type Error = String;

    fn try_from(file: File) -> Result<Self, String> {
        let File { size, resize, channels, mean, deviation, layer, layers } = file;
        let [height, width] = size;
        if !(1..=MAX_SIDE).contains(&height) || !(1..=MAX_SIDE).contains(&width) {
            return Err(format!("size is {height} × {width}, sides from 1 to {MAX_SIDE} are possible"));
        }
        let count = channels.count();
        for (name, values) in [("mean", &mean), ("deviation", &deviation)] {
            if !values.is_empty() && values.len() != count {
                return Err(format!("{name} has {} values for {count} channels", values.len()));
            }
        }
        if let Some(mean) = mean.iter().find(|mean| !mean.is_finite()) {
            return Err(format!("a mean is {mean}"));
        }
        let positive = |deviation: &&f32| deviation.is_normal() && **deviation > 0.0;
        if let Some(deviation) = deviation.iter().find(|deviation| !positive(deviation)) {
            return Err(format!("a deviation is {deviation}, it must be positive"));
        }
        let layers = match layer {
            Some(name) if layers.is_empty() => vec![Layer { name, pool: None }],
            None if !layers.is_empty() => layers,
            Some(_) => return Err("it has both `layer` and `layers`".to_owned()),
            None => return Err("it has neither `layer` nor `layers`".to_owned()),
        };
        Ok(Self { size, resize, channels, mean, deviation, layers })
    }
}

impl From<Recipe> for File {
    fn from(recipe: Recipe) -> Self {
        let Recipe { size, resize, channels, mean, deviation, layers } = recipe;
        let (layer, layers) = match &layers[..] {
            [Layer { name, pool: None }] => (Some(name.clone()), Vec::new()),
            _ => (None, layers),
        };
        Self { size, resize, channels, mean, deviation, layer, layers }
    }
}

#[cfg(test)]
mod tests;
