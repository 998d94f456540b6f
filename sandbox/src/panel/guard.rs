//! Who may drive this sandbox: whoever is on this machine, and no page of anybody else's that a
//! browser on this machine happens to show.
use crate::{
    refusal::{Answer, Refusal},
    request::Request,
};
use hyper::Method;

pub fn admit(request: &Request, for_api: bool) -> Answer<()> {
    let host = request.header("host").unwrap_or_default();
    if !is_local(host) {
        return refuse("This sandbox answers to names of this machine only.");
    }
    // A link from elsewhere may open a page; it may not ask the API or send a form.
    if request.method == Method::GET && !for_api {
        return Ok(());
    }
    let from = request.header("sec-fetch-site").unwrap_or("none");
    let origin = request.header("origin");
    let own = origin.is_none_or(|origin| origin == format!("http://{host}"));
    match from {
        "same-origin" | "none" if own => Ok(()),
        _ => refuse("A page of another site asked for this."),
    }
}

/// So that a name which somebody else points at 127.0.0.1 is of no use.
fn is_local(host: &str) -> bool {
    let Ok(url) = url::Url::parse(&format!("http://{host}")) else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn refuse(said: &str) -> Answer<()> {
    Err(Refusal::invalid(said).with_status(403))
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_names_of_this_machine_count() {
        for host in ["localhost:12111", "127.0.0.1:12111", "127.8.0.1", "[::1]:80", "stripe.localhost"] {
            assert!(is_local(host), "{host}");
        }
        for host in
            ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "[::2]"]
        {
            assert!(!is_local(host), "{host}");
        }
    }
}
