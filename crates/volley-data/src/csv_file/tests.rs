use ndarray::array;
use proptest::prelude::*;

use super::*;

fn read(content: &[u8], labels: &LabelSource) -> Result<Table, ContentError> {
    parse(Path::new("x.csv"), content, labels)
}

fn usual(content: &[u8]) -> Table {
    read(content, &LabelSource::Usual).unwrap()
}

fn problem(content: &[u8]) -> String {
    read(content, &LabelSource::Usual).unwrap_err().to_string()
}

#[test]
fn labels_and_values() {
    let plain = b"cat,1,-0.5,2e-3\n12,0,4,5\n";
    for content in [
        &plain[..],
        b"label,a,b,c\ncat,1,-0.5,2e-3\n12,0,4,5\n",
        b"\xef\xbb\xbfcat, 1 ,-0.5,2e-3\r\n\r\n 12,0,4,5",
        b"\"cat\",\"1\",-0.5,2e-3\n12,0,4,5\n",
    ] {
        let table = usual(content);
        assert_eq!(table.labels.unwrap(), ["cat", "12"]);
        assert_eq!(table.features, array![[1.0, -0.5, 2e-3], [0.0, 4.0, 5.0]]);
    }
}

#[test]
fn labels_stand_where_they_are_asked_for() {
    let content = b"a,kind,b\n1,x,2\n3,y,4\n";
    for labels in [LabelSource::Column(1), LabelSource::Named("kind".into())] {
        let table = read(content, &labels).unwrap();
        assert_eq!(table.labels(), Some(&["x".to_owned(), "y".to_owned()][..]));
        assert_eq!(table.columns(), Some(&["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(table.features, array![[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(table.lines, Some(vec![2, 3]));
    }
    let table = read(b"1,2\n3,4\n", &LabelSource::Absent).unwrap();
    assert_eq!((table.labels, table.columns, table.features), (None, None, array![[1.0, 2.0], [3.0, 4.0]]));
}

#[test]
fn columns_that_are_not_there() {
    let named = |content: &[u8], name: &str| read(content, &LabelSource::Named(name.into())).unwrap_err();
    let found = vec!["a".into(), "b".into()];
    assert_eq!(named(b"a,b\n1,2\n", "c"), ContentError::MissingColumn { name: "c".into(), found });
    assert_eq!(named(b"a,b,a\n1,2,3\n", "a"), ContentError::AmbiguousColumn { name: "a".into(), count: 2 });
    let no_header = ContentError::NoHeader { name: "a".into() };
    assert_eq!(named(b"1,2\n", "a"), no_header);
    assert_eq!(named(b"a,2\n", "a"), no_header);
    let range = ContentError::ColumnRange { column: 3, columns: 2 };
    assert_eq!(read(b"1,2\n", &LabelSource::Column(2)), Err(range));
}

#[test]
fn a_header_is_one_without_any_number() {
    assert_eq!(usual(b"label,x1\n3,1\n").features.nrows(), 1);
    assert_eq!(problem(b"3,x1,1\n3,1,1\n"), "row 1, column 2: \"x1\" is not a number");
    assert_eq!(problem(b"3,NaN\n3,1\n"), "row 1, column 2: \"NaN\" is not a finite number");
}

#[test]
fn rows_of_other_lengths_are_refused() {
    assert_eq!(problem(b"a,1,2\n\nb,3\n"), "row 3 has 2 columns, the first row has 3");
    assert_eq!(problem(b"a,1,2\r\nb,3\r\n"), "row 2 has 2 columns, the first row has 3");
    assert_eq!(problem(b"\r\na,1,2\r\n\r\nb,3\r\n"), "row 4 has 2 columns, the first row has 3");
    let length = ContentError::RowLength { row: 2, found: 3, expected: 2 };
    assert_eq!(read(b"a,1\nb,3,4\n", &LabelSource::Usual), Err(length));
    assert_eq!(read(b"a\nb\n", &LabelSource::Usual), Err(ContentError::NoValues { row: 1 }));
}

#[test]
fn values_that_are_no_finite_numbers_are_refused() {
    let error = |content: &[u8]| read(content, &LabelSource::Usual).unwrap_err();
    let text = String::from;
    assert_eq!(error(b"a,1,2\nb,x,4\n"), ContentError::NotANumber { row: 2, column: 2, text: text("x") });
    assert_eq!(error(b"a,1,2\nb,3,\n"), ContentError::EmptyValue { row: 2, column: 3 });
    assert_eq!(error(b"a,1,2\nb,nan,4\n"), ContentError::NotFinite { row: 2, column: 2, text: text("nan") });
    assert_eq!(
        error(b"a,1,2\nb,3,-inf\n"),
        ContentError::NotFinite { row: 2, column: 3, text: text("-inf") }
    );
    assert_eq!(error(b"a,1,1e400\n"), ContentError::NotFinite { row: 1, column: 3, text: text("1e400") });
    let long = format!("a,1,{}\n", "x".repeat(1000));
    assert!(problem(long.as_bytes()).len() < 100);
}

#[test]
fn labels_must_not_be_empty() {
    assert_eq!(read(b"a,1\n ,2\n", &LabelSource::Usual), Err(ContentError::EmptyLabel { row: 2, column: 1 }));
}

#[test]
fn a_file_needs_rows() {
    for content in [&b""[..], b"\n\n", b"label,x\n"] {
        assert_eq!(read(content, &LabelSource::Usual), Err(ContentError::NoRows));
    }
}

#[test]
fn text_must_be_utf8() {
    assert_eq!(read(b"a,1\nb,\xff\n", &LabelSource::Usual), Err(ContentError::NotUtf8 { row: 2, column: 2 }));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        rows in prop::collection::vec(("[a-z,\"\n]{1,5}", -1e9..1e9f64, any::<i32>()), 1..20),
    ) {
        prop_assume!(rows.iter().all(|(label, ..)| !label.trim().is_empty()));
        let mut writer = csv::Writer::from_writer(Vec::new());
        for (label, a, b) in &rows {
            writer.write_record([label.clone(), a.to_string(), b.to_string()]).unwrap();
        }
        let table = usual(&writer.into_inner().unwrap());
        let labels: Vec<&str> = rows.iter().map(|(label, ..)| label.trim()).collect();
        prop_assert_eq!(table.labels.unwrap(), labels);
        let values: Vec<f64> = rows.iter().flat_map(|&(_, a, b)| [a, b.into()]).collect();
        prop_assert_eq!(table.features.into_raw_vec_and_offset().0, values);
    }

    #[test]
    fn no_content_is_a_panic(content in prop::collection::vec(prop::sample::select(&b"a1,.\"\n\r -\xff"[..]), 0..60)) {
        let _ = read(&content, &LabelSource::Usual);
        let _ = read(&content, &LabelSource::Named("a".into()));
    }
}
