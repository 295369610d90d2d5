//! Polynomials in RNS: one limb of N residues for each prime.

use std::fmt;
use std::marker::PhantomData;

use zeroize::Zeroize;

use crate::buffer::Buffer;

mod sealed {
    pub trait Sealed {}
}

/// How a polynomial is written down: [`Coeff`] or [`Eval`].
pub trait Representation: sealed::Sealed + Send + Sync + 'static {}

/// Coefficients of 1, X, …, X^(N−1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coeff {}

/// Evaluations at the odd powers of ψ, in the order of [`crate::ntt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eval {}

impl sealed::Sealed for Coeff {}
impl sealed::Sealed for Eval {}
impl Representation for Coeff {}
impl Representation for Eval {}

/// A polynomial as limbs of reduced residues, in the representation `R`.
///
/// It does not know its primes: operations are methods of [`RnsBasis`](crate::RnsBasis). Representations do not mix:
///
/// ```compile_fail
/// # use volley_ring::*;
/// fn sum(basis: &RnsBasis, a: &mut RnsPoly<Coeff>, b: &RnsPoly<Eval>) {
///     basis.add_assign(a, b);
/// }
/// ```
pub struct RnsPoly<R> {
    degree: usize,
    residues: Buffer,
    representation: PhantomData<R>,
}

impl<R: Representation> RnsPoly<R> {
    /// The zero polynomial with `limbs` limbs.
    #[must_use]
    pub fn zero(degree: usize, limbs: usize) -> Self {
        Self { degree, residues: Buffer::zero(degree * limbs), representation: PhantomData }
    }

    /// A polynomial of any residues, for a caller that overwrites all of them.
    pub(crate) fn stale(degree: usize, limbs: usize) -> Self {
        Self { degree, residues: Buffer::stale(degree * limbs), representation: PhantomData }
    }

    /// A polynomial from the residues of its limbs, one limb after the other; `None` if they do not fill whole limbs.
    /// The residues must be reduced; [`RnsBasis::packed`](crate::RnsBasis::packed) checks those that come from outside.
    #[must_use]
    pub fn from_residues(degree: usize, residues: Vec<u64>) -> Option<Self> {
        (degree > 0 && residues.len().is_multiple_of(degree)).then_some(Self {
            degree,
            residues: residues.into(),
            representation: PhantomData,
        })
    }

    /// N.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Number of primes.
    #[must_use]
    pub fn limb_count(&self) -> usize {
        self.residues.len() / self.degree
    }

    /// The residues modulo the prime `index`.
    ///
    /// # Panics
    ///
    /// Where there is no such limb.
    #[must_use]
    pub fn limb(&self, index: usize) -> &[u64] {
        &self.residues[index * self.degree..(index + 1) * self.degree]
    }

    /// All limbs, one after the other.
    #[must_use]
    pub fn residues(&self) -> &[u64] {
        &self.residues
    }

    pub(crate) fn residues_mut(&mut self) -> &mut [u64] {
        &mut self.residues
    }

    /// The limbs.
    #[must_use]
    pub fn limbs(&self) -> impl ExactSizeIterator<Item = &[u64]> {
        self.residues.chunks_exact(self.degree)
    }

    /// Forgets all limbs but the first `count`.
    pub fn truncate(&mut self, count: usize) {
        self.residues.truncate(count * self.degree);
    }

    /// A copy of the first `count` limbs.
    ///
    /// # Panics
    ///
    /// Where there are fewer.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Self {
        let residues = Buffer::copy_of(&self.residues[..count * self.degree]);
        Self { degree: self.degree, residues, representation: PhantomData }
    }

    /// The same residues, in another representation: for code that transforms them.
    pub(crate) fn reinterpret<S: Representation>(self) -> RnsPoly<S> {
        RnsPoly { degree: self.degree, residues: self.residues, representation: PhantomData }
    }
}

/// Evaluations modulo several primes whose residues are added to those of others as 64-bit words, and reduced once by
/// [`RnsBasis::reduce`](crate::RnsBasis::reduce). Primes are below 2^50, so that there is room for 2^14 polynomials.
pub struct ResidueSums(Buffer);

impl ResidueSums {
    /// The sum of no polynomials with `limbs` limbs of N residues.
    #[must_use]
    pub fn zero(degree: usize, limbs: usize) -> Self {
        Self(Buffer::zero(degree * limbs))
    }

    /// The words, one limb after the other.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.0
    }

    /// The words, to which others are added.
    #[must_use]
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }

    /// The polynomial whose limbs the caller reduces.
    pub(crate) fn into_poly(self, degree: usize) -> RnsPoly<Eval> {
        RnsPoly { degree, residues: self.0, representation: PhantomData }
    }
}

impl From<RnsPoly<Eval>> for ResidueSums {
    fn from(poly: RnsPoly<Eval>) -> Self {
        Self(poly.residues)
    }
}

/// Length only, as of polynomials.
impl fmt::Debug for ResidueSums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ResidueSums").field(&self.0.len()).finish()
    }
}

impl<R> Clone for RnsPoly<R> {
    fn clone(&self) -> Self {
        Self { degree: self.degree, residues: self.residues.clone(), representation: PhantomData }
    }
}

impl<R> PartialEq for RnsPoly<R> {
    fn eq(&self, other: &Self) -> bool {
        self.degree == other.degree && self.residues == other.residues
    }
}

impl<R> Eq for RnsPoly<R> {}

impl<R> Zeroize for RnsPoly<R> {
    fn zeroize(&mut self) {
        self.residues.zeroize();
    }
}

/// Shape only: residues may be secret.
impl<R> fmt::Debug for RnsPoly<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RnsPoly")
            .field("degree", &self.degree)
            .field("residues", &self.residues.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
