//! How things are measured: a server on the first core, load from the second, requests divided by
//! CPU seconds of the server and its database, so that a busy machine does not spoil the figure.
use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Of `/proc/…/stat`, on every Linux we run on.
const TICKS_PER_SECOND: f64 = 100.0;
const RUNS: usize = 3;

/// A running server, pinned; stopped when dropped.
pub struct Server {
    child: Child,
    pub address: String,
    /// Of Postgres, whose work counts as the server's.
    postmaster: Option<u32>,
}

/// How to start one.
pub struct Start<'a> {
    pub program: &'a Path,
    pub arguments: &'a [&'a str],
    pub settings: &'a [(&'a str, &'a str)],
    pub address: &'a str,
    /// Where its standard output goes.
    pub log: &'a Path,
    pub postmaster: Option<u32>,
}

impl Start<'_> {
    /// Started, and how long it took to its first answer.
    pub fn now(&self) -> (Server, Duration) {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(self.program).args(self.arguments);
        // Away from a `.env` that would be read where we stand.
        command.env_clear().envs(self.settings.iter().copied()).current_dir("/");
        let log =
            std::fs::File::options().append(true).create(true).open(self.log).expect("a file for its log");
        command.stdin(Stdio::null()).stdout(log).stderr(Stdio::inherit());
        let started = Instant::now();
        let child = command.spawn().expect("taskset starts (Debian: util-linux)");
        let mut server = Server { child, address: self.address.into(), postmaster: self.postmaster };
        while TcpStream::connect(&server.address).is_err() {
            assert!(server.child.try_wait().is_ok_and(|ended| ended.is_none()), "it does not start");
            assert!(started.elapsed() < Duration::from_secs(30), "it does not listen");
            std::thread::sleep(Duration::from_millis(1));
        }
        server.ask("GET", "/", &[], "");
        (server, started.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What one request brought: the head, and every byte that went over the wire for it.
pub struct Answer {
    pub head: String,
    pub body: Vec<u8>,
}

impl Server {
    /// One request on a connection of its own; anything but 2xx and 3xx ends the benchmark.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{more}\r\n{body}")
            .expect("it reads");
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).expect("it answers");
        let end = raw.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let (head, body) = (String::from_utf8_lossy(&raw[..end]).into_owned(), raw[end..].to_vec());
        assert!(head.starts_with("HTTP/1.1 2") || head.starts_with("HTTP/1.1 3"), "{method} {path}: {head}");
        Answer { head, body }
    }

    /// Requests per CPU second under 32 keep-alive connections: after a warm-up, one figure a run.
    pub fn per_core(&self, path: &str, more: &[&str]) -> Vec<f64> {
        self.load("3s", path, more);
        (0..RUNS).map(|_| self.run(path, more)).collect()
    }

    fn run(&self, path: &str, more: &[&str]) -> f64 {
        let before = self.cpu_seconds();
        let requests = self.load("10s", path, more);
        requests / (self.cpu_seconds() - before)
    }

    fn load(&self, time: &str, path: &str, more: &[&str]) -> f64 {
        let mut wrk = Command::new("taskset");
        wrk.args(["-c", "1", "wrk", "-t1", "-c32", "-d", time, "--timeout", "10s"]).args(more);
        let done = wrk.arg(format!("http://{}{path}", self.address)).output().expect("wrk starts");
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success() && !said.contains("Non-2xx"), "{path}: {said}");
        let requests = said.split(" requests in ").next().and_then(|text| text.split_whitespace().last());
        requests.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("wrk says: {said}"))
    }

    fn cpu_seconds(&self) -> f64 {
        let database = self.postmaster.map_or(0.0, |postmaster| {
            // The postmaster's own, with what its ended children used, and its living children's.
            let alive: f64 = processes().filter(|p| p.parent == postmaster).map(|p| p.own).sum();
            process(postmaster).map_or(0.0, |p| p.own + p.of_ended_children) + alive
        });
        process(self.child.id()).expect("it still runs").own + database
    }

    /// `VmRSS` is what it holds now, `VmHWM` the most it ever held; in MB.
    pub fn memory(&self, field: &str) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it still runs");
        let line = status.lines().find(|line| line.starts_with(field)).expect("Linux says so");
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).expect("a number") / 1024.0
    }
}

/// A server, a path, and what else wrk is told.
pub type Load<'a> = (&'a Server, &'a str, &'a [&'a str]);

/// Two loads in turn, so that whatever else the machine does falls on both.
pub fn side_by_side(ours: Load, floors: Load) -> (Vec<f64>, Vec<f64>) {
    for (server, path, more) in [ours, floors] {
        server.load("3s", path, more);
    }
    let run = |(server, path, more): Load| server.run(path, more);
    (0..RUNS).map(|_| (run(ours), run(floors))).unzip()
}

/// CPU seconds of one process.
struct Cpu {
    parent: u32,
    own: f64,
    of_ended_children: f64,
}

fn process(id: u32) -> Option<Cpu> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let seconds =
        |at: usize| fields.get(at).and_then(|n| n.parse::<f64>().ok()).map(|t| t / TICKS_PER_SECOND);
    let own = seconds(11)? + seconds(12)?;
    Some(Cpu { parent: fields.get(1)?.parse().ok()?, own, of_ended_children: seconds(13)? + seconds(14)? })
}

fn ids() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").expect("Linux").flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn processes() -> impl Iterator<Item = Cpu> {
    ids().filter_map(process)
}

/// The private Postgres behind this URL, put on the server's core before it has any backends of ours.
pub fn pinned_postmaster(url: &str) -> u32 {
    let port = url.rsplit(':').next().and_then(|rest| rest.split('/').next()).expect("a port in the URL");
    let mark = format!("port={port}");
    let is_it = |id: &u32| {
        let line = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.contains("postgres") && line.split('\0').any(|word| word == mark) && !line.starts_with("sh\0")
    };
    let id = ids().find(is_it).expect("the bench needs a Postgres of its own: unset PORTICO_TEST_POSTGRES");
    let pinned = Command::new("taskset").args(["-acp", "0", &id.to_string()]).output();
    assert!(pinned.is_ok_and(|done| done.status.success()), "taskset pins Postgres");
    id
}

/// Hashes per CPU second of this very process, one thread.
pub fn hashes_per_core(hash: impl Fn()) -> Vec<f64> {
    let run = |_| {
        let (before, started, mut count) = (own_cpu(), Instant::now(), 0.0);
        while started.elapsed() < Duration::from_secs(5) {
            hash();
            count += 1.0;
        }
        count / (own_cpu() - before)
    };
    (0..RUNS).map(run).collect()
}

fn own_cpu() -> f64 {
    process(std::process::id()).expect("we run").own
}
