//! What this build costs, beside the floor built in the same run. `bin/bench` builds and runs it.
extern crate portico as product;

mod fill;
mod measure;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "tests use the rest")]
mod postgres;

use measure::{Server, Start};
use postgres::child_process;
use std::path::{Path, PathBuf};

const SIGN_IN: [&str; 2] = ["-s", "tests/bench/sign_in.lua"];
const PASSWORD_COST: (u32, u32) = (19_456, 2);
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

/// One line of the table; each figure once a run.
struct Row {
    what: &'static str,
    ours: Vec<f64>,
    floor: Vec<f64>,
    bar: &'static str,
}

/// What can be measured by itself: `bin/bench account-sqlite public`.
const PARTS: [&str; 8] =
    ["account-sqlite", "account-postgres", "public", "sign-in", "memory", "start", "visit", "size"];

#[tokio::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|part| !PARTS.contains(&part.as_str())) {
        panic!("{unknown} cannot be measured; these can: {}", PARTS.join(" "));
    }
    let folder = beside("bench-data");
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).expect("a folder for databases");
    let sqlite = |name: &str| format!("sqlite://{}", folder.join(name).display());
    let (ours, floors) = (sqlite("portico.db"), sqlite("floor.db"));
    let cookie = filled(&ours, None).await.1;
    drop(start_floor(&floors, None));
    println!("| what | this build | floor | of the floor | bar |\n|---|---|---|---|---|");
    for part in PARTS.into_iter().filter(|part| wanted.is_empty() || wanted.iter().any(|it| it == part)) {
        let rows = match part {
            "account-postgres" => vec![on_postgres().await],
            "memory" => memory(&ours, &floors, &cookie),
            "start" => vec![starts(&ours, &floors)],
            "size" => vec![size_of_programs()],
            _ => on_sqlite(part, &start(&ours, None).0, &serve_floor(&floors, None).0, &cookie),
        };
        rows.iter().for_each(print);
    }
}

fn on_sqlite(part: &str, portico: &Server, floor: &Server, cookie: &str) -> Vec<Row> {
    match part {
        "account-sqlite" => {
            vec![account("account page, SQLite, per core and second", portico, floor, cookie)]
        }
        "public" => {
            let (ours, floor) = measure::side_by_side((portico, "/", &[]), (floor, "/", &[]));
            vec![Row { what: "public page, per core and second", ours, floor, bar: "75 % of the floor" }]
        }
        "sign-in" => {
            let ours = portico.per_core("/sign-in", &SIGN_IN);
            vec![Row { what: "sign-in, per core and second", ours, floor: hashes(), bar: "92 % of the hash" }]
        }
        "visit" => first_visit(portico),
        other => panic!("{other} is not measured on SQLite"),
    }
}

async fn on_postgres() -> Row {
    let needed = "Postgres: its initdb on PATH or in /usr/lib/postgresql";
    // As most hosting gives it. A superuser would pass every policy by.
    let ours = postgres::fresh_database_of_a_plain_owner_or_skip("bench").await.expect(needed);
    let floors = postgres::fresh_database_or_skip("floor").await.expect(needed);
    let postmaster = Some(measure::pinned_postmaster(&ours));
    let (portico, cookie) = filled(&ours, postmaster).await;
    let floor = start_floor(&floors, postmaster);
    account("account page, Postgres, per core and second", &portico, &floor, &cookie)
}

fn account(what: &'static str, portico: &Server, floor: &Server, cookie: &str) -> Row {
    let floors = ["-H", "cookie: session=session-number-0005000"];
    let (ours, floor) =
        measure::side_by_side((portico, "/account", &["-H", cookie]), (floor, "/account", &floors));
    Row { what, ours, floor, bar: "60 %, then 75 % of the floor" }
}

/// Idle, then at its most under pages, then under sign-ins.
fn memory(ours: &str, floors: &str, cookie: &str) -> Vec<Row> {
    let (portico, floor) = (start(ours, None).0, serve_floor(floors, None).0);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let both = |field| (vec![portico.memory(field)], vec![floor.memory(field)]);
    let idle = both("VmRSS");
    account("", &portico, &floor, cookie);
    let under_pages = both("VmHWM");
    portico.per_core("/sign-in", &SIGN_IN);
    let under_sign_ins = vec![portico.memory("VmHWM")];
    vec![
        Row { what: "memory idle, MB", ours: idle.0, floor: idle.1, bar: "15" },
        Row {
            what: "memory under pages, at its most, MB",
            ours: under_pages.0,
            floor: under_pages.1,
            bar: "25",
        },
        Row {
            what: "memory under sign-ins, at its most, MB",
            ours: under_sign_ins,
            floor: vec![],
            bar: "70",
        },
    ]
}

/// Portico over a database with ten thousand others in it, and the cookie of somebody signed in.
async fn filled(url: &str, postmaster: Option<u32>) -> (Server, String) {
    let portico = start(url, postmaster).0;
    let form = "name=Olivia&email=bench%40example.test&password=a+few+unrelated+words&organisation=Acme";
    let answer = portico.ask("POST", "/sign-up", &[FORM, OURS], form);
    fill::fill(url).await;
    let cookie = answer.head.split("__Host-session=").nth(1).and_then(|rest| rest.split(';').next());
    (portico, format!("cookie: __Host-session={}", cookie.expect("signed up")))
}

/// As a release image runs, but for what production refuses on loopback. The log goes to a file.
fn start(url: &str, postmaster: Option<u32>) -> (Server, std::time::Duration) {
    let address = format!("127.0.0.1:{}", child_process::free_port());
    let (time, memory) = (PASSWORD_COST.1.to_string(), PASSWORD_COST.0.to_string());
    let settings = [
        ("DATABASE_URL", url),
        ("BIND", &address),
        ("PUBLIC_URL", "http://localhost"),
        ("APP_SECRET", "a secret that only the bench uses and long enough"),
        ("STRIPE_SECRET_KEY", "sk_test_bench"),
        ("STRIPE_API_BASE", "http://127.0.0.1:9"),
        ("RATE_LIMITS", "off"),
        ("ARGON2_MEMORY_KIB", &memory),
        ("ARGON2_TIME", &time),
    ];
    let start = Start {
        program: &beside(env!("CARGO_PKG_NAME")),
        arguments: &[],
        settings: &settings,
        address: &address,
        log: &beside("bench-data").join("portico.log"),
        postmaster,
    };
    start.now()
}

fn start_floor(url: &str, postmaster: Option<u32>) -> Server {
    let filled = std::process::Command::new(beside("floor")).args(["fill", url]).status();
    assert!(filled.is_ok_and(|status| status.success()), "the floor fills its tables");
    serve_floor(url, postmaster).0
}

fn serve_floor(url: &str, postmaster: Option<u32>) -> (Server, std::time::Duration) {
    let address = format!("127.0.0.1:{}", child_process::free_port());
    let arguments = ["serve", &address, url];
    let start = Start {
        program: &beside("floor"),
        arguments: &arguments,
        settings: &[],
        address: &address,
        log: Path::new("/dev/null"),
        postmaster,
    };
    start.now()
}

fn hashes() -> Vec<f64> {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(PASSWORD_COST.0, PASSWORD_COST.1, 1, None).expect("a cost");
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    measure::hashes_per_core(|| {
        std::hint::black_box(argon2.hash_password(b"a few unrelated words").expect("a hash"));
    })
}

fn starts(ours: &str, floors: &str) -> Row {
    let five = |start: &dyn Fn() -> (Server, std::time::Duration)| {
        (0..5).map(|_| start().1.as_secs_f64() * 1000.0).collect()
    };
    Row {
        what: "start to first answer, existing database, ms",
        ours: five(&|| start(ours, None)),
        floor: five(&|| serve_floor(floors, None)),
        bar: "20",
    }
}

/// The landing page and everything it refers to on our own origin, heads included.
fn first_visit(portico: &Server) -> Vec<Row> {
    let page = String::from_utf8(portico.ask("GET", "/", &[], "").body).expect("HTML");
    let mut paths: Vec<&str> = page.split('"').filter(|word| word.starts_with("/static/")).collect();
    paths.sort_unstable();
    paths.dedup();
    let all = [&["/"], &paths[..]].concat();
    let wire = |path: &&str| {
        let answer = portico.ask("GET", path, &[("accept-encoding", "gzip")], "");
        answer.head.len() + answer.body.len()
    };
    let (bytes, requests) = (all.iter().map(wire).sum::<usize>() as f64 / 1000.0, all.len() as f64);
    vec![
        Row { what: "first visit, all of it, KB on the wire", ours: vec![bytes], floor: vec![], bar: "12" },
        Row { what: "first visit, requests", ours: vec![requests], floor: vec![], bar: "3" },
    ]
}

fn size_of_programs() -> Row {
    let sizes = (vec![size(env!("CARGO_PKG_NAME"))], vec![size("floor")]);
    Row { what: "release binary, MB", ours: sizes.0, floor: sizes.1, bar: "20" }
}

fn size(program: &str) -> f64 {
    std::fs::metadata(beside(program)).expect("built by bin/bench").len() as f64 / 1e6
}

/// A file in the folder of this very program.
fn beside(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a program has a path");
    here.parent().unwrap_or(Path::new(".")).join(name)
}

fn print(row: &Row) {
    let of = match (median(&row.ours), median(&row.floor)) {
        (Some(ours), Some(floor)) => format!("{:.0} %", ours / floor * 100.0),
        _ => "–".into(),
    };
    println!("| {} | {} | {} | {of} | {} |", row.what, figure(&row.ours), figure(&row.floor), row.bar);
}

/// The median, and half the distance between the extremes.
fn figure(runs: &[f64]) -> String {
    let Some(median) = median(runs) else { return "–".into() };
    let digits = if median < 100.0 { 1 } else { 0 };
    let (low, high) = runs.iter().fold((f64::MAX, f64::MIN), |(l, h), &run| (l.min(run), h.max(run)));
    match runs.len() {
        1 => format!("{median:.digits$}"),
        _ => format!("{median:.digits$} ± {:.0} %", (high - low) / 2.0 / median * 100.0),
    }
}

fn median(runs: &[f64]) -> Option<f64> {
    let mut sorted = runs.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
