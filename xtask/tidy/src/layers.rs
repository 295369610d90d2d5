//! The crates form one chain of layers, in which each depends only on the one below it. A graph around the chain says
//! which other crates may use which.

use cargo_metadata::{DependencyKind, Metadata};

/// The chain, lowest layer first.
const CHAIN: [&str; 5] = ["volley-ring", "volley-ckks", "volley-revolver", "volley-sigmoid", "volley-mlr"];

/// What one member of the workspace may depend on.
struct Rule {
    name: &'static str,
    published: bool,
    /// The members that it may use.
    uses: &'static [&'static str],
    /// The members that its tests may use besides.
    tests_use: &'static [&'static str],
}

const TESTKIT: &[&str] = &["volley-testkit"];

/// The rules of all members. For the chain they repeat [`CHAIN`]; beside it, features of images need no encryption.
const GRAPH: [Rule; 18] = [
    Rule { name: "volley-testkit", published: false, uses: &[], tests_use: &[] },
    Rule { name: "volley-ring", published: true, uses: &[], tests_use: TESTKIT },
    Rule { name: "volley-ckks", published: true, uses: &["volley-ring"], tests_use: TESTKIT },
    Rule { name: "volley-revolver", published: true, uses: &["volley-ckks"], tests_use: TESTKIT },
    Rule { name: "volley-sigmoid", published: true, uses: &["volley-revolver"], tests_use: TESTKIT },
    Rule { name: "volley-mlr", published: true, uses: &["volley-sigmoid"], tests_use: TESTKIT },
    Rule { name: "volley-data", published: true, uses: &["volley-mlr"], tests_use: TESTKIT },
    Rule { name: "volley-features", published: true, uses: &[], tests_use: &["volley-data"] },
    Rule { name: "volley-program", published: true, uses: &["volley-mlr"], tests_use: &[] },
    Rule {
        name: "volley-project",
        published: true,
        uses: &["volley-data", "volley-mlr", "volley-program"],
        tests_use: &[],
    },
    Rule { name: "volley-mpi", published: true, uses: &["volley-project"], tests_use: &[] },
    Rule {
        name: "volley-report",
        published: true,
        uses: &["volley-data", "volley-mlr", "volley-program"],
        tests_use: &[],
    },
    Rule {
        name: "volley-cli",
        published: true,
        uses: &[
            "volley-data",
            "volley-features",
            "volley-mlr",
            "volley-mpi",
            "volley-program",
            "volley-project",
            "volley-report",
        ],
        tests_use: &["volley-ring"],
    },
    Rule {
        name: "volley-fuzz",
        published: false,
        uses: &["volley-mlr", "volley-project", "volley-testkit"],
        tests_use: &[],
    },
    Rule { name: "volley-benches", published: false, uses: &CHAIN, tests_use: &[] },
    Rule { name: "volley-tidy", published: false, uses: &[], tests_use: &[] },
    Rule { name: "volley-launch", published: false, uses: &[], tests_use: &[] },
    Rule {
        name: "xtask",
        published: false,
        uses: &["volley-data", "volley-mlr", "volley-program", "volley-report", "volley-ring"],
        tests_use: &[],
    },
];

/// A member of the workspace, and the other members that it depends on.
#[derive(Debug)]
pub(super) struct Member {
    name: String,
    dependencies: Vec<String>,
    dev_dependencies: Vec<String>,
    published: bool,
}

/// The members in cargo's view. Build dependencies and optional ones count as dependencies.
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

/// Where the members break the rules.
pub(super) fn problems(members: &[Member]) -> Vec<String> {
    let absent = GRAPH.iter().filter(|rule| members.iter().all(|member| member.name != rule.name));
    let mut problems: Vec<String> =
        absent.map(|rule| format!("{} is not in the workspace", rule.name)).collect();
    for member in members {
        match GRAPH.iter().find(|rule| rule.name == member.name) {
            Some(rule) => problems.extend(member_problems(member, rule)),
            None => problems.push(format!("{} has no place in the graph of crates", member.name)),
        }
    }
    problems
}

fn member_problems(member: &Member, rule: &Rule) -> Vec<String> {
    let name = &member.name;
    let mut problems = Vec::new();
    for dependency in member.dependencies.iter().filter(|used| !rule.uses.contains(&used.as_str())) {
        problems.push(format!("{name} depends on {dependency}, it may use {}", listed(rule.uses)));
    }
    let allowed = [rule.uses, rule.tests_use].concat();
    for dependency in member.dev_dependencies.iter().filter(|used| !allowed.contains(&used.as_str())) {
        problems
            .push(format!("{name} depends on {dependency} in its tests, they may use {}", listed(&allowed)));
    }
    let below = CHAIN.windows(2).find(|pair| pair[1] == name).map(|pair| pair[0]);
    if let Some(below) = below.filter(|below| !member.dependencies.iter().any(|used| used == below)) {
        problems.push(format!("{name} does not depend on {below}, the layer below it"));
    }
    if member.published != rule.published {
        problems.push(format!("{name}: publish is {}, it should be {}", member.published, rule.published));
    }
    problems
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "no member of the workspace".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str], dev_dependencies: &[&str]) -> Member {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let published = GRAPH.iter().any(|rule| rule.name == name && rule.published);
        Member {
            name: name.into(),
            dependencies: owned(dependencies),
            dev_dependencies: owned(dev_dependencies),
            published,
        }
    }

    /// Every member with all that it may use, one of them replaced.
    fn workspace_with(replacement: Member) -> Vec<Member> {
        let others = GRAPH.iter().filter(|rule| rule.name != replacement.name);
        let mut members: Vec<Member> =
            others.map(|rule| member(rule.name, rule.uses, rule.tests_use)).collect();
        members.push(replacement);
        members
    }

    #[test]
    fn each_layer_of_the_chain_uses_the_one_below_it_only() {
        for (layer, name) in CHAIN.iter().enumerate() {
            let rule = GRAPH.iter().find(|rule| rule.name == *name).unwrap();
            assert_eq!(rule.uses, &CHAIN[layer.saturating_sub(1)..layer], "{name}");
        }
    }

    #[test]
    fn what_is_allowed() {
        assert_eq!(problems(&workspace_with(member("xtask", &["volley-ring"], &[]))), Vec::<String>::new());
    }

    #[test]
    fn a_layer_reaches_neither_up_nor_two_down_nor_to_the_testkit() {
        for (name, dependencies, problem) in [
            ("volley-ring", &["volley-ckks"][..], "volley-ckks, it may use no member of the workspace"),
            ("volley-features", &["volley-data"], "volley-data, it may use no member of the workspace"),
            ("volley-revolver", &["volley-ckks", "volley-ring"], "volley-ring, it may use volley-ckks"),
            (
                "volley-mlr",
                &["volley-sigmoid", "volley-testkit"],
                "volley-testkit, it may use volley-sigmoid",
            ),
        ] {
            let expected = format!("{name} depends on {problem}");
            assert_eq!(problems(&workspace_with(member(name, dependencies, &[]))), [expected]);
        }
    }

    #[test]
    fn tests_reach_the_testkit_and_the_layer_below() {
        let stranger =
            member("volley-revolver", &["volley-ckks"], &["volley-ckks", "volley-testkit", "xtask"]);
        assert_eq!(
            problems(&workspace_with(stranger)),
            ["volley-revolver depends on xtask in its tests, they may use volley-ckks, volley-testkit"]
        );
    }

    #[test]
    fn a_gap_in_the_chain_is_found() {
        assert_eq!(
            problems(&workspace_with(member("volley-mlr", &[], &[]))),
            ["volley-mlr does not depend on volley-sigmoid, the layer below it"]
        );
        assert_eq!(problems(&[]).len(), GRAPH.len());
    }

    #[test]
    fn a_member_has_a_place_in_the_graph() {
        assert_eq!(
            problems(&workspace_with(member("volley-clouds", &[], &[]))),
            ["volley-clouds has no place in the graph of crates"]
        );
    }

    #[test]
    fn what_is_published_is_fixed() {
        let hidden = Member { published: false, ..member("volley-ring", &[], &[]) };
        assert_eq!(problems(&workspace_with(hidden)), ["volley-ring: publish is false, it should be true"]);
        let shown = Member { published: true, ..member("xtask", &[], &[]) };
        assert_eq!(problems(&workspace_with(shown)), ["xtask: publish is true, it should be false"]);
    }
}
