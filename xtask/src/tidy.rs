//! `cargo xtask tidy`: checks the project's own rules, those that no other tool checks.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::workspace;
use modules::Modules;

mod errors;
mod imports;
mod layers;
mod lengths;
mod licences;
mod manifests;
mod modules;
mod sources;
mod syntax;

/// A text file of the repository; the path is relative to the workspace and has slashes.
#[derive(Debug)]
struct TextFile {
    path: String,
    text: String,
}

/// Prints every breach of a rule; an error says how many there are.
pub(crate) fn run() -> Result<()> {
    let problems = problems(workspace::root())?;
    for problem in &problems {
        println!("{problem}");
    }
    ensure!(problems.is_empty(), "tidy: {} breaches of the rules", problems.len());
    Ok(())
}

fn problems(root: &Path) -> Result<Vec<String>> {
    let metadata = metadata_of(root, "Cargo.toml")?;
    let paths = repository_paths(root)?;
    let files = read_text_files(root, &paths)?;
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

/// The paths of all files that are committed, or would be by `git add --all`.
fn repository_paths(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    let paths = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    Ok(paths.split_terminator('\0').map(str::to_owned).collect())
}

fn read_text_files(root: &Path, paths: &[String]) -> Result<Vec<TextFile>> {
    let is_text = |path: &&String| [".rs", ".toml", ".md", ".sh"].iter().any(|end| path.ends_with(end));
    // A file that was deleted, but is still in the index, cannot be read.
    let exists = |path: &&String| root.join(path).exists();
    let read = |path: &String| {
        let text = fs::read_to_string(root.join(path)).with_context(|| path.clone())?;
        Ok(TextFile { path: path.clone(), text })
    };
    paths.iter().filter(is_text).filter(exists).map(read).collect()
}
