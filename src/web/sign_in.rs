//! The sign-in page, and where a request is sent that needs a sign-in first, or a newer one.
use super::{Errors, Page, leave_for, see_other};
use crate::demo::DemoHint;
use askama::Template;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Response},
};

/// Where people go once they are signed in, unless they were on their way to another page.
pub const HOME: &str = "/account";

#[derive(Template, Default)]
#[template(path = "auth/sign_in.html")]
pub struct SignInPage {
    pub email: String,
    pub next: String,
    pub errors: Errors,
    pub notice: Option<String>,
    pub demo: Option<DemoHint>,
}

/// The answer to a request without a sign-in: a GET is led to sign in and back, a POST gets the page
/// with 401.
pub(super) fn ask_to_sign_in(next: Option<&str>) -> Response {
    match next {
        Some(next) => see_other(&with_next("/sign-in", next)),
        None => {
            let notice =
                Some("You are signed out, so nothing was changed. Sign in and try again.".to_owned());
            let page = SignInPage { next: HOME.into(), notice, ..SignInPage::default() };
            Page::with_status(StatusCode::UNAUTHORIZED, page).into_response()
        }
    }
}

/// On to a page of ours with nothing left in the browser of whoever was signed in.
pub fn signed_out(path: &str) -> Response {
    let mut response = see_other(path);
    // The session layer forgets `Secure` on its removal cookie, and browsers then ignore it.
    let removal =
        HeaderValue::from_static("__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
    response.headers_mut().append(SET_COOKIE, removal);
    let clear = HeaderValue::from_static("\"cache\", \"storage\"");
    response.headers_mut().insert(HeaderName::from_static("clear-site-data"), clear);
    response
}

/// The answer to a request that needs a more recent sign-in: to the password, then back to `next`.
pub(super) fn ask_for_password(next: &str) -> Response {
    leave_for(&with_next("/reauthenticate", next))
}

fn with_next(path: &str, next: &str) -> String {
    let query = serde_urlencoded::to_string([("next", next)]).unwrap_or_default();
    format!("{path}?{query}")
}
