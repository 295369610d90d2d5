//! The skewed products: every member of the family, on many shapes.

use std::slice::from_ref;
use std::sync::Arc;

use ndarray::{Array1, Array2, Axis};
use proptest::prelude::*;
use volley_revolver::skewed::{Rotations, RowShifts, Skewed, Split};
use volley_revolver::volley_ckks::{Arithmetic, ClearCiphertext, ClearSlots, Complex64};
use volley_revolver::{Layout, Shape};

use crate::clear::{Counts, Meter, encrypt_all, rotation_keys, values, with_slots};
use crate::matrices::{assert_close, assert_slots_close, matrix};

/// Everything that the two products of one layout take and give.
struct Case {
    model: Arc<ClearSlots>,
    layout: Layout,
    x: Array2<f64>,
    v: Array2<f64>,
    e: Array2<f64>,
    factors: Array1<f64>,
    features: Vec<Vec<ClearCiphertext>>,
    weights: Vec<ClearCiphertext>,
    errors: Vec<ClearCiphertext>,
}

const LEVELS: usize = 5;

impl Case {
    fn new(layout: Layout) -> Self {
        let Shape { samples, columns, classes } = layout.shape();
        let model = Arc::new(with_slots(layout.slots(), LEVELS));
        let x = matrix(samples, columns, 1);
        let v = matrix(classes, columns, 2);
        let e = matrix(samples, classes, 3);
        let factors = matrix(1, columns, 4).row(0).to_owned();
        let features =
            layout.pack_features(&x).unwrap().iter().map(|blocks| encrypt_all(&model, blocks)).collect();
        let weights = encrypt_all(&model, &layout.pack_weights(&v).unwrap());
        let errors = encrypt_all(&model, &layout.pack_labels(&e).unwrap());
        Self { model, layout, x, v, e, factors, features, weights, errors }
    }

    fn gradient(&self) -> Array2<f64> {
        self.e.t().dot(&self.x) * &self.factors
    }

    fn check(&self, split: Split) {
        let skewed = Skewed::new(&self.model, self.layout, split).unwrap();
        self.check_forward(&skewed);
        let gradient = self.check_backward(&skewed);
        self.check_next_forward(&skewed, &gradient);
    }

    fn check_forward(&self, skewed: &Skewed<ClearSlots>) {
        let (layout, split) = (&self.layout, skewed.split());
        let (groups, blocks) = (layout.groups(), layout.column_blocks());
        let mut meter = Meter::new(&self.model);
        let copies: Vec<_> =
            self.features.iter().map(|x| skewed.forward_copies(x, LEVELS - 1).unwrap()).collect();
        let copies_made = groups * blocks * (split.forward_copies() - 1);
        assert_eq!(meter.take(), rotated(split.copies(), copies_made));

        let scores = skewed.forward_all(&copies, &self.weights).unwrap();
        let giants = split.period() / split.forward_copies();
        let folds = (layout.width() / layout.period()).ilog2() as usize;
        assert_eq!(
            meter.take(),
            plus(
                rotated(split.factors(), blocks * (split.period() - 1)),
                Counts {
                    rotations: groups * (giants - 1 + folds),
                    products: groups * blocks * split.period(),
                    relinearizations: groups * giants,
                    ..Counts::default()
                }
            )
        );
        assert!(scores.iter().all(|z| z.operand().level == LEVELS - 2));
        let expected = self.x.dot(&self.v.t());
        assert_close(&layout.unpack_scores(&values(&scores)).unwrap(), &expected);
        self.check_split_scores(skewed, &scores, &expected);
    }

    /// Split, masked, put together as errors and repeated, scores are what labels are packed to.
    fn check_split_scores(&self, skewed: &Skewed<ClearSlots>, scores: &[ClearCiphertext], z: &Array2<f64>) {
        let (layout, model) = (&self.layout, &self.model);
        let labels = layout.pack_labels(z).unwrap();
        for (group, (score, label)) in scores.iter().zip(&labels).enumerate() {
            let parts = skewed.split_scores(group, score).unwrap();
            assert_eq!(parts.iter().map(|&(part, _)| part).collect::<Vec<_>>(), layout.parts(group));
            let masked = parts.iter().map(|(part, z)| {
                let value = part.error_unit() / layout.score_multiple(group);
                let mask = || layout.score_mask(group, *part, value);
                model
                    .multiply_plain(z, &model.encode(mask, &z.operand().scale, z.operand().level).unwrap())
                    .unwrap()
            });
            let error = masked.reduce(|a, b| model.add(&a, &b).unwrap()).unwrap();
            assert_slots_close(skewed.repeat_along_row(&error).unwrap().values(), label);
        }
    }

    fn check_backward(&self, skewed: &Skewed<ClearSlots>) -> Vec<ClearCiphertext> {
        let (layout, split) = (&self.layout, skewed.split());
        let (groups, blocks) = (layout.groups(), layout.column_blocks());
        let factors = encrypt_all(&self.model, &layout.pack_columns(&self.factors).unwrap());
        let mut meter = Meter::new(&self.model);
        let copies: Vec<_> = self
            .features
            .iter()
            .map(|x| skewed.backward_copies(&skewed.scale_columns(x, &factors).unwrap(), LEVELS - 2).unwrap())
            .collect();
        assert_eq!(
            meter.take(),
            plus(
                rotated(split.copies(), groups * blocks * (split.backward_copies() - 1)),
                Counts { products: groups * blocks, relinearizations: groups * blocks, ..Counts::default() }
            )
        );

        let gradient = skewed.backward(&copies, &self.errors).unwrap();
        let folds = (layout.rows() / layout.period()).ilog2() as usize;
        assert_eq!(
            meter.take(),
            plus(
                rotated(split.factors(), groups * (split.backward_steps() - 1)),
                Counts {
                    rotations: blocks * (split.backward_sums() - 1 + folds),
                    products: groups * blocks * split.period(),
                    relinearizations: blocks * split.backward_sums(),
                    conjugations: if layout.has_pairs() { blocks } else { 0 },
                    hoisted: 0,
                }
            )
        );
        assert!(gradient.iter().all(|g| g.operand().level == LEVELS - 3));
        let expected = self.gradient();
        let slots = values(&gradient);
        assert_close(&layout.unpack_weights(&slots).unwrap(), &expected);
        for (slots, packed) in slots.iter().zip(&layout.pack_weights(&expected).unwrap()) {
            assert_slots_close(slots, packed);
        }

        let parts = || {
            copies
                .iter()
                .zip(&self.errors)
                .map(|(copies, e)| (from_ref(copies), [skewed.revolve_errors(e).unwrap()]))
        };
        let merged = parts()
            .map(|(copies, errors)| skewed.accumulate(copies, &errors).unwrap())
            .reduce(|a, b| skewed.merge(a, &b).unwrap());
        let streamed = parts().fold(None, |sums, (copies, errors)| {
            let sums = match sums {
                Some(sums) => skewed.accumulate_onto(sums, copies, &errors),
                None => skewed.accumulate(copies, &errors),
            };
            Some(sums.unwrap())
        });
        for sums in [merged, streamed] {
            for (a, b) in skewed.gradient(&sums.unwrap()).unwrap().iter().zip(&gradient) {
                assert_slots_close(a.values(), b.values());
                assert_eq!(a.operand(), b.operand());
            }
        }
        gradient
    }

    /// A gradient is at once the weights of the next product.
    fn check_next_forward(&self, skewed: &Skewed<ClearSlots>, gradient: &[ClearCiphertext]) {
        let level = gradient[0].operand().level;
        let copies: Vec<_> = self.features.iter().map(|x| skewed.forward_copies(x, level).unwrap()).collect();
        let scores = skewed.forward_all(&copies, gradient).unwrap();
        let actual = self.layout.unpack_scores(&values(&scores)).unwrap();
        assert_close(&actual, &self.x.dot(&self.gradient().t()));
    }
}

/// So many rotations of one kind.
fn rotated(by: Rotations, count: usize) -> Counts {
    match by {
        Rotations::Hoisted => Counts { hoisted: count, ..Counts::default() },
        Rotations::Successive => Counts { rotations: count, ..Counts::default() },
    }
}

/// Counts with the rotations of others as well.
fn plus(rotations: Counts, others: Counts) -> Counts {
    Counts {
        rotations: rotations.rotations + others.rotations,
        hoisted: rotations.hoisted + others.hoisted,
        ..others
    }
}

fn shape(samples: usize, columns: usize, classes: usize) -> Shape {
    Shape { samples, columns, classes }
}

#[test]
fn every_split_gives_the_plain_products() {
    for (shape, slots) in [
        (shape(1, 1, 2), 8),
        (shape(1, 5, 3), 64),
        (shape(5, 3, 2), 16),
        (shape(7, 9, 4), 64),
        (shape(23, 20, 10), 1024),
        (shape(40, 3, 8), 256),
        (shape(70, 11, 32), 2048),
    ] {
        let case = Case::new(Layout::new(shape, slots).unwrap());
        for split in Split::candidates(&case.layout) {
            case.check(split);
        }
    }
}

#[test]
fn several_column_blocks_give_the_plain_products() {
    for (shape, slots, blocks) in [
        (shape(9, 2, 2), 8, 2),
        (shape(5, 12, 3), 64, 2),
        (shape(3, 40, 4), 32, 40),
        (shape(20, 70, 5), 256, 5),
    ] {
        let case = Case::new(Layout::new(shape, slots).unwrap());
        assert_eq!(case.layout.column_blocks(), blocks);
        for split in Split::candidates(&case.layout) {
            case.check(split);
        }
    }
}

#[test]
fn odd_and_even_block_counts_and_partial_rows() {
    for samples in [1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 64] {
        let layout = Layout::with_width(shape(samples, 6, 3), 256, 16).unwrap();
        assert_eq!(layout.rows(), 16);
        let case = Case::new(layout);
        case.check(Split::on_copies(&layout));
        case.check(Split::new(&layout, 2, 2, RowShifts::Sums).unwrap());
    }
}

#[test]
fn every_width_gives_the_plain_products() {
    for layout in Layout::candidates(shape(13, 50, 6), 1024).unwrap() {
        Case::new(layout).check(Split::on_copies(&layout));
    }
}

/// The products of all class blocks by the same copies.
fn check_class_blocks(layout: Layout, split: Split) {
    let case = Case::new(layout);
    let skewed = Skewed::new(&case.model, layout, split).unwrap();
    let blocks = layout.class_blocks();
    assert_eq!(case.weights.len(), layout.weight_ciphertexts());
    assert_eq!(case.errors.len(), layout.score_ciphertexts());

    let copies: Vec<_> =
        case.features.iter().map(|x| skewed.forward_copies(x, LEVELS - 1).unwrap()).collect();
    let weights = case.weights.chunks(layout.column_blocks());
    let scores: Vec<_> = weights.map(|weights| skewed.forward_all(&copies, weights).unwrap()).collect();
    let by_group =
        (0..layout.groups()).flat_map(|group| scores.iter().map(move |block| block[group].clone()));
    let scores = layout.unpack_scores(&values(&by_group.collect::<Vec<_>>())).unwrap();
    assert_close(&scores, &case.x.dot(&case.v.t()));

    let factors = encrypt_all(&case.model, &layout.pack_columns(&case.factors).unwrap());
    let scaled = case.features.iter().map(|x| skewed.scale_columns(x, &factors).unwrap());
    let copies: Vec<_> = scaled.map(|x| skewed.backward_copies(&x, LEVELS - 2).unwrap()).collect();
    let gradient = (0..blocks).flat_map(|block| {
        let errors: Vec<_> = case.errors.iter().skip(block).step_by(blocks).cloned().collect();
        skewed.backward(&copies, &errors).unwrap()
    });
    let gradient = values(&gradient.collect::<Vec<_>>());
    assert_close(&layout.unpack_weights(&gradient).unwrap(), &case.gradient());
    for (slots, packed) in gradient.iter().zip(&layout.pack_weights(&case.gradient()).unwrap()) {
        assert_slots_close(slots, packed);
    }
}

/// Weights and labels of a class block are those that it has by itself.
fn check_packing_of_blocks(layout: Layout) {
    let Shape { samples, columns, classes } = layout.shape();
    let (v, y) = (matrix(classes, columns, 5), matrix(samples, classes, 6));
    let (weights, labels) = (layout.pack_weights(&v).unwrap(), layout.pack_labels(&y).unwrap());
    assert_close(&layout.unpack_weights(&weights).unwrap(), &v);
    for block in 0..layout.class_blocks() {
        let (alone, own) = (layout.class_block(block), layout.block_classes(block));
        let v = v.select(Axis(0), &own.clone().collect::<Vec<_>>());
        let first = block * layout.column_blocks();
        assert_eq!(weights[first..][..layout.column_blocks()], alone.pack_weights(&v).unwrap());
        let y = y.select(Axis(1), &own.collect::<Vec<_>>());
        let own: Vec<_> = labels.iter().skip(block).step_by(layout.class_blocks()).cloned().collect();
        assert_eq!(own, alone.pack_labels(&y).unwrap());
    }
}

#[test]
fn class_blocks_give_the_plain_products() {
    for (shape, slots, period, blocks) in [
        (shape(9, 3, 5), 64, 2, 3),
        (shape(9, 3, 5), 64, 4, 2),
        (shape(40, 20, 7), 256, 2, 4),
        (shape(70, 11, 37), 1024, 8, 5),
    ] {
        for layout in Layout::with_period(shape, slots, period).unwrap() {
            assert_eq!(layout.class_blocks(), blocks);
            check_packing_of_blocks(layout);
            for split in Split::candidates(&layout) {
                check_class_blocks(layout, split);
            }
        }
    }
}

#[test]
fn a_mask_is_where_the_scores_and_labels_are() {
    let layout = Layout::new(shape(21, 4, 3), 64).unwrap();
    let ones = layout.pack_labels(&Array2::ones((21, 3))).unwrap();
    for (group, expected) in ones.iter().enumerate() {
        let masks = layout.parts(group).iter().map(|&part| layout.label_mask(group, part, part.error_unit()));
        let sum = masks.reduce(|a, b| a.iter().zip(&b).map(|(x, y)| x + y).collect());
        assert_eq!(&sum.unwrap(), expected);
        for &part in layout.parts(group) {
            let score = layout.score_mask(group, part, Complex64::ONE);
            let label = layout.label_mask(group, part, Complex64::ONE);
            for (slot, (score, label)) in score.iter().zip(&label).enumerate() {
                let first = slot % layout.width() < layout.period();
                assert_eq!(*score, if first { *label } else { Complex64::ZERO });
            }
        }
    }
}

/// Counts of all that one case does by a split, and the number of its rotation keys.
fn cost(layout: Layout, split: Split) -> (Counts, usize) {
    let case = Case::new(layout);
    let skewed = Skewed::new(&case.model, layout, split).unwrap();
    let forward: Vec<_> = case.features.iter().map(|x| skewed.forward_copies(x, 4).unwrap()).collect();
    let scores = skewed.forward_all(&forward, &case.weights).unwrap();
    assert_close(&layout.unpack_scores(&values(&scores)).unwrap(), &case.x.dot(&case.v.t()));
    let backward: Vec<_> = case.features.iter().map(|x| skewed.backward_copies(x, 3).unwrap()).collect();
    let gradient = skewed.backward(&backward, &case.errors).unwrap();
    let expected = case.e.t().dot(&case.x) * layout.gradient_multiple();
    assert_close(&layout.unpack_weights(&values(&gradient)).unwrap(), &expected);
    (Counts::of(&case.model), rotation_keys(&case.model))
}

#[test]
fn successive_rotations_give_the_same_products_by_fewer_keys() {
    let wide = Layout::new(shape(23, 20, 10), 1024).unwrap();
    let blocks = Layout::new(shape(5, 12, 3), 64).unwrap();
    assert!(wide.column_blocks() == 1 && blocks.column_blocks() == 2);
    for layout in [wide, blocks] {
        for hoisted in Split::candidates(&layout) {
            let (expected, many) = cost(layout, hoisted);
            let lean = Split::lean_candidates(&layout)
                .into_iter()
                .filter(|split| split.with_rotations(hoisted.copies(), hoisted.factors()) == hoisted);
            let keys: Vec<usize> = lean
                .map(|split| {
                    let (counts, keys) = cost(layout, split);
                    assert_eq!(counts.rotations + counts.hoisted, expected.rotations + expected.hoisted);
                    assert_eq!(counts.products, expected.products);
                    assert_eq!(counts.relinearizations, expected.relinearizations);
                    let all = [split.copies(), split.factors()] == [Rotations::Successive; 2];
                    assert!(!all || counts.hoisted == 0, "{split:?}: {counts:?}");
                    keys
                })
                .collect();
            let [factors, copies, all] = keys[..] else { panic!("{keys:?}") };
            assert!(all <= factors.min(copies) && factors.max(copies) <= many, "{keys:?}, not {many}");
            // At most two for the copies of each product, two for weights, one each for errors and giant steps.
            let doublings = 2 * (layout.slots() / layout.period()).ilog2() as usize;
            assert!(all <= 8 + doublings, "{all} keys with {hoisted:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_layout_and_split(
        samples in 1_usize..80,
        columns in 1_usize..60,
        classes in 2_usize..17,
        extra in 0_u32..4,
        width: prop::sample::Index,
        split: prop::sample::Index,
    ) {
        let period = classes.next_power_of_two();
        let slots = (2 * period * period) << extra;
        let layouts = Layout::candidates(shape(samples, columns, classes), slots).unwrap();
        let layout = layouts[width.index(layouts.len())];
        let mut splits = Split::candidates(&layout);
        splits.extend(Split::lean_candidates(&layout));
        Case::new(layout).check(splits[split.index(splits.len())]);
    }

    #[test]
    fn any_size_of_class_blocks(
        samples in 1_usize..80,
        columns in 1_usize..40,
        classes in 3_usize..40,
        log2_period in 1_u32..4,
        extra in 0_u32..4,
        width: prop::sample::Index,
        split: prop::sample::Index,
    ) {
        let period = (1 << log2_period).min(classes.next_power_of_two() / 2);
        let slots = (2 * period * period) << extra;
        let layouts = Layout::with_period(shape(samples, columns, classes), slots, period).unwrap();
        let layout = layouts[width.index(layouts.len())];
        let mut splits = Split::candidates(&layout);
        splits.extend(Split::lean_candidates(&layout));
        let split = splits[split.index(splits.len())];
        check_packing_of_blocks(layout);
        check_class_blocks(layout, split);
        // The last block by itself, with as many classes as are left.
        Case::new(layout.class_block(layout.class_blocks() - 1)).check(split);
    }

    #[test]
    fn weights_are_packed_and_unpacked(
        columns in 1_usize..60,
        classes in 2_usize..17,
        extra in 0_u32..4,
    ) {
        let period = classes.next_power_of_two();
        let layout = Layout::new(shape(3, columns, classes), (2 * period * period) << extra).unwrap();
        let v = matrix(classes, columns, 9);
        assert_close(&layout.unpack_weights(&layout.pack_weights(&v).unwrap()).unwrap(), &v);
    }
}
