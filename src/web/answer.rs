//! The response to an error: its status, the page people see, the line in the log, when to try again.
use super::{page, sign_in};
use crate::error::{Error, Malformed};
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        log(&self);
        match &self {
            Error::SignedOut { next } => return sign_in::ask_to_sign_in(next.as_deref()),
            Error::SignInTooOld { next } => return sign_in::ask_for_password(next),
            _ => {}
        }
        let (title, text) = words(&self);
        let mut response = page::error(status(&self), title, text);
        if let Some(seconds) = retry_after(&self) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The session layer answers 500 without a body where it could not save a session. All of ours have a page.
pub async fn unsaved_session(response: Response) -> Response {
    let is_ours = response.headers().contains_key(CONTENT_TYPE);
    match response.status() == StatusCode::INTERNAL_SERVER_ERROR && !is_ours {
        true => Error::Unavailable("the session was not saved".into()).into_response(),
        false => response,
    }
}

fn log(error: &Error) {
    match error {
        Error::Broken(error) => tracing::error!(error = ?error, "broken"),
        Error::Stripe(error) => tracing::warn!(%error, "stripe"),
        Error::TooMany { .. } => tracing::warn!("excess_rate_limit_exceeded"),
        Error::Busy => tracing::warn!("busy"),
        Error::Unavailable(error) => tracing::error!(error, "database not available"),
        Error::Malformed(what, why) => {
            tracing::info!(status = %of_malformed(*what), why, "input_validation_fail");
        }
        Error::SignInTooOld { .. } => tracing::info!("sign_in_too_old"),
        Error::BillingLocked => tracing::info!("billing_locked"),
        Error::SignedOut { next: None } => tracing::info!("signed_out"),
        // Whoever refused it has logged why.
        Error::NotAllowed | Error::CrossSite => {}
        Error::NotFound | Error::SignedOut { .. } => {}
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::NotAllowed | Error::CrossSite | Error::BillingLocked => StatusCode::FORBIDDEN,
        Error::SignedOut { .. } | Error::SignInTooOld { .. } => StatusCode::UNAUTHORIZED,
        Error::Malformed(what, _) => of_malformed(*what),
        Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Busy | Error::Unavailable(_) | Error::Stripe(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn of_malformed(what: Malformed) -> StatusCode {
    match what {
        Malformed::Head => StatusCode::BAD_REQUEST,
        Malformed::Name => StatusCode::MISDIRECTED_REQUEST,
        Malformed::Method => StatusCode::METHOD_NOT_ALLOWED,
        Malformed::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Malformed::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Malformed::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Malformed::Fields => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Title and text for the person; never what went wrong inside.
fn words(error: &Error) -> (&'static str, &'static str) {
    match error {
        Error::NotFound => (
            "Page not found",
            "This page does not exist, or you do not have access to it. Check the address, or go back to your account.",
        ),
        Error::NotAllowed => (
            "Not allowed",
            "Your role in this organisation does not allow this. Ask an owner or an admin to change it.",
        ),
        Error::BillingLocked => (
            "Locked for 72 hours",
            "The e-mail address of your account was changed. For 72 hours after that it cannot change billing or delete anything, in case it was not you. Other billing managers can.",
        ),
        Error::SignedOut { .. } | Error::SignInTooOld { .. } => {
            ("Please sign in", "You are signed out, so nothing was changed. Sign in and try again.")
        }
        Error::CrossSite => (
            "Request refused",
            "This request came from another site, or your browser did not say where it came from. Open the page here and try again.",
        ),
        Error::Malformed(Malformed::Name, _) => (
            "Wrong address",
            "This site does not answer under the name you used. Open it under its own address.",
        ),
        Error::Malformed(Malformed::Method, _) => {
            ("Method not allowed", "This address does not accept this kind of request.")
        }
        Error::Malformed(Malformed::TooLarge, _) => {
            ("Too large", "You sent more than this form accepts. Shorten it and try again.")
        }
        Error::Malformed(..) => (
            "Something is wrong with this request",
            "It does not match the form it belongs to. Reload the page and try again.",
        ),
        Error::TooMany { .. } => ("Too many attempts", "Please wait a moment, then try again."),
        Error::Busy => {
            ("We are busy", "There is more traffic than usual. Please try again in a few seconds.")
        }
        Error::Unavailable(_) => (
            "We cannot reach our database",
            "Nothing was changed. We are usually back within a minute; please try again then.",
        ),
        Error::Stripe(error) => error.words(),
        Error::Broken(_) => (
            "Something went wrong",
            "This is our fault, not yours, and nothing was changed. Please try again. If it keeps happening, contact us with the request id below.",
        ),
    }
}

/// Seconds after which trying again makes sense.
fn retry_after(error: &Error) -> Option<u64> {
    match error {
        Error::TooMany { retry_after_seconds } => Some(*retry_after_seconds),
        Error::Busy => Some(2),
        Error::Unavailable(_) => Some(5),
        Error::Stripe(error) if error.is_transient() => Some(30),
        _ => None,
    }
}
