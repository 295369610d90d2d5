//! Refuses sealed keys, in the place of `sealing` where that feature is off.

use std::io::Read;

use zeroize::Zeroizing;

use super::error::WireError;
use super::stream::FileReader;

/// Refuses a sealed key.
pub(super) fn open_sealed(
    _file: FileReader<impl Read>,
    _passphrase: Option<&[u8]>,
    _bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, WireError> {
    Err(WireError::SealingUnsupported)
}
