//! The real program in a process of its own: how it is started, what it uses, how it ends.
use crate::child_process::{KillAtExit, free_port, random_hex, setting};
use crate::client::Client;
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Until a start counts as failed.
const START: Duration = Duration::from_secs(60);
pub const WEBHOOK_SECRET: &str = "whsec_of_the_squeezes_0123456789";

/// How to start it.
pub struct Start {
    /// What runs it in its turn, such as `prlimit --nofile=64`.
    pub under: Vec<String>,
    /// Beside those that every start has.
    pub settings: Vec<(&'static str, String)>,
    /// The log goes to a pipe that the caller has, instead of a file.
    pub log_to_pipe: bool,
}

impl Start {
    pub fn plain() -> Self {
        Self { under: Vec::new(), settings: Vec::new(), log_to_pipe: false }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    pub fn under(mut self, words: &[&str]) -> Self {
        self.under = words.iter().map(|word| (*word).to_owned()).collect();
        self
    }
}

/// Running; killed when dropped, and its folder removed.
pub struct Program {
    pub child: Child,
    /// Of people, of operators, of the sandbox.
    pub address: String,
    pub operators: String,
    pub sandbox: String,
    settings: Vec<(&'static str, String)>,
    log: PathBuf,
    _folder: Folder,
    _kill_at_exit: KillAtExit,
}

/// What it holds.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Resident, in KiB.
    pub memory: i64,
    pub descriptors: usize,
}

impl Program {
    /// Returns once it serves.
    pub fn start(start: Start) -> Self {
        let address = || format!("127.0.0.1:{}", free_port());
        let (people, operators, sandbox) = (address(), address(), address());
        let folder = Folder::new("program");
        let mut settings = vec![
            ("BIND", people.clone()),
            ("PUBLIC_URL", format!("http://{people}")),
            ("OPS_BIND", operators.clone()),
            ("SANDBOX_BIND", sandbox.clone()),
            ("SANDBOX_DATA", ":memory:".to_owned()),
            ("STRIPE_WEBHOOK_SECRETS", WEBHOOK_SECRET.to_owned()),
            ("RATE_LIMITS", "off".to_owned()),
            ("DATABASE_URL", format!("sqlite://{}", folder.path().join("portico.db").display())),
        ];
        settings.retain(|(name, _)| start.settings.iter().all(|(given, _)| given != name));
        settings.extend(start.settings);
        let words: Vec<String> = start.under.into_iter().chain([program()]).collect();
        let log = folder.path().join("log");
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(folder.path()).stdin(Stdio::null());
        command.env_clear().envs(settings.iter().map(|(name, value)| (*name, value)));
        command.env("PATH", setting("PATH").unwrap_or_default());
        if start.log_to_pipe {
            command.stdout(Stdio::piped()).stderr(Stdio::null());
        } else {
            let file = File::create(&log).expect("a file in a folder of ours");
            command.stderr(file.try_clone().expect("a second handle")).stdout(file);
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", words[0]));
        let kill_at_exit = KillAtExit::on(child.id(), folder.path());
        let mut program = Self {
            child,
            address: people,
            operators,
            sandbox,
            settings,
            log,
            _folder: folder,
            _kill_at_exit: kill_at_exit,
        };
        program.serves_within(START);
        program
    }

    fn serves_within(&mut self, patience: Duration) {
        let began = Instant::now();
        let mut visitor = Client::of(&self.address);
        while !visitor.get("/readyz").is_ok_and(|answer| answer.status == 200) {
            let ended = self.child.try_wait().ok().flatten();
            assert!(ended.is_none(), "it ended ({ended:?}):\n{}", self.said());
            assert!(began.elapsed() < patience, "it does not serve:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The end of what it has logged.
    pub fn said(&self) -> String {
        let all = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = all.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// What a command prints that is run beside it on the same database.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program());
        command.args(arguments).env_clear().envs(self.settings.iter().map(|(name, value)| (*name, value)));
        command.current_dir(self.log.parent().expect("the log lies in a folder"));
        let done = command.stdin(Stdio::null()).output().expect("it starts once more");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    pub fn usage(&self) -> Usage {
        let of_process = format!("/proc/{}", self.child.id());
        let status = std::fs::read_to_string(format!("{of_process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
        let memory = line.trim().trim_end_matches(" kB").parse().expect("Linux gives a number");
        let descriptors = std::fs::read_dir(format!("{of_process}/fd")).map_or(0, Iterator::count);
        Usage { memory, descriptors }
    }

    /// SIGTERM, as supervisors send it.
    pub fn terminate(&self) {
        let sent = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "there is nobody to end");
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }

    pub fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(began.elapsed() < patience, "still running after {patience:?}:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn program() -> String {
    let built = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));
    setting("PORTICO_HOLD_PROGRAM").unwrap_or_else(|| built.to_owned())
}

/// Removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(what: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hold-{what}-{}", random_hex()));
        std::fs::create_dir(&path).expect("a folder beside other temporary ones");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
