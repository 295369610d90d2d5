//! What the unit tests of this crate share: primes, bases and random values that are the same in every run.

use std::convert::Infallible;

use num_bigint::{BigInt, BigUint};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};
use volley_testkit::crt;

use crate::prime::{is_prime, ntt_primes};
use crate::{Coeff, Eval, Representation, RnsBasis, RnsPoly};

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The lowest NTT prime of a bit length: just above a power of two, where a reduction has least room.
pub(crate) fn lowest_prime(degree: usize, bits: u32) -> u64 {
    let step = 2 * degree as u64;
    let first = (1u64 << (bits - 1)).next_multiple_of(step) + 1;
    (first..1 << bits).step_by(step as usize).find(|&q| is_prime(q)).unwrap()
}

/// The basis of distinct primes of the given bit lengths.
pub(crate) fn basis(degree: usize, bits: &[u32]) -> RnsBasis {
    let prime = |i: usize| {
        let used = bits[..i].iter().filter(|&&earlier| earlier == bits[i]).count();
        ntt_primes(degree, bits[i]).nth(used).unwrap()
    };
    RnsBasis::new(degree, &(0..bits.len()).map(prime).collect::<Vec<_>>()).unwrap()
}

pub(crate) fn primes(basis: &RnsBasis) -> Vec<u64> {
    basis.moduli().map(|q| q.value()).collect()
}

pub(crate) fn random_limb(q: u64, length: usize, rng: &mut impl Rng) -> Vec<u64> {
    (0..length).map(|_| rng.next_u64() % q).collect()
}

pub(crate) fn random_poly<R: Representation>(basis: &RnsBasis, rng: &mut impl Rng) -> RnsPoly<R> {
    let residues = primes(basis).into_iter().flat_map(|q| random_limb(q, basis.degree(), rng)).collect();
    RnsPoly::from_residues(basis.degree(), residues).unwrap()
}

/// Σ aₖ · bₖ, one product after the other. The operands may have more limbs than the basis.
pub(crate) fn sum_of_products(basis: &RnsBasis, terms: &[(&RnsPoly<Eval>, &RnsPoly<Eval>)]) -> RnsPoly<Eval> {
    let mut sum = basis.zero();
    for &(a, b) in terms {
        let mut product = a.clone();
        basis.mul_assign(&mut product, b);
        basis.add_assign(&mut sum, &product);
    }
    sum
}

/// Between −bound/2 and bound/2.
pub(crate) fn random_integer(bound: &BigUint, rng: &mut impl Rng) -> BigInt {
    let mut bytes = vec![0; bound.bits() as usize / 8 + 16];
    rng.fill_bytes(&mut bytes);
    BigInt::from(BigUint::from_bytes_le(&bytes) % bound) - BigInt::from(bound / 2u32)
}

/// The polynomial with integer coefficients.
pub(crate) fn from_integers(basis: &RnsBasis, coefficients: &[BigInt]) -> RnsPoly<Coeff> {
    let limbs = crt::split_limbs(coefficients, &primes(basis));
    RnsPoly::from_residues(basis.degree(), limbs.concat()).unwrap()
}

/// Its coefficients in (−Q/2, Q/2].
pub(crate) fn to_integers(basis: &RnsBasis, poly: &RnsPoly<Coeff>) -> Vec<BigInt> {
    crt::combine_limbs(&poly.limbs().collect::<Vec<_>>(), &primes(basis))
}

/// A generator that returns the given words, to drive samplers to chosen values; it panics when they are used up.
pub(crate) struct Words(pub(crate) Vec<u64>);

impl TryRng for Words {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.next_u64() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.remove(0))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes
            .chunks_mut(8)
            .for_each(|chunk| chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]));
        Ok(())
    }
}

impl TryCryptoRng for Words {}
