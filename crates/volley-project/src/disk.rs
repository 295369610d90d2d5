//! Room on disks: what some work will write is known before it begins.

use std::path::Path;

use volley_program::BadInput;
use volley_program::machine::available_disk_bytes;
use volley_program::units::show_bytes;

use crate::failure::Failure;

/// Refuses work for whose results a folder's disk has not the room, as far as the system tells.
///
/// # Errors
///
/// [`Failure::NoRoom`] that names the folder, what the work writes and what there is.
pub(crate) fn check_room(folder: &Path, work: &str, bytes: u64) -> Result<(), Failure> {
    check_room_in(available_disk_bytes(folder), folder, work, bytes)
}

fn check_room_in(available: Option<u64>, folder: &Path, work: &str, bytes: u64) -> Result<(), Failure> {
    match available {
        Some(available) if available < bytes => {
            let (bytes, available) = (show_bytes(bytes), show_bytes(available));
            let problem = format!("{work} writes up to {bytes}, and the disk has room for {available}");
            Err(Failure::NoRoom(BadInput::at(folder, problem)))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_both_sizes() {
        let folder = Path::new("upload");
        let check = |available| check_room_in(available, folder, "training", 2_000_000_000);
        assert!(check(None).is_ok() && check(Some(2_000_000_000)).is_ok());
        let refused = check(Some(1_999_999_999)).unwrap_err();
        let problem = "training writes up to 2.00 GB, and the disk has room for 2.00 GB";
        assert!(matches!(refused, Failure::NoRoom(found) if found == BadInput::at(folder, problem)));
        assert!(check_room(Path::new("/"), "nothing", 0).is_ok());
    }
}
