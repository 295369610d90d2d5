use std::fs;
use std::path::PathBuf;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};
use volley_data::{LabelSource, read_images};

use super::*;

fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/pictures")
}

fn decoded(content: &[u8]) -> Result<DynamicImage, String> {
    let decode = if content.starts_with(b"\x89PNG") { png } else { jpeg };
    decode(content).map_err(|refusal| match refusal {
        Refusal::Size(width, height) => format!("{width} × {height}"),
        Refusal::Content(message) => message,
    })
}

/// The largest difference to Pillow's bytes.
fn difference(name: &str) -> u8 {
    let found = decoded(&fs::read(pictures().join(name)).unwrap()).unwrap();
    let expected = read_images(&pictures().join(format!("{name}.npy")), &LabelSource::Absent).unwrap();
    let grey = expected.channels() == 1;
    assert_eq!(found.color().has_color(), !grey, "{name}");
    let found = if grey { found.to_luma8().into_raw() } else { found.to_rgb8().into_raw() };
    let expected = expected.image(0).unwrap();
    assert_eq!(found.len(), expected.len(), "{name}");
    found.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn kinds_of_files_are_what_pillow_reads() {
    for name in ["colour.png", "palette.png", "two.png", "clear.png", "deep.png"] {
        assert_eq!(difference(name), 0, "{name}");
    }
    // Inverse transforms and conversions of colours differ by roundings.
    for name in ["colour.jpg", "progressive.jpg", "restarts.jpg", "as-rgb.jpg", "grey.jpg"] {
        assert!(difference(name) <= 3, "{name}: {}", difference(name));
    }
    // The filter that doubles the colours is free.
    assert!(difference("halved.jpg") <= 8, "{}", difference("halved.jpg"));
}

#[test]
fn other_kinds_are_refused() {
    let refusal = |name: &str| decoded(&fs::read(pictures().join(name)).unwrap()).unwrap_err();
    assert!(refusal("cmyk.jpg").contains("colours are"), "{}", refusal("cmyk.jpg"));
    assert_eq!(refusal("animated.png"), "it is animated");
}

/// Refused, or the same as the whole: there may be bytes behind the last pixel.
#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    for name in
        ["colour.jpg", "halved.jpg", "progressive.jpg", "restarts.jpg", "grey.jpg", "colour.png", "clear.png"]
    {
        let content = fs::read(pictures().join(name)).unwrap();
        let whole = decoded(&content).unwrap();
        let mut same = 0;
        for length in 0..content.len() {
            if let Ok(image) = decoded(&content[..length]) {
                assert!(image == whole, "{name}, cut after {length} of {} bytes", content.len());
                same += 1;
            }
        }
        // The checksum of a PNG's pixels, its last chunk and that one's checksum.
        assert!(same <= if name.ends_with("png") { 20 } else { 0 }, "{name}: {same}");
    }
}

/// A scan that ends too early, in a file that has its end all the same. Between two scans of a progressive file that is
/// a whole file, of less detail.
#[test]
fn a_scan_that_is_cut_is_refused() {
    for name in ["colour.jpg", "halved.jpg", "progressive.jpg", "restarts.jpg", "grey.jpg"] {
        let content = fs::read(pictures().join(name)).unwrap();
        let scan = content.windows(2).position(|pair| pair == [0xff, 0xda]).unwrap();
        for length in scan + 14..content.len() - 2 {
            let cut = decoded(&[&content[..length], &[0xff, 0xd9]].concat());
            let marker = |at: usize| matches!(content[at..at + 2], [0xff, 0xc4 | 0xda]);
            let between_scans = name == "progressive.jpg" && (marker(length - 1) || marker(length));
            assert!(cut.is_err() || between_scans, "{name}, cut after {length} of {} bytes", content.len());
        }
    }
}

/// An Exif block with this orientation alone, little-endian.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

/// 3 rows of 2 grey pixels in blocks of 8 × 8, which JPEG keeps.
fn stored() -> GrayImage {
    GrayImage::from_fn(16, 24, |x, y| [(x / 8 * 40 + y / 8 * 80) as u8].into())
}

fn png_turned(orientation: u8) -> Vec<u8> {
    let mut content = Vec::new();
    let mut encoder = PngEncoder::new(&mut content);
    encoder.set_exif_metadata(exif(orientation)).unwrap();
    encoder.write_image(&stored(), 16, 24, ExtendedColorType::L8).unwrap();
    content
}

fn jpeg_turned(orientation: u8) -> Vec<u8> {
    let mut plain = Vec::new();
    JpegEncoder::new_with_quality(&mut plain, 100).encode_image(&stored()).unwrap();
    let block = [b"Exif\0\0".to_vec(), exif(orientation)].concat();
    let length = (block.len() as u16 + 2).to_be_bytes();
    [&plain[..2], &[0xff, 0xe1], &length, &block, &plain[2..]].concat()
}

#[test]
fn all_orientations_are_turned_upright() {
    let (rows, columns) = (3, 2);
    for orientation in 1..=8 {
        // Where the block of a stored row and column belongs, by the definition of the Exif tag.
        let place = |row: u32, column: u32| match orientation {
            1 => (row, column),
            2 => (row, columns - 1 - column),
            3 => (rows - 1 - row, columns - 1 - column),
            4 => (rows - 1 - row, column),
            5 => (column, row),
            6 => (column, rows - 1 - row),
            7 => (columns - 1 - column, rows - 1 - row),
            _ => (columns - 1 - column, row),
        };
        for content in [png_turned(orientation), jpeg_turned(orientation)] {
            let image = decoded(&content).unwrap().to_luma8();
            assert_eq!(image.dimensions(), if orientation < 5 { (16, 24) } else { (24, 16) });
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                let (y, x) = place(row, column);
                let found = i32::from(image.get_pixel(8 * x + 4, 8 * y + 4)[0]);
                let expected = (column * 40 + row * 80) as i32;
                assert!((found - expected).abs() <= 1, "{orientation}: {row}, {column}: {found}");
            }
        }
    }
    // What is no orientation changes nothing.
    assert_eq!(decoded(&png_turned(9)).unwrap().to_luma8(), stored());
}

#[test]
fn the_size_is_that_of_the_header() {
    let mut content = png_turned(1);
    content[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
    assert_eq!(decoded(&content).unwrap_err(), "20000 × 20000");
    let mut content = jpeg_turned(1);
    let frame = content.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    content[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert_eq!(decoded(&content).unwrap_err(), "65535 × 65535");
}
