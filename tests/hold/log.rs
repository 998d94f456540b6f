//! A log that goes to a pipe: first nobody reads it, then it is closed.
use crate::{
    client::Client,
    program::{Program, Start},
    squeeze::{NotRun, Squeeze},
    witness::Witness,
};
use std::process::ChildStdout;

/// A line each; a pipe holds 64 KiB.
const PAGES: usize = 600;

struct Unread(Option<ChildStdout>);

pub fn unread(_long: bool) -> Result<Box<dyn Squeeze>, NotRun> {
    Ok(Box::new(Unread(None)))
}

impl Squeeze for Unread {
    fn start(&mut self) -> Result<Program, NotRun> {
        let mut program = Program::start(Start { log_to_pipe: true, ..Start::plain() });
        self.0 = program.child.stdout.take();
        Ok(program)
    }

    fn begin(&mut self, program: &mut Program) {
        let mut visitor = Client::of(&program.address);
        for _ in 0..PAGES {
            let status = visitor.get("/terms").map(|answer| answer.status).ok();
            assert_eq!(status, Some(200), "nobody reads the log, or it is closed");
        }
    }

    fn during(&mut self, _: &mut Program, witness: &mut Witness) {
        let worked = witness.works();
        assert!(worked.is_ok(), "{worked:?}: nobody reads the log");
    }

    fn end(&mut self, _: &mut Program) {
        self.0 = None;
    }
}
