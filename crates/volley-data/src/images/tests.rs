use std::fs;

use super::*;
use crate::npy;

/// A file of one test, which goes with it.
struct File(std::path::PathBuf);

impl File {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("volley-data-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn npy(descr: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    npy::write(&mut content, descr, shape, bytes.iter().map(|&byte| vec![byte])).unwrap();
    content
}

fn idx(shape: &[usize], bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    Idx::new(shape.to_vec(), bytes.to_vec()).unwrap().write_gzip(&mut content).unwrap();
    content
}

fn refusal(name: &str, content: &[u8], labels: &LabelSource) -> ContentError {
    let file = File::new(name, content);
    let error = read_images(&file.0, labels).unwrap_err();
    assert!(error.path.to_string_lossy().contains(name), "{error}");
    *error.cause
}

#[test]
fn grey_images_of_idx_with_the_labels_beside_them() {
    let images = File::new("train-images-idx3-ubyte", &idx(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]));
    let absent = read_images(&images.0, &LabelSource::Usual).unwrap();
    assert_eq!((absent.count(), absent.size(), absent.channels(), absent.labels()), (2, [1, 3], 1, None));
    assert_eq!([0, 1, 2].map(|index| absent.image(index)), [Some(&[1, 2, 3][..]), Some(&[4, 5, 6]), None]);
    let labels = File::new("train-labels-idx1-ubyte", &idx(&[2], &[7, 9]));
    assert_eq!(read_images(&images.0, &LabelSource::Usual).unwrap().labels().unwrap(), ["7", "9"]);
    assert_eq!(read_images(&images.0, &LabelSource::Absent).unwrap(), absent);
    let named = LabelSource::File(labels.0.clone());
    assert_eq!(read_images(&images.0, &named).unwrap().labels().unwrap(), ["7", "9"]);
}

#[test]
fn grey_and_colour_images_of_npy() {
    let read = |name: &str, shape: &[usize]| {
        let file = File::new(name, &npy("|u1", shape, &[1, 2, 3, 4, 5, 6]));
        read_images(&file.0, &LabelSource::Usual).unwrap()
    };
    let colour = read("colour.npy", &[1, 1, 2, 3]);
    assert_eq!(
        (colour.size(), colour.channels(), colour.image(0)),
        ([1, 2], 3, Some(&[1, 2, 3, 4, 5, 6][..]))
    );
    let grey = read("grey.npy", &[3, 2, 1]);
    assert_eq!((grey.count(), grey.size(), grey.channels()), (3, [2, 1], 1));
    assert_eq!(read("grey4.npy", &[3, 2, 1, 1]), grey);
}

#[test]
fn what_is_no_file_of_images() {
    let usual = &LabelSource::Usual;
    let error = refusal("table.csv", b"1,2", usual);
    assert_eq!(error, ContentError::Format { expected: "an IDX or NPY file of images" });
    for shape in [&[1, 6][..], &[1, 1, 3, 2], &[1, 1, 1, 2, 3]] {
        let error = refusal("shape.npy", &npy("|u1", shape, &[0; 6]), usual);
        assert!(matches!(error, ContentError::Dimensions { .. }), "{error}");
    }
    let error = refusal("signed.npy", &npy("|i1", &[1, 2, 3], &[0; 6]), usual);
    assert!(matches!(error, ContentError::ElementType { .. }), "{error}");
    assert_eq!(refusal("none.npy", &npy("|u1", &[0, 2, 3], &[]), usual), ContentError::NoRows);
    let column = LabelSource::Column(0);
    let error = refusal("column.npy", &npy("|u1", &[1, 2, 3], &[0; 6]), &column);
    assert!(matches!(error, ContentError::LabelSource { .. }), "{error}");
    let labels = File::new("three-labels.npy", &npy("|u1", &[3], &[1, 2, 3]));
    let error = refusal("two.npy", &npy("|u1", &[2, 1, 3], &[0; 6]), &LabelSource::File(labels.0.clone()));
    assert_eq!(error, ContentError::LabelCount { labels: 3, rows: 2 });
}

#[test]
fn an_array_of_bytes_is_grey_images() {
    let images = Images::try_from(Idx::new(vec![2, 1, 2], vec![1, 2, 3, 4]).unwrap()).unwrap();
    assert_eq!((images.count(), images.size(), images.channels()), (2, [1, 2], 1));
    assert_eq!((images.image(1), images.labels()), (Some(&[3, 4][..]), None));
    let line = Images::try_from(Idx::new(vec![4], vec![0; 4]).unwrap()).unwrap_err();
    assert_eq!(line, ContentError::Dimensions { shape: vec![4], needed: "one of images" });
    let none = Images::try_from(Idx::new(vec![2, 0, 2], Vec::new()).unwrap()).unwrap_err();
    assert_eq!(none, ContentError::NoRows);
}
