//! `cargo xtask tidy`: checks the project's own rules, those that no other tool checks.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package};

use files::TextFile;
use modules::Modules;

mod errors;
mod files;
mod imports;
mod layers;
mod lengths;
mod licences;
mod manifests;
mod modules;
mod sources;
mod syntax;

/// Prints every breach of a rule; one is a failure.
fn main() -> Result<ExitCode> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let problems =
        problems(package.ancestors().nth(2).context("the package is two folders below the workspace")?)?;
    for problem in &problems {
        println!("{problem}");
    }
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn problems(root: &Path) -> Result<Vec<String>> {
    let metadata = metadata_of(root, "Cargo.toml")?;
    let paths = files::of_repository(root)?;
    let files = files::read_texts(root, &paths)?;
    let policy = licences::Policy::parse(&fs::read_to_string(root.join("deny.toml")).context("deny.toml")?)?;

    let mut problems = layers::problems(&layers::members(&metadata));
    // The Python package has a lock file of its own.
    for metadata in [&metadata, &metadata_of(root, "python/Cargo.toml")?] {
        problems.extend(licences::problems(&licences::packages(metadata), &policy));
    }
    for package in metadata.workspace_packages() {
        problems.extend(member_problems(package, &metadata, &files)?);
    }
    for file in &files {
        problems.extend(sources::problems(file));
        problems.extend(lengths::problems(file));
        problems.extend(lengths::long_lines(file));
    }
    if !paths.iter().any(|path| path == "Cargo.lock") {
        problems.push("Cargo.lock is not in the repository".into());
    }
    Ok(problems)
}

/// What a lock file and its manifests say.
fn metadata_of(root: &Path, manifest: &str) -> Result<Metadata> {
    let locked = ["--locked".to_owned()];
    Ok(MetadataCommand::new().manifest_path(root.join(manifest)).other_options(locked).exec()?)
}

/// What is checked of one member: its manifest, the attribute of its roots, the tests of its errors.
fn member_problems(package: &Package, metadata: &Metadata, files: &[TextFile]) -> Result<Vec<String>> {
    let relative = |path: &Path| -> Result<String> {
        Ok(path.strip_prefix(&metadata.workspace_root)?.to_string_lossy().replace('\\', "/"))
    };
    let manifest = relative(package.manifest_path.as_std_path())?;
    let folder = manifest.trim_end_matches("Cargo.toml");
    let own: Vec<&TextFile> = files.iter().filter(|file| file.path.starts_with(folder)).collect();

    let mut problems = manifests::problems(&manifest, &fs::read_to_string(&package.manifest_path)?)?;
    problems.extend(errors::problems(&own)?);
    for target in package.targets.iter().filter(|target| target.is_lib() || target.is_bin()) {
        let root = relative(target.src_path.as_std_path())?;
        problems.extend(
            own.iter().filter(|file| file.path == root).flat_map(|file| sources::root_problems(file)),
        );
        problems.extend(imports::problems(&Modules::read(&root, files)?));
    }
    Ok(problems)
}
