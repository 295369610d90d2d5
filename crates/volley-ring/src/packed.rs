//! Polynomials whose residues take no more bits than their primes.
//!
//! A limb of N residues modulo a prime q of b bits is a string of N·b bits, residue j from bit j·b on, lowest bit
//! first; bit k of the string is bit k mod 8 of byte ⌊k/8⌋, and what is left of the last byte is zero. Limbs follow one
//! another. Eight residues fill b bytes, so a vector of them begins at a whole byte.
//!
//! Keys are kept packed. A key switch reads all of its key from memory, so its time is nearly proportional to the key's
//! bytes.

use std::fmt;
use std::ops::Range;

use crate::modulus::Modulus;
use crate::poly::{Eval, RnsPoly};

/// Residues that begin at a whole byte, whatever their bits.
pub(crate) const GROUP: usize = 8;

/// Readable bytes behind the last limb: kernels load a register of the largest at any residue.
pub(crate) const PADDING: usize = 64;

/// A polynomial as packed limbs of reduced residues, in the representation [`Eval`].
#[derive(Clone, PartialEq, Eq)]
pub struct PackedPoly {
    degree: usize,
    /// Bits of a residue and first byte of each limb.
    limbs: Vec<(u32, usize)>,
    /// The limbs, then [`PADDING`] zeros.
    bytes: Vec<u8>,
}

impl PackedPoly {
    /// Packs a polynomial that has a limb for each of `primes`.
    ///
    /// # Panics
    ///
    /// Unless it has, with reduced residues below 2⁵⁰.
    #[must_use]
    pub fn pack(poly: &RnsPoly<Eval>, primes: impl Iterator<Item = u64>) -> Self {
        let mut packed = Self::with_layout(poly.degree(), primes, Vec::new());
        assert_eq!(poly.limb_count(), packed.limb_count());
        packed.bytes.resize(layout_bytes(packed.degree, &packed.limbs) + PADDING, 0);
        for (limb, &(bits, start)) in poly.limbs().zip(&packed.limbs) {
            pack(limb, bits, &mut packed.bytes[start..]);
        }
        packed
    }

    /// The polynomial with these [bytes](Self::bytes) on these primes: for what comes from outside.
    ///
    /// # Errors
    ///
    /// [`ResidueError`] unless there are [`byte_count`](Self::byte_count) of them, and each residue is below its prime.
    pub(crate) fn from_bytes(
        degree: usize,
        primes: impl Iterator<Item = u64> + Clone,
        mut bytes: Vec<u8>,
    ) -> Result<Self, ResidueError> {
        let (expected, actual) = (Self::byte_count(degree, primes.clone()), bytes.len());
        if expected != actual {
            return Err(ResidueError::Count { expected, actual });
        }
        bytes.resize(actual + PADDING, 0);
        let packed = Self::with_layout(degree, primes.clone(), bytes);
        for (index, modulus) in primes.enumerate() {
            let limb = packed.limb(index);
            let too_large = |&residue: &u64| residue >= modulus;
            if let Some(residue) = (0..degree).map(|j| limb.get(j)).find(too_large) {
                return Err(ResidueError::Range { residue, modulus });
            }
        }
        Ok(packed)
    }

    fn with_layout(degree: usize, primes: impl Iterator<Item = u64>, bytes: Vec<u8>) -> Self {
        let mut start = 0;
        let limb = |prime: u64| {
            let bits = residue_bits(prime);
            let limb = (bits, start);
            start += limb_bytes(degree, bits);
            limb
        };
        Self { degree, limbs: primes.map(limb).collect(), bytes }
    }

    /// Bytes of a packed polynomial that has a limb for each of `primes`.
    #[must_use]
    pub fn byte_count(degree: usize, primes: impl Iterator<Item = u64>) -> usize {
        primes.map(|prime| limb_bytes(degree, residue_bits(prime))).sum()
    }

    /// The polynomial.
    #[must_use]
    pub fn unpack(&self) -> RnsPoly<Eval> {
        let mut poly = RnsPoly::stale(self.degree, self.limb_count());
        for (index, out) in poly.residues_mut().chunks_exact_mut(self.degree).enumerate() {
            let limb = self.limb(index);
            out.iter_mut().enumerate().for_each(|(j, out)| *out = limb.get(j));
        }
        poly
    }

    /// Number of primes.
    #[must_use]
    pub fn limb_count(&self) -> usize {
        self.limbs.len()
    }

    /// The limbs.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - PADDING]
    }

    /// The residues modulo the prime `index`.
    pub(crate) fn limb(&self, index: usize) -> PackedLimb<'_> {
        let (bits, start) = self.limbs[index];
        let end = start + limb_bytes(self.degree, bits);
        PackedLimb { bits, length: self.degree, bytes: &self.bytes[start..end + PADDING] }
    }
}

/// Bytes that are no packed polynomial of a basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidueError {
    /// Not as many as its limbs take.
    Count {
        /// Bytes of the limbs.
        expected: usize,
        /// The number given.
        actual: usize,
    },
    /// A residue that is not reduced.
    Range {
        /// The residue.
        residue: u64,
        /// Its prime.
        modulus: u64,
    },
}

/// Shape only: residues may be many.
impl fmt::Debug for PackedPoly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackedPoly")
            .field("degree", &self.degree)
            .field("limbs", &self.limb_count())
            .finish_non_exhaustive()
    }
}

/// Packed residues modulo one prime.
#[derive(Clone, Copy)]
pub(crate) struct PackedLimb<'a> {
    bits: u32,
    length: usize,
    /// [`PADDING`] more than there are residues for.
    bytes: &'a [u8],
}

impl<'a> PackedLimb<'a> {
    /// Number of residues.
    pub(crate) fn len(self) -> usize {
        self.length
    }

    /// Whether these are `length` residues modulo a prime of as many bits as q.
    pub(crate) fn fits(self, q: Modulus, length: usize) -> bool {
        self.length == length && self.bits == q.bits()
    }

    /// The residues, and [`PADDING`] bytes behind the last that are to be read and ignored.
    pub(crate) fn padded_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The residues that do not fill a [`GROUP`].
    pub(crate) fn tail(self) -> Self {
        self.slice(self.length / GROUP * GROUP..self.length)
    }

    /// Some of the residues, from a multiple of [`GROUP`] on.
    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        assert!(range.start.is_multiple_of(GROUP) && range.end <= self.length);
        let start = limb_bytes(range.start, self.bits);
        let end = limb_bytes(range.end, self.bits);
        Self { bits: self.bits, length: range.len(), bytes: &self.bytes[start..end + PADDING] }
    }

    /// Residue j. It lies in the eight bytes from its first byte on: at most 50 bits behind at most seven others.
    #[inline]
    pub(crate) fn get(self, j: usize) -> u64 {
        let first = j * self.bits as usize;
        let (word, _) = self.bytes[first / 8..].split_first_chunk().expect("padding behind the last residue");
        u64::from_le_bytes(*word) >> (first % 8) & (u64::MAX >> (u64::BITS - self.bits))
    }
}

fn residue_bits(prime: u64) -> u32 {
    u64::BITS - prime.leading_zeros()
}

fn limb_bytes(degree: usize, bits: u32) -> usize {
    (degree * bits as usize).div_ceil(8)
}

/// Where the last limb ends.
fn layout_bytes(degree: usize, limbs: &[(u32, usize)]) -> usize {
    limbs.last().map_or(0, |&(bits, start)| start + limb_bytes(degree, bits))
}

/// Writes residues of `bits` bits each, and zeros up to seven bytes further.
fn pack(residues: &[u64], bits: u32, out: &mut [u8]) {
    let (words, _) = out.as_chunks_mut();
    let mut words = words.iter_mut();
    // Fewer than 64 bits wait when a residue comes.
    let (mut pending, mut count) = (0, 0);
    for &residue in residues {
        pending |= residue << count;
        count += bits;
        if count >= u64::BITS
            && let Some(word) = words.next()
        {
            *word = u64::to_le_bytes(pending);
            count -= u64::BITS;
            pending = residue >> (bits - count);
        }
    }
    if let Some(word) = words.next() {
        *word = pending.to_le_bytes();
    }
}

#[cfg(test)]
mod tests;
