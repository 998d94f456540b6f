//! What the sandbox says, read with async-stripe's own strict types: one required field less, and
//! the real client would refuse the whole answer.
use crate::support::sandbox_client::{DAY, NEW_YEAR, SandboxClient, id, text};
use serde_json::{Value, json};
use stripe_billing::{BillingPortalConfiguration, BillingPortalSession, InvoiceItem};
use stripe_misc::{DeletedWebhookEndpoint, EntitlementsActiveEntitlement, WebhookEndpoint};
use stripe_shared::*;
use stripe_types::List;

#[track_caller]
fn reads<T: miniserde::Deserialize>(object: &Value) -> T {
    miniserde::json::from_str(&object.to_string())
        .unwrap_or_else(|_| panic!("{} refuses\n{object:#}", std::any::type_name::<T>()))
}

/// `object` with these properties expanded.
fn expanding(path: &str, parts: &[&str]) -> String {
    let query: Vec<String> = parts.iter().map(|part| format!("expand[]={part}")).collect();
    format!("{path}{}{}", if path.contains('?') { '&' } else { '?' }, query.join("&"))
}

#[tokio::test]
async fn the_catalogue_is_as_the_client_expects_it() {
    let sandbox = SandboxClient::new().await;

    reads::<List<Product>>(&sandbox.get("/v1/products").await);
    let prices: List<Price> = reads(&sandbox.get("/v1/prices?expand[]=data.product").await);
    let once = [("currency", "usd"), ("unit_amount", "500"), ("product_data[name]", "Setup")];
    reads::<Price>(&sandbox.post("/v1/prices", &once).await);
    reads::<List<Coupon>>(&sandbox.get("/v1/coupons").await);
    reads::<List<PromotionCode>>(&sandbox.get("/v1/promotion_codes?expand[]=data.promotion.coupon").await);

    assert!(prices.data.iter().all(|price| price.product.is_object() && price.recurring.is_some()));
    let gone = sandbox.delete("/v1/coupons/welcome25").await;
    reads::<DeletedCoupon>(&gone);
}

#[tokio::test]
async fn customers_and_what_is_theirs_can_be_read() {
    let sandbox = SandboxClient::new().await;
    let customer = sandbox.customer_with("pm_card_visa").await;
    let path = format!("/v1/customers/{customer}");

    let whole = expanding(&path, &["invoice_settings.default_payment_method", "subscriptions", "tax_ids"]);
    let read: Customer = reads(&sandbox.get(&whole).await);
    assert!(read.invoice_settings.unwrap().default_payment_method.unwrap().is_object());
    reads::<List<Customer>>(&sandbox.get("/v1/customers").await);
    reads::<List<PaymentMethod>>(&sandbox.get(&format!("/v1/payment_methods?customer={customer}")).await);
    reads::<List<PaymentMethod>>(&sandbox.get(&format!("{path}/payment_methods")).await);
    let fields = [("type", "eu_vat"), ("value", "DE123456789")];
    let tax_id = sandbox.post(&format!("{path}/tax_ids"), &fields).await;
    reads::<TaxId>(&tax_id);
    reads::<List<TaxId>>(&sandbox.get(&format!("{path}/tax_ids")).await);
    reads::<DeletedTaxId>(&sandbox.delete(&format!("{path}/tax_ids/{}", id(&tax_id))).await);

    reads::<DeletedCustomer>(&sandbox.delete(&path).await);
    let gone: stripe_core::customer::RetrieveCustomerReturned = reads(&sandbox.get(&path).await);
    assert!(matches!(gone, stripe_core::customer::RetrieveCustomerReturned::DeletedCustomer(_)));
}

#[tokio::test]
async fn a_checkout_session_can_be_read_open_expired_and_complete() {
    let sandbox = SandboxClient::new().await;
    let customer = sandbox.customer_with("pm_card_visa").await;
    let price = sandbox.price("pro_month").await;
    let fields = [
        ("mode", "subscription"),
        ("customer", &customer),
        ("line_items[0][price]", &price),
        ("success_url", "https://portico.test/return?session_id={CHECKOUT_SESSION_ID}"),
        ("discounts[0][coupon]", "welcome25"),
        ("subscription_data[trial_period_days]", "14"),
    ];

    let open = sandbox.post("/v1/checkout/sessions", &fields).await;
    let session: CheckoutSession = reads(&open);
    assert!(session.url.is_some() && session.success_url.unwrap().contains("{CHECKOUT_SESSION_ID}"));
    let path = format!("/v1/checkout/sessions/{}", id(&open));
    let whole: CheckoutSession = reads(&sandbox.get(&expanding(&path, &["line_items", "customer"])).await);
    assert_eq!(whole.line_items.unwrap().data.len(), 1);
    reads::<List<CheckoutSessionItem>>(&sandbox.get(&format!("{path}/line_items")).await);
    reads::<List<CheckoutSession>>(&sandbox.get("/v1/checkout/sessions").await);

    sandbox.act(json!({ "action": "complete_checkout", "session": id(&open) })).await;
    let whole = expanding(&path, &["line_items", "subscription", "invoice", "customer"]);
    let complete: CheckoutSession = reads(&sandbox.get(&whole).await);
    assert!(complete.subscription.unwrap().is_object());
    let other = sandbox.post("/v1/checkout/sessions", &fields).await;
    let expired: CheckoutSession =
        reads(&sandbox.post(&format!("/v1/checkout/sessions/{}/expire", id(&other)), &[]).await);
    assert!(expired.url.is_none());
}

#[tokio::test]
async fn a_subscription_can_be_read_in_each_of_its_states() {
    let sandbox = SandboxClient::new().await;
    let (good, bad) = (
        sandbox.customer_with("pm_card_visa").await,
        sandbox.customer_with("pm_card_chargeCustomerFail").await,
    );
    let card = text(
        &sandbox.get(&format!("/v1/customers/{good}")).await["invoice_settings"]["default_payment_method"],
    );
    let trial = [("trial_period_days", "14"), ("default_payment_method", card.as_str())];

    let trialing = sandbox.subscribe(&good, "pro_month", &trial).await;
    let active = sandbox.subscribe(&good, "business_month", &[("discounts[0][coupon]", "welcome25")]).await;
    let incomplete = sandbox.subscribe(&bad, "pro_month", &[]).await;
    let canceled = sandbox.subscribe(&good, "pro_year", &[]).await;
    sandbox.delete(&format!("/v1/subscriptions/{}", id(&canceled))).await;
    let paused = sandbox.subscribe(&good, "pro_year", &[]).await;
    sandbox.post(&format!("/v1/subscriptions/{}/pause", id(&paused)), &[]).await;
    let leaving = sandbox.subscribe(&good, "pro_year", &[("cancel_at_period_end", "true")]).await;
    let late = sandbox.subscribe(&bad, "pro_month", &[("trial_period_days", "1")]).await;
    sandbox.wait_until(NEW_YEAR + DAY + 2 * 3600).await;

    for (made, status) in [
        (&trialing, "trialing"),
        (&active, "active"),
        (&incomplete, "incomplete_expired"),
        (&canceled, "canceled"),
        (&paused, "paused"),
        (&leaving, "active"),
        (&late, "past_due"),
    ] {
        let parts = ["latest_invoice.payments", "default_payment_method", "customer", "discounts"];
        let said = sandbox.get(&expanding(&format!("/v1/subscriptions/{}", id(made)), &parts)).await;
        assert_eq!(said["status"], status);
        let read: Subscription = reads(&said);
        assert!(read.customer.is_object() && read.latest_invoice.unwrap().is_object());
        let items = format!("/v1/subscription_items?subscription={}", id(made));
        reads::<List<SubscriptionItem>>(&sandbox.get(&items).await);
    }
    let all = expanding("/v1/subscriptions?status=all", &["data.latest_invoice", "data.customer"]);
    assert_eq!(reads::<List<Subscription>>(&sandbox.get(&all).await).data.len(), 7);
    let entitled = format!("/v1/entitlements/active_entitlements?customer={good}");
    assert!(!reads::<List<EntitlementsActiveEntitlement>>(&sandbox.get(&entitled).await).data.is_empty());
    reads::<List<EntitlementsFeature>>(&sandbox.get("/v1/entitlements/features").await);
}

#[tokio::test]
async fn an_invoice_can_be_read_draft_open_paid_void_and_not_yet_there() {
    let sandbox = SandboxClient::new().await;
    let customer = sandbox.customer_with("pm_card_visa").await;
    let sub = id(&sandbox.subscribe(&customer, "pro_month", &[]).await);
    let invoice = |status| {
        let path = format!("/v1/invoices?subscription={sub}&status={status}");
        expanding(&path, &["data.payments", "data.customer"])
    };

    let paid = sandbox.get(&invoice("paid")).await;
    let read: List<Invoice> = reads(&paid);
    assert_eq!(read.data[0].payments.as_ref().unwrap().data.len(), 1);
    let intent = text(&paid["data"][0]["payments"]["data"][0]["payment"]["payment_intent"]);
    let intent = sandbox.get(&expanding(&format!("/v1/payment_intents/{intent}"), &["latest_charge"])).await;
    assert!(reads::<PaymentIntent>(&intent).latest_charge.unwrap().is_object());
    reads::<Charge>(&sandbox.get(&format!("/v1/charges/{}", id(&intent["latest_charge"]))).await);
    let of = id(&paid["data"][0]);
    reads::<List<InvoicePayment>>(&sandbox.get(&format!("/v1/invoice_payments?invoice={of}")).await);
    reads::<List<InvoiceLineItem>>(&sandbox.get(&format!("/v1/invoices/{of}/lines")).await);

    let preview = sandbox.post("/v1/invoices/create_preview", &[("subscription", &sub)]).await;
    reads::<Invoice>(&preview);
    sandbox.wait_until(NEW_YEAR + 31 * DAY).await;
    let draft: List<Invoice> = reads(&sandbox.get(&invoice("draft")).await);
    assert_eq!(draft.data.len(), 1);
    let fields = [("invoice_settings[default_payment_method]", "")];
    sandbox.post(&format!("/v1/customers/{customer}"), &fields).await;
    sandbox.wait_until(NEW_YEAR + 31 * DAY + 3600).await;
    let open = sandbox.get(&invoice("open")).await;
    assert_eq!(reads::<List<Invoice>>(&open).data.len(), 1);
    let void = sandbox.post(&format!("/v1/invoices/{}/void", id(&open["data"][0])), &[]).await;
    reads::<Invoice>(&void);
}

#[tokio::test]
async fn the_portals_configuration_and_every_flow_can_be_read() {
    let sandbox = SandboxClient::new().await;
    let customer = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&customer, "pro_month", &[]).await;
    let (sub, item, year) = (id(&sub), id(&sub["items"]["data"][0]), sandbox.price("pro_year").await);
    let configurations: List<BillingPortalConfiguration> =
        reads(&sandbox.get("/v1/billing_portal/configurations").await);
    let bare =
        sandbox.post("/v1/billing_portal/configurations", &[("features[invoice_history][enabled]", "true")]);
    reads::<BillingPortalConfiguration>(&bare.await);
    assert_eq!(configurations.data.len(), 1);

    let flows: [&[(&str, &str)]; 6] = [
        &[],
        &[("flow_data[type]", "payment_method_update")],
        &[("flow_data[type]", "customer_update")],
        &[("flow_data[type]", "subscription_cancel"), ("flow_data[subscription_cancel][subscription]", &sub)],
        &[("flow_data[type]", "subscription_update"), ("flow_data[subscription_update][subscription]", &sub)],
        &[
            ("flow_data[type]", "subscription_update_confirm"),
            ("flow_data[subscription_update_confirm][subscription]", &sub),
            ("flow_data[subscription_update_confirm][items][0][id]", &item),
            ("flow_data[subscription_update_confirm][items][0][price]", &year),
            ("flow_data[after_completion][type]", "redirect"),
            ("flow_data[after_completion][redirect][return_url]", "https://portico.test/back?a=1&b=2"),
        ],
    ];
    for flow in flows {
        let fields = [&[("customer", customer.as_str()), ("expand[]", "configuration")], flow].concat();
        let said = sandbox.post("/v1/billing_portal/sessions", &fields).await;
        let session: BillingPortalSession = reads(&said);
        assert_eq!(session.flow.is_some(), !flow.is_empty());
        assert!(session.url.starts_with(&sandbox.url), "{}", session.url);
    }
}

#[tokio::test]
async fn a_change_that_waits_can_be_read_as_a_schedule() {
    let sandbox = SandboxClient::new().await;
    let customer = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&customer, "pro_year", &[]).await;
    let configuration = id(&sandbox.list("/v1/billing_portal/configurations").await[0]);
    let waits = "features[subscription_update][schedule_at_period_end][conditions][0][type]";
    let path = format!("/v1/billing_portal/configurations/{configuration}");
    sandbox.post(&path, &[(waits, "shortening_interval")]).await;

    let switch = json!({ "customer": customer, "action": "switch_plan", "price": "pro_month" });
    sandbox.act(switch).await;

    let whole = expanding(&format!("/v1/subscriptions/{}", id(&sub)), &["schedule"]);
    assert!(reads::<Subscription>(&sandbox.get(&whole).await).schedule.unwrap().is_object());
    reads::<List<SubscriptionSchedule>>(&sandbox.get("/v1/subscription_schedules").await);
}

#[tokio::test]
async fn endpoints_and_clocks_can_be_read() {
    let sandbox = SandboxClient::new().await;
    let fields = [("url", "http://localhost:3000/webhooks/stripe"), ("enabled_events[]", "*")];

    let endpoint: WebhookEndpoint = reads(&sandbox.post("/v1/webhook_endpoints", &fields).await);
    assert!(endpoint.secret.unwrap().starts_with("whsec_"));
    reads::<List<WebhookEndpoint>>(&sandbox.get("/v1/webhook_endpoints").await);
    reads::<DeletedWebhookEndpoint>(&sandbox.delete(&format!("/v1/webhook_endpoints/{}", endpoint.id)).await);
    let clock = sandbox.post("/v1/test_helpers/test_clocks", &[("frozen_time", "1800000000")]).await;
    reads::<TestHelpersTestClock>(&clock);
    let path = format!("/v1/test_helpers/test_clocks/{}", id(&clock));
    let later = sandbox.post(&format!("{path}/advance"), &[("frozen_time", "1800003600")]).await;
    assert_eq!(reads::<TestHelpersTestClock>(&later).frozen_time, 1_800_003_600);
    reads::<List<TestHelpersTestClock>>(&sandbox.get("/v1/test_helpers/test_clocks").await);
    reads::<DeletedTestHelpersTestClock>(&sandbox.delete(&path).await);
}

/// A year of a customer's life, and each object of each event as its own type.
#[tokio::test]
async fn every_event_of_a_busy_year_can_be_read() {
    let sandbox = SandboxClient::new().await;
    let customer = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&customer, "pro_month", &[("trial_period_days", "7")]).await;
    let path = format!("/v1/subscriptions/{}", id(&sub));
    sandbox.wait_until(NEW_YEAR + 20 * DAY).await;
    let (item, seats) = (id(&sub["items"]["data"][0]), sandbox.price("business_month").await);
    let switch = [("items[0][id]", item.as_str()), ("items[0][price]", &seats), ("items[0][quantity]", "3")];
    sandbox.post(&path, &switch).await;
    sandbox.post(&path, &[("cancel_at_period_end", "true")]).await;
    sandbox.post(&path, &[("cancel_at_period_end", "false")]).await;
    let attach = "/v1/payment_methods/pm_card_chargeCustomerFail/attach";
    let declines = id(&sandbox.post(attach, &[("customer", &customer)]).await);
    sandbox.post(&path, &[("default_payment_method", &declines)]).await;

    let mut kinds = std::collections::BTreeSet::new();
    for month in 1..4 {
        kinds.extend(read_events(&sandbox).await); // they are forgotten after 30 days
        sandbox.wait_until(NEW_YEAR + (20 + month * 20) * DAY).await;
    }
    kinds.extend(read_events(&sandbox).await);

    for kind in
        ["invoice.upcoming", "invoice.payment_failed", "customer.subscription.deleted", "invoiceitem.created"]
    {
        assert!(kinds.contains(kind), "{kind} is among {kinds:?}");
    }
}

#[tokio::test]
async fn what_real_accounts_hold_can_be_read() {
    let sandbox = SandboxClient::new().await;
    let olivia = sandbox.customer("Olivia").await;
    let balance = format!("/v1/customers/{olivia}/balance_transactions");
    for kind in ["link", "sepa_debit", "us_bank_account", "bacs_debit", "paypal", "cashapp", "moonpay"] {
        let made = sandbox.post("/v1/payment_methods", &[("type", kind)]).await;
        assert_eq!(reads::<PaymentMethod>(&made).type_.to_string(), kind);
    }
    let mut subs = Vec::new();
    for (method, settles) in [("sepa_debit", "succeeded"), ("us_bank_account", "failed"), ("link", "")] {
        let session = sandbox.checkout_session(&olivia, "business_month", &[]).await;
        let pay = json!({ "customer": olivia, "action": "pay_by", "session": session, "method": method });
        let touched = sandbox.act(pay).await;
        let invoice = touched.iter().find(|id| id.starts_with("in_")).unwrap();
        subs.push(touched.iter().find(|id| id.starts_with("sub_")).unwrap().clone());
        let path = format!(
            "/v1/invoice_payments?invoice={invoice}&expand[]=data.payment.payment_intent.latest_charge"
        );
        reads::<List<InvoicePayment>>(&sandbox.get(&path).await);
        if !settles.is_empty() {
            let settle = json!({ "customer": olivia, "action": "settle_debit", "invoice": invoice, "outcome": settles });
            sandbox.act(settle).await;
        }
        reads::<List<InvoicePayment>>(&sandbox.get(&path).await);
    }
    let paid = text(&sandbox.subscription(&subs[2]).await["latest_invoice"]);
    sandbox.act(json!({ "customer": olivia, "action": "refund", "invoice": paid, "amount": 100 })).await;
    let note =
        [("invoice", paid.as_str()), ("amount", "400"), ("refund_amount", "300"), ("credit_amount", "100")];
    let note = sandbox.post("/v1/credit_notes", &note).await;
    assert_eq!(reads::<CreditNote>(&note).post_payment_amount, 400);
    reads::<List<CreditNote>>(&sandbox.get("/v1/credit_notes?expand[]=data.refunds.refund").await);
    assert_eq!(reads::<List<Refund>>(&sandbox.get("/v1/refunds").await).data.len(), 2);
    sandbox.post(&balance, &[("amount", "-500"), ("currency", "usd")]).await;
    reads::<List<CustomerBalanceTransaction>>(&sandbox.get(&balance).await);

    let schedule = sandbox.post("/v1/subscription_schedules", &[("from_subscription", &subs[2])]).await;
    let pro = sandbox.price("pro_month").await;
    let phases = [
        ("phases[0][items][0][price]", sandbox.price("business_month").await),
        ("phases[1][items][0][price]", pro.clone()),
    ];
    let phases: Vec<(&str, &str)> = phases.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let path = format!("/v1/subscription_schedules/{}", id(&schedule));
    assert_eq!(reads::<SubscriptionSchedule>(&sandbox.post(&path, &phases).await).phases.len(), 2);
    let preview = sandbox.post("/v1/invoices/create_preview", &[("schedule", &id(&schedule))]).await;
    assert_eq!(reads::<Invoice>(&preview).total, 2_900);
    reads::<SubscriptionSchedule>(&sandbox.post(&format!("{path}/release"), &[]).await);
    sandbox.act(json!({ "customer": olivia, "action": "add_discount", "coupon": "welcome25" })).await;
    assert!(reads::<Customer>(&sandbox.get(&format!("/v1/customers/{olivia}")).await).discount.is_some());
    let discounts = [("discounts[0][coupon]", "welcome25"), ("expand[]", "discounts.source.coupon")];
    let said: Subscription =
        reads(&sandbox.post(&format!("/v1/subscriptions/{}", subs[0]), &discounts).await);
    let coupon = said.discounts[0].as_object().and_then(|it| it.source.coupon.as_ref());
    assert!(coupon.is_some_and(|coupon| coupon.is_object()));

    let (_, open) = sandbox.open_invoice(&olivia).await;
    let outside = sandbox.post(&format!("/v1/invoices/{open}/pay"), &[("paid_out_of_band", "true")]).await;
    assert!(reads::<Invoice>(&outside).amount_paid_off_stripe.is_some());
    reads::<List<InvoicePayment>>(&sandbox.get(&format!("/v1/invoice_payments?invoice={open}")).await);
    let tiers = [
        ("product", text(&sandbox.get(&format!("/v1/prices/{pro}")).await["product"])),
        ("currency", "usd".into()),
        ("billing_scheme", "tiered".into()),
        ("tiers_mode", "graduated".into()),
        ("tiers[0][up_to]", "inf".into()),
        ("tiers[0][unit_amount]", "100".into()),
        ("expand[]", "tiers".into()),
    ];
    let tiers: Vec<(&str, &str)> = tiers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(reads::<Price>(&sandbox.post("/v1/prices", &tiers).await).tiers.unwrap().len(), 1);
    read_events(&sandbox).await;
}

/// Reads the events of the last days, each object as its own type; their kinds.
async fn read_events(sandbox: &SandboxClient) -> Vec<String> {
    let events = sandbox.get("/v1/events?limit=100").await;
    reads::<List<Event>>(&events);
    let of_the_catalogue = ["product.", "price.", "coupon.", "promotion_code.", "billing_portal."];
    let mut events = events["data"].as_array().unwrap().clone();
    events.retain(|event| !of_the_catalogue.iter().any(|kind| text(&event["type"]).starts_with(kind)));
    for object in events.iter().map(|event| &event["data"]["object"]) {
        match object["object"].as_str().unwrap() {
            "customer" => drop(reads::<Customer>(object)),
            "subscription" => drop(reads::<Subscription>(object)),
            "invoice" => drop(reads::<Invoice>(object)),
            "payment_method" => drop(reads::<PaymentMethod>(object)),
            "payment_intent" => drop(reads::<PaymentIntent>(object)),
            "charge" => drop(reads::<Charge>(object)),
            "invoiceitem" => drop(reads::<InvoiceItem>(object)),
            "test_helpers.test_clock" => drop(reads::<TestHelpersTestClock>(object)),
            "checkout.session" => drop(reads::<CheckoutSession>(object)),
            "subscription_schedule" => drop(reads::<SubscriptionSchedule>(object)),
            "discount" => drop(reads::<Discount>(object)),
            "refund" => drop(reads::<Refund>(object)),
            "credit_note" => drop(reads::<CreditNote>(object)),
            other => panic!("{other} is read by nobody"),
        }
    }
    events.iter().map(|event| text(&event["type"])).collect()
}
