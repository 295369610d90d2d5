use ndarray::array;
use proptest::prelude::*;

use super::*;

const LIMIT: u64 = 1 << 20;

/// A file as NumPy writes it: version 1.0, the header filled up to 64 bytes.
fn file(descr: &str, fortran_order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}");
    let header = format!("{dictionary:117}\n");
    [b"\x93NUMPY\x01\x00\x76\x00", header.as_bytes(), data].concat()
}

fn features(content: &[u8]) -> Result<Array2<f64>, ContentError> {
    open(&mut &content[..])?.features(&mut Memory::new(LIMIT))
}

fn labels(content: &[u8]) -> Result<Vec<String>, ContentError> {
    open(&mut &content[..])?.labels(&mut Memory::new(LIMIT))
}

/// The bytes of `numpy.save` (2.x) for `numpy.array([[1, -2, 3]], dtype='<i2')`.
const SAVED: &[u8] = b"\x93NUMPY\x01\x00v\x00{'descr': '<i2', 'fortran_order': False, 'shape': (1, 3), }\
    \x20                                                         \n\x01\x00\xfe\xff\x03\x00";

#[test]
fn a_file_of_numpy() {
    assert_eq!(features(SAVED), Ok(array![[1.0, -2.0, 3.0]]));
}

#[test]
fn every_type_of_number_in_both_orders() {
    // The element 1 and the element 254 or −2, little-endian.
    let cases: [(&str, &[u8], f64); 10] = [
        ("i1", &[1, 0xfe], -2.0),
        ("u1", &[1, 0xfe], 254.0),
        ("b1", &[1, 0], 0.0),
        ("i2", &[1, 0, 0xfe, 0xff], -2.0),
        ("u2", &[1, 0, 0xfe, 0xff], 65534.0),
        ("i4", &[1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff], -2.0),
        ("u4", &[1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff], 4294967294.0),
        ("i8", &[1, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], -2.0),
        ("f4", &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0], -2.0),
        ("f8", &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0], -2.0),
    ];
    for (descr, data, second) in cases {
        let swapped: Vec<u8> =
            data.chunks(data.len() / 2).flat_map(|item| item.iter().rev().copied()).collect();
        for (order, data) in [("<", data), (">", &swapped)] {
            let content = file(&format!("{order}{descr}"), "False", "(1, 2)", data);
            assert_eq!(features(&content), Ok(array![[1.0, second]]), "{order}{descr}");
        }
    }
}

#[test]
fn fortran_order_and_other_headers() {
    let data = [1, 2, 3, 4, 5, 6];
    assert_eq!(
        features(&file("|u1", "False", "(2, 3)", &data)),
        Ok(array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    );
    assert_eq!(features(&file("|u1", "True", "(2, 3)", &data)), Ok(array![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]]));
    let header = b"{\"shape\":(1L,2),'fortran_order':False,'descr':'|u1'}";
    for version in [2, 3] {
        let content =
            [b"\x93NUMPY", &[version, 0, header.len() as u8, 0, 0, 0][..], header, &[7, 8]].concat();
        assert_eq!(features(&content), Ok(array![[7.0, 8.0]]));
    }
}

#[test]
fn labels_are_integers_or_texts() {
    assert_eq!(labels(&file("<i2", "False", "(2,)", &[5, 0, 0xff, 0xff])).unwrap(), ["5", "-1"]);
    assert_eq!(labels(&file("|S3", "False", "(2,)", b"cata\0\0")).unwrap(), ["cat", "a"]);
    let text = [b'h', 0, 0, 0, 0xe9, 0, 0, 0, b'x', 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(labels(&file("<U2", "False", "(2,)", &text)).unwrap(), ["hé", "x"]);
    let text = [0, 0, 0, b'h', 0, 0, 0, 0xe9];
    assert_eq!(labels(&file(">U2", "False", "(1,)", &text)).unwrap(), ["hé"]);
    let not_text = Err(ContentError::LabelText { row: 2 });
    assert_eq!(labels(&file("|S1", "False", "(2,)", b"a\xff")), not_text);
    assert_eq!(labels(&file("<U1", "False", "(2,)", &[1, 0, 0, 0, 0, 0xd8, 0, 0])), not_text);
    let error = labels(&file("<f4", "False", "(1,)", &[0; 4])).unwrap_err();
    assert!(error.to_string().contains("astype(int)"), "{error}");
}

#[test]
fn types_that_are_not_read() {
    assert_eq!(features(&file("|O", "False", "(1, 1)", b"\x80\x04.")), Err(ContentError::Pickled));
    for descr in
        ["<c16", "<f2", "<M8[ns]", "|V8", "=f8", "|f8", "<i3", "", "<", "<f", "<U99999999999999999999"]
    {
        let error = features(&file(descr, "False", "(1, 1)", &[0; 16]));
        let expected = ContentError::ElementType { found: descr.into(), needed: "read" };
        assert_eq!(error, Err(expected), "{descr}");
    }
    let text = features(&file("<U1", "False", "(1, 1)", &[0; 4]));
    assert_eq!(text, Err(ContentError::ElementType { found: "<U1".into(), needed: "features" }));
}

#[test]
fn sizes_are_checked_before_memory_is_set_aside() {
    let size = |shape: Vec<usize>, found| Err(ContentError::Size { shape, item_bytes: 8, found });
    assert_eq!(features(&file("<f8", "False", "(1, 2)", &[0; 15])), size(vec![1, 2], 15));
    assert_eq!(features(&file("<f8", "False", "(1, 2)", &[0; 17])), size(vec![1, 2], 17));
    let huge = format!("({0}, {0})", usize::MAX);
    let memory = |needed| Err(ContentError::Memory { needed, limit: LIMIT });
    assert_eq!(features(&file("<f8", "False", &huge, &[0; 8])), memory(u64::MAX));
    // By the f64 that it becomes, whatever is in the file.
    let exact = format!("({}, 1024)", LIMIT / 8 / 1024);
    assert_eq!(
        features(&file("|u1", "False", &exact, &[0; 8])).unwrap_err().to_string(),
        "8 bytes do not fill the shape [128, 1024] of 1 bytes each"
    );
    let more = format!("({}, 1024)", LIMIT / 8 / 1024 + 1);
    assert_eq!(features(&file("|u1", "False", &more, &[0; 8])), memory(LIMIT + 8 * 1024));
    let text = labels(&file("<U1000000000", "False", "(1,)", &[0; 8])).map(|_| Array2::zeros((0, 0)));
    assert_eq!(text, memory(4_000_000_000 + size_of::<String>() as u64));
    let without_limit =
        open(&mut &file("<f8", "False", &huge, &[0; 8])[..]).unwrap().features(&mut Memory::new(u64::MAX));
    assert_eq!(without_limit, Err(ContentError::Memory { needed: u64::MAX, limit: u64::MAX }));
    let shape = format!("(0, {})", usize::MAX);
    assert_eq!(features(&file("<f8", "False", &shape, &[])), Err(ContentError::NoRows));
    let shape = format!("({},)", usize::MAX);
    let empty = ContentError::ElementType { found: "<U0".into(), needed: "labels: they are all empty" };
    assert_eq!(labels(&file("<U0", "False", &shape, &[])), Err(empty));
}

#[test]
fn dimensions_are_checked() {
    let vector = features(&file("|u1", "False", "(2,)", &[1, 2]));
    let needed = "a matrix of rows and columns";
    assert_eq!(vector, Err(ContentError::Dimensions { shape: vec![2], needed }));
    let matrix = labels(&file("|u1", "False", "(2, 1)", &[1, 2]));
    assert_eq!(matrix, Err(ContentError::Dimensions { shape: vec![2, 1], needed: "a single column" }));
}

#[test]
fn headers_that_are_none() {
    assert_eq!(features(b"PK"), Err(ContentError::Format { expected: "an NPY file" }));
    assert_eq!(features(b"\x93NUMPY\x04\x00"), Err(ContentError::NpyVersion { major: 4, minor: 0 }));
    for end in [7, 9, 40] {
        assert_eq!(features(&SAVED[..end]), Err(ContentError::TruncatedHeader { format: "NPY" }));
    }
    assert_eq!(features(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"), Err(ContentError::NpyHeader));
    for header in [
        "",
        "{}",
        "[]",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)} x",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1, 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1), 'more': 1}",
    ] {
        let length = (header.len() as u16).to_le_bytes();
        let content = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &[1]].concat();
        assert_eq!(features(&content), Err(ContentError::NpyHeader), "{header}");
    }
}

#[test]
fn what_is_written_is_what_numpy_writes() {
    let mut content = Vec::new();
    write(&mut content, "<i2", &[1, 3], [1i16, -2, 3].map(|value| value.to_le_bytes().to_vec())).unwrap();
    assert_eq!(content, SAVED);
}

proptest! {
    #[test]
    fn matrices_round_trip(rows in 1usize..6, columns in 1usize..6, seed in any::<[u64; 8]>()) {
        let values: Vec<f64> = (0..rows * columns).map(|i| f64::from_bits(seed[i % 8].rotate_left(i as u32))).collect();
        let mut content = Vec::new();
        write(&mut content, "<f8", &[rows, columns], values.iter().map(|value| value.to_le_bytes().to_vec())).unwrap();
        let read: Vec<u64> = features(&content).unwrap().iter().map(|value| value.to_bits()).collect();
        prop_assert_eq!(read, values.iter().map(|value| value.to_bits()).collect::<Vec<_>>());
    }

    #[test]
    fn texts_round_trip(written in prop::collection::vec("\\PC{0,6}", 1..6)) {
        let (descr, elements) = texts(&written);
        let mut content = Vec::new();
        write(&mut content, &descr, &[written.len()], elements).unwrap();
        prop_assert_eq!(labels(&content).unwrap(), written);
    }

    #[test]
    fn no_damage_is_a_panic(position in 0usize..134, byte in any::<u8>(), end in 0usize..135) {
        let mut content = SAVED.to_vec();
        content[position] = byte;
        let _ = features(&content);
        let _ = labels(&content[..end.min(content.len())]);
    }
}
