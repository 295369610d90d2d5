//! Many images in one file: IDX as MNIST has them, or an NPY array of bytes.

use std::path::Path;

use crate::error::{ContentError, DataError};
use crate::idx::Idx;
use crate::labels::{LabelSource, check_label_source, separate_labels};
use crate::npy;
use crate::source::{Content, DEFAULT_LIMIT, Memory};

/// Images of one size with one byte a value, 0 for black, and the label of each, where there are labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Images, rows, columns, channels (1 or 3).
    shape: [usize; 4],
    bytes: Vec<u8>,
    labels: Option<Vec<String>>,
}

impl Images {
    /// The number of images: at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shape[0]
    }

    /// Rows and columns of each image: at least one of each.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        [self.shape[1], self.shape[2]]
    }

    /// The values of a pixel: 1 for grey, 3 for red, green and blue.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shape[3]
    }

    /// The bytes of one image, row by row, the channels of a pixel side by side; None beyond the last.
    #[must_use]
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        self.bytes.chunks_exact(self.shape[1..].iter().product()).nth(index)
    }

    /// The shape (images, rows, columns, values of a pixel), the bytes in C order, and the labels.
    #[must_use]
    pub fn into_parts(self) -> ([usize; 4], Vec<u8>, Option<Vec<String>>) {
        (self.shape, self.bytes, self.labels)
    }

    /// The label of each image.
    #[must_use]
    pub fn labels(&self) -> Option<&[String]> {
        self.labels.as_deref()
    }
}

impl TryFrom<Idx> for Images {
    type Error = ContentError;

    /// Grey images without labels.
    ///
    /// # Errors
    ///
    /// [`ContentError::Dimensions`] for an array of other than three dimensions, [`ContentError::NoRows`] without a
    /// pixel.
    fn try_from(images: Idx) -> Result<Self, ContentError> {
        let &[count, rows, columns] = images.shape() else {
            return Err(ContentError::Dimensions { shape: images.shape().to_vec(), needed: "one of images" });
        };
        let bytes = images.into_bytes();
        if bytes.is_empty() {
            return Err(ContentError::NoRows);
        }
        Ok(Self { shape: [count, rows, columns, 1], bytes, labels: None })
    }
}

/// Reads images: IDX of three dimensions, or NPY of type `u1` and shape (images, rows, columns) or (images, rows,
/// columns, 1 or 3). Labels as [`read_table`](crate::read_table) finds them beside such a file. They take at most 2
/// GiB.
///
/// # Errors
///
/// Whatever is wrong, with the file's name.
pub fn read_images(path: &Path, labels: &LabelSource) -> Result<Images, DataError> {
    let mut memory = Memory::new(DEFAULT_LIMIT);
    let mut parse = || {
        let content = Content::open(path, DEFAULT_LIMIT)?;
        let format = content.format();
        check_label_source(labels, format)?;
        let (shape, bytes) = match content {
            Content::Idx(mut stream) => {
                let images = Idx::read(&mut stream, 3, &mut memory)?;
                let &[count, rows, columns] = images.shape() else {
                    return Err(ContentError::Format { expected: "an IDX file of images" });
                };
                ([count, rows, columns, 1], images.into_bytes())
            }
            Content::Npy(mut stream) => npy::open(&mut stream)?.images(&mut memory)?,
            Content::Csv(_) | Content::Npz(_) => {
                return Err(ContentError::Format { expected: "an IDX or NPY file of images" });
            }
        };
        // With no images, or none with a pixel, nothing bounds the shape.
        if bytes.is_empty() {
            return Err(ContentError::NoRows);
        }
        Ok((format, shape, bytes))
    };
    let (format, shape, bytes) = parse().map_err(|cause| cause.in_file(path))?;
    let labels = separate_labels(path, labels, format, &mut memory)?;
    match &labels {
        Some(labels) if labels.len() != shape[0] => {
            Err(ContentError::LabelCount { labels: labels.len(), rows: shape[0] }.in_file(path))
        }
        _ => Ok(Images { shape, bytes, labels }),
    }
}

#[cfg(test)]
mod tests;
