//! The operations that are compared.

use serde::{Deserialize, Serialize};

/// An operation that each library has under some name, at the top level of its ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    MultiplyRelinearizeRescale,
    Rotate,
    #[serde(rename = "rotate_hoisted_16")]
    RotateHoisted16,
    Rescale,
    MultiplyPlain,
    EncryptPublic,
    /// What an owner does with Volley; the others are timed with a public key only.
    EncryptSecret,
    DecryptDecode,
    Encode,
    GenerateGaloisKey,
}

impl Operation {
    /// All operations, in the order of the table.
    pub(super) const ALL: [Self; 10] = [
        Self::MultiplyRelinearizeRescale,
        Self::Rotate,
        Self::RotateHoisted16,
        Self::Rescale,
        Self::MultiplyPlain,
        Self::EncryptPublic,
        Self::EncryptSecret,
        Self::DecryptDecode,
        Self::Encode,
        Self::GenerateGaloisKey,
    ];

    /// What a reader of the table sees.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::MultiplyRelinearizeRescale => "ct × ct, relinearize, rescale",
            Self::Rotate => "rotation",
            Self::RotateHoisted16 => "16 hoisted rotations",
            Self::Rescale => "rescale",
            Self::MultiplyPlain => "ct × pt",
            Self::EncryptPublic => "encrypt, public key",
            Self::EncryptSecret => "encrypt, secret key",
            Self::DecryptDecode => "decrypt, decode",
            Self::Encode => "encode",
            Self::GenerateGaloisKey => "generate a Galois key",
        }
    }

    /// How many times as fast as OpenFHE Volley wants to be. Encoding is measured against native programs instead: the
    /// time of a Python package includes the conversion of a list.
    pub(super) fn wanted_ratio(self) -> Option<f64> {
        match self {
            Self::MultiplyRelinearizeRescale | Self::Rotate => Some(6.0),
            Self::RotateHoisted16 => Some(5.0),
            Self::Rescale | Self::GenerateGaloisKey => Some(4.0),
            Self::MultiplyPlain => Some(2.0),
            Self::EncryptPublic | Self::DecryptDecode => Some(3.0),
            Self::EncryptSecret | Self::Encode => None,
        }
    }
}
