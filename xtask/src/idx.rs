//! IDX, the file format of MNIST: two zero bytes, a type (8: unsigned bytes), the number of dimensions, each dimension
//! as a big-endian u32, then the bytes.

use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

const UNSIGNED_BYTES: u8 = 8;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An array of bytes of one to three dimensions: labels (count) or images (count, rows, columns).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Idx {
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Idx {
    /// Reads a file's content, plain or gzip-compressed, that must have this many dimensions.
    pub(crate) fn parse(content: &[u8], dimensions: usize) -> Result<Self> {
        if !content.starts_with(&GZIP_MAGIC) {
            return Self::parse_plain(content, dimensions);
        }
        let mut plain = Vec::new();
        GzDecoder::new(content).read_to_end(&mut plain).context("damaged gzip data")?;
        Self::parse_plain(&plain, dimensions)
    }

    fn parse_plain(content: &[u8], dimensions: usize) -> Result<Self> {
        let (header, bytes) =
            content.split_at_checked(4 + 4 * dimensions).context("too short for an IDX header")?;
        let magic = [0, 0, UNSIGNED_BYTES, dimensions as u8];
        ensure!(header[..4] == magic, "the magic number is {:?}, expected {magic:?}", &header[..4]);
        let (sizes, _) = header[4..].as_chunks::<4>();
        let shape: Vec<usize> = sizes.iter().map(|&size| u32::from_be_bytes(size) as usize).collect();
        let expected = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        ensure!(Some(bytes.len()) == expected, "{} bytes do not fill the shape {shape:?}", bytes.len());
        Ok(Self { shape, bytes: bytes.to_vec() })
    }

    /// The gzip-compressed file. The same array gives the same bytes as long as the compressor does not change.
    pub(crate) fn to_gzip(&self) -> Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&[0, 0, UNSIGNED_BYTES, self.shape.len() as u8])?;
        for &size in &self.shape {
            encoder.write_all(&u32::try_from(size)?.to_be_bytes())?;
        }
        encoder.write_all(&self.bytes)?;
        Ok(encoder.finish()?)
    }

    /// Number of items: the first dimension.
    pub(crate) fn len(&self) -> usize {
        self.shape[0]
    }

    /// The first `count` items.
    pub(crate) fn first(&self, count: usize) -> Result<Self> {
        ensure!(count <= self.len(), "{} items where {count} are needed", self.len());
        let item: usize = self.shape[1..].iter().product();
        let shape = [&[count], &self.shape[1..]].concat();
        Ok(Self { shape, bytes: self.bytes[..count * item].to_vec() })
    }

    /// The `side` × `side` pixels in the middle of each image.
    pub(crate) fn centre(&self, side: usize) -> Result<Self> {
        let &[count, rows, columns] = &self.shape[..] else {
            anyhow::bail!("{} dimensions are no images", self.shape.len())
        };
        ensure!(side <= rows && side <= columns, "{rows}x{columns} images have no centre of {side}x{side}");
        let (top, left) = ((rows - side) / 2, (columns - side) / 2);
        let row_of = |image: usize, row: usize| {
            let start = (image * rows + top + row) * columns + left;
            &self.bytes[start..start + side]
        };
        let centre = (0..count).flat_map(|image| (0..side).map(move |row| (image, row)));
        let bytes = centre.flat_map(|(image, row)| row_of(image, row)).copied().collect();
        Ok(Self { shape: vec![count, side, side], bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images of 4 × 5 pixels with the values 0 to 39.
    fn images() -> Idx {
        Idx { shape: vec![2, 4, 5], bytes: (0..40).collect() }
    }

    #[test]
    fn compressed_files_round_trip() {
        assert_eq!(Idx::parse(&images().to_gzip().unwrap(), 3).unwrap(), images());
    }

    #[test]
    fn plain_files_are_read() {
        let labels = Idx::parse(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9], 1).unwrap();
        assert_eq!(labels, Idx { shape: vec![2], bytes: vec![7, 9] });
    }

    #[test]
    fn the_centre_and_the_first_items() {
        let expected = Idx { shape: vec![2, 2, 2], bytes: vec![6, 7, 11, 12, 26, 27, 31, 32] };
        assert_eq!(images().centre(2).unwrap(), expected);
        assert_eq!(images().first(1).unwrap(), Idx { shape: vec![1, 4, 5], bytes: (0..20).collect() });
    }

    #[test]
    fn damaged_files_are_refused() {
        let message = |content: &[u8], dimensions| Idx::parse(content, dimensions).unwrap_err().to_string();
        assert_eq!(message(&[0, 0, 8], 1), "too short for an IDX header");
        assert_eq!(
            message(&[0, 0, 9, 1, 0, 0, 0, 0], 1),
            "the magic number is [0, 0, 9, 1], expected [0, 0, 8, 1]"
        );
        assert_eq!(message(&[0, 0, 8, 1, 0, 0, 0, 3, 7, 9], 1), "2 bytes do not fill the shape [3]");
        assert_eq!(message(&[0x1f, 0x8b, 1], 1), "damaged gzip data");
    }

    #[test]
    fn what_is_not_there_is_not_cut_out() {
        assert_eq!(images().centre(5).unwrap_err().to_string(), "4x5 images have no centre of 5x5");
        assert_eq!(images().first(3).unwrap_err().to_string(), "2 items where 3 are needed");
        let labels = Idx { shape: vec![1], bytes: vec![0] };
        assert_eq!(labels.centre(1).unwrap_err().to_string(), "1 dimensions are no images");
    }
}
