use super::*;

fn problem(content: &[u8]) -> String {
    parse_features(content).unwrap_err()
}

#[test]
fn the_embedded_images_are_mnist() {
    let (training, test) = load_mnist().unwrap();
    assert_eq!((training.len(), training.features.dim()), (1024, (1024, 400)));
    assert_eq!((test.len(), test.features.dim()), (10_000, (10_000, 400)));
    assert_eq!(training.labels[..10].join(""), "5041921314");
    assert_eq!(test.labels[..10].join(""), "7210414959");
    let mut digits = test.labels.clone();
    digits.sort();
    digits.dedup();
    assert_eq!(digits.join(""), "0123456789");
    assert!(test.features.iter().all(|&pixel| (0.0..=1.0).contains(&pixel)));
    // A handwritten digit covers about a quarter of the centre.
    let mean = test.features.mean().unwrap();
    assert!((0.2..0.3).contains(&mean), "{mean}");
}

#[test]
fn columns_without_ink_in_the_first_128_images() {
    let (training, _) = load_mnist().unwrap();
    let first = training.take(&Vec::from_iter(0..128));
    assert_eq!(
        first.features.columns().into_iter().filter(|column| column.iter().all(|&x| x == 0.0)).count(),
        5
    );
}

#[test]
fn labels_and_values() {
    let expected = Rows {
        labels: vec!["cat".into(), "12".into()],
        features: ndarray::array![[1.0, -0.5, 2e-3], [0.0, 4.0, 5.0]],
    };
    let plain = b"cat,1,-0.5,2e-3\n12,0,4,5\n";
    for content in [
        &plain[..],
        b"label,a,b,c\ncat,1,-0.5,2e-3\n12,0,4,5\n",
        b"\xef\xbb\xbfcat, 1 ,-0.5,2e-3\r\n\r\n 12,0,4,5",
        b"\"cat\",\"1\",-0.5,2e-3\n12,0,4,5\n",
    ] {
        assert_eq!(parse_features(content).unwrap(), expected);
    }
}

#[test]
fn a_header_is_one_without_any_number() {
    assert_eq!(parse_features(b"label,x1\n3,1\n").unwrap().len(), 1);
    assert_eq!(problem(b"3,x1,1\n3,1,1\n"), "row 1, column 2: \"x1\" is not a number");
    assert_eq!(problem(b"3,NaN\n3,1\n"), "row 1, column 2: \"NaN\" is not a finite number");
}

#[test]
fn rows_of_other_lengths_are_refused() {
    assert_eq!(problem(b"a,1,2\n\nb,3\n"), "row 3 has 2 columns, the first row has 3");
    assert_eq!(problem(b"a,1,2\r\nb,3\r\n"), "row 2 has 2 columns, the first row has 3");
    assert_eq!(problem(b"\r\na,1,2\r\n\r\nb,3\r\n"), "row 4 has 2 columns, the first row has 3");
    assert_eq!(problem(b"a,1\nb,3,4\n"), "row 2 has 3 columns, the first row has 2");
    assert_eq!(problem(b"a\nb\n"), "row 1 has no values after its label");
}

#[test]
fn values_that_are_no_finite_numbers_are_refused() {
    assert_eq!(problem(b"a,1,2\nb,x,4\n"), "row 2, column 2: \"x\" is not a number");
    assert_eq!(problem(b"a,1,2\nb,3,\n"), "row 2, column 3: the value is empty");
    assert_eq!(problem(b"a,1,2\nb,nan,4\n"), "row 2, column 2: \"nan\" is not a finite number");
    assert_eq!(problem(b"a,1,2\nb,3,-inf\n"), "row 2, column 3: \"-inf\" is not a finite number");
    assert_eq!(problem(b"a,1,1e400\n"), "row 1, column 3: \"1e400\" is not a finite number");
}

#[test]
fn labels_must_not_be_empty() {
    assert_eq!(problem(b"a,1\n ,2\n"), "row 2, column 1: the label is empty");
}

#[test]
fn a_file_needs_rows() {
    assert_eq!(problem(b""), "the file has no rows");
    assert_eq!(problem(b"\n\n"), "the file has no rows");
    assert_eq!(problem(b"label,x\n"), "the file has no rows");
}

#[test]
fn text_must_be_utf8() {
    assert_eq!(problem(b"a,1\nb,\xff\n"), "row 2, column 2: the text is not UTF-8");
}

#[test]
fn a_missing_file_is_named() {
    let error = load_features(Path::new("no/such.csv")).unwrap_err().to_string();
    assert!(error.starts_with("no/such.csv: ") && error.contains("No such file"), "{error}");
}

#[test]
fn without_a_seed_the_first_rows_are_trained_on() {
    assert_eq!(select(5, 3, None).unwrap(), (vec![0, 1, 2], vec![3, 4]));
    assert_eq!(select(2, 2, None).unwrap(), (vec![0, 1], vec![]));
}

#[test]
fn a_seed_chooses_other_rows_and_the_same_each_time() {
    let (chosen, rest) = select(1000, 100, Some(7)).unwrap();
    assert_eq!(select(1000, 100, Some(7)).unwrap(), (chosen.clone(), rest.clone()));
    assert_ne!(select(1000, 100, Some(8)).unwrap().0, chosen);
    assert!(rest.is_sorted());
    let mut all = [chosen, rest].concat();
    all.sort_unstable();
    assert_eq!(all, (0..1000).collect::<Vec<_>>());
}

#[test]
fn only_rows_that_exist_can_be_chosen() {
    let message = |samples| select(5, samples, None).unwrap_err().to_string();
    assert_eq!(message(6), "6 samples asked for, but the data has 5 rows");
    assert_eq!(message(0), "at least one sample is needed");
}

#[test]
fn taken_rows_keep_their_labels() {
    let rows = parse_features(b"a,1\nb,2\nc,3\n").unwrap();
    assert_eq!(rows.take(&[2, 0]), parse_features(b"c,3\na,1\n").unwrap());
}
