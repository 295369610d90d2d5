//! Room on disks: what a command will write is known before it begins.

use std::path::Path;

use volley_mlr::Plan;
use volley_program::BadInput;
use volley_program::machine::available_disk_bytes;
use volley_program::units::show_bytes;

use crate::failure::Passing;
use crate::project::{checkpoint_limit, gradient_limit, model_limit};

/// Refuses work for whose results a folder's disk has not the room, as far as the system tells.
///
/// # Errors
///
/// [`Passing::NoRoom`] that names the folder, what the work writes and what there is.
pub(crate) fn check_room(folder: &Path, work: &str, bytes: u64) -> Result<(), Passing> {
    check_room_in(available_disk_bytes(folder), folder, work, bytes)
}

fn check_room_in(available: Option<u64>, folder: &Path, work: &str, bytes: u64) -> Result<(), Passing> {
    match available {
        Some(available) if available < bytes => {
            let (bytes, available) = (show_bytes(bytes), show_bytes(available));
            let problem = format!("{work} writes up to {bytes}, and the disk has room for {available}");
            Err(Passing::NoRoom(BadInput::at(folder, problem)))
        }
        _ => Ok(()),
    }
}

/// Most bytes that training writes beside an upload: the model of every iteration, and a checkpoint and a gradient,
/// each beside the one that it replaces.
pub(crate) fn training_bytes(plan: &Plan) -> u64 {
    let models = plan.hyperparameters().iterations() as u64 * model_limit(plan);
    models + 2 * (checkpoint_limit(plan) + gradient_limit(plan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn what_does_not_fit_is_refused_with_both_sizes() {
        let folder = Path::new("upload");
        let check = |available| check_room_in(available, folder, "training", 2_000_000_000);
        assert!(check(None).is_ok() && check(Some(2_000_000_000)).is_ok());
        let refused = check(Some(1_999_999_999)).unwrap_err();
        let problem = "training writes up to 2.00 GB, and the disk has room for 2.00 GB";
        assert_eq!(refused, Passing::NoRoom(BadInput::at(folder, problem)));
        assert!(check_room(Path::new("/"), "nothing", 0).is_ok());
    }

    #[test]
    fn every_iteration_leaves_a_model() {
        let of = |iterations| Settings { iterations, ..Settings::of(24, 4, 3) }.plan().unwrap();
        let (two, three) = (of(2), of(3));
        assert!(training_bytes(&two) >= 2 * model_limit(&two) + checkpoint_limit(&two));
        assert!(training_bytes(&three) > training_bytes(&two));
    }
}
