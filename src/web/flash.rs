//! A sentence for the next page, in a short signed cookie: it needs no session row.
use super::context::{self, Flash};
use crate::App;
use axum::http::HeaderValue;

const COOKIE: &str = "__Host-flash";
const KINDS: [&str; 3] = ["success", "info", "error"];

/// Leaves a sentence for the next page this person sees.
pub fn flash(kind: &'static str, text: impl Into<String>) {
    let leaving = Flash { kind, text: text.into() };
    context::with(|c| c.flash.lock().map(|mut state| state.leaving = Some(leaving)).ok());
}

/// What an earlier request left, once.
pub fn take() -> Option<Flash> {
    context::with(|c| {
        let mut state = c.flash.lock().ok()?;
        state.shown = state.arrived.is_some();
        state.arrived.clone()
    })
    .flatten()
}

/// Reads the cookie that arrived; one we did not sign is no flash.
pub(super) fn arrive(app: &App, cookies: &str) {
    let value = cookies.split("; ").find_map(|c| c.strip_prefix(COOKIE)?.strip_prefix('='));
    let arrived = value.and_then(|v| app.signer.open(COOKIE, v)).and_then(|text| parse(&text));
    context::with(|c| c.flash.lock().map(|mut state| state.arrived = arrived).ok());
}

fn parse(text: &str) -> Option<Flash> {
    let (kind, text) = text.split_once(':')?;
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    Some(Flash { kind, text: text.to_owned() })
}

/// The cookie this answer sets: a new flash, or the removal of the one just shown.
pub(super) fn leave(app: &App) -> Option<HeaderValue> {
    let cookie = context::with(|c| {
        let state = c.flash.lock().ok()?;
        match (&state.leaving, state.shown) {
            (Some(flash), _) => {
                Some((app.signer.seal(COOKIE, &format!("{}:{}", flash.kind, flash.text)), 60))
            }
            (None, true) => Some((String::new(), 0)),
            (None, false) => None,
        }
    })
    .flatten()?;
    let (value, age) = cookie;
    HeaderValue::try_from(format!("{COOKIE}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax"))
        .ok()
}
