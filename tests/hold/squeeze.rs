//! What every squeeze has to show, whatever it takes away.
use crate::{
    program::{Program, Usage},
    witness::Witness,
};
use std::time::{Duration, Instant};

/// From the end of a squeeze until everything works again, without a restart.
const AGAIN: Duration = Duration::from_secs(2);
/// What may stay of a squeeze, in KiB and in descriptors: pools may have grown to their size, and glibc keeps what
/// the allocator of release images gives back.
const MEMORY: i64 = if cfg!(feature = "jemalloc") { 10 * 1024 } else { 32 * 1024 };
const DESCRIPTORS: usize = 24;
/// For memory and descriptors to be given back.
const GIVEN_BACK: Duration = Duration::from_secs(15);
/// A stop's own limits together (docs/limits.md): 25 s for requests, 5 s for the database, 1 s for the log.
const STOP: Duration = Duration::from_secs(33);
/// After a second signal.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Why a squeeze cannot be tried here.
pub struct NotRun(pub String);

pub trait Squeeze {
    fn start(&mut self) -> Result<Program, NotRun>;
    fn begin(&mut self, program: &mut Program);
    /// While it lasts: what has to work all the same, and what may be refused.
    fn during(&mut self, program: &mut Program, witness: &mut Witness);
    fn end(&mut self, program: &mut Program);
    /// Whether the program comes to its end under the squeeze within the limits of a stop.
    fn stops_in_time(&self) -> bool {
        true
    }
}

/// Squeezes, and returns figures for the report. Panics where it does not hold.
pub fn run(squeeze: &mut dyn Squeeze, long: bool) -> Result<String, NotRun> {
    let mut program = squeeze.start()?;
    let mut witness = Witness::of(&program);
    let before = at_rest(&program, &mut witness);
    let (mut slowest, mut highest) = (Duration::ZERO, before.memory);
    for _ in 0..if long { 3 } else { 1 } {
        squeeze.begin(&mut program);
        squeeze.during(&mut program, &mut witness);
        highest = highest.max(program.usage().memory);
        squeeze.end(&mut program);
        slowest = slowest.max(again(&mut program, &mut witness));
    }
    witness.finds_everything(&program);
    let after = given_back(&program, before);
    second_signal(squeeze, &mut program);
    if long && squeeze.stops_in_time() {
        first_signal(squeeze)?;
    }
    Ok(format!(
        "again in {} ms, memory {} → {} → {} MB, {} → {} descriptors",
        slowest.as_millis(),
        before.memory / 1024,
        highest / 1024,
        after.memory / 1024,
        before.descriptors,
        after.descriptors
    ))
}

/// What it uses once each kind of work was done and pools have their size.
fn at_rest(program: &Program, witness: &mut Witness) -> Usage {
    let crowd: Vec<_> = (0..20)
        .map(|_| {
            let mut visitor = witness.olivia.clone();
            std::thread::spawn(move || visitor.get("/account").map(|answer| answer.status))
        })
        .collect();
    for one in crowd {
        assert_eq!(one.join().expect("no panic").ok(), Some(200), "{}", program.said());
    }
    let worked = witness.works();
    assert!(worked.is_ok(), "{worked:?} before anything was squeezed:\n{}", program.said());
    steady(program)
}

/// Once memory neither grows nor shrinks: what was freed goes back to the system after a second.
fn steady(program: &Program) -> Usage {
    let (began, mut last, mut since) = (Instant::now(), program.usage(), Instant::now());
    while since.elapsed() < Duration::from_millis(700) && began.elapsed() < GIVEN_BACK {
        std::thread::sleep(Duration::from_millis(100));
        let now = program.usage();
        if (now.memory - last.memory).abs() > 512 {
            (last, since) = (now, Instant::now());
        }
    }
    last
}

/// How long it took until everything works.
fn again(program: &mut Program, witness: &mut Witness) -> Duration {
    let began = Instant::now();
    loop {
        let worked = witness.works();
        let took = began.elapsed();
        if worked.is_ok() && took <= AGAIN {
            return took;
        }
        assert!(program.is_running(), "it is gone:\n{}", program.said());
        assert!(took < AGAIN, "{took:?} after the squeeze: {worked:?}\n{}", program.said());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn given_back(program: &Program, before: Usage) -> Usage {
    let began = Instant::now();
    loop {
        let now = program.usage();
        if now.memory <= before.memory + MEMORY && now.descriptors <= before.descriptors + DESCRIPTORS {
            return now;
        }
        assert!(began.elapsed() < GIVEN_BACK, "before {before:?}, now {now:?}\n{}", program.said());
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// In the middle of it: the first signal is heard, and the second ends the program at once.
fn second_signal(squeeze: &mut dyn Squeeze, program: &mut Program) {
    squeeze.begin(program);
    program.terminate();
    std::thread::sleep(Duration::from_millis(300));
    if program.is_running() {
        program.terminate();
    }
    program.ended_within(AT_ONCE);
    squeeze.end(program);
}

fn first_signal(squeeze: &mut dyn Squeeze) -> Result<(), NotRun> {
    let mut program = squeeze.start()?;
    let mut witness = Witness::of(&program);
    witness.works().ok();
    squeeze.begin(&mut program);
    program.terminate();
    program.ended_within(STOP);
    squeeze.end(&mut program);
    Ok(())
}
