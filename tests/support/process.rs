//! The real program in a process of its own, in an empty folder, with the environment it is given.
use super::{child_process::KillAtExit, temp::TempDir};
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// The program under test, whatever it is called.
pub const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));

/// Past this a program counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A started program; dropping it kills it and removes its folder.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    _kill_at_exit: KillAtExit,
    folder: TempDir,
}

impl Process {
    /// `Process::start(PROGRAM, &["worker"], &[("BIND", "127.0.0.1:0")])`
    pub fn start(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_in(TempDir::new(), program, arguments, environment)
    }

    /// The same in a folder that an earlier process left (see [`Process::stop`]).
    pub fn start_in(
        folder: TempDir,
        program: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(environment.iter().copied()).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{program}: {e}"));
        let lines = Arc::default();
        collect(child.stdout.take(), &lines);
        collect(child.stderr.take(), &lines);
        Self { _kill_at_exit: KillAtExit::on(child.id(), folder.path()), child, lines, folder }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All it has written, standard output and standard error as they came.
    pub fn output(&self) -> String {
        self.lines.lock().expect("no panic while lines are held").join("\n")
    }

    /// The first line that contains `text`, once it is there.
    pub async fn line_with(&mut self, text: &str) -> String {
        self.until(&format!("a line with {text:?}"), async |program| {
            let lines = program.lines.lock().expect("no panic while lines are held");
            lines.iter().find(|line| line.contains(text)).cloned()
        })
        .await
    }

    /// Returns once something answers HTTP at `url`, whatever it says.
    pub async fn answers_at(&mut self, url: &str) {
        self.until(&format!("an answer at {url}"), async |_| super::http::answers(url).await.then_some(()))
            .await;
    }

    /// SIGTERM: asks it to finish.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name} {} fails", self.child.id());
    }

    /// SIGKILL: pulls the plug.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// How it ended, once it has.
    pub async fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child can be waited for") {
                // The readers may still be at the last lines.
                tokio::time::sleep(Duration::from_millis(50)).await;
                return status;
            }
            assert!(Instant::now() < deadline, "still running after a minute:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Kills it and hands its folder on, for a process that continues there.
    pub fn stop(mut self) -> TempDir {
        self.kill();
        std::mem::take(&mut self.folder)
    }

    async fn until<T>(&mut self, what: &str, mut look: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(self).await {
                return found;
            }
            let ended = self.child.try_wait().ok().flatten();
            assert!(ended.is_none(), "it ended ({ended:?}) before {what}:\n{}", self.output());
            assert!(Instant::now() < deadline, "a minute without {what}:\n{}", self.output());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn collect(pipe: Option<impl Read + Send + 'static>, lines: &Arc<Mutex<Vec<String>>>) {
    let (pipe, lines) = (pipe.expect("the pipe was asked for"), lines.clone());
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            lines.lock().expect("no panic while lines are held").push(line);
        }
    });
}
