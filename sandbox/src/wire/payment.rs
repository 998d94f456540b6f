//! Payment intents and charges.
use super::json::merged;
use crate::{objects::*, state::World};
use serde_json::{Value, json};

pub fn payment_intent(p: &Payment) -> Value {
    let paid = p.status == "succeeded";
    let error = p.message.as_ref().filter(|_| p.status == "requires_payment_method").map(|message| {
        json!({ "type": "card_error", "code": "card_declined", "decline_code": p.decline_code, "message": message })
    });
    json!({
        "id": p.id, "object": "payment_intent", "amount": p.amount, "amount_capturable": 0,
        "amount_details": { "tip": {} }, "amount_received": if paid { p.amount } else { 0 }, "application": null,
        "application_fee_amount": null, "automatic_payment_methods": null, "canceled_at": null,
        "cancellation_reason": null, "capture_method": "automatic",
        "client_secret": format!("{}_secret_sandbox", p.id), "confirmation_method": "automatic", "created": p.created,
        "currency": p.currency, "customer": p.customer, "customer_account": null, "description": "Subscription",
        "last_payment_error": error, "latest_charge": p.charge, "livemode": false, "metadata": {},
        "next_action": (p.status == "requires_action").then(|| json!({ "type": "use_stripe_sdk", "use_stripe_sdk": {} })),
        "on_behalf_of": null, "payment_method": p.payment_method, "payment_method_options": {},
        "payment_method_types": ["card"], "processing": null, "receipt_email": null, "review": null,
        "setup_future_usage": "off_session", "shipping": null, "source": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": p.status, "transfer_data": null, "transfer_group": null,
    })
}

pub fn charge(w: &World, p: &Payment) -> Value {
    let paid = p.status == "succeeded";
    let method = p.payment_method.as_ref().and_then(|id| w.payment_methods.get(id));
    let card = method.map(|m| {
        json!({ "brand": m.card.brand, "checks": { "address_line1_check": null, "address_postal_code_check": null,
                "cvc_check": "pass" }, "country": m.card.country, "exp_month": m.card.exp_month,
            "exp_year": m.card.exp_year, "funding": "credit", "last4": m.card.last4, "network": m.card.brand })
    });
    let money = json!({
        "id": p.charge, "object": "charge", "amount": p.amount, "amount_captured": if paid { p.amount } else { 0 },
        "amount_refunded": 0, "application": null, "application_fee": null, "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": method.map_or(json!({ "address": null, "email": null, "name": null, "phone": null }),
            |m| m.billing_details.clone()),
        "calculated_statement_descriptor": "SANDBOX", "captured": paid, "created": p.created, "currency": p.currency,
        "customer": p.customer, "description": "Subscription", "disputed": false, "failure_balance_transaction": null,
        "failure_code": p.decline_code.as_ref().map(|_| "card_declined"), "failure_message": p.message,
        "fraud_details": {}, "livemode": false, "metadata": {}, "on_behalf_of": null,
    });
    let rest = json!({
        "outcome": { "network_status": if paid { "approved_by_network" } else { "declined_by_network" },
            "reason": p.decline_code, "risk_level": "normal", "risk_score": 3,
            "seller_message": if paid { "Payment complete." } else { "The bank returned a decline." },
            "type": if paid { "authorized" } else { "issuer_declined" } },
        "paid": paid, "payment_intent": p.id, "payment_method": p.payment_method,
        "payment_method_details": { "type": "card", "card": card }, "receipt_email": null, "receipt_number": null,
        "receipt_url": null, "refunded": false, "review": null, "shipping": null, "source": null,
        "source_transfer": null, "statement_descriptor": null, "statement_descriptor_suffix": null,
        "status": if paid { "succeeded" } else { "failed" }, "transfer_data": null, "transfer_group": null,
    });
    merged([money, rest])
}
