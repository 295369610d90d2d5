use std::io::Read;

use flate2::Compression;
use flate2::read::DeflateEncoder;
use ndarray::array;
use proptest::prelude::*;

use super::*;

const PATH: &str = "x.npz";

/// A table of two rows with integer labels, and more arrays.
fn archive() -> Vec<u8> {
    let mut npz = NpzWriter::new();
    npz.add_numbers("X", &[2, 2], &[1.0, 2.0, 3.0, 4.0]).unwrap();
    npz.add("y", "|u1", &[2], [vec![7], vec![9]]).unwrap();
    npz.add("names", "|S1", &[2], [b"a".to_vec(), b"b".to_vec()]).unwrap();
    npz.add("short", "|u1", &[3], [vec![7]]).unwrap();
    let mut content = Vec::new();
    npz.finish(&mut content).unwrap();
    content
}

fn read(content: &[u8], options: &TableOptions) -> Result<Table, DataError> {
    let content = Box::new(Cursor::new(content));
    read_table(Path::new(PATH), content, options, &mut Memory::new(options.limit))
}

#[test]
fn arrays_are_found_by_their_names() {
    let table = read(&archive(), &TableOptions::default()).unwrap();
    assert_eq!(
        (table.features, table.labels),
        (array![[1.0, 2.0], [3.0, 4.0]], Some(vec!["7".into(), "9".into()]))
    );
    let named = TableOptions::with_labels(LabelSource::Named("names".into()));
    assert_eq!(read(&archive(), &named).unwrap().labels.unwrap(), ["a", "b"]);
    let absent = TableOptions::with_labels(LabelSource::Absent);
    assert_eq!(read(&archive(), &absent).unwrap().labels, None);
}

#[test]
fn what_is_wrong_is_named_with_the_array() {
    let features = |name: &str| TableOptions { features: name.into(), ..TableOptions::default() };
    let error = read(&archive(), &features("Z")).unwrap_err();
    let found = ["X", "y", "names", "short"].map(str::to_owned).to_vec();
    assert_eq!(*error.cause, ContentError::MissingArray { name: "Z".into(), found });
    let short = TableOptions::with_labels(LabelSource::Named("short".into()));
    let error = read(&archive(), &short).unwrap_err();
    assert_eq!(error.to_string(), "x.npz (short): 1 bytes do not fill the shape [3] of 1 bytes each");
}

#[test]
fn an_archive_that_is_none() {
    for content in [&archive()[..100], b"", b"PK\x03\x04"] {
        let error = read(content, &TableOptions::default()).unwrap_err();
        assert!(matches!(*error.cause, ContentError::Archive { .. }), "{error}");
    }
}

/// A ZIP archive with a single compressed file, byte by byte.
fn compressed(name: &str, plain: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(plain);
    let mut deflated = Vec::new();
    DeflateEncoder::new(plain, Compression::best()).read_to_end(&mut deflated).unwrap();
    let u32s = |values: [usize; 3]| values.map(|value| (value as u32).to_le_bytes()).concat();
    let sizes = u32s([crc.sum() as usize, deflated.len(), plain.len()]);
    let length = (name.len() as u16).to_le_bytes();
    // Version, flags, method (8: deflate), time, date.
    let start = [20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0];
    let local = [b"PK\x03\x04", &start[..], &sizes, &length, &[0, 0], name.as_bytes(), &deflated].concat();
    let central = [b"PK\x01\x02\x14\x00", &start[..], &sizes, &length, &[0; 16], name.as_bytes()].concat();
    let end = u32s([central.len(), local.len(), 0]);
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &end[..8], &[0, 0]].concat();
    [local, central, end].concat()
}

#[test]
fn compressed_arrays_are_read_up_to_the_limit() {
    let mut plain = Vec::new();
    npy::write(&mut plain, "<f8", &[100, 1000], vec![vec![0; 8]; 100_000]).unwrap();
    let content = compressed("X.npy", &plain);
    assert!(content.len() < 2000);
    let limited = |limit| read(&content, &TableOptions { limit, ..TableOptions::default() });
    let needed = 8 * 100 * 1000;
    assert_eq!(limited(needed).unwrap().features.dim(), (100, 1000));
    let error = ContentError::Memory { needed, limit: needed - 1 }.in_entry(Path::new(PATH), "X");
    assert_eq!(limited(needed - 1), Err(error));
}

#[test]
fn archives_that_declare_any_number_of_files() {
    // A ZIP64 end before the end record: 2^30 files.
    let content = archive();
    let (files, end) = content.split_at(content.len() - 22);
    let number = 1u64 << 30;
    let sizes = [number, number, 1 << 40, files.len() as u64].map(u64::to_le_bytes).concat();
    let record = [b"PK\x06\x06", &44u64.to_le_bytes()[..], &[45, 0, 45, 0], &[0; 8], &sizes].concat();
    let locator = [b"PK\x06\x07", &[0; 4][..], &(files.len() as u64).to_le_bytes(), &[1, 0, 0, 0]].concat();
    let error = read(&[files, &record, &locator, end].concat(), &TableOptions::default());
    assert_eq!(error, Err(ContentError::Zip64.in_file(Path::new(PATH))));
}

#[test]
fn damage_that_the_checksum_shows() {
    let mut content = archive();
    // A value of X, which is stored as it is.
    let position = content.windows(8).position(|bytes| bytes == 3f64.to_le_bytes()).unwrap();
    content[position] ^= 1;
    let error = read(&content, &TableOptions::default()).unwrap_err();
    assert!(matches!(*error.cause, ContentError::Archive { .. }), "{error}");
    assert_eq!(error.entry.as_deref(), Some("X"));
}

#[test]
fn values_and_labels_share_the_limit() {
    // Four values, and two labels of one byte that may have twenty digits.
    let needed = 4 * 8 + 2 * (20 + size_of::<String>() as u64);
    let limited = |limit| read(&archive(), &TableOptions { limit, ..TableOptions::default() });
    assert!(limited(needed).is_ok());
    let error = ContentError::Memory { needed, limit: needed - 1 }.in_entry(Path::new(PATH), "y");
    assert_eq!(limited(needed - 1), Err(error));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn no_damage_is_a_panic(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut content = archive();
        let position = position.index(content.len());
        content[position] = byte;
        let _ = read(&content, &TableOptions::default());
    }
}
