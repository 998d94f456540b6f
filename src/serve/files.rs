//! The files of a database: closed to other users of the machine, and marked while a process uses them.
use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    path::{Component, Path, PathBuf},
};

/// What SQLite and we keep beside a database file, by what follows its name.
const BESIDE: [&str; 3] = ["-wal", "-shm", ".running"];

/// Makes a database's file and folder readable by this user alone. SQLite gives its -wal and -shm the
/// mode of the file they belong to; those of an earlier version are closed here.
pub fn keep_private(database: &Path) -> io::Result<()> {
    make_folder_of(database)?;
    private().append(true).open(database)?;
    close_to_others(database);
    BESIDE.iter().for_each(|ending| close_to_others(&beside(database, ending)));
    Ok(())
}

/// Makes the folder of a file. Only a folder under the working directory is closed to others: `/tmp`,
/// say, is not ours to close.
pub fn make_folder_of(file: &Path) -> io::Result<()> {
    let Some(folder) = file.parent().filter(|it| !it.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    let is_below = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
    if folder.components().all(is_below) && folder != Path::new(".") {
        close_to_others(folder);
    }
    Ok(())
}

/// Written so that nobody else can read it, not even while it is being written.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    io::Write::write_all(&mut private().write(true).truncate(true).open(path)?, text.as_bytes())
}

/// Marks a database as in use for as long as the file is held, with a note for other processes. Several
/// may hold it; the note is the last one's.
pub fn use_database(database: &Path, note: &str) -> io::Result<File> {
    let mut file = private().append(true).open(beside(database, ".running"))?;
    file.lock_shared()?;
    file.set_len(0)?;
    io::Write::write_all(&mut file, note.as_bytes())?;
    Ok(file)
}

/// What a running process has noted (see [`use_database`]).
pub fn note(database: &Path) -> Option<String> {
    is_in_use(database).then(|| std::fs::read_to_string(beside(database, ".running")).ok()).flatten()
}

/// Whether a running process has marked it (see [`use_database`]).
pub fn is_in_use(database: &Path) -> bool {
    let marked = File::open(beside(database, ".running"));
    marked.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Whether there is anything in it.
pub fn holds_data(database: &Path) -> bool {
    std::fs::metadata(database).is_ok_and(|it| it.len() > 0)
}

/// Removes a database with all that lies beside it. True if it was there.
pub fn remove(database: &Path) -> io::Result<bool> {
    let was_there = database.exists();
    let all = BESIDE.iter().map(|ending| beside(database, ending));
    for file in all.chain([migration_lock(database), database.to_owned()]) {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(was_there)
}

/// As db/migrate.rs names it.
pub fn migration_lock(database: &Path) -> PathBuf {
    database.with_extension("lock")
}

fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A file of somebody else's stays as it is; `doctor` says so.
#[cfg(unix)]
fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(found) = std::fs::metadata(path) else { return };
    let mode = found.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & !0o077)).ok();
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) {}
