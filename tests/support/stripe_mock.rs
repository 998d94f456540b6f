//! Stripe's own stripe-mock: no state, but it knows every parameter of every request.
use super::{
    child_process::{self, ChildProcess, Start},
    http,
};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::sync::OnceCell;

static SERVER: OnceCell<Option<(ChildProcess, String)>> = OnceCell::const_new();

/// Its base URL, for `STRIPE_API_BASE`; one for all tests of the binary. None where it is not installed.
pub async fn stripe_mock_or_skip() -> Option<String> {
    let server = SERVER.get_or_init(async || {
        start().await.map_err(|why| child_process::skip_or_fail("stripe-mock", &why)).ok()
    });
    server.await.as_ref().map(|(_, url)| url.clone())
}

/// What it has refused so far, in its own words; of every test of the binary.
pub fn stripe_mock_refusals() -> Vec<String> {
    let log = SERVER.get().and_then(Option::as_ref).map(|(running, _)| running.log()).unwrap_or_default();
    log.lines().filter(|line| line.contains("validation error")).map(str::to_owned).collect()
}

async fn start() -> Result<(ChildProcess, String), String> {
    let program = find().ok_or("it is not on PATH, in target/tools/bin, in GOBIN or in ~/go/bin")?;
    let folder = std::env::temp_dir().join(format!("portico-stripe-mock-{}", child_process::random_hex()));
    std::fs::create_dir(&folder).map_err(|e| e.to_string())?;
    let address = || format!("127.0.0.1:{}", child_process::free_port());
    let (http, https) = (address(), address());
    let arguments = ["-http-addr", &http, "-https-addr", &https].map(str::to_owned).into();
    let start = Start { program: &program, arguments, folder, stop_signal: "TERM", unprivileged: false };
    let running = start.now().map_err(|e| e.to_string())?;
    let (url, deadline) = (format!("http://{http}"), Instant::now() + Duration::from_secs(30));
    while !http::answers(&url).await {
        if Instant::now() > deadline {
            return Err(format!("it did not answer:\n{}", running.log()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok((running, url))
}

fn find() -> Option<PathBuf> {
    if let Some(given) = child_process::setting("PORTICO_STRIPE_MOCK").map(PathBuf::from) {
        return given.is_file().then_some(given);
    }
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin");
    let go = child_process::setting("GOBIN").map(PathBuf::from);
    let home = child_process::setting("HOME").map(|home| Path::new(&home).join("go/bin"));
    child_process::find_program("stripe-mock", [Some(ours), go, home].into_iter().flatten())
}
