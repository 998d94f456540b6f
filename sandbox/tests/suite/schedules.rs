//! Subscription schedules by API: made from a subscription, written phase by phase, released, cancelled.
use crate::support::sandbox_client::{DAY, NEW_YEAR, SandboxClient, id, text};
use serde_json::{Value, json};

const HOUR: i64 = 3600;
const FEBRUARY: i64 = NEW_YEAR + 31 * DAY;
const MARCH: i64 = FEBRUARY + 28 * DAY;

struct Scheduled {
    sub: Value,
    schedule: String,
    pro: String,
    seat: String,
}

/// Pro until the period's end, then three seats of Business for a month.
async fn scheduled(sandbox: &SandboxClient) -> Scheduled {
    let olivia = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&olivia, "pro_month", &[]).await;
    let (pro, seat) = (sandbox.price("pro_month").await, sandbox.price("business_month").await);
    let schedule = sandbox.post("/v1/subscription_schedules", &[("from_subscription", &id(&sub))]).await;
    assert_eq!(schedule["phases"].as_array().unwrap().len(), 1);
    let schedule = id(&schedule);
    let phases = [
        ("phases[0][items][0][price]", pro.as_str()),
        ("phases[0][items][0][quantity]", "1"),
        ("phases[1][items][0][price]", seat.as_str()),
        ("phases[1][items][0][quantity]", "3"),
    ];
    sandbox.post(&format!("/v1/subscription_schedules/{schedule}"), &phases).await;
    Scheduled { sub, schedule, pro, seat }
}

#[tokio::test]
async fn it_says_what_is_and_what_follows_and_then_it_does() {
    let sandbox = SandboxClient::new().await;
    let Scheduled { sub, schedule, pro, seat } = scheduled(&sandbox).await;
    let path = format!("/v1/subscription_schedules/{schedule}");

    let said = sandbox.get(&path).await;

    assert_eq!(said["current_phase"], json!({ "start_date": NEW_YEAR, "end_date": FEBRUARY }));
    let (now, then) = (&said["phases"][0], &said["phases"][1]);
    assert_eq!((&now["items"][0]["price"], &now["end_date"]), (&pro.as_str().into(), &FEBRUARY.into()));
    assert_eq!(
        (&then["items"][0]["price"], &then["items"][0]["quantity"], &then["start_date"], &then["end_date"]),
        (&seat.as_str().into(), &3.into(), &FEBRUARY.into(), &MARCH.into())
    );
    assert_eq!(sandbox.subscription(&id(&sub)).await["schedule"], schedule);
    let preview = sandbox.post("/v1/invoices/create_preview", &[("schedule", &schedule)]).await;
    assert_eq!(preview["total"], 4_500);

    sandbox.wait_until(FEBRUARY + HOUR).await;
    let changed = sandbox.subscription_with_invoice(&id(&sub)).await;
    assert_eq!(
        (&changed["items"]["data"][0]["price"]["id"], &changed["latest_invoice"]["total"]),
        (&seat.as_str().into(), &4_500.into())
    );
    assert_eq!(changed["items"]["data"][0]["id"], sub["items"]["data"][0]["id"]);
    assert_eq!(sandbox.get(&path).await["current_phase"]["start_date"], FEBRUARY);

    sandbox.wait_until(MARCH + HOUR).await;
    let after = sandbox.get(&path).await;
    assert_eq!((&after["status"], &after["released_subscription"]), (&"released".into(), &sub["id"]));
    let free = sandbox.subscription_with_invoice(&id(&sub)).await;
    assert_eq!((&free["schedule"], &free["latest_invoice"]["total"]), (&Value::Null, &4_500.into()));
}

#[tokio::test]
async fn a_phase_in_the_middle_of_a_period_is_prorated() {
    let sandbox = SandboxClient::new().await;
    let Scheduled { sub, schedule, pro, seat } = scheduled(&sandbox).await;
    let middle = (NEW_YEAR + 31 * DAY / 2).to_string();
    let phases = [
        ("phases[0][items][0][price]", pro.as_str()),
        ("phases[0][end_date]", &middle),
        ("phases[1][items][0][price]", &seat),
        ("phases[1][iterations]", "2"),
        ("phases[1][proration_behavior]", "always_invoice"),
        ("end_behavior", "cancel"),
    ];
    sandbox.post(&format!("/v1/subscription_schedules/{schedule}"), &phases).await;

    sandbox.wait_until(NEW_YEAR + 16 * DAY).await;

    let said = sandbox.subscription_with_invoice(&id(&sub)).await;
    assert_eq!(
        (&said["items"]["data"][0]["price"]["id"], &said["latest_invoice"]["total"]),
        (&seat.as_str().into(), &(-700).into())
    );
    sandbox.wait_until(NEW_YEAR + 76 * DAY).await;
    assert_eq!(sandbox.subscription_status(&id(&sub)).await, "canceled", "two months later it ends");
    assert_eq!(sandbox.get(&format!("/v1/subscription_schedules/{schedule}")).await["status"], "completed");
}

#[tokio::test]
async fn a_schedule_is_released_or_cancelled_with_its_subscription() {
    let sandbox = SandboxClient::new().await;
    let (one, two) = (scheduled(&sandbox).await, scheduled(&sandbox).await);

    let managed = sandbox
        .refused(400, &format!("/v1/subscriptions/{}", id(&one.sub)), &[("cancel_at_period_end", "true")])
        .await;
    assert!(
        text(&managed["message"])
            .contains(&format!("managed by the subscription schedule `{}`", one.schedule))
    );
    let released = sandbox.post(&format!("/v1/subscription_schedules/{}/release", one.schedule), &[]).await;
    let cancelled = sandbox.post(&format!("/v1/subscription_schedules/{}/cancel", two.schedule), &[]).await;

    assert_eq!((&released["status"], &cancelled["status"]), (&"released".into(), &"canceled".into()));
    assert_eq!(sandbox.subscription_status(&id(&one.sub)).await, "active");
    assert_eq!(sandbox.subscription_status(&id(&two.sub)).await, "canceled");
    sandbox.post(&format!("/v1/subscriptions/{}", id(&one.sub)), &[("cancel_at_period_end", "true")]).await;
    for what in ["release", "cancel"] {
        let path = format!("/v1/subscription_schedules/{}/{what}", one.schedule);
        let error = sandbox.refused(400, &path, &[]).await;
        assert!(text(&error["message"]).contains("currently in the `released` status"), "{error}");
    }
}

#[tokio::test]
async fn phases_that_do_not_follow_one_another_are_refused() {
    let sandbox = SandboxClient::new().await;
    let Scheduled { sub, schedule, pro, .. } = scheduled(&sandbox).await;
    let path = format!("/v1/subscription_schedules/{schedule}");
    let first = [("phases[0][items][0][price]", pro.as_str())];

    for (more, param) in [
        (vec![("phases[0][start_date]", "1")], "phases[0][start_date]"),
        (vec![("phases[1][items][0][price]", "price_no")], "phases[1][items][0][price]"),
        (vec![("phases[1][items][0][colour]", "red")], "phases[1][items][0][colour]"),
        (vec![("phases[0][end_date]", "1")], "phases[0][end_date]"),
        (vec![("phases[1][proration_behavior]", "x")], "phases[1][proration_behavior]"),
    ] {
        let error = sandbox.refused(400, &path, &[&first[..], &more].concat()).await;
        assert_eq!(error["param"], param, "{error}");
    }
    let again = sandbox.refused(400, "/v1/subscription_schedules", &[("from_subscription", &id(&sub))]).await;
    assert_eq!(again["param"], "from_subscription");
}
