//! What one request carries from its first byte to its last: its id, where it came from, its flash.
use crate::{
    auth::Device,
    db::{OrgId, Origin, UserId},
};
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
    pub device: Mutex<DeviceState>,
    /// Every log line of this request carries its fields.
    pub span: tracing::Span,
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

#[derive(Default)]
pub(super) struct DeviceState {
    pub arrived: Device,
    /// Known to one account more.
    pub leaving: Option<Device>,
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
            device: Mutex::default(),
            span: tracing::Span::none(),
        }
    }

    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        CONTEXT.scope(self, work).await
    }
}

/// The nearest address that is not a proxy of ours. `X-Forwarded-For` is read from the right, hop by
/// hop, and only as far as proxies of ours wrote it: what stands further left is the visitor's to
/// invent (ASVS 4.1.3). What is no address ends the reading at the hop that wrote it.
/// `Forwarded` (RFC 7239) is not read at all.
fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let ours = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    let lines = headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or("unreadable"));
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let mut hops = hops.into_iter().rev();
    let mut nearest = peer.to_canonical();
    while ours(&nearest) {
        let Some(hop) = hops.next().and_then(address) else { break };
        nearest = hop;
    }
    nearest
}

/// `192.0.2.1`, `2001:db8::1`, and with a port as some proxies write it.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let ip = hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(ip.to_canonical())
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

/// Who this request is of, in every log line of it from here on.
pub(super) fn name_user(user: UserId) {
    with(|c| {
        c.span.record("user", tracing::field::display(user));
    });
}

/// The organisation this request is about, once its membership has been read.
pub(super) fn name_org(org: OrgId) {
    with(|c| {
        c.span.record("org", tracing::field::display(org));
    });
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

    #[test]
    fn what_a_visitor_writes_before_our_proxies_lines_changes_nothing() {
        for invented in ["1.2.3.4", "x", "1.2.3.4, x", "10.9.9.9", "10.9.9.9, x, ::1", ",", "127.0.0.1"] {
            let header = format!("{invented}, 198.51.100.7, 10.0.0.2");
            assert_eq!(seen("10.0.0.1", &header, &["10.0.0.0/8"]), "198.51.100.7", "{invented}");
        }
    }

    #[test]
    fn what_is_no_address_ends_the_reading_at_the_hop_that_wrote_it() {
        assert_eq!(seen("10.0.0.1", "198.51.100.7, x, 10.0.0.2", &["10.0.0.0/8"]), "10.0.0.2");
        assert_eq!(seen("10.0.0.1", "198.51.100.7, ", &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", "unknown, 10.0.0.3, 10.0.0.2", &["10.0.0.0/8"]), "10.0.0.3");
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let ours = &["10.0.0.0/8", "fd00::/8"];
        assert_eq!(seen("::ffff:10.0.0.1", "198.51.100.7:4711", ours), "198.51.100.7");
        assert_eq!(seen("fd00::1", "[2001:db8::7]:4711", ours), "2001:db8::7");
        assert_eq!(seen("10.0.0.1", "::ffff:198.51.100.7", ours), "198.51.100.7");
    }

    #[test]
    fn several_lines_are_one_list() {
        let mut headers = HeaderMap::new();
        for line in ["6.6.6.6", "198.51.100.7, 10.0.0.3", "10.0.0.2"] {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        headers.insert("forwarded", "for=9.9.9.9".parse().unwrap());
        let trusted = ["10.0.0.0/8".parse().unwrap()];

        let nearest = forwarded("10.0.0.1".parse().unwrap(), &headers, &trusted);

        assert_eq!(nearest.to_string(), "198.51.100.7");
    }
}
