//! The cookie by which a browser is known again in which somebody has signed in before.
use super::context;
use crate::{App, auth::Device};
use axum::http::HeaderValue;

const COOKIE: &str = "__Host-device";
/// As long as browsers keep any cookie (RFC 6265bis): 400 days.
const AGE_SECONDS: u32 = 400 * 86_400;

/// The device of this request; one that knows nobody if no cookie of ours came.
pub fn device() -> Device {
    context::with(|c| c.device.lock().map(|state| state.arrived.clone()).ok()).flatten().unwrap_or_default()
}

/// Makes the device known to this account, by the answer to this request.
pub fn remember_device(email: &str) {
    let leaving = device().remembering(email);
    context::with(|c| c.device.lock().map(|mut state| state.leaving = Some(leaving)).ok());
}

/// Reads the cookie that arrived; one we did not sign is none.
pub(super) fn arrive(app: &App, cookies: &str) {
    let value = cookies.split("; ").find_map(|c| c.strip_prefix(COOKIE)?.strip_prefix('='));
    let Some(text) = value.and_then(|v| app.signer.open(COOKIE, v)) else { return };
    context::with(|c| c.device.lock().map(|mut state| state.arrived = Device::read(&text)).ok());
}

/// The cookie this answer sets, if somebody has signed in.
pub(super) fn leave(app: &App) -> Option<HeaderValue> {
    let device = context::with(|c| c.device.lock().ok()?.leaving.clone()).flatten()?;
    let value = app.signer.seal(COOKIE, &device.text());
    let attributes = format!("Path=/; Max-Age={AGE_SECONDS}; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::try_from(format!("{COOKIE}={value}; {attributes}")).ok()
}
