//! A browser's cookie jar for one site: prefixes, paths, and the ways to delete.
use std::collections::BTreeMap;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

#[derive(Clone, Debug, Default)]
pub struct Jar(BTreeMap<String, Cookie>);

#[derive(Clone, Debug)]
struct Cookie {
    value: String,
    path: String,
}

impl Jar {
    /// Does what a `Set-Cookie` line says, or nothing where a browser would refuse it.
    pub fn take(&mut self, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let attributes: BTreeMap<String, &str> = parts
            .map(|part| part.split_once('=').unwrap_or((part, "")))
            .map(|(key, value)| (key.to_ascii_lowercase(), value))
            .collect();
        let path = attributes.get("path").filter(|path| path.starts_with('/')).map_or("/", |path| *path);
        if !prefix_allows(name, path, &attributes) {
            return;
        }
        if is_over(&attributes) {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), Cookie { value: value.to_owned(), path: path.to_owned() });
        }
    }

    /// The `Cookie` header for a path.
    pub fn header(&self, path: &str) -> Option<String> {
        let sent = self.0.iter().filter(|(_, cookie)| reaches(&cookie.path, path));
        let pairs: Vec<String> = sent.map(|(name, cookie)| format!("{name}={}", cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|cookie| cookie.value.clone())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), Cookie { value: value.to_owned(), path: "/".to_owned() });
    }
}

/// RFC 6265bis §4.1.3: what a cookie's name promises, its attributes must keep.
fn prefix_allows(name: &str, path: &str, attributes: &BTreeMap<String, &str>) -> bool {
    let secure = attributes.contains_key("secure");
    let host_only = attributes.get("path").is_some() && path == "/" && !attributes.contains_key("domain");
    let same_site_none = attributes.get("samesite").is_some_and(|value| value.eq_ignore_ascii_case("none"));
    match name {
        _ if same_site_none && !secure => false,
        _ if name.starts_with("__Host-") => secure && host_only,
        _ if name.starts_with("__Secure-") => secure,
        _ => true,
    }
}

/// `Max-Age` counts before `Expires`.
fn is_over(attributes: &BTreeMap<String, &str>) -> bool {
    if let Some(seconds) = attributes.get("max-age").and_then(|value| value.parse::<i64>().ok()) {
        return seconds <= 0;
    }
    #[expect(clippy::disallowed_methods, reason = "a browser has its own clock")]
    let now = OffsetDateTime::now_utc();
    let expires = attributes.get("expires").and_then(|value| OffsetDateTime::parse(value, &Rfc2822).ok());
    expires.is_some_and(|at| at <= now)
}

fn reaches(cookie: &str, path: &str) -> bool {
    let rest = path.strip_prefix(cookie);
    rest.is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}
