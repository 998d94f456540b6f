//! A Postgres of a squeeze's own, which it stops, starts and copies.
use crate::{
    child_process::{KillAtExit, NOBODY, as_nobody, find_program, free_port, is_root, random_hex},
    squeeze::NotRun,
};
use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const START: Duration = Duration::from_secs(30);
/// Its owner, and the name of the database.
const NAME: &str = "hold";

pub struct Postgres {
    bin: PathBuf,
    folder: PathBuf,
    password: String,
    pub port: u16,
    running: Option<(Child, KillAtExit)>,
}

impl Postgres {
    /// Running, with a database of a plain owner.
    pub fn new() -> Result<Self, NotRun> {
        let initdb = find_program("initdb", installed());
        let initdb = initdb.ok_or_else(|| NotRun("there is no initdb of Postgres".into()))?;
        let mut server = Self {
            bin: initdb.parent().expect("a program lies in a folder").to_owned(),
            folder: private_folder(),
            password: random_hex(),
            port: free_port(),
            running: None,
        };
        let file = server.folder.join("password");
        std::fs::write(&file, &server.password).expect("a file in a folder of ours");
        give_to_nobody(&file);
        let made = server
            .tool("initdb")
            .args(["-U", "postgres", "-A", "password", "--no-sync", "-E", "UTF8", "--locale=C"])
            .arg("--pwfile")
            .arg(&file)
            .arg("-D")
            .arg(server.data())
            .output();
        let made = made.expect("it was found");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        server.start();
        server.sql("postgres", &format!("create role {NAME} login password '{}'", server.password));
        server.sql("postgres", &format!("create database {NAME} owner {NAME}"));
        Ok(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// As the owner of its files, who is never root.
    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir(&self.folder).stdin(Stdio::null()).env("PGPASSWORD", &self.password);
        as_nobody(&mut command);
        command
    }

    /// Returns once it answers.
    pub fn start(&mut self) {
        let mut command = self.tool("postgres");
        command.arg("-D").arg(self.data()).stdout(Stdio::null()).stderr(Stdio::null());
        let port = format!("port={}", self.port);
        for setting in [
            port.as_str(),
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=100",
            "shared_buffers=32MB",
            "fsync=off",
            "wal_level=replica",
            "hot_standby=on",
        ] {
            command.args(["-c", setting]);
        }
        let child = command.spawn().expect("postgres lies beside initdb");
        let kill_at_exit = KillAtExit::on(child.id(), &self.folder);
        self.running = Some((child, kill_at_exit));
        let began = Instant::now();
        while self.try_sql("postgres", "select 1").is_err() {
            assert!(began.elapsed() < START, "Postgres does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// At once, without saying goodbye to anybody.
    pub fn stop(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            Command::new("kill").args(["-s", "QUIT", &child.id().to_string()]).output().ok();
            child.wait().ok();
        }
    }

    /// The address for the program, by way of this port.
    pub fn url(&self, port: u16) -> String {
        format!("postgres://{NAME}:{}@127.0.0.1:{port}/{NAME}", self.password)
    }

    pub fn password(&self) -> &str {
        &self.password
    }

    pub fn sql(&self, database: &str, statement: &str) -> String {
        self.try_sql(database, statement).unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    fn try_sql(&self, database: &str, statement: &str) -> Result<String, String> {
        let at = format!("host=127.0.0.1 port={} user=postgres dbname={database}", self.port);
        let done = self
            .tool("psql")
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", &at, "-c"])
            .arg(statement)
            .output();
        let done = done.map_err(|error| error.to_string())?;
        match done.status.success() {
            true => Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        }
    }

    /// Ends every connection of the program's database.
    pub fn terminate_all(&self) {
        self.sql(
            "postgres",
            &format!(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{NAME}'"
            ),
        );
    }

    /// A running standby that has confirmed everything so far, and without which nothing is acknowledged from
    /// here on.
    pub fn standby(&self) -> Self {
        let mut standby = Self {
            bin: self.bin.clone(),
            folder: private_folder(),
            password: self.password.clone(),
            port: free_port(),
            running: None,
        };
        let copied = standby
            .tool("pg_basebackup")
            .args(["-h", "127.0.0.1", "-U", "postgres", "-R", "--no-sync", "-c", "fast", "-p"])
            .arg(self.port.to_string())
            .arg("-D")
            .arg(standby.data())
            .output()
            .expect("pg_basebackup lies beside initdb");
        assert!(copied.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&copied.stderr));
        standby.start();
        self.acknowledge_with("*");
        let began = Instant::now();
        let confirmed = "select count(*) from pg_stat_replication
                         where sync_state = 'sync' and replay_lsn >= pg_current_wal_lsn()";
        while self.sql("postgres", confirmed) != "1" {
            assert!(began.elapsed() < START, "the standby does not follow");
            std::thread::sleep(Duration::from_millis(50));
        }
        standby
    }

    /// Makes the standby the primary, which needs no standby of its own.
    pub fn promote(&self) {
        let done = self.tool("pg_ctl").args(["promote", "-w", "-D"]).arg(self.data()).output();
        assert!(done.is_ok_and(|done| done.status.success()), "the standby is not promoted");
        self.acknowledge_with("");
    }

    fn acknowledge_with(&self, standbys: &str) {
        self.sql("postgres", &format!("alter system set synchronous_standby_names = '{standbys}'"));
        self.sql("postgres", "select pg_reload_conf()");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// Under `/tmp` for root, since `nobody` may not be let into a `TMPDIR` of root's.
pub fn private_folder() -> PathBuf {
    let parent = if is_root() { "/tmp".into() } else { std::env::temp_dir() };
    let folder = parent.join(format!("hold-postgres-{}", random_hex()));
    std::fs::create_dir(&folder).expect("a folder beside other temporary ones");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("our own folder");
    give_to_nobody(&folder);
    folder
}

pub fn give_to_nobody(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
    }
}

/// Debian's folders, the newest version first.
fn installed() -> Vec<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut all: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    all.sort_by_key(|path| path.file_name().and_then(|it| it.to_str()?.parse::<u32>().ok()));
    all.into_iter().rev().map(|folder| folder.join("bin")).collect()
}
