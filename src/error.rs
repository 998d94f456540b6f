//! One error, one page. Absent rows are `Option`, people's mistakes are pages; what is left is here.
use crate::{db, stripe, web::page};
use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Also for what belongs to somebody else: a stranger finds nothing.
    #[error("not found")]
    NotFound,
    /// A member without the role for this.
    #[error("not allowed")]
    NotAllowed,
    /// Nobody is signed in; a GET is sent to sign in and back to `next`.
    #[error("signed out")]
    SignedOut { next: Option<String> },
    /// Signed in, but too long ago for this; shown the way to say who they are once more.
    #[error("sign-in too old")]
    SignInTooOld { next: String },
    /// A request another site made for the person, or one that cannot show that it was not.
    #[error("cross-site request refused")]
    CrossSite,
    /// Not something our pages send: wrong type, broken encoding, unknown fields.
    #[error("malformed request: {0}")]
    Malformed(StatusCode, &'static str),
    #[error("too many requests")]
    TooMany { retry_after_seconds: u64 },
    /// More work waits than we can do in time.
    #[error("busy")]
    Busy,
    /// Stripe did not do what was asked; nothing is half done.
    #[error(transparent)]
    Stripe(#[from] stripe::Error),
    /// A bug or an outage of ours: logged in full, shown as a request id.
    #[error("{0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    pub fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Broken(error.into())
    }

    /// A field with a value that none of our pages sends.
    pub fn unknown(field: &'static str) -> Self {
        Error::Malformed(StatusCode::UNPROCESSABLE_ENTITY, field)
    }

    fn status(&self) -> StatusCode {
        match self {
            Error::NotFound => StatusCode::NOT_FOUND,
            Error::NotAllowed | Error::CrossSite => StatusCode::FORBIDDEN,
            Error::SignedOut { .. } | Error::SignInTooOld { .. } => StatusCode::UNAUTHORIZED,
            Error::Malformed(status, _) => *status,
            Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::Busy | Error::Stripe(_) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds after which trying again makes sense.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Error::TooMany { retry_after_seconds } => Some(*retry_after_seconds),
            Error::Busy => Some(2),
            Error::Stripe(error) if error.is_transient() => Some(30),
            _ => None,
        }
    }

    /// Title and text for the person; never what went wrong inside.
    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Error::NotFound => (
                "Page not found",
                "There is nothing here, or nothing you can see. Check the address, or go back to your account.",
            ),
            Error::NotAllowed => (
                "Not allowed",
                "Your role in this organisation does not include this. An owner or an admin can change that.",
            ),
            Error::SignedOut { .. } | Error::SignInTooOld { .. } => {
                ("Please sign in", "You are signed out. Nothing was changed; sign in and try again.")
            }
            Error::CrossSite => (
                "Request refused",
                "This request came from another site, or your browser hid where it came from. Open the page here and try again.",
            ),
            Error::Malformed(StatusCode::METHOD_NOT_ALLOWED, _) => {
                ("Not like this", "This address does not take this kind of request.")
            }
            Error::Malformed(StatusCode::PAYLOAD_TOO_LARGE, _) => {
                ("Too large", "What was sent is larger than any of our forms.")
            }
            Error::Malformed(StatusCode::MISDIRECTED_REQUEST, _) => (
                "Wrong address",
                "This site does not answer under the name you used. Open it under its own address.",
            ),
            Error::Malformed(..) => (
                "Not understood",
                "What was sent is not what this form sends. Reload the page and try again.",
            ),
            Error::TooMany { .. } => ("Too many tries", "Please wait a moment, then try again."),
            Error::Busy => {
                ("We are busy", "More is going on than we can do at once. Please try again in a few seconds.")
            }
            Error::Stripe(error) => error.words(),
            Error::Broken(_) => (
                "Something broke",
                "This is our fault, not yours. Nothing was changed by this request; please try again. If it keeps happening, tell us the request id.",
            ),
        }
    }

    fn log(&self) {
        match self {
            Error::Broken(error) => tracing::error!(error = ?error, "broken"),
            Error::Stripe(error) => tracing::warn!(%error, "stripe"),
            Error::TooMany { .. } => tracing::warn!("excess_rate_limit_exceeded"),
            Error::Busy => tracing::warn!("busy"),
            Error::Malformed(status, why) => tracing::info!(%status, why, "input_validation_fail"),
            Error::SignInTooOld { .. } => tracing::info!("sign_in_too_old"),
            // Whoever refused it has said why.
            Error::NotAllowed | Error::CrossSite => {}
            Error::SignedOut { next: None } => tracing::info!("signed_out"),
            Error::NotFound | Error::SignedOut { .. } => {}
        }
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Conflict(why) => {
                tracing::warn!(%why, "database busy");
                Error::Busy
            }
            // Deleted between the page and the click.
            db::Error::Reference => Error::NotFound,
            error => Error::broken(error),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        if let Error::SignedOut { next } = &self {
            return crate::auth::web::ask_to_sign_in(next.as_deref());
        }
        if let Error::SignInTooOld { next } = &self {
            return crate::auth::web::ask_again(next);
        }
        let (title, text) = self.words();
        let mut response = page::error(self.status(), title, text);
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
