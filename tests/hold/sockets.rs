//! Connections that take nothing, send nothing or end in the middle; and fewer descriptors than connections.
use crate::{
    client::{Client, form},
    program::{Program, Start},
    squeeze::{NotRun, Squeeze},
    witness::Witness,
};
use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

/// Every place of a server.
const READERS: usize = 1024;
/// More than there are places.
const SILENT: usize = 1100;
/// To the servers of operators and of the sandbox.
const SILENT_BESIDE: usize = 300;
/// Of each address, which may have 256.
const OF_AN_ADDRESS: usize = 128;
/// A reader is given up after 10 s; then there are places.
const GIVEN_UP: Duration = Duration::from_secs(13);

/// Connections from several addresses of this machine. The kernel's queue may be full: then there are fewer.
fn connections(to: &str, count: usize) -> Vec<TcpStream> {
    let to: SocketAddr = to.parse().expect("an address and a port");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut all = Vec::new();
        for n in 0..count {
            let from = Ipv4Addr::new(127, 0, 1, 1 + (n / OF_AN_ADDRESS) as u8);
            let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
            // Else the kernel would take two megabytes on behalf of somebody who takes nothing.
            socket.set_recv_buffer_size(4096).ok();
            socket.bind((from, 0).into()).expect("all of 127.0.0.0/8 is this machine");
            if let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_secs(1), socket.connect(to)).await {
                let stream = stream.into_std().expect("a stream");
                stream.set_nonblocking(false).expect("a stream that waits");
                all.push(stream);
            }
        }
        all
    })
}

/// Our own limit, which the children inherit no more of than they are given.
fn have_descriptors(wanted: usize) -> Result<(), NotRun> {
    let own = std::process::id().to_string();
    let raise = format!("ulimit -H -n; prlimit --pid {own} --nofile={wanted}:");
    std::process::Command::new("sh").args(["-c", &raise]).output().ok();
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    let soft = line.split_whitespace().nth(3).and_then(|it| it.parse().ok()).unwrap_or(0);
    if soft >= wanted {
        Ok(())
    } else {
        Err(NotRun(format!("`ulimit -n` is {soft}, and {wanted} are needed")))
    }
}

struct SlowReaders {
    long: bool,
    held: Vec<TcpStream>,
}

pub fn slow_readers(long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    have_descriptors(READERS + 200)?;
    Ok(Box::new(SlowReaders { long, held: Vec::new() }))
}

impl Squeeze for SlowReaders {
    fn start(&mut self) -> Result<Program, NotRun> {
        Ok(Program::start(Start::plain()))
    }

    /// Each asks forty times for the largest file, and takes nothing.
    fn begin(&mut self, program: &mut Program) {
        let mut visitor = Client::of(&program.address);
        let page = visitor.get("/sign-in").expect("it answers").body;
        let paths = page.split('"').filter(|word| word.starts_with("/static/"));
        let largest = paths.max_by_key(|path| visitor.get(path).map_or(0, |answer| answer.body.len()));
        let largest = largest.expect("pages have style");
        let one = format!("GET {largest} HTTP/1.1\r\nhost: {}\r\n\r\n", program.address);
        self.held = connections(&program.address, READERS);
        for stream in &mut self.held {
            stream.write_all(one.repeat(40).as_bytes()).ok();
        }
    }

    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        if !self.long {
            return std::thread::sleep(Duration::from_secs(1));
        }
        let began = Instant::now();
        while let Err(why) = witness.works() {
            let took = began.elapsed();
            assert!(took < GIVEN_UP, "nobody is served while they read nothing: {why}\n{}", program.said());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn end(&mut self, _: &mut Program) {
        self.held.clear();
    }
}

#[derive(Default)]
struct HalfOpen(Vec<TcpStream>);

pub fn half_open(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    have_descriptors(SILENT + 2 * SILENT_BESIDE + 200)?;
    Ok(Box::new(HalfOpen::default()))
}

impl Squeeze for HalfOpen {
    fn start(&mut self) -> Result<Program, NotRun> {
        Ok(Program::start(Start::plain()))
    }

    fn begin(&mut self, program: &mut Program) {
        let doors = [
            (&program.address, SILENT),
            (&program.operators, SILENT_BESIDE),
            (&program.sandbox, SILENT_BESIDE),
        ];
        self.0 = doors.iter().flat_map(|(address, count)| connections(address, *count)).collect();
        for stream in self.0.iter_mut().step_by(2) {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: half of a he").ok();
        }
    }

    /// Whoever says something is served at all three doors.
    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        let worked = witness.works();
        assert!(worked.is_ok(), "{worked:?} while others say nothing\n{}", program.said());
        let healthy = Client::of(&program.operators).get("/healthz").map(|answer| answer.status).ok();
        assert_eq!(healthy, Some(200), "operators are locked out");
    }

    fn end(&mut self, _: &mut Program) {
        self.0.clear();
    }
}

struct HangUps(Option<Client>);

pub fn hang_ups(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    Ok(Box::new(HangUps(None)))
}

impl Squeeze for HangUps {
    fn start(&mut self) -> Result<Program, NotRun> {
        let program = Program::start(Start::plain());
        self.0 = Some(Witness::of(&program).olivia);
        Ok(program)
    }

    /// In the middle of a head, of a body, of a click at Stripe, of an answer.
    fn begin(&mut self, program: &mut Program) {
        let olivia = self.0.as_ref().expect("she has signed in");
        let form = form(&[("email", "nobody@example.com"), ("password", "some words that are wrong")]);
        let typed = "content-type: application/x-www-form-urlencoded\r\n";
        let sign_in = olivia.head("POST", "/sign-in", typed, form.len());
        let said = [
            sign_in[..sign_in.len() / 2].to_owned(),
            sign_in.clone() + &form[..9],
            sign_in + &form,
            olivia.head("POST", "/orgs/acme/billing/portal", typed, 0),
            olivia.head("POST", "/webhooks/stripe", "stripe-signature: t=1,v1=00\r\n", 900_000)
                + &" ".repeat(9000),
            olivia.head("GET", "/account", "", 0),
        ];
        for _ in 0..40 {
            for text in &said {
                let mut stream = TcpStream::connect(&program.address).expect("it listens");
                stream.write_all(text.as_bytes()).ok();
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    fn during(&mut self, _: &mut Program, _: &mut Witness) {}

    fn end(&mut self, _: &mut Program) {}
}

#[derive(Default)]
struct FewDescriptors(Vec<TcpStream>);

pub fn few_descriptors(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    Ok(Box::new(FewDescriptors::default()))
}

impl Squeeze for FewDescriptors {
    fn start(&mut self) -> Result<Program, NotRun> {
        Ok(Program::start(Start::plain().under(&["prlimit", "--nofile=64:64"])))
    }

    fn begin(&mut self, program: &mut Program) {
        self.0 = connections(&program.address, 150);
    }

    /// An idle connection makes room for whoever says something.
    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        let page = witness.olivia.get("/terms").map(|answer| answer.status).ok();
        assert_eq!(page, Some(200), "a visitor is locked out:\n{}", program.said());
    }

    fn end(&mut self, _: &mut Program) {
        self.0.clear();
    }
}
