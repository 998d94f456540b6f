//! Which names a server of ours has, and what another site made a browser send.
//!
//! Names: a page whose own name was made to lead here (DNS rebinding) is same-origin to the browser,
//! but says that name in `Host`. Cross-site requests: Fetch Metadata first, then `Origin` (OWASP's
//! order). No token, so htmx, plain forms and cached pages need nothing.
use crate::{
    config::Config,
    error::{Error, Malformed, Result},
};
use axum::http::{
    HeaderMap, Method, Uri,
    header::{COOKIE, HOST, HeaderName, ORIGIN},
    uri::Authority,
};
use url::Url;

/// Names of this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// Probes use addresses, and learn nothing but that we are up.
const UNDER_ANY_NAME: [&str; 2] = ["/healthz", "/readyz"];

/// One server's names. A port makes no difference to a name.
#[derive(Clone)]
pub struct Door {
    /// Where people reach us; none on the operators' server.
    public_url: Option<Url>,
    /// Further names, over http or https, with any port.
    others: Vec<String>,
}

impl Door {
    /// `BIND`: `PUBLIC_URL`'s name; in development those of this machine as well.
    pub fn of_people(config: &Config) -> Self {
        let others = if config.production { Vec::new() } else { LOOPBACK.map(str::to_owned).into() };
        Self { public_url: Some(config.public_url.clone()), others }
    }

    /// `OPS_BIND`: `OPS_HOSTS`, and the names of this machine.
    pub fn of_operators(config: &Config) -> Self {
        let others = LOOPBACK.map(str::to_owned).into_iter().chain(config.ops_hosts.iter().cloned());
        Self { public_url: None, others: others.collect() }
    }

    /// Refuses a name that is not ours, and what another site made a browser send.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<()> {
        let host = self.host(uri, headers)?;
        self.cross_site(method, headers, &host)
    }

    /// The name this request was sent to. The target of an absolute request counts, and `Host` too.
    fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<Authority> {
        let malformed = Error::Malformed(Malformed::Head, "no Host, or two");
        let Some(Some(host)) = single(headers, HOST) else { return Err(malformed) };
        let host: Option<Authority> = host.parse().ok();
        let is_ours = [host.as_ref(), uri.authority().or(host.as_ref())]
            .into_iter()
            .all(|name| name.is_some_and(|name| self.is_named(name)));
        match host {
            Some(host) if is_ours || UNDER_ANY_NAME.contains(&uri.path()) => Ok(host),
            _ => Err(Error::Malformed(Malformed::Name, "not a name of ours")),
        }
    }

    fn is_named(&self, name: &Authority) -> bool {
        let public = self.public_url.as_ref().and_then(Url::host_str);
        let is_one = |ours: &str| ours.eq_ignore_ascii_case(name.host());
        !name.as_str().contains('@')
            && (public.is_some_and(is_one) || self.others.iter().any(|name| is_one(name)))
    }

    fn cross_site(&self, method: &Method, headers: &HeaderMap, host: &Authority) -> Result<()> {
        let (Some(site), Some(origin)) = (single(headers, SEC_FETCH_SITE), single(headers, ORIGIN)) else {
            return refuse("Origin or Sec-Fetch-Site twice");
        };
        if method.is_safe() {
            return embedding(site, headers);
        }
        match (site, origin) {
            // Also where the browser says that the page was ours: both come from the same browser.
            (_, Some(origin)) if !self.is_own_origin(origin, host) => refuse("Origin is another site's"),
            // A sibling subdomain is `same-site`, and not us.
            (Some(site), _) if site != "same-origin" && site != "none" => {
                refuse("Sec-Fetch-Site is another site's")
            }
            // No browser of today; curl may sign in, but nobody acts with a cookie alone.
            (None, None) if headers.contains_key(COOKIE) => refuse("a cookie, and no word of the page"),
            _ => Ok(()),
        }
    }

    fn is_own_origin(&self, origin: &str, host: &Authority) -> bool {
        let public = self.public_url.as_ref().map(|url| url.origin().ascii_serialization());
        let is_other = self.others.iter().any(|name| name.eq_ignore_ascii_case(host.host()));
        let at_host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        public.as_deref() == Some(origin)
            || is_other && at_host.is_some_and(|name| name.eq_ignore_ascii_case(host.as_str()))
    }
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A header's value where it may stand once: `None` where it stands twice, `Some(None)` where it does not.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<Option<&str>> {
    let mut lines = headers.get_all(name).iter().map(|line| line.to_str().unwrap_or("unreadable"));
    let first = lines.next();
    lines.next().is_none().then_some(first)
}

/// Another site may link to a page (Stripe does, on the way back), not load it as a resource or
/// into a frame.
fn embedding(site: Option<&str>, headers: &HeaderMap) -> Result<()> {
    let header = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("unreadable"));
    let foreign = matches!(site, Some("cross-site" | "same-site"));
    let navigates = header("sec-fetch-mode") == Some("navigate")
        && matches!(header("sec-fetch-dest"), None | Some("document" | "empty"));
    if foreign && !navigates { refuse("loaded into another site's page") } else { Ok(()) }
}

fn refuse(why: &'static str) -> Result<()> {
    tracing::warn!(why, "malicious_csrf");
    Err(Error::CrossSite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(production: bool) -> Door {
        let others = if production { Vec::new() } else { LOOPBACK.map(str::to_owned).into() };
        Door { public_url: Some(Url::parse("https://app.example.com").unwrap()), others }
    }

    fn operators() -> Door {
        let others = LOOPBACK.map(str::to_owned).into_iter().chain(["ops.internal".to_owned()]);
        Door { public_url: None, others: others.collect() }
    }

    fn answer(door: &Door, method: Method, uri: &str, sent: &[(&'static str, &'static str)]) -> Result<()> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, value.parse().unwrap());
        }
        door.check(&method, &uri.parse().unwrap(), &headers)
    }

    fn refused(method: Method, sent: &[(&'static str, &'static str)]) -> bool {
        let sent = [&[("host", "app.example.com")], sent].concat();
        matches!(answer(&people(true), method, "/", &sent), Err(Error::CrossSite))
    }

    fn is_named(door: &Door, host: &'static str, uri: &str) -> bool {
        match answer(door, Method::GET, uri, &[("host", host)]) {
            Ok(()) => true,
            Err(Error::Malformed(Malformed::Name, _)) => false,
            Err(other) => panic!("{host}: {other}"),
        }
    }

    #[test]
    fn a_name_that_is_not_ours_is_refused_at_every_door() {
        for (host, in_production, in_development, to_operators) in [
            ("app.example.com", true, true, false),
            ("App.Example.COM:8443", true, true, false),
            ("localhost:3000", false, true, true),
            ("127.0.0.1:49152", false, true, true),
            ("[::1]", false, true, true),
            ("ops.internal:3001", false, false, true),
            ("evil.example", false, false, false),
            ("app.example.com.evil.example", false, false, false),
            ("evil.example@localhost", false, false, false),
            ("localhost@evil.example", false, false, false),
            ("0.0.0.0", false, false, false),
            ("localhost.evil.example", false, false, false),
            ("two words", false, false, false),
        ] {
            let doors =
                [(people(true), in_production), (people(false), in_development), (operators(), to_operators)];
            for (n, (door, expected)) in doors.iter().enumerate() {
                assert_eq!(is_named(door, host, "/"), *expected, "{host} at door {n}");
            }
        }
    }

    #[test]
    fn a_probe_may_use_any_name_and_an_absolute_target_counts() {
        let door = people(true);
        assert!(is_named(&door, "10.1.2.3:3000", "/healthz") && is_named(&door, "10.1.2.3", "/readyz"));
        assert!(!is_named(&door, "10.1.2.3", "/healthz/x"));
        assert!(is_named(&door, "app.example.com", "http://app.example.com/"));
        assert!(!is_named(&door, "app.example.com", "http://evil.example/"));
        assert!(!is_named(&door, "evil.example", "http://app.example.com/"));
    }

    #[test]
    fn operators_may_post_at_each_of_their_names_over_plain_http() {
        for (host, origin, expected) in [
            ("ops.internal:3001", "http://ops.internal:3001", true),
            ("ops.internal", "https://ops.internal", true),
            ("localhost:3001", "http://localhost:3001", true),
            ("ops.internal:3001", "http://ops.internal:9999", false),
            ("ops.internal:3001", "https://app.example.com", false),
            ("ops.internal:3001", "null", false),
        ] {
            let sent = [("host", host), ("origin", origin), ("cookie", "a=b")];
            assert_eq!(
                answer(&operators(), Method::POST, "/", &sent).is_ok(),
                expected,
                "{origin} at {host}"
            );
        }
    }

    #[test]
    fn in_development_a_page_of_this_machine_may_post_to_itself_alone() {
        let posts = |host, origin| {
            answer(
                &people(false),
                Method::POST,
                "/",
                &[("host", host), ("origin", origin), ("cookie", "a=b")],
            )
            .is_ok()
        };
        assert!(posts("127.0.0.1:3000", "http://127.0.0.1:3000"));
        assert!(!posts("127.0.0.1:3000", "http://127.0.0.1:12111"));
        assert!(!posts("app.example.com", "http://app.example.com"));
    }

    #[test]
    fn a_post_must_show_that_our_own_page_made_it() {
        let session = ("cookie", "__Host-session=x");
        for (sent, expected) in [
            (vec![session, ("sec-fetch-site", "same-origin")], false),
            (vec![session, ("sec-fetch-site", "none")], false),
            (vec![session, ("sec-fetch-site", "same-site")], true),
            (vec![session, ("sec-fetch-site", "cross-site")], true),
            (vec![session, ("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")], true),
            (vec![session, ("origin", "https://app.example.com")], false),
            (vec![session, ("origin", "http://app.example.com")], true),
            (vec![session, ("origin", "https://app.example.com.evil.test")], true),
            (vec![session, ("origin", "null")], true),
            (vec![session, ("sec-fetch-site", "same-origin"), ("origin", "https://app.example.com")], false),
            (vec![session, ("sec-fetch-site", "same-origin"), ("origin", "https://evil.test")], true),
            (vec![session, ("sec-fetch-site", "none"), ("origin", "null")], true),
            (
                vec![
                    session,
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "https://app.example.com"),
                    ("origin", "https://evil.test"),
                ],
                true,
            ),
            (vec![session, ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")], true),
            (vec![session], true),
            (vec![], false),
        ] {
            assert_eq!(refused(Method::POST, &sent), expected, "{sent:?}");
        }
    }

    #[test]
    fn the_way_back_from_stripe_is_open_and_framing_is_not() {
        let from_stripe = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert!(!refused(Method::GET, &from_stripe));
        assert!(refused(
            Method::GET,
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]
        ));
        assert!(refused(
            Method::GET,
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")]
        ));
    }
}
