use ndarray::Array2;

use super::*;

fn shape(samples: usize, columns: usize, classes: usize) -> Shape {
    Shape { samples, columns, classes }
}

#[test]
fn the_papers_shape_at_three_ring_sizes() {
    for (slots, rows, row_blocks, groups) in [(1 << 13, 16, 8, 4), (1 << 14, 32, 4, 2), (1 << 15, 64, 2, 1)] {
        let layout = Layout::new(shape(128, 401, 10), slots).unwrap();
        assert_eq!((layout.width(), layout.period(), layout.column_blocks()), (512, 16, 1));
        assert_eq!((layout.rows(), layout.row_blocks(), layout.groups()), (rows, row_blocks, groups));
    }
}

#[test]
fn the_narrowest_rows_that_hold_all_columns_are_taken() {
    let width = |columns| Layout::new(shape(1, columns, 3), 1 << 10).unwrap().width();
    assert_eq!([1, 2, 9, 10, 25, 26].map(width), [8, 16, 16, 32, 32, 64]);
}

#[test]
fn columns_that_do_not_fit_go_to_more_blocks() {
    let layout = Layout::new(shape(40, 60, 3), 128).unwrap();
    assert_eq!((layout.width(), layout.rows(), layout.columns_per_block()), (32, 4, 25));
    assert_eq!(layout.column_blocks(), 3);
    let blocks: Vec<_> = (0..4).map(|block| layout.block_columns(block)).collect();
    assert_eq!(blocks, [0..25, 25..50, 50..60, 60..60]);
}

#[test]
fn candidates_are_all_widths_up_to_one_block() {
    let widths = |columns, slots| -> Vec<_> {
        let layouts = Layout::candidates(shape(9, columns, 4), slots).unwrap();
        layouts.iter().map(|layout| (layout.width(), layout.column_blocks())).collect()
    };
    assert_eq!(widths(1, 1 << 12), [(8, 1)]);
    assert_eq!(widths(40, 1 << 12), [(8, 40), (16, 5), (32, 2), (64, 1)]);
    assert_eq!(widths(40, 1 << 7), [(8, 40), (16, 5), (32, 2)]);
    assert_eq!(widths(40, 1 << 5), [(8, 40)]);
}

#[test]
fn up_to_sixteen_classes_are_one_block() {
    for classes in 2..=16 {
        let shape = shape(500, 40, classes);
        assert_eq!(Layout::family(shape, 1 << 12), Layout::candidates(shape, 1 << 12));
        assert_eq!(Layout::new(shape, 1 << 12).unwrap().class_blocks(), 1);
    }
}

#[test]
fn more_classes_are_cut_into_blocks_of_every_size_that_fits() {
    let periods = |classes, slots| -> Vec<usize> {
        let mut periods: Vec<_> =
            Layout::family(shape(9, 40, classes), slots).unwrap().iter().map(Layout::period).collect();
        periods.dedup();
        periods
    };
    assert_eq!(periods(17, 1 << 15), [32, 16, 8, 4, 2]);
    // 2 · 64² slots hold blocks of 64 classes, not of 128.
    assert_eq!(periods(100, 1 << 13), [64, 32, 16, 8, 4, 2]);
    assert_eq!(periods(100, 1 << 15), [128, 64, 32, 16, 8, 4, 2]);
    assert_eq!(periods(1000, 1 << 7), [8, 4, 2]);
}

#[test]
fn the_last_class_block_may_have_fewer_classes() {
    let layout = Layout::with_period_and_width(shape(70, 9, 11), 256, 4, 16).unwrap();
    assert_eq!((layout.period(), layout.class_blocks(), layout.column_blocks()), (4, 3, 1));
    let classes: Vec<_> = (0..4).map(|class_block| layout.block_classes(class_block)).collect();
    assert_eq!(classes, [0..4, 4..8, 8..11, 11..11]);
    assert_eq!((layout.groups(), layout.score_ciphertexts(), layout.weight_ciphertexts()), (3, 9, 3));
    // As many features as of four classes.
    let of_four = Layout::with_width(shape(70, 9, 4), 256, 16).unwrap();
    assert_eq!(layout.feature_ciphertexts(), of_four.feature_ciphertexts());
    let last = layout.class_block(2);
    assert_eq!((last.shape(), last.period()), (shape(70, 9, 3), 4));
    assert_eq!((last.class_blocks(), last.block_classes(0)), (1, 0..3));
    let fewer = layout.with_samples(5).unwrap();
    assert_eq!((fewer.shape(), fewer.groups()), (shape(5, 9, 11), 1));
    assert_eq!((fewer.width(), fewer.period(), fewer.slots()), (16, 4, 256));
}

#[test]
fn blocks_of_other_sizes_are_refused() {
    let with_period = |period| Layout::with_period(shape(9, 4, 11), 1 << 10, period);
    for period in [2, 4, 8, 16] {
        assert!(with_period(period).unwrap().iter().all(|layout| layout.period() == period));
    }
    for period in [0, 1, 3, 12] {
        assert_eq!(with_period(period), Err(Error::Period { period, max: 16 }));
    }
    assert_eq!(Layout::with_period(shape(9, 4, 5), 1 << 10, 16), Err(Error::Period { period: 16, max: 8 }));
    assert_eq!(with_period(32), Err(Error::TooFewSlots { slots: 1 << 10, required: 1 << 11 }));
}

#[test]
fn a_width_may_be_chosen() {
    let layout = Layout::with_width(shape(9, 40, 4), 1 << 7, 16).unwrap();
    assert_eq!((layout.width(), layout.rows()), (16, 8));
    for width in [0, 4, 24, 64] {
        assert_eq!(
            Layout::with_width(shape(9, 40, 4), 1 << 7, width),
            Err(Error::Width { width, narrowest: 8, widest: 32 })
        );
    }
}

#[test]
fn pairs_and_single_blocks() {
    for (samples, parts) in [(1, vec![1]), (16, vec![1]), (17, vec![2]), (33, vec![2, 1]), (64, vec![2, 2])] {
        let layout = Layout::with_width(shape(samples, 6, 3), 256, 16).unwrap();
        let actual: Vec<_> = (0..layout.groups()).map(|group| layout.parts(group).len()).collect();
        assert_eq!(actual, parts);
        assert_eq!(layout.has_pairs(), samples > 16);
        assert_eq!(layout.gradient_multiple(), if samples > 16 { 2.0 } else { 1.0 });
    }
    let layout = Layout::with_width(shape(40, 6, 3), 256, 16).unwrap();
    assert_eq!(layout.part_samples(0, Part::Imaginary), 16..32);
    assert_eq!(layout.part_samples(1, Part::Real), 32..40);
    assert!(layout.part_samples(1, Part::Imaginary).is_empty());
    assert!(layout.score_mask(1, Part::Imaginary, Complex64::ONE).iter().all(|&x| x == Complex64::ZERO));
}

#[test]
fn empty_shapes_and_wrong_slot_counts_are_refused() {
    for (samples, columns, classes) in [(0, 1, 2), (1, 0, 2), (1, 1, 1), (1, 1, 0)] {
        assert_eq!(
            Layout::new(shape(samples, columns, classes), 64),
            Err(Error::EmptyShape { samples, columns, classes })
        );
    }
    for slots in [0, 3, 96] {
        assert_eq!(Layout::new(shape(1, 1, 2), slots), Err(Error::SlotCount { slots }));
    }
}

#[test]
fn too_few_slots_are_refused_with_the_count_that_fits() {
    for classes in 2..40 {
        let refused = Layout::new(shape(100, 100, classes), 1).unwrap_err();
        let Error::TooFewSlots { slots: 1, required } = refused else { panic!("{refused}") };
        assert!(Layout::new(shape(100, 100, classes), required).is_ok());
        assert!(Layout::new(shape(100, 100, classes), required / 2).is_err());
    }
}

#[test]
fn layouts_that_cannot_be_planned_or_stored_are_left_out() {
    let candidates = |samples, columns| Layout::candidates(shape(samples, columns, 2), 1 << 6);
    let first = |samples, columns| candidates(samples, columns).map(|layouts| layouts[0]);
    // Rows of 4 slots hold a column: groups of 32 samples.
    let max = MAX_CIPHERTEXTS;
    assert_eq!(first(32 * max, 1).unwrap().feature_ciphertexts(), max);
    let refused = Error::TooManyCiphertexts { ciphertexts: max + 1, max };
    assert_eq!(first(32 * max + 1, 1), Err(refused));
    // Narrow rows take 4 · 2^21 ciphertexts of four columns, wider ones fewer.
    let widths: Vec<_> = candidates(max * 16, 4).unwrap().iter().map(Layout::width).collect();
    assert_eq!(widths, [8]);
    // The widest rows of 2 classes hold 29 columns: 2 copies of each of 25 groups are planned.
    let columns = 29 * MAX_COPIES / 2;
    assert!(first(1, columns).is_ok());
    let refused = Error::TooManyCopies { copies: MAX_COPIES + 2, max: MAX_COPIES };
    assert_eq!(first(1, columns + 1), Err(refused));
    let refused = first(1 << 11, columns / 16).unwrap_err();
    assert!(
        first(1 << 11, columns / 32).is_ok() && matches!(refused, Error::TooManyCopies { .. }),
        "{refused}"
    );
    let max = usize::MAX;
    for (samples, columns) in [(1, max), (max, max)] {
        assert!(matches!(candidates(samples, columns), Err(Error::TooManyCopies { .. })));
    }
    assert!(matches!(candidates(max, 1), Err(Error::TooManyCiphertexts { .. })));
}

#[test]
fn more_class_blocks_than_are_supported_are_refused() {
    let family = |samples, classes| Layout::family(shape(samples, 1, classes), 1 << 6);
    // Blocks of four classes are the largest that fit: a ciphertext of weights for each.
    assert_eq!(family(1, 4 * MAX_COPIES).unwrap().len(), 1);
    let copies = MAX_COPIES + 1;
    assert_eq!(family(1, 4 * MAX_COPIES + 1), Err(Error::TooManyCopies { copies, max: MAX_COPIES }));
    for samples in [1, usize::MAX] {
        assert!(matches!(family(samples, usize::MAX), Err(Error::TooManyCopies { .. })));
    }
    // Labels of 2^8 class blocks at least in 2^15 groups.
    assert!(matches!(family(1 << 20, 1 << 10), Err(Error::TooManyCiphertexts { .. })));
}

#[test]
fn absurd_sizes_do_not_overflow() {
    let max = usize::MAX;
    assert_eq!(Layout::new(shape(1, 1, max), 64), Err(Error::TooFewSlots { slots: 64, required: max }));
    let layout = Layout::new(shape(1, max, 2), 1 << (usize::BITS - 1)).unwrap();
    assert_eq!(layout.column_blocks(), 4 + 1);
    assert_eq!(layout.block_columns(max), max..max);
}

#[test]
fn features_and_labels_of_a_group_come_back() {
    // A pair and a single block that is not full; three blocks of columns; classes in two blocks.
    for (samples, classes, period) in [(9, 3, 4), (8, 3, 4), (3, 3, 4), (10, 6, 4)] {
        let shape = shape(samples, 60, classes);
        let layout = Layout::with_period_and_width(shape, 128, period, 32).unwrap();
        let x = Array2::from_shape_fn((samples, 60), |(i, j)| (i * 60 + j) as f64 + 0.5);
        let y = Array2::from_shape_fn((samples, classes), |(i, k)| f64::from(u8::from(i % classes == k)));
        let mut rows = 0;
        for group in 0..layout.groups() {
            let range = layout.group_samples(group);
            assert_eq!(range.start, rows);
            rows = range.end;
            let of_group =
                |all: &Array2<f64>| all.slice_axis(ndarray::Axis(0), range.clone().into()).to_owned();
            let features = layout.pack_group_features(&x, group).unwrap();
            assert_eq!(layout.unpack_group_features(&features, group).unwrap(), of_group(&x));
            let labels = layout.pack_group_labels(&y, group).unwrap();
            assert_eq!(layout.unpack_group_labels(&labels, group).unwrap(), of_group(&y));
            assert!(layout.unpack_group_features(&features[1..], group).is_err());
            assert!(layout.unpack_group_labels(&labels[1..], group).is_err());
        }
        assert_eq!(rows, samples);
    }
}
