//! The sandbox's control API: what outside checks and our own tests drive it with.
use crate::support::sandbox_client::{DAY, GOOD, MIDDLE_OF_JANUARY, NEVER_PAYS, SandboxClient, id};
use hyper::Method;
use portico_sandbox::Options;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_moves_by_seconds_to_an_instant_and_to_what_comes_next() {
    let sandbox = SandboxClient::in_mid_january().await;
    assert_eq!(sandbox.control_get("/clock").await["now"], MIDDLE_OF_JANUARY);
    let trial = [("subscription_data[trial_period_days]", "14")];
    let (_, sub) = sandbox.subscriber("pro_month", &trial).await;

    let by = sandbox.advance(DAY).await;
    let to = sandbox.control_post("/clock/advance", json!({ "to": MIDDLE_OF_JANUARY + 2 * DAY })).await;
    let trial_end = sandbox.control_post("/clock/advance", json!({ "to": "trial_end" })).await;

    assert_eq!((&by["now"], &by["events"]), (&json!(MIDDLE_OF_JANUARY + DAY), &json!(0)));
    assert_eq!((&to["now"], &to["events"]), (&json!(MIDDLE_OF_JANUARY + 2 * DAY), &json!(0)));
    assert_eq!(trial_end["now"], MIDDLE_OF_JANUARY + 14 * DAY);
    assert!(trial_end["events"].as_i64().unwrap() >= 3, "{trial_end}");
    assert_eq!(sandbox.subscription_status(&sub).await, "active");
    let renewal = sandbox.control_get("/clock").await["next_renewal"].clone();
    let renewed = sandbox.control_post("/clock/advance", json!({ "to": "next_renewal" })).await;
    assert_eq!(renewed["now"], renewal);
    assert!(renewal.as_i64().unwrap() > MIDDLE_OF_JANUARY + 40 * DAY);
}

#[tokio::test(flavor = "multi_thread")]
async fn advancing_returns_once_what_happened_was_delivered_or_cannot_be() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, _) = sandbox.listener().await;
    sandbox.subscriber("pro_month", &[]).await;

    sandbox.control_post("/clock/advance", json!({ "to": "next_renewal" })).await;
    let delivered = (hook.arrived().len(), sandbox.event_count().await);
    sandbox.control_put("/delivery", json!({ "paused": true })).await;
    let paused = sandbox.advance(DAY).await;

    assert_eq!(delivered.0, delivered.1);
    assert!(paused["events"].as_i64().unwrap() > 0);
    assert_eq!(hook.arrived().len(), delivered.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_in_words_and_changes_nothing() {
    let sandbox = SandboxClient::in_mid_january().await;
    sandbox.customer("Acme").await;
    let event = sandbox.control_list("/events").await[0]["id"].as_str().unwrap().to_owned();
    let resend = format!("/events/{event}/resend");
    for (method, path, body) in [
        (Method::POST, "/clock/advance", json!({})),
        (Method::POST, "/clock/advance", json!({ "seconds": -1 })),
        (Method::POST, "/clock/advance", json!({ "seconds": 1e30 })),
        (Method::POST, "/clock/advance", json!({ "seconds": i64::MAX })),
        (Method::POST, "/clock/advance", json!({ "seconds": 1, "to": 2 })),
        (Method::POST, "/clock/advance", json!({ "to": "tomorrow" })),
        (Method::POST, "/clock/advance", json!({ "to": "trial_end" })),
        (Method::POST, "/clock/advance", json!({ "to": [1] })),
        (Method::POST, "/clock/advance", json!({ "hours": 1 })),
        (Method::POST, "/clock/advance", json!([1])),
        (Method::PUT, "/delivery", json!({ "drop": 2 })),
        (Method::PUT, "/delivery", json!({ "drop": "often" })),
        (Method::PUT, "/delivery", json!({ "delay_ms": 5 })),
        (Method::PUT, "/delivery", json!({ "delay_ms": [9, 1] })),
        (Method::PUT, "/delivery", json!({ "delay_ms": [-1, 1] })),
        (Method::PUT, "/delivery", json!({ "delay_ms": [0, 1, 2] })),
        (Method::PUT, "/delivery", json!({ "shuffle": "maybe" })),
        (Method::PUT, "/delivery", json!({ "api_version": "<script>" })),
        (Method::PUT, "/delivery", json!({ "seed": "x" })),
        (Method::PUT, "/delivery", json!({ "pause": true })),
        (Method::POST, &resend, json!({ "times": 0 })),
        (Method::POST, &resend, json!({ "times": 100_000 })),
        (Method::POST, "/faults", json!({})),
        (Method::POST, "/faults", json!({ "kind": "flood" })),
        (Method::POST, "/faults", json!({ "kind": "429", "probability": 1.5 })),
        (Method::POST, "/faults", json!({ "kind": "429", "nth": 0 })),
        (Method::POST, "/faults", json!({ "kind": "429", "colour": "red" })),
        (Method::PUT, "/settings", json!({ "dunning": "forgive" })),
        (Method::POST, "/reset", json!({ "really": true })),
        (Method::GET, "/events?limit=0", Value::Null),
        (Method::GET, "/events?after=evt_none", Value::Null),
        (Method::GET, "/events?colour=red", Value::Null),
        (Method::GET, "/objects?type=unicorn", Value::Null),
    ] {
        let refused = sandbox.control(method, path, body.clone()).await;

        assert_eq!(refused.status, 400, "{} {body}: {}", refused.asked, refused.text());
        assert!(refused.json()["error"]["message"].as_str().is_some_and(|said| !said.is_empty()));
    }
    for body in ["{", "", "\"", "nul", "{\"seconds\": 1}}", "\u{0}"] {
        let asked = sandbox.visitor();
        let asked =
            asked.post("/_sandbox/api/clock/advance").body("application/json", body.as_bytes().to_vec());
        asked.await.assert_status(400);
    }
    for (method, path) in [
        (Method::POST, "/events/evt_none/resend"),
        (Method::POST, "/endpoints/we_none/roll_secret"),
        (Method::GET, "/nothing"),
        (Method::DELETE, "/clock"),
        (Method::PATCH, "/clock"),
    ] {
        sandbox.control(method, path, json!({})).await.assert_status(404);
    }
    assert_eq!(sandbox.control_get("/clock").await["now"], MIDDLE_OF_JANUARY);
    assert_eq!(sandbox.event_count().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_cannot_drive_it() {
    let sandbox = SandboxClient::in_mid_january().await;
    let mallory = sandbox.visitor();

    let form = mallory.post("/_sandbox/api/reset").sent_from_another_site().await;
    let button = mallory.post("/_sandbox/reset").field("confirm", "reset").sent_from_another_site().await;
    let read = mallory.get("/_sandbox/api/events").header("sec-fetch-site", "same-site").await;
    let rebound = mallory.get("/_sandbox/api/events").header("host", "evil.example").await;
    let only_origin =
        mallory.post("/_sandbox/api/reset").without("sec-fetch-site").header("origin", "null").await;
    let link = mallory.get("/_sandbox").header("sec-fetch-site", "cross-site").await;

    for refused in [form, button, read, only_origin] {
        refused.assert_status(403);
    }
    rebound.assert_status(421);
    link.assert_status(200);
    let script = sandbox.visitor();
    let script = script.post("/_sandbox/api/reset").without("sec-fetch-site").without("origin");
    script.await.assert_status(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_acts_as_on_the_hosted_pages_and_a_refusal_is_an_answer() {
    let sandbox = SandboxClient::in_mid_january().await;
    let customer = sandbox.customer("Acme").await;
    let session = sandbox.checkout_session(&customer, "pro_month", &[]).await;
    let declined =
        sandbox.control_post("/act", json!({ "action": "decline_checkout", "session": session })).await;
    assert_eq!((&declined["ok"], &declined["error"]["code"]), (&json!(false), &json!("card_declined")));
    assert_eq!(declined["objects"], json!([]));

    let touched =
        sandbox.act(json!({ "action": "complete_checkout", "session": session, "card": GOOD })).await;
    let sub = touched.iter().find(|id| id.starts_with("sub_")).unwrap();
    let does = |body: Value| {
        let mut body = body;
        body["customer"] = json!(customer);
        sandbox.act(body)
    };
    does(json!({ "action": "switch_plan", "price": "business_month", "quantity": 3 })).await;
    does(json!({ "action": "cancel", "when": "period_end" })).await;
    does(json!({ "action": "renew" })).await;
    does(json!({ "action": "pause" })).await;
    assert_eq!(sandbox.subscription_status(sub).await, "paused");
    does(json!({ "action": "resume", "subscription": sub })).await;
    let card = does(json!({ "action": "add_card", "card": "5555555555554444" })).await.remove(0);
    does(json!({ "action": "remove_card", "card": card })).await;
    does(json!({ "action": "update_details", "name": "Acme Corp", "email": null })).await;
    does(json!({ "action": "cancel", "when": "now" })).await;

    let object = sandbox.get(&format!("/v1/subscriptions/{sub}")).await;
    assert_eq!((&object["status"], &object["items"]["data"][0]["quantity"]), (&json!("canceled"), &json!(3)));
    assert_eq!(sandbox.get(&format!("/v1/customers/{customer}")).await["name"], "Acme Corp");
    for (body, code) in [
        (json!({}), "parameter_missing"),
        (json!({ "action": "dance" }), "invalid_request_error"),
        (json!({ "action": "renew" }), "invalid_request_error"),
        (json!({ "action": "renew", "customer": "cus_none" }), "resource_missing"),
        (
            json!({ "action": "add_card", "customer": customer, "card": "4111111111111111" }),
            "incorrect_number",
        ),
        (json!({ "action": "add_card", "customer": customer, "card": GOOD, "cvc": 1 }), "parameter_unknown"),
        (json!({ "action": "pay_invoice", "customer": customer, "invoice": {} }), "invalid_request_error"),
    ] {
        let said = sandbox.control_post("/act", body.clone()).await;
        assert_eq!(
            (&said["ok"], said["error"]["code"].as_str()),
            (&json!(false), Some(code)),
            "{body}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_deliveries_are_paged_newest_last() {
    let sandbox = SandboxClient::with(Options::default()).await;
    let (_hook, _) = sandbox.listener().await;
    for name in ["One", "Two", "Three"] {
        sandbox.customer(name).await;
    }
    sandbox.flush().await;

    let names =
        |rows: &[Value]| rows.iter().map(|it| it["data"]["object"]["name"].clone()).collect::<Vec<_>>();
    let first = sandbox.control_get("/events?limit=2").await;
    let rows = first["data"].as_array().unwrap();
    let rest = sandbox.control_get(&format!("/events?after={}", rows[1]["id"].as_str().unwrap())).await;
    let deliveries = sandbox.control_list("/deliveries").await;
    let last =
        sandbox.control_list(&format!("/deliveries?after={}", deliveries[1]["id"].as_str().unwrap())).await;

    assert_eq!((names(rows), &first["has_more"]), (vec![json!("One"), json!("Two")], &json!(true)));
    assert_eq!(
        (names(rest["data"].as_array().unwrap()), &rest["has_more"]),
        (vec![json!("Three")], &json!(false))
    );
    assert_eq!(last, deliveries[2..]);
    for key in ["id", "event", "endpoint", "status", "attempts", "last_response"] {
        assert!(!deliveries[0][key].is_null(), "{key}: {}", deliveries[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_holds_every_state_at_once_and_a_reset_none() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, _) = sandbox.listener().await;

    let made = sandbox.control_post("/seed", json!({})).await;
    let again = sandbox.control_post("/seed", json!({})).await;
    let subs = sandbox.control_list("/objects?type=subscription").await;
    sandbox.flush().await;

    assert_eq!((made["objects"].as_array().unwrap().len(), &again["objects"]), (10, &json!([])));
    let status = |state: &str| {
        let sub = subs.iter().find(|sub| sub["metadata"]["seed"] == state);
        sub.unwrap_or_else(|| panic!("no {state}"))["status"].as_str().unwrap().to_owned()
    };
    for (state, expected) in [
        ("trialing", "trialing"),
        ("active_monthly", "active"),
        ("active_yearly", "active"),
        ("seats", "active"),
        ("past_due", "past_due"),
        ("cancelling", "active"),
        ("canceled", "canceled"),
        ("unpaid", "unpaid"),
        ("paused", "paused"),
        ("incomplete", "incomplete"),
    ] {
        assert_eq!(status(state), expected, "{state}");
    }
    assert!(subs.iter().any(|sub| sub["metadata"]["seed"] == "cancelling" && !sub["cancel_at"].is_null()));
    assert_eq!(
        sandbox.control_get("/clock").await["now"],
        MIDDLE_OF_JANUARY,
        "a seed leaves the clock alone"
    );
    assert_eq!(hook.arrived().len(), sandbox.event_count().await);
    let theirs =
        sandbox.control_list(&format!("/objects?customer={}", subs[0]["customer"].as_str().unwrap())).await;
    assert!(
        theirs.iter().any(|it| it["object"] == "invoice")
            && theirs.iter().any(|it| it["object"] == "customer")
    );

    sandbox.advance(DAY).await;
    sandbox.control_post("/faults", json!({ "kind": "401" })).await;
    sandbox.control_post("/reset", json!({})).await;

    assert_eq!((sandbox.event_count().await, sandbox.control_list("/faults").await.len()), (0, 0));
    assert_eq!(sandbox.control_get("/clock").await["now"], MIDDLE_OF_JANUARY);
    assert!(sandbox.control_list("/objects").await.is_empty(), "the catalogue is gone too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_sells_nothing_gets_a_catalogue_with_its_seed_and_one_that_sells_keeps_its_own() {
    let bare =
        SandboxClient::with(Options { frozen_at: Some(MIDDLE_OF_JANUARY), ..Options::default() }).await;
    let own = SandboxClient::in_mid_january().await;
    assert!(bare.control_list("/objects").await.is_empty());
    let sold = own.control_list("/objects?type=price").await;

    bare.control_post("/seed", json!({})).await;
    own.control_post("/seed", json!({})).await;

    let subs = bare.control_list("/objects?type=subscription").await;
    let price = |state: &str| {
        let sub = subs.iter().find(|sub| sub["metadata"]["seed"] == state);
        sub.unwrap_or_else(|| panic!("no {state}"))["items"]["data"][0]["price"].clone()
    };
    assert_eq!(price("active_monthly")["recurring"]["interval"], "month");
    assert_eq!(price("active_yearly")["recurring"]["interval"], "year");
    assert_ne!(price("seats")["product"], price("active_monthly")["product"]);
    let olivia = subs[0]["customer"].as_str().unwrap();
    bare.visit_portal(olivia, &[]).await.get("/p/home").await.assert_status(200);
    assert_eq!(own.control_list("/objects?type=price").await, sold);
}

#[tokio::test(flavor = "multi_thread")]
async fn dunning_ends_as_the_settings_say() {
    for (word, status) in [("cancel", "canceled"), ("mark_unpaid", "unpaid"), ("leave_past_due", "past_due")]
    {
        let sandbox = SandboxClient::in_mid_january().await;
        assert_eq!(sandbox.control_put("/settings", json!({ "dunning": word })).await["dunning"], word);
        let (customer, sub) = sandbox.subscriber("pro_month", &[]).await;
        let card = sandbox.get(&format!("/v1/subscriptions/{sub}")).await["default_payment_method"].clone();
        sandbox.act(json!({ "action": "add_card", "customer": customer, "card": NEVER_PAYS })).await;
        sandbox.act(json!({ "action": "remove_card", "customer": customer, "card": card })).await;

        sandbox.control_post("/clock/advance", json!({ "to": "next_renewal" })).await;
        sandbox.advance(16 * DAY).await;

        assert_eq!(sandbox.subscription_status(&sub).await, status, "{word}");
        assert_eq!(sandbox.control_get("/settings").await["dunning"], word);
    }
}

#[tokio::test]
async fn a_test_clock_stands_still_and_may_begin_in_the_past() {
    let sandbox = SandboxClient::on_the_wall_clock().await;
    let clocks = "/v1/test_helpers/test_clocks";

    let clock = sandbox.post(clocks, &[("frozen_time", "1600000000")]).await;

    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let path = format!("{clocks}/{}", id(&clock));
    assert_eq!(sandbox.get(&path).await["frozen_time"], 1_600_000_000);
    let fields = [("name", "Acme"), ("test_clock", clock["id"].as_str().unwrap())];
    assert_eq!(sandbox.post("/v1/customers", &fields).await["created"], 1_600_000_000);
    sandbox.post(&format!("{path}/advance"), &[("frozen_time", "1600000500")]).await;
    assert_eq!(sandbox.get(&path).await["frozen_time"], 1_600_000_500);
    let later = sandbox.post(clocks, &[("frozen_time", "1500000000")]).await;
    assert_eq!(later["frozen_time"], 1_600_000_500, "time does not go back over what has happened");
    for clock in [&clock, &later] {
        sandbox.delete(&format!("{clocks}/{}", id(clock))).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert!(sandbox.now().await > 1_600_000_500, "it runs on without test clocks");
}
