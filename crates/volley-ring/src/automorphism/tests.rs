use proptest::prelude::*;
use volley_testkit::schoolbook;

use super::*;
use crate::tests::{basis, primes, random_poly, rng};
use crate::{Coeff, RnsBasis, RnsPoly};

const DEGREE: usize = 32;

fn sigma(element: u64) -> Automorphism {
    Automorphism::new(DEGREE, element).unwrap()
}

fn ring() -> RnsBasis {
    basis(DEGREE, &[50, 40, 20])
}

/// The substitution in every limb, by its definition.
fn substituted(ring: &RnsBasis, poly: &RnsPoly<Coeff>, element: u64) -> RnsPoly<Coeff> {
    let limbs = poly.limbs().zip(primes(ring));
    let residues = limbs.flat_map(|(limb, q)| schoolbook::automorphism(limb, element, q)).collect();
    RnsPoly::from_residues(ring.degree(), residues).unwrap()
}

fn elements() -> impl Strategy<Value = u64> {
    (0..DEGREE as u64).prop_map(|k| 2 * k + 1)
}

#[test]
fn every_automorphism_is_the_substitution() {
    let (ring, mut rng) = (ring(), rng(0));
    for element in (1..2 * DEGREE as u64).step_by(2) {
        let poly: RnsPoly<Coeff> = random_poly(&ring, &mut rng);
        let image = substituted(&ring, &poly, element);
        assert_eq!(ring.automorphism(&ring.forward(poly), &sigma(element)), ring.forward(image));
    }
}

#[test]
fn automorphisms_of_large_rings_are_the_substitution() {
    for degree in [16, 1 << 10, 1 << 14] {
        let ring = basis(degree, &[50]);
        let poly: RnsPoly<Coeff> = random_poly(&ring, &mut rng(1));
        for element in [1, 3, 5, 25, degree as u64 + 1, 2 * degree as u64 - 1] {
            let sigma = Automorphism::new(degree, element).unwrap();
            let image = ring.forward(substituted(&ring, &poly, element));
            assert_eq!(ring.automorphism(&ring.forward(poly.clone()), &sigma), image);
        }
    }
}

#[test]
fn blocks_come_from_blocks() {
    let degree = 1 << 10;
    for element in [1, 3, 5, 25, degree as u64 + 1, 2 * degree as u64 - 1] {
        let sigma = Automorphism::new(degree, element).unwrap();
        for length in (0..=10).map(|log| 1 << log) {
            for start in (0..degree).step_by(length) {
                let image = start..start + length;
                let source = sigma.source_block(image.clone());
                let mut read: Vec<_> =
                    sigma.evaluation_index()[image].iter().map(|&index| index as usize).collect();
                read.sort_unstable();
                assert!(source.eq(read), "{element}, {length} from {start}");
            }
        }
    }
}

#[test]
fn an_operand_of_a_higher_level_gives_the_limbs_of_the_basis() {
    let ring = ring();
    let poly = random_poly(&ring, &mut rng(2));
    let image = ring.prefix(2).automorphism(&poly, &sigma(5));
    assert_eq!(image, ring.automorphism(&poly, &sigma(5)).prefix(2));
}

proptest! {
    #[test]
    fn automorphisms_compose_as_their_elements_multiply(a in elements(), b in elements(), seed: u64) {
        let ring = ring();
        let product = sigma(a * b % (2 * DEGREE as u64));
        let f = random_poly(&ring, &mut rng(seed));
        prop_assert_eq!(
            ring.automorphism(&ring.automorphism(&f, &sigma(b)), &sigma(a)),
            ring.automorphism(&f, &product)
        );
    }

    #[test]
    fn automorphisms_are_multiplicative(g in elements(), seed: u64) {
        let (ring, mut rng) = (ring(), rng(seed));
        let (a, b) = (random_poly(&ring, &mut rng), random_poly(&ring, &mut rng));
        let mut product = a.clone();
        ring.mul_assign(&mut product, &b);
        let mut images = ring.automorphism(&a, &sigma(g));
        ring.mul_assign(&mut images, &ring.automorphism(&b, &sigma(g)));
        prop_assert_eq!(ring.automorphism(&product, &sigma(g)), images);
    }
}

#[test]
fn the_element_is_kept() {
    assert_eq!(sigma(25).element(), 25);
    assert_eq!(sigma(25), sigma(25));
    assert_ne!(sigma(25), sigma(5));
}

#[test]
fn even_and_unreduced_elements_and_other_degrees_are_refused() {
    for element in [0, 2, 2 * DEGREE as u64, 2 * DEGREE as u64 + 1, u64::MAX] {
        assert_eq!(Automorphism::new(DEGREE, element), None, "g={element}");
    }
    for degree in [0, 1, 24] {
        assert_eq!(Automorphism::new(degree, 1), None, "N={degree}");
    }
}
