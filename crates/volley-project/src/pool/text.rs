//! The texts of a pool: JSON that parties send and keep. Whoever reads one does not know who wrote it.

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;
use volley_program::{BadInput, OrBadInput};
use zeroize::Zeroizing;

/// A value that is written as a text.
pub(super) trait Text: Serialize + DeserializeOwned {
    /// More than any text of it has: by default names of sixteen owners, or a path.
    const MAX_BYTES: u64 = 1 << 16;
}

/// Reads a text.
pub(super) fn read<T: Text>(file: impl Read) -> Result<T, BadInput> {
    let mut text = Zeroizing::new(String::new());
    file.take(T::MAX_BYTES + 1).read_to_string(&mut text).or_bad_input()?;
    if text.len() as u64 > T::MAX_BYTES {
        return Err(BadInput::new("this is longer than any file of its kind"));
    }
    serde_json::from_str(&text).or_bad_input()
}

/// A value as it is written.
pub(super) fn written(value: &impl Text) -> Result<Zeroizing<String>, BadInput> {
    Ok(Zeroizing::new(serde_json::to_string_pretty(value).or_bad_input()? + "\n"))
}
