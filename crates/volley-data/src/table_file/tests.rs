use std::fs;
use std::path::PathBuf;

use ndarray::array;
use volley_mlr::{ClassLabels, Dataset, Hyperparameters, Precision, TrainingSet};

use super::*;
use crate::labels::LabelSource;

const VECTOR: &[u8] =
    b"\x93NUMPY\x01\x00\x3b\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2,), } \n\x05\x06";
const MATRIX: &[u8] =
    b"\x93NUMPY\x01\x00\x3c\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1), }\n\x01\x02";
/// Two images of 1 × 1 pixel, and two labels.
const IMAGES: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 255];
const DIGITS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 5, 6];

/// A folder of one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("volley-data-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn usual(path: &Path) -> Table {
    read_table(path, &TableOptions::default()).unwrap()
}

#[test]
fn labels_of_arrays_are_equal_whichever_way_their_letters_are_written() {
    let folder = Folder::new("composed");
    let header = format!("{:60}", "{'descr': '|S3', 'fortran_order': False, 'shape': (2,)}");
    let content = [b"\x93NUMPY\x01\x00\x3c\x00", header.as_bytes(), "e\u{301}é\0".as_bytes()].concat();
    let labels = LabelSource::File(folder.write("labels.npy", &content));
    let table = parse_table(Path::new("x.npy"), MATRIX, &TableOptions::with_labels(labels)).unwrap();
    assert_eq!(table.labels().unwrap(), ["é", "é"]);
}

#[test]
fn a_data_set_knows_what_its_values_were_rounded_to() {
    const HEADER: &[u8] = b"\x93NUMPY\x01\x00\x3c\x00";
    for (element, bytes, precision) in
        [("<f4", 4, Precision::Single), ("<f8", 8, Precision::Double), ("<i4", 4, Precision::Double)]
    {
        let text = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': (2, 1)}}");
        let content = [HEADER, format!("{text:60}").as_bytes(), &vec![0; 2 * bytes]].concat();
        let table = parse_table(Path::new("x.npy"), &content, &TableOptions::default()).unwrap();
        let labelled = Table { labels: Some(vec!["a".into(), "b".into()]), ..table };
        assert_eq!(labelled.into_dataset().unwrap().precision(), precision, "{element}");
    }
}

/// The accuracy of four iterations on the rows that were trained on.
fn trained(data: &Dataset, settings: &Hyperparameters) -> f64 {
    let set = TrainingSet::new(data, settings.profile()).unwrap();
    let last = set.reference(settings).last().unwrap();
    last.check_range().unwrap();
    set.model(last.weights).unwrap().accuracy(data).unwrap()
}

#[test]
fn columns_far_from_zero_and_of_any_size_are_learned_from() {
    let read = |name, content: &[u8]| {
        parse_table(Path::new(name), content, &TableOptions::default()).unwrap().into_dataset().unwrap()
    };
    let times = read("unix-time.csv", include_bytes!("../../testdata/unix-time.csv"));
    let huge = read("huge-column.csv", include_bytes!("../../testdata/huge-column.csv"));
    for settings in [Hyperparameters::standardised(4).unwrap(), Hyperparameters::standard(4).unwrap()] {
        for offset in [0.0, 1e7 - 1.7e9, 1e9 - 1.7e9, 1e12 - 1.7e9] {
            let mut features = times.features().clone();
            features.column_mut(0).mapv_inplace(|time| time + offset);
            let moved = Dataset::new(features, times.labels().to_vec()).unwrap();
            assert!(trained(&moved, &settings) >= 0.99, "{offset}");
        }
        // Right for 223 of 240 rows, as scikit-learn's model is of the same column divided by its largest value.
        assert_eq!(trained(&huge, &settings), 223.0 / 240.0);
    }
}

#[test]
fn the_format_follows_from_the_name_or_the_content() {
    let folder = Folder::new("formats");
    for name in ["a.csv", "b.csv.gz", "c"] {
        let content = if name.ends_with("gz") { gzip(b"x,1\ny,2\n") } else { b"x,1\ny,2\n".to_vec() };
        let table = usual(&folder.write(name, &content));
        assert_eq!(
            (table.labels.unwrap(), table.features),
            (vec!["x".into(), "y".into()], array![[1.0], [2.0]])
        );
    }
    for name in ["a.npy", "a.NPY", "b"] {
        let table = usual(&folder.write(name, MATRIX));
        assert_eq!((table.labels, table.features), (None, array![[1.0], [2.0]]));
    }
    for name in ["a-images-idx3-ubyte", "d.idx", "d"] {
        assert_eq!(usual(&folder.write(name, IMAGES)).features, array![[0.0], [1.0]]);
    }
    let error = read_table(&folder.write("not.npy", b"x,1\n"), &TableOptions::default()).unwrap_err();
    assert_eq!(*error.cause, ContentError::Format { expected: "an NPY file" });
}

#[test]
fn damaged_gzip_data_is_told_as_such() {
    let folder = Folder::new("gzip");
    for (name, content) in [("x.csv.gz", &b"a,1\nb,2\n"[..]), ("x.npy.gz", MATRIX), ("x.idx.gz", IMAGES)] {
        let mut content = gzip(content);
        let crc = content.len() - 8;
        content[crc] ^= 1;
        let error = |content: &[u8]| {
            *read_table(&folder.write(name, content), &TableOptions::default()).unwrap_err().cause
        };
        assert_eq!(error(&content), ContentError::Gzip, "{name}");
        assert_eq!(error(&content[..crc]), ContentError::Gzip, "{name}");
    }
}

#[test]
fn labels_of_images_stand_beside_them() {
    let folder = Folder::new("beside");
    let images = folder.write("t-images.idx3-ubyte.gz", &gzip(IMAGES));
    assert_eq!(usual(&images).labels, None);
    folder.write("t-labels.idx1-ubyte.gz", &gzip(DIGITS));
    assert_eq!(usual(&images).labels.unwrap(), ["5", "6"]);
    let centre = TableOptions { centre: Some(2), ..TableOptions::default() };
    let error = read_table(&images, &centre).unwrap_err();
    assert_eq!(*error.cause, ContentError::Centre { rows: 1, columns: 1, side: 2 });
}

#[test]
fn labels_come_from_a_file_of_their_own() {
    let folder = Folder::new("second");
    let digits = folder.write("y.idx", DIGITS);
    let vector = folder.write("y.npy", VECTOR);
    for features in [folder.write("x.npy", MATRIX), folder.write("x.csv", b"1\n2\n")] {
        for labels in [&digits, &vector] {
            let options = TableOptions::with_labels(LabelSource::File(labels.clone()));
            assert_eq!(read_table(&features, &options).unwrap().labels.unwrap(), ["5", "6"]);
        }
    }
    let features = folder.write("three.csv", b"1\n2\n3\n");
    let error = |labels: &Path| {
        let options = TableOptions::with_labels(LabelSource::File(labels.to_owned()));
        read_table(&features, &options).unwrap_err()
    };
    assert_eq!(error(&digits), ContentError::LabelCount { labels: 2, rows: 3 }.in_file(&features));
    let expected = "an NPY or IDX file of labels";
    assert_eq!(error(&features), ContentError::Format { expected }.in_file(&features));
    let missing = folder.0.join("missing.npy");
    assert!(matches!(
        error(&missing),
        DataError { path, cause, .. } if path == missing && matches!(*cause, ContentError::Io { .. })
    ));
}

#[test]
fn what_a_format_has_not() {
    let folder = Folder::new("sources");
    let path = folder.write("x.npy", MATRIX);
    let error = |labels| *read_table(&path, &TableOptions::with_labels(labels)).unwrap_err().cause;
    assert_eq!(error(LabelSource::Column(0)), ContentError::LabelSource { asked: "a column", format: "NPY" });
    let named = error(LabelSource::Named("y".into()));
    assert_eq!(named, ContentError::LabelSource { asked: "a named part", format: "NPY" });
    let options = TableOptions { drop: vec!["1".into()], ..TableOptions::default() };
    let error = *read_table(&path, &options).unwrap_err().cause;
    assert_eq!(error, ContentError::DropSource { format: "NPY" });
}

#[test]
fn formats_that_are_known_and_not_read_are_named() {
    let foreign = |name: &str, content: &[u8]| {
        let parsed = parse_table(Path::new(name), content, &TableOptions::default());
        let streamed = read_table_from(Path::new(name), content, &TableOptions::default());
        assert_eq!(parsed, streamed);
        *parsed.unwrap_err().cause
    };
    for (names, content, found) in [
        (&["x.parquet", "x.PQ", "x"][..], &b"PAR1\x15\x04"[..], "a Parquet file"),
        (&["x.feather", "x.arrow", "x"], b"ARROW1\0\0", "an Arrow or Feather file"),
        (&["x.xlsx", "x.ods.gz"], b"PK\x03\x04", "a spreadsheet"),
        (&["x.xls", "x"], b"\xd0\xcf\x11\xe0\xa1", "a spreadsheet"),
        (&["x.h5", "x"], b"\x89HDF\r\n", "an HDF5 file"),
        (&["x.pkl", "x"], b"\x80\x04\x95\0", "a pickle"),
        (&["x.vly", "x"], b"\x89VLY\r\n\x1a\n", "a file of keys or ciphertexts"),
        (&["x.jsonl", "x"], b"{\"a\": 1}\n", "JSON"),
        (&["x.arff", "x"], b"@relation x\n", "an ARFF file"),
        (&["x.arff", "x"], b"@RELATION x\n", "an ARFF file"),
        (&["x.svm", "x.libsvm", "x"], b"1 3:1 4:0.5\n", "a LIBSVM file"),
    ] {
        for name in names {
            assert_eq!(foreign(name, content), ContentError::Foreign { found }, "{name}");
        }
    }
}

#[test]
fn a_stream_is_read_as_a_file_of_its_content() {
    let mut npz = npz::NpzWriter::new();
    npz.add("X", "|u1", &[2, 1], [vec![1, 2]]).unwrap();
    npz.add_labels("y", &["5".into(), "6".into()]).unwrap();
    let mut archive = Vec::new();
    npz.finish(&mut archive).unwrap();
    let path = Path::new("standard input");
    for content in [&b"5,1\n6,2\n"[..], &archive] {
        for content in [content.to_vec(), gzip(content)] {
            let table = read_table_from(path, &content[..], &TableOptions::default()).unwrap();
            assert_eq!(
                (table.labels.unwrap(), table.features),
                (vec!["5".into(), "6".into()], array![[1.0], [2.0]])
            );
        }
    }
    assert_eq!(
        read_table_from(path, MATRIX, &TableOptions::default()).unwrap().features,
        array![[1.0], [2.0]]
    );
    let error = read_table_from(path, &b"a,x\nb,1\nc,y\n"[..], &TableOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "standard input: row 3, column 2 (\"x\"): \"y\" is not a number");
    let limited = TableOptions { limit: 1000, ..TableOptions::default() };
    let error = *read_table_from(path, &archive[..], &limited).unwrap_err().cause;
    assert_eq!(error, ContentError::TooLarge { limit: 250 });
}

#[test]
fn limits_hold_before_and_after_decompression() {
    let folder = Folder::new("limits");
    let options = TableOptions { limit: 1000, ..TableOptions::default() };
    let bomb = folder.write("bomb.csv.gz", &gzip(&vec![b'1'; 100_000]));
    let plain = folder.write("long.csv", &vec![b'1'; 1001]);
    for path in [bomb, plain] {
        assert_eq!(read_table(&path, &options), Err(ContentError::TooLarge { limit: 1000 }.in_file(&path)));
    }
    let refused = |name: &str, content: &[u8], labels: LabelSource| {
        let options = TableOptions { limit: 1000, ..TableOptions::with_labels(labels) };
        *read_table(&folder.write(name, content), &options).unwrap_err().cause
    };
    let usual = LabelSource::Usual;
    let rows = gzip("a,1\n".repeat(100).as_bytes());
    assert!(matches!(refused("rows.csv.gz", &rows, usual.clone()), ContentError::Memory { limit: 1000, .. }));
    // 126 pixels: once as bytes, once as numbers. Nothing of them is there.
    let images = [&[0, 0, 8, 3, 0, 0, 0, 126, 0, 0, 0, 1, 0, 0, 0, 1][..], &[0; 126]].concat();
    let pixels = refused("x.idx", &images, usual.clone());
    assert_eq!(pixels, ContentError::Memory { needed: 9 * 126, limit: 1000 });
    let declared = [0, 0, 8, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0];
    assert_eq!(
        refused("x.idx", &declared, usual.clone()),
        ContentError::Memory { needed: 1 << 48, limit: 1000 }
    );
    let digits = [&[0, 0, 8, 1, 0, 0, 0, 100][..], &[7; 100]].concat();
    let labels = LabelSource::File(folder.write("y.idx", &digits));
    assert!(matches!(refused("x.npy", MATRIX, labels), ContentError::Memory { limit: 1000, .. }));
    assert_eq!(refused("x.npz.gz", &gzip(&[0; 251]), usual), ContentError::TooLarge { limit: 250 });
}

#[test]
fn labels_with_line_breaks_are_refused_in_every_format() {
    let folder = Folder::new("breaks");
    let refused = |path: &Path, labels: LabelSource, row: u64, label: &str| {
        let error = read_table(path, &TableOptions::with_labels(labels)).unwrap_err();
        assert_eq!(*error.cause, ContentError::LabelCharacter { row, label: label.into() });
    };
    for (name, text, label) in [
        ("n", "\n", "b\nc"),
        ("r", "\r", "b\rc"),
        ("tab", "\t", "b\tc"),
        ("nul", "\0", "b\0c"),
        ("ls", "\u{2028}", "b\u{2028}c"),
    ] {
        let path = folder.write(&format!("{name}.csv"), format!("a,1\n\"b{text}c\",2\n").as_bytes());
        refused(&path, LabelSource::Usual, 2, label);
    }
    let path = folder.write("end.csv", b"a,1\n\n\"elm\n\",2\n");
    refused(&path, LabelSource::Usual, 3, "elm\n");
    let mut labels = Vec::new();
    let (descr, texts) = npy::texts(&["a".into(), "b\nc".into()]);
    npy::write(&mut labels, &descr, &[2], texts).unwrap();
    let labels = folder.write("labels.npy", &labels);
    refused(&folder.write("x.npy", MATRIX), LabelSource::File(labels), 2, "b\nc");
    let mut npz = npz::NpzWriter::new();
    npz.add_numbers("X", &[2, 1], &[1.0, 2.0]).unwrap();
    npz.add_labels("y", &["b\nc".into(), "a".into()]).unwrap();
    let mut content = Vec::new();
    npz.finish(&mut content).unwrap();
    refused(&folder.write("x.npz", &content), LabelSource::Usual, 1, "b\nc");
    refused(&folder.write("x.npz.gz", &gzip(&content)), LabelSource::Usual, 1, "b\nc");
}

#[test]
fn tables_become_data_sets() {
    let folder = Folder::new("datasets");
    let path = folder.write("x.csv", b"kind,v\n\na,1\nb,2\n");
    let table = usual(&path);
    let classes = |names: [&str; 2]| ClassLabels::try_from(names.map(str::to_owned).to_vec()).unwrap();
    assert_eq!(table.check_classes(&classes(["a", "b"])), Ok(()));
    let unknown =
        ContentError::UnknownClass { row: 4, label: "b".into(), classes: vec!["a".into(), "c".into()] };
    assert_eq!(table.check_classes(&classes(["a", "c"])), Err(unknown.in_file(&path)));
    assert_eq!(table.into_dataset(), Ok(Dataset::new(array![[1.0], [2.0]], ["a", "b"]).unwrap()));
    let path = folder.write("x.npy", MATRIX);
    assert_eq!(usual(&path).into_dataset(), Err(ContentError::NoLabels.in_file(&path)));
    assert_eq!(usual(&path).check_classes(&classes(["a", "b"])), Err(ContentError::NoLabels.in_file(&path)));
}

#[test]
fn values_and_labels_of_every_format_are_checked() {
    let table = Table { labels: Some(vec!["a".into()]), ..Table::unlabelled(Path::new("x"), array![[1.0]]) };
    assert_eq!(table.clone().checked(), Ok(table.clone()));
    let error = |table: Table| table.checked().unwrap_err().to_string();
    let nan = Table { features: array![[1.0, f64::NAN]], ..table.clone() };
    assert_eq!(error(nan), "x: row 1, column 2: \"NaN\" is not a finite number");
    let blank = Table { labels: Some(vec![" ".into()]), ..table.clone() };
    assert_eq!(error(blank), "x: row 1, column 1: the label is empty");
    let broken = Table { labels: Some(vec!["a\nb".into()]), ..table.clone() };
    assert_eq!(error(broken), "x: row 1: the label \"a\\nb\" has a line break or another control character");
    assert_eq!(error(Table { features: Array2::zeros((0, 3)), ..table }), "x: the file has no rows");
}
