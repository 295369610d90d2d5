//! The files of the repository.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A text file of the repository; the path is relative to the workspace and has slashes.
#[derive(Debug)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The paths of all files that are committed, or would be by `git add --all`.
pub(crate) fn of_repository(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr).trim());
    let paths = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    Ok(paths.split_terminator('\0').map(str::to_owned).collect())
}

/// Those of the paths that are texts.
pub(crate) fn read_texts(root: &Path, paths: &[String]) -> Result<Vec<TextFile>> {
    let is_text = |path: &&String| [".rs", ".toml", ".md", ".sh"].iter().any(|end| path.ends_with(end));
    // A file that was deleted, but is still in the index, cannot be read.
    let exists = |path: &&String| root.join(path).exists();
    let read = |path: &String| {
        let text = fs::read_to_string(root.join(path)).with_context(|| path.clone())?;
        Ok(TextFile { path: path.clone(), text })
    };
    paths.iter().filter(is_text).filter(exists).map(read).collect()
}
