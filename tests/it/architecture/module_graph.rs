//! The graph of the modules of a crate: which module uses items of which other one.
//!
//! A path counts for the module that defines the item: re-exports are followed. A module that only re-exports an item does not use it.
//! Use of the crate's root is not recorded.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{without_tests, words};

/// A path as written, split at `::`.
type Segments = Vec<String>;

pub(super) struct ModuleGraph {
    edges: BTreeMap<String, BTreeSet<String>>,
}

/// The modules of a crate, with the names that each of them re-exports.
struct Modules {
    reexports: BTreeMap<String, BTreeMap<String, Segments>>,
}

/// A path of a `use` declaration and the name that it brings into scope.
struct Import {
    is_public: bool,
    path: Segments,
    name: String,
}

impl ModuleGraph {
    /// Builds the graph from sources by module path (`a::b`, the empty path for the root).
    pub(super) fn new(sources: &BTreeMap<String, String>) -> Self {
        let codes: BTreeMap<&String, String> =
            sources.iter().map(|(path, source)| (path, without_tests(source))).collect();
        let reexports = codes.iter().map(|(module, code)| {
            let public = imports(code).into_iter().filter(|import| import.is_public);
            ((*module).clone(), public.map(|import| (import.name, import.path)).collect())
        });
        let modules = Modules { reexports: reexports.collect() };
        let edges = codes.iter().map(|(module, code)| ((*module).clone(), modules.used_by(module, code)));
        Self { edges: edges.collect() }
    }

    pub(super) fn uses(&self, module: &str, used: &str) -> bool {
        self.edges.get(module).is_some_and(|edges| edges.contains(used))
    }

    /// Returns the groups of modules that all reach each other.
    pub(super) fn circles(&self) -> Vec<Vec<String>> {
        let reached: BTreeMap<&String, BTreeSet<&String>> =
            self.edges.keys().map(|module| (module, self.reachable(module))).collect();
        let mut found = Vec::new();
        for (module, from_here) in reached.iter().filter(|(module, from_here)| from_here.contains(**module)) {
            let circle: Vec<String> = from_here
                .iter()
                .filter(|other| reached[**other].contains(*module))
                .map(|other| (**other).clone())
                .collect();
            if circle.first() == Some(*module) {
                found.push(circle);
            }
        }
        found
    }

    fn reachable<'a>(&'a self, from: &'a String) -> BTreeSet<&'a String> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(module) = open.pop() {
            open.extend(self.edges[module].iter().filter(|used| reached.insert(*used)));
        }
        reached
    }
}

impl Modules {
    /// Returns the modules whose items `code`, the code of `module`, uses.
    fn used_by(&self, module: &str, code: &str) -> BTreeSet<String> {
        let body = without_imports(code);
        let names: BTreeSet<&str> = words(&body).collect();
        let imported = imports(code).into_iter();
        let imported = imported.filter(|import| !import.is_public || names.contains(import.name.as_str()));
        let paths = imported.map(|import| import.path).chain(paths(&body));
        let defining = paths.filter_map(|path| self.resolve(&self.absolute(module, &path)?, 0));
        defining.filter(|used| used != module && !used.is_empty()).collect()
    }

    /// Returns the path from the crate's root, `None` for a path into another crate.
    fn absolute(&self, module: &str, path: &[String]) -> Option<Segments> {
        let mut base: Segments = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => rest = &path[1..],
            "super" => {
                while let Some(("super", after)) = rest.split_first().map(|(first, after)| (first.as_str(), after)) {
                    base.pop();
                    rest = after;
                }
            }
            child => {
                let inside = base.iter().map(String::as_str).chain([child]).collect::<Vec<_>>().join("::");
                if !self.reexports.contains_key(&inside) {
                    return None;
                }
            }
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// Returns the module that defines the item at an absolute path.
    fn resolve(&self, path: &[String], depth: u8) -> Option<String> {
        let (module, rest) = (0..=path.len())
            .rev()
            .map(|length| (path[..length].join("::"), &path[length..]))
            .find(|(module, _)| self.reexports.contains_key(module))?;
        let reexport = rest.first().and_then(|name| self.reexports[&module].get(name)).filter(|_| depth < 8);
        match reexport.and_then(|target| self.absolute(&module, target)) {
            Some(target) => self.resolve(&[target.as_slice(), &rest[1..]].concat(), depth + 1),
            None => Some(module),
        }
    }
}

/// Returns the paths of the `use` declarations in a piece of code.
fn imports(code: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for (begin, end) in use_declarations(code) {
        let (visibility, tree) = code[begin..end].split_once("use ").unwrap_or_default();
        let mut paths = Vec::new();
        expand(&[], tree, &mut paths);
        let is_public = !visibility.trim().is_empty();
        found.extend(paths.into_iter().map(|(path, name)| Import { is_public, path, name }));
    }
    found
}

/// Returns the ranges of the `use` declarations, from the visibility to before the semicolon.
fn use_declarations(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (index, _) in code.match_indices("use ") {
        let before = code[..index].trim_end_matches(' ');
        let statement = before.rfind(['\n', ';', '{', '}']).map_or(0, |end| end + 1);
        let visibility = before[statement..].trim_start();
        if visibility.is_empty() || visibility == "pub" || visibility.starts_with("pub(") && visibility.ends_with(')') {
            let end = code[index..].find(';').map_or(code.len(), |length| index + length);
            found.push((before.len() - visibility.len(), end));
        }
    }
    found
}

fn without_imports(code: &str) -> String {
    let mut rest = code.to_owned();
    for (begin, end) in use_declarations(code).into_iter().rev() {
        rest.replace_range(begin..end, "");
    }
    rest
}

/// Appends every path of a use tree, with the name that it brings into scope.
fn expand(prefix: &[String], tree: &str, paths: &mut Vec<(Segments, String)>) {
    let tree = tree.trim();
    if let Some(group) = tree.strip_prefix('{') {
        for member in members(group.strip_suffix('}').unwrap_or(group)) {
            expand(prefix, member, paths);
        }
        return;
    }
    let head = tree.find("::{").unwrap_or(tree.len());
    let (path, group) = tree.split_at(head);
    let (path, alias) = path.split_once(" as ").unwrap_or((path, ""));
    let path = prefix.iter().cloned().chain(path.split("::").map(|part| part.trim().to_owned()));
    let mut path: Segments = path.filter(|part| !part.is_empty()).collect();
    if let Some(group) = group.strip_prefix("::") {
        expand(&path, group, paths);
        return;
    }
    // `a::{self}` brings `a` into scope.
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = if alias.is_empty() { path.last().cloned().unwrap_or_default() } else { alias.trim().to_owned() };
    paths.push((path, name));
}

/// Splits the members of a group at its commas.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut all) = (0, 0, Vec::new());
    for (index, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(&group[begin..index]);
                begin = index + 1;
            }
            _ => {}
        }
    }
    all.push(&group[begin..]);
    all.into_iter().filter(|member| !member.trim().is_empty()).collect()
}

/// Returns the paths of at least two segments in code without `use` declarations. The path of `pub(in a::b)` is not a use.
fn paths(code: &str) -> Vec<Segments> {
    let code = &code.replace("pub(in ", "pub(in ::");
    let is_of_path = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    let words = code.split(|letter: char| !is_of_path(letter));
    let paths = words.filter(|word| word.contains("::") && !word.starts_with(':'));
    paths.map(|path| path.split("::").map(str::to_owned).filter(|part| !part.is_empty()).collect()).collect()
}
