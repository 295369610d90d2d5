//! The operations that circuits are written in.
//!
//! A circuit (a matrix product, a sigmoid, a training iteration) is a function over [`Arithmetic`]. It runs on
//! ciphertexts with [`Evaluator`](crate::Evaluator), in clear with [`ClearSlots`](crate::ClearSlots), and without any
//! values with [`Simulator`](crate::Simulator), which follows levels and scales, refuses what the evaluator would
//! refuse, and counts. What a plan says of a circuit is therefore what the circuit does.
//!
//! The layer has the traits that backends implement, and what they share: plans of linear transforms, counts of
//! operations and their times. It imports `base` and `scheme`.

use num_complex::Complex64;

pub(crate) mod bootstrap;
pub(crate) mod cost_model;
pub(crate) mod counts;
pub(crate) mod linear_transform;

use crate::base::error::Error;
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::scheme::operand::Operand;

/// The factors of the products of a sum.
pub type ProductTerms<'a, C> = Vec<(&'a C, &'a C)>;

/// CKKS arithmetic on ciphertexts of type [`Ciphertext`](Self::Ciphertext).
///
/// Slots are complex. Operations on two operands of different levels work at the lower one. Sums require equal scales,
/// products multiply scales, [`rescale`](Self::rescale) divides by the primes of the level. Of two operands the one with
/// fewer slots is repeated until it has as many as the other: that is what sparse packing means. All operands belong to
/// one parameter set and one key, or the operation is refused.
///
/// # Room for values
///
/// A ciphertext holds its slots times its scale, modulo Q_level. A scale that is not below Q_level is refused. Nobody
/// but the owner sees the slots, so values are not checked: **|value| · scale has to stay below Q_level/2**. Where it
/// does not, what is decrypted is the remainder modulo Q_level/scale, another value, without an error. A scale of 2⁴⁰
/// under a first prime of 50 bits leaves 2⁹ at level 0: the square of 500 does not fit there, and comes out as 144
/// (250000 modulo 1024). One level more has room for 2⁴⁹.
///
/// # Errors
///
/// Each method returns [`Error`] for what a caller's data can cause: scales that differ, no level left, a scale that
/// the modulus does not hold ([`Operand`]), a constant that it does not hold, a key that is missing or made for fewer
/// levels, another parameter set, another owner's key, and [`Error::Backend`] for a failure of its own.
///
/// # Other backends
///
/// The trait is implemented outside of this crate too. Ciphertexts, tensors and plaintexts are the backend's own:
/// handles of a device's memory, say. What a circuit sees of them is their [`Operand`], which stays on the host. Values
/// come in by [`encode`](Self::encode) alone, and circuits take none out. A clone may share its memory, as no operation
/// changes an operand. Operations may be asked for from several threads.
///
/// The rules of levels and scales are the methods of [`Operand`], and those of linear transforms the methods of
/// [`LinearTransform`](crate::LinearTransform): a backend calls them and computes. The tables of the parameter set are
/// [`LevelTables`](crate::LevelTables), polynomials of ciphertexts and keys go in and out by [`raw`](crate::raw).
/// `tests/seam/device.rs` of this crate is a small backend.
#[expect(clippy::missing_errors_doc, reason = "the errors are those listed above, for every method")]
pub trait Arithmetic: Send + Sync {
    /// A degree-1 ciphertext.
    type Ciphertext: Clone + Send + Sync;
    /// A degree-2 ciphertext: a sum of products that has not been relinearized.
    type Tensor: Clone + Send + Sync;
    /// An encoded vector of slots.
    type Plaintext: Send + Sync;

    /// The parameter set.
    fn parameters(&self) -> &Parameters;
    /// Level, scale and slot count of a ciphertext.
    fn operand<'a>(&self, a: &'a Self::Ciphertext) -> &'a Operand;
    /// Level, scale and slot count of a degree-2 ciphertext.
    fn tensor_operand<'a>(&self, a: &'a Self::Tensor) -> &'a Operand;

    /// Encodes the slots that `values` gives. A simulator does not call `values`.
    fn encode(
        &self,
        values: impl FnOnce() -> Vec<Complex64>,
        scale: &Scale,
        level: usize,
    ) -> Result<Self::Plaintext, Error>;

    /// a + b.
    fn add(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, Error>;
    /// a − b.
    fn sub(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, Error>;
    /// −a.
    fn neg(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, Error>;
    /// a + p, slot by slot.
    fn add_plain(&self, a: &Self::Ciphertext, p: &Self::Plaintext) -> Result<Self::Ciphertext, Error>;
    /// a + c in every slot. It costs no level and no transform.
    fn add_constant(&self, a: &Self::Ciphertext, c: f64) -> Result<Self::Ciphertext, Error>;
    /// a · p, slot by slot; not rescaled. It needs [room](Self#room-for-values), as any product.
    fn multiply_plain(&self, a: &Self::Ciphertext, p: &Self::Plaintext) -> Result<Self::Ciphertext, Error>;
    /// a · c for one real constant, encoded at `scale`; not rescaled.
    fn multiply_constant(
        &self,
        a: &Self::Ciphertext,
        c: f64,
        scale: &Scale,
    ) -> Result<Self::Ciphertext, Error>;
    /// Σ cₖ·aₖ at `level`, the lowest of all or below, with each constant so encoded that the sum has `scale`; not
    /// rescaled. A constant has `scale` over that of its term. So for constants that are not whole `scale` is larger
    /// than the terms', by what a rescaling divides by: [`weighted_sum`](Self::weighted_sum) chooses it.
    fn linear_combination(
        &self,
        terms: &[(&Self::Ciphertext, f64)],
        scale: &Scale,
        level: usize,
    ) -> Result<Self::Ciphertext, Error> {
        let product = |&(a, c): &(&Self::Ciphertext, f64)| {
            let factor = scale.divided_by(&self.operand(a).scale);
            self.multiply_constant(&self.drop_level(a, level)?, c, &factor)
        };
        let (first, others) = terms.split_first().ok_or(Error::EmptySum)?;
        others.iter().try_fold(product(first)?, |sum, term| self.add(&sum, &product(term)?))
    }
    /// Σ cₖ·aₖ for terms of any levels and scales, rescaled: it has the scale of the first term, one level below the
    /// lowest of all. `weighted_sum(&[(&x, 1.0), (&square, 1.0)])` is x + x².
    fn weighted_sum(&self, terms: &[(&Self::Ciphertext, f64)]) -> Result<Self::Ciphertext, Error> {
        let (first, _) = terms.first().ok_or(Error::EmptySum)?;
        let lowest = terms.iter().map(|(a, _)| self.operand(a).level).min().unwrap_or(0);
        if lowest == 0 {
            return Err(Error::LevelExhausted { level: 0, required: 1 });
        }
        let scale = self.operand(first).scale.times(&self.parameters().rescaling_factor(lowest));
        self.rescale(&self.linear_combination(terms, &scale, lowest)?)
    }
    /// a · i: a product with the monomial X^(N/2), exact, at no level.
    fn multiply_by_i(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, Error>;

    /// Σ aₖ·bₖ, neither relinearized nor rescaled. All terms have one product of scales.
    fn sum_of_products(
        &self,
        terms: &[(&Self::Ciphertext, &Self::Ciphertext)],
    ) -> Result<Self::Tensor, Error>;
    /// The [sum of products](Self::sum_of_products) of each list of terms. A backend may read factors that several sums
    /// have from memory once.
    fn sums_of_products(
        &self,
        terms: &[ProductTerms<'_, Self::Ciphertext>],
    ) -> Result<Vec<Self::Tensor>, Error> {
        terms.iter().map(|terms| self.sum_of_products(terms)).collect()
    }
    /// sum + Σ aₖ·bₖ for each sum and the terms beside it, as [`add_tensor`](Self::add_tensor) gives it. A backend may
    /// do it in one pass through memory, and read factors that several sums have once.
    fn add_products(
        &self,
        sums: Vec<(Self::Tensor, ProductTerms<'_, Self::Ciphertext>)>,
    ) -> Result<Vec<Self::Tensor>, Error> {
        let add = |(sum, terms): (_, Vec<_>)| self.add_tensor(sum, &self.sum_of_products(&terms)?);
        sums.into_iter().map(add).collect()
    }
    /// a + b for degree-2 ciphertexts.
    fn add_tensor(&self, a: Self::Tensor, b: &Self::Tensor) -> Result<Self::Tensor, Error>;
    /// a + b for a degree-2 and a degree-1 ciphertext.
    fn add_to_tensor(&self, a: Self::Tensor, b: &Self::Ciphertext) -> Result<Self::Tensor, Error>;
    /// Brings a degree-2 ciphertext back to degree 1: one key switch.
    fn relinearize(&self, a: &Self::Tensor) -> Result<Self::Ciphertext, Error>;
    /// Relinearizes and rescales in one division by P and the primes of the level, cheaper than one after the other.
    fn relinearize_rescale(&self, a: &Self::Tensor) -> Result<Self::Ciphertext, Error>;

    /// Divides by the primes of the level with rounding: one level down, the scale divided by those primes. Values keep
    /// the room that they have.
    fn rescale(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, Error>;
    /// Forgets primes above `level`; values do not change as long as there is [room](Self#room-for-values) for them.
    fn drop_level(&self, a: &Self::Ciphertext, level: usize) -> Result<Self::Ciphertext, Error>;

    /// Slot j of the result is slot j + `steps` of `a`, cyclically. Steps count modulo the n slots, and steps that are
    /// equal modulo n take one key: that of the step in (−n/2, n/2] or, where there is none, that of another equal
    /// step. The rotation of a sparsely packed ciphertext by n + 1 takes the key of the rotation by 1.
    fn rotate(&self, a: &Self::Ciphertext, steps: i64) -> Result<Self::Ciphertext, Error>;
    /// The rotations of one ciphertext by each of `steps`, with one gadget decomposition for all.
    fn rotate_hoisted(&self, a: &Self::Ciphertext, steps: &[i64]) -> Result<Vec<Self::Ciphertext>, Error>;
    /// Σ rot(a, s) over `steps`, with one decomposition and one division by P in all. It is the cheapest way to add few
    /// rotations, and takes a key for each.
    fn sum_of_rotations(&self, a: &Self::Ciphertext, steps: &[i64]) -> Result<Self::Ciphertext, Error> {
        let rotated = self.rotate_hoisted(a, steps)?;
        let (first, others) = rotated.split_first().ok_or(Error::EmptySum)?;
        others.iter().try_fold(first.clone(), |sum, rotated| self.add(&sum, rotated))
    }
    /// The complex conjugate of every slot.
    fn conjugate(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, Error>;

    /// a · b, relinearized and rescaled: one level. The product needs [room](Self#room-for-values) at the level below.
    fn multiply(&self, a: &Self::Ciphertext, b: &Self::Ciphertext) -> Result<Self::Ciphertext, Error> {
        self.relinearize_rescale(&self.sum_of_products(&[(a, b)])?)
    }

    /// a², relinearized and rescaled: one level. The square needs [room](Self#room-for-values) at the level below.
    fn square(&self, a: &Self::Ciphertext) -> Result<Self::Ciphertext, Error> {
        self.multiply(a, a)
    }
}
