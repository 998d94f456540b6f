//! Checkout sessions.
use super::{
    json::{merged, whole},
    price,
};
use crate::{money, objects::*, state::World};
use serde_json::{Value, json};

pub fn checkout_session(w: &World, s: &CheckoutSession) -> Value {
    let customer = s.customer.as_ref().and_then(|id| w.customers.get(id));
    let (subtotal, total) = money::checkout_amounts(w, s);
    let first = json!({
        "id": s.id, "object": "checkout.session", "adaptive_pricing": null, "after_expiration": null,
        "allow_promotion_codes": s.allow_promotion_codes, "amount_subtotal": subtotal, "amount_total": total,
        "automatic_tax": { "enabled": s.automatic_tax, "liability": null, "provider": null,
            "status": s.automatic_tax.then_some("complete") },
        "billing_address_collection": s.billing_address_collection, "cancel_url": s.cancel_url,
        "client_reference_id": s.client_reference_id, "client_secret": null, "collected_information": null,
        "consent": null, "consent_collection": null, "created": s.created, "currency": s.currency,
        "currency_conversion": null, "custom_fields": [],
        "custom_text": { "after_submit": null, "shipping_address": null, "submit": null,
            "terms_of_service_acceptance": null },
        "customer": s.customer, "customer_account": null,
        "customer_creation": if s.customer.is_some() && s.status != "complete" { Value::Null } else { json!("always") },
        "customer_details": customer.map(|c| json!({ "address": c.address, "email": c.email, "name": c.name,
            "phone": c.phone, "tax_exempt": c.tax_exempt, "tax_ids": [] })),
        "customer_email": s.customer_email, "expires_at": s.expires_at,
        "integration_identifier": s.integration_identifier, "invoice": s.invoice, "invoice_creation": null,
        "livemode": false, "locale": s.locale, "metadata": s.metadata, "mode": s.mode,
    });
    merged([first, rest(w, s, subtotal - total)])
}

fn rest(w: &World, s: &CheckoutSession, discount: i64) -> Value {
    let given = [(&s.coupon, "coupon"), (&s.promotion_code, "promotion_code")];
    let discounts: Vec<Value> = given
        .iter()
        .filter(|(id, _)| id.is_some())
        .take(1)
        .map(|_| json!({ "coupon": s.coupon, "promotion_code": s.promotion_code }))
        .collect();
    json!({
        "discounts": discounts, "origin_context": null, "payment_intent": null, "payment_link": null,
        "payment_method_collection": s.payment_method_collection, "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"], "payment_status": s.payment_status, "permissions": null,
        "phone_number_collection": { "enabled": false }, "recovered_from": null,
        "saved_payment_method_options": { "allow_redisplay_filters": ["always"], "payment_method_remove": null,
            "payment_method_save": null },
        "setup_intent": null, "shipping_address_collection": null, "shipping_cost": null, "shipping_options": [],
        "status": s.status, "submit_type": null, "subscription": s.subscription, "success_url": s.success_url,
        "tax_id_collection": { "enabled": s.tax_id_collection, "required": "never" },
        "total_details": { "amount_discount": discount, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page", "url": (s.status == "open").then(|| w.url(&format!("/c/pay/{}", s.page))),
        "wallet_options": null,
    })
}

pub fn line_items(w: &World, s: &CheckoutSession) -> Value {
    let data = s.line_items.iter().filter_map(|item| {
        let sold = w.prices.get(&item.price)?;
        let product = w.products.get(&sold.product)?;
        let amount = sold.cost(item.quantity);
        Some(json!({
            "id": item.id, "object": "item", "adjustable_quantity": null, "amount_discount": 0,
            "amount_subtotal": amount, "amount_tax": 0, "amount_total": amount, "currency": sold.currency,
            "description": product.name, "metadata": {}, "price": price(sold), "quantity": item.quantity,
        }))
    });
    whole(&format!("/v1/checkout/sessions/{}/line_items", s.id), data.collect())
}
