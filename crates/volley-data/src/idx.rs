//! IDX, the file format of MNIST: two zero bytes, a type (8: unsigned bytes), the number of dimensions, each dimension
//! as a big-endian u32, then the bytes.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::Array2;

use crate::error::ContentError;
use crate::source::{Memory, element_count, gunzip, is_gzip, read_within};

const UNSIGNED_BYTES: u8 = 8;
const WHITE: f64 = 255.0;

/// An array of bytes of one to three dimensions: labels (count) or images (count, rows, columns).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Idx {
    /// An array of this shape.
    ///
    /// # Errors
    ///
    /// [`ContentError::Size`] if the bytes do not fill it.
    pub fn new(shape: Vec<usize>, bytes: Vec<u8>) -> Result<Self, ContentError> {
        let expected = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        if shape.is_empty() || expected != Some(bytes.len()) {
            return Err(ContentError::Size { shape, item_bytes: 1, found: bytes.len() });
        }
        Ok(Self { shape, bytes })
    }

    /// Reads content that is not compressed and must have this many dimensions.
    ///
    /// # Errors
    ///
    /// [`ContentError::TruncatedHeader`], [`ContentError::IdxMagic`], [`ContentError::Size`].
    pub fn parse(mut content: &[u8], dimensions: u8) -> Result<Self, ContentError> {
        let shape = read_shape(&mut content, dimensions)?;
        Self::new(shape, content.to_vec())
    }

    /// [`parse`](Self::parse) of gzip-compressed or plain content, which has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// As `parse`, and [`ContentError::Gzip`], [`ContentError::TooLarge`].
    pub fn parse_gzip(content: &[u8], dimensions: u8, limit: u64) -> Result<Self, ContentError> {
        if is_gzip(content) {
            Self::parse(&read_within(gunzip(content), limit)?, dimensions)
        } else {
            Self::parse(content, dimensions)
        }
    }

    /// [`parse`](Self::parse) of a stream. The size that the header declares is compared with the memory before it is
    /// read.
    pub(crate) fn read(
        stream: &mut dyn Read,
        dimensions: u8,
        memory: &mut Memory,
    ) -> Result<Self, ContentError> {
        let shape = read_shape(stream, dimensions)?;
        let size = element_count(&shape);
        memory.take(size, 1)?;
        let mut bytes = Vec::new();
        // One more, so that a longer file is seen.
        stream.take((size as u64).saturating_add(1)).read_to_end(&mut bytes)?;
        Self::new(shape, bytes)
    }

    /// Writes it as a gzip-compressed file. The same array gives the same bytes as long as the compressor does not
    /// change.
    ///
    /// # Errors
    ///
    /// Those of the stream; an array with a dimension beyond a u32 is invalid input.
    pub fn write_gzip(&self, out: impl Write) -> io::Result<()> {
        let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let mut encoder = GzEncoder::new(out, Compression::best());
        encoder.write_all(&[0, 0, UNSIGNED_BYTES, self.shape.len() as u8])?;
        for &size in &self.shape {
            encoder.write_all(&u32::try_from(size).map_err(too_long)?.to_be_bytes())?;
        }
        encoder.write_all(&self.bytes)?;
        encoder.finish()?.flush()
    }

    /// The dimensions.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, the last dimension running fastest.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Number of items: the first dimension.
    #[must_use]
    pub fn items(&self) -> usize {
        self.shape[0]
    }

    /// The first `count` items.
    ///
    /// # Errors
    ///
    /// [`ContentError::ItemCount`] if there are fewer.
    pub fn first(&self, count: usize) -> Result<Self, ContentError> {
        if count > self.items() {
            return Err(ContentError::ItemCount { found: self.items(), needed: count });
        }
        let item: usize = self.shape[1..].iter().product();
        let shape = [&[count], &self.shape[1..]].concat();
        Ok(Self { shape, bytes: self.bytes[..count * item].to_vec() })
    }

    /// The `side` × `side` pixels in the middle of each image.
    ///
    /// # Errors
    ///
    /// [`ContentError::Dimensions`] if these are no images, [`ContentError::Centre`] if they are too small.
    pub fn centre(&self, side: usize) -> Result<Self, ContentError> {
        let (count, rows, columns) = self.images()?;
        if side > rows || side > columns {
            return Err(ContentError::Centre { rows, columns, side });
        }
        let (top, left) = ((rows - side) / 2, (columns - side) / 2);
        let row_of = |image: usize, row: usize| {
            let start = (image * rows + top + row) * columns + left;
            &self.bytes[start..start + side]
        };
        let centre = (0..count).flat_map(|image| (0..side).map(move |row| (image, row)));
        let bytes = centre.flat_map(|(image, row)| row_of(image, row)).copied().collect();
        Ok(Self { shape: vec![count, side, side], bytes })
    }

    /// The pixels of each image from 0 to 1, row by row: images × pixels.
    ///
    /// # Errors
    ///
    /// [`ContentError::Dimensions`] if these are no images.
    pub fn pixels(&self) -> Result<Array2<f64>, ContentError> {
        let (count, rows, columns) = self.images()?;
        let pixels = self.bytes.iter().map(|&pixel| f64::from(pixel) / WHITE).collect();
        let size =
            |_| ContentError::Size { shape: self.shape.clone(), item_bytes: 1, found: self.bytes.len() };
        Array2::from_shape_vec((count, rows * columns), pixels).map_err(size)
    }

    /// The elements as labels.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        self.bytes.iter().map(u8::to_string).collect()
    }

    fn images(&self) -> Result<(usize, usize, usize), ContentError> {
        match self.shape[..] {
            // With no image there is nothing that bounds the size of one.
            [count, rows, columns] if rows.checked_mul(columns).is_some() => Ok((count, rows, columns)),
            _ => Err(ContentError::Dimensions { shape: self.shape.clone(), needed: "one of images" }),
        }
    }
}

/// The dimensions, of which there must be so many.
fn read_shape(stream: &mut dyn Read, dimensions: u8) -> Result<Vec<usize>, ContentError> {
    let truncated = ContentError::TruncatedHeader { format: "IDX" };
    let mut header = Vec::new();
    stream.take(4 * (1 + u64::from(dimensions))).read_to_end(&mut header)?;
    let (magic, sizes) = header.split_first_chunk::<4>().ok_or(truncated.clone())?;
    if *magic != [0, 0, UNSIGNED_BYTES, dimensions] {
        return Err(ContentError::IdxMagic { found: *magic, dimensions });
    }
    let (sizes, _) = sizes.as_chunks::<4>();
    if sizes.len() < usize::from(dimensions) {
        return Err(truncated);
    }
    Ok(sizes.iter().map(|&size| u32::from_be_bytes(size) as usize).collect())
}

#[cfg(test)]
mod tests;
