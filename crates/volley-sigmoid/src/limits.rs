//! Which polynomials are supported.

/// Highest degree that evaluation supports.
pub const MAX_DEGREE: usize = 9;

/// Widest interval, as its half: a polynomial of these degrees is of no use on a wider one.
pub const MAX_HALF_WIDTH: f64 = 128.0;

/// Narrowest interval, as its half. Encrypted scores are right to about 2^−20, so on a narrower one less than ten bits
/// of a score would be left.
pub const MIN_HALF_WIDTH: f64 = 1.0 / 1024.0;
