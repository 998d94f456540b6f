//! Payment intents and charges.
use super::json::{merged, whole};
use crate::{objects::*, state::World};
use serde_json::{Value, json};

pub fn payment_intent(w: &World, p: &Payment) -> Value {
    let method = p.payment_method.as_ref().and_then(|id| w.payment_methods.get(id));
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
        "payment_method_types": [method.map_or("card", |m| &m.kind)], "processing": null, "receipt_email": null, "review": null,
        "setup_future_usage": "off_session", "shipping": null, "source": null, "statement_descriptor": null,
        "statement_descriptor_suffix": null, "status": p.status, "transfer_data": null, "transfer_group": null,
    })
}

fn card(card: &Card) -> Value {
    json!({ "brand": card.brand, "checks": { "address_line1_check": null, "address_postal_code_check": null,
            "cvc_check": "pass" }, "country": card.country, "exp_month": card.exp_month,
        "exp_year": card.exp_year, "funding": "credit", "last4": card.last4, "network": card.brand })
}

pub fn charge(w: &World, p: &Payment) -> Value {
    let paid = p.status == "succeeded";
    let method = p.payment_method.as_ref().and_then(|id| w.payment_methods.get(id));
    let mut details = json!({ "type": method.map_or("card", |m| &m.kind) });
    if let Some(m) = method {
        details[&m.kind] = m.card.as_ref().map_or_else(|| m.details.clone(), card);
    }
    let failed = p.status == "requires_payment_method";
    let money = json!({
        "id": p.charge, "object": "charge", "amount": p.amount, "amount_captured": if paid { p.amount } else { 0 },
        "amount_refunded": p.refunded, "application": null, "application_fee": null, "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": method.map_or(json!({ "address": null, "email": null, "name": null, "phone": null }),
            |m| m.billing_details.clone()),
        "calculated_statement_descriptor": "SANDBOX", "captured": paid, "created": p.created, "currency": p.currency,
        "customer": p.customer, "description": "Subscription", "disputed": false, "failure_balance_transaction": null,
        "failure_code": p.decline_code.as_ref().filter(|_| failed).map(|_| "card_declined"), "failure_message": p.message,
        "fraud_details": {}, "livemode": false, "metadata": {}, "on_behalf_of": null,
    });
    let rest = json!({
        "outcome": { "network_status": if paid { "approved_by_network" } else { "declined_by_network" },
            "reason": p.decline_code, "risk_level": "normal", "risk_score": 3,
            "seller_message": if paid { "Payment complete." } else { "The bank returned a decline." },
            "type": if paid { "authorized" } else { "issuer_declined" } },
        "paid": paid, "payment_intent": p.id, "payment_method": p.payment_method,
        "payment_method_details": details, "receipt_email": null, "receipt_number": null,
        "receipt_url": null, "refunded": paid && p.refunded == p.amount, "review": null, "shipping": null, "source": null,
        "source_transfer": null, "statement_descriptor": null, "statement_descriptor_suffix": null,
        "status": match p.status.as_str() { "succeeded" => "succeeded", "processing" => "pending", _ => "failed" }, "transfer_data": null, "transfer_group": null,
    });
    merged([money, rest])
}

pub fn refund(w: &World, r: &Refund) -> Value {
    let payment = w.payments.get(&r.payment);
    json!({
        "id": r.id, "object": "refund", "amount": r.amount, "balance_transaction": null,
        "charge": payment.and_then(|p| p.charge.as_ref()), "created": r.created, "currency": r.currency,
        "customer": payment.map(|p| &p.customer), "customer_account": null, "destination_details": null,
        "metadata": r.metadata, "payment_intent": r.payment,
        "payment_method": payment.and_then(|p| p.payment_method.as_ref()), "pending_reason": null,
        "reason": r.reason, "receipt_number": null, "source_transfer_reversal": null, "status": "succeeded",
        "transfer_reversal": null,
    })
}

pub fn credit_note(w: &World, n: &CreditNote) -> Value {
    let line = |line: &CreditLine| {
        json!({ "id": line.id, "object": "credit_note_line_item", "amount": line.amount,
            "description": line.description, "discount_amount": 0, "discount_amounts": [],
            "invoice_line_item": line.invoice_line, "livemode": false, "metadata": {}, "pretax_credit_amounts": [],
            "quantity": line.quantity, "tax_rates": [], "taxes": [],
            "type": if line.invoice_line.is_some() { "invoice_line_item" } else { "custom_line_item" },
            "unit_amount": null, "unit_amount_decimal": null })
    };
    let refund = n.refund.as_ref().and_then(|id| w.refunds.get(id));
    let refunds: Vec<Value> = refund
        .iter()
        .map(|it| json!({ "amount_refunded": it.amount, "payment_record_refund": null, "refund": it.id, "type": "refund" }))
        .collect();
    let lines = n.lines.iter().map(line).collect();
    let money = json!({
        "id": n.id, "object": "credit_note", "amount": n.amount, "amount_shipping": 0, "created": n.created,
        "currency": n.currency, "customer": n.customer, "customer_account": null,
        "customer_balance_transaction": n.balance_transaction, "discount_amount": 0, "discount_amounts": [],
        "effective_at": n.created, "invoice": n.invoice,
        "lines": whole(&format!("/v1/credit_notes/{}/lines", n.id), lines), "livemode": false, "memo": n.memo,
        "metadata": n.metadata, "number": n.number, "out_of_band_amount": n.out_of_band,
    });
    let rest = json!({
        "pdf": w.url(&format!("/i/credit/{}", n.id)), "post_payment_amount": n.amount - n.pre_payment,
        "pre_payment_amount": n.pre_payment, "pretax_credit_amounts": [], "reason": n.reason, "refunds": refunds,
        "shipping_cost": null, "status": n.status, "subtotal": n.amount, "subtotal_excluding_tax": n.amount,
        "total": n.amount, "total_excluding_tax": n.amount, "total_taxes": [],
        "type": if n.pre_payment > 0 { "pre_payment" } else { "post_payment" }, "voided_at": n.voided_at,
    });
    merged([money, rest])
}
