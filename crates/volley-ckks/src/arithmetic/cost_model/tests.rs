use std::collections::BTreeMap;

use super::*;
use crate::circuits::bootstrapping::BootstrapArithmetic;
use crate::testing::parameters;
use crate::{LinearArithmetic, LinearTransform, Simulator};

const MODEL: CostModel = CostModel {
    transform: 0.1,
    product: 1.0,
    pass: 2.0,
    encoding: 0.1,
    first_use: 0.0,
    made: 0.0,
    sent: 0.0,
};

#[test]
fn every_operation_takes_time_and_more_of_it_at_higher_levels() {
    let parameters = parameters(12, 6);
    for operation in Operation::ALL {
        let times: Vec<f64> = (1..=6).map(|level| MODEL.nanoseconds(&parameters, operation, level)).collect();
        assert!(times[0] > 0.0 && times.is_sorted_by(|a, b| a < b), "{operation:?}: {times:?}");
    }
}

/// The parts of a rotation at a level, counted one by one.
#[test]
fn a_rotation_has_the_parts_of_its_steps() {
    let parameters = parameters(10, 4);
    // Two special primes: digits of two primes, the last of one.
    let (limbs, extended, digits) = (5.0, 7.0, 3.0);
    let [transform, product, pass] = [0, 1, 2].map(|part| {
        let mut times = [0.0; 4];
        times[part] = 1.0;
        let model = MODEL.with_operations(times);
        model.nanoseconds(&parameters, Operation::Rotation, 4) / 1024.0
    });
    // Transforms of digits to all primes, and of both polynomials divided by P.
    assert_eq!(transform, 10.0 * (digits * extended + 2.0 * extended));
    // Basis conversion of digits, both halves of the key, basis conversion of P to Q for both polynomials.
    assert_eq!(product, limbs * extended + 2.0 * digits * extended + 2.0 * 2.0 * limbs);
    // The operand, key and product, division, permutation of both polynomials there and back.
    let division = 2.0 * (2.0 + 2.0 * limbs);
    assert_eq!(pass, limbs + 2.0 * (digits + 1.0) * extended + division + 4.0 * limbs);
}

#[test]
fn hoisting_splits_a_rotation_and_moves_its_digits_through_memory() {
    let parameters = parameters(12, 6);
    let times = |model: CostModel| {
        let nanoseconds = |operation| model.nanoseconds(&parameters, operation, 5);
        let hoisted = [Operation::Hoisting, Operation::HoistedRotation].map(nanoseconds);
        (nanoseconds(Operation::Rotation), hoisted.iter().sum::<f64>())
    };
    let (rotation, hoisted) = times(CostModel { pass: 0.0, ..MODEL });
    assert!((rotation / hoisted - 1.0).abs() < 1e-12);
    let (rotation, hoisted) = times(MODEL);
    assert!(hoisted > rotation);
}

#[test]
fn seconds_are_those_of_what_was_counted() {
    let parameters = parameters(10, 3);
    let simulator = Simulator::new(&parameters);
    let seconds = || MODEL.seconds(&parameters, &simulator.counts());
    assert_eq!(seconds(), 0.0);
    let a = simulator.input(&parameters.scale(), 3).unwrap();
    let identity = LinearTransform::new(&parameters, 3, 512, [0]).unwrap();
    let identity = simulator.encode_transform(&identity, &parameters.scale(), |_| Vec::new()).unwrap();
    simulator.transform(&a, &identity).unwrap();
    simulator.raise(&a, 3).unwrap();
    simulator.raise(&a, 3).unwrap();
    let nanoseconds = |operation| MODEL.nanoseconds(&parameters, operation, 3);
    let expected = nanoseconds(Operation::DiagonalProduct)
        + 2.0 * nanoseconds(Operation::ModDown)
        + 2.0 * nanoseconds(Operation::Raising);
    assert!((seconds() / (1e-9 * expected) - 1.0).abs() < 1e-12);
}

#[test]
fn bytes_take_their_time() {
    let model = CostModel { first_use: 0.5, made: 2.0, sent: 8.0, ..MODEL };
    let seconds = [model.first_use_seconds(1000), model.owner_seconds(1000), model.line_seconds(1000)];
    for (seconds, nanoseconds) in seconds.into_iter().zip([500.0, 2000.0, 8000.0]) {
        assert!((seconds * 1e9 / nanoseconds - 1.0).abs() < 1e-12);
    }
}

#[test]
fn key_switches_hold_digits_and_a_product_and_hoisted_ones_share_the_digits() {
    let parameters = parameters(10, 4);
    let bytes = |operation| scratch_bytes(&parameters, operation, 4);
    // Five ciphertext primes and two special ones: three digits, two polynomials of the product.
    let poly = 7 * 1024 * 8;
    assert_eq!(bytes(Operation::Rotation), 5 * poly);
    assert_eq!(bytes(Operation::Hoisting) + bytes(Operation::HoistedRotation), bytes(Operation::Rotation));
    assert_eq!(bytes(Operation::ExtendedRotation), bytes(Operation::HoistedRotation));
    let by_bytes = Operation::ALL.iter().fold(BTreeMap::<_, usize>::new(), |mut counts, &operation| {
        *counts.entry(bytes(operation) / poly).or_default() += 1;
        counts
    });
    assert_eq!(by_bytes, [(0, 6), (2, 2), (3, 1), (5, 4)].into());
}

#[test]
fn kinds_are_ordered_by_what_operations_take() {
    let parameters = Parameters::n14().unwrap();
    for operation in Operation::ALL {
        let [ifma, avx512, avx2, other] = CoreKind::ALL
            .map(|kind| CostModel::of(kind).nanoseconds(&parameters, operation, parameters.max_level()));
        assert!(ifma < avx2 && avx2 < avx512 && avx2 < other, "{operation:?}");
    }
}
