//! What goes wrong with webhooks, keys, clocks and other people's hands, and what is left state.
//!
//! Twenty to thirty-eight of the list of nasty scenarios. Each is proved by the test beside it; a
//! name with a file is of another file.
//!
//! | n | what goes wrong | proved by |
//! |---|---|---|
//! | 20 | a proxy's page, half an answer | `stripe_faults`: faults_get_an_honest_page_and_leave_nothing_behind, a_fault_that_passes_is_not_noticed; `recovery` |
//! | 21 | the API key is rotated | `stripe_faults`: a_rejected_key_gives_way_to_the_next; `recovery` |
//! | 22 | the webhook secret is rotated | `webhooks`; the sandbox's `webhooks`: while_a_secret_is_rolled_both_sign |
//! | 23 | a blank secret | `webhooks`; `process`: a_refused_start_names_every_setting_and_ends_with_an_error |
//! | 24 | live and test mixed up | `webhooks`; `process`: live_prices_under_a_test_key_are_said_at_every_start; `config`: each_bad_setting_is_refused_by_name, a_live_key_speaks_to_stripe_alone |
//! | 25–29 | clocks, recordings, floods, unknown words, other versions | `webhooks` |
//! | 30 | the endpoint was off for days | `recovery` |
//! | 31–33 | a change that waits, a second trial, seats set elsewhere | `lives` |
//! | 34 | an organisation deleted while subscribed | `gone` |
//! | 35 | a dispute | `webhooks` |
//! | 36 | a backup restored | `recovery` |
//! | 37–38 | subscriptions made by hand, prefetchers | `lives`; `auth`: cross_site_posts_are_refused |
use crate::{
    loop_world::signature,
    support::http::{Answer, Person, Site},
    world::{PUBLIC_URL, TestApp},
};
use product::routes;
use serde_json::json;

mod gone;
mod lives;
mod recovery;
mod webhooks;

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

/// Somebody at the operators' port.
pub fn operator(app: &TestApp) -> Person {
    Person::visiting(&Site::of(routes::ops_router(app.app.clone()), PUBLIC_URL))
}

/// A number of the operators' metrics, by its whole name, labels and all.
pub async fn figure(app: &TestApp, name: &str) -> u64 {
    let name = format!("{}_{name}", product::brand::SLUG);
    let text = operator(app).get("/metrics").await.assert_status(200).text();
    let value = text.lines().find_map(|line| line.strip_prefix(&name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
}

/// `pending`, `done`, … of an event.
pub async fn state_of(app: &TestApp, event: &str) -> String {
    let found = app.texts(&format!("select state from stripe_events where id = '{event}'")).await;
    found.first().cloned().unwrap_or_else(|| format!("{event} is not there"))
}
