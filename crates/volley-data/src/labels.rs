//! Where the labels of a table are, and those that have a file of their own.

use std::path::{Path, PathBuf};

use volley_mlr::ClassLabels;

use crate::error::{ContentError, DataError, excerpt};
use crate::idx::Idx;
use crate::npy;
use crate::source::{Content, Format, Memory, label_bytes};

/// Where the labels of a table are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelSource {
    /// Where the format has them: the first column of a CSV file, the array `y` of an NPZ file, and for IDX images
    /// `…-images…idx3…` the file `…-labels…idx1…` beside it. A table of an NPZ or IDX file that has no such thing, and
    /// of any NPY file, has no labels.
    #[default]
    Usual,
    /// They are not looked at, and may be missing. Their column in a CSV file, where there is one, is that of this name
    /// or place or, where none is said, that of the labels beside the features of
    /// [`TableOptions::schema`](crate::TableOptions::schema).
    Ignored(Option<String>),
    /// Nowhere: everything is a feature.
    Absent,
    /// The column of this index, from 0, of a CSV file.
    Column(usize),
    /// The column of this name of a CSV file, or the array of this name of an NPZ file. Where no column has the name
    /// and it is a number, it is the column of that place: from 1, or from the end -1. Where names in the header are
    /// numbers, only a negative number is a place.
    Named(String),
    /// An NPY or IDX file of one dimension, of any format of features.
    File(PathBuf),
}

/// The labels that have a file of their own.
pub(crate) fn separate_labels(
    path: &Path,
    labels: &LabelSource,
    format: Format,
    memory: &mut Memory,
) -> Result<Option<Vec<String>>, DataError> {
    let file = match labels {
        LabelSource::File(file) => Some(file.clone()),
        LabelSource::Usual if format == Format::Idx => file_beside(path),
        _ => None,
    };
    let read = |file: PathBuf| read_labels(&file, memory).map_err(|cause| cause.in_file(&file));
    file.map(read).transpose()
}

/// Refuses what a format has no place for.
pub(crate) fn check_label_source(labels: &LabelSource, format: Format) -> Result<(), ContentError> {
    let asked = match (labels, format) {
        (LabelSource::Column(_), Format::Npy | Format::Npz | Format::Idx) => "a column",
        (LabelSource::Named(_), Format::Npy | Format::Idx) => "a named part",
        _ => return Ok(()),
    };
    Err(ContentError::LabelSource { asked, format: format.name() })
}

/// Where MNIST has the labels of these images, if there is such a file.
fn file_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    let path = images.with_file_name(&labels);
    (labels != name && path.exists()).then_some(path)
}

/// The labels in a file of one dimension.
fn read_labels(path: &Path, memory: &mut Memory) -> Result<Vec<String>, ContentError> {
    let labels = match Content::open(path, memory.left())? {
        Content::Npy(mut stream) => npy::open(&mut stream)?.labels(memory)?,
        Content::Idx(mut stream) => {
            let labels = Idx::read(&mut stream, 1, memory)?;
            memory.take(labels.items(), label_bytes("255".len()))?;
            labels.labels()
        }
        Content::Csv(_) | Content::Npz(_) => {
            return Err(ContentError::Format { expected: "an NPY or IDX file of labels" });
        }
    };
    check_labels(&labels, |index| index as u64 + 1).map(|()| labels)
}

/// Refuses labels that no class can have, by the number of the row of an index.
pub(crate) fn check_labels(labels: &[String], row: impl Fn(usize) -> u64) -> Result<(), ContentError> {
    let Some(index) = labels.iter().position(|label| !ClassLabels::is_name(label)) else { return Ok(()) };
    if labels[index].trim().is_empty() {
        return Err(ContentError::EmptyLabel { row: row(index), column: 1.into() });
    }
    Err(ContentError::LabelCharacter { row: row(index), label: excerpt(&labels[index]) })
}
