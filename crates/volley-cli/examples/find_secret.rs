//! Looks for the secret key of a project in the files of a folder: `find_secret PROJECT FOLDER`. Or for what is private
//! in a pool where it must not be: `find_secret --pool OWNER OWNER … SERVER`, with the folders of all parties. The exit
//! code is 1 if it is there.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]

#[path = "../tests/cli/pool_secrets.rs"]
mod pool_secrets;
#[path = "../tests/cli/secret_forms.rs"]
mod secret_forms;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use secret_forms::{SecretForms, planted};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let found = match &arguments[..] {
        [option, folders @ ..] if option.as_os_str() == "--pool" => {
            pool_secrets::search(&folders.iter().map(PathBuf::as_path).collect::<Vec<_>>())?
        }
        [project, folder] => of_project(project, folder)?,
        _ => return Err("usage: find_secret PROJECT FOLDER | find_secret --pool OWNER OWNER … SERVER".into()),
    };
    found.iter().for_each(|place| println!("FOUND {place}"));
    if found.is_empty() {
        println!("no form of a secret where it must not be");
    }
    Ok(ExitCode::from(u8::from(!found.is_empty())))
}

fn of_project(project: &Path, folder: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let forms = SecretForms::of_project(project)?;
    let control = std::env::temp_dir().join(format!("volley-find-secret-{}", std::process::id()));
    std::fs::create_dir(&control)?;
    std::fs::write(control.join("planted"), planted(project)?)?;
    let works = !forms.search(&control)?.is_empty() && !forms.search(&project.join("private"))?.is_empty();
    std::fs::remove_dir_all(&control)?;
    if !works {
        return Err("the search does not find what is there".into());
    }
    forms.search(folder)
}
