//! The addresses we listen on.
use super::Result;
use std::{io::ErrorKind, net::SocketAddr};
use tokio::net::TcpListener;

/// Ports looked at before giving up.
const TRIES: u16 = 50;

/// Listens on `address`. If its port is taken, an address set by hand (`is_fixed`) is an error that
/// names its `variable`; a default gives way to the next free port.
pub async fn bind(variable: &str, address: SocketAddr, is_fixed: bool) -> Result<TcpListener> {
    let mut next = address;
    for _ in 0..TRIES {
        match TcpListener::bind(next).await {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse && !is_fixed => {
                next.set_port(next.port().checked_add(1).unwrap_or(1024));
            }
            Err(error) => return Err(explain(variable, address, &error).into()),
        }
    }
    Err(format!(
        "{variable} {address}: its port and the {} after it are in use. Set {variable} to a free one.",
        TRIES - 1
    )
    .into())
}

fn explain(variable: &str, address: SocketAddr, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => {
            format!(
                "{variable} {address} is in use by another program. Stop that program, or set {variable} to a free address."
            )
        }
        ErrorKind::AddrNotAvailable => {
            format!(
                "{variable} {address} is not an address of this machine. Use one that is, such as 127.0.0.1:{}.",
                address.port()
            )
        }
        ErrorKind::PermissionDenied => {
            format!("{variable} {address} may not be used by this user. Choose a port from 1024 on.")
        }
        _ => format!("{variable} {address}: {error}"),
    }
}
