//! Dependencies inside a crate go one way: no module imports through one above it, and no modules form a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::{ModulePath, Modules, Reference, Target};

/// Which modules of one folder use which others, each with a place where this happens. What stands below a module
/// counts as a part of it.
type Arrows = BTreeMap<String, BTreeMap<String, String>>;

/// Where the modules of a crate break the rules.
pub(super) fn problems(modules: &Modules) -> Vec<String> {
    let mut problems = Vec::new();
    let mut arrows: BTreeMap<&[String], Arrows> = BTreeMap::new();
    for (path, module) in modules.iter() {
        for reference in &module.references {
            let Some(target) = modules.resolve(path, &reference.written) else { continue };
            let place = format!("{}:{}", module.file, reference.line);
            problems.extend(upward(modules, path, reference, &target).map(|why| format!("{place}: {why}")));
            for end in target.facades.iter().map(|(facade, _)| facade).chain([&target.module]) {
                let common = path.iter().zip(end).take_while(|(a, b)| a == b).count();
                // A module and what is above or below it are one part.
                if let (Some(user), Some(used)) = (path.get(common), end.get(common)) {
                    let folder = arrows.entry(&path[..common]).or_default();
                    let uses = folder.entry(user.clone()).or_default();
                    uses.entry(used.clone()).or_insert_with(|| place.clone());
                }
            }
        }
    }
    problems.extend(arrows.iter().flat_map(|(folder, arrows)| circles(folder, arrows)));
    problems
}

/// Why a module may not name this target as it does. A child may name what its parent defines, unless that is the root.
fn upward(modules: &Modules, from: &ModulePath, reference: &Reference, target: &Target) -> Option<String> {
    let is_above = |module: &ModulePath| from.len() > module.len() && from.starts_with(module);
    if reference.is_glob && is_above(&target.module) {
        return Some(format!("the glob imports from {}, which is above", shown(&target.module)));
    }
    if let Some((facade, name)) = target.facades.iter().find(|(facade, _)| is_above(facade)) {
        let direct = modules.direct_path(from, target);
        return Some(format!("{name} comes through {}, which is above: write {direct}", shown(facade)));
    }
    let name = target.item.as_ref().filter(|_| is_above(&ModulePath::new()) && target.module.is_empty())?;
    Some(format!("{name} is defined in the root, which is above: it needs a module of its own"))
}

/// The smallest circle through each module; every circle is given once.
fn circles(folder: &[String], arrows: &Arrows) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for start in arrows.keys() {
        let Some(circle) = circle_through(start, arrows) else { continue };
        if seen.insert(circle.iter().copied().collect::<BTreeSet<_>>()) {
            let ends = circle.iter().cycle().skip(1);
            let arrow =
                |(user, used): (&&str, &&str)| format!("{user} uses {used} ({})", arrows[*user][*used]);
            let steps: Vec<String> = circle.iter().zip(ends).map(arrow).collect();
            problems.push(format!("the modules of {} form a circle: {}", shown(folder), steps.join(", ")));
        }
    }
    problems
}

/// The modules of the shortest way from a module back to it, by breadth-first search.
fn circle_through<'a>(start: &'a str, arrows: &'a Arrows) -> Option<Vec<&'a str>> {
    let mut user_of: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(user) = waiting.pop_front() {
        for used in arrows.get(user).into_iter().flat_map(BTreeMap::keys) {
            if used == start {
                let way = std::iter::successors(Some(user), |module| user_of.get(module).copied());
                let mut circle: Vec<&str> = way.collect();
                circle.reverse();
                return Some(circle);
            }
            if let std::collections::btree_map::Entry::Vacant(entry) = user_of.entry(used) {
                entry.insert(user);
                waiting.push_back(used);
            }
        }
    }
    None
}

fn shown(module: &[String]) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

#[cfg(test)]
mod tests;
