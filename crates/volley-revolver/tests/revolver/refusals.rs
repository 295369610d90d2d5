//! What is refused, and with which numbers.

use std::slice::from_ref;
use std::sync::Arc;

use ndarray::{Array1, Array2};
use volley_revolver::classic::{Classic, ClassicLayout};
use volley_revolver::skewed::{BackwardCopies, BackwardSums, RowShifts, Skewed, Split};
use volley_revolver::volley_ckks::{self, Arithmetic, Complex64};
use volley_revolver::{Error, Layout, Shape};

use crate::clear::{encrypt, with_slots};

/// In 64 slots: two column blocks, and two groups of two row blocks.
const SHAPE: Shape = Shape { samples: 16, columns: 12, classes: 3 };

fn layout() -> Layout {
    Layout::new(SHAPE, 64).unwrap()
}

#[test]
fn arrays_of_another_shape() {
    let layout = layout();
    let refused = |expected, actual| Some(Error::ArrayShape { expected, actual });
    assert_eq!(layout.pack_features(&Array2::zeros((16, 11))).err(), refused([16, 12], [16, 11]));
    assert_eq!(layout.pack_labels(&Array2::zeros((15, 3))).err(), refused([16, 3], [15, 3]));
    assert_eq!(layout.pack_weights(&Array2::zeros((12, 3))).err(), refused([3, 12], [12, 3]));
    let length = |expected, actual| Error::Length { expected, actual };
    assert_eq!(layout.pack_columns(&Array1::zeros(4)), Err(length(12, 4)));
    let slots = vec![Complex64::ZERO; 64];
    assert_eq!(layout.unpack_weights(&[]), Err(length(2, 0)));
    assert_eq!(layout.unpack_scores(from_ref(&slots)), Err(length(2, 1)));
    assert_eq!(layout.unpack_scores(&[slots.clone(), slots[1..].to_vec()]), Err(length(64, 63)));
}

#[test]
fn splits_that_do_not_divide_or_belong_elsewhere() {
    let layout = layout();
    for steps in [0, 3, 8] {
        let refused = Err(Error::SplitSteps { steps, period: 4 });
        assert_eq!(Split::new(&layout, steps, 2, RowShifts::Copies), refused);
        assert_eq!(Split::new(&layout, 2, steps, RowShifts::Sums), refused);
    }
    let two_classes = Layout::new(Shape { classes: 2, ..SHAPE }, 64).unwrap();
    let model = Arc::new(with_slots(64, 1));
    assert_eq!(
        Skewed::new(&model, layout, Split::on_copies(&two_classes)).err(),
        Some(Error::SplitPeriod { expected: 4, actual: 2 })
    );
}

#[test]
fn ciphertexts_that_do_not_belong_to_the_layout() {
    let layout = layout();
    let model = Arc::new(with_slots(64, 3));
    let skewed = Skewed::new(&model, layout, Split::on_copies(&layout)).unwrap();
    let zero = encrypt(&model, &[Complex64::ZERO; 64]);
    let small = encrypt(&model, &[Complex64::ZERO; 32]);
    let blocks = [zero.clone(), zero.clone()];
    let length = |expected, actual| Some(Error::Length { expected, actual });
    let slots = Some(Error::CiphertextSlots { expected: 64, actual: 32 });

    assert_eq!(skewed.forward_copies(&blocks[..1], 3).err(), length(2, 1));
    assert_eq!(skewed.backward_copies(&[], 3).err(), length(2, 0));
    assert_eq!(skewed.scale_columns(&blocks, &blocks[..1]).err(), length(2, 1));
    assert_eq!(skewed.revolve_weights(&[zero.clone(), small.clone()]).err(), slots);
    assert_eq!(skewed.revolve_errors(&small).err(), slots);
    assert_eq!(skewed.repeat_along_row(&small).err(), slots);
    assert_eq!(skewed.split_scores(0, &small).err(), slots);
    assert_eq!(skewed.forward_all(&[], &blocks).err(), length(2, 0));

    let copies = skewed.backward_copies(&blocks, 2).unwrap();
    let errors = skewed.revolve_errors(&zero).unwrap();
    assert_eq!(skewed.backward(from_ref(&copies), from_ref(&zero)).err(), length(2, 1));
    assert_eq!(skewed.accumulate(from_ref(&copies), &[]).err(), length(1, 0));
    let narrow = Skewed::new(&model, Layout::with_width(SHAPE, 64, 8).unwrap(), skewed.split()).unwrap();
    assert_eq!(narrow.accumulate(&[copies], &[errors]).err(), length(12, 2));
}

#[test]
fn what_another_split_made() {
    let layout = layout();
    let model = Arc::new(with_slots(64, 3));
    let skewed = Skewed::new(&model, layout, Split::on_copies(&layout)).unwrap();
    let other = Skewed::new(&model, layout, Split::new(&layout, 4, 2, RowShifts::Sums).unwrap()).unwrap();
    let zero = encrypt(&model, &[Complex64::ZERO; 64]);
    let blocks = [zero.clone(), zero.clone()];
    let mismatch = Some(Error::SplitMismatch { expected: other.split(), actual: skewed.split() });

    let copies = [skewed.backward_copies(&blocks, 2).unwrap()];
    let errors = [skewed.revolve_errors(&zero).unwrap()];
    let sums = skewed.accumulate(&copies, &errors).unwrap();
    assert_eq!(other.accumulate(&copies, &errors).err(), mismatch);
    let own_copies = [other.backward_copies(&blocks, 2).unwrap()];
    assert_eq!(other.accumulate(&own_copies, &errors).err(), mismatch);
    assert_eq!(other.gradient(&sums).err(), mismatch);
    assert_eq!(other.merge(sums.clone(), &sums).err(), mismatch);
    // Taken apart and put together: as many as the layout and the split have.
    let tensors: Vec<_> = sums.tensors().cloned().collect();
    let count = tensors.len();
    assert_eq!(count, layout.column_blocks() * skewed.split().backward_sums());
    let again = BackwardSums::from_tensors(&layout, skewed.split(), tensors.clone()).unwrap();
    assert_eq!(skewed.gradient(&again).unwrap().len(), layout.column_blocks());
    let fewer = BackwardSums::from_tensors(&layout, skewed.split(), tensors[1..].to_vec());
    assert_eq!(fewer.err(), Some(Error::Length { expected: count, actual: count - 1 }));
    let forward = skewed.forward_copies(&blocks, 2).unwrap();
    let weights = skewed.revolve_weights(&blocks).unwrap();
    assert_eq!(other.forward(&forward, &weights).err(), mismatch);
}

#[test]
fn what_the_arithmetic_refuses() {
    let layout = layout();
    let model = Arc::new(with_slots(64, 0));
    let skewed = Skewed::new(&model, layout, Split::on_copies(&layout)).unwrap();
    let zero = encrypt(&model, &[Complex64::ZERO; 64]);
    let blocks = [zero.clone(), zero.clone()];
    let exhausted = |required| Some(Error::Ckks(volley_ckks::Error::LevelExhausted { level: 0, required }));
    assert_eq!(skewed.forward_copies(&blocks, 2).err(), exhausted(2));
    let copies = skewed.forward_copies(&blocks, 0).unwrap();
    let overflow = |scale_log2| {
        let modulus_log2 = model.parameters().log_q(0);
        Some(Error::Ckks(volley_ckks::Error::ScaleOverflow { scale_log2, modulus_log2, level: 0 }))
    };
    assert_eq!(skewed.forward_all(&[copies.clone(), copies], &blocks).err(), overflow(80.0));
    let no_copies: [BackwardCopies<_>; 0] = [];
    assert_eq!(skewed.accumulate(&no_copies, &[]).err(), Some(Error::Ckks(volley_ckks::Error::EmptySum)));

    let classic = Classic::new(&model, ClassicLayout::new(4, 4, 3, 64).unwrap());
    assert_eq!(classic.row_shifter(&zero, 0).err(), exhausted(1));
    // Masks are encoded at the scale of the level's prime, which at level 0 is the whole modulus.
    let log_mask = model.parameters().log_q(0);
    assert_eq!(classic.row_shifter(&zero, 1).err(), overflow(log_mask));
    assert_eq!(classic.sum_col_vec(&zero).err(), overflow(log_mask));
}

#[test]
fn classic_shapes_and_ciphertexts() {
    assert_eq!(ClassicLayout::new(2, 0, 3, 64), Err(Error::EmptyProduct { rows: 2, inner: 0, columns: 3 }));
    assert_eq!(ClassicLayout::new(2, 2, 2, 12), Err(Error::SlotCount { slots: 12 }));
    assert_eq!(ClassicLayout::new(5, 9, 2, 64), Err(Error::TooFewSlots { slots: 64, required: 128 }));
    assert!(ClassicLayout::new(usize::MAX, 2, 2, 64).is_err());
    let layout = ClassicLayout::new(4, 4, 3, 32).unwrap();
    let shape = |expected, actual| Err(Error::ArrayShape { expected, actual });
    assert_eq!(layout.pack_left(&Array2::zeros((4, 3))), shape([4, 4], [4, 3]));
    assert_eq!(layout.pack_right(&Array2::zeros((3, 4))), shape([4, 3], [3, 4]));
    assert_eq!(layout.unpack_product(&[]), Err(Error::Length { expected: 32, actual: 0 }));

    let model = Arc::new(with_slots(32, 3));
    let small = encrypt(&model, &[Complex64::ZERO; 16]);
    let classic = Classic::new(&model, layout);
    let slots = Some(Error::CiphertextSlots { expected: 32, actual: 16 });
    assert_eq!(classic.multiply(&small, &small).err(), slots);
    assert_eq!(classic.row_shifter(&small, 1).err(), slots);
    assert_eq!(classic.sum_row_vec(&small).err(), slots);
    assert_eq!(classic.sum_col_vec(&small).err(), slots);
}
