//! EvalMod: the remainder modulo 1 of encrypted values, which takes away the multiples of q₀ that ModRaise adds.
//!
//! The slots of the input hold x = u/W for u = I + ε, with an integer |I| ≤ K and |ε| ≤ 1/R. R is the *message ratio*
//! q₀/(Δ·max|m|). The output is f·ε up to [`max_error`](EvalMod::max_error), for a factor f > 0. With S = sin(2π/R):
//!
//! ```text
//! c₀     = cos(2π(u − 1/4)/2^r)               Chebyshev series in x − 1/(4W), even
//! cᵢ₊₁   = 2cᵢ² − 1 = cos(2^(i+1) ·)          r double angles
//! y      = cᵣ/S = sin(2πu)/S = sin(2πε)/S     in [−1, 1]
//! f·ε    = f/(2π) · arcsin(S·y)               Chebyshev series of degree 1, 3, 5 or 7, odd
//! ```
//!
//! The scaled cosine is that of \[HK20\] section 4 (eprint 2019/688), the arcsine that of \[LLLKN21\] (eprint
//! 2020/552). W = K + 1/4 + 1/R, so that x − 1/(4W) is within \[−1, 1\] and the cosine even there: in plain Chebyshev
//! nodes its odd coefficients vanish, and twice the degree costs about the same. That pays for one double angle less,
//! at the same depth; Han and Ki's nodes near the integers, at I − 1/4, are not symmetric.
//!
//! # Choice
//!
//! For K = 16, with f = R (outputs in \[−1, 1\]); bits are −log₂ of the largest error of the approximations:
//!
//! | R | degree, r | arcsine | levels | relinearizations | bits |
//! |---|---|---|---|---|---|
//! | 2⁸ | 30, 3 | 1 | 8 | 11 | 14.3 |
//! | 2⁸ | 56, 2 | 1 | 8 | 11 | 14.3 |
//! | 2¹⁰ | 56, 2 | 1 | 8 | 11 | 18.3 |
//! | 2¹² | 56, 2 | 1 | 8 | 11 | 22.3 |
//! | 2⁸ | 30, 3 | 3 | 10 | 13 | 21.3 |
//! | 2⁸ | 56, 2 | 3 | 10 | 13 | 28.1 |
//! | 2¹⁰ | 56, 2 | 3 | 10 | 13 | above 35 |
//! | 2⁸ | 56, 2 | 5 | 11 | 14 | above 38 |
//!
//! So degree 56 with two double angles takes the place of 30 with three at the same price. An arcsine of degree 1 has
//! the slope that spreads the sine's cubic error evenly: two bits better than sin(2πu)/(2π), and in proportion to |ε|³,
//! so that it is seen only where a coefficient of the message is near its bound.
//!
//! # Noise
//!
//! Let σ be the deviation of a rescaling's error in a slot, relative to the scale: √(N(1 + 2N/3)/12) / s. By far the
//! most of the output's noise is that of T₂(x) = 2x² − 1 and T₄(x), which a slot near x = 0 (integers near 0, the usual
//! ones) multiplies most: an error in T₂ by (d(fε)/dx)/(dT₂/dx) = f·W/4x, in T₄ by a quarter of that, and so on; one in
//! x by f·W. With x = (I − 1/4)/W that makes
//!
//! ```text
//! deviation of the output² = (f·W·deviation of x)² + 16/15 · (f·W²/(4(I − 1/4)) · σ)²
//! ```
//!
//! at most f·W²·σ, about half of it over the integers of a sparse secret of weight 32 (deviation 1.63): 2¹⁵·σ at R =
//! 2⁸, K = 16, and a bit more for each bit of R. At N = 2¹⁶ that is 2⁻³¹ on levels of 60 bits and 2⁻²¹ on levels of 50;
//! at R = 2¹² four bits less. What comes later counts little: T₈ 2¹¹·σ, every other rescaling 2⁹·σ or less, the last
//! 1·σ. Where the second level is longer than the first, the scale of T₂ is longer than either's: with factors of 62,
//! 64, 60, 60, 60, 58, 60, 58, 54 and 54 bits the noise is a third of that of ten levels of 60. σ is that of the scale
//! a result has. A quotient of the series has the scale t·q/s, which a power of scale s leaves of the series' last
//! product, for its scale t and last factor q. So t·q has to be long where s is.
//!
//! # Constants
//!
//! dᵢ = αᵢ·cᵢ is computed in the place of cᵢ, with αᵢ = √(2αᵢ₊₁):
//!
//! ```text
//! dᵢ₊₁ = αᵢ₊₁(2cᵢ² − 1) = dᵢ² − αᵢ₊₁
//! ```
//!
//! so a double angle is one square and one constant. α₀ is in the coefficients of the series. αᵣ is 1/S, or with an
//! arcsine of degree 1, which is a factor, that factor besides: nothing is multiplied in the end, at no level. Since y
//! is of order 1, all dᵢ are of order 1 to √R, and rounding errors are compared with these, not with a sine of size
//! 1/R.
//!
//! # Scales
//!
//! The input has to be at a level l of EvalMod, at [`input_scale`](EvalMod::input_scale), which is the factor of that
//! level: then every scale on the way follows the factors of the levels, whatever the default scale of the parameters
//! is, and the output has [`output_scale`](EvalMod::output_scale). Where the levels l, l − 1, …, l − levels + 1
//! have factors that differ in the last bits only, so have all scales. Before αᵣ is subtracted there are values up to
//! 2αᵣ, about f/π or R/π, for which the modulus at that level needs room.

use std::f64::consts::{PI, TAU};

use crate::arithmetic::Arithmetic;
use crate::base::error::{Error, EvalModError};
use crate::base::params::Parameters;
use crate::base::scale::Scale;
use crate::circuits::polynomial::{ChebyshevSeries, Constants, PolynomialCircuit};

/// Largest K.
const MAX_RANGE: u32 = 1 << 12;
/// Largest r.
const MAX_DOUBLE_ANGLES: u32 = 12;
/// log₂ R: from the least with which sin(2πε) can be inverted to what no precision reaches.
const LOG_MESSAGE_RATIO: [u32; 2] = [3, 40];
/// Values of ε for each I at which an error is measured.
const SAMPLES: u32 = 64;

/// What an [`EvalMod`] is built from.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalModLiteral {
    /// K: the largest |I|.
    pub range: u32,
    /// log₂ R: |ε| ≤ 1/R.
    pub log_message_ratio: u32,
    /// Degree of the cosine's series. An even one costs what the odd one above it would.
    pub degree: usize,
    /// r.
    pub double_angles: u32,
    /// Degree of the arcsine's series: 1, 3, 5 or 7.
    pub arcsine_degree: usize,
    /// f.
    pub output_factor: f64,
}

/// A planned modular reduction.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalMod {
    literal: EvalModLiteral,
    /// α₀·c₀.
    cosine: PolynomialCircuit,
    /// α₁, …, αᵣ.
    constants: Vec<f64>,
    /// The arcsine, where its degree is above 1.
    arcsine: Option<PolynomialCircuit>,
}

impl EvalMod {
    /// Approximates the functions and plans their circuits.
    ///
    /// # Errors
    ///
    /// [`Error::EvalMod`] for a parameter out of range, [`Error::PolynomialDegree`].
    pub fn new(literal: &EvalModLiteral) -> Result<Self, Error> {
        literal.check()?;
        let arcsine = literal.arcsine()?;
        let mut last = 1.0 / literal.largest_sine();
        if literal.arcsine_degree == 1 {
            last *= arcsine.polynomial().coefficients()[1];
        }
        // α₀, …, αᵣ.
        let mut factors = vec![last];
        for _ in 0..literal.double_angles {
            last = (2.0 * last).sqrt();
            factors.insert(0, last);
        }
        let cosine = literal.cosine()?.times(factors.remove(0));
        Ok(Self {
            cosine: PolynomialCircuit::new(cosine.polynomial()),
            constants: factors,
            arcsine: (literal.arcsine_degree > 1).then(|| PolynomialCircuit::new(arcsine.polynomial())),
            literal: literal.clone(),
        })
    }

    /// What it was built from.
    #[must_use]
    pub fn literal(&self) -> &EvalModLiteral {
        &self.literal
    }

    /// W, by which the input is divided beforehand: its slots are x = u/W.
    #[must_use]
    pub fn input_divisor(&self) -> f64 {
        self.literal.half_width()
    }

    /// Levels from the input to the output.
    #[must_use]
    pub fn levels(&self) -> usize {
        let arcsine = self.arcsine.as_ref().map_or(0, PolynomialCircuit::levels);
        self.cosine.levels() + self.constants.len() + arcsine
    }

    /// The scale that the input should have at `level`: the factor of that level.
    ///
    /// # Panics
    ///
    /// For a level that does not exist.
    #[must_use]
    pub fn input_scale(&self, parameters: &Parameters, level: usize) -> Scale {
        parameters.rescaling_factor(level)
    }

    /// The scale of the output for an input at `level`, of whatever scale.
    ///
    /// # Errors
    ///
    /// [`Error::LevelExhausted`] where the level does not suffice, [`Error::LevelRange`].
    pub fn output_scale(&self, parameters: &Parameters, level: usize) -> Result<Scale, Error> {
        self.check_level(level)?;
        let max = parameters.max_level();
        if level > max {
            return Err(Error::LevelRange { level, max });
        }
        let mut level = level - self.cosine.levels();
        let mut scale = cosine_scale(parameters, level);
        for _ in &self.constants {
            scale = scale.times(&scale).divided_by(&parameters.rescaling_factor(level));
            level -= 1;
        }
        Ok(scale)
    }

    /// What the output would be for u if nothing were rounded.
    #[must_use]
    pub fn value(&self, u: f64) -> f64 {
        let cosine = self.cosine.polynomial().value((u - 0.25) / self.input_divisor());
        let sine = self.constants.iter().fold(cosine, |d, constant| d * d - constant);
        self.arcsine.as_ref().map_or(sine, |arcsine| arcsine.polynomial().value(sine))
    }

    /// The largest |value(I + ε) − f·ε|: the error of the approximations, measured in double precision (which itself
    /// leaves about 2⁻⁴⁵ f/R).
    #[must_use]
    pub fn max_error(&self) -> f64 {
        let range = f64::from(self.literal.range);
        let mut largest = 0.0_f64;
        for i in 0..=2 * self.literal.range {
            let integer = f64::from(i) - range;
            for j in 0..=SAMPLES {
                // At Chebyshev's extrema: the ends matter most.
                let epsilon = (PI * f64::from(j) / f64::from(SAMPLES)).cos() / self.literal.message_ratio();
                let error = self.value(integer + epsilon) - self.literal.output_factor * epsilon;
                largest = largest.max(error.abs());
            }
        }
        largest
    }

    /// f·ε for the slots x = (I + ε)/W of `x`, which is at [`input_scale`](Self::input_scale).
    ///
    /// # Errors
    ///
    /// [`Error::LevelExhausted`] where `x` is too low, and what the arithmetic refuses.
    pub fn evaluate<A: Arithmetic>(&self, arithmetic: &A, x: &A::Ciphertext) -> Result<A::Ciphertext, Error> {
        let level = arithmetic.operand(x).level;
        self.check_level(level)?;
        let shifted = arithmetic.add_constant(x, -0.25 / self.input_divisor())?;
        let scale = cosine_scale(arithmetic.parameters(), level - self.cosine.levels());
        let cosine = self.cosine.evaluate(arithmetic, &shifted, &scale, &Constants)?;
        let sine = self
            .constants
            .iter()
            .try_fold(cosine, |d, constant| arithmetic.add_constant(&arithmetic.square(&d)?, -constant))?;
        match &self.arcsine {
            Some(arcsine) => {
                let scale = arithmetic.operand(&sine).scale.clone();
                arcsine.evaluate(arithmetic, &sine, &scale, &Constants)
            }
            None => Ok(sine),
        }
    }

    fn check_level(&self, level: usize) -> Result<(), Error> {
        let required = self.levels();
        if level < required { Err(Error::LevelExhausted { level, required }) } else { Ok(()) }
    }
}

/// The scale of α₀·c₀ at `level`: the factor of the level above, which is the last of the series.
fn cosine_scale(parameters: &Parameters, level: usize) -> Scale {
    parameters.rescaling_factor(level + 1)
}

impl EvalModLiteral {
    fn check(&self) -> Result<(), EvalModError> {
        let Self { range, log_message_ratio: log2, double_angles: count, .. } = *self;
        if range > MAX_RANGE {
            return Err(EvalModError::Range { range, max: MAX_RANGE });
        }
        let [min, max] = LOG_MESSAGE_RATIO;
        if !(min..=max).contains(&log2) {
            return Err(EvalModError::MessageRatio { log2, min, max });
        }
        if count > MAX_DOUBLE_ANGLES {
            return Err(EvalModError::DoubleAngles { count, max: MAX_DOUBLE_ANGLES });
        }
        if !matches!(self.arcsine_degree, 1 | 3 | 5 | 7) {
            return Err(EvalModError::ArcsineDegree { degree: self.arcsine_degree });
        }
        if !(self.output_factor > 0.0 && self.output_factor.is_finite()) {
            return Err(EvalModError::OutputFactor { factor: self.output_factor });
        }
        Ok(())
    }

    /// R.
    fn message_ratio(&self) -> f64 {
        f64::from(self.log_message_ratio).exp2()
    }

    /// S = sin(2π/R), the largest |sin(2πu)|.
    fn largest_sine(&self) -> f64 {
        (TAU / self.message_ratio()).sin()
    }

    /// W = K + 1/4 + 1/R, the largest |u − 1/4|.
    fn half_width(&self) -> f64 {
        f64::from(self.range) + 0.25 + self.message_ratio().recip()
    }

    /// cos(2πv/2^r) for v = u − 1/4.
    fn cosine(&self) -> Result<ChebyshevSeries, Error> {
        let frequency = TAU / f64::from(self.double_angles).exp2();
        let width = self.half_width();
        Ok(ChebyshevSeries::interpolate(|v| (frequency * v).cos(), self.degree, &(-width..=width))?
            .even_part())
    }

    /// f/(2π)·arcsin(S·y).
    fn arcsine(&self) -> Result<ChebyshevSeries, Error> {
        let sine = self.largest_sine();
        let function = |y: f64| self.output_factor / TAU * (sine * y).asin();
        Ok(ChebyshevSeries::interpolate(function, self.arcsine_degree, &(-1.0..=1.0))?.odd_part())
    }
}

#[cfg(test)]
mod tests;
