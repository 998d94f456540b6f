//! Does it hold when it is squeezed? Starts the real program, takes something away from it (memory, disk,
//! descriptors, its database, its clock), gives it back, and looks whether all is as before. One squeeze after
//! another, so that each has the machine to itself.
//!
//! `cargo test --test hold` runs the short form, `-- --long` the long one, and a word only the squeezes whose
//! name contains it. `bin/hold` installs what the long form needs. `PORTICO_HOLD_PROGRAM` names another build.
#[path = "../support/child_process.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod child_process;
mod client;
mod clock;
mod database;
mod disk;
mod log;
mod memory;
mod postgres;
mod program;
mod proxy;
mod sockets;
mod squeeze;
mod witness;

use squeeze::{NotRun, Squeeze};
use std::{io::Write, panic::AssertUnwindSafe, process::ExitCode, time::Instant};

/// Name, whether it belongs to the short form too, and how it is made.
type Named = (&'static str, bool, fn(bool) -> Result<Box<dyn Squeeze>, NotRun>);

const ALL: &[Named] = &[
    ("a flood of sign-ins in 128 MB", true, memory::flood),
    ("a full disk", true, disk::full),
    ("a file system that is read-only for a while", true, disk::read_only),
    ("1,024 readers that read nothing", true, sockets::slow_readers),
    ("1,100 connections that send nothing", true, sockets::half_open),
    ("clients that hang up in the middle", true, sockets::hang_ups),
    ("64 file descriptors", true, sockets::few_descriptors),
    ("a log that nobody reads, then a closed one", true, log::unread),
    ("Postgres is restarted", true, database::restarted),
    ("Postgres ends every connection", true, database::terminated),
    ("the network to Postgres swallows everything", false, database::partitioned),
    ("Postgres fails over to its standby", false, database::failed_over),
    ("Postgres is restarted behind pgbouncer", false, database::behind_pgbouncer),
    ("a clock that jumps forward and back", false, clock::jumps),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|it| it == "--list") {
        ALL.iter().for_each(|(name, ..)| say(&format!("{name}: test")));
        return ExitCode::SUCCESS;
    }
    let long = arguments.iter().any(|it| it == "--long");
    let words: Vec<&String> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let (mut failed, mut not_run) = (0, Vec::new());
    for (name, _, make) in ALL.iter().filter(|(name, short, _)| wanted(name) && (long || *short)) {
        let began = Instant::now();
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
            make(long).and_then(|mut squeeze| squeeze::run(&mut *squeeze, long))
        }));
        let took = began.elapsed().as_secs_f64();
        match outcome {
            Ok(Ok(figures)) => say(&format!("held     {name} ({figures}; {took:.0} s)")),
            Ok(Err(NotRun(why))) => not_run.push(format!("{name}, because {why}")),
            Err(_) => {
                failed += 1;
                say(&format!("FAILED   {name} ({took:.0} s)"));
            }
        }
    }
    for what in &not_run {
        say(&format!("!!!!! NOT RUN: {what}"));
    }
    let required = child_process::setting("PORTICO_REQUIRE_ALL").is_some() && !not_run.is_empty();
    if failed > 0 || required { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").ok();
}
