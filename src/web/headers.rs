//! Security headers, on every answer of every route.
use crate::config::Config;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};

/// Made once from the configuration.
#[derive(Clone)]
pub struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    pub fn new(config: &Config) -> Self {
        let fixed = [
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "DENY"),
            (REFERRER_POLICY, "same-origin"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
            (
                HeaderName::from_static("permissions-policy"),
                "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
            ),
        ];
        let mut all: Vec<_> = fixed.map(|(name, value)| (name, HeaderValue::from_static(value))).into();
        if let Ok(policy) = HeaderValue::try_from(content_policy(config)) {
            all.push((CONTENT_SECURITY_POLICY, policy));
        }
        if config.public_url.scheme() == "https" {
            all.push((
                STRICT_TRANSPORT_SECURITY,
                HeaderValue::from_static("max-age=63072000; includeSubDomains"),
            ));
        }
        Self(all)
    }

    /// Adds each header that the handler has not set. Without a word on caching the answer is not stored.
    pub fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// Nothing inline, nothing foreign. Chromium applies `form-action` to the redirect after a post,
/// so the hosts that *Manage billing* leads to must be listed.
fn content_policy(config: &Config) -> String {
    let stripe = crate::stripe::hosts_people_are_sent_to(config).join(" ");
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; \
         manifest-src 'self'; form-action 'self' {stripe}; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
    )
}
