//! `POST /webhooks/stripe`: checks size, signature and envelope, stores the event, answers 200. It does not ask
//! Stripe, and nothing unsigned is stored. A header that cannot be Stripe's is refused without its body.
use crate::{
    App,
    billing::Delivery,
    stripe::{Envelope, Rejected, could_be_signed, verify},
    web::{AlreadyLogged, OnceAMinute},
};
use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Largest body.
const BODY_BYTES: usize = 1024 * 1024;
/// Time for the whole body, so that a slow sender does not hold a connection.
const BODY_TIME: Duration = Duration::from_secs(15);
/// Almost every event of Stripe's is smaller; up to here the number of connections is the bound.
const SMALL_BYTES: usize = 64 * 1024;
/// Larger bodies at once, over all connections: 4 MiB. The next waits.
const LARGE_BODIES: usize = 4;
/// For a place among them.
const PLACE_TIME: Duration = Duration::from_secs(5);

static LARGE: Semaphore = Semaphore::const_new(LARGE_BODIES);

/// 200 once it is on disk; 400 for a bad signature; 413 over 1 MiB; 503 if it cannot be stored, so
/// that Stripe tries again.
pub async fn receive(State(app): State<App>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // Refused before it is asked for: the first look at a body sends `100 Continue`.
    if body.size_hint().lower() > BODY_BYTES as u64 {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    let signature = head.headers.get("stripe-signature").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let now = app.clock.now().unix();
    if let Err(why) = could_be_signed(signature, now) {
        return rejected(&app, why);
    }
    let (body, _place) = match tokio::time::timeout(BODY_TIME, collect(body)).await {
        Ok(Ok(collected)) => collected,
        Ok(Err(refused)) => return refused.into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    match verify(signature, &body, &app.config.stripe.webhook_secrets, now) {
        Ok(secret) => app.metrics.webhook_verified(secret),
        Err(why) => return rejected(&app, why),
    }
    store(&app, body).await.into_response()
}

/// Anybody can send these, so they get no line each.
fn rejected(app: &App, why: Rejected) -> Response {
    static REJECTED: OnceAMinute = OnceAMinute::new();
    app.metrics.webhook_rejected(why);
    if let Some(times) = REJECTED.due() {
        tracing::warn!(why = why.as_str(), times, "webhook rejected");
    }
    let mut response = StatusCode::BAD_REQUEST.into_response();
    response.extensions_mut().insert(AlreadyLogged);
    response
}

async fn store(app: &App, body: Vec<u8>) -> StatusCode {
    // Signed but not an event: a retry would not help, so Stripe gets its 200.
    let Some(envelope) = Envelope::parse(&body) else {
        tracing::error!(bytes = body.len(), "a signed webhook is not an event");
        return StatusCode::OK;
    };
    let delivery = Delivery { envelope, payload: body, live: app.config.stripe.is_live() };
    let stored = app.inbox.store(delivery).await;
    app.metrics.webhook_stored(stored);
    if stored { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// The body, with the place that a large one holds until it is stored.
async fn collect(mut body: Body) -> Result<(Vec<u8>, Option<SemaphorePermit<'static>>), StatusCode> {
    let (mut whole, mut place) = (Vec::new(), None);
    // A large one waits before its first byte is read, so that it holds nothing meanwhile.
    if let Some(length) = body.size_hint().exact().and_then(|length| usize::try_from(length).ok())
        && length > SMALL_BYTES
    {
        place = Some(place_for_large().await?);
        whole.reserve_exact(length);
    }
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| StatusCode::BAD_REQUEST)?.into_data() else { continue };
        let bytes = whole.len() + data.len();
        if bytes > BODY_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        if bytes > SMALL_BYTES && place.is_none() {
            place = Some(place_for_large().await?);
        }
        whole.extend_from_slice(&data);
    }
    Ok((whole, place))
}

async fn place_for_large() -> Result<SemaphorePermit<'static>, StatusCode> {
    let waiting = tokio::time::timeout(PLACE_TIME, LARGE.acquire()).await;
    waiting.ok().and_then(Result::ok).ok_or(StatusCode::SERVICE_UNAVAILABLE)
}
