//! A clock that jumps, as the system's does when somebody sets it. Timers run on the other clock, and stay.
use crate::{
    program::{Folder, Program, Start},
    squeeze::{NotRun, Squeeze},
    witness::Witness,
};
use std::path::{Path, PathBuf};

const DAY: i64 = 86_400;
/// Debian's, by machine; then what others have.
const PLACES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
    "/usr/local/lib/faketime/libfaketime.so.1",
];

struct Jumps {
    library: PathBuf,
    folder: Folder,
    forward: bool,
}

pub fn jumps(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    let library = PLACES.iter().map(Path::new).find(|path| path.exists());
    let library =
        library.ok_or_else(|| NotRun("libfaketime is missing (bin/hold installs it as root)".into()))?;
    Ok(Box::new(Jumps { library: library.to_owned(), folder: Folder::new("clock"), forward: false }))
}

impl Jumps {
    fn set(&self, seconds: i64) {
        std::fs::write(self.file(), format!("{seconds:+}\n")).expect("a file in a folder of ours");
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ahead")
    }
}

impl Squeeze for Jumps {
    fn start(&mut self) -> Result<Program, NotRun> {
        self.set(0);
        let start = Start::plain()
            .with("LD_PRELOAD", self.library.display().to_string())
            .with("FAKETIME_TIMESTAMP_FILE", self.file().display().to_string())
            .with("FAKETIME_NO_CACHE", "1")
            .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Ok(Program::start(start))
    }

    /// One round a day forward, the next a day back.
    fn begin(&mut self, _: &mut Program) {
        self.forward = !self.forward;
        self.set(if self.forward { DAY } else { -DAY });
    }

    fn during(&mut self, program: &mut Program, witness: &mut Witness) {
        witness.ahead = if self.forward { DAY } else { -DAY };
        let worked = witness.works();
        assert!(worked.is_ok(), "{worked:?} at another time\n{}", program.said());
        witness.ahead = 0;
    }

    fn end(&mut self, _: &mut Program) {
        self.set(0);
    }
}
