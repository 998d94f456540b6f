//! Cross-site requests: Fetch Metadata first, `Origin` against the configured address as the
//! fallback (OWASP's order). No token, so htmx, plain forms and cached pages need nothing.
use crate::error::{Error, Result};
use axum::http::{
    HeaderMap, Method,
    header::{COOKIE, ORIGIN},
};
use url::Url;

/// Refuses what another site made a browser send.
pub fn check(method: &Method, headers: &HeaderMap, public_url: &Url) -> Result<()> {
    let header = |name: &str| headers.get(name).map(|v| v.to_str().unwrap_or("unreadable"));
    let site = header("sec-fetch-site");
    if method.is_safe() {
        return embedding(site, header("sec-fetch-mode"), header("sec-fetch-dest"));
    }
    let ours = match (site, headers.get(ORIGIN)) {
        // A sibling subdomain is `same-site`, and not us.
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => origin.as_bytes() == public_url.origin().ascii_serialization().as_bytes(),
        // No browser of today; curl may sign in, but nobody acts with a cookie alone.
        (None, None) => !headers.contains_key(COOKIE),
    };
    if ours { Ok(()) } else { Err(Error::CrossSite) }
}

/// Another site may link to a page (Stripe does, on the way back), not load it as a resource or
/// into a frame.
fn embedding(site: Option<&str>, mode: Option<&str>, dest: Option<&str>) -> Result<()> {
    let foreign = matches!(site, Some("cross-site" | "same-site"));
    let navigates = mode == Some("navigate") && matches!(dest, None | Some("document" | "empty"));
    if foreign && !navigates { Err(Error::CrossSite) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: Method, sent: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.insert(*name, value.parse().unwrap());
        }
        check(&method, &headers, &Url::parse("https://app.example.com").unwrap()).is_err()
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
