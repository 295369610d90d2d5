//! The layers: one chain of crates, each depending only on the one below it.

use cargo_metadata::{DependencyKind, Metadata};

/// The chain, lowest layer first.
const CHAIN: [&str; 7] = [
    "volley-ring",
    "volley-ckks",
    "volley-revolver",
    "volley-sigmoid",
    "volley-mlr",
    "volley-data",
    "volley-features",
];
const TESTKIT: &str = "volley-testkit";
/// The only members that are not published.
const UNPUBLISHED: [&str; 4] = [TESTKIT, "volley-benches", "volley-fuzz", "xtask"];

/// A member of the workspace, and the other members that it depends on.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    dependencies: Vec<String>,
    dev_dependencies: Vec<String>,
    published: bool,
}

/// The members in cargo's view. Build dependencies count as dependencies.
pub(super) fn members(metadata: &Metadata) -> Vec<Member> {
    let packages = metadata.workspace_packages();
    let names: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let member = |package: &&cargo_metadata::Package| {
        let depends_on = |dev: bool| {
            let chosen =
                package.dependencies.iter().filter(|d| (d.kind == DependencyKind::Development) == dev);
            chosen.map(|d| d.name.clone()).filter(|name| names.contains(&name.as_str())).collect()
        };
        Member {
            name: package.name.to_string(),
            dependencies: depends_on(false),
            dev_dependencies: depends_on(true),
            published: package.publish.as_ref().is_none_or(|registries| !registries.is_empty()),
        }
    };
    packages.iter().map(member).collect()
}

/// Where the members break the chain.
pub(super) fn problems(members: &[Member]) -> Vec<String> {
    let absent = CHAIN.iter().filter(|name| members.iter().all(|member| member.name != **name));
    let mut problems: Vec<String> = absent.map(|name| format!("{name} is not in the workspace")).collect();
    for member in members {
        problems.extend(dependency_problems(member));
        let expected = !UNPUBLISHED.contains(&member.name.as_str());
        if member.published != expected {
            let name = &member.name;
            problems.push(format!("{name}: publish is {}, it should be {expected}", member.published));
        }
    }
    problems
}

fn dependency_problems(member: &Member) -> Vec<String> {
    let name = &member.name;
    let below: Option<&str> = match CHAIN.iter().position(|layer| layer == name) {
        Some(layer) => layer.checked_sub(1).map(|below| CHAIN[below]),
        None if name == TESTKIT => None,
        None => return Vec::new(),
    };
    let mut problems = Vec::new();
    for dependency in member.dependencies.iter().filter(|dependency| Some(dependency.as_str()) != below) {
        problems.push(format!("{name} depends on {dependency}, which is not the layer below it"));
    }
    for dependency in &member.dev_dependencies {
        if Some(dependency.as_str()) != below && (dependency != TESTKIT || name == TESTKIT) {
            problems.push(format!(
                "{name} depends on {dependency} in its tests, which is not the layer below it"
            ));
        }
    }
    if let Some(below) = below.filter(|below| !member.dependencies.iter().any(|d| d == below)) {
        problems.push(format!("{name} does not depend on {below}, the layer below it"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str], dev_dependencies: &[&str]) -> Member {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Member {
            name: name.into(),
            dependencies: owned(dependencies),
            dev_dependencies: owned(dev_dependencies),
            published: !UNPUBLISHED.contains(&name),
        }
    }

    /// The chain as it should be, with one of its members replaced.
    fn chain_with(replacement: Member) -> Vec<Member> {
        let mut members = vec![member("volley-ring", &[], &[TESTKIT]), member(TESTKIT, &[], &[])];
        members.extend(CHAIN.windows(2).map(|pair| member(pair[1], &[pair[0]], &[TESTKIT, pair[0]])));
        members.push(member("xtask", &["volley-data", "volley-mlr", "volley-ring"], &[]));
        members.retain(|member| member.name != replacement.name);
        members.push(replacement);
        members
    }

    #[test]
    fn the_chain_is_in_order() {
        assert_eq!(problems(&chain_with(member("volley-ring", &[], &[TESTKIT]))), Vec::<String>::new());
    }

    #[test]
    fn a_layer_reaches_neither_up_nor_two_down_nor_to_the_testkit() {
        for (name, dependencies, stranger) in [
            ("volley-ring", &["volley-ckks"][..], "volley-ckks"),
            ("volley-revolver", &["volley-ckks", "volley-ring"], "volley-ring"),
            ("volley-mlr", &["volley-sigmoid", TESTKIT], TESTKIT),
            (TESTKIT, &["volley-ring"], "volley-ring"),
        ] {
            let expected = format!("{name} depends on {stranger}, which is not the layer below it");
            assert_eq!(problems(&chain_with(member(name, dependencies, &[]))), [expected]);
        }
    }

    #[test]
    fn tests_reach_the_testkit_and_the_layer_below() {
        let members = chain_with(member("volley-revolver", &["volley-ckks"], &[TESTKIT, "volley-ring"]));
        assert_eq!(
            problems(&members),
            ["volley-revolver depends on volley-ring in its tests, which is not the layer below it"]
        );
    }

    #[test]
    fn a_gap_in_the_chain_is_found() {
        assert_eq!(
            problems(&chain_with(member("volley-mlr", &[], &[]))),
            ["volley-mlr does not depend on volley-sigmoid, the layer below it"]
        );
        assert_eq!(problems(&[]).len(), CHAIN.len());
    }

    #[test]
    fn what_is_published_is_fixed() {
        let hidden = Member { published: false, ..member("volley-ring", &[], &[]) };
        assert_eq!(problems(&chain_with(hidden)), ["volley-ring: publish is false, it should be true"]);
        let shown = Member { published: true, ..member("xtask", &[], &[]) };
        assert_eq!(problems(&chain_with(shown)), ["xtask: publish is true, it should be false"]);
    }
}
