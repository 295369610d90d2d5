//! RNS bases: lists of primes, and the ring operations on polynomials that have a limb for each.

use std::sync::Arc;

use maybe_rayon::prelude::*;

use crate::automorphism::Automorphism;
use crate::buffer::Buffer;
use crate::kernel::Kernel;
use crate::modulus::Modulus;
use crate::ntt::NttTable;
use crate::packed::{PackedPoly, ResidueError};
use crate::poly::{Coeff, Eval, Representation, ResidueSums, RnsPoly};

/// The factors (a₀, a₁) and (b₀, b₁) of a product of pairs: [a₀, a₁, b₀, b₁].
pub type TensorTerm<'a> = [&'a RnsPoly<Eval>; 4];

/// Coefficients of a limb whose sums of products are made together: as many as a page of memory has, so that each
/// polynomial is prefetched and hundreds of them stay in a second-level cache.
const TENSOR_TILE: usize = 512;

/// Residues of a limb that are copied and combined at once: 16 KB, half of a first cache.
const BLOCK: usize = 2048;

/// An ordered list of distinct primes of one degree.
///
/// Cheap to clone and to cut: tables are shared. Where an operation takes polynomials by reference they may have more
/// limbs than the basis has primes; the ones beyond are left alone, so an operand of a higher level needs no copy.
///
/// # Panics
///
/// All methods panic where a polynomial has another degree or too few limbs: that is a contract between Volley's own
/// layers, not something a caller's data can cause.
#[derive(Clone, Debug)]
pub struct RnsBasis {
    degree: usize,
    tables: Vec<Arc<NttTable>>,
    kernel: Kernel,
}

impl RnsBasis {
    /// The basis of `primes`; `None` unless there are any, each is an NTT prime for `degree` and no two are equal.
    ///
    /// # Panics
    ///
    /// Where [`BACKEND_VARIABLE`](crate::BACKEND_VARIABLE) names kernels that this processor does not run: a program
    /// asks [`Kernel::detect`] when it begins, and tells whoever set the variable.
    #[must_use]
    pub fn new(degree: usize, primes: &[u64]) -> Option<Self> {
        let distinct = !primes.is_empty() && primes.iter().enumerate().all(|(i, q)| !primes[..i].contains(q));
        let kernel = Kernel::detect().unwrap_or_else(|unknown| panic!("{unknown}"));
        let tables: Option<Vec<_>> = primes
            .par_iter()
            .map(|&q| Modulus::new(q).and_then(|q| NttTable::new(degree, q, kernel)).map(Arc::new))
            .collect();
        tables.filter(|_| distinct).map(|tables| Self { degree, tables, kernel })
    }

    /// The first `count` primes of this basis, then all of `other`.
    #[must_use]
    pub fn prefix_with(&self, count: usize, other: &Self) -> Self {
        let tables = self.tables[..count].iter().chain(&other.tables).cloned().collect();
        Self { degree: self.degree, tables, kernel: self.kernel }
    }

    /// The first `count` primes.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Self {
        Self { degree: self.degree, tables: self.tables[..count].to_vec(), kernel: self.kernel }
    }

    /// N.
    #[must_use]
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Number of primes.
    #[must_use]
    pub fn limb_count(&self) -> usize {
        self.tables.len()
    }

    /// The primes.
    #[must_use]
    pub fn moduli(&self) -> impl ExactSizeIterator<Item = Modulus> + Clone + '_ {
        self.tables.iter().map(|table| table.modulus())
    }

    /// The kernels in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    pub(crate) fn table(&self, index: usize) -> &NttTable {
        &self.tables[index]
    }

    /// The zero polynomial.
    #[must_use]
    pub fn zero<R: Representation>(&self) -> RnsPoly<R> {
        RnsPoly::zero(self.degree, self.limb_count())
    }

    /// A polynomial of any residues, for a caller that overwrites all of them.
    fn stale<R: Representation>(&self) -> RnsPoly<R> {
        RnsPoly::stale(self.degree, self.limb_count())
    }

    /// a + b.
    #[must_use]
    pub fn sum<R: Representation>(&self, a: &RnsPoly<R>, b: &RnsPoly<R>) -> RnsPoly<R> {
        self.combined(a, b, |q, a, b| self.kernel.add_assign(q, a, b))
    }

    /// a − b.
    #[must_use]
    pub fn difference<R: Representation>(&self, a: &RnsPoly<R>, b: &RnsPoly<R>) -> RnsPoly<R> {
        self.combined(a, b, |q, a, b| self.kernel.sub_assign(q, a, b))
    }

    /// a · b, pointwise.
    #[must_use]
    pub fn product(&self, a: &RnsPoly<Eval>, b: &RnsPoly<Eval>) -> RnsPoly<Eval> {
        self.combined(a, b, |q, a, b| self.kernel.mul_assign(q, a, b))
    }

    /// a ← a + b.
    pub fn add_assign<R: Representation>(&self, a: &mut RnsPoly<R>, b: &RnsPoly<R>) {
        self.zip_limbs(a, b, |table, a, b| self.kernel.add_assign(table.modulus(), a, b));
    }

    /// a ← a + b · c in some limbs only, for an integer c given by its residues.
    pub fn add_scaled_limbs_assign<R: Representation>(
        &self,
        a: &mut RnsPoly<R>,
        (b, residues): (&RnsPoly<R>, &[u64]),
        limbs: std::ops::Range<usize>,
    ) {
        self.each_limb(a, |index, table, limb| {
            if limbs.contains(&index) {
                let q = table.modulus();
                self.kernel.add_scaled(q, limb, b.limb(index), q.shoup(residues[index]));
            }
        });
    }

    /// a ← a − b.
    pub fn sub_assign<R: Representation>(&self, a: &mut RnsPoly<R>, b: &RnsPoly<R>) {
        self.zip_limbs(a, b, |table, a, b| self.kernel.sub_assign(table.modulus(), a, b));
    }

    /// a ← a · b, pointwise.
    pub fn mul_assign(&self, a: &mut RnsPoly<Eval>, b: &RnsPoly<Eval>) {
        self.zip_limbs(a, b, |table, a, b| self.kernel.mul_assign(table.modulus(), a, b));
    }

    /// a ← a − b · c, pointwise, for a polynomial c on a basis that may have more primes: `limb_of(i)` names its limb
    /// for prime i of this basis.
    pub fn sub_product_assign(
        &self,
        a: &mut RnsPoly<Eval>,
        b: &RnsPoly<Eval>,
        c: &RnsPoly<Eval>,
        limb_of: impl Fn(usize) -> usize + Sync + Send,
    ) {
        self.each_limb(a, |index, table, limb| {
            self.kernel.sub_product(table.modulus(), limb, b.limb(index), c.limb(limb_of(index)));
        });
    }

    /// a ← −a.
    pub fn neg_assign<R: Representation>(&self, a: &mut RnsPoly<R>) {
        self.each_limb(a, |_, table, limb| self.kernel.neg_assign(table.modulus(), limb));
    }

    /// a ← a · c for an integer given by its residues.
    pub fn mul_integer_assign<R: Representation>(&self, a: &mut RnsPoly<R>, residues: &[u64]) {
        self.each_limb(a, |index, table, limb| {
            let q = table.modulus();
            self.kernel.mul_constant(q, limb, q.shoup(residues[index]));
        });
    }

    /// a ← a + c for an integer given by its residues: in evaluation form it is added everywhere.
    pub fn add_integer_assign(&self, a: &mut RnsPoly<Eval>, residues: &[u64]) {
        self.each_limb(a, |index, table, limb| {
            let q = table.modulus();
            self.kernel.add_constant(q, limb, q.reduce(residues[index]));
        });
    }

    /// a ← a · X^(N/2).
    pub fn mul_fourth_root_assign(&self, a: &mut RnsPoly<Eval>) {
        let half = self.degree / 2;
        self.each_limb(a, |_, table, limb| {
            for (limb, root) in limb.chunks_exact_mut(half).zip(table.fourth_roots()) {
                self.kernel.mul_constant(table.modulus(), limb, root);
            }
        });
    }

    /// Σ aₖ · cₖ for integers cₖ given by their residues, reduced once.
    #[must_use]
    pub fn sum_of_multiples(&self, terms: &[(&RnsPoly<Eval>, &[u64])]) -> RnsPoly<Eval> {
        let mut sum = self.stale();
        self.each_limb(&mut sum, |index, table, out| {
            let (limbs, factors): (Vec<_>, Vec<_>) =
                terms.iter().map(|(a, residues)| (a.limb(index), residues[index])).unzip();
            self.kernel.weighted_sums(&mut [out], &limbs, &[(table.modulus(), &factors)]);
        });
        sum
    }

    /// Σ (a₀b₀, a₀b₁ + a₁b₀, a₁b₁) over terms [a₀, a₁, b₀, b₁].
    #[must_use]
    pub fn sum_of_tensors(&self, terms: &[TensorTerm<'_>]) -> [RnsPoly<Eval>; 3] {
        let mut sum = [self.stale(), self.stale(), self.stale()];
        self.each_tile(vec![(&mut sum, terms)], |tile| tile.fill(0));
        sum
    }

    /// The [sums](Self::sum_of_tensors) of several lists of terms. Polynomials that several of them have are read from
    /// memory about once.
    #[must_use]
    pub fn sums_of_tensors(&self, terms: &[Vec<TensorTerm<'_>>]) -> Vec<[RnsPoly<Eval>; 3]> {
        let mut sums: Vec<_> = terms.iter().map(|_| [self.stale(), self.stale(), self.stale()]).collect();
        self.each_tile(sums.iter_mut().zip(terms.iter().map(|terms| &terms[..])).collect(), |tile| {
            tile.fill(0);
        });
        sums
    }

    /// sum ← sum + Σ (a₀b₀, a₀b₁ + a₁b₀, a₁b₁) over the terms beside it, for each of several sums. Polynomials that
    /// several of them have are read from memory about once.
    ///
    /// # Panics
    ///
    /// Unless each sum has exactly the limbs of the basis.
    pub fn add_tensors(&self, sums: Vec<(&mut [RnsPoly<Eval>; 3], &[TensorTerm<'_>])>) {
        self.each_tile(sums, |_| ());
    }

    /// Adds products to sums, a tile of coefficients after the other, so that what several sums share stays in the
    /// cache. A sum begins with what `begin` makes of it.
    fn each_tile(
        &self,
        sums: Vec<(&mut [RnsPoly<Eval>; 3], &[TensorTerm<'_>])>,
        begin: impl Fn(&mut [u64]) + Sync + Send,
    ) {
        let (n, limbs) = (self.degree, self.limb_count());
        let fits = |d: &RnsPoly<Eval>| d.degree() == n && d.limb_count() == limbs;
        assert!(sums.iter().all(|(sum, _)| sum.iter().all(fits)), "limbs of another basis");
        let size = n.min(TENSOR_TILE);
        let (tiles, count) = (n / size, sums.len().max(1));
        let (mut chunks, terms): (Vec<_>, Vec<_>) = sums
            .into_iter()
            .map(|(sum, terms)| (sum.each_mut().map(|d| d.residues_mut().chunks_exact_mut(size)), terms))
            .unzip();
        // All sums of the first tile of the first limb, then those of the next tile.
        let mut pieces: Vec<[&mut [u64]; 3]> = Vec::with_capacity(limbs * tiles * count);
        for _ in 0..limbs * tiles {
            pieces.extend(
                chunks.iter_mut().map(|sum| sum.each_mut().map(|chunks| chunks.next().unwrap_or_default())),
            );
        }
        let tiles_at_once = tiles.div_ceil(count);
        pieces.par_chunks_mut(count * tiles_at_once).enumerate().for_each(|(index, pieces)| {
            let mut factors = Vec::new();
            for (index, pieces) in (index * tiles_at_once..).zip(pieces.chunks_mut(count)) {
                let (limb, first) = (index / tiles, index % tiles * size);
                for (sum, terms) in pieces.iter_mut().zip(&terms) {
                    factors.clear();
                    factors
                        .extend(terms.iter().map(|term| term.map(|poly| &poly.limb(limb)[first..][..size])));
                    let [d0, d1, d2] = sum;
                    let mut sum = [&mut **d0, d1, d2];
                    sum.iter_mut().for_each(|tile| begin(tile));
                    self.kernel.add_tensors(self.tables[limb].modulus(), sum, &factors);
                }
            }
        });
    }

    /// Coefficients to evaluations.
    ///
    /// # Panics
    ///
    /// Unless the polynomial has exactly the limbs of the basis.
    #[must_use]
    pub fn forward(&self, mut poly: RnsPoly<Coeff>) -> RnsPoly<Eval> {
        assert_eq!(poly.limb_count(), self.limb_count());
        self.each_limb(&mut poly, |_, table, limb| table.forward(limb));
        poly.reinterpret()
    }

    /// Evaluations to coefficients.
    ///
    /// # Panics
    ///
    /// Unless the polynomial has exactly the limbs of the basis.
    #[must_use]
    pub fn inverse(&self, mut poly: RnsPoly<Eval>) -> RnsPoly<Coeff> {
        assert_eq!(poly.limb_count(), self.limb_count());
        self.each_limb(&mut poly, |_, table, limb| {
            table.inverse_scaled(limb, table.degree_inverse());
        });
        poly.reinterpret()
    }

    /// σ(a) for an automorphism of this degree.
    #[must_use]
    pub fn automorphism(&self, a: &RnsPoly<Eval>, automorphism: &Automorphism) -> RnsPoly<Eval> {
        let mut image = self.stale();
        self.zip_limbs(&mut image, a, |_, image, a| {
            self.kernel.permute_groups(image, a, automorphism.evaluation_index());
        });
        image
    }

    /// a ← a + Σ σ(bₖ), limb by limb in the cache.
    pub fn add_automorphism_assign(
        &self,
        a: &mut RnsPoly<Eval>,
        terms: &[&RnsPoly<Eval>],
        automorphism: &Automorphism,
    ) {
        self.each_limb(a, |index, table, limb| {
            let mut image = Buffer::stale(self.degree);
            for b in terms {
                self.kernel.permute_groups(&mut image, b.limb(index), automorphism.evaluation_index());
                self.kernel.add_assign(table.modulus(), limb, &image);
            }
        });
    }

    /// The coefficients' centred representatives in (−Q/2, Q/2), as floating-point numbers.
    ///
    /// They are computed in a mixed radix with balanced digits: x = v₀ + q₀·(v₁ + q₁·(v₂ + …)) with |vᵢ| < qᵢ/2. A
    /// small coefficient has few digits that are not zero, and loses nothing to cancellation. All digits are computed,
    /// so that no branch depends on them: limbs²/2 products a coefficient.
    #[must_use]
    pub fn to_centred(&self, poly: &RnsPoly<Coeff>) -> Vec<f64> {
        let moduli: Vec<_> = self.moduli().collect();
        let radices = MixedRadix::new(&moduli);
        (0..self.degree)
            .into_par_iter()
            .map_init(|| vec![0; moduli.len()], |digits, j| radices.to_f64(|i| poly.limb(i)[j], digits))
            .collect()
    }

    /// The polynomial with signed coefficients that may be longer than a word. No branch depends on them.
    ///
    /// # Panics
    ///
    /// Unless there are N coefficients.
    #[must_use]
    pub fn from_wide(&self, coefficients: &[i128]) -> RnsPoly<Coeff> {
        assert_eq!(coefficients.len(), self.degree, "one coefficient for each power");
        let mut poly = self.stale();
        self.each_limb(&mut poly, |_, table, limb| {
            let q = table.modulus();
            for (residue, &x) in limb.iter_mut().zip(coefficients) {
                *residue = q.from_signed_wide(x);
            }
        });
        poly
    }

    /// The polynomial with signed coefficients. No branch depends on them.
    #[must_use]
    pub fn from_signed(&self, coefficients: &[i64]) -> RnsPoly<Coeff> {
        let mut poly = self.stale();
        self.each_limb(&mut poly, |_, table, limb| {
            self.kernel.lift_signed(table.modulus(), limb, coefficients);
        });
        poly
    }

    /// The evaluations of the polynomial with signed coefficients, each limb transformed while it is in the cache. No
    /// branch depends on them.
    #[must_use]
    pub fn forward_signed(&self, coefficients: &[i64]) -> RnsPoly<Eval> {
        let mut poly = self.stale();
        self.each_limb(&mut poly, |_, table, limb| {
            self.kernel.lift_signed(table.modulus(), limb, coefficients);
            table.forward(limb);
        });
        poly
    }

    /// The polynomial whose residues are sums of words; `None` for another number of words than the basis has residues.
    #[must_use]
    pub fn reduce(&self, sums: ResidueSums) -> Option<RnsPoly<Eval>> {
        if sums.words().len() != self.degree * self.limb_count() {
            return None;
        }
        let mut poly = sums.into_poly(self.degree);
        self.each_limb(&mut poly, |_, table, limb| {
            limb.iter_mut().for_each(|word| *word = table.modulus().reduce(*word));
        });
        Some(poly)
    }

    /// Packs a polynomial on this basis.
    ///
    /// # Panics
    ///
    /// Unless it has exactly the limbs of the basis.
    #[must_use]
    pub fn pack(&self, poly: &RnsPoly<Eval>) -> PackedPoly {
        PackedPoly::pack(poly, self.moduli().map(Modulus::value))
    }

    /// Bytes of a packed polynomial on this basis.
    #[must_use]
    pub fn packed_bytes(&self) -> usize {
        PackedPoly::byte_count(self.degree, self.moduli().map(Modulus::value))
    }

    /// The polynomial on this basis with these [bytes](PackedPoly::bytes): for what comes from outside.
    ///
    /// # Errors
    ///
    /// [`ResidueError`] unless there are [`packed_bytes`](Self::packed_bytes) of them, and each residue is below its
    /// prime.
    pub fn packed(&self, bytes: Vec<u8>) -> Result<PackedPoly, ResidueError> {
        PackedPoly::from_bytes(self.degree, self.moduli().map(Modulus::value), bytes)
    }

    fn check<R: Representation>(&self, a: &RnsPoly<R>) {
        assert!(a.degree() == self.degree && a.limb_count() >= self.limb_count(), "too few limbs");
    }

    /// A copy of a with b worked into it. Blocks of it are in the first cache for both.
    fn combined<R: Representation>(
        &self,
        a: &RnsPoly<R>,
        b: &RnsPoly<R>,
        f: impl Fn(Modulus, &mut [u64], &[u64]) + Sync + Send,
    ) -> RnsPoly<R> {
        self.check(a);
        self.check(b);
        let mut out = self.stale();
        self.each_limb(&mut out, |index, table, limb| {
            let blocks = a.limb(index).chunks(BLOCK).zip(b.limb(index).chunks(BLOCK));
            for (out, (a, b)) in limb.chunks_mut(BLOCK).zip(blocks) {
                out.copy_from_slice(a);
                f(table.modulus(), out, b);
            }
        });
        out
    }

    fn each_limb<R: Representation>(
        &self,
        a: &mut RnsPoly<R>,
        f: impl Fn(usize, &NttTable, &mut [u64]) + Sync + Send,
    ) {
        self.check(a);
        a.residues_mut()
            .par_chunks_exact_mut(self.degree)
            .zip(&self.tables)
            .enumerate()
            .for_each(|(index, (limb, table))| f(index, table, limb));
    }

    fn zip_limbs<R: Representation>(
        &self,
        a: &mut RnsPoly<R>,
        b: &RnsPoly<R>,
        f: impl Fn(&NttTable, &mut [u64], &[u64]) + Sync + Send,
    ) {
        self.check(b);
        self.each_limb(a, |index, table, limb| f(table, limb, b.limb(index)));
    }
}

/// Constants of the mixed-radix representation.
struct MixedRadix<'a> {
    moduli: &'a [Modulus],
    /// For each i, the products q₀⋯q_(k−1) modulo qᵢ for k < i, and (q₀⋯q_(i−1))⁻¹ modulo qᵢ.
    products: Vec<(Vec<i64>, u64)>,
}

impl<'a> MixedRadix<'a> {
    fn new(moduli: &'a [Modulus]) -> Self {
        let products = moduli
            .iter()
            .enumerate()
            .map(|(i, q)| {
                let prefix = |k: usize| q.product(moduli[..k].iter().copied());
                ((0..i).map(|k| prefix(k) as i64).collect(), q.inverse(prefix(i)))
            })
            .collect();
        Self { moduli, products }
    }

    fn to_f64(&self, residue: impl Fn(usize) -> u64, digits: &mut [i64]) -> f64 {
        for (i, (q, (products, inverse))) in self.moduli.iter().zip(&self.products).enumerate() {
            // Below 2⁴⁹·2⁵⁰ for each limb.
            let known: i128 =
                digits[..i].iter().zip(products).map(|(&v, &p)| i128::from(v) * i128::from(p)).sum();
            digits[i] = q.centred(q.mul(q.sub(residue(i), q.from_signed_wide(known)), *inverse));
        }
        let digits = digits.iter().zip(self.moduli).rev();
        digits.fold(0.0, |x, (&v, q)| x * q.value() as f64 + v as f64)
    }
}

#[cfg(test)]
mod tests;
