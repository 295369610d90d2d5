//! One image, from its pixels to the tensor that a model takes.

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageBuffer, Luma, Pixel, Rgb};

use crate::recipe::{Channels, Recipe, Resize};

/// The pixels of one image from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture(Pixels);

#[derive(Clone, Debug, PartialEq)]
enum Pixels {
    Grey(ImageBuffer<Luma<f32>, Vec<f32>>),
    Rgb(ImageBuffer<Rgb<f32>, Vec<f32>>),
}

impl Picture {
    /// The picture of these bytes, row by row, with 1 (grey) or 3 (red, green, blue) a pixel. None if there are more or
    /// fewer bytes than the size takes.
    #[must_use]
    pub fn from_bytes(size: [usize; 2], channels: usize, bytes: &[u8]) -> Option<Self> {
        let values = bytes.iter().map(|&byte| f32::from(byte) / f32::from(u8::MAX)).collect::<Vec<_>>();
        let [height, width] = [u32::try_from(size[0]).ok()?, u32::try_from(size[1]).ok()?];
        if channels.checked_mul(size[0])?.checked_mul(size[1])? != bytes.len() {
            return None;
        }
        match channels {
            1 => ImageBuffer::from_raw(width, height, values).map(Pixels::Grey).map(Self),
            3 => ImageBuffer::from_raw(width, height, values).map(Pixels::Rgb).map(Self),
            _ => None,
        }
    }

    /// What a decoder gives; transparency is dropped.
    pub(crate) fn decoded(image: &DynamicImage) -> Self {
        if image.color().has_color() {
            Self(Pixels::Rgb(image.to_rgb32f()))
        } else {
            Self(Pixels::Grey(image.to_luma32f()))
        }
    }

    /// The model's input: channels × height × width.
    #[must_use]
    pub fn tensor(&self, recipe: &Recipe) -> Vec<f32> {
        let grey = |picture| planes(&resized(picture, recipe));
        let planes = match (&self.0, recipe.channels()) {
            (Pixels::Grey(picture), channels) => vec![grey(picture); channels.count()].concat(),
            (Pixels::Rgb(picture), Channels::Rgb) => planes(&resized(picture, recipe)),
            (Pixels::Rgb(picture), Channels::Grey) => grey(&imageops::grayscale(picture)),
        };
        let normalise = |(channel, plane): (usize, Vec<f32>)| {
            let (mean, deviation) = recipe.normalisation(channel);
            plane.into_iter().map(move |value| (value - mean) / deviation)
        };
        planes.into_iter().enumerate().flat_map(normalise).collect()
    }
}

fn resized<P>(picture: &ImageBuffer<P, Vec<f32>>, recipe: &Recipe) -> ImageBuffer<P, Vec<f32>>
where
    P: Pixel<Subpixel = f32> + 'static,
{
    let filter = match recipe.resize() {
        Resize::Bilinear => FilterType::Triangle,
        Resize::Bicubic => FilterType::CatmullRom,
    };
    // A recipe's sides fit a u32.
    let [height, width] = recipe.size().map(|side| side as u32);
    imageops::resize(picture, width, height, filter)
}

/// The values of each channel, row by row.
fn planes<P: Pixel<Subpixel = f32>>(picture: &ImageBuffer<P, Vec<f32>>) -> Vec<Vec<f32>> {
    let channels = usize::from(P::CHANNEL_COUNT);
    let plane = |channel| picture.as_raw().iter().skip(channel).step_by(channels).copied().collect();
    (0..channels).map(plane).collect()
}

#[cfg(test)]
mod tests;
