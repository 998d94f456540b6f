//! The arrows between files and rooms, held by reading the source. What a check finds names the file
//! and the move to make.
use crate::support::{
    circles::Arrows,
    source::{Source, files, has_word},
};
use product::rooms::ROOMS;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// One rule: what it finds in one file, a line each.
type Rule = fn(&Source) -> Vec<String>;

/// Rooms a visitor could name, besides those of `src/rooms.rs`.
const FEATURES: &[&str] = &["account", "auth", "billing", "ops", "orgs", "pages"];
/// Leaves: copied from or deleted, never leant on. The rooms of `src/rooms.rs` are leaves too.
const LEAVES: &[&str] = &["pages"];
/// What rooms stand on; it knows none of them.
const GROUND: &[&str] = &["audit", "jobs", "mail", "stripe"];

/// What stands below all rooms, or beside them in development.
const BASE: &[&str] = &["cli", "db", "dev", "serve", "web"];

/// Who may make a `Scope`: each has read the membership, just made the organisation, or is a job
/// that says its name.
const ADMIT: &[&str] = &["src/web/guards.rs", "src/orgs/mod.rs"];
const JOBS: &[&str] = &["src/db/", "src/jobs/", "/jobs.rs"];

/// Every table, under the room that writes it; those of a room of `src/rooms.rs` are found by the names of its
/// migrations.
const TABLES: &[(&str, &[&str])] = &[
    ("audit", &["audit_events"]),
    ("auth", &["users", "logins", "mail_tokens", "sessions", "throttles"]),
    (
        "billing",
        &[
            "billing_customers",
            "billing_former_customers",
            "billing_invoices",
            "billing_state",
            "checkout_attempts",
            "cursors",
            "stripe_events",
            "trials",
        ],
    ),
    ("jobs", &["jobs"]),
    ("mail", &["mails"]),
    ("orgs", &["orgs", "members"]),
];

/// The rooms of `src/rooms.rs` by their word.
static LISTED: LazyLock<Vec<&str>> =
    LazyLock::new(|| ROOMS.iter().filter_map(|room| room.nav).map(|nav| nav.key).collect());

/// Table → room. `5000_notes.sql` makes tables of the room `notes`.
static OWNERS: LazyLock<BTreeMap<String, &str>> = LazyLock::new(|| {
    let listed =
        TABLES.iter().flat_map(|(room, tables)| tables.iter().map(|table| ((*table).to_owned(), *room)));
    let of_rooms = files("migrations/sqlite", ".sql").into_iter().flat_map(|file| {
        let name =
            file.name().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('_').to_owned();
        let room = LISTED.iter().find(|room| name.starts_with(**room));
        let made = if room.is_some() { tables_made(&file) } else { vec![] };
        made.into_iter().filter_map(move |table| Some((table, *room?)))
    });
    listed.chain(of_rooms).collect()
});

fn features() -> Vec<&'static str> {
    [FEATURES, &LISTED].concat()
}

fn leaves() -> Vec<&'static str> {
    [LEAVES, &LISTED].concat()
}

/// Who writes a table of another room, and why.
const WRITES: &[(&str, &str, &str)] =
    &[("db", "cursors", "the readiness probe proves that writing works by a row of its own")];

/// Tables that a room reads though another writes them, with the reason.
const READS: &[(&str, &[&str], &str)] = &[
    (
        "account",
        &["logins", "users", "members", "orgs", "billing_state"],
        "what every signed-in page needs is one statement, where three rooms would run one each",
    ),
    (
        "billing",
        &["orgs", "users"],
        "a customer is shown with its organisation's name and address; a trial of somebody who is gone is not kept",
    ),
    ("db", &["orgs"], "the lock of an organisation is its row"),
];

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
fn no_files_name_each_other_in_a_circle() {
    no_circle(&Arrows::between(&product()));
}

/// `app.rs` is left out: `App` carries a part of each room, and each room takes `App` as an argument.
/// Between files it counts like any other, so the parts it carries know nothing of it.
#[test]
fn no_rooms_name_each_other_in_a_circle() {
    no_circle(&Arrows::between(&product()).grouped(room_of));
}

/// Every file names `crate::…`. As long as `lib.rs` only lists modules and passes names on, none
/// depends on it.
#[test]
fn lib_rs_defines_nothing() {
    let lists = ["//", "#[cfg", "pub mod ", "mod ", "pub use "];
    let may = |line: &&str| line.is_empty() || lists.iter().any(|start| line.starts_with(start));
    let other: Vec<&str> = include_str!("../../src/lib.rs").lines().filter(|line| !may(line)).collect();
    assert!(other.is_empty(), "src/lib.rs: {other:?}. Move it into a file of its own");
}

#[test]
fn a_room_writes_only_its_own_tables_and_reads_others_for_a_reason() {
    let made: BTreeSet<String> = files("migrations/sqlite", ".sql").iter().flat_map(tables_made).collect();
    let owned: BTreeSet<String> = OWNERS.keys().cloned().collect();
    if let Some(table) = made.difference(&owned).next() {
        let turn = "Name its migration for its room (`5000_notes.sql`), or add to TABLES here";
        panic!("{table} belongs to no room. {turn}:\n    (\"…\", &[\"{table}\"]),");
    }
    if let Some(table) = owned.difference(&made).next() {
        panic!("No migration makes {table}. Take it out of TABLES:\n    \"{table}\",");
    }
    let files = product();
    let all: Vec<(&Source, Touch)> =
        files.iter().flat_map(|file| touches(file).into_iter().map(move |touch| (file, touch))).collect();
    assert!(all.len() > 40, "statements are not where this test looks for them");
    let found: Vec<String> = all.iter().filter_map(|(file, touch)| foreign(file, touch)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    for (room, tables, _) in READS {
        let is_read =
            |table: &&&str| all.iter().any(|(file, it)| file.room() == *room && it.table == **table);
        let unread = tables.iter().find(|table| !is_read(table));
        assert_eq!(unread, None, "src/{room} no longer reads it. Take it out of READS");
    }
}

#[test]
fn every_folder_of_src_is_classified() {
    let folders: BTreeSet<String> = product()
        .iter()
        .filter(|file| file.path.matches('/').count() > 1)
        .map(|file| file.room().to_owned())
        .filter(|room| room != "config") // config.rs and its parts
        .collect();
    let known: BTreeSet<String> =
        [&features()[..], GROUND, BASE].concat().into_iter().map(ToOwned::to_owned).collect();

    if let Some(new) = folders.difference(&known).next() {
        panic!(
            "src/{new}/ is not classified. Add a room of an organisation to src/rooms.rs:\n    crate::{new}::web::ROOM,\n\
             and anything else to FEATURES, GROUND or BASE here:\n    \"{new}\","
        );
    }
    if let Some(gone) = known.difference(&folders).next() {
        panic!(
            "src/{gone}/ is not there. Delete from FEATURES, GROUND, BASE or src/rooms.rs:\n    \"{gone}\","
        );
    }
}

/// Rust ignores a file that no `mod` names, tests and all.
#[test]
fn every_file_is_part_of_the_program_or_of_the_tests() {
    for file in ["src", "tests/app"].iter().flat_map(|folder| files(folder, ".rs")) {
        let path = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        let (folder, name) = path.rsplit_once('/').expect("it lies in a folder");
        if ["lib", "main"].contains(&name) {
            continue;
        }
        let above = ["mod.rs", "lib.rs", "main.rs"].map(|file| format!("{folder}/{file}"));
        let above: Vec<(String, String)> = above
            .into_iter()
            .chain([format!("{folder}.rs")])
            .filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?)))
            .collect();
        let line = format!("mod {name};");
        let is_named =
            above.iter().any(|(_, text)| text.lines().any(|it| it.trim_start_matches("pub ") == line));
        let place = &above.first().expect("a file that lists its folder").0;
        assert!(is_named, "{} is not compiled. Add to {place}:\n    {line}", file.path);
    }
}

/// Sizes are for the reviewer's eye: nobody should split a function of 41 lines to please a test.
/// `cargo test sizes -- --nocapture` shows them.
#[test]
fn sizes_are_printed() {
    let (files, templates) =
        (product(), [files("templates", ".html"), files("sandbox/templates", ".html")].concat());
    let functions = |handlers: bool| {
        let of = move |file: &Source| {
            let all = file.functions().into_iter().filter(|it| is_handler(file, &it.name) == handlers);
            all.map(|it| (it.lines, format!("{} in {}", it.name, file.path))).collect::<Vec<_>>()
        };
        files.iter().flat_map(of).collect::<Vec<_>>()
    };
    let lines = |all: &[Source]| -> Vec<(usize, String)> {
        all.iter().map(|file| (file.program().lines().count(), file.path.clone())).collect()
    };
    for (what, sizes) in [
        ("files", lines(&files)),
        ("functions", functions(false)),
        ("handlers", functions(true)),
        ("templates", lines(&templates)),
    ] {
        let mut sizes: Vec<(usize, String)> = sizes;
        sizes.sort();
        let (median, longest) = (&sizes[sizes.len() / 2], sizes.last().expect("some"));
        println!("{what}: {}, median {} lines, longest {} ({})", sizes.len(), median.0, longest.0, longest.1);
    }
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

fn product() -> Vec<Source> {
    let all = files("src", ".rs");
    assert!(all.len() > 40, "the source is not where this test looks for it");
    all
}

fn no_circle(arrows: &Arrows) {
    if let Some(steps) = arrows.circle() {
        let turn = "Move what both need into a file below them, or pass it in as an argument";
        panic!("A circle. {turn}:\n{}", steps.join("\n"));
    }
}

/// `billing` for its rules, `billing::web` for its pages: pages stand above `web/`, rules below it.
fn room_of(path: &str) -> Option<String> {
    let file = Source { path: path.into(), text: String::new() };
    match file.room() {
        "app" | "lib" => None,
        "web" => Some("web".into()),
        room if file.is_web() => Some(format!("{room}::web")),
        room => Some(room.into()),
    }
}

/// What a statement does with a table.
#[derive(Debug)]
struct Touch {
    table: String,
    writes: bool,
}

fn touches(file: &Source) -> Vec<Touch> {
    let code = file.code();
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let words: Vec<&str> = std::iter::once("").chain(words).collect();
    let known = |word: &str| OWNERS.contains_key(word);
    let touch = |three: &[&str]| {
        let writes = match (three[0], three[1]) {
            ("delete", "from") | (_, "into" | "update") => true,
            (_, "from" | "join") => false,
            _ => return None,
        };
        known(three[2]).then(|| Touch { table: three[2].to_owned(), writes })
    };
    let is_sql = file.name() == "db.rs" || file.path.contains("/db/") && !file.path.contains("/tests");
    if is_sql { words.windows(3).filter_map(touch).collect() } else { vec![] }
}

fn foreign(file: &Source, touch: &Touch) -> Option<String> {
    let Touch { table, writes } = touch;
    let owns = |room: &str| OWNERS.get(table).is_some_and(|owner| *owner == room);
    let may_read = READS.iter().any(|(room, all, _)| *room == file.room() && all.contains(&table.as_str()));
    let may_write = WRITES.iter().any(|(room, one, _)| *room == file.room() && one == table);
    let may = if *writes { may_write } else { may_read };
    let verb = if *writes { "writes" } else { "reads" };
    let turn = "Call a function of the room that has it, or give the reason in READS or WRITES";
    (!owns(file.room()) && !may).then(|| format!("{}: {verb} {table}. {turn}", file.path))
}

/// `create table orgs (` → `orgs`. One that takes another's place has that one's name in the end.
fn tables_made(migration: &Source) -> Vec<String> {
    let made = migration.text.split("create table ").skip(1);
    let names = made.map(|rest| rest.split([' ', '(']).next().unwrap_or_default());
    let stays = |name: &&str| !migration.text.contains(&format!("alter table {name} rename to "));
    names.filter(stays).map(ToOwned::to_owned).collect()
}

fn holds(rule: Rule) {
    let found: Vec<String> = product().iter().flat_map(rule).collect();
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
    let shared = ["rooms", "routes", "web"].contains(&file.room());
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
        "lib" | "rooms" | "routes" => vec![],
        "db" => [&features()[..], GROUND, &["web"]].concat(),
        ground if GROUND.contains(&ground) && !file.is_web() => [&features()[..], &["web"]].concat(),
        // Pages may show what other rooms know; the rules of the tenant stand alone.
        "orgs" if !file.is_web() => [&features()[..], &["web"]].concat(),
        feature if features().contains(&feature) && !file.is_web() => [&leaves()[..], &["web"]].concat(),
        _ => leaves(),
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

/// Whether routes.rs, or the room's own routes, send requests to it.
fn is_handler(file: &Source, function: &str) -> bool {
    let handler = format!("{}::web::{function}", file.room());
    let of_room = ["get", "post"].map(|method| format!("{method}({function})"));
    file.is_web()
        && (has_word(include_str!("../../src/routes.rs"), &handler)
            || of_room.iter().any(|route| has_word(&file.text, route)))
}

fn finding(file: &Source, line: Option<usize>, what: &str) -> Vec<String> {
    line.map(|line| format!("{}:{line}: {what}", file.path)).into_iter().collect()
}

#[test]
fn each_check_bites() {
    let cases: &[(Rule, &str, &str, bool)] = &[
        (sql, "src/orgs/mod.rs", "let n = sql!(tx, \"select 1\");", true),
        (sql, "src/orgs/web.rs", "sqlx::query_as::<_, Org>(\"select 1\")", true),
        (sql, "src/orgs/db.rs", "let n = sql!(tx, \"select 1\");", false),
        (sql, "src/orgs/mod.rs", "// sqlx::query stays out\nuse sqlx::FromRow;", false),
        (axum, "src/billing/mod.rs", "use axum::http::StatusCode;", true),
        (axum, "src/billing/web.rs", "use axum::http::StatusCode;", false),
        (axum, "src/billing/web/webhook.rs", "use axum::http::StatusCode;", false),
        (axum, "src/error.rs", "use axum::http::StatusCode;", true),
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
        (arrows, "src/account/web.rs", "use crate::pages;", true),
        (privacy, "src/billing/mod.rs", "pub mod db;", true),
        (privacy, "src/billing/mod.rs", "mod db;\nuse crate::db::At;", false),
        (privacy, "src/billing/mod.rs", "use crate::orgs::{Role, db as org_rows};", true),
        (scopes, "src/billing/web.rs", "let scope = Scope::admit(org, slug, origin);", true),
        (scopes, "src/billing/mod.rs", "let scope = Scope::of_job(\"mine\", org, slug);", true),
        (scopes, "src/billing/jobs.rs", "let scope = Scope::of_job(\"mine\", org, slug);", false),
    ];
    for (rule, path, text, bites) in cases {
        let found = rule(&Source { path: (*path).into(), text: (*text).into() });
        assert_eq!(!found.is_empty(), *bites, "{path}: {text}\n{found:?}");
        assert!(found.iter().all(|said| said.starts_with(path) && said.contains(". ")), "{found:?}");
    }
}

fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}

#[test]
fn a_circle_is_seen_through_a_passed_on_name_and_a_brought_in_module() {
    let sync = source("src/billing/sync.rs", "use crate::orgs::{self, Role};\nfn sync() { orgs::lock(); }");
    let door = source("src/billing/mod.rs", "mod sync;\npub use sync::sync;");
    let orgs = source("src/orgs/mod.rs", "mod role;\npub use role::Role;\npub fn lock() {}");
    let role = source("src/orgs/role.rs", "pub enum Role { Owner }");
    let straight = [sync.clone(), door.clone(), orgs, role.clone()];
    assert_eq!(Arrows::between(&straight).circle(), None);

    let bent = "mod role;\npub use role::Role;\nuse crate::billing;\npub fn lock() { billing::sync(); }";
    let circle = Arrows::between(&[sync, door, source("src/orgs/mod.rs", bent), role]).circle();

    let circle = circle.expect("orgs now names billing").join("\n");
    assert!(circle.contains("src/billing/sync.rs names src/orgs/mod.rs (orgs::lock)"), "{circle}");
    assert!(circle.contains("src/orgs/mod.rs names src/billing/sync.rs (billing::sync)"), "{circle}");
}

#[test]
fn a_room_and_its_file_can_be_a_circle_too() {
    let parent = source("src/orgs/mod.rs", "mod db;\npub struct Role;\nfn all() { db::all() }");
    let child = source("src/orgs/db.rs", "use super::Role;\npub fn all() -> Role { Role }");

    let arrows = Arrows::between(&[parent, child]);

    assert_eq!(arrows.circle().map(|steps| steps.len()), Some(2));
    assert_eq!(arrows.grouped(room_of).circle(), None, "one room is no circle of rooms");
}

#[test]
fn pages_stand_above_web_and_rules_below() {
    let pages = source("src/auth/web.rs", "use crate::web::guards::SignedIn;");
    let guards = source("src/web/guards.rs", "use crate::auth::Person;\npub struct SignedIn(Person);");
    let rules = source("src/auth/mod.rs", "pub struct Person;");
    let bent = source("src/auth/mod.rs", "use crate::web::guards::SignedIn;\npub struct Person;");

    let straight = Arrows::between(&[pages.clone(), guards.clone(), rules]).grouped(room_of);
    let circle = Arrows::between(&[pages, guards, bent]).grouped(room_of).circle();

    assert_eq!(straight.circle(), None);
    assert_eq!(circle.map(|steps| steps.len()), Some(2));
}

#[test]
fn a_foreign_table_is_seen() {
    for (path, text, wrong) in [
        ("src/orgs/db.rs", "select name from orgs where id = $1", None),
        (
            "src/orgs/db.rs",
            "select u.email from members m join users u on u.id = m.user_id",
            Some("reads users"),
        ),
        ("src/account/db.rs", "select u.email from logins l join users u on u.id = l.user_id", None),
        ("src/orgs/db.rs", "update users set name = $1", Some("writes users")),
        ("src/orgs/db.rs", "select 1 from billing_state where org_id = $1", Some("reads billing_state")),
        ("src/billing/db/inbox.rs", "delete from members where org_id = $1", Some("writes members")),
    ] {
        let file = source(path, text);

        let found: Vec<String> = touches(&file).iter().filter_map(|touch| foreign(&file, touch)).collect();

        assert_eq!(found.len(), usize::from(wrong.is_some()), "{path}: {text}: {found:?}");
        assert!(wrong.is_none_or(|wrong| found[0].contains(wrong)), "{found:?}");
    }
}
