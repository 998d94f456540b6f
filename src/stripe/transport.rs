//! HTTP to Stripe: pooled, bounded in time and size, retried by Stripe's own rules, with our
//! idempotency keys. Knows nothing of what is asked.
use super::{
    breaker::Breaker,
    deadline::Deadline,
    error::{Error, Refusal},
    json,
    keys::Keys,
};
use crate::{clock::Clock, config};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};
use stripe_client_core::{RequestBuilder, StripeMethod, VERSION};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

const CONNECT: Duration = Duration::from_secs(3);
const ATTEMPT: Duration = Duration::from_secs(8);
const ATTEMPTS: u32 = 3;
/// A page of 100 subscriptions with everything expanded stays below it.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

pub struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    keys: Keys,
    breaker: Breaker,
    /// Whether this is Stripe itself. Only a sandbox's clock is followed.
    is_real: bool,
    ahead: AtomicI64,
    /// Our clock against the last answer's `Date`.
    skew: AtomicI64,
}

/// No answer has named the time yet.
const UNKNOWN: i64 = i64::MIN;

impl Transport {
    pub fn new(config: &config::Stripe, is_real: bool) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(50))
            .pool_max_idle_per_host(16)
            .build(tls);
        let base = config.api_base.as_str().trim_end_matches('/').to_owned();
        Self {
            client,
            base,
            keys: Keys::new(config.keys.clone()),
            breaker: Breaker::default(),
            is_real,
            ahead: AtomicI64::new(0),
            skew: AtomicI64::new(UNKNOWN),
        }
    }

    pub fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }

    /// Seconds by which our clock is ahead of theirs.
    pub fn skew(&self) -> Option<i64> {
        Some(self.skew.load(Ordering::Relaxed)).filter(|skew| *skew != UNKNOWN)
    }

    /// Every answer has a date; the sandbox also says how far its clock has been moved.
    fn note_time(&self, headers: &HeaderMap) {
        if let Ok(said) = OffsetDateTime::parse(&text(headers, "date"), &Rfc2822) {
            let skew = Clock::default().now().unix() - said.unix_timestamp();
            self.skew.store(skew, Ordering::Relaxed);
        }
        if let (false, Ok(ahead)) = (self.is_real, text(headers, "sandbox-ahead").parse()) {
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }

    pub fn circuit_is_open(&self) -> bool {
        self.breaker.circuit_is_open()
    }

    /// Sends it, again if that can help, until the deadline. A POST carries `key`, the same for
    /// every try, so that Stripe executes it once; an answer that was cut off is asked for again, too.
    pub async fn send<T: DeserializeOwned>(
        &self,
        ask: RequestBuilder,
        key: Option<&str>,
        until: Deadline,
    ) -> Result<T, Error> {
        let mut tried = 1;
        let mut api_keys = self.keys.order(Instant::now()).into_iter();
        let mut api_key = api_keys.next().unwrap_or(0);
        loop {
            if !self.breaker.lets_through() {
                return Err(Error::CircuitOpen);
            }
            let attempt = self.attempt(&ask, key, api_key, until).await;
            let outcome = attempt.outcome.and_then(|body| read(&body, attempt.request_id));
            self.note(&outcome, api_key);
            let error = match outcome {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            tracing::warn!(path = ask.path, tried, %error, "a request to Stripe failed");
            if error.is_rejected_key()
                && let Some(next) = api_keys.next()
            {
                tracing::error!("Stripe rejects an API key; trying the next one of the list");
                api_key = next;
                continue;
            }
            let again =
                attempt.should_retry.unwrap_or_else(|| error.is_transient()) && !error.is_replayed_failure();
            match until.at_most(pause(tried)) {
                Some(pause) if again && tried < ATTEMPTS => tokio::time::sleep(pause).await,
                _ => return Err(error),
            }
            tried += 1;
        }
    }

    async fn attempt(
        &self,
        ask: &RequestBuilder,
        key: Option<&str>,
        api_key: usize,
        until: Deadline,
    ) -> Attempt {
        let Some(limit) = until.at_most(ATTEMPT) else {
            return Attempt::failed("out of time".into());
        };
        let request = match self.request(ask, key, api_key) {
            Ok(request) => request,
            Err(error) => return Attempt::failed(error.to_string()),
        };
        match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(attempt) => attempt,
            Err(_) => Attempt::failed(format!("no answer within {} s", limit.as_secs())),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Attempt {
        match self.client.request(request).await {
            Ok(response) => {
                self.note_time(response.headers());
                Attempt::of(response).await
            }
            Err(error) => Attempt::failed(if error.is_connect() {
                "no connection".into()
            } else {
                "connection lost".into()
            }),
        }
    }

    fn request(
        &self,
        ask: &RequestBuilder,
        key: Option<&str>,
        api_key: usize,
    ) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let method = match ask.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let query =
            ask.query.as_deref().filter(|q| !q.is_empty()).map(|q| format!("?{q}")).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/v1{}{query}", self.base, ask.path))
            .header(USER_AGENT, concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .header("stripe-version", VERSION.as_str())
            .header(AUTHORIZATION, self.authorization(api_key));
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request.body(Full::from(ask.body.clone().unwrap_or_default()))
    }

    fn authorization(&self, api_key: usize) -> HeaderValue {
        let key = self.keys.get(api_key);
        let bearer = format!("Bearer {}", key.map(ExposeSecret::expose_secret).unwrap_or_default());
        let mut value = HeaderValue::try_from(bearer).unwrap_or(HeaderValue::from_static("Bearer"));
        value.set_sensitive(true);
        value
    }

    /// Tells the circuit breaker and the API keys. Failures to connect, answers cut off and Stripe's own faults
    /// count, refusals do not.
    fn note<T>(&self, outcome: &Result<T, Error>, api_key: usize) {
        match outcome {
            Err(error) if error.is_rejected_key() => {
                self.breaker.answered();
                self.keys.rejected(api_key, Instant::now());
            }
            Err(Error::Refused(refusal)) if refusal.status >= 500 => self.breaker.failed(),
            Ok(_) | Err(Error::Refused(_) | Error::Unexpected { .. }) => {
                self.breaker.answered();
                self.keys.accepted(api_key);
            }
            Err(_) => self.breaker.failed(),
        }
    }
}

struct Attempt {
    outcome: Result<Bytes, Error>,
    request_id: String,
    /// What Stripe says about trying again, which goes before our own rule.
    should_retry: Option<bool>,
}

impl Attempt {
    fn failed(why: String) -> Self {
        Self { outcome: Err(Error::Unreachable(why)), request_id: String::new(), should_retry: None }
    }

    async fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let request_id = text(&head.headers, "request-id");
        let should_retry = text(&head.headers, "stripe-should-retry").parse().ok();
        let replayed = text(&head.headers, "idempotent-replayed") == "true";
        let status = head.status.as_u16();
        let outcome = match Limited::new(body, ANSWER_BYTES).collect().await {
            Ok(body) if head.status.is_success() => Ok(body.to_bytes()),
            Ok(body) => Err(refusal(&body.to_bytes(), status, request_id.clone(), replayed)),
            Err(_) => Err(Error::Unreachable("answer cut off or too large".into())),
        };
        Self { outcome, request_id, should_retry }
    }
}

fn refusal(body: &[u8], status: u16, request_id: String, replayed: bool) -> Error {
    #[derive(serde::Deserialize)]
    struct Envelope {
        error: Refusal,
    }
    match json::read::<Envelope>(body) {
        Ok(Envelope { error }) => Error::Refused(Box::new(Refusal { status, request_id, replayed, ..error })),
        Err(_) => Error::Unreadable { status, request_id },
    }
}

/// Half a JSON text may be whole the next time; one whose fields are not what we read will be the same again.
fn read<T: DeserializeOwned>(body: &[u8], request_id: String) -> Result<T, Error> {
    json::read(body).map_err(|error| {
        tracing::warn!(%error, "Stripe's answer could not be read");
        match error.classify() {
            Category::Data => Error::Unexpected { request_id },
            Category::Io | Category::Syntax | Category::Eof => Error::Unreadable { status: 200, request_id },
        }
    })
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
}

/// Stripe's own clients wait half a second, doubled each time up to 5 s, of which a random half.
fn pause(tried: u32) -> Duration {
    let mut byte = [0];
    let chance = getrandom::fill(&mut byte).map_or(0.5, |()| f64::from(byte[0]) / 255.0);
    let limit = (0.5 * f64::from(1u32 << (tried - 1).min(4))).min(5.0);
    Duration::from_secs_f64((limit * (0.5 + chance / 2.0)).max(0.5))
}
