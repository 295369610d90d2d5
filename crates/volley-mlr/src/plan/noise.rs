//! The noise of models that may be shared: how much a decrypted model has, how much hides it, what that leaves.
//!
//! [`flooding`](crate::volley_ckks::flooding) has the theorem. It needs t, a bound on the Euclidean norm of the error in
//! each of a model's ciphertexts, before there is any data. This module estimates, iteration by iteration, the
//! deviation of one slot of the *normalised* weights W′ = 2ᵃW that are encrypted (see [`Preconditioner`](crate::Preconditioner)). The
//! notation is that of [`Trainer`](crate::Trainer). With r the learning rate, n samples, scores and weights at the scale Δ/h,
//!
//! ```text
//! ρ = 4·√N·√((1 + N·V)/12)/Δ     a key switch or rounding; 4: digits as wide as P
//! φ = √N·3.19/Δ                 a fresh slot
//! ξ = √(2X² + 1)·φ + ρ          x′/B′
//! ζ = √2·V·φ + hρ·√((K + 2)·D/K)                                   scores, but for what the weights bring
//! ε = r·p₁·ζ + r·φ + hρ·(1 + r·p₀)·√(2 + log₂(D/K))                errors
//! γ = 2·ε + r·√n·ξ + hρ·√(4K·R/K)                                  one gradient
//! δₜ = (1 − λ)·ωₜ₋₁ + γ + 4·r·p₁·δₜ₋₁,   ωₜ = |1 − ηₜ|·δₜ + |ηₜ|·δₜ₋₁ + hρ     M and W
//! ```
//!
//! where V is the variance of the secret's coefficients, 2/3 times the number of owners, and p₁ = max |p′| on \[−h, h\]
//! and p₀ = Σ |cₖ|·hᵏ⁻¹ for the polynomial p. 2·ε is ‖x′ⱼ/B′ⱼ‖·ε, as Σᵢ x′ᵢⱼ² ≤ 4B′ⱼ and B′ ≥ 1; 4·r·p₁·δ is the step
//! that the noise of the weights causes, as B − ¼ xᵀx is positive semidefinite; errors are at most 1.
//!
//! Errors of many roundings are taken to be independent. The parts above are added as if they were all in one
//! direction, so the result is above what is measured; tests compare the two. The estimate holds for data with
//! |x′| ≤ X = 16, ‖W′‖ ≤ V = 16 in each class, scores within the polynomial's interval, and rows that count at most
//! once. The plan promises its bits for a largest weight of at least 2⁻⁶ (times 1 − η₁ = 0.01 for a single iteration).
//! The owner checks all of it on the data, by the training in clear, before anything is encrypted. Then t = 2·ω·Δ/h
//! ([`Noise::error_norm`]).
//!
//! **A pool** of o owners. Rows are encrypted under the public key, and φ = √N·√((1 + N·V)/12)/Δ. The relinearization
//! key is noisier than others ([`Noise::relinearization`]), so each relinearization adds
//!
//! ```text
//! κ = √N·√(N·2·o·3.19²·(1 + N·V)/12)/Δ
//! ```
//!
//! to one product: h·κ·√(D/K) to ζ, h·κ·(1 + r·p₀) to ε, and h·κ·√(R/K) to γ. Each owner's share of a decryption hides
//! t by noise of deviation B, with B as [`smudging`](crate::volley_ckks::multiparty::smudging) has it. No owner has all rows, so that the training
//! in clear cannot be looked at: each looks at its own features, and the norm of the weights is taken to be within its
//! bound.
//!
//! **Scores of a pool** are one forward product of rows with ‖x′‖ ≤ 16, at the scale Δ/h. A slot is two rows and has ζ
//! as above, and the noise of the weights: the covariance of their slots is at most ω² in each direction, so that they
//! bring √2·‖x′‖·ω. Whoever asks for scores checks the norm of each row before it is encrypted.
//!
//! What floating point makes of the inputs before they are encrypted, and of the weights after they were decrypted and
//! flooded, is no part of t: it does not depend on the key. The m that noise hides in is the result of exact arithmetic
//! on what was encoded.

use crate::error::Error;
use crate::method::hyperparameters::{Disclosure, Hyperparameters, PoolDisclosure};
use crate::volley_ckks::Flooding;
use crate::volley_ckks::multiparty::Smudging;
use crate::volley_ckks::noise::Noise;
use crate::volley_revolver::{Layout, Shape};

/// Bits of the largest weight that a shareable plan leaves at least: log₂ of the weight over the deviation of its
/// noise.
pub const MIN_SHARED_BITS: f64 = 10.0;

/// X, V: the largest normalised feature, and the largest norm of the normalised weights of a class.
pub(crate) const MAX_FEATURE: f64 = 16.0;
pub(crate) const MAX_WEIGHT_NORM: f64 = 16.0;
/// The largest norm of a normalised row whose scores a pool decrypts.
pub(crate) const MAX_ROW_NORM: f64 = 16.0;
/// The largest weight of a row: x′/B′ has no more noise then, and ‖w∘x′ⱼ/B′ⱼ‖ ≤ 2 holds.
pub(crate) const MAX_ROW_WEIGHT: f64 = 1.0;
/// The smallest largest weight that a plan is sure of, after a step that is not damped.
const LARGEST_WEIGHT: f64 = 1.0 / 64.0;
/// The noise is at most so many times as wide as asked for.
const WIDEST: f64 = 1.582;

/// The estimate for one plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoiseModel<'a> {
    hyperparameters: &'a Hyperparameters,
    layout: Layout,
    log_scale: u32,
}

impl<'a> NoiseModel<'a> {
    pub(crate) fn new(hyperparameters: &'a Hyperparameters, layout: Layout, log_scale: u32) -> Self {
        Self { hyperparameters, layout, log_scale }
    }

    fn degree(&self) -> f64 {
        2.0 * self.layout.slots() as f64
    }

    /// Deviation of a coefficient by rounding both halves of a ciphertext.
    fn rounding_deviation(&self) -> f64 {
        let owners = self.hyperparameters.pool().map_or(1, |pool| pool.owners);
        (self.secret_norm(owners) / 12.0).sqrt()
    }

    /// 1 + N·V.
    fn secret_norm(&self, owners: usize) -> f64 {
        1.0 + self.degree() * owners as f64 * 2.0 / 3.0
    }

    /// Deviation of a coefficient by the relinearization key of a pool, for a digit as wide as P; 0 for one owner's,
    /// which is like any other key.
    fn pool_relinearization_deviation(&self) -> f64 {
        let Some(pool) = self.hyperparameters.pool() else { return 0.0 };
        let errors = 2.0 * pool.owners as f64 * Noise::encryption().coefficient_deviation().powi(2);
        (self.degree() * errors * self.secret_norm(pool.owners) / 12.0).sqrt()
    }

    /// h.
    fn headroom(&self) -> f64 {
        f64::from(self.hyperparameters.log_headroom()).exp2()
    }

    /// What a deviation of 1 in each coefficient, at the scale Δ, is in a slot.
    fn unit(&self) -> f64 {
        self.degree().sqrt() / f64::from(self.log_scale).exp2()
    }

    /// ρ.
    fn rounding(&self) -> f64 {
        4.0 * self.unit() * self.rounding_deviation()
    }

    /// φ.
    fn fresh(&self) -> f64 {
        let coefficient = match self.hyperparameters.pool() {
            None => Noise::encryption().coefficient_deviation(),
            Some(_) => self.rounding_deviation(),
        };
        self.unit() * coefficient
    }

    /// h·κ.
    fn relinearization(&self) -> f64 {
        self.headroom() * self.unit() * self.pool_relinearization_deviation()
    }

    /// ζ: deviation of a slot of scores, but for what the weights bring.
    fn forward_deviation(&self) -> f64 {
        let period = self.layout.period() as f64;
        let row_length = self.layout.width() as f64 / period;
        2f64.sqrt() * MAX_WEIGHT_NORM * self.fresh()
            + self.headroom() * self.rounding() * ((period + 2.0) * row_length).sqrt()
            + self.relinearization() * row_length.sqrt()
    }

    /// Deviation of a slot of any ciphertext of a model, after any iteration.
    pub(crate) fn slot_deviation(&self) -> f64 {
        let settings = self.hyperparameters;
        let (samples, h) = (self.layout.shape().samples, self.headroom());
        let (rounding, fresh, relinearization) = (self.rounding(), self.fresh(), self.relinearization());
        let scaled = (2.0 * MAX_FEATURE.powi(2) + 1.0).sqrt() * fresh + rounding;
        let period = self.layout.period() as f64;
        let row_length = self.layout.width() as f64 / period;
        let rate = settings.learning_rate().factor(1, samples);
        let (bound, slope) = polynomial_bounds(settings, h);
        let rows = self.layout.rows() as f64;
        let errors = rate * (slope * self.forward_deviation() + fresh)
            + h * rounding * (1.0 + rate * bound) * (2.0 + row_length.log2()).sqrt()
            + relinearization * (1.0 + rate * bound);
        let gradient = 2.0 * errors
            + rate * (samples as f64).sqrt() * scaled
            + h * rounding * (4.0 * rows).sqrt()
            + relinearization * (rows / period).sqrt();
        let (mut point, mut weights, mut largest) = (0.0, 0.0, 0.0);
        for eta in settings.momentum() {
            let next = (1.0 - settings.weight_decay()) * weights + gradient + 4.0 * rate * slope * point;
            weights = (1.0 - eta).abs() * next + eta.abs() * point + h * rounding;
            point = next;
            largest = f64::max(largest, point).max(weights);
        }
        largest
    }

    /// t of each ciphertext of a model, in coefficients.
    pub(crate) fn error_norm(&self) -> f64 {
        2.0 * self.slot_deviation() * self.weight_scale()
    }

    /// t of each ciphertext of scores that a pool decrypts, in coefficients. They have the scale of weights.
    pub(crate) fn score_error_norm(&self) -> f64 {
        let of_weights = 2f64.sqrt() * MAX_ROW_NORM * self.slot_deviation();
        2.0 * (of_weights + self.forward_deviation()) * self.weight_scale()
    }

    /// Δ/h.
    fn weight_scale(&self) -> f64 {
        f64::from(self.log_scale as i32 - self.hyperparameters.log_headroom()).exp2()
    }

    /// σ for the coefficients of a model of so many terms.
    pub(crate) fn flooding_deviation(&self, flooding: Flooding, terms: usize) -> f64 {
        flooding.deviation(self.error_norm(), terms * self.layout.weight_ciphertexts())
    }

    /// Deviation that noise of deviation σ in coefficients has in a normalised weight: the real part of a slot, the
    /// mean of the R/K copies.
    pub(crate) fn weight_deviation(&self, sigma: f64) -> f64 {
        let copies = (self.layout.rows() / self.layout.period()) as f64;
        sigma * (self.degree() / 2.0 / copies).sqrt() / self.weight_scale()
    }

    /// The largest deviation that the noise which hides a model's error may have in a coefficient; none where nothing
    /// hides it.
    fn hiding_deviation(&self) -> Option<f64> {
        match self.hyperparameters.disclosure() {
            Disclosure::Private => None,
            Disclosure::Flooded(flooding) => Some(WIDEST * self.flooding_deviation(flooding, 1)),
            Disclosure::Pooled(PoolDisclosure { owners, statistical_bits, decryptions }) => {
                let smudging = Smudging::new(statistical_bits, decryptions, self.error_norm()).ok()?;
                Some(smudging.noise(owners).coefficient_deviation())
            }
        }
    }

    /// Bits of a largest normalised weight that are left, where a model's error is hidden.
    pub(crate) fn bits(&self, largest: f64) -> Option<f64> {
        Some((largest / self.weight_deviation(self.hiding_deviation()?)).log2())
    }

    /// The bits that are left, where the largest weight is as small as a plan allows.
    pub(crate) fn nominal_bits(&self) -> Option<f64> {
        let damped = match self.hyperparameters.iterations() {
            1 => 1.0 - self.hyperparameters.momentum().sum::<f64>(),
            _ => 1.0,
        };
        self.bits(LARGEST_WEIGHT * damped)
    }
}

/// p₀ and p₁.
fn polynomial_bounds(settings: &Hyperparameters, h: f64) -> (f64, f64) {
    const STEPS: u32 = 256;
    let sigmoid = settings.sigmoid();
    let terms = sigmoid.coefficients().iter().zip((0..).step_by(2));
    let bound = terms.map(|(coefficient, power)| coefficient.abs() * h.powi(power)).sum();
    let slopes = (0..=STEPS).map(|step| sigmoid.derivative(h * f64::from(step) / f64::from(STEPS)).abs());
    (bound, slopes.fold(0.0, f64::max))
}

/// Refuses fewer bits than a shared model must have.
pub(crate) fn check_bits(bits: f64) -> Result<(), Error> {
    if bits >= MIN_SHARED_BITS { Ok(()) } else { Err(Error::SharedBits { bits, required: MIN_SHARED_BITS }) }
}

/// log₂ of the smallest scale that leaves enough bits in every layout of a ring; `None` where none does, where the ring
/// has no layout, and where a model's error is not hidden.
pub(crate) fn log_scale(hyperparameters: &Hyperparameters, shape: Shape, log_n: u32) -> Option<u32> {
    /// log₂ of the scales that are tried, of one, two and three primes. One prime is at least as long as those of
    /// private models. Shorter pairs and triples of primes are too rare in large rings. Coefficients of weights stay
    /// below 2^126.
    const SCALES: [std::ops::RangeInclusive<u32>; 3] = [43..=49, 60..=99, 108..=118];
    if !hyperparameters.hides_errors() {
        return None;
    }
    let layouts = Layout::family(shape, 1 << log_n.checked_sub(1)?).ok()?;
    SCALES.into_iter().flatten().find(|&log_scale| {
        layouts.iter().all(|&layout| {
            let bits = NoiseModel::new(hyperparameters, layout, log_scale).nominal_bits();
            bits.is_some_and(|bits| bits >= MIN_SHARED_BITS)
        })
    })
}
