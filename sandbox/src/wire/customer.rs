//! Customers, payment methods, tax ids.
use super::whole;
use crate::{objects::*, state::World};
use serde_json::{Value, json};

pub fn customer(c: &Customer) -> Value {
    if c.deleted {
        return json!({ "id": c.id, "object": "customer", "deleted": true });
    }
    json!({
        "id": c.id, "object": "customer", "address": c.address, "balance": c.balance, "created": c.created,
        "currency": c.currency, "customer_account": null, "default_source": null, "delinquent": c.delinquent,
        "description": c.description, "discount": c.discount.as_ref().map(super::discount), "email": c.email,
        "invoice_credit_balance": c.currency.as_ref().map(|code| json!({ code: c.balance })).unwrap_or(json!({})),
        "invoice_prefix": c.invoice_prefix,
        "invoice_settings": { "custom_fields": null, "default_payment_method": c.default_payment_method,
            "footer": null, "rendering_options": null },
        "livemode": false, "metadata": c.metadata, "name": c.name, "next_invoice_sequence": c.invoices_numbered + 1,
        "phone": c.phone, "preferred_locales": c.preferred_locales, "shipping": c.shipping,
        "tax_exempt": c.tax_exempt, "test_clock": c.test_clock,
    })
}

pub fn subscriptions(w: &World, customer: &str) -> Value {
    let alive = w.subscriptions.iter().rev().filter(|s| s.customer == customer && s.is_alive());
    let data = alive.map(|s| super::subscription(w, s)).collect();
    whole(&format!("/v1/customers/{customer}/subscriptions"), data)
}

pub fn tax_ids(w: &World, customer: &str) -> Value {
    let data = w.tax_ids.iter().rev().filter(|t| t.customer == customer).map(tax_id).collect();
    whole(&format!("/v1/customers/{customer}/tax_ids"), data)
}

pub fn payment_method(m: &PaymentMethod) -> Value {
    let mut object = json!({
        "id": m.id, "object": "payment_method", "allow_redisplay": "always", "billing_details": m.billing_details,
        "created": m.created, "customer": m.customer, "customer_account": null, "livemode": false,
        "metadata": m.metadata, "type": m.kind,
    });
    object[&m.kind] = m.card.as_ref().map_or_else(|| m.details.clone(), card);
    object
}

fn card(card: &Card) -> Value {
    json!({
        "brand": card.brand, "checks": { "address_line1_check": null, "address_postal_code_check": null,
            "cvc_check": "pass" },
        "country": card.country, "display_brand": card.brand, "exp_month": card.exp_month,
        "exp_year": card.exp_year, "fingerprint": format!("sandbox{}", card.behaves_like), "funding": "credit",
        "generated_from": null, "last4": card.last4,
        "networks": { "available": [card.brand], "preferred": null }, "regulated_status": "unregulated",
        "three_d_secure_usage": { "supported": true }, "wallet": null,
    })
}

pub fn balance_transaction(t: &BalanceTransaction) -> Value {
    json!({
        "id": t.id, "object": "customer_balance_transaction", "amount": t.amount, "checkout_session": null,
        "created": t.created, "credit_note": t.credit_note, "currency": t.currency, "customer": t.customer,
        "customer_account": null, "description": t.description, "ending_balance": t.ending_balance,
        "invoice": t.invoice, "livemode": false, "metadata": t.metadata, "type": t.kind,
    })
}

pub fn tax_id(t: &TaxId) -> Value {
    json!({
        "id": t.id, "object": "tax_id", "country": t.country, "created": t.created, "customer": t.customer,
        "customer_account": null, "livemode": false, "owner": { "type": "customer", "customer": t.customer },
        "type": t.kind, "value": t.value,
        "verification": { "status": "unavailable", "verified_address": null, "verified_name": null },
    })
}
