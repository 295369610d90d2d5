//! Reads modules from the text of their files.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow};
use proc_macro2::{Ident, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, Item, ItemMod, ItemUse, Macro, UseTree, VisRestricted, Visibility};

use crate::files::TextFile;
use crate::modules::{Module, ModulePath, Reference, Start, Written};
use crate::syntax::{attributes, is_for_tests, visit_tokens};

/// The module at the root and all that are declared below it.
pub(super) fn read(root: &str, files: &[TextFile]) -> Result<BTreeMap<ModulePath, Module>> {
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut reader = Reader { files, modules: BTreeMap::new() };
    reader.read_file(ModulePath::new(), root, folder)?;
    Ok(reader.modules)
}

struct Reader<'a> {
    files: &'a [TextFile],
    modules: BTreeMap<ModulePath, Module>,
}

impl Reader<'_> {
    /// The module in a file; `folder` has the files of its children.
    fn read_file(&mut self, path: ModulePath, file: &str, folder: &str) -> Result<()> {
        let text = self.files.iter().find(|candidate| candidate.path == file);
        let text = text.with_context(|| format!("{file}: there is no such file"))?;
        let syntax = syn::parse_file(&text.text).map_err(|error| anyhow!("{file}: {error}"))?;
        self.read_items(path, &syntax.items, file, folder)
    }

    fn read_items(&mut self, path: ModulePath, items: &[Item], file: &str, folder: &str) -> Result<()> {
        let mut module = Module {
            file: file.to_owned(),
            children: BTreeMap::new(),
            items: defined(items),
            imports: BTreeMap::new(),
            globs: Vec::new(),
            references: Vec::new(),
        };
        for item in items.iter().filter(|item| !is_for_tests(attributes(item))) {
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    self.read_child(&path, child, file, &format!("{folder}/{name}"))?;
                    module.children.insert(name, reach(&child.vis, &path));
                }
                Item::Use(item) => {
                    for leaf in leaves(item, &path) {
                        module.add_import(leaf);
                    }
                }
                _ => {}
            }
            References { module: &path, found: &mut module.references }.visit_item(item);
        }
        self.modules.insert(path, module);
        Ok(())
    }

    /// `place` is the child's file without its extension.
    fn read_child(&mut self, parent: &ModulePath, child: &ItemMod, file: &str, place: &str) -> Result<()> {
        let path = [parent.as_slice(), &[child.ident.to_string()]].concat();
        match &child.content {
            Some((_, items)) => self.read_items(path, items, file, place),
            None => self.read_file(path, &format!("{place}.rs"), place),
        }
    }
}

impl Module {
    fn add_import(&mut self, leaf: Leaf) {
        match leaf.name {
            None => self.globs.push(leaf.written),
            // `use a;` of another crate, which is in scope anyhow.
            Some(name)
                if matches!(leaf.written.start, Start::Scope) && leaf.written.names == [name.clone()] => {}
            Some(name) => _ = self.imports.insert(name, leaf.written),
        }
    }
}

/// The names of the items that are defined here, other than modules.
fn defined(items: &[Item]) -> BTreeSet<String> {
    let name = |item: &Item| -> Option<Ident> {
        match item {
            Item::Const(item) => Some(item.ident.clone()),
            Item::Enum(item) => Some(item.ident.clone()),
            Item::Fn(item) => Some(item.sig.ident.clone()),
            Item::Macro(item) => item.ident.clone(),
            Item::Static(item) => Some(item.ident.clone()),
            Item::Struct(item) => Some(item.ident.clone()),
            Item::Trait(item) => Some(item.ident.clone()),
            Item::TraitAlias(item) => Some(item.ident.clone()),
            Item::Type(item) => Some(item.ident.clone()),
            Item::Union(item) => Some(item.ident.clone()),
            _ => None,
        }
    };
    items.iter().filter_map(name).map(|name| name.to_string()).collect()
}

/// The module in which, and below which, a child of `parent` can be named.
fn reach(visibility: &Visibility, parent: &ModulePath) -> ModulePath {
    match visibility {
        Visibility::Public(_) => ModulePath::new(),
        Visibility::Inherited => parent.clone(),
        Visibility::Restricted(restricted) => {
            let names: Vec<String> =
                restricted.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            match written(&names, parent) {
                Written { start: Start::Module(base), names } => [base, names].concat(),
                Written { start: Start::Scope, .. } => parent.clone(),
            }
        }
    }
}

/// A path in the text of `module`.
fn written(names: &[String], module: &ModulePath) -> Written {
    let mut start = None;
    let mut rest = names;
    while let Some((first, others)) = rest.split_first() {
        let base = match (first.as_str(), &start) {
            ("crate", None) => ModulePath::new(),
            ("self", None) => module.clone(),
            ("super", None) => parent(module),
            ("super", Some(base)) => parent(base),
            _ => break,
        };
        start = Some(base);
        rest = others;
    }
    Written { start: start.map_or(Start::Scope, Start::Module), names: rest.to_vec() }
}

fn parent(module: &ModulePath) -> ModulePath {
    module.split_last().map_or_else(ModulePath::new, |(_, parent)| parent.to_vec())
}

/// One path of a `use`, and the name that it gives; None for a glob.
struct Leaf {
    written: Written,
    name: Option<String>,
    line: usize,
}

fn leaves(item: &ItemUse, module: &ModulePath) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    collect(&item.tree, &mut Vec::new(), module, &mut leaves);
    leaves
}

fn collect(tree: &UseTree, prefix: &mut Vec<String>, module: &ModulePath, leaves: &mut Vec<Leaf>) {
    // `a::{self}` is the path a.
    let path = |last: &Ident| {
        let last = Some(last.to_string()).filter(|last| last != "self" || prefix.is_empty());
        prefix.iter().cloned().chain(last).collect::<Vec<_>>()
    };
    let (names, name, line) = match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            collect(&path.tree, prefix, module, leaves);
            prefix.pop();
            return;
        }
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| collect(tree, prefix, module, leaves));
            return;
        }
        UseTree::Name(name) => {
            let names = path(&name.ident);
            let last = names.last().cloned();
            (names, last, name.ident.span().start().line)
        }
        UseTree::Rename(rename) => {
            (path(&rename.ident), Some(rename.rename.to_string()), rename.ident.span().start().line)
        }
        UseTree::Glob(glob) => (prefix.clone(), None, glob.star_token.spans[0].start().line),
    };
    leaves.push(Leaf { written: written(&names, module), name, line });
}

/// Collects what the items of a module name: all paths of `use`, and others that begin in the crate.
struct References<'a> {
    module: &'a ModulePath,
    found: &'a mut Vec<Reference>,
}

impl References<'_> {
    fn add(&mut self, names: &[String], line: usize) {
        let written = written(names, self.module);
        if matches!(written.start, Start::Module(_)) {
            self.found.push(Reference { written, line, is_glob: false });
        }
    }
}

impl<'ast> Visit<'ast> for References<'_> {
    /// Looks at no children: they are modules of their own.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    /// Looks at no visibility: who may see an item is no use of it.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}

    /// Looks at no attributes: documentation and conditions are no uses either.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let references = leaves(item, self.module).into_iter().map(|leaf| Reference {
            written: leaf.written,
            line: leaf.line,
            is_glob: leaf.name.is_none(),
        });
        self.found.extend(references);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let line = path.segments.first().map_or(0, |segment| segment.ident.span().start().line);
        self.add(&names, line);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        visit_tokens(call.tokens.clone(), &mut |sequence| {
            for (line, names) in paths(sequence) {
                self.add(&names, line);
            }
        });
    }
}

/// The paths `a::b::c` of a sequence of tokens, each with its line.
fn paths(sequence: &[TokenTree]) -> Vec<(usize, Vec<String>)> {
    let mut paths: Vec<(usize, Vec<String>)> = Vec::new();
    // How many colons stand since the last name.
    let mut colons = 0;
    for token in sequence {
        match token {
            TokenTree::Ident(name) => {
                match paths.last_mut() {
                    Some((_, names)) if colons == 2 => names.push(name.to_string()),
                    _ => paths.push((name.span().start().line, vec![name.to_string()])),
                }
                colons = 0;
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
            _ => colons = 3,
        }
    }
    paths
}
