//! What can go wrong between us and Stripe. No error holds personal data.
use serde::Deserialize;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Stripe answered with an error of its own.
    #[error("Stripe refused: {0}")]
    Refused(Box<Refusal>),
    /// No connection, no answer in time, or one cut off.
    #[error("Stripe did not answer: {0}")]
    Unreachable(String),
    /// An answer that is not Stripe's: a proxy's HTML, broken JSON, a redirect.
    #[error("unreadable answer from Stripe, status {status}, request {request_id}")]
    Unreadable { status: u16, request_id: String },
    /// An answer of Stripe's without what we need of it.
    #[error("Stripe's answer is not what we expect, request {request_id}")]
    Unexpected { request_id: String },
    /// Too many failures in a row; we are not asking for the moment.
    #[error("Stripe is not called for now, after repeated failures")]
    CircuitOpen,
    /// Something that `stripe setup` makes is missing.
    #[error("Stripe does not have {0}; run `{slug} stripe setup`", slug = crate::brand::SLUG)]
    Absent(String),
    /// A hosted page that is not on a host of Stripe's.
    #[error("Stripe answered with a page on a host that is not allowed: {0}")]
    ForeignPage(String),
}

/// The fields of Stripe's error that decide what we do. Its message may quote an address, so it
/// is matched on and never shown or logged.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Refusal {
    #[serde(rename = "type")]
    pub kind: String,
    pub code: Option<String>,
    pub param: Option<String>,
    pub message: String,
    #[serde(skip)]
    pub status: u16,
    #[serde(skip)]
    pub request_id: String,
    /// Answered from the record of this idempotency key, not from a new try.
    #[serde(skip)]
    pub replayed: bool,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Refusal { kind, code, param, status, request_id, .. } = self;
        let (code, param) = (code.as_deref().unwrap_or("-"), param.as_deref().unwrap_or("-"));
        write!(f, "status {status}, type {kind}, code {code}, param {param}, request {request_id}")
    }
}

impl Error {
    /// Whether waiting may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Unreachable(_) | Error::Unreadable { .. } | Error::CircuitOpen => true,
            Error::Refused(refusal) => matches!(refusal.status, 409 | 429 | 500..),
            Error::Unexpected { .. } | Error::Absent(_) | Error::ForeignPage(_) => false,
        }
    }

    /// Whether Stripe does not accept the API key.
    pub fn is_rejected_key(&self) -> bool {
        matches!(self, Error::Refused(refusal) if refusal.status == 401)
    }

    /// Whether the API key lacks a right.
    pub fn is_missing_right(&self) -> bool {
        matches!(self, Error::Refused(refusal) if refusal.status == 403)
    }

    /// Whether there is nothing at the path that was asked for.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Error::Refused(refusal) if refusal.status == 404)
    }

    /// The field of the request that Stripe refused, if it refused one.
    pub fn refused_field(&self) -> Option<&str> {
        match self {
            Error::Refused(refusal) if refusal.status == 400 => refusal.param.as_deref(),
            _ => None,
        }
    }

    /// Whether Stripe repeats an old failure for this idempotency key, as it does for a day: only a new key helps.
    pub fn is_replayed_failure(&self) -> bool {
        matches!(self, Error::Refused(refusal) if refusal.replayed && refusal.status >= 500)
    }

    /// Whether this idempotency key is used up: a recorded failure, or other parameters before.
    pub fn is_spent_key(&self) -> bool {
        self.is_replayed_failure()
            || matches!(self, Error::Refused(r) if r.status == 400 && r.kind == "idempotency_error")
    }

    /// Whether Stripe has no such customer. False if the customer exists in the other mode (live or test): then our
    /// key is wrong, and nothing must be repaired.
    pub fn is_missing_customer(&self) -> bool {
        matches!(self, Error::Refused(r) if r.code.as_deref() == Some("resource_missing")
            && matches!(r.param.as_deref(), Some("customer" | "id"))
            && r.message.starts_with("No such customer") && !r.message.contains("similar object exists"))
    }

    /// Whether Stripe refused the page of the portal, not the customer, the configuration or the key.
    pub fn is_about_the_page(&self) -> bool {
        matches!(self, Error::Refused(r) if r.status == 400 && r.code.as_deref() != Some("resource_missing")
            && r.param.as_deref() != Some("configuration"))
            || matches!(self, Error::Refused(r) if r.status == 400 && r.param.as_deref().is_some_and(|p| p.starts_with("flow_data")))
    }

    /// Title and text of the error page.
    pub fn words(&self) -> (&'static str, &'static str) {
        match self {
            Error::Refused(r) if r.status == 429 => (
                "Stripe is busy",
                "Our payment provider is handling too many requests at once. Nothing was changed; please try again in half a minute.",
            ),
            error if error.is_transient() => (
                "Stripe did not answer",
                "We could not reach our payment provider. Nothing was changed, and you keep your plan. Please try again in half a minute.",
            ),
            _ => (
                "Billing is not available",
                "Our payment provider did not accept our request. This is a problem on our side, and nothing was changed. Please contact us and name the request id.",
            ),
        }
    }
}
