//! Webhooks as a test delivers them by hand: an event, signed, posted.
use crate::{support::http::Answer, test_app::TestApp};
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use sha2::Sha256;

pub const SECRET: &str = "whsec_0123456789abcdef";

/// An event as Stripe sends it, about a subscription of a customer.
pub fn event(id: &str, kind: &str, customer: &str) -> String {
    json!({ "id": id, "object": "event", "type": kind, "created": 1_800_000_000, "livemode": false,
        "api_version": "2026-09-30.endive",
        "data": { "object": { "id": "sub_1", "object": "subscription", "customer": customer } } })
    .to_string()
}

/// The same product with a webhook secret of its own.
pub async fn with_secret(app: &TestApp) -> TestApp {
    app.restarted_with("STRIPE_WEBHOOK_SECRETS", SECRET).await
}

/// Posts a body as Stripe does, signed as `header` says.
pub async fn post_webhook(app: &TestApp, header: &str, body: &str) -> Answer {
    let stripe = app.visitor();
    let post = stripe.post("/webhooks/stripe").body("application/json", body.to_owned());
    post.without("origin").without("sec-fetch-site").header("stripe-signature", header).await
}

/// The same, signed now with [`SECRET`].
pub async fn delivered(app: &TestApp, body: &str) -> u16 {
    let header = signature(SECRET, app.app.clock.now().unix(), body);
    post_webhook(app, &header, body).await.status.as_u16()
}

/// Delivers an event by hand, signed now.
pub async fn hand_over(app: &TestApp, event: &Value) -> Answer {
    let body = event.to_string();
    let secret = app.app.config.stripe.webhook_secrets[0].expose_secret();
    let header = signature(secret, app.app.clock.now().unix(), &body);
    let stripe = app.visitor();
    let ask = stripe.post("/webhooks/stripe").body("application/json", body);
    ask.header("stripe-signature", &header).await
}

/// `Stripe-Signature` for a body.
pub fn signature(secret: &str, t: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(format!("{t}.{body}")).finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={t},v1={hex}")
}

/// `pending`, `done`, … of an event.
pub async fn state_of(app: &TestApp, event: &str) -> String {
    let found = app.texts(&format!("select state from stripe_events where id = '{event}'")).await;
    found.first().cloned().unwrap_or_else(|| format!("{event} is not there"))
}
