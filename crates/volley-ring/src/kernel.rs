//! Transforms of limbs and pointwise loops over them: those whose time matters, in a scalar and in vectorised backends.
//!
//! Every function works on one limb (a slice of residues modulo one prime) or on several limbs of the same length.
//! Inputs are reduced unless the function says otherwise; outputs always are. [`scalar`] is the reference; a
//! vectorised backend is another arm of `dispatch!` and is compared with the reference bit for bit.

/// Changes a limb vector by vector, and what does not fill a vector by a scalar kernel. `load`, `store` and `LANES` are
/// those of the backend that uses it.
#[cfg(target_arch = "x86_64")]
macro_rules! in_place {
    ($a:ident, |$x:ident| $vector:expr, |$tail:ident| $scalar:expr) => {{
        let (chunks, $tail) = $a.as_chunks_mut::<LANES>();
        for chunk in chunks {
            let $x = load(chunk);
            store(chunk, $vector);
        }
        $scalar;
    }};
}

/// As `in_place!`, with a second limb.
#[cfg(target_arch = "x86_64")]
macro_rules! with_operand {
    ($a:ident, $b:ident, |$x:ident, $y:ident| $vector:expr, |$tail:ident, $other:ident| $scalar:expr) => {{
        let (chunks, $tail) = $a.as_chunks_mut::<LANES>();
        let (others, $other) = $b.as_chunks::<LANES>();
        for (chunk, other) in chunks.iter_mut().zip(others) {
            let ($x, $y) = (load(chunk), load(other));
            store(chunk, $vector);
        }
        $scalar;
    }};
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "loads and stores of vectors")]
mod avx2;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "loads and stores of vectors")]
mod avx512;
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "loads and stores of vectors")]
mod avx512ifma;
#[cfg(target_arch = "x86_64")]
mod floating;
mod scalar;
mod unknown_backend;

pub use unknown_backend::UnknownBackend;

use crate::modulus::{Modulus, ShoupFactor};
use crate::packed::PackedLimb;

/// The environment variable that chooses the kernels: the [name](Kernel::name) of an instruction set.
pub const BACKEND_VARIABLE: &str = "VOLLEY_BACKEND";

/// The instruction set in use. A value other than `Scalar` is proof that the processor has it: [`Kernel::available`]
/// is the only place that makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backend {
    #[cfg(target_arch = "x86_64")]
    Avx512Ifma,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Scalar,
}

/// The kernels of one instruction set, chosen once per basis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    backend: Backend,
}

/// The transform of one prime and degree. One with vectors exists only where the instructions were detected.
pub(crate) enum Transform {
    #[cfg(target_arch = "x86_64")]
    Avx512Ifma(avx512ifma::transform::Twiddles),
    #[cfg(target_arch = "x86_64")]
    Avx512(floating::Twiddles),
    #[cfg(target_arch = "x86_64")]
    Avx2(floating::Twiddles),
    Scalar(scalar::transform::Twiddles),
}

impl Transform {
    /// Coefficients to evaluations, in place.
    pub(crate) fn forward(&self, limb: &mut [u64]) {
        match self {
            // SAFETY: the value exists only where the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Self::Avx512Ifma(twiddles) => unsafe { avx512ifma::transform::forward::forward(twiddles, limb) },
            // SAFETY: the value exists only where the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Self::Avx512(twiddles) => unsafe { avx512::transform::forward::forward(twiddles, limb) },
            // SAFETY: the value exists only where the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Self::Avx2(twiddles) => unsafe { avx2::transform::forward(twiddles, limb) },
            Self::Scalar(twiddles) => scalar::transform::forward(twiddles, limb),
        }
    }

    /// Evaluations to coefficients, times N·`factor`: in place, or from `input` where there is one.
    pub(crate) fn inverse_scaled(&self, input: Option<&[u64]>, out: &mut [u64], factor: ShoupFactor) {
        match self {
            // SAFETY: the value exists only where the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Self::Avx512Ifma(twiddles) => unsafe {
                avx512ifma::transform::inverse::inverse_scaled(twiddles, input, out, factor);
            },
            // SAFETY: the value exists only where the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Self::Avx512(twiddles) => unsafe {
                avx512::transform::inverse::inverse_scaled(twiddles, input, out, factor);
            },
            // SAFETY: the value exists only where the instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Self::Avx2(twiddles) => unsafe {
                avx2::transform::inverse_scaled(twiddles, input, out, factor);
            },
            Self::Scalar(twiddles) => {
                scalar::transform::inverse_scaled(twiddles, copied(input, out), factor);
            }
        }
    }
}

/// `out`, with the words of `input` where there is one.
fn copied<'a>(input: Option<&[u64]>, out: &'a mut [u64]) -> &'a mut [u64] {
    if let Some(input) = input {
        out.copy_from_slice(input);
    }
    out
}

macro_rules! dispatch {
    ($self:ident, $function:ident($($argument:expr),*)) => {
        match $self.backend {
            // SAFETY: a backend exists only where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Backend::Avx512Ifma => unsafe { avx512ifma::$function($($argument),*) },
            // SAFETY: a backend exists only where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Backend::Avx512 => unsafe { avx512::$function($($argument),*) },
            // SAFETY: a backend exists only where its instructions were detected.
            #[cfg(target_arch = "x86_64")]
            #[expect(unsafe_code, reason = "the call of a function for detected instructions")]
            Backend::Avx2 => unsafe { avx2::$function($($argument),*) },
            Backend::Scalar => scalar::$function($($argument),*),
        }
    };
}

/// ψ^br(k) for each node k of a transform's recursion, br being the reversal of log₂ N bits and ψ = `root`.
fn node_powers(degree: usize, modulus: Modulus, root: u64) -> impl Iterator<Item = u64> {
    let powers: Vec<u64> =
        std::iter::successors(Some(1), |&power| Some(modulus.mul(power, root))).take(degree).collect();
    let shift = usize::BITS - degree.ilog2();
    (0..degree).map(move |node| powers[node.reverse_bits() >> shift])
}

impl Kernel {
    /// The kernels that this processor runs, the fastest first; the scalar ones are always there, and last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut backends = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
            {
                if is_x86_feature_detected!("avx512ifma") && is_x86_feature_detected!("avx512vbmi") {
                    backends.push(Backend::Avx512Ifma);
                }
                backends.push(Backend::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                backends.push(Backend::Avx2);
            }
        }
        backends.push(Backend::Scalar);
        backends.into_iter().map(|backend| Self { backend }).collect()
    }

    /// The kernels that the environment variable [`BACKEND_VARIABLE`] names, or the fastest where it is not set. All
    /// give the same results.
    ///
    /// # Errors
    ///
    /// [`UnknownBackend`] where the variable names none that this processor runs.
    pub fn detect() -> Result<Self, UnknownBackend> {
        let wanted = std::env::var_os(BACKEND_VARIABLE);
        Self::choose(wanted.as_ref().map(|name| name.to_string_lossy()).as_deref())
    }

    /// The kernels of a name, or the fastest.
    fn choose(wanted: Option<&str>) -> Result<Self, UnknownBackend> {
        let available = Self::available();
        let Some(name) = wanted else { return Ok(available[0]) };
        let named = available.iter().find(|kernel| kernel.name() == name);
        named.copied().ok_or_else(|| UnknownBackend {
            name: name.to_owned(),
            available: available.iter().map(|kernel| kernel.name()).collect(),
        })
    }

    /// The name of the instruction set: `avx512ifma`, `avx512`, `avx2` or `scalar`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.backend {
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512Ifma => "avx512ifma",
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2 => "avx2",
            Backend::Scalar => "scalar",
        }
    }

    /// The transform for a primitive 2N-th root of unity: the backend's own, or the scalar one for a degree that it is
    /// too small for.
    pub(crate) fn transform(self, degree: usize, modulus: Modulus, root: u64) -> Transform {
        match self.backend {
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512Ifma if degree >= avx512ifma::transform::MIN_DEGREE => {
                Transform::Avx512Ifma(avx512ifma::transform::Twiddles::new(degree, modulus, root))
            }
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512 if degree >= avx512::transform::MIN_DEGREE => {
                Transform::Avx512(floating::Twiddles::new(degree, modulus, root))
            }
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2 if degree >= avx2::transform::MIN_DEGREE => {
                Transform::Avx2(floating::Twiddles::new(degree, modulus, root))
            }
            _ => Transform::Scalar(scalar::transform::Twiddles::new(degree, modulus, root)),
        }
    }

    /// a ← a + b.
    pub(crate) fn add_assign(self, q: Modulus, a: &mut [u64], b: &[u64]) {
        assert_eq!(a.len(), b.len());
        dispatch!(self, add_assign(q, a, b));
    }

    /// a ← a − b.
    pub(crate) fn sub_assign(self, q: Modulus, a: &mut [u64], b: &[u64]) {
        assert_eq!(a.len(), b.len());
        dispatch!(self, sub_assign(q, a, b));
    }

    /// a ← −a.
    pub(crate) fn neg_assign(self, q: Modulus, a: &mut [u64]) {
        dispatch!(self, neg_assign(q, a));
    }

    /// a ← a + c for one reduced constant.
    pub(crate) fn add_constant(self, q: Modulus, a: &mut [u64], c: u64) {
        assert!(c < q.value());
        dispatch!(self, add_constant(q, a, c));
    }

    /// a ← a · b.
    pub(crate) fn mul_assign(self, q: Modulus, a: &mut [u64], b: &[u64]) {
        assert_eq!(a.len(), b.len());
        dispatch!(self, mul_assign(q, a, b));
    }

    /// a ← a − b · c.
    pub(crate) fn sub_product(self, q: Modulus, a: &mut [u64], b: &[u64], c: &[u64]) {
        assert!(a.len() == b.len() && a.len() == c.len());
        dispatch!(self, sub_product(q, a, b, c));
    }

    /// a ← a · w.
    pub(crate) fn mul_constant(self, q: Modulus, a: &mut [u64], w: ShoupFactor) {
        dispatch!(self, mul_constant(q, a, w));
    }

    /// a ← a + b · w.
    pub(crate) fn add_scaled(self, q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
        assert_eq!(a.len(), b.len());
        dispatch!(self, add_scaled(q, a, b, w));
    }

    /// (d₀, d₁, d₂) ← (d₀, d₁, d₂) + Σ (a₀b₀, a₀b₁ + a₁b₀, a₁b₁): degree-2 products of pairs. At most 2²³ terms.
    pub(crate) fn add_tensors(self, q: Modulus, out: [&mut [u64]; 3], terms: &[[&[u64]; 4]]) {
        let [d0, d1, d2] = out;
        assert!(terms.len() <= 1 << 23 && d1.len() == d0.len() && d2.len() == d0.len());
        assert!(terms.iter().flatten().all(|limb| limb.len() == d0.len()));
        dispatch!(self, add_tensors(q, [d0, d1, d2], terms));
    }

    /// (u, v) ← (Σ dₖ · aₖ, Σ dₖ · bₖ) for packed pairs (aₖ, bₖ), the halves of keys. At most 2²⁴ terms.
    pub(crate) fn sum_of_packed_pairs(
        self,
        q: Modulus,
        out: [&mut [u64]; 2],
        terms: &[(&[u64], [PackedLimb<'_>; 2])],
    ) {
        let [u, v] = out;
        assert!(terms.len() <= 1 << 24 && u.len() == v.len());
        let fits = |limb: &PackedLimb<'_>| limb.fits(q, u.len());
        assert!(terms.iter().all(|(d, pair)| d.len() == u.len() && pair.iter().all(fits)));
        dispatch!(self, sum_of_packed_pairs(q, [u, v], terms));
    }

    /// (u, v) ← (Σ mₖ · aₖ, Σ mₖ · bₖ) for packed factors mₖ. At most 2²⁴ terms.
    pub(crate) fn sum_of_packed_multiples(
        self,
        q: Modulus,
        out: [&mut [u64]; 2],
        terms: &[(PackedLimb<'_>, [&[u64]; 2])],
    ) {
        let [u, v] = out;
        assert!(terms.len() <= 1 << 24 && u.len() == v.len());
        let fits = |limb: &PackedLimb<'_>| limb.fits(q, u.len());
        assert!(terms.iter().all(|(m, pair)| fits(m) && pair.iter().all(|limb| limb.len() == u.len())));
        dispatch!(self, sum_of_packed_multiples(q, [u, v], terms));
    }

    /// outₜ ← Σ yₖ · wₜₖ modulo each qₜ of `targets` (qₜ, wₜ), where yₖ are any integers below 2⁵⁰ and wₜₖ reduced. At
    /// most 2²⁴ terms.
    pub(crate) fn weighted_sums(
        self,
        out: &mut [&mut [u64]],
        sources: &[&[u64]],
        targets: &[(Modulus, &[u64])],
    ) {
        assert!(sources.len() <= 1 << 24 && out.len() == targets.len());
        for (out, (q, weights)) in out.iter().zip(targets) {
            assert!(sources.iter().all(|y| y.len() == out.len()));
            assert!(weights.len() == sources.len() && weights.iter().all(|&w| w < q.value()));
        }
        dispatch!(self, weighted_sums(out, sources, targets));
    }

    /// out ← ⌊Σ yₖ · rₖ⌉ in `f64`, summed in the order of the terms, halves up.
    pub(crate) fn rounded_quotient(self, out: &mut [u64], terms: &[(&[u64], f64)]) {
        assert!(terms.iter().all(|(y, _)| y.len() == out.len()));
        dispatch!(self, rounded_quotient(out, terms));
    }

    /// a ← (b − a) · w: the end of a division by dropped primes.
    pub(crate) fn sub_from_and_scale(self, q: Modulus, a: &mut [u64], b: &[u64], w: ShoupFactor) {
        assert_eq!(a.len(), b.len());
        dispatch!(self, sub_from_and_scale(q, a, b, w));
    }

    /// `out[j] ← a[index[j] mod the length]`, a power of two, where every aligned group of eight is read from an
    /// aligned group of eight. The indices are public.
    pub(crate) fn permute_groups(self, out: &mut [u64], a: &[u64], index: &[u32]) {
        assert!(out.len() == a.len() && index.len() == a.len() && a.len().is_power_of_two() && a.len() >= 8);
        dispatch!(self, permute_groups(out, a, index));
    }

    /// The residues of signed integers, without a branch on their values.
    pub(crate) fn lift_signed(self, q: Modulus, out: &mut [u64], values: &[i64]) {
        assert_eq!(out.len(), values.len());
        dispatch!(self, lift_signed(q, out, values));
    }
}

#[cfg(test)]
mod tests;
