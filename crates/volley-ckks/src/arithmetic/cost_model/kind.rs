//! Kinds of cores.

use std::fmt;

use volley_ring::Kernel;

use crate::base::error::Error;

/// A kind of core, by the kernels that its times depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CoreKind {
    /// AVX-512 with products of 52-bit integers.
    Avx512Ifma,
    /// AVX-512 without them.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// No vectors that there are kernels for.
    Other,
}

impl CoreKind {
    /// All of them, the fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512Ifma, Self::Avx512, Self::Avx2, Self::Other];

    /// The kind of this machine's cores, with the kernels that a context takes when it is made now.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownBackend`] where the environment variable `VOLLEY_BACKEND` names kernels that the processor does
    /// not run. Making a [`Context`](crate::Context) panics then, so a program asks here first.
    pub fn detect() -> Result<Self, Error> {
        Ok(Self::of(Kernel::detect()?))
    }

    fn of(kernel: Kernel) -> Self {
        match kernel.name() {
            "avx512ifma" => Self::Avx512Ifma,
            "avx512" => Self::Avx512,
            "avx2" => Self::Avx2,
            _ => Self::Other,
        }
    }

    /// Nanoseconds of [operations](super::CostModel::operations), and of a byte of keys, on a Zen 4 core with the
    /// kernels of each kind. No core of the second kind was at hand. One training is known to have taken 3.5 times as
    /// long there, with kernels of the third kind, as that is foreseen to take. Its own kernels take 0.68 of their time
    /// for transforms, and 0.6 for basis conversions, on a core that runs both (Sapphire Rapids).
    pub(super) const fn times(self) -> ([f64; 4], f64) {
        match self {
            Self::Avx512Ifma => ([0.127, 0.354, 0.086, 0.841], 5.0),
            Self::Avx512 => ([0.474, 0.813, 1.267, 2.772], 17.5),
            Self::Avx2 => ([0.199, 0.387, 0.362, 0.792], 5.0),
            Self::Other => ([0.7, 0.87, 0.362, 0.8], 7.0),
        }
    }
}

impl fmt::Display for CoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avx512Ifma => "AVX-512 IFMA",
            Self::Avx512 => "AVX-512 without IFMA (older servers)",
            Self::Avx2 => "AVX2",
            Self::Other => "no vectors",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_kernels() {
        for kernel in Kernel::available() {
            let expected = match kernel.name() {
                "avx512ifma" => CoreKind::Avx512Ifma,
                "avx512" => CoreKind::Avx512,
                "avx2" => CoreKind::Avx2,
                _ => CoreKind::Other,
            };
            assert_eq!(CoreKind::of(kernel), expected);
        }
        assert_eq!(CoreKind::detect(), Ok(CoreKind::of(Kernel::detect().unwrap())));
    }

    #[test]
    fn kernels_that_do_not_exist_are_an_error_that_names_those_that_do() {
        let unknown = volley_ring::UnknownBackend { name: "avx1024".into(), available: vec!["scalar"] };
        let error = Error::from(unknown.clone());
        assert_eq!(error, Error::UnknownBackend(unknown));
        assert_eq!(error.to_string(), "VOLLEY_BACKEND=avx1024: this processor has scalar");
    }
}
