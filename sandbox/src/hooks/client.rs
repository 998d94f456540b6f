//! Posts a delivery and says what came of it.
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client as Legacy, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::time::Duration;

/// Stripe publishes none; ours is short, so that a receiver that hangs is soon known.
const PATIENCE: Duration = Duration::from_secs(5);
/// Answers are read, so that the connection can serve again, and thrown away.
const ANSWER_BYTES: usize = 64 * 1024;

#[derive(Clone)]
pub struct Client(Legacy<HttpConnector, Full<Bytes>>);

impl Client {
    pub fn new() -> Self {
        let builder = &mut Legacy::builder(TokioExecutor::new());
        Self(builder.pool_idle_timeout(Duration::from_secs(20)).build(HttpConnector::new()))
    }

    /// The status, or a word for why there is none.
    pub async fn post(&self, url: &str, signature: &str, body: String) -> Result<u16, &'static str> {
        let request = Request::post(url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("accept", "*/*")
            .header("cache-control", "no-cache")
            .header("stripe-signature", signature)
            .body(Full::from(body));
        let Ok(request) = request else { return Err("bad address") };
        match tokio::time::timeout(PATIENCE, self.0.request(request)).await {
            Err(_) => Err("timeout"),
            Ok(Err(error)) if error.is_connect() => Err("unreachable"),
            Ok(Err(_)) => Err("hung up"),
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                let rest = Limited::new(response.into_body(), ANSWER_BYTES).collect();
                tokio::time::timeout(PATIENCE, rest).await.ok();
                Ok(status)
            }
        }
    }
}
