//! Polynomials, packed: a residue modulo q takes ⌈log₂ q⌉ bits.
//!
//! A limb of N residues is a string of N·⌈log₂ q⌉ bits, residue j from bit j·⌈log₂ q⌉ on, lowest bit first; bit k of the
//! string is bit k mod 8 of byte ⌊k/8⌋. N is a multiple of 16, so limbs end at whole bytes. Limbs follow one another in
//! the order of the basis.

use std::io::{Read, Write};

use volley_ring::{Eval, ResidueError, RnsBasis, RnsPoly};

use super::{BodyReader, BodyWriter, WireError};
use crate::Parameters;
use crate::params::prime_bits;

/// The primes of polynomials modulo Q_level.
pub(super) fn q_primes(parameters: &Parameters, level: usize) -> impl Iterator<Item = u64> + '_ {
    parameters.q().iter().copied().take(parameters.limbs(level))
}

/// The primes of polynomials modulo Q_level·P.
pub(super) fn qp_primes(parameters: &Parameters, level: usize) -> impl Iterator<Item = u64> + '_ {
    q_primes(parameters, level).chain(parameters.p().iter().copied())
}

/// Bytes of one polynomial.
pub(super) fn poly_bytes(degree: usize, primes: impl Iterator<Item = u64>) -> u64 {
    primes.map(|prime| limb_bytes(degree, prime) as u64).sum()
}

fn limb_bytes(degree: usize, prime: u64) -> usize {
    degree * prime_bits(prime) as usize / 8
}

pub(super) fn write_poly(
    body: &mut BodyWriter<impl Write>,
    poly: &RnsPoly<Eval>,
    primes: impl Iterator<Item = u64>,
) -> Result<(), WireError> {
    let mut packed = Vec::new();
    for (limb, prime) in poly.limbs().zip(primes) {
        packed.clear();
        packed.reserve(limb_bytes(poly.degree(), prime));
        pack(limb, prime_bits(prime), &mut packed);
        body.bytes(&packed)?;
    }
    Ok(())
}

pub(super) fn read_poly(
    body: &mut BodyReader<impl Read>,
    basis: &RnsBasis,
) -> Result<RnsPoly<Eval>, WireError> {
    let primes = || basis.moduli().map(|modulus| modulus.value());
    body.claim(poly_bytes(basis.degree(), primes()))?;
    let mut residues = Vec::with_capacity(basis.limb_count() * basis.degree());
    let mut packed = Vec::new();
    for prime in primes() {
        packed.resize(limb_bytes(basis.degree(), prime), 0);
        body.fill(&mut packed)?;
        unpack(&packed, prime_bits(prime), &mut residues);
    }
    basis.poly(residues).map_err(|error| match error {
        ResidueError::Range { residue, modulus } => WireError::ResidueRange { residue, modulus },
        ResidueError::Count { .. } => WireError::Malformed,
    })
}

/// Appends residues of `bits` bits each.
fn pack(residues: &[u64], bits: u32, packed: &mut Vec<u8>) {
    // Fewer than 64 bits wait when a residue comes.
    let (mut pending, mut count) = (0u128, 0);
    for &residue in residues {
        pending |= u128::from(residue) << count;
        count += bits;
        if count >= u64::BITS {
            packed.extend_from_slice(&(pending as u64).to_le_bytes());
            pending >>= u64::BITS;
            count -= u64::BITS;
        }
    }
    packed.extend_from_slice(&pending.to_le_bytes()[..count as usize / 8]);
}

/// Appends the numbers of `bits` bits each that fill `packed`.
fn unpack(packed: &[u8], bits: u32, residues: &mut Vec<u64>) {
    let mask = u64::MAX >> (u64::BITS - bits);
    // Fewer than `bits` bits wait when a word comes.
    let (mut pending, mut count) = (0u128, 0);
    for chunk in packed.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        pending |= u128::from(u64::from_le_bytes(word)) << count;
        count += 8 * chunk.len() as u32;
        while count >= bits {
            residues.push(pending as u64 & mask);
            pending >>= bits;
            count -= bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bit by bit, as the rule says.
    fn pack_slowly(residues: &[u64], bits: u32) -> Vec<u8> {
        let bits = bits as usize;
        let mut packed = vec![0; residues.len() * bits / 8];
        for k in 0..residues.len() * bits {
            packed[k / 8] |= ((residues[k / bits] >> (k % bits) & 1) as u8) << (k % 8);
        }
        packed
    }

    proptest! {
        #[test]
        fn packing_is_the_rule_and_is_undone(
            bits in 10u32..=50,
            words in prop::collection::vec(any::<u64>(), 1..5),
        ) {
            let degree = 16 * words.len();
            let mask = u64::MAX >> (64 - bits);
            let residues: Vec<u64> =
                (0..degree as u32).map(|j| words[j as usize / 16].rotate_left(7 * j) & mask).collect();
            let mut packed = Vec::new();
            pack(&residues, bits, &mut packed);
            prop_assert_eq!(&packed, &pack_slowly(&residues, bits));
            let mut unpacked = Vec::new();
            unpack(&packed, bits, &mut unpacked);
            prop_assert_eq!(unpacked, residues);
        }
    }
}
