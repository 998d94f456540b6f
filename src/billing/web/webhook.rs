//! `POST /webhooks/stripe`: checks size, signature and envelope, stores the event, answers 200. It does not ask
//! Stripe, and nothing unsigned is stored or logged.
use crate::{
    App,
    billing::Delivery,
    stripe::{Envelope, verify},
};
use axum::{
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
};
use http_body_util::{BodyExt, Limited};
use std::time::Duration;

const BODY_BYTES: usize = 1024 * 1024;
/// Time for the whole body, so that a slow sender does not hold a connection.
const BODY_TIME: Duration = Duration::from_secs(15);

/// 200 once it is on disk; 400 for a bad signature; 413 over 1 MiB; 503 if it cannot be stored, so
/// that Stripe tries again.
pub async fn receive(State(app): State<App>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    if let Err(refused) = check(&app, &head.headers, &body) {
        return refused;
    }
    // Signed but not an event: a retry would not help, so Stripe gets its 200.
    let Some(envelope) = Envelope::parse(&body) else {
        tracing::error!(bytes = body.len(), "a signed webhook is not an event");
        return StatusCode::OK;
    };
    let delivery = Delivery { envelope, payload: body.into(), live: app.config.stripe.is_live() };
    let stored = app.inbox.store(delivery).await;
    app.metrics.webhook_stored(stored);
    if stored { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn check(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<(), StatusCode> {
    let signature = headers.get("stripe-signature").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let now = app.clock.now().unix();
    match verify(signature, body, &app.config.stripe.webhook_secrets, now) {
        Ok(secret) => {
            app.metrics.webhook_verified(secret);
            Ok(())
        }
        Err(why) => {
            app.metrics.webhook_rejected(why);
            tracing::warn!(why = why.as_str(), bytes = body.len(), "webhook rejected");
            Err(StatusCode::BAD_REQUEST)
        }
    }
}

async fn read(body: Body) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(BODY_TIME, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
