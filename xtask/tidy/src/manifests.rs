//! Versions, lints and metadata stand in one place, which is the manifest of the workspace.

use anyhow::{Context, Result};
use toml::{Table, Value};

const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];
const DEPENDENCIES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// What a member's manifest says by itself, although the workspace's manifest should say it.
pub(super) fn problems(path: &str, manifest: &str) -> Result<Vec<String>> {
    let manifest: Table = toml::from_str(manifest).with_context(|| path.to_owned())?;
    let section = |name: &str| manifest.get(name).and_then(Value::as_table);
    let mut problems = Vec::new();
    for key in INHERITED.iter().filter(|&&key| !inherits(section("package").and_then(|table| table.get(key))))
    {
        problems.push(format!("{path}: package.{key} does not come from the workspace"));
    }
    if !inherits(manifest.get("lints")) {
        problems.push(format!("{path}: the lints do not come from the workspace"));
    }
    let platforms = section("target").into_iter().flat_map(Table::values).filter_map(Value::as_table);
    for table in std::iter::once(&manifest).chain(platforms) {
        for dependencies in DEPENDENCIES.iter().filter_map(|key| table.get(*key)?.as_table()) {
            for (name, _) in dependencies.iter().filter(|(_, dependency)| !inherits(Some(dependency))) {
                problems.push(format!("{path}: the dependency {name} does not come from the workspace"));
            }
        }
    }
    Ok(problems)
}

/// Whether a value is a table with `workspace = true`.
fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")) == Some(&Value::Boolean(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [package]
        name = "a"
        version.workspace = true
        edition.workspace = true
        rust-version.workspace = true
        license.workspace = true
        [dependencies]
        serde.workspace = true
        rand = { workspace = true, features = ["alloc"] }
        [lints]
        workspace = true
    "#;

    #[test]
    fn a_manifest_that_inherits_all() {
        assert_eq!(problems("a", GOOD).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn versions_of_its_own() {
        let manifest = GOOD.replace("edition.workspace = true", "edition = \"2024\"")
            + "[dev-dependencies]\ncsv = \"1\"\n[target.'cfg(unix)'.dependencies]\nlibc = { version = \"1\" }";
        assert_eq!(
            problems("a", &manifest).unwrap(),
            [
                "a: package.edition does not come from the workspace",
                "a: the dependency csv does not come from the workspace",
                "a: the dependency libc does not come from the workspace",
            ]
        );
    }

    #[test]
    fn lints_of_its_own() {
        let manifest =
            GOOD.replace("[lints]\n        workspace = true", "[lints.rust]\nmissing_docs = \"allow\"");
        assert_eq!(problems("a", &manifest).unwrap(), ["a: the lints do not come from the workspace"]);
    }

    #[test]
    fn a_broken_manifest_is_named() {
        assert_eq!(problems("crates/a", "[").unwrap_err().to_string(), "crates/a");
    }
}
