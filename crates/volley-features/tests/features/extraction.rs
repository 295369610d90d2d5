use std::sync::atomic::{AtomicUsize, Ordering};

use image::{GrayImage, RgbImage};
use rayon::ThreadPoolBuilder;
use volley_data::{LabelSource, read_images};
use volley_features::{FeatureError, ImageSource, Provenance, extract};

use super::*;

#[test]
fn the_tiny_model_gives_what_the_oracle_gives() {
    let features = extract(&tiny(), &test_digits(), 0..8, |_| {}).unwrap();
    let (difference, size) = compare(&features.values, &golden("tiny.npy"));
    assert!(difference < 1e-5 && size > 0.1, "{difference:e} of {size}");
    assert_eq!(features.labels.unwrap().join(""), "72104149");
}

#[test]
fn threads_and_neighbours_change_nothing() {
    let (backbone, images) = (tiny(), test_digits());
    let on = |threads, range| {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| extract(&backbone, &images, range, |_| {})).unwrap().values
    };
    // Many, since a thread must not begin one image within another.
    let one = on(1, 0..4000);
    assert_eq!(on(3, 0..4000), one);
    assert_eq!(on(2, 17..19), one.slice_axis(ndarray::Axis(0), (17..19).into()));
}

#[test]
fn progress_counts_every_image_once() {
    let (calls, sum) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let count = |done| {
        calls.fetch_add(1, Ordering::Relaxed);
        sum.fetch_add(done, Ordering::Relaxed);
    };
    extract(&tiny(), &test_digits(), 5..25, count).unwrap();
    assert_eq!((calls.into_inner(), sum.into_inner()), (20, 20 * 21 / 2));
}

/// The first test digits as PNG files, each in the folder of its digit.
fn folder_of_digits(count: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let digits = read_images(&mnist("t10k-images.idx3-ubyte.gz"), &LabelSource::Usual).unwrap();
    for index in 0..count {
        let class = folder.path().join(&digits.labels().unwrap()[index]);
        fs::create_dir_all(&class).unwrap();
        let pixels = digits.image(index).unwrap().to_vec();
        let name = if index % 2 == 0 { format!("{index}.png") } else { format!("{index}.PNG") };
        let image = GrayImage::from_raw(28, 28, pixels).unwrap();
        image.save_with_format(class.join(name), image::ImageFormat::Png).unwrap();
    }
    folder
}

#[test]
fn a_folder_of_classes() {
    let folder = folder_of_digits(8);
    fs::write(folder.path().join("notes.txt"), "no image").unwrap();
    fs::create_dir(folder.path().join(".hidden")).unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    let no_file = |_: &Path| -> Result<_, FeatureError> { unreachable!("a folder is no file") };
    let images = ImageSource::open_or_read(folder.path(), no_file).unwrap();
    // Digits 72104149, sorted; of equal ones the earlier file first.
    assert_eq!(images.labels().unwrap().join(""), "01124479");
    let features = extract(&tiny(), &images, 0..8, |_| {}).unwrap();
    let all = golden("tiny.npy");
    let order = [3, 2, 5, 1, 4, 6, 0, 7];
    let (difference, _) = compare(&features.values, &all.select(ndarray::Axis(0), &order));
    assert!(difference < 1e-5, "{difference:e}");
}

#[test]
fn a_folder_of_images_has_no_labels() {
    let folder = tempfile::tempdir().unwrap();
    let noise = |x: u32, y: u32| (x * x * 31 + y * 57) as u8;
    let image = RgbImage::from_fn(20, 10, |x, y| [noise(x, y), noise(y, x), 128].into());
    image.save(folder.path().join("b.png")).unwrap();
    // A PNG by its content.
    fs::copy(folder.path().join("b.png"), folder.path().join("a.jpg")).unwrap();
    image.save(folder.path().join("c.jpeg")).unwrap();
    let images = ImageSource::open(folder.path()).unwrap();
    assert_eq!((images.count(), images.labels()), (3, None));
    let features = extract(&tiny(), &images, 0..3, |_| {}).unwrap();
    assert_eq!(features.labels, None);
    assert_eq!(features.values.row(0), features.values.row(1));
    assert_ne!(features.values.row(0), features.values.row(2));
}

#[test]
fn a_layer_within_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let inner = RECIPE.replace("\"features\"", "\"sum\"");
    let backbone = Backbone::load(&testdata("tiny.onnx"), recipe(&folder, &inner)).unwrap();
    // 6 channels of 4 × 4, whose averages are the features.
    assert_eq!(backbone.features(), 96);
    let values = extract(&backbone, &test_digits(), 0..8, |_| {}).unwrap().values;
    let means = Array2::from_shape_fn((8, 6), |(image, channel)| {
        let plane = (0..16).map(|place| values[[image, channel * 16 + place]]);
        plane.sum::<f32>() / 16.0
    });
    let (difference, _) = compare(&means, &golden("tiny.npy"));
    assert!(difference < 1e-5, "{difference:e}");
}

fn columns(values: &Array2<f32>, range: std::ops::Range<usize>) -> Array2<f32> {
    values.slice_axis(ndarray::Axis(1), range.into()).to_owned()
}

#[test]
fn pools_of_several_layers_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let layers = "layers = [
        { name = \"sum\", pool = \"maximum\" },
        { name = \"features\" },
        { name = \"sum\", pool = \"mean\" },
        { name = \"sum\" },
    ]";
    let pooled = RECIPE.replace("layer = \"features\"", layers);
    let backbone = Backbone::load(&testdata("tiny.onnx"), recipe(&folder, &pooled)).unwrap();
    assert_eq!(backbone.features(), 6 + 6 + 6 + 96);
    let values = extract(&backbone, &test_digits(), 0..8, |_| {}).unwrap().values;
    let alone = extract(&tiny(), &test_digits(), 0..8, |_| {}).unwrap().values;
    assert_eq!(columns(&values, 6..12), alone);
    let (means, all) = (columns(&values, 12..18), columns(&values, 18..114));
    let (difference, _) = compare(&means, &golden("tiny.npy"));
    assert!(difference < 1e-5, "{difference:e}");
    for (image, channel) in (0..8).flat_map(|image| (0..6).map(move |channel| (image, channel))) {
        let plane = (0..16).map(|place| all[[image, channel * 16 + place]]);
        let (sum, largest) =
            plane.fold((0.0, f32::MIN), |(sum, largest), value| (sum + f64::from(value), largest.max(value)));
        assert_eq!(values[[image, channel]], largest);
        assert_eq!(means[[image, channel]], (sum / 16.0) as f32);
    }
}

#[test]
fn provenance_names_all_that_features_are_made_of() {
    let backbone = tiny();
    let provenance = Provenance::new(&backbone, &test_digits(), &(2..10));
    let text = provenance.to_toml().unwrap();
    let hash = blake3::hash(&fs::read(testdata("tiny.onnx")).unwrap()).to_hex();
    for line in [
        "model = \"tiny.onnx\"".to_owned(),
        format!("model_blake3 = \"{hash}\""),
        "images = \"t10k-images.idx3-ubyte.gz\"".to_owned(),
        "first_image = 2".to_owned(),
        "image_count = 8".to_owned(),
        "feature_count = 6".to_owned(),
        "layer = \"features\"".to_owned(),
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
    assert_eq!(toml::from_str::<Provenance>(&text).unwrap(), provenance);
}
