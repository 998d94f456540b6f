//! `portico-sandbox`: the sandbox as a program of its own, set up by environment variables.
use portico_sandbox::{Options, Webhook, bind, run_alone};
use std::{net::SocketAddr, process::ExitCode};
use url::{Host, Url};

type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(error.as_ref()),
    }
}

async fn run() -> Result<()> {
    let level = setting("LOG").unwrap_or_else(|| "info".into());
    tracing_subscriber::fmt().with_env_filter(level).with_target(false).compact().init();
    let address = setting("SANDBOX_BIND");
    let is_set_by_hand = address.is_some();
    let address: SocketAddr = address
        .as_deref()
        .unwrap_or("127.0.0.1:12111")
        .parse()
        .map_err(|_| "SANDBOX_BIND must be a loopback address and port, such as 127.0.0.1:12111")?;
    let data = setting("SANDBOX_DATA").unwrap_or_else(|| "data/sandbox.db".into());
    let options = Options { data, webhook: webhook()?, ..Options::default() };
    let listener = bind(address, is_set_by_hand).await?;
    Ok(run_alone(listener, options, told_to_stop()).await?)
}

/// Both variables or neither: an endpoint without a secret would sign with nothing.
fn webhook() -> Result<Option<Webhook>> {
    let (url, secret) = (setting("SANDBOX_WEBHOOK_URL"), setting("SANDBOX_WEBHOOK_SECRET"));
    if url.is_none() && secret.is_none() {
        return Ok(None);
    }
    let secret = secret
        .filter(|secret| secret.strip_prefix("whsec_").is_some_and(|rest| !rest.is_empty()))
        .ok_or("SANDBOX_WEBHOOK_SECRET must be whsec_… and go with SANDBOX_WEBHOOK_URL")?;
    let url = url
        .filter(|url| Url::parse(url).is_ok_and(|url| url.scheme() == "http" && is_loopback(&url)))
        .ok_or("SANDBOX_WEBHOOK_URL must be an http:// address of this machine, such as http://localhost:3000/webhooks/stripe")?;
    Ok(Some(Webhook { url, secret }))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// An environment variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the one place that reads settings")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Ctrl-C, or the SIGTERM that supervisors send.
async fn told_to_stop() {
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the reason why it did not start belongs on the terminal, not in the log"
)]
fn refuse(error: &(dyn std::error::Error + Send + Sync)) -> ExitCode {
    eprintln!("portico-sandbox: {error}");
    ExitCode::FAILURE
}
