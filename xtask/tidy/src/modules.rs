//! The modules of one crate, as they are written: what each defines, imports and names of the others.
//!
//! Code of tests is left out: it stands above the whole crate and may name things as users do.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::files::TextFile;

mod reader;

/// The names from the root of a crate down to a module; empty for the root.
pub(super) type ModulePath = Vec<String>;

/// All modules of one library or program.
#[derive(Debug)]
pub(super) struct Modules {
    by_path: BTreeMap<ModulePath, Module>,
}

/// What one module says.
#[derive(Debug)]
pub(super) struct Module {
    /// The file that it is written in.
    pub(super) file: String,
    /// The modules declared in it, and the module below which each can be named.
    children: BTreeMap<String, ModulePath>,
    items: BTreeSet<String>,
    imports: BTreeMap<String, Written>,
    globs: Vec<Written>,
    pub(super) references: Vec<Reference>,
}

/// A path in the text of a module.
#[derive(Clone, Debug)]
pub(super) struct Written {
    start: Start,
    names: Vec<String>,
}

/// What the first name of a path is looked up in.
#[derive(Clone, Debug)]
enum Start {
    /// `crate`, `self` or `super`.
    Module(ModulePath),
    /// Whatever is in scope: a child, an import, or another crate.
    Scope,
}

/// A place where a module names something by its path.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) written: Written,
    pub(super) line: usize,
    pub(super) is_glob: bool,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The module that it is, or that defines the item.
    pub(super) module: ModulePath,
    /// None where the path ends at the module itself.
    pub(super) item: Option<String>,
    /// The modules on the way that only re-export it, and the name that each gives it.
    pub(super) facades: Vec<(ModulePath, String)>,
}

impl Modules {
    /// The crate whose root is the file at this path, from the files of the repository.
    pub(super) fn read(root: &str, files: &[TextFile]) -> Result<Self> {
        Ok(Self { by_path: reader::read(root, files)? })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ModulePath, &Module)> {
        self.by_path.iter()
    }

    /// What a path in the text of `from` leads to; None beyond this crate.
    pub(super) fn resolve(&self, from: &ModulePath, written: &Written) -> Option<Target> {
        self.follow(from, written, &mut Vec::new())
    }

    /// `facades` are the modules on the way so far, each with the name that it handed on.
    fn follow(
        &self,
        from: &ModulePath,
        written: &Written,
        facades: &mut Vec<(ModulePath, String)>,
    ) -> Option<Target> {
        let mut module = match &written.start {
            Start::Module(path) => path.clone(),
            Start::Scope => from.clone(),
        };
        for (index, name) in written.names.iter().enumerate() {
            let here = self.by_path.get(&module)?;
            if here.children.contains_key(name) {
                module.push(name.clone());
                continue;
            }
            if here.items.contains(name) {
                return Some(target(module, Some(name.clone()), facades));
            }
            let step = (module, name.clone());
            // Imports that lead to each other lead nowhere.
            if facades.contains(&step) {
                return None;
            }
            facades.push(step);
            let (module, _) = facades.last()?.clone();
            if let Some(import) = here.imports.get(name) {
                return self.follow(&module, &import.then(&written.names[index + 1..]), facades);
            }
            let count = facades.len();
            return here.globs.iter().find_map(|glob| {
                facades.truncate(count);
                self.follow(&module, &glob.then(&written.names[index..]), facades)
            });
        }
        Some(target(module, None, facades))
    }

    /// The path nearest to the definition by which `from` can name the target.
    pub(super) fn direct_path(&self, from: &ModulePath, target: &Target) -> String {
        let mut seen = ModulePath::new();
        for name in &target.module {
            let reach = self.by_path.get(&seen).and_then(|module| module.children.get(name));
            if !reach.is_some_and(|reach| from.starts_with(reach)) {
                break;
            }
            seen.push(name.clone());
        }
        let names = seen.iter().chain(&target.item);
        names.fold("crate".to_owned(), |path, name| path + "::" + name)
    }
}

impl Written {
    fn then(&self, names: &[String]) -> Self {
        Self { start: self.start.clone(), names: [&self.names, names].concat() }
    }
}

fn target(module: ModulePath, item: Option<String>, facades: &[(ModulePath, String)]) -> Target {
    Target { module, item, facades: facades.to_vec() }
}
