//! The token of a mailed link, on its way from the address line into a cookie: no page is loaded while the address
//! holds it, so that neither the history's next page nor a log sees it.
use crate::{
    App,
    auth::{Purpose, is_token},
    web::see_other,
};
use axum::{
    http::{
        HeaderMap, HeaderValue,
        header::{COOKIE, REFERRER_POLICY, SET_COOKIE},
    },
    response::Response,
};

/// As long as it takes to choose a password.
const AGE_SECONDS: u32 = 1800;

/// Puts the token into a cookie and leads to the page that asks, which has no token in its address.
pub fn open(app: &App, purpose: Purpose, token: &str) -> Response {
    let mut response = see_other(&format!("/{}", purpose.page()));
    let value = if is_token(token) { app.signer.seal(&cookie(purpose), token) } else { String::new() };
    set(&mut response, purpose, &value, AGE_SECONDS);
    // For this answer alone: a page that says so would make browsers send `Origin: null` with its form.
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The token that this browser was given. Empty if none was, or the cookie is not ours.
pub fn held(app: &App, purpose: Purpose, headers: &HeaderMap) -> String {
    let name = cookie(purpose);
    let cookies = headers.get(COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let value = cookies.split("; ").find_map(|it| it.strip_prefix(&*name)?.strip_prefix('='));
    value.and_then(|value| app.signer.open(&name, value)).unwrap_or_default()
}

/// Makes the browser forget the token.
pub fn forget(response: &mut Response, purpose: Purpose) {
    set(response, purpose, "", 0);
}

fn set(response: &mut Response, purpose: Purpose, value: &str, age: u32) {
    let name = cookie(purpose);
    let line = format!("{name}={value}; Path=/; Max-Age={age}; Secure; HttpOnly; SameSite=Lax");
    if let Ok(line) = HeaderValue::try_from(line) {
        response.headers_mut().append(SET_COOKIE, line);
    }
}

/// One for each page, so that two links can be open at a time.
fn cookie(purpose: Purpose) -> String {
    format!("__Host-{}", purpose.page())
}
