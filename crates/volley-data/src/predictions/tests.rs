use ndarray::array;

use super::*;

fn classes() -> ClassLabels {
    ClassLabels::try_from(vec!["a,b".to_owned(), "c".to_owned()]).unwrap()
}

#[test]
fn labels_and_scores() {
    let mut out = Vec::new();
    write_predictions(&mut out, &classes(), RowFigure::Score, &array![[1.0, 0.1 + 0.2], [1.0, 3.0]]).unwrap();
    let expected = "prediction,\"score_a,b\",score_c\n\"a,b\",1,0.30000000000000004\nc,1,3\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn probabilities_are_named_so() {
    let mut out = Vec::new();
    let figures = array![[0.25, 0.75], [1.0, 2.5e-67]];
    write_predictions(&mut out, &classes(), RowFigure::Probability, &figures).unwrap();
    let expected = "prediction,\"probability_a,b\",probability_c\nc,0.25,0.75\n\"a,b\",1,2.5e-67\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn a_full_disk_is_told() {
    let full = write_predictions(&mut [0u8; 4][..], &classes(), RowFigure::Score, &array![[1.0, 2.0]]);
    assert!(matches!(full, Err(ContentError::Io { .. })), "{full:?}");
}
