//! Keys: the owner's secret, and the public material that the server computes with.

mod evaluation;
mod key_switching;
mod public;
mod raising;
mod secret;
mod spec;

pub use evaluation::EvaluationKeySet;
pub(crate) use evaluation::{GaloisKey, galois_target};
pub use key_switching::KeySwitchingKey;
pub use public::PublicKey;
pub(crate) use raising::RaisingKeys;
pub use secret::SecretKey;
pub use spec::KeySpec;

pub use crate::base::galois::{GaloisPurpose, conjugation_element, rotation_element};
pub use crate::rlwe::key_id::KeyId;

#[cfg(test)]
mod tests;
