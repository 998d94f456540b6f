//! The errors a request can end with. Absent rows are `Option` and people's mistakes are pages; what
//! is left is here. `web/answer.rs` makes the response of each.
use crate::{db, stripe};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Also for what belongs to somebody else: a stranger must not learn that it exists.
    #[error("not found")]
    NotFound,
    /// A member without the role for this.
    #[error("not allowed")]
    NotAllowed,
    /// Nobody is signed in; a GET is sent to sign in and back to `next`.
    #[error("signed out")]
    SignedOut { next: Option<String> },
    /// Signed in, but too long ago for this; they are asked for their password and led to `next`.
    #[error("sign-in too old")]
    SignInTooOld { next: String },
    /// The person's address was changed so recently that the old one may still take the account back.
    #[error("billing is locked after a change of address")]
    BillingLocked,
    /// A request another site made for the person, or one that cannot show that it was not.
    #[error("cross-site request refused")]
    CrossSite,
    /// A request that none of our pages sends; the text says more, for the log.
    #[error("malformed request: {0:?}, {1}")]
    Malformed(Malformed, &'static str),
    #[error("too many requests")]
    TooMany { retry_after_seconds: u64 },
    /// More work is waiting than we can do in time.
    #[error("busy")]
    Busy,
    /// The database does not answer, or cannot write; it may do so again in a moment.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// Stripe did not do what was asked; nothing is half done.
    #[error(transparent)]
    Stripe(#[from] stripe::Error),
    /// A bug of ours: logged in full, shown as a request id.
    #[error("{0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What is wrong with a request that none of our pages sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The head: no `Host`, or two.
    Head,
    /// Sent to a name that is not ours.
    Name,
    Method,
    /// The body did not arrive in time.
    TooSlow,
    TooLarge,
    /// The body is compressed, or not a form.
    MediaType,
    /// Fields that are unknown, repeated or broken, or a value that no page of ours offers.
    Fields,
}

impl Error {
    pub fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::Broken(error.into())
    }

    /// A field with a value that none of our pages sends.
    pub fn unknown(field: &'static str) -> Self {
        Error::Malformed(Malformed::Fields, field)
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Conflict(why) => {
                tracing::warn!(%why, "database busy");
                Error::Busy
            }
            db::Error::Unavailable(error) => Error::Unavailable(error.to_string()),
            // Deleted between the page and the click.
            db::Error::Reference => Error::NotFound,
            error => Error::broken(error),
        }
    }
}
