//! The control panel: every page by itself, and its buttons, without any script.
use crate::support::sandbox_client::{NEVER_PAYS, SandboxClient};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_and_loads_nothing_but_its_own_sheet() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (_hook, _) = sandbox.listener().await;
    let visitor = sandbox.visitor();
    visitor.get("/_sandbox").await.assert_status(200).assert_says("Nobody is here yet");
    sandbox.control_post("/seed", json!({})).await;
    sandbox.control_post("/faults", json!({ "kind": "429", "nth": 2 })).await;
    sandbox.control_put("/delivery", json!({ "paused": true, "drop": 0.5 })).await;
    let customers = sandbox.control_list("/objects?type=customer").await;
    let event = sandbox.control_list("/events").await[0]["id"].as_str().unwrap().to_owned();
    let mut pages: Vec<String> =
        ["", "/events", "/events?type=invoice.*", "/deliveries", "/faults", "/objects"]
            .map(|page| format!("/_sandbox{page}"))
            .into();
    pages.extend(["/_sandbox/settings".into(), "/_sandbox/objects?type=price".into()]);
    pages.push(format!("/_sandbox/events/{event}"));
    for customer in &customers {
        pages.push(format!("/_sandbox/customers/{}", customer["id"].as_str().unwrap()));
    }
    pages.push(format!("/_sandbox/objects/{}", customers[0]["id"].as_str().unwrap()));

    for path in pages {
        let page = visitor.get(&path).await;

        let html = page.assert_status(200).text();
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        for wrong in [" style=", "<script", "<style", " src=", " href=\"http://evil"] {
            assert!(!html.contains(wrong), "{path} has {wrong}");
        }
        for label in html.split(" for=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert_eq!(html.matches(&format!(" id=\"{label}\"")).count(), 1, "{path}: a label for {label}");
        }
        assert!(html.contains("No real money"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
    }
    let sheet = visitor.get("/_sandbox/assets/panel.css").await;
    assert_eq!(sheet.assert_status(200).header("content-type"), Some("text/css; charset=utf-8"));
    visitor.get("/_sandbox/nothing").await.assert_status(404);
    visitor.get("/_sandbox/customers/cus_none").await.assert_status(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_buttons_do_what_the_api_does_and_say_so_once() {
    let sandbox = SandboxClient::in_mid_january().await;
    let (hook, endpoint) = sandbox.listener().await;
    let dana = sandbox.visitor();
    let press = async |path: &str, fields: &[(&str, &str)], to: &str, says: &str| {
        let sent = dana.post(&format!("/_sandbox{path}")).fields(fields).await;
        assert_eq!(sent.assert_status(303).location(), to, "{path}");
        dana.get(to).await.assert_says(says);
    };

    press("/seed", &[], "/_sandbox", "10 customers made").await;
    dana.get("/_sandbox").await.assert_does_not_say("10 customers made");
    press("/clock", &[("seconds", "86400")], "/_sandbox", "16 Jan 2027").await;
    press("/clock", &[("at", "2027-01-20T08:30")], "/_sandbox", "20 Jan 2027, 08:30").await;
    let subs = sandbox.control_list("/objects?type=subscription").await;
    let sub = subs.iter().find(|sub| sub["metadata"]["seed"] == "active_monthly").unwrap();
    let customer = sub["customer"].as_str().unwrap();
    let theirs = format!("/_sandbox/customers/{customer}");
    press("/act", &[("customer", customer), ("action", "cancel")], &theirs, "Done: cancel").await;
    press("/act", &[("customer", customer), ("action", "renew")], &theirs, "Done: renew").await;
    press(
        "/act",
        &[("customer", customer), ("action", "add_card"), ("card", NEVER_PAYS)],
        &theirs,
        "visa 0341",
    )
    .await;
    let event = sandbox.control_list("/events").await[0]["id"].as_str().unwrap().to_owned();
    let page = format!("/_sandbox/events/{event}");
    press(&format!("/events/{event}/resend"), &[("times", "2")], &page, "Sent 2×").await;
    press(
        "/delivery",
        &[("paused", "true"), ("delay_ms[0]", ""), ("delay_ms[1]", "")],
        "/_sandbox/deliveries",
        "paused",
    )
    .await;
    press("/delivery", &[], "/_sandbox/deliveries", "fare so").await;
    press("/delivery/flush", &[], "/_sandbox/deliveries", "Nothing is due").await;
    press(
        "/faults",
        &[("kind", "401"), ("path", "/v1/*"), ("nth", "")],
        "/_sandbox/faults",
        "The rule stands",
    )
    .await;
    press("/faults/clear", &[], "/_sandbox/faults", "1 removed").await;
    press("/settings", &[("dunning", "mark_unpaid")], "/_sandbox/settings", "Saved").await;
    let roll = format!("/endpoints/{}/roll_secret", endpoint["id"].as_str().unwrap());
    press(&roll, &[("overlap", "60")], "/_sandbox/settings", "two secrets sign").await;
    press("/reset", &[], "/_sandbox/settings", "Nothing was forgotten").await;
    press("/reset", &[("confirm", "reset")], "/_sandbox", "Everything is forgotten").await;

    assert!(!hook.arrived().is_empty());
    assert_eq!(sandbox.control_list("/objects?type=customer").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_shown_and_never_run() {
    let sandbox = SandboxClient::in_mid_january().await;
    let name = "<script>alert(1)</script>\"'";
    let customer = sandbox.customer(name).await;

    for path in ["/_sandbox".into(), format!("/_sandbox/customers/{customer}"), "/_sandbox/objects".into()] {
        sandbox.visitor().get(&path).await.assert_status(200).assert_does_not_say("<script>");
    }
}
