//! Which file names which, read from `use` lines and paths, and the circles in that.
//!
//! A path counts for the file that defines what it ends at: re-exports are followed, so that a
//! `mod.rs` which only passes a name on is not named by it. What no path shows (a method of a value
//! somebody else made) is not seen.
use super::source::{Source, ident};
use std::collections::{BTreeMap, VecDeque};

type Path = Vec<String>;

/// From whom, to whom, by which path.
#[derive(Debug, Default)]
pub struct Arrows(BTreeMap<String, BTreeMap<String, String>>);

/// One arrow of a circle, as people read it.
pub type Step = String;

impl Arrows {
    pub fn between(files: &[Source]) -> Self {
        let modules = Modules::of(files);
        let mut arrows = Self::default();
        for file in files {
            for path in modules.named_by(file) {
                if let Some(to) = modules.file_of(&path, 0).filter(|to| **to != file.path) {
                    arrows.add(&file.path, to, &path.join("::"));
                }
            }
        }
        arrows
    }

    /// The same, drawn together: files without a group are left out.
    pub fn grouped(&self, group: impl Fn(&str) -> Option<String>) -> Self {
        let mut arrows = Self::default();
        for (from, to, why) in self.all() {
            if let (Some(a), Some(b)) = (group(from), group(to))
                && a != b
            {
                arrows.add(&a, &b, &format!("{why} in {from}"));
            }
        }
        arrows
    }

    /// The shortest circle, if there is one.
    pub fn circle(&self) -> Option<Vec<Step>> {
        self.0.keys().filter_map(|start| self.way_back(start)).min_by_key(Vec::len)
    }

    fn add(&mut self, from: &str, to: &str, why: &str) {
        self.0.entry(from.into()).or_default().entry(to.into()).or_insert_with(|| why.into());
    }

    fn all(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.0.iter().flat_map(|(from, all)| {
            all.iter().map(move |(to, why)| (from.as_str(), to.as_str(), why.as_str()))
        })
    }

    fn way_back(&self, start: &str) -> Option<Vec<Step>> {
        let mut before: BTreeMap<&str, &str> = BTreeMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(here) = waiting.pop_front() {
            for next in self.0.get(here).into_iter().flat_map(BTreeMap::keys) {
                if next == start {
                    return Some(self.steps(start, here, &before));
                }
                if !before.contains_key(next.as_str()) {
                    before.insert(next, here);
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    fn steps(&self, start: &str, last: &str, before: &BTreeMap<&str, &str>) -> Vec<Step> {
        let mut way = vec![start, last];
        while let Some(earlier) = way.last().filter(|here| **here != start).and_then(|here| before.get(here))
        {
            way.push(*earlier);
        }
        way.reverse();
        way.push(start);
        way.dedup();
        way.windows(2)
            .map(|two| format!("{} names {} ({})", two[0], two[1], self.0[two[0]][two[1]]))
            .collect()
    }
}

/// All modules, and what each brings into scope by `use`; the top also what `#[macro_export]` puts there.
struct Modules {
    files: BTreeMap<Path, String>,
    brought: BTreeMap<Path, BTreeMap<String, Path>>,
}

impl Modules {
    fn of(files: &[Source]) -> Self {
        let by_path = files.iter().map(|file| (module(file), file.path.clone())).collect();
        let mut modules = Self { files: by_path, brought: BTreeMap::new() };
        for file in files {
            let here = module(file);
            let (uses, _) = split_uses(&file.code());
            let leaves = uses.iter().flat_map(|tree| leaves(tree, &[]));
            let known = leaves.filter_map(|(name, path)| Some((name, modules.absolute(&path, &here)?)));
            let known: BTreeMap<String, Path> = known.collect();
            let exported = file.text.split("#[macro_export]\nmacro_rules! ").skip(1).map(ident);
            let at_the_top = modules.brought.entry(vec![]).or_default();
            at_the_top.extend(exported.map(|name| (name.to_owned(), below(&here, name))));
            modules.brought.entry(here).or_default().extend(known);
        }
        modules
    }

    /// Every path of our own that stands in a file, from the top of the crate.
    fn named_by(&self, file: &Source) -> Vec<Path> {
        let here = module(file);
        let (_, body) = split_uses(&file.code());
        let in_body = chains(&body).into_iter().filter_map(|path| self.absolute(&path, &here));
        self.brought[&here].values().cloned().chain(in_body).collect()
    }

    /// None for what is not ours.
    fn absolute(&self, path: &[String], here: &[String]) -> Option<Path> {
        let first = path.first()?.as_str();
        let ups = path.iter().take_while(|part| *part == "super").count();
        let child = [here, &path[..1]].concat();
        match first {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([here, &path[1..]].concat()),
            "super" => Some([&here[..here.len().saturating_sub(ups)], &path[ups..]].concat()),
            _ if self.files.contains_key(&child) => Some([&child[..], &path[1..]].concat()),
            _ => {
                let module = self.brought.get(here)?.get(first).filter(|it| self.files.contains_key(*it))?;
                Some([&module[..], &path[1..]].concat())
            }
        }
    }

    /// The file that defines what the path ends at; None for a module by itself.
    fn file_of(&self, path: &[String], depth: usize) -> Option<&String> {
        let length = (0..=path.len()).rev().find(|length| self.files.contains_key(&path[..*length]))?;
        let (home, item) = path.split_at(length);
        // A function may bear the name of its module: `billing::sync`.
        let (home, item) = if item.is_empty() { path.split_at(length.checked_sub(1)?) } else { (home, item) };
        let passed_on = self.brought.get(home).and_then(|names| names.get(&item[0]));
        match passed_on
            .map(|target| [&target[..], &item[1..]].concat())
            .filter(|target| target != path && depth < 8)
        {
            Some(target) => self.file_of(&target, depth + 1),
            None if length == path.len() => None,
            None => self.files.get(home),
        }
    }
}

fn module(file: &Source) -> Path {
    let inside = file.path.split_once("src/").map_or(file.path.as_str(), |(_, inside)| inside);
    let inside = inside.trim_end_matches(".rs");
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    inside.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

/// The trees of its `use` lines, and everything else.
fn split_uses(code: &str) -> (Vec<String>, String) {
    let (mut uses, mut body, mut open) = (Vec::new(), String::new(), None::<String>);
    for line in code.lines() {
        let plain = line.trim_start();
        let after_pub = match plain.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => rest.split_once(") ").map_or(plain, |(_, rest)| rest),
            Some(rest) => rest.trim_start(),
            None => plain,
        };
        if let Some(tree) = &mut open {
            tree.push_str(plain);
        } else if let Some(tree) = after_pub.strip_prefix("use ") {
            open = Some(tree.to_owned());
        } else {
            body.extend([line, "\n"]);
        }
        if let Some(tree) = open.take_if(|tree| tree.contains(';')) {
            uses.push(tree.split(';').next().unwrap_or_default().to_owned());
        }
    }
    (uses, body)
}

/// `a::{self, b as c}` → (a, a), (c, a::b)
fn leaves(tree: &str, prefix: &[String]) -> Vec<(String, Path)> {
    let tree = tree.trim();
    if let Some(inner) = tree.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return at_commas(inner).into_iter().flat_map(|one| leaves(one, prefix)).collect();
    }
    if let Some((first, rest)) = tree.split_once("::").filter(|(first, _)| !first.contains('{')) {
        return leaves(rest, &below(prefix, first.trim()));
    }
    let (name, alias) = tree.split_once(" as ").unwrap_or((tree, tree));
    match name {
        "" => vec![],
        "self" if prefix.is_empty() => vec![],
        "self" => {
            let own = prefix.last().cloned().unwrap_or_default();
            vec![(if alias == "self" { own } else { alias.to_owned() }, prefix.to_vec())]
        }
        name => vec![(alias.to_owned(), below(prefix, name))],
    }
}

fn below(path: &[String], name: &str) -> Path {
    path.iter().cloned().chain([name.to_owned()]).collect()
}

fn at_commas(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Every `a::b::c` in the text.
fn chains(text: &str) -> Vec<Path> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let word = ident(rest);
        if word.is_empty() {
            (before, rest) = (first, &rest[first.len_utf8()..]);
            continue;
        }
        let (mut path, mut after) = (vec![word.to_owned()], &rest[word.len()..]);
        while let Some(next) = after.strip_prefix("::") {
            let word = ident(next);
            if word.is_empty() {
                break;
            }
            path.push(word.to_owned());
            after = &next[word.len()..];
        }
        if path.len() > 1 && !matches!(before, ':' | '.' | '$') {
            found.push(path);
        }
        (before, rest) = (' ', after);
    }
    found
}
