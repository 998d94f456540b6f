//! Helper programs for tests (Postgres, chromedriver, stripe-mock), tied to the test process: they
//! stop when it ends, however it ends. And what a test does where such a program is missing.
use std::{
    io::Write,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Its standard input is a pipe that we hold: when that closes, by `kill -9` too, it cleans up.
const WATCHDOG: &str = r#"
signal=$1 folder=$2; shift 2
"$@" >"$folder/log" 2>&1 </dev/null &
program=$!
read -r _
kill -s "$signal" "$program" 2>/dev/null
wait "$program"
# More than once: what the program itself started (Chromium) may still be writing.
for again in 1 2 3 4 5; do rm -rf "$folder"; sleep 0.2; [ -e "$folder" ] || break; done
"#;

/// A running program. Dropping it stops the program and removes its folder.
#[derive(Debug)]
pub struct ChildProcess {
    folder: PathBuf,
    watchdog: Child,
}

/// How to start a program; `folder` exists, holds its `log`, and goes when the program goes.
pub struct Start<'a> {
    pub program: &'a Path,
    pub arguments: Vec<String>,
    pub folder: PathBuf,
    pub stop_signal: &'static str,
    /// Root becomes `nobody` for programs that refuse to run as root.
    pub unprivileged: bool,
}

impl Start<'_> {
    pub fn now(self) -> std::io::Result<ChildProcess> {
        let mut shell = Command::new("sh");
        shell.args(["-c", WATCHDOG, "watchdog", self.stop_signal]).arg(&self.folder);
        shell.arg(self.program).args(&self.arguments);
        // A group of its own: Ctrl-C in the terminal must not take the watchdog before it has cleaned up.
        shell.process_group(0).current_dir(&self.folder).env("TMPDIR", &self.folder);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if self.unprivileged {
            as_nobody(&mut shell);
        }
        let watchdog = shell.spawn()?;
        Ok(ChildProcess { folder: self.folder, watchdog })
    }
}

impl ChildProcess {
    /// What the program has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        self.watchdog.wait().ok();
    }
}

/// Kills a program of a test's own, and removes its folder, when the test process is gone, and only then.
#[derive(Debug)]
pub struct KillAtExit(Child);

impl KillAtExit {
    pub fn on(process: u32, folder: &Path) -> Self {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            r#"read -r _; kill -s KILL "$1"; rm -rf "$2""#,
            "kill-at-exit",
            &process.to_string(),
        ]);
        shell.arg(folder).process_group(0);
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(shell.spawn().expect("sh starts"))
    }
}

impl Drop for KillAtExit {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

pub const NOBODY: u32 = 65_534;

pub fn as_nobody(command: &mut Command) {
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

pub fn is_root() -> bool {
    let own = std::fs::metadata("/proc/self").map(|m| std::os::unix::fs::MetadataExt::uid(&m));
    own.is_ok_and(|uid| uid == 0)
}

/// A port that was free a moment ago, and that nobody who asks the system for "any" is given: those
/// come from 32768 on, and hundreds of our own listeners and connections ask.
pub fn free_port() -> u16 {
    const FIRST: u16 = 16_000;
    const COUNT: u16 = 16_000;
    let chance = u16::from_str_radix(&random_hex()[..4], 16).expect("hex digits");
    let mut candidates = (0..COUNT).map(|n| FIRST + chance.wrapping_add(n) % COUNT);
    let free = candidates.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port on loopback")
}

/// 32 hex digits nobody can guess.
pub fn random_hex() -> String {
    let mut bytes = [0; 16];
    let mut source = std::fs::File::open("/dev/urandom").expect("/dev/urandom");
    std::io::Read::read_exact(&mut source, &mut bytes).expect("16 random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first folder that holds `program`: those given, then those of `PATH`.
pub fn find_program(program: &str, first: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let path = setting("PATH").unwrap_or_default();
    let folders = first.into_iter().chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// An environment variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "these steer the tests, not the program")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Says once and loudly that tests are skipped; fails where everything is required (`bin/test`
/// does), but for what `PORTICO_MAY_SKIP` lists.
pub fn skip_or_fail(what: &str, why: &str) {
    let spared = setting("PORTICO_MAY_SKIP").is_some_and(|list| list.split(',').any(|one| one == what));
    let required = setting("PORTICO_REQUIRE_ALL").is_some() && !spared;
    assert!(!required, "{what} is required, but {why}");
    // Past the test runner's capture, which hides what a passing test prints.
    let line =
        format!("\n!!!!! SKIPPED: every test that needs {what}, because {why} (bin/test installs it)\n\n");
    std::io::stderr().write_all(line.as_bytes()).ok();
}
