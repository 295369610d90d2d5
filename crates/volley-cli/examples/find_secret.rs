//! Looks for the secret key of a project in the files of a folder: `find_secret PROJECT FOLDER`. The exit code is 1 if
//! it is there.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]

#[path = "../tests/cli/secret_forms.rs"]
mod secret_forms;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use secret_forms::{SecretForms, planted};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [project, folder] = &arguments[..] else { return Err("usage: find_secret PROJECT FOLDER".into()) };
    let forms = SecretForms::of_project(project)?;
    let control = std::env::temp_dir().join(format!("volley-find-secret-{}", std::process::id()));
    std::fs::create_dir(&control)?;
    std::fs::write(control.join("planted"), planted(project)?)?;
    let works = !forms.search(&control)?.is_empty() && !forms.search(&project.join("private"))?.is_empty();
    std::fs::remove_dir_all(&control)?;
    if !works {
        return Err("the search does not find what is there".into());
    }
    let found = forms.search(folder)?;
    found.iter().for_each(|place| println!("FOUND {place}"));
    if found.is_empty() {
        println!("{}: no form of the secret key", folder.display());
    }
    Ok(ExitCode::from(u8::from(!found.is_empty())))
}
