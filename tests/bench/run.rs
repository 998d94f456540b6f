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

#[tokio::main]
async fn main() {
    let folder = beside("bench-data");
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).expect("a folder for databases");
    let sqlite = |name: &str| format!("sqlite://{}", folder.join(name).display());
    let mut rows = on_sqlite(&sqlite("portico.db"), &sqlite("floor.db")).await;
    rows.insert(1, on_postgres().await);
    println!("| what | this build | floor | of the floor | bar |\n|---|---|---|---|---|");
    rows.iter().for_each(print);
}

async fn on_sqlite(ours: &str, floors: &str) -> Vec<Row> {
    let (portico, cookie) = filled(ours, None).await;
    drop(portico);
    let (floor, portico) = (start_floor(floors, None), start(ours, None).0);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let idle = (portico.memory("VmRSS"), floor.memory("VmRSS"));
    let row = |what, ours, floor, bar| Row { what, ours, floor, bar };
    let mut rows = vec![
        row(
            "account page, SQLite, requests per core and second",
            account(&portico, &cookie),
            account_of_floor(&floor),
            "6,500",
        ),
        row(
            "public page, per core and second",
            portico.per_core("/", &[]),
            floor.per_core("/", &[]),
            "25,000",
        ),
    ];
    let under_pages = (portico.memory("VmHWM"), floor.memory("VmHWM"));
    let sign_in = ["-s", "tests/bench/sign_in.lua"];
    rows.push(row("sign-in, per core and second", portico.per_core("/sign-in", &sign_in), hashes(), "45"));
    let under_sign_ins = portico.memory("VmHWM");
    let (bytes, requests) = first_visit(&portico);
    drop((portico, floor));
    rows.extend([
        row("memory idle, MB", vec![idle.0], vec![idle.1], "40"),
        row("memory under pages, at its most, MB", vec![under_pages.0], vec![under_pages.1], "120"),
        row("memory under sign-ins, at its most, MB", vec![under_sign_ins], vec![], "120"),
        row(
            "start to first answer, existing database, ms",
            starts(|| start(ours, None)),
            starts(|| serve_floor(floors, None)),
            "150",
        ),
        row("first visit, all of it, KB on the wire", vec![bytes], vec![], "30"),
        row("first visit, requests", vec![requests], vec![], "5"),
        row("release binary, MB", vec![size(env!("CARGO_PKG_NAME"))], vec![size("floor")], "30"),
    ]);
    rows
}

async fn on_postgres() -> Row {
    let needed = "Postgres: its initdb on PATH or in /usr/lib/postgresql";
    let ours = postgres::fresh_database_or_skip("bench").await.expect(needed);
    let floors = postgres::fresh_database_or_skip("floor").await.expect(needed);
    let postmaster = Some(measure::pinned_postmaster(&ours));
    let (portico, cookie) = filled(&ours, postmaster).await;
    let floor = start_floor(&floors, postmaster);
    let (ours, floor) = (account(&portico, &cookie), account_of_floor(&floor));
    Row { what: "account page, Postgres, requests per core and second", ours, floor, bar: "2,600" }
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

/// As a release image runs, but for what production refuses on loopback; the log goes nowhere.
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
        postmaster,
    };
    start.now()
}

fn account(portico: &Server, cookie: &str) -> Vec<f64> {
    portico.per_core("/account", &["-H", cookie])
}

fn account_of_floor(floor: &Server) -> Vec<f64> {
    floor.per_core("/account", &["-H", "cookie: session=session-number-0005000"])
}

fn hashes() -> Vec<f64> {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(PASSWORD_COST.0, PASSWORD_COST.1, 1, None).expect("a cost");
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    measure::hashes_per_core(|| {
        std::hint::black_box(argon2.hash_password(b"a few unrelated words").expect("a hash"));
    })
}

fn starts(start: impl Fn() -> (Server, std::time::Duration)) -> Vec<f64> {
    (0..5).map(|_| start().1.as_secs_f64() * 1000.0).collect()
}

/// The landing page and everything it refers to on our own origin, heads included, in KB.
fn first_visit(portico: &Server) -> (f64, f64) {
    let page = String::from_utf8(portico.ask("GET", "/", &[], "").body).expect("HTML");
    let mut paths: Vec<&str> = page.split('"').filter(|word| word.starts_with("/static/")).collect();
    paths.sort_unstable();
    paths.dedup();
    let all = [&["/"], &paths[..]].concat();
    let wire = |path: &&str| {
        let answer = portico.ask("GET", path, &[("accept-encoding", "gzip")], "");
        answer.head.len() + answer.body.len()
    };
    (all.iter().map(wire).sum::<usize>() as f64 / 1000.0, all.len() as f64)
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
