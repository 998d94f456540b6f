//! What one request carries from its first byte to its last: its id, where it came from, its flash.
use crate::db::{Origin, UserId};
use axum::{
    extract::ConnectInfo,
    http::{HeaderMap, Request, header::USER_AGENT},
};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Mutex,
};

tokio::task_local! {
    static CONTEXT: Context;
}

pub(super) struct Context {
    pub request_id: String,
    pub ip: IpAddr,
    pub user_agent: String,
    pub htmx: bool,
    pub flash: Mutex<FlashState>,
}

/// A sentence for the next page, shown once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// `success`, `info` or `error`.
    pub kind: &'static str,
    pub text: String,
}

#[derive(Default)]
pub(super) struct FlashState {
    pub arrived: Option<Flash>,
    /// Whether a page has shown it, so that the cookie goes.
    pub shown: bool,
    pub leaving: Option<Flash>,
}

impl Context {
    pub fn of<B>(request: &Request<B>, trusted: &[IpNet]) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip());
        let agent = request.headers().get(USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Self {
            request_id: uuid::Uuid::now_v7().simple().to_string(),
            ip: forwarded(peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), request.headers(), trusted),
            user_agent: agent.chars().take(200).collect(),
            htmx: request.headers().contains_key("hx-request"),
            flash: Mutex::default(),
        }
    }

    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CONTEXT.scope(self, work).await
    }
}

/// The rightmost hop that is not a proxy of ours. `X-Forwarded-For` from anybody else is theirs
/// to invent, and not read (ASVS 4.1.3).
fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let ours = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    if !ours(&peer) {
        return peer;
    }
    let hops =
        headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
    let hops: Vec<IpAddr> = hops.map_while(|hop| hop.trim().parse().ok()).collect();
    hops.into_iter().rev().find(|hop| !ours(hop)).unwrap_or(peer)
}

pub(super) fn with<T>(read: impl FnOnce(&Context) -> T) -> Option<T> {
    CONTEXT.try_with(read).ok()
}

/// This request's own id (never the client's), for logs, the audit log and the error page.
pub fn request_id() -> String {
    with(|c| c.request_id.clone()).unwrap_or_default()
}

pub fn client_ip() -> IpAddr {
    with(|c| c.ip).unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// Whether htmx made this request, and so follows `HX-Redirect` rather than a 303 off our origin.
pub fn is_htmx() -> bool {
    with(|c| c.htmx).unwrap_or(false)
}

/// For the audit log.
pub fn origin_of_request(user: Option<UserId>) -> Origin {
    with(|c| Origin {
        user,
        ip: c.ip.to_string(),
        user_agent: c.user_agent.clone(),
        request_id: c.request_id.clone(),
    })
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, header: &str, trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", header.parse().unwrap());
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        forwarded(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_the_address_we_see() {
        assert_eq!(seen("203.0.113.9", "1.2.3.4", &[]), "203.0.113.9");
        assert_eq!(seen("203.0.113.9", "1.2.3.4", &["10.0.0.0/8"]), "203.0.113.9");
    }

    #[test]
    fn behind_our_proxies_the_last_hop_that_is_not_ours_counts() {
        assert_eq!(seen("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2", &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", "nonsense", &["10.0.0.0/8"]), "10.0.0.1");
    }
}
