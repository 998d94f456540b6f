//! A request, read whole.
use crate::{
    params::Params,
    refusal::{Answer, Refusal},
};
use hyper::{HeaderMap, Method, body::Bytes};

/// One request, read whole.
pub struct Request {
    pub id: String,
    /// Seconds by which the sandbox's clock is ahead, for clients that follow it.
    pub ahead: i64,
    pub method: Method,
    /// `/v1/customers/cus_1`
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Query and body together; Stripe reads both.
    pub fn params(&self) -> Answer<Params> {
        let kind = self.header("content-type").unwrap_or_default();
        if !self.body.is_empty() && !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Refusal::invalid(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
            ));
        }
        let both = [self.query.as_bytes(), b"&", &self.body].concat();
        Params::parse(&both)
    }
}
