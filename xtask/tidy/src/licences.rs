//! The licences of all dependencies are among those that `deny.toml` allows.

use anyhow::{Context, Result};
use cargo_metadata::Metadata;
use serde::Deserialize;

/// What `deny.toml` says of licences.
#[derive(Debug, Deserialize)]
pub(super) struct Policy {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences that one crate may have besides.
#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

/// A crate and the SPDX expression it is published under.
#[derive(Debug)]
pub(super) struct Licensed {
    name: String,
    expression: Option<String>,
}

impl Policy {
    /// Reads the table `licenses` of a `deny.toml`.
    pub(super) fn parse(deny: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Deny {
            licenses: Policy,
        }
        Ok(toml::from_str::<Deny>(deny).context("deny.toml")?.licenses)
    }

    fn allows(&self, name: &str, licence: &str) -> bool {
        let own = self.exceptions.iter().filter(|exception| exception.name == name);
        own.flat_map(|exception| &exception.allow).chain(&self.allow).any(|allowed| allowed == licence)
    }
}

/// Every package of the build, on any platform.
pub(super) fn packages(metadata: &Metadata) -> Vec<Licensed> {
    let licensed = |package: &cargo_metadata::Package| Licensed {
        name: package.name.to_string(),
        expression: package.license.clone(),
    };
    metadata.packages.iter().map(licensed).collect()
}

/// The packages that may not be used.
pub(super) fn problems(packages: &[Licensed], policy: &Policy) -> Vec<String> {
    let problem = |package: &Licensed| {
        let name = &package.name;
        let Some(expression) = &package.expression else {
            return Some(format!("{name} states no licence"));
        };
        match is_satisfied(expression, |licence| policy.allows(name, licence)) {
            Some(true) => None,
            Some(false) => Some(format!("{name} is under {expression}, which deny.toml does not allow")),
            None => Some(format!("{name}: {expression:?} is not an SPDX expression")),
        }
    };
    packages.iter().filter_map(problem).collect()
}

/// Whether an SPDX expression can be satisfied with the allowed licences; None where it is not one. `AND` binds more
/// tightly than `OR`; "/" is the `OR` of old manifests.
fn is_satisfied(expression: &str, allowed: impl Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut tokens: Vec<&str> = spaced.split_whitespace().rev().collect();
    let value = any_of(&mut tokens, &allowed)?;
    tokens.is_empty().then_some(value)
}

/// `all_of` { `OR` `all_of` }; the next token is the last of the slice.
fn any_of(tokens: &mut Vec<&str>, allowed: &impl Fn(&str) -> bool) -> Option<bool> {
    let mut value = all_of(tokens, allowed)?;
    while tokens.pop_if(|token| *token == "OR").is_some() {
        value |= all_of(tokens, allowed)?;
    }
    Some(value)
}

/// `licence` { `AND` `licence` }.
fn all_of(tokens: &mut Vec<&str>, allowed: &impl Fn(&str) -> bool) -> Option<bool> {
    let mut value = licence(tokens, allowed)?;
    while tokens.pop_if(|token| *token == "AND").is_some() {
        value &= licence(tokens, allowed)?;
    }
    Some(value)
}

/// A name, a name `WITH` an exception (allowed as a whole, or because the name is), or an expression in brackets.
fn licence(tokens: &mut Vec<&str>, allowed: &impl Fn(&str) -> bool) -> Option<bool> {
    match tokens.pop()? {
        "(" => {
            let value = any_of(tokens, allowed)?;
            tokens.pop_if(|token| *token == ")").map(|_| value)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        name if tokens.pop_if(|token| *token == "WITH").is_some() => {
            let exception = tokens.pop()?;
            Some(allowed(name) || allowed(&format!("{name} WITH {exception}")))
        }
        name => Some(allowed(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = r#"
        [licenses]
        allow = ["MIT", "Apache-2.0"]
        confidence-threshold = 0.9
        [[licenses.exceptions]]
        crate = "odd"
        allow = ["BSD-3-Clause-Clear"]
        [bans]
        wildcards = "deny"
    "#;

    #[test]
    fn expressions() {
        let value = |expression| is_satisfied(expression, |name| ["MIT", "Zlib"].contains(&name));
        for good in ["MIT", "GPL-3.0 OR MIT", "Unlicense/MIT", "MIT AND Zlib", "(GPL-3.0 OR MIT) AND Zlib"] {
            assert_eq!(value(good), Some(true), "{good}");
        }
        for good in ["MIT WITH LLVM-exception", "GPL-3.0 AND BSL-1.0 OR MIT"] {
            assert_eq!(value(good), Some(true), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND GPL-3.0", "GPL-3.0 WITH x"] {
            assert_eq!(value(bad), Some(false), "{bad}");
        }
        for nonsense in ["", "MIT OR", "(MIT", "MIT)", "OR MIT", "MIT Zlib", "MIT WITH"] {
            assert_eq!(value(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn only_the_named_crate_has_the_exception() {
        let licensed = |name: &str, expression: &str| Licensed {
            name: name.into(),
            expression: (!expression.is_empty()).then(|| expression.into()),
        };
        let packages = [
            licensed("good", "GPL-3.0 OR MIT"),
            licensed("odd", "BSD-3-Clause-Clear"),
            licensed("other", "BSD-3-Clause-Clear"),
            licensed("silent", ""),
            licensed("garbled", "MIT OR"),
        ];
        assert_eq!(
            problems(&packages, &Policy::parse(DENY).unwrap()),
            [
                "other is under BSD-3-Clause-Clear, which deny.toml does not allow",
                "silent states no licence",
                "garbled: \"MIT OR\" is not an SPDX expression",
            ]
        );
    }
}
