//! Where the workspace stands on this machine.

use std::path::Path;

/// The folder of the workspace, from where this program was built.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}
