//! Subscriptions, their items, discounts and schedules.
use super::{
    catalogue::{plan, price},
    json::{merged, whole},
};
use crate::{objects::*, state::World};
use serde_json::{Value, json};

pub fn subscription(w: &World, s: &Subscription) -> Value {
    let items = s.items.iter().map(|item| subscription_item(w, s, item)).collect();
    let discounts: Vec<&String> = s.discounts.iter().map(|d| &d.id).collect();
    let cancellation = &s.cancellation;
    let first = json!({
        "id": s.id, "object": "subscription", "application": null, "application_fee_percent": null,
        "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null },
        "billing_cycle_anchor": s.billing_cycle_anchor, "billing_cycle_anchor_config": null,
        "billing_mode": { "type": s.billing_mode,
            "flexible": s.is_flexible().then(|| json!({ "proration_discounts": "included" })) },
        "billing_schedules": [], "billing_thresholds": null, "cancel_at": s.cancel_at,
        "cancel_at_period_end": s.cancel_at_period_end, "canceled_at": s.canceled_at,
        "cancellation_details": { "comment": cancellation.comment, "feedback": cancellation.feedback,
            "reason": cancellation.reason },
        "collection_method": s.collection_method, "created": s.created, "currency": s.currency,
        "customer": s.customer, "customer_account": null, "days_until_due": s.days_until_due,
        "default_payment_method": s.default_payment_method, "default_source": null, "default_tax_rates": [],
        "description": s.description, "discounts": discounts, "ended_at": s.ended_at,
        "invoice_settings": { "account_tax_ids": null, "issuer": { "type": "self" } },
        "items": whole(&format!("/v1/subscription_items?subscription={}", s.id), items),
        "latest_invoice": s.latest_invoice, "livemode": false, "metadata": s.metadata,
    });
    merged([first, rest(s)])
}

fn rest(s: &Subscription) -> Value {
    let pause = s.pause_collection.as_ref();
    let paused = s.paused.as_ref().filter(|_| s.status == "paused");
    json!({
        "next_pending_invoice_item_invoice": null, "on_behalf_of": null,
        "pause_collection": pause.map(|p| json!({ "behavior": p.behavior, "resumes_at": p.resumes_at })),
        "payment_settings": { "payment_method_options": null, "payment_method_types": null,
            "save_default_payment_method": "off" },
        "pending_invoice_item_interval": null, "pending_setup_intent": null, "pending_update": null,
        "schedule": s.schedule, "start_date": s.start_date, "status": s.status,
        "status_details": paused.map(|p| json!({ "paused": { "type": "subscription", "transitioned_at": p.since,
            "subscription": { "type": p.why } } })),
        "test_clock": s.test_clock, "transfer_data": null, "trial_end": s.trial_end,
        "trial_settings": { "end_behavior": { "missing_payment_method": s.missing_payment_method } },
        "trial_start": s.trial_start,
    })
}

pub fn subscription_item(w: &World, s: &Subscription, item: &Item) -> Value {
    let sold = w.prices.get(&item.price);
    json!({
        "id": item.id, "object": "subscription_item", "billing_thresholds": null, "created": item.created,
        "current_period_end": item.current_period_end, "current_period_start": item.current_period_start,
        "discounts": [], "metadata": item.metadata, "plan": sold.map(plan), "price": sold.map(price),
        "quantity": item.quantity, "subscription": s.id, "tax_rates": [],
    })
}

pub fn discount(d: &Discount) -> Value {
    json!({
        "id": d.id, "object": "discount", "checkout_session": d.checkout_session, "customer": d.customer,
        "customer_account": null, "end": d.end, "invoice": null, "invoice_item": null,
        "promotion_code": d.promotion_code, "source": { "type": "coupon", "coupon": d.coupon }, "start": d.start,
        "subscription": d.subscription, "subscription_item": null,
    })
}

pub fn deleted_discount(d: &Discount) -> Value {
    merged([discount(d), json!({ "deleted": true })])
}

pub fn schedule(w: &World, s: &Schedule) -> Value {
    let sub = w.subscriptions.get(&s.subscription);
    let phases: Vec<Value> = s.phases.iter().map(|it| phase(sub, it)).collect();
    let now = s.phases.get(s.begun).filter(|_| s.status == "active");
    let current = now.map(|now| json!({ "start_date": now.start, "end_date": now.end }));
    let method = sub.map_or("charge_automatically", |sub| &sub.collection_method);
    json!({
        "id": s.id, "object": "subscription_schedule", "application": null,
        "billing_mode": { "type": sub.map_or("flexible", |sub| &sub.billing_mode) }, "canceled_at": s.canceled_at,
        "completed_at": s.completed_at, "created": s.created, "current_phase": current,
        "customer": s.customer, "customer_account": null,
        "default_settings": { "application_fee_percent": null, "billing_cycle_anchor": "automatic",
            "billing_thresholds": null, "collection_method": method, "default_payment_method": null,
            "description": null, "invoice_settings": { "account_tax_ids": null, "days_until_due": null,
                "issuer": { "type": "self" } }, "on_behalf_of": null, "transfer_data": null },
        "end_behavior": s.end_behavior, "livemode": false, "metadata": s.metadata, "phases": phases,
        "released_at": s.released_at,
        "released_subscription": s.released_at.map(|_| &s.subscription), "status": s.status,
        "subscription": s.released_at.is_none().then_some(&s.subscription), "test_clock": null,
    })
}

fn phase(sub: Option<&Subscription>, p: &Phase) -> Value {
    let item = |(price, quantity): &(String, i64)| {
        json!({ "billing_thresholds": null, "discounts": [], "metadata": {}, "plan": price, "price": price,
            "quantity": quantity, "tax_rates": [] })
    };
    json!({
        "add_invoice_items": [], "application_fee_percent": null, "billing_cycle_anchor": null,
        "collection_method": null, "currency": sub.map(|sub| sub.currency.clone()), "default_payment_method": null,
        "default_tax_rates": [], "description": null, "discounts": [], "end_date": p.end, "invoice_settings": null,
        "items": p.items.iter().map(item).collect::<Vec<_>>(), "metadata": {}, "on_behalf_of": null,
        "proration_behavior": p.proration, "start_date": p.start, "transfer_data": null, "trial_end": null,
    })
}
