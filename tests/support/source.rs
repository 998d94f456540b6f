//! Our own source as text: files, what stands in them besides comments and tests, functions, paths.
//! It reads what rustfmt writes; that is all the grammar it knows.
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// A file of ours, named from the top of the repository.
#[derive(Clone, Debug)]
pub struct Source {
    pub path: String,
    pub text: String,
}

/// A function: its name, how many arguments, how many lines from `fn` to the last brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub arguments: usize,
    pub lines: usize,
}

/// All files under a folder whose name ends like this.
pub fn files(folder: &str, ending: &str) -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<Source> = walk(&top.join(folder))
        .into_iter()
        .filter_map(|file| {
            let path = file.strip_prefix(top).ok()?.to_str()?.to_owned();
            let text = path.ends_with(ending).then(|| std::fs::read_to_string(&file).expect("UTF-8"))?;
            Some(Source { path, text })
        })
        .collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

impl Source {
    /// The first folder or file under `src/`: `billing` for `src/billing/web.rs`, `error` for `src/error.rs`.
    pub fn room(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// `web.rs`, or a file of a room's `web/` where one file became too long.
    pub fn is_web(&self) -> bool {
        self.name() == "web.rs" || self.path.contains("/web/")
    }

    /// Without the unit tests at its end.
    pub fn program(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
    }

    /// The same without lines of comment.
    pub fn code(&self) -> String {
        let lines = self.program().lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// The first line of code, counted from 1, that is like this.
    pub fn line(&self, is_it: impl Fn(&str) -> bool) -> Option<usize> {
        let lines = self.program().lines().enumerate();
        let mut code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
        code.find(|(_, line)| is_it(line)).map(|(index, _)| index + 1)
    }

    /// Every path of our own crate that stands here, `use` trees spelled out: `orgs::Role`.
    pub fn own_paths(&self) -> BTreeSet<String> {
        let (code, here) = (self.code(), self.module());
        let mut found = BTreeSet::new();
        for (start, rest) in after_word(&code, "crate::") {
            if !code[..start].ends_with('$') {
                spell_out(rest, "", &mut found);
            }
        }
        for (start, rest) in after_word(&code, "super::") {
            if code[..start].ends_with("super::") {
                continue; // counted with the first of them
            }
            let (ups, rest) = supers(rest);
            let above = here.len().saturating_sub(ups);
            spell_out(rest, &here[..above].iter().map(|m| format!("{m}::")).collect::<String>(), &mut found);
        }
        found
    }

    fn module(&self) -> Vec<&str> {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        inside.split('/').filter(|part| !matches!(*part, "lib" | "main")).collect()
    }

    pub fn functions(&self) -> Vec<Function> {
        let lines: Vec<&str> = self.program().lines().collect();
        (0..lines.len()).filter_map(|at| function(&lines[at..])).collect()
    }
}

fn function(lines: &[&str]) -> Option<Function> {
    let first = lines.first()?;
    let indent = &first[..first.len() - first.trim_start().len()];
    let modifiers = ["pub ", "pub(crate) ", "pub(super) ", "default ", "const ", "async ", "unsafe "];
    let mut rest = first.trim_start();
    while let Some(next) = modifiers.iter().find_map(|word| rest.strip_prefix(word)) {
        rest = next;
    }
    let name = ident(rest.strip_prefix("fn ")?).to_owned();
    let signature = lines.iter().position(|line| line.ends_with(['{', ';', '}']))?;
    let end = match lines[signature].ends_with('{') {
        true => lines.iter().position(|line| *line == format!("{indent}}}"))?,
        false => signature,
    };
    Some(Function { name, arguments: arguments(&lines[..=signature].join(" ")), lines: end + 1 })
}

/// Arguments of a signature, besides `self`.
fn arguments(signature: &str) -> usize {
    let Some((_, rest)) = signature.split_once('(') else { return 0 };
    let (mut depth, mut current, mut all) = (0, String::new(), Vec::new());
    for c in rest.chars() {
        match c {
            ')' if depth == 0 => break,
            ',' if depth == 0 => all.push(std::mem::take(&mut current)),
            '(' | '[' | '<' => depth += 1,
            ')' | ']' | '>' if !current.ends_with('-') => depth -= 1,
            _ => {}
        }
        current.push(c);
    }
    all.push(current);
    let counts = |one: &&String| {
        !matches!(one.trim().trim_start_matches(',').trim(), "" | "self" | "&self" | "&mut self" | "mut self")
    };
    all.iter().filter(counts).count()
}

pub fn ident(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// Whether it stands in the text as a word of its own.
pub fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(start, _)| {
        let (before, after) = (&text[..start], &text[start + word.len()..]);
        let joined = before.ends_with(part) || word.ends_with(part) && after.starts_with(part);
        !joined
    })
}

/// What follows each `word`, with the place where that stands.
fn after_word<'t>(text: &'t str, word: &'static str) -> impl Iterator<Item = (usize, &'t str)> {
    let whole = |start: usize| !text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .filter(move |(start, _)| whole(*start))
        .map(move |(start, _)| (start, &text[start + word.len()..]))
}

fn supers(rest: &str) -> (usize, &str) {
    match rest.strip_prefix("super::") {
        Some(rest) => {
            let (more, rest) = supers(rest);
            (more + 1, rest)
        }
        None => (1, rest),
    }
}

/// `orgs::{self, Role}` → `orgs`, `orgs::Role`. Returns what follows the tree.
fn spell_out<'t>(text: &'t str, prefix: &str, found: &mut BTreeSet<String>) -> &'t str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            let after = spell_out(rest, prefix, found);
            if after.len() == rest.len() {
                return after; // not a tree after all
            }
            rest = after;
        }
    }
    let (name, rest) = text.split_at(ident(text).len());
    if let (false, Some(rest)) = (name.is_empty(), rest.strip_prefix("::")) {
        return spell_out(rest, &format!("{prefix}{name}::"), found);
    }
    match name {
        "" => {}
        "self" => drop(found.insert(prefix.trim_end_matches("::").to_owned())),
        name => drop(found.insert(format!("{prefix}{name}"))),
    }
    match rest.strip_prefix(" as ") {
        Some(alias) => &alias[ident(alias).len()..],
        None => rest,
    }
}
