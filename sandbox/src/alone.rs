//! The sandbox as a program of its own: `portico-sandbox`, and `portico sandbox`.
use crate::{Options, Sandbox, SandboxError};
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// How many ports are tried where the address was not set by hand.
const PORTS: u16 = 50;

/// Listens at `address`. Where it was not set by hand and its port is taken, at the next free port.
pub async fn bind(mut address: SocketAddr, is_set_by_hand: bool) -> Result<TcpListener, SandboxError> {
    let mut left = if is_set_by_hand { 1 } else { PORTS };
    loop {
        left -= 1;
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(_) if left > 0 => address.set_port(address.port().wrapping_add(1).max(1024)),
            Err(source) => return Err(SandboxError::Bind { address, source }),
        }
    }
}

/// Serves a sandbox at `listener` until `stop`, and prints where it is.
pub async fn run_alone(
    listener: TcpListener,
    options: Options,
    stop: impl Future<Output = ()>,
) -> Result<(), SandboxError> {
    open_alone(&listener, options).await?.serve(listener, stop).await
}

/// Opens a sandbox that will be served at `listener`, and prints where it is.
pub async fn open_alone(listener: &TcpListener, options: Options) -> Result<Sandbox, SandboxError> {
    let base_url = format!("http://{}", listener.local_addr()?);
    let webhook = options.webhook.as_ref().map(|webhook| webhook.url.clone());
    let sandbox = Sandbox::open(options).await?;
    println!("\n  Stripe sandbox  {base_url}  (API, hosted pages; control panel at {base_url}/_sandbox)");
    if let Some(url) = webhook {
        println!("  Webhooks to     {url}");
    }
    println!();
    Ok(sandbox)
}
