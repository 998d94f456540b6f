//! Node.js with the packages of `sandbox/tests/sdk`, for the official SDK's own view of the sandbox.
use super::child_process;
use std::path::{Path, PathBuf};

pub struct Node {
    program: PathBuf,
    folder: PathBuf,
}

/// None where Node is missing, or `npm ci` has not been run there.
pub fn node_or_skip() -> Option<Node> {
    find().map_err(|why| child_process::skip_or_fail("node", why)).ok()
}

fn find() -> Result<Node, &'static str> {
    let program = child_process::find_program("node", []).ok_or("node is not on PATH")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
    match folder.join("node_modules/stripe").is_dir() {
        true => Ok(Node { program, folder }),
        false => Err("`npm ci` has not been run in sandbox/tests/sdk"),
    }
}

impl Node {
    /// Runs a script of `sandbox/tests/sdk`; what it printed, where it failed.
    pub async fn run(&self, script: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = std::process::Command::new(&self.program);
        command.arg(script).args(arguments).current_dir(&self.folder);
        let done = tokio::task::spawn_blocking(move || command.output()).await;
        let done = done.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        let said = [done.stdout, done.stderr].concat();
        done.status.success().then_some(()).ok_or_else(|| String::from_utf8_lossy(&said).into_owned())
    }
}
