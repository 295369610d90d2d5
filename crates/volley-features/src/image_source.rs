//! Sources of images.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::decode;
use crate::error::FeatureError;
use crate::picture::Picture;

const EXTENSIONS: [&str; 3] = ["jpeg", "jpg", "png"];

/// Shape, bytes and labels of images, as [`ImageSource::from_bytes`] takes them.
pub type ImageArray = ([usize; 4], Vec<u8>, Option<Vec<String>>);

/// Images in a fixed order, and their labels where there are any. Images of a folder are read when they are needed.
#[derive(Clone, Debug)]
pub struct ImageSource {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The files, and the class of each.
    Folder { files: Vec<PathBuf>, classes: Option<Vec<String>> },
    /// All of them in one array.
    Array { shape: [usize; 4], bytes: Vec<u8>, labels: Option<Vec<String>> },
}

impl ImageSource {
    /// A folder of PNG and JPEG images.
    ///
    /// A folder of sub-folders has a class in each, by its name; a folder of images has no labels. The order is that of
    /// the names. Files that do not end in .png, .jpg or .jpeg, and hidden ones, are passed over; folders are not
    /// searched deeper.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Io`], [`FeatureError::NoImages`], [`FeatureError::NoClass`].
    pub fn open(folder: &Path) -> Result<Self, FeatureError> {
        Ok(Self { path: folder.to_owned(), kind: open_folder(folder)? })
    }

    /// Images of one size that are in memory: `bytes` in C order of the shape (images, rows, columns, values of a
    /// pixel), where a pixel has 1 value for grey, or 3 for red, green and blue. `path` names where they come from.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Pixels`], [`FeatureError::LabelCount`].
    pub fn from_bytes(
        path: &Path,
        shape: [usize; 4],
        bytes: Vec<u8>,
        labels: Option<Vec<String>>,
    ) -> Result<Self, FeatureError> {
        let path = path.to_owned();
        let [images, _, _, channels] = shape;
        let needed = shape.iter().try_fold(1, |product: usize, &size| product.checked_mul(size));
        if needed != Some(bytes.len()) || bytes.is_empty() || !matches!(channels, 1 | 3) {
            return Err(FeatureError::Pixels { path, shape, bytes: bytes.len() });
        }
        match &labels {
            Some(labels) if labels.len() != images => {
                Err(FeatureError::LabelCount { path, labels: labels.len(), images })
            }
            _ => Ok(Self { path, kind: Kind::Array { shape, bytes, labels } }),
        }
    }

    /// A folder, as [`open`](Self::open) takes it, or a file of images that `read` reads. This crate knows no format of
    /// such files; `volley_data::read_images` reads two.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open), `read` and [`from_bytes`](Self::from_bytes).
    pub fn open_or_read<E: From<FeatureError>>(
        path: &Path,
        read: impl FnOnce(&Path) -> Result<ImageArray, E>,
    ) -> Result<Self, E> {
        if path.is_dir() {
            return Ok(Self::open(path)?);
        }
        let (shape, bytes, labels) = read(path)?;
        Ok(Self::from_bytes(path, shape, bytes, labels)?)
    }

    /// The number of images: at least one.
    #[must_use]
    pub fn count(&self) -> usize {
        match &self.kind {
            Kind::Folder { files, .. } => files.len(),
            Kind::Array { shape, .. } => shape[0],
        }
    }

    /// The label of each image.
    #[must_use]
    pub fn labels(&self) -> Option<&[String]> {
        match &self.kind {
            Kind::Folder { classes, .. } => classes.as_deref(),
            Kind::Array { labels, .. } => labels.as_deref(),
        }
    }

    /// The folder or file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A hash that other images do not have: of an array the shape and the bytes, of a folder the name, length and time
    /// of change of each file. Labels do not count.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Io`].
    pub(crate) fn fingerprint(&self) -> Result<blake3::Hash, FeatureError> {
        let mut hasher = blake3::Hasher::new();
        let number = |hasher: &mut blake3::Hasher, number: u128| {
            hasher.update(&number.to_le_bytes());
        };
        match &self.kind {
            Kind::Folder { files, .. } => {
                for path in files {
                    let error = |error| io_error(path, &error);
                    let metadata = fs::metadata(path).map_err(error)?;
                    let changed = metadata.modified().map_err(error)?.duration_since(UNIX_EPOCH);
                    let name = path.as_os_str().as_encoded_bytes();
                    number(&mut hasher, name.len() as u128);
                    hasher.update(name);
                    number(&mut hasher, metadata.len().into());
                    number(&mut hasher, changed.map_or(0, |since| since.as_nanos()));
                }
            }
            Kind::Array { shape, bytes, .. } => {
                shape.iter().for_each(|&size| number(&mut hasher, size as u128));
                hasher.update(bytes);
            }
        }
        Ok(hasher.finalize())
    }

    /// An image for a message: its file, and its number from 1 where a file has many.
    pub(crate) fn name(&self, index: usize) -> String {
        match &self.kind {
            Kind::Folder { files, .. } => files.get(index).unwrap_or(&self.path).display().to_string(),
            Kind::Array { .. } => format!("{}: image {}", self.path.display(), index + 1),
        }
    }

    /// Decodes an image.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Image`], [`FeatureError::ImageSize`], [`FeatureError::File`], [`FeatureError::Io`];
    /// [`FeatureError::Range`] beyond the last.
    pub fn picture(&self, index: usize) -> Result<Picture, FeatureError> {
        let picture = match &self.kind {
            Kind::Folder { files, .. } => files.get(index).map(|file| decode::picture(file)).transpose()?,
            &Kind::Array { shape: [_, rows, columns, channels], ref bytes, .. } => bytes
                .chunks_exact(rows * columns * channels)
                .nth(index)
                .and_then(|image| Picture::from_bytes([rows, columns], channels, image)),
        };
        picture.ok_or(FeatureError::Range { start: index, end: index + 1, available: self.count() })
    }
}

fn io_error(path: &Path, error: &std::io::Error) -> FeatureError {
    FeatureError::Io { path: path.to_owned(), message: error.to_string() }
}

fn open_folder(folder: &Path) -> Result<Kind, FeatureError> {
    let entries = visible_entries(folder)?;
    let images: Vec<PathBuf> = entries.iter().filter(|entry| is_image(entry)).cloned().collect();
    let (mut files, mut classes) = (Vec::new(), Vec::new());
    for class in entries.iter().filter(|entry| entry.is_dir()) {
        let members = visible_entries(class)?.into_iter().filter(|entry| is_image(entry));
        files.extend(members);
        let name = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        classes.resize(files.len(), name);
    }
    match (images.into_iter().next(), files.is_empty()) {
        (None, true) => Err(FeatureError::NoImages { path: folder.to_owned() }),
        (None, false) => Ok(Kind::Folder { files, classes: Some(classes) }),
        (Some(path), false) => Err(FeatureError::NoClass { path }),
        (Some(_), true) => {
            let files = entries.into_iter().filter(|entry| is_image(entry)).collect();
            Ok(Kind::Folder { files, classes: None })
        }
    }
}

/// The entries of a folder in the order of their names, without hidden ones.
fn visible_entries(folder: &Path) -> Result<Vec<PathBuf>, FeatureError> {
    let read = || fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>();
    let mut entries = read().map_err(|error| io_error(folder, &error))?;
    entries.retain(|entry| !entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
    entries.sort();
    Ok(entries)
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    path.is_file() && extension.is_some_and(|extension| EXTENSIONS.contains(&extension.as_str()))
}
