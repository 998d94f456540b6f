//! A Postgres that comes and goes.
use crate::{
    child_process::{KillAtExit, as_nobody, find_program, free_port},
    postgres::{Postgres, give_to_nobody, private_folder},
    program::{Program, Start},
    proxy::Proxy,
    squeeze::{NotRun, Squeeze},
    witness::Witness,
};
use std::{
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// No page keeps anybody waiting for longer, however silent the database is: five seconds for a connection, ten for a
/// statement.
const REFUSED: Duration = Duration::from_secs(17);
/// The first that takes named statements along in transaction mode.
const PGBOUNCER: (u32, u32) = (1, 21);

/// People read that the database is away, and soon.
fn is_refused(program: &Program, witness: &mut Witness) {
    let began = Instant::now();
    let answer = witness.olivia.get("/account");
    let status = answer.as_ref().map(|answer| answer.status).ok();
    assert_eq!(status, Some(503), "after {:?}\n{}", began.elapsed(), program.said());
    assert!(began.elapsed() < REFUSED, "a refusal took {:?}", began.elapsed());
    let stored = witness.event(100);
    assert!(stored.is_err(), "acknowledged without a database");
}

struct Restarted(Postgres);

pub fn restarted(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    Ok(Box::new(Restarted(Postgres::new()?)))
}

impl Squeeze for Restarted {
    fn start(&mut self) -> Result<Program, NotRun> {
        Ok(Program::start(Start::plain().with("DATABASE_URL", self.0.url(self.0.port))))
    }

    fn begin(&mut self, _: &mut Program) {
        self.0.stop();
    }

    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        is_refused(program, witness);
    }

    fn end(&mut self, _: &mut Program) {
        self.0.start();
    }
}

struct Terminated(Postgres);

pub fn terminated(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    Ok(Box::new(Terminated(Postgres::new()?)))
}

impl Squeeze for Terminated {
    fn start(&mut self) -> Result<Program, NotRun> {
        Ok(Program::start(Start::plain().with("DATABASE_URL", self.0.url(self.0.port))))
    }

    fn begin(&mut self, _: &mut Program) {
        self.0.terminate_all();
    }

    fn during(&mut self, _: &mut Program, witness: &mut Witness) {
        for _ in 0..5 {
            witness.works().ok();
            self.0.terminate_all();
        }
    }

    fn end(&mut self, _: &mut Program) {}
}

struct Partitioned {
    postgres: Postgres,
    proxy: Proxy,
    long: bool,
}

pub fn partitioned(long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    let postgres = Postgres::new()?;
    let proxy = Proxy::to(postgres.port);
    Ok(Box::new(Partitioned { postgres, proxy, long }))
}

impl Squeeze for Partitioned {
    fn start(&mut self) -> Result<Program, NotRun> {
        Ok(Program::start(Start::plain().with("DATABASE_URL", self.postgres.url(self.proxy.port))))
    }

    fn begin(&mut self, _: &mut Program) {
        self.proxy.swallow(true);
    }

    /// The long form has more people waiting than there are connections.
    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        let crowd: Vec<_> = (0..if self.long { 40 } else { 4 })
            .map(|_| {
                let mut visitor = witness.olivia.clone();
                std::thread::spawn(move || {
                    let began = Instant::now();
                    (visitor.get("/account").map(|answer| answer.status).ok(), began.elapsed())
                })
            })
            .collect();
        is_refused(program, witness);
        for one in crowd {
            let (status, took) = one.join().expect("no panic");
            assert!(status == Some(503) && took < REFUSED, "{status:?} after {took:?}");
        }
    }

    fn end(&mut self, _: &mut Program) {
        self.proxy.swallow(false);
    }
}

struct FailedOver {
    primary: Postgres,
    standby: Option<Postgres>,
    proxy: Proxy,
}

pub fn failed_over(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    let primary = Postgres::new()?;
    let proxy = Proxy::to(primary.port);
    Ok(Box::new(FailedOver { primary, standby: None, proxy }))
}

impl Squeeze for FailedOver {
    fn start(&mut self) -> Result<Program, NotRun> {
        Ok(Program::start(Start::plain().with("DATABASE_URL", self.primary.url(self.proxy.port))))
    }

    fn begin(&mut self, _: &mut Program) {
        self.standby = Some(self.primary.standby());
        self.primary.stop();
    }

    /// At first the address leads to a standby, which takes no writes.
    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        is_refused(program, witness);
        let standby = self.standby.as_ref().expect("it was begun");
        self.proxy.lead_to(standby.port);
        for _ in 0..5 {
            let stored = witness.event(100);
            assert!(stored.is_err(), "a standby cannot have acknowledged it");
        }
    }

    fn end(&mut self, _: &mut Program) {
        let standby = self.standby.take().expect("it was begun");
        standby.promote();
        self.proxy.lead_to(standby.port);
        self.primary = standby;
    }
}

struct BehindPgbouncer {
    postgres: Postgres,
    bouncer: Bouncer,
}

pub fn behind_pgbouncer(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    let program = find_program("pgbouncer", ["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let program =
        program.ok_or_else(|| NotRun("pgbouncer is missing (bin/hold installs it as root)".into()))?;
    let said = Command::new(&program).arg("--version").output();
    let said = said.map(|done| String::from_utf8_lossy(&done.stdout).into_owned()).unwrap_or_default();
    let version = said.split_whitespace().nth(1).unwrap_or_default();
    let mut numbers = version.split('.').filter_map(|it| it.parse().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < PGBOUNCER {
        let (major, minor) = PGBOUNCER;
        return Err(NotRun(format!(
            "pgbouncer {version} does not know prepared statements in transaction mode; {major}.{minor} does"
        )));
    }
    let postgres = Postgres::new()?;
    let bouncer = Bouncer::before(&program, &postgres);
    Ok(Box::new(BehindPgbouncer { postgres, bouncer }))
}

impl Squeeze for BehindPgbouncer {
    fn start(&mut self) -> Result<Program, NotRun> {
        Ok(Program::start(Start::plain().with("DATABASE_URL", self.postgres.url(self.bouncer.port))))
    }

    fn begin(&mut self, _: &mut Program) {
        self.postgres.stop();
    }

    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        is_refused(program, witness);
    }

    fn end(&mut self, _: &mut Program) {
        self.postgres.start();
    }
}

/// pgbouncer in transaction mode.
struct Bouncer {
    child: Child,
    folder: PathBuf,
    port: u16,
    _kill_at_exit: KillAtExit,
}

impl Bouncer {
    fn before(program: &std::path::Path, postgres: &Postgres) -> Self {
        let (folder, port) = (private_folder(), free_port());
        let people = folder.join("people");
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = plain\nauth_file = {}\npool_mode = transaction\n\
             max_prepared_statements = 200\nserver_login_retry = 1\nquery_wait_timeout = 5\n",
            postgres.port,
            people.display()
        );
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&people, format!("\"hold\" \"{}\"\n", postgres.password())).expect("our folder");
        std::fs::write(&file, settings).expect("our folder");
        [&people, &file].into_iter().for_each(|it| give_to_nobody(it));
        let mut command = Command::new(program);
        command.arg(&file).current_dir(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        as_nobody(&mut command);
        let child = command.spawn().expect("it was found");
        let kill_at_exit = KillAtExit::on(child.id(), &folder);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "pgbouncer does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, folder, port, _kill_at_exit: kill_at_exit }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
