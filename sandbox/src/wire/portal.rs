//! Portal configurations and sessions.
use crate::{objects::*, state::World};
use serde_json::{Value, json};

pub fn portal_configuration(c: &PortalConfiguration) -> Value {
    json!({
        "id": c.id, "object": "billing_portal.configuration", "active": c.active, "application": null,
        "business_profile": { "headline": c.headline, "privacy_policy_url": c.privacy_policy_url,
            "terms_of_service_url": c.terms_of_service_url },
        "created": c.created, "default_return_url": c.default_return_url, "features": features(&c.features),
        "is_default": c.is_default, "livemode": false, "login_page": { "enabled": c.login_page, "url": null },
        "metadata": c.metadata, "name": c.name, "updated": c.updated,
    })
}

fn features(f: &Features) -> Value {
    let products: Vec<Value> = f
        .update_products
        .iter()
        .map(|p| {
            json!({ "adjustable_quantity": { "enabled": p.adjustable_quantity, "maximum": p.maximum, "minimum": p.minimum },
            "prices": p.prices, "product": p.product })
        })
        .collect();
    let conditions: Vec<Value> = f.update_at_period_end.iter().map(|kind| json!({ "type": kind })).collect();
    json!({
        "customer_update": { "allowed_updates": f.customer_allowed_updates, "enabled": f.customer_update },
        "invoice_history": { "enabled": f.invoice_history },
        "payment_method_update": { "enabled": f.payment_method_update, "payment_method_configuration": null },
        "subscription_cancel": {
            "cancellation_reason": { "enabled": f.cancel_reason, "options": f.cancel_reasons },
            "enabled": f.cancel, "mode": f.cancel_mode, "proration_behavior": f.cancel_proration,
        },
        "subscription_pause": { "enabled": f.pause },
        "subscription_update": {
            "billing_cycle_anchor": f.update_anchor, "default_allowed_updates": f.update_allowed,
            "enabled": f.update, "products": products, "proration_behavior": f.update_proration,
            "schedule_at_period_end": { "conditions": conditions }, "trial_update_behavior": f.update_trial,
        },
    })
}

pub fn portal_session(w: &World, s: &PortalSession) -> Value {
    json!({
        "id": s.id, "object": "billing_portal.session", "configuration": s.configuration, "created": s.created,
        "customer": s.customer, "customer_account": null, "flow": s.flow.as_ref().map(flow), "livemode": false,
        "locale": s.locale, "on_behalf_of": s.on_behalf_of, "return_url": s.return_url,
        "url": w.url(&format!("/p/session/{}", s.secret)),
    })
}

fn flow(f: &Flow) -> Value {
    let only = |kind: FlowKind, value: Value| if f.kind == kind { value } else { Value::Null };
    let retention = f
        .retention_coupon
        .as_ref()
        .map(|coupon| json!({ "type": "coupon_offer", "coupon_offer": { "coupon": coupon } }));
    let discounts = (f.coupon.is_some() || f.promotion_code.is_some())
        .then(|| json!([{ "coupon": f.coupon, "promotion_code": f.promotion_code }]));
    json!({
        "type": f.kind.as_str(),
        "after_completion": { "type": f.after,
            "redirect": f.after_url.as_ref().map(|url| json!({ "return_url": url })),
            "hosted_confirmation": (f.after == "hosted_confirmation")
                .then(|| json!({ "custom_message": f.after_message })) },
        "subscription_cancel": only(FlowKind::SubscriptionCancel,
            json!({ "subscription": f.subscription, "retention": retention })),
        "subscription_update": only(FlowKind::SubscriptionUpdate, json!({ "subscription": f.subscription })),
        "subscription_update_confirm": only(FlowKind::SubscriptionUpdateConfirm,
            json!({ "subscription": f.subscription, "discounts": discounts,
                "items": [{ "id": f.item, "price": f.price, "quantity": f.quantity }] })),
    })
}
