//! Invoices, their lines, and what waits for the next one.
use super::json::{merged, whole};
use crate::{
    objects::*,
    state::{DAY, World},
};
use serde_json::{Value, json};

pub fn invoice(w: &World, i: &Invoice) -> Value {
    let lines = i.lines.iter().map(|l| line(w, i, l)).collect();
    let lines = json!({ "lines": whole(&format!("/v1/invoices/{}/lines", i.id), lines) });
    merged([head(i), amounts(i), state(w, i), of_customer(w, i), lines])
}

fn head(i: &Invoice) -> Value {
    let discounts: Vec<&String> = i.discounts.iter().map(|d| &d.id).collect();
    json!({
        "id": i.id, "object": "invoice", "account_country": "US", "account_name": "Sandbox", "account_tax_ids": null,
        "application": null, "automatic_tax": { "disabled_reason": null, "enabled": false, "liability": null,
            "provider": null, "status": null },
        "billing_reason": i.billing_reason, "collection_method": i.collection_method, "created": i.created,
        "currency": i.currency, "custom_fields": null, "default_payment_method": null, "default_source": null,
        "default_tax_rates": [], "description": null, "discounts": discounts, "effective_at": i.finalized_at,
        "footer": null, "from_invoice": null, "issuer": { "type": "self" }, "last_finalization_error": null,
        "latest_revision": null, "livemode": false, "metadata": i.metadata, "number": i.number, "on_behalf_of": null,
        "parent": i.subscription.as_ref().map(|sub| json!({ "type": "subscription_details", "quote_details": null,
            "subscription_details": { "metadata": {}, "subscription": sub } })),
        "payment_settings": { "default_mandate": null, "payment_method_options": null, "payment_method_types": null },
        "period_end": i.period_end, "period_start": i.period_start, "receipt_number": null, "rendering": null,
        "shipping_cost": null, "shipping_details": null, "statement_descriptor": null, "test_clock": i.test_clock,
    })
}

fn amounts(i: &Invoice) -> Value {
    let of = |d: &Discount| {
        i.lines.iter().flat_map(|line| &line.off).filter(|(id, _)| *id == d.id).map(|(_, n)| n).sum()
    };
    let off: Vec<Value> = i
        .discounts
        .iter()
        .map(|d| {
            let off: i64 = of(d);
            json!({ "amount": off, "discount": d.id })
        })
        .collect();
    json!({
        "amount_due": i.amount_due(), "amount_overpaid": 0, "amount_paid": i.amount_paid,
        "amount_remaining": i.amount_remaining(), "amount_shipping": 0, "ending_balance": i.ending_balance,
        "post_payment_credit_notes_amount": i.post_credit, "pre_payment_credit_notes_amount": i.pre_credit,
        "amount_paid_off_stripe": i.paid_off_stripe,
        "starting_balance": i.starting_balance, "subtotal": i.subtotal(), "subtotal_excluding_tax": i.subtotal(),
        "total": i.total(), "total_discount_amounts": off, "total_excluding_tax": i.total(),
        "total_pretax_credit_amounts": [], "total_taxes": [],
    })
}

fn state(w: &World, i: &Invoice) -> Value {
    let page =
        |what: &str| i.finalized_at.map(|_| w.url(&format!("/i/{}{what}?s={}", i.page, link_ends(w.now()))));
    json!({
        "attempt_count": i.attempt_count, "attempted": i.attempted, "auto_advance": i.auto_advance,
        "automatically_finalizes_at": i.finalizes_at, "due_date": i.due_date, "hosted_invoice_url": page(""),
        "invoice_pdf": page("/pdf"), "next_payment_attempt": i.next_payment_attempt,
        "status": i.status,
        "status_transitions": { "finalized_at": i.finalized_at, "marked_uncollectible_at": i.uncollectible_at,
            "paid_at": i.paid_at, "voided_at": i.voided_at },
        "webhooks_delivered_at": i.finalized_at,
    })
}

/// Links to an invoice end after thirty days on the sandbox's clock; each look at it gives fresh ones. By the
/// day, so that an invoice does not look another by the second.
fn link_ends(now: i64) -> i64 {
    (now / DAY + 31) * DAY
}

fn of_customer(w: &World, i: &Invoice) -> Value {
    let c = w.customers.get(&i.customer);
    json!({
        "customer": i.customer, "customer_account": null, "customer_address": c.and_then(|c| c.address.as_ref()),
        "customer_email": c.and_then(|c| c.email.as_ref()), "customer_name": c.and_then(|c| c.name.as_ref()),
        "customer_phone": c.and_then(|c| c.phone.as_ref()),
        "customer_shipping": c.and_then(|c| c.shipping.as_ref()),
        "customer_tax_exempt": c.map(|c| &c.tax_exempt), "customer_tax_ids": [],
    })
}

fn line(w: &World, i: &Invoice, l: &Line) -> Value {
    let price = l.price.as_ref().and_then(|id| w.prices.get(id));
    let details = json!({ "invoice_item": l.invoice_item, "proration": l.proration,
        "proration_details": { "credited_items": null }, "subscription": i.subscription,
        "subscription_item": l.subscription_item });
    let parent = match (&l.invoice_item, &l.subscription_item) {
        (Some(_), _) => json!({ "type": "invoice_item_details", "invoice_item_details": details,
            "subscription_item_details": null }),
        (None, Some(_)) => json!({ "type": "subscription_item_details", "invoice_item_details": null,
            "subscription_item_details": details }),
        (None, None) => Value::Null,
    };
    json!({
        "id": l.id, "object": "line_item", "amount": l.amount, "currency": i.currency, "description": l.description,
        "discount_amounts": l.off.iter().map(|(id, off)| json!({ "amount": off, "discount": id })).collect::<Vec<_>>(),
        "discountable": !l.proration, "discounts": [], "invoice": Some(&i.id).filter(|id| !id.is_empty()), "livemode": false,
        "metadata": {}, "parent": parent, "period": { "start": l.period_start, "end": l.period_end },
        "pretax_credit_amounts": [],
        "pricing": price.map(|p| json!({ "type": "price_details", "unit_amount_decimal": p.to_wire_each(),
            "price_details": { "price": p.id, "product": p.product } })),
        "quantity": l.quantity, "subtotal": l.amount, "taxes": [],
    })
}

pub fn payments(w: &World, i: &Invoice) -> Value {
    let of = w.payments.iter().filter(|p| p.invoice.as_deref() == Some(&i.id));
    let mut data: Vec<Value> = of.map(|p| invoice_payment(i, p)).collect();
    if i.paid_off_stripe > 0 {
        let record = json!({ "type": "payment_record", "payment_record": format!("prec_{}", i.id.trim_start_matches("in_")) });
        let (name, paid) = (i.id.trim_start_matches("in_"), Some(i.paid_off_stripe));
        data.push(one_payment(i, name, paid, i.paid_off_stripe, i.paid_at, record, true));
    }
    whole(&format!("/v1/invoice_payments?invoice={}", i.id), data)
}

pub fn invoice_payment(i: &Invoice, p: &Payment) -> Value {
    let paid = (p.status == "succeeded").then_some(p.amount);
    let intent = json!({ "type": "payment_intent", "payment_intent": p.id });
    let is_default = i.payment.as_deref() == Some(&p.id);
    one_payment(i, p.id.trim_start_matches("pi_"), paid, p.amount, Some(p.created), intent, is_default)
}

fn one_payment(
    i: &Invoice,
    name: &str,
    paid: Option<i64>,
    requested: i64,
    at: Option<i64>,
    payment: Value,
    is_default: bool,
) -> Value {
    json!({
        "id": format!("inpay_{name}"), "object": "invoice_payment", "amount_paid": paid, "amount_requested": requested,
        "created": at.unwrap_or(i.created), "currency": i.currency, "invoice": i.id, "is_default": is_default,
        "livemode": false, "payment": payment, "status": if paid.is_some() { "paid" } else { "open" },
        "status_transitions": { "canceled_at": null, "paid_at": at.filter(|_| paid.is_some()) },
    })
}

pub fn invoice_item(w: &World, it: &InvoiceItem) -> Value {
    let l = &it.line;
    let price = l.price.as_ref().and_then(|id| w.prices.get(id));
    json!({
        "id": it.id, "object": "invoiceitem", "amount": l.amount, "currency": it.currency, "customer": it.customer,
        "customer_account": null, "date": it.created, "description": l.description, "discountable": false,
        "discounts": [], "invoice": it.invoice, "livemode": false, "metadata": {}, "net_amount": l.amount,
        "parent": it.subscription.as_ref().map(|sub| json!({ "type": "subscription_details",
            "subscription_details": { "subscription": sub, "subscription_item": l.subscription_item } })),
        "period": { "start": l.period_start, "end": l.period_end },
        "pricing": price.map(|p| json!({ "type": "price_details", "unit_amount_decimal": p.to_wire_each(),
            "price_details": { "price": p.id, "product": p.product } })),
        "proration": l.proration, "quantity": l.quantity, "quantity_decimal": l.quantity.to_string(),
        "tax_rates": [], "test_clock": null,
    })
}
