//! A template as an answer, with the headers every page carries.
use crate::reply::Reply;
use askama::Template;

/// `leads_to`: where a form of this page may end up after its redirect. Chromium holds
/// `form-action` against redirects too, so the way back to the app has to be in it.
pub fn html(status: u16, template: &impl Template, leads_to: &[Option<&str>]) -> Reply {
    match template.render() {
        Ok(text) => guarded(Reply::html(status, text)).with("content-security-policy", &policy(leads_to)),
        Err(error) => {
            tracing::error!(%error, "a page of the sandbox");
            Reply::html(500, String::new())
        }
    }
}

/// What is shown is somebody's, and is not to be kept, framed or guessed at.
pub fn guarded(reply: Reply) -> Reply {
    reply
        .with("cache-control", "no-store")
        .with("referrer-policy", "same-origin")
        .with("x-content-type-options", "nosniff")
        .with("cross-origin-opener-policy", "same-origin")
}

fn policy(leads_to: &[Option<&str>]) -> String {
    let mut places = String::from("'self' http://localhost:* http://127.0.0.1:*");
    for origin in leads_to.iter().flatten().filter_map(|url| origin(url)) {
        places.push(' ');
        places.push_str(&origin);
    }
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action {places}"
    )
}

fn origin(url: &str) -> Option<String> {
    let origin = url::Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// 303, and nothing of it is kept.
pub fn go(to: &str) -> Reply {
    guarded(Reply::see_other(to))
}

/// A way back, in words. None for what is no address of the web.
#[derive(Clone, Debug)]
pub struct Back {
    pub url: String,
    /// `Return to localhost:3000`.
    pub label: String,
}

impl Back {
    pub fn to(url: &str) -> Option<Self> {
        let parsed = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
        let label = format!("Return to {}{port}", parsed.host_str()?);
        Some(Self { url: url.to_owned(), label })
    }

    /// Another page of the sandbox.
    pub fn here(url: impl Into<String>, label: &str) -> Self {
        Self { url: url.into(), label: label.to_owned() }
    }
}

/// The address, if it is one of the web: nothing else becomes a link.
pub fn web(url: &Option<String>) -> Option<String> {
    url.clone().filter(|url| url.starts_with("https://") || url.starts_with("http://"))
}
