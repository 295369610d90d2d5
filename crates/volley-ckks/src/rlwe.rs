//! Ring learning with errors: the tables of a parameter set, the secret, public and switching keys, and the noise of
//! what is done with them.
//!
//! The layer imports `base` alone. It knows no plaintexts and no ciphertexts.

pub(crate) mod context;
pub(crate) mod key_id;
pub mod keys;
pub mod noise;
pub(crate) mod streams;
