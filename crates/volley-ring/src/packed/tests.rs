use proptest::prelude::*;

use super::*;
use crate::basis::RnsBasis;
use crate::tests::{basis, lowest_prime, primes, random_poly, rng};

/// Bit by bit, as the rule says.
fn pack_slowly(limbs: impl Iterator<Item = (u64, Vec<u64>)>) -> Vec<u8> {
    limbs
        .flat_map(|(prime, limb)| {
            let bits = prime.ilog2() as usize + 1;
            let mut bytes = vec![0; (limb.len() * bits).div_ceil(8)];
            for k in 0..limb.len() * bits {
                bytes[k / 8] |= ((limb[k / bits] >> (k % bits) & 1) as u8) << (k % 8);
            }
            bytes
        })
        .collect()
}

proptest! {
    #[test]
    fn packing_is_the_rule_and_is_undone(
        log_degree in 4u32..8,
        bits in prop::collection::btree_set(14u32..=50, 1..5),
        seed: u64,
    ) {
        let degree = 1 << log_degree;
        let primes: Vec<u64> = bits.iter().map(|&bits| lowest_prime(degree, bits)).collect();
        let basis = RnsBasis::new(degree, &primes).unwrap();
        let poly = random_poly(&basis, &mut rng(seed));
        let packed = basis.pack(&poly);
        let limbs = primes.into_iter().zip(poly.limbs().map(<[u64]>::to_vec));
        prop_assert_eq!(packed.bytes(), pack_slowly(limbs));
        prop_assert_eq!(packed.bytes().len(), basis.packed_bytes());
        prop_assert_eq!(packed.unpack(), poly);
        prop_assert_eq!(basis.packed(packed.bytes().to_vec()), Ok(packed));
    }
}

#[test]
fn slices_are_parts_of_the_limb() {
    let basis = basis(64, &[37, 50]);
    let poly = random_poly(&basis, &mut rng(1));
    let packed = basis.pack(&poly);
    for index in 0..2 {
        for range in [0..64, 8..24, 56..64, 16..19, 64..64] {
            let slice = packed.limb(index).slice(range.clone());
            let residues: Vec<u64> = (0..slice.len()).map(|j| slice.get(j)).collect();
            assert_eq!(residues, poly.limb(index)[range]);
        }
        assert_eq!(packed.limb(index).slice(8..19).tail().get(2), poly.limb(index)[18]);
    }
}

#[test]
fn bytes_from_outside_are_counted_and_their_residues_reduced() {
    let basis = basis(16, &[50, 40, 41]);
    let q = primes(&basis);
    let largest: Vec<Vec<u64>> = q.iter().map(|&q| vec![q - 1; 16]).collect();
    let bytes = |limbs: &[Vec<u64>]| pack_slowly(q.iter().copied().zip(limbs.iter().cloned()));
    assert_eq!(basis.packed(bytes(&largest)).unwrap().unpack().residues(), largest.concat());
    for limb in 0..q.len() {
        let mut wrong = largest.clone();
        wrong[limb][5] += 1;
        let error = ResidueError::Range { residue: q[limb], modulus: q[limb] };
        assert_eq!(basis.packed(bytes(&wrong)), Err(error));
    }
    let expected = 16 * (50 + 40 + 41) / 8;
    for actual in [0, expected - 1, expected + 1, 2 * expected] {
        let error = ResidueError::Count { expected, actual };
        assert_eq!(basis.packed(vec![0; actual]), Err(error));
    }
}
