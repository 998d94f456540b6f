//! A disk that has no room, and one that cannot be written to.
use crate::{
    child_process::find_program,
    program::{Folder, Program, Start},
    squeeze::{NotRun, Squeeze},
    witness::Witness,
};
use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// Writes of 60 KB until one has to fail: SQLite first uses what its log has room for.
const TRIES: usize = 300;
const LARGE: usize = 60_000;
/// An answer of the last probe stands for a second.
const PROBED: Duration = Duration::from_secs(3);

/// Writes until a write is refused; what was written before is still read.
fn until_refused(program: &Program, witness: &mut Witness) {
    let refused = (0..TRIES).find_map(|_| witness.event(LARGE).err());
    let refused = refused.unwrap_or_else(|| panic!("{TRIES} writes, and none refused:\n{}", program.said()));
    assert!(refused.ends_with("503"), "{refused}: not 503\n{}", program.said());
    let refused_at = Instant::now();
    while witness.olivia.get("/readyz").map(|answer| answer.status).ok() != Some(503) {
        assert!(refused_at.elapsed() < PROBED, "no write is possible, and it says it is ready");
        std::thread::sleep(Duration::from_millis(100));
    }
    let page = witness.olivia.get("/orgs/acme/projects").map(|answer| answer.status).ok();
    assert_eq!(page, Some(200), "what was written is still read:\n{}", program.said());
    let saved = witness.project();
    assert!(saved.as_ref().err().is_none_or(|why| why.ends_with("503")), "{saved:?}\n{}", program.said());
}

struct Full(Small);

pub fn full(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    Ok(Box::new(Full(Small::mounted()?)))
}

impl Squeeze for Full {
    fn start(&mut self) -> Result<Program, NotRun> {
        self.0 = Small::mounted()?;
        Ok(Program::start(Start::plain().with("DATABASE_URL", database_in(&self.0.0))))
    }

    fn begin(&mut self, _: &mut Program) {
        self.0.fill();
    }

    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        until_refused(program, witness);
    }

    fn end(&mut self, _: &mut Program) {
        std::fs::remove_file(self.0.filler()).expect("it was filled");
    }
}

/// A file system of its own.
struct Small(PathBuf);

impl Small {
    fn mounted() -> Result<Self, NotRun> {
        let folder = std::env::temp_dir().join(format!("hold-disk-{}", crate::child_process::random_hex()));
        std::fs::create_dir(&folder).expect("a folder beside other temporary ones");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(&folder).output();
        match mounted {
            Ok(done) if done.status.success() => Ok(Self(folder)),
            _ => {
                std::fs::remove_dir(&folder).ok();
                Err(NotRun("only root may mount a small disk".into()))
            }
        }
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// To the last byte.
    fn fill(&self) {
        let mut file = File::create(self.filler()).expect("a file on the small disk");
        for size in [65_536, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).output().ok();
        std::fs::remove_dir(&self.0).ok();
    }
}

struct ReadOnly {
    folder: Folder,
    shim: PathBuf,
    mark: PathBuf,
}

pub fn read_only(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    let folder = Folder::new("read-only");
    let (shim, mark) = (folder.path().join("refuse_writes.so"), folder.path().join("read-only"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hold/refuse_writes.c");
    let Some(compiler) = find_program("cc", None) else {
        return Err(NotRun("there is no C compiler".into()));
    };
    let built =
        Command::new(compiler).args(["-shared", "-fPIC", "-o"]).arg(&shim).args([source, "-ldl"]).output();
    match built {
        Ok(done) if done.status.success() => Ok(Box::new(ReadOnly { folder, shim, mark })),
        Ok(done) => Err(NotRun(format!("cc says: {}", String::from_utf8_lossy(&done.stderr)))),
        Err(error) => Err(NotRun(format!("cc does not run: {error}"))),
    }
}

impl Squeeze for ReadOnly {
    fn start(&mut self) -> Result<Program, NotRun> {
        let data = self.folder.path().join("data");
        std::fs::remove_dir_all(&data).ok();
        std::fs::create_dir(&data).expect("a folder in a folder of ours");
        let start = Start::plain()
            .with("DATABASE_URL", database_in(&data))
            .with("LD_PRELOAD", self.shim.display().to_string())
            .with("HOLD_FOLDER", data.display().to_string())
            .with("HOLD_READ_ONLY", self.mark.display().to_string());
        Ok(Program::start(start))
    }

    fn begin(&mut self, _: &mut Program) {
        File::create(&self.mark).expect("a file in a folder of ours");
    }

    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        until_refused(program, witness);
    }

    fn end(&mut self, _: &mut Program) {
        std::fs::remove_file(&self.mark).expect("it was there");
    }
}

fn database_in(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("portico.db").display())
}
