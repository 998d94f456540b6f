//! Where people are sent: to a page of ours, or to Stripe.
use super::context;
use crate::stripe::StripeUrl;
use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY},
    },
    response::{IntoResponse, Response},
};

/// 303 to a page of ours: a reload does not post again.
pub fn see_other(path: &str) -> Response {
    let location = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

/// The same for a whole new page: htmx is told by header, or it would put the page into this one.
pub fn leave_for(path: &str) -> Response {
    let location = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    match context::is_htmx() {
        true => (StatusCode::OK, [(HeaderName::from_static("hx-redirect"), location)]).into_response(),
        false => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
    }
}

/// A path of ours, or `otherwise`: `next` is written by whoever made the link, so anything with
/// a host, a scheme or a trick in it is not followed.
pub fn local_path(next: &str, otherwise: &str) -> String {
    let plain = next.starts_with('/')
        && !next.starts_with("//")
        && !next.chars().any(|c| c == '\\' || c == '@' || c.is_control() || c.is_whitespace())
        && next.len() < 1000;
    let base = url::Url::parse("http://product.invalid").ok();
    let parsed = base.as_ref().filter(|_| plain).and_then(|base| base.join(next).ok());
    match parsed {
        Some(url) if url.host_str() == Some("product.invalid") && !url.path().starts_with("//") => {
            let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
            format!("{}{query}", url.path())
        }
        _ => otherwise.to_owned(),
    }
}

/// Off to a hosted page of Stripe's. The address is a bearer credential: answered once, never
/// kept, never logged. htmx is told by header, since its XHR would follow a 303 into CORS.
pub struct ToStripe(pub StripeUrl);

impl IntoResponse for ToStripe {
    fn into_response(self) -> Response {
        let Ok(mut location) = HeaderValue::try_from(self.0.reveal()) else {
            return crate::error::Error::broken("Stripe's address is no header value").into_response();
        };
        location.set_sensitive(true);
        let closed = [
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        if context::with(|c| c.htmx).unwrap_or(false) {
            (StatusCode::OK, closed, [(HeaderName::from_static("hx-redirect"), location)]).into_response()
        } else {
            (StatusCode::SEE_OTHER, closed, [(LOCATION, location)]).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn next_leads_only_to_our_own_pages() {
        for (next, expected) in [
            ("/orgs/acme/billing?tab=1", "/orgs/acme/billing?tab=1"),
            ("/account#top", "/account"),
            ("//evil.test/x", "/account"),
            ("/\\evil.test", "/account"),
            ("/%2e%2e//evil.test", "/account"),
            ("/..//evil.test", "/account"),
            ("https://evil.test", "/account"),
            ("javascript:alert(1)", "/account"),
            ("/a@b", "/account"),
            ("/a\r\nSet-Cookie: x", "/account"),
            ("", "/account"),
        ] {
            assert_eq!(local_path(next, "/account"), expected, "{next:?}");
        }
    }
}
