//! The list of invoices: complete, as Stripe has it, and a way to each at Stripe that never expires.
use crate::{
    billing_app::{BillingApp, DAY, GOOD, NEVER_PAYS},
    support::stub::{Reply, Stub},
    test_app::{Org, TestApp},
};
use product::orgs::Role;
use serde_json::{Value, json};

/// An organisation with a customer, in front of a Stripe that holds these invoices, newest first.
struct Held {
    app: TestApp,
    owner: crate::support::http::Person,
    stub: Stub,
}

impl Held {
    async fn of(app: &TestApp) -> Self {
        let acme = app.org("acme").await;
        acme.owner.post("/orgs/acme/billing/portal").await.assert_status(303);
        let stub = Stub::answering([Reply::html_502()]);
        let app = app.restarted_with("STRIPE_API_BASE", &stub.url()).await;
        let owner = app.lets_in(&acme.owner);
        Self { app, owner, stub }
    }

    /// The owner asks for everything; Stripe answers its customer, no subscription, and these.
    async fn synced(&self, more: &[Value]) {
        let customer =
            json!({ "id": "cus_1", "object": "customer", "name": "acme", "email": "owner@acme.test" });
        let answers = [customer, list(&[], false)].into_iter().chain(more.iter().cloned());
        self.stub.now_answer(answers.map(|body| Reply::json("200 OK", &body)));
        self.owner.post("/orgs/acme/billing/sync").await.assert_redirects_to("/orgs/acme/billing");
    }

    async fn statuses(&self) -> Vec<String> {
        self.app
            .texts("select id || ' ' || status from billing_invoices order by created_at desc, id desc")
            .await
    }
}

fn list(data: &[Value], has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more })
}

fn invoice(number: i64, status: &str) -> Value {
    json!({ "id": format!("in_{number}"), "object": "invoice", "number": format!("A-{number:04}"), "status": status,
        "total": 2_900, "amount_remaining": if status == "open" { 2_900 } else { 0 }, "amount_paid": 0,
        "currency": "usd", "created": 1_700_000_000 + number * 2_592_000 })
}

/// Newest first, from this number down to that.
fn invoices(newest: i64, oldest: i64) -> Vec<Value> {
    (oldest..=newest).rev().map(|number| invoice(number, "paid")).collect()
}

#[portico_test]
async fn every_invoice_is_in_the_list_a_page_at_a_time(app: TestApp) {
    let it = Held::of(&app).await;
    it.synced(&[list(&invoices(60, 31), true), list(&invoices(30, 1), false)]).await;

    let mut seen = Vec::new();
    let mut path = "/orgs/acme/billing".to_owned();
    for _ in 0..5 {
        let page = it.owner.get(&path).await.assert_status(200).text();
        let rows = page.split("data-invoice=\"in_").skip(1);
        seen.extend(rows.map(|rest| rest.split('"').next().unwrap().parse::<i64>().unwrap()));
        let Some((_, next)) = page.split_once("?before=") else { break };
        path = format!("/orgs/acme/billing?before={}", next.split('#').next().unwrap());
    }

    assert_eq!(seen, (1..=60).rev().collect::<Vec<_>>());
    let asked: Vec<String> = it.stub.arrived().into_iter().map(|request| request.path).collect();
    assert!(asked.last().unwrap().contains("starting_after=in_31"), "{asked:?}");
    it.owner.get("/orgs/acme/billing?before=in_nobodys").await.assert_status(200);
}

/// Stripe's list has no filter for what changed, so an old invoice is read by its id.
#[portico_test]
async fn an_old_open_invoice_that_was_paid_is_paid_here_too(app: TestApp) {
    let it = Held::of(&app).await;
    let mut all = invoices(150, 1);
    all[149] = invoice(1, "open");
    it.synced(&[list(&all[..100], true), list(&all[100..], false)]).await;
    assert!(it.statuses().await.contains(&"in_1 open".to_owned()));
    it.owner.get("/orgs/acme/billing?before=in_20").await.assert_says("Pay");
    let customer = json!({ "id": "cus_1", "object": "customer" });
    let answers = [customer, list(&[], false), list(&all[..100], true), list(&[], false), invoice(1, "paid")];
    it.stub.now_answer(answers.map(|body| Reply::json("200 OK", &body)));

    it.owner.get("/orgs/acme/billing/return").await.assert_redirects_to("/orgs/acme/billing");

    assert!(it.statuses().await.contains(&"in_1 paid".to_owned()));
    let asked: Vec<String> =
        it.stub.arrived().into_iter().rev().take(3).map(|request| request.path).collect();
    assert!(asked[0].starts_with("/v1/invoices/in_1?") && asked[1].contains("status=open"), "{asked:?}");
    assert!(!asked[2].contains("starting_after"), "the rest of the list is not read again: {asked:?}");
}

#[portico_test]
async fn an_open_invoice_that_nobody_knew_is_found_however_old(app: TestApp) {
    let it = Held::of(&app).await;
    let all = invoices(150, 2);
    it.synced(&[list(&all[..100], true), list(&all[100..], false)]).await;
    let customer = json!({ "id": "cus_1", "object": "customer" });
    let open = list(&[invoice(1, "open")], false);
    let answers = [customer, list(&[], false), list(&all[..100], true), open];
    it.stub.now_answer(answers.map(|body| Reply::json("200 OK", &body)));

    it.owner.get("/orgs/acme/billing/return").await.assert_redirects_to("/orgs/acme/billing");

    assert_eq!(it.statuses().await.last().unwrap(), "in_1 open");
}

#[portico_test]
async fn a_draft_is_not_shown_and_one_that_was_deleted_is_forgotten(app: TestApp) {
    let it = Held::of(&app).await;
    let mut all = invoices(150, 1);
    all[0] = invoice(150, "draft");
    it.synced(&[list(&all[..100], true), list(&all[100..], false)]).await;
    it.owner.get("/orgs/acme/billing").await.assert_does_not_say("A-0150").assert_says("A-0149");
    it.owner.get("/orgs/acme/billing/invoices/in_150").await.assert_status(404);
    let gone = json!({ "error": { "type": "invalid_request_error", "code": "resource_missing", "param": "id",
        "message": "No such invoice: 'in_150'" } });
    let customer = json!({ "id": "cus_1", "object": "customer" });
    let answers = [customer, list(&[], false), list(&all[1..100], true), list(&[], false)];
    let answers = answers.map(|body| Reply::json("200 OK", &body)).into_iter();
    it.stub.now_answer(answers.chain([Reply::json("404 Not Found", &gone)]));

    it.owner.get("/orgs/acme/billing/return").await.assert_redirects_to("/orgs/acme/billing");

    assert_eq!(it.statuses().await[0], "in_149 paid");
}

#[portico_test]
async fn each_state_of_an_invoice_has_its_words_on_the_page(app: TestApp) {
    let it = Held::of(&app).await;
    let with = |number: i64, status: &str, more: Value| {
        let mut whole = invoice(number, status);
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let paid_by = |payment: &str| {
        let payment = json!({ "payment": { "type": "payment_intent", "payment_intent": payment } });
        json!({ "amount_paid": 2_900, "payments": list(&[payment], false) })
    };
    let held = [
        with(9, "open", json!({ "due_date": 4_000_000_000_u32 })),
        with(8, "open", json!({ "due_date": 1_700_000_000 })),
        with(7, "open", paid_by("pi_7")),
        with(6, "paid", json!({ "amount_paid": 2_900, "amount_paid_off_stripe": 2_900 })),
        with(5, "paid", paid_by("pi_5")),
        with(4, "paid", paid_by("pi_4")),
        with(3, "paid", json!({ "amount_paid": 2_900, "post_payment_credit_notes_amount": 500 })),
        with(2, "void", json!({})),
        with(1, "uncollectible", json!({})),
    ];
    let charge = |payment: &str, refunded: i64| json!({ "id": format!("ch_{payment}"), "payment_intent": payment, "amount_refunded": refunded });
    let payments = [json!({ "payment": { "payment_intent": { "id": "pi_7", "status": "processing" } } })];
    let charges = [charge("pi_7", 0), charge("pi_5", 1_000), charge("pi_4", 2_900)];

    it.synced(&[list(&held, false), list(&payments, false), list(&charges, false)]).await;

    let page = it.owner.get("/orgs/acme/billing").await.assert_status(200).text();
    let row = |number: i64| {
        page.split(&format!("data-invoice=\"in_{number}\"")).nth(1).unwrap().split("</tr>").next().unwrap()
    };
    for (number, words) in [
        (9, ">Open<"),
        (8, ">Overdue<"),
        (7, ">Processing<"),
        (6, ">Paid outside Stripe<"),
        (5, ">Partly refunded<"),
        (4, ">Refunded<"),
        (3, ">Paid<"),
        (2, ">Void<"),
        (1, ">Uncollectible<"),
    ] {
        assert!(row(number).contains(words), "{words}: {}", row(number));
    }
    assert!(row(5).contains("$10.00 refunded") && row(3).contains("$5.00 credited"), "{page}");
    assert!(row(9).contains("Due ") && row(9).contains("Pay<"), "{}", row(9));
    assert!(!row(7).contains("Pay<"), "a bank is working on it: {}", row(7));
}

#[portico_test]
async fn a_key_that_may_not_read_charges_still_keeps_the_list(app: TestApp) {
    let it = Held::of(&app).await;
    let payment = json!({ "payment": { "type": "payment_intent", "payment_intent": "pi_1" } });
    let mut paid = invoice(1, "paid");
    paid["amount_paid"] = json!(2_900);
    paid["payments"] = list(&[payment], false);
    let customer = json!({ "id": "cus_1", "object": "customer" });
    let answers = [customer, list(&[], false), list(&[paid], false)];
    let refused = Reply::json("403 Forbidden", &json!({ "error": { "type": "invalid_request_error" } }));
    it.stub.now_answer(answers.map(|body| Reply::json("200 OK", &body)).into_iter().chain([refused]));

    it.owner.post("/orgs/acme/billing/sync").await.assert_redirects_to("/orgs/acme/billing");

    assert_eq!(it.statuses().await, ["in_1 paid"]);
}

/// An organisation that pays by card, and its newest invoice.
async fn with_an_invoice(app: TestApp) -> (BillingApp, Org, String) {
    let it = BillingApp::of(app).await;
    let acme = it.org("acme").await;
    it.subscribe(&acme, "business", "month", GOOD).await;
    let id = it.app.texts("select id from billing_invoices").await.remove(0);
    (it, acme, id)
}

#[portico_test]
async fn an_invoice_is_opened_at_stripe_and_its_link_is_asked_for_at_the_click(app: TestApp) {
    let (it, acme, id) = with_an_invoice(app).await;
    let bea = it.app.joins(&acme, Role::Billing).await;
    let listed = acme.owner.get("/orgs/acme/billing").await;
    listed.assert_says(&format!("/orgs/acme/billing/invoices/{id}\"")).assert_does_not_say("/i/");

    let page = bea.get(&format!("/orgs/acme/billing/invoices/{id}")).await;
    let pdf = acme.owner.get(&format!("/orgs/acme/billing/invoices/{id}/pdf")).await;

    page.assert_status(303).assert_redirects_to(&format!("{}/i/", it.app.stripe));
    assert!(pdf.assert_status(303).location().contains("/pdf"), "{}", pdf.location());
    assert_eq!(page.header_text("cache-control"), "no-store");
    let held = it.app.at_stripe("/v1/invoices?limit=1").await;
    assert_eq!(Some(page.location()), held[0]["hosted_invoice_url"].as_str());
}

#[portico_test]
async fn an_invoice_of_somebody_else_is_not_found_and_stripe_is_not_asked(app: TestApp) {
    let (it, acme, id) = with_an_invoice(app).await;
    let globex = it.org("globex").await;
    let down = it.app.restarted_with("STRIPE_API_BASE", "http://127.0.0.1:9").await;
    let (olivia, gregor) = (down.lets_in(&acme.owner), down.lets_in(&globex.owner));

    for path in ["", "/pdf"] {
        gregor.get(&format!("/orgs/acme/billing/invoices/{id}{path}")).await.assert_status(404);
        gregor.get(&format!("/orgs/globex/billing/invoices/{id}{path}")).await.assert_status(404);
        olivia.get(&format!("/orgs/acme/billing/invoices/in_0{path}")).await.assert_status(404);
        olivia.get(&format!("/orgs/acme/billing/invoices/..%2Fcustomers{path}")).await.assert_status(404);
    }
    let away = olivia.get(&format!("/orgs/acme/billing/invoices/{id}")).await;
    away.assert_status(503).assert_says("Stripe did not answer");
}

#[portico_test]
async fn an_invoices_page_on_a_foreign_host_is_not_followed(app: TestApp) {
    let it = Held::of(&app).await;
    it.synced(&[list(&invoices(1, 1), false)]).await;
    let mut foreign = invoice(1, "paid");
    foreign["hosted_invoice_url"] = json!("https://invoice.stripe.com.evil.test/i/x");
    it.stub.now_answer([Reply::json("200 OK", &foreign)]);

    let page = it.owner.get("/orgs/acme/billing/invoices/in_1").await;

    page.assert_status(503);
    assert_eq!(page.header_text("location"), "");
    it.stub.now_answer([Reply::json("200 OK", &invoice(1, "paid"))]);
    it.owner.get("/orgs/acme/billing/invoices/in_1").await.assert_redirects_to("/orgs/acme/billing");
    it.owner.get("/orgs/acme/billing").await.assert_says("Stripe has no page for this invoice");
}

#[portico_test]
async fn whoever_is_signed_out_comes_to_the_invoice_after_signing_in(app: TestApp) {
    let (it, acme, id) = with_an_invoice(app).await;
    let path = format!("/orgs/acme/billing/invoices/{id}");

    let asked = it.app.visitor().get(&path).await;

    assert_eq!(asked.location(), format!("/sign-in?next={}", path.replace('/', "%2F")));
    it.app.joins(&acme, Role::Member).await.get(&path).await.assert_status(403);
}

#[portico_test]
async fn an_invoice_that_is_refunded_long_after_says_so(app: TestApp) {
    let (it, acme, id) = with_an_invoice(app).await;
    let customer = it.customer_of("acme").await;

    it.act(&customer, "refund", json!({ "invoice": id, "amount": 500 })).await;
    it.settled().await;
    acme.owner.get("/orgs/acme/billing").await.assert_says("Partly refunded").assert_says("$5.00 refunded");
    it.act(&customer, "refund", json!({ "invoice": id, "amount": 1_000 })).await;
    it.settled().await;

    acme.owner.get("/orgs/acme/billing").await.assert_says(">Refunded<");
}

/// An open invoice of a plan that nobody can charge for: what becomes of it after this action.
async fn an_open_invoice_after(app: TestApp, action: &str) -> (BillingApp, Org) {
    let (it, acme, _) = with_an_invoice(app).await;
    it.charge_with("acme", NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(DAY).await;
    it.settled().await;
    acme.owner.get("/orgs/acme/billing").await.assert_says(">Open<");
    let open = it.app.texts("select id from billing_invoices where status = 'open'").await.remove(0);

    it.act(&it.customer_of("acme").await, action, json!({ "invoice": open })).await;
    it.settled().await;

    (it, acme)
}

#[portico_test]
async fn an_open_invoice_that_is_marked_uncollectible_says_so(app: TestApp) {
    let (_it, acme) = an_open_invoice_after(app, "mark_uncollectible").await;

    acme.owner.get("/orgs/acme/billing").await.assert_says(">Uncollectible<");
}

#[portico_test]
async fn an_open_invoice_that_is_paid_outside_says_so(app: TestApp) {
    let (_it, acme) = an_open_invoice_after(app, "mark_paid_out_of_band").await;

    acme.owner.get("/orgs/acme/billing").await.assert_says(">Paid outside Stripe<");
}

/// It is neither paid nor to be paid: the bank takes some days.
#[portico_test]
async fn an_invoice_that_a_bank_is_debiting_is_processing(app: TestApp) {
    let (it, acme) = an_open_invoice_after_debit(app).await;

    acme.owner.get("/orgs/acme/billing").await.assert_says(">Processing<").assert_does_not_say("Pay<span");
    it.act(&it.customer_of("acme").await, "settle_debit", json!({ "outcome": "succeeded" })).await;
    it.settled().await;

    acme.owner.get("/orgs/acme/billing").await.assert_does_not_say(">Processing<");
    assert_eq!(it.app.count("select count(*) from billing_invoices where status = 'open'").await, 0);
}

/// An open invoice that somebody pays from a bank account.
async fn an_open_invoice_after_debit(app: TestApp) -> (BillingApp, Org) {
    let (it, acme, _) = with_an_invoice(app).await;
    it.charge_with("acme", NEVER_PAYS).await;
    it.advance_to(json!("next_renewal")).await;
    it.advance(DAY).await;
    it.settled().await;
    let open = it.app.texts("select id from billing_invoices where status = 'open'").await.remove(0);
    let pay = json!({ "invoice": open, "method": "sepa_debit" });
    it.act(&it.customer_of("acme").await, "pay_by", pay).await;
    it.settled().await;
    (it, acme)
}
