//! What the server is given has nothing of the secret key in it.

use std::fs;

use crate::secret_forms::{SecretForms, planted};
use crate::setup::{SHAPE, fixture, folder, volley};

#[test]
fn no_file_of_the_server_has_the_secret_key_in_any_form() {
    let fixture = fixture();
    let forms = SecretForms::of_project(&fixture.project).unwrap();
    // The search finds what is there.
    assert!(!forms.search(&fixture.project.join("private")).unwrap().is_empty());
    let folder = folder();
    fs::write(folder.path().join("planted"), planted(&fixture.project).unwrap()).unwrap();
    let found = forms.search(folder.path()).unwrap();
    assert!(found.len() == 1 && found[0].contains("evaluation form"), "{found:?}");

    assert_eq!(forms.search(&fixture.upload).unwrap(), Vec::<String>::new());
    assert_eq!(forms.search(fixture.model.parent().unwrap()).unwrap(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn what_is_private_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let private = fixture().project.join("private");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&private), 0o700);
    for name in ["secret-key.vly", "owner-state.vly"] {
        assert_eq!(mode(&private.join(name)), 0o600);
    }
    // Also where the folder was there before, for everyone.
    let folder = folder();
    let private = folder.path().join("private");
    fs::create_dir(&private).unwrap();
    fs::set_permissions(&private, fs::Permissions::from_mode(0o755)).unwrap();
    volley(["init"]).args(SHAPE).arg(folder.path()).assert().success();
    assert_eq!(mode(&private), 0o700);
}
