use super::*;

/// Two images of 4 × 5 pixels with the values 0 to 39.
fn images() -> Idx {
    Idx::new(vec![2, 4, 5], (0..40).collect()).unwrap()
}

fn gzip() -> Vec<u8> {
    let mut content = Vec::new();
    images().write_gzip(&mut content).unwrap();
    content
}

#[test]
fn compressed_files_round_trip() {
    assert_eq!(Idx::parse_gzip(&gzip(), 3, 56), Ok(images()));
    assert_eq!(Idx::parse_gzip(&gzip(), 3, 55), Err(ContentError::TooLarge { limit: 55 }));
}

#[test]
fn plain_files_are_read() {
    let labels = Idx::parse_gzip(&[0, 0, 8, 1, 0, 0, 0, 2, 7, 9], 1, 100).unwrap();
    assert_eq!((labels.shape(), labels.bytes()), (&[2][..], &[7, 9][..]));
    assert_eq!(labels.labels(), ["7", "9"]);
}

#[test]
fn the_centre_the_first_items_and_pixels() {
    let centre = images().centre(2).unwrap();
    assert_eq!(centre, Idx::new(vec![2, 2, 2], vec![6, 7, 11, 12, 26, 27, 31, 32]).unwrap());
    assert_eq!(images().first(1), Idx::new(vec![1, 4, 5], (0..20).collect()));
    let pixels = centre.pixels().unwrap();
    assert_eq!((pixels.dim(), pixels[[1, 2]]), ((2, 4), 31.0 / 255.0));
}

#[test]
fn damaged_files_are_refused() {
    let truncated = Err(ContentError::TruncatedHeader { format: "IDX" });
    assert_eq!(Idx::parse(&[0, 0, 8], 1), truncated);
    assert_eq!(Idx::parse(&[0, 0, 8, 1, 0, 0], 1), truncated);
    let magic = ContentError::IdxMagic { found: [0, 0, 9, 1], dimensions: 1 };
    assert_eq!(magic.to_string(), "the magic number is [0, 0, 9, 1], expected [0, 0, 8, 1]");
    assert_eq!(Idx::parse(&[0, 0, 9, 1, 0, 0, 0, 0], 1), Err(magic));
    let size = ContentError::Size { shape: vec![3], item_bytes: 1, found: 2 };
    assert_eq!(Idx::parse(&[0, 0, 8, 1, 0, 0, 0, 3, 7, 9], 1), Err(size));
    let huge = [&[0, 0, 8, 3][..], &[255; 12], &[1]].concat();
    assert!(matches!(Idx::parse(&huge, 3), Err(ContentError::Size { found: 1, .. })));
    assert_eq!(Idx::parse_gzip(&[0x1f, 0x8b, 1], 1, 100), Err(ContentError::Gzip));
    let cut = &gzip()[..gzip().len() - 9];
    assert_eq!(Idx::parse_gzip(cut, 3, 100), Err(ContentError::Gzip));
}

#[test]
fn what_is_not_there_is_not_cut_out() {
    assert_eq!(images().centre(5), Err(ContentError::Centre { rows: 4, columns: 5, side: 5 }));
    assert_eq!(images().first(3), Err(ContentError::ItemCount { found: 2, needed: 3 }));
    let labels = Idx::new(vec![1], vec![0]).unwrap();
    let dimensions = ContentError::Dimensions { shape: vec![1], needed: "one of images" };
    assert_eq!(labels.centre(1), Err(dimensions.clone()));
    assert_eq!(labels.pixels(), Err(dimensions));
}
