use ndarray::array;
use volley_mlr::{ClassLabels, Preprocessing};

use super::*;

fn model() -> Model {
    let classes = ClassLabels::try_from(vec!["a,b".to_owned(), "c".to_owned()]).unwrap();
    Model::new(array![[1.0, 0.0], [0.0, 0.1]], classes, Preprocessing::raw(1)).unwrap()
}

#[test]
fn labels_and_scores() {
    let mut out = Vec::new();
    write_predictions(&mut out, &model(), &array![[3.0], [30.0]]).unwrap();
    let expected = "prediction,\"score_a,b\",score_c\n\"a,b\",1,0.30000000000000004\nc,1,3\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn other_columns_and_a_full_disk_are_refused() {
    let error = volley_mlr::Error::ColumnCount { expected: 1, found: 2 };
    let columns = write_predictions(Vec::new(), &model(), &array![[1.0, 2.0]]);
    assert_eq!(columns, Err(ContentError::Model(error)));
    let full = write_predictions(&mut [0u8; 4][..], &model(), &array![[1.0]]);
    assert!(matches!(full, Err(ContentError::Io { .. })), "{full:?}");
}
