//! The classic product and its parts.

use std::sync::Arc;

use ndarray::{Array2, Axis};
use proptest::prelude::*;
use volley_revolver::classic::{Classic, ClassicLayout};
use volley_revolver::volley_ckks::Complex64;

use crate::clear::{Counts, encrypt, with_slots};
use crate::matrices::{assert_close, assert_slots_close, matrix};

fn check_product(rows: usize, inner: usize, columns: usize, slots: usize) {
    let model = Arc::new(with_slots(slots, 4));
    let layout = ClassicLayout::new(rows, inner, columns, slots).unwrap();
    let classic = Classic::new(&model, layout);
    let (a, b) = (matrix(rows, inner, 1), matrix(inner, columns, 2));
    let left = encrypt(&model, &layout.pack_left(&a).unwrap());
    let right = encrypt(&model, &layout.pack_right(&b).unwrap());
    let product = classic.multiply(&left, &right).unwrap();
    assert_close(&layout.unpack_product(product.values()).unwrap(), &a.dot(&b));

    let width = inner.max(columns).next_power_of_two();
    let divides = (slots / width).is_multiple_of(columns);
    assert_eq!(product.operand().level, if divides { 1 } else { 0 });
    let counts = Counts::of(&model);
    assert_eq!((counts.products, counts.relinearizations), (columns, columns));
    let folds = 2 * width.ilog2() as usize;
    let shifts = if divides { columns - 1 } else { 0 };
    assert_eq!(counts.rotations, columns * folds + shifts);
    assert_eq!(counts.hoisted, if divides { 0 } else { 2 * (columns - 1) });
}

#[test]
fn products_equal_plain_ones() {
    for (rows, inner, columns, slots) in [
        (1, 1, 1, 4),
        (4, 4, 4, 16),
        (8, 4, 2, 32),
        (3, 5, 2, 64),
        (5, 3, 3, 64),
        (16, 8, 10, 512),
        (2, 3, 7, 64),
        (10, 20, 10, 1024),
    ] {
        check_product(rows, inner, columns, slots);
    }
}

#[test]
fn a_shift_continues_the_rows() {
    for columns in 1..=8 {
        let model = Arc::new(with_slots(64, 2));
        let layout = ClassicLayout::new(2, 8, columns, 64).unwrap();
        let b = matrix(8, columns, 5);
        let packed = encrypt(&model, &layout.pack_right(&b).unwrap());
        for shift in 0..2 * columns {
            let shifted = Classic::new(&model, layout).row_shifter(&packed, shift).unwrap();
            let expected: Vec<Complex64> =
                (0..64).map(|slot| b[[slot % 8, (slot / 8 + shift) % columns]].into()).collect();
            assert_slots_close(shifted.values(), &expected);
        }
    }
}

#[test]
fn sums_of_rows_and_columns() {
    let model = Arc::new(with_slots(32, 1));
    let layout = ClassicLayout::new(4, 8, 1, 32).unwrap();
    let classic = Classic::new(&model, layout);
    let a = matrix(4, 8, 6);
    let packed = encrypt(&model, &layout.pack_left(&a).unwrap());
    let slots = |m: Array2<f64>| m.iter().map(|&x| x.into()).collect::<Vec<Complex64>>();
    let rows = a.sum_axis(Axis(0)).broadcast((4, 8)).unwrap().to_owned();
    assert_slots_close(classic.sum_row_vec(&packed).unwrap().values(), &slots(rows));
    let columns = a.sum_axis(Axis(1)).insert_axis(Axis(1)).broadcast((4, 8)).unwrap().to_owned();
    assert_slots_close(classic.sum_col_vec(&packed).unwrap().values(), &slots(columns));
}

proptest! {
    #[test]
    fn any_shape(rows in 1_usize..12, inner in 1_usize..12, columns in 1_usize..12, extra in 0_u32..3) {
        let width = inner.max(columns).next_power_of_two();
        let slots = (width * rows.max(columns).next_power_of_two()) << extra;
        check_product(rows, inner, columns, slots.max(4));
    }
}
