//! A private Postgres for tests: made on first use, shared by the tests of one binary, gone with it.
use child_process::{ChildProcess, Start};
use sqlx::{Connection, PgConnection};
use std::{
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

// By path, because `src/db/tests.rs` takes this file by path too and brings no sibling modules.
#[path = "child_process.rs"]
pub mod child_process;

/// Where a superuser connects, up to the name of the database.
struct Server {
    superuser: String,
    _running: Option<ChildProcess>,
}

static SERVER: OnceCell<Option<Server>> = OnceCell::const_new();

/// The URL of an empty database of the test's own, as superuser. None where there is no Postgres.
pub async fn fresh_database_or_skip(test: &str) -> Option<String> {
    let server = server().await?;
    let name = fresh_name(test);
    server.run(&format!("create database {name}")).await;
    Some(server.url(&name))
}

/// The same for a role that owns the database and nothing else: no superuser, no `create role`.
pub async fn fresh_database_of_a_plain_owner_or_skip(test: &str) -> Option<String> {
    let server = server().await?;
    let (name, password) = (fresh_name(test), child_process::random_hex());
    server
        .run(&format!("create role {name} login password '{password}' nosuperuser nocreatedb nocreaterole"))
        .await;
    server.run(&format!("create database {name} owner {name}")).await;
    let mut url = url::Url::parse(&server.url(&name)).expect("our own URL parses");
    url.set_username(&name).and_then(|()| url.set_password(Some(&password))).expect("a URL with a host");
    Some(url.into())
}

/// A copy of a database that `prepare` (migrations, mostly) filled once for the whole binary: a
/// fraction of the time that preparing each would take. `prepare` must close its connections.
pub async fn fresh_copy_or_skip(test: &str, prepare: impl AsyncFnOnce(String)) -> Option<String> {
    static PREPARED: OnceCell<String> = OnceCell::const_new();
    let server = server().await?;
    let template = PREPARED.get_or_init(async || {
        let name = fresh_name("template");
        server.run(&format!("create database {name}")).await;
        prepare(server.url(&name)).await;
        name
    });
    let (template, name) = (template.await, fresh_name(test));
    server.run(&format!("create database {name} template {template}")).await;
    Some(server.url(&name))
}

async fn server() -> Option<&'static Server> {
    let server = SERVER.get_or_init(async || match child_process::setting("PORTICO_TEST_POSTGRES") {
        Some(superuser) => Some(Server { superuser, _running: None }),
        None => start().await.map_err(|why| child_process::skip_or_fail("Postgres", &why)).ok(),
    });
    server.await.as_ref()
}

/// Short, because Postgres cuts names at 63 bytes; random, because test runs may share a server.
fn fresh_name(test: &str) -> String {
    let word = test.rsplit("::").next().unwrap_or(test).to_lowercase();
    let word: String =
        word.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(36).collect();
    format!("test_{word}_{}", &child_process::random_hex()[..12])
}

impl Server {
    fn url(&self, database: &str) -> String {
        let mut url = url::Url::parse(&self.superuser).expect("PORTICO_TEST_POSTGRES is a URL");
        url.set_path(database);
        url.into()
    }

    /// On a connection of its own: a shared pool would belong to the runtime of whichever test came first.
    async fn run(&self, statement: &str) {
        let mut admin =
            PgConnection::connect(&self.superuser).await.expect("the test server answers its superuser");
        sqlx::query(statement).execute(&mut admin).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
        admin.close().await.ok();
    }
}

async fn start() -> Result<Server, String> {
    let initdb = child_process::find_program("initdb", installed())
        .ok_or("there is no initdb, on PATH or in /usr/lib/postgresql")?;
    let mut failed = String::new();
    // Another process may take the free port before Postgres does.
    for _ in 0..3 {
        match start_at(&initdb, child_process::free_port()).await {
            Ok(server) => return Ok(server),
            Err(why) => failed = why,
        }
    }
    Err(failed)
}

/// Debian's folders, the newest version first.
fn installed() -> Vec<PathBuf> {
    let version =
        |folder: &PathBuf| folder.file_name().and_then(|n| n.to_str()?.parse::<u32>().ok()).unwrap_or(0);
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    versions.into_iter().map(|folder| folder.join("bin")).collect()
}

async fn start_at(initdb: &Path, port: u16) -> Result<Server, String> {
    let (folder, password) = (private_folder().map_err(|e| e.to_string())?, child_process::random_hex());
    if let Err(why) = init(initdb, &folder, &password) {
        std::fs::remove_dir_all(&folder).ok();
        return Err(why);
    }
    let postgres = initdb.with_file_name("postgres");
    let data = folder.join("data").display().to_string();
    let start = Start {
        program: &postgres,
        arguments: arguments(data, port),
        folder,
        stop_signal: "QUIT",
        unprivileged: true,
    };
    let running = start.now().map_err(|e| format!("{} does not start: {e}", postgres.display()))?;
    let superuser = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    answers(&superuser).await.map_err(|e| format!("Postgres did not answer: {e}\n{}", running.log()))?;
    Ok(Server { superuser, _running: Some(running) })
}

/// Under `/tmp` for root, since `nobody` may not be let into a `TMPDIR` of root's.
fn private_folder() -> std::io::Result<PathBuf> {
    let parent = if child_process::is_root() { "/tmp".into() } else { std::env::temp_dir() };
    let folder = parent.join(format!("portico-postgres-{}", child_process::random_hex()));
    std::fs::create_dir(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700))?;
    if child_process::is_root() {
        chown(&folder, Some(child_process::NOBODY), Some(child_process::NOBODY))?;
    }
    Ok(folder)
}

fn init(initdb: &Path, folder: &Path, password: &str) -> Result<(), String> {
    let password_file = folder.join("password");
    std::fs::write(&password_file, password).map_err(|e| e.to_string())?;
    let mut command = Command::new(initdb);
    command.arg("-D").arg(folder.join("data")).arg("--pwfile").arg(&password_file).current_dir(folder);
    command.args(["-U", "postgres", "-A", "password", "--no-sync", "-E", "UTF8", "--locale=C"]);
    child_process::as_nobody(&mut command);
    if child_process::is_root() {
        chown(&password_file, Some(child_process::NOBODY), Some(child_process::NOBODY))
            .map_err(|e| e.to_string())?;
    }
    let done = command.output().map_err(|e| format!("{} does not run: {e}", initdb.display()))?;
    if done.status.success() {
        Ok(())
    } else {
        Err(format!("initdb fails: {}", String::from_utf8_lossy(&done.stderr)))
    }
}

/// Nothing needs to survive a power cut here.
fn arguments(data: String, port: u16) -> Vec<String> {
    let mut all = vec!["-D".to_owned(), data];
    let port = format!("port={port}");
    let settings = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=300",
        "shared_buffers=64MB",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "autovacuum=off",
        &port,
    ];
    all.extend(settings.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
    all
}

async fn answers(url: &str) -> Result<(), sqlx::Error> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match PgConnection::connect(url).await {
            Ok(connection) => return connection.close().await,
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}
