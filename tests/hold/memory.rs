//! Less memory than a flood of sign-ins would like to have.
use crate::{
    client::Client,
    program::{Program, Start},
    squeeze::{NotRun, Squeeze},
    witness::Witness,
};
use std::{
    path::PathBuf,
    process::{Command, Stdio},
    thread::JoinHandle,
};

const MEGABYTES: u64 = 128;
/// At once.
const SIGN_INS: usize = 100;
/// Of just under a mebibyte, unsigned.
const BODIES: usize = 50;

struct Flood {
    group: Option<Group>,
    under_way: Vec<JoinHandle<Option<u16>>>,
}

pub fn flood(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    let group = Group::new(MEGABYTES);
    if group.is_none() {
        crate::say("no control group can be made here: the limit is on the program's own data (prlimit)");
    }
    Ok(Box::new(Flood { group, under_way: Vec::new() }))
}

impl Squeeze for Flood {
    /// A group of the kernel's counts all memory. Where none may be made, the limit is on the program's own.
    fn start(&mut self) -> Result<Program, NotRun> {
        let limit = format!("--data={}", MEGABYTES << 20);
        let start = match &self.group {
            Some(group) => Start::plain().under(&["sh", "-c", &group.enter()]),
            None => Start::plain().under(&["prlimit", &limit]),
        };
        Ok(Program::start(start))
    }

    fn begin(&mut self, program: &mut Program) {
        for n in 0..SIGN_INS {
            let mut stranger = Client::of(&program.address);
            self.under_way.push(std::thread::spawn(move || {
                let form =
                    [("email", &*format!("{n}@example.com")), ("password", "some words that are wrong")];
                stranger.post("/sign-in", &form).ok().map(|answer| answer.status)
            }));
        }
        let body = " ".repeat(1_040_000);
        for _ in 0..BODIES {
            let (mut forger, body) = (Client::of(&program.address), body.clone());
            self.under_way.push(std::thread::spawn(move || {
                let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
                let header = format!("stripe-signature: t={now},v1={}\r\n", "0".repeat(64));
                forger.send("POST", "/webhooks/stripe", &header, &body).ok().map(|answer| answer.status)
            }));
        }
    }

    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        let page = witness.olivia.get("/account").map(|answer| answer.status).ok();
        assert_eq!(page, Some(200), "a page is served meanwhile:\n{}", program.said());
        let answers: Vec<_> = self.under_way.drain(..SIGN_INS).filter_map(|one| one.join().ok()).collect();
        let refused = [422, 429, 503];
        let other: Vec<_> =
            answers.iter().filter(|it| !it.is_some_and(|status| refused.contains(&status))).collect();
        assert!(other.is_empty(), "a stranger got {other:?}:\n{}", program.said());
        assert!(program.is_running(), "it was killed");
    }

    fn end(&mut self, _: &mut Program) {
        self.under_way.drain(..).for_each(|one| drop(one.join()));
    }
}

/// A control group of its own, version 2 or 1.
struct Group {
    folder: PathBuf,
}

impl Group {
    /// None where the kernel, or the container, does not let us; or where the limit limits nothing.
    fn new(megabytes: u64) -> Option<Self> {
        let name = format!("hold-{}", crate::child_process::random_hex());
        for (at, limit) in
            [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")]
        {
            let folder = PathBuf::from(at).join(&name);
            if std::fs::create_dir(&folder).is_err() {
                continue;
            }
            let group = Self { folder };
            if !group.folder.join(limit).exists() {
                continue; // a plain folder, which is removed as it was made
            }
            std::fs::write(group.folder.join("memory.swap.max"), "0").ok();
            let set = |bytes: u64| std::fs::write(group.folder.join(limit), bytes.to_string()).is_ok();
            if set(16 << 20) && group.holds() && set(megabytes << 20) {
                return Some(group);
            }
        }
        None
    }

    /// Whether 64 MB in a group of 16 are too much.
    fn holds(&self) -> bool {
        let eat = format!(
            "echo $$ > {}/cgroup.procs; head -c 67108864 /dev/zero | tail -c 67108864",
            self.folder.display()
        );
        let done = Command::new("sh").args(["-c", &eat]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        done.is_ok_and(|status| !status.success())
    }

    fn enter(&self) -> String {
        format!("echo $$ > {}/cgroup.procs; exec \"$0\"", self.folder.display())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // `rmdir`: what stands in it are no files.
        std::fs::remove_dir(&self.folder).ok();
    }
}
