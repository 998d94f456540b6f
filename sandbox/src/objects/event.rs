//! Events, where they go, and what is remembered of requests.
use super::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub id: String,
    /// The sandbox's time; the signature's is the wall clock's.
    pub created: i64,
    #[serde(rename = "type")]
    pub kind: String,
    /// The object as it was then.
    pub object: Value,
    pub previous_attributes: Option<Value>,
    /// The API request that caused it, if one did.
    pub request: Option<String>,
    pub idempotency_key: Option<String>,
    pub pending_webhooks: i64,
    /// The endpoints that have not taken it yet.
    #[serde(default)]
    pub unheard: Vec<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Endpoint {
    pub id: String,
    pub created: i64,
    pub url: String,
    /// `["*"]` for all.
    pub enabled_events: Vec<String>,
    pub enabled: bool,
    pub secret: String,
    /// While a secret is rolled: the one before, and until when (wall clock) it signs too.
    pub old_secret: Option<(String, i64)>,
    /// None: the account's, which is the newest.
    pub api_version: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Delivery {
    pub id: String,
    pub event: String,
    pub endpoint: String,
    /// `pending`, `delivered`, `failed` or `dropped`.
    pub status: String,
    pub attempts: i64,
    /// Wall-clock milliseconds of the next attempt.
    pub due_ms: i64,
    /// `200`, `503`, `timeout`, …
    pub last_response: Option<String>,
    /// Attempts that were made out of turn.
    #[serde(default)]
    pub extra: i64,
    /// How it goes out has been drawn; the rest is what was drawn.
    #[serde(default)]
    pub decided: bool,
    /// Its place among others that are due, where they are shuffled.
    #[serde(default)]
    pub rank: Option<u64>,
    pub thin: bool,
    pub bad_signature: bool,
    #[serde(default)]
    pub oversize: bool,
    pub api_version: Option<String>,
}

/// A rule that makes API requests fail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    pub id: String,
    pub method: Option<String>,
    /// Glob on `/v1/…`.
    pub path: String,
    /// Glob on the API key.
    pub key: Option<String>,
    pub kind: String,
    /// Only the n-th request that fits, from 1.
    pub nth: Option<i64>,
    pub probability: Option<f64>,
    /// How often it may strike; for ever if none.
    pub times: Option<i64>,
    pub seen: i64,
    pub struck: i64,
    pub chance: crate::state::Chance,
}

/// The first answer under an idempotency key, kept for a day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Remembered {
    /// The key itself.
    pub id: String,
    pub method: String,
    pub path: String,
    /// Of the request's body.
    pub sha256: String,
    /// None while the first request is still at work.
    pub answer: Option<(u16, Value)>,
    /// Wall clock.
    pub at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestClock {
    pub id: String,
    pub created: i64,
    pub name: Option<String>,
}

/// An event before it has a name and a time.
pub struct Said {
    pub kind: String,
    pub object: Value,
    pub previous: Option<Value>,
}
