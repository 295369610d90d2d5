//! What is fitted to the rows of all owners, from sums that each owner makes of its own.
//!
//! A single owner fits its preprocessing, its whitening, 1/B and the recoding to its rows. In a pool nobody has all
//! rows. But all of these are functions of sums over rows, so each owner adds up its own, the sums are encrypted and
//! added, and the owners decrypt the totals. Each of the three rounds needs the totals of the round before:
//!
//! 1. [`Means`]: the rows of each class; for each column its mean, the mean of its absolute values, and the mean of its
//!    square roots;
//! 2. [`Deviations`]: for each column the second and third central moments of values and of square roots, which give
//!    the deviation and tell whether the roots are less skewed;
//! 3. [`Fit`]: the second moments of the standardised columns, the mean of each class, and the two sums of fourth and
//!    third order that Ledoit's and Wolf's ρ needs.
//!
//! **ρ from sums.** With z the standardised rows and μ their mean, ρ needs Σ|z − μ|⁴ ([`whitening`]). As
//! |z − μ|² = |z|² − 2 μ·z + |μ|²,
//!
//! ```text
//! Σ|z − μ|⁴ = Σ|z|⁴ + 4 μᵀ(Σ z zᵀ)μ + n|μ|⁴ − 4 μ·Σ|z|²z + 2|μ|² Σ|z|² − 4|μ|² μ·Σz
//! ```
//!
//! so beside the second moments it takes a number and a vector.
//!
//! **Fixed point.** Every sum is rounded once to a multiple of a power of two. Integers are encrypted, and integers
//! are what decryption gives: noise does not reach the totals. Central moments are taken of (x − mean)/u, where u is
//! the power of two at or above the mean absolute value: they have digits for columns of any unit. So a column whose
//! deviation is less than 2⁻³⁰ of its mean absolute value counts as constant, where a single owner's may vary by 2⁻⁵²
//! of its largest.
//!
//! **What differs from a single owner's fit.** Rows to train on are cut off after they are whitened. 1/B and the means
//! of classes are those of rows that are not.
//!
//! [`whitening`]: crate::preparation::whitening

mod deviations;
mod fit;
mod fixed_point;
mod means;

pub use deviations::Deviations;
pub use fit::Fit;
pub(super) use fixed_point::MAX_TOTAL_BITS;
pub use fixed_point::Sums;
pub use means::Means;

#[cfg(test)]
mod tests;
