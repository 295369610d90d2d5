//! PNG and JPEG files, whole or not at all.

use std::io::Cursor;
use std::path::Path;

use image::codecs::png::PngDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, Limits, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::error::FeatureError;
use crate::file;
use crate::picture::Picture;

/// Most pixels of an image: 8192 × 8192. As f32 of three channels they take 768 MiB.
const MAX_PIXELS: u64 = 1 << 26;
const MAX_FILE_BYTES: u64 = 1 << 29;
/// What a PNG may take beside its pixels: text and profiles, which are not used.
const MAX_EXTRA_BYTES: u64 = 1 << 24;
/// Eight ones in the data of a scan.
const ONES: [u8; 2] = [0xff, 0x00];
/// More than a decoder reads ahead.
const CONTINUATION: usize = 64;
/// Bytes of a pixel of four channels of 16 bits.
const MAX_PIXEL_BYTES: u64 = 8;

/// Why a file is no picture.
enum Refusal {
    Size(u32, u32),
    Content(String),
}

/// Decodes a file by its content: a wrong extension is no reason to refuse. Memory: 20 bytes a pixel, of 2²⁶ at most.
///
/// # Errors
///
/// [`FeatureError::Io`], [`FeatureError::File`], [`FeatureError::Image`], [`FeatureError::ImageSize`].
pub(crate) fn picture(path: &Path) -> Result<Picture, FeatureError> {
    let content = file::read(path, MAX_FILE_BYTES)?;
    let decoded = match image::guess_format(&content) {
        Ok(ImageFormat::Png) => png(&content),
        Ok(ImageFormat::Jpeg) => jpeg(&content),
        Ok(_) => Err(Refusal::Content("it is of another format".to_owned())),
        Err(error) => Err(Refusal::Content(error.to_string())),
    };
    decoded.map(|image| Picture::decoded(&image)).map_err(|refusal| match refusal {
        Refusal::Size(width, height) => {
            FeatureError::ImageSize { path: path.to_owned(), width, height, limit: MAX_PIXELS }
        }
        Refusal::Content(message) => FeatureError::Image { path: path.to_owned(), message },
    })
}

fn check_size(width: u32, height: u32) -> Result<(), Refusal> {
    if u64::from(width) * u64::from(height) > MAX_PIXELS { Err(Refusal::Size(width, height)) } else { Ok(()) }
}

fn png(content: &[u8]) -> Result<DynamicImage, Refusal> {
    let bad = |error: image::ImageError| Refusal::Content(error.to_string());
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_PIXELS * MAX_PIXEL_BYTES + MAX_EXTRA_BYTES);
    // Size and checksum of the header stand at fixed places; the decoder would compare the bytes of a row with its
    // limit.
    if let Some([width, height]) = png_size(content) {
        check_size(width, height)?;
    }
    let mut decoder = PngDecoder::with_limits(Cursor::new(content), limits).map_err(bad)?;
    if decoder.is_apng().map_err(bad)? {
        return Err(Refusal::Content("it is animated".to_owned()));
    }
    let orientation = decoder.orientation().map_err(bad)?;
    let image = DynamicImage::from_decoder(decoder).map_err(bad)?;
    Ok(upright(image, orientation))
}

/// Width and height, by the header's place behind the signature.
fn png_size(content: &[u8]) -> Option<[u32; 2]> {
    let number = |at: usize| content.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some([number(16)?, number(20)?])
}

fn jpeg(content: &[u8]) -> Result<DynamicImage, Refusal> {
    let end = end_of_image(content)
        .ok_or_else(|| Refusal::Content("it is cut off: there is no end-of-image marker".to_owned()))?;
    let image = jpeg_pixels(content)?;
    // The decoder takes a scan that ends too early for one of zeros: then other bits would make another image.
    let continued = [&content[..end], &ONES.repeat(CONTINUATION), &content[end..]].concat();
    match jpeg_pixels(&continued) {
        Ok(same) if same == image => Ok(image),
        _ => Err(Refusal::Content("it is cut off: its pixels end too early".to_owned())),
    }
}

/// Decodes what has its end.
fn jpeg_pixels(content: &[u8]) -> Result<DynamicImage, Refusal> {
    let bad = |error: zune_jpeg::errors::DecodeErrors| Refusal::Content(format!("{error:?}"));
    let side = usize::from(u16::MAX);
    // Strict: data that cannot be decoded are an error, not grey.
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(side).set_max_height(side);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(content), options);
    decoder.decode_headers().map_err(bad)?;
    let (Some(info), Some(colours)) = (decoder.info(), decoder.input_colorspace()) else {
        return Err(Refusal::Content("it has no header".to_owned()));
    };
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    check_size(width, height)?;
    let colours = match colours {
        ColorSpace::Luma => ColorSpace::Luma,
        ColorSpace::RGB | ColorSpace::YCbCr => ColorSpace::RGB,
        other => {
            return Err(Refusal::Content(format!("its colours are {other:?}; grey, YCbCr and RGB are read")));
        }
    };
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let pixels = decoder.decode().map_err(bad)?;
    let image = match colours {
        ColorSpace::Luma => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
    };
    let image = image.ok_or_else(|| Refusal::Content("its pixels do not fill it".to_owned()))?;
    Ok(upright(image, orientation.unwrap_or(Orientation::NoTransforms)))
}

/// As it is meant to be seen.
fn upright(mut image: DynamicImage, orientation: Orientation) -> DynamicImage {
    image.apply_orientation(orientation);
    image
}

/// Where the segments and scans of a JPEG file lead to its end-of-image marker: a decoder notices the loss of its last
/// rows only by chance.
fn end_of_image(content: &[u8]) -> Option<usize> {
    let mut rest = content;
    // A marker follows the last of any number of 0xff.
    while let Some(at) = rest.windows(2).position(|pair| pair[0] == 0xff && pair[1] != 0xff) {
        let marker = rest[at + 1];
        rest = &rest[at + 2..];
        match marker {
            0xd9 => return Some(content.len() - rest.len() - 2),
            // Those without a length: a byte of 0xff in the data of a scan, a restart of it, the beginning of the file.
            0x00 | 0x01 | 0xd0..=0xd7 | 0xd8 => {}
            _ => {
                let &[high, low] = rest.first_chunk()?;
                rest = rest.get(usize::from(u16::from_be_bytes([high, low]))..).unwrap_or_default();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests;
