use std::io::ErrorKind;
use std::ops::Range;
use std::path::PathBuf;

use volley_features::{FeatureError, ImageSource, PartialFeatures, extract};

use super::*;

/// Two whole blocks and a part of a third.
const RANGE: Range<usize> = 10..610;
const BLOCK: usize = 256;
const HEADER_BYTES: usize = 48;
const BLOCK_BYTES: usize = BLOCK * 6 * 4 + 32;

fn open(path: &Path, anew: bool) -> Result<PartialFeatures, FeatureError> {
    PartialFeatures::open(path, &tiny(), &test_digits(), RANGE, anew)
}

/// What the file has when everything is computed, and the features.
fn whole(path: &Path) -> (Vec<u8>, Array2<f32>) {
    let mut partial = open(path, false).unwrap();
    assert_eq!((partial.images(), partial.features(), partial.done()), (600, 6, 0));
    partial.extract(&tiny(), &test_digits(), |_| {}).unwrap();
    (fs::read(path).unwrap(), rows(&partial))
}

fn rows(partial: &PartialFeatures) -> Array2<f32> {
    let rows: Vec<f32> = partial.rows().unwrap().flat_map(Result::unwrap).collect();
    Array2::from_shape_vec((partial.done(), partial.features()), rows).unwrap()
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("x.npz.part")
}

#[test]
fn the_file_holds_what_extraction_gives() {
    let folder = tempfile::tempdir().unwrap();
    let (_, features) = whole(&file(&folder));
    assert_eq!(features, extract(&tiny(), &test_digits(), RANGE, |_| {}).unwrap().values);
    let again = open(&file(&folder), false).unwrap();
    assert_eq!((again.done(), rows(&again)), (600, features));
    again.remove().unwrap();
    assert!(!file(&folder).exists());
}

#[test]
fn wherever_it_was_cut_off_it_becomes_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (content, _) = whole(&path);
    assert_eq!(content.len(), HEADER_BYTES + 2 * BLOCK_BYTES + (600 - 2 * BLOCK) * 24 + 32);
    let two = HEADER_BYTES + 2 * BLOCK_BYTES;
    let lengths =
        [0, 1, 47, 48, 49, 48 + BLOCK_BYTES - 1, 48 + BLOCK_BYTES, two - 16, two, two + 1, content.len() - 1];
    for length in lengths {
        fs::write(&path, &content[..length]).unwrap();
        let mut partial = open(&path, false).unwrap();
        assert_eq!(partial.done(), length.saturating_sub(HEADER_BYTES) / BLOCK_BYTES * BLOCK, "{length}");
        let before = partial.done();
        partial.extract(&tiny(), &test_digits(), |done| assert!(done > before)).unwrap();
        assert!(fs::read(&path).unwrap() == content, "{length}");
    }
}

#[test]
fn what_is_damaged_is_computed_again_and_what_is_too_long_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let (content, _) = whole(&path);
    for (place, done) in
        [(HEADER_BYTES, 0), (HEADER_BYTES + BLOCK_BYTES - 1, 0), (HEADER_BYTES + BLOCK_BYTES + 7, BLOCK)]
    {
        let mut damaged = content.clone();
        damaged[place] ^= 1;
        fs::write(&path, damaged).unwrap();
        let mut partial = open(&path, false).unwrap();
        assert_eq!(partial.done(), done, "{place}");
        partial.extract(&tiny(), &test_digits(), |_| {}).unwrap();
        assert!(fs::read(&path).unwrap() == content, "{place}");
    }
    fs::write(&path, [&content[..], &[0; 100]].concat()).unwrap();
    assert_eq!(open(&path, false).unwrap().done(), 600);
    assert!(fs::read(&path).unwrap() == content);
}

#[test]
fn a_file_that_is_changed_while_it_is_read_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    whole(&path);
    let partial = open(&path, false).unwrap();
    let mut content = fs::read(&path).unwrap();
    content[HEADER_BYTES + BLOCK_BYTES + 3] ^= 1;
    fs::write(&path, content).unwrap();
    let read: Vec<_> = partial.rows().unwrap().collect();
    assert_eq!(read.len(), BLOCK + 1);
    assert_eq!(read[BLOCK].as_ref().unwrap_err().kind(), ErrorKind::InvalidData);
}

#[test]
fn a_file_of_another_run_is_refused_or_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    whole(&path);
    let other_run = Err(FeatureError::OtherRun { path: path.clone() });
    let recipes = tempfile::tempdir().unwrap();
    let inner = RECIPE.replace("layer = \"features\"", "layers = [{ name = \"sum\", pool = \"mean\" }]");
    let other = Backbone::load(&testdata("tiny.onnx"), recipe(&recipes, &inner)).unwrap();
    let (shape, mut bytes) = ([10_000, 28, 28, 1], vec![0; 10_000 * 28 * 28]);
    bytes[0] = 1;
    let blank = ImageSource::from_bytes(test_digits().path(), shape, bytes, None).unwrap();
    let open_as = |backbone: &Backbone, images: &ImageSource, range, anew| {
        PartialFeatures::open(&path, backbone, images, range, anew).map(|partial| partial.done())
    };
    assert_eq!(open_as(&tiny(), &test_digits(), 10..611, false), other_run);
    assert_eq!(open_as(&other, &test_digits(), RANGE, false), other_run);
    assert_eq!(open_as(&tiny(), &blank, RANGE, false), other_run);
    assert_eq!(open_as(&tiny(), &test_digits(), RANGE, false), Ok(600));
    assert_eq!(open_as(&tiny(), &blank, RANGE, true), Ok(0));
    fs::write(&path, "not a file of features").unwrap();
    assert_eq!(open_as(&tiny(), &test_digits(), RANGE, false), other_run);
    assert_eq!(fs::read(&path).unwrap(), b"not a file of features");
}

#[test]
fn one_program_at_a_time_and_images_that_exist() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let held = open(&path, false).unwrap();
    assert_eq!(open(&path, false).unwrap_err(), FeatureError::Busy { path: path.clone() });
    drop(held);
    open(&path, false).unwrap();
    let beyond = PartialFeatures::open(&path, &tiny(), &test_digits(), 5..10_001, false).unwrap_err();
    assert_eq!(beyond, FeatureError::Range { start: 5, end: 10_001, available: 10_000 });
    let nowhere = folder.path().join("none/x.part");
    assert!(matches!(open(&nowhere, false).unwrap_err(), FeatureError::Io { path, .. } if path == nowhere));
}

/// The files of a folder are told by their names, lengths and times.
#[test]
fn a_folder_whose_files_change_is_another() {
    let (folder, images) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let name = images.path().join("a.png");
    image::GrayImage::new(8, 8).save(&name).unwrap();
    let open = || {
        PartialFeatures::open(
            &file(&folder),
            &tiny(),
            &ImageSource::open(images.path()).unwrap(),
            0..1,
            false,
        )
    };
    drop(open().unwrap());
    drop(open().unwrap());
    image::GrayImage::new(9, 8).save(&name).unwrap();
    assert_eq!(open().unwrap_err(), FeatureError::OtherRun { path: file(&folder) });
}
