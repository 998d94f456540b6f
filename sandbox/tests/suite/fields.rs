//! The fields without which Stripe's clients refuse an object, as a table: found by deleting fields
//! from real answers until the strictest client would not have them.
use crate::support::sandbox_client::{SandboxClient, id, text};
use serde_json::Value;

/// Object, and what it has: `name` any value but null, `name[]` a list, `name{…}` an object with
/// these in it (of a list, its first element).
const REQUIRED: [(&str, &str); 19] = [
    ("list", "data[] has_more url"),
    ("error", "error{type message request_log_url}"),
    ("customer", "id created livemode"),
    ("deleted customer", "id deleted"),
    ("product", "id active created updated images[] livemode marketing_features[] metadata{} name type"),
    (
        "price",
        "id active billing_scheme created currency livemode metadata{} product type recurring{interval interval_count usage_type}",
    ),
    (
        "subscription",
        "id automatic_tax{enabled} billing_cycle_anchor billing_mode{type} billing_schedules[] cancel_at_period_end collection_method created currency customer discounts[] invoice_settings{issuer{type}} items{data[] has_more url} livemode metadata{} start_date status",
    ),
    (
        "subscription_item",
        "id created current_period_start current_period_end discounts[] metadata{} price subscription plan{id active billing_scheme created currency interval interval_count livemode usage_type}",
    ),
    (
        "invoice",
        "id amount_due amount_overpaid amount_paid amount_remaining amount_shipping attempt_count attempted automatic_tax{enabled} collection_method created currency default_tax_rates[] discounts[] issuer{type} lines{data[]} livemode payment_settings{} period_start period_end post_payment_credit_notes_amount pre_payment_credit_notes_amount starting_balance status_transitions{} subtotal total",
    ),
    (
        "invoice line",
        "id amount currency discountable discounts[] livemode metadata{} period{start end} subtotal",
    ),
    (
        "payment_method",
        "id billing_details{} created livemode type card{brand exp_month exp_year last4 funding}",
    ),
    (
        "checkout.session",
        "id automatic_tax{enabled} created custom_fields[] custom_text{} expires_at livemode mode payment_method_types[] payment_status shipping_options[]",
    ),
    (
        "billing_portal.session",
        "id configuration created customer livemode url flow{after_completion{type} type}",
    ),
    (
        "billing_portal.configuration",
        "id active business_profile{} created updated is_default livemode login_page{enabled} features{customer_update{allowed_updates[] enabled} invoice_history{enabled} payment_method_update{enabled} subscription_cancel{cancellation_reason{enabled options[]} enabled mode proration_behavior} subscription_update{default_allowed_updates[] enabled proration_behavior schedule_at_period_end{conditions[]} trial_update_behavior}}",
    ),
    ("event", "id created data{object{}} livemode pending_webhooks type api_version request{id}"),
    ("active_entitlement", "id feature livemode lookup_key"),
    ("tax_id", "id created livemode type value"),
    ("webhook_endpoint", "id created enabled_events[] livemode metadata{} status url secret"),
    ("test_clock", "id created deletes_after frozen_time livemode status status_details{}"),
];

#[tokio::test]
async fn every_object_has_the_fields_that_clients_insist_on() {
    let sandbox = SandboxClient::new().await;
    for (kind, fields) in REQUIRED {
        let object = one(&sandbox, kind).await;
        let missing = missing(&object, fields, "");
        assert!(missing.is_empty(), "{kind} lacks {missing:?}:\n{object:#}");
    }
}

async fn one(sandbox: &SandboxClient, kind: &str) -> Value {
    let first = async |path: &str| sandbox.list(path).await[0].clone();
    let customer = sandbox.customer_with("pm_card_visa").await;
    let sub = sandbox.subscribe(&customer, "pro_month", &[]).await;
    let own = format!("/v1/customers/{customer}");
    match kind {
        "list" => sandbox.get("/v1/customers").await,
        "error" => sandbox.ask("GET", "/v1/customers/cus_no", &[]).await.json(),
        "customer" => sandbox.get(&own).await,
        "deleted customer" => sandbox.delete(&own).await,
        "product" => first("/v1/products").await,
        "price" => first("/v1/prices").await,
        "subscription" => sub,
        "subscription_item" => first(&format!("/v1/subscription_items?subscription={}", id(&sub))).await,
        "invoice" => first("/v1/invoices").await,
        "invoice line" => first(&format!("/v1/invoices/{}/lines", text(&sub["latest_invoice"]))).await,
        "payment_method" => first(&format!("{own}/payment_methods")).await,
        "checkout.session" => {
            let price = sandbox.price("pro_month").await;
            let fields = [
                ("mode", "subscription"),
                ("line_items[0][price]", &price),
                ("success_url", "https://a.test/"),
            ];
            sandbox.post("/v1/checkout/sessions", &fields).await
        }
        "billing_portal.session" => {
            let fields = [("customer", customer.as_str()), ("flow_data[type]", "payment_method_update")];
            sandbox.post("/v1/billing_portal/sessions", &fields).await
        }
        "billing_portal.configuration" => first("/v1/billing_portal/configurations").await,
        "event" => first("/v1/events").await,
        "active_entitlement" => {
            first(&format!("/v1/entitlements/active_entitlements?customer={customer}")).await
        }
        "tax_id" => {
            sandbox.post(&format!("{own}/tax_ids"), &[("type", "eu_vat"), ("value", "DE123456789")]).await
        }
        "webhook_endpoint" => {
            let fields = [("url", "http://localhost:1/hooks"), ("enabled_events[]", "*")];
            sandbox.post("/v1/webhook_endpoints", &fields).await
        }
        "test_clock" => sandbox.post("/v1/test_helpers/test_clocks", &[("frozen_time", "1798761600")]).await,
        other => panic!("nobody knows how to get {other}"),
    }
}

/// Names from the table that the object lacks.
fn missing(object: &Value, fields: &str, at: &str) -> Vec<String> {
    let mut lacking = Vec::new();
    let mut rest = fields.trim();
    while !rest.is_empty() {
        let end = rest.find([' ', '{', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, path) = (&object[name], format!("{at}{name}"));
        rest = if let Some(inside) = after.strip_prefix('{') {
            let close = closing(inside);
            match value.is_object() {
                true => lacking.append(&mut missing(value, &inside[..close], &format!("{path}."))),
                false => lacking.push(path),
            }
            &inside[close + 1..]
        } else if let Some(after) = after.strip_prefix("[]") {
            lacking.extend((!value.is_array()).then_some(path));
            after
        } else {
            lacking.extend(value.is_null().then_some(path));
            after
        }
        .trim_start();
    }
    lacking
}

/// Where the brace that is open closes.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    let at = text.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '{') - i32::from(*c == '}');
        depth == 0
    });
    at.expect("the table's braces are even").0
}
