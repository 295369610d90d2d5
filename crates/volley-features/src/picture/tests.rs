use std::path::Path;

use volley_data::{LabelSource, TableOptions, read_images, read_table};

use super::*;

fn recipe(size: [usize; 2], resize: &str, channels: &str) -> Recipe {
    let text = format!("size = {size:?}\nresize = {resize:?}\nchannels = {channels:?}\nlayer = \"x\"");
    Recipe::parse(&text).unwrap()
}

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The first test digit, resized, of which every `step`-th row and column were compared.
fn largest_difference(name: &str, size: [usize; 2], resize: &str, step: usize) -> f64 {
    let images =
        read_images(&manifest().join("../../data/mnist/t10k-images.idx3-ubyte.gz"), &LabelSource::Absent)
            .unwrap();
    let picture = Picture::from_bytes(images.size(), images.channels(), images.image(0).unwrap()).unwrap();
    let tensor = picture.tensor(&recipe(size, resize, "grey"));
    let golden = read_table(&manifest().join("testdata").join(name), &TableOptions::default()).unwrap();
    let found = |(row, column): (usize, usize)| f64::from(tensor[row * step * size[1] + column * step]);
    let difference = |(place, &expected): (_, &f64)| (found(place) - expected).abs();
    golden.features().indexed_iter().map(difference).fold(0.0, f64::max)
}

#[test]
fn resizing_is_torchvisions() {
    for (name, size, resize, step) in [
        ("resize-bilinear-up.npy", [224, 224], "bilinear", 9),
        ("resize-bilinear-down.npy", [10, 13], "bilinear", 1),
        ("resize-bicubic-up.npy", [224, 224], "bicubic", 9),
        ("resize-bicubic-down.npy", [10, 13], "bicubic", 1),
    ] {
        let difference = largest_difference(name, size, resize, step);
        assert!(difference < 1e-5, "{name}: {difference:e}");
    }
}

/// Bilinear interpolation as it is defined: between the nearest pixel centres, the border's value beyond it.
fn interpolated(side: usize, pixels: &[f32], to: usize, row: usize, column: usize) -> f32 {
    let place = |index: usize| {
        let x = ((index as f32 + 0.5) * side as f32 / to as f32 - 0.5).clamp(0.0, side as f32 - 1.0);
        (x as usize, (x as usize + 1).min(side - 1), x.fract())
    };
    let ((top, bottom, down), (left, right, across)) = (place(row), place(column));
    let between =
        |row: usize| pixels[row * side + left] * (1.0 - across) + pixels[row * side + right] * across;
    between(top) * (1.0 - down) + between(bottom) * down
}

#[test]
fn enlarging_interpolates_between_pixel_centres() {
    let bytes: Vec<u8> = (0..25).map(|i| (i * i * 37 % 256) as u8).collect();
    let pixels: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let tensor =
        Picture::from_bytes([5, 5], 1, &bytes).unwrap().tensor(&recipe([17, 17], "bilinear", "grey"));
    for (index, value) in tensor.iter().enumerate() {
        let expected = interpolated(5, &pixels, 17, index / 17, index % 17);
        assert!((value - expected).abs() < 1e-5, "{index}: {value} and {expected}");
    }
}

#[test]
fn channels_are_converted_and_normalised() {
    let text = "size = [1, 2]\nresize = \"bilinear\"\nchannels = \"rgb\"\nlayer = \"x\"\n\
                mean = [0.0, 0.5, 1.0]\ndeviation = [1.0, 0.5, 0.25]";
    let normalised = Recipe::parse(text).unwrap();
    let grey = Picture::from_bytes([1, 2], 1, &[0, 255]).unwrap();
    assert_eq!(grey.tensor(&normalised), [0.0, 1.0, -1.0, 1.0, -4.0, 0.0]);
    let colour = Picture::from_bytes([1, 2], 3, &[255, 0, 0, 255, 255, 255]).unwrap();
    assert_eq!(colour.tensor(&recipe([1, 2], "bilinear", "rgb")), [1.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    let luminance = colour.tensor(&recipe([1, 2], "bilinear", "grey"));
    assert!((luminance[0] - 0.2126).abs() < 1e-6 && (luminance[1] - 1.0).abs() < 1e-6, "{luminance:?}");
}

#[test]
fn bytes_must_fill_the_picture() {
    assert!(Picture::from_bytes([2, 2], 1, &[0; 3]).is_none());
    assert!(Picture::from_bytes([2, 2], 2, &[0; 8]).is_none());
    assert!(Picture::from_bytes([usize::MAX, 2], 3, &[]).is_none());
}
