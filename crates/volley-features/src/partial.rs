//! Features of many images, on a disk while they are computed.
//!
//! The file begins with a header: a magic, and the BLAKE3 hash of all that the features are made of. Then come blocks
//! of [`BLOCK_IMAGES`] images (the last one may have fewer): the features in little-endian f32, image by image, and the
//! BLAKE3 hash of the header, the block's number and the features. A block that is cut off or damaged, and all after
//! it, are computed again. So a program that is killed at any moment loses the block that it was at.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::backbone::Backbone;
use crate::error::FeatureError;
use crate::extract::{Features, extract};
use crate::image_source::ImageSource;
use crate::provenance::Provenance;

/// Images of a block: some seconds of work.
const BLOCK_IMAGES: usize = 256;
const MAGIC: &[u8; 16] = b"volley-features1";
const HASH_BYTES: usize = blake3::OUT_LEN;
const HEADER_BYTES: u64 = (MAGIC.len() + HASH_BYTES) as u64;
const VALUE_BYTES: usize = size_of::<f32>();

/// The features of the images of a range, of which the first are computed. The file is locked while this lives.
#[derive(Debug)]
pub struct PartialFeatures {
    path: PathBuf,
    file: File,
    made_of: blake3::Hash,
    range: Range<usize>,
    features: usize,
    /// Images whose features are in the file.
    done: usize,
}

impl PartialFeatures {
    /// Begins a file, or goes on with one that was begun for the same model, recipe, images and range. With `anew` the
    /// file of another run is begun anew; without, it is refused.
    ///
    /// All blocks are read and checked.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Range`]; [`FeatureError::OtherRun`]; [`FeatureError::Busy`] while another program has the file;
    /// [`FeatureError::Io`].
    pub fn open(
        path: &Path,
        backbone: &Backbone,
        images: &ImageSource,
        range: Range<usize>,
        anew: bool,
    ) -> Result<Self, FeatureError> {
        let Range { start, end } = range;
        if start >= end || end > images.count() {
            return Err(FeatureError::Range { start, end, available: images.count() });
        }
        let io_error = |error| io_error(path, &error);
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let file = options.open(path).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FeatureError::Busy { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => return Err(io_error(error)),
        }
        let made_of = made_of(backbone, images, &range)?;
        let features = backbone.features();
        let mut partial = Self { path: path.to_owned(), file, made_of, range, features, done: 0 };
        if partial.check_header(anew)? {
            partial.done = partial.count_done().map_err(io_error)?;
        }
        partial.cut().map_err(io_error)?;
        Ok(partial)
    }

    /// Images in all.
    #[must_use]
    pub fn images(&self) -> usize {
        self.range.len()
    }

    /// Features of each image.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// Images whose features are in the file.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// Computes what is left, as [`extract()`] does. `progress` is told how many images are done, those of earlier runs
    /// among them. Memory: the features of a block.
    ///
    /// # Errors
    ///
    /// As `extract()`, and [`FeatureError::Io`] for the file. What was done until then stays.
    pub fn extract(
        &mut self,
        backbone: &Backbone,
        images: &ImageSource,
        progress: impl Fn(usize) + Sync,
    ) -> Result<(), FeatureError> {
        while self.done < self.images() {
            let first = self.range.start + self.done;
            let block = first..(first + BLOCK_IMAGES).min(self.range.end);
            let before = self.done;
            let computed = extract(backbone, images, block, |done| progress(before + done))?;
            self.append(&computed).map_err(|error| io_error(&self.path, &error))?;
        }
        self.file.sync_data().map_err(|error| io_error(&self.path, &error))
    }

    /// The features of the images that are done, in their order, read one block after the other.
    ///
    /// # Errors
    ///
    /// Those of the system; an item is an error where the file was changed since it was opened.
    pub fn rows(&self) -> io::Result<impl Iterator<Item = io::Result<Vec<f32>>> + use<>> {
        let mut file = BufReader::new(File::open(&self.path)?);
        file.seek(SeekFrom::Start(HEADER_BYTES))?;
        let (made_of, features, done) = (self.made_of, self.features, self.done);
        let mut failed = false;
        let blocks = (0..done.div_ceil(BLOCK_IMAGES)).map_while(move |block| {
            let read = || read_block(&mut file, made_of, block, block_images(done, block) * features);
            let rows = (!failed).then(read)?;
            failed = rows.is_err();
            Some(rows)
        });
        Ok(blocks.flat_map(move |block| match block {
            Ok(values) => values.chunks_exact(features).map(|row| Ok(row.to_vec())).collect(),
            Err(error) => vec![Err(error)],
        }))
    }

    /// Removes the file.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Io`].
    pub fn remove(self) -> Result<(), FeatureError> {
        std::fs::remove_file(&self.path).map_err(|error| io_error(&self.path, &error))
    }

    /// Whether the file has the header of this run. One of another run is an error, unless it may be begun anew.
    fn check_header(&mut self, anew: bool) -> Result<bool, FeatureError> {
        let mut header = Vec::new();
        let read = (&self.file).take(HEADER_BYTES).read_to_end(&mut header);
        read.map_err(|error| io_error(&self.path, &error))?;
        let ours = [&MAGIC[..], self.made_of.as_bytes()].concat();
        if header == ours {
            return Ok(true);
        }
        // A header that was cut off while it was written is of no run.
        if anew || ours.starts_with(&header) {
            return Ok(false);
        }
        Err(FeatureError::OtherRun { path: self.path.clone() })
    }

    /// The images of all blocks that are whole, from the first.
    fn count_done(&self) -> io::Result<usize> {
        let mut file = BufReader::new(&self.file);
        file.seek(SeekFrom::Start(HEADER_BYTES))?;
        let mut done = 0;
        for block in 0..self.images().div_ceil(BLOCK_IMAGES) {
            let images = block_images(self.images(), block);
            match read_block(&mut file, self.made_of, block, images * self.features) {
                Ok(_) => done += images,
                Err(error) if is_damage(&error) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Leaves the header and the blocks that are done, and nothing else.
    fn cut(&mut self) -> io::Result<()> {
        if self.done == 0 {
            self.file.set_len(0)?;
            self.file.rewind()?;
            self.file.write_all(&[&MAGIC[..], self.made_of.as_bytes()].concat())?;
        }
        let hashes = self.done.div_ceil(BLOCK_IMAGES) * HASH_BYTES;
        let length = HEADER_BYTES + (self.done * self.features * VALUE_BYTES + hashes) as u64;
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length)).map(|_| ())
    }

    fn append(&mut self, computed: &Features) -> io::Result<()> {
        let block = self.done / BLOCK_IMAGES;
        let mut bytes: Vec<u8> = computed.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let hash = hash(self.made_of, block, &bytes);
        bytes.extend(hash.as_bytes());
        self.file.write_all(&bytes)?;
        self.done += computed.values.nrows();
        Ok(())
    }
}

/// The images of a block, of so many in all.
fn block_images(images: usize, block: usize) -> usize {
    (images - block * BLOCK_IMAGES).min(BLOCK_IMAGES)
}

/// Everything that decides the features.
fn made_of(
    backbone: &Backbone,
    images: &ImageSource,
    range: &Range<usize>,
) -> Result<blake3::Hash, FeatureError> {
    let provenance = Provenance::new(backbone, images, range);
    let text = provenance.to_toml().map_err(|error| io_error(images.path(), &io::Error::other(error)))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(text.as_bytes());
    hasher.update(images.fingerprint()?.as_bytes());
    Ok(hasher.finalize())
}

fn hash(made_of: blake3::Hash, block: usize, values: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(made_of.as_bytes());
    hasher.update(&(block as u64).to_le_bytes());
    hasher.update(values);
    hasher.finalize()
}

/// The values of a block; one that is cut off or damaged [`is_damage`].
fn read_block(
    mut file: impl Read,
    made_of: blake3::Hash,
    block: usize,
    values: usize,
) -> io::Result<Vec<f32>> {
    let mut bytes = vec![0; values * VALUE_BYTES];
    file.read_exact(&mut bytes)?;
    let mut stored = [0; HASH_BYTES];
    file.read_exact(&mut stored)?;
    if hash(made_of, block, &bytes) != blake3::Hash::from_bytes(stored) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file was changed"));
    }
    Ok(bytes.as_chunks::<VALUE_BYTES>().0.iter().map(|value| f32::from_le_bytes(*value)).collect())
}

fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData)
}

fn io_error(path: &Path, error: &io::Error) -> FeatureError {
    FeatureError::Io { path: path.to_owned(), message: error.to_string() }
}
