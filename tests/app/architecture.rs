//! The arrows between rooms, and the sizes we keep to, held by reading the source. What a check
//! finds names the file and the move to make.
use crate::support::source::{Source, files, has_word};

/// One rule: what it finds in one file, a line each.
type Rule = fn(&Source) -> Vec<String>;

/// Rooms a visitor could name.
const FEATURES: &[&str] = &["account", "auth", "billing", "members", "ops", "orgs", "pages", "projects"];
/// Leaves: copied from or deleted, never leant on.
const LEAVES: &[&str] = &["pages", "projects"];
/// What rooms stand on; it knows none of them.
const GROUND: &[&str] = &["audit", "jobs", "mail", "stripe"];

/// Who may make a `Scope`: each has read the membership, just made the organisation, or is a job
/// that says its name.
const ADMIT: &[&str] = &["src/web/guards.rs", "src/orgs/mod.rs"];
const JOBS: &[&str] = &["src/db/", "src/jobs/", "/jobs.rs"];

const FILE: usize = 350;
const FUNCTION: usize = 40;
const HANDLER: usize = 25;
const ARGUMENTS: usize = 4;
const TEMPLATE: usize = 80;

#[test]
fn sql_stands_in_db_files() {
    holds(sql);
}

#[test]
fn axum_stands_in_web_files() {
    holds(axum);
}

#[test]
fn the_stripe_crates_stand_in_the_stripe_room() {
    holds(stripe);
}

#[test]
fn only_what_starts_the_sandbox_knows_it() {
    holds(sandbox);
}

#[test]
fn arrows_point_down() {
    holds(arrows);
}

#[test]
fn a_rooms_db_is_its_own() {
    holds(privacy);
}

#[test]
fn only_guards_and_named_jobs_make_a_scope() {
    holds(scopes);
}

#[test]
fn files_functions_and_handlers_stay_small() {
    holds(sizes);
}

#[test]
fn templates_stay_small() {
    let all = [files("templates", ".html"), files("sandbox/templates", ".html")].concat();
    let long = all.into_iter().filter(|file| file.text.lines().count() > TEMPLATE);
    let long: Vec<String> = long
        .map(|file| format!("{}: over {TEMPLATE} lines. Move a part of it into templates/ui/", file.path))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn every_file_says_in_its_first_line_what_it_is() {
    for file in
        ["src", "tests", "sandbox/src", "sandbox/tests"].iter().flat_map(|folder| files(folder, ".rs"))
    {
        assert!(file.text.starts_with("//! "), "{}: begin it with one `//!` line", file.path);
    }
}

#[test]
fn the_example_in_the_style_guide_is_the_code() {
    for excerpt in include_str!("../../STYLE.md").split("```rust\n// ").skip(1) {
        let (path, code) = excerpt.split_once('\n').expect("a path, then code");
        let code = code.split("```").next().unwrap_or_default();
        let source = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("STYLE.md: {path}: {e}"));
        let stale = code.split("    // …\n").find(|part| !source.contains(part));
        assert_eq!(stale, None, "STYLE.md: no longer what {path} says. Copy it again");
    }
}

fn holds(rule: Rule) {
    let all = files("src", ".rs");
    assert!(all.len() > 40, "the source is not where this test looks for it");
    let found: Vec<String> = all.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

fn sql(file: &Source) -> Vec<String> {
    let may = file.name() == "db.rs" || file.path.contains("/db/");
    let line =
        file.line(|l| has_word(l, "sql!(") || l.contains("sqlx::query") || l.contains("sqlx::raw_sql"));
    let there =
        format!("SQL. Move it into src/{}/db.rs, as a function named for what it returns", file.room());
    finding(file, line.filter(|_| !may), &there)
}

fn axum(file: &Source) -> Vec<String> {
    let shared = ["routes", "error", "web"].contains(&file.room());
    let line = file.line(|l| has_word(l, "axum")).filter(|_| !file.is_web() && !shared);
    let there = "axum. Rules know no HTTP: take plain values here, and extract and answer in";
    finding(file, line, &format!("{there} src/{}/web.rs", file.room()))
}

fn stripe(file: &Source) -> Vec<String> {
    let listed = include_str!("../../Cargo.toml").lines().filter_map(|l| l.strip_prefix("async-stripe-"));
    let crates: Vec<String> = listed
        .map(|l| format!("stripe_{}", l.split(' ').next().unwrap_or_default().replace('-', "_")))
        .collect();
    assert!(crates.len() > 3, "Cargo.toml no longer lists the Stripe crates as async-stripe-…");
    let line = file.line(|l| crates.iter().any(|name| has_word(l, name))).filter(|_| file.room() != "stripe");
    finding(
        file,
        line,
        "a Stripe crate. Move the request into src/stripe/gateway.rs and give it our own words",
    )
}

fn sandbox(file: &Source) -> Vec<String> {
    let line = file.line(|l| has_word(l, "portico_sandbox")).filter(|_| file.room() != "serve");
    let speak = "the sandbox. The product speaks HTTP with it, as with Stripe; only src/serve.rs starts it";
    finding(file, line, speak)
}

fn arrows(file: &Source) -> Vec<String> {
    let room = file.room();
    let forbidden: Vec<&str> = match room {
        "lib" | "routes" => vec![],
        "db" => [FEATURES, GROUND, &["web"]].concat(),
        ground if GROUND.contains(&ground) && !file.is_web() => [FEATURES, &["web"]].concat(),
        // Pages may show what other rooms know; the rules of the tenant stand alone.
        "orgs" if !file.is_web() => [FEATURES, &["web"]].concat(),
        feature if FEATURES.contains(&feature) && !file.is_web() => [LEAVES, &["web"]].concat(),
        _ => LEAVES.to_vec(),
    };
    let reaches =
        |path: &str| path.split("::").next().is_some_and(|to| to != room && forbidden.contains(&to));
    let up = file.own_paths().into_iter().filter(|path| reaches(path));
    up.map(|path| {
        let turn =
            "This arrow points up. Pass the value in as an argument, or move the rule to the room that calls";
        format!("{}: crate::{path}. {turn}", file.path)
    })
    .collect()
}

fn privacy(file: &Source) -> Vec<String> {
    let line = file.line(|l| l.trim_start().starts_with("pub") && has_word(l, "mod db;"));
    let opened = finding(
        file,
        line.filter(|_| file.room() != "lib"),
        "`mod db` is opened. Offer a function of the room instead",
    );
    let foreign = |path: &String| {
        path.split("::").nth(1) == Some("db") && path.split("::").next().is_some_and(|to| to != file.room())
    };
    let reached = file.own_paths().into_iter().filter(foreign);
    let reached = reached.map(|path| {
        format!(
            "{}: crate::{path}. Call a function of that room's mod.rs, and write it if it is missing",
            file.path
        )
    });
    opened.into_iter().chain(reached).collect()
}

fn scopes(file: &Source) -> Vec<String> {
    let (guard, job) =
        (ADMIT.contains(&file.path.as_str()), JOBS.iter().any(|place| file.path.contains(place)));
    let admits = file.line(|l| l.contains("Scope::admit")).filter(|_| !guard);
    let named = file.line(|l| l.contains("Scope::of_job")).filter(|_| !job);
    let ask = "a Scope made here. Take the guard's in the arguments";
    [
        finding(file, admits, ask),
        finding(file, named, &format!("{ask}, or move the work into the room's jobs.rs")),
    ]
    .concat()
}

fn sizes(file: &Source) -> Vec<String> {
    if file.name() == "tests.rs" {
        return vec![];
    }
    let lines = file.program().lines().count();
    let long =
        (lines > FILE).then(|| format!("{}: {lines} lines, {FILE} at most. Split it by noun", file.path));
    let functions = file.functions().into_iter().filter_map(|function| {
        let handler = is_handler(file, &function.name);
        let most = if handler { HANDLER } else { FUNCTION };
        let (name, lines, arguments) = (&function.name, function.lines, function.arguments);
        if lines > most {
            let cut = "Give its parts names, below it, in the order they are called";
            return Some(format!("{}: {name} has {lines} lines, {most} at most. {cut}", file.path));
        }
        let gather = "Gather what belongs together in a struct or a guard";
        (handler && arguments > ARGUMENTS).then(|| {
            format!("{}: {name} takes {arguments} arguments, {ARGUMENTS} at most. {gather}", file.path)
        })
    });
    long.into_iter().chain(functions).collect()
}

/// Whether routes.rs sends requests to it.
fn is_handler(file: &Source, function: &str) -> bool {
    let handler = format!("{}::web::{function}", file.room());
    file.name() == "web.rs" && has_word(include_str!("../../src/routes.rs"), &handler)
}

fn finding(file: &Source, line: Option<usize>, what: &str) -> Vec<String> {
    line.map(|line| format!("{}:{line}: {what}", file.path)).into_iter().collect()
}

#[test]
fn each_check_bites() {
    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION));
    let handler = format!("pub async fn open_portal() {{\n{}}}\n", "    step();\n".repeat(HANDLER));
    let tail =
        format!("fn short() {{}}\n\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    // a line\n".repeat(FILE));
    let many = "pub async fn show(a: A, b: Form<(u8, u8)>, c: C, d: fn(u8) -> u8, e: E) {\n}\n";
    let cases: &[(Rule, &str, &str, bool)] = &[
        (sql, "src/orgs/mod.rs", "let n = sql!(tx, \"select 1\");", true),
        (sql, "src/orgs/web.rs", "sqlx::query_as::<_, Org>(\"select 1\")", true),
        (sql, "src/orgs/db.rs", "let n = sql!(tx, \"select 1\");", false),
        (sql, "src/orgs/mod.rs", "// sqlx::query stays out\nuse sqlx::FromRow;", false),
        (axum, "src/billing/mod.rs", "use axum::http::StatusCode;", true),
        (axum, "src/billing/web.rs", "use axum::http::StatusCode;", false),
        (stripe, "src/billing/sync.rs", "use stripe_billing::subscription::ListSubscription;", true),
        (stripe, "src/stripe/gateway.rs", "use stripe_core::customer::CreateCustomer;", false),
        (stripe, "src/billing/web.rs", "let stripe_problem = None;", false),
        (sandbox, "src/billing/mod.rs", "portico_sandbox::Sandbox::open(options).await", true),
        (sandbox, "src/serve.rs", "portico_sandbox::Sandbox::open(options).await", false),
        (arrows, "src/orgs/mod.rs", "use crate::{App, billing::{self, BillingState}};", true),
        (arrows, "src/orgs/slug.rs", "use super::super::auth;", true),
        (arrows, "src/orgs/web.rs", "use crate::{App, billing};", false),
        (arrows, "src/auth/mod.rs", "use crate::{App, orgs, web as page};", true),
        (arrows, "src/auth/mod.rs", "use crate::{App, orgs};", false),
        (arrows, "src/db/open.rs", "fn of(scope: &crate::orgs::Membership) {}", true),
        (arrows, "src/audit/mod.rs", "use crate::billing::BillingState;", true),
        (arrows, "src/account/web.rs", "use crate::projects;", true),
        (privacy, "src/billing/mod.rs", "pub mod db;", true),
        (privacy, "src/billing/mod.rs", "mod db;\nuse crate::db::At;", false),
        (privacy, "src/billing/mod.rs", "use crate::orgs::{Role, db as org_rows};", true),
        (scopes, "src/billing/web.rs", "let scope = Scope::admit(org, slug, origin);", true),
        (scopes, "src/billing/mod.rs", "let scope = Scope::of_job(\"mine\", org, slug);", true),
        (scopes, "src/billing/jobs.rs", "let scope = Scope::of_job(\"mine\", org, slug);", false),
        (sizes, "src/billing/mod.rs", &long, true),
        (sizes, "src/billing/mod.rs", &handler, false),
        (sizes, "src/billing/web.rs", &handler, true),
        (sizes, "src/billing/web.rs", many, true),
        (sizes, "src/billing/mod.rs", &"// a line\n".repeat(FILE + 1), true),
        (sizes, "src/billing/mod.rs", &tail, false),
    ];
    for (rule, path, text, bites) in cases {
        let found = rule(&Source { path: (*path).into(), text: (*text).into() });
        assert_eq!(!found.is_empty(), *bites, "{path}: {text}\n{found:?}");
        assert!(found.iter().all(|said| said.starts_with(path) && said.contains(". ")), "{found:?}");
    }
}
