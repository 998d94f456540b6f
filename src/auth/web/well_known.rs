//! What programs look for at fixed addresses: how to report a hole, and where a password is changed.
use crate::{App, mail, web::see_other, words};
use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use time::Duration;

/// After this, whoever kept a copy of security.txt should look again. RFC 9116 asks for less than a year.
const SECURITY_TXT_LIFETIME: Duration = Duration::days(180);

/// How to report a hole (RFC 9116). Whoever sends the mails also reads what is answered.
pub async fn security_txt(State(app): State<App>) -> Response {
    let contact = mail::address_of(&app.config.mail_from).unwrap_or_default();
    let expires = words::instant(app.clock.now() + SECURITY_TXT_LIFETIME);
    let canonical = app.url("/.well-known/security.txt");
    let text = format!(
        "Contact: mailto:{contact}\nExpires: {expires}\nPreferred-Languages: en\nCanonical: {canonical}\n"
    );
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// Where password managers send people (<https://w3c.github.io/webappsec-change-password-url/>).
pub async fn to_change_password() -> Response {
    see_other("/account/security")
}
